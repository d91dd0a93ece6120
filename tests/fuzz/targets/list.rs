//! Bytes into judged rows, by every reader of lists: nothing panics, each row can be mailed or has a reason, what is read twice
//! is the same, no row is in two groups, and no name gets a replacement character that its file has not.
//!
//! Three bytes choose: what the list is and by which column its rows are grouped, its encoding, its other settings. The list follows. A workbook is either its own bytes,
//! or the text of its sheet and, behind a NUL, that of its other part; what holds them is made here, so that the fuzzer need
//! not find out checksums.
#![no_main]

mod safe;
#[path = "../../../src/recipients/tests/zip.rs"]
mod zip;

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mailrun::campaign::ListSettings;
use mailrun::recipients::{Position, Row, Source, Suppression, check_where};
use mailrun::wording::unprintable;

/// How the bytes become a file.
#[derive(Clone, Copy, PartialEq)]
enum Made {
    AsTheyAre,
    Compressed,
    Xlsx,
    Ods,
}

const KINDS: [(&str, Made); 10] = [
    ("a.csv", Made::AsTheyAre),
    ("a.tsv", Made::AsTheyAre),
    ("a.jsonl", Made::AsTheyAre),
    ("a.csv.gz", Made::Compressed),
    ("a.jsonl.gz", Made::Compressed),
    ("b.csv.gz", Made::AsTheyAre),
    ("a.xlsx", Made::Xlsx),
    ("a.ods", Made::Ods),
    ("b.xlsx", Made::AsTheyAre),
    ("b.ods", Made::AsTheyAre),
];

const ENCODINGS: [&str; 13] = [
    "",
    "",
    "utf-8",
    "gbk",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-kr",
    "euc-jp",
    "windows-1252",
    "utf-16le",
    "utf-16be",
    "iso-2022-jp",
];

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder for lists");
    // What no reader gets into finds nothing: each kind that is made here can be a list of one.
    let lists: [(u8, &[u8]); 6] = [
        (0, b"email\na@x.example\n"),
        (2, b"{\"email\":\"a@x.example\"}"),
        (3, b"email\na@x.example\n"),
        (4, b"{\"email\":\"a@x.example\"}"),
        (
            6,
            b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row>\
              <row r=\"2\"><c r=\"A2\" t=\"s\"><v>1</v></c></row></sheetData></worksheet>\0\
              <sst><si><t>email</t></si><si><t>a@x.example</t></si></sst>",
        ),
        (
            7,
            b"<office:document-content><office:body><office:spreadsheet><table:table table:name=\"One\">\
              <table:table-row><table:table-cell office:value-type=\"string\"><text:p>email</text:p></table:table-cell></table:table-row>\
              <table:table-row><table:table-cell office:value-type=\"string\"><text:p>a@x.example</text:p></table:table-cell></table:table-row>\
              </table:table></office:spreadsheet></office:body></office:document-content>",
        ),
    ];
    for (kind, list) in lists {
        let (name, made) = KINDS[usize::from(kind)];
        let path = folder.path().join(name);
        fs::write(&path, file(list, made)).expect("the folder takes it");
        let told = read(&settings(path, 0, 0, 0), false);
        assert!(
            matches!(told.as_slice(), [row] if row.starts_with("Recipient(")),
            "{name}: {told:?}"
        );
    }
    folder
});

fn settings(file: PathBuf, kind: u8, encoding: u8, more: u8) -> ListSettings {
    let mut settings = ListSettings::new(file);
    let label = ENCODINGS[usize::from(encoding) % ENCODINGS.len()];
    settings.encoding = encoding_rs::Encoding::for_label(label.as_bytes());
    settings.delimiter = [
        None,
        None,
        None,
        None,
        Some(b','),
        Some(b';'),
        Some(b'\t'),
        Some(b'|'),
    ][usize::from(more & 7)];
    settings.display = (more & 8 != 0).then(|| "name".to_owned());
    settings.key = (more & 16 != 0).then(|| "id".to_owned());
    if more & 32 != 0 {
        let expression = "name != \"A\" && size(email) > 3";
        check_where(expression).expect("an expression");
        settings.only_where = Some(expression.to_owned());
    }
    if more & 64 != 0 {
        settings.required = vec!["name".to_owned()];
    }
    settings.duplicates_ignore_case = more & 128 != 0;
    settings.group_by = match kind >> 6 {
        2 => Some("email".to_owned()),
        3 => Some("name".to_owned()),
        _ => None,
    };
    settings
}

fn file(bytes: &[u8], made: Made) -> Vec<u8> {
    let text = || {
        let mut parts = bytes.splitn(2, |byte| *byte == 0);
        [(); 2].map(|()| String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned())
    };
    match made {
        Made::AsTheyAre => bytes.to_vec(),
        Made::Compressed => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(bytes).expect("memory takes it");
            out.finish().expect("memory takes it")
        }
        Made::Xlsx => {
            let [sheet, strings] = text();
            xlsx(&sheet, &strings)
        }
        Made::Ods => {
            let [content, styles] = text();
            zip::zip(&[
                ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
                ("content.xml", &content),
                ("styles.xml", &styles),
                ("META-INF/manifest.xml", "<manifest:manifest/>"),
            ])
        }
    }
}

