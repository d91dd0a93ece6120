//! Logins: each mechanism at a real server, what becomes of one that is refused, and that no secret is ever told to
//! anybody else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::evidence::{counts, last_line};
use super::impostor::{Impostor, Nature};
use super::inbox::{Inbox, given};
use super::support::{Folder, Ran, run};
use super::tls::{folder, password, send, trusted};

fn starttls() -> String {
    format!("smtp://{}", given("MAILRUN_TEST_POSTFIX_STARTTLS"))
}

/// A file beside the password: `token`, or `expired`.
fn token(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", given("MAILRUN_TEST_POSTFIX_LOGIN"))).unwrap()
}

/// As Postfix logs the message that a recipient was accepted with: `sasl_method=PLAIN, sasl_username=news`.
#[track_caller]
fn logged(folder: &Folder, key: &str) -> String {
    let line = last_line(folder, key);
    let reply = line["reply"].as_str().unwrap();
    let id = reply.rsplit_once("queued as ").unwrap().1;
    let log = fs::read_to_string(given("MAILRUN_TEST_POSTFIX_LOG")).unwrap();
    let line = log
        .lines()
        .find(|line| line.contains(&format!(": {id}: client=")));
    let line = line.unwrap_or_else(|| panic!("{id} in {log}"));
    line.split_once("sasl_")
        .map_or("", |(_, rest)| rest)
        .to_owned()
}

#[test]
fn each_mechanism() {
    for (auth, secret, mechanism) in [
        ("plain", password(), "PLAIN"),
        ("login", password(), "LOGIN"),
        ("xoauth2", token("token"), "XOAUTH2"),
        ("auto", password(), "PLAIN"),
    ] {
        let domain = format!("{auth}.example");
        let folder = folder(
            &domain,
            &starttls(),
            &format!("{}auth = \"{auth}\"\n", trusted()),
        );
        let ran = send(&folder, &secret, &["--json", "-v"]);
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (0, "accepted 2"),
            "{auth}: {ran:?}"
        );
        let said = format!("#1 logged in as news by {mechanism}");
        assert!(ran.stderr.lines().any(|line| line == said), "{ran:?}");
        for key in ["r1", "r2"] {
            let expected = format!("method={mechanism}, sasl_username=news");
            assert_eq!(logged(&folder, &format!("{key}@{domain}")), expected);
        }
        assert_eq!(Inbox::of(&domain).delivered(2).len(), 2);
    }
}

#[test]
fn a_refused_login_is_booked_on_nobody() {
    for (auth, said) in [
        ("plain", "535 5.7.8 Error: authentication failed:"),
        ("login", "535 5.7.8 Error: authentication failed:"),
        ("xoauth2", "535 5.7.8 Error: authentication failed:"),
    ] {
        let domain = format!("refused.{auth}.example");
        let folder = folder(
            &domain,
            &starttls(),
            &format!("{}auth = \"{auth}\"\n", trusted()),
        );
        let ran = send(&folder, "open sesame", &["--json"]);
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (4, "remaining 2"),
            "{ran:?}"
        );
        let stopped = ran.json()["stopped"].as_str().unwrap().to_owned();
        let (server, text) = stopped.split_once(": ").unwrap();
        assert_eq!(
            server,
            format!("news@{}", given("MAILRUN_TEST_POSTFIX_STARTTLS"))
        );
        let expected = format!("the server refused the login with \"{said}");
        assert!(text.starts_with(&expected), "{text}");
        assert!(
            text.ends_with("\"; see whether user name and password (or token) are right"),
            "{text}"
        );
        for state in folder.standings().values() {
            assert!(["claimed", "released"].contains(&state.as_str()), "{state}");
        }
        // The same command goes on.
        let secret = if auth == "xoauth2" {
            token("token")
        } else {
            password()
        };
        let ran = send(&folder, &secret, &["--json"]);
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (0, "accepted 2"),
            "{ran:?}"
        );
    }
}

