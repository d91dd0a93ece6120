//! `group_by`: the rows of each group brought together, groups in the order of their first rows, rows in the order of the list.
//!
//! The list is read once and its rows are copied into a file without a name; of each, 24 bytes are kept in memory until all
//! are read: whose it is, and where it lies. Sorted, they say in which order a second copy is written. Where the rows of each
//! group stand together in the list already, the first copy is the one.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use super::error::ListError;
use super::judge::Judge;
use super::list::Reader;
use super::origin::Origin;
use super::stored::{StoredRows, copy, store};
use crate::wording::count;

/// Bytes that are written at once.
const CHUNK: usize = 1 << 18;

/// Whose a row is (a hash of 128 bits, or later the place of its group's first row and nothing), and where it lies.
type Place = [u64; 3];

/// The rows of a list, those of each group together.
#[derive(Debug)]
pub(super) struct Gathered {
    pub judge: Arc<Judge>,
    origin: Origin,
    /// How many rows there are in how many groups, for people.
    pub note: String,
}

impl Gathered {
    /// Reads the list to its end.
    ///
    /// # Errors
    /// What the list gives; a temporary file that cannot be written.
    pub fn gather(mut list: Reader) -> Result<Gathered, ListError> {
        let file = list.file().to_owned();
        let failed = |cause| ListError::Gather {
            file: file.clone(),
            cause,
        };
        let mut first = temporary().map_err(failed)?;
        let (mut places, mut at) = (Vec::new(), 0);
        let (mut buffer, mut before) = (Vec::new(), None);
        while let Some((record, position)) = list.next()? {
            let whose = match list.judge.group_of(&record) {
                Some(group) => hash(b"group", group.as_bytes()),
                None => hash(b"row", &position.row.to_le_bytes()),
            };
            buffer.clear();
            store(&mut buffer, &record, position, before != Some(whose));
            before = Some(whose);
            first.write_all(&buffer).map_err(failed)?;
            places.push([whose[0], whose[1], at]);
            at += buffer.len() as u64;
        }
        let mut rows = finish(first).map_err(failed)?;
        let groups = order(&mut places);
        if !places.is_sorted_by_key(|place| place[2]) {
            rows = rewrite(&rows, &places).map_err(failed)?;
        }
        let (all, made) = (count(places.len() as u64, "row"), count(groups, "group"));
        let column = &list.judge.columns;
        let column = &column.names[column.group.unwrap_or(column.address)];
        let note = format!(
            "{}: {all} in {made} by {column:?}, a message each",
            file.display()
        );
        Ok(Gathered {
            judge: list.judge,
            origin: Origin::Spool(Arc::new(rows)),
            note,
        })
    }

    /// The rows, from the first.
    pub fn rows(&self) -> io::Result<StoredRows> {
        self.origin.open().map(StoredRows::new)
    }
}

fn temporary() -> io::Result<BufWriter<File>> {
    tempfile::tempfile().map(|file| BufWriter::with_capacity(CHUNK, file))
}

fn finish(out: BufWriter<File>) -> io::Result<File> {
    out.into_inner().map_err(|error| error.into_error())
}

/// 128 bits stand for a group, as for an address on a suppress list.
fn hash(kind: &[u8], whose: &[u8]) -> [u64; 2] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind).update(&[0]).update(whose);
    let hash = hasher.finalize();
    let (words, _) = hash.as_bytes().as_chunks();
    [u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1])]
}

/// Puts the places in the order in which rows are to lie; says how many groups there are.
fn order(places: &mut [Place]) -> u64 {
    places.sort_unstable();
    let (mut groups, mut group, mut first) = (0, None, 0);
    for place in places.iter_mut() {
        let [a, b, at] = *place;
        if group != Some([a, b]) {
            (group, first) = (Some([a, b]), at);
            groups += 1;
        }
        *place = [first, 0, at];
    }
    places.sort_unstable();
    groups
}

fn rewrite(rows: &File, places: &[Place]) -> io::Result<File> {
    let mut out = temporary()?;
    let mut buffer = Vec::new();
    for [first, _, at] in places {
        copy(rows, *at, first == at, &mut buffer, &mut out)?;
    }
    finish(out)
}
