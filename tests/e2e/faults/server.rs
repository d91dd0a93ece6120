//! What is the server's or the connection's trouble: booked on nobody, answered by another connection, a pause or
//! the end of the run.

use std::thread;

use mailrun::sandbox::{Options, Verb};

use super::{
    AFTER, BEFORE, Expected, MAILED, MAILED_LATER, address, check, folder, give_up, last_words,
};
use crate::evidence::{counts, history, steady};
use crate::support::{Folder, received, run, sandbox_with, send, sequential, url};

#[test]
fn a_connection_lost_once_is_replaced_at_once() {
    for name in [
        "rcpt-421-once",
        "data-421-once",
        "421-in-body-once",
        "dot-421-once",
        "close-at-rcpt-once",
        "close-at-data-once",
    ] {
        let sent = name.starts_with("dot") || name.contains("body");
        check(
            name,
            &Expected {
                status: 0,
                counts: "accepted 3",
                odd: match sent {
                    true => "claimed sending released claimed sending accepted",
                    false => MAILED_LATER,
                },
                after: MAILED_LATER,
                last: "250 2.0.0 Ok: queued as 00000003".to_owned(),
                said: String::new(),
                // What was lost without a word gets a connection of its own.
                connections: if name.starts_with("close") { 3 } else { 2 },
                received: 1,
            },
        );
    }
}

/// Closed without a word each time, while others are accepted: it is the message.
#[test]
fn a_connection_lost_each_time_at_one_message() {
    for (name, stage) in [("close-at-rcpt", "RCPT TO"), ("close-at-data", "DATA")] {
        check(
            name,
            &Expected {
                status: 3,
                counts: "accepted 2, failed 1",
                odd: "claimed released claimed released claimed released claimed failed",
                after: MAILED_LATER,
                last: format!(
                    "the connection was lost 4 times at this message (the server closed the connection at {stage}), while others \
                     were accepted"
                ),
                said: format!(
                    "127.0.0.1:P: the server closed the connection at {stage}; trying again\n"
                ),
                connections: 5,
                received: 0,
            },
        );
    }
}

/// A 421 is the server's word about itself: the recipient stays `remaining`, however often it comes.
#[test]
fn a_server_that_says_421_each_time() {
    thread::scope(|scope| {
        for (name, stage, sent) in [
            ("rcpt-421", "RCPT TO", ""),
            ("data-421", "DATA", ""),
            ("421-in-body", "the end of the content", " sending"),
            ("dot-421", "the end of the content", " sending"),
        ] {
            scope.spawn(move || says_421(name, stage, sent));
        }
    });
}

fn says_421(name: &str, stage: &str, sent: &str) {
    let server = sequential();
    let folder = folder(name, &server, "");
    give_up(&folder, "2s");
    let ran = run(&folder, &["send", "campaign", "--json"]);
    let trouble = format!(
        "127.0.0.1:P: the server answered {stage} with \"421 4.3.2 closing this connection\""
    );
    let reason =
        format!("{trouble}; no message could be submitted for 2 s (give_up in [delivery])");
    let expected = (4, "accepted 2, remaining 1".to_owned());
    assert_eq!((ran.status, counts(&ran)), expected, "{name}");
    assert_eq!(steady(ran.json()["stopped"].as_str().unwrap()), reason);
    assert_eq!(
        steady(&ran.stderr),
        format!(
            "{trouble}; trying again\nstopped: {reason}\n\
             2 of 3 accepted, 1 remaining; the same command goes on\n"
        )
    );
    let connections = usize::try_from(server.stats().connections).unwrap();
    assert!(connections >= 3, "{connections}");
    let each = vec![format!("claimed{sent} released"); connections];
    assert_eq!(history(&folder, &address(name)), each.join(" "));
    assert_eq!(history(&folder, BEFORE), MAILED);
    assert_eq!(history(&folder, AFTER), MAILED_LATER);
    let good = [(BEFORE.to_owned(), 1), (AFTER.to_owned(), 1)];
    assert_eq!(received(&server), good.into());
}

/// The sender's address decides what becomes of MAIL.
#[test]
fn mail_refused_once_is_not_the_recipients() {
    for refusal in ["421", "450", "451-4.4.5"] {
        let server = sequential();
        let folder = folder("cat", &server, "");
        let text = folder.read("campaign.toml");
        folder.write(
            "campaign.toml",
            text.replace("news@", &format!("mail-{refusal}-once@")),
        );
        let ran = run(&folder, &["send", "campaign", "--json"]);
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (0, "accepted 3"),
            "{ran:?}"
        );
        assert_eq!(history(&folder, BEFORE), MAILED_LATER, "{refusal}");
        for key in [&address("cat"), AFTER] {
            // The others may have been claimed beside the first one.
            let history = history(&folder, key);
            assert!(
                history == MAILED || history == MAILED_LATER,
                "{refusal}: {history}"
            );
        }
        assert_eq!(
            (server.stats().connections, server.stats().messages),
            (2, 3),
            "{refusal}"
        );
    }
}

