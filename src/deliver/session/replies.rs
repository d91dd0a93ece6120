//! Replies, each taken for the command that it answers.

use std::borrow::Borrow;
use std::io;
use std::time::Instant;

use super::flight::{Flight, Progress};
use super::{Due, Finished, Manner, Misbehaviour, Session, Trouble, Verdict};
use crate::deliver::reply::{Lasting, Ruling, hangs_up, out_of_step, rule};
use crate::deliver::transport::Transport;
use crate::deliver::wire::timed_out;
use crate::message::Message;
use crate::outcome::{Cause, Failure, Outcome, Reply, Scope, Stage};

impl<J: Borrow<Message>, T: Transport> Session<J, T> {
    /// Takes the replies that have arrived; waits for none.
    pub fn read(&mut self) {
        if self.broken {
            return;
        }
        match self.wire.fill() {
            Err(error) => self.ended(&error),
            Ok(_) => self.take_all(),
        }
        self.end_if_done();
        if !self.broken && !self.due.is_empty() {
            self.wire.acknowledge();
        }
    }

    /// The deadline passed. What has arrived meanwhile counts.
    pub fn expire(&mut self) {
        let since = self.since;
        self.read();
        if self.since != since {
            return;
        }
        if let Some(patience) = self.patience() {
            self.ended(&timed_out(patience));
        }
    }

    /// Takes what has arrived, and what the socket does not tell of because it is read already.
    pub(super) fn take_all(&mut self) {
        self.take_arrived();
        while !self.broken && self.wire.has_more() {
            match self.wire.fill() {
                Err(error) => self.ended(&error),
                Ok(_) => self.take_arrived(),
            }
        }
    }

    /// Nothing more comes from the server, or nothing more is waited for.
    fn ended(&mut self, error: &io::Error) {
        let stage = match self.due.front() {
            Some(due) => due.stage,
            None if self.group.is_empty() => Stage::Mail,
            None => Stage::Body,
        };
        let trouble = self.failing.take();
        let trouble = trouble.unwrap_or_else(|| Trouble::io(stage, error));
        // It may have said why before.
        self.give_up_group();
        self.take_arrived();
        if !self.broken {
            self.lose(trouble);
        }
    }

    /// The connection is of no more use: everything in flight is given back, or is in doubt.
    pub(super) fn lose(&mut self, trouble: Trouble) {
        self.broken = true;
        let lost = self.leaving.as_ref().unwrap_or(&trouble);
        if let Some(tap) = self.wire.tap() {
            tap.event(&format!("lost: {}", lost.failure));
        }
        self.lost = Some(lost.clone());
        if self.manner != Manner::Sequential
            && self.submitted > 0
            && self.judged == 0
            && self.leaving.is_none()
        {
            self.misbehaved.get_or_insert(Misbehaviour::Lost);
        }
        for flight in std::mem::take(&mut self.flights) {
            let finished = match (flight, &self.leaving) {
                (Flight::Open(open), leaving) => {
                    open.lost(leaving.as_ref().unwrap_or(&trouble).clone())
                }
                (Flight::Sent(sent), Some(leaving)) => sent.passed_over(leaving.clone()),
                (Flight::Sent(sent), None) => sent.lost(&trouble),
            };
            self.finished.push(self.weighed(finished));
        }
        self.due.clear();
    }

    pub(super) fn take_arrived(&mut self) {
        while !self.broken && self.reads() {
            match self.wire.arrived() {
                Ok(None) => return,
                Ok(Some(reply)) if self.due.is_empty() => return self.surplus(reply),
                Ok(Some(reply)) => self.take(reply),
                Err(error) => {
                    let stage = self.due.front().map_or(Stage::EndOfData, |due| due.stage);
                    return self.lose(Trouble::io(stage, &error));
                }
            }
        }
    }

    /// A reply that nothing was asked for. 421 may come at any time; anything else means that the replies before it
    /// may have been taken for the wrong commands, the last one above all.
    fn surplus(&mut self, reply: Reply) {
        if hangs_up(&reply) {
            self.leave(Stage::Mail, reply);
        } else if let Some(Finished { verdict, .. }) = self.finished.last_mut()
            && matches!(verdict, Verdict::Settled(Outcome::Accepted(_)))
        {
            let cause = Cause::Local(format!(
                "the server answered more often than it was asked, at last \"{reply}\""
            ));
            let failure = Failure {
                stage: Stage::EndOfData,
                scope: Scope::Message,
                cause,
            };
            *verdict = Verdict::Settled(Outcome::InDoubt(failure));
        }
        let cause = Cause::Local("the server answered more often than it was asked".to_owned());
        let failure = Failure {
            stage: Stage::Mail,
            scope: Scope::Session,
            cause,
        };
        self.lose(Trouble {
            failure,
            lasting: Lasting::ForNow,
        });
    }

    fn leave(&mut self, stage: Stage, reply: Reply) {
        // Whatever it refuses with it: the connection is lost for what it names, a limit perhaps.
        let (scope, lasting) = match rule(stage, &reply) {
            Ruling::Trouble(scope, lasting) => (scope, lasting),
            Ruling::Proceed | Ruling::Defer(_) | Ruling::Fail(_) | Ruling::Unclear => {
                (Scope::Session, Lasting::ForNow)
            }
        };
        let failure = Failure {
            stage,
            scope,
            cause: Cause::Reply(reply),
        };
        self.closing = true;
        self.leaving.get_or_insert(Trouble { failure, lasting });
    }

