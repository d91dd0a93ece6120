//! Whole messages from a campaign's folder: which files they take along, and which rows cannot have theirs.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use mail_parser::{MessageParser, MimeHeaders};

use crate::campaign::Campaign;
use crate::compose::Composer;
use crate::message::{Message, Part};
use crate::recipients::{List, Row};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const DATE: &str = "Fri, 20 Nov 2026 12:00:00 +0000";

/// A folder with a campaign: `message` are lines below `[message]`, `rows` those of the column `file`.
fn folder(message: &str, html: Option<&str>, rows: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    lay_out(folder.path(), message, html, rows);
    folder
}

fn lay_out(folder: &Path, message: &str, html: Option<&str>, rows: &[&str]) {
    let write = |name: &str, text: &[u8]| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let settings = format!("[message]\nfrom = 'News <n@acme.example>'\nsubject = 'x'\n{message}\n");
    write("campaign.toml", settings.as_bytes());
    write("message.txt.hbs", b"Hello\n");
    if let Some(html) = html {
        write("message.html.hbs", html.as_bytes());
    }
    let mut list = "email,file\n".to_owned();
    for (at, row) in rows.iter().enumerate() {
        list.push_str(&format!("r{at}@a.example,{row}\n"));
    }
    write("recipients.csv", list.as_bytes());
    write("images/logo.png", PNG);
    write("images/copy of logo.png", PNG);
    write("images/photo.png", &[PNG, b"photo"].concat());
}

fn composer(folder: &Path) -> Result<Composer, String> {
    let campaign = Campaign::load(folder).map_err(|error| error.to_string())?;
    let list = List::open(&campaign.recipients).unwrap();
    Composer::load(&campaign, list.columns(), |_| false).map_err(|error| error.to_string())
}

/// The messages to all rows, or why there is none.
fn messages(folder: &Path) -> Vec<Result<Message, String>> {
    let composer = composer(folder).unwrap();
    let campaign = Campaign::load(folder).unwrap();
    let mut sheet = composer.sheet();
    let rows = List::open(&campaign.recipients).unwrap();
    rows.map(|row| {
        let Row::Recipient(recipient) = row.unwrap() else {
            panic!("a bad row");
        };
        let message = composer.compose(&recipient, DATE, &mut sheet);
        message.map_err(|refusal| refusal.reason)
    })
    .collect()
}

fn wire(message: &Message) -> Vec<u8> {
    message
        .content
        .iter()
        .flat_map(Part::bytes)
        .copied()
        .collect()
}

/// The images' names, and the HTML with these names in place of their Content-IDs: each must be shown.
fn shown(message: &Message) -> (Vec<String>, String) {
    let wire = wire(message);
    let parsed = MessageParser::default().parse(&wire).unwrap();
    let mut html = parsed.body_html(0).unwrap().into_owned();
    let mut names = Vec::new();
    for part in parsed.parts.iter() {
        if let Some(cid) = part.content_id() {
            let name = part.attachment_name().unwrap().to_owned();
            assert!(html.contains(cid), "{cid} is not shown in {html}");
            html = html.replace(&format!("cid:{cid}"), &name);
            names.push(name);
        }
    }
    assert!(!html.contains("cid:"), "{html}");
    (names, html)
}

#[test]
fn each_image_goes_along_once_and_only_where_it_is_shown() {
    let html = "<style>p{background:url('images/photo.png')}</style>\
        <img src=\"images/logo.png\"><img src=\"images/copy%20of%20logo.png\">\
        <img src=\"https://a.example/x.png\">{{#if file}}<img alt='{{file}}' src=\"./images/logo.png\">{{else}}{{> foot}}{{/if}}";
    let folder = folder("", Some(html), &["", "a"]);
    fs::create_dir(folder.path().join("partials")).unwrap();
    let foot = "<img src='images/foot.gif'>";
    fs::write(folder.path().join("partials/foot.hbs"), foot).unwrap();
    fs::write(folder.path().join("images/foot.gif"), "GIF89a").unwrap();

    let messages = messages(folder.path());
    let (names, html) = shown(messages[0].as_ref().unwrap());
    assert_eq!(names, ["photo.png", "logo.png", "foot.gif"]);
    assert!(html.contains("url('photo.png')") && html.contains("<img src='foot.gif'>"));
    assert!(html.contains("https://a.example/x.png"), "{html}");
    let (names, html) = shown(messages[1].as_ref().unwrap());
    assert_eq!(names, ["photo.png", "logo.png"]);
    assert_eq!(html.matches("logo.png").count(), 3, "{html}");

    // What is the same in both is the same memory.
    let shared = |message: &Message| {
        let parts = message.content.iter();
        let shared = parts.filter(|part| matches!(part, Part::Shared(_)));
        shared.map(|part| part.bytes().as_ptr()).next().unwrap()
    };
    let [one, two] = [0, 1].map(|at| shared(messages[at].as_ref().unwrap()));
    assert_eq!(one, two);
}

