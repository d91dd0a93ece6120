//! Commands in groups: with PIPELINING alone, with CHUNKING in windows, and with neither, one list ends the same way.

use std::collections::BTreeMap;

use mailrun::sandbox::{Announce, Choke, Options, Sandbox, Verb};

use crate::support::{CAMPAIGN, Folder, Ran, TEXT, received, sandbox_with, send};

/// A server that offers so much, and the window that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Sequential,
    Pipelined,
    Chunked(usize),
}

const WAYS: [Way; 5] = [
    Way::Sequential,
    Way::Pipelined,
    Way::Chunked(1),
    Way::Chunked(8),
    Way::Chunked(16),
];

impl Way {
    fn options(self) -> Options {
        let announce = Announce {
            pipelining: self != Way::Sequential,
            chunking: matches!(self, Way::Chunked(_)),
            ..Announce::default()
        };
        Options {
            announce,
            ..Options::default()
        }
    }

    fn window(self) -> usize {
        match self {
            Way::Sequential | Way::Pipelined => 8,
            Way::Chunked(window) => window,
        }
    }
}

/// A campaign for these addresses, whose settings leave nothing to the clock.
fn campaign(addresses: &[String], way: Way, connections: usize) -> Folder {
    let folder = Folder::empty();
    let delivery = CAMPAIGN.replace("\"2s\"", "\"60s\"\nstop_after = 1000");
    let server = format!(
        "[[server]]\nurl = \"smtp://127.0.0.1:1?tls=none\"\nconnections = {connections}\nwindow = {}\ntimeout = \"500ms\"\n",
        way.window()
    );
    folder.write("campaign.toml", delivery + &server);
    let rows = addresses.iter().map(|address| format!("{address},N\n"));
    folder.write(
        "recipients.csv",
        format!("email,name\n{}", rows.collect::<String>()),
    );
    folder.write("message.txt.hbs", TEXT);
    folder
}

/// So many addresses: every `each`th asks for one of these kinds in turn, those between for nothing.
fn mixed(rows: usize, each: usize, kinds: &[&str]) -> Vec<String> {
    let address = |row: usize| match (row % each, kinds[row / each % kinds.len()]) {
        (1, kind) => format!("{kind}+{row}@x.example"),
        (_, _) => format!("good+{row}@x.example"),
    };
    (0..rows).map(address).collect()
}

fn kind(address: &str) -> &str {
    address.split_once('+').unwrap().0
}

/// The states that the ledger has for each key, in order, checked line by line.
fn histories(folder: &Folder) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in folder.ledger() {
        if let (Some(key), Some(state)) = (line["key"].as_str(), line["state"].as_str()) {
            all.entry(key.to_owned())
                .or_default()
                .push(state.to_owned());
        }
    }
    for (key, states) in &all {
        let mut before = "";
        for state in states {
            let after: &[&str] = match before {
                "" | "released" | "deferred" | "in_doubt" => &["claimed"],
                "claimed" => &["sending", "released", "failed", "deferred"],
                // Sent again over the same connection, after the server said that it took nothing.
                "sending" => &[
                    "sending", "released", "accepted", "failed", "deferred", "in_doubt",
                ],
                _ => &[],
            };
            assert!(after.contains(&state.as_str()), "{key}: {states:?}");
            before = state;
        }
    }
    all
}

#[track_caller]
fn adds_up(ran: &Ran, recipients: usize) {
    let json = ran.json();
    let states = [
        "accepted",
        "failed",
        "deferred",
        "in_doubt",
        "invalid",
        "suppressed",
        "duplicate",
        "remaining",
    ];
    let sum: u64 = states
        .iter()
        .map(|state| json[state].as_u64().unwrap())
        .sum();
    assert_eq!(json["recipients"], recipients, "{json}");
    assert_eq!(sum, recipients as u64, "{json}");
    assert!(json["stopped"].is_null(), "{json}");
}

/// The server's side agrees that it was driven this way.
#[track_caller]
fn driven(sandbox: &Sandbox, way: Way) {
    let stats = sandbox.stats();
    let (data, bdat) = (stats.commands(Verb::Data), stats.commands(Verb::Bdat));
    let chunked = matches!(way, Way::Chunked(_));
    assert_eq!(
        (data == 0, bdat == 0),
        (chunked, !chunked),
        "{way:?}: {data} DATA, {bdat} BDAT"
    );
}

