//! Bytes in, records out: CSV as RFC 4180 has it and spreadsheets write it.
//!
//! Owns the read buffer, and where each record begins. Knows nothing of columns or addresses.
//!
//! The records are those of the csv crate (a property test compares the two), but the csv crate
//! closes an open quote at the end of the file without a word, or at the next quoted field, the rows
//! between swallowed; counts lines wrongly where they end in CR or CRLF; and lets one record take all
//! memory. A list that is mailed from needs all of it right.

use std::io::{self, ErrorKind, Read};
use std::ops::Range;

use csv::StringRecord;
use memchr::{memchr, memchr3};
use serde_json::Value;

use super::decode::Misfit;
use super::filter::Undecided;

/// Bytes that one record may take; past them a quote was surely left open.
pub(super) const LONGEST: usize = 16 << 20;
/// Columns at most, as Excel has it.
pub(super) const MOST_COLUMNS: usize = 16_384;
/// Bytes read at once.
const CHUNK: usize = 256 << 10;
const QUOTE: u8 = b'"';
/// UTF-8's byte order mark.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// One record.
#[derive(Debug)]
pub(super) struct Record {
    /// 1-based line on which it begins.
    pub line: u64,
    /// How many fields it has.
    pub count: usize,
    /// The fields, quotes taken off; at most as many as were asked for.
    pub fields: StringRecord,
    /// Cells that are more than text, by their 0-based column; a CSV has none.
    pub nested: Vec<(usize, Value)>,
    /// A cell that makes the row invalid, by its 0-based column, and why; a CSV has none.
    pub wrong: Option<(usize, String)>,
    /// Why `where` neither chooses the row nor leaves it out.
    pub undecided: Option<Undecided>,
}

/// Why no further record can be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The source failed.
    Io(io::Error),
    /// The file ends inside a quoted field of the record that begins on this line.
    Unclosed { line: u64 },
    /// The record that begins on this line has text after a closing quote, in this 0-based field.
    /// Mostly the quote is the opening one of a later row, and the rows between were swallowed.
    Stray { line: u64, field: usize },
    /// The record that begins on this line is longer than any may be.
    TooLong { line: u64 },
    /// A byte that does not fit the encoding: its line, its offset in the file, its 0-based field.
    Misfit {
        line: u64,
        offset: u64,
        field: Option<usize>,
    },
    /// A line that is no JSON object: the 1-based character at which that shows, and how.
    Json {
        line: u64,
        character: usize,
        what: String,
    },
}

/// The records of a source, one after another. Blank lines are skipped, a byte order mark is dropped.
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    longest: usize,
    buffer: Vec<u8>,
    /// What is read and not yet used is `buffer[start..end]`.
    start: usize,
    end: usize,
    /// The source has no more.
    ended: bool,
    /// Why it has no more, when that is not its end.
    trouble: Option<io::Error>,
    /// Offset in the file of `buffer[0]`.
    offset: u64,
    /// Line of `buffer[start]`.
    line: u64,
    /// The spans of the record at hand, kept for its memory.
    spans: Vec<Span>,
}

/// Where a field lies, its quotes included.
#[derive(Debug)]
struct Span {
    bytes: Range<usize>,
    quoted: bool,
}

/// What a scan for one record's end came to.
enum Scan {
    /// The record takes `length` bytes, its line end `line_end` more.
    Record {
        length: usize,
        line_end: usize,
        count: usize,
    },
    /// Its end is not in the data.
    More,
    /// The data is all there is, and a quote is open.
    Unclosed,
    /// Text follows a closing quote.
    Stray { field: usize },
}

impl<R: Read> Records<R> {
    pub fn new(input: R, delimiter: u8) -> Records<R> {
        Records::with_sizes(input, delimiter, CHUNK, LONGEST)
    }

    fn with_sizes(input: R, delimiter: u8, chunk: usize, longest: usize) -> Records<R> {
        Records {
            input,
            delimiter,
            longest,
            buffer: vec![0; chunk],
            start: 0,
            end: 0,
            ended: false,
            trouble: None,
            offset: 0,
            line: 1,
            spans: Vec::new(),
        }
    }

    /// The next record, with its first `keep` fields; `None` at the end of the source.
    pub fn next(&mut self, keep: usize) -> Result<Option<Record>, Fault> {
        self.spans.clear();
        if !self.skip_blank_lines()? {
            return Ok(None);
        }
        loop {
            let data = &self.buffer[self.start..self.end];
            match scan(data, self.delimiter, self.ended, keep, &mut self.spans) {
                Scan::More => self.fill()?,
                Scan::Unclosed => return Err(Fault::Unclosed { line: self.line }),
                Scan::Stray { field } => {
                    return Err(Fault::Stray {
                        line: self.line,
                        field,
                    });
                }
                Scan::Record {
                    length,
                    line_end,
                    count,
                } => {
                    let line = self.line;
                    let fields = self.collect(length)?;
                    self.line += 1;
                    self.start += length + line_end;
                    return Ok(Some(Record {
                        line,
                        count,
                        fields,
                        nested: Vec::new(),
                        wrong: None,
                        undecided: None,
                    }));
                }
            }
        }
    }

