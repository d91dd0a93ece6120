//! Errors about files, syntax, names and what is missing, each with its place and whole text.

use std::fs;

use super::*;

#[test]
fn syntax_and_names() {
    for (toml, expected) in [
        ("name = ", "1:8: a value is missing"),
        ("name = November", "1:8: a string must be in quotes"),
        ("url = smtp://u:secret@x", "1:7: a string must be in quotes"),
        ("give_up = 30s", "1:11: a string must be in quotes"),
        ("\n[message\n", "2:9: unclosed table, expected `]`"),
        ("name = 'a'\nname = 'b'", "2:1: name is there twice"),
        ("[vars]\n[vars]", "2:2: vars is there twice"),
        (
            "name = 'ä' x",
            "1:12: unexpected key or value, expected newline, `#`",
        ),
        (
            "# ünï\nname = \"a\nb\"",
            "2:10: invalid basic string, expected `\"`",
        ),
        (
            "from: x",
            "1:5: invalid unquoted key, expected letters, numbers, `-`, `_`",
        ),
        (
            "[recipients]\n\nadress = 'a'",
            r#"3:1: unknown key "adress" in [recipients]; did you mean "address"?"#,
        ),
        (
            "\u{feff}vars.'é' = 1\n  nme = 'a'",
            r#"2:3: unknown key "nme"; did you mean "name"?"#,
        ),
        (
            "[message]\r\n  inlinecss = true",
            r#"2:3: unknown key "inlinecss" in [message]; did you mean "inline_css"?"#,
        ),
    ] {
        assert_eq!(error(toml), format!("c/campaign.toml:{expected}"), "{toml}");
    }
}

#[test]
fn bytes_that_are_no_text() {
    assert_eq!(
        error(b"name = 'a'\n# \xc3\xa4\xe4"),
        "c/campaign.toml:2:4: this byte is not UTF-8; save the file as UTF-8"
    );
    assert_eq!(
        error(b"\xff\xfen\0"),
        "c/campaign.toml:1:1: this byte is not UTF-8; save the file as UTF-8"
    );
}

#[test]
fn what_must_be_there() {
    let from = r#""from" in [message] is missing; write from = "ACME News <news@acme.example>""#;
    let subject = r#""subject" in [message] is missing; write subject = "{{first_name}}, your November digest""#;
    for (toml, expected) in [
        ("", format!("1:1: {from}")),
        (
            "\nrun = 'a'\n\n[message]\nsubject = 's'",
            format!("4:1: {from}"),
        ),
        (
            "\n\nmessage.from = 'a@b.example'",
            format!("3:1: {subject}"),
        ),
        (
            "run = 'a'\n[message]\nfrom = 'a@b.example'",
            format!("2:1: {subject}"),
        ),
        (
            "[message]\nfrom = 'a@b.example'\nsubject = ' '",
            r#"3:11: "subject" in [message] is empty"#.to_owned(),
        ),
    ] {
        assert_eq!(error(toml), format!("c/campaign.toml:{expected}"), "{toml}");
    }
}

#[test]
fn names() {
    for (toml, expected) in [
        (
            "name = 1",
            r#"1:8: "name" must be a string, in quotes, not a number"#,
        ),
        (
            r#"name = "a\u001bb""#,
            r#"1:8: "name" has a control character; leave it out"#,
        ),
        ("name = ''", r#"1:8: "name" is empty"#),
        (
            "run = 2026-11-20",
            r#"1:7: "run" must be a string, in quotes, not a date"#,
        ),
        (
            "run = '../x'",
            r#"1:7: a run's name has only letters, digits, ".", "_" and "-", not '/'"#,
        ),
        ("run = ''", "1:7: a run's name cannot be empty"),
    ] {
        assert_eq!(error(toml), format!("c/campaign.toml:{expected}"), "{toml}");
    }
}

#[test]
fn folders_that_are_no_campaign() {
    let dir = tempfile::tempdir().unwrap();
    let load = |name: &str| said(dir.path(), Campaign::load(&dir.path().join(name)));
    let missing = "there is no such campaign; give the folder that has the campaign.toml";
    assert_eq!(load("gone"), format!("c/gone: {missing}"));
    assert_eq!(
        load("gone/campaign.toml"),
        format!("c/gone/campaign.toml: {missing}")
    );
    fs::create_dir_all(dir.path().join("empty")).unwrap();
    assert_eq!(
        load("empty"),
        "c/empty: this folder has no campaign.toml, which would make it a campaign; write one, or give another folder"
    );
    fs::create_dir_all(dir.path().join("odd/campaign.toml")).unwrap();
    let folder = "c/odd/campaign.toml: this is a folder; the settings must be a file";
    assert_eq!(load("odd"), folder);
    assert_eq!(load("odd/campaign.toml"), folder);
    fs::write(dir.path().join("list.csv"), "").unwrap();
    assert_eq!(
        load("list.csv"),
        "c/list.csv: this is not a campaign; give a campaign folder, or the campaign.toml in it"
    );
}
