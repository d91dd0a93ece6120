//! What is refused, and what the refusal says.

use super::{build, campaign, recipient, rendered, wire};
use crate::message::{Builder, BuilderError};

#[test]
fn a_line_break_in_a_cell_names_the_column() {
    let refusal = build(
        &campaign(&[]),
        &recipient("Jane", "x\r\nBcc: evil@b.example"),
        rendered("About x\r\nBcc: evil@b.example", Some(""), None),
    )
    .unwrap_err();
    assert_eq!(refusal.column.as_deref(), Some("note"));
    assert_eq!(
        refusal.to_string(),
        "Subject holds U+000D (a carriage return), which no header may; take it out of the cell in column \"note\""
    );
}

#[test]
fn a_line_break_of_the_template_names_no_column() {
    let refusal = build(
        &campaign(&[]),
        &recipient("Jane", "another\ncell"),
        rendered("two\nlines", Some(""), None),
    )
    .unwrap_err();
    assert_eq!(refusal.column, None);
    assert!(refusal.reason.ends_with("take it out of the row's cells"));
}

#[test]
fn control_characters_are_refused_in_every_header() {
    for c in ['\t', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}'] {
        let bad = format!("a{c}b");
        let mut texts = rendered("s", Some(""), None);
        texts.headers = vec![bad.clone().into()];
        let refusal = build(&campaign(&["X-Own"]), &recipient("", ""), texts).unwrap_err();
        assert!(refusal.reason.starts_with("X-Own holds"), "{refusal}");

        let refusal = build(
            &campaign(&[]),
            &recipient(&bad, ""),
            rendered("s", Some(""), None),
        )
        .unwrap_err();
        assert_eq!(refusal.column.as_deref(), Some("name"));
        assert!(refusal.reason.starts_with("To holds"), "{refusal}");
        assert!(!refusal.reason.contains(c), "{refusal:?}");
    }
}

#[test]
fn a_nul_in_a_body_is_refused_and_other_controls_are_carried() {
    let refusal = build(
        &campaign(&[]),
        &recipient("", ""),
        rendered("s", Some("fine"), Some("a\0b")),
    )
    .unwrap_err();
    assert!(refusal.reason.starts_with("the html part"), "{refusal}");
    let message = build(
        &campaign(&[]),
        &recipient("", ""),
        rendered("s", Some("bell\u{7} escape\u{1b}"), None),
    )
    .unwrap();
    assert!(wire(&message).ends_with("\r\n\r\nbell=07 escape=1B\r\n"));
}

#[test]
fn to_is_the_recipient_and_nobody_else() {
    for to in [
        "",
        "Jane",
        "other@b.example",
        "Jane <other@b.example>",
        "jane@a.example, other@b.example",
        "Jane <jane@a.example>, other@b.example",
        "Jane <jane@a.example> (comment)",
        "Jane jane@a.example",
    ] {
        let mut texts = rendered("s", Some(""), None);
        texts.to = Some(to.into());
        let refusal = build(&campaign(&[]), &recipient("", ""), texts).unwrap_err();
        assert!(refusal.reason.starts_with("To is"), "{refusal}");
        assert!(refusal.reason.contains("goes to jane@a.example"), "{to}");
    }
}

#[test]
fn a_cell_cannot_add_a_recipient() {
    for name in [
        "x <evil@b.example>, y",
        "x\" <evil@b.example>, \"y",
        "evil@b.example,",
    ] {
        let mut texts = rendered("s", Some(""), None);
        texts.to = Some(format!("{name} <jane@a.example>").into());
        let message = build(&campaign(&[]), &recipient("", ""), texts).unwrap();
        let wire = wire(&message);
        let parsed = mail_parser::MessageParser::default()
            .parse(wire.as_bytes())
            .unwrap();
        let to = parsed.to().unwrap().as_list().unwrap();
        assert_eq!(to.len(), 1, "{wire}");
        assert_eq!(to[0].address.as_deref(), Some("jane@a.example"));
        assert_eq!(to[0].name.as_deref(), Some(name));
    }
}

#[test]
fn addresses_of_other_fields_are_single() {
    for bad in [
        "",
        "nobody",
        "a@b.example, c@d.example",
        "<a@b.example>",
        "ü\u{200b}@b.example",
        "a@b.example\r\nX: y",
    ] {
        let mut texts = rendered("s", Some(""), None);
        texts.envelope_from = Some(bad.into());
        let refusal = build(&campaign(&[]), &recipient("", ""), texts).unwrap_err();
        assert!(refusal.reason.starts_with("envelope_from is"), "{refusal}");
        assert!(!refusal.reason.contains(['\r', '\n']));
    }
    for bad in [
        "nobody",
        "a@b.example, c@d.example",
        "Jo <ü\u{202e}@b.example>",
    ] {
        let mut texts = rendered("s", Some(""), None);
        texts.headers = vec![bad.into()];
        let refusal = build(&campaign(&["Reply-To"]), &recipient("", ""), texts).unwrap_err();
        assert!(refusal.reason.starts_with("Reply-To is"), "{refusal}");
    }
}

#[test]
fn a_recipients_domain_is_written_as_a_labels() {
    let mut to = recipient("", "");
    to.address = "u@ä.example".parse().unwrap();
    let mut texts = rendered("s", Some(""), None);
    texts.to = Some("U <u@ä.example>".into());
    let message = build(&campaign(&[]), &to, texts).unwrap();
    assert_eq!(message.envelope_to.to_string(), "u@xn--4ca.example");
    assert!(wire(&message).contains("\r\nTo: U <u@xn--4ca.example>\r\n"));
}

#[test]
fn campaigns_that_cannot_be_built_are_refused_at_once() {
    for name in ["From", "SUBJECT", "content-type", "Dkim-Signature", "Bcc"] {
        let error = Builder::new(&campaign(&[name])).unwrap_err();
        assert_eq!(
            error,
            BuilderError::ReservedHeader {
                name: name.to_owned()
            }
        );
    }
    let long = "x".repeat(77);
    for name in ["", "a b", "a:", "a\r\nb", "ä", &long] {
        let error = Builder::new(&campaign(&[name])).unwrap_err();
        assert_eq!(
            error,
            BuilderError::HeaderName {
                name: name.to_owned()
            }
        );
    }
    let error = Builder::new(&campaign(&["X-A", "x-a"])).unwrap_err();
    assert!(matches!(error, BuilderError::RepeatedHeader { .. }));

    let mut reply_twice = campaign(&["reply-to"]);
    assert!(Builder::new(&reply_twice).is_ok());
    reply_twice.message.reply_to = Some("a@b.example".parse().unwrap());
    let error = Builder::new(&reply_twice).unwrap_err();
    assert!(matches!(error, BuilderError::RepeatedHeader { .. }));

    let mut broken = campaign(&[]);
    broken.message.from.name = Some("ACME\r\nBcc: x@y.example".to_owned());
    let error = Builder::new(&broken).unwrap_err();
    assert!(matches!(
        error,
        BuilderError::Display {
            character: '\r',
            ..
        }
    ));
}
