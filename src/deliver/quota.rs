//! What an account may be given in any 24 hours. Arithmetic on a passed-in clock: seconds since 1970, since it has to
//! mean the same after a restart.

use std::collections::BTreeMap;

const DAY: u64 = 24 * 60 * 60;
/// Messages are counted by the minute: exact enough for a day, and small.
const MINUTE: u64 = 60;

/// Messages of the last 24 hours, against the most that there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    most: u64,
    used: u64,
    /// By the second in which their minute begins.
    minutes: BTreeMap<u64, u64>,
}

impl Quota {
    /// A quota of which earlier processes have used so many at these moments.
    pub fn new(most: u32, used: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let mut quota = Quota {
            most: u64::from(most),
            used: 0,
            minutes: BTreeMap::new(),
        };
        for (moment, messages) in used {
            quota.add(moment, messages);
        }
        quota
    }

    fn add(&mut self, moment: u64, messages: u64) {
        *self.minutes.entry(moment - moment % MINUTE).or_default() += messages;
        self.used += messages;
    }

    /// The most in 24 hours.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// How many are left at `now`.
    pub fn left(&mut self, now: u64) -> u64 {
        // A minute counts until its last second is a day old.
        while let Some((&minute, &count)) = self.minutes.first_key_value()
            && minute + MINUTE + DAY <= now
        {
            self.minutes.remove(&minute);
            self.used -= count;
        }
        self.most.saturating_sub(self.used)
    }

    /// One is used at `now`.
    pub fn take(&mut self, now: u64) {
        self.add(now, 1);
    }

    /// One that was used lately is not: the server did not take the message.
    pub fn give_back(&mut self) {
        if let Some(mut last) = self.minutes.last_entry() {
            *last.get_mut() -= 1;
            self.used -= 1;
            if *last.get() == 0 {
                last.remove();
            }
        }
    }

    /// From when on one is left, when none is.
    pub fn left_at(&self) -> u64 {
        let mut over = (self.used + 1).saturating_sub(self.most);
        for (minute, count) in &self.minutes {
            over = over.saturating_sub(*count);
            if over == 0 {
                return minute + MINUTE + DAY;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_020; // the first second of a minute

    #[test]
    fn any_24_hours_hold_no_more() {
        let mut quota = Quota::new(3, [(NOW - 2 * DAY, 1), (NOW - DAY, 1), (NOW - 5, 1)]);
        assert_eq!(quota.left(NOW), 1, "the one two days ago is forgotten");
        quota.take(NOW);
        assert_eq!(quota.left(NOW), 0);
        assert_eq!(quota.left_at(), NOW + MINUTE);
        assert_eq!(quota.left(quota.left_at() - 1), 0);
        assert_eq!(quota.left(quota.left_at()), 1);
    }

    #[test]
    fn what_was_not_taken_is_given_back() {
        let mut quota = Quota::new(1, []);
        quota.take(NOW);
        quota.give_back();
        quota.give_back();
        assert_eq!(quota.left(NOW), 1);
        assert_eq!(quota, Quota::new(1, []));
    }

    #[test]
    fn a_quota_that_was_lowered_waits_for_enough_to_pass() {
        let mut quota = Quota::new(2, (0..5).map(|n| (NOW + n * MINUTE, 1)));
        assert_eq!(quota.left(NOW + 5 * MINUTE), 0);
        // Four of five have to be past.
        assert_eq!(quota.left_at(), NOW + 4 * MINUTE + DAY);
        assert_eq!(quota.left(quota.left_at()), 1);
    }
}
