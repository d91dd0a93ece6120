//! What guides to `smtplib`, `email.mime` and Flask-Mail do by hand, by settings alone: README's table of it names no
//! row that no test shows.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mail_parser::{MessageParser, MimeHeaders};
use mailrun::sandbox::Options;

use super::others::{checked, previewed};
use super::support::{Folder, no_groups, run, sandbox, sandbox_with, send};

/// README's rows, each with the tests that show it.
const ROWS: &[(&str, &[(&str, &str)])] = &[
    ("plain text", &[("guides", "a_text_alone")]),
    ("HTML", &[("guides", "html_and_the_text_made_from_it")]),
    (
        "both, as alternatives",
        &[("guides", "html_beside_its_own_text")],
    ),
    (
        "attachment",
        &[("campaigns", "each_customer_gets_the_own_invoice")],
    ),
    (
        "inline image",
        &[("campaigns", "a_report_has_its_charts_and_its_workbook")],
    ),
    ("audio", &[("guides", "a_recording_is_audio")]),
    (
        "several recipients",
        &[(
            "newsletter",
            "a_hundred_of_a_hundred_readable_and_sent_once",
        )],
    ),
    (
        "display names in Chinese",
        &[("campaigns", "chinese_stays_chinese_on_the_way")],
    ),
    (
        "TLS",
        &[(
            "tls",
            "a_campaign_by_starttls_and_one_by_tls_from_the_first_byte",
        )],
    ),
    (
        "SSL on port 465",
        &[
            (
                "tls",
                "a_campaign_by_starttls_and_one_by_tls_from_the_first_byte",
            ),
            ("../../src/campaign/url/tests", "taken_apart"),
        ],
    ),
    ("login", &[("login", "each_mechanism")]),
    (
        "debug output",
        &[("trace", "each_line_with_its_connection")],
    ),
    (
        "a batch over one connection",
        &[("guides", "one_connection_for_all")],
    ),
    (
        "asynchronous sending",
        &[("guides", "several_connections_at_once")],
    ),
    (
        "nothing sent from tests",
        &[
            ("dry_run", "the_newsletter_is_written_as_it_is_sent"),
            (
                "newsletter",
                "a_hundred_of_a_hundred_readable_and_sent_once",
            ),
            (
                "environment",
                "sending_that_is_switched_off_is_refused_and_not_pretended",
            ),
        ],
    ),
];

#[test]
fn each_row_of_the_table_has_a_test() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(repository.join("README.md")).unwrap();
    let (_, table) = readme
        .split_once("| by hand | here |\n| --- | --- |\n")
        .unwrap();
    let rows: Vec<_> = table
        .lines()
        .map_while(|line| line.strip_prefix("| ")?.split(" | ").next())
        .collect();
    let named: Vec<_> = ROWS.iter().map(|(row, _)| *row).collect();
    assert_eq!(
        rows, named,
        "README.md and this table must have the same rows"
    );
    let mut files = BTreeMap::new();
    for (file, name) in ROWS.iter().flat_map(|(_, tests)| *tests) {
        let path = repository.join("tests/e2e").join(file).with_extension("rs");
        let source = files
            .entry(file)
            .or_insert_with(|| fs::read_to_string(path).unwrap());
        assert!(
            source.contains(&format!("#[test]\nfn {name}(")),
            "{file} has no test {name}"
        );
    }
}

