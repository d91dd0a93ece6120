//! A table of lists as the world has them: each with the exact rows, notes and error that it must give.
//!
//! A list's outcome is told in lines: `note: …`, then each row as `row@line key|address|display|cells` (a cell that is more than
//! text as `text=JSON`, further rows of a group as ` + row@line cells`) or `row@line invalid "key" column: reason`, then `error: …`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod addresses;
mod cells;
mod choices;
mod delimiters;
mod encodings;
mod files;
mod groups;
mod hostile;
mod hostile_books;
mod json;
mod properties;
mod sheets;
mod zip;

use std::io::Write;
use std::path::Path;
use std::{env, fs};

use super::*;
use crate::campaign::ListSettings;

/// One list of the table.
struct Case {
    /// Its name, which says its kind.
    file: &'static str,
    bytes: Vec<u8>,
    set: fn(&mut ListSettings),
    gives: &'static [&'static str],
}

/// A list with the usual settings: the address in `email`.
fn case(file: &'static str, bytes: impl AsRef<[u8]>, gives: &'static [&'static str]) -> Case {
    with(file, bytes, |_| {}, gives)
}

/// A list with settings of its own.
fn with(
    file: &'static str,
    bytes: impl AsRef<[u8]>,
    set: fn(&mut ListSettings),
    gives: &'static [&'static str],
) -> Case {
    Case {
        file,
        bytes: bytes.as_ref().to_vec(),
        set,
        gives,
    }
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes.as_ref()).unwrap();
    out.finish().unwrap()
}

fn check(cases: Vec<Case>) {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = String::new();
    for (number, case) in cases.iter().enumerate() {
        let file = dir.path().join(case.file);
        fs::write(&file, &case.bytes).unwrap();
        // The seeds of the fuzz targets are these lists: tests/fuzz/seeds.
        if let Some(seeds) = env::var_os("MAILRUN_TEST_LISTS") {
            fs::write(Path::new(&seeds).join(case.file), &case.bytes).unwrap();
        }
        let mut settings = ListSettings::new(&file);
        (case.set)(&mut settings);
        let found = outcome(&settings, dir.path());
        if found != case.gives {
            wrong.push_str(&format!("\n#{number} {}\n", case.file));
            for line in &found {
                wrong.push_str(&format!("    {line:?},\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "lists that gave something else:{wrong}");
}

/// What a list comes to, its folder's name taken out.
fn outcome(settings: &ListSettings, dir: &Path) -> Vec<String> {
    let plain = |text: &str| text.replace(&format!("{}/", dir.display()), "");
    let failed = |error: ListError| format!("error: {}", plain(&error.to_string()));
    let source = match Source::look(settings) {
        Ok(source) => source,
        Err(error) => return vec![failed(error)],
    };
    let notes = source.notes().iter();
    let mut lines: Vec<_> = notes.map(|note| plain(&format!("note: {note}"))).collect();
    let read = |lines: &mut Vec<String>| match source.open() {
        Ok(list) => lines.extend(list.map(|row| row.map_or_else(failed, told))),
        Err(error) => lines.push(failed(error)),
    };
    let (mut first, mut again) = (Vec::new(), Vec::new());
    read(&mut first);
    read(&mut again);
    assert_eq!(first, again, "a list reads the same each time");
    lines.extend(first);
    lines
}

fn cells(fields: &csv::StringRecord, nested: &[(usize, serde_json::Value)]) -> String {
    let mut cells: Vec<_> = fields.iter().map(str::to_owned).collect();
    for (column, value) in nested {
        cells[*column].push_str(&format!("={value}"));
    }
    cells.join("|")
}

fn further(others: &[GroupRow]) -> String {
    let one = |it: &GroupRow| {
        let Position { row, line } = it.position;
        format!(" + {row}@{line} {}", cells(&it.fields, &it.nested))
    };
    others.iter().map(one).collect()
}

fn told(row: Row) -> String {
    match row {
        Row::Recipient(it) => {
            let cells = cells(&it.fields, &it.nested) + &further(&it.others);
            let Position { row, line } = it.position;
            let display = it.display.unwrap_or_default();
            let (key, address) = (it.key, it.address);
            format!("{row}@{line} {key}|{address}|{display}|{cells}")
        }
        Row::Invalid(it) => {
            let Position { row, line } = it.position;
            let column = it.column.map(|column| format!(" {column}"));
            let (key, column, reason) = (it.key, column.unwrap_or_default(), it.reason);
            let further = further(&it.others);
            format!("{row}@{line} invalid {key:?}{column}: {reason}{further}")
        }
    }
}

#[test]
fn the_table_is_long_enough() {
    let cases = [
        addresses::cases(),
        cells::cases(),
        choices::cases(),
        delimiters::cases(),
        encodings::cases(),
        files::cases(),
        groups::cases(),
        hostile::cases(),
        json::cases(),
        sheets::cases(),
    ];
    let count: usize = cases.iter().map(Vec::len).sum();
    assert!(count >= 80, "{count} lists");
}
