//! One server, or one account on it, as all of its couriers see it: whether it is of use, how many connections and
//! messages it takes, how fast, and how many more today.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::access::Access;
use super::allowance::Allowance;
use super::health::Health;
use super::pace::Pace;
use super::quota::Quota;
use crate::campaign::{Period, Server};
use crate::stop::Reason;

/// A server that has messages and says nothing for so long takes none now: others need not wait for it.
const SILENT: Duration = Duration::from_secs(2);
/// What is left of the speed when the server says that it is too much.
const HALF: f64 = 0.5;
/// What is left of it when the server only seems to have enough.
const A_LITTLE_LESS: f64 = 0.9;

/// So many messages in a row at which the server refuses the account are not the messages' fault.
const BELIEVED: u32 = 3;

/// What the couriers of a server share.
#[derive(Debug)]
pub struct Account<'a> {
    /// How it is used.
    pub server: &'a Server,
    /// The way to it.
    pub access: Access,
    /// Whether it is of use.
    pub health: Health,
    name: String,
    /// Messages that a connection may be given: the setting, or fewer once the server said so.
    messages: AtomicU32,
    /// Messages that it has, or is to get.
    handed: AtomicU64,
    /// How often it was refused at a message since one was accepted.
    refusals: AtomicU32,
    /// Whether its server said that it has no SMTPUTF8.
    lacks_smtputf8: AtomicBool,
    /// The least that a connection to it took, in nanoseconds.
    round_trip: AtomicU64,
    /// No pace, no quota: what is below need not be asked.
    free: AtomicBool,
    bounds: Mutex<Bounds>,
    /// Why it was of no use, the last time that it was not.
    trouble: Mutex<Option<Reason>>,
}

#[derive(Debug)]
struct Bounds {
    pace: Pace,
    quotas: Vec<Quota>,
    allowance: Allowance,
    out: Option<Out>,
    /// Messages that were submitted and have not come back.
    in_flight: usize,
    /// When the last one came back, or the first of them was submitted.
    answered: Instant,
}

/// Until when an account is left out; `None`: as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Out(Option<Instant>);

/// A quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedUp {
    /// Messages in 24 hours.
    pub most: u64,
    /// From when on one is left.
    pub left_at: SystemTime,
}

impl<'a> Account<'a> {
    /// An account that was not used yet by this process, and by earlier ones so often: moments in seconds since 1970,
    /// and how many messages at each.
    pub fn new(
        server: &'a Server,
        access: Access,
        give_up: Duration,
        used: BTreeMap<u64, u64>,
    ) -> Self {
        let daily = server
            .rates
            .iter()
            .filter(|rate| rate.period == Period::Day);
        let quotas: Vec<_> = daily
            .map(|rate| Quota::new(rate.messages, used.clone()))
            .collect();
        let pace = Pace::new(&server.rates, Instant::now());
        Account {
            server,
            access,
            health: Health::new(give_up, server.timeout),
            name: server.name(),
            messages: AtomicU32::new(server.messages_per_connection),
            handed: AtomicU64::new(0),
            refusals: AtomicU32::new(0),
            lacks_smtputf8: AtomicBool::new(false),
            round_trip: AtomicU64::new(u64::MAX),
            free: AtomicBool::new(pace.is_free() && quotas.is_empty()),
            bounds: Mutex::new(Bounds {
                pace,
                quotas,
                allowance: Allowance::new(server.connections),
                out: None,
                in_flight: 0,
                answered: Instant::now(),
            }),
            trouble: Mutex::default(),
        }
    }

    /// What it is called in messages and in the ledger.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A pass over so many recipients begins.
    pub fn begin(&self, recipients: u64) {
        self.health.begin();
        let recipients = usize::try_from(recipients).unwrap_or(usize::MAX);
        let most = self.server.connections.min(recipients).max(1);
        self.lock().allowance.limit(most);
    }

    /// How many messages may be claimed for it now.
    pub fn claimable(&self, now: Instant) -> usize {
        match self.free.load(Relaxed) {
            true => usize::MAX,
            false => self.lock().claimable(now),
        }
    }

