//! Addresses that are not ASCII before the @: with a server that offers SMTPUTF8, and with one that does not.

use mailrun::sandbox::{Announce, Options, Sandbox};
use serde_json::json;

use super::evidence::{counts, last_line};
use super::inbox::{Inbox, given};
use super::others::{checked, key, previewed};
use super::support::{
    CAMPAIGN, Folder, no_groups, received, run, sandbox, sandbox_with, send, url,
};

pub const ROWS: [(&str, &str); 4] = [
    ("用户@例え.example", "李雷"),
    ("anna@bücher.example", "Anna"),
    ("José <josé@acme.example>", "José"),
    ("bert@acme.example", "Bert"),
];

fn offering(announce: Announce) -> Sandbox {
    sandbox_with(Options {
        announce,
        ..Options::default()
    })
}

pub fn without_smtputf8() -> Sandbox {
    offering(Announce {
        smtputf8: false,
        ..Announce::default()
    })
}

#[test]
fn everybody_gets_it_in_every_manner() {
    let pipelined = Announce {
        chunking: false,
        ..Announce::default()
    };
    for announce in [no_groups(), pipelined, Announce::default()] {
        let sandbox = offering(announce);
        let folder = Folder::with_rows(ROWS);
        let ran = send(&folder, &sandbox, &["--json"]);
        assert_eq!(
            (ran.status, counts(&ran)),
            (0, "accepted 4".to_owned()),
            "{ran:?}"
        );
        let got: Vec<_> = received(&sandbox).into_keys().collect();
        let expected = [
            "anna@xn--bcher-kva.example",
            "bert@acme.example",
            "josé@acme.example",
            "用户@xn--r8jz45g.example",
        ];
        assert_eq!(got, expected);
        let messages = sandbox.messages();
        let content = |to: &str| {
            let one = messages.iter().find(|it| it.to[0] == to).unwrap();
            String::from_utf8(one.content.to_vec()).unwrap()
        };
        assert!(content(expected[3]).contains("\r\nTo: 用户@xn--r8jz45g.example\r\n"));
        assert!(content(expected[0]).is_ascii());
    }
}

#[test]
fn without_smtputf8_their_rows_are_invalid_until_a_server_has_it() {
    let folder = Folder::with_rows(ROWS);
    folder.configure("stop_after = 1");
    let ran = send(&folder, &without_smtputf8(), &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran)),
        (3, "accepted 2, invalid 2".to_owned()),
        "{ran:?}"
    );
    let line = last_line(&folder, "josé@acme.example");
    assert_eq!(
        (&line["state"], &line["attempt"], &line["code"]),
        (&json!("invalid"), &json!(1), &json!(null))
    );
    let reason = "josé@acme.example is not ASCII before the @, and the server offers no SMTPUTF8 (RFC 6531); use another \
                  address of this recipient, or a server that offers it";
    assert_eq!(line["reason"], reason);
    let status = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(counts(&status), "accepted 2, invalid 2");
    let results = run(
        &folder,
        &[
            "results", "campaign", "--state", "invalid", "--format", "jsonl",
        ],
    );
    assert_eq!(results.stdout.matches(reason).count(), 1, "{results:?}");
    assert_eq!(results.stdout.lines().count(), 2, "{results:?}");

    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran)),
        (0, "accepted 4".to_owned()),
        "{ran:?}"
    );
    assert_eq!(received(&sandbox).len(), 2);
}

#[test]
fn the_first_rows_are_shown_with_their_reason() {
    let folder = Folder::with_rows([]);
    let rows: String = (0..8).map(|n| format!("josé{n}@a.example,J\n")).collect();
    folder.write("recipients.csv", format!("email,name\n{rows}"));
    let ran = send(&folder, &without_smtputf8(), &["--connections", "1"]);
    assert_eq!(ran.status, 3, "{ran:?}");
    let told: Vec<_> = ran
        .stderr
        .lines()
        .filter(|line| line.contains("josé") || line.contains("cannot be mailed"))
        .collect();
    let shown = (0..5).map(|n| {
        format!(
            "campaign/recipients.csv:{}: row {}: josé{n}@a.example is not ASCII before the @, and the server offers no \
             SMTPUTF8 (RFC 6531); use another address of this recipient, or a server that offers it",
            n + 2,
            n + 1
        )
    });
    assert_eq!(told[..5], shown.collect::<Vec<_>>(), "{ran:?}");
    assert!(told[5].starts_with("3 rows more cannot be mailed; see: mailrun results"));
    assert_eq!(told.len(), 6, "{ran:?}");
}

#[test]
fn a_limit_passes_them_over() {
    let folder = Folder::with_rows([]);
    let beyond = (0..12).map(|n| format!("josé{n}@a.example,J\n"));
    let ascii = (0..20).map(|n| format!("u{n}@a.example,U\n"));
    let rows: String = beyond.chain(ascii).collect();
    folder.write("recipients.csv", format!("email,name\n{rows}"));
    let sandbox = without_smtputf8();
    for (accepted, remaining) in [(10, 12), (20, 2)] {
        let ran = send(&folder, &sandbox, &["--json", "--limit", "10"]);
        let json = ran.json();
        let told = ["accepted", "invalid", "remaining"].map(|it| json[it].as_u64().unwrap());
        assert_eq!(told, [accepted, 10, remaining], "{ran:?}");
    }
    let got = received(&sandbox);
    assert!(
        got.len() == 20 && got.values().all(|&times| times == 1),
        "{got:?}"
    );
}

