//! The counts of a run: how many recipients are in each state, and what that means for the exit status.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::exit::Exit;
use crate::ledger::standing::{Barred, SlotId, Standing, Standings};

/// How many recipients are in each state. Their sum is the number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Rows of the list.
    pub recipients: u64,
    /// The server took them.
    pub accepted: u64,
    /// Refused for good.
    pub failed: u64,
    /// A further attempt is due.
    pub deferred: u64,
    /// Sent, and no answer came.
    pub in_doubt: u64,
    /// Rows that cannot be sent.
    pub invalid: u64,
    /// On a suppress list.
    pub suppressed: u64,
    /// An earlier row has the same key.
    pub duplicate: u64,
    /// Not begun.
    pub remaining: u64,
}

impl Counts {
    /// Counts the standings of a list with so many rows beside them that are invalid or duplicates.
    pub fn of(standings: &Standings, invalid: u64, duplicate: u64) -> Self {
        let mut counts = Counts {
            invalid,
            duplicate,
            ..Counts::default()
        };
        for id in standings.ids() {
            counts.add(standings, id);
        }
        counts.recipients = standings.len() as u64 + invalid + duplicate;
        counts
    }

    /// Counts only those whom this run is about; rows without a place among the standings are not.
    pub fn of_chosen(standings: &Standings) -> Self {
        let mut counts = Counts::default();
        for id in standings.ids().filter(|id| standings.chosen(*id)) {
            counts.recipients += 1;
            counts.add(standings, id);
        }
        counts
    }

    fn add(&mut self, standings: &Standings, id: SlotId) {
        match standings.left_out(id) {
            Some(Barred::Suppressed) => return self.suppressed += 1,
            Some(Barred::Invalid) => return self.invalid += 1,
            None => {}
        }
        match standings.standing(id) {
            Standing::Remaining | Standing::Claimed => self.remaining += 1,
            Standing::Deferred => self.deferred += 1,
            Standing::Accepted => self.accepted += 1,
            Standing::Failed => self.failed += 1,
            Standing::InDoubt | Standing::Sending => self.in_doubt += 1,
            Standing::Invalid => self.invalid += 1,
        }
    }

    /// What the process ends with, when it stopped early or not.
    pub fn exit(&self, stopped: bool) -> Exit {
        if stopped {
            Exit::Stopped
        } else if self.failed + self.invalid + self.in_doubt + self.deferred + self.remaining > 0 {
            Exit::Unsettled
        } else {
            Exit::Settled
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} accepted", self.accepted, self.recipients)?;
        for (count, name) in [
            (self.failed, "failed"),
            (self.deferred, "deferred"),
            (self.in_doubt, "in doubt"),
            (self.invalid, "invalid"),
            (self.suppressed, "suppressed"),
            (self.duplicate, "duplicate"),
            (self.remaining, "remaining"),
        ] {
            if count > 0 {
                write!(f, ", {count} {name}")?;
            }
        }
        Ok(())
    }
}

/// The object that `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary<'a> {
    /// The run's name.
    pub run: &'a str,
    /// The states.
    #[serde(flatten)]
    pub counts: Counts,
    /// The times of a `send`.
    #[serde(flatten)]
    pub times: Option<Times>,
    /// Why it stopped early.
    pub stopped: Option<String>,
}

/// How long a `send` took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    /// Wall time in seconds.
    pub elapsed_s: f64,
    /// Recipients accepted in this process a second.
    pub rate_per_s: f64,
}

impl Times {
    /// From the wall time and what was accepted in it; three decimals and one.
    pub fn of(elapsed: Duration, accepted: u64) -> Self {
        let seconds = elapsed.as_secs_f64();
        let rate = if seconds > 0.0 {
            accepted as f64 / seconds
        } else {
            0.0
        };
        Times {
            elapsed_s: (seconds * 1000.0).round() / 1000.0,
            rate_per_s: (rate * 10.0).round() / 10.0,
        }
    }
}
