//! Whatever the cells of a row hold, in whatever place of a message they stand: the row is refused, or its message has the
//! fields, recipients and parts of a harmless row's, and no other.

use std::fs;
use std::sync::LazyLock;

use mail_parser::{HeaderValue, MessageParser, MimeHeaders, PartType};
use mailrun::campaign::{Campaign, ListSettings};
use mailrun::compose::Composer;
use mailrun::message::{Message, Part};
use mailrun::recipients::{List, Row};
use proptest::prelude::*;

use super::support::Folder;

const DATE: &str = "Fri, 20 Nov 2026 12:00:00 +0000";

/// Each column with a harmless cell; every place of a message that data can reach has one.
const COLUMNS: [(&str, &str); 12] = [
    ("email", "anna@a.example"),
    ("name", "Anna"),
    ("subject", "Hello"),
    ("header", "one"),
    ("reply", "reply@a.example"),
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
[message]
from          = "ACME News <news@acme.example>"
subject       = "{{subject}}"
envelope_from = "bounce+{{bounce}}@acme.example"
attachments   = [{ path = "files/{{path}}", name = "{{file}}", type = "{{kind}}" }]
headers       = { "X-Own" = "{{header}}", "Reply-To" = "{{name}} <{{reply}}>" }
[list]
id          = "n.acme.example"
unsubscribe = ["https://acme.example/u/{{url}}", "mailto:leave@acme.example?subject={{url}}"]
one_click   = true
"#;

const HTML: &str =
    "<p title=\"{{name}}\">{{text}}</p><img src=\"images/{{photo}}.png\" alt=\"{{name}}\">";

/// What has been tried on others.
const TRICKS: [&str; 40] = [
    "\r",
    "\n",
    "\r\n",
    "\n\n",
    "\0",
    "\u{b}",
    "\u{c}",
    "\u{1b}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "\r\nBcc: evil@x.example",
    "\nBcc: evil@x.example\n",
    "\r\n\r\n<h1>evil</h1>",
    "\r\n.\r\nMAIL FROM:<evil@x.example>",
    "%0D%0ABcc:%20evil@x.example",
    "=?utf-8?q?=0D=0ABcc:_evil=40x.example?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAeC5leGFtcGxl?=",
    "=?utf-8?q?a?= =?utf-8?q?b",
    "?=",
    "=0D=0A",
    "<evil@x.example>",
    ", evil@x.example",
    "; evil@x.example",
    ": evil@x.example;",
    "\"",
    "\\",
    "\\\"",
    "(",
    ")",
    ">, <mailto:evil@x.example>",
    "; filename=\"evil.exe\"",
    "utf-8''%0D%0AEvil:%20x",
    "../campaign.toml",
    "/etc/passwd",
    "multipart/mixed; boundary=x",
    "message/rfc822",
    "{{email}}{{> evil}}",
];

/// A harmless row's cells, with tricks in one place or in several.
fn row() -> impl Strategy<Value = Vec<String>> {
    let trick = prop_oneof![
        8 => proptest::sample::select(&TRICKS[..]).prop_map(str::to_owned),
        2 => ".{0,4}",
        1 => "[a-z]{90,1200}",
        1 => "[你好世界]{1,90}",
        1 => Just("\u{1f468}\u{200d}\u{1f469}".to_owned()),
    ];
    let tricks = proptest::collection::vec(trick, 1..4);
    let tricked = (0..COLUMNS.len(), tricks, 0..3_u8);
    proptest::collection::vec(tricked, 1..3).prop_map(|tricked| {
        let mut cells: Vec<_> = COLUMNS.iter().map(|(_, cell)| (*cell).to_owned()).collect();
        for (column, tricks, place) in tricked {
            let (cell, tricks) = (&mut cells[column], tricks.concat());
            match place {
                0 => *cell = tricks,
                1 => cell.push_str(&tricks),
                _ => cell.insert_str(cell.char_indices().nth(1).map_or(0, |(at, _)| at), &tricks),
            }
        }
        cells
    })
}

/// The campaign, with the To that the display column gives, and with one of a template.
struct Sample {
    /// The files of both.
    _folder: Folder,
    settings: ListSettings,
    composers: [Composer; 2],
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let folder = Folder::empty();
    folder.write("message.html.hbs", HTML);
    folder.write("message.txt.hbs", "{{text}}\n");
    folder.write("files/terms.pdf", "%PDF-1");
    folder.write("images/anna.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    folder.write(
        "recipients.csv",
        COLUMNS.map(|(column, _)| column).join(","),
    );
    let composer = |more: &str| {
        let settings = SETTINGS.replace("subject  ", &format!("{more}\nsubject  "));
        folder.write("campaign.toml", settings);
        let campaign = Campaign::load(&folder.path).unwrap();
        let columns = COLUMNS.map(|(column, _)| column.to_owned());
        Composer::load(&campaign, &columns, |_| false).unwrap()
    };
    let composers = [composer(""), composer("to = \"{{name}} <{{email}}>\"")];
    let settings = Campaign::load(&folder.path).unwrap().recipients;
    Sample {
        _folder: folder,
        settings,
        composers,
    }
});

