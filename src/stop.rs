//! Why and how to stop: one flag that everybody watches, with the first reason given.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Why a run stops before its work is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// SIGINT, SIGTERM or SIGHUP.
    Signal(&'static str),
    /// The server, or the account on it.
    Server(String),
    /// A quota is used up: the same command goes on later.
    Quota(String),
    /// The ledger cannot be written: no record, no sending.
    Ledger(String),
    /// The list cannot be read to its end any more.
    List(String),
    /// `stop_after` recipients in a row were refused.
    Refused(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Signal(name) => write!(f, "{name}"),
            Reason::Server(text)
            | Reason::Quota(text)
            | Reason::Ledger(text)
            | Reason::List(text)
            | Reason::Refused(text) => f.write_str(text),
        }
    }
}

/// A request to drain: no new message is begun, those in flight are finished.
#[derive(Debug, Default)]
pub struct Stop {
    requested: AtomicBool,
    reason: Mutex<Option<Reason>>,
    wake: Condvar,
}

impl Stop {
    /// Asks everybody to drain. The first reason is kept.
    pub fn request(&self, reason: Reason) {
        let mut slot = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert(reason);
        self.requested.store(true, Ordering::Release);
        self.wake.notify_all();
    }

    /// Whether to drain.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Acquire)
    }

    /// The reason, once requested.
    pub fn reason(&self) -> Option<Reason> {
        self.reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits so long, or until a stop is requested; true when it is.
    pub fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        while reason.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (reason, _) = self
                .wake
                .wait_timeout(reason, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}
