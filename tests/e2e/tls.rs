//! TLS: what holds is used, and resumed; what does not hold is refused before anything is told that others may not know.

use std::fs;

use super::evidence::{counts, steady};
use super::impostor::{Impostor, Nature};
use super::inbox::{Inbox, given};
use super::support::{Folder, mailrun, run};

/// Two recipients; `[[server]]` with a login that has this password in the environment.
pub fn folder(domain: &str, url: &str, settings: &str) -> Folder {
    let folder = Folder::generated(2, domain);
    folder.configure(&format!(
        "[[server]]\nurl = \"{url}\"\nusername = \"news\"\npassword_env = \"MAILRUN_TEST_SECRET\"\nconnections = 1\n{settings}"
    ));
    folder
}

/// The setting that trusts the tests' own servers.
pub fn trusted() -> String {
    format!(
        "ca_file = \"{}/ca.pem\"\n",
        given("MAILRUN_TEST_POSTFIX_TLS")
    )
}

/// `mailrun send campaign ARGS`, this being the password.
pub fn send(folder: &Folder, secret: &str, args: &[&str]) -> super::support::Ran {
    mailrun(folder.path.parent().unwrap())
        .args(["send", "campaign"])
        .args(args)
        .env("MAILRUN_TEST_SECRET", secret)
        .output()
        .unwrap()
        .into()
}

/// The user's password at the tests' own Postfix.
pub fn password() -> String {
    fs::read_to_string(format!("{}/password", given("MAILRUN_TEST_POSTFIX_LOGIN"))).unwrap()
}

#[test]
fn a_campaign_by_starttls_and_one_by_tls_from_the_first_byte() {
    for (scheme, server, domain) in [
        ("smtp", "MAILRUN_TEST_POSTFIX_STARTTLS", "starttls.example"),
        ("smtps", "MAILRUN_TEST_POSTFIX_SMTPS", "smtps.example"),
    ] {
        let url = format!("{scheme}://{}", given(server));
        // The name and the address both are in the certificate.
        for (url, domain) in [
            (url.clone(), format!("name.{domain}")),
            (
                url.replace("localhost", "127.0.0.1"),
                format!("address.{domain}"),
            ),
        ] {
            let folder = folder(&domain, &url, &trusted());
            let ran = send(&folder, &password(), &["--json", "-v"]);
            assert_eq!(
                (ran.status, counts(&ran).as_str()),
                (0, "accepted 2"),
                "{ran:?}"
            );
            let tls = ran
                .stderr
                .lines()
                .filter(|line| line.starts_with("#1 TLSv1.3, TLS13_"));
            assert_eq!(tls.count(), 1, "{ran:?}");
            let mut inbox = Inbox::of(&domain);
            let delivered = inbox.delivered(2);
            assert!(delivered.len() == 2 && delivered.values().all(|times| *times == 1));
        }
    }
}

