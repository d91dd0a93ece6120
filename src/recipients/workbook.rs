//! A sheet of a workbook in, records out.
//!
//! A sheet's cells come once and in one go, and a list is read several times: so they are copied into a file without
//! a name first, in a form of its own: each record its row, its count of fields, and each field a sign, a length and the text.
//! Those of Excel are read by calamine, behind a `guard`, those of LibreOffice by `ods`.

mod guard;
mod ods;
mod part;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use calamine::{Data, DataRef, ExcelDateTime, Reader, SheetType, Xlsx};
use csv::StringRecord;
use serde_json::Value;

use self::guard::Guard;
use super::kind::Format;
use super::origin::{Bytes, Origin};
use super::records::{Fault, LONGEST, MOST_COLUMNS, Record};

/// What a field is.
const TEXT: u8 = 0;
const TRUTH: u8 = 1;
const FAULT: u8 = 2;
/// So many empty ones as its length says: one cell far to the right is not to take room for all before it.
const GAP: u8 = 3;

/// Bytes that a copy may have. Cells may share a text that stands in the workbook once: a sheet of 1,000,000 rows has a tenth.
const MOST: u64 = 8 << 30;

/// A sheet, copied.
#[derive(Debug)]
pub(super) struct Sheet {
    origin: Origin,
    /// Its name.
    pub name: String,
    /// The names of all sheets.
    pub all: Vec<String>,
}

/// Why a workbook cannot be read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The system's.
    Io(io::Error),
    /// The workbook's.
    Broken(String),
    /// No sheet of the name wanted, but of these.
    NoSheet(Vec<String>),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Io(error)
    }
}

impl Sheet {
    /// Copies the sheet of the name wanted, or the first.
    pub fn copy(origin: &Origin, format: Format, wanted: Option<&str>) -> Result<Sheet, Trouble> {
        let mut copy = Copy {
            out: BufWriter::with_capacity(1 << 18, tempfile::tempfile()?),
            row: 0,
            fields: Vec::new(),
            width: 0,
            written: 0,
            all: 0,
        };
        let (name, all) = match format {
            Format::Ods => ods::copy(origin, wanted, &mut copy)?,
            _ => copy_xlsx(origin, wanted, &mut copy)?,
        };
        Ok(Sheet {
            origin: copy.finish()?,
            name,
            all,
        })
    }

    /// Its rows, from the first.
    pub fn rows(&self) -> io::Result<SheetRows> {
        let input = BufReader::with_capacity(1 << 18, self.origin.open()?);
        Ok(SheetRows { input, width: None })
    }
}

fn broken(error: impl std::fmt::Display) -> Trouble {
    Trouble::Broken(error.to_string())
}

fn too_wide(row: u64) -> Trouble {
    Trouble::Broken(format!("row {row} has more than {MOST_COLUMNS} columns"))
}

fn too_long(row: u64) -> Trouble {
    let most = LONGEST >> 20;
    Trouble::Broken(format!("row {row} is longer than {most} MiB"))
}

/// The sheet wanted, or the first, and the names of all.
fn choose(all: Vec<String>, wanted: Option<&str>) -> Result<(String, Vec<String>), Trouble> {
    let found = match wanted {
        Some(wanted) => all.iter().find(|name| *name == wanted),
        None => all.first(),
    };
    match found.cloned() {
        Some(name) => Ok((name, all)),
        None => Err(Trouble::NoSheet(all)),
    }
}

