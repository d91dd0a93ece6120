//! A copy of a damaged ledger that can be replayed, and what had to be dropped for it. The original is only read.
//!
//! A line that can be read is copied as it is. Of one that cannot, whatever says that a recipient is not to be mailed
//! again is written anew; where that cannot be told, the recipient is held in doubt. So are those whose messages were
//! claimed at a place where it cannot be told who was there. What remains is said: a recipient all of whose lines are
//! lost looks like one that was not begun.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::LedgerError;
use super::entry::{Entry, Event, EventKind, FORMAT, Header, State, timestamp, write_line};
use super::replay::header;
use super::salvage::{Salvage, pieces, salvage};
use super::standing::KeyHash;

/// What was made of a ledger.
#[derive(Debug)]
pub struct Repair {
    /// The copy; `None` when nothing is damaged, and nothing was written.
    pub copy: Option<PathBuf>,
    /// What was dropped, in the order of the file.
    pub dropped: Vec<Dropped>,
}

/// Bytes that are no line of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The line, 1-based.
    pub line: u64,
    /// How many bytes.
    pub bytes: u64,
    /// What they were.
    pub was: Was,
}

/// What damaged bytes were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Was {
    /// The first line; made anew.
    Header,
    /// Several lines without an end between them; all are judged one by one.
    Joined,
    /// About this recipient, and what they said is kept.
    Kept(String, State),
    /// About this recipient; what they said cannot be read.
    Doubted(String),
    /// Nobody can know; so many recipients, whose messages were claimed there, are held in doubt.
    Unknown(u64),
}

/// Writes `copy`, which must not be there, from what can be read of the ledger at `path`.
///
/// # Errors
/// [`LedgerError::Locked`] while a process sends; another run's file or a later format; nothing that can be read; what
/// the system refuses.
pub fn repair(path: &Path, copy: &Path, run: &str, campaign: &str) -> Result<Repair, LedgerError> {
    let io = |action| move |source| LedgerError::io(path, action, source);
    let file = File::open(path).map_err(io("open the ledger"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let path = path.to_owned();
            return Err(LedgerError::Locked { path });
        }
        Err(TryLockError::Error(source)) => return Err(io("lock the ledger")(source)),
    }
    let mut work = Work {
        out: Vec::new(),
        claims: HashMap::new(),
        settled: HashSet::new(),
        dropped: Vec::new(),
        line: 1,
        time: timestamp(),
    };
    let mut lines = Lines(BufReader::with_capacity(1 << 18, &file));
    let Some(first) = lines.next().map_err(io("read the ledger"))? else {
        return Ok(Repair {
            copy: None,
            dropped: Vec::new(),
        });
    };
    let mut first = pieces(&first);
    if first.len() > 1 {
        work.drop(b"", Was::Joined);
    }
    match first.first().map(|piece| header(path, piece, run)) {
        Some(Ok(_)) => work.keep(first.remove(0)),
        Some(Err(LedgerError::Damaged { .. })) | None => {
            let made = made_anew(path, run, campaign)?;
            write_line(&mut work.out, &made);
            let line =
                |piece: &[u8]| piece.starts_with(b"{\"time\"") || piece.starts_with(b"{\"event\"");
            let lost = match first.first() {
                Some(piece) if !line(piece) => first.remove(0),
                Some(_) | None => b"",
            };
            work.drop(lost, Was::Header);
        }
        Some(Err(error)) => return Err(error),
    }
    let action = "write the repaired copy of the ledger";
    let of_copy = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => LedgerError::CopyExists {
            path: copy.to_owned(),
        },
        _ => LedgerError::io(copy, action, source),
    };
    let mut out = BufWriter::new(File::create_new(copy).map_err(of_copy)?);
    let written = (|| {
        first.into_iter().for_each(|piece| work.piece(piece));
        out.write_all(&std::mem::take(&mut work.out))
            .map_err(of_copy)?;
        while let Some(line) = lines.next().map_err(io("read the ledger"))? {
            work.line += 1;
            work.whole(&line);
            out.write_all(&work.out).map_err(of_copy)?;
            work.out.clear();
        }
        let file = out
            .into_inner()
            .map_err(|error| of_copy(error.into_error()))?;
        file.sync_all().map_err(of_copy)
    })();
    if written.is_err() || work.dropped.is_empty() {
        fs::remove_file(copy).map_err(of_copy)?;
    }
    written?;
    let copy = (!work.dropped.is_empty()).then(|| copy.to_owned());
    Ok(Repair {
        copy,
        dropped: work.dropped,
    })
}

/// A first line from what the other lines say.
fn made_anew(path: &Path, run: &str, campaign: &str) -> Result<Header, LedgerError> {
    let io = |source| LedgerError::io(path, "read the ledger", source);
    let mut lines = Lines(BufReader::new(File::open(path).map_err(io)?));
    let mut time = None;
    while let Some(line) = lines.next().map_err(io)? {
        for piece in pieces(&line) {
            let header = |time, content| Header {
                mailrun_ledger: FORMAT,
                run: run.to_owned(),
                campaign: campaign.to_owned(),
                time,
                content,
            };
            match Line::read(piece) {
                Some(Line::Event(event)) if event.event == EventKind::Begun => {
                    return Ok(header(time.unwrap_or(event.time), event.content));
                }
                Some(Line::Entry(entry)) => drop(time.get_or_insert(entry.time.into_owned())),
                Some(Line::Event(_)) | None => {}
            }
        }
    }
    Err(LedgerError::Damaged {
        path: path.to_owned(),
        line: 1,
        reason: "nor does any line after it say when the run was begun: nothing can be repaired"
            .to_owned(),
    })
}

