//! Servers that are not there, say nothing, die in the middle, or refuse the sender: status 4 within the timeout, nobody
//! booked for it, an error that says what to do, and the same command goes on.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use mailrun::sandbox::{Options, Sandbox};

use super::evidence::{counts, steady};
use super::inbox::{Inbox, given};
use super::running::{Running, until};
use super::support::{Folder, Ran, mailrun, no_groups, received, run, sandbox, sandbox_with, url};
use super::tls::{self, folder, password, trusted};

/// Status 4, everybody remains, and nothing else is in the ledger; returns why.
#[track_caller]
fn stopped(folder: &Folder, ran: &Ran, recipients: usize) -> String {
    let expected = (4, format!("remaining {recipients}"));
    assert_eq!((ran.status, counts(ran)), expected, "{ran:?}");
    for state in folder.standings().values() {
        assert!(["claimed", "released"].contains(&state.as_str()), "{state}");
    }
    ran.json()["stopped"].as_str().unwrap().to_owned()
}

/// `give_up` is 2 s in these campaigns: a server that never greeted is given up after `timeout`, if that is less.
#[test]
fn servers_that_never_greet() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().port();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let vain = "no message could be submitted for 1 s (timeout in [[server]])";
    let hint = "see whether its host and port are right";
    for (url, expected) in [
        (
            "smtp://nonexistent.invalid:587".to_owned(),
            format!(
                "news@nonexistent.invalid:587: failed to lookup address information: Name or service not known at connecting; {vain}; {hint}"
            ),
        ),
        (
            format!("smtps://localhost:{closed}"),
            format!(
                "news@localhost:{closed}: Connection refused (os error 111) at connecting; {vain}; {hint}"
            ),
        ),
        (
            format!("smtp://localhost:{silent}"),
            format!(
                "news@localhost:{silent}: no answer within 1s at the greeting; {vain}; {hint}, and write smtps:// where the port is for TLS from the first byte (usually 465)"
            ),
        ),
        (
            format!("smtps://localhost:{silent}"),
            format!(
                "news@localhost:{silent}: the TLS handshake failed: no answer within 1s; {vain}; {hint}"
            ),
        ),
    ] {
        let folder = folder(
            "x.example",
            &url,
            &format!("{}timeout = \"1s\"\n", trusted()),
        );
        let ran = tls::send(&folder, "open sesame", &["--json"]);
        assert_eq!(stopped(&folder, &ran, 2), expected);
    }
}

/// On networks of its own, where the only name server hears and says nothing; the system waits for it much longer.
const SILENT_RESOLVER: &str = r#"
import fcntl, socket, struct, subprocess, sys
ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(ask, 0x8914, struct.pack("16sh22x", b"lo", 1 | 64)) # SIOCSIFFLAGS: up and running
ask.bind(("127.0.0.1", 53))
for name, text in ("resolv.conf", "nameserver 127.0.0.1\n"), ("nsswitch.conf", "hosts: files dns\n"):
    open(name, "w").write(text)
    subprocess.run(["mount", "--bind", name, "/etc/" + name], check=True)
sys.exit(subprocess.run([sys.argv[1], "send", "campaign", "--json"]).returncode)
"#;

#[test]
fn a_name_server_that_never_answers() {
    let folder = Folder::generated(2, "x.example");
    folder.configure("[[server]]\nurl = \"smtp://mx.somewhere.example\"\ntimeout = \"1s\"");
    let ran: Ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "--net", "python3", "-c"])
        .args([SILENT_RESOLVER, env!("CARGO_BIN_EXE_mailrun")])
        .current_dir(folder.path.parent().unwrap())
        .stdin(Stdio::null())
        .output()
        .expect("unshare, of util-linux, is needed")
        .into();
    assert_eq!(
        stopped(&folder, &ran, 2),
        "mx.somewhere.example:587: no name server answered within 1s at connecting; no message could be submitted for 1 s \
         (timeout in [[server]]); see whether its host and port are right"
    );
}

#[test]
fn a_sender_that_a_real_server_refuses() {
    let domain = "refused-sender.example";
    let url = format!("smtp://{}", given("MAILRUN_TEST_POSTFIX_THROTTLE"));
    let folder = folder(domain, &url, &trusted());
    let text = folder.read("campaign.toml");
    folder.write("campaign.toml", text.replace("news@acme", "refused@acme"));
    let ran = tls::send(&folder, &password(), &["--json"]);
    let reason = stopped(&folder, &ran, 2);
    assert!(
        reason.contains(": the server answered MAIL FROM with \"553 5.7.1 <refused@acme.example>: Sender address rejected: this login may not send as this address\""),
        "{reason}"
    );
    // The same command goes on, once the sender is mended; the server has seen enough of it by then.
    folder.write("campaign.toml", text.replace("\"2s\"", "\"60s\""));
    let ran = tls::send(&folder, &password(), &["--json", "--yes"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 2"),
        "{ran:?}"
    );
    assert_eq!(Inbox::of(domain).delivered(2).len(), 2);
}

/// There is no other one to go to.
#[test]
fn the_only_server_dies_in_the_middle() {
    for (options, window) in [
        (Options::default(), 8),
        (
            Options {
                announce: no_groups(),
                ..Options::default()
            },
            1,
        ),
    ] {
        let rows: Vec<_> = (1..=300)
            .map(|n| format!("slow-2ms+{n}@x.example"))
            .collect();
        let folder = Folder::with_rows(rows.iter().map(|row| (row.as_str(), "Anna")));
        let mut dying: Sandbox = sandbox_with(options);
        let mut command = mailrun(folder.path.parent().unwrap());
        command.args(["send", "campaign", "--json", "--connections", "4"]);
        let mut running = Running::start(command.args(["--server", &url(&dying)]));
        until("messages", || (dying.stats().messages >= 20).then_some(()));
        dying.halt();
        let ran = running.end();
        let json = ran.json();
        assert_eq!(ran.status, 4, "{ran:?}");
        assert_eq!(
            (&json["failed"], &json["deferred"]),
            (&0.into(), &0.into()),
            "{ran:?}"
        );
        let doubt = json["in_doubt"].as_u64().unwrap();
        assert!(doubt <= 4 * window, "{ran:?}");
        let reason = steady(json["stopped"].as_str().unwrap());
        assert_eq!(
            reason,
            "127.0.0.1:P: Connection refused (os error 111) at connecting; no message could be submitted for 2 s (give_up in \
             [delivery])"
        );
        // The same command goes on, by a server that is there.
        let other = sandbox();
        let ran = run(
            &folder,
            &["send", "campaign", "--json", "--server", &url(&other)],
        );
        let json = ran.json();
        assert_eq!(ran.status, if doubt == 0 { 0 } else { 3 }, "{ran:?}");
        assert_eq!(json["in_doubt"].as_u64().unwrap(), doubt, "{ran:?}");
        assert_eq!(json["accepted"].as_u64().unwrap() + doubt, 300, "{ran:?}");
        let mut times = received(&dying);
        for (key, more) in received(&other) {
            *times.entry(key).or_default() += more;
        }
        assert!(times.values().all(|times| *times == 1), "{times:?}");
        for (key, state) in folder.standings() {
            assert!(
                times.contains_key(&key) || state != "accepted",
                "{key} {state}"
            );
        }
    }
}
