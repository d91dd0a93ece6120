//! `send --test-to`: what the tester gets, that nobody else gets anything, and that no run knows of it.

use std::collections::BTreeMap;
use std::fs;

use mailrun::sandbox::{Announce, Options};
use serde_json::Value;

use super::evidence::{counts, entries, steady};
use super::inbox::Inbox;
use super::others::{checked, key};
use super::support::{CAMPAIGN, Folder, Ran, mailrun, run, sandbox, sandbox_with, send, url};

const ME: &str = "me@acme.example";

/// A campaign with copies, a list, a signature and four rows, the second of which makes no message.
fn everything() -> (Folder, String) {
    let folder = Folder::with_rows([]);
    let settings = CAMPAIGN.replace(
        "[message]\n",
        "[message]\ncc = [\"Boss <boss@x.example>\"]\nbcc = [\"archive@acme.example\"]\nattachments = [\"files/{{name}}.txt\"]\n\
         envelope_from = \"bounce+{{send_id}}@acme.example\"\n",
    );
    folder.write("campaign.toml", settings);
    folder.write(
        "recipients.csv",
        "email,name\nanna@x.example,Anna\nbert@x.example,Bert\nno address,Carl\ndora@x.example,Dora\n",
    );
    folder.write("files/Anna.txt", "for Anna");
    folder.write("files/Dora.txt", "for Dora");
    folder.write("message.txt.hbs", "Dear {{name}}\n{{unsubscribe_url}}\n");
    folder.configure(
        "[list]\nunsubscribe = [\"https://acme.example/u/{{unsubscribe_token}}\"]\ntoken_key_env = \"MAILRUN_TEST_TOKEN_KEY\"",
    );
    let record = key(&folder, "rsa.pem", &[]);
    folder.configure("[dkim]\ndomain = \"acme.example\"\nselector = \"s\"\nkey_file = \"rsa.pem\"");
    (folder, record)
}

/// `mailrun send campaign ARGS`, with the key of the tokens.
fn send_with_key(folder: &Folder, args: &[&str]) -> Ran {
    let mut command = mailrun(folder.path.parent().unwrap());
    command.env("MAILRUN_TEST_TOKEN_KEY", "0123456789abcdef0123456789abcdef");
    let output = command.args(["send", "campaign"]).args(args).output();
    output.unwrap().into()
}

/// Every file of the campaign's folder, by its name, with what is in it.
fn files(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for name in ["", "runs"] {
        let path = folder.path.join(name);
        let names = if path.is_dir() {
            entries(&path)
        } else {
            Vec::new()
        };
        for file in names {
            if let Ok(bytes) = fs::read(path.join(&file)) {
                all.insert(format!("{name}/{file}"), bytes);
            }
        }
    }
    all
}

/// The value of the field, unfolded.
fn field(message: &str, name: &str) -> Option<String> {
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ");
    let start = format!("{name}: ");
    let mut lines = head.lines();
    lines.find_map(|line| line.strip_prefix(&start).map(str::to_owned))
}

/// What is in the sandbox's Maildir.
fn maildir(folder: &Folder) -> Vec<String> {
    let new = folder.path.join("sandbox/new");
    let names = entries(&new).into_iter();
    names
        .map(|name| fs::read_to_string(new.join(name)).unwrap())
        .collect()
}

