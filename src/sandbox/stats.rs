//! What a sandbox counts.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Verb;

/// What a sandbox counted until now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Connections accepted, those sent away by `max_connections` included.
    pub connections: u64,
    /// Connections sent away by `max_connections`.
    pub turned_away: u64,
    /// Connections being served now.
    pub open: usize,
    /// The most connections served at one time.
    pub most_open: usize,
    /// Messages accepted.
    pub messages: u64,
    pub(super) commands: [u64; Verb::COUNT],
}

impl Stats {
    /// How many commands of this kind were received, refused ones included.
    pub fn commands(&self, verb: Verb) -> u64 {
        self.commands[verb as usize]
    }
}

/// The commands received, by verb.
#[derive(Debug, Default)]
pub(super) struct Commands([AtomicU64; Verb::COUNT]);

impl Commands {
    pub(super) fn count(&self, verb: Verb) {
        self.0[verb as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> [u64; Verb::COUNT] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}