#[test]
fn backgrounds_of_mjml_go_along_for_outlook_too() {
    let folder = folder("html = 'm.mjml.hbs'", None, &["logo"]);
    let mjml = "<mjml><mj-body><mj-wrapper background-url='images/photo.png'><mj-section background-size='cover' \
        background-url='images/{{file}}.png'><mj-column><mj-text>a</mj-text></mj-column></mj-section></mj-wrapper>\
        <mj-hero background-url='images/logo.png' background-height='9' background-width='9'><mj-text>b</mj-text></mj-hero>\
        </mj-body></mjml>";
    fs::write(folder.path().join("m.mjml.hbs"), mjml).unwrap();
    let messages = messages(folder.path());
    let (names, html) = shown(messages[0].as_ref().unwrap());
    assert_eq!(names, ["logo.png", "photo.png"]);
    assert!(!html.contains("images/"), "{html}");
    assert!(
        html.contains("<v:fill ") && html.contains("<v:image "),
        "{html}"
    );
}

#[test]
fn a_missing_image_has_its_place() {
    let html = "<p>é\n<p>{{email}}é<img src=\"images/gone.png\">";
    let folder = folder("", Some(html), &["a"]);
    let error = composer(folder.path()).err().unwrap();
    let file = folder.path().join("message.html.hbs");
    assert!(
        error.starts_with(&format!("{}:2:24: there is no file \"", file.display())),
        "{error}"
    );
    assert!(error.contains("images/gone.png"), "{error}");
}

#[test]
fn errors_of_a_row_keep_their_place_behind_an_image() {
    let html = "<img src=\"images/logo.png\">{{date file \"%Y\"}}";
    let folder = folder("", Some(html), &["no date"]);
    let error = messages(folder.path()).remove(0).unwrap_err();
    assert!(error.contains("message.html.hbs:1:28: "), "{error}");
}

#[test]
fn an_image_of_a_row_is_one_of_the_campaigns_folder() {
    let html = "<img src=\"images/{{file}}\"><img src=\"images/logo.png\"><img src='{{file}}'>";
    let folder = folder(
        "",
        Some(html),
        &["photo.png", "logo.png", "https://a.example/x"],
    );
    for name in ["photo.png", "logo.png"] {
        fs::copy(
            folder.path().join("images").join(name),
            folder.path().join(name),
        )
        .unwrap();
    }
    let made = messages(folder.path());
    let (names, _) = shown(made[0].as_ref().unwrap());
    assert_eq!(names, ["photo.png", "logo.png"]);
    let (names, _) = shown(made[1].as_ref().unwrap());
    assert_eq!(names, ["logo.png"]);
    let error = made[2].as_ref().unwrap_err();
    assert!(error.contains("\"images/https://a.example/x\""), "{error}");

    for (row, wanted) in [
        ("../recipients.csv", "would leave the campaign folder"),
        ("/etc/passwd", "there is no file"),
        ("gone.png", "there is no file"),
        ("link.png", "by a symbolic link"),
        ("notes.txt", "is not an image"),
        ("\u{2}0:logo.png", "there is no file"),
    ] {
        let folder = self::folder("", Some("<img src=\"images/{{file}}\">"), &[row]);
        fs::write(folder.path().join("images/notes.txt"), "text").unwrap();
        std::os::unix::fs::symlink("/dev/null", folder.path().join("images/link.png")).unwrap();
        let error = messages(folder.path()).remove(0).unwrap_err();
        assert!(
            error.starts_with("an image in the html: ") && error.contains(wanted),
            "{error}"
        );
        assert!(!error.contains('\u{2}'), "{error:?}");
    }
}

