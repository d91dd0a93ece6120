//! The ledger's file under a run: one writer, and what happens when it cannot be written or goes away.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use mailrun::sandbox::Sandbox;

use super::evidence::counts;
use super::running::{Running, until};
use super::support::{Folder, mailrun, received, run, send, sequential, url};

/// Starts a run, and waits until some are accepted.
fn begun(folder: &Folder, sandbox: &Sandbox) -> Running {
    let running = Running::start(
        mailrun(folder.path.parent().unwrap())
            .args(["send", "campaign", "--json", "--server", &url(sandbox)])
            .args(["--connections", "2"]),
    );
    until("some messages", || {
        (sandbox.stats().messages >= 20).then_some(())
    });
    running
}

#[test]
fn a_second_process_is_refused_at_once_and_a_dead_one_stops_nobody() {
    let folder = Folder::generated(5_000, "a.example");
    let sandbox = sequential();
    let first = begun(&folder, &sandbox);
    let connections = sandbox.stats().connections;
    let other = sequential();
    let second = send(&folder, &other, &[]);
    assert_eq!(
        (second.status, second.stderr.as_str()),
        (
            1,
            "mailrun: campaign/runs/r.jsonl: another mailrun has this run's ledger; wait for it to end\n"
        )
    );
    assert_eq!(other.stats().connections, 0);
    assert!(
        first.kill(),
        "the second was refused after the first had ended"
    );
    assert!(connections > 0);
    // Its lock died with it.
    let ran = send(&folder, &sandbox, &["--json"]);
    let in_doubt = ran.json()["in_doubt"].as_u64().unwrap();
    assert!(in_doubt <= 2, "{ran:?}");
    assert_eq!(ran.json()["accepted"], 5_000 - in_doubt);
    assert!(received(&sandbox).into_values().all(|times| times == 1));
}

#[test]
fn a_ledger_that_vanishes_stops_the_run_and_comes_back() {
    for folder_too in [false, true] {
        let folder = Folder::generated(20_000, "a.example");
        let sandbox = sequential();
        let mut running = begun(&folder, &sandbox);
        let runs = folder.path.join("runs");
        if folder_too {
            fs::remove_dir_all(&runs).unwrap();
        } else {
            fs::remove_file(runs.join("r.jsonl")).unwrap();
        }
        let ran = running.end();
        assert_eq!(ran.status, 4, "{ran:?}");
        let why = "campaign/runs/r.jsonl: the ledger was removed or replaced while it was written; sending stops where there \
                   is no record, and the same command goes on once this is mended";
        assert_eq!(ran.json()["stopped"], why);
        assert!(
            ran.stderr
                .contains("campaign/runs/r.jsonl: the ledger as it was written to its end\n"),
            "{ran:?}"
        );
        let accepted = sandbox.stats().messages;
        let sum = format!("accepted {accepted}, remaining {}", 20_000 - accepted);
        assert_eq!(counts(&ran), sum);
        assert_eq!(
            counts(&run(&folder, &["status", "campaign", "--json"])),
            sum
        );
        let rest = send(&folder, &sandbox, &["--json"]);
        assert_eq!((rest.status, counts(&rest).as_str()), (0, "accepted 20000"));
        assert!(received(&sandbox).into_values().all(|times| times == 1));
    }
}

#[test]
fn what_takes_its_name_is_left_alone() {
    let folder = Folder::generated(20_000, "a.example");
    let sandbox = sequential();
    let mut running = begun(&folder, &sandbox);
    folder.write("other", "mine\n");
    fs::rename(folder.path.join("other"), folder.path.join("runs/r.jsonl")).unwrap();
    let ran = running.end();
    assert_eq!(ran.status, 4, "{ran:?}");
    assert_eq!(folder.read("runs/r.jsonl"), "mine\n");
    let rescued = folder.read("runs/r.rescued.jsonl");
    let accepted = rescued.lines().filter(|line| line.contains("\"accepted\""));
    assert_eq!(accepted.count() as u64, sandbox.stats().messages);
}

#[test]
fn a_ledger_that_may_not_be_written_is_found_before_the_first_connection() {
    let folder = Folder::generated(3, "a.example");
    let sandbox = sequential();
    assert_eq!(send(&folder, &sandbox, &["--limit", "1"]).status, 0);
    let before = sandbox.stats().connections;
    let path = folder.path.join("runs/r.jsonl");
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o444);
    // Permissions mean nothing to root.
    let denied = fs::OpenOptions::new().append(true).open(&path).is_err();
    let ran = send(&folder, &sandbox, &["--json"]);
    if denied {
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
        assert!(
            ran.stderr.starts_with("mailrun: campaign/runs/r.jsonl: cannot open the ledger for writing: Permission denied"),
            "{ran:?}"
        );
        assert_eq!(sandbox.stats().connections, before);
        // To look, no more is needed than to read.
        assert_eq!(
            counts(&run(&folder, &["status", "campaign", "--json"])),
            "accepted 1, remaining 2"
        );
        mode(0o644);
        assert_eq!(counts(&send(&folder, &sandbox, &["--json"])), "accepted 3");
    } else {
        assert_eq!(counts(&ran), "accepted 3");
    }
}

#[test]
fn a_folder_that_takes_no_file_is_found_before_the_first_connection() {
    let folder = Folder::generated(3, "a.example");
    let sandbox = sequential();
    // Nobody may make a file there, root neither.
    symlink("/sys", folder.path.join("runs")).unwrap();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "mailrun: campaign/runs/r.jsonl: cannot open the ledger for writing: Permission denied (os error \
         13)\n"
    );
    assert_eq!(sandbox.stats().connections, 0);
    assert_eq!(run(&folder, &["status", "campaign"]).status, 0);
}