    /// When to ask again, if nothing is [`Account::claimable`].
    pub fn claimable_at(&self) -> Option<Instant> {
        self.lock().pace.claimable_at()
    }

    /// The quota that is used up, if one is and nothing is in flight that may give some of it back.
    pub fn used_up(&self) -> Option<UsedUp> {
        if self.free.load(Relaxed) {
            return None;
        }
        let mut this = self.lock();
        // What comes back may not have been taken.
        if this.in_flight > 0 {
            return None;
        }
        let used_up = (this.quotas.iter_mut())
            .filter_map(|quota| (quota.left(unix()) == 0).then_some(&*quota));
        let longest = used_up.max_by_key(|quota| quota.left_at())?;
        Some(UsedUp {
            most: longest.most(),
            left_at: SystemTime::UNIX_EPOCH + Duration::from_secs(longest.left_at()),
        })
    }

    /// Takes the right to claim up to `most` messages; returns how many.
    pub fn claim(&self, most: usize, now: Instant) -> usize {
        let mut this = self.lock();
        let messages = most.min(this.claimable(now));
        this.pace.claim(messages);
        self.handed.fetch_add(messages as u64, Relaxed);
        messages
    }

    /// So many messages that might be claimed, or were, are given back.
    pub fn release(&self, messages: usize) {
        if messages == 0 {
            return;
        }
        self.handed.fetch_sub(messages as u64, Relaxed);
        self.lock().pace.release(messages);
    }

    /// A message that was claimed is begun: its envelope may be said.
    ///
    /// # Errors
    /// When it may, if not now.
    pub fn submit(&self, now: Instant) -> Result<(), Instant> {
        let mut this = self.lock();
        this.pace.submit(now)?;
        for quota in &mut this.quotas {
            quota.take(unix());
        }
        if this.in_flight == 0 {
            this.answered = now;
        }
        this.in_flight += 1;
        Ok(())
    }

    /// The content of a message that was submitted leaves.
    ///
    /// # Errors
    /// When it may, if not now.
    pub fn leave(&self, now: Instant) -> Result<(), Instant> {
        match self.free.load(Relaxed) {
            true => Ok(()),
            false => self.lock().pace.leave(now),
        }
    }

    /// A message that was submitted has come back, whatever became of it.
    pub fn came_back(&self, now: Instant) {
        let mut this = self.lock();
        this.in_flight -= 1;
        this.answered = now;
    }

    /// A message that was submitted was not taken: it counts against no quota.
    pub fn not_taken(&self) {
        self.handed.fetch_sub(1, Relaxed);
        if !self.free.load(Relaxed) {
            self.lock().quotas.iter_mut().for_each(Quota::give_back);
        }
    }

    /// Takes in whether the server offers SMTPUTF8.
    pub fn learn_smtputf8(&self, offered: bool) {
        self.lacks_smtputf8.store(!offered, Relaxed);
    }

    /// Takes in what a connection to its server took.
    pub fn learn_round_trip(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.round_trip.fetch_min(took, Relaxed);
    }

    /// The least that a connection to its server took: a round trip, that is.
    pub fn round_trip(&self) -> Duration {
        Duration::from_nanos(self.round_trip.load(Relaxed))
    }

    /// Whether it has said that it does not; until it has said anything it may.
    pub fn lacks_smtputf8(&self) -> bool {
        self.lacks_smtputf8.load(Relaxed)
    }

