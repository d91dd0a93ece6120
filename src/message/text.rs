//! A rendered text, and what of it many messages have.
//!
//! Messages of one campaign differ in a few words. What stands between these is looked at and encoded once: a text knows
//! where it is. What a text becomes on the wire depends on what it says alone, never on how much of it is known.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use memchr::{memchr, memchr_iter, memchr2};

use super::quoted_printable::Quoted;

/// A shorter one is looked at again sooner than it is found.
const SHORTEST: usize = 32;
/// A shorter one is looked at byte by byte.
const SHORT: usize = 64;

/// Texts that many messages have.
pub type Stock = Arc<[Fixed]>;

/// A text of a message.
#[derive(Clone, Default)]
pub struct Text {
    string: String,
    stocks: Vec<Stock>,
    /// Where something fixed stands, in order.
    placed: Vec<Placed>,
}

/// Where a text of a stock stands.
#[derive(Debug, Clone)]
struct Placed {
    at: usize,
    stock: usize,
    index: usize,
}

/// A text that many messages have, with what is found out about it once.
#[derive(Debug)]
pub struct Fixed {
    text: Box<str>,
    facts: OnceLock<Facts>,
    quoted: OnceLock<Quoted>,
    lines: OnceLock<Box<str>>,
}

/// A run of a text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece<'a> {
    Own(&'a str),
    Fixed(&'a Fixed),
}

impl Text {
    /// Empties it.
    pub fn clear(&mut self) {
        self.string.clear();
        self.stocks.clear();
        self.placed.clear();
    }

    /// Adds what is this message's own.
    pub fn push_str(&mut self, text: &str) {
        self.string.push_str(text);
    }

    /// Lets texts of a stock be added, by the number that it has here.
    pub fn open(&mut self, stock: &Stock) -> usize {
        self.stocks.push(Arc::clone(stock));
        self.stocks.len() - 1
    }

    /// Adds a text of a stock, by the stock's number and its place there.
    pub fn push_fixed(&mut self, stock: usize, index: usize) {
        let Some(fixed) = self.stocks.get(stock).and_then(|stock| stock.get(index)) else {
            return;
        };
        // No CRLF is cut in two.
        let cuts = fixed.text.ends_with('\r')
            || fixed.text.starts_with('\n') && self.string.ends_with('\r');
        if fixed.text.len() >= SHORTEST && !cuts {
            let at = self.string.len();
            self.placed.push(Placed { at, stock, index });
        }
        self.string.push_str(&fixed.text);
    }

    /// Makes it that text.
    pub fn set(&mut self, text: String) {
        self.clear();
        self.string = text;
    }

    /// Takes white space and line breaks off its ends.
    pub fn trim(&mut self) {
        let end = self.string.trim_end().len();
        let begin = end - self.string[..end].trim_start().len();
        if (begin, end) != (0, self.string.len()) {
            self.stocks.clear();
            self.placed.clear();
            self.string.truncate(end);
            self.string.drain(..begin);
        }
    }

    /// Its runs: what is fixed, and what stands between; none is empty, and no CRLF is in two.
    pub(super) fn pieces(&self) -> Pieces<'_> {
        Pieces {
            text: self,
            done: 0,
            next: 0,
        }
    }
}

/// The runs of a text.
pub(super) struct Pieces<'a> {
    text: &'a Text,
    /// Where what has been given ends.
    done: usize,
    /// Which of what is placed comes next.
    next: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let text = self.text;
        let begin = self.done;
        match text.placed.get(self.next) {
            Some(placed) if placed.at == begin => {
                let fixed = &text.stocks[placed.stock][placed.index];
                self.done += fixed.text.len();
                self.next += 1;
                return Some(Piece::Fixed(fixed));
            }
            Some(placed) => self.done = placed.at,
            None => self.done = text.string.len(),
        }
        (begin < self.done).then(|| Piece::Own(&text.string[begin..self.done]))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.string.fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.string.fmt(f)
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.string
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.string == other.string
    }
}

impl Eq for Text {}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.string == *other
    }
}

impl From<String> for Text {
    fn from(string: String) -> Text {
        Text {
            string,
            ..Text::default()
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::from(text.to_owned())
    }
}

impl Fixed {
    /// This text.
    pub fn new(text: &str) -> Fixed {
        Fixed {
            text: text.into(),
            facts: OnceLock::new(),
            quoted: OnceLock::new(),
            lines: OnceLock::new(),
        }
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As quoted-printable.
    pub(super) fn quoted(&self) -> &Quoted {
        self.quoted.get_or_init(|| Quoted::of(&self.text))
    }
}

impl<'a> Piece<'a> {
    pub(super) fn text(self) -> &'a str {
        match self {
            Piece::Own(text) => text,
            Piece::Fixed(fixed) => &fixed.text,
        }
    }

    pub(super) fn facts(self) -> Facts {
        match self {
            Piece::Own(text) => Facts::of(text),
            Piece::Fixed(fixed) => *fixed.facts.get_or_init(|| Facts::of(&fixed.text)),
        }
    }

    /// Writes it with CRLF for each of its line breaks.
    pub(super) fn write_lines(self, out: &mut String) {
        match self {
            Piece::Own(text) => write_lines(out, text),
            Piece::Fixed(fixed) => out.push_str(fixed.lines.get_or_init(|| {
                let mut lines = String::with_capacity(fixed.text.len() + fixed.text.len() / 32);
                write_lines(&mut lines, &fixed.text);
                lines.into()
            })),
        }
    }
}

/// LF, CRLF and CR end a line of the text.
fn write_lines(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = memchr2(b'\n', b'\r', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        out.push_str("\r\n");
        let end = &rest[at..];
        rest = end.strip_prefix("\r\n").unwrap_or(&end[1..]);
    }
    out.push_str(rest);
}

/// What decides how a text is encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) has_nul: bool,
    /// Octets that are neither printable ASCII nor white space.
    pub(super) foreign: usize,
    /// Equals signs.
    pub(super) equals: usize,
    /// Octets before its first line break.
    first: usize,
    /// Most octets between two of its line breaks.
    inner: usize,
    /// Octets behind its last line break; `None` where it has none, and all of it is `first`.
    last: Option<usize>,
}

