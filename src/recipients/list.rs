//! An open list, and what makes a row a recipient.

use std::fmt;
use std::io::Read;
use std::iter::FusedIterator;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::StringRecord;
use lettre::Address;

use super::address::parse_address;
use super::columns::{Columns, hint};
use super::error::{ListError, Place, spell};
use super::filter::{Filter, Undecided};
use super::jsonl::JsonRows;
use super::records::{Fault, LONGEST, MOST_COLUMNS, Record, Records};
use super::source::{Form, Source};
use super::workbook::SheetRows;
use super::{InvalidRow, Position, Recipient, Row};
use crate::campaign::ListSettings;
use crate::wording::printable;

/// The records of a list, however they are written.
pub(super) enum Rows {
    Text(Records<Box<dyn Read + Send>>),
    Json(JsonRows<Box<dyn Read + Send>>),
    Sheet(SheetRows),
}

impl Rows {
    /// The next record, with its first `keep` fields; `None` at the end.
    pub fn next(&mut self, keep: usize) -> Result<Option<Record>, Fault> {
        match self {
            Rows::Text(records) => records.next(keep),
            Rows::Json(rows) => rows.next(),
            Rows::Sheet(rows) => rows.next(keep),
        }
    }
}

/// An open list, its header read. Gives each row once, judged, in the order of the file; after an
/// error it ends. One row is in memory at a time.
pub struct List {
    file: PathBuf,
    rows: Rows,
    /// What the list was read as.
    encoding: &'static str,
    /// Between two columns; `None` in a workbook.
    delimiter: Option<u8>,
    columns: Columns,
    /// Which rows are meant; `None`: all.
    filter: Option<Filter>,
    /// Keys that are addresses are compared without case.
    ignore_case: bool,
    /// Rows read so far.
    count: u64,
    ended: bool,
}

impl List {
    /// Looks at the list and opens it, for once.
    ///
    /// # Errors
    /// As [`Source::look`] and [`Source::open`].
    pub fn open(settings: &ListSettings) -> Result<List, ListError> {
        Source::look(settings)?.open()
    }

    /// Reads the header, and holds it against the settings.
    pub(super) fn over(source: &Source, mut rows: Rows) -> Result<List, ListError> {
        let settings = &source.settings;
        let file = &settings.file;
        let (line, header, delimiter) = match &source.form {
            Form::Jsonl { names, .. } if names.names.is_empty() => {
                return Err(ListError::NoObject { file: file.clone() });
            }
            Form::Jsonl { names, .. } => {
                (names.line, StringRecord::from(names.names.as_slice()), None)
            }
            form => {
                let mut next = || {
                    let header = rows.next(MOST_COLUMNS);
                    let header = header.map_err(|fault| {
                        let place = |line| Place::Header { line };
                        explain(fault, file, source.encoding(), place, &[])
                    });
                    header?.ok_or_else(|| ListError::NoHeader { file: file.clone() })
                };
                let mut header = next()?;
                // Excel's own first line, which names the delimiter.
                if header.count <= 2 && header.fields[0].starts_with("sep=") {
                    header = next()?;
                }
                let delimiter = match form {
                    Form::Text { delimiter, .. } => Some(*delimiter),
                    Form::Jsonl { .. } | Form::Workbook(_) => None,
                };
                if header.count > MOST_COLUMNS {
                    return Err(ListError::TooManyColumns {
                        file: file.clone(),
                        place: source.names_place(header.line),
                        count: header.count,
                        most: MOST_COLUMNS,
                    });
                }
                (header.line, header.fields, delimiter)
            }
        };
        let columns = Columns::new(&header, source.names_place(line), settings)?;
        let filter = settings.only_where.as_deref().map(|expression| {
            Filter::new(expression, &columns.names).map_err(|name| ListError::NoColumn {
                file: file.clone(),
                place: source.names_place(line),
                setting: "where",
                hint: hint(&name, &columns.names),
                name,
            })
        });
        Ok(List {
            filter: filter.transpose()?,
            file: file.clone(),
            rows,
            encoding: source.encoding(),
            delimiter,
            columns,
            ignore_case: settings.duplicates_ignore_case,
            count: 0,
            ended: false,
        })
    }

    /// The names of the columns, trimmed, in the order of the list.
    pub fn columns(&self) -> &Arc<[String]> {
        &self.columns.names
    }