/// The attachments' names, types and contents.
fn attached(message: &Message) -> Vec<(String, String, Vec<u8>)> {
    let wire = wire(message);
    let parsed = MessageParser::default().parse(&wire).unwrap();
    let parts = parsed.attachments().map(|part| {
        let kind = part.content_type().unwrap();
        let mut type_ = format!("{}/{}", kind.c_type, kind.c_subtype.as_deref().unwrap());
        for parameter in kind.attributes().into_iter().flatten() {
            type_.push_str(&format!("; {}={}", parameter.name, parameter.value));
        }
        (
            part.attachment_name().unwrap().to_owned(),
            type_,
            part.contents().to_vec(),
        )
    });
    parts.collect()
}

#[test]
fn attachments_for_all_and_for_each() {
    let settings = "attachments = ['terms.pdf', { path = 'in/{{file}}.csv', name = 'Rechnung {{file}} für Sie.csv' }, \
        { path = 'terms.pdf', name = '{{email}}.bin', type = 'application/x-{{file}}' }]";
    let folder = folder_with(
        settings,
        &["one", "two", "../terms", "gone", "a b"],
        &[
            ("terms.pdf", "%PDF-1"),
            ("in/one.csv", "1"),
            ("in/two.csv", "2"),
            ("in/a b.csv", "3"),
        ],
    );
    let made = messages(folder.path());
    for (at, file, content) in [(0, "one", b"1"), (1, "two", b"2")] {
        let parts = attached(made[at].as_ref().unwrap());
        assert_eq!(
            parts[0],
            (
                "terms.pdf".into(),
                "application/pdf".into(),
                b"%PDF-1".into()
            )
        );
        assert_eq!(
            parts[1],
            (
                format!("Rechnung {file} für Sie.csv"),
                "text/csv; charset=utf-8".into(),
                content.to_vec()
            )
        );
        assert_eq!(
            parts[2],
            (
                format!("r{at}@a.example.bin"),
                format!("application/x-{file}"),
                b"%PDF-1".into()
            )
        );
    }
    for (at, wanted) in [
        (2, "\"in/../terms.csv\" would leave the campaign folder"),
        (3, "there is no file \"in/gone.csv\""),
        (4, "its type \"application/x-a b\" is not a media type"),
    ] {
        let error = made[at].as_ref().unwrap_err();
        assert!(
            error.starts_with("an attachment: ") && error.contains(wanted),
            "{error}"
        );
    }
    let shared = |at: usize| {
        let parts = made[at].as_ref().unwrap().content.iter();
        let mut shared = parts.filter(|part| matches!(part, Part::Shared(_)));
        shared.next().unwrap().bytes().as_ptr()
    };
    assert_eq!(shared(0), shared(1));
}

/// As [`folder`], with files.
fn folder_with(message: &str, rows: &[&str], files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    // campaign.toml is checked when it is loaded, after the files are there.
    lay_out(folder.path(), message, None, rows);
    folder
}

#[test]
fn a_name_of_a_cell_is_harmless() {
    let settings = "attachments = [{ path = 'terms.pdf', name = '{{file}}' }]";
    let rows = [
        "../../x.pdf",
        "\"a\"\"; filename=\"\"b.exe\"",
        "=?utf-8?q?x?=.pdf",
        "\"a\nBcc: x@y.example\"",
        "\"a\u{85}b\"",
        "x\u{202e}fdp.exe",
        "",
    ];
    let rows: Vec<&str> = rows.to_vec();
    let folder = folder_with(settings, &rows, &[("terms.pdf", "%PDF-1")]);
    let made = messages(folder.path());
    for (at, name) in [
        (0, "_._.._x.pdf"),
        (1, "a\"; filename=\"b.exe"),
        (2, "=?utf-8?q?x?=.pdf"),
        (5, "x_fdp.exe"),
    ] {
        let parts = attached(made[at].as_ref().unwrap());
        assert_eq!((parts.len(), parts[0].0.as_str()), (1, name));
    }
    for at in [3, 4, 6] {
        let error = made[at].as_ref().unwrap_err();
        assert!(error.contains("an attachment: its name is"), "{error}");
    }
}