fn copy_xlsx(
    origin: &Origin,
    wanted: Option<&str>,
    copy: &mut Copy,
) -> Result<(String, Vec<String>), Trouble> {
    let (guard, watch) = Guard::before(origin)?;
    let mut book = Xlsx::new(guard).map_err(|error| watch.or(error))?;
    let sheets = book.sheets_metadata().iter();
    let cells = sheets.filter(|it| it.typ == SheetType::WorkSheet);
    let (name, all) = choose(cells.map(|it| it.name.clone()).collect(), wanted)?;
    watch.sheet();
    let cells = book.worksheet_cells_reader(&name);
    let mut cells = cells.map_err(|error| watch.or(error))?;
    while let Some(cell) = cells.next_cell().map_err(|error| watch.or(error))? {
        watch.cell();
        let (row, column) = cell.get_position();
        match cell.get_value() {
            DataRef::Empty => {}
            DataRef::SharedString(text) => copy.cell(row, column, TEXT, text)?,
            other => {
                let (sign, text) = field(&Data::from(other.clone()));
                copy.cell(row, column, sign, &text)?;
            }
        }
    }
    Ok((name, all))
}

/// A cell as the list has it: dates as ISO 8601 has them with a space, numbers as people see them.
fn field(cell: &Data) -> (u8, String) {
    let text = match cell {
        Data::Empty => String::new(),
        Data::String(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => shown(*number),
        Data::Bool(truth) => return (TRUTH, truth.to_string()),
        Data::Error(error) => return (FAULT, error.to_string()),
        Data::DateTime(time) => date(time),
        Data::DateTimeIso(text) => iso(text),
        Data::DurationIso(text) => text.clone(),
    };
    (TEXT, text)
}

/// Fifteen digits, as spreadsheets have it: 0.1 + 0.2 is 0.3, and a whole number ends in no ".0".
fn shown(number: f64) -> String {
    let rounded = format!("{number:.14e}").parse().unwrap_or(number);
    // Minus zero.
    if rounded == 0.0 {
        "0".to_owned()
    } else {
        rounded.to_string()
    }
}

/// `2026-11-20`, `2026-11-20 14:30:00`, and `14:30:00` for a time of day or a duration.
fn date(time: &ExcelDateTime) -> String {
    let days = time.as_f64();
    if time.is_duration() || (0.0..1.0).contains(&days) {
        // Days; a second is far above what a double rounds off.
        let seconds = (days.abs() * 86_400.0).round() as u64;
        let sign = if days < 0.0 { "-" } else { "" };
        let (hours, rest) = (seconds / 3600, seconds % 3600);
        return format!("{sign}{hours:02}:{:02}:{:02}", rest / 60, rest % 60);
    }
    let (year, month, day, mut hour, mut minute, mut second, milli) = time.to_ymd_hms_milli();
    if milli >= 500 && (hour, minute, second) != (23, 59, 59) {
        second += 1;
        (minute, second) = (minute + second / 60, second % 60);
        (hour, minute) = (hour + minute / 60, minute % 60);
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second) {
        (0, 0, 0) => date,
        _ => format!("{date} {hour:02}:{minute:02}:{second:02}"),
    }
}

/// `2026-11-20T14:30:00` as the other formats have it; parts of a second are left out.
fn iso(text: &str) -> String {
    let text = text.replacen('T', " ", 1);
    let text = match text.split_once('.') {
        Some((whole, _)) => whole.to_owned(),
        None => text,
    };
    match text.strip_suffix(" 00:00:00") {
        Some(date) => date.to_owned(),
        None => text,
    }
}

/// A sheet on its way into its copy, cell by cell, in the order of the rows.
struct Copy {
    out: BufWriter<File>,
    /// The row at hand, 0-based.
    row: u32,
    /// Its fields, and behind them those of longer rows, empty.
    fields: Vec<(u8, String)>,
    width: usize,
    /// Bytes of the row at hand.
    written: usize,
    /// Bytes of all texts.
    all: u64,
}

impl Copy {
    fn cell(&mut self, row: u32, column: u32, sign: u8, text: &str) -> Result<(), Trouble> {
        if row < self.row {
            return Err(Trouble::Broken(format!(
                "row {} comes after row {}",
                row + 1,
                self.row + 1
            )));
        }
        if row > self.row {
            self.end_row()?;
            self.row = row;
        }
        if text.trim().is_empty() {
            return Ok(());
        }
        let column = column as usize;
        if column >= MOST_COLUMNS {
            return Err(too_wide(u64::from(row) + 1));
        }
        self.written += text.len();
        if self.written > LONGEST {
            return Err(too_long(u64::from(row) + 1));
        }
        self.all += text.len() as u64;
        if self.all > MOST {
            let most = MOST >> 30;
            let what = format!("its texts come to more than {most} GiB");
            return Err(Trouble::Broken(what));
        }
        if self.fields.len() <= column {
            self.fields
                .resize_with(column + 1, || (TEXT, String::new()));
        }
        let field = &mut self.fields[column];
        field.0 = sign;
        field.1.clear();
        field.1.push_str(text);
        self.width = self.width.max(column + 1);
        Ok(())
    }

    /// Rows of empty cells alone leave nothing.
    fn end_row(&mut self) -> io::Result<()> {
        if self.width == 0 {
            return Ok(());
        }
        let count = self.width as u32;
        self.out.write_all(&(self.row + 1).to_le_bytes())?;
        self.out.write_all(&count.to_le_bytes())?;
        let mut empty = 0_u32;
        for (sign, text) in &mut self.fields[..self.width] {
            if text.is_empty() {
                empty += 1;
                continue;
            }
            if empty > 0 {
                self.out.write_all(&[GAP])?;
                self.out.write_all(&empty.to_le_bytes())?;
                empty = 0;
            }
            // Shorter than LONGEST.
            self.out.write_all(&[*sign])?;
            self.out.write_all(&(text.len() as u32).to_le_bytes())?;
            self.out.write_all(text.as_bytes())?;
            // What a common one needs is kept.
            match text.capacity() {
                0..1024 => text.clear(),
                _ => *text = String::new(),
            }
        }
        (self.width, self.written) = (0, 0);
        Ok(())
    }

    fn finish(mut self) -> io::Result<Origin> {
        self.end_row()?;
        let file = self.out.into_inner().map_err(|error| error.into_error())?;
        Ok(Origin::Spool(Arc::new(file)))
    }
}

/// The records of a sheet.
pub(super) struct SheetRows {
    input: BufReader<Bytes>,
    /// Columns of the header: rows with fewer cells are filled up.
    width: Option<usize>,
}

impl SheetRows {
    /// The next record, with its first `keep` fields, filled up to as many as the header has; `None` at the end.
    pub fn next(&mut self, keep: usize) -> Result<Option<Record>, Fault> {
        self.read(keep).map_err(Fault::Io)
    }

    fn read(&mut self, keep: usize) -> io::Result<Option<Record>> {
        if self.input.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let line = u64::from(self.number()?);
        let cells = self.number()? as usize;
        let width = *self.width.get_or_insert(cells);
        let mut record = Record {
            line,
            count: cells.max(width),
            fields: StringRecord::new(),
            nested: Vec::new(),
            wrong: None,
            undecided: None,
        };
        let mut text = Vec::new();
        let mut column = 0;
        while column < cells {
            let mut sign = [0];
            self.input.read_exact(&mut sign)?;
            let length = self.number()? as usize;
            if sign == [GAP] {
                for _ in column..(column + length).min(keep) {
                    record.fields.push_field("");
                }
                column += length;
                continue;
            }
            text.resize(length, 0);
            self.input.read_exact(&mut text)?;
            let at = column;
            column += 1;
            if at >= keep {
                continue;
            }
            let text = str::from_utf8(&text).map_err(io::Error::other)?;
            record.fields.push_field(text);
            match sign[0] {
                TRUTH => record.nested.push((at, Value::Bool(text == "true"))),
                FAULT if record.wrong.is_none() => {
                    let reason = format!("the cell is the error {text}; correct its formula");
                    record.wrong = Some((at, reason));
                }
                _ => {}
            }
        }
        for _ in cells..width.min(keep) {
            record.fields.push_field("");
        }
        Ok(Some(record))
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut number = [0; 4];
        self.input.read_exact(&mut number)?;
        Ok(u32::from_le_bytes(number))
    }
}
