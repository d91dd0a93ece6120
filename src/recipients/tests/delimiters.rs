//! Lists between whose columns stands this or that.

use super::{Case, case, check, with};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "comma.csv",
            "email,name\na@x.example,Anna\n",
            &["1@2 a@x.example|a@x.example||a@x.example|Anna"],
        ),
        case(
            "semicolon.csv",
            "name;email\n\"Berg; Anna\";a@x.example\n",
            &[
                "note: semicolon.csv: the columns are separated by semicolons (;)",
                "1@2 a@x.example|a@x.example||Berg; Anna|a@x.example",
            ],
        ),
        case(
            "tab.csv",
            "email\tname\na@x.example\tDoe, Jane\n",
            &[
                "note: tab.csv: the columns are separated by tabs",
                "1@2 a@x.example|a@x.example||a@x.example|Doe, Jane",
            ],
        ),
        case(
            "bar.csv",
            "email|name\na@x.example|Anna\n",
            &[
                "note: bar.csv: the columns are separated by vertical bars (|)",
                "1@2 a@x.example|a@x.example||a@x.example|Anna",
            ],
        ),
        case(
            "tab.tsv",
            "email\tname\na@x.example\tDoe, Jane\n",
            &["1@2 a@x.example|a@x.example||a@x.example|Doe, Jane"],
        ),
        case(
            "comma.tsv",
            "email,name\na@x.example,Anna\n",
            &[
                "note: comma.tsv: the columns are separated by commas",
                "1@2 a@x.example|a@x.example||a@x.example|Anna",
            ],
        ),
        case(
            "one.csv",
            "email\na@x.example\n\"b@x.example\"\n",
            &[
                "1@2 a@x.example|a@x.example||a@x.example",
                "2@3 b@x.example|b@x.example||b@x.example",
            ],
        ),
        case(
            "one.tsv",
            "email\na@x.example\n",
            &["1@2 a@x.example|a@x.example||a@x.example"],
        ),
        case(
            "quotedsemi.csv",
            "\"name, full\";\"email\"\n\"Berg, Anna\";\"a@x.example\"\n",
            &[
                "note: quotedsemi.csv: the columns are separated by semicolons (;)",
                "1@2 a@x.example|a@x.example||Berg, Anna|a@x.example",
            ],
        ),
        with(
            "set.csv",
            "email;name\na@x.example;Anna\n",
            |it| it.delimiter = Some(b','),
            &[
                "error: set.csv, header (line 1): there is no column \"email\", which \"address\" under [recipients] names; the header is one column, \"email;name\": if ';' separates the columns, set delimiter = \";\" under [recipients]",
            ],
        ),
        with(
            "set.tsv",
            "email;name\na@x.example;Anna\n",
            |it| it.delimiter = Some(b';'),
            &["1@2 a@x.example|a@x.example||a@x.example|Anna"],
        ),
        case(
            "shortsemi.csv",
            "email;name;plan\na@x.example;Anna\nb@x.example;Bert;pro;1\n",
            &[
                "note: shortsemi.csv: the columns are separated by semicolons (;)",
                "1@2 invalid \"a@x.example\": 2 fields, but the header has 3 columns; add what is missing, a semicolon for each empty field",
                "2@3 invalid \"b@x.example\": 4 fields, but the header has 3 columns; put quotes (\") around a field that holds a semicolon",
            ],
        ),
        case(
            "short.tsv",
            "email\tname\na@x.example\n",
            &[
                "1@2 invalid \"a@x.example\": 1 field, but the header has 2 columns; add what is missing, a tab for each empty field",
            ],
        ),
        case(
            "bars.csv",
            "email|name\na@x.example\n",
            &[
                "note: bars.csv: the columns are separated by vertical bars (|)",
                "1@2 invalid \"a@x.example\": 1 field, but the header has 2 columns; add what is missing, a vertical bar for each empty field",
            ],
        ),
        case(
            "decimals.csv",
            "email;amount\na@x.example;1,50\nb@x.example;2,75\n",
            &[
                "note: decimals.csv: the columns are separated by semicolons (;)",
                "1@2 a@x.example|a@x.example||a@x.example|1,50",
                "2@3 b@x.example|b@x.example||b@x.example|2,75",
            ],
        ),
        case(
            "sepmarked.csv",
            "\u{feff}sep=|\r\nemail|name\r\na@x.example|Anna; Berg\r\n",
            &[
                "note: sepmarked.csv: the columns are separated by vertical bars (|)",
                "1@3 a@x.example|a@x.example||a@x.example|Anna; Berg",
            ],
        ),
        with(
            "sepset.csv",
            "sep=;\nemail;name\na@x.example;Anna\n",
            |it| it.delimiter = Some(b';'),
            &["1@3 a@x.example|a@x.example||a@x.example|Anna"],
        ),
        // Excel's own first line, which names the separator, is no header.
        case(
            "sep.csv",
            "sep=;\nemail;name\na@x.example;Anna\n",
            &[
                "note: sep.csv: the columns are separated by semicolons (;)",
                "1@3 a@x.example|a@x.example||a@x.example|Anna",
            ],
        ),
    ]
}

#[test]
fn every_delimiter() {
    check(cases());
}
