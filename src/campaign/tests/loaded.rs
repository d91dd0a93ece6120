//! What campaigns on disk are read as.

use std::fs;
use std::time::Duration;

use super::*;

#[test]
fn the_least_has_every_default() {
    let dir = folder(LEAST);
    let campaign = Campaign::load(dir.path()).unwrap();
    let from = "a@b.example".parse().unwrap();
    let mut expected = Campaign::new(dir.path(), MessageSettings::new(from, "s"));
    expected.message.text = Some(dir.path().join("message.txt.hbs"));
    assert_eq!(campaign, expected);

    let name = dir.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(
        (campaign.name.as_str(), campaign.run.as_str()),
        (name, "default")
    );
    assert_eq!(campaign.recipients.file, dir.path().join("recipients.csv"));
    assert_eq!(campaign.recipients.address, "email");
    assert_eq!(campaign.recipients.duplicates, Duplicates::Skip);
    assert!(campaign.servers.is_empty());
    let delivery = campaign.delivery;
    assert_eq!((delivery.attempts, delivery.stop_after), (4, 25));
    assert_eq!(delivery.first_delay, Duration::from_secs(30));
    assert_eq!(delivery.longest_delay, Duration::from_secs(1800));
    assert_eq!(delivery.give_up, Duration::from_secs(900));
    assert_eq!(delivery.in_doubt, InDoubt::Hold);
    assert_eq!(delivery.durability, Durability::Power);
}

#[test]
fn every_setting_there_is() {
    let dir = folder(
        r#"
name = "November newsletter"
run  = "2026-11"
[recipients]
file       = "lists/A.CSV"
address    = " mail "
display    = "name"
key        = "id"
required   = ["first_name", " city "]
encoding   = "GBK"
sheet      = "Gäste"
delimiter  = "\t"
duplicates = "error"
[message]
from     = "ACME News <news@acme.example>"
reply_to = "editor@acme.example"
to       = "{{name}} <{{email}}>"
subject  = "{{first_name}}, your digest"
html     = "a.html.hbs"
text     = "b.txt.hbs"
inline_css = false
headers  = { "X-Z" = "1", "X-A" = "{{id}}" }
envelope_from = "bounce+{{send_id}}@acme.example"
[vars]
issue = 42
[[server]]
url = "smtp://mx.example:2525"
tls = "none"
allow_plaintext = true
connections = 1000
messages_per_connection = 1
timeout = "5m"
[delivery]
attempts = 500
first_delay = "0s"
longest_delay = "1h30m"
in_doubt = "resend"
stop_after = 1
give_up = "2d"
durability = "process"
"#,
    );
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("lists")).unwrap();
    for file in ["lists/A.CSV", "a.html.hbs", "b.txt.hbs"] {
        fs::write(at(file), "").unwrap();
    }
    let owned = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let some = |text: &str| Some(text.to_owned());
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = Campaign {
        dir: dir.path().to_owned(),
        name: "November newsletter".to_owned(),
        run: "2026-11".to_owned(),
        recipients: ListSettings {
            sheet: some("Gäste"),
            address: "mail".to_owned(),
            display: some("name"),
            key: some("id"),
            required: owned(&["first_name", "city"]),
            encoding: Some(encoding_rs::GBK),
            delimiter: Some(b'\t'),
            duplicates: Duplicates::Error,
            ..ListSettings::new(at("lists/A.CSV"))
        },
        message: MessageSettings {
            from: "ACME News <news@acme.example>".parse().unwrap(),
            reply_to: Some("editor@acme.example".parse().unwrap()),
            to: some("{{name}} <{{email}}>"),
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: "{{first_name}}, your digest".to_owned(),
            html: Some(at("a.html.hbs")),
            text: Some(at("b.txt.hbs")),
            inline_css: false,
            headers: vec![header("X-Z", "1"), header("X-A", "{{id}}")],
            envelope_from: some("bounce+{{send_id}}@acme.example"),
            attachments: Vec::new(),
        },
        list: MailingList::default(),
        vars: serde_json::Map::from_iter([("issue".to_owned(), 42.into())]),
        servers: vec![Server {
            allow_plaintext: true,
            connections: 1000,
            messages_per_connection: 1,
            timeout: Duration::from_secs(300),
            ..clear("mx.example", 2525)
        }],
        delivery: Delivery {
            attempts: 500,
            first_delay: Duration::ZERO,
            longest_delay: Duration::from_secs(5400),
            in_doubt: InDoubt::Resend,
            stop_after: 1,
            give_up: Duration::from_secs(172_800),
            durability: Durability::Process,
        },
        dkim: Vec::new(),
    };
    assert_eq!(Campaign::load(dir.path()).unwrap(), expected);
    assert_eq!(Campaign::load(&at("campaign.toml")).unwrap(), expected);
}

#[test]
fn another_list_takes_the_place_of_the_campaigns() {
    let dir = folder(format!(
        "{LEAST}[recipients]\nfile = 'gone.csv'\nkey = 'id'"
    ));
    let list = dir.path().join("recipients.csv");
    let campaign = Campaign::load_with(dir.path(), Some(&list), &|_| None).unwrap();
    assert_eq!(campaign.recipients.file, list);
    assert_eq!(campaign.recipients.key.as_deref(), Some("id"));
    let gone = dir.path().join("other.csv");
    assert_eq!(
        said(
            dir.path(),
            Campaign::load_with(dir.path(), Some(&gone), &|_| None)
        ),
        r#"c/other.csv: there is no list "c/other.csv"; put it there"#
    );
}

#[test]
fn another_run_and_other_connections() {
    let mut campaign = load(LEAST);
    campaign.use_run("2026-12").unwrap();
    assert_eq!(campaign.use_run("a/b"), Err(RunNameError::Character('/')));
    assert_eq!(campaign.run, "2026-12");
    campaign.use_connections(3);
    assert!(campaign.servers.is_empty());
    campaign.use_server("smtp://localhost?tls=none").unwrap();
    assert_eq!(campaign.servers, [clear("localhost", 587)]);
    campaign.use_connections(3);
    assert_eq!(campaign.servers[0].connections, 3);
}
