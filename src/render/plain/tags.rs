//! Tags of rendered HTML, one after the other.

/// A start or an end tag.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    /// In lower case.
    pub(super) name: String,
    pub(super) closes: bool,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// Whether it has no content, and no end tag.
    pub(super) fn is_void(&self) -> bool {
        let name = self.name.as_str();
        [
            "br", "hr", "img", "input", "meta", "link", "col", "area", "base", "wbr",
        ]
        .contains(&name)
            || self.attributes.ends_with('/')
    }

    /// An attribute's value as it is written, quotes apart; empty where it has none.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.attributes;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() {
                return None;
            }
            // A name may begin with a sign that ends others.
            let mut after = rest.char_indices().skip(1);
            let end = after.find(|(_, c)| c.is_ascii_whitespace() || "=/".contains(*c));
            let (found, behind) = rest.split_at(end.map_or(rest.len(), |(end, _)| end));
            let behind = behind.trim_ascii_start();
            let (value, behind) = match behind.strip_prefix('=') {
                Some(behind) => value(behind.trim_ascii_start()),
                None => ("", behind),
            };
            if found.eq_ignore_ascii_case(name) {
                return Some(value);
            }
            rest = behind;
        }
    }
}

/// The value at the start, and what is behind it.
fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    let end = text.find(|c: char| c.is_ascii_whitespace());
    text.split_at(end.unwrap_or(text.len()))
}

/// The text before the next tag, that tag, and what is behind it; no tag for comments and the like. `None`: no more.
pub(super) fn next(html: &str) -> Option<(&str, Option<Tag<'_>>, &str)> {
    let mut from = 0;
    loop {
        let at = from + html.get(from..)?.find('<')?;
        let (text, tag) = (&html[..at], &html[at + 1..]);
        if let Some(comment) = tag.strip_prefix("!--") {
            let behind = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            return Some((text, None, behind));
        }
        if tag.starts_with(['!', '?']) {
            let behind = tag.find('>').map_or("", |end| &tag[end + 1..]);
            return Some((text, None, behind));
        }
        let closes = tag.starts_with('/');
        let inner = tag.strip_prefix('/').unwrap_or(tag);
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            from = at + 1;
            continue;
        }
        let end = end(inner);
        let name = inner.find(|c: char| c.is_ascii_whitespace() || "/>".contains(c));
        let name = name.unwrap_or(end).min(end);
        let behind = inner.get(end + 1..).unwrap_or_default();
        let tag = Tag {
            name: inner[..name].to_ascii_lowercase(),
            closes,
            attributes: &inner[name..end],
        };
        return Some((text, Some(tag), behind));
    }
}

/// Where the tag's `>` is, those in quotes apart.
fn end(tag: &str) -> usize {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    tag.len()
}
