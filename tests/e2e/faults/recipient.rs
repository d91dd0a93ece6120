//! Refusals, now and for good, of a recipient or its message: they are the recipient's, and the connection is kept.

use mailrun::sandbox::Verb;

use super::{BEFORE, Expected, MAILED, MAILED_LATER, address, all_quit, check, folder, last_words};
use crate::evidence::{counts, history, steady};
use crate::support::{Folder, received, run, sequential, url};

#[test]
fn refused_for_good() {
    for (name, odd, last) in [
        ("rcpt-550", "claimed failed", "550 5.1.1 no such recipient"),
        (
            "rcpt-552-5.2.2",
            "claimed failed",
            "552 5.2.2 no such recipient",
        ),
        (
            "rcpt-554-5.7.1",
            "claimed failed",
            "554 5.7.1 no such recipient",
        ),
        (
            "data-554",
            "claimed failed",
            "554 5.3.0 no content is taken",
        ),
        (
            "dot-550",
            "claimed sending failed",
            "550 5.7.1 this message is refused",
        ),
    ] {
        let (_, server) = check(
            name,
            &Expected {
                status: 3,
                counts: "accepted 2, failed 1",
                odd,
                after: MAILED,
                last: last.to_owned(),
                said: String::new(),
                connections: 1,
                received: 0,
            },
        );
        all_quit(&server, name);
    }
}

#[test]
fn the_conversation_with_a_refused_recipient() {
    let server = sequential();
    let folder = folder("rcpt-550", &server, "");
    assert_eq!(run(&folder, &["send", "campaign"]).status, 3);
    let conversations = server.conversations();
    let [conversation] = conversations.as_slice() else {
        panic!("{conversations:?}");
    };
    let size = |line: &String| line.split(" SIZE=").next().unwrap_or_default().to_owned();
    let commands: Vec<_> = conversation.commands.iter().map(size).collect();
    assert_eq!(
        commands,
        [
            "EHLO [127.0.0.1]",
            "MAIL FROM:<news@acme.example>",
            "RCPT TO:<ann@x.example>",
            "DATA",
            "MAIL FROM:<news@acme.example>",
            "RCPT TO:<rcpt-550@x.example>",
            "RSET",
            "MAIL FROM:<news@acme.example>",
            "RCPT TO:<bob@x.example>",
            "DATA",
            "QUIT",
        ]
    );
}

#[test]
fn refused_for_now_and_taken_at_the_next_attempt() {
    for (name, odd) in [
        ("rcpt-450-once", "claimed deferred claimed sending accepted"),
        (
            "rcpt-452-4.2.2-once",
            "claimed deferred claimed sending accepted",
        ),
        ("data-451-once", "claimed deferred claimed sending accepted"),
        (
            "dot-451-once",
            "claimed sending deferred claimed sending accepted",
        ),
    ] {
        let (_, server) = check(
            name,
            &Expected {
                status: 0,
                counts: "accepted 3",
                odd,
                after: MAILED,
                last: "250 2.0.0 Ok: queued as 00000003".to_owned(),
                said: "1 recipient deferred; the next attempt in 0.0 s\n".to_owned(),
                // The next attempt is another pass, with a connection of its own.
                connections: 2,
                received: 1,
            },
        );
        all_quit(&server, name);
    }
}

#[test]
fn refused_for_now_until_attempts_are_used_up() {
    for (name, odd, last) in [
        (
            "rcpt-450",
            "claimed deferred claimed deferred claimed deferred claimed failed",
            "450 4.2.0 not to this recipient for now",
        ),
        (
            "data-451",
            "claimed deferred claimed deferred claimed deferred claimed failed",
            "451 4.3.0 this message is not taken for now",
        ),
        (
            "dot-451",
            "claimed sending deferred claimed sending deferred claimed sending deferred claimed sending failed",
            "451 4.3.0 this message is not taken for now",
        ),
    ] {
        let (folder, server) = check(
            name,
            &Expected {
                status: 3,
                counts: "accepted 2, failed 1",
                odd,
                after: MAILED,
                last: last.to_owned(),
                said: "1 recipient deferred; the next attempt in 0.0 s\n".repeat(3),
                connections: 4,
                received: 0,
            },
        );
        all_quit(&server, name);
        // Four attempts in all, whatever is run again.
        let again = run(&folder, &["send", "campaign", "--json"]);
        assert_eq!(
            (again.status, counts(&again).as_str()),
            (3, "accepted 2, failed 1")
        );
        assert_eq!(history(&folder, &address(name)), odd);
        assert_eq!(server.stats().connections, 4);
    }
}

/// What names the account's quota is not booked on the recipient.
#[test]
fn a_quota_is_not_the_recipients() {
    for (name, odd, stage) in [
        (
            "dot-451-4.4.5-once",
            "claimed sending released claimed sending accepted",
            "the end of the content with \"451 4.4.5",
        ),
        ("data-454-4.4.5-once", MAILED_LATER, "DATA with \"454 4.4.5"),
    ] {
        check(
            name,
            &Expected {
                status: 0,
                counts: "accepted 3",
                odd,
                after: MAILED_LATER,
                last: "250 2.0.0 Ok: queued as 00000003".to_owned(),
                said: format!(
                    "127.0.0.1:P: at most N messages a second for now: the server answered {stage} this message is \
                     not taken for now\"\n"
                ),
                connections: 2,
                received: 1,
            },
        );
    }
}

