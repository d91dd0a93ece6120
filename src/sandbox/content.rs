//! DATA and BDAT, and the end of the content (RFC 5321 section 4.1.1.4, RFC 3030 section 2).

use std::io::Write;
use std::time::Duration;

use super::Stored;
use super::behaviour::Behaviour;
use super::command::chunk;
use super::session::{End, Fault, Session};
use crate::outcome::Stage;

/// How far the content of a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Body {
    #[default]
    NotBegun,
    /// Chunks were taken, the last one not yet.
    Begun,
    /// A chunk was refused: nothing but RSET or the last chunk ends this (RFC 3030 section 2).
    Refused,
}

/// The content received until now.
#[derive(Debug)]
pub(super) struct Content {
    octets: Vec<u8>,
    size: u64,
    limit: Option<u64>,
    kept: bool,
}

impl Content {
    pub(super) fn new(kept: bool, limit: Option<u64>) -> Content {
        Content {
            octets: Vec::new(),
            size: 0,
            limit,
            kept,
        }
    }

    pub(super) fn clear(&mut self) {
        self.octets.clear();
        self.size = 0;
    }

    fn take(&mut self, octets: &[u8]) {
        self.size += octets.len() as u64;
        if self.kept && !self.too_big() {
            self.octets.extend_from_slice(octets);
        }
    }

    fn too_big(&self) -> bool {
        self.limit.is_some_and(|limit| self.size > limit)
    }
}

const TOO_BIG: Fault = Fault(552, "5.3.4", "the message is too big");

