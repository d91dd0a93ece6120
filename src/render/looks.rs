//! What somebody should look at in the HTML of a message: images that say nothing to those who don't see them, links
//! that anybody on the way can read and change, links that lead nowhere.

use memchr::memmem;

use super::images::{is_file, unescaped};

/// What was found in one message's HTML.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Looks {
    /// The first image without `alt` (an empty one says that it is decoration): its tag.
    pub without_alt: Option<String>,
    /// The first link or image in clear: its URL.
    pub in_clear: Option<String>,
    /// The first link to a file, which nobody who gets the message has.
    pub nowhere: Option<String>,
}

/// Looks at the HTML of one message, as it was rendered.
pub fn looks(html: &str) -> Looks {
    let mut found = Looks::default();
    let bytes = html.as_bytes();
    let mut at = 0;
    while let Some(open) = memchr::memchr(b'<', &bytes[at..]).map(|open| at + open) {
        at = open + 1;
        if bytes[open..].starts_with(b"<!--") {
            let end = memmem::find(&bytes[open..], b"-->");
            at = end.map_or(bytes.len(), |end| open + end);
            continue;
        }
        let (is_image, name) = match bytes[at..] {
            [b'i' | b'I', b'm' | b'M', b'g' | b'G', next, ..] if ends_name(next) => (true, 3),
            [b'a' | b'A', next, ..] if ends_name(next) => (false, 1),
            _ => continue,
        };
        let mut has_alt = false;
        at = attributes(html, at + name, |name, value| {
            let named = |other: &str| name.eq_ignore_ascii_case(other);
            has_alt |= named("alt");
            if named(if is_image { "src" } else { "href" }) {
                found.address(value, is_image);
            }
        });
        if is_image && !has_alt && found.without_alt.is_none() {
            found.without_alt = html.get(open..at).map(str::to_owned);
        }
    }
    found
}

impl Looks {
    fn address(&mut self, value: &str, is_image: bool) {
        let value = value.trim();
        let scheme = value.get(..7).unwrap_or_default();
        if scheme.eq_ignore_ascii_case("http://") {
            self.in_clear.get_or_insert_with(|| unescaped(value));
        } else if !is_image && is_file(value) {
            self.nowhere.get_or_insert_with(|| unescaped(value));
        }
    }
}

fn ends_name(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'>' || byte == b'/'
}

/// Hands each attribute with its value to `see`; returns where the tag ends.
fn attributes(html: &str, mut at: usize, mut see: impl FnMut(&str, &str)) -> usize {
    let bytes = html.as_bytes();
    let pass = |mut at: usize, wanted: &dyn Fn(u8) -> bool| {
        while bytes.get(at).is_some_and(|byte| wanted(*byte)) {
            at += 1;
        }
        at
    };
    let space = |byte: u8| byte.is_ascii_whitespace() || byte == b'/';
    loop {
        at = pass(at, &space);
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'>') => return at + 1,
            Some(_) => {}
        }
        let end = pass(at + 1, &|byte| !space(byte) && byte != b'=' && byte != b'>');
        let name = html.get(at..end).unwrap_or_default();
        let equals = pass(end, &|byte| byte.is_ascii_whitespace());
        if bytes.get(equals) != Some(&b'=') {
            see(name, "");
            at = end;
            continue;
        }
        let start = pass(equals + 1, &|byte| byte.is_ascii_whitespace());
        let (value, after) = match bytes.get(start) {
            Some(quote @ (b'"' | b'\'')) => {
                let end = pass(start + 1, &|byte| byte != *quote);
                (start + 1..end, end + 1)
            }
            _ => {
                let end = pass(start, &|byte| !byte.is_ascii_whitespace() && byte != b'>');
                (start..end, end)
            }
        };
        see(name, html.get(value).unwrap_or_default());
        at = after.min(bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(html: &str) -> [Option<String>; 3] {
        let Looks {
            without_alt,
            in_clear,
            nowhere,
        } = looks(html);
        [without_alt, in_clear, nowhere]
    }

    #[test]
    fn images_without_alt_are_found() {
        let first = |html: &str| looks(html).without_alt;
        assert_eq!(first("<img src='a' alt=''><IMG ALT=x src=b>"), None);
        assert_eq!(first("<p>a<img alt><!-- <img src=a> --></p>"), None);
        assert_eq!(first("<image src=a>< img><imgs>"), None);
        let tag = "<IMG\nsrc=\"cid:x > y\" width=3 />";
        assert_eq!(
            first(&format!("<img alt='>'>{tag}<img>")),
            Some(tag.to_owned())
        );
        assert_eq!(first("<img src='a"), Some("<img src='a".to_owned()));
    }

    #[test]
    fn links_in_clear_and_links_to_files_are_found() {
        let text = |text: &str| Some(text.to_owned());
        for good in [
            "<a href=\"https://a.example/\">x</a><a name=http://a>",
            "<a href='mailto:a@b.example'><a href='#top'><a href=''><a>",
            "<abbr href='http://x'><img alt='' src='https://a.example/http://'>",
        ] {
            assert_eq!(seen(good), [None, None, None], "{good}");
        }
        assert_eq!(
            seen("<a class=x href = 'HTTP://a.example/?a=1&amp;b=2'><a href=http://b>"),
            [None, text("HTTP://a.example/?a=1&b=2"), None]
        );
        assert_eq!(
            seen("<img alt='' src=http://b/i.png>"),
            [None, text("http://b/i.png"), None]
        );
        assert_eq!(seen("<A HREF=terms.pdf>"), [None, None, text("terms.pdf")]);
    }
}
