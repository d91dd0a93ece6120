//! Several servers, of which one has SMTPUTF8: it gets what needs it, and is waited for while it is of no use.

use std::time::Duration;

use mailrun::sandbox::{Limits, Options, Sandbox};

use super::evidence::counts;
use super::international::{ROWS, without_smtputf8};
use super::support::{CAMPAIGN, Folder, Ran, received, run, sandbox, sandbox_with, send, url};

fn limited(limits: Limits) -> Sandbox {
    sandbox_with(Options {
        limits,
        ..Options::default()
    })
}

/// These rows through a server that has no SMTPUTF8, and another one.
fn through_both(folder: &Folder, attempts: u16, without: &Sandbox, other: &str) -> (Ran, String) {
    let settings = folder.read("campaign.toml");
    folder.configure(&format!("attempts = {attempts}"));
    for url in [&url(without), other] {
        folder.configure(&format!("[[server]]\nurl = \"{url}\""));
    }
    let ran = run(folder, &["send", "campaign", "--json"]);
    folder.write("campaign.toml", settings);
    let told = (ran.status, counts(&ran));
    (ran, format!("{} {}", told.0, told.1))
}

/// Many rows that need SMTPUTF8, more than the outbox holds, before a few that do not.
fn many_in_front() -> Folder {
    let folder = Folder::with_rows([]);
    let beyond = (0..600).map(|n| format!("josé{n}@a.example,J\n"));
    let ascii = (0..30).map(|n| format!("u{n}@a.example,U\n"));
    let rows: String = beyond.chain(ascii).collect();
    folder.write("recipients.csv", format!("email,name\n{rows}"));
    folder
}

#[test]
fn of_two_servers_the_one_that_has_it_takes_them() {
    let (with, without) = (sandbox(), without_smtputf8());
    let folder = Folder::with_rows(ROWS);
    folder.configure("attempts = 500");
    for sandbox in [&without, &with] {
        folder.configure(&format!("[[server]]\nurl = \"{}\"", url(sandbox)));
    }
    let ran = run(&folder, &["send", "campaign", "--json"]);
    assert_eq!(
        (ran.status, counts(&ran)),
        (0, "accepted 4".to_owned()),
        "{ran:?}"
    );
    assert!(received(&with).contains_key("josé@acme.example"));
    assert!(received(&without).keys().all(|to| to.is_ascii()));
}

#[test]
fn a_list_that_one_of_two_servers_takes_goes_out_whatever_their_weights() {
    for weights in [[1, 1], [1, 9]] {
        let (without, with) = (without_smtputf8(), sandbox());
        let folder = Folder::empty();
        folder.write("campaign.toml", CAMPAIGN);
        folder.write("message.txt.hbs", "x\n");
        let rows = (0..100).map(|n| format!("josé{n}@a.example,José\n"));
        let list = "email,name\n".to_owned() + &rows.collect::<String>();
        folder.write("recipients.csv", list);
        folder.configure("attempts = 1");
        for (sandbox, weight) in [&without, &with].into_iter().zip(weights) {
            let url = url(sandbox);
            folder.configure(&format!(
                "[[server]]\nurl = \"{url}\"\nconnections = 1\nweight = {weight}"
            ));
        }
        let ran = run(&folder, &["send", "campaign", "--json"]);
        assert_eq!(
            (ran.status, counts(&ran)),
            (0, "accepted 100".to_owned()),
            "{ran:?}"
        );
    }
}

