//! Bytes to and from one server, and the replies in them.

use std::io::{self, IoSlice};
use std::time::{Duration, Instant};

use super::reply_text::Lines;
use super::trace::{Tap, mask};
use super::transport::{Readiness, Transport};
use crate::outcome::Reply;

const READ_BUFFER: usize = 8 << 10;

/// One connection's bytes, and the replies in them.
#[derive(Debug)]
pub struct Wire<T> {
    transport: T,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// The reply whose first lines, or bytes, have arrived.
    lines: Lines,
    tap: Option<Tap>,
    /// What no reply is to repeat.
    hidden: Vec<String>,
}

impl<T: Transport> Wire<T> {
    /// A wire over a connection on which nothing was said yet.
    pub fn new(transport: T) -> Self {
        let buffer = vec![0; READ_BUFFER].into_boxed_slice();
        Wire {
            transport,
            buffer,
            start: 0,
            end: 0,
            lines: Lines::default(),
            tap: None,
            hidden: Vec::new(),
        }
    }

    /// What is said and answered is traced from now on.
    pub fn traced(self, tap: Option<Tap>) -> Self {
        Wire { tap, ..self }
    }

    /// Where this connection is traced, if it is.
    pub fn tap(&self) -> Option<&Tap> {
        self.tap.as_ref()
    }

    /// Keeps these out of the trace, and out of all that the server says from now on.
    pub fn hide(&mut self, secrets: Vec<String>) {
        if let Some(tap) = &mut self.tap {
            tap.hide(secrets.clone());
        }
        self.hidden = secrets;
    }

    /// The way that the bytes take.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Lays something over the way that the bytes took until now. Nothing that has arrived lives on.
    ///
    /// # Errors
    /// What `lay` gives; [`Overlaid::Early`] when the server said more than it was asked: somebody on the way may have
    /// said it, to be taken for what the server says later (RFC 3207 section 4.2, CVE-2011-0411).
    pub fn overlay<E>(mut self, lay: impl FnOnce(T) -> Result<T, E>) -> Result<Self, Overlaid<E>> {
        // What stands in the socket counts too: it came before there was anything to answer.
        if self.fill().map_err(Overlaid::Io)? {
            return Err(Overlaid::Early);
        }
        let transport = lay(self.transport).map_err(Overlaid::Not)?;
        Ok(Wire::new(transport).traced(self.tap))
    }

