//! Limits, those that are set and those that a server says it has: what the receiving side saw of them.

use std::collections::BTreeMap;
use std::time::Duration;

use mailrun::sandbox::{Announce, Limits, Options, Sandbox};

use crate::evidence::{counts, steady};
use crate::running::{Running, until};
use crate::support::{
    Folder, Ran, mailrun, no_groups, received, run, sandbox, sandbox_with, sequential, url,
};

/// A server of the campaign.
fn server(sandbox: &Sandbox, settings: &str) -> String {
    format!("[[server]]\nurl = \"{}\"\n{settings}\n", url(sandbox))
}

fn send(folder: &Folder) -> Ran {
    run(folder, &["send", "campaign", "--json"])
}

#[track_caller]
fn all_accepted_once(folder: &Folder, sandbox: &Sandbox, recipients: usize) {
    let ran = send(folder);
    let expected = (0, format!("accepted {recipients}"));
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
    let received = received(sandbox);
    assert_eq!(received.len(), recipients);
    assert!(received.values().all(|times| *times == 1));
    assert!(folder.standings().values().all(|state| state == "accepted"));
}

/// The most messages that were accepted in any stretch of this length.
fn most_in(sandbox: &Sandbox, length: Duration) -> usize {
    let times = sandbox.times();
    let within = |first: usize| {
        let end = times[first] + length;
        times[first..].partition_point(|time| *time < end)
    };
    (0..times.len()).map(within).max().unwrap_or(0)
}

#[test]
fn a_rate_holds_in_every_window_whatever_the_connections() {
    for connections in [1, 10] {
        let sandbox = sandbox();
        let folder = Folder::generated(150, "x.example");
        let settings = format!("connections = {connections}\nrate = [\"50/s\", \"6000/min\"]");
        folder.configure(&server(&sandbox, &settings));
        all_accepted_once(&folder, &sandbox, 150);
        // 2 % for what the machine delays unevenly.
        let most = most_in(&sandbox, Duration::from_secs(1));
        assert!(most <= 51, "{most} in a second");
        let times = sandbox.times();
        let took = *times.last().unwrap() - times[0];
        assert!(took >= Duration::from_millis(2930), "{took:?}");
    }
}

/// What a server needs for some envelopes brings their contents closer to the next ones.
#[test]
fn a_rate_holds_however_late_envelopes_are_answered() {
    let pipelining = Announce {
        chunking: false,
        ..Announce::default()
    };
    // In whole transactions only the first content waits for an answer.
    for (announce, slow) in [(Announce::default(), 30), (pipelining, 7), (no_groups(), 7)] {
        let sandbox = sandbox_with(Options {
            announce,
            ..Options::default()
        });
        let slow = (0..30).map(|n| match n % slow {
            0 => format!("slow-rcpt-350ms+{n}@x.example"),
            _ => format!("r{n}@x.example"),
        });
        let rows: Vec<_> = slow.collect();
        let folder = Folder::with_rows(rows.iter().map(|email| (email.as_str(), "Name")));
        folder.configure(&server(&sandbox, "rate = \"10/s\""));
        all_accepted_once(&folder, &sandbox, 30);
        let most = most_in(&sandbox, Duration::from_secs(1));
        assert!(most <= 10, "{most} in a second");
    }
}

#[test]
fn messages_connections_and_age_of_connections_are_kept() {
    for connections in [1, 10] {
        let sandbox = sandbox();
        let folder = Folder::generated(200, "x.example");
        let settings = format!("connections = {connections}\nmessages_per_connection = 7");
        folder.configure(&server(&sandbox, &settings));
        all_accepted_once(&folder, &sandbox, 200);
        let mut each: BTreeMap<u64, usize> = BTreeMap::new();
        for message in sandbox.messages() {
            *each.entry(message.connection).or_default() += 1;
        }
        assert_eq!(each.values().max(), Some(&7));
        assert!(sandbox.stats().most_open <= connections);
    }
    // At 100 a second, a connection of 100 ms carries about ten.
    let sandbox = sandbox();
    let folder = Folder::generated(60, "x.example");
    let settings = "connections = 1\nrate = \"100/s\"\nconnection_lifetime = \"100ms\"";
    folder.configure(&server(&sandbox, settings));
    all_accepted_once(&folder, &sandbox, 60);
    // More of them on a machine that has much else to do.
    let opened = sandbox.stats().connections;
    assert!(opened >= 4, "{opened}");
}

