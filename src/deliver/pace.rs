//! How fast an account may be used: the rates that were set, and the brake that a server pulls. Arithmetic on a
//! passed-in clock; counts for all connections together.
//!
//! Each rate is a generic cell rate algorithm (ITU-T I.371): messages leave evenly spaced, and one that leaves late
//! shortens the next space by a little at most. No window as long as a rate's period then has more messages than the
//! rate allows.

use std::time::{Duration, Instant};

use crate::campaign::{Period, Rate};

/// Messages are claimed this long before they may leave: longer than a claim takes to be durable.
const AHEAD: Duration = Duration::from_millis(250);
/// Spaces are this much longer than the rate asks for: what the network delays unevenly stays within the rate.
const SPARE: f64 = 1.01;
/// How much of its period a rate may lag behind and make up for.
const MADE_UP: f64 = 0.005;
/// The slowest that a brake makes an account, in messages a second.
const SLOWEST: f64 = 0.1;
/// How much faster a braked account becomes each second in which messages are accepted.
const FASTER: f64 = 1.25;

/// One account's pace.
#[derive(Debug)]
pub struct Pace {
    rates: Vec<Spacing>,
    brake: Option<Brake>,
    /// Claimed, and not let go.
    claimed: usize,
    meter: Meter,
}

#[derive(Debug, Clone, Copy)]
struct Spacing {
    space: Duration,
    most_late: Duration,
    /// When the next message would leave if all were evenly spaced.
    next: Instant,
}

/// What a server that had enough is given.
#[derive(Debug, Clone, Copy)]
struct Brake {
    /// Messages a second.
    rate: f64,
    /// At which it is let go.
    enough: f64,
    since: Instant,
    spacing: Spacing,
}

/// How many messages left in the last full second or more.
#[derive(Debug, Clone, Copy)]
struct Meter {
    since: Instant,
    count: u32,
    rate: f64,
}

impl Pace {
    /// The pace of an account from `now` on. Rates a day are no matter of pace.
    pub fn new(rates: &[Rate], now: Instant) -> Self {
        let short = rates.iter().filter(|rate| rate.period != Period::Day);
        let rates = short.map(|rate| {
            let period = rate.period.length();
            Spacing {
                space: (period / rate.messages.max(1)).mul_f64(SPARE),
                most_late: period.mul_f64(MADE_UP),
                next: now,
            }
        });
        Pace {
            rates: rates.collect(),
            brake: None,
            claimed: 0,
            meter: Meter {
                since: now,
                count: 0,
                rate: 0.0,
            },
        }
    }

    /// Whether messages may leave whenever they can.
    pub fn is_free(&self) -> bool {
        self.rates.is_empty() && self.brake.is_none()
    }

    fn spacings(&self) -> impl Iterator<Item = &Spacing> {
        let brake = self.brake.as_ref().map(|brake| &brake.spacing);
        self.rates.iter().chain(brake)
    }

    /// How many more messages may be claimed: those that may leave soon.
    pub fn claimable(&self, now: Instant) -> usize {
        let soon = self.spacings().map(|spacing| spacing.by(now + AHEAD));
        soon.min()
            .map_or(usize::MAX, |soon| soon.saturating_sub(self.claimed))
    }

    /// Messages that are claimed, and have not left.
    pub fn claimed(&self) -> usize {
        self.claimed
    }

    /// So many messages were claimed.
    pub fn claim(&mut self, messages: usize) {
        self.claimed += messages;
    }

    /// So many claimed messages were given back.
    pub fn release(&mut self, messages: usize) {
        self.claimed = self.claimed.saturating_sub(messages);
    }

    /// A claimed message leaves.
    ///
    /// # Errors
    /// When it may, if not now.
    pub fn leave(&mut self, now: Instant) -> Result<(), Instant> {
        let due = self.spacings().map(Spacing::due).max();
        if let Some(due) = due.filter(|due| *due > now) {
            return Err(due);
        }
        let brake = self.brake.as_mut().map(|brake| &mut brake.spacing);
        for spacing in self.rates.iter_mut().chain(brake) {
            spacing.next = spacing.next.max(now) + spacing.space;
        }
        self.release(1);
        self.meter.count(now);
        Ok(())
    }

    /// When [`Pace::claimable`] is more than none, if it is none now.
    pub fn claimable_at(&self) -> Option<Instant> {
        let next = |spacing: &Spacing| spacing.nth(self.claimed);
        let due = self.spacings().map(next).max()?;
        due.checked_sub(AHEAD)
    }

    /// The server has enough: this part of the speed at which it took messages before is left to it. Returns the messages
    /// a second; `None` when another connection was told the same just now.
    pub fn brake(&mut self, now: Instant, part: f64) -> Option<f64> {
        let before = match self.brake {
            Some(brake) if now.saturating_duration_since(brake.since) < AHEAD => return None,
            Some(brake) => brake.rate.min(self.meter.now(now).max(SLOWEST)),
            None => self.meter.now(now),
        };
        let rate = (before * part).max(SLOWEST);
        let enough = self.brake.map_or(before * 2.0, |brake| brake.enough);
        let spacing = Spacing::of(rate, now);
        self.brake = Some(Brake {
            rate,
            enough,
            since: now,
            spacing,
        });
        Some(rate)
    }

    /// A message was accepted: a brake is let go little by little.
    pub fn well(&mut self, now: Instant) {
        let Some(brake) = &mut self.brake else { return };
        if now.saturating_duration_since(brake.since) < Duration::from_secs(1) {
            return;
        }
        brake.rate *= FASTER;
        brake.since = now;
        brake.spacing.space = Spacing::of(brake.rate, now).space;
        if brake.rate >= brake.enough {
            self.brake = None;
        }
    }
}

