//! Several servers: work is shared, and moves when one of them fails.

use std::collections::BTreeMap;

use mailrun::sandbox::{Limits, Options, Sandbox};

use crate::evidence::{counts, steady};
use crate::running::{Running, until};
use crate::support::{Folder, mailrun, received, run, sandbox, sandbox_with, sequential, url};

fn servers(folder: &Folder, servers: &[(&Sandbox, &str)]) {
    for (sandbox, settings) in servers {
        let url = url(sandbox);
        folder.configure(&format!("[[server]]\nurl = \"{url}\"\n{settings}"));
    }
}

fn together(sandboxes: &[&Sandbox]) -> BTreeMap<String, usize> {
    let mut sum = BTreeMap::new();
    for sandbox in sandboxes {
        for (key, times) in received(sandbox) {
            *sum.entry(key).or_default() += times;
        }
    }
    sum
}

#[track_caller]
fn all_accepted_once(folder: &Folder, sandboxes: &[&Sandbox], recipients: usize) -> String {
    let ran = run(folder, &["send", "campaign", "--json"]);
    let expected = (0, format!("accepted {recipients}"));
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
    let received = together(sandboxes);
    assert_eq!(received.len(), recipients);
    assert!(received.values().all(|times| *times == 1));
    steady(&ran.stderr)
}

#[test]
fn the_ledger_says_which_server_took_a_message() {
    let (first, second) = (sandbox(), sandbox());
    let folder = Folder::generated(200, "x.example");
    let slow = "connections = 1\nrate = \"20/s\"";
    servers(&folder, &[(&first, slow), (&second, slow)]);
    all_accepted_once(&folder, &[&first, &second], 200);
    for sandbox in [&first, &second] {
        let name = sandbox.address().to_string();
        let lines = folder.ledger();
        let accepted = lines
            .iter()
            .filter(|line| line["state"] == "accepted" && line["server"] == name.as_str());
        let accepted = accepted.count();
        assert_eq!(accepted, sandbox.messages().len());
        // Each at its own rate: together they are twice as fast as one.
        assert!((80..=120).contains(&accepted), "{accepted}");
    }
}

#[test]
fn weights_share_the_messages() {
    let (heavy, light) = (sandbox(), sandbox());
    let folder = Folder::generated(1000, "x.example");
    servers(&folder, &[(&heavy, "weight = 9"), (&light, "weight = 1")]);
    all_accepted_once(&folder, &[&heavy, &light], 1000);
    let share = light.messages().len();
    assert!((50..=150).contains(&share), "{share} of 1000");
}

/// A server that takes messages and never answers, and one that is not there at first, hold up nobody: the other has
/// all that is left.
#[test]
fn weights_are_no_chains() {
    let (healthy, hanging) = (sequential(), sequential());
    let rows: Vec<_> = (1..=300).map(|n| format!("r{n}@x.example")).collect();
    let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    // Only the first one to get a message of these is held up: by one of them.
    rows.insert(0, "hang-at-dot-once@x.example");
    let folder = Folder::with_rows(rows.into_iter().map(|row| (row, "Anna")));
    servers(
        &folder,
        &[
            (&hanging, "weight = 9\ntimeout = \"300ms\"\nconnections = 1"),
            (&healthy, "weight = 1\ntimeout = \"300ms\"\nconnections = 1"),
        ],
    );
    let ran = run(&folder, &["send", "campaign", "--json"]);
    let expected = (3, "accepted 300, in_doubt 1".to_owned());
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
    let times = together(&[&healthy, &hanging]);
    assert!(times.values().all(|times| *times == 1), "{times:?}");

    let (gone, other) = (sandbox(), sandbox());
    let folder = Folder::generated(100, "x.example");
    servers(&folder, &[(&gone, "weight = 99"), (&other, "weight = 1")]);
    gone.stop();
    all_accepted_once(&folder, &[&other], 100);
}

