//! `mailrun send --test-to`: the first messages to one address alone, by the way that a run takes.
//!
//! Nothing of it is on record: what becomes of the messages is kept in memory, told at the end, and forgotten. The run's
//! ledger is only asked what a quota a day has left; it may be another process's at the same time. Each message is tried
//! once, since whoever tests waits for the answer.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::slice;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use lettre::Address;

use super::Error;
use super::announce::{invalid_rows, notes, route};
use super::feed::Whom;
use super::plan::Plan;
use super::send::{Ended, Options, Work, accounts, crew_bells, no_server, start_sandbox, traced};
use crate::campaign::{Campaign, Durability};
use crate::ledger::disk::Memory;
use crate::ledger::file::Ledger;
use crate::progress::Voice;
use crate::report::summary::Counts;
use crate::report::tested::Tested;
use crate::signals::Signals;
use crate::stop::Stop;
use crate::tally::Tally;
use crate::wording::count;

/// How a campaign is sent as a test.
pub fn prepare(campaign: &mut Campaign) {
    campaign.delivery.attempts = 1;
    campaign.delivery.durability = Durability::Process;
}

/// Sends the selected messages to `to`, and to nobody else. The campaign is one that was [`prepare`]d.
///
/// # Errors
/// What is found before the first connection. Whatever comes later is in [`Ended`], whose counts are those of the
/// messages chosen.
pub fn run(
    plan: &mut Plan,
    to: &Address,
    options: Options<'_>,
    voice: &mut Voice,
) -> Result<Ended, Error> {
    let test = Timestamp::now().to_string();
    plan.composer.redirect(to, &test);
    let plan = &*plan;
    let begun = Instant::now();
    if !plan.sandbox && plan.campaign.servers.is_empty() {
        return Err(no_server(plan));
    }
    plan.refuse_invalid()?;
    notes(plan, voice);
    let roster = &plan.roster;
    let check = plan.check_command();
    invalid_rows(plan, &roster.invalid_shown, roster.invalid, &check, voice);
    let due = plan.due(false);
    if due == 0 {
        if Counts::of_chosen(&roster.standings).suppressed > 0 {
            let why = "who was chosen is on a suppress list";
            voice.warn(&format!("nothing to send to {to}: {why}"));
            return Ok(ended(plan, None, 0, &Stop::default()));
        }
        let why = match Counts::of(&roster.standings, 0, 0).suppressed {
            0 => "no row can be mailed; mailrun check says why",
            _ => "who could be mailed is on a suppress list",
        };
        return Err(Error::Refused(format!("nothing to send to {to}: {why}")));
    }
    let sandbox = match plan.sandbox {
        true => Some(start_sandbox(plan, options.connections)?),
        false => None,
    };
    let servers = match &sandbox {
        Some((_, server)) => slice::from_ref(server),
        None => &plan.campaign.servers,
    };
    let (trace, doubts) = (traced(options, voice)?, HashMap::new());
    let accounts = accounts(plan, servers, &doubts, trace.as_ref(), options.wait)?;
    let system = |what, action| {
        move |source| Error::Io {
            path: PathBuf::from(what),
            action,
            source,
        }
    };
    let mut signals = Signals::catch().map_err(system("signals", "catch"))?;
    let bells = crew_bells(servers).map_err(system("bells", "make"))?;
    let whose = count(due, "row");
    voice.say(&format!(
        "test of run \"{}\": the mail of {whose} goes to {to} alone; no ledger is written",
        plan.campaign.run
    ));
    for server in servers {
        voice.say(&format!("  through {}", route(server)));
    }
    let memory = Memory::default();
    let ledger = Ledger::in_memory(memory.clone());
    let (stop, tally, refused) = (Stop::default(), Tally::default(), Mutex::default());
    let work = Work {
        plan,
        replay: None,
        doubts: &doubts,
        accounts: &accounts,
        bells: &bells,
        ledger: &ledger,
        tally: &tally,
        refused: &refused,
        stop: &stop,
    };
    work.passes(Whom::Due, due, voice, &mut signals);
    let mut rows = refused.lock().unwrap_or_else(PoisonError::into_inner);
    let told = Tested::read(&memory.lines());
    // They are told with their server.
    let unfit = told.iter().filter(|tested| tested.is_unfit());
    let unfit: HashSet<u64> = unfit.map(Tested::row).collect();
    rows.retain(|row| !unfit.contains(&row.position.row));
    let refused = work.refused().saturating_sub(unfit.len() as u64);
    invalid_rows(plan, &rows, refused, &check, voice);
    for tested in told {
        match tested.is_accepted() {
            true => voice.say(&tested.to_string()),
            false => voice.warn(&tested.to_string()),
        }
    }
    if sandbox.is_some() {
        let folder = plan.campaign.dir.join("sandbox");
        voice.say(&format!("the messages are in {}", folder.display()));
    }
    Ok(ended(plan, Some(begun), tally.counts().accepted, &stop))
}

fn ended(plan: &Plan, begun: Option<Instant>, accepted: u64, stop: &Stop) -> Ended {
    let chosen = Counts::of_chosen(&plan.roster.standings);
    Ended {
        counts: chosen,
        chosen,
        accepted,
        // Each is told with its row.
        doubted: 0,
        elapsed: begun.map(|begun| begun.elapsed()),
        stopped: stop.reason(),
    }
}