fn xlsx(sheet: &str, strings: &str) -> Vec<u8> {
    const RELATION: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let part = |id: u8, kind: &str, target: &str| {
        format!("<Relationship Id=\"r{id}\" Type=\"{RELATION}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = format!(
        "<Relationships>{}{}{}</Relationships>",
        part(1, "worksheet", "worksheets/sheet1.xml"),
        part(2, "sharedStrings", "sharedStrings.xml"),
        part(3, "styles", "styles.xml"),
    );
    let whole = format!(
        "<Relationships>{}</Relationships>",
        part(1, "officeDocument", "xl/workbook.xml")
    );
    zip::zip(&[
        ("_rels/.rels", &whole),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns:r=\"{RELATION}\"><sheets><sheet name=\"One\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        ("xl/_rels/workbook.xml.rels", &relations),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/sharedStrings.xml", strings),
        (
            "xl/styles.xml",
            "<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode=\"[h]:mm:ss\"/></numFmts>\
             <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/><xf numFmtId=\"170\"/></cellXfs></styleSheet>",
        ),
    ])
}

/// Whether the file itself may have U+FFFD, in any encoding or as an escape; of what is compressed that can't be said.
fn may_have_replacements(bytes: &[u8], made: Made, name: &str) -> bool {
    let has = |part: &[u8]| {
        bytes
            .windows(part.len())
            .any(|it| it.eq_ignore_ascii_case(part))
    };
    let utf8 = matches!(made, Made::Xlsx | Made::Ods) && std::str::from_utf8(bytes).is_err();
    let escapes: [&[u8]; 6] = [
        b"\xef\xbf\xbd",
        b"\xff\xfd",
        b"\xfd\xff",
        b"\x84\x31\xa4\x37",
        b"fffd",
        b"65533",
    ];
    utf8 || escapes.into_iter().any(has) || name.starts_with('b')
}

/// Rows that are looked at: a workbook may say in a few bytes that it has a million of one kind.
const MOST_ROWS: usize = 5000;

/// What the list comes to: notes, rows, an error; all that is told of it is safe to print.
fn read(settings: &ListSettings, replaced: bool) -> Vec<String> {
    let said = |text: String| {
        assert!(!text.is_empty() && !text.contains(unprintable), "{text:?}");
        text
    };
    let source = match Source::look(settings) {
        Ok(source) => source,
        Err(error) => return vec![said(error.to_string())],
    };
    let mut told: Vec<_> = source.notes().iter().cloned().map(said).collect();
    let mut list = match source.open() {
        Ok(list) => list,
        Err(error) => return vec![said(error.to_string())],
    };
    let columns = list.columns().to_vec();
    let mut last = Position { row: 0, line: 0 };
    let mut seen = HashSet::new();
    for row in list.by_ref().take(MOST_ROWS) {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                told.push(said(error.to_string()));
                break;
            }
        };
        told.push(format!("{row:?}"));
        let (position, fields, others) = match row {
            Row::Recipient(it) => {
                safe::assert_is_mailbox(it.address.as_ref());
                assert_eq!(it.fields.len(), columns.len());
                assert!(
                    !it.key.is_empty() && !it.key.contains(char::is_control),
                    "{:?}",
                    it.key
                );
                assert!(
                    it.display
                        .is_none_or(|it| !it.trim().is_empty() && !it.contains(char::is_control))
                );
                assert!(it.nested.iter().all(|(column, _)| *column < columns.len()));
                (it.position, it.fields, it.others)
            }
            Row::Invalid(it) => {
                said(it.describe(&settings.file));
                said(it.reason);
                assert!(it.column.is_none_or(|it| columns.contains(&it)));
                assert!(it.fields.len() <= columns.len());
                (it.position, it.fields, it.others)
            }
        };
        assert!(seen.insert(position.row), "{position:?} in two groups");
        for pair in others.windows(2) {
            assert!(pair[0].position.row < pair[1].position.row, "{others:?}");
        }
        for other in &others {
            assert!(seen.insert(other.position.row), "{other:?} in two groups");
            assert!(other.fields.len() <= columns.len());
        }
        // Groups come in the order of their first rows.
        let first = others.first().map_or(position, |it| it.position);
        let position = if first.row < position.row {
            first
        } else {
            position
        };
        assert!(
            position.row > last.row && position.line >= last.line,
            "{position:?} after {last:?}"
        );
        last = position;
        assert!(
            replaced || fields.iter().all(|cell| !cell.contains('\u{fffd}')),
            "{fields:?}"
        );
    }
    assert!(
        told.len() >= MOST_ROWS || list.next().is_none(),
        "nothing comes after the end"
    );
    told
}

fuzz_target!(|data: &[u8]| {
    let [kind, encoding, more, bytes @ ..] = data else {
        return;
    };
    let (name, made) = KINDS[usize::from(*kind & 63) % KINDS.len()];
    let path = FOLDER.path().join(name);
    fs::write(&path, file(bytes, made)).expect("the folder takes it");
    let settings = settings(path.clone(), *kind, *encoding, *more);
    let replaced = may_have_replacements(bytes, made, name);
    let first = read(&settings, replaced);
    assert_eq!(
        first,
        read(&settings, replaced),
        "a list reads the same each time"
    );

    // The same file as a list of those who are never mailed.
    let mut others = ListSettings::new("others.csv");
    others.suppress = vec![path];
    match Suppression::read(&others) {
        Ok(suppression) => assert!(suppression.notes.iter().all(|it| !it.contains(unprintable))),
        Err(error) => assert!(!error.to_string().contains(unprintable), "{error}"),
    }
});
