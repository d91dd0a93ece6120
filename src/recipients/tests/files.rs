//! Files that are not what their name says, and compressed ones.

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
                "error: zipped.csv: this is compressed (gzip), not text; name it for what it is, or save the list as CSV",
            ],
        ),
        case(
            "book.csv",
            b"PK\x03\x04 whatever",
            &[
                "error: book.csv: this is a workbook or another zip file, not text; name it for what it is, or save the list as CSV",
            ],
        ),
        case(
            "old.csv",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            &[
                "error: old.csv: this is a workbook of Excel 2003 or older, not text; name it for what it is, or save the list as CSV",
            ],
        ),
        case(
            "paper.csv",
            "%PDF-1.7\n",
            &[
                "error: paper.csv: this is a PDF, not text; name it for what it is, or save the list as CSV",
            ],
        ),
        case(
            "text.xlsx",
            "email\na@x.example\n",
            &[
                "error: text.xlsx: the workbook cannot be read: invalid Zip archive: Could not find EOCD; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "text.ods",
            "email\na@x.example\n",
            &[
                "error: text.ods: the workbook cannot be read: invalid Zip archive: Could not find EOCD; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "twice.csv.gz",
            gzip(gzip("email\n")),
            &[
                "error: twice.csv.gz: this is compressed (gzip), not text; name it for what it is, or save the list as CSV",
            ],
        ),
    ]
}

#[test]
fn every_kind_of_file() {
    check(cases());
}
