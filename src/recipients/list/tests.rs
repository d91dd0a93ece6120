//! Tests of the list: rows judged, lists refused.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::{self, File};

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::{InvalidRow, Recipient};
use super::*;

fn settings(file: &Path) -> ListSettings {
    ListSettings::new(file)
}

/// Rows in short: `row@line key|address|display|fields` or `row@line column: reason`.
fn short(row: Row) -> String {
    match row {
        Row::Recipient(Recipient {
            key,
            address,
            display,
            position: Position { row, line },
            fields,
            nested,
            others: _,
        }) => {
            let mut fields: Vec<_> = fields.iter().map(str::to_owned).collect();
            for (column, value) in nested {
                fields[column].push_str(&format!("={value}"));
            }
            format!(
                "{row}@{line} {key}|{address}|{}|{}",
                display.unwrap_or_default(),
                fields.join("|")
            )
        }
        Row::Invalid(InvalidRow {
            key,
            address,
            position: Position { row, line },
            column,
            reason,
            ..
        }) => {
            format!(
                "{row}@{line} {key:?} {address:?} {}: {reason}",
                column.unwrap_or_default()
            )
        }
    }
}

struct Case {
    dir: TempDir,
    settings: ListSettings,
}

impl Case {
    fn new(list: impl AsRef<[u8]>) -> Case {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("list.csv");
        fs::write(&file, list).unwrap();
        Case {
            settings: settings(&file),
            dir,
        }
    }

    fn with(list: impl AsRef<[u8]>, change: impl FnOnce(&mut ListSettings)) -> Case {
        let mut case = Case::new(list);
        change(&mut case.settings);
        case
    }

    /// The rows in short, and the error that ended them, with the folder's name taken out.
    fn rows(&self) -> (Vec<String>, Option<String>) {
        let mut list = match List::open(&self.settings) {
            Ok(list) => list,
            Err(error) => return (Vec::new(), Some(self.text(&error))),
        };
        let mut rows = Vec::new();
        for row in &mut list {
            match row {
                Ok(row) => rows.push(short(row)),
                Err(error) => {
                    assert!(list.next().is_none(), "after an error the list ends");
                    return (rows, Some(self.text(&error)));
                }
            }
        }
        assert!(list.next().is_none());
        (rows, None)
    }

    fn text(&self, error: &ListError) -> String {
        error
            .to_string()
            .replace(&format!("{}/", self.dir.path().display()), "")
    }

    #[track_caller]
    fn gives(&self, rows: &[&str]) {
        let (found, error) = self.rows();
        assert_eq!(error, None);
        assert_eq!(found, rows);
    }

    #[track_caller]
    fn fails(&self, rows: &[&str], error: &str) {
        let (found, text) = self.rows();
        assert_eq!(text.as_deref(), Some(error));
        assert_eq!(found, rows);
    }
}

#[test]
fn rows_become_recipients() {
    let list = "\u{feff} email , name \r\nJane@X.Example,Jane\r\n\r\n\" b@y.example\n\",\"B\r\nC\"\r\nZoë <z@münchen.example>,Z";
    let case = Case::new(list);
    case.gives(&[
        "1@2 Jane@x.example|Jane@X.Example||Jane@X.Example|Jane",
        "2@4 b@y.example|b@y.example|| b@y.example\n|B\r\nC",
        "3@7 z@xn--mnchen-3ya.example|z@xn--mnchen-3ya.example|Zoë|Zoë <z@münchen.example>|Z",
    ]);
    let list = List::open(&case.settings).unwrap();
    assert_eq!(list.columns()[..], ["email".to_owned(), "name".to_owned()]);
}

#[test]
fn a_list_of_no_rows_is_a_list() {
    Case::new("email").gives(&[]);
    Case::new("\r\n\r\nemail,name\r\n\r\n").gives(&[]);
}

#[test]
fn a_tsv_file_is_read_by_tabs() {
    let mut case = Case::new("");
    case.settings.file = case.dir.path().join("list.tsv");
    fs::write(&case.settings.file, "email\tname\na@x.example\tDoe, Jane\n").unwrap();
    case.gives(&["1@2 a@x.example|a@x.example||a@x.example|Doe, Jane"]);
}