#[test]
fn a_handshake_is_resumed_by_the_connections_after_it() {
    let url = format!("smtp://{}", given("MAILRUN_TEST_POSTFIX_STARTTLS"));
    let settings = trusted() + "messages_per_connection = 1\n";
    let folder = folder("resumed.example", &url, &settings);
    let ran = send(&folder, &password(), &["-v"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let tls: Vec<_> = (ran
        .stderr
        .lines()
        .filter(|line| line.contains(" TLSv1.3, ")))
    .map(|line| line.ends_with(", resumed"))
    .collect();
    assert_eq!(tls, [false, true], "{ran:?}");
    let log = fs::read_to_string(given("MAILRUN_TEST_POSTFIX_LOG")).unwrap();
    assert!(log.contains("Reusing old session"), "{log}");
}

#[test]
fn more_than_a_socket_takes_at_once() {
    let url = format!("smtps://{}", given("MAILRUN_TEST_POSTFIX_SMTPS"));
    let folder = folder("large.example", &url, &trusted());
    // Larger than what TLS holds and what the sockets' buffers hold; out of a cell, which is faster than out of a template.
    let line = "a line of some length, and then another one\n";
    let times = (9 << 20) / line.len();
    let row = |name: &str| format!("{name}@large.example,{name},\"{}\"\n", line.repeat(times));
    let list = format!("email,name,note\n{}{}", row("r1"), row("r2"));
    folder.write("recipients.csv", list);
    folder.write("message.txt.hbs", "{{note}}");
    let ran = send(&folder, &password(), &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 2"),
        "{ran:?}"
    );
    let mut inbox = Inbox::of("large.example");
    inbox.delivered(2);
    for letter in inbox.letters {
        let lines = letter.body.lines().filter(|text| *text == line.trim_end());
        assert_eq!(lines.count(), times);
    }
}

/// What is refused, before the login: the whole text, status 4, nobody booked, and nothing told that is secret.
#[test]
fn what_does_not_hold_is_refused_before_any_login() {
    let stripped = Nature {
        offers: ["250 AUTH PLAIN LOGIN", "250 AUTH PLAIN LOGIN"],
        ..Nature::default()
    };
    let injected = Nature {
        to_starttls: "220 go on\r\n250-impostor\r\n250 AUTH PLAIN\r\n",
        ..Nature::default()
    };
    let refused = Nature {
        to_starttls: "502 5.5.1 not today\r\n",
        to_hello: Some(""),
        ..Nature::default()
    };
    let no_tls = Nature {
        to_hello: Some("250 AUTH PLAIN LOGIN\r\n"),
        ..Nature::default()
    };
    let with = |certificate| Nature {
        certificate,
        ..Nature::default()
    };
    let implicit = |certificate| Nature {
        implicit: true,
        ..with(certificate)
    };
    let expired = "the server's certificate has expired on 2024-02-01; whoever runs the server has to renew it (or this machine's clock is wrong)";
    let other = "the server's certificate is for mx.other.example, not for localhost; if that is the server that is meant, write its name in the URL";
    let authority = "the server's certificate is one for signing others (a CA's), not one for a server; have the server use a certificate without CA:TRUE in it, signed by this one";
    let stranger = "the server's certificate is signed by nobody whom this machine trusts; if it is your own server's, save the certificate that signed it and name the file with ca_file in [[server]]";
    for (nature, scheme, ca_file, text) in [
        (
            stripped,
            "smtp",
            true,
            "the server does not offer STARTTLS (somebody on the way may have taken it out), and nothing is sent in clear; use smtps:// if it has a port for TLS from the first byte (usually 465), or tls = \"none\" for a server on this machine",
        ),
        (
            injected,
            "smtp",
            true,
            "the server went on in clear after STARTTLS: somebody on the way may have put in what it is to be taken to say later; nothing was sent to it",
        ),
        (
            refused,
            "smtp",
            true,
            "the server answered STARTTLS with \"502 5.5.1 not today\"; nothing is sent without TLS; see host and port, or ask who runs the server",
        ),
        (
            no_tls,
            "smtp",
            true,
            "what the server sent after STARTTLS is no TLS; somebody on the way may have put it there, and nothing was sent to it",
        ),
        (
            Nature::default(),
            "smtps",
            true,
            "the server does not speak TLS from the first byte on port P; write smtp:// in place of smtps:// (STARTTLS, usually port 587), or see whether the port is right (usually 465)",
        ),
        (with("expired"), "smtp", true, expired),
        (with("other"), "smtp", true, other),
        (with("good"), "smtp", false, stranger),
        (with("ca"), "smtp", true, authority),
        (implicit("expired"), "smtps", true, expired),
        (implicit("other"), "smtps", true, other),
        (implicit("good"), "smtps", false, stranger),
    ] {
        let impostor = Impostor::start(nature.clone());
        let url = format!("{scheme}://localhost:{}", impostor.port);
        let settings = if ca_file { trusted() } else { String::new() };
        let folder = folder("x.example", &url, &settings);
        let ran = send(
            &folder,
            "open sesame",
            &["-vv", "--trace", "trace", "--json"],
        );
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (4, "remaining 2"),
            "{nature:?} {ran:?}"
        );
        let port = impostor.port.to_string();
        let stopped = ran.json()["stopped"].as_str().unwrap().replace(&port, "P");
        assert_eq!(stopped, format!("news@localhost:P: {text}"));

        let told = impostor.told();
        let clear = String::from_utf8_lossy(&told.clear).into_owned();
        for telling in ["AUTH", "MAIL", "RCPT", "sesame"] {
            assert!(!clear.contains(telling), "{nature:?}: {clear}");
        }
        assert_eq!(
            (told.secured.as_str(), told.connections),
            ("", 1),
            "{nature:?}"
        );
        for state in folder.standings().values() {
            assert!(["claimed", "released"].contains(&state.as_str()), "{state}");
        }
    }
}

/// The same of a real server: its log has no login, and no mail.
#[test]
fn a_real_server_with_a_certificate_that_does_not_hold() {
    for (server, domain, text) in [
        (
            "EXPIRED",
            "expired.example",
            "the server's certificate has expired on 2024-02-01",
        ),
        (
            "OTHER",
            "other.example",
            "the server's certificate is for mx.other.example, not for localhost",
        ),
    ] {
        let url = format!(
            "smtp://{}",
            given(&format!("MAILRUN_TEST_POSTFIX_{server}"))
        );
        let folder = folder(domain, &url, &trusted());
        let ran = send(&folder, &password(), &["--json"]);
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (4, "remaining 2"),
            "{ran:?}"
        );
        let stopped = ran.json()["stopped"].as_str().unwrap().to_owned();
        assert!(stopped.contains(text), "{stopped}");
        let log = fs::read_to_string(given("MAILRUN_TEST_POSTFIX_LOG")).unwrap();
        assert!(!log.contains(domain), "{log}");
    }
}

