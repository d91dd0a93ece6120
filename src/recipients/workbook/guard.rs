//! Each part of an .xlsx is looked at before calamine reads it.
//!
//! calamine believes what a part says of itself: it takes memory for as many texts as are claimed, and holds a text, however long,
//! some times over. So this stands between calamine and the file: when it goes to the beginning of a part, that part is read here first,
//! in the same pieces, and if something is wrong with it calamine gets an error in place of the part. Since this is where a part
//! is opened, whichever name leads there, none is missed, and none is looked at in vain.
//!
//! Two parts are large in a real list, and reading them twice would show. Its texts are only counted, unless they may come to
//! too much. Its sheet gives cells all the time, and is looked at only if there is none for a while.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::Trouble;
use super::part::{Part, attribute};
use crate::recipients::origin::{Bytes, Origin};
use crate::recipients::records::LONGEST;

/// Bytes that calamine may need to hold a part, whatever the size of the file.
const FREE: u64 = 256 << 20;
/// And for each byte of the file. A table of texts that differ comes to 20, a bomb to 1,000 and more.
const RATIO: u64 = 40;
/// Texts that may be claimed beyond those there are: it costs 24 MiB, and writers count in different ways.
const SLACK: u64 = 1 << 20;
/// What calamine holds of an element or a text beside its own bytes.
const OVERHEAD: u64 = 64;
/// What it holds of a cell's format beside the name of its font and its number format.
const STYLE: u64 = 512;

/// Bytes of the file without a cell in them, after which a sheet is looked at: 64 MiB of XML at most.
const QUIET: u64 = 1 << 16;
/// How often calamine holds a text while it reads it.
const COPIES: u64 = 5;

/// What the guard and who reads by calamine have to tell each other.
#[derive(Clone, Default)]
pub(super) struct Watch(Rc<Watched>);

#[derive(Default)]
struct Watched {
    /// What was wrong, once something was.
    refused: RefCell<Option<String>>,
    /// That what is opened now is a sheet.
    cells: Cell<bool>,
    /// Bytes of the file since the last cell.
    quiet: Cell<u64>,
}

impl Watch {
    /// The refusal that is behind calamine's error, if one is.
    pub fn or(&self, error: impl std::fmt::Display) -> Trouble {
        let refused = self.0.refused.borrow_mut().take();
        Trouble::Broken(refused.unwrap_or_else(|| error.to_string()))
    }

    /// The part that is opened next gives cells.
    pub fn sheet(&self) {
        self.0.cells.set(true);
    }

    /// A cell came.
    pub fn cell(&self) {
        self.0.quiet.set(0);
    }
}

/// A file for calamine.
pub(super) struct Guard {
    input: BufReader<Bytes>,
    /// The same file once more.
    zip: ZipArchive<BufReader<Bytes>>,
    length: u64,
    /// Where parts begin that nobody has looked at, with their places in the directory.
    unseen: BTreeMap<u64, Vec<usize>>,
    /// Opened, and looked at if it gives no cells.
    sheets: Vec<usize>,
    watch: Watch,
}

impl Guard {
    /// Stands before a file.
    ///
    /// # Errors
    /// It is no zip file, or the system's.
    pub fn before(origin: &Origin) -> Result<(Guard, Watch), Trouble> {
        let mut input = BufReader::new(origin.open()?);
        let mut start = Vec::new();
        input.by_ref().take(4).read_to_end(&mut start)?;
        // calamine would look for what is encrypted, in a format that is damaged as easily.
        if start == [0xd0, 0xcf, 0x11, 0xe0] {
            let what = "it is protected by a password, or of Excel 2003 or older";
            return Err(Trouble::Broken(what.to_owned()));
        }
        let length = input.seek(SeekFrom::End(0))?;
        let mut zip = ZipArchive::new(BufReader::new(origin.open()?))
            .map_err(|error| Trouble::Broken(error.to_string()))?;
        let mut unseen: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for index in 0..zip.len() {
            // What cannot be found here cannot be found by calamine.
            let begins = zip.by_index_raw(index).ok().and_then(|it| it.data_start());
            if let Some(begins) = begins {
                unseen.entry(begins).or_default().push(index);
            }
        }
        let watch = Watch::default();
        let guard = Guard {
            input,
            zip,
            length,
            unseen,
            sheets: Vec::new(),
            watch: watch.clone(),
        };
        Ok((guard, watch))
    }

    fn look(&mut self, parts: Vec<usize>) -> io::Result<()> {
        for index in parts {
            if let Err(wrong) = look_at(&mut self.zip, index, self.length) {
                self.watch.0.refused.borrow_mut().get_or_insert(wrong);
            }
        }
        // Not even where calamine does without.
        match *self.watch.0.refused.borrow() {
            None => Ok(()),
            Some(_) => Err(io::Error::other("refused")),
        }
    }
}

impl Read for Guard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.watch.0.quiet.get() > QUIET && !self.sheets.is_empty() {
            let sheets = std::mem::take(&mut self.sheets);
            self.look(sheets)?;
        }
        let count = self.input.read(buffer)?;
        let quiet = &self.watch.0.quiet;
        quiet.set(quiet.get().saturating_add(count as u64));
        Ok(count)
    }
}

