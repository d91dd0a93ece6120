//! One line of the ledger: a JSON object, ended by a line feed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::outcome::{Cause, Failure, LeftOut, Outcome, Reply};

/// The format that this version writes.
pub const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub mailrun_ledger: u32,
    /// The run's name.
    pub run: String,
    /// The campaign's name.
    pub campaign: String,
    /// When the run was first begun (RFC 3339, UTC).
    pub time: String,
    /// Fingerprints of the campaign's content, by part.
    pub content: BTreeMap<String, String>,
}

/// What an [`Event`] line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A process began to send.
    Begun,
    /// It ended on its own.
    Ended,
}

/// A line about the run, not about a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Which.
    pub event: EventKind,
    /// RFC 3339, UTC.
    pub time: String,
    /// `begun`: the boot id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// `begun`: fingerprints of the content as it is now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub content: BTreeMap<String, String>,
    /// `ended`: why it stopped before its work was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// Who says what a line says, where it is not mailrun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Somebody who looked the message up in the server's log.
    Person,
}

/// What a line says of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// About to be mailed; durable before the message can leave.
    Claimed,
    /// The content is about to leave.
    Sending,
    /// Handed back before the end of its content was sent; by a person: it was in doubt, and the server never had it.
    Released,
    /// 2xx to the end of the content.
    Accepted,
    /// Refused for now.
    Deferred,
    /// Refused for good.
    Failed,
    /// The end of the content was sent, no answer came.
    InDoubt,
    /// The row could not be made into a message; with an attempt: into none that the server takes.
    Invalid,
}

/// A line about a recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// RFC 3339, UTC, milliseconds.
    #[serde(borrow)]
    pub time: Cow<'a, str>,
    /// The recipient's key.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// The recipient's row at that time, 1-based.
    pub row: u64,
    /// What happened.
    pub state: State,
    /// Which attempt, from 1; 0 for rows that were never begun.
    #[serde(default)]
    pub attempt: u16,
    /// `host:port`.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub server: Option<Cow<'a, str>>,
    /// Without angle brackets.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Cow<'a, str>>,
    /// The SMTP code, only when a server said one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The enhanced status code (RFC 3463).
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub enhanced: Option<Cow<'a, str>>,
    /// The reply's text.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Cow<'a, str>>,
    /// Why, where no server said it.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// The list's column at fault.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub column: Option<Cow<'a, str>>,
    /// Who of Cc and Bcc the server refused, so that all but they have the message.
    #[serde(default, borrow, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused<'a>>,
    /// `accepted` and `released`: who says so, where a person settled what was in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// From the first command of the transaction to its outcome, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
}

/// Somebody in Cc or Bcc who was left out of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused<'a> {
    /// The address.
    #[serde(borrow)]
    pub to: Cow<'a, str>,
    /// The SMTP code, only when the server said one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The enhanced status code (RFC 3463).
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub enhanced: Option<Cow<'a, str>>,
    /// The reply's text.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Cow<'a, str>>,
    /// Why, where no server said it.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
}

impl<'a> Entry<'a> {
    /// An entry with the columns that all have.
    pub fn new(time: &'a str, key: &'a str, row: u64, state: State, attempt: u16) -> Self {
        Entry {
            time: time.into(),
            key: key.into(),
            row,
            state,
            attempt,
            server: None,
            message_id: None,
            code: None,
            enhanced: None,
            reply: None,
            reason: None,
            column: None,
            refused: Vec::new(),
            by: None,
            ms: None,
        }
    }

    /// With what the outcome says.
    pub fn with_outcome(self, outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Accepted(reply) => self.with_reply(reply),
            Outcome::Deferred(failure) | Outcome::Failed(failure) | Outcome::InDoubt(failure) => {
                self.with_failure(failure)
            }
        }
    }

    /// With what the failure rests on: a reply's code and text, or a reason.
    pub fn with_failure(mut self, failure: &'a Failure) -> Self {
        match &failure.cause {
            Cause::Reply(reply) => self.with_reply(reply),
            Cause::Io(_) => {
                self.reason = Some(failure.to_string().into());
                self
            }
            Cause::Local(text) => {
                self.reason = Some(text.into());
                self
            }
        }
    }

    fn with_reply(mut self, reply: &'a Reply) -> Self {
        self.code = Some(reply.code);
        self.enhanced = reply.enhanced.map(|enhanced| enhanced.to_string().into());
        self.reply = Some((&reply.text).into());
        self
    }
}

impl<'a> From<&'a LeftOut> for Refused<'a> {
    fn from(left_out: &'a LeftOut) -> Refused<'a> {
        let mut refused = Refused {
            to: (&left_out.to).into(),
            code: None,
            enhanced: None,
            reply: None,
            reason: None,
        };
        match &left_out.cause {
            Cause::Reply(reply) => {
                refused.code = Some(reply.code);
                refused.enhanced = reply.enhanced.map(|enhanced| enhanced.to_string().into());
                refused.reply = Some((&reply.text).into());
            }
            Cause::Io(text) | Cause::Local(text) => refused.reason = Some(text.into()),
        }
        refused
    }
}

impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not to {}:", self.to)?;
        if let Some(code) = self.code {
            write!(f, " {code}")?;
        }
        let texts = [&self.enhanced, &self.reply, &self.reason];
        let mut texts = texts.into_iter().flatten();
        texts.try_for_each(|text| write!(f, " {text}"))
    }
}

impl From<&Outcome> for State {
    fn from(outcome: &Outcome) -> State {
        match outcome {
            Outcome::Accepted(_) => State::Accepted,
            Outcome::Deferred(_) => State::Deferred,
            Outcome::Failed(_) if outcome.is_invalid() => State::Invalid,
            Outcome::Failed(_) => State::Failed,
            Outcome::InDoubt(_) => State::InDoubt,
        }
    }
}

/// Appends `line` as JSON and a line feed to `buffer`.
pub fn write_line(buffer: &mut Vec<u8>, line: &impl Serialize) {
    // A struct of strings and numbers always serialises, and a Vec always takes it.
    if serde_json::to_writer(&mut *buffer, line).is_ok() {
        buffer.push(b'\n');
    }
}

/// The present moment as the ledger writes it: RFC 3339, UTC, milliseconds.
pub fn timestamp() -> String {
    let now = jiff::Timestamp::now();
    let whole = jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    format!("{whole:.3}")
}
