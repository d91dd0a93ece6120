//! The cells of a sheet of LibreOffice (ODF 1.3 part 3, section 9), one after another, as they stand in the file.
//!
//! calamine would hold all sheets of the workbook twice over, repeat each cell as often as it is said to be, and look for
//! the end of a table for ever where there is none. Nothing is held here but a row.

use std::io::{BufReader, Read, Seek, SeekFrom};

use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::part::{Part, attribute};
use super::{Copy, FAULT, TEXT, TRUTH, Trouble, choose, iso, shown};
use crate::recipients::origin::{Bytes, Origin};
use crate::recipients::records::{LONGEST, MOST_COLUMNS};

type Zip = ZipArchive<BufReader<Bytes>>;

/// What a spreadsheet says of itself; a template's is longer.
const MIMETYPE: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";
/// Bytes that cells may come to that stand in the file once, and are said to be repeated.
const MOST_REPEATED: u64 = 256 << 20;
/// Rows that hold something and are said to be repeated: as many as a sheet has.
const MOST_ROWS: u64 = 1 << 20;
/// A row that is in no sheet: there counting ends.
const FARTHEST: u64 = 1 << 40;
/// Beside its text, in bytes.
const CELL: u64 = 5;

/// Copies the sheet of the name wanted, or the first; its name, and those of all.
pub(super) fn copy(
    origin: &Origin,
    wanted: Option<&str>,
    copy: &mut Copy,
) -> Result<(String, Vec<String>), Trouble> {
    let mut input = BufReader::new(origin.open()?);
    let length = input.seek(SeekFrom::End(0))?;
    let mut zip = ZipArchive::new(input).map_err(super::broken)?;
    check(&mut zip, length).map_err(Trouble::Broken)?;
    let part = part(&mut zip, "content.xml", length).map_err(Trouble::Broken)?;
    let mut content = Content {
        part: part.ok_or_else(|| Trouble::Broken("it has no content.xml".to_owned()))?,
        buffer: Vec::new(),
        rows: 0,
        repeated: 0,
    };
    let (mut all, mut found) = (Vec::new(), false);
    loop {
        match content.next()? {
            Seen::Table(Some(name)) => {
                let is_it = !found && wanted.is_none_or(|it| it == name);
                found |= is_it;
                all.push(name);
                match is_it {
                    true => content.table(copy)?,
                    false => content.skip()?,
                }
            }
            Seen::Eof => break,
            _ => {}
        }
    }
    choose(all, wanted)
}

