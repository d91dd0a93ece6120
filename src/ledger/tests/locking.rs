//! The file: one writer, and what it leaves behind.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};

use super::*;
use crate::bell::{Bell, Wait};
use crate::campaign::Durability;
use crate::ledger::disk::{Here, Machine};
use crate::ledger::entry::{Entry, State, timestamp, write_line};
use crate::ledger::file::{self, Ledger, Mark, Opening};
use crate::ledger::lab::{Fault, Lab};

fn begin(path: &Path, durability: Durability) -> Ledger {
    begin_on(&Here, path, durability)
}

fn begin_on(machine: &dyn Machine, path: &Path, durability: Durability) -> Ledger {
    let content = BTreeMap::new();
    let opening = Opening {
        run: "r",
        campaign: "c",
        content: &content,
        durability,
    };
    file::open(path, "r", &list(), machine)
        .unwrap()
        .begin(&opening)
        .unwrap()
        .0
}

fn line(state: State) -> Vec<u8> {
    let mut line = Vec::new();
    write_line(
        &mut line,
        &Entry::new(&timestamp(), "accepted@list.example", 1, state, 1),
    );
    line
}

#[test]
fn a_second_writer_is_refused_and_a_dead_one_is_not_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs/r.jsonl");
    let first = begin(&path, Durability::Process);
    let error = file::open(&path, "r", &list(), &Here)
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("another mailrun has this run's ledger; wait for it to end"));
    drop(first);
    assert!(file::open(&path, "r", &list(), &Here).is_ok());
}

#[test]
fn a_claim_becomes_durable_and_rings_and_closing_ends_the_thread() {
    for durability in [Durability::Power, Durability::Process] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        let ledger = &begin(&path, durability);
        let bells: Vec<Arc<Bell>> = (0..4).map(|_| Arc::new(Bell::new().unwrap())).collect();
        ledger.tell(bells.clone());
        thread::scope(|scope| {
            scope.spawn(|| ledger.keep_synced());
            let crews: Vec<_> = bells
                .iter()
                .map(|bell| {
                    scope.spawn(move || {
                        for _ in 0..50 {
                            let mark = ledger.append(&line(State::Claimed)).unwrap();
                            wait_durable(ledger, bell, mark).unwrap();
                        }
                    })
                })
                .collect();
            crews.into_iter().for_each(|crew| crew.join().unwrap());
            ledger.end(None).unwrap();
            ledger.close();
        });
        // The header, "begun", 200 claims, "ended".
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 203);
    }
}

/// Waits as a crew does that has nothing else to do.
fn wait_durable(ledger: &Ledger, bell: &Bell, mark: Mark) -> Result<(), LedgerError> {
    while ledger.durable()? < mark {
        ledger.await_durable(mark);
        bell.sleep(|wait| {
            if wait == Wait::AsLongAsWanted {
                poll(&mut [PollFd::new(bell, PollFlags::IN)], None).unwrap();
            }
        });
    }
    Ok(())
}

#[test]
fn a_sync_that_failed_is_told_at_the_end_though_nobody_waited_for_it() {
    let folder = tempfile::tempdir().unwrap();
    // The first sync is that of the beginning.
    let lab = Lab::new("boot-1", Fault::Sync(2));
    let ledger = begin_on(&lab, &folder.path().join("r.jsonl"), Durability::Power);
    ledger.append(&line(State::Claimed)).unwrap();
    ledger.keep_synced();
    assert!(lab.struck());
    let error = ledger.end(None).unwrap_err().to_string();
    assert!(
        error.contains("r.jsonl: cannot make the ledger durable: the disk does not answer"),
        "{error}"
    );
}

#[test]
fn after_a_sync_that_failed_no_claim_counts_as_durable() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::new("boot-1", Fault::Sync(3));
    let ledger = begin_on(&lab, &folder.path().join("r.jsonl"), Durability::Power);
    let bell = Arc::new(Bell::new().unwrap());
    ledger.tell(vec![Arc::clone(&bell)]);
    thread::scope(|scope| {
        scope.spawn(|| ledger.keep_synced());
        let first = ledger.append(&line(State::Claimed)).unwrap();
        wait_durable(&ledger, &bell, first).unwrap();
        let second = ledger.append(&line(State::Sending)).unwrap();
        wait_durable(&ledger, &bell, second).unwrap_err();
        ledger.durable().unwrap_err();
    });
}

#[test]
fn a_begin_settles_what_was_open_and_drops_what_was_torn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let ledger = begin(&path, Durability::Power);
    ledger.append(&line(State::Claimed)).unwrap();
    ledger.append(&line(State::Sending)).unwrap();
    ledger.append(b"{\"time\":\"2026").unwrap();
    drop(ledger);
    drop(begin(&path, Durability::Power));
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let states: Vec<&str> = lines
        .iter()
        .map(|line| {
            line["state"]
                .as_str()
                .or(line["event"].as_str())
                .unwrap_or("header")
        })
        .collect();
    assert_eq!(
        states,
        ["header", "begun", "claimed", "sending", "in_doubt", "begun"]
    );
}
