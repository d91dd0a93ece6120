//! One SMTP connection (RFC 5321): opened, used for one transaction after the other, closed with QUIT.
//!
//! Knows a server and messages. Must not know the ledger, the campaign, retries or printing: what happened is
//! returned as a [`Verdict`], and what to make of it is the courier's matter.

use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::time::Duration;

use super::reply::{Lasting, Ruling, rule};
use super::wire::Wire;
use crate::campaign::Server;
use crate::message::{Message, Part};
use crate::outcome::{Cause, Failure, Outcome, Reply, Scope, Stage};

/// The reply to the end of a message may take this many times as long as others (RFC 5321 4.5.3.2.6).
const END_OF_DATA_TIMES: u32 = 10;
/// A server that does not answer QUIT is not waited for: nothing depends on it.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

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

impl Trouble {
    fn io(stage: Stage, error: &io::Error) -> Self {
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
}

/// What the server offers in its answer to EHLO, as far as it is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Offers {
    /// SIZE (RFC 1870): the largest message in bytes; 0 when it names none.
    size: Option<u64>,
}

impl Offers {
    /// From the lines after the first of an answer to EHLO, their codes taken off.
    fn from_lines(text: &str) -> Self {
        let mut offers = Offers::default();
        for line in text.split('\n').skip(1) {
            let mut words = line.split_ascii_whitespace();
            if words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case("SIZE"))
            {
                offers.size = Some(words.next().and_then(|most| most.parse().ok()).unwrap_or(0));
            }
        }
        offers
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Session {
    wire: Wire,
    timeout: Duration,
    offers: Offers,
    messages: u32,
    broken: bool,
}

impl Session {
    /// Connects, reads the greeting, says EHLO (HELO where that is refused).
    ///
    /// # Errors
    /// A [`Trouble`] of the session or the account.
    pub fn open(server: &Server) -> Result<Session, Trouble> {
        let timeout = server.timeout;
        let wire = Wire::connect(&server.host, server.port, timeout)
            .map_err(|error| Trouble::io(Stage::Connect, &error))?;
        let mut session = Session {
            wire,
            timeout,
            offers: Offers::default(),
            messages: 0,
            broken: false,
        };
        session.greet()?;
        Ok(session)
    }

    /// Messages handed to it so far.
    pub fn messages(&self) -> u32 {
        self.messages
    }

    /// Whether another message can be handed to it.
    pub fn is_open(&self) -> bool {
        !self.broken
    }

    /// Submits one message. `mark` is called once, just before its content leaves; when it fails, nothing leaves.
    ///
    /// # Errors
    /// Only what `mark` gives; the connection is then of no further use.
    pub fn submit<E>(
        &mut self,
        message: &Message,
        mark: impl FnOnce() -> Result<(), E>,
    ) -> Result<Verdict, E> {
        self.messages += 1;
        let transaction = match self.begin(message) {
            Ok(transaction) => transaction,
            Err(verdict) => return Ok(verdict),
        };
        mark()?;
        Ok(transaction.finish(&message.content))
    }

    /// Says QUIT and closes the connection.
    pub fn quit(mut self) {
        if !self.broken && self.wire.write(&mut [IoSlice::new(b"QUIT\r\n")]).is_ok() {
            let _ = self.wire.read_reply(self.timeout.min(QUIT_TIMEOUT));
        }
    }

    fn greet(&mut self) -> Result<(), Trouble> {
        let greeting = self
            .wire
            .read_reply(self.timeout)
            .map_err(|error| Trouble::io(Stage::Greeting, &error))?;
        self.expect(Stage::Greeting, greeting)?;
        let name = self.name();
        let io = |error: io::Error| Trouble::io(Stage::Ehlo, &error);
        self.wire
            .write(&mut [IoSlice::new(format!("EHLO {name}\r\n").as_bytes())])
            .map_err(io)?;
        let (code, text) = self.wire.read_lines(self.timeout).map_err(io)?;
        if matches!(code, 500 | 502) {
            // RFC 5321 3.2: a server that knows no EHLO is greeted with HELO, and offers nothing.
            self.wire
                .write(&mut [IoSlice::new(format!("HELO {name}\r\n").as_bytes())])
                .map_err(io)?;
            let reply = self.wire.read_reply(self.timeout).map_err(io)?;
            return self.expect(Stage::Ehlo, reply);
        }
        self.expect(Stage::Ehlo, Reply::new(code, &text))?;
        self.offers = Offers::from_lines(&text);
        Ok(())
    }

