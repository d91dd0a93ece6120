//! The text of an HTML or MJML template taken apart, as far as it matters which element stands in which: elements, style sheets, and the template's
//! tags between them. Reads as browsers do; nothing is wrong to it.

use std::ops::Range;

use super::tags::{self, Kind, Tag};

/// A start tag.
#[derive(Debug)]
pub(super) struct Element {
    /// In lower case.
    pub(super) name: String,
    pub(super) at: Range<usize>,
    /// Behind its name.
    pub(super) name_end: usize,
    /// Those that stand there for every row.
    pub(super) attributes: Vec<Attribute>,
    /// Whether a row's data takes part in its class, its id, or in which attributes it has.
    pub(super) varies: bool,
    /// Whether it ends with `/>`.
    pub(super) closed: bool,
}

/// An attribute.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    /// In lower case.
    pub(super) name: String,
    pub(super) at: Range<usize>,
    /// Without its quotes, as written.
    pub(super) value: Range<usize>,
    /// The quote around the value; 0: none.
    pub(super) quote: u8,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|other| other.name == name)
    }

    /// Whether a `<style>` holds now and then, by its attribute.
    pub(super) fn has_media(&self, text: &str) -> bool {
        self.name == "style" && has_media(&self.attributes, text)
    }
}

fn has_media(attributes: &[Attribute], text: &str) -> bool {
    let media = attributes.iter().find(|other| other.name == "media");
    media.is_some_and(|media| !matches!(text[media.value.clone()].trim(), "" | "all" | "screen"))
}

/// Elements that have no end tag.
pub(super) const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// What the text is made of; what is left out is text and comments.
#[derive(Debug)]
pub(super) enum Piece {
    Doctype(Range<usize>),
    Start(Element),
    End {
        name: String,
        at: usize,
    },
    /// A style sheet, or what of it stands before, between and behind the partials in it.
    Css(Range<usize>),
    /// What stands in a conditional comment (`<!--[if mso]>`) or a `<noscript>`: a page of its own to some programs.
    Hidden(Range<usize>),
    Tag {
        tag: Tag,
        place: Place,
    },
}

/// Where a tag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Page,
    Css,
    /// In a comment, or in an element that has no elements in it.
    Text,
}

/// The attribute by which a `<style>` stays as it is: css-inline's own.
const KEEP: &str = "data-css-inline";

/// The pieces of an HTML text.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        pieces: Vec::new(),
    };
    reader.page();
    reader.pieces
}

/// The pieces of what stands in a `<style>`: style sheets, and the tags in them; of these, only partials divide it.
pub(super) fn css(text: &str, range: Range<usize>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut start = range.start;
    for mut tag in tags::tags(&text[range.clone()]) {
        tag.at = tag.at.start + range.start..tag.at.end + range.start;
        if let Kind::Partial(_) = tag.kind {
            pieces.push(Piece::Css(start..tag.at.start));
            start = tag.at.end;
        }
        let place = Place::Css;
        pieces.push(Piece::Tag { tag, place });
    }
    pieces.push(Piece::Css(start..range.end));
    pieces
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pieces: Vec<Piece>,
}

