//! Why a list cannot be read. Every text says where, what, and what to do.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::Position;
use crate::wording::shell_word;

/// A place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The header, with its 1-based line.
    Header {
        /// 1-based line of the file.
        line: u64,
    },
    /// A 1-based line, where rows are not counted yet.
    Line(u64),
    /// The names of a JSONL's objects.
    Names,
    /// A row.
    Row(Position),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Header { line } => write!(f, "header (line {line})"),
            Place::Line(line) => write!(f, "line {line}"),
            Place::Names => f.write_str("names of the objects"),
            Place::Row(Position { row, line }) => write!(f, "row {row} (line {line})"),
        }
    }
}

/// Why a list cannot be read, or not further. Nothing of it may be mailed then.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// No such file.
    #[error("{}: there is no such list; correct \"file\" under [recipients], or put the list there", .file.display())]
    NotThere {
        /// The list.
        file: PathBuf,
    },
    /// A folder instead of a file.
    #[error("{}: this is a directory, not a list; name a file with \"file\" under [recipients]", .file.display())]
    Directory {
        /// The list.
        file: PathBuf,
    },
    /// The file may not be read.
    #[error("{}: no permission to read the list; make it readable for the user who runs mailrun", .file.display())]
    Permission {
        /// The list.
        file: PathBuf,
    },
    /// Any other trouble with reading.
    #[error("{}: the list cannot be read: {cause}; see that the file and its disk are sound, and run the same command again", .file.display())]
    Io {
        /// The list.
        file: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// Standard input cannot be read, or not be copied.
    #[error(
        "standard input cannot be copied into a temporary file: {cause}; see that the command before the pipe works and that the disk has room (TMPDIR names another folder)"
    )]
    Stdin {
        /// What the operating system said.
        cause: io::Error,
    },
    /// Rows cannot be brought together.
    #[error("{}: the rows of \"group_by\" cannot be brought together in a temporary file: {cause}; see that the disk has room for two copies of the list (TMPDIR names another folder)", .file.display())]
    Gather {
        /// The list.
        file: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// A pipe or a device.
    #[error("{}: this is a pipe or a device, and a list is read more than once; give it on standard input: --recipients - < {}", .file.display(), shell_word(.file))]
    NoFile {
        /// The list.
        file: PathBuf,
    },
    /// Named as compressed, and not so.
    #[error("{}: the name ends in .gz, and the file is not compressed by gzip; rename it", .file.display())]
    NoGzip {
        /// The list.
        file: PathBuf,
    },
    /// Named as what it is not.
    #[error("{}: by its bytes this is {is}, not what its name says; {way}", .file.display())]
    Misnamed {
        /// The list.
        file: PathBuf,
        /// What it is.
        is: &'static str,
        /// What to do.
        way: String,
    },
    /// A byte order mark says another encoding than the settings.
    #[error("{}: the file begins with a byte order mark of {marked}, and \"encoding\" under [recipients] says {set}; leave \"encoding\" out", .file.display())]
    Marked {
        /// The list.
        file: PathBuf,
        /// By the settings.
        set: &'static str,
        /// By the mark.
        marked: &'static str,
    },
    /// A workbook that cannot be read.
    #[error("{}: the workbook cannot be read: {cause}; open it and save it again, or save the sheet as CSV", .file.display())]
    Workbook {
        /// The list.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A workbook has no such sheet.
    #[error("{}: there is no sheet {wanted:?}, which \"sheet\" under [recipients] names; the sheets are {all}", .file.display())]
    NoSheet {
        /// The list.
        file: PathBuf,
        /// The sheet wanted.
        wanted: String,
        /// Those there are, quoted.
        all: String,
    },
    /// A byte that does not fit the encoding.
    #[error("{}, {place}{}: the byte at offset {offset} of the {} is not {encoding}; save the list as UTF-8 (spreadsheets call it \"CSV UTF-8\"), or set encoding = \"...\" under [recipients]", .file.display(), in_column(.column), unzipped(.file))]
    Misfit {
        /// The list.
        file: PathBuf,
        /// Its row, with the line of the byte itself.
        place: Place,
        /// The column's name in quotes, or its 1-based number when it has none.
        column: Option<String>,
        /// The encoding it was read in.
        encoding: &'static str,
        /// Bytes of the file before it.
        offset: u64,
    },
    /// A line of a JSONL that is no object.
    #[error("{}:{line}:{character}: this line is no JSON object: {what}; write one object a line, such as {{\"email\": \"jane@x.example\"}}", .file.display())]
    Json {
        /// The list.
        file: PathBuf,
        /// 1-based.
        line: u64,
        /// 1-based.
        character: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A column's name with a NUL in it.
    #[error("{}, {place}: the name of column {column} has a NUL character (U+0000); save the list anew as CSV in UTF-8", .file.display())]
    NulName {
        /// The list.
        file: PathBuf,
        /// The header.
        place: Place,
        /// 1-based.
        column: usize,
    },
    /// The file ends inside a quoted field.
    #[error("{}, {place}: a quote (\") is opened here and never closed; close it, or double each quote that belongs to the text (\"\")", .file.display())]
    Unclosed {
        /// The list.
        file: PathBuf,
        /// Where the record begins that holds the quote.
        place: Place,
    },
    /// Text after a closing quote.
    #[error("{}, {place}, column {column}: text after a closing quote (\"); either a quote is opened here and never closed, or one belongs to the text and must be doubled (\"\")", .file.display())]
    Stray {
        /// The list.
        file: PathBuf,
        /// Where the record begins.
        place: Place,
        /// The column's name in quotes, or its 1-based number when it has none.
        column: String,
    },
    /// A record past the limit.
    #[error("{}, {place}: longer than {mebibytes} MiB; most likely a quote (\") is opened here and never closed: close it", .file.display())]
    TooLong {
        /// The list.
        file: PathBuf,
        /// Where the record begins.
        place: Place,
        /// The limit.
        mebibytes: usize,
    },
    /// Nothing but blank lines.
    #[error("{}: the list is empty; its first line must name the columns, such as: email,name", .file.display())]
    NoHeader {
        /// The list.
        file: PathBuf,
    },
    /// A JSONL without an object.
    #[error("{}: the list is empty; each line must be an object, such as {{\"email\": \"jane@x.example\"}}", .file.display())]
    NoObject {
        /// The list.
        file: PathBuf,
    },
    /// A column without a name.
    #[error("{}, {place}: column {column} of {count} has no name; name it, or take the column out (a delimiter too many makes one)", .file.display())]
    Unnamed {
        /// The list.
        file: PathBuf,
        /// The header.
        place: Place,
        /// 1-based.
        column: usize,
        /// How many columns there are.
        count: usize,
    },
    /// More columns than any spreadsheet has.
    #[error("{}, {place}: {count} columns, where {most} are allowed; see that the line ends, and that the delimiter is the right one", .file.display())]
    TooManyColumns {
        /// The list.
        file: PathBuf,
        /// The header.
        place: Place,
        /// How many there are.
        count: usize,
        /// How many are allowed.
        most: usize,
    },
    /// Two columns of one name.
    #[error("{}, {place}: columns {first} and {second} are both named {name:?}; rename one of them", .file.display())]
    SameName {
        /// The list.
        file: PathBuf,
        /// The header.
        place: Place,
        /// 1-based.
        first: usize,
        /// 1-based.
        second: usize,
        /// The name, trimmed.
        name: String,
    },
    /// A column named as what templates have anyway.
    #[error("{}, {place}: column {column} is named {name:?}, which is a value of mailrun's own in every template; rename the column", .file.display())]
    BuiltIn {
        /// The list.
        file: PathBuf,
        /// The header.
        place: Place,
        /// 1-based.
        column: usize,
        /// The name.
        name: String,
    },
    /// `where` is no question.
    #[error("{}, {place}: \"where\" under [recipients] gives {kind}, not true or false; write a comparison, such as plan == \"pro\"", .file.display())]
    NoQuestion {
        /// The list.
        file: PathBuf,
        /// The row at which it showed.
        place: Place,
        /// What it gives.
        kind: &'static str,
    },
    /// A setting names a column that is not there.
    #[error("{}, {place}: there is no column {name:?}, which \"{setting}\" under [recipients] names; {hint}", .file.display())]
    NoColumn {
        /// The list.
        file: PathBuf,
        /// The header.
        place: Place,
        /// The setting.
        setting: &'static str,
        /// The column it names.
        name: String,
        /// The nearest name, and the columns there are.
        hint: String,
    },
}

impl ListError {
    /// Why the file could not be opened or read.
    pub(super) fn from_io(file: &Path, cause: io::Error) -> ListError {
        let file = file.to_owned();
        match cause.kind() {
            ErrorKind::NotFound => ListError::NotThere { file },
            ErrorKind::IsADirectory => ListError::Directory { file },
            ErrorKind::PermissionDenied => ListError::Permission { file },
            _ => ListError::Io { file, cause },
        }
    }
}

fn in_column(column: &Option<String>) -> String {
    let column = column.as_ref();
    column.map_or_else(String::new, |column| format!(", column {column}"))
}

/// What an offset counts in.
fn unzipped(file: &Path) -> &'static str {
    match file.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("gz") => "uncompressed file",
        _ => "file",
    }
}

/// A character that cannot be shown, by its number.
pub(super) fn spell(c: char) -> String {
    format!("control character (U+{:04X})", u32::from(c))
}

/// A character in quotes, in escapes where it could not be seen.
pub(super) fn shown(c: char) -> String {
    format!(
        "\"{}\"",
        if c == '"' {
            "\\\"".to_owned()
        } else {
            c.escape_debug().to_string()
        }
    )
}
