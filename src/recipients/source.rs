//! A list looked at before its rows are read: what it is, how it is written, which columns it has.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::decode::Decoded;
use super::delimiter;
use super::encoding::{self, Encoded};
use super::error::{ListError, Place};
use super::gather::Gathered;
use super::jsonl::{JsonRows, Names};
use super::kind::{Format, Kind, is_gzip, misnamed};
use super::list::{List, Reader, Rows, explain};
use super::origin::{Origin, STDIN, spool};
use super::records::{MOST_COLUMNS, Records};
use super::workbook::{Sheet, Trouble};
use crate::campaign::ListSettings;
use crate::wording::{count, printable};

/// Bytes of text in which the delimiter is looked for.
const START: usize = 64 << 10;
/// Bytes that say what a file is.
const LOOKED_AT: usize = 4096;
/// Rows in which a sample of names is looked for, and names in it.
const SAMPLED: usize = 100_000;
const SAMPLE: usize = 3;
/// Characters shown of each.
const SHOWN: usize = 30;

/// A list that was looked at, to be opened as often as wanted. What it needs on the way (a copy of standard input, of a
/// sheet) has no name, and goes with it.
#[derive(Debug)]
pub struct Source {
    pub(super) settings: ListSettings,
    origin: Origin,
    gzip: bool,
    pub(super) form: Form,
    /// With `group_by`, the rows of each group together.
    gathered: Option<Gathered>,
    notes: Vec<String>,
}

/// How the rows are written.
#[derive(Debug)]
pub(super) enum Form {
    Text { encoded: Encoded, delimiter: u8 },
    Jsonl { encoded: Encoded, names: Names },
    Workbook(Sheet),
}

impl Source {
    /// Looks at the list: its encoding, its delimiter, a JSONL's names are found by reading it; standard input and the
    /// sheet of a workbook are copied, and with `group_by` all rows, those of each group together.
    ///
    /// # Errors
    /// What makes the list unusable before its first row; with `group_by` all that does.
    pub fn look(settings: &ListSettings) -> Result<Source, ListError> {
        let file = &settings.file;
        let mut origin = Origin::of(file)?;
        let failed = |cause| ListError::from_io(file, cause);
        let kind = match Kind::of_name(file) {
            Some(kind) => kind,
            None => kind_of_bytes(&origin).map_err(failed)?,
        };
        let first = origin.start(false, 16).map_err(failed)?;
        if kind.gzip && !is_gzip(&first) && !first.is_empty() {
            return Err(ListError::NoGzip { file: file.clone() });
        }
        // Not even the head of an archive: there is nothing to uncompress.
        let gzip = kind.gzip && !first.is_empty();
        let start = origin.start(gzip, LOOKED_AT).map_err(failed)?;
        if start.is_empty() && matches!(kind.format, Format::Xlsx | Format::Ods) {
            return Err(ListError::NoHeader { file: file.clone() });
        }
        if let Some((is, way)) = misnamed(file, kind, &start) {
            let file = file.clone();
            return Err(ListError::Misnamed { file, is, way });
        }
        let mut source = Source {
            settings: settings.clone(),
            origin: origin.clone(),
            gzip,
            form: Form::Text {
                encoded: UNKNOWN,
                delimiter: b',',
            },
            gathered: None,
            notes: Vec::new(),
        };
        match kind.format {
            Format::Text { delimiter } => source.look_at_text(delimiter)?,
            Format::Jsonl => source.look_at_jsonl()?,
            Format::Xlsx | Format::Ods => {
                if gzip {
                    // Cells are found by seeking.
                    origin = spool(&mut origin.plain(true).map_err(failed)?).map_err(failed)?;
                }
                source.look_at_workbook(&origin, kind.format)?;
            }
        }
        if settings.group_by.is_some() {
            let gathered = Gathered::gather(source.reader()?)?;
            source.notes.push(gathered.note.clone());
            source.gathered = Some(gathered);
        }
        Ok(source)
    }

    /// Opens the list at its first row.
    ///
    /// # Errors
    /// When the list cannot be read, its header has no names, the same name twice or one that templates have already, or a
    /// column is not there that a setting names.
    pub fn open(&self) -> Result<List, ListError> {
        match &self.gathered {
            Some(gathered) => List::of_groups(gathered, self.file()),
            None => self.reader().map(List::of_rows),
        }
    }

