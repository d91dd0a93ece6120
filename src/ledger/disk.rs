//! What a ledger stands on: the disk that its lines go to, and the machine that may lose power.
//!
//! A seam: tests put a disk in its place that fails when it is told to, and knows what a power loss would leave.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::boot;

/// All that is done to the file of an open ledger.
pub trait Disk: Debug + Send + Sync {
    /// Writes all of `bytes` at the end. After an error some of them may be there.
    ///
    /// # Errors
    /// What the system gives.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Makes durable what was done before; others may append meanwhile.
    ///
    /// # Errors
    /// What the system gives.
    fn sync(&self) -> io::Result<()>;

    /// Drops what is beyond so many bytes.
    ///
    /// # Errors
    /// What the system gives.
    fn cut(&self, length: u64) -> io::Result<()>;
}

/// The file has to be open for appending.
impl Disk for File {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self;
        file.write_all(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        // The length is synced too: without it the data could not be read back.
        self.sync_data()
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Keeps what is written as long as somebody holds it: no file, no lock, nothing durable.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    /// All that was written.
    pub fn lines(&self) -> Vec<u8> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        // A panic while it is held leaves bytes that are still what was written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for Memory {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.lock().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.lock().truncate(length);
        Ok(())
    }
}

/// Where a ledger is written.
pub trait Machine {
    /// The id of the present boot; see [`boot`].
    fn boot(&self) -> Option<String>;

    /// The disk under an open and locked ledger. It keeps the file: with it the lock would go.
    fn disk(&self, file: File) -> Box<dyn Disk>;
}

/// The machine that this is.
#[derive(Debug, Clone, Copy)]
pub struct Here;

impl Machine for Here {
    fn boot(&self) -> Option<String> {
        boot::id()
    }

    fn disk(&self, file: File) -> Box<dyn Disk> {
        Box::new(file)
    }
}
