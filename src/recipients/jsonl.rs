//! JSON lines in, records out: one object a line, its names the columns.
//!
//! A line that `mailrun results` wrote is the row in it, or the rows, of a group. It is known by what all of them have: names
//! beside each other that are no list's, which may have some of them, but none that is called `message_id`.
//!
//! What a cell is to its template: a string, true and false are themselves; null, and a name that the line has not, are an
//! empty cell; a number is its text as written, and a number where that loses nothing; lists and objects are themselves.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use csv::StringRecord;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::decode::Misfit;
use super::records::{BOM, Fault, LONGEST, MOST_COLUMNS, Record};

/// In memory they take a hundred times their text at worst.
const MOST_VALUES: usize = 200_000;
/// Lists and objects in each other: as many as serde_json reads.
const DEEPEST: usize = 127;

/// The names of all objects of a list, in the order in which they come up.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Trimmed.
    pub names: Vec<String>,
    /// Of each: whether some line has a list or an object there.
    pub nested: Vec<bool>,
    /// The line of the first object; 1 where there is none.
    pub line: u64,
}

impl Names {
    /// Reads the list to its end.
    pub fn read(input: impl Read) -> Result<Names, Fault> {
        let mut lines = Lines::new(input);
        let mut found = Names::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        while lines.next()? {
            if found.line == 0 {
                found.line = lines.line;
            }
            let Rows { rows, differs } = lines.rows()?;
            let entries = rows.iter().flat_map(|row| &row.0);
            let entries = entries.map(|(name, value)| (name, Some(value)));
            for (name, value) in entries.chain(differs.iter().map(|name| (name, None))) {
                let name = name.trim();
                let place = match places.get(name) {
                    Some(place) => *place,
                    None if found.names.len() == MOST_COLUMNS => {
                        return Err(lines.fault(
                            0,
                            format!("the lines together have more than {MOST_COLUMNS} names"),
                        ));
                    }
                    None => {
                        places.insert(name.to_owned(), found.names.len());
                        found.names.push(name.to_owned());
                        found.nested.push(false);
                        found.names.len() - 1
                    }
                };
                found.nested[place] |=
                    value.is_some_and(|value| value.get().starts_with(['{', '[']));
            }
        }
        found.line = found.line.max(1);
        Ok(found)
    }
}

/// The objects of a list as records.
pub(super) struct JsonRows<R> {
    lines: Lines<R>,
    places: HashMap<String, usize>,
    /// Further rows of the line at hand.
    waiting: VecDeque<Record>,
}

impl<R: Read> JsonRows<R> {
    pub fn new(input: R, names: &Arc<[String]>) -> JsonRows<R> {
        let places = names.iter().enumerate();
        JsonRows {
            lines: Lines::new(input),
            places: places.map(|(place, name)| (name.clone(), place)).collect(),
            waiting: VecDeque::new(),
        }
    }

    /// The next record, a field for each column; `None` at the end of the source.
    pub fn next(&mut self) -> Result<Option<Record>, Fault> {
        while self.waiting.is_empty() {
            if !self.lines.next()? {
                return Ok(None);
            }
            let Rows { rows, differs } = self.lines.rows()?;
            for row in rows {
                self.waiting.push_back(self.record(row)?);
            }
            if let Some(first) = self.waiting.front_mut()
                && let Some(place) = differs.iter().find_map(|name| self.places.get(name.trim()))
            {
                first.wrong = Some((*place, DIFFERS.to_owned()));
            }
        }
        Ok(self.waiting.pop_front())
    }

    fn record(&self, row: Object<'_>) -> Result<Record, Fault> {
        let mut cells = vec![String::new(); self.places.len()];
        let (mut nested, mut wrong) = (Vec::new(), None);
        for (name, raw) in row.0 {
            let Some(&place) = self.places.get(name.trim()) else {
                let what = format!("the name {name:?} was not there when the list was first read");
                return Err(self.lines.fault(0, what));
            };
            if let Some(reason) = too_much(raw.get()) {
                wrong.get_or_insert((place, reason));
                continue;
            }
            let (text, value) = cell(raw.get()).map_err(|error| {
                let what = format!("the value of {name:?}: {}", bare(&error));
                self.lines.fault(0, what)
            })?;
            cells[place] = text;
            nested.extend(value.map(|value| (place, value)));
        }
        Ok(Record {
            line: self.lines.line,
            count: cells.len(),
            fields: StringRecord::from(cells),
            nested,
            wrong,
            undecided: None,
        })
    }
}

