//! `send` again: it goes on where it stopped, with the list as it is now, and mails nobody twice.

use std::fs::OpenOptions;
use std::io::Write;

use super::evidence::{counts, history, steady};
use super::support::{Folder, Ran, received, run, send, sequential};

/// Exit status and counts.
fn end(ran: &Ran) -> (i32, String) {
    (ran.status, counts(ran))
}

fn is(status: i32, counts: &str) -> (i32, String) {
    (status, counts.to_owned())
}

#[test]
fn a_limit_takes_the_next_ones_until_none_is_left() {
    let folder = Folder::generated(25, "a.example");
    let sandbox = sequential();
    for (accepted, sum) in [
        (10, "accepted 10, remaining 15"),
        (20, "accepted 20, remaining 5"),
        (25, "accepted 25"),
    ] {
        let ran = send(&folder, &sandbox, &["--limit", "10", "--json"]);
        assert_eq!(end(&ran), is(0, sum));
        let received = received(&sandbox);
        // The next in the order of the list, each once.
        let expected = (1..=accepted).map(|n| (format!("r{n}@a.example"), 1));
        assert_eq!(received, expected.collect());
    }
    let ran = send(&folder, &sandbox, &["--limit", "10", "--json"]);
    assert_eq!(end(&ran), is(0, "accepted 25"));
    assert_eq!(
        ran.stderr,
        "nothing to send in run \"r\": 25 of 25 accepted. To mail everyone again, name a new run with --run\n"
    );
    assert_eq!(sandbox.stats().messages, 25);
}

#[test]
fn the_list_may_grow_shrink_and_be_sorted_between() {
    let folder = Folder::with_rows([
        ("anna@a.example", "Anna"),
        ("bert@a.example", "Bert"),
        ("cleo@a.example", "Cleo"),
        ("dora@a.example", "Dora"),
    ]);
    let sandbox = sequential();
    let first = send(&folder, &sandbox, &["--limit", "2", "--json"]);
    assert_eq!(end(&first), is(0, "accepted 2, remaining 2"));
    // Dora and Anna are gone, Emil is new, the others stand elsewhere.
    folder.write(
        "recipients.csv",
        "email,name\nemil@a.example,Emil\ncleo@a.example,Cleo\nbert@a.example,Bert\n",
    );
    let second = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&second), is(0, "accepted 3"));
    let to: Vec<_> = received(&sandbox).into_iter().collect();
    let once = |to: &str| (to.to_owned(), 1);
    let everybody = ["anna", "bert", "cleo", "emil"].map(|name| once(&format!("{name}@a.example")));
    assert_eq!(to, everybody);
}

