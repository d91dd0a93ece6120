//! An open list, and what makes a row a recipient.

use std::fmt;
use std::fs::File;
use std::iter::FusedIterator;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lettre::Address;

use super::address::parse_address;
use super::columns::Columns;
use super::error::{ListError, Place, spell};
use super::records::{Fault, LONGEST, Record, Records};
use super::{InvalidRow, Position, Recipient, Row};
use crate::campaign::ListSettings;

/// An open list, its header read. Gives each row once, judged, in the order of the file; after an
/// error it ends. One row is in memory at a time.
pub struct List {
    file: PathBuf,
    records: Records<File>,
    columns: Columns,
    /// Rows read so far.
    rows: u64,
    ended: bool,
}

impl List {
    /// Opens the list and checks its header against the settings.
    ///
    /// # Errors
    /// When the file cannot be read, its header has no names, the same name twice or one that
    /// templates have already, or a column is not there that a setting names.
    pub fn open(settings: &ListSettings) -> Result<List, ListError> {
        let file = &settings.file;
        let delimiter = delimiter(file)?;
        let source = open(file)?;
        let mut records = Records::new(source, delimiter);
        let header = records
            .next(usize::MAX)
            .map_err(|fault| explain(fault, file, None, &[]))?
            .ok_or_else(|| ListError::NoHeader { file: file.clone() })?;
        let columns = Columns::new(&header.fields, header.line, settings)?;
        Ok(List {
            file: file.clone(),
            records,
            columns,
            rows: 0,
            ended: false,
        })
    }

    /// The names of the columns, trimmed, in the order of the list.
    pub fn columns(&self) -> &Arc<[String]> {
        &self.columns.names
    }

    /// What the record is: somebody to mail, or not.
    fn judge(&self, record: Record) -> Row {
        let position = Position {
            row: self.rows,
            line: record.line,
        };
        match self.check(&record) {
            Ok((key, display, address)) => Row::Recipient(Recipient {
                key,
                address,
                display,
                position,
                fields: record.fields,
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
                reason: miscounted(record.count, columns.names.len()),
            });
        }
        let cell = |column: usize| record.fields[column].trim();
        let (named, address) =
            parse_address(cell(columns.address)).map_err(Wrong::at(columns.address, None))?;
        let key = match columns.key {
            Some(column) => check_key(cell(column)).map_err(Wrong::at(column, None))?,
            None => key_of(&address),
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
        match self.records.next(self.columns.names.len()) {
            Ok(Some(record)) => {
                self.rows += 1;
                Some(Ok(self.judge(record)))
            }
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(fault) => {
                self.ended = true;
                Some(Err(explain(
                    fault,
                    &self.file,
                    Some(self.rows + 1),
                    &self.columns.names,
                )))
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
            rows,
            ..
        } = self;
        f.debug_struct("List")
            .field("file", file)
            .field("columns", columns)
            .field("rows", rows)
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

/// What stands between two columns, by the file's name; an error for files that are no CSV.
fn delimiter(file: &Path) -> Result<u8, ListError> {
    let extension = file
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    if extension.eq_ignore_ascii_case("tsv") {
        return Ok(b'\t');
    }
    match ["xlsx", "xls", "ods", "jsonl", "gz"]
        .into_iter()
        .find(|kind| extension.eq_ignore_ascii_case(kind))
    {
        Some(kind) => Err(ListError::Kind {
            file: file.to_owned(),
            kind,
        }),
        None => Ok(b','),
    }
}

fn open(file: &Path) -> Result<File, ListError> {
    // Asked before opening: where a directory cannot be opened at all, the error would say "permission".
    if file.is_dir() {
        return Err(ListError::Directory {
            file: file.to_owned(),
        });
    }
    File::open(file).map_err(|cause| ListError::from_io(file, cause))
}

/// The fault with its place; `row` is `None` in the header.
fn explain(fault: Fault, file: &Path, row: Option<u64>, names: &[String]) -> ListError {
    let place = |line| match row {
        None => Place::Header { line },
        Some(row) => Place::Row(Position { row, line }),
    };
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
        Fault::NotUtf8 {
            line,
            offset,
            field,
        } => ListError::NotUtf8 {
            file: path(),
            place: place(line),
            column: column(field),
            offset,
        },
    }
}

fn miscounted(fields: usize, columns: usize) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let hint = if fields < columns {
        "add what is missing, a comma for each empty field"
    } else {
        "put quotes (\") around a field that holds a comma"
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

/// The address as a key: its domain is compared without case, its local part as it is.
pub fn key_of(address: &Address) -> String {
    let mut key: String = address.to_string();
    key[address.user().len()..].make_ascii_lowercase();
    key
}

#[cfg(test)]
mod tests;
