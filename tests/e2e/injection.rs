//! Cells are data: whatever they hold, no header, recipient, message or template comes out of them.

use mail_parser::{HeaderForm, MessageParser};
use mailrun::sandbox::{Sandbox, Stored, Verb};
use serde_json::Value;

use super::evidence::{counts, last_line, steady};
use super::support::{Folder, run, send, sequential};

/// Names that no header may hold, with the character that is told of them.
const UNFIT: &[(&str, &str)] = &[
    ("A\rB", "U+000D (a carriage return)"),
    ("A\nB", "U+000A (a line break)"),
    ("A\r\nB", "U+000D (a carriage return)"),
    ("A\0B", "U+0000 (a NUL)"),
    ("A\u{85}B", "U+0085 (a line separator)"),
    ("A\u{2028}B", "U+2028 (a line separator)"),
    ("A\u{2029}B", "U+2029 (a paragraph separator)"),
    ("A\u{1b}[31mB", "U+001B (a control character)"),
    ("A\r\nBcc: evil@x.example", "U+000D (a carriage return)"),
    ("A\r\n\r\n<h1>evil</h1>", "U+000D (a carriage return)"),
    (
        "A\r\n.\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<evil@x.example>\r\nDATA\r\n",
        "U+000D (a carriage return)",
    ),
];

/// A campaign whose list is this one, the cells quoted as CSV has it.
fn folder<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>, settings: &str) -> Folder {
    let folder = Folder::with_rows([]);
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let mut list = "email,name\n".to_owned();
    for (email, name) in rows {
        list.push_str(&format!("{},{}\n", quoted(email), quoted(name)));
    }
    folder.write("recipients.csv", list);
    let text = folder.read("campaign.toml");
    folder.write(
        "campaign.toml",
        text.replace("[delivery]", &format!("{settings}\n[delivery]")),
    );
    folder
}

