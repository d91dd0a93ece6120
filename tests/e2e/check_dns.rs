//! `check --dns`: what is told of the sender and of the recipients' domains, by what a name server says.

use serde_json::{Value, json};

use super::name_server::NameServer;
use super::others::key;
use super::support::{CAMPAIGN, Folder, Ran, run};

/// Rows at domains of many kinds.
const ROWS: [(&str, &str); 9] = [
    ("a@mail.example", "Anna"),
    ("b@self.example", "Bert"),
    ("c@gone.example", "Carl"),
    ("d@closed.example", "Dora"),
    ("e@empty.example", "Emil"),
    ("f@failing.example", "Fritz"),
    ("g@Gone.example", "Gerd"),
    ("h@[192.0.2.1]", "Hans"),
    ("i@mail.example", "Ina"),
];

const ZONE: &str = "
    mail.example MX 10 mx.mail.example
    self.example A
    closed.example MX 0 .
    empty.example TXT \"nothing of use\"
    failing.example SERVFAIL
";

/// A campaign that signs, and what its key's record says.
fn signed(rows: &[(&str, &str)]) -> (Folder, String) {
    let folder = Folder::with_rows(rows.iter().copied());
    let record = key(&folder, "rsa.pem", &[]);
    folder.configure("[dkim]\ndomain = \"acme.example\"\nselector = \"s\"\nkey_file = \"rsa.pem\"");
    (folder, record)
}

/// The line of a zone for a long text.
fn txt(name: &str, text: &str) -> String {
    let (start, end) = text.split_at(200);
    format!("{name} TXT \"{start}\" \"{end}\"\n")
}

fn check(folder: &Folder, server: &NameServer, args: &[&str]) -> Ran {
    let address = server.address.to_string();
    let mut all = vec![
        "check",
        "campaign",
        "--sandbox",
        "--dns",
        "--dns-server",
        &address,
    ];
    all.extend_from_slice(args);
    run(folder, &all)
}

/// The first line, and what the DNS said; the server's port as P.
fn told(ran: &Ran, server: &NameServer) -> String {
    let text = ran
        .stdout
        .replace(&server.address.to_string(), "127.0.0.1:P");
    let (first, rest) = text.split_once('\n').unwrap();
    let (_, dns) = rest.split_once("\n  dns ").unwrap();
    format!("{first}\n  dns {dns}")
}

#[test]
fn all_is_well_with_the_sender_and_not_with_all_recipients() {
    let (folder, record) = signed(&ROWS);
    let zone = format!(
        "{ZONE}acme.example TXT \"v=spf1 include:_spf.acme.example -all\"
        acme.example MX 10 mx.acme.example
        _spf.acme.example TXT \"v=spf1 ip4:192.0.2.0/24 ?all\"
        _dmarc.acme.example TXT \"v=DMARC1; p=reject; rua=mailto:d@acme.example\"
        {}",
        txt("s._domainkey.acme.example", &record)
    );
    let server = NameServer::start(&zone);
    let ran = check(&folder, &server, &[]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(
        told(&ran, &server),
        r#""Test", run "r": a send would start
  dns       asked 127.0.0.1:P
  spf       acme.example: one record, 1 of 10 lookups; it ends in -all
  dkim      s._domainkey.acme.example: the key of campaign/rsa.pem
  dmarc     _dmarc.acme.example: p=reject: what is not aligned is refused; aligned: DKIM by acme.example, SPF by acme.example
  mx        acme.example: bounces and replies go to mx.acme.example
  to        6 domains: 2 with mail, 3 without, 1 not known; 1 row at an address or a host of your own network
            2 rows at gone.example (row 3, row 7): no such domain
            1 row at closed.example (row 4): takes no mail, by its MX
            1 row at empty.example (row 5): no mail server: neither MX nor address
            1 row at failing.example (row 6): the name server 127.0.0.1:P says SERVFAIL
"#
    );
    // Nobody is asked twice.
    let mut asked = server.asked();
    asked.sort();
    let all = asked.len();
    asked.dedup();
    assert_eq!(asked.len(), all, "{asked:?}");

    let dns = check(&folder, &server, &["--json"]).json()["dns"].clone();
    assert_eq!(dns["pointless"], json!(false));
    let levels: Vec<_> = dns["sender"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["about"].as_str().unwrap(), it["level"].as_str().unwrap()))
        .collect();
    let good = ["spf", "dkim", "dmarc", "mx"].map(|about| (about, "good"));
    assert_eq!(levels, good);
    assert_eq!(dns["sender"][1]["record"], json!(record));
    let gone =
        json!({"domain": "gone.example", "rows": 2, "first": [3, 7], "why": "no such domain"});
    assert_eq!(dns["recipients"]["without"][0], gone);
    let counts = [
        "domains",
        "with_mail",
        "unasked",
        "unasked_rows",
        "local_rows",
    ];
    let counts: Value = counts
        .map(|it| dns["recipients"][it].clone())
        .into_iter()
        .collect();
    assert_eq!(counts, json!([6, 2, 0, 0, 1]));
}

