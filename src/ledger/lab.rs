//! For tests: a disk that fails when it is told to, and knows what a power loss would leave on it.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::{Arc, Mutex, MutexGuard};

use super::disk::{Disk, Machine};

/// What goes wrong. Appends, syncs and cuts are counted together, from 1, in `Off`; each by its own kind otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Never,
    /// From this operation on nothing is done any more: the power is off, or the process is dead.
    Off(usize),
    /// From this append on the disk is full: half of it is written.
    Full(usize),
    /// As `Full`, and the half that was written cannot be taken back.
    FullForGood(usize),
    /// This sync fails. Others go well after it, and make nothing durable: the kernel has dropped the pages.
    Sync(usize),
}

/// How much of what was not synced a power loss leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// So many hundredths of the bytes.
    Part(usize),
    /// As many, and the file is as long as if all were there: NULs fill the rest.
    PartAndNuls(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Done {
    Append(Vec<u8>),
    Cut(u64),
}

#[derive(Debug)]
struct State {
    fault: Fault,
    /// Operations, appends and syncs so far, those that failed included.
    all: usize,
    appends: usize,
    syncs: usize,
    struck: bool,
    /// What is there for good.
    durable: Vec<u8>,
    /// What was done since.
    pending: Vec<Done>,
    /// What was about to be done when the power went.
    interrupted: Option<Done>,
    lost_pages: bool,
}

/// A machine with such a disk.
#[derive(Debug, Clone)]
pub struct Lab {
    boot: String,
    state: Arc<Mutex<State>>,
}

impl Lab {
    pub fn new(boot: &str, fault: Fault) -> Self {
        let state = State {
            fault,
            all: 0,
            appends: 0,
            syncs: 0,
            struck: false,
            durable: Vec::new(),
            pending: Vec::new(),
            interrupted: None,
            lost_pages: false,
        };
        Lab {
            boot: boot.to_owned(),
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Whether the fault came about.
    pub fn struck(&self) -> bool {
        self.lock().struck
    }

    /// What is synced.
    pub fn durable(&self) -> Vec<u8> {
        self.lock().durable.clone()
    }

    /// What the process wrote: what is there after its death.
    pub fn written(&self) -> Vec<u8> {
        let state = self.lock();
        apply(&state.durable, &state.pending, usize::MAX)
    }

    /// What the process wrote, the operation that it died in done too.
    pub fn written_and_interrupted(&self) -> Vec<u8> {
        self.power_lost(Kept::Part(100))
    }

    /// What a power loss leaves.
    pub fn power_lost(&self, kept: Kept) -> Vec<u8> {
        let state = self.lock();
        let mut open = state.pending.clone();
        open.extend(state.interrupted.clone());
        let bytes: usize = open.iter().map(Done::bytes).sum();
        match kept {
            Kept::Part(part) => apply(&state.durable, &open, bytes * part / 100),
            Kept::PartAndNuls(part) => {
                let mut left = apply(&state.durable, &open, bytes * part / 100);
                left.resize(apply(&state.durable, &open, usize::MAX).len(), 0);
                left
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Done {
    fn bytes(&self) -> usize {
        match self {
            Done::Append(bytes) => bytes.len(),
            Done::Cut(_) => 0,
        }
    }
}

/// `durable` with as much of what was done after it as appends so many bytes.
fn apply(durable: &[u8], done: &[Done], mut bytes: usize) -> Vec<u8> {
    let mut file = durable.to_vec();
    for done in done {
        match done {
            Done::Append(more) => {
                let part = more.len().min(bytes);
                file.extend_from_slice(&more[..part]);
                bytes -= part;
            }
            Done::Cut(length) if bytes > 0 => file.truncate(usize::try_from(*length).unwrap()),
            Done::Cut(_) => {}
        }
        if bytes == 0 {
            break;
        }
    }
    file
}

impl Machine for Lab {
    fn boot(&self) -> Option<String> {
        Some(self.boot.clone())
    }

    fn disk(&self, mut file: File) -> Box<dyn Disk> {
        file.rewind().unwrap();
        let mut found = Vec::new();
        file.read_to_end(&mut found).unwrap();
        self.lock().durable = found;
        Box::new(LabDisk {
            _locked: file,
            lab: self.clone(),
        })
    }
}

#[derive(Debug)]
struct LabDisk {
    _locked: File,
    lab: Lab,
}

impl LabDisk {
    /// Counts an operation; an error when it is not to be done.
    fn begin(&self, what: Option<&Done>) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lab.lock();
        state.all += 1;
        if let Fault::Off(at) = state.fault
            && state.all >= at
        {
            if !state.struck {
                state.struck = true;
                state.interrupted = what.cloned();
            }
            return Err(io::Error::other("gone"));
        }
        Ok(state)
    }
}

impl Disk for LabDisk {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.begin(Some(&Done::Append(bytes.to_vec())))?;
        state.appends += 1;
        match state.fault {
            Fault::Full(at) | Fault::FullForGood(at) if state.appends >= at => {
                state.struck = true;
                let half = bytes[..bytes.len() / 2].to_vec();
                state.pending.push(Done::Append(half));
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => {
                state.pending.push(Done::Append(bytes.to_vec()));
                Ok(())
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.begin(None)?;
        state.syncs += 1;
        if state.fault == Fault::Sync(state.syncs) {
            state.struck = true;
            state.lost_pages = true;
            return Err(io::Error::other("the disk does not answer"));
        }
        if !state.lost_pages {
            state.durable = apply(&state.durable, &state.pending, usize::MAX);
            state.pending.clear();
        }
        Ok(())
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        let mut state = self.begin(Some(&Done::Cut(length)))?;
        if state.struck && matches!(state.fault, Fault::FullForGood(_)) {
            return Err(io::Error::other("the disk does not answer"));
        }
        state.pending.push(Done::Cut(length));
        Ok(())
    }
}
