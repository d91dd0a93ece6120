//! A courier: takes messages from the outbox, claims them, submits them over its one session, records what became
//! of them, and tells.
//!
//! The order is the promise: a claim is durable before its message can leave, a mark is written just before the
//! content leaves, the outcome goes with the next append, before anything else is begun or waited for. Claims are
//! taken ahead, so that the disk works while the server does.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::health::{Advice, Health};
use super::job::{Job, lost_with};
use super::outbox::Outbox;
use super::reply::Lasting;
use super::session::{Finished, Session, Terms, Trouble, Verdict};
use crate::campaign::{Delivery, Server};
use crate::ledger::LedgerError;
use crate::ledger::entry::{Entry, State, timestamp, write_line};
use crate::ledger::file::{Ledger, Mark};
use crate::ledger::standing::{SlotId, Standing, Standings};
use crate::outcome::Outcome;
use crate::stop::{Reason, Stop};
use crate::tally::Tally;
use crate::wording::count;

/// Messages claimed on one connection at most, the one on its way counted: what a power loss can leave in doubt.
const MOST_CLAIMED: usize = 16;
/// Messages claimed together.
const CLAIMED_AT_ONCE: usize = 4;

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
    /// The server is driven more simply from now on.
    Simpler {
        /// Why.
        text: String,
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
    session: Option<Session<Job>>,
    /// Claimed and not handed to the session, each with the place of its claim once that is written.
    claimed: VecDeque<(Job, Option<Mark>)>,
    /// Lines that the next append takes along.
    lines: Vec<u8>,
    /// Whose outcomes are in those lines.
    unrecorded: Vec<SlotId>,
    /// A message at which connections were lost is in flight: no other may be lost with it.
    alone: bool,
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
            unrecorded: Vec::new(),
            alone: false,
            server_name,
        }
    }

    /// Works until the outbox has nothing left or a stop is requested.
    pub fn run(mut self) {
        if let Err(error) = self.work().and_then(|()| self.drain()) {
            // No record, no sending.
            self.shared.stop.request(Reason::Ledger(error.to_string()));
            self.doubt_unrecorded();
        }
    }

    /// After the ledger failed: what left without a record of its outcome is in doubt, as the next run will find it.
    fn doubt_unrecorded(&mut self) {
        let standings = self.shared.standings;
        for slot in self.unrecorded.drain(..) {
            standings.set(slot, Standing::InDoubt);
        }
        if let Some(session) = self.session.take() {
            self.shared.tally.closed();
            for Finished { job, verdict, .. } in session.abandon() {
                if matches!(verdict, Verdict::Settled(Outcome::InDoubt(_))) {
                    standings.set(job.slot, Standing::InDoubt);
                }
            }
        }
    }

    fn work(&mut self) -> Result<(), LedgerError> {
        while !self.shared.stop.is_requested() {
            if !self.claim_more()? {
                return Ok(());
            }
            if !self.load()? {
                continue;
            }
            if let Some(trouble) = self.exchange()? {
                self.give_up_session(&trouble)?;
            }
        }
        Ok(())
    }

    /// Finishes what is in flight, hands back the rest, and says goodbye.
    fn drain(&mut self) -> Result<(), LedgerError> {
        while self.in_flight() > 0 {
            self.exchange()?;
        }
        self.release_all()?;
        self.flush()?;
        self.hang_up();
        Ok(())
    }

    fn in_flight(&self) -> usize {
        self.session.as_ref().map_or(0, Session::in_flight)
    }

    /// Claims what the outbox has, waiting for it only when there is nothing else to do; false when all work is done.
    fn claim_more(&mut self) -> Result<bool, LedgerError> {
        let held = self.claimed.len() + self.in_flight();
        let jobs = if held == 0 {
            self.flush()?;
            let jobs = self.shared.outbox.take(CLAIMED_AT_ONCE);
            if jobs.is_empty() {
                return Ok(false);
            }
            // Nothing is claimed that no connection is there for, nor kept from those who have one.
            if !self.is_connected()
                && let Err(trouble) = self.connect()
            {
                self.shared.outbox.give_back(jobs, Vec::new());
                self.bear(&trouble);
                return Ok(true);
            }
            jobs
        } else if held <= MOST_CLAIMED - CLAIMED_AT_ONCE {
            self.shared.outbox.take_ready(CLAIMED_AT_ONCE)
        } else {
            Vec::new()
        };
        let time = timestamp();
        for job in jobs {
            let mut entry = entry(&time, &job, State::Claimed);
            entry.server = Some((&self.server_name).into());
            entry.message_id = Some((&job.message.message_id).into());
            write_line(&mut self.lines, &entry);
            self.claimed.push_back((job, None));
        }
        Ok(true)
    }

    /// Hands claimed messages to the session, as many as it has room for and whose claims are durable. False when
    /// there is no connection, and none to be had now.
    fn load(&mut self) -> Result<bool, LedgerError> {
        if self.claimed.is_empty() && self.in_flight() == 0 {
            return Ok(false);
        }
        if self.in_flight() == 0 && !self.is_connected() {
            // What was claimed becomes durable while the connection is made.
            self.flush()?;
            if let Err(trouble) = self.connect() {
                // Given back before the wait: others may have a connection for them.
                self.release_all()?;
                self.bear(&trouble);
                return Ok(false);
            }
        }
        if self.in_flight() == 0 {
            self.alone = false;
            if let Some((_, mark)) = self.claimed.front() {
                let mark = match *mark {
                    Some(mark) => mark,
                    None => self.flush()?,
                };
                self.shared.ledger.wait_durable(mark)?;
            }
        }
        let Some(session) = &mut self.session else {
            return Ok(false);
        };
        while session.room() > 0 && !self.alone {
            let Some((job, Some(mark))) = self.claimed.front() else {
                break;
            };
            let suspect = job.losses.is_some();
            if !self.shared.ledger.is_durable(*mark) || (suspect && session.in_flight() > 0) {
                break;
            }
            self.alone = suspect;
            if let Some((job, _)) = self.claimed.pop_front() {
                session.submit(job);
            }
        }
        Ok(true)
    }

    /// Lets the session write and read, and takes in what is finished. Why the session is of no more use, if so.
    fn exchange(&mut self) -> Result<Option<Trouble>, LedgerError> {
        let Some(session) = &mut self.session else {
            return Ok(None);
        };
        let manner = session.manner();
        let (lines, claimed, ledger) = (&mut self.lines, &mut self.claimed, self.shared.ledger);
        let unrecorded = &mut self.unrecorded;
        let finished = session.exchange(|leaving| {
            let mut time = None;
            for job in leaving {
                let time = time.get_or_insert_with(timestamp);
                write_line(lines, &entry(time, job, State::Sending));
            }
            append(ledger, lines, claimed)?;
            unrecorded.clear();
            Ok(())
        })?;
        let mut returned = Vec::new();
        let mut trouble = None;
        let all = finished.len();
        for Finished {
            mut job,
            verdict,
            took,
        } in finished
        {
            match verdict {
                Verdict::Settled(outcome) => {
                    match lost_with(&outcome) {
                        Some(why) => drop(trouble.get_or_insert(why)),
                        None => self.shared.health.well(manner),
                    }
                    self.settle(&job, outcome, took);
                }
                Verdict::Returned(why) => {
                    // Only the first one can be the reason that a connection was lost.
                    let outcome = match &trouble {
                        None => job.lost(
                            &why,
                            self.shared.tally.counts().accepted,
                            self.shared.delivery,
                        ),
                        Some(_) => None,
                    };
                    match outcome {
                        Some(outcome) => self.settle(&job, outcome, took),
                        None => returned.push(job),
                    }
                    trouble.get_or_insert(why);
                }
            }
        }
        self.shared.outbox.done(all - returned.len());
        self.release(returned)?;
        Ok(trouble)
    }

    /// After trouble: what is in flight is finished, what is claimed goes back, and the next try waits.
    fn give_up_session(&mut self, trouble: &Trouble) -> Result<(), LedgerError> {
        self.release_all()?;
        self.flush()?;
        if trouble.lasting == Lasting::ForGood {
            self.bear(trouble);
        }
        while self.in_flight() > 0 {
            if let Some(further) = self.exchange()?
                && further.lasting == Lasting::ForGood
            {
                self.bear(&further);
            }
        }
        self.hang_up();
        if trouble.lasting == Lasting::ForNow {
            self.bear(trouble);
        }
        Ok(())
    }

    fn is_connected(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_usable)
    }

    /// Opens a session, in place of one that is used up.
    fn connect(&mut self) -> Result<(), Trouble> {
        self.hang_up();
        let server = self.shared.server;
        let terms = Terms {
            timeout: server.timeout,
            manner: self.shared.health.manner(),
            proven: self.shared.health.proven(),
            window: server.window,
            messages: server.messages_per_connection,
        };
        self.session = Some(Session::open(&server.host, server.port, terms)?);
        self.shared.tally.opened();
        Ok(())
    }

    fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            if let Some(reason) = session.misbehaved()
                && let Some(manner) = self.shared.health.simplify(session.manner(), reason)
            {
                let text = format!("{}: {}", self.server_name, reason.describe(manner));
                // Nobody listens once the run ends; that is no trouble.
                let _ = self.events.send(Event::Simpler { text });
            }
            session.quit();
            self.shared.tally.closed();
        }
    }

    /// Writes the lines that wait; returns the place after them.
    fn flush(&mut self) -> Result<Mark, LedgerError> {
        let mark = append(self.shared.ledger, &mut self.lines, &mut self.claimed)?;
        self.unrecorded.clear();
        Ok(mark)
    }

    /// Books the outcome; its line goes with the next append, before anything else is begun.
    fn settle(&mut self, job: &Job, outcome: Outcome, took: Duration) {
        let shared = self.shared;
        let outcome = match outcome {
            Outcome::Deferred(failure) if job.attempt >= shared.delivery.attempts => {
                Outcome::Failed(failure)
            }
            outcome => outcome,
        };
        let time = timestamp();
        let mut line = entry(&time, job, State::from(&outcome)).with_outcome(&outcome);
        line.server = Some((&self.server_name).into());
        line.message_id = Some((&job.message.message_id).into());
        line.ms = u64::try_from(took.as_millis()).ok();
        write_line(&mut self.lines, &line);
        self.unrecorded.push(job.slot);
        shared.standings.set_attempts(job.slot, job.attempt);
        shared.standings.set(job.slot, Standing::from(&outcome));
        let refused = shared.tally.count(&outcome);
        if let Outcome::Failed(failure) = &outcome
            && refused >= u64::from(shared.delivery.stop_after)
        {
            shared.stop.request(Reason::Refused(format!(
                "{} in a row refused, the last one because {failure}; see whether the list or \
                 the message is at fault (stop_after in [delivery] sets how many)",
                count(refused, "recipient")
            )));
        }
    }

    /// Hands back what is claimed and not begun.
    fn release_all(&mut self) -> Result<(), LedgerError> {
        let claimed: Vec<Job> = self.claimed.drain(..).map(|(job, _)| job).collect();
        self.release(claimed)
    }

    fn release(&mut self, jobs: Vec<Job>) -> Result<(), LedgerError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let time = timestamp();
        for job in &jobs {
            write_line(&mut self.lines, &entry(&time, job, State::Released));
        }
        // Written before another courier can claim them.
        self.flush()?;
        let (suspects, jobs) = jobs.into_iter().partition(|job| job.losses.is_some());
        self.shared.outbox.give_back(jobs, suspects);
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

/// Appends what waits, and asks for it to become durable if there are claims in it.
fn append(
    ledger: &Ledger,
    lines: &mut Vec<u8>,
    claimed: &mut VecDeque<(Job, Option<Mark>)>,
) -> Result<Mark, LedgerError> {
    let mark = if lines.is_empty() {
        ledger.written()
    } else {
        ledger.append(lines)?
    };
    lines.clear();
    let fresh = claimed
        .iter_mut()
        .rev()
        .take_while(|(_, claim)| claim.is_none());
    let mut any = false;
    for (_, claim) in fresh {
        *claim = Some(mark);
        any = true;
    }
    if any {
        ledger.want_durable(mark);
    }
    Ok(mark)
}

fn entry<'a>(time: &'a str, job: &'a Job, state: State) -> Entry<'a> {
    Entry::new(time, &job.message.key, job.message.row, state, job.attempt)
}