#[test]
fn nothing_is_left_to_luck_where_one_of_several_servers_has_it() {
    for (settings, connections) in [("", 10), ("weight = 1", 10), ("weight = 1", 1), ("", 1)] {
        let (without, with) = (without_smtputf8(), sandbox());
        let folder = Folder::empty();
        folder.write("campaign.toml", CAMPAIGN);
        folder.write("message.txt.hbs", "x\n");
        let rows = (0..200).map(|n| match n % 5 {
            0 => format!("josé{n}@a.example,José\n"),
            _ => format!("r{n}@a.example,R\n"),
        });
        folder.write(
            "recipients.csv",
            "email,name\n".to_owned() + &rows.collect::<String>(),
        );
        folder.configure("attempts = 1");
        for sandbox in [&without, &with] {
            let url = url(sandbox);
            folder.configure(&format!(
                "[[server]]\nurl = \"{url}\"\nconnections = {connections}\n{settings}"
            ));
        }
        let test = [
            "send",
            "campaign",
            "--test-to",
            "zoë@a.example",
            "--limit",
            "4",
            "--json",
        ];
        let ran = run(&folder, &test);
        assert_eq!(
            (ran.status, counts(&ran)),
            (0, "accepted 4".to_owned()),
            "{ran:?}"
        );
        let ran = run(&folder, &["send", "campaign", "--json"]);
        assert_eq!(
            (ran.status, counts(&ran)),
            (0, "accepted 200".to_owned()),
            "{ran:?}"
        );
        let is_beyond = |to: &String| !to.is_ascii();
        assert!(!received(&without).keys().any(is_beyond));
        assert_eq!(
            received(&with).keys().filter(|to| is_beyond(to)).count(),
            41
        );
    }
}

#[test]
fn a_quota_of_the_only_server_that_has_it_is_no_recipients_fault() {
    let used_up = || {
        limited(Limits {
            quota: Some(0),
            ..Limits::default()
        })
    };
    let rows = ROWS.into_iter().chain([("rcpt-451-once+b@a.example", "B")]);
    for (folder, accepted, remaining) in
        [(Folder::with_rows(rows), 3, 2), (many_in_front(), 30, 600)]
    {
        let (with, without) = (used_up(), without_smtputf8());
        let (ran, told) = through_both(&folder, 2, &without, &url(&with));
        let expected = format!("4 accepted {accepted}, remaining {remaining}");
        assert_eq!(told, expected, "{ran:?}");
        let stopped = ran.json()["stopped"].as_str().unwrap().to_owned();
        let name = with.address().to_string();
        assert!(
            stopped.starts_with(&format!("{name}: a quota is used up"))
                && stopped.contains(" recipients whose message has an address that is not ASCII"),
            "{stopped}"
        );
        let ran = send(&folder, &sandbox(), &["--json"]);
        let all = format!("accepted {}", accepted + remaining);
        assert_eq!((ran.status, counts(&ran)), (0, all), "{ran:?}");
    }
}

#[test]
fn the_only_server_that_has_it_is_waited_for() {
    let away = || {
        limited(Limits {
            throttled: Some(Duration::from_millis(600)),
            ..Limits::default()
        })
    };
    let rows = ROWS.into_iter().chain([("rcpt-451-once+b@a.example", "B")]);
    for (folder, attempts, all) in [
        (Folder::with_rows(ROWS), 1, 4),
        (Folder::with_rows(rows), 2, 5),
        (many_in_front(), 1, 630),
    ] {
        let (with, without) = (away(), without_smtputf8());
        let (ran, told) = through_both(&folder, attempts, &without, &url(&with));
        assert_eq!(told, format!("0 accepted {all}"), "{ran:?}");
        let got = [received(&with), received(&without)];
        assert!(got.iter().flatten().all(|(_, times)| *times == 1));
        assert_eq!(got.iter().map(|got| got.len()).sum::<usize>(), all);
        assert!(got[1].keys().all(|to| to.is_ascii()));
    }
}

#[test]
fn who_may_have_it_and_cannot_be_reached_stops_the_run_for_those_alone_who_need_it() {
    let folder = Folder::with_rows(ROWS);
    let gone = url(&sandbox());
    let (ran, told) = through_both(&folder, 1, &without_smtputf8(), &gone);
    assert_eq!(told, "4 accepted 2, remaining 2", "{ran:?}");
    let stopped = ran.json()["stopped"].as_str().unwrap().to_owned();
    assert!(
        stopped.contains("no message could be submitted for 2 s")
            && stopped.contains("; 2 recipients whose"),
        "{stopped}"
    );
    assert!(folder.standings().values().all(|state| state != "invalid"));
    // Once all have said that they lack it, the rows are invalid.
    let other = without_smtputf8();
    let (ran, told) = through_both(&folder, 1, &without_smtputf8(), &url(&other));
    assert_eq!(told, "3 accepted 2, invalid 2", "{ran:?}");
}
