//! A ledger read from its first line to its last: where each recipient stands.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::BufRead;
use std::path::Path;

use serde::Deserialize;

use super::LedgerError;
use super::doubt::Doubt;
use super::entry::{By, Event, EventKind, FORMAT, Header, State};
use super::standing::{KeyHash, SlotId, Standing, Standings};
use crate::wording::printable;

/// What a ledger says, apart from the standings themselves.
#[derive(Debug)]
pub struct Replay {
    /// The first line.
    pub header: Header,
    /// Fingerprints of the content when a process last began to send.
    pub content: BTreeMap<String, String>,
    /// Why the last process to end on its own stopped early, when it did and none began after it.
    pub stopped: Option<String>,
    /// Claims that no later line settles, each with what has to be made of it.
    pub open: Vec<OpenClaim>,
    /// Where the lines stand that tell of each message in doubt; kept until its recipient is accepted or has failed.
    pub doubts: HashMap<KeyHash, Doubt>,
    /// Length of the file in bytes, a torn tail left out.
    pub length: u64,
    /// Bytes of the torn tail.
    pub torn: u64,
    invalid: HashSet<u64>,
}

/// A claim without an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenClaim {
    /// The recipient's key.
    pub key: String,
    /// The row it had.
    pub row: u64,
    /// Which attempt it was.
    pub attempt: u16,
    /// Whether its message may have left.
    pub in_doubt: bool,
}

impl Replay {
    /// Whether the same row was recorded as invalid for the same reason before.
    pub fn has_invalid(&self, key: &str, row: u64, reason: &str) -> bool {
        self.invalid.contains(&invalid_id(key, row, reason))
    }
}

// For these rows alone something is kept by row: 8 bytes each, in place of the 16 of a recipient.
fn invalid_id(key: &str, row: u64, reason: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (key, row, reason).hash(&mut hasher);
    hasher.finish()
}

/// As much of a line as the standings need.
#[derive(Deserialize)]
struct Glance<'a> {
    #[serde(borrow, default)]
    key: Cow<'a, str>,
    #[serde(default)]
    row: u64,
    state: Option<State>,
    #[serde(default)]
    attempt: u16,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    by: Option<By>,
}

struct Claim {
    /// `None`: the list does not have it any more.
    slot: Option<SlotId>,
    key: String,
    row: u64,
    attempt: u16,
    lines: Doubt,
    boot: Option<String>,
    before: Standing,
}

/// Replays a ledger into `standings`; `None` when nothing but a torn first line is there.
///
/// `boot` is the id of the present boot. `each` is told the place of every line about a recipient of the list, as a
/// byte offset. A last line without its line feed, and NULs at the end, are a torn tail: left out, not an error.
///
/// # Errors
/// A line in the middle that does not parse, a later format, another run's file, and what reading gives.
pub fn replay(
    path: &Path,
    mut reader: impl BufRead,
    run: &str,
    boot: Option<&str>,
    standings: &Standings,
    mut each: impl FnMut(SlotId, u64),
) -> Result<Option<Replay>, LedgerError> {
    let mut line = Vec::new();
    let mut tail = Tail::default();
    let mut state: Option<Reading> = None;
    loop {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .map_err(|source| LedgerError::io(path, "read the ledger", source))?;
        if read == 0 {
            break;
        }
        tail.number += 1;
        let whole = line.strip_suffix(b"\n");
        let Some(text) = whole.filter(|text| !is_nuls(text)) else {
            // Nothing may follow: a torn line is the last, NULs fill the rest of the file.
            tail.torn += read as u64;
            if whole.is_none() {
                // The end of the file, as it was: a process that sends may write on.
                break;
            }
            continue;
        };
        if tail.torn > 0 {
            return Err(damaged(
                path,
                tail.number - 1,
                "it breaks off, and more lines follow",
            ));
        }
        let offset = tail.length;
        match &mut state {
            None => state = Some(Reading::first(path, text, run)?),
            Some(state) => state
                .line(text, standings, offset, &mut each)
                .map_err(|reason| damaged(path, tail.number, &reason))?,
        }
        tail.length += read as u64;
    }
    Ok(state.map(|state| state.finish(&tail, boot, standings)))
}

