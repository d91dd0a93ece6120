//! The rows of a group as one recipient, or as one who cannot be mailed: never as one who would get a part of them.

use std::io;

use csv::StringRecord;

use super::judge::{Accepted, Judge, Wrong};
use super::records::{LONGEST, Record};
use super::stored::{Stored, StoredRows};
use super::{CELL, GroupRow, InvalidRow, Position, Row, weight};
use crate::wording::count;

/// What the rows of one group may take up together, by [`weight`]; past it, the wrong column was named.
const HEAVIEST: usize = LONGEST;

/// Groups, one after another; the rows of one are in memory at a time.
pub(super) struct Groups {
    rows: StoredRows,
    /// The first row of the next group.
    ahead: Option<Stored>,
}

impl Groups {
    pub fn new(rows: StoredRows) -> Groups {
        Groups { rows, ahead: None }
    }

    /// The next group, judged; `None` at the end.
    pub fn next(&mut self, judge: &Judge) -> io::Result<Option<Row>> {
        let first = match self.ahead.take() {
            Some(first) => Some(first),
            None => self.rows.next()?,
        };
        let Some(first) = first else { return Ok(None) };
        let mut group = Group::of(first, judge);
        while let Some(row) = self.rows.next()? {
            if row.begins {
                self.ahead = Some(row);
                break;
            }
            group.add(row, judge);
        }
        Ok(Some(group.judged(judge)))
    }
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}

/// A group on its way.
struct Group {
    /// Its rows, in the order of the list; the first alone once they are too much.
    rows: Vec<(Record, Position)>,
    /// Whom its first row is for, with the row's number; or the first row that is wrong, by its place among `rows`.
    whom: Result<(Accepted, u64), (usize, Wrong)>,
    /// How many rows there are.
    count: u64,
    weight: usize,
}

impl Group {
    fn of(first: Stored, judge: &Judge) -> Group {
        let Stored {
            record, position, ..
        } = first;
        let whom = judge.check(&record);
        Group {
            whom: whom.map(|it| (it, position.row)).map_err(|it| (0, it)),
            count: 1,
            weight: weight(&record.fields, &record.nested),
            rows: vec![(record, position)],
        }
    }

    fn is_too_large(&self) -> bool {
        self.count > 1 && self.weight > HEAVIEST
    }

    fn add(&mut self, row: Stored, judge: &Judge) {
        let Stored {
            record, position, ..
        } = row;
        self.count += 1;
        self.weight = self
            .weight
            .saturating_add(weight(&record.fields, &record.nested));
        if self.is_too_large() {
            self.rows.truncate(1);
            return;
        }
        let wrong = match (&mut self.whom, judge.check(&record)) {
            (Ok((first, row)), Ok(other)) => judge.differs(first, *row, &other),
            (Ok(_), Err(wrong)) => Some(wrong),
            (Err((_, wrong)), Ok(other)) => {
                wrong.key.get_or_insert(other.key);
                None
            }
            (Err((_, wrong)), Err(other)) => {
                wrong.key = wrong.key.take().or(other.key);
                None
            }
        };
        if let (Ok((first, _)), Some(mut wrong)) = (&self.whom, wrong) {
            wrong.key = Some(first.key.clone());
            self.whom = Err((self.rows.len(), wrong));
        }
        self.rows.push((record, position));
    }

    /// The group as a recipient; one wrong row makes it invalid, so that nobody gets a part of what is theirs.
    fn judged(mut self, judge: &Judge) -> Row {
        if self.is_too_large() {
            return Row::Invalid(self.refused_whole(judge));
        }
        match self.whom {
            Ok((accepted, _)) => {
                let (first, position) = self.rows.remove(0);
                let mut recipient = accepted.recipient(first, position);
                recipient.others = others(self.rows);
                Row::Recipient(recipient)
            }
            Err((at, mut wrong)) => {
                let (record, position) = self.rows.remove(at);
                if !self.rows.is_empty() {
                    let all = count(self.count, "row");
                    wrong.reason += &format!(" (its group, of {all}, is not mailed without it)");
                }
                let mut row = judge.refuse(record, position, wrong);
                row.torn |= self.rows.iter().any(|(record, _)| judge.is_torn(record));
                row.others = others(self.rows);
                Row::Invalid(row)
            }
        }
    }

    /// The group without its cells: a part of them could be taken for all.
    fn refused_whole(mut self, judge: &Judge) -> InvalidRow {
        let (first, position) = self.rows.remove(0);
        let key = match self.whom {
            Ok((accepted, _)) => Some(accepted.key),
            Err((_, wrong)) => wrong.key,
        };
        let wrong = Wrong::of_row(key, too_large_reason(self.count));
        let mut row = judge.refuse(first, position, wrong);
        (row.fields, row.nested, row.torn) = (StringRecord::new(), Vec::new(), true);
        row
    }
}

fn too_large_reason(rows: u64) -> String {
    format!(
        "{} of one group are more than {} MiB (the cells, and {CELL} bytes for each), too much for one message; see that \
         \"group_by\" under [recipients] names the right column",
        count(rows, "row"),
        HEAVIEST >> 20
    )
}

fn others(rows: Vec<(Record, Position)>) -> Vec<GroupRow> {
    let one = |(record, position): (Record, Position)| GroupRow {
        position,
        fields: record.fields,
        nested: record.nested,
    };
    rows.into_iter().map(one).collect()
}
