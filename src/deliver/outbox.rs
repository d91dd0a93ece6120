//! The one queue of a pass: the feeder fills it, couriers empty it, and hand back what they could not begin.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What the outbox holds at most: more makes the feeder wait.
const MOST_ITEMS: usize = 512;
/// In bytes, as the items weigh themselves.
const MOST_BYTES: usize = 6 << 20;

/// An item that says how much memory it holds.
pub trait Weigh {
    /// In bytes, roughly.
    fn weight(&self) -> usize;
}

/// A bounded queue whose items are outstanding until somebody is done with them.
#[derive(Debug)]
pub struct Outbox<T> {
    inner: Mutex<Inner<T>>,
    room: Condvar,
    work: Condvar,
    /// How many take from it: nobody takes more than a fair share of what there is.
    takers: usize,
}

#[derive(Debug)]
struct Inner<T> {
    queue: VecDeque<T>,
    bytes: usize,
    /// Taken, and neither done nor given back.
    outstanding: usize,
    closed: bool,
    halted: bool,
    /// Who waits. A notification is a system call even when nobody listens, so none is made then.
    waiting_for_room: bool,
    waiting_for_work: usize,
}

/// The run stops: nothing more is taken in or given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halted;

impl<T: Weigh> Outbox<T> {
    /// An empty outbox for so many takers and one feeder.
    pub fn new(takers: usize) -> Self {
        let inner = Inner {
            queue: VecDeque::new(),
            bytes: 0,
            outstanding: 0,
            closed: false,
            halted: false,
            waiting_for_room: false,
            waiting_for_work: 0,
        };
        Outbox {
            inner: Mutex::new(inner),
            room: Condvar::new(),
            work: Condvar::new(),
            takers: takers.max(1),
        }
    }

    /// Adds items at the end; waits before the first one while the outbox is full, so that it holds at most one call's
    /// items more than its bounds.
    ///
    /// # Errors
    /// [`Halted`]; the items are gone.
    pub fn push(&self, items: Vec<T>) -> Result<(), Halted> {
        let mut inner = self.lock();
        while !inner.halted && inner.is_full() {
            inner.waiting_for_room = true;
            inner = self
                .room
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
        inner.waiting_for_room = false;
        if inner.halted {
            return Err(Halted);
        }
        inner.bytes += items.iter().map(Weigh::weight).sum::<usize>();
        inner.queue.extend(items);
        self.wake_takers(&inner);
        Ok(())
    }

    /// Nothing more will be pushed.
    pub fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }

    /// Nothing more is given out; whoever waits is woken.
    pub fn halt(&self) {
        self.lock().halted = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Takes up to `most` items, waiting for the first. Empty when all work is done, or the outbox halted.
    pub fn take(&self, most: usize) -> Vec<T> {
        let mut inner = self.lock();
        loop {
            if inner.halted || inner.is_done() {
                return Vec::new();
            }
            if !inner.queue.is_empty() {
                return self.draw(&mut inner, most);
            }
            inner.waiting_for_work += 1;
            inner = self
                .work
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
            inner.waiting_for_work -= 1;
        }
    }

    /// Takes up to `most` items, waiting for none.
    pub fn take_ready(&self, most: usize) -> Vec<T> {
        let mut inner = self.lock();
        if inner.halted {
            Vec::new()
        } else {
            self.draw(&mut inner, most)
        }
    }

    /// So many taken items are settled.
    pub fn done(&self, items: usize) {
        let mut inner = self.lock();
        inner.outstanding -= items;
        if inner.is_done() {
            self.work.notify_all();
        }
    }

    /// Taken items could not be begun: `next` go out next, in their order, to whoever asks first, `last` after all
    /// that is there.
    pub fn give_back(&self, next: Vec<T>, last: Vec<T>) {
        let mut inner = self.lock();
        inner.outstanding -= next.len() + last.len();
        inner.bytes += next.iter().chain(&last).map(Weigh::weight).sum::<usize>();
        for item in next.into_iter().rev() {
            inner.queue.push_front(item);
        }
        inner.queue.extend(last);
        self.wake_takers(&inner);
    }

    fn draw(&self, inner: &mut Inner<T>, most: usize) -> Vec<T> {
        let fair = inner.queue.len().div_ceil(self.takers);
        let items: Vec<T> = inner.queue.drain(..most.min(fair)).collect();
        inner.bytes -= items.iter().map(Weigh::weight).sum::<usize>();
        inner.outstanding += items.len();
        // Woken at half, the feeder finds room for many items, and is woken less often.
        if inner.waiting_for_room
            && inner.queue.len() <= MOST_ITEMS / 2
            && inner.bytes <= MOST_BYTES / 2
        {
            inner.waiting_for_room = false;
            self.room.notify_one();
        }
        items
    }

    fn wake_takers(&self, inner: &Inner<T>) {
        for _ in 0..inner.waiting_for_work.min(inner.queue.len()) {
            self.work.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Inner<T> {
    fn is_full(&self) -> bool {
        self.queue.len() >= MOST_ITEMS || self.bytes >= MOST_BYTES
    }

    fn is_done(&self) -> bool {
        self.closed && self.queue.is_empty() && self.outstanding == 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::thread;

    impl Weigh for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    #[test]
    fn every_item_comes_out_and_takers_end_when_all_is_done() {
        let outbox = Outbox::new(4);
        let got = thread::scope(|scope| {
            let takers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut got = Vec::new();
                        let mut given_back = false;
                        loop {
                            let mut items = outbox.take(16);
                            if items.is_empty() {
                                return got;
                            }
                            if given_back {
                                outbox.done(items.len());
                                got.extend(items);
                            } else {
                                given_back = true;
                                let last = items.split_off(items.len() / 2);
                                outbox.give_back(items, last);
                            }
                        }
                    })
                })
                .collect();
            for first in (0..2000).step_by(50) {
                outbox.push((first..first + 50).collect()).unwrap();
            }
            outbox.close();
            takers
                .into_iter()
                .flat_map(|taker| taker.join().unwrap())
                .collect::<Vec<_>>()
        });
        let mut got = got;
        got.sort_unstable();
        assert_eq!(got, (0..2000).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_given_back_goes_next_or_last() {
        let outbox = Outbox::new(1);
        outbox.push((0..8).collect()).unwrap();
        let items = outbox.take(4);
        outbox.give_back(items[2..].to_vec(), items[..2].to_vec());
        assert_eq!(outbox.take(8), [2, 3, 4, 5, 6, 7, 0, 1]);
        outbox.done(8);
        outbox.close();
        assert!(outbox.take(1).is_empty());
    }

    #[test]
    fn what_is_too_heavy_waits_and_a_halt_wakes_everybody() {
        let outbox = Outbox::new(1);
        outbox.push(vec![MOST_BYTES]).unwrap();
        thread::scope(|scope| {
            let pusher = scope.spawn(|| outbox.push(vec![1]));
            assert_eq!(outbox.take(5), [MOST_BYTES]);
            assert_eq!(pusher.join().unwrap(), Ok(()));
            let waiting = scope.spawn(|| {
                assert_eq!(outbox.take(5), [1]);
                outbox.take(5)
            });
            while outbox.lock().queue.len() == 1 {
                thread::yield_now();
            }
            outbox.halt();
            assert!(waiting.join().unwrap().is_empty());
        });
        assert_eq!(outbox.push(vec![1]), Err(Halted));
    }
}