#[test]
fn a_server_that_puts_off_every_first_attempt() {
    let sandbox = sandbox_with(Options {
        limits: Limits {
            greylists: true,
            ..Limits::default()
        },
        ..Options::default()
    });
    let folder = Folder::generated(40, "x.example");
    folder.configure(&server(&sandbox, ""));
    all_accepted_once(&folder, &sandbox, 40);
}

#[test]
fn a_server_that_takes_20_messages_on_a_connection() {
    for announce in [no_groups(), Options::default().announce] {
        let sandbox = sandbox_with(Options {
            announce,
            messages_per_connection: Some(20),
            ..Options::default()
        });
        let folder = Folder::generated(200, "x.example");
        folder.configure(&server(&sandbox, "connections = 2"));
        all_accepted_once(&folder, &sandbox, 200);
        // Learnt once, or by both connections at the same time.
        assert!(sandbox.stats().connections <= 13, "{:?}", sandbox.stats());
    }
}

#[test]
fn a_server_that_takes_3_connections() {
    let sandbox = sandbox_with(Options {
        max_connections: Some(3),
        ..Options::default()
    });
    let rows: Vec<_> = (1..=60)
        .map(|n| format!("slow-5ms+{n}@x.example"))
        .collect();
    let folder = Folder::with_rows(rows.iter().map(|row| (row.as_str(), "Anna")));
    folder.configure(&server(&sandbox, "connections = 10"));
    all_accepted_once(&folder, &sandbox, 60);
    let stats = sandbox.stats();
    assert_eq!(stats.most_open, 3);
    // It is not asked again and again.
    assert!((1..=7).contains(&stats.turned_away), "{stats:?}");
}

#[test]
fn a_server_that_throttles_for_a_while() {
    let sandbox = sandbox_with(Options {
        limits: Limits {
            throttled: Some(Duration::from_secs(1)),
            ..Limits::default()
        },
        ..Options::default()
    });
    let folder = Folder::generated(30, "x.example");
    let text = folder.read("campaign.toml");
    folder.write("campaign.toml", text.replace("\"2s\"", "\"60s\""));
    folder.configure(&server(&sandbox, ""));
    all_accepted_once(&folder, &sandbox, 30);
}

#[test]
fn a_server_that_takes_so_many_a_second() {
    let sandbox = sandbox_with(Options {
        limits: Limits {
            rate: Some((20, Duration::from_secs(1))),
            ..Limits::default()
        },
        ..Options::default()
    });
    let folder = Folder::generated(60, "x.example");
    let text = folder.read("campaign.toml");
    folder.write("campaign.toml", text.replace("\"2s\"", "\"60s\""));
    folder.configure(&server(&sandbox, ""));
    all_accepted_once(&folder, &sandbox, 60);
}

#[test]
fn a_server_whose_quota_ends_after_500() {
    let limited = |quota| {
        sandbox_with(Options {
            limits: Limits {
                quota,
                ..Limits::default()
            },
            ..Options::default()
        })
    };
    let folder = Folder::generated(600, "x.example");
    let text = folder.read("campaign.toml");
    let first = limited(Some(500));
    folder.configure(&server(&first, ""));
    let ran = send(&folder);
    // Those under way on other connections when it is reached are taken too.
    let accepted = ran.json()["accepted"].as_u64().unwrap();
    assert!((500..=580).contains(&accepted), "{ran:?}");
    let expected = (
        4,
        format!("accepted {accepted}, remaining {}", 600 - accepted),
    );
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
    assert_eq!(
        steady(ran.json()["stopped"].as_str().unwrap()),
        "127.0.0.1:P: a quota is used up: the server answered MAIL FROM with \"550 5.4.5 Daily user sending limit \
         exceeded\"; the same command goes on once it allows more"
    );
    // The next day.
    let next = limited(None);
    folder.write("campaign.toml", format!("{text}\n{}", server(&next, "")));
    let ran = send(&folder);
    let expected = (0, "accepted 600".to_owned());
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
    let mut times = received(&first);
    for (key, more) in received(&next) {
        *times.entry(key).or_default() += more;
    }
    assert_eq!(times.len(), 600);
    assert!(times.values().all(|times| *times == 1));
}

