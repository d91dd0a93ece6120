//! Workbooks of Excel and LibreOffice.

use super::zip::zip;
use super::{Case, case, check, gzip, with};

/// A workbook of Excel: sheets by name, each with the rows of its XML. Style 1 is a date, 2 date and time, 3 a duration.
pub(super) fn xlsx(sheets: &[(&str, &str)]) -> Vec<u8> {
    let numbered = || (1..).zip(sheets);
    let each = |write: &dyn Fn(usize, &str) -> String| -> String {
        numbered().map(|(n, (name, _))| write(n, name)).collect()
    };
    let book = each(&|n, name| format!(r#"<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>"#));
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let links = each(&|n, _| {
        format!(
            r#"<Relationship Id="rId{n}" Type="{kind}/worksheet" Target="worksheets/sheet{n}.xml"/>"#
        )
    });
    let main = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main""#;
    let rels = r#"xmlns="http://schemas.openxmlformats.org/package/2006/relationships""#;
    let mut files = vec![
        (
            "[Content_Types].xml".to_owned(),
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#
                .to_owned(),
        ),
        (
            "_rels/.rels".to_owned(),
            format!(
                r#"<Relationships {rels}><Relationship Id="rId1" Type="{kind}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml".to_owned(),
            format!(r#"<workbook {main} xmlns:r="{kind}"><sheets>{book}</sheets></workbook>"#),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!(
                r#"<Relationships {rels}>{links}<Relationship Id="rId99" Type="{kind}/styles" Target="styles.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/styles.xml".to_owned(),
            format!(
                r#"<styleSheet {main}><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd hh:mm:ss"/></numFmts><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="46"/></cellXfs></styleSheet>"#
            ),
        ),
    ];
    for (n, (_, rows)) in numbered() {
        let text = format!(r#"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>"#);
        files.push((format!("xl/worksheets/sheet{n}.xml"), text));
    }
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    zip(&files)
}

/// A workbook of LibreOffice with one sheet.
pub(super) fn ods(rows: &str) -> Vec<u8> {
    let spaces = r#"xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0""#;
    let content = format!(
        r#"<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="Liste">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"#
    );
    zip(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        (
            "META-INF/manifest.xml",
            r#"<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>"#,
        ),
        ("content.xml", &content),
    ])
}

fn text(place: &str, text: &str) -> String {
    format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#)
}

fn header(columns: &[&str]) -> String {
    let cells = "ABCDEFGHIJ".chars().zip(columns);
    let cells: String = cells
        .map(|(at, name)| text(&format!("{at}1"), name))
        .collect();
    format!(r#"<row r="1">{cells}</row>"#)
}

pub(super) fn cases() -> Vec<Case> {
    let simple = format!(
        r#"{}<row r="2">{}{}</row>"#,
        header(&["email", "name"]),
        text("A2", "a@x.example"),
        text("B2", "王伟")
    );
    let simple_book = xlsx(&[("Sheet1", &simple)]);
    let types = format!(
        r#"{}<row r="2">{}<c r="B2"><v>5</v></c><c r="C2"><v>0.30000000000000004</v></c><c r="D2" s="1"><v>46346</v></c><c r="E2" s="2"><v>46346.604166666664</v></c><c r="F2" t="b"><v>0</v></c><c r="G2"><f>B2*2</f><v>10</v></c><c r="H2" t="str"><f>"x"</f><v>Köln</v></c><c r="I2" s="3"><v>1.5</v></c><c r="J2"><v>13800000000</v></c></row>"#,
        header(&[
            "email", "int", "float", "date", "time", "truth", "sum", "city", "long", "phone"
        ]),
        text("A2", "a@x.example")
    );
    let faults = format!(
        r##"{}<row r="2">{}<c r="B2" t="e"><v>#N/A</v></c></row><row r="3">{}<c r="B3" t="e"><f>1/0</f><v>#DIV/0!</v></c></row><row r="4">{}</row>"##,
        header(&["email", "name"]),
        text("A2", "a@x.example"),
        text("A3", "b@x.example"),
        text("A4", "c@x.example")
    );
    let gaps = format!(
        r#"<row r="3">{}{}</row><row r="4"/><row r="7">{}</row><row r="9">{}<c r="B9"><v>1</v></c>{}</row>"#,
        text("A3", "email"),
        text("B3", "name"),
        text("A7", "a@x.example"),
        text("A9", "b@x.example"),
        text("D9", "stray")
    );
    let unnamed = format!(
        r#"<row r="1">{}{}</row>"#,
        text("A1", "email"),
        text("C1", "name")
    );
    let other = format!(
        r#"{}<row r="2">{}</row>"#,
        header(&["email"]),
        text("A2", "b@x.example")
    );
    let cell = |kind: &str, text: &str| {
        format!(r#"<table:table-cell {kind}><text:p>{text}</text:p></table:table-cell>"#)
    };
    let string = |it: &str| cell(r#"office:value-type="string""#, it);
    let odf = format!(
        "<table:table-row>{}{}{}{}{}{}</table:table-row><table:table-row>{}{}{}{}{}{}</table:table-row>",
        string("email"),
        string("n"),
        string("date"),
        string("time"),
        string("truth"),
        string("name"),
        string("a@x.example"),
        cell(r#"office:value-type="float" office:value="7""#, "7"),
        cell(
            r#"office:value-type="date" office:date-value="2026-11-20""#,
            "20.11.26"
        ),
        cell(
            r#"office:value-type="date" office:date-value="2026-11-20T14:30:00""#,
            "x"
        ),
        cell(
            r#"office:value-type="boolean" office:boolean-value="true""#,
            "WAHR"
        ),
        string("Zoë"),
    );
    let odd = format!(
        r##"<table:table-header-rows><table:table-row>{}{}</table:table-row></table:table-header-rows>
        <table:table-row>{}
            <table:table-cell office:value-type="string">
                <office:annotation><text:p>who is that?</text:p></office:annotation>
                <text:p>Zoë<text:s text:c="2"/>&amp;<text:s/><text:span>Co</text:span></text:p>
                <text:p>Gent<text:line-break/>B</text:p>
            </table:table-cell>
        </table:table-row>
        <table:table-row>{}<table:table-cell table:formula="of:=NA()" office:value-type="string" office:string-value="" calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell></table:table-row>"##,
        string("email"),
        string("name"),
        string("a@x.example"),
        string("b@x.example"),
    );
    let row = |n: u8, customer: &str, email: &str, paid: &str| {
        let email = text(&format!("B{n}"), email);
        format!(r#"<row r="{n}"><c r="A{n}" {customer}</c>{email}<c r="C{n}" {paid}</c></row>"#)
    };
    let (seven, eight) = ("><v>7</v>", "><v>8</v>");
    let (yes, no) = (r#"t="b"><v>1</v>"#, r#"t="b"><v>0</v>"#);
    let fault = r##"t="e"><v>#N/A</v>"##;
    let orders = [
        header(&["customer", "email", "paid"]),
        row(2, seven, "a@x.example", yes),
        row(3, fault, "b@x.example", yes),
        row(4, eight, "c@x.example", yes),
        row(5, seven, "a@x.example", no),
        row(6, eight, "c@x.example", fault),
        row(7, fault, "b@x.example", no),
    ]
    .concat();
    vec![
        with(
            "orders.xlsx",
            xlsx(&[("Orders", &orders)]),
            |it| it.group_by = Some("customer".into()),
            &[
                "note: orders.xlsx: 6 rows in 4 groups by \"customer\", a message each",
                "1@2 a@x.example|a@x.example||7|a@x.example|true=true + 4@5 7|a@x.example|false=false",
                "2@3 invalid \"b@x.example\" customer: the cell is the error #N/A; correct its formula",
                "5@6 invalid \"c@x.example\" paid: the cell is the error #N/A; correct its formula (its group, of 2 rows, is not mailed without it) + 3@4 8|c@x.example|true=true",
                "6@7 invalid \"b@x.example\" customer: the cell is the error #N/A; correct its formula",
            ],
        ),
        case(
            "simple.xlsx",
            &simple_book,
            &["1@2 a@x.example|a@x.example||a@x.example|王伟"],
        ),
        case(
            "types.xlsx",
            xlsx(&[("Sheet1", &types)]),
            &[
                "1@2 a@x.example|a@x.example||a@x.example|5|0.3|2026-11-20|2026-11-20 14:30:00|false=false|10|Köln|36:00:00|13800000000",
            ],
        ),
        case(
            "faults.xlsx",
            xlsx(&[("Sheet1", &faults)]),
            &[
                "1@2 invalid \"a@x.example\" name: the cell is the error #N/A; correct its formula",
                "2@3 invalid \"b@x.example\" name: the cell is the error #DIV/0!; correct its formula",
                "3@4 c@x.example|c@x.example||c@x.example|",
            ],
        ),
        case(
            "gaps.xlsx",
            xlsx(&[("Sheet1", &gaps)]),
            &[
                "1@7 a@x.example|a@x.example||a@x.example|",
                "2@9 invalid \"b@x.example\": 4 fields, but the header has 2 columns; take out what stands beyond the last column that has a name",
            ],
        ),
        case(
            "unnamed.xlsx",
            xlsx(&[("Sheet1", &unnamed)]),
            &[
                "error: unnamed.xlsx, header (line 1): column 2 of 3 has no name; name it, or take the column out (a delimiter too many makes one)",
            ],
        ),
        case(
            "two.xlsx",
            xlsx(&[("Gäste", &simple), ("Alte", &other)]),
            &[
                "note: two.xlsx: read from \"Gäste\", the first of 2 sheets; \"sheet\" under [recipients] names another: \"Gäste\", \"Alte\"",
                "1@2 a@x.example|a@x.example||a@x.example|王伟",
            ],
        ),
        with(
            "chosen.xlsx",
            xlsx(&[("Gäste", &simple), ("Alte", &other)]),
            |it| it.sheet = Some("Alte".into()),
            &["1@2 b@x.example|b@x.example||b@x.example"],
        ),
        with(
            "nosheet.xlsx",
            xlsx(&[("Gäste", &simple), ("Alte", &other)]),
            |it| it.sheet = Some("Neue".into()),
            &[
                "error: nosheet.xlsx: there is no sheet \"Neue\", which \"sheet\" under [recipients] names; the sheets are \"Gäste\", \"Alte\"",
            ],
        ),
        case(
            "empty.xlsx",
            xlsx(&[("Sheet1", "")]),
            &[
                "error: empty.xlsx: the list is empty; its first line must name the columns, such as: email,name",
            ],
        ),
        case(
            "headeralone.xlsx",
            xlsx(&[("Sheet1", &header(&["email"]))]),
            &[],
        ),
        case(
            "missing.xlsx",
            xlsx(&[("Sheet1", &header(&["mail"]))]),
            &[
                "error: missing.xlsx, header (line 1): there is no column \"email\", which \"address\" under [recipients] names; did you mean \"mail\"? the columns are \"mail\"",
            ],
        ),
        case(
            "cut.xlsx",
            &simple_book[..simple_book.len() / 2],
            &[
                "error: cut.xlsx: the workbook cannot be read: invalid Zip archive: Could not find EOCD; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "simple.xlsx.gz",
            gzip(&simple_book),
            &["1@2 a@x.example|a@x.example||a@x.example|王伟"],
        ),
        case(
            "far.xlsx",
            xlsx(&[("Sheet1", r#"<row r="1"><c r="ZZZZ1"><v>1</v></c></row>"#)]),
            &[
                "error: far.xlsx: the workbook cannot be read: row 1 has more than 16384 columns; open it and save it again, or save the sheet as CSV",
            ],
        ),
        case(
            "simple.ods",
            ods(&odf),
            &[
                "1@2 a@x.example|a@x.example||a@x.example|7|2026-11-20|2026-11-20 14:30:00|true=true|Zoë",
            ],
        ),
        case(
            "odd.ods",
            ods(&odd),
            &[
                "1@2 a@x.example|a@x.example||a@x.example|Zoë  & Co\nGent\nB",
                "2@3 invalid \"b@x.example\" name: the cell is the error #N/A; correct its formula",
            ],
        ),
        with(
            "nosheet.ods",
            ods(&odf),
            |it| it.sheet = Some("Neue".into()),
            &[
                "error: nosheet.ods: there is no sheet \"Neue\", which \"sheet\" under [recipients] names; the sheets are \"Liste\"",
            ],
        ),
        case(
            "empty.ods",
            ods(""),
            &[
                "error: empty.ods: the list is empty; its first line must name the columns, such as: email,name",
            ],
        ),
    ]
}

#[test]
fn every_workbook() {
    check(cases());
}
