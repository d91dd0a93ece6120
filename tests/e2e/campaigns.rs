//! The campaigns that come with mailrun, as mail programs that are not mailrun's see their messages.

use std::fs;
use std::path::Path;
use std::process::Command;

use mail_parser::{MessageParser, MimeHeaders};

use super::evidence::entries;
use super::others::{checked, judged, key, previewed, shipped};
use super::support::{Folder, Ran, mailrun, run};

/// How many messages of each are looked at.
const FIRST: &str = "4";

/// Rules of SpamAssassin about messages that are not as they should be begin with one of these, or hold it behind a `_`.
const MALFORMED: &[&str] = &[
    "BAD_",
    "BASE64_",
    "BOGUS_",
    "BROKEN_",
    "CTYPE_",
    "DATE_IN_",
    "EMPTY_",
    "FORGED_",
    "FROM_NO_",
    "HEAD_",
    "HTML_BADTAG",
    "HTML_COMMENT_",
    "HTML_MISSING_",
    "HTML_OBFUSCATE",
    "ILLEGAL_",
    "INVALID_",
    "LONG_",
    "MALFORMED",
    "MALF_",
    "MIME_",
    "MISSING_",
    "MPART_",
    "MSGID_",
    "NONSTD_",
    "NO_DATE",
    "NO_SUBJECT",
    "PARTIAL_",
    "RATWARE_",
    "SUBJ_ILLEGAL",
    "SUBJECT_NEEDS",
    "TVD_MIME",
    "UNPARSEABLE",
    "UNCLOSED_",
    "WEIRD_",
];

fn malformed(rule: &str) -> bool {
    let said = format!("_{rule}");
    MALFORMED
        .iter()
        .any(|word| said.contains(&format!("_{word}")))
}

/// The names of all campaigns in the repository.
fn campaigns() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns");
    let mut names = entries(&folder);
    names.retain(|name| folder.join(name).join("campaign.toml").is_file());
    assert!(names.len() >= 6, "{names:?}");
    names
}

/// The first messages of a campaign in `preview/`, signed twice; gives the records to verify them by.
fn signed(folder: &Folder) -> serde_json::Value {
    let settings = folder.read("campaign.toml");
    let from = settings
        .lines()
        .find(|line| line.starts_with("from "))
        .unwrap();
    let (_, domain) = from.rsplit_once('@').unwrap();
    let (domain, _) = domain.split_once('>').unwrap();
    let mut records = serde_json::Map::new();
    for (selector, args) in [("rsa", &[][..]), ("ed", &["--ed25519"])] {
        let file = format!("{selector}.pem");
        let record = key(folder, &file, args);
        records.insert(format!("{selector}._domainkey.{domain}"), record.into());
        folder.configure(&format!(
            "[[dkim]]\ndomain = \"{domain}\"\nselector = \"{selector}\"\nkey_file = \"{file}\""
        ));
    }
    first(folder);
    records.into()
}

/// The first messages of a campaign, in `preview/`.
fn first(folder: &Folder) {
    let ran = run(
        folder,
        &["send", "campaign", "--dry-run", "preview", "--limit", FIRST],
    );
    assert_eq!(ran.status, 0, "{ran:?}");
}

#[test]
fn all_are_read_and_verified_by_others() {
    for name in campaigns() {
        let folder = shipped(&name);
        let records = signed(&folder);
        folder.write("records.json", records.to_string());
        // Python's parser, the line ends and lengths, the Content-IDs, and dkimpy.
        let ran = checked(&folder, Some(&folder.path.join("records.json")));
        assert_eq!(
            (ran.status, ran.stderr.as_str()),
            (0, ""),
            "{name}: {ran:?}"
        );
        let lines: Vec<_> = ran.stdout.lines().collect();
        let files = previewed(&folder);
        assert_eq!(lines.len(), files.len(), "{name}: {ran:?}");
        assert!(lines.len() >= 3, "{name}: {ran:?}");
        assert!(
            lines.iter().all(|line| line.ends_with(" 2 signatures")),
            "{name}: {ran:?}"
        );

        for file in files {
            let raw = fs::read(&file).unwrap();
            let message = MessageParser::default().parse(&raw).unwrap();
            let place = file.display();
            for (what, list) in [("From", message.from()), ("To", message.to())] {
                let list = list.and_then(|list| list.as_list()).unwrap();
                assert_eq!(list.len(), 1, "{place}: {what}");
                assert!(
                    list[0].address.as_deref().unwrap().contains('@'),
                    "{place}: {what}"
                );
                assert!(
                    !list[0].name.as_deref().unwrap().contains('\u{fffd}'),
                    "{place}: {what}"
                );
            }
            assert!(
                message.date().is_some_and(mail_parser::DateTime::is_valid),
                "{place}"
            );
            let subject = message.subject().unwrap();
            assert!(!subject.contains(['\u{fffd}', '{']), "{place}: {subject}");
            for part in &message.parts {
                assert!(!part.is_encoding_problem, "{place}: {part:?}");
            }
            let text = message.body_text(0).unwrap();
            assert!(
                text.len() > 100 && !text.contains(['\u{fffd}', '{']),
                "{place}: {text}"
            );
            for image in message
                .parts
                .iter()
                .filter(|part| part.content_id().is_some())
            {
                assert!(!image.contents().is_empty(), "{place}");
            }
        }
    }
}