/// On this machine nobody listens in between.
#[test]
fn in_clear_on_this_machine_alone() {
    let impostor = Impostor::start(Nature {
        offers: ["250 AUTH PLAIN", ""],
        ..Nature::default()
    });
    let url = format!("smtp://127.0.0.1:{}?tls=none", impostor.port);
    let here = folder("x.example", &url, "");
    send(&here, "open sesame", &[]);
    let told = String::from_utf8(impostor.told().clear).unwrap();
    // NUL news NUL open sesame
    let login = "EHLO [127.0.0.1]\r\nAUTH PLAIN AG5ld3MAb3BlbiBzZXNhbWU=\r\nMAIL FROM:";
    assert!(told.starts_with(login), "{told}");

    // The author's word is of no use.
    let there = folder(
        "x.example",
        "smtp://smtp.example.com:25?tls=none",
        "allow_plaintext = true",
    );
    let ran = send(&there, "open sesame", &[]);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("in clear"), "{ran:?}");
}

/// A program that prints these one after the other, the last one again and again, and the file that counts how often.
fn program(folder: &Folder, tokens: &[String]) -> String {
    let mut text =
        "#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho x >>asked\ncase $(wc -l <asked) in\n".to_owned();
    for (number, token) in tokens.iter().enumerate() {
        let pattern = match number + 1 {
            last if last == tokens.len() => "*".to_owned(),
            other => other.to_string(),
        };
        text.push_str(&format!("{pattern}) echo {token} ;;\n"));
    }
    folder.write("secret.sh", text + "esac\n");
    let path = folder.path.join("secret.sh");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

#[test]
fn a_token_that_is_over_is_asked_for_again() {
    let folder = Folder::generated(4, "again.example");
    let program = program(&folder, &[token("expired"), token("token")]);
    folder.configure(&format!(
        "[[server]]\nurl = \"{}\"\nusername = \"news\"\npassword_command = [\"{program}\"]\nauth = \"xoauth2\"\nconnections = 2\nmessages_per_connection = 1\n{}",
        starttls(),
        trusted()
    ));
    let ran = run(&folder, &["send", "campaign", "--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 4"),
        "{ran:?}"
    );
    // Once at the start and once for all connections, not once for each.
    assert_eq!(folder.read("asked"), "x\nx\n");
}

#[test]
fn a_token_that_stays_refused_is_not_asked_for_for_ever() {
    let folder = Folder::generated(2, "forever.example");
    let program = program(&folder, &[token("expired"), "another".to_owned()]);
    folder.configure(&format!(
        "[[server]]\nurl = \"{}\"\nusername = \"news\"\npassword_command = [\"{program}\"]\nauth = \"xoauth2\"\nconnections = 1\n{}",
        starttls(),
        trusted()
    ));
    let ran = run(&folder, &["send", "campaign", "--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (4, "remaining 2"),
        "{ran:?}"
    );
    assert_eq!(folder.read("asked"), "x\nx\n");
    let stopped = ran.json()["stopped"].as_str().unwrap().to_owned();
    assert!(
        stopped.contains(r#"{"status":"#),
        "why, as the server has it: {stopped}"
    );
}

/// 454 is no refusal: the server is tried again.
#[test]
fn a_login_that_fails_for_now_is_tried_again() {
    let impostor = Impostor::start(Nature {
        to_auth: &["454 4.7.0 not now"],
        ..Nature::default()
    });
    let url = format!("smtp://localhost:{}", impostor.port);
    let folder = folder("x.example", &url, &trusted());
    let ran = send(&folder, "open sesame", &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (4, "remaining 2"),
        "{ran:?}"
    );
    assert!(impostor.told().connections > 1, "{ran:?}");
    let stopped = ran.json()["stopped"].as_str().unwrap().to_owned();
    assert!(
        stopped.contains("454 4.7.0 not now") && stopped.contains("give_up"),
        "{stopped}"
    );
}

/// Every file of a folder and of those in it.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push((path.display().to_string(), fs::read(&path).unwrap())),
        }
    }
}

