//! Which kind of list a file is, by its name; by its first bytes where it has none.

use std::path::Path;

use memchr::memmem;

/// What may stand in a list's name, as errors say it.
pub const NAMES: &str = ".csv, .tsv, .jsonl, .xlsx or .ods (.gz behind it for a compressed one)";

/// What stands near the beginning of a workbook of LibreOffice.
const LIBRE_OFFICE: &[u8] = b"opendocument.spreadsheet";

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
            _ if is_zip(start) && memmem::find(start, LIBRE_OFFICE).is_some() => Format::Ods,
            _ if is_zip(start) => Format::Xlsx,
            _ if first_sign(start) == Some(b'{') => Format::Jsonl,
            _ => Format::Text { delimiter: b',' },
        };
        Kind { format, gzip }
    }
}

/// What a file is by its first bytes where its name says another thing, and what to do with it; `None` where the bytes may be
/// what the name says, or are nothing that is known.
pub(super) fn misnamed(file: &Path, kind: Kind, start: &[u8]) -> Option<(&'static str, String)> {
    let of_excel = memmem::find(start, b"xl/").is_some();
    let of_libre_office = memmem::find(start, LIBRE_OFFICE).is_some();
    let (is, ending, format) = match start {
        _ if is_zip(start) && of_libre_office => {
            ("a workbook of LibreOffice", "ods", Some(Format::Ods))
        }
        _ if is_zip(start) && of_excel => ("a workbook of Excel", "xlsx", Some(Format::Xlsx)),
        _ if is_zip(start) => ("a zip file", "", None),
        _ if is_gzip(start) && kind.gzip => {
            let way = "uncompress it once".to_owned();
            return Some(("compressed (gzip) twice", way));
        }
        _ if is_gzip(start) => {
            let name = file.file_name().unwrap_or_default();
            return Some(("compressed (gzip)", rename(&name.to_string_lossy(), "gz")));
        }
        [0xd0, 0xcf, 0x11, 0xe0, ..] => ("a workbook of Excel 2003 or older", "", None),
        _ if start.starts_with(b"%PDF-") => ("a PDF", "", None),
        _ if is_page(start) => ("a web page", "", None),
        _ if is_json(start) => ("JSON", "jsonl", Some(Format::Jsonl)),
        _ if is_text(start) => {
            let format = Some(Format::Text { delimiter: b',' });
            ("text, such as CSV", "csv", format)
        }
        _ => return None,
    };
    let may_be = match (kind.format, format) {
        (Format::Text { .. }, Some(Format::Text { .. })) => true,
        // The reader says which line is none.
        (Format::Jsonl, Some(Format::Text { .. })) => true,
        // Whoever reads workbooks says better what is wrong with a zip file, or one that is protected.
        (Format::Xlsx | Format::Ods, None) => is_zip(start) || start.starts_with(b"\xd0\xcf"),
        (named, format) => format == Some(named),
    };
    let way = match (file.file_stem(), ending) {
        _ if may_be => return None,
        (Some(stem), ending) if !ending.is_empty() => {
            let stem = Path::new(stem);
            match kind.gzip {
                true => rename(&stem.with_extension(ending).to_string_lossy(), "gz"),
                false => rename(&stem.to_string_lossy(), ending),
            }
        }
        _ => "save the list as CSV".to_owned(),
    };
    Some((is, way))
}

fn rename(name: &str, ending: &str) -> String {
    format!("rename it to {name}.{ending}, under [recipients] too")
}

fn is_page(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    let begins = |with: &[u8]| {
        let start = start.get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    [&b"<!doctype"[..], b"<html", b"<table"]
        .into_iter()
        .any(begins)
}

fn is_json(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let start = start.trim_ascii_start();
    start
        .strip_prefix(b"{")
        .is_some_and(|object| object.trim_ascii_start().starts_with(b"\""))
}

/// Whether it is text in any encoding.
fn is_text(start: &[u8]) -> bool {
    let wide = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
    wide || start
        .iter()
        .all(|byte| *byte >= b' ' || byte.is_ascii_whitespace())
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
