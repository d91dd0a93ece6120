//! Cc and Bcc: who gets the message, what each sees, and what is recorded of those who are refused.

use std::collections::BTreeMap;

use mailrun::sandbox::{Announce, Options, Sandbox};
use serde_json::json;

use super::evidence::{counts, last_line};
use super::inbox::Inbox;
use super::support::{CAMPAIGN, Folder, no_groups, received, run, sandbox, sandbox_with, send};

/// A campaign with these lines in `[message]`, and rows of `email,name,boss,more`.
fn campaign(message: &str, rows: &[&str]) -> Folder {
    let folder = Folder::with_rows([]);
    let settings = CAMPAIGN.replace("[message]\n", &format!("[message]\n{message}\n"));
    folder.write("campaign.toml", settings);
    let rows = rows.join("\n");
    folder.write("recipients.csv", format!("email,name,boss,more\n{rows}\n"));
    folder
}

/// A sandbox for each manner of driving a session.
fn every_manner() -> [Sandbox; 3] {
    let pipelined = Announce {
        chunking: false,
        ..Announce::default()
    };
    [no_groups(), pipelined, Announce::default()].map(|announce| {
        sandbox_with(Options {
            announce,
            ..Options::default()
        })
    })
}

fn times<'a>(all: impl IntoIterator<Item = (&'a str, usize)>) -> BTreeMap<String, usize> {
    all.into_iter()
        .map(|(to, times)| (to.to_owned(), times))
        .collect()
}

#[test]
fn everybody_gets_it_and_nobody_sees_bcc() {
    for sandbox in every_manner() {
        let folder = campaign(
            "cc = [\"Boss <{{boss}}>\", \"{{more}}, office@acme.example\"]\nbcc = [\"archive@acme.example\"]",
            &[
                "a@x.example,Anna,boss@x.example,",
                "b@x.example,Bert,boss@x.example,more@x.example",
            ],
        );
        let ran = send(&folder, &sandbox, &["--json"]);
        assert_eq!(
            (ran.status, counts(&ran)),
            (0, "accepted 2".to_owned()),
            "{ran:?}"
        );
        let all = [
            ("a@x.example", 1),
            ("archive@acme.example", 2),
            ("b@x.example", 1),
            ("boss@x.example", 2),
            ("more@x.example", 1),
            ("office@acme.example", 2),
        ];
        assert_eq!(received(&sandbox), times(all));
        let status = run(&folder, &["status", "campaign"]).stdout;
        assert!(!status.contains("cop"), "{status}");
        let messages = sandbox.messages();
        let anna = messages
            .iter()
            .find(|it| it.to[0] == "a@x.example")
            .unwrap();
        let content = String::from_utf8(anna.content.to_vec()).unwrap();
        assert!(
            content.contains(
                "\r\nCc: Boss <boss@x.example>,\r\n office@acme.example\r\nSubject: Hello Anna\r\n"
            ),
            "{content}"
        );
        assert!(!content.contains("archive"), "{content}");
    }
}

#[test]
fn who_is_refused_beside_the_main_one_is_recorded() {
    for sandbox in every_manner() {
        let folder = campaign(
            "cc = [\"{{boss}}\"]\nbcc = [\"{{more}}\"]",
            &[
                "a@x.example,Anna,rcpt-550@x.example,more@x.example",
                "rcpt-550@y.example,Bert,boss@y.example,more@y.example",
                "c@x.example,Carl,rcpt-450@x.example,rcpt-550@z.example",
                "d@x.example,Dora,boss@d.example,",
            ],
        );
        let ran = send(&folder, &sandbox, &["--json"]);
        assert_eq!(counts(&ran), "accepted 3, failed 1", "{ran:?}");
        let all = [
            "a@x.example",
            "boss@d.example",
            "c@x.example",
            "d@x.example",
            "more@x.example",
        ];
        assert_eq!(received(&sandbox), times(all.map(|to| (to, 1))));

        let gone = json!({"to": "rcpt-550@x.example", "code": 550, "enhanced": "5.1.1", "reply": "no such recipient"});
        let line = last_line(&folder, "a@x.example");
        assert_eq!(
            (&line["state"], &line["refused"]),
            (&json!("accepted"), &json!([gone]))
        );
        let line = last_line(&folder, "c@x.example");
        let both = line["refused"].as_array().unwrap();
        assert_eq!(
            (&both[0]["code"], &both[1]["code"]),
            (&json!(450), &json!(550))
        );
        let line = last_line(&folder, "rcpt-550@y.example");
        assert_eq!(
            (&line["state"], line.get("refused")),
            (&json!("failed"), None)
        );
        assert_eq!(last_line(&folder, "d@x.example").get("refused"), None);

        let lines = run(&folder, &["results", "campaign", "--format", "jsonl"]).stdout;
        let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(first["refused"], json!([gone]));
        let csv = run(&folder, &["results", "campaign"]).stdout;
        let row = csv.lines().nth(1).unwrap();
        assert!(
            row.contains("; not to rcpt-550@x.example: 550 5.1.1 no such recipient,"),
            "{row}"
        );

        let status = run(&folder, &["status", "campaign"]).stdout;
        let told = "         4  recipients\n         3  copies (cc, bcc) were refused, and the others got the message; who (\"refused\"): \
                    mailrun results campaign --run r --state accepted,in_doubt --format jsonl\n";
        assert!(status.contains(told), "{status}");
        let status = run(&folder, &["status", "campaign", "--json"]);
        assert_eq!(counts(&status), "accepted 3, failed 1");
        assert!(!status.stdout.contains("cop"), "{status:?}");

        // All is settled: nobody hears of it again.
        let again = send(&folder, &sandbox, &["--json"]);
        assert_eq!(counts(&again), "accepted 3, failed 1");
        assert_eq!(received(&sandbox).values().sum::<usize>(), 5);
    }
}