#[test]
fn the_tester_gets_what_the_recipient_would_and_nobody_else_does() {
    let (folder, record) = everything();
    let before = files(&folder);
    let ran = send_with_key(&folder, &["--sandbox", "--test-to", ME, "--json"]);
    assert_eq!((ran.status, counts(&ran)), (0, "accepted 1".to_owned()));
    assert_eq!(files(&folder), before);
    let said = steady(&ran.stderr);
    let (reply, rest) = said.split_once("accepted by 127.0.0.1:P: 250 ").unwrap();
    let expected = "campaign/recipients.csv:4: row 3, column \"email\": no @ in the address; correct it, as in jane@x.example\n\
         test of run \"r\": the mail of 1 row goes to me@acme.example alone; no ledger is written\n  \
         through 127.0.0.1:P, 10 connections at most\n\
         row 1 (anna@x.example): ";
    assert_eq!(reply, expected);
    let (_, end) = rest.split_once('\n').unwrap();
    let end = end.replace(&*folder.path.to_string_lossy(), "campaign");
    assert_eq!(
        end,
        "the messages are in campaign/sandbox\n1 of 1 accepted in T\n"
    );

    let [message] = &maildir(&folder)[..] else {
        panic!("one message")
    };
    let to: Vec<_> = message
        .lines()
        .filter(|line| line.starts_with("Delivered-To: "))
        .collect();
    assert_eq!(to, ["Delivered-To: me@acme.example"]);
    assert_eq!(field(message, "To").unwrap(), "anna@x.example");
    assert_eq!(field(message, "Cc").unwrap(), "Boss <boss@x.example>");
    assert_eq!(field(message, "Subject").unwrap(), "Hello Anna");
    assert!(!message.contains("archive@"), "{message}");

    // A click on the link is the tester's.
    let url = field(message, "List-Unsubscribe").unwrap();
    let token = url
        .trim_matches(['<', '>'])
        .strip_prefix("https://acme.example/u/")
        .unwrap();
    let verified: Ran = mailrun(&folder.path)
        .args(["token", "verify", token, "--json"])
        .env("MAILRUN_TOKEN_KEY", "0123456789abcdef0123456789abcdef")
        .output()
        .unwrap()
        .into();
    let claims = serde_json::json!({ "campaign": "Test", "run": "r", "address": ME, "key": ME });
    assert_eq!(verified.json(), claims);

    // Signed as it is, without the sandbox's own lines.
    let preview = folder.path.with_file_name("preview");
    fs::create_dir(&preview).unwrap();
    let (_, content) = message
        .split_once("\r\nDelivered-To: me@acme.example\r\n")
        .unwrap();
    fs::write(preview.join("test.eml"), content).unwrap();
    let records = serde_json::json!({ "s._domainkey.acme.example": record }).to_string();
    folder.write("records.json", records);
    let ran = checked(&folder, Some(&folder.path.join("records.json")));
    assert_eq!(ran.stderr, "");
    assert!(ran.stdout.ends_with(" 1 signatures\n"), "{ran:?}");
}

#[test]
fn no_message_of_a_test_has_the_message_id_of_another() {
    let (folder, _) = everything();
    let sandbox = sandbox();
    let server = url(&sandbox);
    for test in [true, true, false] {
        let mut args = vec!["--server", &server, "--only", "anna@x.example"];
        if test {
            args.extend(["--test-to", ME]);
        }
        let ran = send_with_key(&folder, &args);
        assert_eq!(ran.status, 0, "{ran:?}");
    }
    let messages = sandbox.messages();
    let text = |at: usize| String::from_utf8(messages[at].content.to_vec()).unwrap();
    let ids: Vec<_> = (0..3)
        .map(|at| field(&text(at), "Message-ID").unwrap())
        .collect();
    assert!(
        ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2],
        "{ids:?}"
    );
    for (message, id) in messages.iter().zip(&ids) {
        // What bounces is the test's, too.
        let (send_id, domain) = id.trim_start_matches('<').split_once('@').unwrap();
        assert_eq!((send_id.len(), domain), (26, "acme.example>"));
        assert_eq!(message.from, format!("bounce+{send_id}@acme.example"));
    }
    assert_eq!(messages[1].to, [ME]);
    assert_eq!(messages[2].to.len(), 3);
}

#[test]
fn rows_that_make_no_message_are_told_and_the_next_ones_taken() {
    let (folder, _) = everything();
    let sandbox = sandbox();
    let args = [
        "--test-to",
        ME,
        "--limit",
        "2",
        "--json",
        "--server",
        &url(&sandbox),
    ];
    let ran = send_with_key(&folder, &args);
    assert_eq!(
        (ran.status, counts(&ran)),
        (3, "accepted 2, invalid 1".to_owned()),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains("campaign/recipients.csv:3: row 2: "),
        "{ran:?}"
    );
    let subjects = sandbox.messages().into_iter().map(|message| {
        assert_eq!(message.to, [ME]);
        field(std::str::from_utf8(&message.content).unwrap(), "Subject").unwrap()
    });
    let mut subjects: Vec<_> = subjects.collect();
    subjects.sort();
    assert_eq!(subjects, ["Hello Anna", "Hello Dora"]);
    assert!(!folder.path.join("runs").exists());
}