    /// An address literal (RFC 5321 4.1.3): true wherever mailrun runs, and asks no name server.
    fn name(&self) -> String {
        match self.wire.local_address() {
            Ok(IpAddr::V4(address)) => format!("[{address}]"),
            Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
            Err(_) => "localhost".to_owned(),
        }
    }

    fn expect(&mut self, stage: Stage, reply: Reply) -> Result<(), Trouble> {
        let (scope, lasting) = match rule(stage, &reply) {
            Ruling::Proceed => return Ok(()),
            Ruling::Trouble(scope, lasting) => (scope, lasting),
            // Before a message there is no recipient to book anything on.
            Ruling::Defer(_) | Ruling::Fail(_) | Ruling::Unclear => {
                (Scope::Session, Lasting::ForNow)
            }
        };
        self.broken = true;
        Err(Trouble {
            failure: Failure {
                stage,
                scope,
                cause: Cause::Reply(reply),
            },
            lasting,
        })
    }

    /// MAIL, RCPT and DATA, each answered before the next is sent.
    fn begin(&mut self, message: &Message) -> Result<Transaction<'_>, Verdict> {
        let size = content_length(&message.content);
        if let Some(most @ 1..) = self.offers.size
            && size > most
        {
            let text = format!(
                "the message has {size} bytes, and the server takes {most} at most; make it smaller, or link to what is attached"
            );
            let (stage, scope) = (Stage::Mail, Scope::Message);
            let failure = Failure {
                stage,
                scope,
                cause: Cause::Local(text),
            };
            return Err(Verdict::Settled(Outcome::Failed(failure)));
        }
        let parameter = if self.offers.size.is_some() {
            format!(" SIZE={size}")
        } else {
            String::new()
        };
        self.ask(
            Stage::Mail,
            &format!("MAIL FROM:<{}>{parameter}\r\n", message.envelope_from),
        )?;
        self.ask(
            Stage::Rcpt,
            &format!("RCPT TO:<{}>\r\n", message.envelope_to),
        )?;
        self.ask(Stage::Data, "DATA\r\n")?;
        Ok(Transaction {
            session: self,
            finished: false,
        })
    }

    /// One command and its reply. A refusal of the recipient or the message leaves the connection usable.
    fn ask(&mut self, stage: Stage, command: &str) -> Result<(), Verdict> {
        let answer = self
            .wire
            .write(&mut [IoSlice::new(command.as_bytes())])
            .and_then(|()| self.wire.read_reply(self.timeout));
        let reply = match answer {
            Ok(reply) => reply,
            Err(error) => {
                self.broken = true;
                return Err(Verdict::Returned(Trouble::io(stage, &error)));
            }
        };
        let verdict = match rule(stage, &reply) {
            Ruling::Proceed => return Ok(()),
            ruling => verdict(stage, ruling, reply),
        };
        match &verdict {
            Verdict::Settled(_) if stage > Stage::Mail => self.reset(),
            Verdict::Settled(_) => {}
            Verdict::Returned(_) => self.broken = true,
        }
        Err(verdict)
    }

    /// Drops the transaction that the server has begun (RFC 5321 4.1.1.5).
    fn reset(&mut self) {
        let answer = self
            .wire
            .write(&mut [IoSlice::new(b"RSET\r\n")])
            .and_then(|()| self.wire.read_reply(self.timeout));
        self.broken |= !answer.is_ok_and(|reply| reply.code == 250);
    }
}

/// What a ruling other than `Proceed` makes of the message.
fn verdict(stage: Stage, ruling: Ruling, reply: Reply) -> Verdict {
    let failure = |scope| Failure {
        stage,
        scope,
        cause: Cause::Reply(reply.clone()),
    };
    match ruling {
        Ruling::Proceed => Verdict::Settled(Outcome::Accepted(reply)),
        Ruling::Defer(scope) => Verdict::Settled(Outcome::Deferred(failure(scope))),
        Ruling::Fail(scope) => Verdict::Settled(Outcome::Failed(failure(scope))),
        Ruling::Unclear => Verdict::Settled(Outcome::InDoubt(failure(Scope::Message))),
        Ruling::Trouble(scope, lasting) => Verdict::Returned(Trouble {
            failure: failure(scope),
            lasting,
        }),
    }
}

