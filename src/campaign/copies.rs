//! `cc` and `bcc` of `[message]`: templates for further recipients.
//!
//! A comma separates two addresses only where the author wrote it, between tags and outside of blocks: each piece is a
//! template of its own that gives one address or nothing. A comma out of a cell separates nothing.

use super::content::check_controls;
use super::error::Mistake;
use super::section::Section;
use crate::recipients::parse_address;

/// The pieces of all that `key` lists. One without a tag is known to be an address.
pub(super) fn read(section: &Section<'_>, key: &str) -> Result<Vec<String>, Mistake> {
    let mut all = Vec::new();
    for written in section.texts(key)? {
        check_controls(section, key, &written)?;
        for piece in pieces(written.get_ref()) {
            let wrong = match piece {
                "" => Some("an address is missing".to_owned()),
                piece if piece.contains("{{") => None,
                piece => parse_address(piece).err(),
            };
            if let Some(wrong) = wrong {
                let name = section.name(key);
                let text =
                    format!("{name} must list addresses, such as [\"boss@acme.example\"]: {wrong}");
                return Err(Mistake::new(written.span(), text));
            }
            all.push(piece.to_owned());
        }
    }
    Ok(all)
}

/// The text between the commas that are outside of tags, blocks and quotes.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut from) = (Vec::new(), 0);
    let (mut at, mut depth, mut quoted) = (0, 0usize, false);
    while let Some(next) = text[at..].find(['{', ',', '"', '\\']) {
        at += next;
        let rest = &text[at..];
        if let Some(inner) = rest.strip_prefix("{{") {
            match inner.trim_start_matches(['{', '~']).as_bytes().first() {
                Some(b'#') => depth += 1,
                Some(b'/') => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += tag(rest);
            continue;
        }
        if rest.starts_with('"') {
            quoted = !quoted;
        }
        if rest.starts_with(',') && depth == 0 && !quoted {
            pieces.push(text[from..at].trim());
            from = at + 1;
        }
        at += 1;
        // Within quotes a backslash takes the next character as it is.
        if quoted && rest.starts_with("\\\"") {
            at += 1;
        }
    }
    pieces.push(text[from..].trim());
    pieces
}

/// The length of the tag, or comment, that the text begins with.
fn tag(text: &str) -> usize {
    let end = if text.starts_with("{{!--") || text.starts_with("{{~!--") {
        "--}}"
    } else {
        "}}"
    };
    let close = text.find(end).map_or(text.len(), |at| at + end.len());
    let braces = text[close..].bytes().take_while(|&byte| byte == b'}');
    close + braces.count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use toml::de::DeTable;

    fn cc(list: &str) -> Result<Vec<String>, (usize, String)> {
        let source = format!("cc = {list}");
        let document = DeTable::parse(&source).unwrap();
        let section = Section::top(document.get_ref());
        read(&section, "cc").map_err(|mistake| (mistake.at, mistake.text))
    }

    #[test]
    fn the_authors_commas_separate() {
        for (text, expected) in [
            ("a@x.example", &["a@x.example"][..]),
            ("a@x.example,b@x.example", &["a@x.example", "b@x.example"]),
            ("{{a}}, {{b}}", &["{{a}}", "{{b}}"]),
            (r#""Li, Jo" <a@x>, {{b}}"#, &[r#""Li, Jo" <a@x>"#, "{{b}}"]),
            (
                r#""Li \", Jo" <a@x>, b@x"#,
                &[r#""Li \", Jo" <a@x>"#, "b@x"],
            ),
            (
                r#"{{default a "x, y"}}, {{{b}}}, {{!-- }}, --}}c"#,
                &[r#"{{default a "x, y"}}"#, "{{{b}}}", "{{!-- }}, --}}c"],
            ),
            (
                "{{#if a}}a@x, b@x{{else}}c@x{{/if}}, {{~#with d~}}{{e}},{{~/with~}}",
                &[
                    "{{#if a}}a@x, b@x{{else}}c@x{{/if}}",
                    "{{~#with d~}}{{e}},{{~/with~}}",
                ],
            ),
            ("", &[""]),
            ("a, ", &["a", ""]),
            ("{{a", &["{{a"]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_tag_is_looked_at_now() {
        let got = cc("['Boss <boss@acme.example>, {{b}}', '{{c}}']").unwrap();
        assert_eq!(got, ["Boss <boss@acme.example>", "{{b}}", "{{c}}"]);
        assert_eq!(cc("[]").unwrap(), [""; 0]);
        let list = "\"cc\" must list addresses, such as [\"boss@acme.example\"]: ";
        for (text, at, why) in [
            (
                "['boss']",
                6,
                "no @ in the address; correct it, as in jane@x.example",
            ),
            ("['{{a}}', '']", 15, "an address is missing"),
            ("['a@x.example,']", 6, "an address is missing"),
        ] {
            assert_eq!(cc(text), Err((at, format!("{list}{why}"))));
        }
        let text = "\"cc\" has the control character '\\0'; leave it out".to_owned();
        assert_eq!(cc("[\"a\\u0000@x\"]"), Err((6, text)));
    }
}