#[derive(Default)]
struct Tail {
    number: u64,
    length: u64,
    torn: u64,
}

fn is_nuls(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| byte == 0)
}

fn damaged(path: &Path, line: u64, reason: &str) -> LedgerError {
    LedgerError::Damaged {
        path: path.to_owned(),
        line,
        reason: reason.to_owned(),
    }
}

/// Why a line cannot be read. The parser counts lines from the beginning of this one: only its column says anything.
fn unread(error: &serde_json::Error) -> String {
    // It quotes what it found.
    let text = printable(&error.to_string());
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{what} at column {}", error.column()),
        None => text,
    }
}

/// The first line, when it is that of this run's ledger.
pub(super) fn header(path: &Path, text: &[u8], run: &str) -> Result<Header, LedgerError> {
    #[derive(Deserialize)]
    struct Format {
        mailrun_ledger: u32,
    }
    let format: Format = serde_json::from_slice(text)
        .map_err(|_| damaged(path, 1, "the first line does not name a mailrun ledger"))?;
    if format.mailrun_ledger != FORMAT {
        let (found, known) = (format.mailrun_ledger, FORMAT);
        return Err(LedgerError::Version {
            path: path.to_owned(),
            found,
            known,
        });
    }
    let header: Header =
        serde_json::from_slice(text).map_err(|error| damaged(path, 1, &unread(&error)))?;
    if header.run != run {
        let (found, wanted) = (printable(&header.run), run.to_owned());
        return Err(LedgerError::OtherRun {
            path: path.to_owned(),
            found,
            wanted,
        });
    }
    Ok(header)
}

/// The replay so far.
struct Reading {
    header: Header,
    content: BTreeMap<String, String>,
    stopped: Option<String>,
    boot: Option<String>,
    open: HashMap<KeyHash, Claim>,
    doubts: HashMap<KeyHash, Doubt>,
    invalid: HashSet<u64>,
}

impl Reading {
    fn first(path: &Path, text: &[u8], run: &str) -> Result<Self, LedgerError> {
        let header = header(path, text, run)?;
        let content = header.content.clone();
        Ok(Reading {
            header,
            content,
            stopped: None,
            boot: None,
            open: HashMap::new(),
            doubts: HashMap::new(),
            invalid: HashSet::new(),
        })
    }