/// What the list and the composer make of a row: its message, or why there is none.
fn made(cells: &[String], composer: &Composer) -> Result<Message, String> {
    let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
    let columns = COLUMNS.map(|(column, _)| column).join(",");
    let line: Vec<_> = cells.iter().map(quoted).collect();
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("recipients.csv"),
        format!("{columns}\n{}\n", line.join(",")),
    )
    .unwrap();
    let mut settings = SAMPLE.settings.clone();
    settings.file = folder.path().join("recipients.csv");
    let mut rows = List::open(&settings).unwrap();
    let row = rows.next().unwrap().unwrap();
    assert!(rows.next().is_none(), "one row has become two: {cells:?}");
    match row {
        Row::Recipient(recipient) => {
            let mut sheet = composer.sheet();
            let message = composer.compose(&recipient, DATE, &mut sheet);
            message.map_err(|refusal| refusal.reason)
        }
        Row::Invalid(row) => Err(row.reason),
    }
}

fn wire(message: &Message) -> Vec<u8> {
    let parts = message.content.iter().flat_map(Part::bytes);
    parts.copied().collect()
}

/// Names of fields, as the first words of lines: what a server or a careless reader sees.
fn fields(wire: &[u8]) -> Vec<String> {
    let text = str::from_utf8(wire).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let lines = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']));
    lines
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect()
}

/// The parts of a message, each with its kind, the names of its fields, and whether it can be shown.
fn parts(wire: &[u8]) -> Vec<String> {
    let message = MessageParser::default().parse(wire).unwrap();
    let one = |part: &mail_parser::MessagePart<'_>| {
        let names: Vec<_> = part
            .headers
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        let kind = match &part.body {
            PartType::Multipart(parts) => format!("{} parts", parts.len()),
            PartType::Message(_) => "a message".to_owned(),
            _ => String::new(),
        };
        let disposition = part.content_disposition().map(|it| it.ctype());
        let is_attached = disposition == Some("attachment");
        // An attachment's type is for the row to say.
        let is = part
            .content_type()
            .filter(|_| !is_attached)
            .map(|it| (it.ctype(), it.subtype()));
        format!("{is:?} {disposition:?} {kind} {names:?}")
    };
    message.parts.iter().map(one).collect()
}

/// The addresses of a field.
fn addresses(wire: &[u8], field: &str) -> Vec<String> {
    let message = MessageParser::default().parse(wire).unwrap();
    let Some(HeaderValue::Address(list)) = message.header(field) else {
        return Vec::new();
    };
    list.iter()
        .map(|one| one.address.as_deref().unwrap_or_default().to_owned())
        .collect()
}

