//! A courier: has one connection; takes messages from the outbox, claims them, submits them over its session, records
//! what became of them, and tells.
//!
//! The order is the promise: a claim is durable before its message can leave, a mark is written just before the
//! content leaves, the outcome goes with the next append, before anything else is begun or waited for. Claims are
//! taken ahead, so that the disk works while the server does.
//!
//! It waits for nothing: its crew calls it when something has happened.

mod connection;
mod finished;
mod trouble;

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::account::Account;
use super::accounts::Accounts;
use super::dial::Call;
use super::event::Event;
use super::job::Job;
use super::outbox::Outbox;
use super::record::Record;
use super::session::{Finished, Session, Terms, Trouble, Verdict};
use crate::campaign::{Delivery, Durability};
use crate::ledger::file::{Ledger, Mark};
use crate::ledger::standing::{Standing, Standings};
use crate::stop::Stop;
use crate::tally::Tally;

/// Messages claimed on one connection at most, the one on its way counted: what a power loss can leave in doubt.
const MOST_CLAIMED: usize = 16;
/// With so few durable claims a courier wants a sync: it is over before they are used up.
const LOW: usize = 4;
/// What other couriers decide, of other crews too, is looked at so often.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What all couriers of a pass share.
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    /// Where to submit.
    pub accounts: &'a Accounts<'a>,
    /// How hard to try.
    pub delivery: &'a Delivery,
    /// Where messages come from.
    pub outbox: &'a Outbox<Job>,
    /// Where what happens is recorded.
    pub ledger: &'a Ledger,
    /// Where each recipient stands.
    pub standings: &'a Standings,
    /// What is counted.
    pub tally: &'a Tally,
    /// Whether to drain.
    pub stop: &'a Stop,
}

/// How a courier stands with the server.
#[derive(Debug)]
enum Line {
    /// No connection, and none wanted before that moment.
    Down(Option<Instant>),
    /// A session is being closed, opened, or both. What comes after a closing is not wanted before that moment.
    Calling(Option<Instant>),
    /// A session, and what ended its use, once something did.
    Up(Box<Session<Job>>, Option<Trouble>),
    /// No more work for this courier.
    Gone,
}

/// What a courier wants of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disk {
    /// Few of its claims are durable: it is about to wait for what stands before that place.
    Wanted(Mark),
    /// It has nothing else to do until that is durable.
    Awaited(Mark),
}

/// One connection's worth of work.
#[derive(Debug)]
pub struct Courier<'a> {
    shared: Shared<'a>,
    account: &'a Account<'a>,
    events: Sender<Event>,
    line: Line,
    /// Claimed and not handed to the session, each with the place of its claim once that is written.
    claimed: VecDeque<(Job, Option<Mark>)>,
    /// A message at which connections were lost is in flight: no other may be lost with it.
    alone: bool,
    /// What is being written is marked in the ledger.
    marked: bool,
    /// Something changed that leads to more in the next turn.
    has_news: bool,
    /// When to look again, whatever happens meanwhile.
    wake: Option<Instant>,
    /// When its session was opened.
    opened: Instant,
    /// Its session is to be closed: there are more than the server is to have.
    retired: bool,
}

impl<'a> Courier<'a> {
    /// A courier of this account, without a connection.
    pub fn new(shared: Shared<'a>, account: &'a Account<'a>, events: Sender<Event>) -> Self {
        Courier {
            shared,
            account,
            events,
            line: Line::Down(None),
            claimed: VecDeque::new(),
            alone: false,
            marked: false,
            has_news: false,
            wake: None,
            opened: Instant::now(),
            retired: false,
        }
    }

    /// Whether its work is over.
    pub fn is_gone(&self) -> bool {
        matches!(self.line, Line::Gone)
    }

    /// Whether the next turn has something to do, whatever happens meanwhile.
    pub fn has_news(&self) -> bool {
        self.has_news
    }

    /// What it wants of the disk, when what stands before `durable` is durable.
    pub fn disk(&self, durable: Mark) -> Option<Disk> {
        let session = self.session()?;
        let mut claims = self.claimed.iter().filter_map(|(_, mark)| *mark);
        let ready = claims
            .by_ref()
            .take(LOW + 1)
            .position(|mark| mark > durable)?;
        let mark = self.claimed.get(ready).and_then(|(_, mark)| *mark)?;
        if ready == 0 && session.in_flight() == 0 {
            Some(Disk::Awaited(mark))
        } else {
            Some(Disk::Wanted(mark))
        }
    }

    /// Whether the server has a message of it.
    pub fn is_busy(&self) -> bool {
        (self.session()).is_some_and(|session| session.in_flight() > 0)
    }

    /// How far away its server is.
    pub fn round_trip(&self) -> Duration {
        self.account.round_trip()
    }

