//! Lists of which several rows are one recipient.

use proptest::prelude::*;

use super::{Case, cells, check, gzip, outcome, with};
use crate::campaign::ListSettings;
use crate::recipients::{Row, Source, key_of, parse_address};

fn by_email(it: &mut ListSettings) {
    it.group_by = Some("email".into());
}

fn by_customer(it: &mut ListSettings) {
    it.group_by = Some("customer".into());
}

const ORDERS: &str = "email,item\nb@x.example,pot\na@x.example,cup\nb@X.EXAMPLE,lid\nc@x.example,jug\n a@x.example ,mug\nb@x.example,pan\n";

pub(super) fn cases() -> Vec<Case> {
    vec![
        with(
            "apart.csv",
            ORDERS,
            by_email,
            &[
                "note: apart.csv: 6 rows in 3 groups by \"email\", a message each",
                "1@2 b@x.example|b@x.example||b@x.example|pot + 3@4 b@X.EXAMPLE|lid + 6@7 b@x.example|pan",
                "2@3 a@x.example|a@x.example||a@x.example|cup + 5@6  a@x.example |mug",
                "4@5 c@x.example|c@x.example||c@x.example|jug",
            ],
        ),
        with(
            "together.csv",
            "email,item\nb@x.example,pot\nb@x.example,lid\na@x.example,cup\n",
            by_email,
            &[
                "note: together.csv: 3 rows in 2 groups by \"email\", a message each",
                "1@2 b@x.example|b@x.example||b@x.example|pot + 2@3 b@x.example|lid",
                "3@4 a@x.example|a@x.example||a@x.example|cup",
            ],
        ),
        with(
            "apart.csv.gz",
            gzip(ORDERS),
            by_email,
            &[
                "note: apart.csv.gz: 6 rows in 3 groups by \"email\", a message each",
                "1@2 b@x.example|b@x.example||b@x.example|pot + 3@4 b@X.EXAMPLE|lid + 6@7 b@x.example|pan",
                "2@3 a@x.example|a@x.example||a@x.example|cup + 5@6  a@x.example |mug",
                "4@5 c@x.example|c@x.example||c@x.example|jug",
            ],
        ),
        with(
            "nobody.csv",
            "email,item\n",
            by_email,
            &["note: nobody.csv: 0 rows in 0 groups by \"email\", a message each"],
        ),
        with(
            "names.csv",
            "email,item\nA B <b@bücher.example>,pot\nb@xn--bcher-kva.example,lid\nB@bücher.example,pan\n",
            by_email,
            &[
                "note: names.csv: 3 rows in 2 groups by \"email\", a message each",
                "1@2 b@xn--bcher-kva.example|b@xn--bcher-kva.example|A B|A B <b@bücher.example>|pot + 2@3 b@xn--bcher-kva.example|lid",
                "3@4 B@xn--bcher-kva.example|B@xn--bcher-kva.example||B@bücher.example|pan",
            ],
        ),
        with(
            "case.csv",
            "email,item\nb@x.example,pot\nB@x.example,lid\n",
            |it| {
                by_email(it);
                it.duplicates_ignore_case = true;
            },
            &[
                "note: case.csv: 2 rows in 1 group by \"email\", a message each",
                "1@2 b@x.example|b@x.example||b@x.example|pot + 2@3 B@x.example|lid",
            ],
        ),
        with(
            "typed.jsonl",
            "{\"email\":\"a@x.example\",\"items\":[1,{\"n\":2}],\"paid\":true}\n{\"email\":\"b@x.example\"}\n{\"email\":\"a@x.example\",\"items\":[],\"paid\":1.5}\n",
            by_email,
            &[
                "note: typed.jsonl: 3 rows in 2 groups by \"email\", a message each",
                "1@1 a@x.example|a@x.example||a@x.example|[1,{\"n\":2}]=[1,{\"n\":2}]|true=true + 3@3 a@x.example|[]=[]|1.5=1.5",
                "2@2 b@x.example|b@x.example||b@x.example||",
            ],
        ),
        with(
            "customers.csv",
            "customer,email\n7,a@x.example\n8,b@x.example\n 7 ,a@X.example\n9,a@x.example\n",
            by_customer,
            &[
                "note: customers.csv: 4 rows in 3 groups by \"customer\", a message each",
                "1@2 a@x.example|a@x.example||7|a@x.example + 3@4  7 |a@X.example",
                "2@3 b@x.example|b@x.example||8|b@x.example",
                "4@5 a@x.example|a@x.example||9|a@x.example",
            ],
        ),
        with(
            "addresses.csv",
            "customer,email\n7,a@x.example\n8,b@x.example\n7,c@x.example\n7,d@x.example\n",
            by_customer,
            &[
                "note: addresses.csv: 4 rows in 2 groups by \"customer\", a message each",
                "3@4 invalid \"a@x.example\" email: another address than in row 1, of the same \"customer\"; one message goes to one address: correct one of them, or group the rows by \"email\" (its group, of 3 rows, is not mailed without it) + 1@2 7|a@x.example + 4@5 7|d@x.example",
                "2@3 b@x.example|b@x.example||8|b@x.example",
            ],
        ),
        with(
            "keys.csv",
            "customer,email,order\n7,a@x.example,1\n8,b@x.example,2\n7,a@x.example,3\n",
            |it| {
                by_customer(it);
                it.key = Some("order".into());
            },
            &[
                "note: keys.csv: 3 rows in 2 groups by \"customer\", a message each",
                "3@4 invalid \"1\" order: another key than in row 1, of the same \"customer\"; one message has one key: correct one of them, or leave \"key\" under [recipients] out (its group, of 2 rows, is not mailed without it) + 1@2 7|a@x.example|1",
                "2@3 2|b@x.example||8|b@x.example|2",
            ],
        ),
        with(
            "nobodys.csv",
            "customer,email\n,a@x.example\n7,b@x.example\n ,a@x.example\n",
            by_customer,
            &[
                "note: nobodys.csv: 3 rows in 3 groups by \"customer\", a message each",
                "1@2 invalid \"a@x.example\" customer: the cell is empty, and \"group_by\" asks it whose row this is; fill it in",
                "2@3 b@x.example|b@x.example||7|b@x.example",
                "3@4 invalid \"a@x.example\" customer: the cell is empty, and \"group_by\" asks it whose row this is; fill it in",
            ],
        ),
        with(
            "wrong.csv",
            "email,item\na@x.example,pot\nb@,lid\na@x.example,\nb@,cup\na@x.example,\n",
            |it| {
                by_email(it);
                it.required = vec!["item".into()];
            },
            &[
                "note: wrong.csv: 5 rows in 3 groups by \"email\", a message each",
                "3@4 invalid \"a@x.example\" item: the cell is empty, and the column is required; fill it in (its group, of 3 rows, is not mailed without it) + 1@2 a@x.example|pot + 5@6 a@x.example|",
                "2@3 invalid \"b@\" email: nothing after the @; correct the address",
                "4@5 invalid \"b@\" email: nothing after the @; correct the address",
            ],
        ),
        with(
            "first.csv",
            "customer,email,order\n7,,1\n8,b@x.example,2\n7,a@x.example,1\n",
            |it| {
                by_customer(it);
                it.key = Some("order".into());
            },
            &[
                "note: first.csv: 3 rows in 2 groups by \"customer\", a message each",
                "1@2 invalid \"1\" email: the address is empty; fill it in (its group, of 2 rows, is not mailed without it) + 3@4 7|a@x.example|1",
                "2@3 2|b@x.example||8|b@x.example|2",
            ],
        ),
        with(
            "ragged.csv",
            "email,item\na@x.example,pot\na@x.example\nb@x.example,lid\nb@x.example,lid,2\n,,,\n",
            by_email,
            &[
                "note: ragged.csv: 5 rows in 3 groups by \"email\", a message each",
                "2@3 invalid \"a@x.example\": 1 field, but the header has 2 columns; add what is missing, a comma for each empty field (its group, of 2 rows, is not mailed without it) + 1@2 a@x.example|pot",
                "4@5 invalid \"b@x.example\": 3 fields, but the header has 2 columns; put quotes (\") around a field that holds a comma (its group, of 2 rows, is not mailed without it) + 3@4 b@x.example|lid",
                "5@6 invalid \"\": 4 fields, but the header has 2 columns; put quotes (\") around a field that holds a comma",
            ],
        ),
        with(
            "where.csv",
            "email,item,paid\na@x.example,pot,no\nb@x.example,lid,no\na@x.example,cup,yes\na@x.example,mug,yes\n",
            |it| {
                by_email(it);
                it.only_where = Some("paid == 'yes'".into());
            },
            &[
                "note: where.csv: 2 rows in 1 group by \"email\", a message each",
                "3@4 a@x.example|a@x.example||a@x.example|cup|yes + 4@5 a@x.example|mug|yes",
            ],
        ),
        with(
            "undecided.csv",
            "email,paid\na@x.example,1\na@x.example,x\nb@x.example,2\n",
            |it| {
                by_email(it);
                it.only_where = Some("int(paid) > 0".into());
            },
            &[
                "note: undecided.csv: 3 rows in 2 groups by \"email\", a message each",
                "2@3 invalid \"a@x.example\": \"where\" has no answer: Error executing function 'int': string parse error: invalid digit found in string; correct the cell, or ask for what it may hold (its group, of 2 rows, is not mailed without it) + 1@2 a@x.example|1",
                "3@4 b@x.example|b@x.example||b@x.example|2",
            ],
        ),
        with(
            "noquestion.csv",
            "email,paid\na@x.example,1\n",
            |it| {
                by_email(it);
                it.only_where = Some("paid".into());
            },
            &[
                "error: noquestion.csv, row 1 (line 2): \"where\" under [recipients] gives a text, not true or false; write a comparison, such as plan == \"pro\"",
            ],
        ),
        with(
            "unclosed.csv",
            "email,item\na@x.example,pot\na@x.example,\"lid\n",
            by_email,
            &[
                "error: unclosed.csv, row 2 (line 3): a quote (\") is opened here and never closed; close it, or double each quote that belongs to the text (\"\")",
            ],
        ),
        with(
            "rows.csv",
            "email,rows\na@x.example,1\n",
            by_email,
            &[
                "error: rows.csv, header (line 1): column 2 is named \"rows\", which is a value of mailrun's own in every template; rename the column",
            ],
        ),
        with(
            "ungrouped.csv",
            "email,rows\na@x.example,1\n",
            |_| {},
            &["1@2 a@x.example|a@x.example||a@x.example|1"],
        ),
        with(
            "missing.csv",
            "email,client\na@x.example,1\n",
            by_customer,
            &[
                "error: missing.csv, header (line 1): there is no column \"customer\", which \"group_by\" under [recipients] names; correct the setting or the header: the columns are \"email\", \"client\"",
            ],
        ),
        with(
            "nul.csv",
            "email,item\na@x.example,\"x\0\n\"\"y\"\na@x.example,z\n",
            by_email,
            &[
                "note: nul.csv: 2 rows in 1 group by \"email\", a message each",
                "1@2 a@x.example|a@x.example||a@x.example|x\0\n\"y + 2@4 a@x.example|z",
            ],
        ),
    ]
}

