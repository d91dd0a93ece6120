//! The tags of a template as they stand in its text, for those who have to put them where they were.

use std::ops::Range;

/// A tag: where it stands, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) at: Range<usize>,
    pub(super) kind: Kind,
}

/// What a tag does to the text around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{{! … }}`.
    Comment,
    /// `{{name}}`, `{{helper name}}`.
    Print,
    /// `{{{name}}}`: what is printed may be HTML.
    Raw,
    /// `{{#if …}}`, `{{^if …}}`.
    Open,
    /// `{{else}}`, `{{else if …}}`, `{{^}}`.
    Else,
    /// `{{/if}}`.
    Close,
    /// `{{> name}}`.
    Partial(String),
    /// `{{#> name}}`.
    PartialBlock(String),
    /// `{{#*inline "name"}}`.
    Inline(String),
}

impl Kind {
    /// Whether a `{{/…}}` belongs to it.
    pub(super) fn opens(&self) -> bool {
        matches!(self, Kind::Open | Kind::PartialBlock(_) | Kind::Inline(_))
    }
}

/// All tags of a text that compiles, in their order.
pub(super) fn tags(text: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("{{").map(|found| at + found) {
        match tag(text, found) {
            Some(tag) => {
                at = tag.at.end;
                tags.push(tag);
            }
            None => at = found + 2,
        }
    }
    tags
}

/// The tag that begins here.
pub(super) fn tag(text: &str, start: usize) -> Option<Tag> {
    let rest = text.get(start..)?;
    // Two backslashes are backslashes.
    let before = &text.as_bytes()[..start];
    let escaped = before.ends_with(b"\\") && !before.ends_with(b"\\\\");
    if !rest.starts_with("{{") || escaped {
        return None;
    }
    let inside = rest[2..].trim_start_matches('~');
    let close = match inside {
        _ if inside.starts_with("!--") => "--",
        _ if inside.starts_with('{') => "}",
        _ => "",
    };
    let end = match close {
        "--" => {
            let dashes = rest.find("--}}").map(|end| end + 4);
            dashes.or_else(|| rest.find("--~}}").map(|end| end + 5))
        }
        "}" => {
            let plain = rest.find("}}}").map(|end| end + 3);
            let tilde = rest.find("}~}}").map(|end| end + 4);
            plain.into_iter().chain(tilde).min()
        }
        _ => rest.find("}}").map(|end| end + 2),
    }?;
    let kind = kind(inside);
    Some(Tag {
        at: start..start + end,
        kind,
    })
}

fn kind(inside: &str) -> Kind {
    let word = |text: &str| {
        let text = text.trim_start();
        let ends = |c: char| c.is_whitespace() || c == '}' || c == '~';
        let word = text.split(ends).next().unwrap_or_default();
        word.trim_matches(['"', '\'']).to_owned()
    };
    if inside.starts_with('!') {
        return Kind::Comment;
    }
    // Space may stand before all the others' signs.
    let inside = inside.trim_start();
    let behind = |start: &str| inside.strip_prefix(start).map(str::trim_start);
    if behind("{").or(behind("&")).is_some() {
        Kind::Raw
    } else if let Some(name) = behind(">") {
        Kind::Partial(word(name))
    } else if let Some(block) = behind("#") {
        if let Some(name) = block.strip_prefix('>') {
            Kind::PartialBlock(word(name))
        } else if let Some(name) = block.strip_prefix('*') {
            let name = name.trim_start();
            Kind::Inline(word(name.strip_prefix("inline").unwrap_or(name)))
        } else {
            Kind::Open
        }
    } else if behind("/").is_some() {
        Kind::Close
    } else if let Some(inverse) = behind("^") {
        match word(inverse).as_str() {
            "" => Kind::Else,
            _ => Kind::Open,
        }
    } else if word(inside) == "else" {
        Kind::Else
    } else {
        Kind::Print
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_is_told_by_what_it_does() {
        let name = || "a".to_owned();
        for (text, kind) in [
            ("{{!-- }} --}}", Kind::Comment),
            ("{{!-- }} --~}}", Kind::Comment),
            ("{{! a }}", Kind::Comment),
            ("{{a}}", Kind::Print),
            ("{{~ elsewhere ~}}", Kind::Print),
            ("{{{a}}}", Kind::Raw),
            ("{{~{a}~}}", Kind::Raw),
            ("{{&a}}", Kind::Raw),
            ("{{#if a}}", Kind::Open),
            ("{{^if a}}", Kind::Open),
            ("{{^}}", Kind::Else),
            ("{{~else~}}", Kind::Else),
            ("{{else if a}}", Kind::Else),
            ("{{~/if}}", Kind::Close),
            ("{{> a}}", Kind::Partial(name())),
            ("{{>a b=c}}", Kind::Partial(name())),
            ("{{#> \"a\"}}", Kind::PartialBlock(name())),
            ("{{#*inline 'a'}}", Kind::Inline(name())),
            ("{{ #if a}}", Kind::Open),
            ("{{~ #if a}}", Kind::Open),
            ("{{\n# if a}}", Kind::Open),
            ("{{ /if}}", Kind::Close),
            ("{{ else }}", Kind::Else),
            ("{{ ^ }}", Kind::Else),
            ("{{ > a}}", Kind::Partial(name())),
            ("{{ # > a}}", Kind::PartialBlock(name())),
            ("{{ # * inline 'a'}}", Kind::Inline(name())),
            ("{{ &a}}", Kind::Raw),
        ] {
            let page = format!("é{text}x");
            let at = 2..2 + text.len();
            assert_eq!(tags(&page), [Tag { at, kind }], "{text}");
        }
    }

    #[test]
    fn one_backslash_makes_text_of_a_tag_and_two_are_text() {
        assert_eq!(tags("\\{{#if a}}"), []);
        for text in ["\\\\{{#if a}}", "\\\\\\{{#if a}}"] {
            assert_eq!(tags(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_no_tag_is_none() {
        for text in ["", "{", "}}", "\\{{a}}", "{{", "{{a", "{{!-- }}", "{{{a}}"] {
            assert_eq!(tags(text), [], "{text}");
        }
    }
}
