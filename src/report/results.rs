//! `mailrun results`: the list, row by row, with what became of each.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::campaign::Campaign;
use crate::cli::{Format, ListedState};
use crate::compose::Naming;
use crate::ledger::LedgerError;
use crate::ledger::doubt::{self, Trace};
use crate::ledger::entry::{Entry, Refused};
use crate::ledger::file;
use crate::ledger::standing::{Barred, KeyHash, SlotId, Standing, Standings};
use crate::recipients::{GroupRow, InvalidRow, Row};
use crate::run::Error;
use crate::run::plan::{Roster, ledger_path};

/// The columns that mailrun adds, in their order.
pub const COLUMNS: [&str; 11] = [
    "key",
    "row",
    "address",
    "state",
    "attempts",
    "server",
    "code",
    "enhanced",
    "reply",
    "message_id",
    "time",
];
/// What stands before each of them in CSV, and is left out of a list that has it already.
pub const PREFIX: &str = "mailrun_";

/// The place of a line that is not there.
const NO_LINE: u64 = u64::MAX;

/// One row of the results.
#[derive(Debug, Serialize)]
struct Line<'a> {
    key: &'a str,
    row: u64,
    address: Cow<'a, str>,
    state: &'static str,
    attempts: u16,
    server: Option<Cow<'a, str>>,
    code: Option<u16>,
    enhanced: Option<Cow<'a, str>>,
    /// What the server said; where it said nothing, why.
    reply: Option<Cow<'a, str>>,
    message_id: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
    /// Who of Cc and Bcc was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Refused<'a>>,
    fields: Map<String, Value>,
    /// With `group_by`, `fields` of each of its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Map<String, Value>>>,
}

/// A row's place and its cells.
type Cells<'a> = (u64, &'a csv::StringRecord, &'a [(usize, Value)]);

/// All rows of a recipient, in the order of the list.
fn rows(row: &Row) -> Vec<Cells<'_>> {
    let (position, fields, nested, others) = match row {
        Row::Recipient(it) => (it.position, &it.fields, &it.nested, &it.others),
        Row::Invalid(it) => (it.position, &it.fields, &it.nested, &it.others),
    };
    let mut rows = vec![(position.row, fields, nested.as_slice())];
    rows.extend((others.iter()).map(|it| (it.position.row, &it.fields, it.nested.as_slice())));
    rows.sort_unstable_by_key(|(row, ..)| *row);
    rows
}

/// Writes the results of a run to `out`, those in `states`, or all.
///
/// # Errors
/// What makes list or ledger unusable. What `out` gives is returned as it is: a closed pipe is for the caller to judge.
pub fn write(
    campaign: &Campaign,
    sandbox: bool,
    states: &[ListedState],
    format: Format,
    out: impl Write,
) -> Result<io::Result<()>, Error> {
    let roster = Roster::read(campaign)?;
    let standings = &roster.standings;
    let path = ledger_path(&campaign.dir, &campaign.run, sandbox);
    // The place of each recipient's last line: 8 bytes a recipient, so that no reply has to be held in memory.
    let mut last = vec![NO_LINE; standings.len()];
    let replay = file::read(&path, &campaign.run, standings, |slot, offset| {
        last[slot.index()] = offset
    })?;
    let doubts = match &replay {
        Some(replay) => doubt::traces(&path, &replay.doubts)?,
        None => HashMap::new(),
    };
    let mut file = match replay {
        Some(_) => {
            Some(BufReader::new(File::open(&path).map_err(|error| {
                LedgerError::io(&path, "open the ledger", error)
            })?))
        }
        None => None,
    };
    let own: Vec<usize> = (0..roster.columns.len())
        .filter(|&at| !roster.columns[at].starts_with(PREFIX))
        .collect();
    let known = Known {
        path: &path,
        standings,
        last,
        doubts,
        naming: Naming::of(campaign),
    };
    let mut writer = Writer::new(format, out);
    if let Err(error) = writer.header(own.iter().map(|&at| roster.columns[at].as_str())) {
        return Ok(Err(error));
    }
    let mut buffer = Vec::new();
    for row in roster.source.open()? {
        buffer.clear();
        let row = row?;
        let mut line;
        match &row {
            Row::Invalid(row) => {
                let address = Cow::from(&row.address);
                line = Line::new(&row.key, row.position.row, address);
                let slot = roster.place_of(row);
                // The first row of this key tells what was sent when it was right.
                let slot = slot.filter(|slot| standings.meet(*slot));
                match slot.filter(|slot| standings.left_out(*slot).is_none()) {
                    Some(slot) => {
                        known.tell(&mut line, slot, &row.others, file.as_mut(), &mut buffer)?
                    }
                    None => line.refuse(row),
                }
            }
            Row::Recipient(recipient) => {
                let slot = standings.find(KeyHash::of(&recipient.key));
                let slot = slot.ok_or_else(|| {
                    Error::Refused(format!(
                        "{}: the list changed while it was read",
                        campaign.recipients.file.display()
                    ))
                })?;
                let address = recipient.address.to_string();
                line = Line::new(&recipient.key, recipient.position.row, address.into());
                match standings.meet(slot) {
                    true => known.tell(
                        &mut line,
                        slot,
                        &recipient.others,
                        file.as_mut(),
                        &mut buffer,
                    )?,
                    false => line.state = ListedState::Duplicate.name(),
                }
            }
        }
        if !states.is_empty() && !states.iter().any(|state| state.name() == line.state) {
            continue;
        }
        // As a list again, it is to be as wrong as it is in this one.
        let torn = matches!(&row, Row::Invalid(row) if row.torn);
        let all = rows(&row).into_iter().map(|(row, fields, nested)| {
            let cells = own.iter().map(|&at| Cell {
                column: &roster.columns[at],
                text: fields.get(at).filter(|_| !torn).unwrap_or_default(),
                value: nested.iter().find(|it| it.0 == at && !torn).map(|it| &it.1),
            });
            (row, cells.collect())
        });
        if let Err(error) = writer.recipient(line, all, roster.source.is_grouped()) {
            return Ok(Err(error));
        }
    }
    Ok(writer.finish())
}