#[track_caller]
fn tells_nothing(folder: &Folder, secret: &str, ran: &Ran) {
    let forms = [
        secret.to_owned(),
        BASE64.encode(secret),
        BASE64.encode(format!("\0news\0{secret}")),
        BASE64.encode(format!("user=news\x01auth=Bearer {secret}\x01\x01")),
    ];
    let mut all = Vec::new();
    files(folder.path.parent().unwrap(), &mut all);
    all.push(("standard output".to_owned(), ran.stdout.clone().into()));
    all.push(("standard error".to_owned(), ran.stderr.clone().into()));
    for (name, bytes) in all {
        for form in &forms {
            let found = String::from_utf8_lossy(&bytes).contains(form.as_str());
            assert!(
                !found,
                "{form} in {name}: {}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }
}

/// All output, traces and files, at every verbosity, of a login that is taken, that is refused, and of servers that repeat
/// what they are told.
#[test]
fn no_secret_is_told_to_anybody_but_the_server() {
    let parrots = Impostor::start(Nature {
        // NUL news NUL the password, as it was sent; and the password.
        to_auth: &[
            "535 5.7.8 I do not know AG5ld3MAb3BlbiBzZXNhbWU= (open sesame, b3BlbiBzZXNhbWU=)",
        ],
        ..Nature::default()
    });
    // Later, too.
    let gossip = Impostor::start(Nature {
        to_mail: "550 5.7.1 nobody mails here with open sesame",
        ..Nature::default()
    });
    let gossips = format!("smtp://localhost:{}", gossip.port);
    let parrots = format!("smtp://localhost:{}", parrots.port);
    let (good, old) = (password(), token("expired"));
    for (number, (url, auth, secret, status)) in [
        (starttls(), "plain", good.as_str(), 0),
        (starttls(), "login", good.as_str(), 0),
        (starttls(), "plain", "open sesame", 4),
        (starttls(), "login", "open sesame", 4),
        (starttls(), "xoauth2", old.as_str(), 4),
        (parrots, "plain", "open sesame", 4),
        (gossips, "plain", "open sesame", 4),
    ]
    .into_iter()
    .enumerate()
    {
        for verbosity in [&["--quiet"][..], &[], &["-v"], &["-vv"], &["-vvv"]] {
            let domain = format!("quiet{number}{}.example", verbosity.concat());
            let folder = folder(&domain, &url, &format!("{}auth = \"{auth}\"\n", trusted()));
            let args = [&["--json", "--trace", "trace"], verbosity].concat();
            let ran = send(&folder, secret, &args);
            assert_eq!(ran.status, status, "{ran:?}");
            let trace = fs::read_to_string(folder.path.parent().unwrap().join("trace")).unwrap();
            assert!(
                trace.contains(" > AUTH ") && trace.contains("***"),
                "{trace}"
            );
            tells_nothing(&folder, secret, &ran);
            for command in ["status", "results"] {
                tells_nothing(&folder, secret, &run(&folder, &[command, "campaign"]));
            }
        }
    }
}

#[test]
fn what_a_server_says_does_not_reach_the_terminal_as_it_is() {
    let impostor = Impostor::start(Nature {
        to_auth: &["535 5.7.8 \x1b[31mred\x1b[0m \u{202e}"],
        ..Nature::default()
    });
    let url = format!("smtp://localhost:{}", impostor.port);
    let folder = folder("x.example", &url, &trusted());
    let ran = send(&folder, "open sesame", &["-vv", "--trace", "trace"]);
    assert_eq!(ran.status, 4, "{ran:?}");
    let trace = fs::read_to_string(folder.path.parent().unwrap().join("trace")).unwrap();
    for text in [&ran.stderr, &trace] {
        assert!(text.contains("\u{fffd}[31mred"), "{text}");
        assert!(!text.contains(['\x1b', '\u{202e}']), "{text}");
    }
}
