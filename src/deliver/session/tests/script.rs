//! The way to the model server: bytes in memory, in whatever pieces, cut wherever a test wants.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::model::Model;
use crate::deliver::transport::{Readiness, Transport};

/// How the bytes go to and fro. Counts begin where the script is armed: after EHLO.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Sizes of what single reads give, over and over; empty: whatever there is.
    pub read_sizes: Vec<usize>,
    /// Sizes of what single writes take, over and over; empty: everything.
    pub write_sizes: Vec<usize>,
    /// The line takes nothing at every n-th write; 0: at none.
    pub blocks_every: usize,
    /// Writing fails once so many bytes were taken.
    pub write_fails_after: Option<usize>,
    /// The server gets so many bytes; what is written beyond them is lost, and then the connection is.
    pub heard: Option<usize>,
    /// The client gets so many bytes, then the connection is lost.
    pub read: Option<usize>,
    /// Something lies over the socket, as TLS does: all that it takes is held back, so many bytes go on at a time, and
    /// of what it has read the socket tells no more.
    pub layer: Option<usize>,
}

/// Both ends and the line between them.
#[derive(Debug)]
pub struct Script {
    pub server: Model,
    pub line: Line,
    /// All that the client handed over, whether or not the server got it.
    pub written: Vec<u8>,
    /// Bytes that the client read.
    pub read: usize,
    /// How long each wait was to be at most, and until when.
    pub waits: Vec<(Duration, Instant)>,
    /// Messages that the client said it would send now.
    pub marked: BTreeSet<usize>,
    reads: usize,
    writes: usize,
    attempts: usize,
    /// What the layer has taken and not handed on.
    held: Vec<u8>,
    /// How much of what the server spoke the layer has read.
    fetched: usize,
}

impl Script {
    pub fn new(server: Model) -> Rc<RefCell<Script>> {
        Rc::new(RefCell::new(Script {
            server,
            line: Line::default(),
            written: Vec::new(),
            read: 0,
            waits: Vec::new(),
            marked: BTreeSet::new(),
            reads: 0,
            writes: 0,
            attempts: 0,
            held: Vec::new(),
            fetched: 0,
        }))
    }

    /// The handshake is over: from now on the line is like this.
    pub fn arm(&mut self, line: Line) {
        self.server.spoken.drain(..self.read);
        self.written.clear();
        self.waits.clear();
        (self.read, self.fetched) = (0, 0);
        self.line = line;
    }

    /// Whether the socket has something to give, were it the end.
    pub fn readable(&self) -> bool {
        if self.line.layer.is_some() && self.fetched > self.read {
            return self.server.spoken.len() > self.fetched;
        }
        let cut = self.line.read.is_some_and(|most| most == self.read);
        self.server.spoken.len() > self.read || cut || self.lost() || self.server.closed
    }

    fn lost(&self) -> bool {
        let heard = self.line.heard;
        heard.is_some_and(|heard| self.written.len() - self.held.len() > heard)
    }

    /// Bytes reach the server, as far as it gets any.
    fn deliver(&mut self, bytes: &[u8]) {
        let before = self.written.len() - self.held.len() - bytes.len();
        let heard = self.line.heard.unwrap_or(usize::MAX);
        let reaches = heard.saturating_sub(before).min(bytes.len());
        self.server.hear(&bytes[..reaches]);
    }
}

fn limit(sizes: &[usize], at: &mut usize) -> usize {
    let size = sizes.get(*at % sizes.len().max(1)).copied();
    *at += 1;
    size.unwrap_or(usize::MAX).max(1)
}

/// Messages whose content begins in these bytes. Each content's first line says whose it is.
fn begun(bytes: &[u8]) -> Vec<usize> {
    memchr::memmem::find_iter(bytes, b"begin-of-")
        .map(|at| {
            let digits: String = bytes[at + 9..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .map(|&byte| char::from(byte))
                .collect();
            digits.parse().unwrap()
        })
        .collect()
}

impl Transport for Rc<RefCell<Script>> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let script = &mut *self.borrow_mut();
        let mut left = script.server.spoken.len() - script.read;
        let cut = script.line.read.map(|most| most - script.read);
        left = left.min(cut.unwrap_or(left));
        if left == 0 {
            return match cut {
                Some(0) => Err(io::ErrorKind::ConnectionReset.into()),
                _ if script.lost() || script.server.closed => Ok(0),
                _ => Err(io::ErrorKind::WouldBlock.into()),
            };
        }
        let most = limit(&script.line.read_sizes, &mut script.reads);
        let mut count = left.min(most).min(buffer.len());
        let from = script.read;
        if script.line.layer.is_some() {
            if script.fetched <= from {
                script.fetched = script.server.spoken.len();
            }
            count = count.min(script.fetched - from);
        }
        buffer[..count].copy_from_slice(&script.server.spoken[from..from + count]);
        script.read += count;
        Ok(count)
    }

    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let script = &mut *self.borrow_mut();
        let all: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        for message in begun(&all) {
            assert!(
                script.marked.contains(&message),
                "the content of {message} was written before it was marked"
            );
        }
        if !script.held.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        script.attempts += 1;
        if script.line.blocks_every > 0 && script.attempts.is_multiple_of(script.line.blocks_every)
        {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let before = script.written.len();
        let mut count = all
            .len()
            .min(limit(&script.line.write_sizes, &mut script.writes));
        if let Some(most) = script.line.write_fails_after {
            count = count.min(most - before);
            if count == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        }
        script.written.extend_from_slice(&all[..count]);
        if script.line.layer.is_some() {
            script.held.extend_from_slice(&all[..count]);
        } else {
            script.deliver(&all[..count]);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<usize> {
        let script = &mut *self.borrow_mut();
        let most = script.line.layer.unwrap_or_default();
        let bytes: Vec<u8> = script.held.drain(..most.min(script.held.len())).collect();
        script.deliver(&bytes);
        Ok(bytes.len())
    }

    fn holds(&self) -> bool {
        !RefCell::borrow(self).held.is_empty()
    }

    fn has_more(&self) -> bool {
        let script = RefCell::borrow(self);
        script.line.layer.is_some() && script.fetched > script.read
    }

    fn wait(&mut self, readiness: Readiness, _: Duration) -> io::Result<()> {
        if readiness == Readiness::Write || RefCell::borrow(self).readable() {
            return Ok(());
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    fn acknowledge(&mut self) {}
}