impl Reader<'_> {
    fn page(&mut self) {
        let mut at = 0;
        while let Some(open) = memchr::memchr2(b'<', b'{', self.bytes.get(at..).unwrap_or_default())
            .map(|found| at + found)
        {
            let rest = &self.bytes[open..];
            at = match rest {
                [b'{', ..] => self.tag(open, Place::Page),
                [b'<', b'!', b'-', b'-', ..] => {
                    let end = self.comment(open);
                    if self.text[open + 4..end].trim_start().starts_with("[if") {
                        self.pieces.push(Piece::Hidden(open + 4..end));
                    }
                    self.tags(open..end, Place::Text);
                    end
                }
                [b'<', b'!' | b'?', ..] => {
                    let end = self.until(open, |byte| byte == b'>') + 1;
                    if self.starts(open, "<!doctype") {
                        let end = end.min(self.bytes.len());
                        self.pieces.push(Piece::Doctype(open..end));
                    }
                    end
                }
                [b'<', b'/', letter, ..] if letter.is_ascii_alphabetic() => {
                    let name = self.name(open + 2);
                    let name = self.text[name].to_ascii_lowercase();
                    self.pieces.push(Piece::End { name, at: open });
                    self.until(open, |byte| byte == b'>') + 1
                }
                [b'<', letter, ..] if letter.is_ascii_alphabetic() => self.element(open),
                _ => open + 1,
            };
        }
    }

    /// Notes the tag that begins here; gives where it ends, or what follows the brace that begins none.
    fn tag(&mut self, at: usize, place: Place) -> usize {
        let Some(tag) = tags::tag(self.text, at) else {
            return at + 1;
        };
        let end = tag.at.end;
        self.pieces.push(Piece::Tag { tag, place });
        end
    }

    fn tags(&mut self, range: Range<usize>, place: Place) {
        let mut at = range.start;
        while at < range.end {
            at = match self.bytes[at] {
                b'{' => self.tag(at, place),
                _ => at + 1,
            };
        }
    }

    /// Where a comment ends; a comment of the template in it may hold the characters that end it.
    fn comment(&self, open: usize) -> usize {
        let mut at = open + 4;
        while at < self.bytes.len() {
            if self.starts(at, "-->") {
                return at + 3;
            }
            // <!--> and <!---> are comments too.
            if at == open + 4 && (self.bytes[at] == b'>' || self.starts(at, "->")) {
                return self.until(at, |byte| byte == b'>') + 1;
            }
            at = self.past_tag(at).unwrap_or(at + 1);
        }
        self.bytes.len()
    }

    fn element(&mut self, open: usize) -> usize {
        let name = self.name(open + 1);
        let name_end = name.end;
        let name = self.text[name].to_ascii_lowercase();
        let (mut attributes, mut varies, mut closed) = (Vec::new(), false, false);
        let mut at = name_end;
        loop {
            match self.bytes.get(at) {
                None => return self.bytes.len(),
                Some(b'>') => break,
                Some(b'/') => closed = self.bytes.get(at + 1) == Some(&b'>'),
                Some(byte) if byte.is_ascii_whitespace() => {}
                Some(_) => {
                    if let Some(end) = self.past_tag(at) {
                        let is_comment =
                            self.text[at..end].trim_matches(['{', '~']).starts_with('!');
                        varies |= !is_comment;
                        at = end;
                    } else {
                        let attribute = self.attribute(at);
                        at = attribute.at.end;
                        attributes.push(attribute);
                    }
                    continue;
                }
            }
            at += 1;
        }
        let end = at + 1;
        let has_tag = |range: &Range<usize>| self.text[range.clone()].contains("{{");
        varies |= attributes.iter().any(|attribute| {
            let chooses = matches!(attribute.name.as_str(), "class" | "id");
            (chooses && has_tag(&attribute.value)) || attribute.name.contains("{{")
        });
        let keeps = has_media(&attributes, self.text)
            || attributes.iter().any(|attribute| {
                attribute.name == KEEP
                    && matches!(&self.text[attribute.value.clone()], "ignore" | "keep")
            });
        self.pieces.push(Piece::Start(Element {
            name: name.clone(),
            at: open..end,
            name_end,
            attributes,
            varies,
            closed,
        }));
        if !matches!(
            name.as_str(),
            "style" | "script" | "title" | "textarea" | "xmp" | "noscript"
        ) {
            return end;
        }
        let close = self
            .find(end, &format!("</{name}"))
            .unwrap_or(self.bytes.len());
        if name == "style" && !keeps {
            self.pieces.extend(css(self.text, end..close));
        } else {
            if name == "noscript" {
                self.pieces.push(Piece::Hidden(end..close));
            }
            self.tags(end..close, Place::Text);
        }
        close
    }

    fn attribute(&self, start: usize) -> Attribute {
        let ends = |byte: u8| byte.is_ascii_whitespace() || b"=>/".contains(&byte);
        let end = self.until(start + 1, ends);
        let space = |at: usize| {
            let rest = self.bytes.get(at..).unwrap_or_default();
            at + rest
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count()
        };
        let name = self
            .text
            .get(start..end)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let equals = space(end);
        if self.bytes.get(equals) != Some(&b'=') {
            return Attribute {
                name,
                at: start..end,
                value: end..end,
                quote: 0,
            };
        }
        let value = space(equals + 1);
        let (value, quote, end) = match self.bytes.get(value) {
            Some(quote @ (b'"' | b'\'')) => {
                let end = self.until(value + 1, |byte| byte == *quote);
                (value + 1..end, *quote, (end + 1).min(self.bytes.len()))
            }
            _ => {
                let end = self.until(value, |byte| byte.is_ascii_whitespace() || byte == b'>');
                (value..end, 0, end)
            }
        };
        Attribute {
            name,
            at: start..end,
            value,
            quote,
        }
    }

    fn name(&self, start: usize) -> Range<usize> {
        start..self.until(start, |byte| {
            byte.is_ascii_whitespace() || b"/>{".contains(&byte)
        })
    }

    /// Where the first byte from here stands that is `wanted`, the template's tags apart; the end when there is none.
    fn until(&self, mut at: usize, wanted: impl Fn(u8) -> bool) -> usize {
        while let Some(byte) = self.bytes.get(at) {
            at = match self.past_tag(at) {
                _ if wanted(*byte) => return at,
                Some(end) => end,
                None => at + 1,
            };
        }
        self.bytes.len()
    }

    fn past_tag(&self, at: usize) -> Option<usize> {
        let brace = self.bytes.get(at) == Some(&b'{');
        brace
            .then(|| tags::tag(self.text, at))
            .flatten()
            .map(|tag| tag.at.end)
    }

    fn starts(&self, at: usize, text: &str) -> bool {
        let rest = self.bytes.get(at..at + text.len());
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(text.as_bytes()))
    }

    /// Where `wanted`, in lower case, stands next, in any case.
    fn find(&self, at: usize, wanted: &str) -> Option<usize> {
        (at..self.bytes.len()).find(|at| self.starts(*at, wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elements as name and attributes, `</name>`, `css(…)`, tags in brackets where they don't stand in the page.
    fn shown(text: &str) -> String {
        let mut out = String::new();
        for piece in pieces(text) {
            out += &match piece {
                Piece::Doctype(at) => text[at].to_owned(),
                Piece::Start(element) => {
                    let attributes = element.attributes.iter();
                    let attributes =
                        attributes.map(|a| format!(" {}={}", a.name, &text[a.value.clone()]));
                    let mark = if element.varies { "?" } else { "" };
                    format!("<{}{mark}{}>", element.name, attributes.collect::<String>())
                }
                Piece::End { name, .. } => format!("</{name}>"),
                Piece::Css(at) => format!("css({})", text[at].trim()),
                Piece::Hidden(at) => format!("hidden({})", &text[at]),
                Piece::Tag {
                    tag,
                    place: Place::Page,
                } => text[tag.at].to_owned(),
                Piece::Tag { tag, .. } => format!("[{}]", &text[tag.at]),
            };
        }
        out
    }

    #[test]
    fn elements_sheets_and_tags_are_found() {
        for (text, expected) in [
            (
                "<!DOCTYPE html><P Class='a b' id=c>x &amp; y</P>",
                "<!DOCTYPE html><p class=a b id=c></p>",
            ),
            ("<br/><a href=a/b>", "<br><a href=a/b>"),
            (
                "<p class=\"{{a}} b\" title=\"{{#if x}}>{{/if}}\">",
                "<p? class={{a}} b title={{#if x}}>{{/if}}>",
            ),
            (
                "<td {{#if a}}class=\"b\"{{/if}}>{{c}}</td>",
                "<td? class=b>{{c}}</td>",
            ),
            ("<td {{!-- a --}} class=b>", "<td class=b>"),
            ("<!-- <p> {{#if a}} --><p>", "[{{#if a}}]<p>"),
            ("<!--{{!-- --> --}}<p>--><b>", "[{{!-- --> --}}]<b>"),
            (
                "<!--[if mso]><td><![endif]--><!--[if !mso]><!--><b><!--<![endif]-->",
                "hidden([if mso]><td><![endif]-->)hidden([if !mso]><!-->)<b>",
            ),
            (
                "<noscript><i>{{a}}</noscript>",
                "<noscript>hidden(<i>{{a}})[{{a}}]</noscript>",
            ),
            ("<!--><b>", "<b>"),
            (
                "<style>a{} {{> x}} b{} /* {{c}} */</style>{{> y}}",
                "<style>css(a{})[{{> x}}][{{c}}]css(b{} /* {{c}} */)</style>{{> y}}",
            ),
            (
                "<style data-css-inline=\"ignore\">a{c:{{d}}}</STYLE>",
                "<style data-css-inline=ignore>[{{d}}]</style>",
            ),
            ("<title><b>{{a}}</title>", "<title>[{{a}}]</title>"),
            ("a < b <3 { {{x}} }", "{{x}}"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for text in [
            "<",
            "<a",
            "<a b",
            "<a b=",
            "<a b=\"",
            "<a b='c",
            "</",
            "</a",
            "<!",
            "<!-",
            "<!--",
            "<!--é",
            "<style",
            "<style>",
            "<style>é",
            "{{",
            "<a {{",
            "<é",
            "<a é=",
            "<a =",
            "<a / b",
            "<title>é",
            "<a{{b}}>",
            "<a é{",
        ] {
            for end in 0..=text.len() {
                if let Some(text) = text.get(..end) {
                    pieces(text);
                }
            }
        }
    }
}
