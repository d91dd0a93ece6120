//! An open list: its header held against the settings, then its rows, one after another.

use std::fmt;
use std::io::Read;
use std::iter::FusedIterator;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::StringRecord;

use super::columns::{Columns, hint};
use super::error::{ListError, Place};
use super::filter::{Filter, Undecided};
use super::gather::Gathered;
use super::group::Groups;
use super::jsonl::JsonRows;
use super::judge::Judge;
use super::records::{Fault, LONGEST, MOST_COLUMNS, Record, Records};
use super::source::{Form, Source};
use super::workbook::SheetRows;
use super::{Position, Row};
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

/// An open list, its header read. Gives each row once, judged, in the order of the file, or with `group_by` each group, in the
/// order of their first rows; after an error it ends. One row, or one group, is in memory at a time.
#[derive(Debug)]
pub struct List {
    judge: Arc<Judge>,
    way: Way,
}

/// How the rows come.
#[derive(Debug)]
enum Way {
    Rows(Box<Reader>),
    Groups { groups: Box<Groups>, file: PathBuf },
    Ended,
}

impl List {
    /// Looks at the list and opens it, for once.
    ///
    /// # Errors
    /// As [`Source::look`] and [`Source::open`].
    pub fn open(settings: &ListSettings) -> Result<List, ListError> {
        Source::look(settings)?.open()
    }

    /// Row by row.
    pub(super) fn of_rows(reader: Reader) -> List {
        List {
            judge: Arc::clone(&reader.judge),
            way: Way::Rows(Box::new(reader)),
        }
    }

    /// Group by group.
    pub(super) fn of_groups(gathered: &Gathered, file: &Path) -> Result<List, ListError> {
        let rows = gathered.rows();
        let rows = rows.map_err(|cause| ListError::from_io(file, cause))?;
        Ok(List {
            judge: Arc::clone(&gathered.judge),
            way: Way::Groups {
                groups: Box::new(Groups::new(rows)),
                file: file.to_owned(),
            },
        })
    }

    /// The names of the columns, trimmed, in the order of the list.
    pub fn columns(&self) -> &Arc<[String]> {
        &self.judge.columns.names
    }

    fn row(&mut self) -> Result<Option<Row>, ListError> {
        match &mut self.way {
            Way::Rows(reader) => {
                let record = reader.next()?;
                Ok(record.map(|(record, position)| self.judge.judged(record, position)))
            }
            Way::Groups { groups, file } => {
                let row = groups.next(&self.judge);
                row.map_err(|cause| ListError::from_io(file, cause))
            }
            Way::Ended => Ok(None),
        }
    }
}

impl Iterator for List {
    type Item = Result<Row, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.row().transpose();
        if !matches!(row, Some(Ok(_))) {
            self.way = Way::Ended;
        }
        row
    }
}

impl FusedIterator for List {}

/// The records of a list that are meant, in the order of the file.
pub(super) struct Reader {
    file: PathBuf,
    rows: Rows,
    /// What the list was read as.
    encoding: &'static str,
    pub judge: Arc<Judge>,
    /// Which rows are meant; `None`: all.
    filter: Option<Filter>,
    /// Rows read so far.
    count: u64,
}

impl Reader {
    /// Reads the header, and holds it against the settings.
    pub fn over(source: &Source, mut rows: Rows) -> Result<Reader, ListError> {
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
        Ok(Reader {
            filter: filter.transpose()?,
            file: file.clone(),
            rows,
            encoding: source.encoding(),
            judge: Arc::new(Judge {
                columns,
                delimiter,
                ignore_case: settings.duplicates_ignore_case,
            }),
            count: 0,
        })
    }

    /// The list's name.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The next record that is meant, or of which that cannot be said.
    fn next_chosen(&mut self) -> Result<Option<Record>, Fault> {
        let columns = self.judge.columns.names.len();
        loop {
            let Some(mut record) = self.rows.next(columns)? else {
                return Ok(None);
            };
            self.count += 1;
            // Of what is no row of this list the filter knows nothing.
            if let Some(filter) = &self.filter
                && record.count == columns
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

    /// The next record that is meant, with its place; `None` at the end.
    pub fn next(&mut self) -> Result<Option<(Record, Position)>, ListError> {
        let record = self.next_chosen().map_err(|fault| {
            let row = self.count + 1;
            let place = |line| Place::Row(Position { row, line });
            let names = &self.judge.columns.names;
            explain(fault, &self.file, self.encoding, place, names)
        })?;
        let Some(record) = record else {
            return Ok(None);
        };
        let position = Position {
            row: self.count,
            line: record.line,
        };
        if let Some(Undecided::Never(kind)) = record.undecided {
            return Err(ListError::NoQuestion {
                file: self.file.clone(),
                place: Place::Row(position),
                kind,
            });
        }
        Ok(Some((record, position)))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("file", &self.file)
            .field("columns", &self.judge.columns)
            .field("rows", &self.count)
            .finish_non_exhaustive()
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

#[cfg(test)]
mod tests;
