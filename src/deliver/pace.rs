//! How fast an account may be used: the rates that were set, and the brake that a server pulls. Arithmetic on a
//! passed-in clock; counts for all connections together.
//!
//! Each rate is a generic cell rate algorithm (ITU-T I.371): messages are evenly spaced, and one that is late shortens
//! the next space by a little at most. No window as long as a rate's period then has more messages than the rate
//! allows. It is held twice: when a message is submitted, so that no server has an envelope long before the content,
//! and when its content leaves, since what happens between the two takes one message longer than another.

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
    /// Of messages that are submitted.
    rates: Vec<Spacing>,
    /// Of contents that leave.
    contents: Vec<Spacing>,
    brake: Option<Brake>,
    /// Claimed, and not submitted.
    claimed: usize,
    meter: Meter,
}

#[derive(Debug, Clone, Copy)]
struct Spacing {
    space: Duration,
    most_late: Duration,
    /// When the next one would pass if all were evenly spaced.
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
        let spacing = |rate: &Rate| {
            let period = rate.period.length();
            Spacing {
                space: (period / rate.messages.max(1)).mul_f64(SPARE),
                most_late: period.mul_f64(MADE_UP),
                next: now,
            }
        };
        let rates: Vec<_> = short.map(spacing).collect();
        Pace {
            contents: rates.clone(),
            rates,
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

    /// Messages that are claimed, and not submitted.
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

    /// A claimed message is submitted.
    ///
    /// # Errors
    /// When it may be, if not now.
    pub fn submit(&mut self, now: Instant) -> Result<(), Instant> {
        let brake = self.brake.as_mut().map(|brake| &mut brake.spacing);
        pass(self.rates.iter_mut().chain(brake), now)?;
        self.release(1);
        self.meter.count(now);
        Ok(())
    }

    /// The content of a submitted message leaves. A brake is for what is not submitted yet.
    ///
    /// # Errors
    /// When it may, if not now.
    pub fn leave(&mut self, now: Instant) -> Result<(), Instant> {
        pass(self.contents.iter_mut(), now)
    }

    /// When [`Pace::claimable`] is more than none, if it is none now.
    pub fn claimable_at(&self) -> Option<Instant> {
        let next = |spacing: &Spacing| spacing.nth(self.claimed);
        let due = self.spacings().map(next).max()?;
        due.checked_sub(AHEAD)
    }

    /// Whether a second has passed, so that its speed is known.
    pub fn is_measured(&self) -> bool {
        self.meter.rate > 0.0
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

/// One more passes all of these, or none of them.
fn pass<'a>(spacings: impl Iterator<Item = &'a mut Spacing>, now: Instant) -> Result<(), Instant> {
    let spacings: Vec<_> = spacings.collect();
    let due = spacings.iter().map(|spacing| spacing.due()).max();
    if let Some(due) = due.filter(|due| *due > now) {
        return Err(due);
    }
    for spacing in spacings {
        spacing.next = spacing.next.max(now) + spacing.space;
    }
    Ok(())
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

    /// When the next one may pass.
    fn due(&self) -> Instant {
        self.nth(0)
    }

    /// When one may pass before which so many others have to.
    fn nth(&self, others: usize) -> Instant {
        let others = u32::try_from(others).unwrap_or(u32::MAX);
        let due = self.next + self.space.saturating_mul(others);
        due.checked_sub(self.most_late).unwrap_or(due)
    }

    /// How many may pass until `then`.
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

    /// Messages a second, as far as can be told: those of less than a second are a second's.
    fn now(&self, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        self.rate.max(f64::from(self.count) / elapsed.max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Submits messages as fast as the pace allows, each noticed a little late, for so long.
    fn submit(pace: &mut Pace, start: Instant, length: Duration, late: &[u64]) -> Vec<Duration> {
        let (mut now, mut submitted, mut late) = (start, Vec::new(), late.iter().cycle());
        while now < start + length {
            pace.claim(1);
            match pace.submit(now) {
                Ok(()) => submitted.push(now - start),
                Err(due) => {
                    assert!(due > now);
                    pace.release(1);
                    now = due + Duration::from_micros(late.next().copied().unwrap_or(0));
                }
            }
        }
        submitted
    }

    /// Lets the contents of messages leave that were submitted at these times, each as soon as it may when the server
    /// has answered its envelope, so many milliseconds later.
    fn leave(
        pace: &mut Pace,
        start: Instant,
        submitted: &[Duration],
        delays: &[u64],
    ) -> Vec<Duration> {
        let delays = delays
            .iter()
            .cycle()
            .map(|delay| Duration::from_millis(*delay));
        let mut ready: Vec<_> = submitted
            .iter()
            .zip(delays)
            .map(|(at, delay)| *at + delay)
            .collect();
        ready.sort();
        let mut now = start;
        let mut left = Vec::new();
        for ready in ready {
            now = now.max(start + ready);
            if let Err(due) = pace.leave(now) {
                assert!(due > now);
                now = due;
                assert_eq!(pace.leave(now), Ok(()));
            }
            left.push(now - start);
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
            let left = submit(&mut pace, now, period.length() * 3, &late);
            prop_assert!(most_in(&left, period.length()) <= messages as usize);
            // And the rate is made use of, where it is not noticed too late for that.
            if messages <= 100 {
                prop_assert!(left.len() as f64 >= f64::from(messages) * 3.0 * 0.95 - 1.0, "{}", left.len());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_window_has_more_contents_than_the_rate_however_late_envelopes_are_answered(
            messages in 1u32..300,
            delays in prop::collection::vec(0u64..500, 1..40),
        ) {
            let (now, period) = (Instant::now(), Duration::from_secs(1));
            let mut pace = Pace::new(&[rate(messages, Period::Second)], now);
            let submitted = submit(&mut pace, now, period * 4, &[0]);
            let left = leave(&mut pace, now, &submitted, &delays);
            prop_assert!(most_in(&left, period) <= messages as usize);
            prop_assert!(left.len() == submitted.len() && left.last() < Some(&(period * 6)));
        }
    }

    #[test]
    fn all_rates_hold_at_once() {
        let now = Instant::now();
        let rates = [rate(10, Period::Second), rate(60, Period::Minute)];
        let mut pace = Pace::new(&rates, now);
        let left = submit(&mut pace, now, Duration::from_secs(120), &[0]);
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
        assert_eq!(pace.submit(now), Ok(()));
        assert_eq!(pace.claimable(now + Duration::from_secs(30)), 0);
    }

    #[test]
    fn days_are_no_matter_of_pace() {
        let pace = Pace::new(&[rate(1, Period::Day)], Instant::now());
        assert!(pace.is_free());
        assert_eq!(pace.claimable(Instant::now()), usize::MAX);
    }

    #[test]
    fn a_brake_of_a_young_run_is_felt() {
        let start = Instant::now();
        let mut pace = Pace::new(&[], start);
        for message in 0..20 {
            assert_eq!(pace.submit(start + Duration::from_millis(message)), Ok(()));
        }
        assert_eq!(
            pace.brake(start + Duration::from_millis(20), 0.5),
            Some(10.0)
        );
    }

    #[test]
    fn a_brake_halves_and_is_let_go() {
        let start = Instant::now();
        let mut pace = Pace::new(&[rate(100, Period::Second)], start);
        submit(&mut pace, start, Duration::from_secs(3), &[0]);
        assert!(pace.is_measured());
        let mut now = start + Duration::from_secs(3);
        let braked = pace.brake(now, 0.5);
        assert!(
            braked.is_some_and(|rate| (45.0..=55.0).contains(&rate)),
            "{braked:?}"
        );
        assert_eq!(pace.brake(now, 0.5), None);
        assert_eq!(pace.submit(now).map_err(|due| due > now), Err(true));
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
