//! `mailrun send`: passes over the list until nobody is due.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io;
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Error;
use super::announce::{confirmed, content_changed, introduce, invalid_rows};
use super::feed::{Feeder, Whom};
use super::pass;
use super::plan::{Plan, Selection};
use crate::bell::Bell;
use crate::campaign::{InDoubt, Period, Server, Tls};
use crate::deliver::access::Access;
use crate::deliver::account::Account;
use crate::deliver::accounts::{Accounts, Smtputf8};
use crate::deliver::aside;
use crate::deliver::courier::Shared;
use crate::deliver::health::jittered;
use crate::deliver::job::Job;
use crate::deliver::outbox::Outbox;
use crate::deliver::trace::{Detail, Say, Trace};
use crate::ledger::disk::{Here, Machine};
use crate::ledger::doubt;
use crate::ledger::file::{self, Ledger, Opening};
use crate::ledger::recent;
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
use crate::wording::{self, count};

/// What a rate a day is about.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often the ledger's name is looked at.
const WATCH: Duration = Duration::from_millis(10);

/// How to send.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Without asking.
    pub yes: bool,
    /// How much of the conversations is said.
    pub detail: Option<Detail>,
    /// The file that they are written to.
    pub trace: Option<&'a Path>,
    /// Connections into the sandbox, when the campaign has no server that says how many.
    pub connections: Option<usize>,
    /// Waits for a quota's end.
    pub wait: bool,
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
pub fn run(plan: &Plan, options: Options<'_>, voice: &mut Voice) -> Result<Ended, Error> {
    run_on(&Here, plan, options, voice)
}

/// As [`run`], the ledger on this machine.
pub(super) fn run_on(
    machine: &dyn Machine,
    plan: &Plan,
    options: Options<'_>,
    voice: &mut Voice,
) -> Result<Ended, Error> {
    let campaign = &plan.campaign;
    let begun = Instant::now();
    if !plan.sandbox && campaign.servers.is_empty() {
        return Err(no_server(plan));
    }
    let opened = file::open(
        &plan.ledger(),
        &campaign.run,
        &plan.roster.standings,
        machine,
    )?;
    let replay = opened.replay.as_ref();
    plan.refuse_invalid()?;
    let due = plan.due(campaign.delivery.in_doubt == InDoubt::Resend);
    introduce(plan, replay, due, voice);
    let held = held(plan);
    let unrecorded = plan.roster.invalid > 0 && replay.is_none();
    if due == 0 && !unrecorded {
        return Ok(ended(plan, held, None, 0, None));
    }
    if due > 0 {
        content_changed(plan, replay, options, voice)?;
        if !plan.sandbox && !options.yes && voice.can_ask() && !confirmed(plan, due, voice) {
            return Err(Error::Refused("nothing was sent".to_owned()));
        }
    }
    let sandbox = if plan.sandbox {
        Some(start_sandbox(plan, options.connections)?)
    } else {
        None
    };
    let servers = match &sandbox {
        Some((_, server)) => std::slice::from_ref(server),
        None => &campaign.servers,
    };
    let trace = traced(options, voice)?;
    let doubts = match replay {
        Some(replay) => doubt::traces(&plan.ledger(), &replay.doubts)?,
        None => HashMap::new(),
    };
    // A password may be long in coming: until then a signal ends the process.
    let accounts = accounts(plan, servers, &doubts, trace.as_ref(), options.wait)?;
    let mut signals = Signals::catch().map_err(|source| Error::Io {
        path: PathBuf::from("signals"),
        action: "catch",
        source,
    })?;
    let opening = Opening {
        run: &campaign.run,
        campaign: &campaign.name,
        content: &plan.content,
        durability: campaign.delivery.durability,
    };
    let bells = crew_bells(servers).map_err(|source| Error::Io {
        path: PathBuf::from("bells"),
        action: "make",
        source,
    })?;
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
            accounts: &accounts,
            bells: &bells,
            ledger: &ledger,
            tally: &tally,
            refused: &refused,
            stop: &stop,
        };
        work.passes(Whom::Due, due, voice, &mut signals);
        work.fill_up(voice, &mut signals);
        drop(working);
        let refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
        let see = plan.results_command("invalid");
        invalid_rows(plan, &refused, work.refused(), &see, voice);
        let reason = stop.reason().map(|reason| reason.to_string());
        if let Err(error) = ledger.end(reason.as_deref()) {
            stop.request(Reason::Ledger(error.stops()));
        }
        ledger.close();
    });
    if let Err(error) = watch.check() {
        stop.request(Reason::Ledger(error.stops()));
        voice.warn(&match watch.put_back() {
            Ok(path) => format!(
                "{}: the ledger as it was written to its end",
                path.display()
            ),
            Err(error) => format!("what was sent is on record nowhere, do not send again: {error}"),
        });
    }
    if let (Some(path), Some(true)) = (options.trace, trace.map(|trace| trace.is_torn())) {
        voice.warn(&format!(
            "{}: the trace is not whole, it could not be written to",
            path.display()
        ));
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

/// Where the conversations go, if anybody wants them.
pub(super) fn traced(options: Options<'_>, voice: &Voice) -> Result<Option<Arc<Trace>>, Error> {
    // It names recipients: nobody else is to read it.
    let create = |path: &Path| {
        let mut file = OpenOptions::new();
        let file = file.create(true).write(true).truncate(true).mode(0o600);
        file.open(path).map_err(|source| Error::Io {
            path: path.to_owned(),
            action: "write the trace",
            source,
        })
    };
    let file = options.trace.map(create).transpose()?;
    let speaker = voice.speaker();
    let spoken = options.detail.map(|detail| {
        let say: Say = Box::new(move |line| speaker.say(line));
        (detail, say)
    });
    Ok(Trace::new(spoken, file))
}

/// Looks whether the ledger is where it should be, until the work is over; stops it where it is not.
fn watch_over(watch: &Watch, over: &Receiver<()>, stop: &Stop) {
    while let Err(RecvTimeoutError::Timeout) = over.recv_timeout(WATCH) {
        if let Err(error) = watch.check() {
            return stop.request(Reason::Ledger(error.stops()));
        }
    }
}

/// What the passes of a run share.
pub(super) struct Work<'a> {
    pub plan: &'a Plan,
    pub replay: Option<&'a Replay>,
    pub doubts: &'a HashMap<KeyHash, doubt::Trace>,
    pub accounts: &'a Accounts<'a>,
    /// One for each crew.
    pub bells: &'a [Arc<Bell>],
    pub ledger: &'a Ledger,
    pub tally: &'a Tally,
    pub refused: &'a Mutex<Vec<InvalidRow>>,
    pub stop: &'a Stop,
}

