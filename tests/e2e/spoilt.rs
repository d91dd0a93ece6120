//! Rows that were right when their messages were sent, and are not now: what was sent stays known, and can be settled.

use std::collections::BTreeMap;

use serde_json::Value;

use super::evidence::{counts, history};
use super::support::{Folder, Ran, received, run, send, sequential};

const LIST: &str = "id,email,name\n\
    1,anna@a.example,Anna\n\
    2,drop-after-dot-once@a.example,Bert\n\
    3,rcpt-550@a.example,Cleo\n\
    4,rcpt-450-once@a.example,Dora\n\
    5,emil@a.example,Emil\n";

fn campaign(settings: &str, list: &str) -> Folder {
    let folder = Folder::with_rows([]);
    folder.configure(settings);
    folder.write("recipients.csv", list);
    folder
}

fn end(ran: &Ran) -> (i32, String) {
    (ran.status, counts(ran))
}

fn is(status: i32, counts: &str) -> (i32, String) {
    (status, counts.to_owned())
}

/// The results, by key.
fn results(folder: &Folder) -> BTreeMap<String, Vec<Value>> {
    let ran = run(folder, &["results", "campaign", "--format", "jsonl"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in ran.stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let key = line["key"].as_str().unwrap().to_owned();
        found.entry(key).or_default().push(line);
    }
    found
}

/// One accepted, one in doubt, one failed, one deferred, one not begun.
fn begun(sandbox: &mailrun::sandbox::Sandbox) -> Folder {
    let folder = campaign("[recipients]\nkey = \"id\"\nrequired = [\"name\"]", LIST);
    let first = send(
        &folder,
        sandbox,
        &["--limit", "4", "--connections", "1", "--json"],
    );
    assert_eq!(
        counts(&first),
        "accepted 2, failed 1, in_doubt 1, remaining 1"
    );
    // As a process leaves it that is killed before Dora's second attempt.
    let ledger = folder.read("runs/r.jsonl");
    let lines: Vec<_> = ledger.split_inclusive('\n').collect();
    let put_off = lines.iter().position(|line| line.contains("\"deferred\""));
    folder.write("runs/r.jsonl", lines[..=put_off.unwrap()].concat());
    let status = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(
        counts(&status),
        "accepted 1, failed 1, deferred 1, in_doubt 1, remaining 1"
    );
    folder
}

#[test]
fn what_was_sent_to_a_row_stays_known_when_the_row_is_spoilt() {
    let sandbox = sequential();
    let folder = begun(&sandbox);
    let taken = sandbox.stats().messages;
    // No name is there any more, nor a right address of Anna's.
    let mut spoilt = LIST.replace("anna@", "anna@@");
    for name in ["Anna", "Bert", "Cleo", "Dora", "Emil"] {
        spoilt = spoilt.replace(name, "");
    }
    folder.write("recipients.csv", &spoilt);
    let expected = "accepted 1, failed 1, in_doubt 1, invalid 2";
    let status = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(counts(&status), expected);
    for args in [&["--json"][..], &["--json", "--in-doubt", "resend"]] {
        assert_eq!(end(&send(&folder, &sandbox, args)), is(3, expected));
    }
    assert_eq!(sandbox.stats().messages, taken, "nobody was mailed");
    for key in ["1", "2", "3"] {
        let history = history(&folder, key);
        assert!(!history.contains("invalid"), "{key}: {history}");
    }

    let told = results(&folder);
    let of = |key: &str, column: &str| told[key][0][column].clone();
    for (key, state, code) in [
        ("1", "accepted", Value::from(250)),
        ("2", "in_doubt", Value::Null),
        ("3", "failed", Value::from(550)),
        ("4", "invalid", Value::Null),
        ("5", "invalid", Value::Null),
    ] {
        assert_eq!(
            (of(key, "state"), of(key, "code")),
            (state.into(), code),
            "{key}"
        );
        let sent = ["1", "2", "3"].contains(&key);
        assert_eq!(of(key, "message_id").is_string(), sent, "{key}");
    }
    assert_eq!(
        of("5", "reply"),
        "column \"name\": the cell is empty, and the column is required; fill it in"
    );

    // Whoever looked it up can say so.
    let resolved = run(&folder, &["resolve", "campaign", "--as", "sent", "2"]);
    assert_eq!(resolved.status, 0, "{resolved:?}");
    let status = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(counts(&status), "accepted 2, failed 1, invalid 2");
    let other = run(&folder, &["resolve", "campaign", "--as", "sent", "5"]);
    assert_eq!(other.status, 1);
    assert!(other.stderr.contains("key \"5\" is invalid"), "{other:?}");
    let only = send(&folder, &sandbox, &["--only", "1"]);
    assert_eq!(only.status, 0, "{only:?}");
    let only = send(&folder, &sandbox, &["--only", "5"]);
    assert_eq!(only.status, 1);
    assert!(
        only.stderr
            .contains("key \"5\" of --only is invalid, mailrun check says why"),
        "{only:?}"
    );

    // Mended, the list goes on where it was.
    folder.write("recipients.csv", LIST);
    let last = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&last), is(3, "accepted 4, failed 1"));
    let once = received(&sandbox);
    assert!(
        once.iter()
            .all(|(to, times)| *times == 1 || to.starts_with("rcpt-450")),
        "{once:?}"
    );
}

