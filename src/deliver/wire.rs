//! Bytes to and from one server: what was written when a write fails, whole replies, and their timeouts.

use std::io::{self, IoSlice, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::reply_text::Lines;
use crate::outcome::Reply;

const READ_BUFFER: usize = 8 << 10;

/// The way that the bytes take: TCP, something over it, or in tests a script.
pub trait Transport {
    /// Reads what there is, waiting at most so long for the first byte; 0 at the end.
    ///
    /// # Errors
    /// What the system gives; `WouldBlock` or `TimedOut` when the time was up.
    fn read(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize>;

    /// Writes some of `parts`, in order; returns how many bytes.
    ///
    /// # Errors
    /// What the system gives.
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
}

/// A TCP connection.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    read_timeout: Option<Duration>,
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
        stream.set_write_timeout(Some(timeout))?;
        Ok(Tcp {
            stream,
            read_timeout: None,
        })
    }

    /// This side's address, for an address literal in EHLO (RFC 5321 4.1.3).
    ///
    /// # Errors
    /// What the system gives.
    pub fn local_address(&self) -> io::Result<IpAddr> {
        self.stream.local_addr().map(|address| address.ip())
    }
}

impl Transport for Tcp {
    fn read(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
        if self.read_timeout != Some(wait) {
            self.stream.set_read_timeout(Some(wait))?;
            self.read_timeout = Some(wait);
        }
        acknowledge_at_once(&self.stream);
        self.stream.read(buffer)
    }

    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.stream.write_vectored(parts)
    }
}

/// A server that leaves Nagle's algorithm on holds a reply back until the one before it is acknowledged, which the
/// system would put off for 40 ms. It takes the wish back by itself, so it is made anew for each read.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) {
    // Where it is refused, replies come later; nothing else changes.
    let _ = socket2::SockRef::from(stream).set_tcp_quickack(true);
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_: &TcpStream) {}

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

/// A write that came to an end too early.
#[derive(Debug)]
pub struct CutShort {
    /// Bytes that were handed over. The server can have none beyond them.
    pub written: usize,
    /// Why.
    pub error: io::Error,
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

    /// Writes all of `parts`, in as few system calls as the system allows.
    ///
    /// # Errors
    /// What the system gives, with how much was handed over before.
    pub fn write(&mut self, mut parts: &mut [IoSlice<'_>]) -> Result<(), CutShort> {
        let mut written = 0;
        IoSlice::advance_slices(&mut parts, 0);
        while !parts.is_empty() {
            match self.transport.write(parts) {
                Ok(0) => {
                    return Err(CutShort {
                        written,
                        error: io::ErrorKind::WriteZero.into(),
                    });
                }
                Ok(more) => {
                    written += more;
                    IoSlice::advance_slices(&mut parts, more);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(CutShort { written, error }),
            }
        }
        Ok(())
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

    fn read<R>(&mut self, timeout: Duration, make: fn(u16, &str) -> R) -> io::Result<R> {
        // The whole reply has one deadline; a server that drips bytes does not move it.
        let mut deadline = None;
        loop {
            if let Some(reply) = self.take_arrived(make)? {
                return Ok(reply);
            }
            let now = Instant::now();
            let deadline = *deadline.get_or_insert(now + timeout);
            self.fill(timeout, deadline.saturating_duration_since(now))?;
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

    fn fill(&mut self, timeout: Duration, left: Duration) -> io::Result<()> {
        if left.is_zero() {
            return Err(timed_out(timeout));
        }
        loop {
            match self.transport.read(&mut self.buffer, left) {
                Ok(0) => {
                    let text = "the server closed the connection";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
                }
                Ok(read) => {
                    (self.start, self.end) = (0, read);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    return Err(timed_out(timeout));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn timed_out(timeout: Duration) -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("no answer within {timeout:?}"),
    )
}
