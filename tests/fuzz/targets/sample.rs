//! A campaign with a column in every place of a message that data can reach, and its harmless row.

use std::fs;
use std::sync::LazyLock;

use mailrun::campaign::{Campaign, ListSettings};
use mailrun::compose::Composer;
use mailrun::message::{Message, Part};
use mailrun::recipients::{List, Row};

const DATE: &str = "Fri, 20 Nov 2026 12:00:00 +0000";

/// Each column with a harmless cell.
pub const COLUMNS: [(&str, &str); 14] = [
    ("email", "anna@a.example"),
    ("name", "Anna"),
    ("subject", "Hello"),
    ("header", "one"),
    ("reply", "reply@a.example"),
    ("cc", "boss@a.example"),
    ("bcc", "archive@a.example"),
    ("file", "Terms.pdf"),
    ("kind", "application/pdf"),
    ("path", "terms.pdf"),
    ("photo", "anna"),
    ("url", "token"),
    ("bounce", "1"),
    ("text", "It is time."),
];

const SETTINGS: &str = r#"
name = "Test"
[recipients]
display  = "name"
encoding = "utf-8"
delimiter = ","
[message]
from          = "ACME News <news@acme.example>"
cc            = ["{{cc}}"]
bcc           = ["{{bcc}}"]
subject       = "{{subject}}"
envelope_from = "bounce+{{bounce}}@acme.example"
attachments   = [{ path = "files/{{path}}", name = "{{file}}", type = "{{kind}}" }]
headers       = { "X-Own" = "{{header}}", "Reply-To" = "{{name}} <{{reply}}>" }
[list]
id          = "n.acme.example"
unsubscribe = ["https://acme.example/u/{{url}}", "mailto:leave@acme.example?subject={{url}}"]
one_click   = true
"#;

const HTML: &str = "<p title=\"{{name}}\">{{text}}</p><a href=\"https://acme.example/{{url}}\">{{name}}</a>\
                    <img src=\"images/{{photo}}.png\" alt=\"{{name}}\">";

/// The campaign, with the To that the display column gives, and with one of a template.
pub struct Sample {
    folder: tempfile::TempDir,
    settings: ListSettings,
    pub composers: [Composer; 2],
    /// The harmless row's message of each.
    pub good: [String; 2],
}

pub static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a name in the folder")).expect("a folder");
        fs::write(path, content).expect("the folder takes it");
    };
    write("message.html.hbs", HTML.as_bytes());
    write("message.txt.hbs", b"{{text}}\n");
    write("files/terms.pdf", b"%PDF-1");
    write("images/anna.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    write("recipients.csv", b"email\n");
    let campaign = |more: &str| {
        let settings = SETTINGS.replace("subject  ", &format!("{more}\nsubject  "));
        write("campaign.toml", settings.as_bytes());
        Campaign::load(folder.path()).expect("a campaign")
    };
    let composer = |more: &str| {
        let columns = COLUMNS.map(|(column, _)| column.to_owned());
        Composer::load(&campaign(more), &columns, |_| false).expect("its templates")
    };
    let composers = [composer(""), composer("to = \"{{name}} <{{email}}>\"")];
    let settings = campaign("").recipients;
    let good = composers.each_ref().map(|composer| {
        let message = row(&folder, &settings, &harmless(), composer).expect("a harmless row");
        let bytes = message
            .content
            .iter()
            .flat_map(Part::bytes)
            .copied()
            .collect();
        String::from_utf8(bytes).expect("a message is ASCII")
    });
    Sample {
        folder,
        settings,
        composers,
        good,
    }
});

pub fn harmless() -> Vec<Vec<u8>> {
    COLUMNS
        .iter()
        .map(|(_, cell)| cell.as_bytes().to_vec())
        .collect()
}

/// The cell in a column.
pub fn cell<'a>(cells: &'a [Vec<u8>], column: &str) -> &'a [u8] {
    let place = COLUMNS.iter().position(|(name, _)| *name == column);
    &cells[place.expect("a column of the sample")]
}

/// What the list and the composer make of a row: its message, or why there is none.
pub fn made(cells: &[Vec<u8>], composer: &Composer) -> Result<Message, String> {
    row(&SAMPLE.folder, &SAMPLE.settings, cells, composer)
}

fn row(
    folder: &tempfile::TempDir,
    settings: &ListSettings,
    cells: &[Vec<u8>],
    composer: &Composer,
) -> Result<Message, String> {
    let mut list = COLUMNS.map(|(column, _)| column).join(",").into_bytes();
    for (at, cell) in cells.iter().enumerate() {
        list.extend_from_slice(if at == 0 { b"\n\"" } else { b",\"" });
        let doubled = cell
            .iter()
            .flat_map(|&byte| std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 }));
        list.extend(doubled);
        list.push(b'"');
    }
    let mut settings = settings.clone();
    settings.file = folder.path().join("row.csv");
    fs::write(&settings.file, list).expect("the folder takes it");
    let mut rows = List::open(&settings).map_err(|error| error.to_string())?;
    let row = rows
        .next()
        .expect("a row")
        .map_err(|error| error.to_string())?;
    assert!(rows.next().is_none(), "one row has become two: {cells:?}");
    match row {
        Row::Recipient(recipient) => {
            let message = composer.compose(&recipient, DATE, &mut composer.sheet());
            message.map_err(|refusal| refusal.reason)
        }
        Row::Invalid(row) => Err(row.reason),
    }
}
