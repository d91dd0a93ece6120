//! One message on a session, from its first command to its verdict. The point of no return is a type: only [`Sent`],
//! which is made when the end of the content was handed over, can be in doubt.

use std::borrow::Borrow;
use std::time::Instant;

use super::{Finished, Trouble, Verdict};
use crate::deliver::reply::{Ruling, rule};
use crate::message::Message;
use crate::outcome::{Cause, Failure, Outcome, Reply, Scope, Stage};

/// A message that a session has.
#[derive(Debug)]
pub(super) enum Flight<J> {
    /// The end of its content was not sent.
    Open(Open<J>),
    /// It was.
    Sent(Sent<J>),
}

/// How far a message is whose end was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing was said of it.
    Waiting,
    /// Commands of its envelope are sent, replies to them are due.
    Asking,
    /// Command by command: this stage's command is next.
    Next(Stage),
    /// 354: its content is next.
    Ready,
    /// 354 although the envelope was refused: an empty content is next, so that the server gets out of it.
    Void,
}

/// A message that the server cannot have: dropped, it was never sent.
#[derive(Debug)]
pub(super) struct Open<J> {
    pub job: J,
    pub begun: Instant,
    pub progress: Progress,
    /// The first command of the envelope that was refused, and how.
    pub refusal: Option<(Stage, Reply)>,
}

/// A message whose end was handed over.
#[derive(Debug)]
pub(super) struct Sent<J> {
    job: J,
    begun: Instant,
    refusal: Option<(Stage, Reply)>,
    recipient_taken: bool,
}

impl<J: Borrow<Message>> Open<J> {
    pub fn new(job: J) -> Self {
        Open {
            job,
            begun: Instant::now(),
            progress: Progress::Waiting,
            refusal: None,
        }
    }

    /// Its content, and the end of it, are handed over.
    pub fn sent(self) -> Sent<J> {
        Sent {
            job: self.job,
            begun: self.begun,
            refusal: self.refusal,
            recipient_taken: false,
        }
    }

    /// It cannot be sent over this connection.
    pub fn failed(self, failure: Failure) -> Finished<J> {
        finish(
            self.job,
            self.begun,
            Verdict::Settled(Outcome::Failed(failure)),
        )
    }

    /// The server refused the envelope.
    pub fn refused(self) -> Result<Finished<J>, Open<J>> {
        match self.refusal {
            Some((stage, reply)) => Ok(finish(self.job, self.begun, refusal(stage, reply))),
            None => Err(self),
        }
    }

    /// The connection is of no more use.
    pub fn lost(self, trouble: Trouble) -> Finished<J> {
        let verdict = match self.refusal {
            Some((stage, reply)) => refusal(stage, reply),
            None => Verdict::Returned(trouble),
        };
        finish(self.job, self.begun, verdict)
    }
}

impl<J: Borrow<Message>> Sent<J> {
    /// Takes the answer to a command of the envelope that was sent along with the content; true when it is the
    /// first that refuses.
    pub fn envelope(&mut self, stage: Stage, reply: Reply) -> bool {
        let proceed = rule(stage, &reply) == Ruling::Proceed;
        self.recipient_taken |= proceed && stage == Stage::Rcpt;
        let first = !proceed && self.refusal.is_none();
        if first {
            self.refusal = Some((stage, reply));
        }
        first
    }

    /// Whether the envelope was refused.
    pub fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// Takes the answer to the end of the content. What the server took it took, whatever it said of MAIL before.
    pub fn answered(self, reply: Reply) -> Finished<J> {
        let ruling = rule(Stage::EndOfData, &reply);
        let verdict = match self.refusal {
            Some((stage, _))
                if stage == Stage::Mail && self.recipient_taken && ruling == Ruling::Proceed =>
            {
                Verdict::Settled(Outcome::Accepted(reply))
            }
            Some((stage, reply)) => refusal(stage, reply),
            None => decided(Stage::EndOfData, ruling, reply),
        };
        finish(self.job, self.begun, verdict)
    }

    /// The connection is of no more use, and no answer came.
    pub fn lost(self, cause: Cause) -> Finished<J> {
        let verdict = match self.refusal {
            // Without a recipient, or without a sender and a recipient, the server had nobody to take it for.
            Some((stage, reply)) if !self.recipient_taken => refusal(stage, reply),
            Some(_) | None => {
                let failure = Failure {
                    stage: Stage::EndOfData,
                    scope: Scope::Message,
                    cause,
                };
                Verdict::Settled(Outcome::InDoubt(failure))
            }
        };
        finish(self.job, self.begun, verdict)
    }

    /// The server said that it closes the connection before it came to this message: it cannot have taken it.
    pub fn passed_over(self, trouble: Trouble) -> Finished<J> {
        let verdict = match self.refusal {
            Some((stage, reply)) => refusal(stage, reply),
            None => Verdict::Returned(trouble),
        };
        finish(self.job, self.begun, verdict)
    }
}

fn finish<J>(job: J, begun: Instant, verdict: Verdict) -> Finished<J> {
    Finished {
        job,
        verdict,
        took: begun.elapsed(),
    }
}

fn refusal(stage: Stage, reply: Reply) -> Verdict {
    decided(stage, rule(stage, &reply), reply)
}

/// What a ruling makes of the message.
fn decided(stage: Stage, ruling: Ruling, reply: Reply) -> Verdict {
    let scope = match ruling {
        Ruling::Proceed => return Verdict::Settled(Outcome::Accepted(reply)),
        Ruling::Defer(scope) | Ruling::Fail(scope) | Ruling::Trouble(scope, _) => scope,
        Ruling::Unclear => Scope::Message,
    };
    let failure = Failure {
        stage,
        scope,
        cause: Cause::Reply(reply),
    };
    match ruling {
        Ruling::Defer(_) => Verdict::Settled(Outcome::Deferred(failure)),
        Ruling::Fail(_) => Verdict::Settled(Outcome::Failed(failure)),
        Ruling::Trouble(_, lasting) => Verdict::Returned(Trouble { failure, lasting }),
        Ruling::Proceed | Ruling::Unclear => Verdict::Settled(Outcome::InDoubt(failure)),
    }
}
