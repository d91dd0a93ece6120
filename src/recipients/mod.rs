//! A list in, a stream of recipients out.
//!
//! Owns the reading of lists, what makes a row a recipient, and the checks on addresses.
//! Must not render, hold the list in memory, or decide about retries.

mod address;
mod columns;
mod decode;
mod delimiter;
mod domain;
mod encoding;
mod error;
mod filter;
mod gather;
mod group;
mod jsonl;
mod judge;
mod kind;
mod list;
mod origin;
mod records;
mod slips;
mod source;
mod stored;
mod suppression;
mod workbook;

use std::path::Path;

use lettre::Address;

use crate::wording::printable;

pub use address::parse_address;
pub use error::{ListError, Place};
pub use filter::{check_where, columns_of_where};
pub use judge::key_of;
pub use kind::{Kind, NAMES};
pub use list::List;
pub use origin::STDIN;
pub use slips::meant;
pub use source::{Source, is_stdin};
pub use suppression::Suppression;

/// Where a row stands in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// 1-based, the header not counted.
    pub row: u64,
    /// 1-based line of the file on which the row begins.
    pub line: u64,
}

/// One row that can be mailed.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// What identifies the recipient within the run: the key column's cell, trimmed, or the
    /// address with its domain in lower case.
    pub key: String,
    /// Where to.
    pub address: Address,
    /// The display name, not empty, from the display column or from `Name <a@b>` in the address column.
    pub display: Option<String>,
    /// Where it stands.
    pub position: Position,
    /// The cells, in the order of the columns; as many as there are columns. Of several rows, those of the first.
    pub fields: csv::StringRecord,
    /// Those of them that are more than text, by their 0-based column: numbers, truths, lists and objects of a JSONL, truths
    /// of a workbook.
    pub nested: Vec<(usize, serde_json::Value)>,
    /// By `group_by`, the further rows for this recipient, in the order of the list.
    pub others: Vec<GroupRow>,
}

impl Recipient {
    /// What it takes up in memory, in bytes, roughly: the cells of all its rows.
    pub fn bytes(&self) -> usize {
        let others = (self.others.iter()).map(|row| weight(&row.fields, &row.nested));
        self.fields.as_slice().len() + others.sum::<usize>()
    }
}

/// A further row of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Where it stands.
    pub position: Position,
    /// As [`Recipient::fields`].
    pub fields: csv::StringRecord,
    /// As [`Recipient::nested`].
    pub nested: Vec<(usize, serde_json::Value)>,
}

/// Bytes that a cell takes beside its text, roughly, where templates see it.
const CELL: usize = 64;

/// Bytes that a value within a list or an object takes, roughly.
const VALUE: usize = 512;

/// What a row of a group takes up in memory, in bytes, roughly.
fn weight(fields: &csv::StringRecord, nested: &[(usize, serde_json::Value)]) -> usize {
    let texts = nested.iter().filter_map(|(place, _)| fields.get(*place));
    let values: usize = texts.map(jsonl::values).sum();
    fields.as_slice().len() + CELL * fields.len() + VALUE * values
}

/// One row that cannot be mailed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRow {
    /// The key as far as it is known: the cell as it is; may be empty.
    pub key: String,
    /// Whether that is what [`Recipient::key`] would be, were the row right: what a ledger may know its recipient by.
    pub keyed: bool,
    /// The address cell as it is.
    pub address: String,
    /// Where it stands; of a group, the row at fault.
    pub position: Position,
    /// The column at fault, when one is.
    pub column: Option<String>,
    /// What is wrong and what to do, in lower case, without a full stop.
    pub reason: String,
    /// The cells, as many as the row has, at most as many as there are columns; of a group that is too large, none.
    pub fields: csv::StringRecord,
    /// As [`Recipient::nested`].
    pub nested: Vec<(usize, serde_json::Value)>,
    /// The other rows of its group, which is not mailed without this one.
    pub others: Vec<GroupRow>,
    /// Its cells, or those of a row of its group, are not the row's own (too few, too many, an error of a workbook): in
    /// another list they would pass for a row that is right.
    pub torn: bool,
}

impl InvalidRow {
    /// The row in one line, fit for a terminal: file, line, row, column and reason.
    pub fn describe(&self, file: &Path) -> String {
        let column = self
            .column
            .as_ref()
            .map(|column| format!(", column \"{column}\""))
            .unwrap_or_default();
        let Position { row, line } = self.position;
        printable(&format!(
            "{}:{line}: row {row}{column}: {}",
            file.display(),
            self.reason
        ))
    }
}

/// A row of the list, judged.
#[derive(Debug, Clone)]
pub enum Row {
    /// Can be mailed.
    Recipient(Recipient),
    /// Cannot.
    Invalid(InvalidRow),
}

#[cfg(test)]
mod tests;
