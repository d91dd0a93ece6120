//! On a terminal: what a person is shown and asked before a real send, and the progress bar.

use std::path::Path;
use std::process::Command;

use mailrun::sandbox::Sandbox;
use serde_json::Value;

use super::evidence::steady;
use super::support::{Folder, received, sandbox, send, url};

/// What a terminal showed.
#[derive(Debug)]
struct Shown {
    status: i64,
    screen: String,
}

/// `mailrun send campaign --server SANDBOX ARGS` on a terminal, each question answered.
fn send_on_a_terminal(
    folder: &Folder,
    sandbox: &Sandbox,
    args: &[&str],
    answers: &[(&str, &str)],
) -> Shown {
    let mut python = Command::new("python3");
    python
        .current_dir(folder.path.parent().unwrap())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/terminal.py"));
    for (question, answer) in answers {
        python.args(["--after", question, "--type", answer]);
    }
    python.args(["--", env!("CARGO_BIN_EXE_mailrun"), "send", "campaign"]);
    python.args(["--server", &url(sandbox)]).args(args);
    let output = python.output().expect("python3, which tests/run installs");
    assert!(output.status.success(), "{output:?}");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    Shown {
        status: shown["status"].as_i64().unwrap(),
        screen: shown["screen"].as_str().unwrap().replace("\r\n", "\n"),
    }
}

/// Two recipients; the second is answered slowly enough for a bar to be drawn.
fn two() -> Folder {
    Folder::with_rows([
        ("anna@a.example", "Anna Ó Néill"),
        ("slow-500ms@a.example", "Bert"),
    ])
}

const ABOUT: &str = "\
about to send run \"r\" of \"Test\":
  to       2 recipients
  from     ACME News <news@acme.example>
  through  127.0.0.1:P, 10 connections at most
  time     as fast as the server takes them: no rate is set
  sample   to anna@a.example: Hello Anna Ó Néill
Send? [y/N] ";

#[test]
fn a_real_send_asks_and_a_no_sends_nothing() {
    for answer in ["n", "", "yesterday"] {
        let (folder, sandbox) = (two(), sandbox());
        let shown = send_on_a_terminal(&folder, &sandbox, &[], &[("Send? [y/N]", answer)]);
        assert_eq!(shown.status, 1, "{shown:?}");
        assert_eq!(
            steady(&shown.screen),
            format!("{ABOUT}{answer}\nmailrun: nothing was sent\n")
        );
        assert_eq!(sandbox.stats().connections, 0);
        assert_eq!(folder.read("runs/r.jsonl"), "");
    }
}

#[test]
fn a_yes_sends_and_a_bar_shows_how_far_it_is() {
    let (folder, sandbox) = (two(), sandbox());
    let shown = send_on_a_terminal(&folder, &sandbox, &[], &[("Send? [y/N]", "y")]);
    assert_eq!(shown.status, 0, "{shown:?}");
    let screen = steady(&shown.screen);
    let after = screen.strip_prefix(&format!("{ABOUT}y\n"));
    let after = after.unwrap_or_else(|| panic!("{shown:?}"));
    assert!(after.contains("1 accepted; "), "{shown:?}");
    assert!(after.ends_with("2 of 2 accepted in T\n"), "{shown:?}");
    assert_eq!(received(&sandbox).len(), 2);
}

#[test]
fn content_that_changed_is_asked_about_too() {
    let (folder, sandbox) = (two(), sandbox());
    assert_eq!(send(&folder, &sandbox, &["--limit", "1"]).status, 0);
    folder.write(
        "message.txt.hbs",
        "Dear {{name}},\nit is later than we said.\n",
    );
    let question = "Go on, and mail the new version to those not yet mailed? [y/N]";
    let no = send_on_a_terminal(&folder, &sandbox, &[], &[(question, "n")]);
    assert_eq!(no.status, 1, "{no:?}");
    assert_eq!(
        no.screen,
        format!(
            "going on with run \"r\": 1 of 2 accepted, 1 remaining\n\
             changed since run \"r\" was begun: text\n{question} n\nmailrun: nothing was sent\n"
        )
    );
    assert_eq!(received(&sandbox).len(), 1);
    let answers = [(question, "y"), ("Send? [y/N]", "yes")];
    let yes = send_on_a_terminal(&folder, &sandbox, &[], &answers);
    assert_eq!(yes.status, 0, "{yes:?}");
    assert_eq!(received(&sandbox).len(), 2);
}

#[test]
fn yes_does_not_ask_and_quiet_draws_nothing() {
    let (folder, sandbox) = (two(), sandbox());
    let shown = send_on_a_terminal(&folder, &sandbox, &["--yes", "--quiet"], &[]);
    assert_eq!((shown.status, shown.screen.as_str()), (0, ""));
    assert_eq!(received(&sandbox).len(), 2);
}

#[test]
fn away_from_a_terminal_nothing_is_asked_or_drawn() {
    let (folder, sandbox) = (two(), sandbox());
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(steady(&ran.stderr), "2 of 2 accepted in T\n");
    assert_eq!(ran.stdout, "");

    let quiet = send(&two(), &sandbox, &["--quiet"]);
    assert_eq!((quiet.status, quiet.stderr.as_str()), (0, ""));
    assert_eq!(received(&sandbox).into_values().collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn away_from_a_terminal_a_line_tells_how_far_it_is_every_few_seconds() {
    let folder = Folder::with_rows([("anna@a.example", "Anna"), ("slow-6s@a.example", "Bert")]);
    let ran = send(&folder, &sandbox(), &["--connections", "1"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(
        steady(&ran.stderr),
        "1 of 2: 1 accepted; 1 connection; 0/s\n2 of 2 accepted in T\n"
    );
}
