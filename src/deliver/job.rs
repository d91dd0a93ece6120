//! A message on its way through a pass, with its place in the run.

use std::borrow::Borrow;
use std::time::Instant;

use super::outbox::Weigh;
use super::reply::Lasting;
use super::session::Trouble;
use crate::campaign::Delivery;
use crate::ledger::standing::SlotId;
use crate::message::{Message, Part, Whose};
use crate::outcome::{Cause, Failure, Outcome, Scope, Stage};

/// A message with its place in the run.
#[derive(Debug)]
pub struct Job {
    /// What to submit.
    pub message: Message,
    /// Where its row begins in the list, from 1.
    pub line: u64,
    /// The recipient's place among the standings.
    pub slot: SlotId,
    /// Which attempt this is, from 1.
    pub attempt: u16,
    /// How often a connection was lost at this message, and how many were accepted when that began.
    pub losses: Option<Losses>,
    /// The server refused the account at this message, when so many were accepted.
    pub refused: Option<u64>,
}

/// Connections lost at one message.
#[derive(Debug, Clone, Copy)]
pub struct Losses {
    times: u16,
    since: Instant,
    accepted_before: u64,
}

impl Borrow<Message> for Job {
    fn borrow(&self) -> &Message {
        &self.message
    }
}

impl Weigh for Job {
    fn weight(&self) -> usize {
        let own = |part: &Part| match part {
            Part::Own(bytes) => bytes.capacity(),
            Part::Shared(shared) => shared.weight(),
        };
        size_of::<Job>() + self.message.content.iter().map(own).sum::<usize>()
    }
}

impl Job {
    /// Whether only a server with SMTPUTF8 can take it.
    pub fn needs_smtputf8(&self) -> bool {
        let beyond = self.message.beyond_ascii;
        matches!(beyond, Some(Whose::Recipient | Whose::Other))
    }

    /// Takes in that the connection was lost at this message, when so many were accepted in all. A message at which
    /// it is lost each time, while others are accepted, is itself the trouble, and has failed.
    pub fn lost(
        &mut self,
        trouble: &Trouble,
        accepted: u64,
        delivery: &Delivery,
    ) -> Option<Outcome> {
        if !matches!(trouble.failure.cause, Cause::Io(_)) || trouble.failure.stage < Stage::Mail {
            return None;
        }
        let losses = self.losses.get_or_insert(Losses {
            times: 0,
            since: Instant::now(),
            accepted_before: accepted,
        });
        losses.times += 1;
        // Where no other is left to be accepted in the meantime, patience takes their place.
        let others_accepted = accepted > losses.accepted_before
            || (accepted > 0 && losses.since.elapsed() >= delivery.first_delay);
        if losses.times < delivery.attempts || !others_accepted {
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
}

impl Job {
    /// Whether it may itself be the trouble: it goes out last, and alone.
    pub fn is_suspect(&self) -> bool {
        self.losses.is_some() || self.refused.is_some()
    }

    /// Takes in that the server refused the account for good at this message, when so many were accepted in all. Where
    /// others are accepted before and after, it is the message that is refused.
    pub fn refused(&mut self, trouble: &Trouble, accepted: u64) -> Option<Outcome> {
        if !concerns_message(trouble) {
            return None;
        }
        let before = *self.refused.get_or_insert(accepted);
        (accepted > before).then(|| {
            Outcome::Failed(Failure {
                scope: Scope::Message,
                ..trouble.failure.clone()
            })
        })
    }
}

/// Whether a refusal of the account, to all appearance, was the answer to a message: another one may be taken.
pub fn concerns_message(trouble: &Trouble) -> bool {
    trouble.lasting == Lasting::ForGood && trouble.failure.stage >= Stage::Rcpt
}

/// Why the connection is lost, when no answer came to the end of a message.
pub fn lost_with(outcome: &Outcome) -> Option<Trouble> {
    let Outcome::InDoubt(failure) = outcome else {
        return None;
    };
    matches!(failure.cause, Cause::Io(_)).then(|| Trouble {
        failure: Failure {
            scope: Scope::Session,
            ..failure.clone()
        },
        lasting: Lasting::ForNow,
    })
}