fn harmless() -> Vec<String> {
    COLUMNS.iter().map(|(_, cell)| (*cell).to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_row_is_refused_or_has_no_more_than_others(cells in row(), with_to in any::<bool>()) {
        let composer = &SAMPLE.composers[usize::from(with_to)];
        let good = wire(&made(&harmless(), composer).unwrap());
        match made(&cells, composer) {
            Err(reason) => {
                let is_shown = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
                prop_assert!(!reason.is_empty() && reason.chars().all(is_shown), "{reason:?}");
                prop_assert!(cells != harmless(), "{reason}");
            }
            Ok(message) => {
                let wire = wire(&message);
                let shown = String::from_utf8_lossy(&wire);
                // Addresses alone may be of any language, before their @.
                let mut rest = shown.replace(&message.envelope_to.to_string(), "");
                for reply_to in addresses(&wire, "Reply-To") {
                    rest = rest.replace(&reply_to, "");
                }
                prop_assert!(rest.is_ascii() && !rest.contains('\0'), "{shown}");
                prop_assert!(shown.is_ascii() || message.beyond_ascii.is_some(), "{shown}");
                prop_assert!(message.envelope_to.domain().is_ascii(), "{}", message.envelope_to);
                for line in shown.split("\r\n") {
                    prop_assert!(line.len() <= 998 && !line.contains(['\r', '\n']), "{line:?}");
                }
                // A field without a value is left out: that is one less, never one more.
                let mut wanted = fields(&good);
                if cells[3].trim().is_empty() {
                    wanted.retain(|name| name != "X-Own");
                }
                prop_assert_eq!(fields(&wire), wanted, "{}", shown);
                let (mut is, mut wanted) = (parts(&wire), parts(&good));
                if cells[3].trim().is_empty() {
                    (is[0], wanted[0]) = (String::new(), String::new());
                }
                prop_assert_eq!(is, wanted, "{}", shown);

                let to = message.envelope_to.to_string();
                prop_assert!(!to.contains("evil@x.example") || cells[0].contains("evil@x.example"), "{}", to);
                prop_assert_eq!(addresses(&wire, "To"), [to], "{}", shown);
                prop_assert_eq!(addresses(&wire, "From"), ["news@acme.example"]);
                prop_assert_eq!(addresses(&wire, "Reply-To").len(), 1, "{}", shown);
                let from = message.envelope_from.to_string();
                prop_assert!(from.starts_with("bounce+") && from.ends_with("@acme.example"), "{}", from);
                let parsed = MessageParser::default().parse(&wire).unwrap();
                prop_assert_eq!(parsed.subject().unwrap_or_default(), cells[2].trim(), "{}", shown);
                // The links of the list are as many as before, and where they were.
                let links = shown.split("\r\nList-Unsubscribe:").nth(1).unwrap_or_default();
                let links = links.split("\r\nList-Unsubscribe-Post:").next().unwrap_or_default();
                prop_assert_eq!(links.matches('<').count(), 2, "{}", shown);
                prop_assert!(links.contains("<https://acme.example/u/") && links.contains("<mailto:leave@acme.example?"), "{}", shown);
                // What a mailbox would save it as is no path.
                let name = parsed.attachments().find_map(|part| {
                    (part.content_disposition()?.ctype() == "attachment").then(|| part.attachment_name())?
                });
                prop_assert!(name.is_some_and(|name| !name.contains(['/', '\\', '\r', '\n'])), "{:?}", name);
            }
        }
    }
}

#[test]
fn each_trick_in_each_place() {
    let (mut sent, mut refused) = (0, 0);
    for composer in &SAMPLE.composers {
        let good = wire(&made(&harmless(), composer).unwrap());
        for column in 0..COLUMNS.len() {
            for trick in TRICKS {
                let mut cells = harmless();
                cells[column].push_str(&format!("{trick}x"));
                match made(&cells, composer) {
                    Err(_) => refused += 1,
                    Ok(message) => {
                        let wire = wire(&message);
                        assert_eq!(fields(&wire), fields(&good), "{cells:?}");
                        assert_eq!(parts(&wire), parts(&good), "{cells:?}");
                        sent += 1;
                    }
                }
            }
        }
    }
    // Both happen, so that neither comes of a list that nothing passes, or of a message that holds nothing.
    println!("{sent} sent, {refused} refused");
    assert!(
        sent > 200 && refused > 400,
        "{sent} sent, {refused} refused"
    );
}
