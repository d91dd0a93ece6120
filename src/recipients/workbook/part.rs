//! A part of a workbook's zip file as XML, read bit by bit: what is longer, larger or deeper than it may be, or ends too early,
//! is an error, whatever the zip's directory says of it.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read, Seek};

use quick_xml::Reader;
use quick_xml::errors::Error;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::read::ZipFile;

use crate::recipients::records::LONGEST;

/// Elements in one another: a workbook has less than 30, and its reader remembers the name of each.
const DEEPEST: usize = 256;
/// Bytes of a part that compression makes as small as it likes. A sheet of 1,000,000 rows and 30 columns has about as many.
const FREE: u64 = 1 << 30;
/// What a byte of the file may become beyond that. Rows that differ in something come to 60 at most, a bomb to 1,000.
const RATIO: u64 = 200;

/// A part of a workbook.
pub(super) struct Part<'a, R: Read> {
    xml: Reader<Measured<BufReader<ZipFile<'a, R>>>>,
    name: String,
    depth: usize,
}

impl<'a, R: Read + Seek> Part<'a, R> {
    /// The part at this place of the directory; `length` is that of the whole file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn open(zip: &'a mut ZipArchive<R>, index: usize, length: u64) -> Result<Self, String> {
        let file = zip.by_index(index).map_err(|error| error.to_string())?;
        let name = String::from_utf8_lossy(file.name_raw()).into_owned();
        let packed = file.compressed_size().min(length);
        let mut xml = Reader::from_reader(Measured {
            input: BufReader::with_capacity(1 << 15, file),
            piece: 0,
            left: packed.saturating_mul(RATIO).saturating_add(FREE),
            read: 0,
        });
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        // As calamine sets it: an error here would be one that it does not find.
        config.check_comments = false;
        Ok(Part {
            xml,
            name,
            depth: 0,
        })
    }

    /// The next piece of it; `Eof` once every element has its end.
    ///
    /// # Errors
    /// What is wrong with it, in words that name it.
    pub fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, String> {
        buffer.clear();
        self.xml.get_mut().piece = LONGEST;
        let event = match self.xml.read_event_into(buffer) {
            Ok(event) => event,
            Err(Error::Io(error)) => return Err(format!("{}: {error}", self.name)),
            Err(error) => return Err(format!("{} is damaged: {error}", self.name)),
        };
        match event {
            Event::Start(_) if self.depth == DEEPEST => {
                return Err(self.wrong(&format!("has more than {DEEPEST} elements in one another")));
            }
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth -= 1,
            Event::Eof if self.depth > 0 => {
                return Err(self.wrong("is cut off: end tags are missing"));
            }
            _ => {}
        }
        Ok(event)
    }

    /// Reads on to the end without looking at more than each `<`, of which it gives the count.
    ///
    /// # Errors
    /// What is wrong with it, in words that name it.
    pub fn drain(&mut self) -> Result<u64, String> {
        let input = self.xml.get_mut();
        let mut signs = 0;
        loop {
            input.piece = LONGEST;
            let failed = |error| format!("{}: {error}", self.name);
            let found = input.fill_buf().map_err(failed)?;
            if found.is_empty() {
                return Ok(signs);
            }
            signs += memchr::memchr_iter(b'<', found).count() as u64;
            let length = found.len();
            input.consume(length);
        }
    }

    /// Whether Excel has a workbook's texts under such a name.
    pub fn has_texts(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        name.ends_with("sharedstrings.xml")
    }

    /// Bytes read, uncompressed.
    pub fn read(&mut self) -> u64 {
        self.xml.get_mut().read
    }

    /// Elements around the place at hand, and the one that began there.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// What is wrong, with its name.
    pub fn wrong(&self, what: &str) -> String {
        format!("{} {what}", self.name)
    }
}

/// An attribute as it is written, with its entities; `None` where there is none.
///
/// # Errors
/// That attributes are not as XML has them.
pub(super) fn attribute<'a>(
    tag: &'a BytesStart<'_>,
    name: &str,
) -> Result<Option<Cow<'a, str>>, String> {
    for found in tag.attributes().with_checks(false) {
        let found = found.map_err(|error| format!("is damaged: {error}"))?;
        if found.key.as_ref() == name {
            return Ok(Some(found.value));
        }
    }
    Ok(None)
}

/// Input that ends in an error when a piece or all of it gets too long.
struct Measured<R> {
    input: R,
    /// What the piece at hand may still have.
    piece: usize,
    /// What all may still have.
    left: u64,
    read: u64,
}

impl<R: BufRead> BufRead for Measured<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let found = self.input.fill_buf()?;
        if !found.is_empty() && self.piece == 0 {
            let text = format!("a piece of it is longer than {} MiB", LONGEST >> 20);
            return Err(io::Error::other(text));
        }
        if !found.is_empty() && self.left == 0 {
            return Err(io::Error::other("it is far larger than its file"));
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        Ok(&found[..found.len().min(self.piece).min(left)])
    }

    fn consume(&mut self, count: usize) {
        self.piece -= count;
        self.left -= count as u64;
        self.read += count as u64;
        self.input.consume(count);
    }
}

impl<R: BufRead> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut found = self.fill_buf()?;
        let count = found.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn input_ends_in_an_error_where_a_piece_or_all_of_it_is_too_long() {
        let read = |piece, left| {
            let mut all = String::new();
            let mut input = Measured {
                input: &b"12345"[..],
                piece,
                left,
                read: 0,
            };
            let error = input.read_to_string(&mut all).err();
            (all, error.map(|error| error.to_string()))
        };
        assert_eq!(read(5, 5), ("12345".to_owned(), None));
        // What came before is given.
        let (all, error) = read(4, 5);
        assert_eq!(
            (all.as_str(), error.as_deref()),
            ("1234", Some("a piece of it is longer than 16 MiB"))
        );
        let (all, error) = read(5, 4);
        assert_eq!(
            (all.as_str(), error.as_deref()),
            ("1234", Some("it is far larger than its file"))
        );
    }
}