/// Why a value, which is JSON, is none for a message.
fn too_much(raw: &str) -> Option<String> {
    if !raw.starts_with(['[', '{']) {
        None
    } else if values(raw) > MOST_VALUES {
        Some(format!(
            "more than {MOST_VALUES} values, too much for one message"
        ))
    } else if depth(raw) > DEEPEST {
        Some(format!(
            "more than {DEEPEST} lists and objects in each other; make it flatter, or leave it out"
        ))
    } else {
        None
    }
}

/// How many lists and objects stand in each other.
fn depth(raw: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// As many values as a list or an object has at most: those in texts that look like more are counted too.
pub(super) fn values(raw: &str) -> usize {
    let begins = |byte: &u8| matches!(byte, b',' | b'[' | b'{');
    raw.bytes().filter(|byte| begins(byte)).count()
}

/// A value as text, and as what it is where that is more.
fn cell(raw: &str) -> Result<(String, Option<Value>), serde_json::Error> {
    Ok(match serde_json::from_str::<Value>(raw)? {
        Value::Null => (String::new(), None),
        Value::String(text) => (text, None),
        Value::Number(number) => {
            let exact = number.to_string() == raw;
            (raw.to_owned(), exact.then_some(Value::Number(number)))
        }
        value => (raw.to_owned(), Some(value)),
    })
}

/// The lines of a source that have something in them.
struct Lines<R> {
    input: BufReader<R>,
    buffer: Vec<u8>,
    /// The line at hand, 1-based.
    line: u64,
    /// Offset in the source of what comes next.
    offset: u64,
}

impl<R: Read> Lines<R> {
    fn new(input: R) -> Lines<R> {
        Lines {
            input: BufReader::with_capacity(1 << 18, input),
            buffer: Vec::new(),
            line: 0,
            offset: 0,
        }
    }

    /// Goes to the next line that is not blank; false at the end of the source.
    fn next(&mut self) -> Result<bool, Fault> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let mut limited = (&mut self.input).take(LONGEST as u64);
            let read = limited.read_until(b'\n', &mut self.buffer);
            let read = read.map_err(|trouble| {
                match trouble.get_ref().and_then(|it| it.downcast_ref::<Misfit>()) {
                    Some(misfit) => self.misfit(misfit.offset),
                    None => Fault::Io(trouble),
                }
            })?;
            if read == 0 {
                return Ok(false);
            }
            if read == LONGEST {
                return Err(Fault::TooLong { line: self.line });
            }
            self.offset += read as u64;
            if self.line == 1 && self.buffer.starts_with(BOM) {
                self.buffer.drain(..BOM.len());
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn misfit(&self, offset: u64) -> Fault {
        Fault::Misfit {
            line: self.line,
            offset,
            field: None,
        }
    }

    /// The line at hand.
    fn object(&self) -> Result<Object<'_>, Fault> {
        let line = self.buffer.trim_ascii_end();
        let text = str::from_utf8(line).map_err(|error| {
            let begun = self.offset - self.buffer.len() as u64;
            self.misfit(begun + error.valid_up_to() as u64)
        })?;
        serde_json::from_str(text).map_err(|error| {
            let before = text.get(..error.column().saturating_sub(1));
            let character = before.map_or(error.column(), |before| before.chars().count() + 1);
            self.fault(character, bare(&error))
        })
    }

    /// The rows of the line at hand: its object, or those that are in it.
    fn rows(&self) -> Result<Rows<'_>, Fault> {
        let object = self.object()?;
        let Some(Results { fields, rows }) = object.results() else {
            return Ok(Rows::just(object));
        };
        let wrong = |name| {
            move |error: serde_json::Error| self.fault(0, format!("in {name:?}: {}", bare(&error)))
        };
        let fields: Option<Object<'_>> = match fields {
            Some(fields) => Some(serde_json::from_str(fields).map_err(wrong(FIELDS))?),
            None => None,
        };
        let Some(rows) = rows else {
            return Ok(Rows {
                rows: fields.into_iter().collect(),
                differs: Vec::new(),
            });
        };
        let rows: Vec<Object<'_>> = serde_json::from_str(rows).map_err(wrong(ROWS))?;
        let differs = match (fields, rows.first()) {
            (Some(fields), Some(first)) => fields.differs(first),
            _ => Vec::new(),
        };
        Ok(Rows { rows, differs })
    }

    fn fault(&self, character: usize, what: String) -> Fault {
        Fault::Json {
            line: self.line,
            character: character.max(1),
            what,
        }
    }
}

