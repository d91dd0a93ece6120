//! One message on a session, from its first command to its verdict. The point of no return is a type: only [`Sent`],
//! which is made when the end of the content was handed over, can be in doubt.

use std::borrow::Borrow;
use std::time::Instant;

use super::addressees::Addressees;
use super::{Finished, Trouble, Verdict};
use crate::deliver::reply::{Lasting, Ruling, rule};
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
    pub addressees: Addressees,
    /// The first command that was refused, and how; not one that named another than the main recipient.
    pub refusal: Option<Refusal>,
}

/// How a command of a message was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub stage: Stage,
    pub reply: Reply,
    /// The server did not know what to make of the group: the command itself was not judged.
    pub confused: bool,
}

/// A message whose end was handed over.
#[derive(Debug)]
pub(super) struct Sent<J> {
    job: J,
    begun: Instant,
    addressees: Addressees,
    refusal: Option<Refusal>,
    recipient_taken: bool,
    /// Its MAIL found the server in a transaction that was refused before.
    astray: bool,
}

impl<J: Borrow<Message>> Open<J> {
    /// `most`: recipients that the server takes with one message, where it says so.
    pub fn new(job: J, most: Option<u32>) -> Self {
        let addressees = Addressees::of(job.borrow(), most);
        Open {
            job,
            begun: Instant::now(),
            progress: Progress::Waiting,
            addressees,
            refusal: None,
        }
    }

    /// Takes the answer to a command of its envelope, or to the end of an empty content.
    pub fn take(&mut self, stage: Stage, reply: Reply, confused: bool) {
        let ruling = rule(stage, &reply);
        let another = match stage {
            Stage::Rcpt => self.addressees.answered(),
            _ => None,
        };
        if ruling == Ruling::Proceed || self.refusal.is_some() {
            return;
        }
        match another {
            Some(another) if Addressees::leaves_out(ruling, &reply) => {
                self.addressees.leave_out(self.job.borrow(), another, reply);
            }
            Some(_) | None => {
                self.refusal = Some(Refusal {
                    stage,
                    reply,
                    confused,
                });
            }
        }
    }

    /// Its content, and the end of it, are handed over.
    pub fn sent(self) -> Sent<J> {
        Sent {
            job: self.job,
            begun: self.begun,
            addressees: self.addressees,
            refusal: self.refusal,
            recipient_taken: false,
            astray: false,
        }
    }

    /// It cannot be sent over this connection, and nothing was said of it.
    pub fn unsaid(self, verdict: Verdict) -> Finished<J> {
        finish(self.job, self.begun, verdict)
    }

    /// The server refused the envelope.
    pub fn refused(self) -> Result<Finished<J>, Open<J>> {
        match self.refusal {
            Some(refusal) => Ok(finish(self.job, self.begun, refusal.verdict())),
            None => Err(self),
        }
    }

    /// The connection is of no more use.
    pub fn lost(self, trouble: Trouble) -> Finished<J> {
        let verdict = match self.refusal {
            Some(refusal) => refusal.verdict(),
            None => Verdict::Returned(trouble),
        };
        finish(self.job, self.begun, verdict)
    }
}

impl<J: Borrow<Message>> Sent<J> {
    /// Whether a command of its envelope was refused.
    pub fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// Takes the answer to a command of the envelope that was sent along with the content.
    pub fn envelope(&mut self, stage: Stage, reply: Reply, confused: bool) {
        if rule(stage, &reply) == Ruling::Proceed {
            self.recipient_taken |= stage == Stage::Rcpt;
        } else if self.refusal.is_none() {
            self.refusal = Some(Refusal {
                stage,
                reply,
                confused,
            });
        }
    }

    /// Its MAIL found the server in a transaction that was refused before.
    pub fn led_astray(&mut self) {
        self.astray = true;
    }

    /// Takes the answer to the end of the content. What the server took it took, whatever it said of MAIL before.
    ///
    /// # Errors
    /// It was led astray and not taken: it is where it was before.
    pub fn answered(self, reply: Reply, confused: bool) -> Result<Finished<J>, Open<J>> {
        let ruling = rule(Stage::EndOfData, &reply);
        let taken = self.recipient_taken && ruling == Ruling::Proceed;
        let verdict = match self.refusal {
            Some(refusal) if refusal.stage == Stage::Mail && taken => {
                Verdict::Settled(Outcome::Accepted(reply))
            }
            Some(_) if self.astray && ruling != Ruling::Proceed => {
                return Err(Open {
                    job: self.job,
                    begun: self.begun,
                    progress: Progress::Waiting,
                    addressees: self.addressees,
                    refusal: None,
                });
            }
            // Taken, for nobody: the answers are not in step.
            Some(_) if self.astray => Verdict::Settled(Outcome::InDoubt(Failure {
                stage: Stage::EndOfData,
                scope: Scope::Message,
                cause: Cause::Reply(reply),
            })),
            Some(refusal) => refusal.verdict(),
            None => {
                let stage = Stage::EndOfData;
                let refusal = Refusal {
                    stage,
                    reply,
                    confused,
                };
                refusal.verdict()
            }
        };
        Ok(Finished {
            left_out: self.addressees.left_out(),
            ..finish(self.job, self.begun, verdict)
        })
    }

    /// The connection is of no more use, and no answer came.
    pub fn lost(self, trouble: &Trouble) -> Finished<J> {
        let verdict = match self.refusal {
            // Without a recipient the server had nobody to take it for.
            Some(_) if !self.recipient_taken && self.astray => Verdict::Returned(trouble.clone()),
            Some(refusal) if !self.recipient_taken => refusal.verdict(),
            Some(_) | None => {
                let failure = Failure {
                    stage: Stage::EndOfData,
                    scope: Scope::Message,
                    cause: trouble.failure.cause.clone(),
                };
                Verdict::Settled(Outcome::InDoubt(failure))
            }
        };
        Finished {
            left_out: self.addressees.left_out(),
            ..finish(self.job, self.begun, verdict)
        }
    }

    /// The server said that it closes the connection before it came to this message: it cannot have taken it.
    pub fn passed_over(self, trouble: Trouble) -> Finished<J> {
        let verdict = match self.refusal {
            Some(refusal) if !self.astray => refusal.verdict(),
            Some(_) | None => Verdict::Returned(trouble),
        };
        finish(self.job, self.begun, verdict)
    }
}

fn finish<J>(job: J, begun: Instant, verdict: Verdict) -> Finished<J> {
    Finished {
        job,
        verdict,
        left_out: Vec::new(),
        took: begun.elapsed(),
    }
}

impl Refusal {
    /// What it makes of the message.
    fn verdict(self) -> Verdict {
        let Refusal {
            stage,
            reply,
            confused,
        } = self;
        let ruling = match rule(stage, &reply) {
            Ruling::Proceed => return Verdict::Settled(Outcome::Accepted(reply)),
            _ if confused => Ruling::Trouble(Scope::Session, Lasting::ForNow),
            ruling => ruling,
        };
        let failure = |scope| Failure {
            stage,
            scope,
            cause: Cause::Reply(reply),
        };
        match ruling {
            Ruling::Defer(scope) => Verdict::Settled(Outcome::Deferred(failure(scope))),
            Ruling::Fail(scope) => Verdict::Settled(Outcome::Failed(failure(scope))),
            Ruling::Trouble(scope, lasting) => {
                let failure = failure(scope);
                Verdict::Returned(Trouble { failure, lasting })
            }
            Ruling::Proceed | Ruling::Unclear => {
                Verdict::Settled(Outcome::InDoubt(failure(Scope::Message)))
            }
        }
    }
}