    /// The next record that is meant, or of which that cannot be said.
    fn next_chosen(&mut self) -> Result<Option<Record>, Fault> {
        loop {
            let Some(mut record) = self.rows.next(self.columns.names.len())? else {
                return Ok(None);
            };
            self.count += 1;
            // Of what is no row of this list the filter knows nothing.
            if let Some(filter) = &self.filter
                && record.count == self.columns.names.len()
                && record.wrong.is_none()
            {
                match filter.chooses(&record) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(undecided) => record.undecided = Some(undecided),
                }
            }
            return Ok(Some(record));
        }
    }

    /// What the record is: somebody to mail, or not.
    fn judge(&mut self, record: Record) -> Result<Row, ListError> {
        let position = Position {
            row: self.count,
            line: record.line,
        };
        if let Some(Undecided::Never(kind)) = record.undecided {
            self.ended = true;
            return Err(ListError::NoQuestion {
                file: self.file.clone(),
                place: Place::Row(position),
                kind,
            });
        }
        Ok(self.judged(record, position))
    }

    fn judged(&self, record: Record, position: Position) -> Row {
        match self.check(&record) {
            Ok((key, display, address)) => Row::Recipient(Recipient {
                key,
                address,
                display,
                position,
                fields: record.fields,
                nested: record.nested,
            }),
            Err(fault) => {
                let cell = |column: usize| record.fields.get(column).unwrap_or_default().to_owned();
                Row::Invalid(InvalidRow {
                    key: fault
                        .key
                        .unwrap_or_else(|| cell(self.columns.key.unwrap_or(self.columns.address))),
                    address: cell(self.columns.address),
                    position,
                    column: fault
                        .column
                        .map(|column| self.columns.names[column].clone()),
                    reason: fault.reason,
                    fields: record.fields,
                    nested: record.nested,
                })
            }
        }
    }

    /// The key, the display name and the address, or what is wrong.
    fn check(&self, record: &Record) -> Result<(String, Option<String>, Address), Wrong> {
        let columns = &self.columns;
        if record.count != columns.names.len() {
            return Err(Wrong {
                key: None,
                column: None,
                reason: miscounted(record.count, columns.names.len(), self.delimiter),
            });
        }
        if let Some((column, reason)) = &record.wrong {
            return Err(Wrong::at(*column, None)(reason.clone()));
        }
        if let Some(Undecided::Row(reason)) = &record.undecided {
            return Err(Wrong {
                key: None,
                column: None,
                reason: reason.clone(),
            });
        }
        let cell = |column: usize| record.fields[column].trim();
        let (named, address) =
            parse_address(cell(columns.address)).map_err(Wrong::at(columns.address, None))?;
        let key = match columns.key {
            Some(column) => check_key(cell(column)).map_err(Wrong::at(column, None))?,
            None => key_of(&address, self.ignore_case),
        };
        for &column in &columns.required {
            if cell(column).is_empty() {
                let reason = "the cell is empty, and the column is required; fill it in".to_owned();
                return Err(Wrong::at(column, Some(key))(reason));
            }
        }
        let display = match columns.display.map(|column| (column, cell(column))) {
            Some((column, name)) if !name.is_empty() => match name.chars().find(|c| c.is_control())
            {
                None => Some(name.to_owned()),
                Some(c) => {
                    let reason = format!("a {} in the display name; delete it", spell(c));
                    return Err(Wrong::at(column, Some(key))(reason));
                }
            },
            _ => named,
        };
        Ok((key, display, address))
    }
}

impl Iterator for List {
    type Item = Result<Row, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.next_chosen() {
            Ok(Some(record)) => Some(self.judge(record)),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(fault) => {
                self.ended = true;
                let row = self.count + 1;
                let place = |line| Place::Row(Position { row, line });
                let names = &self.columns.names;
                Some(Err(explain(fault, &self.file, self.encoding, place, names)))
            }
        }
    }
}

impl FusedIterator for List {}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let List {
            file,
            columns,
            count,
            ..
        } = self;
        f.debug_struct("List")
            .field("file", file)
            .field("columns", columns)
            .field("rows", count)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a row: the key where it is known already, the column, the reason.
struct Wrong {
    key: Option<String>,
    column: Option<usize>,
    reason: String,
}

impl Wrong {
    fn at(column: usize, key: Option<String>) -> impl FnOnce(String) -> Wrong {
        move |reason| Wrong {
            key,
            column: Some(column),
            reason,
        }
    }
}

/// The fault with its place, by its line.
pub(super) fn explain(
    fault: Fault,
    file: &Path,
    encoding: &'static str,
    place: impl Fn(u64) -> Place,
    names: &[String],
) -> ListError {
    let path = || file.to_owned();
    let column = |field: usize| {
        names
            .get(field)
            .map_or_else(|| (field + 1).to_string(), |name| format!("{name:?}"))
    };
    match fault {
        Fault::Io(cause) => ListError::from_io(file, cause),
        Fault::Unclosed { line } => ListError::Unclosed {
            file: path(),
            place: place(line),
        },
        Fault::Stray { line, field } => ListError::Stray {
            file: path(),
            place: place(line),
            column: column(field),
        },
        Fault::TooLong { line } => ListError::TooLong {
            file: path(),
            place: place(line),
            mebibytes: LONGEST >> 20,
        },
        Fault::Misfit {
            line,
            offset,
            field,
        } => ListError::Misfit {
            file: path(),
            place: place(line),
            column: field.map(column),
            encoding,
            offset,
        },
        Fault::Json {
            line,
            character,
            what,
        } => ListError::Json {
            file: path(),
            line,
            character,
            what: printable(&what),
        },
    }
}

fn miscounted(fields: usize, columns: usize, delimiter: Option<u8>) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let sign = match delimiter {
        Some(b';') => "semicolon",
        Some(b'\t') => "tab",
        Some(b'|') => "vertical bar",
        _ => "comma",
    };
    let hint = if delimiter.is_none() {
        "take out what stands beyond the last column that has a name".to_owned()
    } else if fields < columns {
        format!("add what is missing, a {sign} for each empty field")
    } else {
        format!("put quotes (\") around a field that holds a {sign}")
    };
    format!(
        "{fields} field{}, but the header has {columns} column{}; {hint}",
        plural(fields),
        plural(columns)
    )
}

/// The key column's cell, trimmed by the caller, as the key.
fn check_key(cell: &str) -> Result<String, String> {
    if cell.is_empty() {
        return Err("the key is empty; give each row a key of its own".to_owned());
    }
    match cell.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("a {} in the key; delete it", spell(c))),
        None => Ok(cell.to_owned()),
    }
}

/// The address as a key: its domain is compared without case, its local part as it is, or without case too.
pub fn key_of(address: &Address, ignore_case: bool) -> String {
    let mut key: String = address.to_string();
    let from = if ignore_case { 0 } else { address.user().len() };
    key[from..].make_ascii_lowercase();
    key
}

#[cfg(test)]
mod tests;
