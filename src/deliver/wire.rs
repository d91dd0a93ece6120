//! Bytes to and from one server: what was written when a write fails, whole replies, and their timeouts.

use std::io::{self, IoSlice, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::reply_text::Lines;
use crate::outcome::Reply;

const READ_BUFFER: usize = 8 << 10;

/// The way that the bytes take: TCP, something over it, or in tests a script. Reading and writing wait for nothing.
pub trait Transport {
    /// Reads what there is; 0 at the end.
    ///
    /// # Errors
    /// What the system gives; `WouldBlock` when there is nothing.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes some of `parts`, in order; returns how many bytes.
    ///
    /// # Errors
    /// What the system gives; `WouldBlock` when the line takes nothing now.
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Waits until it can be read or written.
    ///
    /// # Errors
    /// `TimedOut` when that takes longer than `most`; what the system gives.
    fn wait(&mut self, readiness: Readiness, most: Duration) -> io::Result<()>;

    /// Tells the other side at once that what it said has arrived, when it has more to say.
    fn acknowledge(&mut self);
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Bytes, or the end, to be read.
    Read,
    /// Room for bytes to be written.
    Write,
}

/// A TCP connection.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
}

impl Tcp {
    /// Connects to the first address of `host` that answers, within `timeout` for each.
    ///
    /// # Errors
    /// The last address's error, or the look-up's.
    pub fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (host, port).to_socket_addrs()? {
            match Tcp::connect_to(address, timeout) {
                Ok(tcp) => return Ok(tcp),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn connect_to(address: SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        // Without this the end of a message waits for the acknowledgement of what went before it.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Tcp { stream })
    }

    /// This side's address, for an address literal in EHLO (RFC 5321 4.1.3).
    ///
    /// # Errors
    /// What the system gives.
    pub fn local_address(&self) -> io::Result<IpAddr> {
        self.stream.local_addr().map(|address| address.ip())
    }
}

impl AsFd for Tcp {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Transport for Tcp {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.write_vectored(parts)
    }

    fn wait(&mut self, readiness: Readiness, most: Duration) -> io::Result<()> {
        let flags = match readiness {
            Readiness::Read => PollFlags::IN,
            Readiness::Write => PollFlags::OUT,
        };
        let most = Timespec::try_from(most).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&self.stream, flags)], Some(&most))? {
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }

    /// A server that leaves Nagle's algorithm on holds a reply back until the one before it is acknowledged, which the
    /// system would put off for 40 ms. It takes the wish back by itself, so it is made anew each time.
    #[cfg(target_os = "linux")]
    fn acknowledge(&mut self) {
        // Where it is refused, replies come later; nothing else changes.
        let _ = socket2::SockRef::from(&self.stream).set_tcp_quickack(true);
    }

    #[cfg(not(target_os = "linux"))]
    fn acknowledge(&mut self) {}
}

/// One connection's bytes, and the replies in them.
#[derive(Debug)]
pub struct Wire<T> {
    transport: T,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// The reply whose first lines, or bytes, have arrived.
    lines: Lines,
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
        }
    }

    /// The way that the bytes take.
    pub fn transport(&self) -> &T {
        &self.transport
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

    /// Writes a command, waiting for the line to take it.
    ///
    /// # Errors
    /// What the system gives; a timeout.
    pub fn say(&mut self, command: &str, timeout: Duration) -> io::Result<()> {
        let mut written = 0;
        loop {
            let rest = &command.as_bytes()[written..];
            self.write(&mut [IoSlice::new(rest)], &mut written)?;
            if written == command.len() {
                return Ok(());
            }
            self.wait(Readiness::Write, timeout, timeout)?;
        }
    }

    /// Reads one reply, all of its lines (RFC 5321 4.2.1), within `timeout` for all of it.
    ///
    /// # Errors
    /// A timeout, a closed or broken connection, or bytes that are no reply.
    pub fn read_reply(&mut self, timeout: Duration) -> io::Result<Reply> {
        self.read(timeout, Reply::new)
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
                return Ok(Some(self.lines.finish(make)));
            }
        }
        Ok(None)
    }
}

/// The server did not answer, or took no bytes, for so long.
pub(super) fn timed_out(timeout: Duration) -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("no answer within {timeout:?}"),
    )
}
