//! Everything checked before the first message leaves, and who the run is about.

use std::collections::BTreeMap;
use std::mem;
use std::path::{Path, PathBuf};

use super::Error;
use crate::campaign::{Campaign, Duplicates};
use crate::compose::Composer;
use crate::ledger::standing::{Barred, Gather, KeyHash, SlotId, Standing, Standings};
use crate::recipients::{
    InvalidRow, Position, Recipient, Row, Source, Suppression, key_of, meant, parse_address,
};
use crate::report::summary::Counts;
use crate::wording::{count, printable, shell_word};

/// Invalid rows that are shown to people; all of them are in the ledger and the results.
pub const INVALID_SHOWN: usize = 5;

/// Rows that are odd, shown of each kind.
const ODD_SHOWN: usize = 3;

/// Whom a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Everybody.
    All,
    /// The next so many that are due.
    Limit(u64),
    /// These keys.
    Only(Vec<String>),
}

/// Rows that are mailed as they are, and that somebody should look at.
#[derive(Debug, Default)]
pub struct Odd {
    /// How many.
    pub rows: u64,
    /// The first few, each with its address and what was most likely meant, if anything.
    pub shown: Vec<(Position, String, &'static str)>,
}

impl Odd {
    fn add(&mut self, recipient: &Recipient, meant: &'static str) {
        self.rows += 1;
        if self.shown.len() < ODD_SHOWN {
            let address = recipient.address.to_string();
            self.shown.push((recipient.position, address, meant));
        }
    }
}

/// A list read from its first row to its last.
#[derive(Debug)]
pub struct Roster {
    /// The list itself, to be read again.
    pub source: Source,
    /// What people should know of how it was read, and the suppress lists.
    pub notes: Vec<String>,
    /// The column names.
    pub columns: std::sync::Arc<[String]>,
    /// Each recipient, nobody begun.
    pub standings: Standings,
    /// Who is never mailed.
    pub suppression: Suppression,
    /// Rows of any kind; with `group_by`, groups.
    pub rows: u64,
    /// Rows that cannot be mailed.
    pub invalid: u64,
    /// Those of them that have no place among the standings: without a key, or with that of another row.
    pub unplaced: u64,
    /// The first few of them.
    pub invalid_shown: Vec<InvalidRow>,
    /// Rows whose key an earlier one has.
    pub doubled: u64,
    /// Rows whose address has a domain without a dot.
    pub dotless: Odd,
    /// Rows whose address has a domain that is most likely misspelt.
    pub slips: Odd,
}

impl Roster {
    /// Reads the list to its end.
    ///
    /// # Errors
    /// What makes a list unusable; a second row with a key when `duplicates = "error"`.
    pub fn read(campaign: &Campaign) -> Result<Roster, Error> {
        let settings = &campaign.recipients;
        let source = Source::look(settings)?;
        let mut list = source.open()?;
        let columns = list.columns().clone();
        let mut gather = Gather::default();
        let mut suppression = Suppression::read(settings)?;
        let (mut rows, mut invalid, mut unkeyed, mut invalid_shown) = (0, 0, 0, Vec::new());
        let (mut dotless, mut slips) = (Odd::default(), Odd::default());
        for row in &mut list {
            rows += 1;
            match row? {
                Row::Recipient(recipient) => {
                    match suppression.has(&recipient.address) {
                        true => gather.add_suppressed(&recipient.key),
                        false => gather.add(&recipient.key),
                    }
                    let domain = recipient.address.domain();
                    if let Some(meant) = meant(domain) {
                        slips.add(&recipient, meant);
                    } else if !domain.contains('.') {
                        dotless.add(&recipient, "");
                    }
                }
                Row::Invalid(row) => {
                    invalid += 1;
                    match row.keyed {
                        true => gather.add_invalid(&row.key),
                        false => unkeyed += 1,
                    }
                    if invalid_shown.len() < INVALID_SHOWN {
                        invalid_shown.push(row);
                    }
                }
            }
        }
        let (standings, beside) = gather.finish();
        let doubled = beside.duplicate;
        let mut notes = source.notes().to_vec();
        notes.append(&mut suppression.notes);
        let roster = Roster {
            source,
            notes,
            columns,
            standings,
            suppression,
            rows,
            invalid,
            unplaced: unkeyed + beside.invalid,
            invalid_shown,
            doubled,
            dotless,
            slips,
        };
        match settings.duplicates {
            Duplicates::Error | Duplicates::Send if doubled > 0 => {
                Err(roster.name_duplicate(campaign)?)
            }
            Duplicates::Error | Duplicates::Send | Duplicates::Skip => Ok(roster),
        }
    }

