//! Whether the server is of use: how long to wait after trouble, and when to give up. Arithmetic on a passed-in clock.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// One server's health, shared by its couriers.
#[derive(Debug)]
pub struct Health {
    give_up: Duration,
    trouble: Mutex<Option<Since>>,
}

#[derive(Debug, Clone, Copy)]
struct Since {
    first: Instant,
    times: u32,
}

/// What to do after trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Try again after so long.
    Wait(Duration),
    /// The server was of no use for `give_up`.
    GiveUp,
}

impl Health {
    /// A server that is taken to be well, given up after so long without use.
    pub fn new(give_up: Duration) -> Self {
        Health {
            give_up,
            trouble: Mutex::new(None),
        }
    }

    /// The server judged a message: it is of use.
    pub fn well(&self) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A session, or the opening of one, came to nothing at `now`. The first time since the server was well is
    /// answered at once: a connection may always be lost. From then on the waits double, with jitter.
    pub fn trouble(&self, now: Instant) -> Advice {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let since = trouble.get_or_insert(Since {
            first: now,
            times: 0,
        });
        since.times += 1;
        if now.saturating_duration_since(since.first) >= self.give_up {
            return Advice::GiveUp;
        }
        let Some(doublings) = since.times.checked_sub(2) else {
            return Advice::Wait(Duration::ZERO);
        };
        let wait = FIRST_WAIT
            .saturating_mul(1 << doublings.min(16))
            .min(LONGEST_WAIT);
        let left = self
            .give_up
            .saturating_sub(now.saturating_duration_since(since.first));
        Advice::Wait(jittered(wait).min(left))
    }
}

/// Between half of `wait` and all of it, so that those who failed together do not come back together.
pub fn jittered(wait: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let half = wait / 2;
    half + half.mul_f64(random as f64 / u64::MAX as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_until_the_server_is_given_up() {
        let health = Health::new(Duration::from_secs(60));
        let start = Instant::now();
        let at = |seconds| health.trouble(start + Duration::from_secs(seconds));
        assert_eq!(at(0), Advice::Wait(Duration::ZERO));
        for (seconds, most) in [(0, 100), (1, 200), (2, 400), (3, 800)] {
            let Advice::Wait(wait) = at(seconds) else {
                unreachable!("given up too early")
            };
            let most = Duration::from_millis(most);
            assert!(wait >= most / 2 && wait <= most, "{wait:?} of {most:?}");
        }
        // The last wait ends when the time is up, not after it.
        assert!(matches!(at(59), Advice::Wait(wait) if wait <= Duration::from_secs(1)));
        assert_eq!(at(60), Advice::GiveUp);
        health.well();
        assert_eq!(at(61), Advice::Wait(Duration::ZERO));
    }
}