#[test]
fn every_group() {
    check(cases());
}

/// A row as it is written: whose, what, and what else is wrong with it.
#[derive(Debug, Clone)]
struct Written {
    customer: &'static str,
    email: &'static str,
    item: String,
    is_short: bool,
}

fn written() -> impl Strategy<Value = Written> {
    let customers = vec!["7", " 7 ", "8", "9", "10", "seven, \"7\"", ""];
    let emails = vec!["a@x.example", "a@X.example", "b@x.example", "c@", ""];
    let items = prop_oneof![
        6 => "[a-z\",\n ]{1,12}",
        1 => Just(String::new()),
        1 => (0..4000_usize).prop_map(|length| "é".repeat(length)),
    ];
    let parts = (
        prop::sample::select(customers),
        prop::sample::select(emails),
        items,
        prop::bool::weighted(0.05),
    );
    parts.prop_map(|(customer, email, item, is_short)| Written {
        customer,
        email,
        item,
        is_short,
    })
}

fn csv(rows: &[Written]) -> Vec<u8> {
    let mut csv = ::csv::WriterBuilder::new()
        .flexible(true)
        .from_writer(Vec::new());
    csv.write_record(["customer", "email", "item"]).unwrap();
    for row in rows {
        let all = [row.customer, row.email, &row.item];
        csv.write_record(&all[..if row.is_short { 2 } else { 3 }])
            .unwrap();
    }
    csv.into_inner().unwrap()
}