/// What the ledger tells of recipients.
struct Known<'a> {
    path: &'a Path,
    standings: &'a Standings,
    /// By place, where the last line of each stands in the file.
    last: Vec<u64>,
    doubts: HashMap<KeyHash, Trace>,
    naming: Naming,
}

impl Known<'_> {
    /// Puts into the line where its recipient stands, `buffer` being what it borrows from.
    fn tell<'a>(
        &'a self,
        line: &mut Line<'a>,
        slot: SlotId,
        others: &[GroupRow],
        file: Option<&mut BufReader<File>>,
        buffer: &'a mut Vec<u8>,
    ) -> Result<(), LedgerError> {
        let standings = self.standings;
        let state = match (standings.left_out(slot), standings.standing(slot)) {
            (Some(Barred::Suppressed), _) => ListedState::Suppressed,
            (Some(Barred::Invalid), _) | (None, Standing::Invalid) => ListedState::Invalid,
            (None, Standing::Accepted) => ListedState::Accepted,
            (None, Standing::Failed) => ListedState::Failed,
            (None, Standing::Deferred) => ListedState::Deferred,
            (None, Standing::InDoubt | Standing::Sending) => ListedState::InDoubt,
            (None, Standing::Remaining | Standing::Claimed) => ListedState::Remaining,
        };
        line.state = state.name();
        line.message_id = Some(self.naming.identity(line.key).message_id.into());
        line.attempts = standings.attempts(slot);
        if let (Some(file), offset) = (file, self.last[slot.index()])
            && offset != NO_LINE
        {
            read_line(file, offset, buffer)
                .map_err(|error| LedgerError::io(self.path, "read the ledger", error))?;
            let row = line.take(buffer, self.path)?;
            if state == ListedState::Invalid && others.iter().any(|it| it.position.row == row) {
                line.row = row;
            }
        }
        if state == ListedState::InDoubt
            && let Some(trace) = self.doubts.get(&KeyHash::of(line.key))
        {
            line.look_up_by(trace);
        }
        Ok(())
    }
}

fn read_line(lines: &mut BufReader<File>, offset: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    // Lines of neighbours stand near each other: a seek inside the buffer reads nothing anew.
    let here = lines.stream_position()?;
    let step = i64::try_from(offset).unwrap_or(i64::MAX) - i64::try_from(here).unwrap_or(0);
    if lines.seek_relative(step).is_err() {
        lines.seek(SeekFrom::Start(offset))?;
    }
    lines.read_until(b'\n', buffer).map(drop)
}

impl<'a> Line<'a> {
    fn new(key: &'a str, row: u64, address: Cow<'a, str>) -> Self {
        Line {
            key,
            row,
            address,
            state: ListedState::Remaining.name(),
            attempts: 0,
            server: None,
            code: None,
            enhanced: None,
            reply: None,
            message_id: None,
            time: None,
            refused: Vec::new(),
            fields: Map::new(),
            rows: None,
        }
    }

    /// With what is wrong with the row.
    fn refuse(&mut self, row: &'a InvalidRow) {
        self.state = ListedState::Invalid.name();
        self.reply = Some(match &row.column {
            Some(column) => format!("column \"{column}\": {}", row.reason).into(),
            None => (&row.reason).into(),
        });
    }

