//! Signals: the first one drains, the second one ends the process at once.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Pending;

use crate::exit::Exit;
use crate::progress::Voice;
use crate::stop::{Reason, Stop};

/// The signals that ask mailrun to end, caught from the moment this is made.
pub struct Signals {
    pending: Pending,
    heeded: bool,
}

impl Signals {
    /// Catches SIGINT, SIGTERM and SIGHUP.
    ///
    /// # Errors
    /// What the system gives.
    pub fn catch() -> io::Result<Self> {
        Ok(Signals {
            pending: Pending::new([SIGINT, SIGTERM, SIGHUP])?,
            heeded: false,
        })
    }

    /// Looks for signals that came since the last look.
    pub fn heed(&mut self, stop: &Stop, voice: &mut Voice) {
        for signal in self.pending.pending() {
            let name = match signal {
                SIGINT => "interrupted (SIGINT)",
                SIGTERM => "terminated (SIGTERM)",
                _ => "the terminal was closed (SIGHUP)",
            };
            if self.heeded {
                voice.aborting();
                // Every line written is in the file already; what is in flight is marked, and in doubt.
                std::process::exit(Exit::Stopped as i32);
            }
            self.heeded = true;
            stop.request(Reason::Signal(name));
            voice.draining();
        }
    }
}
