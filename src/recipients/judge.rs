//! What makes a row a recipient: its cells held against what the columns mean.

use lettre::Address;
use serde_json::Value;

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
            Ok(accepted) => Row::Recipient(accepted.recipient(record, position)),
            Err(wrong) => Row::Invalid(self.refuse(record, position, wrong)),
        }
    }

    /// The row as one that cannot be mailed.
    pub fn refuse(&self, record: Record, position: Position, wrong: Wrong) -> InvalidRow {
        let columns = &self.columns;
        let cell = |column: usize| record.fields.get(column).unwrap_or_default().to_owned();
        InvalidRow {
            torn: self.is_torn(&record),
            keyed: wrong.key.is_some(),
            key: (wrong.key).unwrap_or_else(|| cell(columns.key.unwrap_or(columns.address))),
            address: cell(columns.address),
            position,
            column: wrong.column.map(|column| columns.names[column].clone()),
            reason: wrong.reason,
            fields: record.fields,
            nested: record.nested,
            others: Vec::new(),
        }
    }

    /// Whether the cells are not the row's own.
    pub fn is_torn(&self, record: &Record) -> bool {
        record.count != self.columns.names.len() || record.wrong.is_some()
    }

    /// Whose row it is, by the column of `group_by`; `None` when it does not say.
    pub fn group_of(&self, record: &Record) -> Option<String> {
        let column = self.columns.group?;
        if record.wrong.as_ref().is_some_and(|(at, _)| *at == column) {
            return None;
        }
        if self.nameless(record).is_some() {
            return None;
        }
        let cell = record.fields.get(column)?.trim();
        if column == self.columns.address {
            let (_, address) = parse_address(cell).ok()?;
            return Some(key_of(&address, self.ignore_case));
        }
        (!cell.is_empty()).then(|| cell.to_owned())
    }

    /// What is wrong with a row that is not for whom an earlier one of its group is.
    pub fn differs(&self, first: &Accepted, row: u64, other: &Accepted) -> Option<Wrong> {
        let columns = &self.columns;
        let group = &columns.names[columns.group?];
        let address = |it: &Accepted| key_of(&it.address, self.ignore_case);
        if first.address != other.address && address(first) != address(other) {
            let reason = format!(
                "another address than in row {row}, of the same {group:?}; one message goes to one address: correct one of \
                 them, or group the rows by {:?}",
                columns.names[columns.address]
            );
            return Some(Wrong::at(columns.address, None)(reason));
        }
        let column = columns.key.filter(|_| first.key != other.key)?;
        let reason = format!(
            "another key than in row {row}, of the same {group:?}; one message has one key: correct one of them, or leave \
             \"key\" under [recipients] out"
        );
        Some(Wrong::at(column, None)(reason))
    }

    /// The column that is to say whose row it is and has a list or an object: as text it could be written in many ways.
    fn nameless(&self, record: &Record) -> Option<usize> {
        let columns = &self.columns;
        let naming = [columns.key, columns.group].into_iter().flatten();
        naming.into_iter().find(|naming| {
            let many = |value: &Value| value.is_array() || value.is_object();
            let mut nested = record.nested.iter();
            nested.any(|(column, value)| column == naming && many(value))
        })
    }

    /// The key of a row of the right width of which something is wrong, as long as its cell is right.
    fn key_despite(&self, record: &Record) -> Option<String> {
        let columns = &self.columns;
        let column = columns.key.unwrap_or(columns.address);
        if self.nameless(record).is_some() {
            return None;
        }
        if record.wrong.as_ref().is_some_and(|(at, _)| *at == column) {
            return None;
        }
        let cell = record.fields.get(column)?.trim();
        match columns.key {
            Some(_) => check_key(cell).ok(),
            None => {
                let (_, address) = parse_address(cell).ok()?;
                Some(key_of(&address, self.ignore_case))
            }
        }
    }

    /// Whom the row is for, or what is wrong with it.
    pub fn check(&self, record: &Record) -> Result<Accepted, Wrong> {
        let columns = &self.columns;
        if record.count != columns.names.len() {
            let reason = miscounted(record.count, columns.names.len(), self.delimiter);
            return Err(Wrong::of_row(None, reason));
        }
        if let Some((column, reason)) = &record.wrong {
            return Err(Wrong::at(*column, self.key_despite(record))(reason.clone()));
        }
        if let Some(Undecided::Row(reason)) = &record.undecided {
            return Err(Wrong::of_row(self.key_despite(record), reason.clone()));
        }
        if let Some(column) = self.nameless(record) {
            let reason = "a list or an object names nobody; give each row a text or a number here";
            return Err(Wrong::at(column, None)(reason.to_owned()));
        }
        let cell = |column: usize| record.fields[column].trim();
        let (named, address) = parse_address(cell(columns.address))
            .map_err(|reason| Wrong::at(columns.address, self.key_despite(record))(reason))?;
        let key = match columns.key {
            Some(column) => check_key(cell(column)).map_err(Wrong::at(column, None))?,
            None => key_of(&address, self.ignore_case),
        };
        if let Some(column) = columns.group
            && cell(column).is_empty()
        {
            let reason =
                "the cell is empty, and \"group_by\" asks it whose row this is; fill it in";
            return Err(Wrong::at(column, Some(key))(reason.to_owned()));
        }
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
        Ok(Accepted {
            key,
            display,
            address,
        })
    }
}

/// Whom a row is for.
#[derive(Debug)]
pub(super) struct Accepted {
    pub key: String,
    display: Option<String>,
    address: Address,
}

impl Accepted {
    pub fn recipient(self, record: Record, position: Position) -> Recipient {
        Recipient {
            key: self.key,
            address: self.address,
            display: self.display,
            position,
            fields: record.fields,
            nested: record.nested,
            others: Vec::new(),
        }
    }
}

/// What is wrong with a row: the key where it is known already, the column, the reason.
#[derive(Debug)]
pub(super) struct Wrong {
    pub key: Option<String>,
    column: Option<usize>,
    pub reason: String,
}

impl Wrong {
    /// What is no single cell's fault.
    pub fn of_row(key: Option<String>, reason: String) -> Wrong {
        Wrong {
            key,
            column: None,
            reason,
        }
    }

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

/// The address as a key: its domain is compared without case, its local part as it is, or without case too, in any
/// language.
pub fn key_of(address: &Address, ignore_case: bool) -> String {
    let mut key: String = address.to_string();
    let local = address.user().len();
    key[local..].make_ascii_lowercase();
    if ignore_case {
        let lower = address.user().to_lowercase();
        key.replace_range(..local, &lower);
    }
    key
}