#[test]
fn a_doubt_outlives_a_server_that_cannot_take_the_message_again() {
    let (without, with) = (without_smtputf8(), sandbox());
    let folder = Folder::with_rows([("drop-after-dot-once+jörg@a.example", "Jörg")]);
    let first = send(&folder, &with, &["--json"]);
    assert_eq!((first.status, counts(&first)), (3, "in_doubt 1".to_owned()));
    let again = send(&folder, &without, &["--json", "--in-doubt", "resend"]);
    assert_eq!(
        (again.status, counts(&again)),
        (3, "in_doubt 1".to_owned()),
        "{again:?}"
    );
    assert!(again.stderr.contains("SMTPUTF8"), "{again:?}");
    // Nobody said that it is to be mailed again.
    let last = send(&folder, &with, &["--json"]);
    assert_eq!(
        (last.status, counts(&last)),
        (3, "in_doubt 1".to_owned()),
        "{last:?}"
    );
    assert_eq!(received(&with).into_values().collect::<Vec<_>>(), [1]);
    let last = send(&folder, &with, &["--json", "--in-doubt", "resend"]);
    assert_eq!(
        (last.status, counts(&last)),
        (0, "accepted 1".to_owned()),
        "{last:?}"
    );
}

#[test]
fn a_sender_of_this_kind_needs_such_a_server_and_no_recipient_pays() {
    let folder = Folder::with_rows(ROWS);
    let settings = CAMPAIGN.replace(
        "ACME News <news@acme.example>",
        "Grüße <grüße@acme.example>",
    );
    folder.write("campaign.toml", settings);
    let ran = send(&folder, &without_smtputf8(), &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran)),
        (4, "remaining 4".to_owned()),
        "{ran:?}"
    );
    let stopped = ran.json()["stopped"].as_str().unwrap().to_owned();
    assert!(
        stopped.contains("from, reply_to or envelope_from in [message] is not ASCII"),
        "{stopped}"
    );
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(counts(&ran), "accepted 4", "{ran:?}");
    assert!(
        sandbox
            .messages()
            .iter()
            .all(|it| it.from == "grüße@acme.example")
    );
}

#[test]
fn check_counts_them_and_asks_whether_the_server_has_it() {
    let folder = Folder::with_rows(ROWS);
    for (sandbox, lacks) in [(without_smtputf8(), 2), (sandbox(), 0)] {
        let args = ["check", "campaign", "--connect", "--server", &url(&sandbox)];
        let ran = run(&folder, &args);
        let told = "\n  lacks     SMTPUTF8, which 2 messages of this campaign cannot go without";
        assert_eq!(ran.stdout.contains(told), lacks > 0, "{ran:?}");
        let counted =
            "whether yours does): 2 messages, the first in row 1: 用户@xn--r8jz45g.example";
        assert!(ran.stdout.contains(counted), "{ran:?}");
        let told = run(&folder, &[&args[..], &["--json"]].concat()).json();
        assert_eq!(told["beyond_ascii"]["messages"], 2);
        assert_eq!(told["reached"][0]["without_smtputf8"], lacks);
    }
}

#[test]
fn python_and_dkimpy_read_them() {
    let folder = Folder::with_rows(ROWS);
    let own = "[message]\nreply_to = \"rédaction@bücher.example\"\ncc = [\"Zoë <zoë@acme.example>\", \"office@acme.example\"]\n\
               headers = { Sender = \"Büro <büro@acme.example>\" }\n";
    let settings = CAMPAIGN
        .replace("[message]\n", own)
        .replace("news@acme.example", "news@bücher.example");
    folder.write("campaign.toml", settings);
    let record = key(&folder, "key.pem", &[]);
    folder.configure(
        "[[dkim]]\ndomain = \"bücher.example\"\nselector = \"s\"\nkey_file = \"key.pem\"",
    );
    let ran = run(&folder, &["send", "campaign", "--dry-run", "preview"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let records = json!({"s._domainkey.xn--bcher-kva.example": record});
    folder.write("records.json", records.to_string());
    let ran = checked(&folder, Some(&folder.path.join("records.json")));
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(previewed(&folder).len(), 4);
    let others =
        "Cc=zoë@acme.example Reply-To=rédaction@xn--bcher-kva.example Sender=büro@acme.example";
    let lines: Vec<_> = ran
        .stdout
        .lines()
        .map(|line| line.split_once("] ").unwrap().1)
        .collect();
    let expected = [
        "To=用户@xn--r8jz45g.example ",
        "",
        "To=josé@acme.example ",
        "",
    ];
    assert_eq!(
        lines,
        expected.map(|to| format!("1 signatures {to}{others}"))
    );
}

#[test]
fn through_postfix() {
    let rows = [
        ("用户@utf8.example", "李雷"),
        ("anna@utf8.example", "Anna"),
        ("josé@utf8.example", "José"),
    ];
    let mut inbox = Inbox::of("utf8.example");
    let folder = Folder::with_rows(rows);
    let plain = format!(
        "smtp://{}?tls=none",
        given("MAILRUN_TEST_POSTFIX_SEQUENTIAL")
    );
    let ran = run(&folder, &["send", "campaign", "--json", "--server", &plain]);
    assert_eq!(counts(&ran), "accepted 1, invalid 2", "{ran:?}");
    let ran = run(
        &folder,
        &["send", "campaign", "--json", "--server", &inbox.url],
    );
    assert_eq!(
        (ran.status, counts(&ran)),
        (0, "accepted 3".to_owned()),
        "{ran:?}"
    );
    let got: Vec<_> = inbox
        .delivered(3)
        .iter()
        .map(|(to, times)| (to.as_str(), *times))
        .collect();
    assert_eq!(
        got,
        [
            ("anna@utf8.example", 1),
            ("josé@utf8.example", 1),
            ("用户@utf8.example", 1)
        ]
    );
}