#[test]
fn a_rate_a_day_is_counted_across_restarts() {
    let sandbox = sandbox();
    let folder = Folder::generated(30, "x.example");
    folder.configure(&server(&sandbox, "rate = \"10/day\""));
    let ran = send(&folder);
    let expected = (4, "accepted 10, remaining 20".to_owned());
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
    let stopped = ran.json()["stopped"].as_str().unwrap().to_owned();
    assert!(
        steady(&stopped).starts_with(
            "127.0.0.1:P: the 10 messages of a day (rate in [[server]]) are used up; the same command goes on from 20"
        ) && stopped.ends_with(" UTC, in 24 h 0 min")
            || stopped.ends_with(" UTC, in 24 h 1 min"),
        "{stopped}"
    );
    // Not one more today.
    let ran = send(&folder);
    let expected = (4, "accepted 10, remaining 20".to_owned());
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
    assert_eq!(sandbox.stats().messages, 10);
    // A day later: what was accepted then is moved a day into the past.
    let day = folder.read("runs/r.jsonl");
    let today = &day[day.find("\"time\":\"").unwrap() + 8..][..10];
    folder.write("runs/r.jsonl", day.replace(today, "2020-01-01"));
    let ran = send(&folder);
    let expected = (4, "accepted 20, remaining 10".to_owned());
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
}

/// What a killed run sent counts, whether its answer was recorded or not: at the server there are never more.
#[test]
fn a_rate_a_day_is_counted_across_kills() {
    let sandbox = sequential();
    let rows: Vec<_> = (1..=60)
        .map(|n| format!("slow-10ms+{n}@x.example"))
        .collect();
    let folder = Folder::with_rows(rows.iter().map(|row| (row.as_str(), "Anna")));
    folder.configure(&server(&sandbox, "connections = 3\nrate = \"40/day\""));
    for kill_at in [5, 15, 25] {
        let mut command = mailrun(folder.path.parent().unwrap());
        let running = Running::start(command.args(["send", "campaign", "--json"]));
        until("messages", || {
            (sandbox.stats().messages >= kill_at).then_some(())
        });
        running.kill();
    }
    // What hangs up late is judged late.
    until("the end of all connections", || {
        (sandbox.stats().open == 0).then_some(())
    });
    let ran = send(&folder);
    assert_eq!(ran.status, 4, "{ran:?}");
    let (json, taken) = (ran.json(), sandbox.stats().messages);
    let settled = json["accepted"].as_u64().unwrap() + json["in_doubt"].as_u64().unwrap();
    assert_eq!(settled, 40, "{ran:?}");
    assert!((26..=40).contains(&taken), "{taken}");
    assert!(received(&sandbox).values().all(|times| *times == 1));
}

/// The connection ends after each message, without a word before: a message at which connections are lost has one for
/// itself, and what is lost with the connection is no message's fault.
#[test]
fn a_server_that_takes_one_message_on_a_connection() {
    for announce in [no_groups(), Options::default().announce] {
        let sandbox = sandbox_with(Options {
            announce,
            messages_per_connection: Some(1),
            ..Options::default()
        });
        let odd = "close-at-rcpt@x.example";
        let rows: Vec<_> = (1..=20).map(|n| format!("r{n}@x.example")).collect();
        let rows = std::iter::once(odd).chain(rows.iter().map(String::as_str));
        let folder = Folder::with_rows(rows.map(|row| (row, "Anna")));
        folder.configure(&server(&sandbox, "connections = 2"));
        let ran = send(&folder);
        let expected = (3, "accepted 20, failed 1".to_owned());
        assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
        assert_eq!(folder.standings()[odd], "failed");
        assert!(received(&sandbox).values().all(|times| *times == 1));
    }
}

#[test]
fn what_is_refused_counts_against_no_quota() {
    let sandbox = sandbox();
    let rows = ["rcpt-550@x.example", "a@x.example", "b@x.example"];
    let folder = Folder::with_rows(rows.map(|row| (row, "Anna")));
    folder.configure(&server(&sandbox, "connections = 1\nrate = \"2/day\""));
    let ran = send(&folder);
    let expected = (3, "accepted 2, failed 1".to_owned());
    assert_eq!((ran.status, counts(&ran)), expected, "{ran:?}");
}
