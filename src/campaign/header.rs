//! `headers` of `[message]`: names a message may carry beside those that mailrun writes itself.

use super::error::Mistake;
use super::section::{Section, kind};

/// Written by mailrun, or by servers on the way: nobody else may.
const OWN: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "dkim-signature",
    "return-path",
    "received",
];

/// The same, by their beginning.
const OWN_PREFIXES: &[&str] = &["content-", "resent-"];

/// Names with their value templates, in the order of the file. `reply_to`, `list`: that setting, that table is there.
pub(super) fn read(
    message: &Section<'_>,
    reply_to: bool,
    list: bool,
) -> Result<Vec<(String, String)>, Mistake> {
    let Some(value) = message.value("headers") else {
        return Ok(Vec::new());
    };
    let Some(table) = value.get_ref().as_table() else {
        let (name, is) = (message.name("headers"), kind(value.get_ref()));
        let text =
            format!(r#"{name} must be a table such as {{ "X-Campaign" = "nov" }}, not {is}"#);
        return Err(Mistake::new(value.span(), text));
    };
    // The parser sorts by name; recipients see the author's order.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);

    let mut headers: Vec<(String, String)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let name = key.get_ref().as_ref();
        if let Some(why) = refusal(name, reply_to, list) {
            return Err(Mistake::new(
                key.span(),
                format_args!("header {name:?} {why}"),
            ));
        }
        if headers
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(name))
        {
            return Err(Mistake::new(
                key.span(),
                format_args!("header {name:?} is there twice"),
            ));
        }
        let Some(template) = value.get_ref().as_str() else {
            let is = kind(value.get_ref());
            let text = format!("header {name:?} must be a string, in quotes, not {is}");
            return Err(Mistake::new(value.span(), text));
        };
        headers.push((name.to_owned(), template.to_owned()));
    }
    Ok(headers)
}

/// Why a campaign may not have this header.
fn refusal(name: &str, reply_to: bool, list: bool) -> Option<&'static str> {
    // RFC 5322 section 3.6.8: printable ASCII except the colon.
    let field_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if !field_name {
        return Some("is not a header's name: letters, digits and \"-\", no space, no colon");
    }
    let lower = name.to_ascii_lowercase();
    let own = OWN.contains(&lower.as_str()) || OWN_PREFIXES.iter().any(|it| lower.starts_with(it));
    if own {
        return Some("is not the campaign's to set: mailrun or a server on the way writes it");
    }
    if list && lower.starts_with("list-") {
        return Some("is not the campaign's to set: mailrun writes it, from [list]");
    }
    (reply_to && lower == "reply-to").then_some("is there already, by reply_to")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use toml::de::DeTable;

    fn headers(toml: &str, reply_to: bool) -> Result<Vec<(String, String)>, (usize, String)> {
        let source = format!("headers = {toml}");
        let document = DeTable::parse(&source).unwrap();
        let section = Section::top(document.get_ref());
        read(&section, reply_to, reply_to).map_err(|mistake| (mistake.at, mistake.text))
    }

    #[test]
    fn in_the_order_of_the_file() {
        let got = headers(
            "{ X-Z = '{{a}}', X-A = '', Sender = 's', Reply-To = 'r' }",
            false,
        );
        let expected = [
            ("X-Z", "{{a}}"),
            ("X-A", ""),
            ("Sender", "s"),
            ("Reply-To", "r"),
        ];
        assert_eq!(
            got,
            Ok(expected.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec())
        );
    }

    #[test]
    fn what_mailrun_writes_itself_is_refused() {
        for name in [
            "From",
            "TO",
            "Cc",
            "bcc",
            "Subject",
            "Date",
            "Message-ID",
            "MIME-Version",
            "Content-Type",
            "content-anything",
            "DKIM-Signature",
            "Return-Path",
            "Received",
            "Resent-From",
        ] {
            let text = format!(
                "header {name:?} is not the campaign's to set: mailrun or a server on the way writes it"
            );
            assert_eq!(
                headers(&format!("{{ {name} = 'x' }}"), false),
                Err((12, text))
            );
        }
    }

    #[test]
    fn refused() {
        let name = "is not a header's name: letters, digits and \"-\", no space, no colon";
        for (toml, at, text) in [
            ("{ 'X Y' = 'x' }", 12, format!("header \"X Y\" {name}")),
            ("{ 'X:' = 'x' }", 12, format!("header \"X:\" {name}")),
            ("{ '' = 'x' }", 12, format!("header \"\" {name}")),
            ("{ 'É' = 'x' }", 12, format!("header \"É\" {name}")),
            (
                "{ \"A\\nB\" = 'x' }",
                12,
                format!("header \"A\\nB\" {name}"),
            ),
            (
                "{ X-A = 'x', x-a = 'y' }",
                23,
                "header \"x-a\" is there twice".to_owned(),
            ),
            (
                "{ reply-to = 'x' }",
                12,
                "header \"reply-to\" is there already, by reply_to".to_owned(),
            ),
            (
                "{ X-A = 1 }",
                18,
                "header \"X-A\" must be a string, in quotes, not a number".to_owned(),
            ),
            (
                "{ list-id = 'x' }",
                12,
                "header \"list-id\" is not the campaign's to set: mailrun writes it, from [list]"
                    .to_owned(),
            ),
            (
                "'X-A: b'",
                10,
                "\"headers\" must be a table such as { \"X-Campaign\" = \"nov\" }, not a string"
                    .to_owned(),
            ),
        ] {
            assert_eq!(headers(toml, true), Err((at, text)), "{toml}");
        }
    }
}