impl Spacing {
    fn of(rate: f64, now: Instant) -> Spacing {
        let space = Duration::from_secs_f64(1.0 / rate.max(SLOWEST));
        Spacing {
            space,
            most_late: Duration::ZERO,
            next: now + space,
        }
    }

    /// When the next message may leave.
    fn due(&self) -> Instant {
        self.nth(0)
    }

    /// When a message may leave before which so many others have to.
    fn nth(&self, others: usize) -> Instant {
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        let due = self.next + self.space.saturating_mul(others);
        due.checked_sub(self.most_late).unwrap_or(due)
    }

    /// How many may leave until `then`.
    fn by(&self, then: Instant) -> usize {
        match then.checked_duration_since(self.due()) {
            None => 0,
            Some(left) => 1 + (left.as_secs_f64() / self.space.as_secs_f64()) as usize,
        }
    }
}

impl Meter {
    fn count(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= Duration::from_secs(1) {
            self.rate = f64::from(self.count) / elapsed.as_secs_f64();
            (self.since, self.count) = (now, 0);
        }
        self.count += 1;
    }

    /// Messages a second, as far as can be told.
    fn now(&self, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        self.rate.max(f64::from(self.count) / elapsed.max(0.001))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lets messages leave as fast as the pace allows, each noticed a little late, for so long.
    fn leave(pace: &mut Pace, start: Instant, length: Duration, late: &[u64]) -> Vec<Duration> {
        let (mut now, mut left, mut late) = (start, Vec::new(), late.iter().cycle());
        while now < start + length {
            pace.claim(1);
            match pace.leave(now) {
                Ok(()) => left.push(now - start),
                Err(due) => {
                    assert!(due > now);
                    pace.release(1);
                    now = due + Duration::from_micros(late.next().copied().unwrap_or(0));
                }
            }
        }
        left
    }

    fn most_in(left: &[Duration], period: Duration) -> usize {
        let mut end = 0;
        let within = |first: usize| {
            while end < left.len() && left[end] < left[first] + period {
                end += 1;
            }
            end - first
        };
        (0..left.len()).map(within).max().unwrap_or(0)
    }

    fn rate(messages: u32, period: Period) -> Rate {
        Rate { messages, period }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_window_has_more_than_the_rate(
            messages in 1u32..3000,
            unit in 0usize..3,
            late in prop::collection::vec(0u64..4000, 1..40),
        ) {
            let period = [Period::Second, Period::Minute, Period::Hour][unit];
            let now = Instant::now();
            let mut pace = Pace::new(&[rate(messages, period)], now);
            let left = leave(&mut pace, now, period.length() * 3, &late);
            prop_assert!(most_in(&left, period.length()) <= messages as usize);
            // And the rate is made use of, where it is not noticed too late for that.
            if messages <= 100 {
                prop_assert!(left.len() as f64 >= f64::from(messages) * 3.0 * 0.95 - 1.0, "{}", left.len());
            }
        }
    }

    #[test]
    fn all_rates_hold_at_once() {
        let now = Instant::now();
        let rates = [rate(10, Period::Second), rate(60, Period::Minute)];
        let mut pace = Pace::new(&rates, now);
        let left = leave(&mut pace, now, Duration::from_secs(120), &[0]);
        assert!(most_in(&left, Duration::from_secs(1)) <= 10);
        assert!(most_in(&left, Duration::from_secs(60)) <= 60);
        assert!(left.len() > 110, "{}", left.len());
    }

    #[test]
    fn no_more_is_claimed_than_can_leave_soon() {
        let now = Instant::now();
        let mut pace = Pace::new(&[rate(100, Period::Second)], now);
        let some = pace.claimable(now);
        assert!((24..=26).contains(&some), "{some}");
        pace.claim(some);
        assert_eq!(pace.claimable(now), 0);
        let at = pace.claimable_at().unwrap_or(now);
        assert!(at > now);
        assert_eq!(pace.claimable(at), 1);
        pace.release(5);
        assert_eq!(pace.claimable(now), 5);

        let mut pace = Pace::new(&[rate(1, Period::Minute)], now);
        assert_eq!(pace.claimable(now), 1);
        pace.claim(1);
        assert_eq!(pace.leave(now), Ok(()));
        assert_eq!(pace.claimable(now + Duration::from_secs(30)), 0);
    }

    #[test]
    fn days_are_no_matter_of_pace() {
        let pace = Pace::new(&[rate(1, Period::Day)], Instant::now());
        assert!(pace.is_free());
        assert_eq!(pace.claimable(Instant::now()), usize::MAX);
    }

    #[test]
    fn a_brake_halves_and_is_let_go() {
        let start = Instant::now();
        let mut pace = Pace::new(&[rate(100, Period::Second)], start);
        leave(&mut pace, start, Duration::from_secs(3), &[0]);
        let mut now = start + Duration::from_secs(3);
        let braked = pace.brake(now, 0.5);
        assert!(
            braked.is_some_and(|rate| (45.0..=55.0).contains(&rate)),
            "{braked:?}"
        );
        assert_eq!(pace.brake(now, 0.5), None);
        assert_eq!(pace.leave(now).map_err(|due| due > now), Err(true));
        let mut seconds = 0;
        while pace.brake.is_some() {
            now += Duration::from_secs(1);
            pace.well(now);
            seconds += 1;
            assert!(seconds < 20);
        }
        assert!(seconds > 3);
        for _ in 0..40 {
            now += Duration::from_secs(1);
            pace.brake(now, 0.5);
        }
        assert_eq!(pace.brake.map(|brake| brake.rate), Some(SLOWEST));
    }
}
