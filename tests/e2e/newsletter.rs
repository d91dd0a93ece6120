//! The newsletter that comes with mailrun, sent into the sandbox, and read as its readers would.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::evidence::{counts, entries, steady};
use super::support::{Folder, Ran, run};

/// The newsletter in a folder of its own, with none of what sending leaves.
fn newsletter() -> Folder {
    let folder = Folder::empty();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns/newsletter");
    copy(&source, &folder.path);
    folder
}

fn copy(from: &Path, to: &Path) {
    for name in entries(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_file() {
            fs::copy(from, to).unwrap();
        } else if name != "runs" && name != "sandbox" {
            fs::create_dir(&to).unwrap();
            copy(&from, &to);
        }
    }
}

/// Every file of the Maildir with its content.
fn maildir(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    let new = folder.path.join("sandbox/new");
    let names = entries(&new).into_iter();
    names
        .map(|name| (name.clone(), fs::read(new.join(&name)).unwrap()))
        .collect()
}

/// What Python's parser makes of the Maildir, held against the list.
fn check_maildir(folder: &Folder) -> Ran {
    let output = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/check_maildir.py"))
        .arg(folder.path.join("sandbox"))
        .arg(folder.path.join("recipients.csv"))
        .arg("The Leonids are coming, {first_name}")
        .output()
        .expect("python3 reads the messages: install it (Debian: apt-get install python3)");
    output.into()
}

#[test]
fn a_hundred_of_a_hundred_readable_and_sent_once() {
    let folder = newsletter();
    let first = run(&folder, &["send", "campaign", "--sandbox", "--json"]);
    assert_eq!(first.status, 0, "{first:?}");
    assert_eq!(counts(&first), "accepted 100");
    assert_eq!(first.json()["run"], "2026-11");
    assert_eq!(first.json()["stopped"], serde_json::Value::Null);
    assert_eq!(
        steady(&first.stderr),
        "the messages are in campaign/sandbox\n100 of 100 accepted in T\n"
    );

    let sent = maildir(&folder);
    assert_eq!(sent.len(), 100);
    let check = check_maildir(&folder);
    assert_eq!(check.stderr, "");
    assert_eq!(
        check.stdout,
        "100 messages, 100 Message-IDs, 100 recipients\n"
    );
    assert_eq!(check.status, 0);

    let ledger = folder.read("runs/2026-11.sandbox.jsonl");
    let second = run(&folder, &["send", "campaign", "--sandbox", "--json"]);
    assert_eq!(second.status, 0, "{second:?}");
    assert_eq!(
        second.stderr,
        "nothing to send in run \"2026-11\": 100 of 100 accepted. To mail everyone again, name a new run with --run\n"
    );
    assert_eq!(counts(&second), "accepted 100");
    assert_eq!(maildir(&folder), sent);
    assert_eq!(folder.read("runs/2026-11.sandbox.jsonl"), ledger);
    assert_eq!(
        entries(&folder.path.join("runs")),
        ["2026-11.sandbox.jsonl"]
    );
}

#[test]
fn the_check_of_the_maildir_sees_what_is_wrong() {
    let folder = newsletter();
    let list = folder.read("recipients.csv");
    let one: Vec<_> = list.lines().take(2).collect();
    folder.write("recipients.csv", one.join("\n"));
    let sent = run(&folder, &["send", "campaign", "--sandbox", "-q"]);
    assert_eq!((sent.status, sent.stderr.as_str()), (0, ""));
    let (name, content) = maildir(&folder).pop_first().unwrap();
    let content = String::from_utf8(content).unwrap();
    for (from, to, wrong) in [
        (
            "coming, Anna",
            "coming, Bob",
            "its subject is 'The Leonids are coming, Bob'",
        ),
        (
            "Anna Bergmann <",
            "Anna Berg <",
            "To names 'Anna Berg', not 'Anna Bergmann'",
        ),
        (
            "\r\nTo: ",
            "\r\nBcc: evil@x.example\r\nTo: ",
            "has a field Bcc",
        ),
        ("multipart/alternative", "multipart/", "Defect("),
        (
            "Liebe Anna",
            "Liebe Eva",
            "its text/plain part lacks the greeting 'Liebe Anna'",
        ),
        (
            "\r\nTo: ",
            "\nTo: ",
            "has a CR or LF that is not part of a CRLF",
        ),
    ] {
        let damaged = content.replacen(from, to, 1);
        assert_ne!(damaged, content, "{from}");
        fs::write(folder.path.join("sandbox/new").join(&name), damaged).unwrap();
        let check = check_maildir(&folder);
        assert_eq!(check.status, 1, "{check:?}");
        assert!(check.stderr.contains(wrong), "{wrong}: {check:?}");
    }
}
