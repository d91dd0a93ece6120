//! The ledger as a file: one writer, appends under one lock, syncs shared by all who wait.
//!
//! Couriers append their own lines; a write of lines is one system call and wakes nobody. Only the syncs are a
//! thread's of their own ([`Ledger::keep_synced`]), so that one `fdatasync` serves everybody who waits for one.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::LedgerError;
use super::boot;
use super::disk::{Disk, Machine, Memory};
use super::entry::{Entry, Event, EventKind, FORMAT, Header, State, timestamp, write_line};
use super::replay::{Replay, replay};
use super::standing::{SlotId, Standings};
use crate::bell::Bell;
use crate::campaign::Durability;

/// A place in the file: everything before it was written before what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Mark(u64);

/// A ledger open for writing, locked against other processes.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    durability: Durability,
    /// Locked for appends; syncs do not hold them up.
    file: Mutex<Tip>,
    disk: Box<dyn Disk>,
    progress: Mutex<Progress>,
    hurried: Condvar,
    synced: Condvar,
}

#[derive(Debug)]
struct Tip {
    written: Mark,
    /// Why a write failed. After it the file may end in half a line: nothing may follow.
    failed: Option<(io::ErrorKind, String)>,
}

#[derive(Debug, Default)]
struct Progress {
    synced: Mark,
    /// What is durable once the sync that goes on is over.
    syncing: Mark,
    failed: Option<(io::ErrorKind, String)>,
    closing: bool,
    /// Somebody needs a sync after the one that goes on.
    hurried: bool,
    /// Somebody wants to be rung for after the next sync.
    awaited: bool,
    bells: Vec<Arc<Bell>>,
}

impl Progress {
    fn hurry(&mut self, mark: Mark, hurried: &Condvar) {
        if self.syncing < mark && !self.hurried {
            self.hurried = true;
            hurried.notify_one();
        }
    }

    fn ring(&self) {
        for bell in &self.bells {
            bell.ring();
        }
    }
}

/// What nobody needs to be durable is so after this time.
const LATEST: Duration = Duration::from_millis(100);

/// What a sync does, for its errors.
const SYNC: &str = "make the ledger durable";

/// What a ledger is opened with.
#[derive(Debug, Clone)]
pub struct Opening<'a> {
    /// The run's name.
    pub run: &'a str,
    /// The campaign's name.
    pub campaign: &'a str,
    /// Fingerprints of the content as it is now.
    pub content: &'a BTreeMap<String, String>,
    /// What a claim survives.
    pub durability: Durability,
}

/// Reads a ledger that nobody needs to lock; `None` when there is none. See [`replay`].
///
/// # Errors
/// As [`replay`], and when the file cannot be opened.
pub fn read(
    path: &Path,
    run: &str,
    standings: &Standings,
    each: impl FnMut(SlotId, u64),
) -> Result<Option<Replay>, LedgerError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LedgerError::io(path, "open the ledger", error)),
    };
    check_kind(path, &file)?;
    let reader = BufReader::with_capacity(1 << 18, file);
    replay(path, reader, run, boot::id().as_deref(), standings, each)
}

/// A device or a pipe can be read without end, and keeps nothing.
fn check_kind(path: &Path, file: &File) -> Result<(), LedgerError> {
    let kind = file
        .metadata()
        .map_err(|source| LedgerError::io(path, "open the ledger", source))?;
    if kind.is_file() {
        return Ok(());
    }
    let source = io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    Err(LedgerError::io(path, "use the ledger", source))
}

/// A ledger opened, locked and replayed, nothing written yet.
#[derive(Debug)]
pub struct Opened {
    path: PathBuf,
    boot: Option<String>,
    disk: Box<dyn Disk>,
    /// What it says; `None` for a new one.
    pub replay: Option<Replay>,
}

/// Opens a ledger for writing, locks it, and replays it into `standings`. Writes nothing but an empty new file.
///
/// # Errors
/// [`LedgerError::Locked`] when another process has it; what [`replay`] gives; what the system refuses.
pub fn open(
    path: &Path,
    run: &str,
    standings: &Standings,
    machine: &dyn Machine,
) -> Result<Opened, LedgerError> {
    let folder = folder(path);
    fs::create_dir_all(folder)
        .map_err(|source| LedgerError::io(folder, "make the folder of the ledger", source))?;
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .map_err(|source| LedgerError::io(path, "open the ledger for writing", source))?;
    check_kind(path, &file)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(LedgerError::Locked {
                path: path.to_owned(),
            });
        }
        Err(TryLockError::Error(source)) => {
            return Err(LedgerError::io(path, "lock the ledger", source));
        }
    }
    let reader = BufReader::with_capacity(1 << 18, &file);
    let boot = machine.boot();
    let replay = replay(path, reader, run, boot.as_deref(), standings, |_, _| {})?;
    Ok(Opened {
        path: path.to_owned(),
        boot,
        disk: machine.disk(file),
        replay,
    })
}