#[test]
fn a_row_that_was_mended_is_mailed() {
    let folder = Folder::with_rows([("anna@a.example", "Anna"), ("bert@@a.example", "Bert")]);
    let sandbox = sequential();
    let first = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&first), is(3, "accepted 1, invalid 1"));
    // Nothing to send, and still not well.
    let again = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&again), is(3, "accepted 1, invalid 1"));
    let list = folder.read("recipients.csv").replace("@@", "@");
    folder.write("recipients.csv", list);
    let second = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&second), is(0, "accepted 2"));
    assert_eq!(received(&sandbox).into_values().collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn only_those_named_are_mailed() {
    let folder = Folder::generated(5, "a.example");
    let sandbox = sequential();
    let only = ["--json", "--only", "r4@a.example", "--only", "r2@a.example"];
    let ran = send(&folder, &sandbox, &only);
    assert_eq!(end(&ran), is(0, "accepted 2, remaining 3"));
    let to: Vec<_> = received(&sandbox).into_keys().collect();
    assert_eq!(to, ["r2@a.example", "r4@a.example"]);
    // Again: they have it.
    let again = send(&folder, &sandbox, &only);
    assert_eq!(end(&again), is(0, "accepted 2, remaining 3"));
    let unknown = send(&folder, &sandbox, &["--only", "r9@a.example"]);
    assert_eq!(unknown.status, 1);
    assert_eq!(
        unknown.stderr,
        "mailrun: campaign/recipients.csv: no recipient has the key \"r9@a.example\" of --only; a key is the \
         address unless [recipients] names a key column, and a row that is invalid (see mailrun check) is none\n"
    );
    assert_eq!(sandbox.stats().messages, 2);
}

#[test]
fn a_new_run_mails_everyone_again() {
    let folder = Folder::generated(3, "a.example");
    let sandbox = sequential();
    assert_eq!(
        end(&send(&folder, &sandbox, &["--json"])),
        is(0, "accepted 3")
    );
    assert_eq!(
        end(&send(&folder, &sandbox, &["--json"])),
        is(0, "accepted 3")
    );
    assert_eq!(sandbox.stats().messages, 3);
    let other = send(&folder, &sandbox, &["--json", "--run", "other"]);
    assert_eq!(end(&other), is(0, "accepted 3"));
    assert_eq!(other.json()["run"], "other");
    assert_eq!(
        received(&sandbox).into_values().collect::<Vec<_>>(),
        [2, 2, 2]
    );
    assert!(folder.path.join("runs/other.jsonl").is_file());
}

#[test]
fn content_that_changed_needs_a_yes_while_somebody_is_left() {
    let folder = Folder::generated(3, "a.example");
    let sandbox = sequential();
    assert_eq!(send(&folder, &sandbox, &["--limit", "1"]).status, 0);
    folder.write("message.txt.hbs", "Dear {{name}},\nit was yesterday.\n");
    let settings = folder.read("campaign.toml");
    folder.write("campaign.toml", settings.replace("Hello", "Sorry"));
    let refused = send(&folder, &sandbox, &[]);
    assert_eq!((refused.status, refused.stdout.as_str()), (1, ""));
    assert_eq!(
        refused.stderr,
        "going on with run \"r\": 1 of 3 accepted, 2 remaining\n\
         mailrun: changed since run \"r\" was begun: subject, text; --yes mails the new version to those not yet \
         mailed, --run NAME begins a new run, which mails everyone\n"
    );
    assert_eq!(sandbox.stats().messages, 1);

    let yes = send(&folder, &sandbox, &["--yes"]);
    assert_eq!(yes.status, 0, "{yes:?}");
    assert_eq!(
        steady(&yes.stderr),
        "going on with run \"r\": 1 of 3 accepted, 2 remaining\n\
         changed since run \"r\" was begun: subject, text; those not yet mailed get the new version\n\
         3 of 3 accepted in T\n"
    );
    assert_eq!(
        received(&sandbox).into_values().collect::<Vec<_>>(),
        [1, 1, 1]
    );
    let with = |word: &str| {
        let messages = sandbox.messages().into_iter();
        messages
            .filter(|message| String::from_utf8_lossy(&message.content).contains(word))
            .count()
    };
    assert_eq!((with("Subject: Hello"), with("Subject: Sorry")), (1, 2));
    assert_eq!((with("it is time."), with("it was yesterday.")), (1, 2));

    // Nobody is left whom a change could concern.
    folder.write("message.txt.hbs", "Dear {{name}},\nit was last week.\n");
    assert_eq!(send(&folder, &sandbox, &[]).status, 0);
    assert_eq!(sandbox.stats().messages, 3);
}

#[test]
fn whatever_of_the_content_changed_is_named() {
    type Change = fn(&Folder);
    let changes: [(&str, Change); 6] = [
        ("sender", |folder| {
            let settings = folder.read("campaign.toml");
            folder.write("campaign.toml", settings.replace("news@", "editor@"));
        }),
        ("subject", |folder| {
            let settings = folder.read("campaign.toml");
            folder.write("campaign.toml", settings.replace("Hello", "Hi"));
        }),
        ("html", |folder| {
            folder.write("message.html.hbs", "<p>It is time.</p>")
        }),
        ("text", |folder| {
            folder.write("message.txt.hbs", "It is time.")
        }),
        ("partials", |folder| {
            folder.write("partials/footer.hbs", "Bye")
        }),
        ("vars", |folder| folder.configure("[vars]\nissue = 2")),
    ];
    for (part, change) in changes {
        let folder = Folder::generated(2, "a.example");
        let sandbox = sequential();
        assert_eq!(send(&folder, &sandbox, &["--limit", "1"]).status, 0);
        change(&folder);
        let refused = send(&folder, &sandbox, &[]);
        assert_eq!(
            (refused.status, sandbox.stats().messages),
            (1, 1),
            "{part}: {refused:?}"
        );
        let named =
            format!("changed since run \"r\" was begun: {part}; --yes mails the new version");
        assert!(refused.stderr.contains(&named), "{refused:?}");
        let yes = send(&folder, &sandbox, &["--yes"]);
        assert_eq!((yes.status, sandbox.stats().messages), (0, 2), "{yes:?}");
        // Said once: the run goes on with the new version.
        let list = folder.read("recipients.csv");
        folder.write("recipients.csv", format!("{list}new@a.example,Nora\n"));
        let again = send(&folder, &sandbox, &[]);
        assert_eq!(
            (again.status, sandbox.stats().messages),
            (0, 3),
            "{again:?}"
        );
    }
}

#[test]
fn a_corrected_row_is_who_its_key_says() {
    let list =
        "id,email,name\n1,anna@a.example,Anna\n2,rcpt-550@a.example,Bert\n3,cleo@a.example,Cleo\n";
    // By the address, another address is another recipient; by a number, it is the same one, who has had an answer.
    for (key, mailed) in [("email", 2), ("id", 1)] {
        let folder = Folder::with_rows([]);
        folder.configure(&format!("[recipients]\nkey = \"{key}\""));
        folder.write("recipients.csv", list);
        let sandbox = sequential();
        let first = send(&folder, &sandbox, &["--limit", "2", "--json"]);
        assert_eq!(end(&first), is(3, "accepted 1, failed 1, remaining 1"));
        // The name of one who has it, the address of one who was refused, the name of one who is due; sorted anew.
        folder.write(
            "recipients.csv",
            "id,email,name\n3,cleo@a.example,Cleopatra\n2,bert@a.example,Bert\n1,anna@a.example,Annabel\n",
        );
        let second = send(&folder, &sandbox, &["--json"]);
        let expected = match key {
            "email" => is(0, "accepted 3"),
            _ => is(3, "accepted 2, failed 1"),
        };
        assert_eq!(end(&second), expected, "{second:?}");
        assert_eq!(sandbox.stats().messages, 1 + mailed);
        let messages = sandbox.messages();
        let got = |name: &str| {
            let greeting = format!("Dear {name},");
            let texts = messages
                .iter()
                .map(|it| String::from_utf8_lossy(&it.content));
            texts.filter(|text| text.contains(&greeting)).count()
        };
        assert_eq!((got("Anna"), got("Annabel"), got("Cleopatra")), (1, 0, 1));
    }
}

#[test]
fn who_is_in_doubt_is_held_until_resend_is_set() {
    let folder = Folder::with_rows([
        ("drop-after-dot-once@a.example", "Anna"),
        ("bert@a.example", "Bert"),
    ]);
    let sandbox = sequential();
    for _ in 0..2 {
        let ran = send(&folder, &sandbox, &["--json"]);
        assert_eq!(end(&ran), is(3, "accepted 1, in_doubt 1"));
        // The sandbox stores what it does not answer: the doubt is the sender's alone.
        assert_eq!(received(&sandbox).into_values().collect::<Vec<_>>(), [1, 1]);
    }
    let held = send(&folder, &sandbox, &[]);
    assert_eq!(
        steady(&held.stderr),
        "1 recipient in doubt, held back: the message was sent and no answer came. Look its Message-ID up in the \
         server's log (mailrun results campaign --run r --state in_doubt), then say what you found: mailrun resolve \
         campaign --run r --as sent|unsent [KEY...]\n\
         nothing to send in run \"r\": 1 of 2 accepted, 1 in doubt. To mail everyone again, name a new run with --run\n"
    );
    assert_eq!(
        history(&folder, "drop-after-dot-once@a.example"),
        "claimed sending in_doubt"
    );
    folder.configure("in_doubt = \"resend\"");
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&ran), is(0, "accepted 2"));
    let to = received(&sandbox);
    assert_eq!(
        (to["drop-after-dot-once@a.example"], to["bert@a.example"]),
        (2, 1)
    );
    // A receiver can tell that it is the same message.
    let messages = sandbox.messages().into_iter();
    let mut ids: Vec<_> = messages
        .map(|message| {
            let text = String::from_utf8(message.content).unwrap();
            let id = text.lines().find(|line| line.starts_with("Message-ID: "));
            id.unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 3);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2);
}

