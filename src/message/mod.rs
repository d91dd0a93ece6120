//! Rendered texts in, a message as it goes over the wire out.
//!
//! Owns the header fields, MIME (RFC 5322, 2045, 2047) and what identifies a message. Pure: no I/O, no clock, no SMTP.

use std::sync::Arc;

use lettre::Address;

mod address;
mod builder;
mod canonical;
mod copies;
pub mod dkim;
mod error;
pub mod file_name;
mod header;
mod identity;
mod list;
pub mod media_type;
mod mime;
pub mod part;
mod quoted_printable;
mod structure;
#[cfg(test)]
mod tests;
mod text;
pub mod token;

pub use builder::Builder;
pub use error::{BuilderError, Refusal};
pub use part::Image;
pub use text::{Fixed, Stock, Text};

/// A message ready to be submitted, and whom it is for.
#[derive(Debug, Clone)]
pub struct Message {
    /// The recipient's key.
    pub key: String,
    /// The recipient's row, 1-based.
    pub row: u64,
    /// Envelope sender (RFC 5321 reverse-path).
    pub envelope_from: Address,
    /// The main envelope recipient (RFC 5321 forward-path): the list's. Refused, nobody gets the message.
    pub envelope_to: Address,
    /// The others, of Cc and Bcc; none is there twice.
    pub also_to: Vec<Address>,
    /// Who would be among them, or in the header alone, and is on a suppress list.
    pub left_out: Vec<Address>,
    /// Whose address is not ASCII before the @, in the envelope or in a header field: only a server with SMTPUTF8
    /// (RFC 6531) can take the message then.
    pub beyond_ascii: Option<Whose>,
    /// The Message-ID without its angle brackets.
    pub message_id: String,
    /// The content in order: lines ended by CRLF, the last one too; not dot-stuffed.
    pub content: Vec<Part>,
}

/// Whose an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The campaign's sender, so that all of its messages have it.
    Sender,
    /// The main recipient.
    Recipient,
    /// Somebody else whom the message names.
    Other,
}

/// A run of content bytes.
#[derive(Debug, Clone)]
pub enum Part {
    /// Made for this message.
    Own(Vec<u8>),
    /// The same in many messages, held once.
    Shared(Arc<Shared>),
}

/// Content that many messages have in common, with what sending it needs to know, found out once.
#[derive(Debug)]
pub struct Shared {
    bytes: Box<[u8]>,
    dots: Box<[usize]>,
    /// Whether all messages of a campaign have it, or some.
    by_all: bool,
}

impl Part {
    /// The bytes, as they are in the message.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Part::Own(bytes) => bytes,
            Part::Shared(shared) => &shared.bytes,
        }
    }
}

impl Shared {
    /// Content that all messages of a campaign share, or may: it is there as long as they are made.
    pub fn new(bytes: Vec<u8>) -> Arc<Self> {
        Shared::of(bytes, true)
    }

    /// Content that some of them share, which may be there for one message alone.
    pub fn by_some(bytes: Vec<u8>) -> Arc<Self> {
        Shared::of(bytes, false)
    }

    /// What a message that has it adds to the memory in use, in bytes; never less than it is.
    pub fn weight(&self) -> usize {
        if self.by_all { 0 } else { self.bytes.len() }
    }

    fn of(bytes: Vec<u8>, by_all: bool) -> Arc<Self> {
        let dots = memchr::memmem::find_iter(&bytes, b"\n.")
            .map(|at| at + 1)
            .collect();
        Arc::new(Shared {
            bytes: bytes.into_boxed_slice(),
            dots,
            by_all,
        })
    }

    /// Where dots stand that begin a line of it, its first line apart: DATA doubles them (RFC 5321 section 4.5.2).
    pub fn dots(&self) -> &[usize] {
        &self.dots
    }
}

/// What goes with a message beside its texts: parts with their header fields, lines ended by CRLF.
#[derive(Debug, Default)]
pub struct Enclosed {
    /// What the HTML shows, by Content-ID.
    pub inline: Vec<Part>,
    /// Attachments.
    pub attached: Vec<Part>,
}

/// What is derived from campaign, run and key alone, so that a message sent again is the same message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// 26 characters of lower-case letters and digits: `{{send_id}}`.
    pub send_id: String,
    /// `send_id@domain-of-from`: `{{message_id}}`, and the Message-ID header within angle brackets.
    pub message_id: String,
}