/// The names of a message's header fields, in order.
fn fields(message: &Stored) -> Vec<String> {
    let text = String::from_utf8(message.content.clone()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let lines = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']));
    lines
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect()
}

const PLAIN: [&str; 8] = [
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// One message to the good recipient at the end of the list, and nothing that looks like another one.
#[track_caller]
fn only_the_good_one(server: &Sandbox, case: &str) {
    let messages = server.messages();
    let [message] = messages.as_slice() else {
        panic!("{case}: {} messages", messages.len());
    };
    assert_eq!(message.from, "news@acme.example", "{case}");
    assert_eq!(message.to, ["zoe@x.example"], "{case}");
    let stats = server.stats();
    let heard = (
        stats.commands(Verb::Mail),
        stats.commands(Verb::Rcpt),
        stats.commands(Verb::Data),
    );
    assert_eq!(heard, (1, 1, 1), "{case}");
}

/// The rows that `results` lists as invalid: row, and what is said of it.
fn invalid(folder: &Folder) -> Vec<(u64, String)> {
    let args = [
        "results", "campaign", "--state", "invalid", "--format", "jsonl",
    ];
    let ran = run(folder, &args);
    let lines = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines
        .map(|line: Value| {
            (
                line["row"].as_u64().unwrap(),
                line["reply"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[test]
fn line_breaks_and_controls_in_a_header() {
    for (settings, field) in [
        ("", "Subject"),
        ("headers = { \"X-Name\" = \"{{name}}\" }", "X-Name"),
        ("to = \"{{name}} <{{email}}>\"", "To"),
    ] {
        let folder = folder(
            KEYS.into_iter()
                .zip(UNFIT.iter().map(|(name, _)| *name))
                .chain([("zoe@x.example", "Zoe")]),
            settings,
        );
        folder.write("message.txt.hbs", "It is time.\n");
        if field != "Subject" {
            let text = folder.read("campaign.toml");
            folder.write("campaign.toml", text.replace("Hello {{name}}", "Hello"));
        }
        let server = sequential();
        let ran = send(&folder, &server, &["--json"]);
        assert_eq!(steady(&ran.stderr), told(field));
        let expected = format!("accepted 1, invalid {}", UNFIT.len());
        assert_eq!((ran.status, counts(&ran)), (3, expected), "{ran:?}");
        only_the_good_one(&server, field);

        let said: Vec<_> = UNFIT
            .iter()
            .map(|(_, character)| {
                format!("{field} holds {character}, which no header may; take it out of the cell in column \"name\"")
            })
            .collect();
        let expected: Vec<_> = (1..)
            .zip(said.iter().map(|said| format!("column \"name\": {said}")))
            .collect();
        assert_eq!(invalid(&folder), expected);
        for (at, said) in said.iter().enumerate() {
            let line = last_line(&folder, KEYS[at]);
            assert_eq!(
                (&line["state"], &line["column"]),
                (&"invalid".into(), &"name".into())
            );
            assert_eq!(
                (&line["row"], line["reason"].as_str()),
                (&(at + 1).into(), Some(said.as_str()))
            );
        }
        // A second time they are judged again, and not written down again.
        let lines = folder.ledger().len();
        let again = send(&folder, &server, &["--json"]);
        assert_eq!(again.status, 3, "{again:?}");
        only_the_good_one(&server, field);
        let new = folder.ledger().split_off(lines);
        assert!(new.iter().all(|line| line["state"].is_null()), "{new:?}");
    }
}

/// The first five of them, and how many more.
fn told(field: &str) -> String {
    let mut line = 2;
    let mut told = String::new();
    for (row, (name, character)) in (1..).zip(&UNFIT[..5]) {
        told.push_str(&format!(
            "campaign/recipients.csv:{line}: row {row}, column \"name\": {field} holds {character}, which no header may; take it \
             out of the cell in column \"name\"\n"
        ));
        // Alone, a carriage return ends a line of the file too.
        line += 1 + name.replace("\r\n", "\n").matches(['\n', '\r']).count();
    }
    told.push_str(
        "6 rows more cannot be mailed; see: mailrun results campaign --run r --state invalid\n",
    );
    told + "1 of 12 accepted, 11 invalid in T\n"
}

const KEYS: [&str; 11] = [
    "r1@x.example",
    "r2@x.example",
    "r3@x.example",
    "r4@x.example",
    "r5@x.example",
    "r6@x.example",
    "r7@x.example",
    "r8@x.example",
    "r9@x.example",
    "r10@x.example",
    "r11@x.example",
];

#[test]
fn line_breaks_and_controls_in_a_display_name() {
    for (name, character) in UNFIT {
        let folder = folder(
            [("ann@x.example", *name), ("zoe@x.example", "Zoe")],
            "[recipients]\ndisplay = \"name\"",
        );
        let text = folder.read("campaign.toml");
        folder.write("campaign.toml", text.replace("Hello {{name}}", "Hello"));
        let server = sequential();
        let ran = send(&folder, &server, &["--json"]);
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (3, "accepted 1, invalid 1"),
            "{ran:?}"
        );
        only_the_good_one(&server, character);
        let said = invalid(&folder);
        let number = character.split(' ').next().unwrap();
        assert!(said[0].0 == 1 && said[0].1.contains(number), "{said:?}");
        assert!(
            said[0].1.starts_with("column \"name\": ")
                || last_line(&folder, "ann@x.example")["column"] == "name",
            "{said:?}"
        );
    }
}

#[test]
fn line_breaks_and_controls_in_an_address() {
    for (address, said) in [
        (
            "ann@x.example\r\nBcc: evil@x.example",
            "a control character (U+000D) in the address; delete it",
        ),
        (
            "ann@x.example\nb",
            "a control character (U+000A) in the address; delete it",
        ),
        (
            "ann@x.example>\r\nRCPT TO:<evil@x.example",
            "a control character (U+000D) in the address; delete it",
        ),
        (
            "ann\0@x.example",
            "a control character (U+0000) in the address; delete it",
        ),
        (
            "ann\u{85}@x.example",
            "a control character (U+0085) in the address; delete it",
        ),
        (
            "A\r\nBcc: evil@x.example <ann@x.example>",
            "a control character (U+000D) in the address; delete it",
        ),
        (
            "ann@x.example, evil@x.example",
            "more than one address in the cell; give each a row of its own",
        ),
        (
            "ann@x.example> SIZE=1 <a",
            "a \"<\" without its \">\"; write it as Name <address>",
        ),
    ] {
        let folder = folder([(address, "Ann"), ("zoe@x.example", "Zoe")], "");
        let server = sequential();
        let ran = send(&folder, &server, &["--json"]);
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (3, "accepted 1, invalid 1"),
            "{address:?}"
        );
        only_the_good_one(&server, address);
        let line = folder
            .ledger()
            .into_iter()
            .find(|line| line["state"] == "invalid")
            .unwrap();
        assert_eq!(
            (&line["row"], &line["column"]),
            (&1.into(), &"email".into())
        );
        assert_eq!(line["reason"], said, "{address:?}");
        let first = ran.stderr.lines().next().unwrap();
        assert_eq!(
            first,
            format!("campaign/recipients.csv:2: row 1, column \"email\": {said}")
        );
    }
}

/// At its ends a value is trimmed: a line break there is a slip of the spreadsheet, and does no harm.
#[test]
fn line_breaks_at_the_ends_are_trimmed() {
    let folder = folder(
        [("ann@x.example\r\n", "Ann\n")],
        "headers = { \"X-Name\" = \"{{name}}\" }",
    );
    let server = sequential();
    let ran = send(&folder, &server, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let [message] = server.messages().try_into().unwrap();
    assert_eq!(message.to, ["ann@x.example"]);
    let text = String::from_utf8(message.content).unwrap();
    assert!(text.contains("\r\nTo: ann@x.example\r\n"), "{text}");
    assert!(text.contains("\r\nX-Name: Ann\r\n"), "{text}");
}

/// In the text, line breaks are text: even those that would end the message are sent as what they are.
#[test]
fn the_end_of_a_message_in_a_cell_is_text() {
    let smuggled = "A\n.\nMAIL FROM:<evil@x.example>\nRCPT TO:<evil@x.example>\nDATA\nSubject: evil\n\nevil\n.\nQUIT";
    let dots = smuggled.replace('\n', "\r\n");
    let rows = [
        ("ann@x.example", smuggled),
        ("bob@x.example", dots.as_str()),
        ("cat@x.example", ".\n..\n.x"),
        ("dan@x.example", "A\rB"),
    ];
    let folder = folder(rows, "");
    let text = folder.read("campaign.toml");
    folder.write("campaign.toml", text.replace("Hello {{name}}", "Hello"));
    folder.write("message.txt.hbs", "{{name}}\n");
    let server = sequential();
    let ran = send(&folder, &server, &["--json", "--connections", "1"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 4"),
        "{ran:?}"
    );
    let messages = server.messages();
    assert_eq!(messages.len(), 4);
    assert_eq!(server.stats().commands(Verb::Mail), 4);
    for (message, (address, name)) in messages.iter().zip(rows) {
        assert_eq!(message.to, [address]);
        assert_eq!(fields(message), PLAIN);
        let read = MessageParser::default().parse(&message.content).unwrap();
        let expected = name.replace("\r\n", "\n").replace('\r', "\n");
        let got = read.body_text(0).unwrap().replace("\r\n", "\n");
        assert_eq!(got.trim_end(), expected.trim_end(), "{address}");
        // Only CRLF ends a line.
        let rest = String::from_utf8(message.content.clone())
            .unwrap()
            .replace("\r\n", "");
        assert!(!rest.contains(['\r', '\n', '\0']), "{rest:?}");
    }
}

#[test]
fn a_nul_in_the_text_is_refused() {
    let folder = folder([("ann@x.example", "A\0B"), ("zoe@x.example", "Zoe")], "");
    let text = folder.read("campaign.toml");
    folder.write("campaign.toml", text.replace("Hello {{name}}", "Hello"));
    let server = sequential();
    let ran = send(&folder, &server, &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (3, "accepted 1, invalid 1"),
        "{ran:?}"
    );
    only_the_good_one(&server, "NUL");
    let said =
        "the text part holds a NUL (U+0000), which no message may; take it out of the row's cells";
    assert_eq!(invalid(&folder), [(1, said.to_owned())]);
}

#[test]
fn what_looks_like_a_template_or_html_is_shown_as_it_is() {
    for (name, html) in [
        ("{{email}}", "{{email}}"),
        ("{{{email}}}", "{{{email}}}"),
        ("{{> header}}", "{{&gt; header}}"),
        ("{{#if email}}x{{/if}}", "{{#if email}}x{{/if}}"),
        (
            "<script>alert(1)</script>",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
        ),
        ("O'Neill", "O&#x27;Neill"),
        ("Ben & \"Jerry\"", "Ben &amp; &quot;Jerry&quot;"),
        ("=?utf-8?q?evil?=", "&#x3D;?utf-8?q?evil?&#x3D;"),
        ("a, evil@x.example", "a, evil@x.example"),
        ("A <evil@x.example>", "A &lt;evil@x.example&gt;"),
        ("\u{202e}moc.elpmaxe", "\u{202e}moc.elpmaxe"),
        ("王小明", "王小明"),
    ] {
        let folder = folder(
            [("ann@x.example", name)],
            "headers = { \"X-Name\" = \"{{name}}\" }\n[recipients]\ndisplay = \"name\"",
        );
        folder.write("message.html.hbs", "<p>{{name}}</p>\n");
        folder.write("message.txt.hbs", "{{name}}\n");
        let server = sequential();
        let ran = send(&folder, &server, &["--json"]);
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (0, "accepted 1"),
            "{name}: {ran:?}"
        );
        let [message] = server.messages().try_into().unwrap();
        assert_eq!(message.to, ["ann@x.example"]);
        assert_eq!(
            fields(&message),
            [
                "Date",
                "From",
                "To",
                "Subject",
                "Message-ID",
                "X-Name",
                "MIME-Version",
                "Content-Type"
            ],
            "{name}"
        );
        let read = MessageParser::default().parse(&message.content).unwrap();
        assert_eq!(read.subject(), Some(format!("Hello {name}").as_str()));
        let to = read.to().unwrap().as_list().unwrap();
        assert_eq!(to.len(), 1, "{name}");
        assert_eq!(
            (to[0].name(), to[0].address()),
            (Some(name), Some("ann@x.example"))
        );
        let own = read.header_as("X-Name", HeaderForm::Text);
        assert_eq!(own[0].as_text(), Some(name));
        assert_eq!(read.body_text(0).unwrap().trim_end(), name);
        assert_eq!(
            read.body_html(0).unwrap().trim_end(),
            format!("<p>{html}</p>")
        );
    }
}
