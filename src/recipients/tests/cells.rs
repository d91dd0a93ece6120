//! Quotes, line ends, ragged rows, column names.

use super::{Case, case, check, with};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "crlf.csv",
            "email,name\r\na@x.example,A\r\nb@x.example,B\r\n",
            &[
                "1@2 a@x.example|a@x.example||a@x.example|A",
                "2@3 b@x.example|b@x.example||b@x.example|B",
            ],
        ),
        case(
            "cr.csv",
            "email,name\ra@x.example,A\rb@x.example,B\r",
            &[
                "1@2 a@x.example|a@x.example||a@x.example|A",
                "2@3 b@x.example|b@x.example||b@x.example|B",
            ],
        ),
        case(
            "mixed.csv",
            "email,name\r\na@x.example,A\nb@x.example,B\rc@x.example,C",
            &[
                "1@2 a@x.example|a@x.example||a@x.example|A",
                "2@3 b@x.example|b@x.example||b@x.example|B",
                "3@4 c@x.example|c@x.example||c@x.example|C",
            ],
        ),
        case(
            "inside.csv",
            "email,note\na@x.example,\"one\ntwo\r\nthree\"\nb@x.example,B\n",
            &[
                "1@2 a@x.example|a@x.example||a@x.example|one\ntwo\r\nthree",
                "2@5 b@x.example|b@x.example||b@x.example|B",
            ],
        ),
        case(
            "blanklines.csv",
            "\n\r\nemail,name\n\na@x.example,A\n\n\n",
            &["1@5 a@x.example|a@x.example||a@x.example|A"],
        ),
        case(
            "doubled.csv",
            "\"email\",\"say \"\"hi\"\"\"\n\"a@x.example\",\"\"\"quoted\"\" text\"\n",
            &["1@2 a@x.example|a@x.example||a@x.example|\"quoted\" text"],
        ),
        case(
            "inner.csv",
            "email,name\na@x.example,Anna \"Nan\" Berg\n",
            &["1@2 a@x.example|a@x.example||a@x.example|Anna \"Nan\" Berg"],
        ),
        case(
            "unclosed.csv",
            "email,name\na@x.example,A\nb@x.example,\"B\nc@x.example,C\n",
            &[
                "1@2 a@x.example|a@x.example||a@x.example|A",
                "error: unclosed.csv, row 2 (line 3): a quote (\") is opened here and never closed; close it, or double each quote that belongs to the text (\"\")",
            ],
        ),
        case(
            "stray.csv",
            "email,name\na@x.example,\"A\" B\n",
            &[
                "error: stray.csv, row 1 (line 2), column \"name\": text after a closing quote (\"); either a quote is opened here and never closed, or one belongs to the text and must be doubled (\"\")",
            ],
        ),
        case(
            "swallowed.csv",
            "email,name\na@x.example,\"A\nb@x.example,B\nc@x.example,\"C\"\n",
            &[
                "error: swallowed.csv, row 1 (line 2), column \"name\": text after a closing quote (\"); either a quote is opened here and never closed, or one belongs to the text and must be doubled (\"\")",
            ],
        ),
        case(
            "ragged.csv",
            "email,name,plan\na@x.example,A\nb@x.example,B,pro\n",
            &[
                "1@2 invalid \"a@x.example\": 2 fields, but the header has 3 columns; add what is missing, a comma for each empty field",
                "2@3 b@x.example|b@x.example||b@x.example|B|pro",
            ],
        ),
        case(
            "long.csv",
            "email,name\na@x.example,Berg, Anna\nb@x.example,B\n",
            &[
                "1@2 invalid \"a@x.example\": 3 fields, but the header has 2 columns; put quotes (\") around a field that holds a comma",
                "2@3 b@x.example|b@x.example||b@x.example|B",
            ],
        ),
        case(
            "spaces.csv",
            " email , name \n a@x.example ,  Anna  \n",
            &["1@2 a@x.example|a@x.example|| a@x.example |  Anna  "],
        ),
        case(
            "twice.csv",
            "email,name,name\na@x.example,A,B\n",
            &[
                "error: twice.csv, header (line 1): columns 2 and 3 are both named \"name\"; rename one of them",
            ],
        ),
        case(
            "cased.csv",
            "Email,email\nA,a@x.example\n",
            &["1@2 a@x.example|a@x.example||A|a@x.example"],
        ),
        case(
            "unnamed.csv",
            "email,,name\na@x.example,,A\n",
            &[
                "error: unnamed.csv, header (line 1): column 2 of 3 has no name; name it, or take the column out (a delimiter too many makes one)",
            ],
        ),
        case(
            "trailing.csv",
            "email,name,\na@x.example,A,\n",
            &[
                "error: trailing.csv, header (line 1): column 3 of 3 has no name; name it, or take the column out (a delimiter too many makes one)",
            ],
        ),
        case(
            "builtin.csv",
            "email,send_id\na@x.example,1\n",
            &[
                "error: builtin.csv, header (line 1): column 2 is named \"send_id\", which is a value of mailrun's own in every template; rename the column",
            ],
        ),
        case(
            "missing.csv",
            "e-mail,name\na@x.example,A\n",
            &[
                "error: missing.csv, header (line 1): there is no column \"email\", which \"address\" under [recipients] names; did you mean \"e-mail\"? the columns are \"e-mail\", \"name\"",
            ],
        ),
        case("headeralone.csv", "email,name\n", &[]),
        case("headeralonebare.csv", "email", &[]),
        case(
            "lineinname.csv",
            "email,\"first\nname\"\na@x.example,A\n",
            &["1@3 a@x.example|a@x.example||a@x.example|A"],
        ),
        with(
            "required.csv",
            "email,first\na@x.example,\nb@x.example,  \nc@x.example,C\n",
            |it| it.required = vec!["first".into()],
            &[
                "1@2 invalid \"a@x.example\" first: the cell is empty, and the column is required; fill it in",
                "2@3 invalid \"b@x.example\" first: the cell is empty, and the column is required; fill it in",
                "3@4 c@x.example|c@x.example||c@x.example|C",
            ],
        ),
        with(
            "key.csv",
            "id,email\n 7 ,A@X.Example\n,b@x.example\n",
            |it| it.key = Some("id".into()),
            &[
                "1@2 7|A@X.Example|| 7 |A@X.Example",
                "2@3 invalid \"\" id: the key is empty; give each row a key of its own",
            ],
        ),
        with(
            "displayed.csv",
            "email,name\na@x.example,\"Berg, \"\"Nan\"\" 😀\"\nb@x.example,\"B\nC\"\n",
            |it| it.display = Some("name".into()),
            &[
                "1@2 a@x.example|a@x.example|Berg, \"Nan\" 😀|a@x.example|Berg, \"Nan\" 😀",
                "2@3 invalid \"b@x.example\" name: a control character (U+000A) in the display name; delete it",
            ],
        ),
    ]
}

#[test]
fn every_oddity_of_text() {
    check(cases());
}
