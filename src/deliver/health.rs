//! Whether the server is of use: how long to wait after trouble, and when to give up. Arithmetic on a passed-in clock.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::session::{Manner, Misbehaviour};

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// One server's health, shared by its couriers.
#[derive(Debug)]
pub struct Health {
    give_up: Duration,
    /// As long as it has never greeted.
    give_up_at_first: Duration,
    greeted: AtomicBool,
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
    /// Whoever meets trouble before that meets the same one.
    until: Instant,
    /// Whether somebody was told to give it up.
    given_up: bool,
}

/// What to do after trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Try again after so long.
    Wait(Duration),
    /// The server was of no use for `give_up`. Where others go on, it is left alone for so long.
    GiveUp(Duration),
}

impl Health {
    /// A server that is taken to be well, given up after so long without use; while it has never greeted, after
    /// `timeout` at the latest: a wrong name or port is to be mended by a person, who waits for it.
    pub fn new(give_up: Duration, timeout: Duration) -> Self {
        let driving = Driving {
            most: Manner::Chunked,
            proven: None,
        };
        Health {
            give_up,
            give_up_at_first: give_up.min(timeout),
            greeted: AtomicBool::new(false),
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

    /// A session was opened.
    pub fn greeted(&self) {
        self.greeted.store(true, Relaxed);
    }

    /// Whether a session was ever opened.
    pub fn has_greeted(&self) -> bool {
        self.greeted.load(Relaxed)
    }

    /// Whether it was of no use lately.
    pub fn is_in_trouble(&self) -> bool {
        lock(&self.trouble).is_some()
    }

    /// Until when nobody is to open a session, if not now: another one met trouble, and waits.
    pub fn waits(&self, now: Instant) -> Option<Instant> {
        let trouble = lock(&self.trouble);
        trouble.map(|since| since.until).filter(|it| now < *it)
    }

    /// How long it may be of no use.
    pub fn patience(&self) -> Duration {
        match self.has_greeted() {
            true => self.give_up,
            false => self.give_up_at_first,
        }
    }

    /// Whether it is given up at `now`.
    pub fn is_given_up(&self, now: Instant) -> bool {
        let trouble = lock(&self.trouble);
        trouble.is_some_and(|since| now.saturating_duration_since(since.first) >= self.patience())
    }

    /// Whether it was tried to the end of that time, and is given up since. What is still being tried may succeed.
    pub fn was_given_up(&self) -> bool {
        lock(&self.trouble).is_some_and(|since| since.given_up)
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
    /// answered at once: a connection may always be lost. From then on the waits double, with jitter; the trouble of
    /// several connections at once is one.
    pub fn trouble(&self, now: Instant) -> Advice {
        let patience = self.patience();
        let mut trouble = lock(&self.trouble);
        let since = trouble.get_or_insert(Since {
            first: now,
            times: 0,
            until: now,
            given_up: false,
        });
        let past = now.saturating_duration_since(since.first);
        let is_given_up = past >= patience;
        since.given_up |= is_given_up;
        if is_given_up && now >= since.until {
            since.until = now + jittered(LONGEST_WAIT);
        }
        if is_given_up {
            return Advice::GiveUp(since.until.saturating_duration_since(now));
        }
        if now >= since.until {
            let wait = match since.times.checked_sub(1) {
                None => Duration::ZERO,
                Some(doublings) => FIRST_WAIT
                    .saturating_mul(1 << doublings.min(16))
                    .min(LONGEST_WAIT),
            };
            since.times += 1;
            since.until = now + jittered(wait).min(patience - past);
        }
        Advice::Wait(since.until.saturating_duration_since(now))
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
        let minute = Duration::from_secs(60);
        let health = Health::new(minute, minute);
        let start = Instant::now();
        let at = |seconds| health.trouble(start + Duration::from_secs(seconds));
        assert_eq!(at(0), Advice::Wait(Duration::ZERO));
        for (seconds, most) in [(0, 100), (1, 200), (2, 400), (3, 800)] {
            let Advice::Wait(wait) = at(seconds) else {
                unreachable!("given up too early")
            };
            let most = Duration::from_millis(most);
            assert!(wait >= most / 2 && wait <= most, "{wait:?} of {most:?}");
            // Another connection meets the same trouble.
            assert_eq!(at(seconds), Advice::Wait(wait));
            // Nor does one that met none begin before.
            let now = start + Duration::from_secs(seconds);
            assert_eq!(health.waits(now), Some(now + wait));
            assert_eq!(health.waits(now + wait), None);
        }
        // The last wait ends when the time is up, not after it.
        assert!(matches!(at(59), Advice::Wait(wait) if wait <= Duration::from_secs(1)));
        assert!(!health.is_given_up(start + Duration::from_secs(59)));
        assert!(health.is_given_up(start + minute) && !health.was_given_up());
        let Advice::GiveUp(wait) = at(60) else {
            unreachable!("not given up")
        };
        assert!(health.was_given_up());
        assert!(wait >= LONGEST_WAIT / 2 && wait <= LONGEST_WAIT, "{wait:?}");
        assert!(health.is_given_up(start + minute));
        // Where others go on, none of its connections begins before.
        assert_eq!(health.waits(start + minute), Some(start + minute + wait));
        assert_eq!(at(60), Advice::GiveUp(wait));
        health.well(Manner::Sequential);
        assert!(!health.was_given_up());
        assert_eq!(health.waits(start), None);
        assert_eq!(at(61), Advice::Wait(Duration::ZERO));
    }

    #[test]
    fn a_server_that_never_greeted_is_given_up_sooner() {
        let (hour, minute) = (Duration::from_secs(3600), Duration::from_secs(60));
        let start = Instant::now();
        let health = Health::new(hour, minute);
        assert!(matches!(health.trouble(start), Advice::Wait(_)));
        assert!(matches!(health.trouble(start + minute), Advice::GiveUp(_)));
        health.greeted();
        assert!(matches!(health.trouble(start + minute), Advice::Wait(_)));
        assert!(matches!(health.trouble(start + hour), Advice::GiveUp(_)));
    }
}
