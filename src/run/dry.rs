//! The dry run: every message composed and written as a file; no server, no ledger.

use std::fs;
use std::path::Path;

use rayon::prelude::*;

use super::Error;
use super::feed::{CHUNK_BYTES, date};
use super::plan::{Plan, Selection};
use super::refused::invalid_row;
use crate::deliver::eml;
use crate::ledger::standing::KeyHash;
use crate::recipients::{InvalidRow, Recipient, Row};

const CHUNK: usize = 256;

/// What a dry run did.
#[derive(Debug, Default)]
pub struct DryRun {
    /// Files written.
    pub written: u64,
    /// Rows that could not be made into a message.
    pub invalid: u64,
    /// Rows whose address is on a suppress list.
    pub suppressed: u64,
    /// Rows whose key an earlier row has.
    pub duplicate: u64,
    /// The first few invalid rows.
    pub invalid_shown: Vec<InvalidRow>,
}

/// Writes the selected messages into `folder`, which is made when missing.
///
/// # Errors
/// What the list and the system give.
pub fn run(plan: &Plan, folder: &Path) -> Result<DryRun, Error> {
    let io = |action| {
        move |source| Error::Io {
            path: folder.to_owned(),
            action,
            source,
        }
    };
    plan.refuse_invalid()?;
    fs::create_dir_all(folder).map_err(io("make the folder"))?;
    let standings = &plan.roster.standings;
    let mut done = DryRun::default();
    let mut left = match plan.selection {
        Selection::Limit(limit) => limit,
        Selection::All | Selection::Only(_) => u64::MAX,
    };
    let (mut chunk, mut bytes) = (Vec::with_capacity(CHUNK), 0);
    let date = date();
    for row in plan.roster.source.open()? {
        match row? {
            Row::Recipient(recipient) => {
                let Some(slot) = standings.find(KeyHash::of(&recipient.key)) else {
                    continue;
                };
                if !standings.meet(slot) {
                    done.duplicate += 1;
                } else if standings.left_out(slot).is_some() {
                    done.suppressed += 1;
                } else if left > 0
                    && (standings.chosen(slot) || matches!(plan.selection, Selection::Limit(_)))
                {
                    left -= 1;
                    bytes += recipient.bytes();
                    chunk.push(recipient);
                }
            }
            Row::Invalid(row) if plan.selection == Selection::All => done.refuse(row),
            Row::Invalid(_) => {}
        }
        if chunk.len() == CHUNK || bytes > CHUNK_BYTES {
            bytes = 0;
            write(plan, folder, &date, &mut chunk, &mut done)?;
        }
    }
    write(plan, folder, &date, &mut chunk, &mut done)?;
    Ok(done)
}

fn write(
    plan: &Plan,
    folder: &Path,
    date: &str,
    chunk: &mut Vec<Recipient>,
    done: &mut DryRun,
) -> Result<(), Error> {
    let written: Vec<_> = chunk
        .par_drain(..)
        .map_init(
            || plan.composer.sheet(),
            |sheet, recipient| match plan.composer.compose(&recipient, date, sheet) {
                Ok(message) => eml::write(folder, &message)
                    .map(|_| None)
                    .map_err(|source| Error::Io {
                        path: folder.to_owned(),
                        action: "write a message",
                        source,
                    }),
                Err(refusal) => Ok(Some(invalid_row(&plan.composer, recipient, refusal))),
            },
        )
        .collect();
    for outcome in written {
        match outcome? {
            None => done.written += 1,
            Some(row) => done.refuse(row),
        }
    }
    Ok(())
}

impl DryRun {
    fn refuse(&mut self, row: InvalidRow) {
        self.invalid += 1;
        if self.invalid_shown.len() < super::plan::INVALID_SHOWN {
            self.invalid_shown.push(row);
        }
    }
}