    fn line(
        &mut self,
        text: &[u8],
        standings: &Standings,
        offset: u64,
        each: &mut impl FnMut(SlotId, u64),
    ) -> Result<(), String> {
        let glance: Glance<'_> = serde_json::from_slice(text).map_err(|error| unread(&error))?;
        let Some(state) = glance.state else {
            return self.event(text);
        };
        let hash = KeyHash::of(&glance.key);
        // Most lines are about a claim that is open, and its place is known.
        let slot = match self.open.get(&hash) {
            Some(claim) => claim.slot,
            None => standings.find(hash),
        };
        if state == State::Invalid {
            let reason = glance.reason.as_deref().unwrap_or_default();
            self.invalid
                .insert(invalid_id(&glance.key, glance.row, reason));
        }
        let now = slot.map_or(Standing::Remaining, |slot| standings.standing(slot));
        let new = match state {
            State::Claimed => {
                let claim = Claim {
                    slot,
                    key: glance.key.into_owned(),
                    row: glance.row,
                    attempt: glance.attempt,
                    lines: Doubt::claimed(offset),
                    boot: self.boot.clone(),
                    before: now,
                };
                self.open.insert(hash, claim);
                Standing::Claimed
            }
            State::Sending => {
                let claim = self
                    .open
                    .get_mut(&hash)
                    .ok_or("a sending mark without a claim")?;
                claim.lines.marked = Some(offset);
                Standing::Sending
            }
            State::Released => match (self.open.remove(&hash), glance.by) {
                (Some(claim), _) => claim.before,
                // Nothing but a doubt is a person's to settle.
                (None, Some(By::Person)) if now == Standing::InDoubt => Standing::Remaining,
                (None, _) => now,
            },
            // Claimed, and no server took such a message: nothing was said of it.
            State::Invalid if self.claims(hash, glance.attempt) => match self.open.remove(&hash) {
                // The message before it may have been taken all the same.
                Some(claim) if claim.before == Standing::InDoubt => Standing::InDoubt,
                _ => Standing::Invalid,
            },
            // Other rows are judged before they are claimed; what a server has answered is never undone by a row.
            State::Invalid => match now {
                Standing::Remaining | Standing::Deferred | Standing::Invalid => Standing::Invalid,
                settled => settled,
            },
            State::Accepted => self.settle(hash, Standing::Accepted),
            State::Deferred => self.settle(hash, Standing::Deferred),
            State::Failed => self.settle(hash, Standing::Failed),
            State::InDoubt => self.settle(hash, Standing::InDoubt),
        };
        if let Some(slot) = slot {
            standings.set(slot, new);
            // A line that says nothing of where the recipient stands is not what is told of them.
            if state != State::Invalid || new == Standing::Invalid {
                each(slot, offset);
            }
            match state {
                State::Accepted | State::Deferred | State::Failed | State::InDoubt => {
                    standings.set_attempts(slot, glance.attempt);
                }
                // It was no attempt: the server never had it.
                State::Released if glance.by == Some(By::Person) && now == Standing::InDoubt => {
                    standings.set_attempts(slot, glance.attempt.saturating_sub(1));
                }
                State::Invalid if new == Standing::Invalid && glance.attempt > 0 => {
                    standings.set_attempts(slot, glance.attempt);
                }
                State::Claimed | State::Sending | State::Released | State::Invalid => {}
            }
        }
        Ok(())
    }

    /// Whether this attempt was claimed, and its content has not left.
    fn claims(&self, hash: KeyHash, attempt: u16) -> bool {
        let claim = self.open.get(&hash);
        attempt > 0 && claim.is_some_and(|it| it.attempt == attempt && it.lines.marked.is_none())
    }

    fn settle(&mut self, hash: KeyHash, standing: Standing) -> Standing {
        let claim = self.open.remove(&hash);
        match (standing, claim) {
            (Standing::InDoubt, Some(claim)) => drop(self.doubts.insert(hash, claim.lines)),
            (Standing::Accepted | Standing::Failed, _) if !self.doubts.is_empty() => {
                self.doubts.remove(&hash);
            }
            _ => {}
        }
        standing
    }

    fn event(&mut self, text: &[u8]) -> Result<(), String> {
        let event: Event = serde_json::from_slice(text).map_err(|error| unread(&error))?;
        match event.event {
            EventKind::Begun => {
                self.boot = event.boot;
                self.content = event.content;
                self.stopped = None;
            }
            EventKind::Ended => self.stopped = event.stopped,
        }
        Ok(())
    }

    fn finish(mut self, tail: &Tail, boot: Option<&str>, standings: &Standings) -> Replay {
        let mut open = Vec::with_capacity(self.open.len());
        for (hash, claim) in self.open {
            let same_boot = boot.is_some() && claim.boot.as_deref() == boot;
            let in_doubt = claim.lines.marked.is_some() || !same_boot;
            if in_doubt {
                self.doubts.insert(hash, claim.lines);
            }
            if let Some(slot) = claim.slot {
                if in_doubt {
                    standings.set(slot, Standing::InDoubt);
                    standings.set_attempts(slot, claim.attempt);
                } else {
                    standings.set(slot, claim.before);
                }
            }
            open.push(OpenClaim {
                key: claim.key,
                row: claim.row,
                attempt: claim.attempt,
                in_doubt,
            });
        }
        open.sort_by_key(|claim| claim.row);
        Replay {
            header: self.header,
            content: self.content,
            stopped: self.stopped,
            open,
            doubts: self.doubts,
            length: tail.length,
            torn: tail.torn,
            invalid: self.invalid,
        }
    }
}
