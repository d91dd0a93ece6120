//! One pass: the feeder and the couriers at work, the event loop beside them.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::feed::{Feeder, Whom};
use crate::bell::Bell;
use crate::deliver::account::Account;
use crate::deliver::aside::Aside;
use crate::deliver::courier::Shared;
use crate::deliver::crew::Crew;
use crate::deliver::event::Event;
use crate::progress::Voice;
use crate::signals::Signals;

/// How often counts are drawn and signals looked for.
const TICK: Duration = Duration::from_millis(50);

/// Runs one pass to its end: everybody who was due has an outcome or was set aside, or a stop was requested and what was in
/// flight is finished. A courier for each of `couriers`, a crew for each of `bells`. Returns how many were set aside.
pub fn run(
    feeder: Feeder<'_>,
    shared: Shared<'_>,
    couriers: &[&Account<'_>],
    bells: &[Arc<Bell>],
    whom: Whom,
    voice: &mut Voice,
    signals: &mut Signals,
) -> u64 {
    let mut aside = Aside::new(shared);
    thread::scope(|scope| {
        let (sender, events) = mpsc::channel();
        for (number, bell) in bells.iter().enumerate() {
            // Every so-manieth connection, so that each crew has some of each account.
            let share = couriers.iter().copied().skip(number).step_by(bells.len());
            let crew = Crew::new(scope, share, shared, &sender, Arc::clone(bell));
            scope.spawn(move || crew.run());
        }
        drop(sender);
        scope.spawn(move || feeder.feed(whom));
        loop {
            match events.recv_timeout(TICK) {
                Ok(Event::Trouble { text, wait_ms }) => {
                    voice.trouble(&text, Duration::from_millis(wait_ms))
                }
                Ok(Event::Notice { text }) => voice.say(&text),
                Ok(Event::Invalid(row)) => feeder.refuse(*row),
                Err(RecvTimeoutError::Timeout) => {}
                // Every courier is gone.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            signals.heed(shared.stop, voice);
            if shared.stop.is_requested() {
                shared.outbox.halt();
            } else {
                aside.look(Instant::now());
            }
            voice.tick(&shared.tally.counts());
        }
        // The feeder may be waiting for room that nobody will make.
        shared.outbox.halt();
    });
    aside.recipients()
}