#[test]
fn a_cell_with_two_addresses_makes_its_row_invalid() {
    let sandbox = sandbox();
    let folder = campaign(
        "cc = [\"{{boss}}\"]",
        &[
            "a@x.example,Anna,\"boss@x.example, spy@x.example\",",
            "b@x.example,Bert,boss@x.example,",
        ],
    );
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(counts(&ran), "accepted 1, invalid 1", "{ran:?}");
    assert_eq!(
        received(&sandbox),
        times([("b@x.example", 1), ("boss@x.example", 1)])
    );
    let line = last_line(&folder, "a@x.example");
    assert_eq!(line["column"], "boss");
    let reason = line["reason"].as_str().unwrap();
    assert!(reason.contains("a cell can't add a recipient"), "{reason}");
}

#[test]
fn who_is_on_a_suppress_list_is_no_copy_either() {
    let sandbox = sandbox();
    let folder = campaign(
        "cc = [\"{{boss}}\", \"office@gone.example\"]\nbcc = [\"{{more}}\"]",
        &[
            "a@x.example,Anna,boss@x.example,more@x.example",
            "b@x.example,Bert,boss2@x.example,more@gone.example",
        ],
    );
    folder.write("gone.txt", "boss@X.EXAMPLE\n@gone.example\n");
    folder.configure("[recipients]\nsuppress = [\"gone.txt\"]");
    let check = run(&folder, &["check", "campaign"]);
    let told = "somebody in cc or bcc who is on a suppress list, and left out: 2 messages, the first in row 1: boss@x.example";
    assert!(check.stdout.contains(told), "{check:?}");
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran)),
        (0, "accepted 2".to_owned()),
        "{ran:?}"
    );
    let all = [
        "a@x.example",
        "b@x.example",
        "boss2@x.example",
        "more@x.example",
    ];
    assert_eq!(received(&sandbox), times(all.map(|to| (to, 1))));
    for message in sandbox.messages() {
        let content = String::from_utf8(message.content.to_vec()).unwrap();
        assert!(
            !content.contains("boss@x.example") && !content.contains("gone.example"),
            "{content}"
        );
    }
}

#[test]
fn a_setting_that_is_no_address_is_told_with_its_place() {
    let folder = campaign("cc = [\"boss\"]", &["a@x.example,Anna,,"]);
    let ran = run(&folder, &["send", "campaign", "--sandbox"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(
        ran.stderr
            .contains("campaign.toml:6:7: \"cc\" in [message] must list addresses"),
        "{ran:?}"
    );
}

#[test]
fn through_postfix() {
    let domain = "copies.example";
    let folder = campaign(
        "cc = [\"{{boss}}\"]\nbcc = [\"archive@copies.example\"]",
        &[
            "a@copies.example,Anna,boss@copies.example,",
            "b@copies.example,Bert,reject-boss@copies.example,",
            "reject-c@copies.example,Carl,boss@copies.example,",
            "d@copies.example,Dora,,",
        ],
    );
    let mut inbox = Inbox::of(domain);
    let ran = run(
        &folder,
        &["send", "campaign", "--json", "--server", &inbox.url],
    );
    assert_eq!(counts(&ran), "accepted 3, failed 1", "{ran:?}");
    let all = [
        ("a@copies.example", 1),
        ("archive@copies.example", 3),
        ("b@copies.example", 1),
        ("boss@copies.example", 1),
        ("d@copies.example", 1),
    ];
    assert_eq!(*inbox.delivered(5), times(all));
    let line = last_line(&folder, "b@copies.example");
    assert_eq!(line["refused"][0]["to"], "reject-boss@copies.example");
    assert_eq!(line["refused"][0]["code"], 550);
}
