//! What makes a row a recipient: its cells held against what the columns mean.

use lettre::Address;

use super::address::parse_address;
use super::columns::Columns;
use super::error::spell;
use super::filter::Undecided;
use super::records::Record;
use super::{InvalidRow, Position, Recipient, Row};

/// What the columns of a list mean, and what each row is by it.
#[derive(Debug)]
pub(super) struct Judge {
    pub columns: Columns,
    /// Between two columns; `None` in a workbook.
    pub delimiter: Option<u8>,
    /// Keys that are addresses are compared without case.
    pub ignore_case: bool,
}

impl Judge {
    /// What the record is: somebody to mail, or not.
    pub fn judged(&self, record: Record, position: Position) -> Row {
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