#[test]
fn doubles_are_left_out() {
    let folder = Folder::with_rows([
        ("anna@a.example", "Anna"),
        ("anna@A.EXAMPLE", "Anna elsewhere"),
        (
            "Anna@a.example",
            "Another Anna: local parts count as they are",
        ),
        (" anna@a.example ", "Anna with spaces"),
    ]);
    let sandbox = sequential();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&ran), is(0, "accepted 2, duplicate 2"));
    assert_eq!(
        steady(&ran.stderr),
        "campaign/recipients.csv: 2 rows left out: an earlier row has the same key\n\
         2 of 4 accepted, 2 duplicate in T\n"
    );
    let to: Vec<_> = received(&sandbox).into_iter().collect();
    let once = |to: &str| (to.to_owned(), 1);
    assert_eq!(to, [once("Anna@a.example"), once("anna@a.example")]);
}

#[test]
fn a_key_column_says_who_is_the_same() {
    let folder = Folder::with_rows([]);
    folder.configure("[recipients]\nkey = \"id\"");
    let list = "id,email,name\n1,anna@a.example,Anna\n2,anna@a.example,Anna's daughter\n1,bert@a.example,Bert\n";
    folder.write("recipients.csv", list);
    let sandbox = sequential();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&ran), is(0, "accepted 2, duplicate 1"));
    assert_eq!(
        received(&sandbox),
        [("anna@a.example".to_owned(), 2)].into()
    );
    // A new address does not make a new recipient.
    folder.write("recipients.csv", list.replace("anna@", "anne@"));
    let again = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&again), is(0, "accepted 2, duplicate 1"));
    assert_eq!(sandbox.stats().messages, 2);
}

