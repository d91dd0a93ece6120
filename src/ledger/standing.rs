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

/// Bits 0-2 the standing, 3 met in this pass, 4 chosen for this run, 5 suppressed, 6-15 attempts made.
#[derive(Debug)]
struct Slot {
    hash: KeyHash,
    bits: AtomicU16,
}

const STANDING: u16 = 0b111;
const MET: u16 = 1 << 3;
const CHOSEN: u16 = 1 << 4;
const SUPPRESSED: u16 = 1 << 5;
const ATTEMPTS: u32 = 6;

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

    fn push(&mut self, key: &str, bits: u16) {
        self.slots.push(Slot {
            hash: KeyHash::of(key),
            bits: AtomicU16::new(bits),
        });
    }

    /// All recipients as `Remaining`, and how many keys came more than once, each further time counted. A key of which one row
    /// is suppressed is suppressed.
    pub fn finish(mut self) -> (Standings, u64) {
        self.slots.sort_unstable_by_key(|slot| slot.hash);
        let before = self.slots.len();
        self.slots.dedup_by(|later, kept| {
            let same = later.hash == kept.hash;
            if same {
                *kept.bits.get_mut() |= *later.bits.get_mut();
            }
            same
        });
        let doubled = before - self.slots.len();
        (Standings { slots: self.slots }, doubled as u64)
    }
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

    /// Whether the recipient is left out on purpose: suppressed, and nothing was sent that a ledger would have to tell of.
    pub fn left_out(&self, id: SlotId) -> bool {
        let open = match self.standing(id) {
            Standing::Remaining | Standing::Claimed | Standing::Deferred | Standing::Invalid => {
                true
            }
            Standing::Accepted | Standing::Failed | Standing::InDoubt | Standing::Sending => false,
        };
        open && self.load(id) & SUPPRESSED != 0
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn of(keys: &[&str]) -> (Standings, u64) {
        let mut gather = Gather::default();
        keys.iter().for_each(|key| gather.add(key));
        gather.finish()
    }

    #[test]
    fn a_slot_is_sixteen_bytes() {
        assert_eq!(size_of::<Slot>(), 16);
    }

    #[test]
    fn each_key_has_one_place_and_doubles_are_counted() {
        let (standings, doubled) = of(&["a", "b", "a", "c", "a"]);
        assert_eq!((standings.len(), doubled), (3, 2));
        assert!(standings.find(KeyHash::of("b")).is_some());
        assert!(standings.find(KeyHash::of("d")).is_none());
    }

    #[test]
    fn who_is_suppressed_is_left_out_until_something_was_sent() {
        let mut gather = Gather::default();
        ["a", "c"].iter().for_each(|key| gather.add(key));
        ["b", "c"].iter().for_each(|key| gather.add_suppressed(key));
        gather.add("c");
        let (standings, doubled) = gather.finish();
        assert_eq!((standings.len(), doubled), (3, 2));
        let find = |key| standings.find(KeyHash::of(key)).unwrap();
        for (standing, left_out) in [
            (Standing::Remaining, true),
            (Standing::Deferred, true),
            (Standing::Accepted, false),
            (Standing::Failed, false),
            (Standing::InDoubt, false),
            (Standing::Invalid, true),
            (Standing::Claimed, true),
            (Standing::Sending, false),
        ] {
            for (key, suppressed) in [("a", false), ("b", true), ("c", true)] {
                standings.set(find(key), standing);
                standings.set_attempts(find(key), MOST_ATTEMPTS);
                let found = standings.left_out(find(key));
                assert_eq!(found, left_out && suppressed, "{key} {standing:?}");
            }
        }
    }

    #[test]
    fn every_key_is_found_among_many_and_no_other() {
        for many in [1, 2, 3, 10, 1000, 20_000] {
            let keys: Vec<_> = (0..many).map(|n| format!("r{n}@list.example")).collect();
            let keys: Vec<_> = keys.iter().map(String::as_str).collect();
            let (standings, _) = of(&keys);
            let mut places = std::collections::HashSet::new();
            for key in keys {
                let place = standings.find(KeyHash::of(key)).unwrap();
                assert!(places.insert(place), "{key} has another's place");
            }
            for n in 0..many {
                assert_eq!(standings.find(KeyHash::of(&format!("x{n}"))), None);
            }
        }
    }

    #[test]
    fn hashes_that_defeat_guessing_are_found_too() {
        // Their fronts are nearly all the same, or all, or at the ends of what there is.
        let hash = |front: u32, rest: u32| {
            let mut hash = [0; 14];
            hash[..4].copy_from_slice(&front.to_be_bytes());
            hash[4..8].copy_from_slice(&rest.to_be_bytes());
            KeyHash(hash)
        };
        for front in [0, 7, u32::MAX] {
            let mut gather = Gather::default();
            for rest in 0..5000 {
                gather.slots.push(Slot {
                    hash: hash(front, 2 * rest),
                    bits: AtomicU16::new(0),
                });
            }
            let (standings, _) = gather.finish();
            for rest in 0..5000 {
                let place = standings.find(hash(front, 2 * rest)).unwrap();
                assert_eq!(place.index(), rest as usize);
                assert_eq!(standings.find(hash(front, 2 * rest + 1)), None);
            }
            assert_eq!(standings.find(hash(front ^ 1, 0)), None);
        }
    }

    #[test]
    fn the_parts_of_a_slot_do_not_disturb_each_other() {
        let (standings, _) = of(&["a", "b"]);
        let (a, b) = (
            standings.find(KeyHash::of("a")).unwrap(),
            standings.find(KeyHash::of("b")).unwrap(),
        );
        for standing in Standing::ALL {
            standings.set(a, standing);
            standings.set_attempts(a, 999);
            standings.choose(a);
            standings.choose(b);
            standings.pass_over(b);
            assert!(standings.meet(a));
            assert!(!standings.meet(a));
            standings.forget_met();
            assert_eq!(
                (
                    standings.standing(a),
                    standings.attempts(a),
                    standings.chosen(a)
                ),
                (standing, 999, true)
            );
            assert_eq!(
                (
                    standings.standing(b),
                    standings.attempts(b),
                    standings.chosen(b)
                ),
                (Standing::Remaining, 0, false)
            );
        }
        standings.set_attempts(a, u16::MAX);
        assert_eq!(standings.attempts(a), MOST_ATTEMPTS);
    }

    #[test]
    fn a_row_met_again_never_undoes_what_a_courier_records() {
        let (standings, _) = of(&["a"]);
        let a = standings.find(KeyHash::of("a")).unwrap();
        standings.meet(a);
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            // The feeder: a duplicate row further down the list.
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    assert!(!standings.meet(a));
                }
            });
            for attempt in 0..200_000u32 {
                let attempt = (attempt % 1000) as u16;
                standings.set_attempts(a, attempt);
                standings.set(a, Standing::Accepted);
                let seen = (standings.standing(a), standings.attempts(a));
                standings.set(a, Standing::Remaining);
                if seen != (Standing::Accepted, attempt) {
                    done.store(true, Relaxed);
                }
                assert_eq!(seen, (Standing::Accepted, attempt));
            }
            done.store(true, Relaxed);
        });
    }
}