    /// The recipient whom this row would be for, were it right; `None` where another row stands for them, or nobody is known.
    pub fn place_of(&self, row: &InvalidRow) -> Option<SlotId> {
        let key = row.keyed.then(|| KeyHash::of(&row.key))?;
        let slot = self.standings.find(key)?;
        (self.standings.barred(slot) == Some(Barred::Invalid)).then_some(slot)
    }

    /// The counts of the list as it stands.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.standings, self.unplaced, self.doubled)
    }

    /// What is counted as one, in a word.
    pub fn unit(&self) -> &'static str {
        match self.source.is_grouped() {
            true => "group",
            false => "row",
        }
    }

    fn name_duplicate(&self, campaign: &Campaign) -> Result<Error, Error> {
        let path = campaign.recipients.file.display();
        for row in self.source.open()? {
            if let Row::Recipient(recipient) = row?
                && let Some(slot) = self.standings.find(KeyHash::of(&recipient.key))
                && !self.standings.meet(slot)
            {
                let (position, key) = (recipient.position, recipient.key);
                return Ok(Error::Refused(format!(
                    "{path}:{}: row {} has the key \"{key}\" of an earlier row ({} in all); take out all but one of each \
                     key, or set duplicates = \"skip\" in [recipients]",
                    position.line,
                    position.row,
                    count(self.doubled, "such row")
                )));
            }
        }
        Ok(Error::Refused(format!(
            "{path}: the list changed while it was read"
        )))
    }
}

/// A campaign ready to run.
pub struct Plan {
    /// The settings.
    pub campaign: Campaign,
    /// The list.
    pub roster: Roster,
    /// Makes the messages.
    pub composer: Composer,
    /// Whom the run is about.
    pub selection: Selection,
    /// Whether it goes into the server inside this process.
    pub sandbox: bool,
    /// Fingerprints of the content.
    pub content: BTreeMap<String, String>,
}

impl Plan {
    /// Reads the list and the templates, and holds them against each other.
    ///
    /// # Errors
    /// Whatever would stop the run in its middle.
    pub fn make(campaign: Campaign, selection: Selection, sandbox: bool) -> Result<Plan, Error> {
        let mut roster = Roster::read(&campaign)?;
        let composer = Composer::load(&campaign, &roster.columns, |column| {
            roster.source.is_nested(column)
        })?;
        let composer = composer.leaving_out(mem::take(&mut roster.suppression));
        let content = campaign.fingerprint().map_err(|source| Error::Io {
            path: campaign.dir.clone(),
            action: "read the templates",
            source,
        })?;
        let content = content
            .into_iter()
            .chain(composer.fingerprint())
            .map(|(part, print)| (part.to_owned(), print))
            .collect();
        let plan = Plan {
            campaign,
            roster,
            composer,
            selection,
            sandbox,
            content,
        };
        plan.choose()?;
        Ok(plan)
    }

    /// Chooses those whom the selection names; with a limit they are chosen as they are met.
    fn choose(&self) -> Result<(), Error> {
        let standings = &self.roster.standings;
        match &self.selection {
            Selection::All => {
                let valid = |id: &_| standings.barred(*id) != Some(Barred::Invalid);
                let valid = standings.ids().filter(valid);
                valid.for_each(|id| standings.choose(id));
            }
            Selection::Limit(_) => {}
            Selection::Only(keys) => {
                for key in keys {
                    let id = standings.find(KeyHash::of(&key_of_typed(&self.campaign, key))).ok_or_else(|| {
                        Error::Refused(format!(
                            "{}: no recipient has the key \"{key}\" of --only; a key is the address unless \
                             [recipients] names a key column, and a row that is invalid (see mailrun check) is none",
                            self.campaign.recipients.file.display()
                        ))
                    })?;
                    standings.choose(id);
                }
            }
        }
        Ok(())
    }

    /// Refuses what was named and cannot be mailed; the ledger, where there is one, has been replayed.
    ///
    /// # Errors
    /// The first key of the selection whose row is invalid, and to whom nothing was sent.
    pub fn refuse_invalid(&self) -> Result<(), Error> {
        let Selection::Only(keys) = &self.selection else {
            return Ok(());
        };
        let standings = &self.roster.standings;
        let invalid = |key: &&String| {
            let id = standings.find(KeyHash::of(&key_of_typed(&self.campaign, key)));
            id.is_some_and(|id| standings.left_out(id) == Some(Barred::Invalid))
        };
        match keys.iter().find(invalid) {
            None => Ok(()),
            Some(key) => Err(Error::Refused(format!(
                "{}: the row with the key \"{key}\" of --only is invalid, mailrun check says why; correct it first",
                self.campaign.recipients.file.display()
            ))),
        }
    }

