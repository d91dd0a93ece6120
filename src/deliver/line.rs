//! The ways that a session may go: in clear, or by TLS. Which one it is costs a branch, and nothing else.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::tls::Tls;
use super::transport::{Readiness, Tcp, Transport};

/// A connection to a server.
#[derive(Debug)]
pub enum Line {
    /// Everything in clear.
    Clear(Tcp),
    /// Nothing in clear.
    Tls(Box<Tls>),
}

impl Transport for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Line::Clear(tcp) => tcp.read(buffer),
            Line::Tls(tls) => tls.read(buffer),
        }
    }

    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Line::Clear(tcp) => tcp.write(parts),
            Line::Tls(tls) => tls.write(parts),
        }
    }

    fn flush(&mut self) -> io::Result<usize> {
        match self {
            Line::Clear(tcp) => tcp.flush(),
            Line::Tls(tls) => tls.flush(),
        }
    }

    fn holds(&self) -> bool {
        match self {
            Line::Clear(tcp) => tcp.holds(),
            Line::Tls(tls) => tls.holds(),
        }
    }

    fn has_more(&self) -> bool {
        match self {
            Line::Clear(tcp) => tcp.has_more(),
            Line::Tls(tls) => tls.has_more(),
        }
    }

    fn wait(&mut self, readiness: Readiness, most: Duration) -> io::Result<()> {
        match self {
            Line::Clear(tcp) => tcp.wait(readiness, most),
            Line::Tls(tls) => tls.wait(readiness, most),
        }
    }

    fn acknowledge(&mut self) {
        match self {
            Line::Clear(tcp) => tcp.acknowledge(),
            Line::Tls(tls) => tls.acknowledge(),
        }
    }

    fn close(&mut self) {
        match self {
            Line::Clear(tcp) => tcp.close(),
            Line::Tls(tls) => tls.close(),
        }
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Line::Clear(tcp) => tcp.as_fd(),
            Line::Tls(tls) => tls.as_fd(),
        }
    }
}
