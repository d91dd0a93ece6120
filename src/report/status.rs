//! `mailrun status`: what list and ledger together say of a run. Reads; locks and writes nothing.

use std::fmt;
use std::path::Path;

use crate::campaign::Campaign;
use crate::ledger::file;
use crate::ledger::replay::Replay;
use crate::report::replies::{self, Frequent, Replies};
use crate::report::summary::Counts;
use crate::run::Error;
use crate::run::plan::{Roster, ledger_path, resolve_command, results_command};
use crate::wording::printable;

/// Replies that are shown.
const SHOWN: usize = 5;

/// A run as it stands.
pub struct Status {
    /// The run's name.
    pub run: String,
    /// What to type to see why rows are invalid.
    invalid_command: String,
    /// What to type to see who is in doubt, and to settle them.
    doubt_commands: (String, String),
    /// The states.
    pub counts: Counts,
    /// Why recipients failed or are deferred, and how many of Cc and Bcc were refused.
    pub replies: Replies,
    /// What to type to see whom, and who of Cc and Bcc.
    refused_commands: (String, String),
    /// The ledger; `None` when the run was never begun.
    pub replay: Option<Replay>,
}

impl Status {
    /// Reads the list and replays the ledger.
    ///
    /// # Errors
    /// What makes either unusable.
    pub fn read(campaign: &Campaign, sandbox: bool) -> Result<Status, Error> {
        let path = ledger_path(&campaign.dir, &campaign.run, sandbox);
        Self::read_from(campaign, sandbox, &path)
    }

    /// As [`Status::read`], by the ledger at `path`.
    ///
    /// # Errors
    /// What makes either unusable.
    pub fn read_from(campaign: &Campaign, sandbox: bool, path: &Path) -> Result<Status, Error> {
        let roster = Roster::read(campaign)?;
        let replay = file::read(path, &campaign.run, &roster.standings, |_, _| {})?;
        let counts = roster.counts();
        Ok(Status {
            run: campaign.run.clone(),
            invalid_command: results_command(campaign, sandbox, "invalid"),
            doubt_commands: (
                results_command(campaign, sandbox, "in_doubt"),
                resolve_command(campaign, sandbox),
            ),
            counts,
            replies: match &replay {
                Some(_) => replies::read(path, &roster.standings)?,
                None => Replies::default(),
            },
            refused_commands: (
                results_command(campaign, sandbox, "failed,deferred"),
                results_command(campaign, sandbox, "accepted,in_doubt"),
            ),
            replay,
        })
    }
}

impl Status {
    /// Why the run stopped early, when the last process to send it said so.
    pub fn stopped(&self) -> Option<String> {
        self.replay
            .as_ref()
            .and_then(|replay| replay.stopped.clone())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status {
            run,
            invalid_command,
            doubt_commands: (list, resolve),
            counts,
            replies: Replies { frequent, copies },
            refused_commands: (refused_command, copies_command),
            replay,
        } = self;
        let invalid = format!("invalid    the row cannot be mailed; why: {invalid_command}");
        match replay {
            None => writeln!(f, "run \"{run}\" was not begun yet")?,
            Some(replay) => writeln!(f, "run \"{run}\", begun {}", replay.header.time)?,
        }
        for (count, state) in [
            (counts.accepted, "accepted   the server took it"),
            (counts.failed, "failed     refused for good"),
            (
                counts.deferred,
                "deferred   refused for now; mailrun send tries again",
            ),
            (
                counts.in_doubt,
                "in doubt   sent, and no answer came; held back",
            ),
            (counts.invalid, invalid.as_str()),
            (
                counts.suppressed,
                "suppressed on a suppress list; never mailed",
            ),
            (
                counts.duplicate,
                "duplicate  an earlier row has the same key",
            ),
            (
                counts.remaining,
                "remaining  not begun; mailrun send goes on",
            ),
        ] {
            if count > 0 {
                writeln!(f, "{count:>10}  {state}")?;
            }
        }
        write!(f, "{:>10}  recipients", counts.recipients)?;
        if *copies > 0 {
            let told = if *copies == 1 {
                "copy (cc, bcc) was"
            } else {
                "copies (cc, bcc) were"
            };
            write!(
                f,
                "\n{copies:>10}  {told} refused, and the others got the message; who (\"refused\"): {copies_command} \
                 --format jsonl"
            )?;
        }
        if let Some(stopped) = self.stopped() {
            write!(f, "\nthe last send stopped early: {}", printable(&stopped))?;
        }
        if !frequent.is_empty() {
            write!(
                f,
                "\n\nwhy they failed or are deferred (who: {refused_command})"
            )?;
            for reply in frequent.iter().take(SHOWN) {
                let Frequent {
                    recipients,
                    reply,
                    advice,
                } = reply;
                write!(f, "\n{recipients:>10}  {reply}\n            {advice}")?;
            }
            let more: u64 = frequent.iter().skip(SHOWN).map(|it| it.recipients).sum();
            if more > 0 {
                write!(f, "\n{more:>10}  for other reasons")?;
            }
        }
        if counts.in_doubt > 0 {
            write!(
                f,
                "\n\nin doubt: look each Message-ID up in the server's log, then say what you found\n  \
                 {list}\n  {resolve} sent [KEY...]      the server has it: never mailed again\n  \
                 {resolve} unsent [KEY...]    it has not: the next send mails it"
            )?;
        }
        Ok(())
    }
}
