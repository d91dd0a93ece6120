//! Workbooks that are damaged, or made to take all memory, all time or the whole disk: each is an error that says what is
//! wrong. What LibreOffice writes for the rest of a sheet is none.

use super::sheets::ods;
use super::zip::zip;
use super::{Case, case, check};

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const HEADER: &str = r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row>"#;
const EMAIL: &str = r#"<table:table-row><table:table-cell office:value-type="string"><text:p>email</text:p></table:table-cell></table:table-row>"#;

/// A workbook of Excel of one sheet, by the rows, the texts and the formats of its parts.
fn xlsx(rows: &str, strings: &str, formats: &str) -> Vec<u8> {
    let link = |id: &str, kind: &str, target: &str| {
        format!(r#"<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{target}"/>"#)
    };
    let links = |links: String| format!("<Relationships>{links}</Relationships>");
    let sheets = r#"<sheets><sheet name="One" sheetId="1" r:id="a"/></sheets>"#;
    zip(&[
        (
            "_rels/.rels",
            &links(link("a", "officeDocument", "xl/workbook.xml")),
        ),
        (
            "xl/workbook.xml",
            &format!(r#"<workbook xmlns:r="{OFFICE}">{sheets}</workbook>"#),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &links(link("a", "worksheet", "worksheets/sheet1.xml")),
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"),
        ),
        ("xl/sharedStrings.xml", strings),
        (
            "xl/styles.xml",
            &format!("<styleSheet>{formats}</styleSheet>"),
        ),
    ])
}

fn texts(claimed: &str, texts: &str) -> String {
    format!(r#"<sst uniqueCount="{claimed}"><si><t>email</t></si>{texts}</sst>"#)
}

fn excel() -> Vec<Case> {
    let second = r#"<row r="2"><c r="A2" t="s"><v>1</v></c></row>"#;
    let both = format!("{HEADER}{second}");
    let long = "x".repeat((16 << 20) + 1);
    // In pieces, so that none is too long.
    let parted = format!(
        "<si><t>{}</t></si>",
        ("x".repeat(1 << 20) + "&amp;").repeat(16)
    );
    let inline =
        format!(r#"{HEADER}<row r="2"><c r="A2" t="inlineStr"><is><t>{long}</t></is></c></row>"#);
    let name = "x".repeat(1 << 16);
    let styles = format!(
        r#"<fonts><font><name val="{name}"/></font></fonts><cellXfs>{}</cellXfs>"#,
        r#"<xf fontId="0"/>"#.repeat(2100)
    );
    let deep = "<a>".repeat(300) + &"</a>".repeat(300);
    let good = texts("2", "<si><t>a@x.example</t></si>");
    let uncounted = texts("900000", "<si><t>a@x.example</t></si>");
    vec![
        case(
            "miscounted.xlsx",
            xlsx(&both, &uncounted, ""),
            &["1@2 a@x.example|a@x.example||a@x.example"],
        ),
        case(
            "count.xlsx",
            xlsx(HEADER, &texts("4000000000", ""), ""),
            &[
                "error: count.xlsx: the workbook cannot be read: xl/sharedStrings.xml claims to have 4000000000 texts, and has 1; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "bomb.xlsx",
            xlsx(
                &both,
                &texts("4000000000", &format!("<si><t>{long}</t></si>")),
                "",
            ),
            &[
                "error: bomb.xlsx: the workbook cannot be read: xl/sharedStrings.xml: a piece of it is longer than 16 MiB; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "bomb2.xlsx",
            xlsx(&inline, &good, ""),
            &[
                "error: bomb2.xlsx: the workbook cannot be read: xl/worksheets/sheet1.xml: a piece of it is longer than 16 MiB; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "parted.xlsx",
            xlsx(&both, &texts("4000000000", &parted), ""),
            &[
                "error: parted.xlsx: the workbook cannot be read: xl/sharedStrings.xml has a text that is longer than 16 MiB; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "styles.xlsx",
            xlsx(&both, &good, &styles),
            &[
                "error: styles.xlsx: the workbook cannot be read: xl/styles.xml has far more in it than a file of this size can have; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "nested.xlsx",
            xlsx(&both, &good, &deep),
            &[
                "error: nested.xlsx: the workbook cannot be read: xl/styles.xml has more than 256 elements in one another; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "cutpart.xlsx",
            xlsx(&both, "<sst><si><t>email</t></si>", ""),
            &[
                "error: cutpart.xlsx: the workbook cannot be read: Unexpected end of xml, expecting '</sst>'; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "locked.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            &[
                "error: locked.xlsx: the workbook cannot be read: it is protected by a password, or of Excel 2003 or older; open it and save it again, or save the sheet as CSV",
            ],
        ),
    ]
}

fn libre_office() -> Vec<Case> {
    let cell = |repeated: &str, text: &str| {
        format!(
            r#"<table:table-cell {repeated} office:value-type="string"><text:p>{text}</text:p></table:table-cell>"#
        )
    };
    let row = |repeated: &str, cells: &str| {
        format!("<table:table-row {repeated}>{cells}</table:table-row>")
    };
    let empty = r#"<table:table-cell table:number-columns-repeated="16383"/>"#;
    let rest = row(r#"table:number-rows-repeated="1048573""#, empty);
    let columns = r#"<table:table-column table:number-columns-repeated="16384"/>"#;
    let a = row("", &(cell("", "a@x.example") + empty));
    let twice = row(
        r#"table:number-rows-repeated="2""#,
        &cell("", "b@x.example"),
    );
    let usual = format!("{columns}{EMAIL}{a}{rest}");
    let between = format!("{EMAIL}{rest}{a}{twice}");
    let wide = row(
        r#"table:number-rows-repeated="1000000""#,
        &cell(r#"table:number-columns-repeated="90""#, "a@x.example"),
    );
    let long = row(
        r#"table:number-rows-repeated="1048578""#,
        &cell("", "a@x.example"),
    );
    let far = row(
        "",
        &cell(r#"table:number-columns-repeated="99999999999""#, "x"),
    );
    let endless = row(
        r#"table:number-rows-repeated="18446744073709551615""#,
        empty,
    );
    let spaces = row("", &cell("", r#"<text:s text:c="4000000000"/>"#));
    let uncounted = row(r#"table:number-rows-repeated="many""#, "");
    let content = |text: &str| {
        zip(&[
            ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
            ("content.xml", text),
        ])
    };
    vec![
        case(
            "rest.ods",
            ods(&usual),
            &["1@2 a@x.example|a@x.example||a@x.example"],
        ),
        case(
            "between.ods",
            ods(&between),
            &[
                "1@1048575 a@x.example|a@x.example||a@x.example",
                "2@1048576 b@x.example|b@x.example||b@x.example",
                "3@1048577 b@x.example|b@x.example||b@x.example",
            ],
        ),
        case(
            "cut.ods",
            content(r#"<office:spreadsheet><table:table table:name="L">"#),
            &[
                "error: cut.ods: the workbook cannot be read: content.xml is cut off: end tags are missing; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "ends.ods",
            content(r#"<office:spreadsheet><table:table table:name="L"></office:spreadsheet>"#),
            &[
                "error: ends.ods: the workbook cannot be read: content.xml is damaged: ill-formed document: expected `</table:table>`, but `</office:spreadsheet>` was found; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "wide.ods",
            ods(&format!("{EMAIL}{wide}")),
            &[
                "error: wide.ods: the workbook cannot be read: from row 2 on, its cells are said to be repeated more often than any list needs; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "long.ods",
            ods(&format!("{EMAIL}{long}")),
            &[
                "error: long.ods: the workbook cannot be read: from row 2 on, its cells are said to be repeated more often than any list needs; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "endless.ods",
            ods(&format!("{EMAIL}{endless}{endless}{a}")),
            &[
                "error: endless.ods: the workbook cannot be read: it has more rows than any spreadsheet can have; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "far.ods",
            ods(&format!("{EMAIL}{far}")),
            &[
                "error: far.ods: the workbook cannot be read: row 2 has more than 16384 columns; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "spaces.ods",
            ods(&format!("{EMAIL}{spaces}")),
            &[
                "error: spaces.ods: the workbook cannot be read: row 2 is longer than 16 MiB; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "many.ods",
            ods(&format!("{EMAIL}{uncounted}")),
            &[
                "error: many.ods: the workbook cannot be read: content.xml has \"many\" for a number of times; open it and save it again, or save the sheet as CSV",
            ],
        ),
    ]
}

#[test]
fn every_hostile_workbook() {
    let mut cases = excel();
    cases.extend(libre_office());
    check(cases);
}