/// Refusals, for good and for now, of envelopes and of contents, and 421 wherever it may come: each is booked on the
/// one whom it concerns, everybody else gets the message once.
#[test]
fn refusals_concern_one_message_alone() {
    let kinds = [
        "rcpt-550",
        "rcpt-450-once",
        "dot-550",
        "dot-451-once",
        "data-451-once",
        "data-554",
        "rcpt-450",
        "421-in-body-once",
        "rcpt-421-once",
        "dot-421-once",
        "escape-reply",
    ];
    let addresses = mixed(500, 3, &kinds);
    let refused = [
        "rcpt-550",
        "dot-550",
        "data-554",
        "rcpt-450",
        "escape-reply",
    ];
    for way in WAYS {
        for refused_bdat_stays in [false, true] {
            let sandbox = sandbox_with(Options {
                refused_bdat_stays,
                ..way.options()
            });
            let folder = campaign(&addresses, way, 4);
            let ran = send(&folder, &sandbox, &["--json"]);
            let what = format!("{way:?}, {refused_bdat_stays}: {ran:?}");
            assert_eq!(ran.status, 3, "{what}");
            adds_up(&ran, 500);
            let received = received(&sandbox);
            let histories = histories(&folder);
            assert_eq!(histories.len(), 500, "{what}");
            for address in &addresses {
                let states = &histories[address];
                let fails = refused.contains(&kind(address));
                let expected = if fails {
                    ("failed", None)
                } else {
                    ("accepted", Some(&1))
                };
                let last = states.last().unwrap().as_str();
                assert_eq!(
                    (last, received.get(address)),
                    expected,
                    "{address}: {states:?}, {what}"
                );
                let at_rcpt = ["rcpt-550", "rcpt-450", "escape-reply"].contains(&kind(address));
                if at_rcpt && !matches!(way, Way::Chunked(_)) {
                    assert!(
                        !states.iter().any(|state| state == "sending"),
                        "{address}: {states:?}"
                    );
                }
            }
            assert!(!ran.stderr.contains("from now on"), "{what}");
            driven(&sandbox, way);
        }
    }
}

/// Lines that are cut: in doubt is what had left unanswered, at most a window a cut; a later run settles the rest.
#[test]
fn lost_connections_leave_at_most_a_window_in_doubt() {
    let kinds = [
        "drop-after-dot-once",
        "drop-before-dot-once",
        "close-at-rcpt-once",
        "close-at-data-once",
    ];
    let addresses = mixed(500, 40, &kinds);
    let cuts = addresses
        .iter()
        .filter(|address| kind(address) != "good")
        .count();
    assert_eq!(cuts, 13);
    for way in WAYS {
        let sandbox = sandbox_with(way.options());
        let folder = campaign(&addresses, way, 4);
        let ran = send(&folder, &sandbox, &["--json"]);
        assert_eq!(ran.status, 3, "{way:?}: {ran:?}");
        adds_up(&ran, 500);
        let json = ran.json();
        let doubted = json["in_doubt"].as_u64().unwrap();
        assert_eq!(
            json["accepted"].as_u64().unwrap() + doubted,
            500,
            "{way:?}: {json}"
        );
        match way {
            Way::Chunked(window) => {
                let most = (cuts * window) as u64;
                assert!(
                    (7..=most).contains(&doubted),
                    "{way:?}: {doubted} of at most {most}"
                );
            }
            // Content had left at the first two kinds alone: 4 and 3 of 13.
            Way::Sequential | Way::Pipelined => assert_eq!(doubted, 7, "{way:?}"),
        }
        let before = received(&sandbox);
        let standings = folder.standings();
        histories(&folder);
        for address in &addresses {
            let times = before.get(address).copied().unwrap_or(0);
            match (kind(address), standings[address].as_str()) {
                ("drop-after-dot-once", "in_doubt") => assert_eq!(times, 1, "{way:?}: {address}"),
                ("drop-after-dot-once", state) => panic!("{way:?}: {address} is {state}"),
                (_, "in_doubt") => assert!(times <= 1, "{way:?}: {address}"),
                (_, state) => assert_eq!((state, times), ("accepted", 1), "{way:?}: {address}"),
            }
        }
        driven(&sandbox, way);

        let held = send(&folder, &sandbox, &["--json"]);
        assert_eq!(
            (held.status, received(&sandbox)),
            (3, before.clone()),
            "{way:?}: {held:?}"
        );
        let settings = folder.read("campaign.toml");
        let resend = settings.replace("[delivery]", "[delivery]\nin_doubt = \"resend\"");
        folder.write("campaign.toml", resend);
        // A cut whose message only shared a window with another's is met in the resending, and leaves a window again.
        let mut resends = 0;
        let again = loop {
            resends += 1;
            let again = send(&folder, &sandbox, &["--json"]);
            adds_up(&again, 500);
            if again.status == 0 {
                break again;
            }
            assert!(again.status == 3 && resends < cuts, "{way:?}: {again:?}");
        };
        assert_eq!(again.json()["accepted"], 500);
        let after = received(&sandbox);
        histories(&folder);
        for address in &addresses {
            let times = before.get(address).copied().unwrap_or(0);
            let more = match standings[address].as_str() {
                "in_doubt" => 1..=resends,
                _ => 0..=0,
            };
            assert!(
                more.contains(&(after[address] - times)),
                "{way:?}: {address}"
            );
        }
    }
}

