//! Exit status 4 by signal: the first one drains, the second one ends at once; either way the ledger is whole.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mailrun::sandbox::{Options, Sandbox, Verb};

use super::evidence::{counts, history};
use super::support::{Folder, Ran, mailrun, received, sandbox, sandbox_with, send, url};

/// Waits until the condition holds; a condition that never does is a failure.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within 30 s");
        thread::sleep(Duration::from_millis(2));
    }
}

fn start(folder: &Folder, sandbox: &Sandbox, connections: &str) -> Child {
    mailrun(folder.path.parent().unwrap())
        .args(["send", "campaign", "--json", "--server", &url(sandbox)])
        .args(["--connections", connections])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[track_caller]
fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let kill = Command::new("kill")
        .args(["-s", name, &id])
        .status()
        .unwrap();
    assert!(kill.success(), "kill -s {name} {id}");
}

#[test]
fn the_first_signal_drains() {
    for (name, reason) in [
        ("INT", "interrupted (SIGINT)"),
        ("TERM", "terminated (SIGTERM)"),
        ("HUP", "the terminal was closed (SIGHUP)"),
    ] {
        let folder = Folder::generated(1000, "x.example");
        let slow = sandbox_with(Options {
            reply_delay: Duration::from_millis(2),
            ..Options::default()
        });
        let child = start(&folder, &slow, "4");
        until("ten messages", || slow.stats().messages >= 10);
        signal(&child, name);
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.status, 4, "{ran:?}");
        assert_eq!(ran.json()["stopped"], reason);
        let accepted = ran.json()["accepted"].as_u64().unwrap();
        assert_eq!(
            ran.stderr,
            format!(
                "stopping: finishing what is in flight; once more to stop at once\nstopped: {reason}\n\
                 {accepted} of 1000 accepted, {} remaining; the same command goes on\n",
                1000 - accepted
            )
        );
        // What was in flight was finished and recorded, and every connection closed with QUIT.
        assert_eq!(slow.stats().messages, accepted);
        assert!((10..1000).contains(&accepted), "{accepted}");
        assert_eq!(slow.stats().commands(Verb::Quit), slow.stats().connections);

        let quick = sandbox();
        let rest = send(&folder, &quick, &["--json"]);
        assert_eq!(
            (rest.status, counts(&rest)),
            (0, "accepted 1000".to_owned())
        );
        assert_eq!(quick.stats().messages, 1000 - accepted);
        assert!(
            received(&slow)
                .keys()
                .all(|to| !received(&quick).contains_key(to))
        );
    }
}

#[test]
fn the_second_signal_ends_at_once() {
    let folder = Folder::with_rows([
        ("ann@x.example", "Ann"),
        ("hang-at-dot@x.example", "Hal"),
        ("bob@x.example", "Bob"),
    ]);
    let server = sandbox();
    let mut child = start(&folder, &server, "1");
    // Stored, and never answered.
    until("the message that hangs", || server.stats().messages == 2);
    let mut said = BufReader::new(child.stderr.take().unwrap());
    signal(&child, "INT");
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(
        line,
        "stopping: finishing what is in flight; once more to stop at once\n"
    );
    signal(&child, "INT");
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(
        rest,
        "stopped at once: what was in flight may be in doubt; the same command goes on\n"
    );
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert_eq!(history(&folder, "hang-at-dot@x.example"), "claimed sending");
    assert_eq!(history(&folder, "bob@x.example"), "claimed");

    let again = send(&folder, &server, &["--json"]);
    assert_eq!(
        (again.status, counts(&again)),
        (3, "accepted 2, in_doubt 1".to_owned())
    );
    assert_eq!(
        history(&folder, "hang-at-dot@x.example"),
        "claimed sending in_doubt"
    );
    assert_eq!(
        history(&folder, "bob@x.example"),
        "claimed released claimed sending accepted"
    );
    assert!(received(&server).values().all(|times| *times == 1));
    assert_eq!(received(&server).len(), 3);
}
