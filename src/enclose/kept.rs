//! What was made of files that rows name, kept as long as there is room: many rows may name the same one.

use std::collections::HashMap;
use std::mem;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::files::{Found, Stamp};

/// The bytes that are kept at most.
const MOST: usize = 32 << 20;
/// What an entry takes beside its path and what is kept, roughly, in bytes.
const ENTRY: usize = 256;

/// What was made of files. It is kept once it is asked for a second time, so that files of one row each take no room, and is
/// made anew when its file has changed.
#[derive(Debug)]
pub struct Kept<T> {
    most: usize,
    generations: Mutex<Generations<T>>,
}

/// When the young would fill more than half of the room, they are the old, and the old go: what is asked for in between becomes young again.
#[derive(Debug)]
struct Generations<T> {
    young: HashMap<Key, Entry<T>>,
    old: HashMap<Key, Entry<T>>,
    /// What the young take, in bytes.
    bytes: usize,
}

/// A file, and whatever else takes part in what is made of it.
type Key = (PathBuf, String);

#[derive(Debug)]
struct Entry<T> {
    stamp: Stamp,
    /// `None`: it was asked for once.
    made: Option<T>,
    /// In bytes.
    size: usize,
}

impl<T: Clone> Kept<T> {
    /// Nothing is kept yet.
    pub fn new() -> Self {
        Kept::with_room(MOST)
    }

    fn with_room(most: usize) -> Self {
        let generations = Generations {
            young: HashMap::new(),
            old: HashMap::new(),
            bytes: 0,
        };
        Kept {
            most,
            generations: Mutex::new(generations),
        }
    }

    /// What `make` makes of the file, with its size in bytes; `how` says what else takes part in it.
    ///
    /// # Errors
    /// What `make` gives.
    pub fn of<E>(
        &self,
        file: &Found,
        how: String,
        make: impl FnOnce() -> Result<(T, usize), E>,
    ) -> Result<T, E> {
        let key = (file.real.clone(), how);
        let known = self.lock().look(&key, file.stamp, self.most);
        if let Known::Made(made) = known {
            return Ok(made);
        }
        // Not under the lock: others go on meanwhile.
        let (made, size) = make()?;
        if matches!(known, Known::Once) && size <= self.most / 4 {
            let kept = Some(made.clone());
            self.lock().put(key, file.stamp, kept, size, self.most);
        }
        Ok(made)
    }

    fn lock(&self) -> MutexGuard<'_, Generations<T>> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a file.
enum Known<T> {
    /// It is asked for the first time, as far as that is remembered.
    Not,
    /// It was asked for, and nothing is kept.
    Once,
    Made(T),
}

impl<T: Clone> Generations<T> {
    /// What is known of the file as it is; from now on it is one that was asked for.
    fn look(&mut self, key: &Key, stamp: Stamp, most: usize) -> Known<T> {
        let same = |entry: &Entry<T>| entry.stamp == stamp;
        if let Some(entry) = self.young.get(key).filter(|entry| same(entry)) {
            return entry.known();
        }
        match self.old.remove(key).filter(same) {
            Some(entry) => {
                let known = entry.known();
                self.put(key.clone(), stamp, entry.made, entry.size, most);
                known
            }
            None => {
                self.put(key.clone(), stamp, None, 0, most);
                Known::Not
            }
        }
    }

    fn put(&mut self, key: Key, stamp: Stamp, made: Option<T>, size: usize, most: usize) {
        let beside = ENTRY + key.0.as_os_str().len() + key.1.len();
        if self.bytes + beside + size > most / 2 {
            self.old = mem::take(&mut self.young);
            self.bytes = 0;
        }
        let entry = Entry { stamp, made, size };
        self.bytes += beside + size;
        if let Some(before) = self.young.insert(key, entry) {
            self.bytes -= beside + before.size;
        }
    }
}

impl<T: Clone> Entry<T> {
    fn known(&self) -> Known<T> {
        self.made.clone().map_or(Known::Once, Known::Made)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::enclose::files::Folder;
    use std::convert::Infallible;
    use std::fs;

    /// Files `0` to `n`, and how often something was made of each.
    struct Lab {
        folder: tempfile::TempDir,
        kept: Kept<String>,
        made: Vec<usize>,
    }

    impl Lab {
        fn new(files: usize, most: usize) -> Self {
            let folder = tempfile::tempdir().unwrap();
            (0..files).for_each(|n| fs::write(folder.path().join(n.to_string()), "x").unwrap());
            Lab {
                folder,
                kept: Kept::with_room(most),
                made: vec![0; files],
            }
        }

        /// Asks for what is made of a file, which takes so many bytes.
        fn ask(&mut self, n: usize, how: &str, size: usize) -> String {
            let name = n.to_string();
            let found = Folder::new(self.folder.path()).by_data(&name).unwrap();
            let text = found.read(&name).unwrap();
            let text = String::from_utf8(text).unwrap() + how;
            let made = &mut self.made[n];
            let all: Result<_, Infallible> = self.kept.of(&found, how.to_owned(), || {
                *made += 1;
                Ok((text, size))
            });
            all.unwrap()
        }

        /// What is kept, in bytes.
        fn bytes(&self) -> usize {
            let all = self.kept.lock();
            let kept = all.young.values().chain(all.old.values());
            kept.map(|entry| entry.size).sum()
        }
    }

    #[test]
    fn it_is_made_twice_and_then_kept_until_the_file_changes() {
        let mut lab = Lab::new(1, 1 << 20);
        for _ in 0..5 {
            assert_eq!(lab.ask(0, "", 10), "x");
        }
        assert_eq!((lab.made[0], lab.bytes()), (2, 10));
        // Under another name it is another thing.
        assert_eq!(lab.ask(0, " other", 10), "x other");
        assert_eq!(lab.made[0], 3);
        // In its place, of the same length.
        fs::write(lab.folder.path().join("new"), "y").unwrap();
        fs::rename(lab.folder.path().join("new"), lab.folder.path().join("0")).unwrap();
        for _ in 0..5 {
            assert_eq!(lab.ask(0, "", 10), "y");
        }
        assert_eq!((lab.made[0], lab.bytes()), (5, 10));
        fs::write(lab.folder.path().join("0"), "longer").unwrap();
        assert_eq!(lab.ask(0, "", 10), "longer");
    }

    #[test]
    fn what_is_asked_for_often_stays_and_the_room_is_never_exceeded() {
        let most = 64 << 10;
        let mut lab = Lab::new(200, most);
        let mut peak = 0;
        for n in 1..200 {
            for _ in 0..2 {
                lab.ask(n, "", 4 << 10);
                lab.ask(0, "", 4 << 10);
                peak = peak.max(lab.bytes());
            }
        }
        assert!(peak <= most && peak > most / 2, "{peak}");
        assert_eq!(lab.made[0], 2);
        assert!(
            lab.made[1..].iter().all(|times| *times == 2),
            "{:?}",
            lab.made
        );
        // Long gone.
        lab.ask(1, "", 4 << 10);
        assert_eq!(lab.made[1], 3);
    }

    #[test]
    fn files_of_one_row_each_and_large_ones_take_no_room() {
        let mut lab = Lab::new(200, 64 << 10);
        (0..200).for_each(|n| drop(lab.ask(n, "", 4 << 10)));
        assert_eq!(lab.bytes(), 0);
        (0..3).for_each(|_| drop(lab.ask(0, "", 17 << 10)));
        assert_eq!((lab.bytes(), lab.made[0]), (0, 4));
    }
}
