//! What mailrun says when it cannot begin, or cannot mail a row: the whole text, the exit status, and that nothing
//! was sent that should not have been.

use std::fs::{self, File};

use super::evidence::steady;
use super::support::{Folder, received, run, sandbox, send};

/// Two recipients, and nothing wrong.
fn folder() -> Folder {
    Folder::with_rows([("ann@x.example", "Ann"), ("bob@x.example", "Bob")])
}

/// Runs `send` on a folder that `break_it` has changed, and expects status 1, this text, no connection and no ledger.
#[track_caller]
fn refused(break_it: impl FnOnce(&Folder), args: &[&str], text: &str) {
    let (folder, sandbox) = (folder(), sandbox());
    break_it(&folder);
    let ran = send(&folder, &sandbox, args);
    assert_eq!(ran.stderr, format!("mailrun: {text}\n"));
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert_eq!(sandbox.stats().connections, 0);
    let ledger = folder.path.join("runs/r.jsonl");
    assert!(!ledger.exists(), "{ran:?}");
}

/// `campaign.toml` in which `from` was replaced.
fn settings(folder: &Folder, from: &str, to: &str) {
    let text = folder.read("campaign.toml");
    assert!(text.contains(from), "{from}");
    folder.write("campaign.toml", text.replace(from, to));
}

fn remove(folder: &Folder, name: &str) {
    fs::remove_file(folder.path.join(name)).unwrap();
}

#[test]
fn a_row_that_cannot_be_mailed_does_not_stop_the_others() {
    for (list, settings, text) in [
        (
            "email,name\nbob x.example,Bob\nann@x.example,Ann\n",
            "",
            "campaign/recipients.csv:2: row 1, column \"email\": no @ in the address; correct it, as in jane@x.example\n\
             1 of 2 accepted, 1 invalid in T\n",
        ),
        (
            "email,name\nann@x.example,Ann\nbob@x.example, \n",
            "[recipients]\nrequired = [\"name\"]",
            "campaign/recipients.csv:3: row 2, column \"name\": the cell is empty, and the column is required; fill it in\n\
             1 of 2 accepted, 1 invalid in T\n",
        ),
        (
            "email,name\nbob@x.example\nann@x.example,Ann\neve@x.example,Eve, the first\n",
            "",
            "campaign/recipients.csv:2: row 1: 1 field, but the header has 2 columns; add what is missing, a comma for \
             each empty field\n\
             campaign/recipients.csv:4: row 3: 3 fields, but the header has 2 columns; put quotes (\") around a field that \
             holds a comma\n\
             1 of 3 accepted, 2 invalid in T\n",
        ),
    ] {
        let (folder, sandbox) = (folder(), sandbox());
        folder.write("recipients.csv", list);
        folder.configure(settings);
        let ran = send(&folder, &sandbox, &[]);
        assert_eq!(steady(&ran.stderr), text);
        assert_eq!((ran.status, ran.stdout.as_str()), (3, ""));
        assert_eq!(
            received(&sandbox),
            [("ann@x.example".to_owned(), 1)].into(),
            "{list}"
        );
    }
}

#[test]
fn rows_beyond_the_first_five_are_counted() {
    let rows: Vec<_> = (1..=7).map(|n| (format!("r{n}"), "Ann")).collect();
    let folder = Folder::with_rows(rows.iter().map(|(email, name)| (email.as_str(), *name)));
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &[]);
    let mut text = String::new();
    for row in 1..=5 {
        text.push_str(&format!(
            "campaign/recipients.csv:{}: row {row}, column \"email\": no @ in the address; correct it, as in jane@x.example\n",
            row + 1
        ));
    }
    text.push_str(
        "2 rows more cannot be mailed; see: mailrun results campaign --run r --state invalid\n",
    );
    text.push_str("0 of 7 accepted, 7 invalid in T\n");
    assert_eq!(steady(&ran.stderr), text);
    assert_eq!((ran.status, sandbox.stats().connections), (3, 0));
}

