//! A crew: a thread that drives several couriers, and sleeps when none of them has anything to do.
//!
//! One turn: take what the servers answered; claim; submit what may leave; append to the ledger all that this gave;
//! write. What is claimed, marked and settled on all of its connections in a turn is one append.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::account::Account;
use super::courier::{Courier, Disk, Shared};
use super::dial::Dial;
use super::event::Event;
use super::gather::Gathering;
use super::record::Record;
use crate::bell::{Bell, Wait};
use crate::ledger::LedgerError;
use crate::ledger::file::Mark;
use crate::scheduling::wake_on_time;
use crate::stop::Reason;

/// Between looks, when nothing can be waited for.
const BLIND: Duration = Duration::from_millis(10);

/// Some connections of a pass.
pub struct Crew<'scope, 'env> {
    shared: Shared<'scope>,
    couriers: Vec<Courier<'scope>>,
    record: Record<'scope>,
    dial: Dial<'scope, 'env>,
    bell: Arc<Bell>,
    /// What stands before it in the ledger was durable in the last turn.
    durable: Mark,
    gathering: Gathering,
}

impl<'scope, 'env> Crew<'scope, 'env> {
    /// A crew of a courier for each of these accounts, none of which has a connection.
    pub fn new(
        scope: &'scope Scope<'scope, 'env>,
        accounts: impl Iterator<Item = &'scope Account<'scope>>,
        shared: Shared<'scope>,
        events: &Sender<Event>,
        bell: Arc<Bell>,
    ) -> Self {
        Crew {
            shared,
            couriers: accounts
                .map(|account| Courier::new(shared, account, events.clone()))
                .collect(),
            record: Record::new(shared.ledger, shared.outbox),
            dial: Dial::new(scope, Arc::clone(&bell)),
            bell,
            durable: Mark::default(),
            gathering: Gathering::new(Instant::now()),
        }
    }

    /// Works until the outbox has nothing left, or a stop is requested and what is in flight is finished.
    pub fn run(mut self) {
        wake_on_time();
        if let Err(error) = self.work() {
            // No record, no sending.
            self.shared.stop.request(Reason::Ledger(error.stops()));
            for courier in self.couriers {
                courier.abandon();
            }
            self.record.doubt(self.shared.standings);
        }
    }

    fn work(&mut self) -> Result<(), LedgerError> {
        loop {
            self.turn()?;
            if self.couriers.iter().all(Courier::is_gone) {
                return Ok(());
            }
            if !self.couriers.iter().any(Courier::has_news)
                && let Err(error) = self.sleep()
            {
                let text = format!("cannot wait for the connections: {error}");
                self.shared.stop.request(Reason::Server(text));
                // What is in flight is finished by looking now and then.
                thread::sleep(BLIND);
                self.couriers.iter_mut().for_each(Courier::read);
            }
        }
    }

    fn turn(&mut self) -> Result<(), LedgerError> {
        let record = &mut self.record;
        while let Some((courier, call)) = self.dial.ended() {
            self.couriers[courier].called(call, record);
        }
        let (now, durable) = (Instant::now(), self.shared.ledger.durable()?);
        self.durable = durable;
        for (number, courier) in self.couriers.iter_mut().enumerate() {
            courier.take_in(now, record);
            courier.attend(now, durable, record, |old, open| {
                self.dial.call(number, old, open);
            });
        }
        let written = record.append()?;
        for courier in &mut self.couriers {
            courier.recorded(written);
            courier.write();
        }
        Ok(())
    }

    /// Waits until a server answered, takes bytes again, is waited for in vain, or somebody rings.
    fn sleep(&mut self) -> io::Result<()> {
        let disk = |courier: &Courier<'_>| courier.disk(self.durable);
        match self.couriers.iter().filter_map(disk).max() {
            Some(Disk::Awaited(mark)) => self.shared.ledger.await_durable(mark),
            Some(Disk::Wanted(mark)) => self.shared.ledger.hurry(mark),
            None => {}
        }
        let couriers = &self.couriers;
        let awaited = couriers.iter().filter(|courier| courier.is_busy());
        let mut round_trips = awaited.clone().map(Courier::round_trip);
        // Of several servers one would wait for another's messages in line.
        let round_trip = round_trips.next().unwrap_or_default();
        let is_one = round_trips.all(|other| other == round_trip);
        let round_trip = if is_one { round_trip } else { Duration::MAX };
        let until = self.gathering.until(awaited.count(), round_trip);
        thread::sleep(until.saturating_duration_since(Instant::now()));
        let until = couriers.iter().filter_map(Courier::deadline).min();
        let (numbers, mut sockets): (Vec<usize>, Vec<PollFd<'_>>) = couriers
            .iter()
            .enumerate()
            .filter_map(|(number, courier)| {
                let session = courier.session()?;
                let mut flags = PollFlags::empty();
                flags.set(PollFlags::IN, session.reads());
                flags.set(PollFlags::OUT, session.writes());
                Some((number, PollFd::new(session, flags)))
            })
            .unzip();
        sockets.push(PollFd::new(&self.bell, PollFlags::IN));
        self.bell.sleep(|wait| {
            let left = match wait {
                Wait::Not => Some(Duration::ZERO),
                Wait::AsLongAsWanted => {
                    until.map(|until| until.saturating_duration_since(Instant::now()))
                }
            };
            let left = left.map(Timespec::try_from).transpose();
            match poll(&mut sockets, left.map_err(io::Error::other)?.as_ref()) {
                Err(Errno::INTR) => Ok(()),
                result => result.map(drop).map_err(io::Error::from),
            }
        })?;
        let awake: Vec<usize> = numbers
            .into_iter()
            .zip(&sockets)
            .filter(|(_, socket)| !socket.revents().difference(PollFlags::OUT).is_empty())
            .map(|(number, _)| number)
            .collect();
        drop(sockets);
        self.gathering.took(awake.len(), Instant::now());
        for number in awake {
            self.couriers[number].read();
        }
        Ok(())
    }
}
