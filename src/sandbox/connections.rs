//! The open connections: who is admitted, how all of them are stopped.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Connections {
    most: Option<usize>,
    room: Mutex<Room>,
    stopped: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct Room {
    streams: HashMap<u64, Arc<TcpStream>>,
    stopping: bool,
    pub(super) accepted: u64,
    pub(super) turned_away: u64,
    pub(super) open: usize,
    pub(super) most_open: usize,
}

impl Connections {
    pub(super) fn new(most: Option<usize>) -> Connections {
        Connections {
            most,
            room: Mutex::default(),
            stopped: Condvar::new(),
        }
    }

    /// Gives a connection its seat; `None` when the server is stopping.
    pub(super) fn admit(&self, stream: &Arc<TcpStream>) -> Option<Seat<'_>> {
        let mut room = self.room();
        if room.stopping {
            return None;
        }
        room.accepted += 1;
        let number = room.accepted;
        let served = self.most.is_none_or(|most| room.open < most);
        if served {
            room.open += 1;
            room.most_open = room.most_open.max(room.open);
        } else {
            room.turned_away += 1;
        }
        room.streams.insert(number, Arc::clone(stream));
        Some(Seat {
            connections: self,
            number,
            served: Cell::new(served),
        })
    }

    /// Cuts every connection, ends every pause, and admits no one any more.
    pub(super) fn stop(&self) {
        let mut room = self.room();
        room.stopping = true;
        for stream in room.streams.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.stopped.notify_all();
    }

    /// Waits; `false` when the server was stopped meanwhile.
    pub(super) fn pause(&self, duration: Duration) -> bool {
        let waited = self
            .stopped
            .wait_timeout_while(self.room(), duration, |room| !room.stopping);
        let (room, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !room.stopping
    }

    pub(super) fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An admitted connection, until dropped.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    connections: &'a Connections,
    number: u64,
    served: Cell<bool>,
}

impl Seat<'_> {
    /// The connection, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// `false`: too many are open, it is to be sent away.
    pub(super) fn served(&self) -> bool {
        self.served.get()
    }

    /// The last word is said: who waits for the end of this connection may have another one.
    pub(super) fn leave(&self) {
        if self.served.replace(false) {
            self.connections.room().open -= 1;
        }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.leave();
        self.connections.room().streams.remove(&self.number);
    }
}