#[test]
fn names_and_syntax_in_templates() {
    for (template, text) in [
        (
            "Dear {{nmae}},",
            ":1:6: no column or variable \"nmae\"; did you mean \"name\"?",
        ),
        ("Dear\n{{zebra}},", ":2:1: no column or variable \"zebra\""),
        ("{{> footer}}", ":1:1: there is no partials/footer.hbs"),
        (
            "{{uppr name}}",
            ":1:1: there is no helper \"uppr\"; did you mean \"upper\"?",
        ),
        (
            "Dear {{name",
            ":1:6: this {{ is not closed: its }} is missing",
        ),
        ("Dear {{name},", ":1:12: expected a value or }}"),
        (
            "{{#if name}}x",
            ":1:1: this block is not closed: its {{/if}} is missing",
        ),
        ("x{{/if}}", ":1:4: this closes a block that was not opened"),
        (
            "{{#each name}}{{/if}}",
            ":1:15: helper \"each\" was opened, but \"if\" is closing",
        ),
    ] {
        refused(
            |folder| folder.write("message.txt.hbs", template),
            &[],
            &format!("campaign/message.txt.hbs{text}"),
        );
    }
    refused(
        |folder| folder.write("message.txt.hbs", b"Dear\nJ\xfcrgen"),
        &[],
        "campaign/message.txt.hbs:2: not UTF-8; save the template as UTF-8",
    );
    refused(
        |folder| settings(folder, "{{name}}", "{{nmae}}"),
        &[],
        "campaign.toml: subject:1:7: no column or variable \"nmae\"; did you mean \"name\"?",
    );
    refused(
        |folder| {
            folder.write("partials/header.hbs", "{{name}}\n{{nmae}}");
            folder.write("message.txt.hbs", "{{> haeder}}");
        },
        &[],
        "campaign/message.txt.hbs:1:1: there is no partials/haeder.hbs; did you mean \"header\"?",
    );
    refused(
        |folder| {
            folder.write("partials/header.hbs", "{{name}}\n{{nmae}}");
            folder.write("message.txt.hbs", "{{> header}}");
        },
        &[],
        "campaign/partials/header.hbs:2:1: no column or variable \"nmae\"; did you mean \"name\"?",
    );
}

#[test]
fn settings_that_are_wrong_or_not_there_yet() {
    for (from, to, text) in [
        (
            "[delivery]",
            "[recipients]\nadress = \"e-mail\"\n\n[delivery]",
            ":10:1: unknown key \"adress\" in [recipients]; did you mean \"address\"?",
        ),
        (
            "name = \"Test\"",
            "nmae = \"Test\"",
            ":2:1: unknown key \"nmae\"; did you mean \"name\"?",
        ),
        (
            "[delivery]",
            "[dkim]\ndomain = \"acme.example\"\n\n[delivery]",
            ":9:1: \"selector\" in [[dkim]] is missing; write selector = \"s2026\"",
        ),
        ("run = \"r\"", "run = r", ":3:7: a string must be in quotes"),
        (
            "run = \"r\"",
            "run = \"a b\"",
            ":3:7: a run's name has only letters, digits, \".\", \"_\" and \"-\", not ' '",
        ),
        (
            "subject = \"Hello {{name}}\"",
            "",
            ":5:1: \"subject\" in [message] is missing; write subject = \"{{first_name}}, your November digest\"",
        ),
        (
            "ACME News <news@acme.example>",
            "ACME News",
            ":6:8: \"from\" in [message] must be one address, such as \"ACME News <news@acme.example>\", not \"ACME News\"",
        ),
        (
            "give_up = \"2s\"",
            "give_up = 2",
            ":12:11: \"give_up\" in [delivery] must be a duration such as \"30s\", in quotes, not a number",
        ),
    ] {
        refused(
            |folder| settings(folder, from, to),
            &[],
            &format!("campaign/campaign.toml{text}"),
        );
    }
    refused(
        |folder| {
            let mut bytes = folder.read("campaign.toml").into_bytes();
            bytes.splice(0..0, *b"# J\xfcrgen");
            folder.write("campaign.toml", bytes);
        },
        &[],
        "campaign/campaign.toml:1:4: this byte is not UTF-8; save the file as UTF-8",
    );
}