    /// Takes in why it is of no use now.
    pub fn is_of_no_use(&self, reason: Reason) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = Some(reason);
    }

    /// Why it was of no use, the last time that it was not.
    pub fn trouble(&self) -> Option<Reason> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone()
    }

    /// Messages that it has, or is to get.
    pub fn handed(&self) -> u64 {
        self.handed.load(Relaxed)
    }

    /// A message was accepted: more connections and more speed may be tried.
    pub fn accepted(&self, now: Instant) {
        self.refusals.store(0, Relaxed);
        let mut this = self.lock();
        if !this.pace.is_free() {
            this.pace.well(now);
            let free = this.pace.is_free() && this.quotas.is_empty();
            self.free.store(free, Relaxed);
        }
        if !this.allowance.is_full() && this.pace.claimable(now) > 0 {
            this.allowance.well(now);
        }
    }

    /// The server refused the account for good, at a message. Whether that is to be believed: others were refused too.
    pub fn is_refused(&self) -> bool {
        self.refusals.fetch_add(1, Relaxed) + 1 >= BELIEVED
    }

    /// The server says that this is too fast: half the speed and half the connections. Returns the messages a second
    /// that it is given from now on; `None` when it was slowed down just now.
    pub fn slow(&self, now: Instant) -> Option<f64> {
        let rate = self.brake(now, HALF)?;
        self.lock().allowance.halve(now);
        Some(rate)
    }

    /// The server put a message off that it had taken whole: it may have too much to do, once it has had some.
    pub fn ease(&self, now: Instant) {
        if self.lock().pace.is_measured() {
            self.brake(now, A_LITTLE_LESS);
        }
    }

    fn brake(&self, now: Instant, part: f64) -> Option<f64> {
        let mut this = self.lock();
        self.free.store(false, Relaxed);
        this.pace.brake(now, part)
    }

    /// Takes the right to open a connection, if there is one.
    pub fn take_connection(&self) -> bool {
        self.lock().allowance.take()
    }

    /// A connection was closed, or not opened.
    pub fn give_connection_back(&self) {
        self.lock().allowance.give_back();
    }

    /// Whether a connection is to be closed, there being more than are allowed: its right is taken from it.
    pub fn retire_connection(&self) -> bool {
        !self.free.load(Relaxed) && self.lock().allowance.retire()
    }

    /// Whether it takes messages now, as far as is known.
    pub fn is_ready(&self, now: Instant) -> bool {
        !self.health.is_in_trouble()
            && self.is_out(now).is_none()
            && self.claimable(now) > 0
            && !self.lock().is_silent(now)
    }

    /// Others had at least so many meanwhile: it does not catch up on what it could not take.
    pub fn keep_level(&self, handed: u64) {
        self.handed.fetch_max(handed, Relaxed);
    }

    /// Connections open, or being opened.
    pub fn connections(&self) -> usize {
        self.lock().allowance.open()
    }

    /// The server takes no further connection; the one that was refused has been given back. Returns how many it takes,
    /// when that is news.
    pub fn refuse_connection(&self, now: Instant) -> Option<usize> {
        let mut this = self.lock();
        let taken = this.allowance.open();
        this.allowance.refuse(taken, now)
    }

    /// Messages that a connection may be given.
    pub fn messages(&self) -> u32 {
        self.messages.load(Relaxed)
    }

    /// The server takes so many messages on a connection, at least 1. Whether that is news.
    pub fn learn_messages(&self, most: u32) -> bool {
        self.messages.fetch_min(most.max(1), Relaxed) > most
    }

    /// Gives it no messages until then; `None`: none any more.
    pub fn leave_out(&self, until: Option<Instant>) {
        self.lock().out = Some(Out(until));
    }

    /// Whether it is left out, and until when.
    pub fn is_out(&self, now: Instant) -> Option<Option<Instant>> {
        let mut this = self.lock();
        let Out(until) = this.out?;
        if until.is_some_and(|until| until <= now) {
            this.out = None;
            self.health.begin();
            return None;
        }
        Some(until)
    }

    fn lock(&self) -> MutexGuard<'_, Bounds> {
        // A panic while it is held leaves plain values that are still true.
        self.bounds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bounds {
    /// Whether it has messages, and has said nothing of any of them for a while.
    fn is_silent(&self, now: Instant) -> bool {
        self.in_flight > 0 && now.saturating_duration_since(self.answered) > SILENT
    }

    fn claimable(&mut self, now: Instant) -> usize {
        let left = self.quotas.iter_mut().map(|quota| quota.left(unix()));
        let left = left.min().map_or(usize::MAX, |left| {
            usize::try_from(left).unwrap_or(usize::MAX)
        });
        let left = left.saturating_sub(self.pace.claimed());
        left.min(self.pace.claimable(now))
    }
}

/// Seconds since 1970.
fn unix() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