/// A real server that offers no TLS at all.
#[test]
fn a_real_server_without_starttls() {
    let url = format!("smtp://{}", given("MAILRUN_TEST_POSTFIX"));
    let folder = folder("without.example", &url, &trusted());
    let ran = send(&folder, &password(), &[]);
    assert_eq!(ran.status, 4);
    assert_eq!(
        steady(&ran.stderr),
        "stopped: news@127.0.0.1:P: the server does not offer STARTTLS (somebody on the way may have taken it out), and nothing is sent in clear; use smtps:// if it has a port for TLS from the first byte (usually 465), or tls = \"none\" for a server on this machine\n0 of 2 accepted, 2 remaining; the same command goes on\n"
    );
}

/// What was announced in clear is forgotten: the mechanisms count that are offered by TLS.
#[test]
fn nothing_that_was_said_in_clear_counts() {
    let impostor = Impostor::start(Nature {
        offers: [
            "250-STARTTLS\r\n250-SIZE 10\r\n250 AUTH LOGIN",
            "250 AUTH PLAIN",
        ],
        ..Nature::default()
    });
    let url = format!("smtp://localhost:{}", impostor.port);
    let folder = folder("x.example", &url, &trusted());
    let ran = send(&folder, "open sesame", &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 2"),
        "{ran:?}"
    );
    let told = impostor.told();
    assert_eq!(told.clear, b"EHLO [127.0.0.1]\r\nSTARTTLS\r\n");
    // NUL news NUL open sesame
    let beginning = "EHLO [127.0.0.1]\r\nAUTH PLAIN AG5ld3MAb3BlbiBzZXNhbWU=\r\nMAIL FROM:<news@acme.example>\r\n";
    assert!(told.secured.starts_with(beginning), "{}", told.secured);
}

#[test]
fn a_ca_file_that_is_of_no_use_is_told_before_any_connection() {
    let impostor = Impostor::start(Nature::default());
    let url = format!("smtp://localhost:{}", impostor.port);
    for (name, content, text) in [
        (
            "empty.pem",
            "not a certificate\n",
            "ca_file holds no certificate that can be used (there is none in it); it is a PEM file, with -----BEGIN CERTIFICATE----- in it",
        ),
        (
            "broken.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "ca_file holds no certificate that can be used (invalid peer certificate: BadEncoding); it is a PEM file, with -----BEGIN CERTIFICATE----- in it",
        ),
    ] {
        let folder = folder("x.example", &url, &format!("ca_file = \"{name}\"\n"));
        folder.write(name, content);
        let ran = send(&folder, "open sesame", &[]);
        assert_eq!(ran.stderr, format!("mailrun: campaign/{name}: {text}\n"));
        assert_eq!((ran.status, impostor.told().connections), (1, 0));
        assert!(
            !folder.path.join("runs/r.jsonl").exists() || folder.read("runs/r.jsonl").is_empty()
        );
    }
    let folder = folder("x.example", &url, &trusted());
    let ran = run(&folder, &["send", "campaign"]);
    assert_eq!((ran.status, impostor.told().connections), (1, 0), "{ran:?}");
    assert!(ran.stderr.contains("MAILRUN_TEST_SECRET"), "{ran:?}");
}