    /// How many would be mailed now.
    pub fn due(&self, resend: bool) -> u64 {
        let standings = &self.roster.standings;
        let open = |id: &SlotId| {
            is_open(standings.standing(*id), resend) && standings.barred(*id).is_none()
        };
        match self.selection {
            Selection::All | Selection::Only(_) => standings
                .ids()
                .filter(|id| standings.chosen(*id) && open(id))
                .count() as u64,
            Selection::Limit(limit) => limit.min(standings.ids().filter(open).count() as u64),
        }
    }

    /// How many more the limit allows, as far as there are any: rows chosen that turned out invalid do not count.
    pub fn further(&self, resend: bool) -> u64 {
        let Selection::Limit(limit) = self.selection else {
            return 0;
        };
        let standings = &self.roster.standings;
        let (mut taken, mut open) = (0, 0);
        for id in standings.ids().filter(|id| standings.barred(*id).is_none()) {
            match (standings.chosen(id), standings.standing(id)) {
                (true, Standing::Invalid) => {}
                (true, _) => taken += 1,
                (false, standing) => open += u64::from(is_open(standing, resend)),
            }
        }
        limit.saturating_sub(taken).min(open)
    }
}

impl Plan {
    /// Where the run's ledger lies.
    pub fn ledger(&self) -> PathBuf {
        ledger_path(&self.campaign.dir, &self.campaign.run, self.sandbox)
    }

    /// What to type to see the recipients in a state.
    pub fn results_command(&self, state: &str) -> String {
        results_command(&self.campaign, self.sandbox, state)
    }

    /// What to type to see what is to be seen without sending.
    pub fn check_command(&self) -> String {
        let kind = if self.sandbox { " --sandbox" } else { "" };
        format!(
            "mailrun check {}{kind} --run {}",
            shell_word(&self.campaign.dir),
            self.campaign.run
        )
    }

    /// What to do about those in doubt.
    pub fn look_up(&self) -> String {
        format!(
            "the message was sent and no answer came. Look its Message-ID up in the server's log ({}), then say what you \
             found: {} sent|unsent [KEY...]",
            self.results_command("in_doubt"),
            resolve_command(&self.campaign, self.sandbox)
        )
    }

    /// The first recipient who would be mailed now, with the subject.
    pub fn sample(&self) -> Option<(String, String)> {
        let standings = &self.roster.standings;
        let limited = matches!(self.selection, Selection::Limit(_));
        for row in self.roster.source.open().ok()? {
            if let Row::Recipient(recipient) = row.ok()?
                && let Some(slot) = standings.find(KeyHash::of(&recipient.key))
                && (limited || standings.chosen(slot))
                && is_open(standings.standing(slot), false)
                && standings.barred(slot).is_none()
            {
                let subject = self.composer.subject(&recipient)?;
                return Some((recipient.address.to_string(), printable(&subject)));
            }
        }
        None
    }
}

/// Whether a recipient of this standing is to be mailed.
pub fn is_open(standing: Standing, resend: bool) -> bool {
    match standing {
        Standing::Remaining | Standing::Deferred | Standing::Invalid => true,
        Standing::InDoubt => resend,
        Standing::Accepted | Standing::Failed | Standing::Claimed | Standing::Sending => false,
    }
}

/// What was typed as a key; where the key is the address, it is compared as the addresses of the list are.
pub(super) fn key_of_typed(campaign: &Campaign, typed: &str) -> String {
    let settings = &campaign.recipients;
    match &settings.key {
        Some(key) if *key != settings.address => typed.trim().to_owned(),
        Some(_) | None => parse_address(typed).map_or_else(
            |_| typed.to_owned(),
            |(_, address)| key_of(&address, settings.duplicates_ignore_case),
        ),
    }
}

/// What to type to say what became of those in doubt, once they are looked up.
pub fn resolve_command(campaign: &Campaign, sandbox: bool) -> String {
    let kind = if sandbox { " --sandbox" } else { "" };
    format!(
        "mailrun resolve {}{kind} --run {} --as",
        shell_word(&campaign.dir),
        campaign.run
    )
}

/// What to type to see the recipients of a run that are in a state; the run named when it is not the campaign's own.
pub fn results_command(campaign: &Campaign, sandbox: bool, state: &str) -> String {
    let kind = if sandbox { " --sandbox" } else { "" };
    format!(
        "mailrun results {}{kind} --run {} --state {state}",
        shell_word(&campaign.dir),
        campaign.run
    )
}

/// Where the ledger of a run lies: `runs/RUN.jsonl`, `runs/RUN.sandbox.jsonl` for the sandbox.
pub fn ledger_path(folder: &Path, run: &str, sandbox: bool) -> PathBuf {
    let kind = if sandbox { ".sandbox" } else { "" };
    folder.join("runs").join(format!("{run}{kind}.jsonl"))
}