/// That it is a spreadsheet, and can be read without a password.
fn check(zip: &mut Zip, length: u64) -> Result<(), String> {
    let mut start = Vec::new();
    let file = zip
        .by_name("mimetype")
        .map_err(|error| format!("mimetype: {error}"))?;
    let read = file.take(MIMETYPE.len() as u64).read_to_end(&mut start);
    read.map_err(|error| format!("mimetype: {error}"))?;
    if start != MIMETYPE {
        return Err("it is no spreadsheet of LibreOffice".to_owned());
    }
    let Some(mut manifest) = part(zip, "META-INF/manifest.xml", length)? else {
        return Ok(());
    };
    let mut buffer = Vec::new();
    loop {
        match manifest.next(&mut buffer)? {
            Event::Start(tag) if tag.local_name().as_ref() == "encryption-data" => {
                return Err("it is protected by a password".to_owned());
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn part<'a>(
    zip: &'a mut Zip,
    name: &str,
    length: u64,
) -> Result<Option<Part<'a, BufReader<Bytes>>>, String> {
    let index = zip.index_for_name(name);
    index
        .map(|index| Part::open(zip, index, length))
        .transpose()
}

/// What of the content means something here.
enum Seen {
    /// With its name; a part of another table has none.
    Table(Option<String>),
    /// How often.
    Row(u64),
    Cell(Cell),
    /// What is not in a cell, though it stands there: comments and drawings.
    Beside,
    Paragraph,
    /// As it is, or so many spaces.
    Text(String),
    Spaces(u64),
    Other,
    End,
    Eof,
}

/// A cell's attributes.
struct Cell {
    repeated: u64,
    value: Option<(u8, String)>,
    /// That its value is the text in it.
    is_text: bool,
    is_fault: bool,
}

/// A cell that holds something, at its column.
struct Filled {
    column: u64,
    repeated: u64,
    sign: u8,
    text: String,
}

struct Content<'a> {
    part: Part<'a, BufReader<Bytes>>,
    buffer: Vec<u8>,
    /// Rows beyond those that stand in the file.
    rows: u64,
    /// Bytes of cells beyond those that stand in the file.
    repeated: u64,
}

impl Content<'_> {
    fn next(&mut self) -> Result<Seen, Trouble> {
        let event = self.part.next(&mut self.buffer).map_err(Trouble::Broken)?;
        seen(&event).map_err(|what| Trouble::Broken(self.part.wrong(&what)))
    }

    /// Passes over the element that began.
    fn skip(&mut self) -> Result<(), Trouble> {
        let depth = self.part.depth();
        while self.part.depth() >= depth {
            self.part.next(&mut self.buffer).map_err(Trouble::Broken)?;
        }
        Ok(())
    }

    fn table(&mut self, copy: &mut Copy) -> Result<(), Trouble> {
        let depth = self.part.depth();
        let mut row = 0_u64;
        while self.part.depth() >= depth {
            match self.next()? {
                Seen::Row(repeated) => {
                    let filled = self.row(row)?;
                    if !filled.is_empty() {
                        self.repeat(row, repeated, &filled, copy)?;
                    }
                    row = row.saturating_add(repeated).min(FARTHEST);
                }
                Seen::Beside => self.skip()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The cells of the row that hold something.
    fn row(&mut self, row: u64) -> Result<Vec<Filled>, Trouble> {
        let depth = self.part.depth();
        let (mut filled, mut column, mut size) = (Vec::new(), 0_u64, 0);
        while self.part.depth() >= depth {
            let Seen::Cell(cell) = self.next()? else {
                continue;
            };
            let repeated = cell.repeated;
            let (sign, text) = self.cell(cell, row)?;
            if !text.trim().is_empty() {
                if column.saturating_add(repeated) > MOST_COLUMNS as u64 {
                    return Err(super::too_wide(row + 1));
                }
                size += text.len();
                if size > LONGEST {
                    return Err(super::too_long(row + 1));
                }
                filled.push(Filled {
                    column,
                    repeated,
                    sign,
                    text,
                });
            }
            column = column.saturating_add(repeated);
        }
        Ok(filled)
    }

    /// The cell's value, up to its end.
    fn cell(&mut self, cell: Cell, row: u64) -> Result<(u8, String), Trouble> {
        let empty = |it: &(u8, String)| it.1.is_empty();
        let reads = match &cell.value {
            None => cell.is_text || cell.is_fault,
            Some(value) => cell.is_fault && empty(value),
        };
        let sign = if cell.is_fault { FAULT } else { TEXT };
        if !reads {
            self.skip()?;
            let (other, text) = cell.value.unwrap_or_default();
            return Ok((if cell.is_fault { FAULT } else { other }, text));
        }
        let depth = self.part.depth();
        let (mut text, mut paragraphs) = (String::new(), 0);
        while self.part.depth() >= depth {
            let room = LONGEST - text.len();
            match self.next()? {
                Seen::Beside => self.skip()?,
                Seen::Paragraph => {
                    paragraphs += 1;
                    text.push_str(if paragraphs > 1 { "\n" } else { "" });
                }
                // Between paragraphs, where it only makes the file legible.
                Seen::Text(_) if self.part.depth() == depth => {}
                Seen::Text(more) if more.len() < room => text.push_str(&more),
                Seen::Spaces(count) if count < room as u64 => {
                    text.extend((0..count).map(|_| ' '));
                }
                Seen::Text(_) | Seen::Spaces(_) => return Err(super::too_long(row + 1)),
                _ => {}
            }
        }
        Ok((sign, text))
    }

    /// Copies a row as often as it is there.
    fn repeat(
        &mut self,
        row: u64,
        rows: u64,
        filled: &[Filled],
        copy: &mut Copy,
    ) -> Result<(), Trouble> {
        let cost = |it: &Filled| CELL + it.text.len() as u64;
        let each: u64 = filled.iter().map(|it| it.repeated * cost(it)).sum();
        let there: u64 = filled.iter().map(cost).sum();
        let more = each.saturating_mul(rows).saturating_sub(there);
        self.repeated = self.repeated.saturating_add(more);
        self.rows = self.rows.saturating_add(rows.saturating_sub(1));
        if u32::try_from(row.saturating_add(rows)).is_err() && self.rows <= MOST_ROWS {
            let what = "it has more rows than any spreadsheet can have";
            return Err(Trouble::Broken(what.to_owned()));
        }
        if self.repeated > MOST_REPEATED || self.rows > MOST_ROWS {
            return Err(Trouble::Broken(format!(
                "from row {} on, its cells are said to be repeated more often than any list needs",
                row + 1
            )));
        }
        for row in row..row + rows {
            for cell in filled {
                for column in cell.column..cell.column + cell.repeated {
                    // Both are small enough: see above.
                    copy.cell(row as u32, column as u32, cell.sign, &cell.text)?;
                }
            }
        }
        Ok(())
    }
}

fn seen(event: &Event<'_>) -> Result<Seen, String> {
    Ok(match event {
        Event::Start(tag) => match tag.name().as_ref() {
            "table:table" => Seen::Table(text(tag, "table:name")?),
            "table:table-row" => Seen::Row(number(tag, "table:number-rows-repeated")?),
            "table:table-cell" | "table:covered-table-cell" => Seen::Cell(cell(tag)?),
            "office:annotation" | "table:shapes" => Seen::Beside,
            "text:p" => Seen::Paragraph,
            "text:s" => Seen::Spaces(number(tag, "text:c")?),
            "text:tab" => Seen::Text("\t".to_owned()),
            "text:line-break" => Seen::Text("\n".to_owned()),
            name if name.starts_with("draw:") => Seen::Beside,
            _ => Seen::Other,
        },
        Event::Text(text) => Seen::Text(text.xml10_content().into_owned()),
        Event::CData(text) => Seen::Text(text.xml10_content().into_owned()),
        Event::GeneralRef(name) => match resolve_xml_entity(name) {
            Some(text) => Seen::Text(text.to_owned()),
            None => match name.resolve_char_ref().map_err(|error| error.to_string())? {
                Some(sign) => Seen::Text(sign.to_string()),
                None => return Err("has an entity that XML does not have".to_owned()),
            },
        },
        Event::End(_) => Seen::End,
        Event::Eof => Seen::Eof,
        _ => Seen::Other,
    })
}

fn cell(tag: &BytesStart<'_>) -> Result<Cell, String> {
    let mut cell = Cell {
        repeated: 1,
        value: None,
        is_text: false,
        is_fault: false,
    };
    for found in tag.attributes().with_checks(false) {
        let found = found.map_err(|error| format!("is damaged: {error}"))?;
        let text = found.value.as_ref();
        let value = match found.key.as_ref() {
            "table:number-columns-repeated" => {
                cell.repeated = times(text)?;
                continue;
            }
            "office:value-type" => {
                cell.is_text = text == "string";
                continue;
            }
            "calcext:value-type" => {
                cell.is_fault = text == "error";
                continue;
            }
            "office:value" => {
                let parsed = text.parse().map_err(|_| format!("has a number {text:?}"))?;
                (TEXT, shown(parsed))
            }
            "office:boolean-value" => (TRUTH, text.eq_ignore_ascii_case("true").to_string()),
            "office:date-value" => (TEXT, iso(&unescaped(text)?)),
            "office:string-value" | "office:time-value" => (TEXT, unescaped(text)?),
            _ => continue,
        };
        cell.value.get_or_insert(value);
    }
    Ok(cell)
}

fn text(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    let found = attribute(tag, name)?;
    found.map(|it| unescaped(&it)).transpose()
}

fn unescaped(text: &str) -> Result<String, String> {
    let text = unescape(text).map_err(|error| format!("is damaged: {error}"))?;
    Ok(text.into_owned())
}

/// How often; once where it is not said.
fn number(tag: &BytesStart<'_>, name: &str) -> Result<u64, String> {
    attribute(tag, name)?.map_or(Ok(1), |it| times(&it))
}

fn times(text: &str) -> Result<u64, String> {
    let wrong = |_| format!("has {text:?} for a number of times");
    text.parse().map_err(wrong)
}
