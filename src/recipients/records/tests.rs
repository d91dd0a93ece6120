//! Tests of the record reader, held against the csv crate's.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

/// Gives one byte a read, as a slow pipe may.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let take = self.0.len().min(1);
        self.0.read(&mut buffer[..take])
    }
}

type Lines = Vec<(u64, Vec<String>)>;

fn read_with(bytes: &[u8], chunk: usize) -> Result<Lines, Fault> {
    let mut records = Records::with_sizes(Drip(bytes), b',', chunk, 1 << 12);
    let mut lines = Vec::new();
    while let Some(record) = records.next(usize::MAX)? {
        assert_eq!(record.count, record.fields.len());
        lines.push((
            record.line,
            record.fields.iter().map(str::to_owned).collect(),
        ));
    }
    Ok(lines)
}

fn read(text: &str) -> Lines {
    read_with(text.as_bytes(), 8).unwrap()
}

fn lines(expected: &[(u64, &[&str])]) -> Lines {
    let owned = |fields: &[&str]| fields.iter().map(|&field| field.to_owned()).collect();
    expected
        .iter()
        .map(|(line, fields)| (*line, owned(fields)))
        .collect()
}

#[test]
fn every_line_end_counts_once() {
    for (end, name) in [("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR")] {
        let text = "a,b|1,\"x|y\"||2,z".replace('|', end);
        let inside = format!("x{end}y");
        let expected = lines(&[(1, &["a", "b"]), (2, &["1", &inside]), (5, &["2", "z"])]);
        assert_eq!(read(&text), expected, "{name}");
    }
}

#[test]
fn the_last_line_needs_no_end() {
    assert_eq!(read("a"), lines(&[(1, &["a"])]));
    assert_eq!(read("a,"), lines(&[(1, &["a", ""])]));
    assert_eq!(read("a\n\"\""), lines(&[(1, &["a"]), (2, &[""])]));
    assert_eq!(read("a\r"), lines(&[(1, &["a"])]));
    assert_eq!(read("a\n\n\r\n\r"), lines(&[(1, &["a"])]));
    assert_eq!(read(""), lines(&[]));
    assert_eq!(read("\n\r\n"), lines(&[]));
}