#[test]
fn what_goes_with_every_message_is_part_of_the_fingerprint() {
    let settings = "attachments = ['terms.pdf', 'in/{{file}}']";
    let folder = folder_with(settings, &["a"], &[("terms.pdf", "1"), ("in/a", "a")]);
    fs::write(
        folder.path().join("message.html.hbs"),
        "<img src='images/logo.png'>",
    )
    .unwrap();
    let prints = || composer(folder.path()).unwrap().fingerprint();
    let before = prints();
    assert_eq!(
        before.iter().map(|(part, _)| *part).collect::<Vec<_>>(),
        ["images", "attachments"]
    );
    let changed = |name: &str| {
        let path = folder.path().join(name);
        let old = fs::read(&path).unwrap();
        fs::write(&path, "changed").unwrap();
        let after = prints();
        fs::write(&path, old).unwrap();
        before
            .iter()
            .zip(after)
            .filter(|(old, new)| *old != new)
            .map(|(old, _)| old.0)
            .collect::<Vec<_>>()
    };
    assert_eq!(changed("terms.pdf"), ["attachments"]);
    assert_eq!(changed("images/logo.png"), ["images"]);
    assert_eq!(changed("in/a"), Vec::<&str>::new());
}

/// The memory that holds what the message shares with others, if it shares anything.
fn shared(message: &Result<Message, String>) -> Option<*const u8> {
    let mut parts = message.as_ref().unwrap().content.iter();
    parts.find_map(|part| match part {
        Part::Shared(shared) => Some(part.bytes().as_ptr()).filter(|_| shared.weight() > 0),
        Part::Own(_) => None,
    })
}

#[test]
fn a_file_that_many_rows_name_is_held_once() {
    for (setting, html, rows) in [
        (
            "attachments = ['files/{{file}}.pdf']",
            None,
            ["basic", "pro", "basic", "basic", "pro", "pro"],
        ),
        (
            "",
            Some("<img src='files/{{file}}.png' alt=''>"),
            ["basic", "pro", "basic", "basic", "pro", "pro"],
        ),
    ] {
        let folder = folder(setting, html, &rows);
        fs::create_dir(folder.path().join("files")).unwrap();
        for name in ["basic", "pro"] {
            fs::write(folder.path().join(format!("files/{name}.pdf")), name).unwrap();
            let png = [PNG, name.as_bytes()].concat();
            fs::write(folder.path().join(format!("files/{name}.png")), png).unwrap();
        }
        let messages = messages(folder.path());
        let places: Vec<_> = messages.iter().map(shared).collect();
        assert!(places.iter().all(Option::is_some), "{places:?}");
        // Kept from the second time on.
        assert_eq!(places[2], places[3]);
        assert_eq!(places[4], places[5]);
        assert_ne!(places[3], places[4]);
        for (message, name) in messages.iter().zip(rows) {
            let wire = wire(message.as_ref().unwrap());
            let parsed = MessageParser::default().parse(&wire).unwrap();
            let mut parts = parsed.parts.iter();
            let content = parts.find_map(|part| part.attachment_name().map(|_| part.contents()));
            assert!(content.unwrap().ends_with(name.as_bytes()), "{name}");
        }
    }
}

#[test]
fn a_file_is_the_one_that_is_there_for_each_row() {
    let rows = ["a"; 8];
    let folder = folder("attachments = ['files/{{file}}.pdf']", None, &rows);
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    let file = files.join("a.pdf");
    let composer = composer(folder.path()).unwrap();
    let campaign = Campaign::load(folder.path()).unwrap();
    let mut sheet = composer.sheet();
    let mut rows = List::open(&campaign.recipients).unwrap();
    let mut next = || {
        let Some(Ok(Row::Recipient(recipient))) = rows.next() else {
            panic!("a bad row");
        };
        let message = composer.compose(&recipient, DATE, &mut sheet);
        let message = message.map_err(|refusal| refusal.reason)?;
        let wire = wire(&message);
        let parsed = MessageParser::default().parse(&wire).unwrap();
        Ok::<_, String>(parsed.attachment(0).unwrap().contents().to_vec())
    };
    fs::write(&file, "one").unwrap();
    for _ in 0..3 {
        assert_eq!(next().unwrap(), b"one");
    }
    // Another file in its place, a moment later.
    fs::write(files.join("new"), "two").unwrap();
    fs::rename(files.join("new"), &file).unwrap();
    for _ in 0..3 {
        assert_eq!(next().unwrap(), b"two");
    }
    // What leads elsewhere now, or is gone, is no longer to be had.
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/null", &file).unwrap();
    let error = next().unwrap_err();
    assert!(
        error.contains("leads out of the campaign folder"),
        "{error}"
    );
    fs::remove_file(&file).unwrap();
    assert!(next().unwrap_err().contains("there is no file"));
}
