//! The one queue of a pass: the feeder fills it, couriers empty it, and hand back what they could not begin.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::bell::Bell;

/// What the outbox holds at most: more makes the feeder wait.
const MOST_ITEMS: usize = 512;
/// In bytes, as the items weigh themselves.
const MOST_BYTES: usize = 2 << 20;

/// An item that says how much memory it holds.
pub trait Weigh {
    /// In bytes, roughly.
    fn weight(&self) -> usize;
}

/// A bounded queue whose items are outstanding until somebody is done with them. The feeder waits for room; takers
/// never wait, and are rung for when there is something for them.
#[derive(Debug)]
pub struct Outbox<T> {
    inner: Mutex<Inner<T>>,
    room: Condvar,
    /// How many take from it: nobody takes more than a fair share of what there is.
    takers: usize,
    bells: Vec<Arc<Bell>>,
}

#[derive(Debug)]
struct Inner<T> {
    queue: VecDeque<T>,
    bytes: usize,
    /// Taken, and neither done nor given back.
    outstanding: usize,
    closed: bool,
    halted: bool,
    /// Whether the feeder waits. A notification is a system call even when nobody listens.
    waiting_for_room: bool,
    /// Somebody found less than was wanted.
    hungry: bool,
}

/// The run stops: nothing more is taken in or given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halted;