#[test]
fn one_in_doubt_whose_row_is_spoilt_can_be_found_unsent() {
    let sandbox = sequential();
    let folder = begun(&sandbox);
    folder.write("recipients.csv", LIST.replace("Bert", ""));
    let resolved = run(&folder, &["resolve", "campaign", "--as", "unsent"]);
    assert_eq!(resolved.status, 0, "{resolved:?}");
    assert_eq!(
        resolved.stderr.lines().next(),
        Some("1 recipient no longer in doubt: remaining, mailed by the next send")
    );
    let sent = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&sent), is(3, "accepted 3, failed 1, invalid 1"));
    folder.write("recipients.csv", LIST);
    let sent = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&sent), is(3, "accepted 4, failed 1"));
}

#[test]
fn who_is_suppressed_since_is_not_mailed_again() {
    let folder = campaign("[recipients]\nsuppress = [\"gone.txt\"]", LIST);
    folder.write("gone.txt", "");
    let sandbox = sequential();
    let first = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&first), is(3, "accepted 3, failed 1, in_doubt 1"));
    let taken = sandbox.stats().messages;
    folder.write("gone.txt", "drop-after-dot-once@a.example\n");
    let again = send(&folder, &sandbox, &["--json", "--in-doubt", "resend"]);
    assert_eq!(end(&again), is(3, "accepted 3, failed 1, in_doubt 1"));
    assert_eq!(sandbox.stats().messages, taken);
    assert!(
        again.stderr.contains(
            "1 recipient in doubt, held back (suppressed now, or the row is invalid now): the message was sent"
        ),
        "{again:?}"
    );
}

#[test]
fn a_group_that_gets_a_wrong_row_keeps_what_was_sent() {
    let list = "email,name\nanna@a.example,Anna\nbert@a.example,Bert\nanna@a.example,Anna\n";
    let folder = campaign(
        "[recipients]\ngroup_by = \"email\"\nrequired = [\"name\"]",
        list,
    );
    let sandbox = sequential();
    let first = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&first), is(0, "accepted 2"));
    folder.write("recipients.csv", format!("{list}anna@a.example,\n"));
    let again = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&again), is(0, "accepted 2"));
    let told = results(&folder);
    assert_eq!(told["anna@a.example"][0]["state"], "accepted");
    assert_eq!(sandbox.stats().messages, 2);
}

#[test]
fn an_invalid_row_says_nothing_of_the_valid_one_with_its_key() {
    let list = "email,name\nanna@a.example,\nanna@a.example,Anna\nanna@a.example,\nanna@a.example,Anna\nbert@a.example,\nbert@a.example,\n";
    let folder = campaign("[recipients]\nrequired = [\"name\"]", list);
    let sandbox = sequential();
    let all = "accepted 1, invalid 4, duplicate 1";
    let first = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&first), is(3, all));
    let states: Vec<_> = results(&folder)
        .into_values()
        .flatten()
        .map(|line| line["state"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        "invalid",
        "accepted",
        "invalid",
        "duplicate",
        "invalid",
        "invalid",
    ];
    assert_eq!(states, expected);
    assert_eq!(
        history(&folder, "anna@a.example"),
        "claimed sending accepted"
    );
    let again = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&again), is(3, all));
}

#[test]
fn one_in_doubt_of_whom_no_message_can_be_made_is_in_doubt_still() {
    let list = "email,name\ndrop-after-dot-once@a.example,1\n";
    let folder = campaign("", list);
    folder.write("message.txt.hbs", "{{number name}}\n");
    let sandbox = sequential();
    let first = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&first), is(3, "in_doubt 1"));
    folder.write("recipients.csv", list.replace(",1", ",one"));
    for _ in 0..2 {
        let again = send(
            &folder,
            &sandbox,
            &["--json", "--yes", "--in-doubt", "resend"],
        );
        assert_eq!(end(&again), is(3, "in_doubt 1"), "{again:?}");
        assert!(again.stderr.contains("is no number"), "{again:?}");
        let status = run(&folder, &["status", "campaign", "--json"]);
        assert_eq!(counts(&status), "in_doubt 1");
    }
    assert_eq!(sandbox.stats().messages, 1);
}

#[test]
fn a_group_has_its_key_whichever_of_its_rows_has_it() {
    let rows = ["1,anna@a.example,Anna,5,x\n", "1,anna@a.example,,5\n"];
    for rows in [[rows[0], rows[1]], [rows[1], rows[0]]] {
        let folder = campaign(
            "[recipients]\ngroup_by = \"g\"\nkey = \"id\"\nrequired = [\"name\"]",
            "id,email,name,g\n1,anna@a.example,Anna,5\n",
        );
        let sandbox = sequential();
        assert_eq!(
            end(&send(&folder, &sandbox, &["--json"])),
            is(0, "accepted 1")
        );
        // One of the rows has a field too many, the other no name.
        folder.write(
            "recipients.csv",
            format!("id,email,name,g\n{}", rows.concat()),
        );
        let status = run(&folder, &["status", "campaign", "--json"]);
        assert_eq!(counts(&status), "accepted 1", "{rows:?}");
    }
}

#[test]
fn a_list_or_an_object_is_no_key() {
    let folder = Folder::with_rows([]);
    folder.configure("[recipients]\nfile = \"people.jsonl\"\nkey = \"id\"");
    folder.write(
        "people.jsonl",
        "{\"id\":{\"b\":1,\"a\":2},\"email\":\"anna@a.example\",\"name\":\"Anna\"}\n\
         {\"id\":7,\"email\":\"bert@a.example\",\"name\":\"Bert\"}\n",
    );
    let sandbox = sequential();
    let first = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&first), is(3, "accepted 1, invalid 1"), "{first:?}");
    assert!(
        first
            .stderr
            .contains("column \"id\": a list or an object names nobody"),
        "{first:?}"
    );
}
