//! Whatever is in the cells: a refusal, or a message that any server can take and any reader understands.

use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::{build, campaign, recipient, rendered, wire};
use crate::message::header::forbidden;

const FIELDS: [&str; 8] = [
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "X-Own",
    "MIME-Version",
    "Content-Type",
];

/// A text of many scripts, with what is special to header fields and MIME mixed in.
fn cell() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[ -~]{0,12}",
        4 => "[^\\pC\\p{Zl}\\p{Zp}]{0,8}",
        1 => Just(" ".to_owned()),
        1 => "[你好世界简报]{1,40}",
        1 => "[a-z]{60,200}",
        1 => Just("=?utf-8?q?x?=".to_owned()),
        1 => Just("=?".to_owned()),
        1 => Just("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}e\u{301}".to_owned()),
        1 => Just("<evil@b.example>, ".to_owned()),
        1 => Just("\"".to_owned()),
        1 => Just("\\".to_owned()),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat().trim().to_owned())
}

/// A body, with what is special to lines mixed in.
fn body() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ -~]{0,90}",
        2 => ".{0,20}",
        3 => "[\r\n]{1,3}",
        1 => "[你好世界简报]{1,300}",
        1 => "x{900,1100}",
        1 => Just("\r\n.\r\n".to_owned()),
        1 => Just(format!("\n--=_{}--\n", super::identity().send_id)),
        1 => "[\t =]{1,4}",
    ];
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat().replace('\0', ""))
}

/// What holds for every message on the wire.
fn check_lines(wire: &str) -> Result<(), TestCaseError> {
    prop_assert!(wire.is_ascii());
    prop_assert!(!wire.contains('\0'));
    prop_assert!(wire.ends_with("\r\n"));
    for line in wire.split("\r\n") {
        prop_assert!(line.len() <= 998, "{line}");
        prop_assert!(!line.contains(['\r', '\n']), "{line:?}");
    }
    let (head, _) = wire.split_once("\r\n\r\n").unwrap();
    for line in head.split("\r\n") {
        prop_assert!(!line.trim().is_empty());
        prop_assert!(!line.contains("=?utf-8?") || line.len() <= 76, "{line}");
    }
    Ok(())
}

/// The header fields' names in their order.
fn field_names(wire: &str) -> Vec<&str> {
    let (head, _) = wire.split_once("\r\n\r\n").unwrap();
    head.split("\r\n")
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split_once(':').unwrap().0)
        .collect()
}

/// A text as a reader gets it: line ends alike, those at the end left out.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .trim_end_matches('\n')
        .to_owned()
}

proptest! {
    #[test]
    fn headers_arrive_as_they_were(subject in cell(), name in cell(), own in cell()) {
        let mut texts = rendered(&subject, Some("x"), Some("y"));
        texts.headers = vec![own.clone().into()];
        let message = build(&campaign(&["X-Own"]), &recipient(&name, &own), texts).unwrap();
        let wire = wire(&message);
        check_lines(&wire)?;
        let expected: Vec<_> = FIELDS
            .into_iter()
            .filter(|field| *field != "X-Own" || !own.is_empty())
            .collect();
        prop_assert_eq!(field_names(&wire), expected);

        let parsed = MessageParser::default().parse(wire.as_bytes()).unwrap();
        prop_assert_eq!(parsed.subject().unwrap_or(""), &subject, "{}", wire);
        let to = parsed.to().unwrap().as_list().unwrap();
        prop_assert_eq!(to.len(), 1, "{}", wire);
        prop_assert_eq!(to[0].name.as_deref().unwrap_or(""), &name, "{}", wire);
        prop_assert_eq!(to[0].address.as_deref(), Some("jane@a.example"));
        let arrived = MessageParser::new()
            .header_text("X-Own")
            .parse(wire.as_bytes())
            .and_then(|parsed| Some(parsed.header("X-Own")?.as_text()?.to_owned()));
        prop_assert_eq!(arrived.unwrap_or_default(), own, "{}", wire);
    }

    #[test]
    fn any_text_is_refused_or_stays_in_its_field(
        subject in any::<String>(),
        name in any::<String>(),
        own in any::<String>(),
        to in any::<Option<String>>(),
        text in any::<String>(),
    ) {
        let mut texts = rendered(&subject, Some(&text), None);
        texts.headers = vec![own.clone().into()];
        texts.to = to.map(|to| format!("{to} <jane@a.example>").into());
        let given = texts.clone();
        match build(&campaign(&["X-Own"]), &recipient(&name, &own), texts) {
            Ok(message) => {
                let wire = wire(&message);
                check_lines(&wire)?;
                let names = field_names(&wire);
                prop_assert_eq!(names.len(), 9 - usize::from(own.is_empty()), "{}", wire);
            }
            Err(refusal) => {
                let shown = given.to.as_deref().unwrap_or(&name);
                let is_due = [subject.as_str(), shown, &own].iter().any(|value| forbidden(value).is_some())
                    || text.contains('\0');
                prop_assert!(is_due, "{refusal:?}");
                prop_assert!(forbidden(&refusal.reason).is_none(), "{refusal:?}");
            }
        }
    }

    #[test]
    fn bodies_arrive_as_they_were(text in body(), html in body()) {
        let texts = rendered("s", Some(&text), Some(&html));
        let message = build(&campaign(&[]), &recipient("", ""), texts).unwrap();
        let wire = wire(&message);
        check_lines(&wire)?;
        let parsed = MessageParser::default().parse(wire.as_bytes()).unwrap();
        prop_assert_eq!(parsed.parts.len(), 3, "{}", wire);
        for (part, (subtype, given)) in parsed.parts[1..].iter().zip([("plain", &text), ("html", &html)]) {
            prop_assert_eq!(part.content_type().unwrap().subtype(), Some(subtype));
            prop_assert_eq!(lines(part.text_contents().unwrap()), lines(given), "{}", wire);
        }
    }
}
