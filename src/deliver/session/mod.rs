//! One SMTP connection (RFC 5321): opened, used for many messages, closed with QUIT.
//!
//! A message is handed over with [`Session::submit`]; [`Session::prepare`] lays what may be said, [`Session::write`]
//! says it, [`Session::read`] takes what was answered, [`Session::finished`] gives the messages that are done with.
//! None of them waits: whoever drives the session waits for its socket, as [`Session::reads`], [`Session::writes`]
//! and [`Session::deadline`] tell. Opening and closing it do wait. How much is in flight depends on the [`Manner`]:
//!
//! | manner | a message costs | in flight |
//! | --- | --- | --- |
//! | sequential | a round trip a command | one |
//! | pipelined (RFC 2920) | one round trip: the end of one message and the next one's MAIL, RCPT, DATA are one write | two |
//! | chunked (RFC 3030) | a part of one: whole transactions follow each other, RSET between them | `window` |
//!
//! A message to several recipients (Cc, Bcc) costs a round trip more, in all manners: its content waits until its whole
//! envelope is answered, since without its main recipient nobody is to get it, and a server takes it for those it accepted.
//!
//! Every command that is sent leaves an entry in a queue, every reply takes the first one off: that is all the
//! matching there is, in all manners. Must not know the ledger, the campaign, retries or printing: what happened is
//! returned, and what to make of it is the courier's matter.

mod addressees;
mod content;
mod flight;
mod greet;
mod group;
mod manner;
mod open;
mod replies;
#[cfg(test)]
mod tests;
mod unfit;

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

pub use manner::{Manner, Misbehaviour};

use self::flight::{Flight, Open};
use self::group::Group;
use super::line::Line;
use super::offers::Offers;
use super::reply::Lasting;
use super::transport::Transport;
use super::wire::Wire;
use crate::message::Message;
use crate::outcome::{Cause, Failure, LeftOut, Outcome, Scope, Stage};
use crate::wording::count;

/// The reply to the end of a message may take this many times as long as others (RFC 5321 4.5.3.2.6).
const END_OF_DATA_TIMES: u32 = 10;
/// A server that does not answer QUIT is not waited for: nothing depends on it.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long it is waited for that the server, which is to close first (RFC 5321 4.1.1.10), does so.
const PARTING: Duration = Duration::from_millis(200);
/// After a failed write, what the server said before is waited for this long.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What became of a message that was handed to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was judged, or its end was sent.
    Settled(Outcome),
    /// It is where it was before: another connection, or a later moment, may take it.
    Returned(Trouble),
}

/// Why a session or an account is of no use now; no recipient's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What happened; the scope is `Session` or `Account`.
    pub failure: Failure,
    /// How long it lasts.
    pub lasting: Lasting,
}

/// A message that left the session.
#[derive(Debug)]
pub struct Finished<J> {
    /// What was handed over.
    pub job: J,
    /// What became of it.
    pub verdict: Verdict,
    /// Who of its Cc and Bcc does not get it, if it was sent.
    pub left_out: Vec<LeftOut>,
    /// Since it was handed over.
    pub took: Duration,
}

/// How a session may be used.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// For each reply; the one to the end of a message has ten times as long.
    pub timeout: Duration,
    /// The simplest manner that has to be used; [`Manner::Chunked`] for whatever the server offers.
    pub manner: Manner,
    /// The best manner in which the server is known to judge messages. In a better one, the first message's content
    /// waits until its envelope is answered: a server that chokes on groups chokes before anything can be in doubt.
    pub proven: Option<Manner>,
    /// Messages in flight where the manner is chunked.
    pub window: usize,
    /// Messages in all.
    pub messages: u32,
}

/// A command that was sent, whose reply is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    stage: Stage,
    /// RSET concerns no message.
    reset: bool,
}

