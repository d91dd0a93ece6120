//! Whatever a file holds: an answer, the same each time, and no panic.

use std::fs;

use proptest::prelude::*;

use super::outcome;
use crate::campaign::ListSettings;

/// Bytes that mean something to some reader, and any others.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        &b"email"[..],
        b"email,name\n",
        b"a@x.example",
        b",",
        b";",
        b"\t",
        b"|",
        b"\"",
        b"\n",
        b"\r\n",
        b"\r",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"{\"email\":\"a@x.example\"}\n",
        b"\\ud800",
        b"null",
        b"1e999",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\0",
        b"e\0m\0",
        b"\x1f\x8b\x08\0",
        b"PK\x03\x04",
        b"sep=;\n",
        b"\xce\xe4",
        b"\xc3\xab",
        b"\x81",
        b"\xe7\x8e",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_file_is_a_list_or_an_error(
        pieces in prop::collection::vec(piece(), 0..24),
        name in prop::sample::select(vec!["a.csv", "a.tsv", "a.jsonl", "a.xlsx", "a.ods", "a.csv.gz", "a.jsonl.gz", "a"]),
        header in any::<bool>(),
        grouped in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(name);
        let start = if header { &b"email,name\n"[..] } else { b"" };
        fs::write(&file, [start, &pieces.concat()].concat()).unwrap();
        let mut settings = ListSettings::new(&file);
        settings.group_by = grouped.then(|| "email".to_owned());
        let lines = outcome(&settings, dir.path());
        let errors = lines.iter().filter(|line| line.starts_with("error: ")).count();
        prop_assert!(errors <= 1);
        // What is said is fit for a terminal.
        let said = lines.iter().filter(|line| line.starts_with("error: ") || line.starts_with("note: "));
        for line in said {
            prop_assert!(!line.chars().any(char::is_control), "{:?}", line);
        }
    }
}