/// What serde_json says, without its own place.
fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = match text.rsplit_once(" at line ") {
        Some((what, _)) => what,
        None => &text,
    };
    what.replace("invalid type: sequence, expected an object", "it is a list")
}

/// An object's names, none twice, and its values as they are written.
struct Object<'a>(Vec<(String, &'a RawValue)>);

/// The rows of a line.
struct Rows<'a> {
    rows: Vec<Object<'a>>,
    /// What the cells of its first row are called that `fields` has otherwise.
    differs: Vec<String>,
}

impl<'a> Rows<'a> {
    fn just(row: Object<'a>) -> Self {
        Rows {
            rows: vec![row],
            differs: Vec::new(),
        }
    }
}

/// Where a line of results has the cells of its row, or of its first one, and those of all rows of a group.
struct Results<'a> {
    fields: Option<&'a str>,
    rows: Option<&'a str>,
}

/// Which of the two was corrected nobody can tell.
const DIFFERS: &str = "\"fields\" has another value here than the first of \"rows\"; correct it in both, or leave \"fields\" out";

/// What these are called.
const ROWS: &str = "rows";
const FIELDS: &str = "fields";
/// What stands beside them in every line of results.
const BESIDE: [&str; 6] = ["key", "row", "address", "state", "attempts", "message_id"];

impl<'a> Object<'a> {
    /// Where the rows of the list stand in it, when it is a line of results.
    fn results(&self) -> Option<Results<'a>> {
        let entry = |wanted: &str| self.0.iter().find(|(name, _)| name == wanted);
        if !BESIDE.iter().all(|name| entry(name).is_some()) {
            return None;
        }
        let part = |name, begins| {
            let part = entry(name).map(|(_, part)| part.get());
            part.filter(|part| part.starts_with(begins))
        };
        let (fields, rows) = (part(FIELDS, '{'), part(ROWS, '['));
        (fields.is_some() || rows.is_some()).then_some(Results { fields, rows })
    }

    /// The names whose values the other has not, or not so. None is as good as `null`.
    fn differs(&self, other: &Object<'_>) -> Vec<String> {
        let value = |object: &Object<'_>, wanted: &str| {
            let entry = object.0.iter().find(|(name, _)| name == wanted);
            entry.map_or("null", |(_, value)| value.get()).to_owned()
        };
        let differs = |name: &&String| {
            let (one, two) = (value(self, name), value(other, name));
            // Spaces, and how a text is escaped, are a program's that wrote them.
            let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
            one != two && (parsed(&one).is_none() || parsed(&one) != parsed(&two))
        };
        let names = (self.0.iter().chain(&other.0)).map(|(name, _)| name);
        names.filter(differs).cloned().collect()
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut entries: Vec<(String, &RawValue)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, _>()? {
            if entries.len() == MOST_COLUMNS {
                return Err(M::Error::custom(format_args!(
                    "more than {MOST_COLUMNS} names"
                )));
            }
            entries.push((name, value));
        }
        // Sorted: a line may have thousands.
        let mut names: Vec<_> = entries.iter().map(|(name, _)| name.trim()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(M::Error::custom(format_args!(
                "the name {:?} twice",
                pair[0]
            )));
        }
        Ok(Object(entries))
    }
}
