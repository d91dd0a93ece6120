//! Which kind of list a file is, by its name; by its first bytes where it has none.

use std::path::Path;

/// What may stand in a list's name, as errors say it.
pub const NAMES: &str = ".csv, .tsv, .jsonl, .xlsx or .ods (.gz behind it for a compressed one)";

/// What the rows of a list are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Fields between delimiters (RFC 4180); the delimiter when nothing else is found.
    Text {
        /// `,` or a tab.
        delimiter: u8,
    },
    /// One JSON object a line.
    Jsonl,
    /// A workbook of Excel 2007 and later.
    Xlsx,
    /// A workbook of LibreOffice.
    Ods,
}

/// A list's format, and whether it is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What it is when it is not compressed (any more).
    pub format: Format,
    /// By gzip (RFC 1952).
    pub gzip: bool,
}

impl Kind {
    /// The kind that the name says; `None` when it says none that can be read.
    pub fn of_name(file: &Path) -> Option<Kind> {
        let name = file.file_name()?.to_string_lossy().to_ascii_lowercase();
        let (name, gzip) = match name.strip_suffix(".gz") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        let format = match name.rsplit_once('.')?.1 {
            "csv" => Format::Text { delimiter: b',' },
            "tsv" => Format::Text { delimiter: b'\t' },
            "jsonl" | "ndjson" => Format::Jsonl,
            "xlsx" | "xlsm" => Format::Xlsx,
            "ods" => Format::Ods,
            _ => return None,
        };
        Some(Kind { format, gzip })
    }

    /// The kind of bytes without a name: those that come in on standard input. What is nothing else is CSV.
    pub fn of_bytes(start: &[u8]) -> Kind {
        let gzip = is_gzip(start);
        let format = match start {
            _ if is_zip(start) && contains(start, b"opendocument.spreadsheet") => Format::Ods,
            _ if is_zip(start) => Format::Xlsx,
            _ if first_sign(start) == Some(b'{') => Format::Jsonl,
            _ => Format::Text { delimiter: b',' },
        };
        Kind { format, gzip }
    }
}

/// What a file is whose name says that it is text, when its first bytes say otherwise.
pub(super) fn no_text(start: &[u8]) -> Option<&'static str> {
    match start {
        _ if is_zip(start) => Some("a workbook or another zip file"),
        _ if is_gzip(start) => Some("compressed (gzip)"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some("a workbook of Excel 2003 or older"),
        _ if start.starts_with(b"%PDF-") => Some("a PDF"),
        _ => None,
    }
}

pub(super) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
}

fn is_zip(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04")
}

/// The first byte that is no white space and no byte order mark.
fn first_sign(start: &[u8]) -> Option<u8> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    start
        .iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_kind() {
        let text = |delimiter| Some((Format::Text { delimiter }, false));
        for (name, kind) in [
            ("a.csv", text(b',')),
            ("b/A.CSV", text(b',')),
            ("a.tsv", text(b'\t')),
            ("a.jsonl", Some((Format::Jsonl, false))),
            ("a.ndjson.gz", Some((Format::Jsonl, true))),
            ("a.xlsx", Some((Format::Xlsx, false))),
            ("a.Ods.GZ", Some((Format::Ods, true))),
            ("a.txt", None),
            ("a.gz", None),
            ("csv", None),
            ("a.xls", None),
        ] {
            let found = Kind::of_name(Path::new(name)).map(|kind| (kind.format, kind.gzip));
            assert_eq!(found, kind, "{name}");
        }
    }

    #[test]
    fn bytes_say_the_kind() {
        let comma = Format::Text { delimiter: b',' };
        for (bytes, format, gzip) in [
            (&b"email\n"[..], comma, false),
            (b"", comma, false),
            (b"\xef\xbb\xbf\n {\"email\":1}", Format::Jsonl, false),
            (b"PK\x03\x04 xl/workbook.xml", Format::Xlsx, false),
            (
                b"PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
                Format::Ods,
                false,
            ),
            (b"\x1f\x8b\x08", comma, true),
        ] {
            assert_eq!(Kind::of_bytes(bytes), Kind { format, gzip });
        }
    }
}