#[test]
fn whoever_was_mailed_before_is_tested_again() {
    let sandbox = sandbox();
    let folder = Folder::generated(3, "x.example");
    folder.configure("[recipients]\nsuppress = [\"gone.csv\"]");
    folder.write("gone.csv", "r1@x.example\n");
    assert_eq!(send(&folder, &sandbox, &[]).status, 0);
    let before = files(&folder);
    let ran = send(
        &folder,
        &sandbox,
        &["--test-to", ME, "--limit", "3", "--json"],
    );
    assert_eq!(
        (ran.status, counts(&ran)),
        (0, "accepted 2".to_owned()),
        "{ran:?}"
    );
    assert_eq!(files(&folder), before);
    // Who asked not to be mailed is not, even so.
    let args = ["--test-to", ME, "--only", "r1@x.example", "--json"];
    let ran = send(&folder, &sandbox, &args);
    assert_eq!(
        (ran.status, counts(&ran)),
        (0, "suppressed 1".to_owned()),
        "{ran:?}"
    );
    assert_eq!(
        ran.stderr.lines().last().unwrap(),
        "nothing to send to me@acme.example: who was chosen is on a suppress list"
    );
    assert_eq!(sandbox.messages().len(), 4);
    assert_eq!(files(&folder), before);
}

