//! Where the static text of an HTML template names an image: `<img src="…">`, `url(…)` in a style, and what older mail programs
//! have for backgrounds.
//!
//! Reads HTML as far as that needs, with the template's tags in it; what is no HTML is nobody's image.

use std::ops::Range;

/// The values that may name a file, quotes apart, in their order: attribute values and arguments of `url()` as written,
/// with the template's tags in them.
pub(super) fn references(source: &str) -> Vec<Range<usize>> {
    let mut scan = Scan {
        source,
        bytes: source.as_bytes(),
        found: Vec::new(),
    };
    scan.text();
    scan.found
}

/// Whether a value names a file: not one elsewhere, within another part, or in the value itself.
pub fn is_file(value: &str) -> bool {
    let value = value.trim();
    if value.is_empty() || value.starts_with('#') || value.starts_with("//") {
        return false;
    }
    // RFC 3986 section 3.1.
    let scheme = value.split_once(':').map(|(scheme, _)| scheme);
    !scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

/// A value of HTML without its character references, those that templates and authors write in paths.
pub fn unescaped(value: &str) -> String {
    if !value.contains('&') {
        return value.to_owned();
    }
    let mut text = value.to_owned();
    for (reference, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x22;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x60;", "`"),
        ("&#x3D;", "="),
        // The last one, so that nothing is taken for a reference that was none.
        ("&amp;", "&"),
    ] {
        text = text.replace(reference, c);
    }
    text
}

/// Quotes as character references, those of one quote beside each other.
const QUOTES: [&[&str]; 2] = [
    &["&quot;", "&#34;", "&#x22;"],
    &["&apos;", "&#39;", "&#x27;"],
];

struct Scan<'a> {
    source: &'a str,
    bytes: &'a [u8],
    found: Vec<Range<usize>>,
}

impl Scan<'_> {
    fn text(&mut self) {
        let mut at = 0;
        while at < self.bytes.len() {
            at = match self.bytes[at] {
                b'{' => self.past_tag(at),
                b'<' if self.starts(at, "<!--") && !self.starts(at, "<!--[if") => {
                    self.past(at, "-->")
                }
                b'<' if self.bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) => {
                    self.element(at + 1)
                }
                _ => at + 1,
            };
        }
    }

    /// A start tag, from its name on; gives where it ends, for `style` where the element does.
    fn element(&mut self, start: usize) -> usize {
        let mut at = self.while_(start, |byte| {
            byte.is_ascii_alphanumeric() || b"-:".contains(&byte)
        });
        let name = self.source[start..at].to_ascii_lowercase();
        loop {
            match self.bytes.get(at) {
                None => return at,
                Some(b'>') => break,
                Some(b'{') => at = self.past_tag(at),
                Some(byte) if byte.is_ascii_whitespace() || b"/=\"'".contains(byte) => at += 1,
                Some(_) => at = self.attribute(&name, at),
            }
        }
        if name != "style" && name != "mj-style" {
            return at + 1;
        }
        let end = self.find(at, &format!("</{name}"));
        let end = end.unwrap_or(self.bytes.len());
        self.style(at + 1..end);
        end
    }

    fn attribute(&mut self, element: &str, start: usize) -> usize {
        let in_name = |byte: u8| !byte.is_ascii_whitespace() && !b"=>/{\"'".contains(&byte);
        let end = self.while_(start, in_name).max(start + 1);
        let at = self.while_(end, |byte| byte.is_ascii_whitespace());
        if self.bytes.get(at) != Some(&b'=') {
            return end;
        }
        let at = self.while_(at + 1, |byte| byte.is_ascii_whitespace());
        let (value, after) = match self.bytes.get(at) {
            Some(quote @ (b'"' | b'\'')) => {
                let end = self.until(at + 1, |byte| byte == *quote);
                (at + 1..end, end + 1)
            }
            _ => {
                let end = self.until(at, |byte| byte.is_ascii_whitespace() || byte == b'>');
                (at..end, end)
            }
        };
        let name = self.source.get(start..end).unwrap_or_default();
        let is_image = match element {
            // The last three are drawn by Outlook, where a background is to be behind a text.
            "img" | "v:fill" | "v:image" | "v:imagedata" => name.eq_ignore_ascii_case("src"),
            "body" | "table" | "tr" | "th" | "td" => name.eq_ignore_ascii_case("background"),
            _ => false,
        };
        if is_image {
            self.add(value);
        } else if name.eq_ignore_ascii_case("style") {
            self.style(value);
        }
        after.min(self.bytes.len())
    }

    /// `url(…)` in a style.
    fn style(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while let Some(start) = self.find(at, "url(").filter(|start| start + 4 <= range.end) {
            let first = self.while_(start + 4, |byte| byte.is_ascii_whitespace());
            let value = match self.bytes.get(first) {
                Some(quote @ (b'"' | b'\'')) => {
                    first + 1..self.until(first + 1, |byte| byte == *quote)
                }
                _ => match self.quote(first) {
                    Some((quotes, open)) => open..self.closing(open, range.end, quotes),
                    None => first..self.until(first, |byte| byte == b')'),
                },
            };
            at = value.end.min(range.end).max(start + 4);
            if value.end <= range.end {
                self.add(value);
            }
        }
    }

    /// The quote that is written here as a character reference, and what follows it.
    fn quote(&self, at: usize) -> Option<(&'static [&'static str], usize)> {
        QUOTES.iter().find_map(|quotes| {
            let reference = quotes.iter().find(|reference| self.has(at, reference))?;
            Some((*quotes, at + reference.len()))
        })
    }

    /// Where the quote stands that ends what begins here.
    fn closing(&self, mut at: usize, end: usize, quotes: &[&str]) -> usize {
        while at < end && !quotes.iter().any(|reference| self.has(at, reference)) {
            at = match self.bytes[at] {
                b'{' => self.past_tag(at),
                _ => at + 1,
            };
        }
        at
    }

    /// Whether `wanted` stands here, in any case.
    fn has(&self, at: usize, wanted: &str) -> bool {
        let found = self.bytes.get(at..at + wanted.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(wanted.as_bytes()))
    }

    fn add(&mut self, value: Range<usize>) {
        let Some(text) = self.source.get(value.clone()) else {
            return;
        };
        let start = value.start + text.len() - text.trim_start().len();
        let value = start..start + text.trim().len();
        if is_file(&self.source[value.clone()]) {
            self.found.push(value);
        }
    }

    /// Behind a tag of the template that begins here; a brace that begins none is one character.
    fn past_tag(&self, at: usize) -> usize {
        match () {
            () if self.starts(at, "{{!--") => self.past(at, "--}}"),
            () if self.starts(at, "{{{") => self.past(at, "}}}"),
            () if self.starts(at, "{{") => self.past(at, "}}"),
            () => at + 1,
        }
    }

    /// The first byte from here that is `wanted`, tags of the template apart.
    fn until(&self, mut at: usize, wanted: impl Fn(u8) -> bool) -> usize {
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'{' => at = self.past_tag(at),
                byte if wanted(*byte) => return at,
                _ => at += 1,
            }
        }
        self.bytes.len()
    }

    fn while_(&self, at: usize, wanted: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| wanted(**byte)).count()
    }

    fn starts(&self, at: usize, text: &str) -> bool {
        self.bytes[at..].starts_with(text.as_bytes())
    }

    fn past(&self, at: usize, end: &str) -> usize {
        self.find(at, end)
            .map_or(self.bytes.len(), |found| found + end.len())
    }

    /// Where `wanted`, in lower case, stands next, in any case.
    fn find(&self, at: usize, wanted: &str) -> Option<usize> {
        let rest = self.bytes.get(at..)?;
        rest.windows(wanted.len())
            .position(|window| window.eq_ignore_ascii_case(wanted.as_bytes()))
            .map(|found| at + found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<&str> {
        references(source)
            .into_iter()
            .map(|range| &source[range])
            .collect()
    }

    #[test]
    fn images_and_styles_name_files() {
        for (source, expected) in [
            ("<img src=\"images/logo.png\">", vec!["images/logo.png"]),
            ("<IMG alt='a > b' SRC = ' a.png '/>", vec!["a.png"]),
            ("<img src=a.png><img src=b.png/>", vec!["a.png", "b.png/"]),
            (
                "<img {{#if x}}class=\"a\"{{/if}} alt=\"{{name}}\" src='a b.png'>",
                vec!["a b.png"],
            ),
            ("<img src=\"photos/{{id}}.jpg\">", vec!["photos/{{id}}.jpg"]),
            (
                "<img src=\"{{#if (eq a \"b\")}}x.png{{else}}y.png{{/if}}\">",
                vec!["{{#if (eq a \"b\")}}x.png{{else}}y.png{{/if}}"],
            ),
            (
                "<td style=\"background: url('bg.png'), URL( x.png )\">",
                vec!["bg.png", "x.png "],
            ),
            (
                "<td style=\"background:url(&quot;a.png&quot;),url(&#39;b&amp;c.png&#x27;) no-repeat,url( &#X22;{{d}}.png&#34; )\">",
                vec!["a.png", "b&amp;c.png", "{{d}}.png"],
            ),
            (
                "<td style=\"background:url(&quot;https://a.example/x.png&quot;),url(&quot;a.png\"><img src=b.png>",
                vec!["a.png", "b.png"],
            ),
            (
                "<style>a{background:url(a.png)} /* {{x}} */ b{c:url(\"b.png\")}</style>url(c.png)",
                vec!["a.png", "b.png"],
            ),
            (
                "<!-- <img src=a.png> --><!--[if mso]><img src=\"b.png\"><![endif]-->",
                vec!["b.png"],
            ),
            (
                "<TABLE BACKGROUND=a.png><td background='b.png'><p background=no.png><v src=no.png>",
                vec!["a.png", "b.png"],
            ),
            (
                "<!--[if mso]><v:rect><v:fill src=\"a.png\" type=frame/><V:Image src='{{b}}.png'/><v:imagedata src=c.png><![endif]-->",
                vec!["a.png", "{{b}}.png", "c.png"],
            ),
            (
                "{{!-- <img src=a.png> --}}<p title=\"<img src=b.png>\">",
                vec![],
            ),
        ] {
            let expected: Vec<_> = expected.into_iter().map(str::trim).collect();
            assert_eq!(found(source), expected, "{source}");
        }
    }

    #[test]
    fn what_is_elsewhere_is_left_alone() {
        for value in [
            "https://a.example/x.png",
            "HTTP://a/x",
            "cid:x@y",
            "data:image/png;base64,AA",
            "//a.example/x",
            "#id",
            "",
            "https://a/{{id}}.png",
        ] {
            assert_eq!(found(&format!("<img src=\"{value}\">")), Vec::<&str>::new());
            assert!(!is_file(value), "{value}");
        }
        assert!(is_file("a/b:c.png") && is_file("{{photo}}") && is_file("a.png"));
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for source in [
            "<",
            "<img",
            "<img src",
            "<img src=",
            "<img src=\"",
            "<img src=\"a",
            "<style",
            "<style>",
            "<style>url(",
            "<style>url('a</style>",
            "<p style=\"url(\">",
            "<!--",
            "{{",
            "<img {{",
            "<é",
            "<img é=\"",
            "<img src=\"é{",
        ] {
            references(source);
        }
    }

    #[test]
    fn references_of_characters_are_taken_back_once() {
        assert_eq!(unescaped("a&amp;b&#x27;&amp;lt;"), "a&b'&lt;");
    }
}