#[test]
fn quotes_come_off() {
    assert_eq!(
        read(r#""a ""b"" c",d"e,"f"  ,"""","#),
        lines(&[(1, &["a \"b\" c", "d\"e", "f  ", "\"", ""])])
    );
}

#[test]
fn a_byte_order_mark_is_dropped_once() {
    assert_eq!(
        read("\u{feff}a\n\u{feff}b\n"),
        lines(&[(1, &["a"]), (2, &["\u{feff}b"])])
    );
    assert_eq!(read("\u{feff}"), lines(&[]));
    assert_eq!(read("\u{feff}\"a\"\n"), lines(&[(1, &["a"])]));
}

#[test]
fn an_unclosed_quote_is_told_with_the_line_its_record_begins_on() {
    for text in ["a\r\n\r\nb,\"c\r\nd\r\n", "a\r\n\r\nb,\"c\"\"", "\n\na,\""] {
        let fault = read_with(text.as_bytes(), 8).unwrap_err();
        assert!(
            matches!(fault, Fault::Unclosed { line: 3 }),
            "{text:?}: {fault:?}"
        );
    }
}

#[test]
fn text_after_a_closing_quote_is_told_with_the_line_its_record_begins_on() {
    for text in [
        "a\n1,\"b\nc\"d",
        "a\n1,\"b\nc\" d\"\n",
        "a\n1,\"b\n2,\"c\"\n",
    ] {
        let fault = read_with(text.as_bytes(), 8).unwrap_err();
        assert!(
            matches!(fault, Fault::Stray { line: 2, field: 1 }),
            "{text:?}: {fault:?}"
        );
    }
}

#[test]
fn a_record_longer_than_allowed_is_told() {
    let text = format!("a\n\"{}", "x\n".repeat(1 << 12));
    let fault = read_with(text.as_bytes(), 8).unwrap_err();
    assert!(matches!(fault, Fault::TooLong { line: 2 }), "{fault:?}");
    let text = format!("a\n{}\n", "x".repeat((1 << 12) - 2));
    assert_eq!(read(&text)[1].1[0].len(), (1 << 12) - 2);
}

#[test]
fn a_byte_that_is_no_utf8_is_told_where_it_is() {
    let fault = read_with(b"\xef\xbb\xbfa,b,c\r\n1,\"x\r\n\xe9\",3\r\n", 8).unwrap_err();
    assert!(
        matches!(
            fault,
            Fault::Misfit {
                line: 3,
                offset: 16,
                field: Some(1)
            }
        ),
        "{fault:?}"
    );
    let fault = read_with(b"a\n\xff,", 8).unwrap_err();
    assert!(
        matches!(
            fault,
            Fault::Misfit {
                line: 2,
                offset: 2,
                field: Some(0)
            }
        ),
        "{fault:?}"
    );
    let fault = read_with("a\né".as_bytes()[..3].as_ref(), 8).unwrap_err();
    assert!(
        matches!(
            fault,
            Fault::Misfit {
                line: 2,
                offset: 2,
                field: Some(0)
            }
        ),
        "{fault:?}"
    );
}

#[test]
fn fields_past_those_asked_for_are_counted_and_dropped() {
    let mut records = Records::new(&b"a,b,c\n"[..], b',');
    let record = records.next(2).unwrap().unwrap();
    assert_eq!(
        (record.count, record.fields),
        (3, StringRecord::from(vec!["a", "b"]))
    );
}

#[test]
fn a_failing_source_is_told() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let mut records = Records::new((&b"a\n"[..]).chain(Broken), b',');
    assert!(
        records.next(1).unwrap().is_some(),
        "what came before is read"
    );
    let fault = records.next(1).unwrap_err();
    assert!(matches!(fault, Fault::Io(error) if error.to_string() == "the disk is gone"));
}

/// What the csv crate makes of the same bytes.
fn by_the_csv_crate(text: &str) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .into_records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

proptest! {
    #[test]
    fn the_records_are_those_of_the_csv_crate(text in "[ab,\"\r\né ]{0,60}", chunk in 3usize..40) {
        match read_with(text.as_bytes(), chunk) {
            Ok(lines) => {
                let records: Vec<_> = lines.into_iter().map(|(_, fields)| fields).collect();
                prop_assert_eq!(records, by_the_csv_crate(&text));
            }
            Err(Fault::Stray { .. }) => {
                let stray = |(quote, _)| {
                    let after = &text[quote + 1..];
                    let rest = after.trim_start_matches(' ');
                    rest.starts_with(['a', 'b', 'é']) || (rest.len() < after.len() && rest.starts_with('"'))
                };
                prop_assert!(text.match_indices('"').any(stray), "{:?}", text);
            }
            // With the quote closed, it is a list again.
            Err(Fault::Unclosed { .. }) => {
                let closed = text + "\"";
                prop_assert!(read_with(closed.as_bytes(), chunk).is_ok());
            }
            Err(fault) => prop_assert!(false, "{:?}", fault),
        }
    }

    #[test]
    fn what_is_written_is_read_with_its_lines(
        rows in prop::collection::vec(
            (prop::collection::vec("[a,\"\r\né ]{0,6}", 1..4), 0usize..3, prop::sample::select(vec!["\n", "\r\n"])),
            0..12,
        ),
        chunk in 3usize..40,
    ) {
        let (mut text, mut line, mut expected) = (String::new(), 1, Vec::new());
        for (fields, blank, end) in rows {
            text.push_str(&end.repeat(blank));
            line += blank as u64;
            let quoted: Vec<_> = fields.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            text.push_str(&quoted.join(","));
            text.push_str(end);
            let breaks: usize = fields.iter().map(|field| field.replace("\r\n", "\n").matches(['\r', '\n']).count()).sum();
            expected.push((line, fields));
            line += 1 + breaks as u64;
        }
        prop_assert_eq!(read_with(text.as_bytes(), chunk).unwrap(), expected);
    }
}