#[test]
fn files_that_are_missing() {
    refused(
        |folder| remove(folder, "recipients.csv"),
        &[],
        "campaign/campaign.toml:1:1: there is no list \"campaign/recipients.csv\"; put it there, or name another one with \
         \"file\" in [recipients]",
    );
    refused(
        |folder| folder.configure("[recipients]\nfile = \"list.csv\""),
        &[],
        "campaign/campaign.toml:15:8: there is no list \"campaign/list.csv\"; put it there",
    );
    refused(
        |_| {},
        &["--recipients", "other.csv"],
        "other.csv: there is no list \"other.csv\"; put it there",
    );
    refused(
        |folder| remove(folder, "message.txt.hbs"),
        &[],
        "campaign/campaign.toml:5:1: there is no template; write \"campaign/message.txt.hbs\", or name one with \"text\" in \
         [message]",
    );
    refused(
        |folder| settings(folder, "[delivery]", "text = \"other.txt.hbs\"\n[delivery]"),
        &[],
        "campaign/campaign.toml:9:8: there is no template \"campaign/other.txt.hbs\"; write it",
    );
    refused(
        |folder| remove(folder, "campaign.toml"),
        &[],
        "campaign: this folder has no campaign.toml, which would make it a campaign; write one, or give another folder",
    );
    refused(
        |folder| fs::remove_dir_all(&folder.path).unwrap(),
        &[],
        "campaign: there is no such campaign; give the folder that has the campaign.toml",
    );
    let ran = run(&folder(), &["send", "campaign/recipients.csv", "--sandbox"]);
    assert_eq!(
        ran.stderr,
        "mailrun: campaign/recipients.csv: this is not a campaign; give a campaign folder, or the campaign.toml in it\n"
    );
    assert_eq!(ran.status, 1);
}

#[test]
fn lists_that_cannot_be_read_to_their_end() {
    for (list, text) in [
        (
            &b"email,name\nann@x.example,\"Ann\nbob@x.example,Bob\n"[..],
            ", row 1 (line 2): a quote (\") is opened here and never closed; close it, or double each quote that belongs to \
             the text (\"\")",
        ),
        (
            b"email,name\nann@x.example,Ann\nbob@x.example,\"Bob\" B\n",
            ", row 2 (line 3), column \"name\": text after a closing quote (\"); either a quote is opened here and never \
             closed, or one belongs to the text and must be doubled (\"\")",
        ),
        (
            b"email,name\nann@x.example,Ann\njuergen@x.example,J\xfcrgen\n",
            ", row 2 (line 3), column \"name\": the byte at offset 48 of the file is not UTF-8; save the list as UTF-8 \
             (spreadsheets call it \"CSV UTF-8\"), or set encoding = \"...\" under [recipients]",
        ),
        (
            b"",
            ": the list is empty; its first line must name the columns, such as: email,name",
        ),
        (
            b"mail,name\nann@x.example,Ann\n",
            ", header (line 1): there is no column \"email\", which \"address\" under [recipients] names; did you mean \
             \"mail\"? the columns are \"mail\", \"name\"",
        ),
        (
            b"email;name\nann@x.example;Ann\n",
            ", header (line 1): there is no column \"email\", which \"address\" under [recipients] names; the header is one \
             column, \"email;name\": if ';' separates the columns, set \
             delimiter = \";\" under [recipients]",
        ),
        (
            b"email,name,vars\nann@x.example,Ann,1\n",
            ", header (line 1): column 3 is named \"vars\", which is a value of mailrun's own in every template; rename the \
             column",
        ),
    ] {
        refused(
            |folder| {
                folder.write("recipients.csv", list);
                folder.configure("[recipients]\nencoding = \"utf-8\"\ndelimiter = \",\"");
            },
            &[],
            &format!("campaign/recipients.csv{text}"),
        );
    }
    refused(
        |folder| {
            folder.configure("[recipients]\nduplicates = \"error\"");
            folder.write(
                "recipients.csv",
                "email,name\nann@x.example,Ann\nbob@x.example,Bob\nann@X.Example,Anne\n",
            );
        },
        &[],
        "campaign/recipients.csv:4: row 3 has the key \"ann@x.example\" of an earlier row (1 such row in all); take out all \
         but one of each key, or set duplicates = \"skip\" in [recipients]",
    );
}

#[test]
fn a_list_without_rows_is_no_error() {
    let (folder, sandbox) = (folder(), sandbox());
    folder.write("recipients.csv", "email,name\n");
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!(
        ran.stderr,
        "campaign/recipients.csv: no rows below the header; nothing to send\n"
    );
    assert_eq!((ran.status, sandbox.stats().connections), (0, 0));
}

