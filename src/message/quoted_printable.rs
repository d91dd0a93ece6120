//! Quoted-printable (RFC 2045 section 6.7) for text.
//!
//! Hand-laid: four fifths of the time a message takes to build were spent in a general encoder.

use super::header::push_escape;
use super::text::{Piece, Text};

/// A line's length without CRLF; the last octet is the `=` of a soft line break, if there is one.
const LINE: usize = 76;
/// Bytes looked at together: as many as a vector register holds.
const BLOCK: usize = 16;

/// Writes `text` with every line ended by CRLF, the last one too; LF, CRLF and CR end a line of the text.
/// A character's octets stay together on one line.
pub(super) fn encode(out: &mut String, text: &Text) {
    let mut lines = Lines { out, column: 0 };
    let mut pieces = text.pieces().peekable();
    while let Some(piece) = pieces.next() {
        let next = pieces.peek().and_then(|next| next.text().bytes().next());
        match piece {
            Piece::Own(own) => {
                lines.write(own, next);
            }
            Piece::Fixed(fixed) => lines.write_quoted(fixed.quoted(), piece.text(), next),
        }
    }
    lines.end();
}

/// A text whose lines are encoded.
#[derive(Debug)]
pub(super) struct Quoted {
    /// Its lines, the one behind its last line break as far as that is the same whatever follows.
    wire: String,
    /// Where the second line begins, in the text and encoded, if there is one.
    second: Option<(usize, usize)>,
    /// How much of the text is in `wire`.
    taken: usize,
}

impl Quoted {
    pub(super) fn of(text: &str) -> Self {
        let mut wire = String::new();
        let mut lines = Lines {
            out: &mut wire,
            column: 0,
        };
        let whole = text.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let (first, others) = text[..whole].split_at(first_line(text).min(whole));
        lines.write(first, None);
        let second = (whole > 0).then_some((first.len(), lines.out.len()));
        lines.write(others, None);
        // What follows decides where the last line is broken only once it is known not to end there.
        let rest = &text[whole..];
        let before = lines.out.len();
        let broken = lines.write(rest, Some(b'x'));
        let (taken, length) = match broken {
            Some((taken, length)) if rest[taken..].chars().nth(1).is_some() => (taken, length),
            _ => (0, before),
        };
        wire.truncate(length);
        Quoted {
            wire,
            second,
            taken: whole + taken,
        }
    }
}

/// Where the second line of the text begins.
fn first_line(text: &str) -> usize {
    let Some(at) = text.find(['\n', '\r']) else {
        return text.len();
    };
    at + if text[at..].starts_with("\r\n") { 2 } else { 1 }
}

/// Lines, and how many octets the last one has.
struct Lines<'a> {
    out: &'a mut String,
    column: usize,
}

impl Lines<'_> {
    /// Writes a piece of a text, before an octet, or the end. Where the last soft line break stands: before what of the
    /// piece, and behind what was written.
    fn write(&mut self, text: &str, next: Option<u8>) -> Option<(usize, usize)> {
        let bytes = text.as_bytes();
        let (mut at, mut broken) = (0, None);
        while at < bytes.len() {
            // The longest run that can stand as it is and leaves room for a soft line break.
            let room = (LINE - 1).saturating_sub(self.column);
            let run = literal_run(&bytes[at..bytes.len().min(at + room)]);
            self.out.push_str(&text[at..at + run]);
            at += run;
            self.column += run;

            let Some(&byte) = bytes.get(at) else { break };
            if byte == b'\n' || byte == b'\r' {
                self.end_line();
                at += if bytes[at..].starts_with(b"\r\n") {
                    2
                } else {
                    1
                };
                self.column = 0;
                continue;
            }
            let (octets, size) = if is_literal(byte) {
                (1, 1)
            } else {
                let octets = char_len(byte);
                (octets, 3 * octets)
            };
            // The last octet of a line may stand where a soft line break would.
            let behind = bytes.get(at + octets).copied().or(next);
            let last = matches!(behind, None | Some(b'\n' | b'\r'));
            if self.column + size > LINE - usize::from(!last) {
                self.out.push_str("=\r\n");
                self.column = 0;
                broken = Some((at, self.out.len()));
                continue;
            }
            if octets == size {
                self.out.push(char::from(byte));
            } else {
                for &octet in &bytes[at..at + octets] {
                    push_escape(self.out, octet);
                }
            }
            at += octets;
            self.column += size;
        }
        broken
    }

    /// Writes the text that `quoted` was made of.
    fn write_quoted(&mut self, quoted: &Quoted, text: &str, next: Option<u8>) {
        match quoted.second {
            _ if self.column == 0 => {
                self.out.push_str(&quoted.wire);
                self.write(&text[quoted.taken..], next);
            }
            Some((second, wire)) => {
                self.write(&text[..second], None);
                self.out.push_str(&quoted.wire[wire..]);
                self.write(&text[quoted.taken..], next);
            }
            None => {
                self.write(text, next);
            }
        }
    }

    /// Ends the last line, if that is not done.
    fn end(&mut self) {
        if self.column > 0 {
            self.end_line();
        }
    }

    /// Ends a line: white space at its end, which might be lost on the way, is escaped.
    fn end_line(&mut self) {
        // At column 0 what was written last is a line end, or not this text's.
        let last = (self.out.as_bytes().last().copied()).filter(|_| self.column > 0);
        if let Some(space @ (b' ' | b'\t')) = last {
            self.out.pop();
            if self.column + 2 > LINE {
                self.out.push_str("=\r\n");
            }
            push_escape(self.out, space);
        }
        self.out.push_str("\r\n");
    }
}

