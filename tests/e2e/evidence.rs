//! What a run leaves behind, put so that a test can compare it with literal text.

use std::path::Path;

use serde_json::Value;

use super::support::{Folder, Ran};

/// The eight states, as `--json` has them.
const STATES: [&str; 8] = [
    "accepted",
    "failed",
    "deferred",
    "in_doubt",
    "invalid",
    "suppressed",
    "duplicate",
    "remaining",
];

/// What differs between two runs of the same test put as a letter: times, ports, temporary folders.
pub fn steady(text: &str) -> String {
    let mut steady = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        steady.push_str(&speed(&times(line)));
    }
    ports(&steady)
}

/// ` in 0.3 s (120/s)` at the end of a line becomes ` in T`.
fn times(line: &str) -> String {
    let (said, end) = match line.strip_suffix("/s)\n") {
        Some(said) => (said, "\n"),
        None => return line.to_owned(),
    };
    let digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    match said.rsplit_once(" in ") {
        Some((before, time)) if time.split(" s (").all(digits) => format!("{before} in T{end}"),
        _ => line.to_owned(),
    }
}

/// `at most 45 messages a second` becomes `at most N messages a second`.
fn speed(line: &str) -> String {
    match line
        .split_once(" messages a second")
        .and_then(|(before, after)| {
            let (before, _) = before.rsplit_once("at most ")?;
            Some(format!("{before}at most N messages a second{after}"))
        }) {
        Some(steady) => steady,
        None => line.to_owned(),
    }
}

/// `127.0.0.1:34567` becomes `127.0.0.1:P`.
fn ports(text: &str) -> String {
    let mut pieces = text.split("127.0.0.1:");
    let mut steady = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        steady.push_str("127.0.0.1:P");
        steady.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    steady
}

/// The counts of `--json`, those that are not 0, in the order of the states; checks that they add up.
#[track_caller]
pub fn counts(ran: &Ran) -> String {
    let json = ran.json();
    let count = |state: &str| {
        json[state]
            .as_u64()
            .unwrap_or_else(|| panic!("{state}: {json}"))
    };
    let sum: u64 = STATES.into_iter().map(count).sum();
    assert_eq!(count("recipients"), sum, "{json}");
    let some = STATES.into_iter().filter(|state| count(state) > 0);
    let some: Vec<_> = some
        .map(|state| format!("{state} {}", count(state)))
        .collect();
    some.join(", ")
}

/// What the ledger of run `r` says of a recipient, state by state, in order.
pub fn history(folder: &Folder, key: &str) -> String {
    let lines = folder.ledger();
    let of_key = lines.iter().filter(|line| line["key"] == key);
    let states: Vec<_> = of_key.filter_map(|line| line["state"].as_str()).collect();
    states.join(" ")
}

/// The last line of the ledger of run `r` about a recipient.
#[track_caller]
pub fn last_line(folder: &Folder, key: &str) -> Value {
    let lines = folder.ledger();
    let last = lines.into_iter().rev().find(|line| line["key"] == key);
    last.unwrap_or_else(|| panic!("the ledger has no line about {key}"))
}

/// The names of a folder's entries, sorted.
pub fn entries(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