#[test]
fn rows_of_another_length_are_invalid_and_the_rest_goes_on() {
    Case::new("name,email,plan\nA,a@x.example\nB\nC,c@x.example,pro,1,2\nD,d@x.example,pro\n").gives(&[
        "1@2 \"a@x.example\" \"a@x.example\" : 2 fields, but the header has 3 columns; add what is missing, a comma for each empty field",
        "2@3 \"\" \"\" : 1 field, but the header has 3 columns; add what is missing, a comma for each empty field",
        "3@4 \"c@x.example\" \"c@x.example\" : 5 fields, but the header has 3 columns; put quotes (\") around a field that holds a comma",
        "4@5 d@x.example|d@x.example||D|d@x.example|pro",
    ]);
    Case::new("email\na@x.example,b\n").gives(&[
        "1@2 \"a@x.example\" \"a@x.example\" : 2 fields, but the header has 1 column; put quotes (\") around a field that holds a comma",
    ]);
}

#[test]
fn a_bad_address_is_invalid_in_its_column() {
    Case::new("id,email\n1,jane\n2, \n3,\"a@x.example\r\nBcc: b@y.example\"\n4,d@x.example\n").gives(&[
        "1@2 \"jane\" \"jane\" email: no @ in the address; correct it, as in jane@x.example",
        "2@3 \" \" \" \" email: the address is empty; fill it in",
        "3@4 \"a@x.example\\r\\nBcc: b@y.example\" \"a@x.example\\r\\nBcc: b@y.example\" email: a control character (U+000D) in the address; delete it",
        "4@6 d@x.example|d@x.example||4|d@x.example",
    ]);
}

#[test]
fn the_display_column_wins_when_it_is_not_empty() {
    let case = Case::with(
        "email,name\nA <a@x.example>, Anna \nB <b@x.example>,  \nc@x.example,\nd@x.example,\"D\nE\"\n",
        |settings| settings.display = Some("name".to_owned()),
    );
    case.gives(&[
        "1@2 a@x.example|a@x.example|Anna|A <a@x.example>| Anna ",
        "2@3 b@x.example|b@x.example|B|B <b@x.example>|  ",
        "3@4 c@x.example|c@x.example||c@x.example|",
        "4@5 \"d@x.example\" \"d@x.example\" name: a control character (U+000A) in the display name; delete it",
    ]);
}

#[test]
fn the_key_is_the_key_columns_cell() {
    let list = "id,email\n 7 ,A@X.Example\n,b@x.example\n\"8\t9\",c@x.example\n10,d\n";
    Case::with(list, |settings| settings.key = Some("id".to_owned())).gives(&[
        "1@2 7|A@X.Example|| 7 |A@X.Example",
        "2@3 \"\" \"b@x.example\" id: the key is empty; give each row a key of its own",
        "3@4 \"8\\t9\" \"c@x.example\" id: a control character (U+0009) in the key; delete it",
        "4@5 \"10\" \"d\" email: no @ in the address; correct it, as in jane@x.example",
    ]);
}

#[test]
fn a_key_column_that_is_the_address_column_compares_addresses() {
    Case::with("email\nA <A@X.Example>\n", |settings| {
        settings.key = Some("email".to_owned())
    })
    .gives(&["1@2 A@x.example|A@X.Example|A|A <A@X.Example>"]);
}

#[test]
fn an_empty_required_cell_is_invalid() {
    let list = "email,first,last\na@x.example,A, \nb@X.example,,B\nc@x.example,C,C\n";
    Case::with(list, |settings| settings.required = vec!["first".to_owned(), "last".to_owned()]).gives(&[
        "1@2 \"a@x.example\" \"a@x.example\" last: the cell is empty, and the column is required; fill it in",
        "2@3 \"b@x.example\" \"b@X.example\" first: the cell is empty, and the column is required; fill it in",
        "3@4 c@x.example|c@x.example||c@x.example|C|C",
    ]);
}