/// An open connection.
#[derive(Debug)]
pub struct Session<J, T = Line> {
    wire: Wire<T>,
    terms: Terms,
    offers: Offers,
    manner: Manner,
    /// In the order in which they were handed over. Those finished leave at the front.
    flights: VecDeque<Flight<J>>,
    /// The number of the first flight; the others follow.
    first: u64,
    /// What is being written.
    group: Group,
    /// In the order in which the replies come. The first entry that is no reset concerns the first flight; after
    /// each `EndOfData`, the next flight's begin.
    due: VecDeque<Due>,
    finished: Vec<Finished<J>>,
    submitted: u32,
    judged: u32,
    /// Contents go with their envelopes.
    trusted: bool,
    /// The server has begun a transaction that nobody wants: RSET comes before the next MAIL.
    reset_first: bool,
    /// That transaction has recipients: RSET is to be answered before anything else is said, lest they get what is not theirs.
    reset_alone: bool,
    /// As far as the replies tell, the server is still in a transaction that it refused.
    refused_open: bool,
    /// It does not end refused transactions on its own: RSET comes before each MAIL.
    reset_always: bool,
    /// A content could be laid, and may not leave yet.
    held: bool,
    /// Nothing new is begun; what is in flight is finished.
    closing: bool,
    /// The server said that it hangs up: what it has not answered it has not taken.
    leaving: Option<Trouble>,
    /// Nothing can be written any more; what the server said before is read.
    failing: Option<Trouble>,
    broken: bool,
    /// Why it is broken.
    lost: Option<Trouble>,
    misbehaved: Option<Misbehaviour>,
    /// What this server cannot take another one may.
    one_of_several: bool,
    /// What connecting took.
    round_trip: Duration,
    /// When the server last did what was waited for.
    since: Instant,
}

impl<J: Borrow<Message>, T: Transport> Session<J, T> {
    /// The manner in which it is driven.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// What the server offers.
    pub fn offers(&self) -> &Offers {
        &self.offers
    }

    /// A round trip to the server, as far as connecting showed it.
    pub fn round_trip(&self) -> Duration {
        self.round_trip
    }

    /// How many more messages can be handed over now.
    pub fn room(&self) -> usize {
        if !self.takes_more() {
            return 0;
        }
        let left = self.terms.messages.saturating_sub(self.submitted) as usize;
        let most = match self.manner {
            Manner::Sequential => 1,
            Manner::Pipelined => 2,
            // The first one's content waits for its envelope: what came behind it would leave all at once.
            Manner::Chunked if !self.trusted => 1,
            Manner::Chunked => self.terms.window,
        };
        most.saturating_sub(self.flights.len()).min(left)
    }

    /// Messages handed over and not given back.
    pub fn in_flight(&self) -> usize {
        self.flights.len() + self.finished.len()
    }

    /// Whether more messages can be handed over, now or once others are finished.
    pub fn is_usable(&self) -> bool {
        self.takes_more() && self.submitted < self.terms.messages
    }

    fn takes_more(&self) -> bool {
        !self.closing && !self.broken && self.failing.is_none()
    }

    /// How the server failed to do what it offers, if it did: the next connection is to be driven more simply.
    pub fn misbehaved(&self) -> Option<Misbehaviour> {
        self.misbehaved
    }

    /// Hands over a message; nothing is sent yet. Only as many as there is [`Session::room`] for.
    pub fn submit(&mut self, job: J) {
        debug_assert!(self.room() > 0);
        self.submitted += 1;
        let open = Open::new(job, self.offers.limits.rcptmax);
        match self.unfit(open.job.borrow()) {
            Some(verdict) => {
                self.closing |= matches!(verdict, Verdict::Returned(_));
                self.finished.push(open.unsaid(verdict));
            }
            None => self.flights.push_back(Flight::Open(open)),
        }
    }

    /// Has the next content wait until its envelope is answered, as the first one does: connections were lost at its
    /// message, and what has not left cannot be in doubt. To be called when nothing is in flight.
    pub fn mistrust(&mut self) {
        self.trusted = false;
    }

    /// The messages that are done with, since the last call.
    pub fn finished(&mut self) -> Vec<Finished<J>> {
        std::mem::take(&mut self.finished)
    }

    /// Whether there is something to do without waiting: to give, or to say.
    pub fn has_news(&self) -> bool {
        let idle = self.due.is_empty() && self.group.is_empty();
        !self.finished.is_empty() || (idle && !self.held && !self.flights.is_empty())
    }

