//! The ledger: what happened to each recipient of a run, on disk before and after it happens.
//!
//! | last line for a recipient | what happened | what the next run does |
//! | --- | --- | --- |
//! | none | not begun | mails it |
//! | `claimed`, same boot | the process died before the content left | goes by the line before the claim |
//! | `claimed`, another boot or none known | power was lost; the mark that would follow may be lost with it | holds it in doubt |
//! | `sending` | the content may have left, no answer was recorded | holds it in doubt |
//! | `released` | handed back before the end of its content was sent, or found `claimed` and not begun | goes by the line before the claim |
//! | `accepted` | the server answered 2xx to the end of the content | never mails it |
//! | `deferred` | refused for now, attempts were left | mails it |
//! | `failed` | refused for good, or for now at the last attempt | never mails it |
//! | `in_doubt` | the end of the content was sent and no answer came, or it was found so at the start of a run | holds it, or mails it with `in_doubt = "resend"` |
//! | `accepted`, by a person | was in doubt, and was found in the server's log | never mails it |
//! | `released`, by a person | was in doubt, and the server never had it | mails it |
//! | `invalid` | the row could not be made into a message, or into none that the server takes | judges the row anew; of what was in doubt, goes by the line before |
//!
//! | the file ends in | what happened | what the next run does |
//! | --- | --- | --- |
//! | half a line, NULs | a write was cut short, or power was lost | drops them: what they said was waited for by nobody |
//! | half its first line, nothing | the same, before anybody was claimed | begins a new ledger |
//! | `ended` | the process ended on its own; nothing is open | goes on if anybody is due |
//! | anything else whole | the process died, or could not write on | goes by the first table |
//!
//! A `claimed` line is durable before its message can leave; a `sending` line is written, not synced, just before
//! the content leaves; the outcome is written after. A killed process loses nothing that it wrote, so a `claimed`
//! line without a mark means that nothing left; a power loss may take the mark, so then it means nothing of the
//! kind. Which of the two it was is known from the boot id in each `begun` line. At most 16 messages a connection are
//! claimed and not settled: so many can a power loss leave in doubt, and a kill those that are marked. With
//! `durability = "process"` nothing is waited for: a kill leaves the same, and a power loss may take claims too, whose
//! recipients are then mailed again.
//!
//! An append that fails is cut off again, so that it says nothing. After it, and after a sync that failed, no message
//! leaves in this process: a later sync that goes well would say nothing of what the failed one lost.
//!
//! At its start a run writes down how it read the open claims that it found (`released` or `in_doubt`), so that the
//! same question is never answered twice from different evidence.
//!
//! `entry` is one line on disk, `replay` turns a file into `standing`s, `doubt` finds what a message in doubt can be
//! looked up by, `file` is the file with its lock and syncs, `disk` what it stands on,
//! `repair` makes a copy of a damaged file with what `salvage` can still read, `watch` brings back
//! one that was removed while it was written.
//! Must not know SMTP, templates or colours.

pub mod boot;
pub mod disk;
pub mod doubt;
pub mod entry;
pub mod file;
#[cfg(test)]
pub mod lab;
pub mod recent;
pub mod repair;
pub mod replay;
mod salvage;
pub mod standing;
pub mod watch;

use std::io;
use std::path::PathBuf;

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process has it.
    #[error("{}: another mailrun has this run's ledger; wait for it to end", path.display())]
    Locked {
        /// The ledger.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The ledger or its folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A repaired copy that was made before.
    #[error("{}: this file is there already, and is not written over; move it away, or put it in the ledger's place if it is the copy that you want", path.display())]
    CopyExists {
        /// The copy.
        path: PathBuf,
    },
    /// Removed or replaced while a process wrote it.
    #[error("{}: the ledger was removed or replaced while it was written", path.display())]
    Vanished {
        /// The ledger.
        path: PathBuf,
    },
    /// A line that is not the ledger's, in its middle.
    #[error("{}:{line}: not a line of a ledger: {reason}; mailrun status --repair writes a repaired copy beside it (another run, named with --run, mails everyone again)", path.display())]
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// 1-based.
        line: u64,
        /// What does not fit.
        reason: String,
    },
    /// Written by a later version.
    #[error("{}: written in format {found}, and this version of mailrun reads format {known}; use a newer mailrun", path.display())]
    Version {
        /// The ledger.
        path: PathBuf,
        /// The file's format.
        found: u32,
        /// This version's.
        known: u32,
    },
    /// The file of another run.
    #[error("{}: the ledger of run \"{found}\", not of \"{wanted}\"; it was renamed or copied: give it back its name, and go on with --run {found}", path.display())]
    OtherRun {
        /// The ledger.
        path: PathBuf,
        /// The run in its first line.
        found: String,
        /// The run asked for.
        wanted: String,
    },
}

impl LedgerError {
    /// Why it ends a run that has begun.
    pub fn stops(&self) -> String {
        format!(
            "{self}; sending stops where there is no record, and the same command goes on once this is mended"
        )
    }

    pub(crate) fn io(path: &std::path::Path, action: &'static str, source: io::Error) -> Self {
        LedgerError::Io {
            path: path.to_owned(),
            action,
            source,
        }
    }
}

#[cfg(test)]
mod tests;