/// The folder of a ledger.
fn folder(path: &Path) -> &Path {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

impl Opened {
    /// Drops a torn tail, writes that a process begins to send and how it reads the claims it found, and makes all of
    /// it durable.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn begin(self, opening: &Opening<'_>) -> Result<(Ledger, Option<Replay>), LedgerError> {
        let length = self.replay.as_ref().map_or(0, |replay| replay.length);
        self.disk.cut(length).map_err(|source| {
            LedgerError::io(&self.path, "drop the torn end of the ledger", source)
        })?;
        let ledger = Ledger::on(self.disk, self.path, length, opening.durability);
        let mut lines = Vec::new();
        let time = timestamp();
        if self.replay.is_none() {
            write_line(
                &mut lines,
                &Header {
                    mailrun_ledger: FORMAT,
                    run: opening.run.to_owned(),
                    campaign: opening.campaign.to_owned(),
                    time: time.clone(),
                    content: opening.content.clone(),
                },
            );
        }
        for claim in self.replay.iter().flat_map(|replay| &replay.open) {
            let state = if claim.in_doubt {
                State::InDoubt
            } else {
                State::Released
            };
            let mut entry = Entry::new(&time, &claim.key, claim.row, state, claim.attempt);
            if claim.in_doubt {
                entry.reason =
                    Some("the process ended while the message may have been on its way".into());
            }
            write_line(&mut lines, &entry);
        }
        write_line(
            &mut lines,
            &Event {
                event: EventKind::Begun,
                time,
                boot: self.boot,
                content: opening.content.clone(),
                stopped: None,
            },
        );
        ledger.append(&lines)?;
        ledger.sync_now()?;
        ledger.sync_folders();
        Ok((ledger, self.replay))
    }
}

impl Ledger {
    fn on(disk: Box<dyn Disk>, path: PathBuf, length: u64, durability: Durability) -> Self {
        Ledger {
            path,
            durability,
            file: Mutex::new(Tip {
                written: Mark(length),
                failed: None,
            }),
            disk,
            progress: Mutex::new(Progress {
                synced: Mark(length),
                ..Progress::default()
            }),
            hurried: Condvar::new(),
            synced: Condvar::new(),
        }
    }

    /// A ledger of what nobody is to go on with: its lines are in `memory` alone, and nothing waits for a disk.
    pub fn in_memory(memory: Memory) -> Self {
        let name = PathBuf::from("the test's record");
        Ledger::on(Box::new(memory), name, 0, Durability::Process)
    }

    /// Appends whole lines; returns the place after them. What is written survives the death of the process at once,
    /// a power loss only once [`Ledger::durable`] has passed that place.
    ///
    /// # Errors
    /// What the system refuses; after that, always: half a line may be the last.
    pub fn append(&self, lines: &[u8]) -> Result<Mark, LedgerError> {
        let mut tip = lock(&self.file);
        if let Some((kind, text)) = &tip.failed {
            // The same for everybody: whoever comes first, the reason told is the one that counts.
            let source = io::Error::new(*kind, text.clone());
            return Err(LedgerError::io(&self.path, "write the ledger", source));
        }
        if let Err(source) = self.disk.append(lines) {
            // A part of the lines says less than none: nobody is told which of them counts. Where this fails too, the
            // torn end is dropped at the next start.
            let _ = self.disk.cut(tip.written.0);
            tip.failed = Some((source.kind(), source.to_string()));
            return Err(LedgerError::io(&self.path, "write the ledger", source));
        }
        tip.written.0 += lines.len() as u64;
        Ok(tip.written)
    }

    /// The place after everything that is written.
    pub fn written(&self) -> Mark {
        lock(&self.file).written
    }