impl Work<'_> {
    /// A retry is another pass over the same list with new standings; so is a resumed run.
    pub fn passes(&self, whom: Whom, due: u64, voice: &mut Voice, signals: &mut Signals) {
        let delivery = &self.plan.campaign.delivery;
        let mut delay = delivery.first_delay;
        let mut waiting = due;
        for number in 1u32.. {
            let whom = if number == 1 { whom } else { Whom::Again };
            let aside = self.pass(whom, waiting, voice, signals);
            waiting = self.chosen(Standing::Deferred);
            if aside > 0 {
                waiting += self.chosen(Standing::Remaining);
            }
            if waiting == 0 || self.stop.is_requested() {
                return;
            }
            if waiting <= aside {
                // Nobody else is left, and their own server is what they wait for.
                if let Smtputf8::Gone(reason) = self.accounts.smtputf8(Instant::now()) {
                    return self.stop.request(aside::left_alone(reason, waiting));
                }
                continue;
            }
            let wait = jittered(delay);
            delay = delay.saturating_mul(2).min(delivery.longest_delay);
            let (deferred, next) = (self.chosen(Standing::Deferred), wording::time(wait));
            // Those that were set aside are not.
            let what = if deferred > 0 {
                "deferred"
            } else {
                "waiting for their server"
            };
            let who = count(if deferred > 0 { deferred } else { waiting }, "recipient");
            voice.say(&format!("{who} {what}; the next attempt in {next}"));
            self.rest(wait, voice, signals);
            if self.stop.is_requested() {
                return;
            }
        }
    }

    /// A row of which the server cannot take an address is no recipient of the limit: the next one that any server takes is.
    fn fill_up(&self, voice: &mut Voice, signals: &mut Signals) {
        let resend = self.plan.campaign.delivery.in_doubt == InDoubt::Resend;
        let more = self.plan.further(resend);
        if more > 0 && !self.stop.is_requested() {
            self.passes(Whom::Further(more), more, voice, signals);
        }
    }

    /// Returns how many were set aside.
    fn pass(&self, whom: Whom, due: u64, voice: &mut Voice, signals: &mut Signals) -> u64 {
        let Work {
            plan,
            replay,
            doubts,
            accounts,
            ledger,
            tally,
            refused,
            stop,
            ..
        } = *self;
        let delivery = &plan.campaign.delivery;
        let couriers = couriers(accounts, due);
        let bells = &self.bells[..self.bells.len().min(couriers.len())];
        let outbox: &Outbox<Job> = &Outbox::new(couriers.len(), bells.to_vec());
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
            accounts,
            delivery,
            outbox,
            ledger,
            standings,
            tally,
            stop,
        };
        voice.begin(due);
        let aside = pass::run(feeder, shared, &couriers, bells, whom, voice, signals);
        voice.end();
        aside
    }

    /// Rows that the list allows, and of which no message could be made.
    pub fn refused(&self) -> u64 {
        self.chosen(Standing::Invalid)
    }

    fn chosen(&self, standing: Standing) -> u64 {
        let standings = &self.plan.roster.standings;
        let these = |id: &_| {
            standings.chosen(*id)
                && standings.standing(*id) == standing
                && standings.barred(*id).is_none()
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

pub(super) fn crew_bells(servers: &[Server]) -> io::Result<Vec<Arc<Bell>>> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let connections: usize = servers.iter().map(|server| server.connections).sum();
    let crews = connections.div_ceil(CONNECTIONS_A_CREW).min(cores);
    (0..crews.max(1))
        .map(|_| Bell::new().map(Arc::new))
        .collect()
}

/// The account of each connection of a pass over so many recipients, the accounts taking turns.
fn couriers<'a>(accounts: &'a Accounts<'a>, due: u64) -> Vec<&'a Account<'a>> {
    accounts.iter().for_each(|account| account.begin(due));
    let due = usize::try_from(due).unwrap_or(usize::MAX).max(1);
    let most = accounts.iter().map(|it| it.server.connections).max();
    let round = |number| {
        accounts
            .iter()
            .filter(move |it| number < it.server.connections)
    };
    (0..most.unwrap_or(0).min(due)).flat_map(round).collect()
}