    /// Whether a message was ever handed over.
    pub fn was_used(&self) -> bool {
        self.submitted > 0
    }

    /// How many messages the server judged.
    pub fn judged(&self) -> u32 {
        self.judged
    }

    /// Why the connection is lost, if it is.
    pub fn lost(&self) -> Option<&Trouble> {
        self.lost.as_ref()
    }

    /// Whether bytes of the server are of interest now.
    pub fn reads(&self) -> bool {
        // What is not wholly said is not answered yet: what comes all the same is taken when it is.
        !self.broken && (self.group.is_empty() || !self.due.is_empty())
    }

    /// Whether bytes wait for room on the line: those that are not handed over, or that the way itself holds back.
    pub fn writes(&self) -> bool {
        let open = !self.broken && self.failing.is_none();
        open && (!self.group.is_empty() || self.wire.holds())
    }

    /// When [`Session::expire`] is to be called, unless the server does what is waited for before.
    pub fn deadline(&self) -> Option<Instant> {
        self.patience().map(|patience| self.since + patience)
    }

    fn patience(&self) -> Option<Duration> {
        let timeout = self.terms.timeout;
        if self.broken || (self.due.is_empty() && self.group.is_empty()) {
            return None;
        }
        if self.failing.is_some() {
            return Some(LAST_WORDS.min(timeout));
        }
        Some(match (&self.leaving, self.due.front()) {
            (Some(_), _) => timeout.min(QUIT_TIMEOUT),
            (None, Some(due)) if due.stage == Stage::EndOfData => timeout * END_OF_DATA_TIMES,
            (None, Some(_) | None) => timeout,
        })
    }

    /// Closes the connection at once; gives what was in flight.
    pub fn abandon(mut self) -> Vec<Finished<J>> {
        self.tell("given up");
        let cause = Cause::Local("the connection was given up".to_owned());
        let failure = Failure {
            stage: Stage::Mail,
            scope: Scope::Session,
            cause,
        };
        self.lose(Trouble {
            failure,
            lasting: Lasting::ForNow,
        });
        self.finished
    }

    /// Says QUIT, when nothing is in flight, and closes the connection.
    pub fn quit(mut self) {
        if self.broken || !self.flights.is_empty() {
            return;
        }
        let timeout = self.terms.timeout.min(QUIT_TIMEOUT);
        if self.wire.say("QUIT\r\n", timeout).is_ok() && self.wire.read_reply(timeout).is_ok() {
            // A server counts a connection until it has closed it: the next one could be one too many.
            let _ = self.wire.read_reply(timeout.min(PARTING));
        }
        self.wire.close();
        self.tell("closed");
    }

    /// Puts the end of the connection into the trace.
    fn tell(&self, end: &str) {
        if let Some(tap) = self.wire.tap() {
            let messages = count(u64::from(self.submitted), "message");
            tap.event(&format!("{end} after {messages}"));
        }
    }
}

impl<J> Session<J, Line> {
    /// What TLS was agreed, for people; `None` in clear.
    pub fn security(&self) -> Option<String> {
        match self.wire.transport() {
            Line::Clear(_) => None,
            Line::Tls(tls) => Some(tls.agreed()),
        }
    }
}

impl<J, T: AsFd + Transport> AsFd for Session<J, T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.transport().as_fd()
    }
}

impl Trouble {
    /// What the system said at a stage.
    pub(super) fn io(stage: Stage, error: &std::io::Error) -> Self {
        let cause = Cause::Io(error.to_string());
        Trouble {
            failure: Failure {
                stage,
                scope: Scope::Session,
                cause,
            },
            lasting: Lasting::ForNow,
        }
    }

    /// The server, or how it is to be used, is such that only a person can mend it.
    pub(super) fn for_good(stage: Stage, text: String) -> Self {
        Trouble {
            failure: Failure {
                stage,
                scope: Scope::Account,
                cause: Cause::Local(text),
            },
            lasting: Lasting::ForGood,
        }
    }
}