/// A transaction whose content the server awaits. Dropped unfinished it leaves the connection of no use and the
/// final dot unsent; [`Transaction::finish`] is the only way past the point of no return.
struct Transaction<'a> {
    session: &'a mut Session,
    finished: bool,
}

impl Transaction<'_> {
    /// Sends the content and its end, and awaits the answer.
    fn finish(mut self, content: &[Part]) -> Verdict {
        let session = &mut *self.session;
        let mut slices = Vec::with_capacity(content.len() + 1);
        dot_stuffed(content, &mut slices);
        slices.push(IoSlice::new(b".\r\n"));
        if let Err(error) = session.wire.write(&mut slices) {
            // The last bytes, the end itself, were not handed over: nothing is in doubt. The server may have said why.
            return match session.wire.read_reply(QUIT_TIMEOUT) {
                Ok(reply) if reply.code >= 400 => {
                    verdict(Stage::EndOfData, rule(Stage::EndOfData, &reply), reply)
                }
                Ok(_) | Err(_) => Verdict::Returned(Trouble::io(Stage::Body, &error)),
            };
        }
        match session.wire.read_reply(session.timeout * END_OF_DATA_TIMES) {
            Ok(reply) => {
                let verdict = verdict(Stage::EndOfData, rule(Stage::EndOfData, &reply), reply);
                self.finished = match &verdict {
                    Verdict::Settled(Outcome::InDoubt(_)) | Verdict::Returned(_) => false,
                    Verdict::Settled(_) => true,
                };
                verdict
            }
            Err(error) => {
                let cause = Cause::Io(error.to_string());
                let failure = Failure {
                    stage: Stage::EndOfData,
                    scope: Scope::Message,
                    cause,
                };
                Verdict::Settled(Outcome::InDoubt(failure))
            }
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.session.broken |= !self.finished;
    }
}

fn bytes(part: &Part) -> &[u8] {
    match part {
        Part::Own(bytes) => bytes,
        Part::Shared(bytes) => bytes,
    }
}

fn content_length(content: &[Part]) -> u64 {
    content.iter().map(|part| bytes(part).len() as u64).sum()
}

/// The content with one more dot before each line that begins with one (RFC 5321 4.5.2), as slices of where it lies.
fn dot_stuffed<'a>(content: &'a [Part], slices: &mut Vec<IoSlice<'a>>) {
    let mut at_line_start = true;
    for part in content {
        let bytes = bytes(part);
        let mut from = 0;
        if at_line_start && bytes.first() == Some(&b'.') {
            slices.push(IoSlice::new(b"."));
        }
        for at in memchr::memmem::find_iter(bytes, b"\n.") {
            slices.push(IoSlice::new(&bytes[from..=at]));
            slices.push(IoSlice::new(b"."));
            from = at + 1;
        }
        if from < bytes.len() {
            slices.push(IoSlice::new(&bytes[from..]));
            at_line_start = bytes.ends_with(b"\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(parts: &[&str]) -> String {
        let content: Vec<Part> = parts
            .iter()
            .map(|part| Part::Own(part.as_bytes().to_vec()))
            .collect();
        let mut slices = Vec::new();
        dot_stuffed(&content, &mut slices);
        slices
            .iter()
            .map(|slice| String::from_utf8_lossy(slice).into_owned())
            .collect()
    }

    #[test]
    fn dots_are_stuffed_at_line_starts_alone() {
        assert_eq!(stuffed(&["a\r\n"]), "a\r\n");
        assert_eq!(stuffed(&[".\r\n..\r\na.b\r\n"]), "..\r\n...\r\na.b\r\n");
        assert_eq!(
            stuffed(&["a\r\n", ".b\r\n", "c", ".d\r\n", "", ".e\r\n"]),
            "a\r\n..b\r\nc.d\r\n..e\r\n"
        );
    }

    #[test]
    fn offers_are_read_without_case_and_with_odd_spaces() {
        assert_eq!(
            Offers::from_lines("mx.example\nsize 1000\nPIPELINING").size,
            Some(1000)
        );
        assert_eq!(Offers::from_lines("mx.example\nSIZE").size, Some(0));
        assert_eq!(Offers::from_lines("SIZE 1000\n8BITMIME").size, None);
    }
}