    fn take(&mut self, reply: Reply) {
        let Some(Due { stage, reset }) = self.due.pop_front() else {
            return;
        };
        self.since = Instant::now();
        if hangs_up(&reply) {
            self.leave(stage, reply.clone());
        }
        if reset {
            (self.reset_first, self.reset_alone) = (false, false);
            self.refused_open = false;
            self.closing |= rule(Stage::Mail, &reply) != Ruling::Proceed;
            return;
        }
        let confused = self.is_confused(&reply);
        match self.flights.front_mut() {
            Some(Flight::Open(_)) => self.take_open(stage, reply, confused),
            Some(Flight::Sent(_)) if stage == Stage::EndOfData => self.take_end(reply, confused),
            Some(Flight::Sent(sent)) => {
                if stage == Stage::Mail && reply.code == 503 && self.refused_open {
                    sent.led_astray();
                }
                sent.envelope(stage, reply, confused);
            }
            None => {}
        }
    }

    /// The answer to the end of a content.
    fn take_end(&mut self, reply: Reply, confused: bool) {
        let Some(Flight::Sent(sent)) = self.next_flight() else {
            return;
        };
        let taken = rule(Stage::EndOfData, &reply) == Ruling::Proceed;
        if self.manner == Manner::Chunked {
            // Some servers end a transaction whose last chunk they refuse, others wait for RSET.
            self.reset_first |= !taken;
            self.refused_open = !taken;
        }
        match sent.answered(reply, confused) {
            Ok(finished) => self.finish(finished),
            Err(open) => {
                self.reset_always = true;
                self.flights.push_back(Flight::Open(open));
            }
        }
    }

    /// The answer to a command of an envelope whose content has not left, or to an empty content.
    fn take_open(&mut self, stage: Stage, reply: Reply, confused: bool) {
        let proceed = rule(stage, &reply) == Ruling::Proceed;
        let Some(Flight::Open(open)) = self.flights.front_mut() else {
            return;
        };
        open.take(stage, reply, confused);
        let sequential = self.manner == Manner::Sequential;
        match (stage, open.refusal.is_some()) {
            (Stage::Mail, false) if sequential => open.progress = Progress::Next(Stage::Rcpt),
            (Stage::Rcpt, false) if sequential => {
                let next = match open.addressees.are_due() {
                    true => Stage::Rcpt,
                    false => Stage::Data,
                };
                open.progress = Progress::Next(next);
            }
            (Stage::Mail | Stage::Rcpt, true) if sequential => {
                self.reset_first |= stage == Stage::Rcpt;
                self.finish_refused();
            }
            // The end of an envelope that was sent alone: that of a message to several, or the first of a chunked session.
            (Stage::Rcpt, refused) if self.due.is_empty() => {
                let chunked = self.manner == Manner::Chunked;
                self.trusted |= chunked;
                if refused {
                    self.reset_first = true;
                    self.finish_refused();
                } else if chunked {
                    open.progress = Progress::Ready;
                } else {
                    open.progress = Progress::Next(Stage::Data);
                }
            }
            (Stage::Data, false) => open.progress = Progress::Ready,
            // 354 for nobody: RFC 2920 section 3.1 has the client send an empty message then.
            (Stage::Data, true) if proceed => open.progress = Progress::Void,
            (Stage::Data, true) => {
                self.reset_first = true;
                self.finish_refused();
            }
            (Stage::EndOfData, _) => self.finish_refused(),
            (_, _) => {}
        }
    }

    fn finish_refused(&mut self) {
        let Some(Flight::Open(open)) = self.next_flight() else {
            return;
        };
        self.reset_alone |= open.addressees.are_several();
        match open.refused() {
            Ok(finished) => self.finish(finished),
            // Taken, says the server, of a content that was cut short: it was not, and goes back when the line is lost.
            Err(open) => {
                self.first -= 1;
                self.flights.push_front(Flight::Open(open));
            }
        }
    }

    fn next_flight(&mut self) -> Option<Flight<J>> {
        let flight = self.flights.pop_front()?;
        self.first += 1;
        Some(flight)
    }

    fn finish(&mut self, finished: Finished<J>) {
        let finished = self.weighed(finished);
        match &finished.verdict {
            Verdict::Settled(_) => self.judged += 1,
            Verdict::Returned(_) => self.closing = true,
        }
        self.finished.push(finished);
    }

    /// A server that offers more than it can do says that it did not expect the command, or does not know it. After
    /// a command that was refused it says so with reason.
    fn is_confused(&mut self, reply: &Reply) -> bool {
        let refused = match self.flights.front() {
            Some(Flight::Open(open)) => open.refusal.is_some(),
            Some(Flight::Sent(sent)) => sent.is_refused(),
            None => false,
        };
        if !out_of_step(reply) || refused || self.refused_open || self.manner == Manner::Sequential
        {
            return false;
        }
        self.misbehaved = Some(Misbehaviour::Confused);
        true
    }

    /// When nothing is due and nothing new is to be begun, what waits is given back.
    pub(super) fn end_if_done(&mut self) {
        if self.broken || !self.due.is_empty() || !self.group.is_empty() {
            return;
        }
        if let Some(trouble) = self.failing.take() {
            return self.lose(trouble);
        }
        if let Some(trouble) = self.leaving.clone() {
            return self.lose(trouble);
        }
        let content_due = self.flights.iter().any(|flight| match flight {
            Flight::Open(open) => matches!(open.progress, Progress::Ready | Progress::Void),
            Flight::Sent(_) => false,
        });
        if self.closing && !content_due {
            let cause = Cause::Local("the server had trouble with the message before".to_owned());
            let failure = Failure {
                stage: Stage::Mail,
                scope: Scope::Session,
                cause,
            };
            for flight in self.flights.drain(..) {
                if let Flight::Open(open) = flight {
                    let trouble = Trouble {
                        failure: failure.clone(),
                        lasting: Lasting::ForNow,
                    };
                    self.finished.push(open.lost(trouble));
                }
            }
        }
    }
}
