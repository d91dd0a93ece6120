//! Invalid rows by what is wrong with them: how many of each kind, and where the first few stand.

use std::collections::HashMap;

use serde::Serialize;

use crate::recipients::InvalidRow;
use crate::wording::printable;

/// Rows shown of each kind.
const FIRST: usize = 3;
/// Kinds told apart; a list with more of them has another trouble.
const MOST: usize = 1000;

/// Rows that are invalid for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What is wrong with the first of them, and what to do.
    pub reason: String,
    /// The column at fault, when one is.
    pub column: Option<String>,
    /// How many.
    pub rows: u64,
    /// The first few.
    pub first: Vec<At>,
}

/// Where an invalid row stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct At {
    /// 1-based, the header not counted.
    pub row: u64,
    /// 1-based line of the file.
    pub line: u64,
    /// Its address cell, fit for a terminal.
    pub address: String,
}

/// Gathers invalid rows.
#[derive(Debug, Default)]
pub struct Reasons {
    kinds: Vec<Reason>,
    known: HashMap<(Option<String>, String), usize>,
}

impl Reasons {
    /// Counts a row.
    pub fn add(&mut self, row: &InvalidRow) {
        let kind = (row.column.clone(), kind(&row.reason));
        let place = match self.known.get(&kind) {
            Some(place) => *place,
            None if self.kinds.len() == MOST => return,
            None => {
                self.kinds.push(Reason {
                    reason: printable(&row.reason),
                    column: row.column.as_deref().map(printable),
                    rows: 0,
                    first: Vec::new(),
                });
                self.known.insert(kind, self.kinds.len() - 1);
                self.kinds.len() - 1
            }
        };
        let reason = &mut self.kinds[place];
        reason.rows += 1;
        if reason.first.len() < FIRST {
            reason.first.push(At {
                row: row.position.row,
                line: row.position.line,
                address: printable(&row.address),
            });
        }
    }

    /// The kinds, the most frequent first.
    pub fn finish(mut self) -> Vec<Reason> {
        self.kinds
            .sort_by_key(|reason| std::cmp::Reverse(reason.rows));
        self.kinds
    }
}

/// A reason without what is the row's own in it: quoted texts and numbers.
fn kind(reason: &str) -> String {
    let mut quoted = false;
    let own = |c: &char| {
        quoted ^= *c == '"';
        !quoted && !c.is_ascii_digit()
    };
    reason.chars().filter(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipients::Position;

    fn row(row: u64, column: Option<&str>, reason: &str) -> InvalidRow {
        InvalidRow {
            key: String::new(),
            keyed: false,
            address: format!("a{row}"),
            position: Position { row, line: row + 1 },
            column: column.map(str::to_owned),
            reason: reason.to_owned(),
            fields: csv::StringRecord::new(),
            nested: Vec::new(),
            others: Vec::new(),
            torn: false,
        }
    }

    #[test]
    fn rows_are_gathered_by_what_is_wrong_and_not_by_their_own_words() {
        let mut reasons = Reasons::default();
        reasons.add(&row(1, None, "3 fields, not 2"));
        for n in 2..7 {
            reasons.add(&row(
                n,
                Some("email"),
                &format!("\"x{n} y\" has no @; correct it"),
            ));
        }
        reasons.add(&row(7, Some("name"), "\"x7\" has no @; correct it"));
        reasons.add(&row(8, None, "4 fields, not 2"));
        let found = reasons.finish();
        let told: Vec<_> = (found.iter())
            .map(|it| {
                (
                    it.rows,
                    it.reason.as_str(),
                    it.first.iter().map(|at| at.row).collect::<Vec<_>>(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (5, "\"x2 y\" has no @; correct it", vec![2, 3, 4]),
                (2, "3 fields, not 2", vec![1, 8]),
                (1, "\"x7\" has no @; correct it", vec![7]),
            ]
        );
    }
}
