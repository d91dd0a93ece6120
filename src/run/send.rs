//! `mailrun send`: passes over the list until nobody is due.

use std::collections::HashMap;
use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Error;
use super::announce::{confirmed, content_changed, introduce, invalid_rows};
use super::feed::Feeder;
use super::pass;
use super::plan::{Plan, Selection};
use crate::bell::Bell;
use crate::campaign::{InDoubt, Server, Tls};
use crate::deliver::courier::Shared;
use crate::deliver::health::{Health, jittered};
use crate::deliver::job::Job;
use crate::deliver::outbox::Outbox;
use crate::ledger::disk::{Here, Machine};
use crate::ledger::doubt::{self, Trace};
use crate::ledger::file::{self, Ledger, Opening};
use crate::ledger::replay::Replay;
use crate::ledger::standing::{KeyHash, Standing};
use crate::ledger::watch::Watch;
use crate::progress::Voice;
use crate::recipients::InvalidRow;
use crate::report::summary::Counts;
use crate::sandbox::{Options as SandboxOptions, Sandbox, Store};
use crate::signals::Signals;
use crate::stop::{Reason, Stop};
use crate::tally::Tally;
use crate::wording::count;

/// How often the ledger's name is looked at.
const WATCH: Duration = Duration::from_millis(10);

/// How to send.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Without asking.
    pub yes: bool,
    /// Connections into the sandbox, when the campaign has no server that says how many.
    pub connections: Option<usize>,
}

/// How a `send` ended.
#[derive(Debug)]
pub struct Ended {
    /// Every row of the list.
    pub counts: Counts,
    /// What the exit status is about.
    pub chosen: Counts,
    /// Accepted by this process.
    pub accepted: u64,
    /// Became in doubt, beside those that were held back.
    pub doubted: u64,
    /// How long it took; `None` when nobody was due.
    pub elapsed: Option<Duration>,
    /// Why it stopped early.
    pub stopped: Option<Reason>,
}

/// Sends to everybody who is due.
///
/// # Errors
/// What is found before the first connection. Whatever comes later is in [`Ended`].
pub fn run(plan: &Plan, options: Options, voice: &mut Voice) -> Result<Ended, Error> {
    run_on(&Here, plan, options, voice)
}

