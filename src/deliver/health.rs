//! Whether the server is of use: how long to wait after trouble, and when to give up. Arithmetic on a passed-in clock.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::session::{Manner, Misbehaviour};

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// One server's health, shared by its couriers.
#[derive(Debug)]
pub struct Health {
    give_up: Duration,
    trouble: Mutex<Option<Since>>,
    driving: Mutex<Driving>,
}

/// How the server may be driven.
#[derive(Debug, Clone, Copy)]
struct Driving {
    most: Manner,
    /// The best manner in which a message was judged.
    proven: Option<Manner>,
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
        let driving = Driving {
            most: Manner::Chunked,
            proven: None,
        };
        Health {
            give_up,
            trouble: Mutex::new(None),
            driving: Mutex::new(driving),
        }
    }

    /// The server judged a message in this manner: it is of use.
    pub fn well(&self, manner: Manner) {
        *lock(&self.trouble) = None;
        let mut driving = lock(&self.driving);
        driving.proven = driving.proven.max(Some(manner));
    }

    /// The best manner in which a session is to be driven.
    pub fn manner(&self) -> Manner {
        lock(&self.driving).most
    }

    /// The best manner in which a message was judged.
    pub fn proven(&self) -> Option<Manner> {
        lock(&self.driving).proven
    }

    /// A new pass begins: trouble of the one before says nothing of it, and how the server is driven stays known.
    pub fn begin(&self) {
        *lock(&self.trouble) = None;
    }

    /// The server misbehaved in `manner`: the simpler one from now on, if that is news. A connection that is lost
    /// says nothing against a manner that others have proven.
    pub fn simplify(&self, manner: Manner, how: Misbehaviour) -> Option<Manner> {
        let mut driving = lock(&self.driving);
        if how == Misbehaviour::Lost && driving.proven >= Some(manner) {
            return None;
        }
        let simpler = manner.simpler().filter(|&simpler| simpler < driving.most)?;
        driving.most = simpler;
        Some(simpler)
    }

    /// A session, or the opening of one, came to nothing at `now`. The first time since the server was well is
    /// answered at once: a connection may always be lost. From then on the waits double, with jitter.
    pub fn trouble(&self, now: Instant) -> Advice {
        let mut trouble = lock(&self.trouble);
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

// A panic while one of these is held leaves plain values that are still true.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        health.well(Manner::Sequential);
        assert_eq!(at(61), Advice::Wait(Duration::ZERO));
    }
}