    fn reader(&self) -> Result<Reader, ListError> {
        Reader::over(self, self.rows().map_err(|cause| self.failed(cause))?)
    }

    /// What people should know of how the list is read, a line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether several rows may be one recipient.
    pub fn is_grouped(&self) -> bool {
        self.gathered.is_some()
    }

    /// The list's name.
    pub fn file(&self) -> &PathBuf {
        &self.settings.file
    }

    /// Whether the cells of a column, by its 0-based place, may be lists or objects.
    pub fn is_nested(&self, column: usize) -> bool {
        match &self.form {
            Form::Jsonl { names, .. } => names.nested.get(column).is_some_and(|nested| *nested),
            Form::Text { .. } | Form::Workbook(_) => false,
        }
    }

    /// The encoding's name, for errors.
    pub(super) fn encoding(&self) -> &'static str {
        match &self.form {
            Form::Text { encoded, .. } | Form::Jsonl { encoded, .. } => encoded.encoding.name(),
            Form::Workbook(_) => UTF_8.name(),
        }
    }

    /// The records, the header among them.
    pub(super) fn rows(&self) -> io::Result<Rows> {
        Ok(match &self.form {
            Form::Text { encoded, delimiter } => {
                Rows::Text(Records::new(self.text(*encoded)?, *delimiter))
            }
            Form::Jsonl { encoded, names } => {
                let columns: Arc<[String]> = names.names.clone().into();
                Rows::Json(JsonRows::new(self.text(*encoded)?, &columns))
            }
            Form::Workbook(sheet) => Rows::Sheet(sheet.rows()?),
        })
    }

    /// The list's text as UTF-8; where it is UTF-8, bytes that are none are for the reader to find.
    fn text(&self, encoded: Encoded) -> io::Result<Box<dyn Read + Send>> {
        let mut bytes = self.origin.plain(self.gzip)?;
        if encoded.encoding == UTF_8 {
            return Ok(bytes);
        }
        io::copy(
            &mut bytes.by_ref().take(encoded.mark as u64),
            &mut io::sink(),
        )?;
        let skipped = encoded.mark as u64;
        Ok(Box::new(Decoded::new(bytes, encoded.encoding, skipped)))
    }

    fn look_at_text(&mut self, usual: u8) -> Result<(), ListError> {
        let encoded = self.encoded()?;
        let delimiter = match self.settings.delimiter {
            Some(delimiter) => delimiter,
            None => {
                let mut start = Vec::new();
                let text = self.text(encoded).map_err(|cause| self.failed(cause))?;
                // A byte that does not fit is for the reader to tell.
                let _ = text.take(START as u64).read_to_end(&mut start);
                let whole = start.len() < START;
                delimiter::detect(&start, whole, &self.settings.columns(), usual)
            }
        };
        if self.settings.delimiter.is_none() && delimiter != usual {
            self.notes.push(format!(
                "{}: the columns are separated by {}",
                self.settings.file.display(),
                delimiter::name(delimiter)
            ));
        }
        self.form = Form::Text { encoded, delimiter };
        self.tell_guess(encoded);
        Ok(())
    }

    fn look_at_jsonl(&mut self) -> Result<(), ListError> {
        let encoded = self.encoded()?;
        let text = self.text(encoded).map_err(|cause| self.failed(cause))?;
        let names = Names::read(text).map_err(|fault| {
            let (file, encoding) = (&self.settings.file, encoded.encoding.name());
            explain(fault, file, encoding, Place::Line, &[])
        })?;
        self.form = Form::Jsonl { encoded, names };
        self.tell_guess(encoded);
        Ok(())
    }

    fn look_at_workbook(&mut self, origin: &Origin, format: Format) -> Result<(), ListError> {
        let file = &self.settings.file;
        let wanted = self.settings.sheet.as_deref();
        let sheet = Sheet::copy(origin, format, wanted).map_err(|trouble| match trouble {
            Trouble::Io(cause) => ListError::from_io(file, cause),
            Trouble::Broken(cause) => ListError::Workbook {
                file: file.clone(),
                cause: printable(&cause),
            },
            Trouble::NoSheet(all) => ListError::NoSheet {
                file: file.clone(),
                wanted: wanted.unwrap_or_default().to_owned(),
                all: quoted(&all),
            },
        })?;
        if wanted.is_none() && sheet.all.len() > 1 {
            self.notes.push(format!(
                "{}: read from {:?}, the first of {}; \"sheet\" under [recipients] names another: {}",
                file.display(),
                sheet.name,
                count(sheet.all.len() as u64, "sheet"),
                quoted(&sheet.all)
            ));
        }
        self.form = Form::Workbook(sheet);
        Ok(())
    }

    /// The encoding: as it is set, or as the bytes say.
    fn encoded(&self) -> Result<Encoded, ListError> {
        let failed = |cause| self.failed(cause);
        let file = || self.settings.file.clone();
        let start = self.origin.start(self.gzip, 16).map_err(failed)?;
        let Some(set) = self.settings.encoding else {
            let bytes = self.origin.plain(self.gzip).map_err(failed)?;
            return encoding::detect(bytes).map_err(failed);
        };
        let Some(marked) = encoding::marked(&start) else {
            return Ok(Encoded {
                encoding: set,
                mark: 0,
                guessed: false,
            });
        };
        // The label "utf-16" says nothing of the order of bytes.
        let wide = |it: &'static Encoding| it == UTF_16LE || it == UTF_16BE;
        if marked.encoding != set && !(wide(marked.encoding) && wide(set)) {
            return Err(ListError::Marked {
                file: file(),
                set: set.name(),
                marked: marked.encoding.name(),
            });
        }
        Ok(marked)
    }

    /// Says what a guess came to, by names that people can look at.
    fn tell_guess(&mut self, encoded: Encoded) {
        if !encoded.guessed {
            return;
        }
        let sample = match self.sample() {
            sample if sample.is_empty() => String::new(),
            sample => format!("; first names: {}", sample.join(", ")),
        };
        self.notes.push(format!(
            "{}: read as {}{sample}; set encoding = \"...\" under [recipients] if this is wrong",
            self.settings.file.display(),
            encoded.encoding.name()
        ));
    }

    /// The first few cells beyond ASCII; those of the display column, where it has some.
    fn sample(&self) -> Vec<String> {
        let Ok(mut rows) = self.rows() else {
            return Vec::new();
        };
        let header = match &self.form {
            Form::Text { .. } => rows.next(MOST_COLUMNS).ok().flatten(),
            Form::Jsonl { .. } | Form::Workbook(_) => None,
        };
        let display = self.settings.display.as_deref().and_then(|wanted| {
            let names = header.as_ref().map(|header| &header.fields);
            names?.iter().position(|name| name.trim() == wanted)
        });
        let (mut named, mut others) = (Vec::new(), Vec::new());
        for _ in 0..SAMPLED {
            let Ok(Some(record)) = rows.next(MOST_COLUMNS) else {
                break;
            };
            for (place, cell) in record.fields.iter().enumerate() {
                let cell = || printable(&cell.trim().chars().take(SHOWN).collect::<String>());
                if record.fields[place].is_ascii() {
                } else if display == Some(place) {
                    named.push(cell());
                } else if others.len() < SAMPLE {
                    others.push(cell());
                }
            }
            if named.len() >= SAMPLE || (display.is_none() && others.len() >= SAMPLE) {
                break;
            }
        }
        named.truncate(SAMPLE);
        if named.is_empty() { others } else { named }
    }

    fn failed(&self, cause: io::Error) -> ListError {
        ListError::from_io(&self.settings.file, cause)
    }
}

/// Before it is known.
const UNKNOWN: Encoded = Encoded {
    encoding: UTF_8,
    mark: 0,
    guessed: false,
};

/// The kind of standard input.
fn kind_of_bytes(origin: &Origin) -> io::Result<Kind> {
    let kind = Kind::of_bytes(&origin.start(false, LOOKED_AT)?);
    if !kind.gzip {
        return Ok(kind);
    }
    let inside = Kind::of_bytes(&origin.start(true, LOOKED_AT)?);
    Ok(Kind {
        gzip: true,
        ..inside
    })
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    names.join(", ")
}

/// Whether the list is standard input.
pub fn is_stdin(file: &std::path::Path) -> bool {
    file.as_os_str() == STDIN
}

impl Source {
    /// Where the names of the columns stand.
    pub(super) fn names_place(&self, line: u64) -> Place {
        match self.form {
            Form::Jsonl { .. } => Place::Names,
            Form::Text { .. } | Form::Workbook(_) => Place::Header { line },
        }
    }
}