#[test]
fn a_greeting_that_says_come_back_later() {
    let server = sandbox_with(Options {
        announce: crate::support::no_groups(),
        greeting: Some("421 4.3.2 too busy".to_owned()),
        ..Options::default()
    });
    let folder = folder("cat", &server, "");
    give_up(&folder, "2s");
    let ran = run(&folder, &["send", "campaign", "--json"]);
    let trouble = "127.0.0.1:P: the server answered the greeting with \"421 4.3.2 too busy\"";
    assert_eq!(
        steady(&ran.stderr),
        format!(
            "{trouble}; trying again\n\
             stopped: {trouble}; no message could be submitted for 2 s (give_up in [delivery])\n\
             0 of 3 accepted, 3 remaining; the same command goes on\n"
        )
    );
    assert_eq!((ran.status, counts(&ran).as_str()), (4, "remaining 3"));
    // Nobody is claimed for whom there is no connection.
    assert_eq!(folder.standings(), [].into());
    assert!(server.stats().connections >= 3);
    assert_eq!(server.stats().commands(Verb::Ehlo), 0);
}

#[test]
fn a_server_that_knows_no_ehlo() {
    let server = sandbox_with(Options {
        announce: crate::support::no_groups(),
        ehlo_refused: true,
        ..Options::default()
    });
    let folder = folder("cat", &server, "");
    let ran = run(&folder, &["send", "campaign", "--json"]);
    assert_eq!((ran.status, counts(&ran).as_str()), (0, "accepted 3"));
    let conversations = server.conversations();
    assert_eq!(conversations.len(), 1);
    assert_eq!(
        conversations[0].commands[..3],
        [
            "EHLO [127.0.0.1]",
            "HELO [127.0.0.1]",
            "MAIL FROM:<news@acme.example>"
        ]
    );
}

#[test]
fn fewer_connections_than_asked_for() {
    let folder = Folder::generated(200, "x.example");
    let server = sandbox_with(Options {
        announce: crate::support::no_groups(),
        max_connections: Some(2),
        ..Options::default()
    });
    let ran = send(&folder, &server, &["--json", "--connections", "6"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 200"),
        "{ran:?}"
    );
    assert!(received(&server).values().all(|times| *times == 1));
    assert_eq!(received(&server).len(), 200);
    assert!(server.stats().turned_away >= 1, "{:?}", server.stats());
    assert!(server.stats().most_open <= 2);
}

/// Who waits for a connection does not keep the work from those who have one.
#[test]
fn one_connection_for_two_and_work_left_at_the_end() {
    let folder = Folder::with_rows([("slow-300ms@x.example", "Odd"), (BEFORE, "Ann")]);
    let server = sandbox_with(Options {
        announce: crate::support::no_groups(),
        max_connections: Some(1),
        ..Options::default()
    });
    let ran = send(&folder, &server, &["--json", "--connections", "2"]);
    let expected = (0, "accepted 2".to_owned());
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
    assert_eq!(received(&server).len(), 2);
    assert!(server.stats().turned_away >= 1, "{:?}", server.stats());
}

#[test]
fn fewer_messages_on_a_connection_than_ours() {
    let folder = Folder::generated(20, "x.example");
    let server = sandbox_with(Options {
        announce: crate::support::no_groups(),
        messages_per_connection: Some(3),
        ..Options::default()
    });
    let ran = send(&folder, &server, &["--json", "--connections", "1"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 20"),
        "{ran:?}"
    );
    assert_eq!(
        steady(&ran.stderr),
        "127.0.0.1:P: at most 3 messages a connection from now on: the server answered MAIL FROM with \"421 4.7.0 too \
         many messages on this connection\"\n20 of 20 accepted in T\n"
    );
    assert!(received(&server).values().all(|times| *times == 1));
    // Six times three, and two.
    assert_eq!(
        (server.stats().connections, server.stats().messages),
        (7, 20)
    );
    // After the first one, each was closed before the server had to.
    assert_eq!(server.stats().commands(Verb::Quit), 6);
}

#[test]
fn our_own_limit_of_messages_on_a_connection() {
    let folder = Folder::generated(20, "x.example");
    let server = sequential();
    folder.configure(&format!(
        "[[server]]\nurl = \"{}\"\nconnections = 1\nmessages_per_connection = 5",
        url(&server)
    ));
    let ran = run(&folder, &["send", "campaign", "--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 20"),
        "{ran:?}"
    );
    assert_eq!(
        (server.stats().connections, server.stats().messages),
        (4, 20)
    );
    assert_eq!(server.stats().commands(Verb::Quit), 4);
}

/// Silence where an answer is due is the connection's trouble until the end of the content is sent.
#[test]
fn silence_at_rcpt() {
    let server = sequential();
    let folder = folder("slow-rcpt-30s-once", &server, "timeout = \"500ms\"");
    let ran = run(&folder, &["send", "campaign", "--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 3"),
        "{ran:?}"
    );
    let odd = address("slow-rcpt-30s-once");
    assert_eq!(history(&folder, &odd), MAILED_LATER);
    assert_eq!(
        last_words(&folder, &odd),
        "250 2.0.0 Ok: queued as 00000003"
    );
    assert_eq!(
        (server.stats().connections, server.stats().messages),
        (3, 3)
    );
}
