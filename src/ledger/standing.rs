//! Where each recipient of a list stands: 16 bytes a recipient, however many there are.
//!
//! A recipient is known by 112 bits of the BLAKE3 hash of its key. Two keys of one list that share them would take
//! about 2^56 tries to make on purpose, so the hash stands for the key and no key is kept.

use std::cmp::Ordering;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::Ordering::Relaxed;

use crate::outcome::Outcome;

/// What the ledger knows of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Not begun.
    Remaining,
    /// Refused for now.
    Deferred,
    /// The server took it.
    Accepted,
    /// Refused for good.
    Failed,
    /// Sent without an answer.
    InDoubt,
    /// The row could not be made into a message; judged anew by each run.
    Invalid,
    /// Claimed by a process that has not said more; only while a ledger is replayed.
    Claimed,
    /// The content was about to leave; only while a ledger is replayed.
    Sending,
}

impl Standing {
    const ALL: [Standing; 8] = [
        Standing::Remaining,
        Standing::Deferred,
        Standing::Accepted,
        Standing::Failed,
        Standing::InDoubt,
        Standing::Invalid,
        Standing::Claimed,
        Standing::Sending,
    ];
}

impl From<&Outcome> for Standing {
    fn from(outcome: &Outcome) -> Standing {
        match outcome {
            Outcome::Accepted(_) => Standing::Accepted,
            Outcome::Deferred(_) => Standing::Deferred,
            Outcome::Failed(_) if outcome.is_invalid() => Standing::Invalid,
            Outcome::Failed(_) => Standing::Failed,
            Outcome::InDoubt(_) => Standing::InDoubt,
        }
    }
}

/// A recipient's key, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash([u8; 14]);

impl KeyHash {
    /// The hash of a key.
    pub fn of(key: &str) -> Self {
        let mut hash = [0; 14];
        hash.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..14]);
        KeyHash(hash)
    }

    /// Its first 32 bits, which order as it does.
    fn front(self) -> u64 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d]).into()
    }
}

/// Why nobody is to be mailed, whatever the ledger says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barred {
    /// The list has no row from which a message can be made.
    Invalid,
    /// On a suppress list.
    Suppressed,
}

/// Bits 0-2 the standing, 3 met in this pass, 4 chosen for this run, 5 suppressed, 6 without a valid row, 7-15 attempts made.
#[derive(Debug)]
struct Slot {
    hash: KeyHash,
    bits: AtomicU16,
}

const STANDING: u16 = 0b111;
const MET: u16 = 1 << 3;
const CHOSEN: u16 = 1 << 4;
const SUPPRESSED: u16 = 1 << 5;
const INVALID: u16 = 1 << 6;
const ATTEMPTS: u32 = 7;

/// Guesses at a place before it is halved for.
const GUESSES: u32 = 8;

/// The most attempts that are counted.
pub const MOST_ATTEMPTS: u16 = u16::MAX >> ATTEMPTS;

/// A recipient's place in [`Standings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotId(u32);

/// The standings of a list's recipients. Changes go through `&self`, each in one atomic step.
#[derive(Debug)]
pub struct Standings {
    slots: Vec<Slot>,
}

/// Gathers the keys of a list; see [`Gather::finish`].
#[derive(Debug, Default)]
pub struct Gather {
    slots: Vec<Slot>,
}

impl Gather {
    /// Takes a key. At most `u32::MAX` recipients.
    pub fn add(&mut self, key: &str) {
        self.push(key, 0);
    }

    /// As [`Gather::add`]; the recipient is never to be mailed.
    pub fn add_suppressed(&mut self, key: &str) {
        self.push(key, SUPPRESSED);
    }

    /// As [`Gather::add`], the key of a row that cannot be mailed: the ledger may know it from when it was right.
    pub fn add_invalid(&mut self, key: &str) {
        self.push(key, INVALID);
    }

    fn push(&mut self, key: &str, bits: u16) {
        self.slots.push(Slot {
            hash: KeyHash::of(key),
            bits: AtomicU16::new(bits),
        });
    }

    /// All recipients as `Remaining`, and the rows beside them. A key of which one row is suppressed is suppressed; one that has
    /// a valid row is valid.
    pub fn finish(mut self) -> (Standings, Beside) {
        self.slots.sort_unstable_by_key(|slot| slot.hash);
        let mut beside = Beside::default();
        self.slots.dedup_by(|later, kept| {
            let same = later.hash == kept.hash;
            if same {
                let (kept, later) = (kept.bits.get_mut(), *later.bits.get_mut());
                match (*kept | later) & INVALID {
                    0 => beside.duplicate += 1,
                    _ => beside.invalid += 1,
                }
                let invalid = *kept & later & INVALID;
                *kept = (*kept | later) & !INVALID | invalid;
            }
            same
        });
        (Standings { slots: self.slots }, beside)
    }
}

