//! What a sandbox refuses because there was too much of it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::session::Fault;

/// What a sandbox refuses because there was too much of it, or too soon. The default is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// This many MAIL commands in each stretch of this length, counted over all connections; each further one is
    /// answered with 450 4.7.1.
    pub rate: Option<(u32, Duration)>,
    /// Every MAIL is answered with 454 4.7.0 for this long from the first one on.
    pub throttled: Option<Duration>,
    /// After this many accepted messages every MAIL is answered with 550 5.4.5.
    pub quota: Option<u64>,
    /// The first RCPT for each address is answered with 451 4.7.1.
    pub greylists: bool,
}

/// What the limits are held against.
#[derive(Debug, Default)]
pub(super) struct Used {
    mails: Mutex<Mails>,
    known: Mutex<HashSet<String>>,
}

#[derive(Debug, Default)]
struct Mails {
    first: Option<Instant>,
    /// When the stretch began, and how many there were in it.
    stretch: Option<(Instant, u32)>,
}

impl Used {
    /// Why a MAIL is refused, if it is, when so many messages were accepted.
    pub(super) fn mail(&self, limits: &Limits, accepted: u64) -> Option<Fault> {
        if limits.quota.is_some_and(|most| accepted >= most) {
            return Some(Fault(550, "5.4.5", "Daily user sending limit exceeded"));
        }
        if limits.rate.is_none() && limits.throttled.is_none() {
            return None;
        }
        let now = Instant::now();
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *mails.first.get_or_insert(now);
        if limits.throttled.is_some_and(|time| now < first + time) {
            return Some(Fault(
                454,
                "4.7.0",
                "Throttling failure: Maximum sending rate exceeded",
            ));
        }
        let (most, length) = limits.rate?;
        let stretch = mails.stretch.filter(|(begun, _)| now < *begun + length);
        let (begun, count) = stretch.unwrap_or((now, 0));
        mails.stretch = Some((begun, count + 1));
        (count >= most).then_some(Fault(450, "4.7.1", "Error: too much mail from this client"))
    }

    /// Why a RCPT is refused, if it is.
    pub(super) fn rcpt(&self, limits: &Limits, address: &str) -> Option<Fault> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = limits.greylists && known().insert(address.to_owned());
        refused.then_some(Fault(451, "4.7.1", "Greylisted, try again in a moment"))
    }
}
