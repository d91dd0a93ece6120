//! A row as it lies in a file of mailrun's own, from which it is read back as it was.
//!
//! Four bytes that count what follows; whether the row begins a group; its place, its count of fields, the fields, and what
//! else is known of it. Numbers are little-endian, a text has its length before it.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt;

use csv::StringRecord;

use super::Position;
use super::filter::Undecided;
use super::origin::Bytes;
use super::records::Record;

/// What stands for a column or a text that is not there.
const NONE: u32 = u32::MAX;
/// Bytes of a row that are read at once from a place of its own; most rows are shorter.
const MOSTLY: usize = 1 << 10;
/// Bytes before those that are counted.
const HEAD: usize = 4;

/// A row read back.
#[derive(Debug)]
pub(super) struct Stored {
    pub record: Record,
    pub position: Position,
    /// Whether it is the first of its group.
    pub begins: bool,
}

/// Lays a row at the end of `out`.
pub(super) fn store(out: &mut Vec<u8>, record: &Record, position: Position, begins: bool) {
    let start = out.len();
    out.extend([0; HEAD]);
    out.push(u8::from(begins));
    out.extend(position.row.to_le_bytes());
    out.extend(position.line.to_le_bytes());
    number(out, record.count);
    number(out, record.fields.len());
    for field in &record.fields {
        text(out, field);
    }
    // Each is what its field says, read as JSON.
    number(out, record.nested.len());
    for (column, _) in &record.nested {
        number(out, *column);
    }
    match &record.wrong {
        None => out.extend(NONE.to_le_bytes()),
        Some((column, reason)) => {
            number(out, *column);
            text(out, reason);
        }
    }
    match &record.undecided {
        Some(Undecided::Row(reason)) => text(out, reason),
        None | Some(Undecided::Never(_)) => out.extend(NONE.to_le_bytes()),
    }
    let length = u32::try_from(out.len() - start - HEAD).unwrap_or(NONE);
    out[start..start + HEAD].copy_from_slice(&length.to_le_bytes());
}

/// Records and their parts are far shorter than 4 GiB.
fn number(out: &mut Vec<u8>, number: usize) {
    out.extend(u32::try_from(number).unwrap_or(NONE).to_le_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len());
    out.extend(text.as_bytes());
}

/// Copies the row that lies at `offset` of `from`; `begins` as it is to be in the copy.
pub(super) fn copy(
    from: &File,
    offset: u64,
    begins: bool,
    buffer: &mut Vec<u8>,
    out: &mut impl Write,
) -> io::Result<()> {
    buffer.resize(MOSTLY, 0);
    let mut read = 0;
    loop {
        match from.read_at(&mut buffer[read..], offset + read as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => read += more,
        }
        let Some(length) = buffer[..read].first_chunk() else {
            continue;
        };
        let whole = HEAD + u32::from_le_bytes(*length) as usize;
        if read >= whole {
            buffer[HEAD] = u8::from(begins);
            return out.write_all(&buffer[..whole]);
        }
        buffer.resize(whole.max(MOSTLY), 0);
    }
}

/// Stored rows, one after another.
pub(super) struct StoredRows {
    input: BufReader<Bytes>,
    buffer: Vec<u8>,
}

impl StoredRows {
    pub fn new(bytes: Bytes) -> StoredRows {
        StoredRows {
            input: BufReader::with_capacity(1 << 18, bytes),
            buffer: Vec::new(),
        }
    }

    /// The next row; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Stored>> {
        let mut head = [0; HEAD];
        if self.input.read(&mut head[..1])? == 0 {
            return Ok(None);
        }
        self.input.read_exact(&mut head[1..])?;
        self.buffer.resize(u32::from_le_bytes(head) as usize, 0);
        self.input.read_exact(&mut self.buffer)?;
        let mut parts = Parts(&self.buffer);
        parts.stored().map(Some)
    }
}

/// What is left of a stored row.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn stored(&mut self) -> io::Result<Stored> {
        let [begins] = self.bytes()?;
        let position = Position {
            row: u64::from_le_bytes(self.bytes()?),
            line: u64::from_le_bytes(self.bytes()?),
        };
        let count = self.count()?;
        let mut fields = StringRecord::with_capacity(self.0.len(), count);
        for _ in 0..self.count()? {
            fields.push_field(self.text()?.unwrap_or_default());
        }
        let mut nested = Vec::new();
        for _ in 0..self.count()? {
            let column = self.count()?;
            let cell = fields.get(column).unwrap_or_default();
            nested.push((column, serde_json::from_str(cell)?));
        }
        let wrong = match self.number()? {
            NONE => None,
            column => Some((column as usize, self.text()?.unwrap_or_default().to_owned())),
        };
        let undecided = self.text()?;
        let undecided = undecided.map(|reason| Undecided::Row(reason.to_owned()));
        Ok(Stored {
            record: Record {
                line: position.line,
                count,
                fields,
                nested,
                wrong,
                undecided,
            },
            position,
            begins: begins != 0,
        })
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or_else(broken)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn number(&mut self) -> io::Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn count(&mut self) -> io::Result<usize> {
        self.number().map(|number| number as usize)
    }

    fn text(&mut self) -> io::Result<Option<&'a str>> {
        let length = self.number()?;
        if length == NONE {
            return Ok(None);
        }
        let (text, rest) = (self.0)
            .split_at_checked(length as usize)
            .ok_or_else(broken)?;
        self.0 = rest;
        str::from_utf8(text).map(Some).map_err(io::Error::other)
    }
}

fn broken() -> io::Error {
    io::Error::other("the temporary copy of the list is damaged")
}
