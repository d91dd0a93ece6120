//! Helpers on texts.

use handlebars::handlebars_helper;
use serde_json::Value;

use super::decimal::Decimal;
use super::{Arguments, Function, printed, quoted};

pub(super) const HELPERS: &[(&str, Function)] = &[
    ("default", default),
    ("upper", |arguments| Ok(arguments.text(0).to_uppercase())),
    ("lower", |arguments| Ok(arguments.text(0).to_lowercase())),
    ("title", |arguments| Ok(title(&arguments.text(0)))),
    ("truncate", truncate),
    ("url_encode", |arguments| Ok(url_encode(&arguments.text(0)))),
    ("plural", plural),
];

fn default(arguments: &Arguments<'_>) -> Result<String, String> {
    let value = arguments.text(0);
    let filled = !value.trim().is_empty();
    Ok(if filled { value } else { arguments.text(1) }.into_owned())
}

/// A word of one case gets a capital and small letters; one of mixed case (McDonald, iPhone) was written so on purpose.
fn title(text: &str) -> String {
    text.split_inclusive(|c: char| c.is_whitespace() || c == '-')
        .map(|word| {
            let mixed = word.contains(char::is_lowercase) && word.contains(char::is_uppercase);
            let mut letters = word.chars();
            match letters.next() {
                Some(first) if !mixed => first
                    .to_uppercase()
                    .chain(letters.as_str().to_lowercase().chars())
                    .collect(),
                _ => word.to_owned(),
            }
        })
        .collect()
}

fn truncate(arguments: &Arguments<'_>) -> Result<String, String> {
    let (text, length) = (arguments.text(0), arguments.text(1));
    let length: usize = length
        .parse()
        .map_err(|_| format!("truncate: {} is no number of characters", quoted(&length)))?;
    Ok(match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    })
}

/// Every byte but RFC 3986's unreserved characters (section 2.3) as `%XX`.
fn url_encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            _ => {
                encoded.push('%');
                encoded.push(HEX[usize::from(byte >> 4)].into());
                encoded.push(HEX[usize::from(byte & 15)].into());
            }
        }
    }
    encoded
}

fn plural(arguments: &Arguments<'_>) -> Result<String, String> {
    let count = arguments.text(0);
    let Some(number) = Decimal::parse(&count) else {
        return Err(format!("plural: {} is no number", quoted(&count)));
    };
    let form = if number == Decimal::ONE { 1 } else { 2 };
    Ok(arguments.text(form).into_owned())
}

// In Unicode scalar values, where Handlebars' own counts bytes; of a list or a table, its entries.
// A number, so that `{{#if (len name)}}` is false at zero.
handlebars_helper!(len: |value: Json| match value {
    Value::Array(list) => list.len(),
    Value::Object(table) => table.len(),
    other => printed(other).chars().count(),
});

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::tests::plain;
    use super::*;

    #[test]
    fn default_takes_the_place_of_what_is_empty() {
        let render =
            |nick: &str| plain("{{default nick \"friend\"}}", json!({ "nick": nick })).unwrap();
        assert_eq!(render("Jo"), "Jo");
        assert_eq!(render(""), "friend");
        assert_eq!(render("  "), "friend");
        assert_eq!(render(" Jo "), " Jo ");
        assert_eq!(
            plain("{{default absent \"friend\"}}", json!({})).unwrap(),
            "friend"
        );
        assert_eq!(
            plain("{{default zero 7}}", json!({ "zero": 0 })).unwrap(),
            "0"
        );
    }

    #[test]
    fn case_is_unicode() {
        let cell = json!({ "x": "Straße Éa" });
        assert_eq!(
            plain("{{upper x}}|{{lower x}}", cell).unwrap(),
            "STRASSE ÉA|straße éa"
        );
    }

    #[test]
    fn title_mends_words_of_one_case_only() {
        for (given, wanted) in [
            ("anna maria", "Anna Maria"),
            ("JOHN SMITH", "John Smith"),
            ("jean-luc", "Jean-Luc"),
            ("Jack O'Neill", "Jack O'Neill"),
            ("ronald McDonald", "Ronald McDonald"),
            ("don't", "Don't"),
            ("élise  x", "Élise  X"),
            ("", ""),
        ] {
            assert_eq!(title(given), wanted);
        }
    }

    #[test]
    fn truncate_counts_characters() {
        let render = |text: &str| plain("{{truncate t 3}}", json!({ "t": text })).unwrap();
        assert_eq!(render("éàü"), "éàü");
        assert_eq!(render("éàüx"), "éàü…");
        assert_eq!(render(""), "");
        assert_eq!(plain("{{truncate \"ab\" 0}}", json!({})).unwrap(), "…");
        let error = plain("{{truncate \"ab\" \"x\"}}", json!({})).unwrap_err();
        assert_eq!(error, "truncate: \"x\" is no number of characters");
    }

    #[test]
    fn url_encode_keeps_the_unreserved_alone() {
        assert_eq!(url_encode("aZ09-._~"), "aZ09-._~");
        assert_eq!(
            url_encode("a b&c=é/?+%\n"),
            "a%20b%26c%3D%C3%A9%2F%3F%2B%25%0A"
        );
    }

    #[test]
    fn plural_chooses_by_the_number() {
        let render = |count| plain("{{plural n \"item\" \"items\"}}", json!({ "n": count }));
        for (count, wanted) in [
            (json!("1"), "item"),
            (json!("1.0"), "item"),
            (json!(1), "item"),
        ] {
            assert_eq!(render(count).unwrap(), wanted);
        }
        for count in [json!("0"), json!("2"), json!("1.5"), json!("-1"), json!(11)] {
            assert_eq!(render(count).unwrap(), "items");
        }
        assert_eq!(
            render(json!("many")).unwrap_err(),
            "plural: \"many\" is no number"
        );
    }

    #[test]
    fn len_counts_characters_and_entries() {
        let data = json!({ "t": "Zoë", "l": [1, 2] });
        assert_eq!(plain("{{len t}} {{len l}}", data).unwrap(), "3 2");
        let data = json!({ "t": "Zoë" });
        assert_eq!(
            plain("{{#if (gt (len t) 2)}}long{{/if}}", data).unwrap(),
            "long"
        );
        assert_eq!(
            plain("{{#if (len \"\")}}long{{else}}empty{{/if}}", json!({})).unwrap(),
            "empty"
        );
    }
}