#[test]
fn deferred_recipients_are_tried_again_in_later_passes() {
    let folder = Folder::with_rows([
        ("rcpt-450-once@a.example", "Grey"),
        ("dot-451-once@a.example", "Slow"),
        ("rcpt-452-4.2.2@a.example", "Full"),
        ("anna@a.example", "Anna"),
    ]);
    folder.configure("attempts = 3");
    let sandbox = sequential();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&ran), is(3, "accepted 3, failed 1"));
    assert_eq!(
        history(&folder, "rcpt-450-once@a.example"),
        "claimed deferred claimed sending accepted"
    );
    assert_eq!(
        history(&folder, "dot-451-once@a.example"),
        "claimed sending deferred claimed sending accepted"
    );
    assert_eq!(
        history(&folder, "rcpt-452-4.2.2@a.example"),
        "claimed deferred claimed deferred claimed failed"
    );
    assert_eq!(
        received(&sandbox).into_values().collect::<Vec<_>>(),
        [1, 1, 1]
    );
    // Attempts are used up: another send does not begin anew.
    let again = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&again), is(3, "accepted 3, failed 1"));
}

#[test]
fn attempts_are_counted_across_runs_of_the_program() {
    let folder = Folder::with_rows([("rcpt-450@a.example", "Full")]);
    folder.configure("attempts = 3");
    let sandbox = sequential();
    // What a killed process left after two attempts.
    assert_eq!(
        end(&send(&folder, &sandbox, &["--json"])),
        is(3, "failed 1")
    );
    let ledger = folder.read("runs/r.jsonl");
    let lines: Vec<_> = ledger.split_inclusive('\n').collect();
    let second = lines.iter().rposition(|line| line.contains("\"deferred\""));
    folder.write("runs/r.jsonl", lines[..=second.unwrap()].concat());
    let status = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(counts(&status), "deferred 1");

    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(end(&ran), is(3, "failed 1"));
    assert_eq!(
        history(&folder, "rcpt-450@a.example"),
        "claimed deferred claimed deferred claimed failed"
    );
    assert_eq!(received(&sandbox).len(), 0);
}

#[test]
fn a_torn_last_line_is_dropped() {
    for torn in [
        &b"{\"time\":\"2026-11-20T10:00:00.000Z\",\"key\":\"r3@a.ex"[..],
        &[0; 4096],
    ] {
        let folder = Folder::generated(4, "a.example");
        let sandbox = sequential();
        assert_eq!(send(&folder, &sandbox, &["--limit", "2"]).status, 0);
        let path = folder.path.join("runs/r.jsonl");
        let mut ledger = OpenOptions::new().append(true).open(path).unwrap();
        ledger.write_all(torn).unwrap();

        let status = run(&folder, &["status", "campaign", "--json"]);
        assert_eq!(counts(&status), "accepted 2, remaining 2");
        let ran = send(&folder, &sandbox, &[]);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(
            steady(&ran.stderr),
            "the ledger broke off in the middle of a line, which is dropped\n\
             going on with run \"r\": 2 of 4 accepted, 2 remaining\n4 of 4 accepted in T\n"
        );
        assert_eq!(
            received(&sandbox).into_values().collect::<Vec<_>>(),
            [1, 1, 1, 1]
        );
        // Every line of it can be read again.
        let accepted = folder
            .standings()
            .into_values()
            .filter(|it| it == "accepted");
        assert_eq!(accepted.count(), 4);
    }
}

#[test]
fn connections_are_opened_as_many_as_asked_for() {
    for connections in [1, 4] {
        let rows: Vec<_> = (1..=24)
            .map(|n| format!("slow-50ms+{n}@a.example"))
            .collect();
        let folder = Folder::with_rows(rows.iter().map(|row| (row.as_str(), "Anna")));
        let sandbox = sequential();
        let ran = send(
            &folder,
            &sandbox,
            &["--json", "--connections", &connections.to_string()],
        );
        assert_eq!(end(&ran), is(0, "accepted 24"));
        assert_eq!(sandbox.stats().most_open, connections);
        assert_eq!(sandbox.stats().connections, connections as u64);
    }
}