    /// The session whose socket is to be waited for.
    pub fn session(&self) -> Option<&Session<Job>> {
        match &self.line {
            Line::Up(session, _) => Some(session),
            Line::Down(_) | Line::Calling(_) | Line::Gone => None,
        }
    }

    /// When there is something to do even if nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        let line = match &self.line {
            Line::Up(session, _) => session.deadline(),
            Line::Down(until) => *until,
            Line::Calling(_) | Line::Gone => None,
        };
        line.into_iter().chain(self.wake).min()
    }

    /// Reads what the server said.
    pub fn read(&mut self) {
        if let Line::Up(session, _) = &mut self.line {
            session.read();
        }
    }

    /// Writes what was prepared, and recorded.
    pub fn write(&mut self) {
        if let Line::Up(session, _) = &mut self.line {
            session.write();
            self.has_news |= session.has_news();
        }
    }

    /// Takes in what came of a call.
    pub fn called(&mut self, call: Call, record: &mut Record<'_>) {
        let Line::Calling(until) = self.line else {
            return;
        };
        match call {
            Ok(Some(session)) => {
                self.shared.tally.opened();
                self.account.health.greeted();
                self.account.learn_smtputf8(session.offers().smtputf8);
                self.account.learn_round_trip(session.round_trip());
                self.opened = Instant::now();
                self.line = Line::Up(Box::new(session), None);
                self.release_smtputf8(record);
            }
            Ok(None) => self.line = Line::Down(until),
            Err(trouble) => {
                // Given back before the wait: others may have a connection for them.
                self.release_all(record);
                self.give_connection_back();
                self.line = Line::Down(self.bear(&trouble, 0));
            }
        }
    }

    /// Calls, claims, submits and prepares, as far as that is possible now: what stands in the ledger before `durable`
    /// is durable.
    pub fn attend(
        &mut self,
        now: Instant,
        durable: Mark,
        record: &mut Record<'_>,
        call: impl FnOnce(Option<Session<Job>>, Option<(&'a Account<'a>, Terms)>),
    ) {
        (self.has_news, self.wake) = (false, None);
        let out = self.account.is_out(now);
        let stopped = self.shared.stop.is_requested();
        self.retired =
            self.retired || matches!(self.line, Line::Up(..)) && self.account.retire_connection();
        let over = stopped || out.is_some() || self.retired;
        if over {
            self.release_all(record);
        }
        // Nothing is left to do for it, now or later.
        let idle = self.claimed.is_empty() && (stopped || self.shared.outbox.is_done());
        match std::mem::replace(&mut self.line, Line::Gone) {
            Line::Up(mut session, None)
                if !over && !idle && (self.is_usable(&session, now) || session.in_flight() > 0) =>
            {
                if self.is_usable(&session, now) {
                    self.claim(session.in_flight(), now, record);
                }
                self.submit(&mut session, now, durable);
                self.prepare(&mut session, now, record);
                self.line = Line::Up(session, None);
            }
            Line::Up(mut session, given_up) if session.in_flight() > 0 => {
                self.prepare(&mut session, now, record);
                self.line = Line::Up(session, given_up);
            }
            Line::Up(session, given_up) => self.hang_up(*session, given_up, over, call),
            Line::Down(_) if idle => {}
            Line::Down(until) if until.is_some_and(|until| now < until) => {
                self.line = Line::Down(until);
            }
            Line::Down(_) if out.is_some() => {
                self.line = match out.flatten() {
                    Some(until) => Line::Down(Some(until)),
                    None => Line::Gone,
                };
            }
            // Another courier waits, and this one would meet the same trouble.
            Line::Down(_) if self.account.health.waits(now).is_some() => {
                self.release_all(record);
                self.line = Line::Down(self.account.health.waits(now));
            }
            Line::Down(_) if self.wants_connection(now) => {
                if self.account.take_connection() {
                    self.line = Line::Calling(None);
                    call(None, Some(self.terms()));
                } else {
                    self.look_again(now + LOOK_AGAIN);
                    self.line = Line::Down(None);
                }
            }
            Line::Down(_) => self.line = Line::Down(None),
            line @ (Line::Calling(_) | Line::Gone) => self.line = line,
        }
    }

    /// Nothing is claimed that no connection is there for, nor kept from those who have one, nor before it may soon
    /// leave.
    fn claim(&mut self, in_flight: usize, now: Instant, record: &mut Record<'_>) {
        let held = self.claimed.len() + in_flight;
        let most = MOST_CLAIMED.saturating_sub(held);
        if most == 0 || !self.may_claim(now) {
            return;
        }
        let most = most.min(self.shared.accounts.share(self.account, now));
        let most = self.account.claim(most, now);
        let leaves = self.shared.accounts.leaves_smtputf8(self.account);
        let is_for_it = |job: &Job| !(leaves && job.needs_smtputf8());
        let jobs = self.shared.outbox.take(most, held, is_for_it);
        // First: what is not taken counts for no share of the work.
        self.account.release(most - jobs.len());
        if jobs.is_empty() {
            self.has_work(now);
        }
        for job in jobs {
            record.claimed(&job, self.account.name());
            self.claimed.push_back((job, None));
        }
    }

    /// Whether there is work for its account. What only others can take they need not wait with until it has its share.
    fn has_work(&mut self, now: Instant) -> bool {
        let outbox = self.shared.outbox;
        if !self.shared.accounts.leaves_smtputf8(self.account) {
            return outbox.has_work();
        }
        let has_work = outbox.has_work_for(|job| !job.needs_smtputf8());
        if !has_work && outbox.has_work() {
            self.shared.accounts.step_aside(self.account);
            self.look_again(now + LOOK_AGAIN);
        }
        has_work
    }

    /// Whether its account may have more now: its pace, its quota and the other accounts' shares allow it.
    fn may_claim(&mut self, now: Instant) -> bool {
        if self.account.claimable(now) == 0 {
            let at = self.account.claimable_at().unwrap_or(now);
            self.look_again(at.max(now + LOOK_AGAIN));
            if let Some(used_up) = self.account.used_up()
                && self.shared.outbox.has_work()
            {
                self.quota_is_used_up(used_up, now);
            }
            return false;
        }
        if self.shared.accounts.share(self.account, now) == 0 {
            self.look_again(now + LOOK_AGAIN);
            return false;
        }
        true
    }

    fn look_again(&mut self, at: Instant) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    /// Lays what may be said next, and marks the messages whose content leaves with it.
    fn prepare(&mut self, session: &mut Session<Job>, now: Instant, record: &mut Record<'_>) {
        let mut due = None;
        let laid = session.prepare(&mut || match self.account.leave(now) {
            Ok(()) => true,
            Err(at) => {
                due = Some(at);
                false
            }
        });
        if let Some(due) = due {
            self.look_again(due);
        }
        if laid {
            self.marked = false;
            session.leaving().for_each(|job| record.sending(job));
        }
    }

    /// Hands claimed messages to the session, as many as it has room for and whose claims are durable.
    fn submit(&mut self, session: &mut Session<Job>, now: Instant, durable: Mark) {
        if session.in_flight() == 0 {
            self.alone = false;
        }
        while session.room() > 0 && !self.alone {
            let Some((job, mark)) = self.claimed.front() else {
                return;
            };
            if mark.is_none_or(|mark| mark > durable) {
                return;
            }
            let suspect = job.is_suspect();
            if suspect && session.in_flight() > 0 {
                return;
            }
            if let Err(due) = self.account.submit(now) {
                self.look_again(due);
                return;
            }
            self.alone = suspect;
            if suspect {
                session.mistrust();
            }
            if let Some((job, _)) = self.claimed.pop_front() {
                session.submit(job);
            }
        }
    }

    /// The marks of this turn stand in the ledger, and its claims before `written`.
    pub fn recorded(&mut self, written: Mark) {
        self.marked = true;
        let fresh = self.claimed.iter_mut().rev();
        for (_, claim) in fresh.take_while(|(_, claim)| claim.is_none()) {
            *claim = Some(written);
            // Nobody rings for what is durable as soon as it is written.
            self.has_news |= self.shared.delivery.durability == Durability::Process;
        }
    }

    /// Hands back what was claimed for another connection, and is for other accounts by what the server offers on this one.
    fn release_smtputf8(&mut self, record: &mut Record<'_>) {
        if !self.shared.accounts.leaves_smtputf8(self.account) {
            return;
        }
        let claimed = std::mem::take(&mut self.claimed).into_iter();
        let (others, own): (VecDeque<_>, _) = claimed.partition(|(job, _)| job.needs_smtputf8());
        self.claimed = own;
        self.account.release(others.len());
        for (job, _) in others {
            record.released(job);
        }
    }

    /// Hands back what is claimed and not begun.
    fn release_all(&mut self, record: &mut Record<'_>) {
        self.account.release(self.claimed.len());
        for (job, _) in self.claimed.drain(..) {
            record.released(job);
        }
    }

    /// After the ledger failed: what was marked without a record of its outcome is in doubt, as the next run will find
    /// it, whatever the server said of it.
    pub fn abandon(self) {
        let Line::Up(session, _) = self.line else {
            return;
        };
        self.shared.tally.closed();
        let doubt = |slot| self.shared.standings.set(slot, Standing::InDoubt);
        if self.marked {
            session.leaving().for_each(|job| doubt(job.slot));
        }
        for Finished { job, verdict, .. } in session.abandon() {
            match verdict {
                Verdict::Settled(_) => doubt(job.slot),
                Verdict::Returned(_) => {}
            }
        }
    }
}
