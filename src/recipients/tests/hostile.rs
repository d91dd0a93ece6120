//! Lists made, or broken, to do harm: huge, deep, without an end, full of zeros.

use super::{Case, case, check};

pub(super) fn cases() -> Vec<Case> {
    vec![
        // Whether a NUL does harm is for the message to say: it may stand in a column that nothing uses.
        case(
            "nul.csv",
            "email,name\na@x.example,A\0B\nb@x.example,B\n",
            &[
                "1@2 a@x.example|a@x.example||a@x.example|A\0B",
                "2@3 b@x.example|b@x.example||b@x.example|B",
            ],
        ),
        case(
            "nuladdress.csv",
            "email\na@x.example\0\n",
            &[
                "1@2 invalid \"a@x.example\\0\" email: a control character (U+0000) in the address; delete it",
            ],
        ),
        case(
            "nulname.csv",
            "email,na\0me\na@x.example,A\n",
            &[
                "error: nulname.csv, header (line 1): the name of column 2 has a NUL character (U+0000); save the list anew as CSV in UTF-8",
            ],
        ),
        case(
            "zeros.csv",
            [0; 5000],
            &[
                "error: zeros.csv, header (line 1): the name of column 1 has a NUL character (U+0000); save the list anew as CSV in UTF-8",
            ],
        ),
        case(
            "controls.csv",
            "email,name\n\x1b[31ma@x.example,A\n",
            &[
                "1@2 invalid \"\\u{1b}[31ma@x.example\" email: a control character (U+001B) in the address; delete it",
            ],
        ),
        case(
            "manyquotes.csv",
            "\"".repeat(5001),
            &[
                "error: manyquotes.csv, header (line 1): a quote (\") is opened here and never closed; close it, or double each quote that belongs to the text (\"\")",
            ],
        ),
        case(
            "commas.csv",
            ",".repeat(5000),
            &[
                "error: commas.csv, header (line 1): column 1 of 5001 has no name; name it, or take the column out (a delimiter too many makes one)",
            ],
        ),
        case(
            "columns.csv",
            format!("email{}\n", ",x".repeat(20_000)),
            &[
                "error: columns.csv, header (line 1): 20001 columns, where 16384 are allowed; see that the line ends, and that the delimiter is the right one",
            ],
        ),
        case(
            "rowofcommas.csv",
            format!("email,name\n{}\na@x.example,A\n", ",".repeat(100_000)),
            &[
                "1@2 invalid \"\": 100001 fields, but the header has 2 columns; put quotes (\") around a field that holds a comma",
                "2@3 a@x.example|a@x.example||a@x.example|A",
            ],
        ),
    ]
}

#[test]
fn every_trap() {
    check(cases());
}
