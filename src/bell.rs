//! Wakes a thread that waits for sockets: a pipe whose end it waits for too.
//!
//! Ringing for a thread that is awake is one atomic swap; only a sleeper costs a system call.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const RUNG: u8 = 2;

/// One sleeper's bell; whoever has news for it rings.
#[derive(Debug)]
pub struct Bell {
    state: AtomicU8,
    reader: PipeReader,
    writer: PipeWriter,
}

impl Bell {
    /// A bell that nobody has rung.
    ///
    /// # Errors
    /// When the system has no more file descriptors.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Bell {
            state: AtomicU8::new(AWAKE),
            reader,
            writer,
        })
    }

    /// The sleeper is to look again: now if it sleeps, before it would sleep otherwise.
    pub fn ring(&self) {
        if self.state.swap(RUNG, AcqRel) == ASLEEP {
            // A pipe takes a byte whose reader is there, and the reader is in the same place as the writer.
            let _ = (&self.writer).write_all(&[0]);
        }
    }

    /// Sleeps as `sleep` does, which must end when the bell's end of the pipe can be read, and must not wait at all when
    /// it is told so: somebody rang since the last time.
    pub fn sleep<R>(&self, sleep: impl FnOnce(Wait) -> R) -> R {
        if (self.state)
            .compare_exchange(AWAKE, ASLEEP, AcqRel, Acquire)
            .is_err()
        {
            // Rung while it was awake: no byte was written.
            self.state.swap(AWAKE, AcqRel);
            return sleep(Wait::Not);
        }
        let slept = sleep(Wait::AsLongAsWanted);
        if self.state.swap(AWAKE, AcqRel) == RUNG {
            // One byte for each time that it slept and was rung for. Only a signal can keep it from being read, and
            // then it ends the next sleep.
            let _ = (&self.reader).read_exact(&mut [0]);
        }
        slept
    }
}

/// Whether a sleep may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Somebody rang: only a look.
    Not,
    /// Until something happens.
    AsLongAsWanted,
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    /// Sleeps as a waiter for sockets does, with nothing else to wait for.
    fn sleep(bell: &Bell) -> Wait {
        bell.sleep(|wait| {
            let mut fds = [PollFd::new(bell, PollFlags::IN)];
            if wait == Wait::AsLongAsWanted {
                poll(&mut fds, None).unwrap();
            }
            wait
        })
    }

    #[test]
    fn a_bell_rung_before_the_sleep_is_heard_once() {
        let bell = Bell::new().unwrap();
        bell.ring();
        bell.ring();
        assert_eq!(sleep(&bell), Wait::Not);
        std::thread::scope(|scope| {
            scope.spawn(|| bell.ring());
            sleep(&bell);
        });
    }

    #[test]
    fn no_ring_is_missed_whenever_it_comes() {
        const RINGS: u32 = 20_000;
        let bell = Bell::new().unwrap();
        let (rung, seen) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for ring in 1..=RINGS {
                    rung.store(ring, SeqCst);
                    bell.ring();
                    // Every other time the sleeper is let to fall asleep first.
                    while ring % 2 == 0 && seen.load(SeqCst) < ring {
                        std::thread::yield_now();
                    }
                }
            });
            while seen.load(SeqCst) < RINGS {
                sleep(&bell);
                seen.store(rung.load(SeqCst), SeqCst);
            }
        });
    }
}
