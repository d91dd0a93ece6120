//! How long a crew lets replies gather, so that it takes several in one turn: both ends sleep and wake less, and one append
//! records them all. Arithmetic alone: clocks are read elsewhere.
//!
//! A reply that waits costs nothing as long as the server has other messages to judge. How many it has is not seen, but what a
//! reply takes beyond some round trips is: that is how long messages stand in line there. Over a line that is long for its
//! server, replies come when they come, and are taken at once.

use std::ops::Range;
use std::time::{Duration, Instant};

/// Connections that wait for a reply at the least: fewer are not worth gathering.
const AWAITED: usize = 4;
/// Of the time that messages stand in line, one part of so many.
const PART: u32 = 3;
/// What a reply takes is the line's doing up to so many round trips: they are longer under load than the first one was, and
/// gathering makes them longer.
const ROUND_TRIPS: u32 = 3;
/// At least so long, which is short against any round trip that is not on one machine, and of use only to a thread that is
/// woken on time; and at most so long.
const TIME: Range<Duration> = Duration::from_micros(60)..Duration::from_millis(2);

/// What is known of the replies that come.
#[derive(Debug)]
pub struct Gathering {
    /// When the last ones were taken.
    taken: Instant,
    /// What lay between one and the next, lately.
    gap: Duration,
}

impl Gathering {
    /// None yet, at this moment.
    pub fn new(now: Instant) -> Self {
        Gathering {
            taken: now,
            gap: Duration::ZERO,
        }
    }

    /// Takes in that replies of so many connections are taken now.
    pub fn took(&mut self, connections: usize, now: Instant) {
        let connections = u32::try_from(connections).unwrap_or(u32::MAX);
        if connections == 0 {
            return;
        }
        // A pause says nothing of the server, and is forgotten soon.
        let gap = (now.duration_since(self.taken) / connections).min(TIME.end);
        self.gap = (7 * self.gap + gap) / 8;
        self.taken = now;
    }

    /// When those that come next are to be taken, of so many connections to servers that are so far away.
    pub fn until(&self, awaited: usize, round_trip: Duration) -> Instant {
        if awaited < AWAITED {
            return self.taken;
        }
        let awaited = u32::try_from(awaited).unwrap_or(u32::MAX);
        let on_the_way = round_trip.saturating_mul(ROUND_TRIPS);
        let in_line = self.gap.saturating_mul(awaited).saturating_sub(on_the_way);
        self.taken + (in_line / PART).clamp(TIME.start, TIME.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    /// How long ten connections' replies gather that come one by one, so far apart.
    fn time(gap: Duration, round_trip: Duration) -> Duration {
        let begun = Instant::now();
        let mut gathering = Gathering::new(begun);
        let mut now = begun;
        for _ in 0..100 {
            now += gap;
            gathering.took(1, now);
        }
        gathering.until(10, round_trip) - now
    }

    #[test]
    fn a_part_of_the_time_in_line() {
        // Of 2.4 ms at a server on this machine, 2.1 ms in line.
        let time = time(us(240), us(100));
        assert!((us(690)..=us(700)).contains(&time), "{time:?}");
    }

    #[test]
    fn neither_too_short_nor_too_long() {
        assert_eq!(time(us(2), us(1)), TIME.start);
        assert_eq!(time(us(900), us(30)), TIME.end);
        assert_eq!(time(us(900), Duration::MAX), TIME.start);
    }

    #[test]
    fn a_long_line_is_no_line_of_messages() {
        // Ten connections, each answered after a round trip of 2 ms, or a little more.
        assert_eq!(time(us(200), us(2000)), TIME.start);
        assert_eq!(time(us(500), us(2000)), TIME.start);
    }

    #[test]
    fn few_are_not_waited_for() {
        let now = Instant::now();
        let mut gathering = Gathering::new(now);
        gathering.took(3, now + us(900));
        assert_eq!(gathering.until(3, us(1)), now + us(900));
    }

    #[test]
    fn replies_that_come_together_lie_closer() {
        let now = Instant::now();
        let (mut one, mut five) = (Gathering::new(now), Gathering::new(now));
        one.took(1, now + us(1000));
        five.took(5, now + us(1000));
        assert_eq!(one.gap, 5 * five.gap);
        // A wake-up for something else is no reply.
        let (gap, until) = (five.gap, five.until(10, us(1)));
        five.took(0, now + us(1010));
        assert_eq!((five.gap, five.until(10, us(1))), (gap, until));
    }
}