/// What the couriers of each server share; what a day's quota is counted from is read from the ledger.
pub(super) fn accounts<'a>(
    plan: &Plan,
    servers: &'a [Server],
    doubts: &HashMap<KeyHash, doubt::Trace>,
    trace: Option<&Arc<Trace>>,
    waits: bool,
) -> Result<Accounts<'a>, Error> {
    let daily = |server: &Server| server.rates.iter().any(|it| it.period == Period::Day);
    let mut taken = match servers.iter().any(daily) {
        true => recent::taken_since(&plan.ledger(), doubts.values(), Timestamp::now() - DAY)?,
        false => HashMap::new(),
    };
    let give_up = plan.campaign.delivery.give_up;
    let account = |server: &'a Server| {
        let taken = taken.remove(&server.name()).unwrap_or_default();
        let mut access = Access::new(server, trace.cloned())?;
        access.one_of_several = servers.len() > 1;
        Ok(Account::new(server, access, give_up, taken))
    };
    let all: Result<_, Error> = servers.iter().map(account).collect();
    Ok(Accounts::new(all?, waits))
}

pub(super) fn no_server(plan: &Plan) -> Error {
    Error::Refused(format!(
        "{}: no [[server]] to send through; add one, set MAIL_SERVER, or try the campaign with --sandbox or --dry-run DIR",
        plan.campaign.dir.join("campaign.toml").display()
    ))
}

pub(super) fn start_sandbox(
    plan: &Plan,
    connections: Option<usize>,
) -> Result<(Sandbox, Server), Error> {
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

/// How many in doubt are not mailed again.
pub(super) fn held(plan: &Plan) -> u64 {
    let standings = &plan.roster.standings;
    let all = plan.campaign.delivery.in_doubt == InDoubt::Hold;
    let these = |id: &_| {
        standings.standing(*id) == Standing::InDoubt && (all || standings.barred(*id).is_some())
    };
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
    let counts = roster.counts();
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