/// The rows of a group; `None` where one is wrong.
type Cells = Option<Vec<String>>;

/// A group as one would make it in memory.
struct Naive {
    whose: Option<String>,
    key: Option<String>,
    rows: Cells,
}

/// The groups of a list as one would make them in memory, from the rows as they are without `group_by`.
fn naive(settings: &ListSettings, column: usize) -> Vec<Cells> {
    let mut groups: Vec<Naive> = Vec::new();
    for row in Source::look(settings).unwrap().open().unwrap() {
        let (key, fields) = match row.unwrap() {
            Row::Recipient(it) => (Some(it.key), it.fields),
            Row::Invalid(it) => (None, it.fields),
        };
        let cell = fields.get(column).unwrap_or_default().trim();
        let whose = match column {
            1 => parse_address(cell).map(|(_, it)| key_of(&it, false)).ok(),
            _ => (!cell.is_empty()).then(|| cell.to_owned()),
        };
        let is_right = key.is_some() && whose.is_some();
        let known = groups
            .iter_mut()
            .find(|it| whose.is_some() && it.whose == whose);
        let cells = cells(&fields, &[]);
        match known {
            None => groups.push(Naive {
                whose,
                key,
                rows: is_right.then(|| vec![cells]),
            }),
            Some(group) => match &mut group.rows {
                Some(rows) if is_right && group.key == key => rows.push(cells),
                _ => group.rows = None,
            },
        }
    }
    groups.into_iter().map(|it| it.rows).collect()
}