/// The lines of a ledger but its torn end, which every start drops.
struct Lines<R>(R);

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line)?;
        Ok((line.pop() == Some(b'\n')).then_some(line))
    }
}

enum Line<'a> {
    Entry(Entry<'a>),
    Event(Event),
}

impl<'a> Line<'a> {
    fn read(text: &'a [u8]) -> Option<Self> {
        let entry = serde_json::from_slice(text).map(Line::Entry);
        entry
            .or_else(|_| serde_json::from_slice(text).map(Line::Event))
            .ok()
            .filter(|line| matches!(line, Line::Entry(_)) || !has_state(text))
    }
}

/// Whether a line that reads as one about the run says something of a recipient, too: two lines grown together.
fn has_state(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Stated {
        state: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Stated>(text).is_ok_and(|line| line.state.is_some())
}

struct Work {
    out: Vec<u8>,
    /// Claims without an outcome, and whether they have a mark.
    claims: HashMap<String, (u64, u16, bool)>,
    /// Who is accepted or has failed: never in doubt again.
    settled: HashSet<KeyHash>,
    dropped: Vec<Dropped>,
    line: u64,
    time: String,
}

impl Work {
    fn keep(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
        self.out.push(b'\n');
    }

    fn drop(&mut self, bytes: &[u8], was: Was) {
        let (line, bytes) = (self.line, bytes.len() as u64);
        self.dropped.push(Dropped { line, bytes, was });
    }

    fn whole(&mut self, line: &[u8]) {
        // A whole line is no place to look for the beginning of another.
        if Line::read(line).is_some() {
            return self.piece(line);
        }
        let pieces = pieces(line);
        match pieces.len() {
            0 => self.unknown(line),
            1 => {}
            _ => self.drop(b"", Was::Joined),
        }
        pieces.into_iter().for_each(|piece| self.piece(piece));
    }

    fn piece(&mut self, text: &[u8]) {
        match Line::read(text) {
            Some(Line::Entry(entry)) => self.entry(&entry, text),
            Some(Line::Event(_)) => self.keep(text),
            None => match salvage(text) {
                Some(found) => self.damaged(found, text),
                None => self.unknown(text),
            },
        }
    }

    /// A line that can be read; the ones before it that it rests on may be lost.
    fn entry(&mut self, entry: &Entry<'_>, text: &[u8]) {
        let (key, hash) = (&*entry.key, KeyHash::of(&entry.key));
        match entry.state {
            State::Claimed => {
                if self.claims.contains_key(key) {
                    self.doubt(key, entry.row, entry.attempt);
                }
                self.claims
                    .insert(key.to_owned(), (entry.row, entry.attempt, false));
            }
            State::Sending => match self.claims.get_mut(key) {
                Some(claim) => claim.2 = true,
                None => return self.doubt(key, entry.row, entry.attempt),
            },
            State::Accepted | State::Failed => {
                self.claims.remove(key);
                self.settled.insert(hash);
            }
            State::Released | State::Deferred | State::InDoubt => drop(self.claims.remove(key)),
            // Of a claimed one nothing was said to the server.
            State::Invalid => {
                let claim = self.claims.get(key);
                if claim
                    .is_some_and(|it| entry.attempt > 0 && (it.1, it.2) == (entry.attempt, false))
                {
                    self.claims.remove(key);
                }
            }
        }
        self.keep(text);
    }

    /// Holds a recipient in doubt who may have been mailed.
    fn doubt(&mut self, key: &str, row: u64, attempt: u16) {
        if self.settled.contains(&KeyHash::of(key)) {
            return;
        }
        let time = self.time.clone();
        let mut entry = Entry::new(&time, key, row, State::InDoubt, attempt);
        entry.reason = Some("a line that said what became of it was damaged".into());
        write_line(&mut self.out, &entry);
        self.claims.remove(key);
    }

    fn damaged(&mut self, found: Salvage, text: &[u8]) {
        if !found.alone {
            self.unknown(text);
        }
        let hash = KeyHash::of(&found.key);
        match found.state {
            // These never let anybody be mailed who would not be without them.
            Some(state @ (State::Accepted | State::Failed)) => {
                let time = found.time.as_ref().unwrap_or(&self.time).clone();
                let mut entry = Entry::new(&time, &found.key, found.row, state, found.attempt);
                entry.reason = Some("the line was damaged, and written anew".into());
                write_line(&mut self.out, &entry);
                self.claims.remove(&found.key);
                self.settled.insert(hash);
                self.drop(text, Was::Kept(found.key, state));
            }
            _ => {
                match self.claims.get_mut(&found.key) {
                    Some(claim) => {
                        if !std::mem::replace(&mut claim.2, true) {
                            self.mark(&found.key);
                        }
                    }
                    None => self.doubt(&found.key, found.row, found.attempt),
                }
                self.drop(text, Was::Doubted(found.key));
            }
        }
    }

    /// Says that the message of an open claim may have left.
    fn mark(&mut self, key: &str) {
        if let Some((row, attempt, _)) = self.claims.get(key) {
            let entry = Entry::new(&self.time, key, *row, State::Sending, *attempt);
            write_line(&mut self.out, &entry);
        }
    }

    fn unknown(&mut self, bytes: &[u8]) {
        let mut unmarked: Vec<_> = self
            .claims
            .iter_mut()
            .filter(|(_, claim)| !claim.2)
            .collect();
        unmarked.sort_by_key(|(_, claim)| claim.0);
        let keys: Vec<_> = unmarked
            .into_iter()
            .map(|(key, claim)| {
                claim.2 = true;
                key.clone()
            })
            .collect();
        keys.iter().for_each(|key| self.mark(key));
        self.drop(bytes, Was::Unknown(keys.len() as u64));
    }
}

#[cfg(test)]
mod tests;
