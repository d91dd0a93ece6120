//! Addresses that are not ASCII before the @ (RFC 6531, RFC 6532): as they are in header and envelope, and told of.

use super::*;
use crate::message::{BuilderError, Whose};

/// A message whose texts are changed by `change`, to this address.
fn to(address: &str, change: impl FnOnce(&mut Campaign, &mut Rendered)) -> Message {
    let (mut campaign, mut texts) = (campaign(&["Sender"]), rendered("Grüße", Some("text"), None));
    texts.headers = vec![crate::message::Text::default()];
    change(&mut campaign, &mut texts);
    let mut recipient = recipient("Zoë Li", "");
    recipient.address = address.parse().unwrap();
    build(&campaign, &recipient, texts).unwrap()
}

#[test]
fn the_address_is_written_as_it_is_and_all_else_encoded() {
    let message = to("用户@例え.example", |_, texts| {
        texts.cc = vec![
            "José <josé@acme.example>".into(),
            "boss@acme.example".into(),
        ];
    });
    let wire = wire(&message);
    let expected = "To: =?utf-8?q?Zo=C3=AB_Li?= <用户@xn--r8jz45g.example>\r\n\
                    Cc: =?utf-8?b?Sm9zw6k=?= <josé@acme.example>,\r\n boss@acme.example\r\n\
                    Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n";
    assert!(wire.contains(expected), "{wire}");
    assert_eq!(message.envelope_to.to_string(), "用户@xn--r8jz45g.example");
    assert_eq!(message.also_to[0].to_string(), "josé@acme.example");
    let (head, body) = wire.split_once("\r\n\r\n").unwrap();
    assert!(!head.is_ascii() && body.is_ascii());

    let parsed = mail_parser::MessageParser::default();
    let parsed = parsed.parse(wire.as_bytes()).unwrap();
    let read = parsed.to().unwrap().first().unwrap();
    assert_eq!(read.name(), Some("Zoë Li"));
    assert_eq!(read.address(), Some("用户@xn--r8jz45g.example"));
}

#[test]
fn whose_address_it_is_is_told() {
    let plain = "jane@bücher.example";
    let change = |_: &mut Campaign, _: &mut Rendered| {};
    assert_eq!(to(plain, change).beyond_ascii, None);
    assert_eq!(
        to("josé@a.example", change).beyond_ascii,
        Some(Whose::Recipient)
    );

    let from: fn(&mut Campaign, &mut Rendered) =
        |campaign, _| campaign.message.from = "Grüße <grüße@acme.example>".parse().unwrap();
    let reply_to: fn(&mut Campaign, &mut Rendered) =
        |campaign, _| campaign.message.reply_to = Some("grüße@acme.example".parse().unwrap());
    let bounces: fn(&mut Campaign, &mut Rendered) = |campaign, texts| {
        campaign.message.envelope_from = Some("rück+{{send_id}}@acme.example".to_owned());
        texts.envelope_from = Some("rück+x@acme.example".into());
    };
    for change in [from, reply_to, bounces] {
        for address in [plain, "josé@a.example"] {
            assert_eq!(to(address, change).beyond_ascii, Some(Whose::Sender));
        }
    }

    let other = "josé@acme.example".to_owned();
    let mine = [
        to(plain, |_, texts| texts.cc = vec![other.as_str().into()]),
        to(plain, |_, texts| texts.bcc = vec![other.as_str().into()]),
        to(plain, |_, texts| {
            texts.headers = vec![other.as_str().into()]
        }),
        to(plain, |_, texts| {
            texts.envelope_from = Some(other.as_str().into())
        }),
    ];
    for message in mine {
        assert_eq!(
            message.beyond_ascii,
            Some(Whose::Other),
            "{}",
            wire(&message)
        );
    }
    // Names and domains alone need nothing of the server.
    let named = to(plain, |campaign, texts| {
        campaign.message.from = "Grüße <news@bücher.example>".parse().unwrap();
        texts.cc = vec!["Łucja <l@köln.example>".into()];
    });
    assert_eq!(named.beyond_ascii, None);
}

#[test]
fn a_sender_that_can_be_no_address_is_refused_at_once() {
    let mut campaign = campaign(&[]);
    campaign.message.from = lettre::message::Mailbox::new(
        None,
        lettre::Address::new_dangerous("a\u{202e}b", "acme.example"),
    );
    let error = Builder::new(&campaign).unwrap_err();
    assert!(matches!(error, BuilderError::Address { .. }));
    assert!(
        error
            .to_string()
            .contains("an invisible character (U+202E)"),
        "{error}"
    );
    assert!(!error.to_string().contains('\u{202e}'), "{error}");
}
