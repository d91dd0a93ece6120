//! Signals: the first one drains, the second one stops at once; either way the ledger is whole, and the same command
//! goes on.

use std::collections::BTreeMap;

use mailrun::sandbox::{Sandbox, Verb};
use serde_json::Value;

use super::evidence::{counts, history, steady};
use super::running::{Running, until};
use super::support::{Folder, mailrun, received, run, send, sequential, url};

const DRAINING: &str = "stopping: finishing what is in flight; once more to stop at once\n";

/// Recipients for whom the sandbox does so much, five of them.
fn five(kind: &str) -> Folder {
    let rows: Vec<_> = (1..=5).map(|n| format!("{kind}+{n}@a.example")).collect();
    Folder::with_rows(rows.iter().map(|row| (row.as_str(), "Anna")))
}

fn start(folder: &Folder, sandbox: &Sandbox) -> Running {
    Running::start(
        mailrun(folder.path.parent().unwrap())
            .args(["send", "campaign", "--json", "--server", &url(sandbox)])
            .args(["--connections", "2"]),
    )
}

/// Waits until two messages are at the server, whose answers take their time.
fn until_two_are_in_flight(sandbox: &Sandbox) {
    until("two messages in flight", || {
        (sandbox.stats().messages == 2).then_some(())
    });
}

fn once_each(folder: &Folder) -> BTreeMap<String, usize> {
    let list = folder.read("recipients.csv");
    let rows = list.lines().skip(1);
    rows.map(|row| (row.split(',').next().unwrap().to_owned(), 1))
        .collect()
}

/// The last line of the ledger.
fn last(folder: &Folder) -> Value {
    folder.ledger().pop().unwrap()
}

#[test]
fn the_first_signal_drains_whichever_it_is() {
    for (signal, reason) in [
        ("INT", "interrupted (SIGINT)"),
        ("TERM", "terminated (SIGTERM)"),
        ("HUP", "the terminal was closed (SIGHUP)"),
    ] {
        let folder = five("slow-2s-once");
        let sandbox = sequential();
        let mut running = start(&folder, &sandbox);
        until_two_are_in_flight(&sandbox);
        running.signal(signal);
        let ran = running.end();

        assert_eq!(ran.status, 4, "{ran:?}");
        assert_eq!(counts(&ran), "accepted 2, remaining 3");
        assert_eq!(ran.json()["stopped"], reason);
        assert_eq!(
            ran.stderr,
            format!(
                "{DRAINING}stopped: {reason}\n2 of 5 accepted, 3 remaining; the same command goes on\n"
            )
        );
        // Nothing was begun after it, and both connections were closed as is proper.
        assert_eq!(sandbox.stats().commands(Verb::Mail), 2);
        // The server keeps a conversation when it has read its end, which may be after mailrun's.
        let conversations = until("both conversations to be over", || {
            let all = sandbox.conversations();
            (all.len() == 2 && sandbox.stats().open == 0).then_some(all)
        });
        for conversation in conversations {
            assert_eq!(conversation.commands.last().unwrap(), "QUIT");
        }
        // Those claimed ahead were handed back, those in flight recorded.
        let mut histories: Vec<_> = (1..=5)
            .map(|n| history(&folder, &format!("slow-2s-once+{n}@a.example")))
            .collect();
        histories.sort();
        let in_flight = "claimed sending accepted";
        assert_eq!(histories[3..], [in_flight, in_flight]);
        for history in &histories[..3] {
            assert!(
                ["", "claimed released"].contains(&history.as_str()),
                "{history}"
            );
        }
        assert_eq!(last(&folder)["stopped"], reason);
        let status = run(&folder, &["status", "campaign", "--json"]);
        assert_eq!(status.json()["stopped"], reason);

        let again = send(&folder, &sandbox, &["--json"]);
        assert_eq!((again.status, counts(&again)), (0, "accepted 5".to_owned()));
        assert_eq!(again.json()["stopped"], Value::Null);
        assert_eq!(received(&sandbox), once_each(&folder));
    }
}