    /// With what the recipient's last line in the ledger says; gives the row that it names.
    fn take(&mut self, line: &'a [u8], path: &Path) -> Result<u64, LedgerError> {
        let entry: Entry<'a> =
            serde_json::from_slice(line).map_err(|error| LedgerError::Damaged {
                path: path.to_owned(),
                line: 0,
                reason: error.to_string(),
            })?;
        if let Some(message_id) = entry.message_id {
            self.message_id = Some(message_id);
        }
        self.server = entry.server;
        self.code = entry.code;
        self.enhanced = entry.enhanced;
        self.reply = entry.reply.or(match (entry.column, entry.reason) {
            (Some(column), Some(reason)) => Some(format!("column \"{column}\": {reason}").into()),
            (_, reason) => reason,
        });
        self.time = Some(entry.time);
        self.refused = entry.refused;
        Ok(entry.row)
    }

    /// With what a message in doubt can be looked up by: the time is when it left, not when it was found to be in doubt.
    fn look_up_by(&mut self, trace: &'a Trace) {
        self.time = Some((&trace.time).into());
        if let Some(message_id) = &trace.message_id {
            self.message_id = Some(message_id.into());
        }
        if let Some(server) = &trace.server {
            self.server = Some(server.into());
        }
    }
}

/// A cell of the list's own.
struct Cell<'a> {
    column: &'a str,
    text: &'a str,
    /// What it is when it is more than text.
    value: Option<&'a Value>,
}

impl Cell<'_> {
    fn value(&self) -> Value {
        self.value
            .cloned()
            .unwrap_or_else(|| Value::from(self.text))
    }
}

/// The system's own error, where it is one: made by `?` it would lose its kind, and a closed pipe not be known as one.
fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

enum Writer<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
}

impl<W: Write> Writer<W> {
    fn new(format: Format, out: W) -> Self {
        match format {
            Format::Csv => Writer::Csv(Box::new(csv::Writer::from_writer(out))),
            Format::Jsonl => Writer::Jsonl(out),
        }
    }

    fn header<'a>(&mut self, own: impl Iterator<Item = &'a str>) -> io::Result<()> {
        let Writer::Csv(csv) = self else {
            return Ok(());
        };
        for name in own {
            csv.write_field(name).map_err(plain)?;
        }
        for name in COLUMNS {
            csv.write_field(format!("{PREFIX}{name}")).map_err(plain)?;
        }
        csv.write_record(None::<&[u8]>).map_err(plain)?;
        Ok(())
    }

    /// One recipient: in CSV, where a cell holds no table, a line for each of the rows.
    fn recipient<'a>(
        &mut self,
        mut line: Line<'_>,
        rows: impl Iterator<Item = (u64, Vec<Cell<'a>>)>,
        grouped: bool,
    ) -> io::Result<()> {
        match self {
            Writer::Csv(csv) => {
                for (row, cells) in rows {
                    line.row = row;
                    write_csv(csv, &line, &cells)?;
                }
                Ok(())
            }
            Writer::Jsonl(out) => {
                let object = |cells: Vec<Cell<'_>>| -> Map<String, Value> {
                    let cells = cells.iter();
                    cells
                        .map(|cell| (cell.column.to_owned(), cell.value()))
                        .collect()
                };
                let mut rows: Vec<_> = rows.map(|(_, cells)| object(cells)).collect();
                if grouped {
                    line.fields = rows.first().cloned().unwrap_or_default();
                    line.rows = Some(rows);
                } else {
                    line.fields = rows.pop().unwrap_or_default();
                }
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Writer::Csv(mut csv) => csv.flush(),
            Writer::Jsonl(mut out) => out.flush(),
        }
    }
}

fn write_csv(
    csv: &mut csv::Writer<impl Write>,
    line: &Line<'_>,
    cells: &[Cell<'_>],
) -> io::Result<()> {
    for cell in cells {
        csv.write_field(cell.text).map_err(plain)?;
    }
    let (row, attempts) = (line.row.to_string(), line.attempts.to_string());
    let code = line.code.map(|code| code.to_string()).unwrap_or_default();
    let mut reply = line.reply.as_deref().unwrap_or_default().to_owned();
    for refused in &line.refused {
        reply.push_str(&format!("; {refused}"));
    }
    for value in [
        line.key,
        &row,
        &line.address,
        line.state,
        &attempts,
        line.server.as_deref().unwrap_or_default(),
        &code,
        line.enhanced.as_deref().unwrap_or_default(),
        &reply,
        line.message_id.as_deref().unwrap_or_default(),
        line.time.as_deref().unwrap_or_default(),
    ] {
        csv.write_field(value).map_err(plain)?;
    }
    csv.write_record(None::<&[u8]>).map_err(plain)
}