/// Rows whose key another row stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beside {
    /// Valid ones, after the first.
    pub duplicate: u64,
    /// Invalid ones.
    pub invalid: u64,
}

impl Standings {
    /// How many recipients.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The place of a key, when the list has it.
    ///
    /// Hashes are spread evenly, so a guess from the first bits is near, and the next one nearer: a few steps, where
    /// halving millions of slots misses the cache at nearly each of its two dozen.
    pub fn find(&self, hash: KeyHash) -> Option<SlotId> {
        let place = |index: usize| u32::try_from(index).ok().map(SlotId);
        let (mut low, mut high) = (0, self.slots.len());
        let (mut least, mut most) = (0, u64::from(u32::MAX));
        for _ in 0..GUESSES {
            if low == high {
                return None;
            }
            // Fewer than 2^32 slots between, and the product of two such numbers fits.
            let share = (hash.front() - least) * (high - low) as u64 / (most - least + 1);
            let guess = low + share as usize;
            let found = self.slots[guess].hash;
            match found.cmp(&hash) {
                Ordering::Equal => return place(guess),
                Ordering::Less => (low, least) = (guess + 1, found.front()),
                Ordering::Greater => (high, most) = (guess, found.front()),
            }
        }
        // Unlucky, or made to be so.
        let between = &self.slots[low..high];
        let index = between.binary_search_by_key(&hash, |slot| slot.hash).ok()?;
        place(low + index)
    }

    /// Where the recipient stands.
    pub fn standing(&self, id: SlotId) -> Standing {
        Standing::ALL[usize::from(self.load(id) & STANDING)]
    }

    /// Sets where the recipient stands.
    pub fn set(&self, id: SlotId, standing: Standing) {
        self.update(id, |bits| bits & !STANDING | standing as u16);
    }

    /// Attempts made so far.
    pub fn attempts(&self, id: SlotId) -> u16 {
        self.load(id) >> ATTEMPTS
    }

    /// Sets the attempts made so far, [`MOST_ATTEMPTS`] at most.
    pub fn set_attempts(&self, id: SlotId, attempts: u16) {
        let attempts = attempts.min(MOST_ATTEMPTS);
        self.update(id, |bits| {
            bits & !(MOST_ATTEMPTS << ATTEMPTS) | attempts << ATTEMPTS
        });
    }

    /// Marks the recipient as met in this pass; true the first time.
    pub fn meet(&self, id: SlotId) -> bool {
        let bits = &self.slots[id.0 as usize].bits;
        bits.fetch_or(MET, Relaxed) & MET == 0
    }

    /// Whether the recipient was met in this pass.
    pub fn met(&self, id: SlotId) -> bool {
        self.load(id) & MET != 0
    }

    /// Begins a new pass: nobody is met.
    pub fn forget_met(&self) {
        for slot in &self.slots {
            slot.bits.fetch_and(!MET, Relaxed);
        }
    }

    /// Marks the recipient as one that this run is about.
    pub fn choose(&self, id: SlotId) {
        self.update(id, |bits| bits | CHOSEN);
    }

    /// Undoes [`Standings::choose`].
    pub fn pass_over(&self, id: SlotId) {
        self.update(id, |bits| bits & !CHOSEN);
    }

    /// Whether this run is about the recipient.
    pub fn chosen(&self, id: SlotId) -> bool {
        self.load(id) & CHOSEN != 0
    }

    /// Why nothing is to be sent to the recipient, if so.
    pub fn barred(&self, id: SlotId) -> Option<Barred> {
        match self.load(id) & (INVALID | SUPPRESSED) {
            0 => None,
            SUPPRESSED => Some(Barred::Suppressed),
            _ => Some(Barred::Invalid),
        }
    }

    /// As [`Standings::barred`], where nothing was sent either that a ledger would have to tell of.
    pub fn left_out(&self, id: SlotId) -> Option<Barred> {
        match self.standing(id) {
            Standing::Remaining | Standing::Claimed | Standing::Deferred | Standing::Invalid => {
                self.barred(id)
            }
            Standing::Accepted | Standing::Failed | Standing::InDoubt | Standing::Sending => None,
        }
    }

    /// Every place, in no order that means anything.
    pub fn ids(&self) -> impl Iterator<Item = SlotId> + use<> {
        // A list has at most u32::MAX recipients: see Gather::add.
        (0..self.slots.len() as u32).map(SlotId)
    }

    fn load(&self, id: SlotId) -> u16 {
        self.slots[id.0 as usize].bits.load(Relaxed)
    }

    // One atomic step: the feeder meets a second row of a recipient that a courier has in its hands. The order between
    // threads comes from the outbox and the scope that joins them.
    fn update(&self, id: SlotId, change: impl Fn(u16) -> u16) {
        let bits = &self.slots[id.0 as usize].bits;
        let _ = bits.fetch_update(Relaxed, Relaxed, |bits| Some(change(bits)));
    }
}

impl SlotId {
    /// A number below [`Standings::len`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests;