#[test]
fn a_quota_on_one_server_moves_the_work_to_the_other() {
    let first = sandbox_with(Options {
        limits: Limits {
            quota: Some(50),
            ..Limits::default()
        },
        ..Options::default()
    });
    let second = sandbox();
    let folder = Folder::generated(300, "x.example");
    // Slow enough that the first one takes all that it may.
    servers(&folder, &[(&first, ""), (&second, "rate = \"200/s\"")]);
    let said = all_accepted_once(&folder, &[&first, &second], 300);
    // Those under way when it was reached are taken too.
    let taken = first.messages().len();
    assert!((50..=100).contains(&taken), "{taken}");
    assert!(
        said.contains("a quota is used up: the server answered MAIL FROM with \"550 5.4.5"),
        "{said}"
    );
    assert!(said.contains("; the others go on\n"), "{said}");

    // A quota of our own, on both: the run stops when the second one is used up too.
    let (first, second) = (sandbox(), sandbox());
    let folder = Folder::generated(100, "x.example");
    let quota = "rate = \"30/day\"";
    servers(&folder, &[(&first, quota), (&second, quota)]);
    let ran = run(&folder, &["send", "campaign", "--json"]);
    let expected = (4, "accepted 60, remaining 40".to_owned());
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
    assert_eq!((first.messages().len(), second.messages().len()), (30, 30));
}

#[test]
fn a_server_that_refuses_the_account_is_left_out() {
    let refusing = sandbox_with(Options {
        greeting: Some("554 5.7.1 no service for you".to_owned()),
        ..Options::default()
    });
    let other = sandbox();
    let folder = Folder::generated(40, "x.example");
    servers(&folder, &[(&refusing, ""), (&other, "rate = \"100/s\"")]);
    let said = all_accepted_once(&folder, &[&other], 40);
    assert!(
        said.starts_with(
            "127.0.0.1:P: the server answered the greeting with \"554 5.7.1 no service for you\"; see from in [message] and \
             what the account may do, or ask who runs the server; the others go on\n"
        ),
        "{said}"
    );
    // Not asked again by every connection that it may have.
    assert!(refusing.stats().connections <= 2, "{:?}", refusing.stats());
}

#[test]
fn one_server_is_gone_from_the_start() {
    let (gone, other) = (sandbox(), sandbox());
    let folder = Folder::generated(40, "x.example");
    servers(&folder, &[(&gone, ""), (&other, "rate = \"100/s\"")]);
    gone.stop();
    all_accepted_once(&folder, &[&other], 40);
}

#[test]
fn one_server_is_killed_in_the_middle() {
    for options in [
        Options::default(),
        Options {
            announce: crate::support::no_groups(),
            ..Options::default()
        },
    ] {
        let mut dying = sandbox_with(options);
        let other = sequential();
        let rows: Vec<_> = (1..=400)
            .map(|n| format!("slow-2ms+{n}@x.example"))
            .collect();
        let folder = Folder::with_rows(rows.iter().map(|row| (row.as_str(), "Anna")));
        servers(
            &folder,
            &[(&dying, "connections = 4"), (&other, "connections = 4")],
        );
        let mut command = mailrun(folder.path.parent().unwrap());
        let mut running = Running::start(command.args(["send", "campaign", "--json"]));
        until("messages", || (dying.stats().messages >= 20).then_some(()));
        dying.halt();
        let ran = running.end();
        let json = ran.json();
        let doubt = json["in_doubt"].as_u64().unwrap();
        // Four connections with a window of eight at most.
        assert!(doubt <= 32, "{ran:?}");
        let status = if doubt == 0 { 0 } else { 3 };
        assert_eq!(ran.status, status, "{ran:?}");
        assert_eq!(json["accepted"].as_u64().unwrap() + doubt, 400, "{ran:?}");
        // Nobody twice; who was in doubt is mailed by nobody else.
        let times = together(&[&dying, &other]);
        assert!(times.values().all(|times| *times == 1), "{times:?}");
        for (key, state) in folder.standings() {
            let there = times.contains_key(&key);
            assert!(there || state != "accepted", "{key} {state}");
        }
    }
}
