//! The shared words: where in the dialogue something happened, whose trouble it is, and what became of a recipient.
//!
//! Plain values; every module may use them, and they know nothing of any module.

use std::fmt;

/// A place in the SMTP dialogue (RFC 5321 section 3), ordered as the dialogue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Building the message, before any server is involved.
    Compose,
    /// Name look-up and TCP connect.
    Connect,
    /// The server's 220.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// STARTTLS and the TLS handshake.
    StartTls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, answered by 354.
    Data,
    /// The content on its way; its end not yet sent.
    Body,
    /// The end of the content sent; its reply awaited.
    EndOfData,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Compose => "composing",
            Stage::Connect => "connecting",
            Stage::Greeting => "the greeting",
            Stage::Ehlo => "EHLO",
            Stage::StartTls => "STARTTLS",
            Stage::Auth => "AUTH",
            Stage::Mail => "MAIL FROM",
            Stage::Rcpt => "RCPT TO",
            Stage::Data => "DATA",
            Stage::Body => "sending the content",
            Stage::EndOfData => "the end of the content",
        })
    }
}

/// Whose trouble a failure is: what else it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// This recipient alone.
    Recipient,
    /// This message, whoever it is for.
    Message,
    /// This connection; another one may do.
    Session,
    /// The account or the server: every connection to it.
    Account,
}

/// An enhanced status code (RFC 3463): class, subject, detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Enhanced(pub u8, pub u16, pub u16);

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What a server really said (RFC 5321 section 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Three digits, 200 to 599.
    pub code: u16,
    /// The enhanced status code at the start of the text, when there was one.
    pub enhanced: Option<Enhanced>,
    /// The text of all lines joined by one space, the enhanced code taken off,
    /// control characters replaced, so that it is safe to print.
    pub text: String,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        if !self.text.is_empty() {
            write!(f, " {}", self.text)?;
        }
        Ok(())
    }
}

/// What a failure rests on. A code is only ever what a server really said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The server answered.
    Reply(Reply),
    /// The network or the operating system: the error's text.
    Io(String),
    /// mailrun itself decided, and says why.
    Local(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Reply(reply) => reply.fmt(f),
            Cause::Io(text) | Cause::Local(text) => f.write_str(text),
        }
    }
}

/// A failure on its two axes' first half: where it happened, whose it is, and what it rests on.
/// How long it lasts is said by the [`Outcome`] that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where in the dialogue.
    pub stage: Stage,
    /// What else it stops.
    pub scope: Scope,
    /// What it rests on.
    pub cause: Cause,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Reply(reply) if self.stage == Stage::Auth && reply.code >= 500 => write!(
                f,
                "the server refused the login with \"{reply}\"; see whether user name and password (or token) are right"
            ),
            Cause::Reply(reply) => write!(f, "the server answered {} with \"{reply}\"", self.stage),
            Cause::Io(text) => write!(f, "{text} at {}", self.stage),
            Cause::Local(text) => f.write_str(text),
        }
    }
}

/// Somebody in Cc or Bcc who was left out of a message that the others get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The address.
    pub to: String,
    /// What the server said to it, or why it was not asked.
    pub cause: Cause,
}

/// What became of one message that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server answered 2xx to the end of the content: it is responsible now.
    Accepted(Reply),
    /// Refused for now; a further attempt is due.
    Deferred(Failure),
    /// Refused for good.
    Failed(Failure),
    /// The end of the content was sent, and no answer came.
    InDoubt(Failure),
}

impl Outcome {
    /// Whether it is the row that cannot be sent, by this server at least, though nothing was said of it to the server.
    /// The next `send` judges the row anew.
    pub fn is_invalid(&self) -> bool {
        matches!(self, Outcome::Failed(failure) if failure.stage == Stage::Compose)
    }
}