#[test]
fn what_was_typed_and_cannot_be() {
    refused(
        |_| {},
        &["--only", "ann@x.example", "--only", "eve@x.example"],
        "campaign/recipients.csv: no recipient has the key \"eve@x.example\" of --only; a key is the address unless \
         [recipients] names a key column, and a row that is invalid (see mailrun check) is none",
    );
    refused(
        |_| {},
        &["--run", "../r"],
        "--run: a run's name has only letters, digits, \".\", \"_\" and \"-\", not '/'",
    );
    for (url, text) in [
        (
            "smtp://news:hunter2@smtp.example.com",
            "a password does not belong in a URL, where others can see it; leave it out, and say in [[server]] where it \
             comes from: password_env, password_file, password_command or keyring = true",
        ),
        (
            "smtp://news@smtp.example.com",
            "the URL names a user, and the campaign has no [[server]] that says where the password comes from; add one with \
             password_env, password_file, password_command or keyring = true",
        ),
        (
            "smtp.example.com:25",
            "a server's URL begins with smtp:// or smtps://",
        ),
        (
            "smtp://smtp.example.com?tls=none",
            "tls = \"none\" sends everything to \"smtp.example.com\" in clear, for anyone on the way to read; if that is \
             meant, set allow_plaintext = true in [[server]]",
        ),
    ] {
        let ran = run(&folder(), &["send", "campaign", "--server", url]);
        assert_eq!(ran.stderr, format!("mailrun: --server: {text}\n"));
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    }
    let ran = run(&folder(), &["send", "campaign"]);
    assert_eq!(
        ran.stderr,
        "mailrun: campaign/campaign.toml: no [[server]] to send through; add one, set MAIL_SERVER, or try the campaign with --sandbox or \
         --dry-run DIR\n"
    );
    assert_eq!(ran.status, 1);
}

#[test]
fn a_ledger_that_cannot_be_trusted() {
    let (folder, sandbox) = (folder(), sandbox());
    assert_eq!(send(&folder, &sandbox, &[]).status, 0);
    let whole = folder.read("runs/r.jsonl");
    let lines: Vec<_> = whole.lines().collect();
    let last = lines.len();
    let torn = lines[..2].join("\n") + "\n{\"time\":\n" + &lines[2..].join("\n") + "\n";
    for (ledger, text) in [
        (
            format!("{whole}junk\n"),
            format!(
                ":{}: not a line of a ledger: expected value at column 1; mailrun status --repair writes a repaired copy beside it \
                 (another run, named with --run, mails everyone again)",
                last + 1
            ),
        ),
        (
            torn,
            ":3: not a line of a ledger: EOF while parsing a value at column 8; mailrun status --repair writes a repaired copy beside it \
             (another run, named with --run, mails everyone again)"
                .to_owned(),
        ),
        (
            "hello\n".to_owned(),
            ":1: not a line of a ledger: the first line does not name a mailrun ledger; mailrun status --repair writes a repaired copy beside it \
             (another run, named with --run, mails everyone again)"
                .to_owned(),
        ),
        (
            whole.replacen("\"mailrun_ledger\":1", "\"mailrun_ledger\":2", 1),
            ": written in format 2, and this version of mailrun reads format 1; use a newer mailrun".to_owned(),
        ),
        (
            whole.replacen("\"run\":\"r\"", "\"run\":\"q\"", 1),
            ": the ledger of run \"q\", not of \"r\"; it was renamed or copied: give it back its name, and go on with --run q"
                .to_owned(),
        ),
    ] {
        folder.write("runs/r.jsonl", &ledger);
        let text = format!("mailrun: campaign/runs/r.jsonl{text}\n");
        let before = sandbox.stats().connections;
        let ran = send(&folder, &sandbox, &[]);
        assert_eq!(ran.stderr, text);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
        assert_eq!(sandbox.stats().connections, before);
        for command in ["status", "results"] {
            let ran = run(&folder, &[command, "campaign"]);
            assert_eq!((ran.status, ran.stderr.as_str()), (1, text.as_str()));
        }
        // Nothing was made of it.
        assert_eq!(folder.read("runs/r.jsonl"), ledger);
    }
}

#[test]
fn a_ledger_that_another_process_has() {
    let (folder, sandbox) = (folder(), sandbox());
    folder.write("runs/r.jsonl", "");
    let held = File::open(folder.path.join("runs/r.jsonl")).unwrap();
    held.try_lock().unwrap();
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!(
        ran.stderr,
        "mailrun: campaign/runs/r.jsonl: another mailrun has this run's ledger; wait for it to end\n"
    );
    assert_eq!((ran.status, sandbox.stats().connections), (1, 0));
    // To look is not to write.
    assert_eq!(run(&folder, &["status", "campaign"]).status, 0);

    drop(held);
    assert_eq!(send(&folder, &sandbox, &[]).status, 0);
    assert_eq!(received(&sandbox).len(), 2);
}

#[test]
fn a_ledger_that_has_no_place() {
    let (folder, sandbox) = (folder(), sandbox());
    folder.write("runs", "a file where the folder should be");
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!(
        ran.stderr,
        "mailrun: campaign/runs: cannot make the folder of the ledger: File exists (os error 17)\n"
    );
    assert_eq!((ran.status, sandbox.stats().connections), (1, 0));
}