    /// The place before which everything is durable.
    ///
    /// # Errors
    /// When a sync failed. Nothing counts as durable then: sending stops before the next message, though its claim may
    /// have been synced before.
    pub fn durable(&self) -> Result<Mark, LedgerError> {
        if self.durability == Durability::Process {
            return Ok(Mark(u64::MAX));
        }
        let progress = lock(&self.progress);
        match &progress.failed {
            None => Ok(progress.synced),
            Some((kind, text)) => {
                let source = io::Error::new(*kind, text.clone());
                Err(LedgerError::io(&self.path, SYNC, source))
            }
        }
    }

    /// Who is rung for after a sync that somebody waits for, and when one failed.
    pub fn tell(&self, bells: Vec<Arc<Bell>>) {
        lock(&self.progress).bells = bells;
    }

    /// What stands before `mark` is needed soon: it is made durable as soon as the disk can.
    pub fn hurry(&self, mark: Mark) {
        lock(&self.progress).hurry(mark, &self.hurried);
    }

    /// Somebody has nothing else to do until what stands before `mark` is durable: rings when it may be.
    pub fn await_durable(&self, mark: Mark) {
        let mut progress = lock(&self.progress);
        if progress.synced >= mark || progress.failed.is_some() {
            // It came to be while it was asked for.
            progress.ring();
        } else {
            progress.awaited = true;
            progress.hurry(mark, &self.hurried);
        }
    }

    fn wait_durable(&self, mark: Mark) -> Result<(), LedgerError> {
        self.hurry(mark);
        while self.durable()? < mark {
            let progress = lock(&self.progress);
            if progress.synced < mark && progress.failed.is_none() {
                let woken = self.synced.wait(progress);
                drop(woken.unwrap_or_else(PoisonError::into_inner));
            }
        }
        Ok(())
    }

    /// Syncs when somebody needs it, and after a while if nobody does: the later, the more one sync serves. Returns after
    /// [`Ledger::close`]. To be run by a thread of its own.
    pub fn keep_synced(&self) {
        let mut progress = lock(&self.progress);
        while progress.failed.is_none() {
            progress = self
                .hurried
                .wait_timeout_while(progress, LATEST, |it| !it.hurried && !it.closing)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            progress.hurried = false;
            let (synced, closing) = (progress.synced, progress.closing);
            drop(progress);
            // All that is written by now is covered, asked for or not.
            let reached = lock(&self.file).written;
            if self.durability == Durability::Process || reached == synced {
                if closing {
                    return;
                }
                progress = lock(&self.progress);
                continue;
            }
            lock(&self.progress).syncing = reached;
            let result = self.disk.sync();
            progress = lock(&self.progress);
            match result {
                Ok(()) => progress.synced = reached,
                // After a failed sync the kernel may have dropped the pages: asking again would prove nothing.
                Err(error) => progress.failed = Some((error.kind(), error.to_string())),
            }
            self.synced.notify_all();
            if std::mem::take(&mut progress.awaited) || progress.failed.is_some() {
                progress.ring();
            }
        }
    }

    /// Lets [`Ledger::keep_synced`] end, when everything is durable.
    pub fn close(&self) {
        lock(&self.progress).closing = true;
        self.hurried.notify_one();
    }

    /// Writes that this process ended on its own, and why it stopped early if it did; makes all durable. To be called
    /// while [`Ledger::keep_synced`] runs.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn end(&self, stopped: Option<&str>) -> Result<(), LedgerError> {
        let mut line = Vec::new();
        let (event, time) = (EventKind::Ended, timestamp());
        let stopped = stopped.map(str::to_owned);
        write_line(
            &mut line,
            &Event {
                event,
                time,
                boot: None,
                content: BTreeMap::new(),
                stopped,
            },
        );
        let mark = self.append(&line)?;
        match self.durability {
            // Not by a sync of its own: one that goes well says nothing of what one before it, or beside it, lost.
            Durability::Power => self.wait_durable(mark),
            Durability::Process => self.sync_now(),
        }
    }

    fn sync_now(&self) -> Result<(), LedgerError> {
        self.disk
            .sync()
            .map_err(|source| LedgerError::io(&self.path, SYNC, source))
    }

    /// A new file is found after a power loss only once its folder is durable too, and a new folder only once the one
    /// that it is in is.
    fn sync_folders(&self) {
        let of_ledger = folder(&self.path);
        for folder in [of_ledger, folder(of_ledger)] {
            // Not every system lets one ask.
            if let Ok(folder) = File::open(folder) {
                let _ = folder.sync_all();
            }
        }
    }
}

// A panic while one of these is held leaves plain values that are still true.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
