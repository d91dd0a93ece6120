//! `mailrun check`: what it finds, that it sends and writes nothing, and that its status is true of the send behind it.

use std::fs;

use mailrun::sandbox::{Announce, Options};
use serde_json::{Value, json};

use super::inbox::given;
use super::support::{Folder, Ran, mailrun, received, run, sandbox, sandbox_with, send, url};
use super::tls::{self, password, trusted};

fn check(folder: &Folder, args: &[&str]) -> Ran {
    let mut all = vec!["check", "campaign"];
    all.extend_from_slice(args);
    run(folder, &all)
}

/// Every file below the campaign's folder.
fn files(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(&folder.path).unwrap();
    let mut names: Vec<_> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const LIST: &str = "email,name,city,plan\n\
    a@x.example,Anna,,pro\n\
    b@x.example,,Bonn,pro\n\
    no address,Carl,,pro\n\
    a@x.example,Anna again,,pro\n\
    also none,Dora,,pro\n\
    gone@x.example,Emil,,pro\n\
    f@x.example,Fritz,Graz,pro,too many\n";

/// A campaign with something of everything.
fn odd() -> Folder {
    let folder = Folder::with_rows([]);
    folder.write("recipients.csv", LIST);
    folder.write("gone.csv", "gone@x.example\n");
    folder.write(
        "message.html.hbs",
        "<p>{{name}} {{#if city}}{{city}}{{/if}}</p><img src=\"https://a.example/i.png\">\
         <a href=\"http://a.example/{{row_number}}\">a</a><a href=\"terms.pdf\">b</a>",
    );
    folder.configure("[recipients]\nsuppress = [\"gone.csv\"]");
    folder
}

#[test]
fn everything_is_told_on_one_screen_and_nothing_is_written() {
    let folder = odd();
    folder.configure("[[server]]\nurl = \"smtp://127.0.0.1:9\"\ntls = \"none\"\nrate = \"2/h\"");
    let before = files(&folder);
    let ran = check(&folder, &[]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(files(&folder), before);
    let size = ran
        .stdout
        .lines()
        .position(|line| line.contains("messages"))
        .unwrap();
    let mut lines: Vec<_> = ran.stdout.lines().collect();
    assert!(
        lines
            .remove(size)
            .starts_with("  messages  2 built, 2 due; the median "),
        "{ran:?}"
    );
    let expected = r#""Test", run "r": a send would start
  list      campaign/recipients.csv: 7 rows, 3 invalid, 1 duplicate, 1 suppressed
            2 invalid: column "email": REASON
              row 3 (line 4), row 5 (line 6)
            1 invalid: REASON
              row 7 (line 8)
  look at   nothing uses the columns plan
            the column "name" is printed, and empty in 1 row; {{default …}} or {{#if …}} fills the hole
            an image without alt text (alt="" for decoration): 2 messages, the first in row 1: <img src="https://a.example/i.png">
            an http:// link; https:// keeps it from being read and changed on the way: 2 messages, the first in row 1: http://a.example/1
            a link to a file, which nobody can open from a message: 2 messages, the first in row 1: terms.pdf
  through   127.0.0.1:9, 10 connections at most, 2/h
  time      60 min at least, at these rates"#;
    for (got, expected) in lines.iter().zip(expected.lines()) {
        match expected.split_once("REASON") {
            Some((start, _)) => assert!(got.starts_with(start), "{got}"),
            None => assert_eq!(*got, expected),
        }
    }
    assert_eq!(lines.len(), expected.lines().count(), "{ran:?}");
}

#[test]
fn programs_are_told_the_same() {
    let folder = odd();
    let ran = check(&folder, &["--sandbox", "--json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let told = ran.json();
    let some = |keys: &[&str]| -> Value {
        keys.iter()
            .map(|key| ((*key).to_owned(), told[*key].clone()))
            .collect()
    };
    assert_eq!(
        some(&[
            "would_start",
            "stops",
            "rows",
            "built",
            "due",
            "invalid",
            "duplicate",
            "suppressed",
            "unused_columns",
            "empty",
            "clipped",
            "least_s"
        ]),
        json!({
            "would_start": true, "stops": [], "rows": 7, "built": 2, "due": 2, "invalid": 3, "duplicate": 1, "suppressed": 1,
            "unused_columns": ["plan"], "empty": [{ "column": "name", "rows": 1 }],
            "clipped": { "messages": 0, "row": null, "example": null }, "least_s": null,
        })
    );
    assert_eq!(told["reasons"][0]["rows"], 2);
    assert_eq!(
        told["reasons"][0]["first"][1],
        json!({ "row": 5, "line": 6, "address": "also none" })
    );
    assert!(told["size"]["largest"].as_u64() >= told["size"]["median"].as_u64());
}

#[test]
fn its_sizes_are_those_of_the_messages_that_arrive() {
    let folder = Folder::generated(9, "x.example");
    folder.write(
        "message.txt.hbs",
        "{{#if (eq row_number 4)}}a long line more\n{{/if}}Dear {{name}}\n",
    );
    let size = check(&folder, &["--sandbox", "--json"]).json()["size"].clone();
    let sandbox = sandbox();
    assert_eq!(send(&folder, &sandbox, &[]).status, 0);
    let mut sizes: Vec<_> = sandbox
        .messages()
        .iter()
        .map(|message| message.content.len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(
        size,
        json!({ "median": sizes[4], "largest": sizes[8], "largest_row": 4 })
    );
}

#[test]
fn html_that_gmail_would_cut_is_pointed_out() {
    let folder = Folder::with_rows([("a@x.example", "Anna"), ("b@x.example", "Bo")]);
    folder.write(
        "message.html.hbs",
        format!(
            "{{{{#if (eq name \"Bo\")}}}}{}{{{{/if}}}}<p>x</p>",
            "<p>y</p>".repeat(14_000)
        ),
    );
    let ran = check(&folder, &["--sandbox"]);
    let said = "HTML over 102 KB, of which Gmail hides the rest: 1 message, the first in row 2: 112,008 bytes\n";
    assert!(ran.status == 0 && ran.stdout.contains(said), "{ran:?}");
}

#[test]
fn a_large_run_without_a_way_out_and_a_signature_of_another_domain_are_pointed_out() {
    let folder = Folder::generated(500, "x.example");
    let made = run(
        &folder,
        &["dkim", "keygen", "--ed25519", "--out", "campaign/key.pem"],
    );
    assert_eq!(made.status, 0, "{made:?}");
    let key = |domain: &str| {
        format!("[[dkim]]\ndomain = \"{domain}\"\nselector = \"s\"\nkey_file = \"key.pem\"\n")
    };
    folder.configure(&key("other.example"));
    let ran = check(&folder, &["--sandbox"]);
    let way_out = "  look at   so many recipients, and no unsubscribe: if this is a newsletter, write [list] with it\n";
    let unsigned = "            From is at acme.example, and no [[dkim]] signs for that domain: ";
    assert!(
        ran.stdout.contains(&format!("{way_out}{unsigned}")),
        "{ran:?}"
    );

    // One that signs for the domain is enough, or for one below it; a domain that only ends alike is another one.
    folder.configure(&key("MAIL.acme.example"));
    let told = check(&folder, &["--sandbox", "--json"]).json();
    assert_eq!(told["unaligned"], Value::Null, "{told}");
    let settings = folder.read("campaign.toml").replace("MAIL.acme", "xacme");
    folder.write(
        "campaign.toml",
        settings + "[list]\nunsubscribe = [\"mailto:leave@acme.example\"]\n",
    );
    let told = check(&folder, &["--sandbox", "--json"]).json();
    assert_eq!(
        (&told["unaligned"], &told["no_unsubscribe"]),
        (&json!("acme.example"), &json!(false)),
        "{told}"
    );
    assert!(
        !check(&folder, &["--sandbox"])
            .stdout
            .contains("unsubscribe")
    );
}

#[test]
fn what_stops_a_send_is_told_and_is_status_1() {
    let folder = Folder::generated(2, "x.example");
    let ran = check(&folder, &[]);
    let said = "because   campaign/campaign.toml: no [[server]] to send through; add one";
    assert!(ran.status == 1 && ran.stdout.contains(said), "{ran:?}");
    assert_eq!(run(&folder, &["send", "campaign"]).status, 1);

    folder.configure(
        "[[server]]\nurl = \"smtp://news@127.0.0.1:9\"\npassword_env = \"MAILRUN_NO_SUCH\"",
    );
    let ran = check(&folder, &[]);
    assert!(
        ran.status == 1
            && ran.stdout.contains("news@127.0.0.1:9: ")
            && ran.stdout.contains("MAILRUN_NO_SUCH"),
        "{ran:?}"
    );
    assert_eq!(run(&folder, &["send", "campaign"]).status, 1);

    folder.write("message.txt.hbs", "Dear {{nmae}}\n");
    let ran = check(&folder, &["--sandbox"]);
    assert_eq!(
        (ran.status, ran.stderr.as_str()),
        (
            1,
            "mailrun: campaign/message.txt.hbs:1:6: no column or variable \"nmae\"; did you mean \"name\"?\n"
        )
    );
}

#[test]
fn a_run_that_was_begun_counts_and_so_does_what_changed_since() {
    let folder = Folder::generated(5, "x.example");
    let sandbox = sandbox();
    assert_eq!(send(&folder, &sandbox, &["--limit", "2"]).status, 0);
    let server = url(&sandbox);
    let told = check(&folder, &["--server", &server, "--json"]).json();
    assert_eq!((&told["built"], &told["due"]), (&json!(5), &json!(3)));
    folder.write("message.txt.hbs", "New\n");
    let ran = check(&folder, &["--server", &server]);
    assert!(
        ran.status == 1
            && ran
                .stdout
                .contains("changed since run \"r\" was begun: text;"),
        "{ran:?}"
    );
    assert_eq!(send(&folder, &sandbox, &[]).status, 1);
    assert_eq!(
        check(&folder, &["--server", &server, "--run", "another"]).status,
        0
    );
    assert_eq!(received(&sandbox).len(), 2);
}

#[test]
fn a_server_is_asked_what_it_offers_and_sent_nothing() {
    let folder = Folder::generated(3, "x.example");
    let sandbox = sandbox_with(Options {
        announce: Announce {
            chunking: false,
            ..Announce::default()
        },
        ..Options::default()
    });
    let server = url(&sandbox);
    let ran = check(&folder, &["--connect", "--server", &server]);
    let asked = format!(
        "{}: in clear, nobody logs in\n  offers    PIPELINING, 8BITMIME",
        sandbox.address()
    );
    assert!(ran.status == 0 && ran.stdout.contains(&asked), "{ran:?}");
    assert!(!ran.stdout.contains("CHUNKING"), "{ran:?}");
    let told = check(&folder, &["--connect", "--json", "--server", &server]).json();
    assert_eq!(told["reached"][0]["trouble"], Value::Null);
    assert_eq!(told["reached"][0]["extensions"][0], "PIPELINING");
    assert!(sandbox.messages().is_empty());
    assert_eq!(sandbox.stats().connections, 2);

    drop(sandbox);
    let ran = check(&folder, &["--connect", "--server", &server]);
    assert!(ran.status == 4 && ran.stdout.contains("refused"), "{ran:?}");
}

#[test]
fn a_login_by_tls_is_tried_as_a_send_would() {
    let server = format!("smtp://{}", given("MAILRUN_TEST_POSTFIX_STARTTLS"));
    let folder = tls::folder("connect.example", &server, &trusted());
    let ask = |secret: &str, args: &[&str]| -> Ran {
        mailrun(folder.path.parent().unwrap())
            .args(["check", "campaign", "--connect"])
            .args(args)
            .env("MAILRUN_TEST_SECRET", secret)
            .output()
            .unwrap()
            .into()
    };
    let ran = ask(&password(), &["--json"]);
    let told = &ran.json()["reached"][0];
    assert_eq!(
        (ran.status, &told["trouble"], &told["login"]),
        (0, &Value::Null, &json!("news")),
        "{ran:?}"
    );
    assert!(
        told["tls"].as_str().unwrap().starts_with("TLSv1.3, "),
        "{told}"
    );
    assert!(
        told["auth"].as_array().unwrap().contains(&json!("PLAIN")),
        "{told}"
    );

    // What stands in the settings is right, so a send would start; what it would meet is status 4, as in a send.
    let ran = ask("open sesame", &[]);
    assert!(
        ran.status == 4 && ran.stdout.contains("the server refused the login"),
        "{ran:?}"
    );
    assert!(
        !ran.stdout.contains("sesame") && !ran.stderr.contains("sesame"),
        "{ran:?}"
    );
    let sent = tls::send(&folder, "open sesame", &[]);
    assert_eq!(sent.status, 4, "{sent:?}");
}