/// How many bytes from the beginning stand for themselves.
fn literal_run(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let whole = blocks.iter().take_while(|block| is_all_literal(block));
    let whole = whole.count() * BLOCK;
    let rest = &bytes[whole..];
    // The last bytes as a block of their own, some of them looked at before: for most lines that settles it.
    if rest.len() < BLOCK && bytes.last_chunk().is_some_and(is_all_literal) {
        return bytes.len();
    }
    let run = rest.iter().position(|byte| !LITERAL[usize::from(*byte)]);
    whole + run.unwrap_or(rest.len())
}

/// No early exit: that is what lets the compiler look at all of it at once.
fn is_all_literal(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(true, |all, byte| all & is_literal(*byte))
}

/// [`is_literal`], for octets one by one.
static LITERAL: [bool; 256] = {
    let mut literal = [false; 256];
    let mut byte = 0;
    while byte < literal.len() {
        literal[byte] = is_literal(byte as u8);
        byte += 1;
    }
    literal
};

/// What may stand for itself, within a line.
const fn is_literal(byte: u8) -> bool {
    ((byte >= b' ') & (byte <= b'~') & (byte != b'=')) | (byte == b'\t')
}

/// Bytes of the character that begins with `byte`.
fn char_len(byte: u8) -> usize {
    match byte {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::message::text::tests::{PIECE, mixed};

    fn encoded(text: &str) -> String {
        let mut out = String::new();
        encode(&mut out, &Text::from(text));
        out
    }

    #[test]
    fn plain_text_stands_as_it_is() {
        assert_eq!(encoded("Hello,\nworld"), "Hello,\r\nworld\r\n");
        assert_eq!(encoded(""), "");
        assert_eq!(encoded("\n\r\n\r"), "\r\n\r\n\r\n");
    }

    #[test]
    fn equals_signs_and_other_scripts_are_escaped() {
        assert_eq!(encoded("a=é\u{1}"), "a=3D=C3=A9=01\r\n");
    }

    #[test]
    fn white_space_is_escaped_at_the_end_of_a_line_only() {
        assert_eq!(encoded("a b \nc\t\n"), "a b=20\r\nc=09\r\n");
        assert_eq!(encoded("  "), " =20\r\n");
    }

    #[test]
    fn lines_are_broken_at_76() {
        let line = |n| "x".repeat(n);
        assert_eq!(encoded(&line(76)), format!("{}\r\n", line(76)));
        assert_eq!(encoded(&line(77)), format!("{}=\r\nxx\r\n", line(75)));
        let spaced = format!("{} ", line(75));
        assert_eq!(encoded(&spaced), format!("{}=\r\n=20\r\n", line(75)));
        let spaced = format!("{} ", line(74));
        assert_eq!(encoded(&spaced), format!("{}=\r\n=20\r\n", line(74)));
        let spaced = format!("{} ", line(73));
        assert_eq!(encoded(&spaced), format!("{}=20\r\n", line(73)));
    }

    #[test]
    fn a_character_stays_on_one_line() {
        let text = format!("{}🎉", "x".repeat(70));
        assert_eq!(
            encoded(&text),
            format!("{}=\r\n=F0=9F=8E=89\r\n", "x".repeat(70))
        );
    }

    /// `text` with CRLF at the end of every line, the last one too.
    fn canonical(text: &str) -> String {
        let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.replace('\n', "\r\n")
    }

    proptest! {
        #[test]
        fn what_is_fixed_changes_nothing(pieces in prop::collection::vec(PIECE, 0..6)) {
            let text = mixed(&pieces);
            let mut found = "before".to_owned();
            encode(&mut found, &text);
            prop_assert_eq!(found, format!("before{}", encoded(&text)), "{:?}", pieces);
        }

        #[test]
        fn another_decoder_reads_it(text in r"([ -~]{0,90}|[\r\n\t =]{0,4}|\PC{0,30}|.{0,9}){0,12}") {
            let wire = encoded(&text);
            prop_assert!(wire.is_ascii());
            prop_assert!(wire.is_empty() || wire.ends_with("\r\n"));
            for line in wire.split("\r\n") {
                prop_assert!(line.len() <= LINE, "{line}");
                prop_assert!(!line.ends_with([' ', '\t']), "{line:?}");
                prop_assert!(!line.contains(['\r', '\n']), "{line:?}");
            }
            let decoded = quoted_printable::decode(&wire, quoted_printable::ParseMode::Strict).unwrap();
            prop_assert_eq!(String::from_utf8(decoded).unwrap(), canonical(&text));
        }
    }
}