#[test]
fn an_unclosed_quote_ends_the_list_where_its_record_begins() {
    let error = "list.csv, row 2 (line 5): a quote (\") is opened here and never closed; close it, or double each quote that belongs to the text (\"\")";
    for end in ["", "\r\n", "\r\nc@x.example,C\r\nd@x.example,\"\"\r\n"] {
        Case::new(format!(
            "email,name\r\na@x.example,\"A\r\nB\"\r\n\r\nb@x.example,\"B{end}"
        ))
        .fails(&["1@2 a@x.example|a@x.example||a@x.example|A\r\nB"], error);
    }
    Case::new("\nemail,\"name\na@x.example,A\n").fails(
        &[],
        "list.csv, header (line 2): a quote (\") is opened here and never closed; close it, or double each quote that belongs to the text (\"\")",
    );
}

#[test]
fn an_unclosed_quote_never_swallows_the_rows_up_to_the_next_quote() {
    Case::new("email,name\na@x.example,A\nb@x.example,\"B\nc@x.example,C\nd@x.example,\"D\"\n").fails(
        &["1@2 a@x.example|a@x.example||a@x.example|A"],
        "list.csv, row 2 (line 3), column \"name\": text after a closing quote (\"); either a quote is opened here and never closed, or one belongs to the text and must be doubled (\"\")",
    );
    Case::new("\"email\",\"the \"name\"\"\n").fails(
        &[],
        "list.csv, header (line 1), column 2: text after a closing quote (\"); either a quote is opened here and never closed, or one belongs to the text and must be doubled (\"\")",
    );
}

#[test]
fn a_record_without_an_end_stops_before_it_takes_all_memory() {
    let case = Case::new("email,name\na@x.example,\"A\n");
    let file = File::options()
        .append(true)
        .open(&case.settings.file)
        .unwrap();
    // Sparse: it reads as NULs and takes no room on disk.
    file.set_len(80 << 20).unwrap();
    case.fails(
        &[],
        "list.csv, row 1 (line 2): longer than 16 MiB; most likely a quote (\") is opened here and never closed: close it",
    );
}

#[test]
fn a_list_without_a_header_is_refused() {
    for list in ["", "\u{feff}", "\r\n\n"] {
        Case::new(list).fails(
            &[],
            "list.csv: the list is empty; its first line must name the columns, such as: email,name",
        );
    }
}

#[test]
fn a_list_that_cannot_be_read_says_why() {
    let mut case = Case::new("email\n");
    let mut fails = |name: &str, error: &str| {
        case.settings.file = case.dir.path().join(name);
        case.fails(&[], error);
    };
    fails(
        "absent.csv",
        "absent.csv: there is no such list; correct \"file\" under [recipients], or put the list there",
    );
    fails(
        "",
        ": this is a directory, not a list; name a file with \"file\" under [recipients]",
    );
    fails(
        "list.csv/inside.csv",
        "list.csv/inside.csv: the list cannot be read: Not a directory (os error 20); see that the file and its disk are sound, and run the same command again",
    );
    // Made by hand: the superuser, who may run the tests, may read everything.
    let error = ListError::from_io(
        Path::new("list.csv"),
        std::io::ErrorKind::PermissionDenied.into(),
    );
    assert_eq!(
        error.to_string(),
        "list.csv: no permission to read the list; make it readable for the user who runs mailrun"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_list_gives_an_unsafe_recipient(
        rows in prop::collection::vec(prop::collection::vec("[ab@.<> \"\r\n\0,ü]{0,8}", 1..4), 0..8),
    ) {
        let mut list = "email,name,id\n".to_owned();
        let count = rows.len();
        for row in rows {
            let cells: Vec<_> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            list.push_str(&cells.join(","));
            list.push('\n');
        }
        let case = Case::with(list, |settings| {
            settings.display = Some("name".to_owned());
            settings.key = Some("id".to_owned());
        });
        let rows: Vec<_> = List::open(&case.settings).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), count);
        for row in rows {
            if let Row::Recipient(Recipient { key, address, display, fields, .. }) = row {
                let display = display.unwrap_or_default();
                let written = [key, address.to_string(), display].concat();
                prop_assert!(!written.chars().any(char::is_control));
                prop_assert!(address.user().starts_with('"') || !address.user().contains(['<', '>', ' ']));
                prop_assert!(!address.domain().contains(['<', '>', ' ', '@']));
                prop_assert_eq!(fields.len(), 3);
            }
        }
    }
}
