//! TLS over a TCP connection (RFC 8446, RFC 5246), by rustls: for a session a way like any other, that waits for nothing.
//!
//! What rustls has taken counts as handed over, for the server can have it: more is taken only once all of it is on
//! the line, so that no more than `HELD` bytes are ever between the two.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind};

use super::transport::{Readiness, Tcp, Transport};
use super::wire::timed_out;

/// Bytes of content that are taken at once, to be on the line before more is.
const HELD: usize = 64 << 10;

/// An established TLS connection.
#[derive(Debug)]
pub struct Tls {
    tcp: Tcp,
    connection: ClientConnection,
    /// Bytes that are decrypted and not read.
    unread: usize,
    /// What reading came to, once those are read.
    ended: Option<io::Error>,
    /// What writing came to after the last bytes had been taken.
    failed: Option<io::Error>,
}

impl Tls {
    /// Shakes hands with the server at the other end, which has to be `name`; waits for it, for `timeout` at most.
    ///
    /// # Errors
    /// What the system gives, a timeout, and what rustls finds wrong: a [`rustls::Error`] inside.
    pub fn over(
        tcp: Tcp,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        timeout: Duration,
    ) -> io::Result<Self> {
        let mut connection = ClientConnection::new(config, name).map_err(wrong)?;
        connection.set_buffer_limit(Some(HELD));
        let mut tls = Tls {
            tcp,
            connection,
            unread: 0,
            ended: None,
            failed: None,
        };
        let deadline = Instant::now() + timeout;
        loop {
            tls.flush()?;
            let readiness = match (tls.holds(), tls.connection.is_handshaking()) {
                (true, _) => Readiness::Write,
                (false, true) => Readiness::Read,
                (false, false) => return Ok(tls),
            };
            if readiness == Readiness::Read {
                match tls.receive() {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(_) => continue,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match tls.tcp.wait(readiness, left) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Err(timed_out(timeout));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => result?,
            }
        }
    }

    /// What was agreed, for people: "TLSv1.3, TLS13_AES_256_GCM_SHA384, resumed".
    pub fn agreed(&self) -> String {
        let mut text = Vec::new();
        if let Some(version) = self.connection.protocol_version() {
            text.push(format!("{version:?}").replace('_', "."));
        }
        if let Some(suite) = self.connection.negotiated_cipher_suite() {
            text.push(format!("{:?}", suite.suite()));
        }
        if self.connection.handshake_kind() == Some(HandshakeKind::Resumed) {
            text.push("resumed".to_owned());
        }
        text.join(", ")
    }

    /// Takes what the line has now; 0 at its end.
    fn receive(&mut self) -> io::Result<usize> {
        let read = self.connection.read_tls(self.tcp.stream())?;
        if read > 0 {
            match self.connection.process_new_packets() {
                Ok(state) => self.unread = state.plaintext_bytes_to_read(),
                Err(error) => {
                    // The other side is told why, if it can be.
                    let _ = self.flush();
                    return Err(wrong(error));
                }
            }
        }
        Ok(read)
    }
}

impl Transport for Tls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Ok(read) => {
                    self.unread = self.unread.saturating_sub(read);
                    return Ok(read);
                }
                // Many servers close the connection without a word of TLS. A reply says itself where it ends.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) => {}
            }
            if let Some(error) = self.ended.take() {
                return Err(error);
            }
            match self.receive() {
                Ok(_) => {}
                // What was decrypted before it is read first.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    self.ended = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.flush()?;
        if self.holds() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = self.connection.writer().write_vectored(parts)?;
        // They are taken all the same, and the server may have the first of them.
        self.failed = self.flush().err();
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<usize> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut flushed = 0;
        while self.connection.wants_write() {
            match self.connection.write_tls(self.tcp.stream()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => flushed += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(flushed)
    }

    fn holds(&self) -> bool {
        self.failed.is_some() || self.connection.wants_write()
    }

    fn has_more(&self) -> bool {
        self.unread > 0 || self.ended.is_some()
    }

    fn wait(&mut self, readiness: Readiness, most: Duration) -> io::Result<()> {
        self.tcp.wait(readiness, most)
    }

    fn acknowledge(&mut self) {
        self.tcp.acknowledge();
    }

    fn close(&mut self) {
        self.connection.send_close_notify();
        // The connection is over, whether or not the server hears of it.
        let _ = self.flush();
    }
}

impl AsFd for Tls {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}

fn wrong(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
