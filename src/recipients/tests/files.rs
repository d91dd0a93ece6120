//! Files that are not what their name says, and compressed ones.

use super::sheets::{ods, xlsx};
use super::{Case, case, check, gzip};

pub(super) fn cases() -> Vec<Case> {
    let zipped = gzip("email,name\na@x.example,A\n");
    let cut = zipped[..zipped.len() - 12].to_vec();
    let two = [gzip("email\na@x.example\n"), gzip("b@x.example\n")].concat();
    vec![
        case(
            "empty.csv",
            "",
            &[
                "error: empty.csv: the list is empty; its first line must name the columns, such as: email,name",
            ],
        ),
        case(
            "markonly.csv",
            "\u{feff}",
            &[
                "error: markonly.csv: the list is empty; its first line must name the columns, such as: email,name",
            ],
        ),
        case(
            "blank.csv",
            "\r\n\n",
            &[
                "error: blank.csv: the list is empty; its first line must name the columns, such as: email,name",
            ],
        ),
        case(
            "a.csv.gz",
            &zipped,
            &["1@2 a@x.example|a@x.example||a@x.example|A"],
        ),
        case(
            "A.TSV.GZ",
            gzip("email\tname\na@x.example\tA\n"),
            &["1@2 a@x.example|a@x.example||a@x.example|A"],
        ),
        case(
            "twoparts.csv.gz",
            two,
            &[
                "1@2 a@x.example|a@x.example||a@x.example",
                "2@3 b@x.example|b@x.example||b@x.example",
            ],
        ),
        case(
            "cut.csv.gz",
            cut,
            &[
                "error: cut.csv.gz: the list cannot be read: incomplete deflate stream; see that the file and its disk are sound, and run the same command again",
            ],
        ),
        case(
            "plain.csv.gz",
            "email\na@x.example\n",
            &[
                "error: plain.csv.gz: the name ends in .gz, and the file is not compressed by gzip; rename it",
            ],
        ),
        case(
            "empty.csv.gz",
            "",
            &[
                "error: empty.csv.gz: the list is empty; its first line must name the columns, such as: email,name",
            ],
        ),
        case(
            "zipped.csv",
            &zipped,
            &[
                "error: zipped.csv: by its bytes this is compressed (gzip), not what its name says; rename it to zipped.csv.gz, under [recipients] too",
            ],
        ),
        case(
            "book.csv",
            xlsx(&[("Sheet1", "")]),
            &[
                "error: book.csv: by its bytes this is a workbook of Excel, not what its name says; rename it to book.xlsx, under [recipients] too",
            ],
        ),
        case(
            "book.csv.gz",
            gzip(ods("")),
            &[
                "error: book.csv.gz: by its bytes this is a workbook of LibreOffice, not what its name says; rename it to book.ods.gz, under [recipients] too",
            ],
        ),
        case(
            "zip.csv",
            b"PK\x03\x04 whatever",
            &[
                "error: zip.csv: by its bytes this is a zip file, not what its name says; save the list as CSV",
            ],
        ),
        case(
            "old.csv",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            &[
                "error: old.csv: by its bytes this is a workbook of Excel 2003 or older, not what its name says; save the list as CSV",
            ],
        ),
        case(
            "paper.csv",
            "%PDF-1.7\n",
            &[
                "error: paper.csv: by its bytes this is a PDF, not what its name says; save the list as CSV",
            ],
        ),
        case(
            "page.csv",
            "\n<HTML><table><tr><td>email",
            &[
                "error: page.csv: by its bytes this is a web page, not what its name says; save the list as CSV",
            ],
        ),
        case(
            "lines.csv",
            "{\"email\": \"a@x.example\"}\n",
            &[
                "error: lines.csv: by its bytes this is JSON, not what its name says; rename it to lines.jsonl, under [recipients] too",
            ],
        ),
        case(
            "text.xlsx",
            "email\na@x.example\n",
            &[
                "error: text.xlsx: by its bytes this is text, such as CSV, not what its name says; rename it to text.csv, under [recipients] too",
            ],
        ),
        case(
            "wide.xlsx",
            b"\xff\xfee\0m\0a\0i\0l\0\n\0",
            &[
                "error: wide.xlsx: by its bytes this is text, such as CSV, not what its name says; rename it to wide.csv, under [recipients] too",
            ],
        ),
        case(
            "text.ods",
            "email\na@x.example\n",
            &[
                "error: text.ods: by its bytes this is text, such as CSV, not what its name says; rename it to text.csv, under [recipients] too",
            ],
        ),
        case(
            "office.xlsx",
            ods(""),
            &[
                "error: office.xlsx: by its bytes this is a workbook of LibreOffice, not what its name says; rename it to office.ods, under [recipients] too",
            ],
        ),
        case(
            "excel.ods",
            xlsx(&[("Sheet1", "")]),
            &[
                "error: excel.ods: by its bytes this is a workbook of Excel, not what its name says; rename it to excel.xlsx, under [recipients] too",
            ],
        ),
        case(
            "noise.xlsx",
            b"\x01\x02\x03\0\0",
            &[
                "error: noise.xlsx: the workbook cannot be read: invalid Zip archive: Could not find EOCD; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "empty.xlsx",
            "",
            &[
                "error: empty.xlsx: the list is empty; its first line must name the columns, such as: email,name",
            ],
        ),
        case(
            "twice.csv.gz",
            gzip(gzip("email\n")),
            &[
                "error: twice.csv.gz: by its bytes this is compressed (gzip) twice, not what its name says; uncompress it once",
            ],
        ),
    ]
}

#[test]
fn every_kind_of_file() {
    check(cases());
}