/// As [`run`], the ledger on this machine.
pub(super) fn run_on(
    machine: &dyn Machine,
    plan: &Plan,
    options: Options,
    voice: &mut Voice,
) -> Result<Ended, Error> {
    let campaign = &plan.campaign;
    let begun = Instant::now();
    let server = if plan.sandbox {
        None
    } else {
        Some(configured(plan)?)
    };
    let opened = file::open(
        &plan.ledger(),
        &campaign.run,
        &plan.roster.standings,
        machine,
    )?;
    let replay = opened.replay.as_ref();
    let due = plan.due(campaign.delivery.in_doubt == InDoubt::Resend);
    introduce(plan, replay, due, voice);
    let held = match campaign.delivery.in_doubt {
        InDoubt::Hold => in_doubt(plan),
        InDoubt::Resend => 0,
    };
    let unrecorded = plan.roster.invalid > 0 && replay.is_none();
    if due == 0 && !unrecorded {
        return Ok(ended(plan, held, None, 0, None));
    }
    if due > 0 {
        content_changed(plan, replay, options, voice)?;
        if let Some(server) = server
            && !options.yes
            && voice.can_ask()
            && !confirmed(plan, server, due, voice)
        {
            return Err(Error::Refused("nothing was sent".to_owned()));
        }
    }
    let mut signals = Signals::catch().map_err(|source| Error::Io {
        path: PathBuf::from("signals"),
        action: "catch",
        source,
    })?;
    let sandbox = if plan.sandbox {
        Some(start_sandbox(plan, options.connections)?)
    } else {
        None
    };
    let server = match &sandbox {
        Some((_, server)) => server,
        None => configured(plan)?,
    };
    let opening = Opening {
        run: &campaign.run,
        campaign: &campaign.name,
        content: &plan.content,
        durability: campaign.delivery.durability,
    };
    let bells = crew_bells(server).map_err(|source| Error::Io {
        path: PathBuf::from("bells"),
        action: "make",
        source,
    })?;
    let doubts = match replay {
        Some(replay) => doubt::traces(&plan.ledger(), &replay.doubts)?,
        None => HashMap::new(),
    };
    let mut watch = Watch::over(&plan.ledger())?;
    let (ledger, replay) = opened.begin(&opening)?;
    ledger.tell(bells.clone());
    let stop = Stop::default();
    let tally = Tally::default();
    let refused = Mutex::default();
    thread::scope(|scope| {
        scope.spawn(|| ledger.keep_synced());
        let (working, over) = mpsc::channel::<()>();
        let (watch, stopping) = (&watch, &stop);
        scope.spawn(move || watch_over(watch, &over, stopping));
        let work = Work {
            plan,
            replay: replay.as_ref(),
            doubts: &doubts,
            server,
            bells: &bells,
            ledger: &ledger,
            tally: &tally,
            refused: &refused,
            stop: &stop,
        };
        work.passes(due, voice, &mut signals);
        drop(working);
        let refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
        invalid_rows(plan, &refused, work.refused(), voice);
        let reason = stop.reason().map(|reason| reason.to_string());
        if let Err(error) = ledger.end(reason.as_deref()) {
            stop.request(Reason::Ledger(error.to_string()));
        }
        ledger.close();
    });
    if let Err(error) = watch.check() {
        stop.request(Reason::Ledger(error.to_string()));
        voice.warn(&match watch.put_back() {
            Ok(path) => format!(
                "{}: the ledger as it was written to its end",
                path.display()
            ),
            Err(error) => format!("what was sent is on record nowhere, do not send again: {error}"),
        });
    }
    if sandbox.is_some() {
        voice.say(&format!(
            "the messages are in {}",
            campaign.dir.join("sandbox").display()
        ));
    }
    Ok(ended(
        plan,
        held,
        Some(begun.elapsed()),
        tally.counts().accepted,
        stop.reason(),
    ))
}

/// Looks whether the ledger is where it should be, until the work is over; stops it where it is not.
fn watch_over(watch: &Watch, over: &Receiver<()>, stop: &Stop) {
    while let Err(RecvTimeoutError::Timeout) = over.recv_timeout(WATCH) {
        if let Err(error) = watch.check() {
            return stop.request(Reason::Ledger(error.to_string()));
        }
    }
}

struct Work<'a> {
    plan: &'a Plan,
    replay: Option<&'a Replay>,
    doubts: &'a HashMap<KeyHash, Trace>,
    server: &'a Server,
    /// One for each crew.
    bells: &'a [Arc<Bell>],
    ledger: &'a Ledger,
    tally: &'a Tally,
    refused: &'a Mutex<Vec<InvalidRow>>,
    stop: &'a Stop,
}

