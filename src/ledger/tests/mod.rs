//! Tests of the ledger, and what they share.

#![allow(clippy::unwrap_used)]

mod crash;
mod locking;
mod property;

use std::path::Path;

use super::LedgerError;
use super::replay::{Replay, replay};
use super::standing::{Gather, KeyHash, Standing, Standings};

/// One ledger of each format that was ever written; they replay for ever.
const GOLDEN: &str = include_str!("../../../tests/golden/ledger-1.jsonl");
const NAMES: [&str; 8] = [
    "accepted",
    "failed",
    "deferred",
    "lost",
    "released",
    "killed",
    "claimed",
    "untouched",
];

fn list() -> Standings {
    let mut gather = Gather::default();
    NAMES
        .iter()
        .for_each(|name| gather.add(&format!("{name}@list.example")));
    gather.finish().0
}

fn read(
    text: &[u8],
    boot: Option<&str>,
    standings: &Standings,
) -> Result<Option<Replay>, LedgerError> {
    replay(
        Path::new("runs/2026-11.jsonl"),
        text,
        "2026-11",
        boot,
        standings,
        |_, _| {},
    )
}

fn standing(standings: &Standings, name: &str) -> Standing {
    standings.standing(
        standings
            .find(KeyHash::of(&format!("{name}@list.example")))
            .unwrap(),
    )
}

fn all(standings: &Standings) -> Vec<Standing> {
    NAMES.iter().map(|name| standing(standings, name)).collect()
}
