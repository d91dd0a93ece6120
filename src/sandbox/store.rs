//! What becomes of accepted messages.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::maildir::Maildir;

/// What becomes of accepted messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// Each is a file of this Maildir, which is made where it is missing.
    Maildir(PathBuf),
    /// They are counted, and dropped.
    Count,
    /// They are kept, and so is what every connection said: for tests.
    Memory,
}

/// An accepted message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The envelope sender, without angle brackets; empty for `<>`.
    pub from: String,
    /// The accepted envelope recipients, in order.
    pub to: Vec<String>,
    /// The content exactly as it was sent, the transparency dots of DATA taken away.
    pub content: Vec<u8>,
    /// The connection it came over, counted from 1.
    pub connection: u64,
}

/// What one connection said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The connection, counted from 1.
    pub connection: u64,
    /// The command lines in order, without their CRLF; bytes that are no UTF-8 replaced. Content is not among them.
    pub commands: Vec<String>,
}

/// The place that a [`Store`] names.
#[derive(Debug)]
pub(super) struct Storage {
    place: Place,
    accepted: AtomicU64,
}

#[derive(Debug)]
enum Place {
    Maildir(Maildir),
    Nowhere,
    Memory(Mutex<Memory>),
}

#[derive(Debug, Default)]
struct Memory {
    messages: Vec<Stored>,
    /// When each of them was accepted.
    times: Vec<Instant>,
    commands: BTreeMap<u64, Vec<String>>,
}

impl Storage {
    pub(super) fn open(store: &Store) -> io::Result<Storage> {
        let place = match store {
            Store::Maildir(path) => Place::Maildir(Maildir::create(path)?),
            Store::Count => Place::Nowhere,
            Store::Memory => Place::Memory(Mutex::default()),
        };
        Ok(Storage {
            place,
            accepted: AtomicU64::new(0),
        })
    }

    /// Whether content has to be kept until its end.
    pub(super) fn wants_content(&self) -> bool {
        !matches!(self.place, Place::Nowhere)
    }

    /// Stores a message and gives its queue id.
    pub(super) fn store(&self, message: Stored) -> io::Result<u64> {
        match &self.place {
            Place::Maildir(maildir) => maildir.store(&message)?,
            Place::Nowhere => {}
            Place::Memory(memory) => {
                let mut memory = lock(memory);
                memory.messages.push(message);
                memory.times.push(Instant::now());
            }
        }
        Ok(self.accepted.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Remembers a connection, and a line that it said, where conversations are kept.
    pub(super) fn heard(&self, connection: u64, line: Option<&[u8]>) {
        let Place::Memory(memory) = &self.place else {
            return;
        };
        let line = line.map(|line| String::from_utf8_lossy(line).into_owned());
        lock(memory)
            .commands
            .entry(connection)
            .or_default()
            .extend(line);
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(super) fn messages(&self) -> Vec<Stored> {
        match &self.place {
            Place::Memory(memory) => lock(memory).messages.clone(),
            Place::Maildir(_) | Place::Nowhere => Vec::new(),
        }
    }

    pub(super) fn times(&self) -> Vec<Instant> {
        match &self.place {
            Place::Memory(memory) => lock(memory).times.clone(),
            Place::Maildir(_) | Place::Nowhere => Vec::new(),
        }
    }

    pub(super) fn conversations(&self) -> Vec<Conversation> {
        let Place::Memory(memory) = &self.place else {
            return Vec::new();
        };
        let memory = lock(memory);
        let each = memory.commands.iter();
        each.map(|(connection, commands)| Conversation {
            connection: *connection,
            commands: commands.clone(),
        })
        .collect()
    }
}

fn lock(memory: &Mutex<Memory>) -> std::sync::MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}