impl Facts {
    pub(super) fn of(text: &str) -> Facts {
        let bytes = text.as_bytes();
        let mut facts = Facts {
            first: bytes.len(),
            ..Facts::default()
        };
        if bytes.len() < SHORT {
            // What is a message's own is a word or two, for which vectors are not worth their while.
            let kinds = bytes.iter().map(|byte| KINDS[usize::from(*byte)]);
            let [foreign, equals, breaks, _] = kinds.sum::<u32>().to_le_bytes();
            (facts.foreign, facts.equals) = (foreign.into(), equals.into());
            facts.has_nul = foreign > 0 && bytes.contains(&0);
            if breaks == 0 {
                return facts;
            }
        } else {
            facts.foreign = count(bytes, |byte| {
                !matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
            });
            facts.equals = memchr_iter(b'=', bytes).count();
            facts.has_nul = memchr(0, bytes).is_some();
        }
        let mut rest = bytes;
        while let Some(at) = memchr2(b'\n', b'\r', rest) {
            match facts.last {
                None => facts.first = at,
                Some(_) => facts.inner = facts.inner.max(at),
            }
            rest = &rest[at + 1..];
            facts.last = Some(rest.len());
        }
        facts
    }

    /// Those of this text with another behind it.
    pub(super) fn followed_by(self, next: Facts) -> Facts {
        let (first, joint) = match self.last {
            Some(last) => (self.first, last + next.first),
            None => (self.first + next.first, 0),
        };
        Facts {
            has_nul: self.has_nul || next.has_nul,
            foreign: self.foreign + next.foreign,
            equals: self.equals + next.equals,
            first,
            // The line that both have a part of is between two line breaks if each has one.
            inner: (self.inner.max(next.inner)).max(if next.last.is_some() { joint } else { 0 }),
            last: match (self.last, next.last) {
                (_, Some(last)) => Some(last),
                (Some(_), None) => Some(joint),
                (None, None) => None,
            },
        }
    }

    /// Octets in its longest line.
    pub(super) fn longest_line(self) -> usize {
        self.first.max(self.inner).max(self.last.unwrap_or(0))
    }
}

/// What an octet counts as: foreign, an equals sign, a line break; an octet of the number for each.
static KINDS: [u32; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        kinds[byte] = match byte as u8 {
            b'\n' | b'\r' => 1 << 16,
            b'=' => 1 << 8,
            b' '..=b'~' | b'\t' => 0,
            _ => 1,
        };
        byte += 1;
    }
    kinds
};

/// How many bytes `wanted` picks.
fn count(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    bytes
        // As many as an octet can count, so that a vector register counts sixteen at once.
        .chunks(255)
        .map(|chunk| usize::from(chunk.iter().map(|byte| u8::from(wanted(*byte))).sum::<u8>()))
        .sum()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    /// A text of these pieces, every second one fixed.
    pub fn mixed(pieces: &[String]) -> Text {
        let mut text = Text::default();
        let stock: Stock = pieces.iter().map(|piece| Fixed::new(piece)).collect();
        let number = text.open(&stock);
        for (index, piece) in pieces.iter().enumerate() {
            match index % 2 {
                0 => text.push_str(piece),
                _ => text.push_fixed(number, index),
            }
        }
        text
    }

    /// What texts are made of that are hard on encoders.
    pub const PIECE: &str = r"([ -~]{0,90}|[\r\n\t =]{0,4}|\PC{0,30}|(a=|é)?\r?\n){0,8}";

    #[test]
    fn octets_are_counted_past_255() {
        assert_eq!(count(&[b'a'; 1000], |byte| byte == b'a'), 1000);
    }

    #[test]
    fn what_is_short_is_nobodys() {
        let long = "x".repeat(SHORTEST);
        let text = mixed(&["a".to_owned(), "b".to_owned(), String::new(), long.clone()]);
        let pieces: Vec<_> = text.pieces().map(Piece::text).collect();
        assert_eq!(pieces, ["ab", &long]);
    }

    #[test]
    fn white_space_goes_at_its_ends() {
        for (text, trimmed) in [(" a b\n", "a b"), ("\r\n ", ""), ("", ""), ("a", "a")] {
            let mut text = Text::from(text);
            text.trim();
            assert_eq!(text, trimmed);
        }
    }

    #[test]
    fn line_ends_become_crlf() {
        let mut out = String::new();
        write_lines(&mut out, "a\nb\r\nc\rd\n\re");
        assert_eq!(out, "a\r\nb\r\nc\r\nd\r\n\r\ne");
    }

    proptest! {
        #[test]
        fn facts_of_pieces_are_those_of_the_whole(pieces in prop::collection::vec(PIECE, 0..6)) {
            let text = mixed(&pieces);
            prop_assert_eq!(&*text, pieces.concat());
            let facts = text.pieces().map(Piece::facts);
            let whole = Facts::of(&text);
            prop_assert_eq!(facts.fold(Facts::of(""), Facts::followed_by), whole);
            let lines = text.split(['\r', '\n']).map(str::len);
            prop_assert_eq!(whole.longest_line(), lines.max().unwrap());
        }
    }
}
