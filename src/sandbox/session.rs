//! One connection: reads commands, writes replies, ends.
//!
//! The commands about the envelope are in `envelope`, those about the content in `content`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::behaviour::{Behaviour, Refusal};
use super::connections::Seat;
use super::content::Content;
use super::envelope::Transaction;
use super::input::{Input, Line};
use super::state::State;
use super::{Announce, Choke, Verb};
use crate::outcome::Stage;

/// The name it goes by.
const HOST: &str = "sandbox.localhost";
/// How long a client is given to read the last reply and close.
const PARTING: Duration = Duration::from_secs(1);

pub(super) struct Session<'a> {
    pub(super) state: &'a State,
    pub(super) stream: &'a TcpStream,
    seat: &'a Seat<'a>,
    pub(super) input: Input,
    /// Replies not written yet.
    pub(super) out: Vec<u8>,
    /// What was announced to this client: nothing before EHLO, and after HELO.
    pub(super) offers: &'a Announce,
    greeted: bool,
    /// MAIL commands until now.
    pub(super) mails: u32,
    /// Messages accepted until now.
    pub(super) accepted: u32,
    pub(super) transaction: Option<Transaction>,
    pub(super) content: Content,
}

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// What is to be said was said: close so that the client can read it.
    Parting,
    /// Cut, with whatever is still on its way.
    Cut,
    /// The client is gone, or the server is stopping.
    Gone,
}

/// A reply that refuses: code, enhanced code, text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault(
    pub(super) u16,
    pub(super) &'static str,
    pub(super) &'static str,
);

/// Further octets came in where the client has to wait for a reply first (RFC 2920 section 3.1).
const IMPROPER_PIPELINING: Fault = Fault(503, "5.5.0", "improper pipelining");

