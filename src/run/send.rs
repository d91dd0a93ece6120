//! `mailrun send`: passes over the list until nobody is due.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Error;
use super::feed::Feeder;
use super::pass;
use super::plan::{Plan, Selection, ledger_path};
use crate::campaign::{InDoubt, Server};
use crate::deliver::courier::{Job, Shared};
use crate::deliver::health::{Health, jittered};
use crate::deliver::outbox::Outbox;
use crate::ledger::file::{self, Ledger, Opening};
use crate::ledger::replay::Replay;
use crate::ledger::standing::Standing;
use crate::progress::Voice;
use crate::recipients::InvalidRow;
use crate::report::summary::Counts;
use crate::sandbox::{Options as SandboxOptions, Sandbox, Store};
use crate::signals::Signals;
use crate::stop::{Reason, Stop};
use crate::tally::Tally;
use crate::wording::count;

/// How to send.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Into the server inside this process.
    pub sandbox: bool,
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
    /// How long it took.
    pub elapsed: Duration,
    /// Why it stopped early.
    pub stopped: Option<Reason>,
}

/// Sends to everybody who is due.
///
/// # Errors
/// What is found before the first connection. Whatever comes later is in [`Ended`].
pub fn run(plan: &Plan, options: Options, voice: &mut Voice) -> Result<Ended, Error> {
    let campaign = &plan.campaign;
    let begun = Instant::now();
    let path = ledger_path(&campaign.dir, &campaign.run, options.sandbox);
    let server = if options.sandbox {
        None
    } else {
        Some(configured(plan)?)
    };
    let opened = file::open(&path, &campaign.run, &plan.roster.standings)?;
    let replay = opened.replay.as_ref();
    let due = plan.due(campaign.delivery.in_doubt == InDoubt::Resend);
    introduce(plan, replay, due, voice);
    let unrecorded = plan.roster.invalid > 0 && replay.is_none();
    if due == 0 && !unrecorded {
        return Ok(ended(plan, begun, 0, None));
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
    let sandbox = if options.sandbox {
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
    let (ledger, replay) = opened.begin(&opening)?;
    let stop = Stop::default();
    let tally = Tally::default();
    let refused = Mutex::default();
    thread::scope(|scope| {
        scope.spawn(|| ledger.keep_synced());
        let work = Work {
            plan,
            replay: replay.as_ref(),
            server,
            ledger: &ledger,
            tally: &tally,
            refused: &refused,
            stop: &stop,
        };
        work.passes(due, voice, &mut signals);
        let refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
        invalid_rows(plan, &refused, work.refused(), voice);
        let reason = stop.reason().map(|reason| reason.to_string());
        if let Err(error) = ledger.end(reason.as_deref()) {
            stop.request(Reason::Ledger(error.to_string()));
        }
        ledger.close();
    });
    if sandbox.is_some() {
        voice.say(&format!(
            "the messages are in {}",
            campaign.dir.join("sandbox").display()
        ));
    }
    Ok(ended(plan, begun, tally.counts().accepted, stop.reason()))
}

struct Work<'a> {
    plan: &'a Plan,
    replay: Option<&'a Replay>,
    server: &'a Server,
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
        for number in 1u32.. {
            self.pass(number == 1, waiting, voice, signals);
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

    fn pass(&self, first: bool, due: u64, voice: &mut Voice, signals: &mut Signals) {
        let Work {
            plan,
            replay,
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
        let outbox: &Outbox<Job> = &Outbox::new(server.connections);
        let health = &Health::new(delivery.give_up);
        let feeder = Feeder {
            plan,
            replay,
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
        pass::run(feeder, shared, first, voice, signals);
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
        let these = |id: &_| standings.chosen(*id) && standings.standing(*id) == standing;
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
    server.connections = connections.unwrap_or(server.connections);
    Ok((sandbox, server))
}

/// Says what was found before anything is sent.
fn introduce(plan: &Plan, replay: Option<&Replay>, due: u64, voice: &Voice) {
    let roster = &plan.roster;
    let file = plan.campaign.recipients.file.display();
    if roster.rows == 0 {
        voice.say(&format!(
            "{file}: no rows below the header; nothing to send"
        ));
        return;
    }
    invalid_rows(plan, &roster.invalid_shown, roster.invalid, voice);
    if roster.doubled > 0 {
        let rows = count(roster.doubled, "row");
        voice.say(&format!(
            "{file}: {rows} left out: an earlier row has the same key"
        ));
    }
    if let Some(replay) = replay
        && replay.torn > 0
    {
        voice.say("the ledger broke off in the middle of a line, which is dropped");
    }
    let standings = Counts::of(&roster.standings, roster.invalid, roster.doubled);
    if standings.in_doubt > 0 && plan.campaign.delivery.in_doubt == InDoubt::Hold {
        let held = count(standings.in_doubt, "recipient");
        voice.warn(&format!(
            "{held} in doubt: the message was sent and no answer came; held back. See: mailrun results {} --state in_doubt",
            plan.campaign.dir.display()
        ));
    }
    if due == 0 && replay.is_some() {
        voice.say(&format!(
            "nothing to send in run \"{}\": {standings}. To mail everyone again, name a new run with --run",
            plan.campaign.run
        ));
    } else if replay.is_some() {
        voice.say(&format!(
            "going on with run \"{}\": {standings}",
            plan.campaign.run
        ));
    }
}

/// Shows the first few invalid rows and how many there are.
pub fn invalid_rows(plan: &Plan, shown: &[InvalidRow], all: u64, voice: &Voice) {
    for row in shown {
        voice.warn(&row.describe(&plan.campaign.recipients.file));
    }
    let more = all.saturating_sub(shown.len() as u64);
    if more > 0 {
        voice.warn(&format!(
            "{} more cannot be mailed; see: mailrun results {} --state invalid",
            count(more, "row"),
            plan.campaign.dir.display()
        ));
    }
}

fn content_changed(
    plan: &Plan,
    replay: Option<&Replay>,
    options: Options,
    voice: &Voice,
) -> Result<(), Error> {
    let Some(replay) = replay else { return Ok(()) };
    let parts: Vec<&str> = plan
        .content
        .iter()
        .filter(|(part, print)| replay.content.get(*part) != Some(*print))
        .map(|(part, _)| part.as_str())
        .chain(
            replay
                .content
                .keys()
                .filter(|part| !plan.content.contains_key(*part))
                .map(String::as_str),
        )
        .collect();
    if parts.is_empty() {
        return Ok(());
    }
    let what = format!(
        "changed since run \"{}\" was begun: {}",
        plan.campaign.run,
        parts.join(", ")
    );
    if options.yes || options.sandbox {
        voice.say(&format!("{what}; those not yet mailed get the new version"));
        return Ok(());
    }
    if voice.can_ask() {
        voice.warn(&what);
        return match voice.ask("Go on, and mail the new version to those not yet mailed?") {
            true => Ok(()),
            false => Err(Error::Refused("nothing was sent".to_owned())),
        };
    }
    Err(Error::Refused(format!(
        "{what}; --yes mails the new version to those not yet mailed, --run NAME begins a new run, which mails everyone"
    )))
}

/// Shows what is about to happen, and asks.
fn confirmed(plan: &Plan, server: &Server, due: u64, voice: &Voice) -> bool {
    let message = &plan.campaign.message;
    voice.warn(&format!(
        "about to send run \"{}\" of \"{}\":\n  to       {}\n  from     {}\n  through  {}:{}, {} at most",
        plan.campaign.run,
        plan.campaign.name,
        count(due, "recipient"),
        message.from,
        server.host,
        server.port,
        count(server.connections as u64, "connection"),
    ));
    if let Some((to, subject)) = plan.sample() {
        voice.warn(&format!("  sample   to {to}: {subject}"));
    }
    voice.ask("Send?")
}

fn ended(plan: &Plan, begun: Instant, accepted: u64, stopped: Option<Reason>) -> Ended {
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
        elapsed: begun.elapsed(),
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
