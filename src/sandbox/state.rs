//! What the connections of one sandbox have in common.

use std::collections::HashSet;
use std::io;
use std::sync::{Mutex, PoisonError};

use super::behaviour::Wish;
use super::connections::Connections;
use super::limits::Used;
use super::stats::{Commands, Stats};
use super::store::Storage;
use super::{Options, Verb};

#[derive(Debug)]
pub(super) struct State {
    pub(super) options: Options,
    pub(super) connections: Connections,
    pub(super) storage: Storage,
    commands: Commands,
    pub(super) used: Used,
    /// The addresses whose `-once` has been had.
    had: Mutex<HashSet<String>>,
}

impl State {
    pub(super) fn new(options: Options) -> io::Result<State> {
        Ok(State {
            connections: Connections::new(options.max_connections),
            storage: Storage::open(&options.store)?,
            commands: Commands::default(),
            used: Used::default(),
            had: Mutex::default(),
            options,
        })
    }

    /// Whether this wish holds now: always, or the first time for this address.
    pub(super) fn grants(&self, wish: Wish, address: &str) -> bool {
        let had = || self.had.lock().unwrap_or_else(PoisonError::into_inner);
        !wish.once || had().insert(address.to_owned())
    }

    /// Counts a command of a connection, and remembers it where conversations are kept.
    pub(super) fn heard(&self, connection: u64, verb: Verb, line: &[u8]) {
        self.commands.count(verb);
        self.storage.heard(connection, Some(line));
    }

    pub(super) fn stats(&self) -> Stats {
        let room = self.connections.room();
        Stats {
            connections: room.accepted,
            turned_away: room.turned_away,
            open: room.open,
            most_open: room.most_open,
            messages: self.storage.accepted(),
            commands: self.commands.now(),
        }
    }
}
