//! Marks in place of the template's tags, while the text is turned into another: words where a text may stand, comments
//! between elements that take none.

use std::ops::Range;

use super::super::tags::{Kind, tags};

/// Elements of MJML that hold text or HTML.
const HOLDS_TEXT: &[&str] = &[
    "mj-text",
    "mj-button",
    "mj-table",
    "mj-raw",
    "mj-title",
    "mj-preview",
    "mj-style",
    "mj-navbar-link",
    "mj-social-element",
    "mj-accordion-title",
    "mj-accordion-text",
];

/// A text with marks in it.
#[derive(Debug)]
pub(super) struct Marked<'a> {
    pub(super) text: String,
    /// What every mark begins with.
    word: String,
    tags: Vec<Mark<'a>>,
    /// Where in the text something begins that is copied, or a mark, and what it is in the text without marks; of a mark,
    /// where its tag begins.
    parts: Vec<(usize, Range<usize>)>,
}

#[derive(Debug)]
struct Mark<'a> {
    tag: &'a str,
    kind: Kind,
    /// Where the tag stands in the text without marks.
    at: usize,
    is_comment: bool,
    /// The tag that opens the block it stands in; of `{{else}}` and `{{/if}}`, the block's that they belong to.
    block: Option<usize>,
}

/// Where the reader of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    Comment,
    /// In a start or end tag that begins at this byte, in a value with this quote around it.
    Element(usize, Option<u8>),
}

impl<'a> Marked<'a> {
    /// The text with its tags marked, and with `inline` at the beginning of each `<mj-style inline="inline">`.
    pub(super) fn new(source: &'a str, inline: &str) -> Marked<'a> {
        let mut word = "tagged".to_owned();
        while source.contains(&word) {
            word.push('x');
        }
        let mut marked = Marked {
            text: String::with_capacity(source.len()),
            word,
            tags: Vec::new(),
            parts: Vec::new(),
        };
        let (mut at, mut state, mut within) = (0, State::Text, None);
        let mut blocks = Vec::new();
        for tag in tags(source) {
            marked.pass(source, at..tag.at.start, &mut state, &mut within, inline);
            at = tag.at.end;
            if tag.kind == Kind::Comment {
                continue;
            }
            let is_comment = state == State::Text && within.is_none();
            let (open, close) = match state {
                _ if is_comment => ("<!--", "-->"),
                // Between attributes it is one itself.
                State::Element(_, None) if !source[..tag.at.start].ends_with('=') => (" ", " "),
                _ => ("", ""),
            };
            let start = tag.at.start;
            marked.parts.push((marked.text.len(), start..start));
            let mark = format!("{open}{}{}z{close}", marked.word, marked.tags.len());
            marked.text.push_str(&mark);
            let block = blocks.last().copied();
            if tag.kind.opens() {
                blocks.push(marked.tags.len());
            } else if tag.kind == Kind::Close {
                blocks.pop();
            }
            marked.tags.push(Mark {
                block,
                tag: &source[tag.at.clone()],
                kind: tag.kind,
                at: start,
                is_comment,
            });
        }
        marked.pass(source, at..source.len(), &mut state, &mut within, inline);
        marked
    }

    /// Copies text without tags, and follows the elements in it.
    fn pass(
        &mut self,
        source: &str,
        range: Range<usize>,
        state: &mut State,
        within: &mut Option<&'static str>,
        inline: &str,
    ) {
        let mut done = range.start;
        for (at, byte) in source.bytes().enumerate().take(range.end).skip(range.start) {
            match (*state, byte) {
                (State::Text, b'<') if source[at..].starts_with("<!--") => *state = State::Comment,
                (State::Text, b'<') => *state = State::Element(at, None),
                // Between elements mrml takes white space only where it begins with a line feed.
                (State::Text, b'\r' | b'\t' | b' ') if within.is_none() => {
                    self.copy(source, done..at);
                    self.text.push('\n');
                    done = at + 1;
                }
                (State::Comment, b'>') if source[..at].ends_with("--") => *state = State::Text,
                (State::Element(start, None), b'"' | b'\'') => {
                    *state = State::Element(start, Some(byte))
                }
                (State::Element(start, Some(quote)), _) if byte == quote => {
                    *state = State::Element(start, None)
                }
                (State::Element(start, None), b'>') => {
                    *state = State::Text;
                    let element = &source[start..at];
                    let name = |element: &str| {
                        let ends = |c: char| c.is_whitespace() || c == '/';
                        let name = element.split(ends).next().unwrap_or_default();
                        HOLDS_TEXT.iter().copied().find(|known| *known == name)
                    };
                    if let Some(element) = element.strip_prefix("</") {
                        *within = within.filter(|open| Some(*open) != name(element));
                    } else if within.is_none() && !element.ends_with('/') {
                        *within = name(&element[1..]);
                        if *within == Some("mj-style") && element.contains("inline=\"inline\"") {
                            self.copy(source, done..at + 1);
                            self.text.push_str(inline);
                            done = at + 1;
                        }
                    }
                }
                _ => {}
            }
        }
        self.copy(source, done..range.end);
    }

    fn copy(&mut self, source: &str, range: Range<usize>) {
        self.parts.push((self.text.len(), range.clone()));
        self.text.push_str(&source[range]);
    }

    /// Where a byte of the marked text stands in the text without marks; of a mark, where its tag does.
    pub(super) fn origin(&self, at: usize) -> usize {
        let behind = self.parts.partition_point(|(part, _)| *part <= at);
        let part = behind.checked_sub(1).map(|before| &self.parts[before]);
        part.map_or(0, |(part, from)| (from.start + at - part).min(from.end))
    }

    /// The text that was made of the marked one, with the tags where their marks are.
    ///
    /// # Errors
    /// A tag that did not come through as it has to: where it stands in the text without marks, and how it came.
    pub(super) fn restored(&self, made: &str) -> Result<String, (usize, &'static str)> {
        let mut out = String::with_capacity(made.len());
        let mut times = vec![0_usize; self.tags.len()];
        let mut open: Vec<usize> = Vec::new();
        let mut rest = made;
        while let Some((before, behind)) = rest.split_once(self.word.as_str()) {
            let found = behind.split_once('z').and_then(|(number, behind)| {
                let number: usize = number.parse().ok()?;
                Some((number, self.tags.get(number)?, behind))
            });
            let Some((number, mark, behind)) = found else {
                out.push_str(before);
                out.push_str(&self.word);
                rest = behind;
                continue;
            };
            let comment = before.strip_suffix("<!--").zip(behind.strip_prefix("-->"));
            let (before, behind) = comment
                .filter(|_| mark.is_comment)
                .unwrap_or((before, behind));
            out.push_str(before);
            out.push_str(mark.tag);
            rest = behind;
            times[number] += 1;
            let opens = mark.kind.opens();
            if !opens && !matches!(mark.kind, Kind::Else | Kind::Close) {
                continue;
            }
            if times[number] > 1 || open.last().copied() != mark.block {
                let problem = "MJML says this block more than once, or not where it stands; \
                    write it into each element that needs it";
                return Err((mark.at, problem));
            }
            if opens {
                open.push(number);
            } else if mark.kind == Kind::Close {
                open.pop();
            }
        }
        out.push_str(rest);
        match times.iter().position(|times| *times == 0) {
            Some(lost) => Err((
                self.tags[lost].at,
                "MJML has no place for a tag here, or has to know the value when the template is read",
            )),
            None => Ok(out),
        }
    }
}