#[test]
fn spamassassin_has_nothing_against_any() {
    let mut folders = Vec::new();
    let mut files = Vec::new();
    for name in campaigns() {
        let folder = shipped(&name);
        first(&folder);
        files.extend(previewed(&folder));
        folders.push(folder);
    }
    // What it must see, so that its silence says something.
    let bad = Folder::empty();
    bad.write(
        "bad.eml",
        "From: a@a.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nno part\r\n",
    );
    files.push(bad.path.join("bad.eml"));

    let mut judged = judged(&files);
    let bad = judged.pop().unwrap();
    assert!(bad.rules.iter().any(|rule| malformed(rule)), "{bad:?}");
    for (message, file) in judged.iter().zip(&files) {
        println!("{} {message:?}", file.display());
        assert!(message.points < 2.0, "{}: {message:?}", file.display());
        let mut wrong = message.rules.iter().filter(|rule| malformed(rule));
        assert_eq!(wrong.next(), None, "{}: {message:?}", file.display());
    }
}

/// Runs a campaign in a dry run, and gives what Python's parser says of its messages.
fn read(folder: &Folder) -> Ran {
    let ran = run(folder, &["send", "campaign", "--dry-run", "preview"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let ran = checked(folder, None);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    ran
}

/// The text part and the HTML part of a message.
fn texts(folder: &Folder, place: usize) -> (String, String) {
    let raw = fs::read(&previewed(folder)[place]).unwrap();
    let message = MessageParser::default().parse(&raw).unwrap();
    let text = message.body_text(0).unwrap().into_owned();
    (text, message.body_html(0).unwrap().into_owned())
}

#[test]
fn an_order_is_a_table_of_its_lines() {
    let folder = shipped("notification");
    let ran = read(&folder);
    assert_eq!(ran.stdout.lines().count(), 4, "{ran:?}");
    let (text, html) = texts(&folder, 0);
    for line in [
        "* Sea kale (Crambe maritima)",
        "  2 x 3.80 = 7.60",
        "Postage: 2.90",
        "Total:   26.55 EUR",
        "  24103 Kiel",
    ] {
        assert!(
            text.lines().any(|other| other == line),
            "{line:?} in {text}"
        );
    }
    assert_eq!(html.matches("<em ").count(), 3, "{html}");
    let (text, html) = texts(&folder, 2);
    assert!(
        text.contains("* Thrift & friends (") && text.contains("Postage: free"),
        "{text}"
    );
    assert!(html.contains("Thrift &amp; friends<br>"), "{html}");
}

#[test]
fn a_report_has_its_charts_and_its_workbook() {
    let folder = shipped("report");
    let ran = read(&folder);
    let parts = "multipart/mixed(multipart/alternative(text/plain, multipart/related(text/html, image/png, image/png)), application/vnd.openxmlformats-officedocument.spreadsheetml.sheet) ['Services week 47, 2026.xlsx'] 0 signatures";
    assert_eq!(ran.stdout.lines().count(), 3, "{ran:?}");
    assert!(
        ran.stdout.lines().all(|line| line.ends_with(parts)),
        "{ran:?}"
    );
    let (text, html) = texts(&folder, 0);
    assert!(text.contains("Tides") && text.contains("99.48 %"), "{text}");
    assert_eq!(html.matches("alt=\"\"").count(), 0, "{html}");

    // The charts and the workbook are what its program makes of its figures.
    let made = folder.path.with_file_name("made");
    fs::create_dir(&made).unwrap();
    let script = folder.path.join("make.py");
    let output = Command::new("python3").arg(script).arg(&made).output();
    let ran: Ran = output.expect("python3, which tests/run installs").into();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    for (file, compressed) in [
        ("charts/requests.png", true),
        ("charts/answers.png", true),
        ("figures.xlsx", false),
    ] {
        let (made, is) = (
            fs::read(made.join(file)).unwrap(),
            fs::read(folder.path.join(file)).unwrap(),
        );
        // A PNG's bytes depend on the zlib that Python has.
        let until = if compressed { 33 } else { is.len() };
        assert!(
            made.get(..until) == is.get(..until),
            "{file}: run campaigns/report/make.py"
        );
    }
}

#[test]
fn chinese_stays_chinese_on_the_way() {
    let folder = shipped("chinese");
    let list = fs::read(folder.path.join("recipients.csv")).unwrap();
    assert!(std::str::from_utf8(&list).is_err(), "the list is in GBK");
    assert_eq!(read(&folder).stdout.lines().count(), 4);
    for (place, (name, address, called, seat)) in [
        ("王伟", "wang.wei@shan.example", "王伟先生", "3"),
        ("李娜", "li.na@jiang.example", "李娜老师", "5"),
        ("欧阳若彤", "ouyang@hai.example", "若彤", "8"),
        ("张敏,周航", "zhang.min@yun.example", "张敏、周航", "12"),
    ]
    .into_iter()
    .enumerate()
    {
        let raw = fs::read(&previewed(&folder)[place]).unwrap();
        assert!(
            raw.split(|byte| *byte == b'\n')
                .all(|line| line.len() <= 79),
            "folded as RFC 2047 has it"
        );
        let message = MessageParser::default().parse(&raw).unwrap();
        let to = &message.to().unwrap().as_list().unwrap()[0];
        assert_eq!(
            (to.name.as_deref(), to.address.as_deref()),
            (Some(name), Some(address))
        );
        assert_eq!(
            message.from().unwrap().first().unwrap().name.as_deref(),
            Some("临江书院")
        );
        let subject = format!(
            "{called}，十二月二十二日冬至，请来临江书院围炉夜谈：为您留了{seat}号座，热茶与新刻的年历已备好"
        );
        assert_eq!(message.subject(), Some(subject.as_str()));
        assert!(
            message
                .body_text(0)
                .unwrap()
                .contains(&format!("{seat} 号座"))
        );
    }
    // Its server: QQ's, by TLS, told before anything is sent.
    let mut send = mailrun(folder.path.parent().unwrap());
    send.args(["send", "campaign", "-y"])
        .env_remove("QQ_MAIL_CODE");
    let ran: Ran = send.output().unwrap().into();
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("QQ_MAIL_CODE"), "{ran:?}");
}

#[test]
fn each_customer_gets_the_own_invoice() {
    let folder = shipped("invoices");
    let ran = run(&folder, &["send", "campaign", "--dry-run", "preview"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let ran = checked(&folder, None);
    assert_eq!(ran.stderr, "");
    let parts = "multipart/mixed(multipart/alternative(text/plain, text/html), application/pdf, text/plain)";
    let expected: String = [
        ("1-2026-0117", "2026-0117, Anna Berg"),
        ("2-2026-0118", "2026-0118, Librarian of St Éanna’s"),
        ("3-2026-0119", "2026-0119, 王伟"),
        ("4-2026-0120", "2026-0120, Anna Berg"),
    ]
    .map(|(file, name)| {
        format!("{file}.eml {parts} ['Hollis invoice {name}.pdf', 'terms.txt'] 0 signatures\n")
    })
    .concat();
    assert_eq!(ran.stdout, expected);

    fs::remove_file(folder.path.join("invoices/2026-0118.pdf")).unwrap();
    let ran = run(&folder, &["send", "campaign", "--sandbox"]);
    assert_eq!(ran.status, 3, "{ran:?}");
    let reason =
        "an attachment: there is no file \"invoices/2026-0118.pdf\" in the campaign folder";
    assert!(ran.stderr.contains(reason), "{ran:?}");
    assert_eq!(
        fs::read_dir(folder.path.join("sandbox/new"))
            .unwrap()
            .count(),
        3
    );
}

#[test]
fn the_invitation_has_an_entry_for_calendars() {
    let folder = shipped("seminar");
    let ran = run(&folder, &["send", "campaign", "--dry-run", "preview"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let ran = checked(&folder, None);
    assert_eq!(ran.stderr, "");
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{ran:?}");
    assert!(
        lines.iter().all(|line| line
            .ends_with(" multipart/mixed(text/plain, text/calendar) ['seminar.ics'] 0 signatures")),
        "{ran:?}"
    );
}