#[test]
fn what_a_server_refuses_is_said_at_once() {
    let sandbox = sandbox();
    let folder = Folder::with_rows([("anna@x.example", "Anna")]);
    // Whoever waited for another attempt would wait for long.
    let settings = folder.read("campaign.toml").replace("0ms\"", "0h\"");
    folder.write("campaign.toml", settings);
    for (to, reply) in [
        ("rcpt-550@x.example", "550 5.1.1 no such recipient"),
        (
            "rcpt-450@x.example",
            "450 4.2.0 not to this recipient for now",
        ),
    ] {
        let ran = send(&folder, &sandbox, &["--test-to", to, "--json", "--quiet"]);
        assert_eq!(
            (ran.status, counts(&ran)),
            (3, "failed 1".to_owned()),
            "{ran:?}"
        );
        let said = steady(&ran.stderr);
        assert_eq!(
            said,
            format!("row 1 (anna@x.example): refused by 127.0.0.1:P: {reply}\n")
        );
    }
    assert!(!folder.path.join("runs").exists());
    let port = url(&sandbox);
    drop(sandbox);
    let args = [
        "send",
        "campaign",
        "--test-to",
        ME,
        "--json",
        "--server",
        &port,
    ];
    let ran = run(&folder, &args);
    assert_eq!(
        (ran.status, counts(&ran)),
        (4, "remaining 1".to_owned()),
        "{ran:?}"
    );
    assert!(
        ran.json()["stopped"].as_str().unwrap().contains("refused"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.ends_with("; the same command tests again\n"),
        "{ran:?}"
    );
}

#[test]
fn a_run_that_goes_on_is_no_hindrance_and_its_quota_is_kept() {
    let sandbox = sandbox();
    let folder = Folder::generated(3, "x.example");
    let server = url(&sandbox);
    folder.configure(&format!("[[server]]\nurl = \"{server}\"\nrate = \"2/day\""));
    let first = ["send", "campaign", "--only", "r1@x.example"];
    assert_eq!(run(&folder, &first).status, 0);
    // As a process that has the run has it.
    let ledger = fs::File::open(folder.path.join("runs/r.jsonl")).unwrap();
    ledger.lock().unwrap();
    let locked = run(&folder, &["send", "campaign"]);
    assert_eq!(locked.status, 1, "{locked:?}");
    let before = files(&folder);
    let test = [
        "send",
        "campaign",
        "--test-to",
        ME,
        "--limit",
        "2",
        "--json",
    ];
    let ran = run(&folder, &test);
    assert_eq!(
        (ran.status, counts(&ran)),
        (4, "accepted 1, remaining 1".to_owned()),
        "{ran:?}"
    );
    assert_eq!(files(&folder), before);
    assert_eq!(sandbox.messages().len(), 2);
}

#[test]
fn an_address_in_any_language_takes_a_server_that_has_them() {
    let folder = Folder::with_rows([("anna@x.example", "Anna"), ("josé@x.example", "José")]);
    let announce = Announce {
        smtputf8: false,
        ..Announce::default()
    };
    let without = sandbox_with(Options {
        announce,
        ..Options::default()
    });
    let no = "is not ASCII before the @, and the server offers no SMTPUTF8 (RFC 6531); use another";
    let args = ["--test-to", "zoë@x.example", "--json"];
    let ran = send(&folder, &without, &args);
    assert_eq!(
        (ran.status, counts(&ran)),
        (3, "invalid 1".to_owned()),
        "{ran:?}"
    );
    let line =
        format!("row 1 (anna@x.example): not for 127.0.0.1:P: zoë@x.example {no} address of this");
    assert!(steady(&ran.stderr).contains(&line), "{ran:?}");
    assert!(!ran.stderr.contains("more"), "{ran:?}");
    // The recipient's own stands in To, whoever gets it.
    let ran = send(
        &folder,
        &without,
        &["--test-to", ME, "--only", "josé@x.example", "--json"],
    );
    assert_eq!(
        (ran.status, counts(&ran)),
        (3, "invalid 1".to_owned()),
        "{ran:?}"
    );
    assert!(
        ran.stderr
            .contains(&format!("headers or envelope_from {no} one")),
        "{ran:?}"
    );
    assert!(without.messages().is_empty());

    let with = sandbox();
    assert_eq!(
        send(
            &folder,
            &with,
            &["--test-to", "zoë@x.example", "--limit", "2"]
        )
        .status,
        0
    );
    assert!(with.messages().iter().all(|it| it.to == ["zoë@x.example"]));
    assert_eq!(with.messages().len(), 2);
}

#[test]
fn through_postfix() {
    let folder = Folder::with_rows([
        ("anna@test-to.example", "Anna"),
        ("bo@test-to.example", "Bo"),
    ]);
    let settings = folder.read("campaign.toml").replace(
        "[message]\n",
        "[message]\ncc = [\"boss@test-to.example\"]\nbcc = [\"archive@test-to.example\"]\n",
    );
    folder.write("campaign.toml", settings);
    let mut inbox = Inbox::of("test-to.example");
    let me = "me@test-to.example";
    let args = [
        "send",
        "campaign",
        "--test-to",
        me,
        "--limit",
        "2",
        "--json",
        "--server",
        &inbox.url,
    ];
    let ran = run(&folder, &args);
    assert_eq!(
        (ran.status, counts(&ran)),
        (0, "accepted 2".to_owned()),
        "{ran:?}"
    );
    let delivered = inbox.delivered(1).clone();
    assert_eq!(delivered, BTreeMap::from([(me.to_owned(), 2)]));
    let mut subjects: Vec<_> = inbox.letters.iter().map(|it| it.subject.as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["Hello Anna", "Hello Bo"]);
    // And nothing went to anybody else, who has it once the run itself is sent.
    let args = ["send", "campaign", "--server", &inbox.url];
    assert_eq!(run(&folder, &args).status, 0);
    let delivered = inbox.delivered(5).clone();
    let times = |to: &str| delivered[&format!("{to}@test-to.example")];
    assert_eq!(
        ["anna", "bo", "boss", "archive", "me"].map(times),
        [1, 1, 2, 2, 2]
    );
}

#[test]
fn what_is_typed_is_judged_as_the_list_is() {
    let folder = Folder::with_rows([("anna@x.example", "Anna")]);
    for (args, said) in [
        (
            vec!["--test-to", "me"],
            "error: invalid value 'me' for '--test-to <ADDR>': no @ in the address; correct it, as in jane@x.example\n",
        ),
        (
            vec!["--test-to", "a@x.example, b@x.example"],
            "error: invalid value 'a@x.example, b@x.example' for '--test-to <ADDR>': ",
        ),
        (
            vec!["--test-to", ME, "--dry-run", "preview"],
            "error: the argument '--test-to <ADDR>' cannot be used with '--dry-run <DIR>'\n",
        ),
    ] {
        let mut all = vec!["send", "campaign"];
        all.extend(args);
        let ran = run(&folder, &all);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.starts_with(said), "{ran:?}");
    }
    let suppressed: Ran = mailrun(folder.path.parent().unwrap())
        .args(["send", "campaign", "--test-to", ME])
        .env("MAIL_SERVER", "localhost")
        .env("MAIL_SUPPRESS_SEND", "true")
        .output()
        .unwrap()
        .into();
    assert_eq!(suppressed.status, 1, "{suppressed:?}");
    let none: Value = run(&folder, &["send", "campaign", "--test-to", ME])
        .status
        .into();
    assert_eq!(none, 1);
}
