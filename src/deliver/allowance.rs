//! How many connections an account may have: few at first, more while the server takes them, fewer when it says so.
//! Arithmetic on a passed-in clock.

use std::time::{Duration, Instant};

/// With so many an account begins.
const FIRST: usize = 2;
/// A number of connections that the server refused is tried again after so long; after each refusal twice as long.
const AGAIN: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The connections of one account.
#[derive(Debug)]
pub struct Allowance {
    /// Open, or being opened.
    open: usize,
    allowed: usize,
    most: usize,
    refused: Option<Refused>,
}

/// More connections than these were refused, or were too fast.
#[derive(Debug, Clone, Copy)]
struct Refused {
    taken: usize,
    until: Instant,
    patience: Duration,
}

impl Allowance {
    /// At most so many connections.
    pub fn new(most: usize) -> Self {
        Allowance {
            open: 0,
            allowed: FIRST.min(most),
            most,
            refused: None,
        }
    }

    /// Another bound, for a pass with fewer recipients than connections.
    pub fn limit(&mut self, most: usize) {
        self.most = most;
        self.allowed = self.allowed.min(most).max(1);
    }

    /// Connections open, or being opened.
    pub fn open(&self) -> usize {
        self.open
    }

    /// Takes the right to open another connection, if there is one.
    pub fn take(&mut self) -> bool {
        let free = self.open < self.allowed;
        self.open += usize::from(free);
        free
    }

    /// A connection was closed, or not opened.
    pub fn give_back(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// Takes its right from a connection, when there are more than are allowed: it is to be closed.
    pub fn retire(&mut self) -> bool {
        let surplus = self.open > self.allowed;
        self.open -= usize::from(surplus);
        surplus
    }

    /// Whether there is nothing more to gain by [`Allowance::well`].
    pub fn is_full(&self) -> bool {
        self.allowed == self.most
    }

    /// A message was accepted, and more could leave: one connection more is allowed, up to twice as many as are open.
    pub fn well(&mut self, now: Instant) {
        if self.allowed >= self.open * 2 || self.is_full() {
            return;
        }
        if let Some(refused) = &self.refused
            && self.allowed >= refused.taken
            && now < refused.until
        {
            return;
        }
        self.allowed += 1;
    }

    /// The server refused a connection because there are too many, `taken` others being open. Returns how many are
    /// allowed now, when that is news.
    pub fn refuse(&mut self, taken: usize, now: Instant) -> Option<usize> {
        let taken = taken.max(1);
        let before = self.hold(taken, now);
        self.allowed = self.allowed.min(taken);
        let is_news = before.is_none_or(|before| taken < before.taken);
        is_news.then_some(taken)
    }

    /// The server said "too fast": half as many connections, for as long as when it refuses more.
    pub fn halve(&mut self, now: Instant) {
        self.allowed = self.allowed.div_ceil(2);
        self.hold(self.allowed, now);
    }

    /// No more than `taken` for a while. Returns what held before.
    fn hold(&mut self, taken: usize, now: Instant) -> Option<Refused> {
        self.refused.replace(match self.refused {
            Some(before) if now < before.until => Refused { taken, ..before },
            before => {
                let patience = before.map_or(AGAIN, |before| (before.patience * 2).min(LONGEST));
                let until = now + patience;
                Refused {
                    taken,
                    until,
                    patience,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_all(allowance: &mut Allowance) -> usize {
        while allowance.take() {}
        allowance.open()
    }

    #[test]
    fn connections_are_added_while_messages_are_accepted() {
        let now = Instant::now();
        let mut allowance = Allowance::new(5);
        assert_eq!(open_all(&mut allowance), 2);
        for expected in [4, 5] {
            // What nobody opens does not become more.
            (0..9).for_each(|_| allowance.well(now));
            assert_eq!(open_all(&mut allowance), expected);
        }
        assert_eq!(open_all(&mut Allowance::new(1)), 1);
    }

    #[test]
    fn what_was_refused_is_tried_again_later() {
        let now = Instant::now();
        let mut allowance = Allowance::new(10);
        for _ in 0..3 {
            open_all(&mut allowance);
            allowance.well(now);
        }
        open_all(&mut allowance);
        assert_eq!(allowance.open(), 5);
        // Two are refused, one after the other: three are taken.
        allowance.give_back();
        assert_eq!(allowance.refuse(allowance.open(), now), Some(4));
        allowance.give_back();
        assert_eq!(allowance.refuse(allowance.open(), now), Some(3));
        assert_eq!(allowance.refuse(3, now), None);
        allowance.well(now);
        assert!(!allowance.take());
        allowance.well(now + AGAIN);
        assert!(allowance.take());
        // Refused again: the next try comes twice as late.
        allowance.give_back();
        allowance.refuse(3, now + AGAIN);
        allowance.well(now + AGAIN * 2);
        assert!(!allowance.take());
        allowance.well(now + AGAIN * 3);
        assert!(allowance.take());
    }

    #[test]
    fn half_the_connections_stay_half_for_a_while() {
        let now = Instant::now();
        let mut allowance = Allowance::new(8);
        for expected in [2, 4, 8] {
            assert_eq!(open_all(&mut allowance), expected);
            (0..9).for_each(|_| allowance.well(now));
        }
        allowance.halve(now);
        while allowance.retire() {}
        (0..9).for_each(|_| allowance.well(now));
        assert_eq!(open_all(&mut allowance), 4);
        (0..9).for_each(|_| allowance.well(now + AGAIN));
        assert_eq!(open_all(&mut allowance), 8);
    }

    #[test]
    fn one_connection_is_always_allowed() {
        let mut allowance = Allowance::new(3);
        allowance.refuse(0, Instant::now());
        allowance.halve(Instant::now());
        allowance.halve(Instant::now());
        assert_eq!(open_all(&mut allowance), 1);
    }

    #[test]
    fn connections_beyond_what_is_allowed_are_retired() {
        let mut allowance = Allowance::new(2);
        assert_eq!(open_all(&mut allowance), 2);
        assert!(!allowance.retire());
        allowance.halve(Instant::now());
        assert!(allowance.retire());
        assert!(!allowance.retire());
        assert_eq!(allowance.open(), 1);
    }
}
