//! A ledger damaged in its middle: refused with its line, repaired into a copy, and gone on with.

use std::fs;

use super::evidence::counts;
use super::support::{Folder, Ran, received, run, send, sequential};

fn repair(folder: &Folder, args: &[&str]) -> Ran {
    run(
        folder,
        &[&["status", "campaign", "--repair"][..], args].concat(),
    )
}

/// The 1-based number of the line about a key in a state, and the line.
fn line(ledger: &str, key: &str, state: &str) -> (usize, String) {
    let state = format!("\"{state}\"");
    let mut lines = ledger.lines().enumerate();
    let (at, line) = lines
        .find(|(_, line)| line.contains(key) && line.contains(&state))
        .unwrap();
    (at + 1, line.to_owned())
}

#[test]
fn a_damaged_line_is_refused_and_the_repaired_copy_goes_on() {
    let sandbox = sequential();
    let folder = Folder::generated(6, "a.example");
    assert_eq!(
        send(&folder, &sandbox, &["--limit", "4", "--connections", "1"]).status,
        0
    );
    let whole = folder.read("runs/r.jsonl");
    // Of r1 the answer's text is damaged, of r2 the answer, of r3 the one line without a key.
    let (first, of_first) = line(&whole, "r1@", "accepted");
    let (second, of_second) = line(&whole, "r2@", "accepted");
    let (third, of_third) = line(&whole, "r3@", "accepted");
    let damaged = whole
        .replace(&of_first, &of_first.replace("\"reply\"", "#reply\""))
        .replace(
            &of_second,
            &of_second.replace("\"accepted\"", "\"acXepted\""),
        )
        .replace(&of_third, &of_third.replace("\"key\"", "#key\""));
    folder.write("runs/r.jsonl", &damaged);
    let refused = send(&folder, &sandbox, &[]);
    assert_eq!(refused.status, 1);
    assert!(
        refused.stderr.starts_with(&format!(
            "mailrun: campaign/runs/r.jsonl:{first}: not a line of a ledger: "
        )) && refused
            .stderr
            .contains("mailrun status --repair writes a repaired copy beside it"),
        "{refused:?}"
    );

    let ran = repair(&folder, &["--json"]);
    let bytes = [&of_first, &of_second, &of_third].map(|line| line.len());
    assert_eq!(
        ran.stderr,
        format!(
            "campaign/runs/r.jsonl:{first}: {} bytes dropped: r1@a.example is accepted, which is kept; the server's reply is lost\n\
             campaign/runs/r.jsonl:{second}: {} bytes dropped about r2@a.example; what they said cannot be read: in doubt, unless \
             another line says otherwise\n\
             campaign/runs/r.jsonl:{third}: {} bytes dropped, whom they were about CANNOT BE KNOWN; HELD\
             WARNING: at 1 place it cannot be known whom the ledger was about. Whoever had all of their lines there looks as if \
             nothing was sent to them, and the next send would mail them A SECOND TIME. Before it, hold those remaining against \
             the server's log, and take out of the list who is in it\n\
             campaign/runs/r.repaired.jsonl: the repaired copy, by which the run stands as follows; campaign/runs/r.jsonl is as \
             it was. To go on with the copy, keep the damaged one under another name and give the copy its name:\n  \
             mv -n campaign/runs/r.jsonl campaign/runs/r.jsonl.damaged && mv -n campaign/runs/r.repaired.jsonl campaign/runs/r.jsonl\n",
            bytes[0],
            bytes[1],
            bytes[2]
        )
        .replace("HELD", "1 recipient under way there in doubt, unless other lines say otherwise\n")
    );
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 2, in_doubt 2, remaining 2")
    );
    assert_eq!(folder.read("runs/r.jsonl"), damaged);
    // A second one would be written over nothing.
    let again = repair(&folder, &[]);
    assert_eq!(again.status, 1);
    assert!(
        again.stderr.contains(
            "r.repaired.jsonl: this file is there already, and is not written over; move it away, or put it in the \
             ledger's place if it is the copy that you want"
        ),
        "{again:?}"
    );

    let runs = folder.path.join("runs");
    fs::rename(runs.join("r.repaired.jsonl"), runs.join("r.jsonl")).unwrap();
    let whole = repair(&folder, &["--json"]);
    assert_eq!(
        whole.stderr,
        "campaign/runs/r.jsonl: no line is damaged; nothing was written\n"
    );
    assert!(!runs.join("r.repaired.jsonl").exists());
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (3, "accepted 4, in_doubt 2")
    );
    assert!(received(&sandbox).into_values().all(|times| times == 1));
}

#[test]
fn a_run_that_was_not_begun_needs_no_repair() {
    let folder = Folder::generated(2, "a.example");
    let ran = repair(&folder, &[]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.starts_with("run \"r\" was not begun yet\n"));
    assert!(!folder.path.join("runs").exists());
    assert_eq!(repair(&folder, &["--sandbox"]).status, 0);
}