    /// Moves to the first byte of a record; false at the end of the source.
    fn skip_blank_lines(&mut self) -> Result<bool, Fault> {
        loop {
            match &self.buffer[self.start..self.end] {
                // More is needed to see a byte order mark, or whether CR is half of CRLF.
                [] | [b'\r'] if !self.ended => self.fill()?,
                [] => return Ok(false),
                [b'\r', b'\n', ..] => self.skip_line_end(2),
                [b'\r' | b'\n', ..] => self.skip_line_end(1),
                _ => return Ok(true),
            }
        }
    }

    fn skip_line_end(&mut self, bytes: usize) {
        self.start += bytes;
        self.line += 1;
    }

    /// Reads until the buffer is full or the source ends; a buffer that was full of one record is doubled first.
    /// Filled whole, so that a long record is scanned a few times and not once for each read.
    fn fill(&mut self) -> Result<(), Fault> {
        if let Some(trouble) = self.trouble.take() {
            return Err(self.explain(trouble));
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.offset += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            if self.end >= self.longest {
                return Err(Fault::TooLong { line: self.line });
            }
            self.buffer.resize((2 * self.end).min(self.longest), 0);
        }
        while self.end < self.buffer.len() && !self.ended && self.trouble.is_none() {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Told when the records before it are used up.
                Err(error) => self.trouble = Some(error),
            }
        }
        if self.offset == 0 && self.start == 0 && self.buffer[..self.end].starts_with(BOM) {
            self.start = BOM.len();
        }
        Ok(())
    }

    /// The fault at the end of what could be read, inside the record that the last scan looked at.
    fn explain(&self, trouble: io::Error) -> Fault {
        let misfit = trouble
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Misfit>());
        match misfit {
            Some(misfit) => Fault::Misfit {
                line: self.line + line_ends(&self.buffer[self.start..self.end]),
                offset: misfit.offset,
                field: Some(self.spans.len()),
            },
            None => Fault::Io(trouble),
        }
    }

    /// The fields of the record of `length` bytes that the spans describe; counts the line ends inside it.
    fn collect(&mut self, length: usize) -> Result<StringRecord, Fault> {
        let bytes = &self.buffer[self.start..self.start + length];
        let text = str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            Fault::Misfit {
                line: self.line + line_ends(&bytes[..at]),
                offset: self.offset + (self.start + at) as u64,
                field: Some(ended_before(&self.spans, at)),
            }
        })?;
        let mut fields = StringRecord::with_capacity(length, self.spans.len());
        for span in &self.spans {
            let raw = &text[span.bytes.clone()];
            if span.quoted {
                push_quoted(&mut fields, raw);
            } else {
                fields.push_field(raw);
            }
        }
        self.line += line_ends(bytes);
        Ok(fields)
    }
}

/// Finds where the record ends that begins with `data`, and the spans of its first `keep` fields.
fn scan(data: &[u8], delimiter: u8, ended: bool, keep: usize, spans: &mut Vec<Span>) -> Scan {
    spans.clear();
    let (mut at, mut count) = (0, 0);
    loop {
        let begin = at;
        let quoted = data.get(at) == Some(&QUOTE);
        if quoted {
            at += 1;
            loop {
                match memchr(QUOTE, &data[at..]) {
                    None if ended => return Scan::Unclosed,
                    None => return Scan::More,
                    Some(quote) => at += quote + 1,
                }
                if data.get(at) != Some(&QUOTE) {
                    break;
                }
                at += 1;
            }
        }
        let closed = at;
        match memchr3(delimiter, b'\n', b'\r', &data[at..]) {
            None if ended => at = data.len(),
            None => return Scan::More,
            Some(stop) => at += stop,
        }
        // Blanks after a closing quote belong to the field, as the csv crate has it.
        if quoted
            && !data[closed..at]
                .iter()
                .all(|byte| matches!(byte, b' ' | b'\t'))
        {
            return Scan::Stray { field: count };
        }
        count += 1;
        if count <= keep {
            spans.push(Span {
                bytes: begin..at,
                quoted,
            });
        }
        let line_end = match &data[at..] {
            [byte, ..] if *byte == delimiter => {
                at += 1;
                continue;
            }
            [b'\r'] if !ended => return Scan::More,
            [b'\r', b'\n', ..] => 2,
            [] => 0,
            _ => 1,
        };
        return Scan::Record {
            length: at,
            line_end,
            count,
        };
    }
}

/// Adds a field that begins with a quote, without its quotes.
fn push_quoted(fields: &mut StringRecord, raw: &str) {
    let inside = &raw[1..];
    match memchr(QUOTE, inside.as_bytes()) {
        Some(close) if close + 1 == inside.len() => fields.push_field(&inside[..close]),
        _ => fields.push_field(&unquoted(inside)),
    }
}

/// Doubled quotes made single up to the closing one; the blanks after that one are kept.
fn unquoted(mut rest: &str) -> String {
    let mut field = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once('"') {
        field.push_str(before);
        rest = after;
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => break,
        }
    }
    field.push_str(rest);
    field
}

/// How many fields end before a place.
fn ended_before(spans: &[Span], at: usize) -> usize {
    spans.iter().take_while(|it| it.bytes.end <= at).count()
}

/// How many lines end in these bytes: at LF, at CRLF, at a lone CR.
fn line_ends(bytes: &[u8]) -> u64 {
    let ends = memchr::memchr2_iter(b'\n', b'\r', bytes);
    ends.filter(|&at| bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'))
        .count() as u64
}

#[cfg(test)]
mod tests;
