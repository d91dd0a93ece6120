//! What the couriers have done so far, counted where it happens, so that nobody is woken to count.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::outcome::Outcome;

/// Counts of one run of the process.
#[derive(Debug, Default)]
pub struct Tally {
    accepted: AtomicU64,
    deferred: AtomicU64,
    failed: AtomicU64,
    in_doubt: AtomicU64,
    invalid: AtomicU64,
    connections: AtomicU64,
    refused_in_a_row: AtomicU64,
}

/// A [`Tally`] at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Accepted by a server.
    pub accepted: u64,
    /// Refused for now; each time counts.
    pub deferred: u64,
    /// Refused for good.
    pub failed: u64,
    /// Sent without an answer.
    pub in_doubt: u64,
    /// Rows that could not be made into a message.
    pub invalid: u64,
    /// Connections open now.
    pub connections: u64,
}

impl Tally {
    /// Counts an outcome; returns how many recipients were refused for good since one was accepted.
    pub fn count(&self, outcome: &Outcome) -> u64 {
        match outcome {
            Outcome::Accepted(_) => {
                self.accepted.fetch_add(1, Relaxed);
                self.refused_in_a_row.store(0, Relaxed);
                0
            }
            // No server was asked.
            Outcome::Failed(_) if outcome.is_invalid() => {
                self.count_invalid();
                0
            }
            Outcome::Failed(_) => {
                self.failed.fetch_add(1, Relaxed);
                self.refused_in_a_row.fetch_add(1, Relaxed) + 1
            }
            Outcome::Deferred(_) => {
                self.deferred.fetch_add(1, Relaxed);
                self.refused_in_a_row.load(Relaxed)
            }
            Outcome::InDoubt(_) => {
                self.in_doubt.fetch_add(1, Relaxed);
                self.refused_in_a_row.load(Relaxed)
            }
        }
    }

    /// Counts a row that could not be made into a message.
    pub fn count_invalid(&self) {
        self.invalid.fetch_add(1, Relaxed);
    }

    /// A connection was opened.
    pub fn opened(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    /// A connection was closed.
    pub fn closed(&self) {
        self.connections.fetch_sub(1, Relaxed);
    }

    /// The counts now.
    pub fn counts(&self) -> Counts {
        Counts {
            accepted: self.accepted.load(Relaxed),
            deferred: self.deferred.load(Relaxed),
            failed: self.failed.load(Relaxed),
            in_doubt: self.in_doubt.load(Relaxed),
            invalid: self.invalid.load(Relaxed),
            connections: self.connections.load(Relaxed),
        }
    }
}