#[test]
fn a_drain_in_full_flight_loses_nobody() {
    let folder = Folder::generated(5_000, "flight.example");
    let sandbox = sequential();
    let mut running = start(&folder, &sandbox);
    until("some messages", || {
        (sandbox.stats().messages >= 200).then_some(())
    });
    running.signal("INT");
    let ran = running.end();
    assert_eq!(ran.status, 4, "{ran:?}");
    let accepted = sandbox.stats().messages;
    assert!((200..5_000).contains(&accepted), "{accepted}");
    let remaining = 5_000 - accepted;
    assert_eq!(
        counts(&ran),
        format!("accepted {accepted}, remaining {remaining}")
    );
    // A connection is replaced after a hundred messages; every one of them said QUIT.
    assert_eq!(
        sandbox.stats().commands(Verb::Quit),
        sandbox.stats().connections
    );
    let again = send(&folder, &sandbox, &["--json"]);
    assert_eq!(
        (again.status, counts(&again)),
        (0, "accepted 5000".to_owned())
    );
    assert_eq!(received(&sandbox), once_each(&folder));
}

#[test]
fn the_second_signal_stops_at_once_and_the_ledger_is_whole() {
    let folder = five("hang-at-dot");
    // Keys of their own, so that the list can be mended without becoming another one.
    folder.configure("[recipients]\nkey = \"name\"");
    let list = folder.read("recipients.csv");
    let rows = list.lines().enumerate();
    let list: String = rows
        .map(|(n, row)| format!("{}\n", row.replace("Anna", &format!("k{n}"))))
        .collect();
    folder.write("recipients.csv", &list);
    let sandbox = sequential();
    let mut running = start(&folder, &sandbox);
    until_two_are_in_flight(&sandbox);
    running.signal("INT");
    until("the first signal to be heeded", || {
        (running.stderr() == DRAINING).then_some(())
    });
    assert!(!running.ended(), "{}", running.stderr());
    running.signal("INT");
    let ran = running.end();
    assert_eq!(ran.status, 4, "{ran:?}");
    assert_eq!(ran.stdout, "");
    assert_eq!(
        ran.stderr,
        format!(
            "{DRAINING}stopped at once: what was in flight may be in doubt; the same command goes on\n"
        )
    );
    assert_eq!(sandbox.stats().commands(Verb::Mail), 2);

    // Every line of it can be read, and the two in flight are in doubt.
    let marked: Vec<_> = folder.standings().into_values().collect();
    assert_eq!(marked.iter().filter(|state| *state == "sending").count(), 2);
    let status = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(counts(&status), "in_doubt 2, remaining 3");

    folder.write("recipients.csv", list.replace("hang-at-dot", "mended"));
    let again = send(&folder, &sandbox, &["--json"]);
    assert_eq!(
        (again.status, counts(&again)),
        (3, "accepted 3, in_doubt 2".to_owned())
    );
    let received = received(&sandbox);
    assert_eq!((received.len(), received.values().sum()), (5, 5));
}

#[test]
fn a_signal_ends_the_wait_for_the_next_attempt() {
    let folder = Folder::with_rows([("rcpt-450@a.example", "Anna"), ("bert@a.example", "Bert")]);
    let settings = folder.read("campaign.toml").replace("\"10ms\"", "\"1h\"");
    folder.write("campaign.toml", settings.replace("\"20ms\"", "\"1h\""));
    let sandbox = sequential();
    let mut running = start(&folder, &sandbox);
    until("the wait for the next attempt", || {
        let said = running.stderr();
        said.starts_with("1 recipient deferred; the next attempt in ")
            .then_some(())
    });
    running.signal("TERM");
    let ran = running.end();
    assert_eq!(ran.status, 4, "{ran:?}");
    assert_eq!(counts(&ran), "accepted 1, deferred 1");
    assert_eq!(ran.json()["stopped"], "terminated (SIGTERM)");
    assert_eq!(
        steady(&ran.stderr).lines().last().unwrap(),
        "1 of 2 accepted, 1 deferred; the same command goes on"
    );
    assert_eq!(
        received(&sandbox),
        [("bert@a.example".to_owned(), 1)].into()
    );
}