impl<'a> Session<'a> {
    pub(super) fn new(state: &'a State, stream: &'a TcpStream, seat: &'a Seat<'a>) -> Session<'a> {
        Session {
            state,
            stream,
            seat,
            input: Input::new(),
            out: Vec::with_capacity(4096),
            offers: &Announce::NOTHING,
            greeted: false,
            mails: 0,
            accepted: 0,
            transaction: None,
            content: Content::new(
                state.storage.wants_content(),
                state.options.announce.limit(),
            ),
        }
    }

    /// Talks until the connection ends.
    pub(super) fn run(mut self) {
        self.state.storage.heard(self.connection(), None);
        let _ = self.stream.set_nodelay(true);
        let _ = self.stream.set_read_timeout(
            self.state
                .options
                .idle_timeout
                .filter(|idle| !idle.is_zero()),
        );
        let Err(end) = self.greet().and_then(|()| self.converse());
        match end {
            End::Parting => self.part(),
            End::Cut => drop(self.flush()),
            End::Gone => {}
        }
    }

    /// The number of this connection, counted from 1.
    pub(super) fn connection(&self) -> u64 {
        self.seat.number()
    }

    fn greet(&mut self) -> Result<(), End> {
        if !self.seat.served() {
            self.out
                .extend_from_slice(b"421 4.7.0 too many connections\r\n");
            return Err(End::Parting);
        }
        match &self.state.options.greeting {
            Some(greeting) => {
                let _ = write!(self.out, "{greeting}\r\n");
                if !greeting.starts_with('2') {
                    return Err(End::Parting);
                }
            }
            None => {
                let _ = write!(self.out, "220 {HOST} ESMTP mailrun sandbox\r\n");
            }
        }
        Ok(())
    }

    fn converse(&mut self) -> Result<std::convert::Infallible, End> {
        let mut line = Vec::with_capacity(256);
        loop {
            let found = self.input.line(&mut line);
            if found == Line::Unfinished {
                self.fill()?;
                continue;
            }
            let (verb, argument) = match found {
                Line::Whole => Verb::split(&line),
                Line::BareEnd | Line::TooLong | Line::Unfinished => (Verb::Other, &[][..]),
            };
            self.state.heard(self.connection(), verb, &line);
            // A chunk follows its BDAT without waiting; content waits for the reply to DATA, PIPELINING or not.
            if verb == Verb::Data && !self.input.is_empty() {
                return self.hang_up(IMPROPER_PIPELINING);
            } else if verb != Verb::Bdat {
                self.forbid_haste()?;
            }
            match found {
                Line::Whole if self.chokes(verb)? => {}
                Line::Whole => self.command(verb, argument)?,
                Line::BareEnd => self.fault(Fault(500, "5.5.2", "a bare CR or LF in a command")),
                Line::TooLong => self.fault(Fault(500, "5.5.2", "the line is too long")),
                Line::Unfinished => {}
            }
        }
    }

    /// Whether the command is lost on a server that takes one at a time, whatever it announces.
    fn chokes(&mut self, verb: Verb) -> Result<bool, End> {
        if !matches!(verb, Verb::Mail | Verb::Rcpt) || self.input.is_empty() {
            return Ok(false);
        }
        match self.state.options.chokes_on_groups {
            None => Ok(false),
            Some(Choke::Refuses) => {
                self.fault(Fault(503, "5.5.1", "one command at a time"));
                Ok(true)
            }
            Some(Choke::Closes) => Err(End::Parting),
            Some(Choke::Hangs) => loop {
                self.fill()?;
                self.input.chunk(u64::MAX, |_| ());
            },
        }
    }

    fn command(&mut self, verb: Verb, argument: &[u8]) -> Result<(), End> {
        match verb {
            Verb::Ehlo | Verb::Helo => self.hello(verb, argument),
            Verb::Mail => self.mail(argument)?,
            Verb::Rcpt => self.rcpt(argument)?,
            Verb::Data => self.data(argument)?,
            Verb::Bdat => self.bdat(argument)?,
            Verb::Rset => {
                self.transaction = None;
                self.reply(250, "2.0.0", "Ok");
            }
            Verb::Noop => self.reply(250, "2.0.0", "Ok"),
            Verb::Vrfy => self.reply(252, "2.0.0", "not verified; send it and see"),
            Verb::Quit => {
                self.reply(221, "2.0.0", "Bye");
                return Err(End::Parting);
            }
            Verb::Other => self.fault(Fault(500, "5.5.1", "command not recognised")),
        }
        Ok(())
    }

    fn hello(&mut self, verb: Verb, argument: &[u8]) {
        if verb == Verb::Ehlo && self.state.options.ehlo_refused {
            return self.fault(Fault(502, "5.5.1", "EHLO is not known here"));
        }
        if argument.is_empty() {
            return self.fault(Fault(501, "5.5.4", "a host name is missing"));
        }
        self.greeted = true;
        self.transaction = None;
        let announce = &self.state.options.announce;
        self.offers = if verb == Verb::Ehlo {
            announce
        } else {
            &Announce::NOTHING
        };
        let mut lines = vec![HOST.to_owned()];
        lines.extend(self.offers.keywords());
        for (at, line) in lines.iter().enumerate() {
            let mark = if at + 1 < lines.len() { '-' } else { ' ' };
            let _ = write!(self.out, "250{mark}{line}\r\n");
        }
    }

    /// Whether EHLO or HELO was accepted.
    pub(super) fn greeted(&self) -> bool {
        self.greeted
    }

    /// Adds a one-line reply.
    pub(super) fn reply(&mut self, code: u16, enhanced: &str, text: &str) {
        let enhanced = if self.state.options.announce.enhanced_status_codes {
            enhanced
        } else {
            ""
        };
        let gap = if enhanced.is_empty() { "" } else { " " };
        let _ = write!(self.out, "{code} {enhanced}{gap}{text}\r\n");
    }

    pub(super) fn fault(&mut self, Fault(code, enhanced, text): Fault) {
        self.reply(code, enhanced, text);
    }

    /// Refuses as an address asks; 421 ends the connection.
    pub(super) fn refuse(&mut self, refusal: Refusal, stage: Stage) -> Result<(), End> {
        let (enhanced, text) = refusal.answer(stage);
        self.reply(refusal.code, &enhanced.to_string(), text);
        if refusal.code == 421 {
            Err(End::Parting)
        } else {
            Ok(())
        }
    }

    /// A last reply.
    pub(super) fn hang_up<T>(&mut self, fault: Fault) -> Result<T, End> {
        self.fault(fault);
        Err(End::Parting)
    }

    /// Without PIPELINING, nothing may follow before the reply.
    pub(super) fn forbid_haste(&mut self) -> Result<(), End> {
        if self.offers.pipelining || self.input.is_empty() {
            return Ok(());
        }
        self.hang_up(IMPROPER_PIPELINING)
    }

    /// What an envelope's recipients ask for at this stage: the first one of them that does.
    pub(super) fn asked(&self, stage: Stage) -> Option<Behaviour> {
        let transaction = self.transaction.as_ref()?;
        let mut wishes = transaction.wishes.iter();
        let wish = wishes.find(|(at, wish)| {
            wish.behaviour.stage() == stage && self.state.grants(*wish, &transaction.to[*at])
        });
        wish.map(|(_, wish)| wish.behaviour)
    }

    /// Writes the replies due, then reads once.
    pub(super) fn fill(&mut self) -> Result<(), End> {
        self.flush()?;
        let mut stream = self.stream;
        match self.input.fill(&mut stream) {
            Ok(0) => Err(End::Gone),
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                self.hang_up(Fault(421, "4.4.2", "silent for too long"))
            }
            Err(_) => Err(End::Gone),
        }
    }

    /// Writes the replies due, all in one.
    pub(super) fn flush(&mut self) -> Result<(), End> {
        if self.out.is_empty() {
            return Ok(());
        }
        let delay = self.state.options.reply_delay;
        if !delay.is_zero() {
            self.pause(delay)?;
        }
        let mut stream = self.stream;
        let written = stream.write_all(&self.out);
        self.out.clear();
        written.map_err(|_| End::Gone)
    }

    pub(super) fn pause(&self, duration: Duration) -> Result<(), End> {
        if self.state.connections.pause(duration) {
            Ok(())
        } else {
            Err(End::Gone)
        }
    }

    /// Closes our half, and reads the rest away: closed outright with octets unread, a TCP connection is reset, and
    /// the client may never see the last reply.
    fn part(&mut self) {
        let flushed = self.flush();
        self.seat.leave();
        if flushed.is_err() || self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let (began, mut stream, mut rest) = (Instant::now(), self.stream, [0; 4096]);
        let _ = stream.set_read_timeout(Some(PARTING));
        while began.elapsed() < PARTING && stream.read(&mut rest).is_ok_and(|count| count > 0) {}
    }
}
