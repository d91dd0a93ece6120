//! The way that the bytes take to one server: TCP, and what a session needs of any such way. Nothing here knows SMTP.

use std::io::{self, IoSlice, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::lookup::look_up;

/// An address has so long at the least.
const LEAST: Duration = Duration::from_millis(1);

/// The way that the bytes take: TCP, TLS over it, or in tests a script. Reading and writing wait for nothing.
pub trait Transport {
    /// Reads what there is; 0 at the end.
    ///
    /// # Errors
    /// What the system gives; `WouldBlock` when there is nothing.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes some of `parts`, in order; returns how many bytes were taken. The other side can have none beyond them,
    /// and has not all of them while [`Transport::holds`].
    ///
    /// # Errors
    /// What the system gives; `WouldBlock` when the line takes nothing now. Nothing was taken then.
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Hands on what was taken and is held back; how many bytes of the line that was.
    ///
    /// # Errors
    /// What the system gives. That the line takes nothing now is none.
    fn flush(&mut self) -> io::Result<usize> {
        Ok(0)
    }

    /// Whether something that was taken waits for room on the line, or to fail.
    fn holds(&self) -> bool {
        false
    }

    /// Whether there are bytes to be read that the socket does not tell of.
    fn has_more(&self) -> bool {
        false
    }

    /// Tells the other side that nothing more is written, if there is a way to.
    fn close(&mut self) {}

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
    round_trip: Duration,
}

impl Tcp {
    /// Connects to the first address of `host` that answers, within `timeout` for all that this takes: each address has
    /// its part of what is left.
    ///
    /// # Errors
    /// The last address's error, or the look-up's.
    pub fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + timeout;
        let addresses = look_up(host, port, timeout)?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for (address, untried) in addresses.iter().zip((1..=addresses.len() as u32).rev()) {
            let left = deadline.saturating_duration_since(Instant::now());
            // None at all is an error to the system.
            match Tcp::connect_to(*address, (left / untried).max(LEAST)) {
                Ok(tcp) => return Ok(tcp),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn connect_to(address: SocketAddr, timeout: Duration) -> io::Result<Self> {
        let begun = Instant::now();
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        let round_trip = begun.elapsed();
        // Without this the end of a message waits for the acknowledgement of what went before it.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Tcp { stream, round_trip })
    }

    /// What connecting took: the systems of both ends exchanged a word, and no program did.
    pub fn round_trip(&self) -> Duration {
        self.round_trip
    }

    /// The stream, for what is laid over it.
    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Whether the other end is on this machine: nobody in between can listen.
    pub fn is_local(&self) -> bool {
        let peer = self.stream.peer_addr();
        peer.is_ok_and(|peer| peer.ip().to_canonical().is_loopback())
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