    /// Writes as much of `parts` as the line takes now, in as few system calls as the system allows; `written` grows
    /// by what was handed over, also when this fails. The server can have none beyond it.
    ///
    /// # Errors
    /// What the system gives.
    pub fn write(&mut self, mut parts: &mut [IoSlice<'_>], written: &mut usize) -> io::Result<()> {
        IoSlice::advance_slices(&mut parts, 0);
        while !parts.is_empty() {
            match self.transport.write(parts) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => {
                    *written += more;
                    IoSlice::advance_slices(&mut parts, more);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Hands on what was written and is held back; whether any of it went.
    ///
    /// # Errors
    /// What the system gives.
    pub fn flush(&mut self) -> io::Result<bool> {
        self.transport.flush().map(|bytes| bytes > 0)
    }

    /// Writes a command, waiting for the line to take it.
    ///
    /// # Errors
    /// What the system gives; a timeout.
    pub fn say(&mut self, command: &str, timeout: Duration) -> io::Result<()> {
        self.say_masked(command, command, timeout)
    }

    /// As [`Wire::say`], for a command that holds a secret: `shown` is what the trace has in its place.
    ///
    /// # Errors
    /// As [`Wire::say`].
    pub fn say_masked(&mut self, command: &str, shown: &str, timeout: Duration) -> io::Result<()> {
        if let Some(tap) = &self.tap {
            tap.said(shown);
        }
        let mut written = 0;
        loop {
            let rest = &command.as_bytes()[written..];
            self.write(&mut [IoSlice::new(rest)], &mut written)?;
            if written == command.len() && !self.transport.holds() {
                return Ok(());
            }
            self.wait(Readiness::Write, timeout, timeout)?;
            self.flush()?;
        }
    }

    /// Reads one reply, all of its lines (RFC 5321 4.2.1), within `timeout` for all of it.
    ///
    /// # Errors
    /// A timeout, a closed or broken connection, or bytes that are no reply.
    pub fn read_reply(&mut self, timeout: Duration) -> io::Result<Reply> {
        self.read(timeout, Reply::new)
    }

    /// Whether there are bytes to be read that the socket does not tell of.
    pub fn has_more(&self) -> bool {
        self.start == self.end && self.transport.has_more()
    }

    /// Whether something that was written waits for room on the line.
    pub fn holds(&self) -> bool {
        self.transport.holds()
    }

    /// Tells the server that nothing more is written.
    pub fn close(&mut self) {
        self.transport.close();
    }

    /// Reads one reply as [`Wire::read_reply`] does, its lines kept apart by line feeds.
    ///
    /// # Errors
    /// As [`Wire::read_reply`].
    pub fn read_lines(&mut self, timeout: Duration) -> io::Result<(u16, String)> {
        self.read(timeout, |code, text| (code, text.to_owned()))
    }

    /// A reply that has arrived whole, without waiting for anything.
    ///
    /// # Errors
    /// Bytes that are no reply.
    pub fn arrived(&mut self) -> io::Result<Option<Reply>> {
        self.take_arrived(Reply::new)
    }

    /// Reads what there is, waiting for nothing; false when there is nothing new. To be called when all that has
    /// arrived is taken.
    ///
    /// # Errors
    /// `UnexpectedEof` when the server has closed the connection; what the system gives.
    pub fn fill(&mut self) -> io::Result<bool> {
        if self.start < self.end {
            return Ok(true);
        }
        loop {
            match self.transport.read(&mut self.buffer) {
                Ok(0) => {
                    let text = "the server closed the connection";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
                }
                Ok(read) => {
                    (self.start, self.end) = (0, read);
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// More is to come: see [`Transport::acknowledge`].
    pub fn acknowledge(&mut self) {
        self.transport.acknowledge();
    }

    fn read<R>(&mut self, timeout: Duration, make: fn(u16, &str) -> R) -> io::Result<R> {
        // The whole reply has one deadline; a server that drips bytes does not move it.
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(reply) = self.take_arrived(make)? {
                return Ok(reply);
            }
            if !self.fill()? {
                self.acknowledge();
                let left = deadline.saturating_duration_since(Instant::now());
                self.wait(Readiness::Read, left, timeout)?;
            }
        }
    }

    fn wait(&mut self, readiness: Readiness, left: Duration, timeout: Duration) -> io::Result<()> {
        match self.transport.wait(readiness, left) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(timed_out(timeout)),
            result => result,
        }
    }

    fn take_arrived<R>(&mut self, make: fn(u16, &str) -> R) -> io::Result<Option<R>> {
        while self.start < self.end {
            let window = &self.buffer[self.start..self.end];
            let (line, whole) = match memchr::memchr(b'\n', window) {
                Some(at) => (&window[..=at], true),
                None => (window, false),
            };
            let length = line.len();
            let last = self.lines.take(line, whole)?;
            self.start += length;
            if last {
                let (tap, hidden) = (self.tap.as_ref(), &self.hidden);
                return Ok(Some(self.lines.finish(|code, text| {
                    let text = mask(text, hidden);
                    if let Some(tap) = tap {
                        tap.heard(code, &text);
                    }
                    make(code, &text)
                })));
            }
        }
        Ok(None)
    }
}

/// Why nothing could be laid over a way.
#[derive(Debug)]
pub enum Overlaid<E> {
    /// Bytes had arrived that nothing had asked for.
    Early,
    /// The way itself is of no use any more.
    Io(io::Error),
    /// What was to be laid over it did not hold.
    Not(E),
}

/// The server did not answer, or took no bytes, for so long.
pub(super) fn timed_out(timeout: Duration) -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("no answer within {timeout:?}"),
    )
}
