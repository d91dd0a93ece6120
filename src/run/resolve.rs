//! `mailrun resolve`: what was in doubt is settled by somebody who looked it up. Sends nothing.

use std::thread;

use super::Error;
use super::plan::{Roster, key_of_typed, ledger_path};
use crate::campaign::{Campaign, Durability};
use crate::cli::Verdict;
use crate::ledger::disk::Here;
use crate::ledger::doubt;
use crate::ledger::entry::{By, Entry, State, timestamp, write_line};
use crate::ledger::file::{self, Opening};
use crate::ledger::standing::{Barred, KeyHash, Standing, Standings};
use crate::recipients::Row;
use crate::report::summary::Counts;
use crate::wording::printable;

/// What came of it.
#[derive(Debug)]
pub struct Resolved {
    /// Recipients that were in doubt and are not any more.
    pub settled: u64,
    /// The run as it stands now.
    pub counts: Counts,
}

/// Settles the recipients with these keys, or all in doubt when no key is named. All or nothing: a key that is not in
/// doubt changes nothing.
///
/// # Errors
/// What makes list or ledger unusable, a run that was not begun, a key that is not in doubt.
pub fn run(
    campaign: &Campaign,
    sandbox: bool,
    verdict: Verdict,
    keys: &[String],
) -> Result<Resolved, Error> {
    let roster = Roster::read(campaign)?;
    let standings = &roster.standings;
    let path = ledger_path(&campaign.dir, &campaign.run, sandbox);
    let run = &campaign.run;
    let not_begun = || {
        let path = path.display();
        Error::Refused(format!(
            "{path}: run \"{run}\" was not begun yet: nobody is in doubt"
        ))
    };
    // Asked before opening: opening for writing makes an empty ledger where there is none.
    if !path.exists() {
        return Err(not_begun());
    }
    let opened = file::open(&path, run, standings, &Here)?;
    let Some(replay) = &opened.replay else {
        return Err(not_begun());
    };
    choose(campaign, standings, keys)?;
    let traces = doubt::traces(&path, &replay.doubts)?;
    let (state, standing) = match verdict {
        Verdict::Sent => (State::Accepted, Standing::Accepted),
        Verdict::Unsent => (State::Released, Standing::Remaining),
    };
    let time = timestamp();
    let (mut lines, mut settled) = (Vec::new(), 0);
    for row in roster.source.open()? {
        let (key, row, slot) = match row? {
            Row::Recipient(recipient) => {
                let slot = standings.find(KeyHash::of(&recipient.key));
                (recipient.key, recipient.position.row, slot)
            }
            // It was right when its message left.
            Row::Invalid(row) => {
                let slot = roster.place_of(&row);
                (row.key, row.position.row, slot)
            }
        };
        let (hash, Some(slot)) = (KeyHash::of(&key), slot) else {
            continue;
        };
        if !standings.chosen(slot) || !standings.meet(slot) {
            continue;
        }
        let mut entry = Entry::new(&time, &key, row, state, standings.attempts(slot));
        let trace = traces.get(&hash);
        entry.message_id = trace.and_then(|it| it.message_id.as_deref().map(Into::into));
        entry.reason = Some(verdict.reason().into());
        entry.by = Some(By::Person);
        write_line(&mut lines, &entry);
        standings.set(slot, standing);
        settled += 1;
    }
    if settled > 0 {
        // Nothing is sent: what the run was last begun with, and why it stopped, stay as they are.
        let (content, stopped) = (replay.content.clone(), replay.stopped.clone());
        let opening = Opening {
            run,
            campaign: &campaign.name,
            content: &content,
            durability: Durability::Power,
        };
        let (ledger, _) = opened.begin(&opening)?;
        // The syncs are a thread's of their own, for these few lines as for a run's.
        thread::scope(|scope| {
            scope.spawn(|| ledger.keep_synced());
            let ended = ledger.append(&lines);
            let ended = ended.and_then(|_| ledger.end(stopped.as_deref()));
            ledger.close();
            ended
        })?;
    }
    Ok(Resolved {
        settled,
        counts: roster.counts(),
    })
}

fn choose(campaign: &Campaign, standings: &Standings, keys: &[String]) -> Result<(), Error> {
    if keys.is_empty() {
        let in_doubt = |id: &_| standings.standing(*id) == Standing::InDoubt;
        standings
            .ids()
            .filter(in_doubt)
            .for_each(|id| standings.choose(id));
        return Ok(());
    }
    for key in keys {
        let shown = printable(key);
        let list = campaign.recipients.file.display();
        let slot = standings.find(KeyHash::of(&key_of_typed(campaign, key)));
        let slot = slot.ok_or_else(|| {
            Error::Refused(format!(
                "{list}: no recipient has the key \"{shown}\"; a key is the address unless [recipients] names a key \
                 column; nothing was changed"
            ))
        })?;
        let state = match standings.standing(slot) {
            Standing::InDoubt | Standing::Sending => {
                standings.choose(slot);
                continue;
            }
            _ if standings.left_out(slot) == Some(Barred::Invalid) => "invalid",
            Standing::Remaining | Standing::Claimed => "remaining",
            Standing::Deferred => "deferred",
            Standing::Accepted => "accepted",
            Standing::Failed => "failed",
            Standing::Invalid => "invalid",
        };
        return Err(Error::Refused(format!(
            "the recipient with the key \"{shown}\" is {state}, and only what is in doubt can be settled; nothing was changed"
        )));
    }
    Ok(())
}