/// The one message of a campaign in a dry run, which Python's parser has nothing against; and what that says of it.
fn only(folder: &Folder) -> (Vec<u8>, String) {
    let ran = run(folder, &["send", "campaign", "--dry-run", "preview"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let ran = checked(folder, None);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let files = previewed(folder);
    assert_eq!(files.len(), 1);
    (fs::read(&files[0]).unwrap(), ran.stdout)
}

fn anna() -> Folder {
    Folder::with_rows([("anna@a.example", "Anna")])
}

#[test]
fn a_text_alone() {
    let (raw, shape) = only(&anna());
    assert_eq!(shape, "1-anna@a.example.eml text/plain [] 0 signatures\n");
    let message = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(
        message.body_text(0).unwrap(),
        "Dear Anna,\r\nit is time.\r\n"
    );
}

#[test]
fn html_and_the_text_made_from_it() {
    let folder = anna();
    fs::remove_file(folder.path.join("message.txt.hbs")).unwrap();
    folder.write(
        "message.html.hbs",
        "<h1>Dear {{name}}</h1><p>It is <a href=\"https://acme.example\">time</a>.</p>",
    );
    let (raw, shape) = only(&folder);
    assert_eq!(
        shape,
        "1-anna@a.example.eml multipart/alternative(text/plain, text/html) [] 0 signatures\n"
    );
    let message = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(
        message.body_text(0).unwrap().trim(),
        "Dear Anna\r\n\r\nIt is time <https://acme.example>."
    );
    assert!(
        message
            .body_html(0)
            .unwrap()
            .starts_with("<h1>Dear Anna</h1>")
    );
}

#[test]
fn html_beside_its_own_text() {
    let folder = anna();
    folder.write("message.html.hbs", "<p>Dear <b>{{name}}</b></p>");
    let (raw, shape) = only(&folder);
    assert_eq!(
        shape,
        "1-anna@a.example.eml multipart/alternative(text/plain, text/html) [] 0 signatures\n"
    );
    let message = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(
        message.body_text(0).unwrap().trim(),
        "Dear Anna,\r\nit is time."
    );
    assert_eq!(
        message.body_html(0).unwrap().trim(),
        "<p>Dear <b>Anna</b></p>"
    );
}

#[test]
fn a_recording_is_audio() {
    let folder = anna();
    // An MP3 with a tag, as recorders write it, and a WAVE file whose name does not say so.
    let mp3 = b"ID3\x04\0\0\0\0\0\0\xff\xfb\x90\0";
    let wave = b"RIFF\x24\0\0\0WAVEfmt ";
    folder.write("greeting.mp3", mp3);
    folder.write("sound", wave);
    let settings = folder.read("campaign.toml");
    let settings = settings.replace(
        "[message]\n",
        "[message]\nattachments = [\"greeting.mp3\", { path = \"sound\", name = \"问候.wav\" }]\n",
    );
    folder.write("campaign.toml", settings);
    let (raw, _) = only(&folder);
    let message = MessageParser::default().parse(&raw).unwrap();
    let parts: Vec<_> = message
        .attachments()
        .map(|part| {
            let kind = part.content_type().unwrap();
            (kind.ctype(), part.attachment_name(), part.contents())
        })
        .collect();
    assert_eq!(
        parts,
        [
            ("audio", Some("greeting.mp3"), &mp3[..]),
            ("audio", Some("问候.wav"), &wave[..])
        ]
    );
}

#[test]
fn one_connection_for_all() {
    let folder = Folder::generated(150, "one.example");
    let server = sandbox();
    folder.configure("[[server]]\nurl = \"smtp://localhost\"\ntls = \"none\"\nconnections = 1\nmessages_per_connection = 1000");
    let ran = send(&folder, &server, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let stats = server.stats();
    assert_eq!((stats.messages, stats.connections), (150, 1));
}

#[test]
fn several_connections_at_once() {
    let folder = Folder::generated(150, "several.example");
    // A server that takes its time, and one message after the other on a connection.
    let server = sandbox_with(Options {
        announce: no_groups(),
        reply_delay: std::time::Duration::from_millis(2),
        ..Options::default()
    });
    folder.configure("[[server]]\nurl = \"smtp://localhost\"\ntls = \"none\"\nconnections = 8");
    let ran = send(&folder, &server, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let stats = server.stats();
    assert_eq!(stats.messages, 150);
    assert!((2..=8).contains(&stats.most_open), "{stats:?}");
}
