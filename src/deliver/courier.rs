//! A courier: takes messages from the outbox, claims them, submits them over its one session, records what became
//! of them, and tells.
//!
//! The order is the promise: a claim is durable before its message can leave, a mark is written just before the
//! content leaves, the outcome is written before the next message is begun. Claims are taken ahead, so that the
//! disk works while the server does.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::health::{Advice, Health};
use super::outbox::{Outbox, Weigh};
use super::reply::Lasting;
use super::session::{Session, Trouble, Verdict};
use crate::campaign::{Delivery, Server};
use crate::ledger::LedgerError;
use crate::ledger::entry::{Entry, State, timestamp, write_line};
use crate::ledger::file::{Ledger, Mark};
use crate::ledger::standing::{SlotId, Standing, Standings};
use crate::message::{Message, Part};
use crate::outcome::{Cause, Failure, Outcome, Scope, Stage};
use crate::stop::{Reason, Stop};
use crate::tally::Tally;
use crate::wording::count;

/// Messages claimed on one connection at most, the one on its way counted: what a power loss can leave in doubt.
const MOST_CLAIMED: usize = 16;
/// With fewer than this left the next are claimed.
const CLAIM_AGAIN_AT: usize = 8;

/// A message with its place in the run.
#[derive(Debug)]
pub struct Job {
    /// What to submit.
    pub message: Message,
    /// The recipient's place among the standings.
    pub slot: SlotId,
    /// Which attempt this is, from 1.
    pub attempt: u16,
    /// How often a connection was lost at this message, and how many were accepted when that began.
    pub losses: Option<Losses>,
}

/// Connections lost at one message.
#[derive(Debug, Clone, Copy)]
pub struct Losses {
    times: u16,
    accepted_before: u64,
}

impl Weigh for Job {
    fn weight(&self) -> usize {
        let own = |part: &Part| match part {
            Part::Own(bytes) => bytes.capacity(),
            Part::Shared(_) => 0,
        };
        size_of::<Job>() + self.message.content.iter().map(own).sum::<usize>()
    }
}

/// Something that people may want to know of while it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A connection came to nothing; tried again after so many milliseconds.
    Trouble {
        /// What happened.
        text: String,
        /// Until the next try.
        wait_ms: u64,
    },
}

/// What all couriers of a pass share.
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    /// Where to submit.
    pub server: &'a Server,
    /// How hard to try.
    pub delivery: &'a Delivery,
    /// Whether the server is of use.
    pub health: &'a Health,
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

/// One connection's worth of work.
pub struct Courier<'a> {
    shared: Shared<'a>,
    events: Sender<Event>,
    session: Option<Session>,
    claimed: VecDeque<(Job, Mark)>,
    lines: Vec<u8>,
    server_name: String,
}

impl<'a> Courier<'a> {
    /// A courier without a connection.
    pub fn new(shared: Shared<'a>, events: Sender<Event>) -> Self {
        let server_name = format!("{}:{}", shared.server.host, shared.server.port);
        Courier {
            shared,
            events,
            session: None,
            claimed: VecDeque::new(),
            lines: Vec::new(),
            server_name,
        }
    }

    /// Works until the outbox has nothing left or a stop is requested.
    pub fn run(mut self) {
        if let Err(error) = self.work() {
            // No record, no sending.
            self.shared.stop.request(Reason::Ledger(error.to_string()));
        }
        self.hang_up();
    }

    fn work(&mut self) -> Result<(), LedgerError> {
        let shared = self.shared;
        loop {
            if shared.stop.is_requested() {
                return self.release_all();
            }
            if self.claimed.is_empty() {
                let jobs = shared.outbox.take(MOST_CLAIMED / 2);
                if jobs.is_empty() {
                    return Ok(());
                }
                // Nothing is claimed that no connection is there for, nor kept from those who have one.
                if self.session.is_none()
                    && let Err(trouble) = self.connect()
                {
                    jobs.into_iter()
                        .rev()
                        .for_each(|job| shared.outbox.give_back(job));
                    self.bear(&trouble);
                    continue;
                }
                self.claim(jobs)?;
            } else if self.claimed.len() < CLAIM_AGAIN_AT {
                let jobs = shared.outbox.take_ready(MOST_CLAIMED - self.claimed.len());
                self.claim(jobs)?;
            }
            let Some((job, mark)) = self.claimed.pop_front() else {
                continue;
            };
            shared.ledger.wait_durable(mark)?;
            if shared.stop.is_requested() {
                self.claimed.push_front((job, mark));
                continue;
            }
            self.submit(job)?;
        }
    }

    /// Opens a session.
    fn connect(&mut self) -> Result<(), Trouble> {
        self.session = Some(Session::open(self.shared.server)?);
        self.shared.tally.opened();
        Ok(())
    }

    fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit();
            self.shared.tally.closed();
        }
    }

    fn claim(&mut self, jobs: Vec<Job>) -> Result<(), LedgerError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let time = timestamp();
        self.lines.clear();
        for job in &jobs {
            let mut entry = entry(&time, job, State::Claimed);
            entry.server = Some((&self.server_name).into());
            entry.message_id = Some((&job.message.message_id).into());
            write_line(&mut self.lines, &entry);
        }
        let mark = self.shared.ledger.append(&self.lines)?;
        self.shared.ledger.want_durable(mark);
        self.claimed.extend(jobs.into_iter().map(|job| (job, mark)));
        Ok(())
    }

    fn submit(&mut self, mut job: Job) -> Result<(), LedgerError> {
        let shared = self.shared;
        let begun = Instant::now();
        let Some(session) = &mut self.session else {
            return self.release([job]);
        };
        let lines = &mut self.lines;
        let verdict = session.submit(&job.message, || {
            lines.clear();
            write_line(lines, &entry(&timestamp(), &job, State::Sending));
            shared.ledger.append(lines).map(drop)
        })?;
        let spent = session.messages() >= shared.server.messages_per_connection;
        if !session.is_open() {
            self.session = None;
            shared.tally.closed();
        } else if spent {
            self.hang_up();
        }
        match verdict {
            Verdict::Settled(outcome) => {
                shared.health.well();
                self.settle(job, outcome, begun)?;
            }
            Verdict::Returned(trouble) => match self.lost_at(&mut job, &trouble) {
                Some(outcome) => self.settle(job, outcome, begun)?,
                None => {
                    self.release([job])?;
                    self.release_all()?;
                    self.bear(&trouble);
                }
            },
        }
        if self.session.is_none()
            && !self.claimed.is_empty()
            && let Err(trouble) = self.connect()
        {
            self.release_all()?;
            self.bear(&trouble);
        }
        Ok(())
    }

    /// A message at which the connection is lost each time, while others are accepted, is itself the trouble.
    fn lost_at(&self, job: &mut Job, trouble: &Trouble) -> Option<Outcome> {
        if !matches!(trouble.failure.cause, Cause::Io(_)) || trouble.failure.stage < Stage::Mail {
            return None;
        }
        let accepted = self.shared.tally.counts().accepted;
        let losses = job.losses.get_or_insert(Losses {
            times: 0,
            accepted_before: accepted,
        });
        losses.times += 1;
        if losses.times < self.shared.delivery.attempts || accepted == losses.accepted_before {
            return None;
        }
        let text = format!(
            "the connection was lost {} times at this message ({}), while others were accepted",
            losses.times, trouble.failure
        );
        let (stage, scope) = (trouble.failure.stage, Scope::Message);
        Some(Outcome::Failed(Failure {
            stage,
            scope,
            cause: Cause::Local(text),
        }))
    }

    fn settle(&mut self, job: Job, outcome: Outcome, begun: Instant) -> Result<(), LedgerError> {
        let shared = self.shared;
        let outcome = match outcome {
            Outcome::Deferred(failure) if job.attempt >= shared.delivery.attempts => {
                Outcome::Failed(failure)
            }
            outcome => outcome,
        };
        self.lines.clear();
        let time = timestamp();
        let mut line = entry(&time, &job, State::from(&outcome)).with_outcome(&outcome);
        line.server = Some((&self.server_name).into());
        line.message_id = Some((&job.message.message_id).into());
        line.ms = u64::try_from(begun.elapsed().as_millis()).ok();
        write_line(&mut self.lines, &line);
        shared.ledger.append(&self.lines)?;
        let standing = match &outcome {
            Outcome::Accepted(_) => Standing::Accepted,
            Outcome::Deferred(_) => Standing::Deferred,
            Outcome::Failed(_) => Standing::Failed,
            Outcome::InDoubt(_) => Standing::InDoubt,
        };
        shared.standings.set_attempts(job.slot, job.attempt);
        shared.standings.set(job.slot, standing);
        let refused = shared.tally.count(&outcome);
        shared.outbox.done();
        if let Outcome::Failed(failure) = &outcome
            && refused >= u64::from(shared.delivery.stop_after)
        {
            shared.stop.request(Reason::Refused(format!(
                "{} in a row refused, the last one because {failure}; see whether the list or \
                 the message is at fault (stop_after in [delivery] sets how many)",
                count(refused, "recipient")
            )));
        }
        Ok(())
    }

    /// Hands back what is claimed and not begun.
    fn release_all(&mut self) -> Result<(), LedgerError> {
        let claimed: Vec<Job> = self.claimed.drain(..).map(|(job, _)| job).collect();
        self.release(claimed)
    }

    fn release(&mut self, jobs: impl IntoIterator<Item = Job>) -> Result<(), LedgerError> {
        let jobs: Vec<Job> = jobs.into_iter().collect();
        if jobs.is_empty() {
            return Ok(());
        }
        self.lines.clear();
        let time = timestamp();
        for job in &jobs {
            write_line(&mut self.lines, &entry(&time, job, State::Released));
        }
        self.shared.ledger.append(&self.lines)?;
        jobs.into_iter()
            .rev()
            .for_each(|job| self.shared.outbox.give_back(job));
        Ok(())
    }

    /// Takes in that the server or a session is of no use now: tells, waits, or stops the run.
    fn bear(&mut self, trouble: &Trouble) {
        let shared = self.shared;
        let text = format!("{}: {}", self.server_name, trouble.failure);
        if trouble.lasting == Lasting::ForGood {
            shared.stop.request(Reason::Server(text));
            return;
        }
        match shared.health.trouble(Instant::now()) {
            Advice::GiveUp => shared.stop.request(Reason::Server(format!(
                "{text}; no message could be submitted for {:?} (give_up in [delivery])",
                shared.delivery.give_up
            ))),
            Advice::Wait(wait) => {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                // Nobody listens once the run ends; that is no trouble.
                let _ = self.events.send(Event::Trouble { text, wait_ms });
                shared.stop.wait(wait);
            }
        }
    }
}

fn entry<'a>(time: &'a str, job: &'a Job, state: State) -> Entry<'a> {
    Entry::new(time, &job.message.key, job.message.row, state, job.attempt)
}