impl Session<'_> {
    pub(super) fn data(&mut self, argument: &[u8]) -> Result<(), End> {
        if let Err(fault) = self.ready(argument.is_empty()) {
            self.fault(fault);
            return Ok(());
        }
        match self.asked(Stage::Data) {
            Some(Behaviour::RefuseData(refusal)) => return self.refuse(refusal, Stage::Data),
            Some(_) => return Err(End::Parting),
            None => {}
        }
        self.reply(354, "", "go on, and end with CRLF.CRLF");
        let in_body = self.asked(Stage::Body);
        let mut line_start = true;
        self.fill()?;
        self.misbehave_in_body(in_body)?;
        while !self
            .input
            .content(&mut line_start, |octets| self.content.take(octets))
        {
            self.fill()?;
        }
        self.forbid_haste()?;
        self.finish()
    }

    /// Whether DATA is in order here.
    fn ready(&self, alone: bool) -> Result<(), Fault> {
        let transaction =
            self.transaction
                .as_ref()
                .ok_or(Fault(503, "5.5.1", "send MAIL first"))?;
        if !alone {
            return Err(Fault(501, "5.5.4", "DATA takes no parameters"));
        }
        if transaction.body != Body::NotBegun {
            return Err(Fault(503, "5.5.1", "after BDAT there is no DATA"));
        }
        if transaction.to.is_empty() {
            return Err(Fault(554, "5.5.1", "no valid recipients"));
        }
        Ok(())
    }

    pub(super) fn bdat(&mut self, argument: &[u8]) -> Result<(), End> {
        let Some((size, last)) = chunk(argument) else {
            // How many octets follow is not known, so that no command can be found after them.
            return self.hang_up(Fault(501, "5.5.4", "the form is BDAT octets [LAST]"));
        };
        let ready = self.ready_for_chunk();
        let in_body = if ready.is_ok() && size > 0 {
            self.asked(Stage::Body)
        } else {
            None
        };
        let mut left = size;
        while left > 0 {
            if self.input.is_empty() {
                self.fill()?;
            }
            self.misbehave_in_body(in_body)?;
            left -= self.input.chunk(left, |octets| {
                if ready.is_ok() {
                    self.content.take(octets);
                }
            });
        }
        self.forbid_haste()?;
        if let Err(fault) = ready {
            self.fault(fault);
            self.refuse_chunk(last && !self.state.options.refused_bdat_stays);
            return Ok(());
        }
        if self.begins() {
            match self.asked(Stage::Data) {
                Some(Behaviour::RefuseData(refusal)) => {
                    self.refuse_chunk(last);
                    return self.refuse(refusal, Stage::Data);
                }
                Some(_) => return Err(End::Parting),
                None => {}
            }
        }
        if last {
            return self.finish();
        }
        if self.content.too_big() {
            self.fault(TOO_BIG);
            self.refuse_chunk(false);
            return Ok(());
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.body = Body::Begun;
        }
        self.reply(250, "2.0.0", "Ok");
        Ok(())
    }

    /// Whether a chunk is in order here; its octets are read in any case.
    fn ready_for_chunk(&self) -> Result<(), Fault> {
        if !self.offers.chunking {
            return Err(Fault(502, "5.5.1", "BDAT is not offered"));
        }
        let transaction =
            self.transaction
                .as_ref()
                .ok_or(Fault(503, "5.5.1", "send MAIL first"))?;
        if transaction.body == Body::Refused {
            return Err(Fault(503, "5.5.1", "a chunk before this one was refused"));
        }
        if transaction.to.is_empty() {
            return Err(Fault(554, "5.5.1", "no valid recipients"));
        }
        Ok(())
    }

    fn begins(&self) -> bool {
        self.transaction
            .as_ref()
            .is_some_and(|transaction| transaction.body == Body::NotBegun)
    }

    fn refuse_chunk(&mut self, over: bool) {
        if over {
            self.transaction = None;
        } else if let Some(transaction) = &mut self.transaction {
            transaction.body = Body::Refused;
        }
    }

    fn misbehave_in_body(&mut self, asked: Option<Behaviour>) -> Result<(), End> {
        match asked {
            Some(Behaviour::RefuseInBody) => {
                self.hang_up(Fault(421, "4.3.2", "closing this connection"))
            }
            Some(_) => Err(End::Cut),
            None => Ok(()),
        }
    }

    /// The content is whole: stores it and answers, whichever way is asked for.
    fn finish(&mut self) -> Result<(), End> {
        let asked = self.asked(Stage::EndOfData);
        let Some(transaction) = self.transaction.take() else {
            return Ok(());
        };
        if self.content.too_big() {
            self.fault(TOO_BIG);
            return Ok(());
        }
        if let Some(Behaviour::RefuseDot(refusal)) = asked {
            return self.refuse(refusal, Stage::EndOfData);
        }
        let message = Stored {
            from: transaction.from,
            to: transaction.to,
            content: std::mem::take(&mut self.content.octets),
            connection: self.connection(),
        };
        let Ok(id) = self.state.storage.store(message) else {
            self.fault(Fault(452, "4.3.1", "the message cannot be stored"));
            return Ok(());
        };
        self.accepted = self.accepted.saturating_add(1);
        match asked {
            Some(behaviour) => self.answer_oddly(behaviour, id),
            None => {
                self.queued(id);
                Ok(())
            }
        }
    }

    fn queued(&mut self, id: u64) {
        if self.state.options.announce.enhanced_status_codes {
            self.out.extend_from_slice(b"250 2.0.0 Ok: queued as ");
        } else {
            self.out.extend_from_slice(b"250 Ok: queued as ");
        }
        let _ = write!(self.out, "{id:08X}\r\n");
    }

    fn answer_oddly(&mut self, behaviour: Behaviour, id: u64) -> Result<(), End> {
        match behaviour {
            Behaviour::DropAfterDot => return Err(End::Parting),
            Behaviour::HangAtDot => loop {
                // What else comes is read away, so that the client's going is noticed.
                self.fill()?;
                self.input.chunk(u64::MAX, |_| ());
            },
            Behaviour::GarbageAtDot => self.out.extend_from_slice(b"this is \xff no reply\r\n"),
            Behaviour::LongReply => self.reply(250, "2.0.0", &"very long ".repeat(10 * 1024)),
            Behaviour::EndlessReply => loop {
                let lines = "250-2.0.0 and another thing\r\n".repeat(1000);
                self.out.extend_from_slice(lines.as_bytes());
                self.flush()?;
            },
            Behaviour::ByteAtATime => {
                self.flush()?;
                self.queued(id);
                for octet in std::mem::take(&mut self.out) {
                    self.out.push(octet);
                    self.flush()?;
                    self.pause(Duration::from_millis(1))?;
                }
            }
            Behaviour::MultilineReply => {
                self.out
                    .extend_from_slice(b"250-2.0.0 first\r\n250-2.0.0 second\r\n");
                self.queued(id);
            }
            Behaviour::SlowDot(duration) => {
                self.flush()?;
                self.pause(duration)?;
                self.queued(id);
            }
            // Those of other stages.
            _ => self.queued(id),
        }
        Ok(())
    }
}