#[test]
fn a_send_that_would_be_pointless_is_status_1() {
    let (folder, record) = signed(&ROWS[..1]);
    let (other, _) = record.split_at(300);
    let other = format!("{other}{}IDAQAB", "A".repeat(record.len() - 306));
    let zone = format!(
        "{ZONE}acme.example MX 10 mx.acme.example
        _dmarc.acme.example TXT \"v=DMARC1; p=none\"
        {}",
        txt("s._domainkey.acme.example", &other)
    );
    let server = NameServer::start(&zone);
    let ran = check(&folder, &server, &[]);
    assert_eq!((ran.status, ran.stderr.as_str()), (1, ""), "{ran:?}");
    assert_eq!(
        told(&ran, &server).replace(&record, "RECORD"),
        r#""Test", run "r": a send would start, and be POINTLESS by what the DNS says
  dns       asked 127.0.0.1:P
  spf       acme.example: warning: there is no SPF record (TXT, v=spf1 …): receivers can't tell who may send for it
  dkim      s._domainkey.acme.example: ERROR: the record's public key is not that of campaign/rsa.pem: receivers take every signature for forged. Sign by the key that belongs to the record, or publish as TXT: RECORD
  dmarc     _dmarc.acme.example: p=none: receivers only report; aligned: DKIM by acme.example, SPF by acme.example
  mx        acme.example: bounces and replies go to mx.acme.example
  to        1 domain: 1 with mail, 0 without
"#
    );
    let json = check(&folder, &server, &["--json"]);
    assert_eq!(json.status, 1);
    let json = json.json();
    assert_eq!(
        (&json["would_start"], &json["dns"]["pointless"]),
        (&json!(true), &json!(true))
    );
    // A send asks no name server.
    let sent = run(&folder, &["send", "campaign", "--sandbox"]);
    assert_eq!(sent.status, 0, "{sent:?}");

    // Nobody who could get it.
    let folder = Folder::with_rows([("c@gone.example", "Carl")]);
    let server = NameServer::start("acme.example MX 10 mx.acme.example");
    let ran = check(&folder, &server, &[]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(
        told(&ran, &server).ends_with(
            "  to        1 domain: 0 with mail, 1 without\n            1 row at gone.example (row 1): no such domain\n"
        ),
        "{ran:?}"
    );
}

#[test]
fn the_envelope_and_the_domains_above_count_as_receivers_have_it() {
    let folder = Folder::with_rows([("a@mail.example", "Anna")]);
    let settings = CAMPAIGN.replace("news@acme.example", "news@news.köln.example");
    let settings = settings.replace(
        "[message]\n",
        "[message]\nreply_to = \"team@team.example\"\nenvelope_from = \"b+{{send_id}}@Bounce.provider.example\"\n",
    );
    folder.write("campaign.toml", settings);
    let server = NameServer::start(
        "mail.example MX 10 mx.mail.example
        bounce.provider.example TXT \"v=spf1 a mx ~all\"
        bounce.provider.example MX 10 mx.provider.example
        _dmarc.xn--kln-sna.example TXT \"v=DMARC1; p=none; sp=quarantine\"
        news.xn--kln-sna.example A",
    );
    let ran = check(&folder, &server, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(
        told(&ran, &server),
        r#""Test", run "r": a send would start
  dns       asked 127.0.0.1:P
  spf       bounce.provider.example: one record, 2 of 10 lookups; it ends in ~all
  dmarc     _dmarc.xn--kln-sna.example: warning: p=quarantine: what is not aligned goes to the spam folder, of xn--kln-sna.example above it; neither a [[dkim]] nor the envelope's domain bounce.provider.example is aligned with news.xn--kln-sna.example: mail counts as its own only if your mail server signs for it
  mx        bounce.provider.example: bounces go to mx.provider.example
  mx        news.xn--kln-sna.example: answers to From go to its own address; it has no MX
  mx        team.example: warning: no such domain: replies reach nobody
  to        1 domain: 1 with mail, 0 without
"#
    );
}

#[test]
fn a_name_server_that_says_nothing_holds_nobody_up() {
    let folder = Folder::with_rows([("a@mail.example", "Anna")]);
    // Nobody listens there any more.
    let closed = NameServer::start("").address.to_string();
    let args = [
        "check",
        "campaign",
        "--sandbox",
        "--dns",
        "--dns-server",
        &closed,
    ];
    let ran = run(&folder, &args);
    let start =
        format!("\n  dns       nothing is known: the name server {closed} cannot be reached: ");
    assert!(ran.status == 0 && ran.stdout.contains(&start), "{ran:?}");

    // And here somebody listens, who never answers.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let args = [
        "check",
        "campaign",
        "--sandbox",
        "--dns",
        "--dns-server",
        &address,
    ];
    let ran = run(&folder, &args);
    let expected = format!(
        "\n  dns       nothing is known: the name server {address} does not answer; try again, or name another with \
         --dns-server\n"
    );
    assert!(
        ran.status == 0 && ran.stdout.ends_with(&expected),
        "{ran:?}"
    );
}

#[test]
fn what_comes_from_the_dns_is_foreign_text() {
    let folder = Folder::with_rows([("a@mail.example", "Anna")]);
    let server = NameServer::start(
        "acme.example truncated
        mail.example MX 10 mx.mail.example
        acme.example TXT \"v=spf1 \u{1b}[31m\u{202e}\" \"evil -all\"
        _dmarc.acme.example TXT \"v=DMARC1; p=\u{1b}]0,x\u{7}\"
        acme.example MX 10 \u{1b}[2J.example",
    );
    let ran = check(&folder, &server, &[]);
    let told = told(&ran, &server);
    assert!(
        told.contains("take it for none: \"\u{fffd}[31m\u{fffd}evil\" is no term of SPF\n"),
        "{told}"
    );
    assert!(
        told.contains("its p=\u{fffd}]0,x\u{fffd} is none of "),
        "{told}"
    );
    assert!(
        !ran.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{ran:?}"
    );
    assert!(
        server
            .asked()
            .contains(&"acme.example TXT by TCP".to_owned())
    );
}

#[test]
fn what_is_typed_wrong_is_told() {
    let folder = Folder::with_rows([("a@mail.example", "Anna")]);
    let ran = run(
        &folder,
        &["check", "campaign", "--dns", "--dns-server", "dns.example"],
    );
    assert_eq!(ran.status, 2);
    assert!(
        ran.stderr.starts_with(
            "error: invalid value 'dns.example' for '--dns-server <IP[:PORT]>': not an IP address, with a port or \
             without; write it as 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53\n"
        ),
        "{ran:?}"
    );
    let ran = run(&folder, &["check", "campaign", "--dns-server", "192.0.2.1"]);
    assert!(ran.status == 2 && ran.stderr.contains("--dns"), "{ran:?}");
}