/// The groups as they are.
fn grouped(settings: &ListSettings) -> Vec<Cells> {
    let rows = Source::look(settings).unwrap().open().unwrap();
    rows.map(|row| match row.unwrap() {
        Row::Invalid(_) => None,
        Row::Recipient(it) => {
            let others = it.others.iter().map(|it| cells(&it.fields, &it.nested));
            Some(
                std::iter::once(cells(&it.fields, &it.nested))
                    .chain(others)
                    .collect(),
            )
        }
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn groups_are_those_that_one_would_make_in_memory(
        rows in prop::collection::vec(written(), 0..40),
        by_email in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("list.csv");
        std::fs::write(&file, csv(&rows)).unwrap();
        let mut settings = ListSettings::new(&file);
        settings.required = vec!["item".into()];
        let (column, name) = if by_email { (1, "email") } else { (0, "customer") };
        let expected = naive(&settings, column);
        settings.group_by = Some(name.into());
        prop_assert_eq!(grouped(&settings), expected);
    }

    #[test]
    fn the_order_of_other_rows_changes_no_group(
        (rows, shuffled) in prop::collection::vec(written(), 0..30)
            .prop_map(|rows| rows.into_iter().enumerate().collect::<Vec<_>>())
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let groups = |rows: &[(usize, Written)]| {
            let rows: Vec<_> = rows.iter().map(|(_, row)| row.clone()).collect();
            let file = dir.path().join("list.csv");
            std::fs::write(&file, csv(&rows)).unwrap();
            let mut settings = ListSettings::new(&file);
            by_email(&mut settings);
            let mut groups = grouped(&settings);
            groups.iter_mut().flatten().for_each(|rows| rows.sort());
            groups.sort();
            groups
        };
        prop_assert_eq!(groups(&rows), groups(&shuffled));
    }
}

/// A list of three people, one of whom has so many rows, each with so many bytes.
fn heavy(rows: usize, bytes: usize) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut list = "email,item\na@x.example,pot\n".to_owned();
    for row in 0..rows {
        list.push_str(&format!("b@x.example,{}\n", "x".repeat(bytes)));
        if row == rows / 2 {
            list.push_str("c@x.example,cup\na@x.example,lid\n");
        }
    }
    let file = dir.path().join("heavy.csv");
    std::fs::write(&file, list).unwrap();
    let mut settings = ListSettings::new(&file);
    by_email(&mut settings);
    let mut lines = outcome(&settings, dir.path());
    lines.iter_mut().for_each(|line| line.truncate(220));
    lines
}

#[test]
fn a_group_is_bounded() {
    // Rows of a megabyte, or of two cells of 64 bytes and twelve of text: it is the sum that counts.
    for (rows, bytes) in [(15, 1 << 20), (119_000, 1)] {
        let lines = heavy(rows, bytes);
        assert!(
            lines[2].starts_with("2@3 b@x.example|b@x.example||"),
            "{lines:?}"
        );
    }
    for (rows, bytes) in [(16, 1 << 20), (121_000, 1)] {
        let lines = heavy(rows, bytes);
        let rows = crate::wording::count(rows as u64, "row");
        assert_eq!(lines.len(), 4);
        assert!(lines[1].contains("a@x.example|pot + "), "{lines:?}");
        assert_eq!(
            lines[2],
            format!(
                "2@3 invalid \"b@x.example\": {rows} of one group are more than 16 MiB (the cells, and 64 bytes for each), too \
                 much for one message; see that \"group_by\" under [recipients] names the right column"
            )
        );
        assert!(lines[3].ends_with(" c@x.example|c@x.example||c@x.example|cup"));
    }
}