impl<T: Weigh> Outbox<T> {
    /// An empty outbox for one feeder and so many takers, who hear these bells.
    pub fn new(takers: usize, bells: Vec<Arc<Bell>>) -> Self {
        let inner = Inner {
            queue: VecDeque::new(),
            bytes: 0,
            outstanding: 0,
            closed: false,
            halted: false,
            waiting_for_room: false,
            hungry: false,
        };
        Outbox {
            inner: Mutex::new(inner),
            room: Condvar::new(),
            takers: takers.max(1),
            bells,
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
        self.feed_hungry(inner);
        Ok(())
    }

    /// Nothing more will be pushed.
    pub fn close(&self) {
        self.lock().closed = true;
        self.ring();
    }

    /// Nothing more is given out; whoever waits is woken.
    pub fn halt(&self) {
        self.lock().halted = true;
        self.ring();
        self.room.notify_all();
    }

    /// Takes up to `most` items more that are wanted, for a taker that holds so many: not beyond its fair share of what is
    /// not done. The others stay for other takers.
    pub fn take(&self, most: usize, held: usize, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let mut inner = self.lock();
        if inner.halted {
            return Vec::new();
        }
        inner.hungry |= inner.queue.is_empty();
        let fair = (inner.queue.len() + inner.outstanding).div_ceil(self.takers);
        let most = most.min(fair.saturating_sub(held));
        let items = self.draw(&mut inner, most, wanted);
        // What it left is not for it: it is to hear of more.
        inner.hungry |= items.len() < most;
        items
    }

    /// Whether there is something to take.
    pub fn has_work(&self) -> bool {
        let mut inner = self.lock();
        inner.hungry |= inner.queue.is_empty();
        !inner.halted && !inner.queue.is_empty()
    }

    /// Whether there is something to take that is wanted; if not, whoever asks is to hear of more.
    pub fn has_work_for(&self, wanted: impl Fn(&T) -> bool) -> bool {
        let mut inner = self.lock();
        let has_work = !inner.halted && inner.queue.iter().any(wanted);
        inner.hungry |= !has_work;
        has_work
    }

    /// Takes out all that there is, where all of it is `stuck` and in the way of what comes behind it: the feeder waits for
    /// room, or, `at_end`, everything else is done. It is not heard of again.
    pub fn set_aside(&self, at_end: bool, stuck: impl Fn(&T) -> bool) -> Vec<T> {
        let mut inner = self.lock();
        let is_last = at_end && inner.closed && inner.outstanding == 0;
        if !(inner.waiting_for_room || is_last) || !inner.queue.iter().all(stuck) {
            return Vec::new();
        }
        let items = std::mem::take(&mut inner.queue);
        inner.bytes = 0;
        if std::mem::take(&mut inner.waiting_for_room) {
            self.room.notify_one();
        }
        if inner.is_done() {
            drop(inner);
            self.ring();
        }
        items.into()
    }

    /// Whether nothing will be given out any more: all is done, or the run stops.
    pub fn is_done(&self) -> bool {
        let inner = self.lock();
        inner.halted || inner.is_done()
    }

    /// So many taken items are settled.
    pub fn done(&self, items: usize) {
        let mut inner = self.lock();
        inner.outstanding -= items;
        if inner.is_done() {
            drop(inner);
            self.ring();
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
        self.feed_hungry(inner);
    }

    fn draw(&self, inner: &mut Inner<T>, most: usize, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let most = most.min(inner.queue.len());
        let items: Vec<T> = match inner.queue.iter().take(most).all(&wanted) {
            true => inner.queue.drain(..most).collect(),
            false => {
                let mut items = Vec::new();
                for item in std::mem::take(&mut inner.queue) {
                    match items.len() < most && wanted(&item) {
                        true => items.push(item),
                        false => inner.queue.push_back(item),
                    }
                }
                items
            }
        };
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

    fn feed_hungry(&self, mut inner: MutexGuard<'_, Inner<T>>) {
        if std::mem::take(&mut inner.hungry) {
            drop(inner);
            self.ring();
        }
    }

    fn ring(&self) {
        for bell in &self.bells {
            bell.ring();
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
    use crate::bell::Wait;
    use rustix::event::{PollFd, PollFlags, poll};
    use std::thread;

    impl Weigh for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    fn sleep(bell: &Bell) {
        bell.sleep(|wait| {
            let mut fds = [PollFd::new(bell, PollFlags::IN)];
            if wait == Wait::AsLongAsWanted {
                poll(&mut fds, None).unwrap();
            }
        });
    }

    #[test]
    fn what_is_not_wanted_stays_for_others_in_its_order() {
        let outbox = Outbox::new(1, Vec::new());
        outbox.push((0..8).collect()).unwrap();
        assert_eq!(outbox.take(3, 0, |it| it % 2 == 1), [1, 3, 5]);
        assert_eq!(outbox.take(9, 3, |it| *it > 9), [0_usize; 0]);
        assert_eq!(outbox.take(9, 3, |_| true), [0, 2, 4, 6, 7]);
        outbox.close();
        outbox.done(8);
        assert!(outbox.is_done());
    }

    #[test]
    fn every_item_comes_out_and_takers_end_when_all_is_done() {
        let bells: Vec<Arc<Bell>> = (0..4).map(|_| Arc::new(Bell::new().unwrap())).collect();
        let outbox = &Outbox::new(4, bells.clone());
        let mut got = thread::scope(|scope| {
            let takers: Vec<_> = bells
                .iter()
                .map(|bell| {
                    scope.spawn(move || {
                        let mut got = Vec::new();
                        let mut given_back = false;
                        while !outbox.is_done() {
                            let mut items = outbox.take(16, 0, |_| true);
                            if items.is_empty() {
                                sleep(bell);
                            } else if given_back {
                                outbox.done(items.len());
                                got.extend(items);
                            } else {
                                given_back = true;
                                let last = items.split_off(items.len() / 2);
                                outbox.give_back(items, last);
                            }
                        }
                        got
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
        got.sort_unstable();
        assert_eq!(got, (0..2000).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_stuck_is_set_aside_where_it_is_in_the_way() {
        let outbox = Outbox::new(1, Vec::new());
        let even = |item: &usize| item.is_multiple_of(2);
        outbox.push(vec![2, 4, 5]).unwrap();
        assert!(outbox.has_work_for(even) && !outbox.has_work_for(|item| *item > 5));
        outbox.close();
        assert!(outbox.set_aside(true, even).is_empty(), "5 can go");
        assert_eq!(outbox.take(1, 0, |item| !even(item)), [5]);
        assert!(outbox.set_aside(true, even).is_empty(), "5 may come back");
        outbox.done(1);
        assert!(outbox.set_aside(false, even).is_empty());
        assert_eq!(outbox.set_aside(true, even), [2, 4]);
        assert!(outbox.is_done());

        let outbox = Outbox::new(1, Vec::new());
        outbox.push(vec![MOST_BYTES]).unwrap();
        thread::scope(|scope| {
            let pusher = scope.spawn(|| outbox.push(vec![1]));
            while outbox.set_aside(false, even).is_empty() {
                thread::yield_now();
            }
            assert_eq!(pusher.join().unwrap(), Ok(()));
        });
        assert_eq!(outbox.take(1, 0, |_| true), [1]);
    }

    #[test]
    fn nobody_holds_more_than_a_fair_share() {
        let outbox = Outbox::new(3, Vec::new());
        outbox.push((0..4).collect()).unwrap();
        assert_eq!(outbox.take(16, 0, |_| true), [0, 1]);
        assert!(outbox.take(16, 2, |_| true).is_empty());
        assert_eq!(outbox.take(16, 0, |_| true), [2, 3]);
        outbox.done(4);
    }

    #[test]
    fn what_is_given_back_goes_next_or_last() {
        let outbox = Outbox::new(1, Vec::new());
        outbox.push((0..8).collect()).unwrap();
        let items = outbox.take(4, 0, |_| true);
        outbox.give_back(items[2..].to_vec(), items[..2].to_vec());
        assert_eq!(outbox.take(8, 0, |_| true), [2, 3, 4, 5, 6, 7, 0, 1]);
        outbox.done(8);
        assert!(!outbox.is_done());
        outbox.close();
        assert!(outbox.is_done());
        assert!(outbox.take(1, 0, |_| true).is_empty());
    }

    #[test]
    fn what_is_too_heavy_waits_and_a_halt_wakes_everybody() {
        let bell = Arc::new(Bell::new().unwrap());
        let outbox = Outbox::new(1, vec![Arc::clone(&bell)]);
        outbox.push(vec![MOST_BYTES]).unwrap();
        thread::scope(|scope| {
            let pusher = scope.spawn(|| outbox.push(vec![1]));
            assert_eq!(outbox.take(5, 0, |_| true), [MOST_BYTES]);
            assert_eq!(pusher.join().unwrap(), Ok(()));
            assert_eq!(outbox.take(5, 0, |_| true), [1]);
            let waiting = scope.spawn(|| {
                while !outbox.is_done() {
                    assert!(!outbox.has_work());
                    sleep(&bell);
                }
            });
            outbox.halt();
            waiting.join().unwrap();
        });
        assert_eq!(outbox.push(vec![1]), Err(Halted));
    }
}
