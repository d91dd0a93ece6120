//! What a courier makes of the messages that its session has finished.

use std::time::{Duration, Instant};

use super::trouble::is_final;
use super::{Courier, Line};
use crate::deliver::event::Event;
use crate::deliver::job::{Job, concerns_message, lost_with};
use crate::deliver::record::Record;
use crate::deliver::reply::Lasting;
use crate::deliver::session::{Finished, Trouble, Verdict};
use crate::ledger::standing::Standing;
use crate::outcome::{LeftOut, Outcome, Stage};
use crate::recipients::{InvalidRow, Position};
use crate::stop::Reason;
use crate::wording::{count, printable};

impl Courier<'_> {
    /// Takes in what the session has finished, and whether it is still of use.
    pub fn take_in(&mut self, now: Instant, record: &mut Record<'_>) {
        let Line::Up(session, given_up) = &mut self.line else {
            return;
        };
        if session.deadline().is_some_and(|deadline| deadline <= now) {
            session.expire();
        }
        let manner = session.manner();
        let finished = session.finished();
        let mut trouble = None;
        if given_up.is_none() {
            trouble = session.lost().cloned();
        }
        if finished.is_empty() && trouble.is_none() {
            return;
        }
        // Closed while nothing was on its way: any server may, and the next message has another connection.
        let unneeded = session.was_used() || self.claimed.is_empty();
        if finished.is_empty() && session.in_flight() == 0 && unneeded {
            self.shared.tally.closed();
            self.give_connection_back();
            self.line = Line::Down(None);
            return;
        }
        let (mut first, mut returned) = (None, Vec::new());
        let all = finished.len();
        for Finished {
            mut job,
            verdict,
            left_out,
            took,
        } in finished
        {
            self.account.came_back(now);
            match verdict {
                Verdict::Settled(outcome) => {
                    match lost_with(&outcome) {
                        Some(why) => drop(first.get_or_insert(why)),
                        None => self.account.health.well(manner),
                    }
                    self.settle(&job, outcome, &left_out, took, record);
                }
                Verdict::Returned(why) => {
                    // Only the first one can be the reason.
                    let accepted = self.shared.tally.counts().accepted;
                    let outcome = match &first {
                        None => job
                            .lost(&why, accepted, self.shared.delivery)
                            .or_else(|| job.refused(&why, accepted)),
                        Some(_) => None,
                    };
                    match outcome {
                        Some(outcome) => self.settle(&job, outcome, &[], took, record),
                        None => {
                            if concerns_message(&why) {
                                let (row, key) = (job.message.row, printable(&job.message.key));
                                let failure = &why.failure;
                                self.notice(format!("at row {row} ({key}): {failure}"));
                            }
                            self.account.not_taken();
                            returned.push(job);
                        }
                    }
                    first.get_or_insert(why);
                }
            }
        }
        self.shared.outbox.done(all - returned.len());
        if let Some(trouble) = first.or(trouble) {
            self.give_up(trouble, record);
        }
        // After those that were only claimed: the next connection is not lost at the same message at once.
        for job in returned {
            record.released(job);
        }
    }

    /// After trouble: what is in flight is finished, what is claimed goes back, and the next try waits.
    fn give_up(&mut self, mut trouble: Trouble, record: &mut Record<'_>) {
        self.release_all(record);
        // Until others are refused alike it may be that message's: the account is asked again, with the next one.
        if concerns_message(&trouble) && !self.account.is_refused() {
            trouble.lasting = Lasting::ForNow;
        }
        if is_final(&trouble) {
            self.bear(&trouble, 0);
        }
        if let Line::Up(_, given_up) = &mut self.line {
            given_up.get_or_insert(trouble);
        }
    }

    /// Books the outcome; its line goes with this turn's append, before anything else is begun.
    fn settle(
        &mut self,
        job: &Job,
        outcome: Outcome,
        left_out: &[LeftOut],
        took: Duration,
        record: &mut Record<'_>,
    ) {
        let shared = self.shared;
        let outcome = match outcome {
            Outcome::Deferred(failure) if job.attempt >= shared.delivery.attempts => {
                Outcome::Failed(failure)
            }
            outcome => outcome,
        };
        match &outcome {
            Outcome::Accepted(_) => self.account.accepted(Instant::now()),
            Outcome::InDoubt(_) => {}
            Outcome::Deferred(failure) if failure.stage >= Stage::Data => {
                self.account.not_taken();
                self.account.ease(Instant::now());
            }
            Outcome::Deferred(_) | Outcome::Failed(_) => self.account.not_taken(),
        }
        record.settled(job, &outcome, left_out, self.account.name(), took);
        let before = shared.standings.standing(job.slot);
        // One that was in doubt and can't be sent again is in doubt still: the first message may have been taken.
        if !(outcome.is_invalid() && before == Standing::InDoubt) {
            shared.standings.set_attempts(job.slot, job.attempt);
            shared.standings.set(job.slot, Standing::from(&outcome));
        }
        let refused = shared.tally.count(&outcome);
        if let Outcome::Failed(failure) = &outcome
            && outcome.is_invalid()
        {
            let row = Box::new(invalid_row(job, failure.to_string()));
            // Nobody listens once the run ends; that is no trouble.
            let _ = self.events.send(Event::Invalid(row));
        }
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
}

/// The row of a message that the server cannot take, as people are told of it.
fn invalid_row(job: &Job, reason: String) -> InvalidRow {
    InvalidRow {
        key: job.message.key.clone(),
        keyed: true,
        address: job.message.envelope_to.to_string(),
        position: Position {
            row: job.message.row,
            line: job.line,
        },
        column: None,
        reason,
        fields: csv::StringRecord::new(),
        nested: Vec::new(),
        others: Vec::new(),
        torn: false,
    }
}