impl Work<'_> {
    /// A retry is another pass over the same list with new standings; so is a resumed run.
    fn passes(&self, due: u64, voice: &mut Voice, signals: &mut Signals) {
        let delivery = &self.plan.campaign.delivery;
        let mut delay = delivery.first_delay;
        let mut waiting = due;
        let health = Health::new(delivery.give_up);
        for number in 1u32.. {
            health.begin();
            self.pass(number == 1, waiting, &health, voice, signals);
            waiting = self.deferred();
            if waiting == 0 || self.stop.is_requested() {
                return;
            }
            let wait = jittered(delay);
            delay = delay.saturating_mul(2).min(delivery.longest_delay);
            voice.say(&format!(
                "{} deferred; the next attempt in {}",
                count(waiting, "recipient"),
                seconds(wait)
            ));
            self.rest(wait, voice, signals);
            if self.stop.is_requested() {
                return;
            }
        }
    }

    fn pass(
        &self,
        first: bool,
        due: u64,
        health: &Health,
        voice: &mut Voice,
        signals: &mut Signals,
    ) {
        let Work {
            plan,
            replay,
            doubts,
            ledger,
            tally,
            refused,
            stop,
            ..
        } = *self;
        let delivery = &plan.campaign.delivery;
        let mut server = self.server.clone();
        server.connections = server
            .connections
            .min(usize::try_from(due).unwrap_or(usize::MAX))
            .max(1);
        let server = &server;
        let bells = &self.bells[..self.bells.len().min(server.connections)];
        let outbox: &Outbox<Job> = &Outbox::new(server.connections, bells.to_vec());
        let feeder = Feeder {
            plan,
            replay,
            doubts,
            outbox,
            ledger,
            tally,
            refused,
            stop,
        };
        let standings = &plan.roster.standings;
        let shared = Shared {
            server,
            delivery,
            health,
            outbox,
            ledger,
            standings,
            tally,
            stop,
        };
        voice.begin(due);
        pass::run(feeder, shared, bells, first, voice, signals);
        voice.end();
    }

    fn deferred(&self) -> u64 {
        self.chosen(Standing::Deferred)
    }

    /// Rows that the list allows, and of which no message could be made.
    fn refused(&self) -> u64 {
        self.chosen(Standing::Invalid)
    }

    fn chosen(&self, standing: Standing) -> u64 {
        let standings = &self.plan.roster.standings;
        let these = |id: &_| {
            standings.chosen(*id) && standings.standing(*id) == standing && !standings.left_out(*id)
        };
        standings.ids().filter(these).count() as u64
    }

    fn rest(&self, wait: Duration, voice: &mut Voice, signals: &mut Signals) {
        let until = Instant::now() + wait;
        while Instant::now() < until && !self.stop.is_requested() {
            signals.heed(self.stop, voice);
            self.stop.wait(
                until
                    .saturating_duration_since(Instant::now())
                    .min(Duration::from_millis(50)),
            );
        }
    }
}

/// A crew for every so many connections, as long as there are cores for them: one thread keeps a fast server busy, and
/// two cost more than one where they have little to do.
const CONNECTIONS_A_CREW: usize = 16;

fn crew_bells(server: &Server) -> io::Result<Vec<Arc<Bell>>> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let crews = server.connections.div_ceil(CONNECTIONS_A_CREW).min(cores);
    (0..crews.max(1))
        .map(|_| Bell::new().map(Arc::new))
        .collect()
}

fn configured(plan: &Plan) -> Result<&Server, Error> {
    plan.campaign.servers.first().ok_or_else(|| {
        Error::Refused(format!(
            "{}: no [[server]] to send through; add one, or try the campaign with --sandbox or --dry-run DIR",
            plan.campaign.dir.join("campaign.toml").display()
        ))
    })
}

fn start_sandbox(plan: &Plan, connections: Option<usize>) -> Result<(Sandbox, Server), Error> {
    let folder = plan.campaign.dir.join("sandbox");
    let options = SandboxOptions {
        store: Store::Maildir(folder.clone()),
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start(options).map_err(|source| Error::Io {
        path: folder,
        action: "start the sandbox in",
        source,
    })?;
    let mut server = plan.campaign.servers.first().cloned().unwrap_or_default();
    server.host = sandbox.address().ip().to_string();
    server.port = sandbox.address().port();
    (server.tls, server.login) = (Tls::None, None);
    server.connections = connections.unwrap_or(server.connections);
    Ok((sandbox, server))
}

fn in_doubt(plan: &Plan) -> u64 {
    let standings = &plan.roster.standings;
    let these = |id: &_| standings.standing(*id) == Standing::InDoubt;
    standings.ids().filter(these).count() as u64
}

fn ended(
    plan: &Plan,
    held: u64,
    elapsed: Option<Duration>,
    accepted: u64,
    stopped: Option<Reason>,
) -> Ended {
    let roster = &plan.roster;
    let counts = Counts::of(&roster.standings, roster.invalid, roster.doubled);
    let chosen = match plan.selection {
        Selection::All => counts,
        Selection::Limit(_) | Selection::Only(_) => Counts::of_chosen(&roster.standings),
    };
    Ended {
        counts,
        chosen,
        accepted,
        doubted: counts.in_doubt.saturating_sub(held),
        elapsed,
        stopped,
    }
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s => format!("{:.0} min", s / 60.0),
    }
}