/// A server that offers groups and cannot take them: nobody is booked for it, and it is driven more simply.
#[test]
fn a_server_that_chokes_on_groups_is_driven_more_simply() {
    let addresses = mixed(60, 61, &["good"]);
    let confused =
        "the server offers to take commands in groups, and does not know what to make of them";
    let lost =
        "the connection was lost at the first group of commands, which the server offers to take";
    for (choke, why) in [
        (Choke::Refuses, confused),
        (Choke::Closes, lost),
        (Choke::Hangs, lost),
    ] {
        for way in [Way::Pipelined, Way::Chunked(8)] {
            let sandbox = sandbox_with(Options {
                chokes_on_groups: Some(choke),
                ..way.options()
            });
            let folder = campaign(&addresses, way, 4);
            let ran = send(&folder, &sandbox, &["--json"]);
            let what = format!("{choke:?}, {way:?}: {ran:?}");
            assert_eq!(ran.status, 0, "{what}");
            adds_up(&ran, 60);
            assert_eq!(ran.json()["accepted"], 60, "{what}");
            let received = received(&sandbox);
            assert!(
                received.len() == 60 && received.values().all(|&times| times == 1),
                "{what}"
            );
            assert_eq!(histories(&folder).len(), 60);
            let said = |how: &str| {
                let line = format!("{}: {why}; driven {how} from now on", sandbox.address());
                ran.stderr.lines().filter(|said| *said == line).count()
            };
            let by_pipelining = usize::from(way != Way::Pipelined);
            assert_eq!(
                said("by PIPELINING, without CHUNKING"),
                by_pipelining,
                "{what}"
            );
            assert_eq!(said("command by command"), 1, "{what}");
            assert_eq!(sandbox.stats().commands(Verb::Bdat), 0, "{what}");
        }
    }
}

/// A later pass knows how the server has to be driven.
#[test]
fn a_retry_does_not_try_groups_again() {
    let addresses = mixed(40, 4, &["rcpt-450-once"]);
    let way = Way::Chunked(8);
    let sandbox = sandbox_with(Options {
        chokes_on_groups: Some(Choke::Closes),
        ..way.options()
    });
    let folder = campaign(&addresses, way, 2);
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(
        (ran.status, &ran.json()["accepted"]),
        (0, &40.into()),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("10 recipients deferred"), "{ran:?}");
    assert_eq!(ran.stderr.matches("from now on").count(), 2, "{ran:?}");
    assert_eq!(received(&sandbox).len(), 40);
}

/// A message at which the connection is lost each time fails in the end, and costs its neighbours nothing.
#[test]
fn a_message_that_ends_every_connection_fails() {
    for (way, connections, place) in [
        (Way::Sequential, 1, 20),
        (Way::Sequential, 4, 58),
        (Way::Pipelined, 1, 58),
        (Way::Pipelined, 4, 20),
        (Way::Pipelined, 4, 0),
    ] {
        let mut addresses = mixed(60, 61, &["good"]);
        addresses[place] = "close-at-rcpt+1@x.example".to_owned();
        addresses[place + 1] = "close-at-rcpt+2@x.example".to_owned();
        let sandbox = sandbox_with(way.options());
        let folder = campaign(&addresses, way, connections);
        let ran = send(&folder, &sandbox, &["--json"]);
        let what = format!("{way:?}, {connections}: {ran:?}");
        assert_eq!(ran.status, 3, "{what}");
        adds_up(&ran, 60);
        assert_eq!(
            (&ran.json()["accepted"], &ran.json()["failed"]),
            (&58.into(), &2.into()),
            "{what}"
        );
        let received = received(&sandbox);
        assert!(
            received.len() == 58 && received.values().all(|&times| times == 1),
            "{what}"
        );
        let mut lost = 0;
        for line in folder
            .ledger()
            .iter()
            .filter(|line| line["state"] == "failed")
        {
            let reason = line["reason"].as_str().unwrap();
            let times = reason
                .strip_prefix("the connection was lost ")
                .and_then(|rest| rest.strip_suffix(
                    " times at this message (the server closed the connection at RCPT TO), while others were accepted",
                ));
            // Where all others were accepted before the first time, once more is tried after a while.
            let times: usize = times.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
            assert!((4..=6).contains(&times), "{line}");
            lost += times;
            assert!(
                line["key"].as_str().unwrap().starts_with("close-at-rcpt+"),
                "{line}"
            );
        }
        let asked = |conversation: &&mailrun::sandbox::Conversation| {
            conversation
                .commands
                .iter()
                .any(|line| line.contains("close-at-rcpt"))
        };
        let conversations = sandbox.conversations();
        assert_eq!(conversations.iter().filter(asked).count(), lost, "{what}");
    }
}