impl Seek for Guard {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = self.input.seek(to)?;
        let parts = self.unseen.remove(&place).unwrap_or_default();
        if self.watch.0.cells.get() {
            self.watch.0.quiet.set(0);
            self.sheets.extend(parts);
            return Ok(place);
        }
        self.look(parts)?;
        Ok(place)
    }
}

fn look_at<R: Read + Seek>(
    zip: &mut ZipArchive<R>,
    index: usize,
    length: u64,
) -> Result<(), String> {
    let most = length.saturating_mul(RATIO).saturating_add(FREE);
    let few = {
        let part = Part::open(zip, index, length)?;
        part.has_texts() && are_few(part, most)?
    };
    match few {
        true => Ok(()),
        false => look(Part::open(zip, index, length)?, most),
    }
}

/// Whether texts come to no more than that, however they are written, and are about as many as they claim to be.
fn are_few<R: Read + Seek>(mut part: Part<'_, R>, most: u64) -> Result<bool, String> {
    let mut buffer = Vec::new();
    let claimed = loop {
        match part.next(&mut buffer)? {
            Event::Start(tag) if tag.local_name().as_ref() == "sst" => {
                break count(&tag).map_err(|what| part.wrong(&what))?;
            }
            Event::Eof => return Ok(false),
            _ => {}
        }
    };
    let texts = part.drain()?;
    let held = texts.saturating_mul(OVERHEAD) + part.read().saturating_mul(COPIES);
    Ok(held <= most && claimed <= texts.saturating_add(SLACK))
}

/// Reads a part to its end. It is of no account which part it is: calamine looks for names alone too.
fn look<R: Read + Seek>(mut part: Part<'_, R>, most: u64) -> Result<(), String> {
    let mut buffer = Vec::new();
    // Bytes that calamine comes to hold; texts, found and claimed; the longest name of a font or a number format.
    let (mut held, mut texts, mut claimed, mut name) = (0_u64, 0_u64, 0_u64, 0_u64);
    // Open elements that calamine reads as a whole, and texts among them; where the first began.
    let (mut open, mut in_text, mut begun) = (0_u32, 0_u32, None);
    loop {
        let before = part.read();
        match part.next(&mut buffer)? {
            Event::Start(tag) => {
                let length = tag.len() as u64;
                match tag.local_name().as_ref() {
                    "c" => open += 1,
                    "si" => {
                        (open, in_text, texts) = (open + 1, in_text + 1, texts + 1);
                        held += OVERHEAD;
                    }
                    "definedName" => {
                        (open, in_text) = (open + 1, in_text + 1);
                        held += OVERHEAD + length;
                    }
                    "sst" => claimed = claimed.max(count(&tag).map_err(|what| part.wrong(&what))?),
                    "numFmt" | "name" => {
                        name = name.max(length);
                        held += OVERHEAD + length;
                    }
                    "xf" => held += STYLE + 2 * name,
                    "font" | "fill" | "border" => held += STYLE,
                    "Relationship" | "sheet" => held += OVERHEAD + length,
                    _ => {}
                }
            }
            Event::End(tag) => match tag.local_name().as_ref() {
                "c" => open -= 1,
                "si" | "definedName" => (open, in_text) = (open - 1, in_text - 1),
                _ => {}
            },
            Event::Text(text) if in_text > 0 => held += text.len() as u64,
            Event::CData(text) if in_text > 0 => held += text.len() as u64,
            Event::Eof => break,
            _ => {}
        }
        begun = match open {
            0 => None,
            _ => begun.or(Some(before)),
        };
        if begun.is_some_and(|begun| part.read() - begun > LONGEST as u64) {
            let what = format!("has a text that is longer than {} MiB", LONGEST >> 20);
            return Err(part.wrong(&what));
        }
        if held > most {
            return Err(part.wrong("has far more in it than a file of this size can have"));
        }
    }
    if claimed > texts.saturating_add(SLACK) {
        return Err(part.wrong(&format!("claims to have {claimed} texts, and has {texts}")));
    }
    Ok(())
}

/// How many texts the table claims to have.
fn count(table: &BytesStart<'_>) -> Result<u64, String> {
    let claimed = attribute(table, "uniqueCount")?;
    // calamine does not heed what is no number.
    Ok(claimed.and_then(|it| it.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn texts_are_few_until_they_may_come_to_too_much() {
        let mut book = ZipWriter::new(Cursor::new(Vec::new()));
        book.start_file("xl/SharedStrings.xml", SimpleFileOptions::default())
            .unwrap();
        let texts = r#"<sst uniqueCount="3"><si/><si/><si><t>four</t></si></sst>"#;
        book.write_all(texts.as_bytes()).unwrap();
        let mut book = ZipArchive::new(book.finish().unwrap()).unwrap();
        // Seven signs behind the first, and the bytes of all.
        let most = 7 * OVERHEAD + texts.len() as u64 * COPIES;
        for (most, few) in [(most, true), (most - 1, false)] {
            let part = Part::open(&mut book, 0, 1000).unwrap();
            assert!(part.has_texts());
            assert_eq!(are_few(part, most), Ok(few));
        }
        let (exactly, four) = (3 * OVERHEAD + 4, Part::open(&mut book, 0, 1000).unwrap());
        assert_eq!(look(four, exactly), Ok(()));
        let refused = look(Part::open(&mut book, 0, 1000).unwrap(), exactly - 1).unwrap_err();
        assert_eq!(
            refused,
            "xl/SharedStrings.xml has far more in it than a file of this size can have"
        );
    }
}