/// What is over for today stops the run; the same command goes on.
#[test]
fn a_quota_that_is_used_up_stops_the_run() {
    let name = "rcpt-550-5.4.5-once";
    let server = sequential();
    let folder = folder(name, &server, "");
    let ran = run(&folder, &["send", "campaign", "--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (4, "accepted 1, remaining 2"),
        "{ran:?}"
    );
    assert_eq!(
        steady(&ran.stderr),
        "stopped: 127.0.0.1:P: a quota is used up: the server answered RCPT TO with \"550 5.4.5 no such recipient\"; \
         the same command goes on once it allows more\n\
         1 of 3 accepted, 2 remaining; the same command goes on\n"
    );
    let ran = run(&folder, &["send", "campaign", "--json"]);
    assert_eq!((ran.status, counts(&ran).as_str()), (0, "accepted 3"));
    assert!(received(&server).values().all(|times| *times == 1));
}

/// A server that names the account's trouble at one recipient alone: the others are mailed, and the run ends.
#[test]
fn an_account_that_is_refused_at_one_recipient_alone() {
    let name = "rcpt-550-5.7.57";
    let server = sequential();
    let folder = folder(name, &server, "");
    let ran = run(&folder, &["send", "campaign", "--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (3, "accepted 2, failed 1"),
        "{ran:?}"
    );
    assert_eq!(
        history(&folder, &address(name)),
        "claimed released claimed failed"
    );
    assert_eq!(history(&folder, BEFORE), MAILED);

    // At each of them: nobody is booked, and the run stops.
    let rows: Vec<_> = (1..=5)
        .map(|n| format!("rcpt-550-5.7.57+{n}@x.example"))
        .collect();
    let folder = Folder::with_rows(rows.iter().map(|row| (row.as_str(), "Anna")));
    folder.configure(&format!(
        "[[server]]\nurl = \"{}\"\nconnections = 1",
        url(&server)
    ));
    let ran = run(&folder, &["send", "campaign", "--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (4, "remaining 5"),
        "{ran:?}"
    );
    // And it is told at which of them.
    for row in 1..=3 {
        let told = format!(
            "127.0.0.1:P: at row {row} (rcpt-550-5.7.57+{row}@x.example): the server answered"
        );
        assert!(steady(&ran.stderr).contains(&told), "{ran:?}");
    }
    assert_eq!(
        ran.json()["stopped"].as_str().map(steady).unwrap(),
        "127.0.0.1:P: the server answered RCPT TO with \"550 5.7.57 no such recipient\"; see from in [message] and what the \
         account may do, or ask who runs the server"
    );
}

#[test]
fn a_reply_of_terminal_escapes_reaches_no_terminal() {
    let name = "escape-reply";
    let shown = "550 5.1.1 [2J ]0;owned  [31m no \u{fffd}\u{fffd}\u{fffd}( such  \u{fffd}";
    let (folder, _) = check(
        name,
        &Expected {
            status: 3,
            counts: "accepted 2, failed 1",
            odd: "claimed failed",
            after: MAILED,
            last: shown.to_owned(),
            said: String::new(),
            connections: 1,
            received: 0,
        },
    );
    let jsonl = &["results", "campaign", "--format", "jsonl"][..];
    for args in [&["results", "campaign"][..], jsonl, &["status", "campaign"]] {
        let ran = run(&folder, args);
        let unfit = |c: char| c != '\n' && c.is_control();
        assert!(
            !ran.stdout.contains(unfit) && ran.stderr.is_empty(),
            "{ran:?}"
        );
        let told = ran.stdout.contains("[2J ]0;owned  [31m no");
        assert_eq!(told, args[0] == "results", "{ran:?}");
    }
    // Also where the reply is the reason to stop.
    let server = sequential();
    let folder = super::folder("escape-reply", &server, "");
    let text = folder.read("campaign.toml");
    folder.write(
        "campaign.toml",
        text.replace("[delivery]", "[delivery]\nstop_after = 1"),
    );
    let ran = run(&folder, &["send", "campaign", "--json"]);
    let reason = "1 recipient in a row refused, the last one because the server answered RCPT TO with \"550 5.1.1 [2J \
                  ]0;owned  [31m no \u{fffd}\u{fffd}\u{fffd}( such  \u{fffd}\"; see whether the list or the message is at \
                  fault (stop_after in [delivery] sets how many)";
    assert_eq!(ran.json()["stopped"], reason);
    assert_eq!(
        steady(&ran.stderr),
        format!(
            "stopped: {reason}\n1 of 3 accepted, 1 failed, 1 remaining; the same command goes on\n"
        )
    );
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (4, "accepted 1, failed 1, remaining 1")
    );
    assert_eq!(last_words(&folder, "escape-reply@x.example"), shown);
    assert_eq!(history(&folder, "bob@x.example"), "claimed released");
    assert_eq!(received(&server), [("ann@x.example".to_owned(), 1)].into());
    assert_eq!(server.stats().commands(Verb::Rcpt), 2);
}
