//! What a crew is about to write to the ledger: the lines of one turn, appended together, and what may happen only
//! once they are.

use std::time::Duration;

use super::job::Job;
use super::outbox::Outbox;
use crate::ledger::LedgerError;
use crate::ledger::entry::{Entry, Refused, State, timestamp, write_line};
use crate::ledger::file::{Ledger, Mark};
use crate::ledger::standing::{SlotId, Standing, Standings};
use crate::outcome::{LeftOut, Outcome};

/// Lines that wait to be written.
#[derive(Debug)]
pub struct Record<'a> {
    ledger: &'a Ledger,
    outbox: &'a Outbox<Job>,
    lines: Vec<u8>,
    /// The moment of the lines, as text.
    time: Option<String>,
    /// Whose outcomes are in them.
    unrecorded: Vec<SlotId>,
    /// Whose release is in them.
    released: Vec<Job>,
}

impl<'a> Record<'a> {
    /// Nothing to write.
    pub fn new(ledger: &'a Ledger, outbox: &'a Outbox<Job>) -> Self {
        Record {
            ledger,
            outbox,
            lines: Vec::new(),
            time: None,
            unrecorded: Vec::new(),
            released: Vec::new(),
        }
    }

    /// The message is claimed for `server`.
    pub fn claimed(&mut self, job: &Job, server: &str) {
        let time = self.time.get_or_insert_with(timestamp);
        let mut line = entry(time, job, State::Claimed);
        line.server = Some(server.into());
        line.message_id = Some((&job.message.message_id).into());
        write_line(&mut self.lines, &line);
    }

    /// The message's content is about to leave.
    pub fn sending(&mut self, job: &Job) {
        let time = self.time.get_or_insert_with(timestamp);
        write_line(&mut self.lines, &entry(time, job, State::Sending));
    }

    /// What became of the message at `server`, so long after it was handed over, and who of its Cc and Bcc was left out.
    pub fn settled(
        &mut self,
        job: &Job,
        outcome: &Outcome,
        left_out: &[LeftOut],
        server: &str,
        took: Duration,
    ) {
        let time = self.time.get_or_insert_with(timestamp);
        let mut line = entry(time, job, State::from(outcome)).with_outcome(outcome);
        line.refused = left_out.iter().map(Refused::from).collect();
        line.server = Some(server.into());
        line.message_id = Some((&job.message.message_id).into());
        line.ms = u64::try_from(took.as_millis()).ok();
        write_line(&mut self.lines, &line);
        self.unrecorded.push(job.slot);
    }

    /// The message was claimed, and is not begun: others may claim it once that is written.
    pub fn released(&mut self, job: Job) {
        let time = self.time.get_or_insert_with(timestamp);
        write_line(&mut self.lines, &entry(time, &job, State::Released));
        self.released.push(job);
    }

    /// Writes what waits; returns the place after it.
    ///
    /// # Errors
    /// What the ledger gives.
    pub fn append(&mut self) -> Result<Mark, LedgerError> {
        self.time = None;
        if self.lines.is_empty() {
            return Ok(self.ledger.written());
        }
        let mark = self.ledger.append(&self.lines)?;
        self.lines.clear();
        self.unrecorded.clear();
        if !self.released.is_empty() {
            let released = self.released.drain(..);
            // Those that may be the trouble come last.
            let (last, next): (Vec<Job>, Vec<Job>) = released.partition(Job::is_suspect);
            self.outbox.give_back(next, last);
        }
        Ok(mark)
    }

    /// After the ledger failed: whose outcome was not written is in doubt, as the next run will find it.
    pub fn doubt(self, standings: &Standings) {
        for slot in self.unrecorded {
            standings.set(slot, Standing::InDoubt);
        }
    }
}

fn entry<'a>(time: &'a str, job: &'a Job, state: State) -> Entry<'a> {
    Entry::new(time, &job.message.key, job.message.row, state, job.attempt)
}
