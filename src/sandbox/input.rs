//! What came in and was not used yet: command lines, dot-stuffed content, counted chunks.
//!
//! Knows octets and nothing of replies. One buffer of a fixed size, whatever the length of what passes through it.

use std::io::{self, Read};

use memchr::{memchr, memmem};

/// The longest command line, its CRLF included. RFC 5321 section 4.5.3.1.4 asks for 512, extensions for more.
pub(super) const LONGEST_LINE: usize = 4096;
const CAPACITY: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Input {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// In the middle of a line that is too long.
    overlong: bool,
    dot_line: memmem::Finder<'static>,
}

/// What [`Input::line`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, ended by CRLF.
    Whole,
    /// A line with a CR or an LF that is not part of a CRLF. A bare LF ends it, so that a client is never left
    /// waiting, but the line counts for nothing.
    BareEnd,
    /// A line longer than [`LONGEST_LINE`].
    TooLong,
    /// No end of a line yet.
    Unfinished,
}

impl Input {
    pub(super) fn new() -> Input {
        Input {
            buffer: vec![0; CAPACITY].into_boxed_slice(),
            start: 0,
            end: 0,
            overlong: false,
            dot_line: memmem::Finder::new(b"\r\n."),
        }
    }

    /// Whether everything that came in was used.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Reads once; 0 at the end of the stream.
    pub(super) fn fill(&mut self, source: &mut impl Read) -> io::Result<usize> {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        loop {
            match source.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the next command line into `line`, without its end. Left empty when it is too long.
    pub(super) fn line(&mut self, line: &mut Vec<u8>) -> Line {
        line.clear();
        let pending = &self.buffer[self.start..self.end];
        let Some(feed) = memchr(b'\n', pending) else {
            if self.overlong || pending.len() > LONGEST_LINE {
                self.overlong = true;
                self.start = self.end;
            }
            return Line::Unfinished;
        };
        let found = &pending[..=feed];
        self.start += found.len();
        if std::mem::take(&mut self.overlong) || found.len() > LONGEST_LINE {
            return Line::TooLong;
        }
        let body = found.strip_suffix(b"\r\n").unwrap_or(&found[..feed]);
        line.extend_from_slice(body);
        let whole = body.len() + 2 == found.len() && memchr(b'\r', body).is_none();
        if whole { Line::Whole } else { Line::BareEnd }
    }

    /// Takes content until CRLF.CRLF (RFC 5321 section 4.5.2), the transparency dots removed; `true` when its end was
    /// reached. `line_start` is `true` at the beginning of the content, and is to be kept between calls.
    /// Nothing but CRLF ends a line: `\n.\n`, `\n.\r\n` and `\r.\r` are content.
    pub(super) fn content(&mut self, line_start: &mut bool, mut take: impl FnMut(&[u8])) -> bool {
        loop {
            let pending = &self.buffer[self.start..self.end];
            if *line_start {
                match pending {
                    [b'.', b'\r', b'\n', ..] => {
                        self.start += 3;
                        return true;
                    }
                    [] | [b'.'] | [b'.', b'\r'] => return false,
                    [b'.', ..] => self.start += 1,
                    _ => {}
                }
                *line_start = false;
                // The octet after the dot is looked at again, as it may begin a CRLF.
                continue;
            }
            if let Some(at) = self.dot_line.find(pending) {
                take(&pending[..at + 2]);
                self.start += at + 2;
                *line_start = true;
                continue;
            }
            let held_back = match pending {
                [.., b'\r', b'\n'] => 2,
                [.., b'\r'] => 1,
                _ => 0,
            };
            let taken = pending.len() - held_back;
            take(&pending[..taken]);
            self.start += taken;
            return false;
        }
    }

    /// Takes at most `most` octets, and says how many.
    pub(super) fn chunk(&mut self, most: u64, take: impl FnOnce(&[u8])) -> u64 {
        let pending = &self.buffer[self.start..self.end];
        let taken = usize::try_from(most)
            .unwrap_or(usize::MAX)
            .min(pending.len());
        take(&pending[..taken]);
        self.start += taken;
        taken as u64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &[u8]) -> Vec<(Line, String)> {
        let (mut input, mut source, mut line, mut found) =
            (Input::new(), text, Vec::new(), Vec::new());
        loop {
            match input.line(&mut line) {
                Line::Unfinished if input.fill(&mut source).unwrap() == 0 => return found,
                Line::Unfinished => {}
                kind => found.push((kind, String::from_utf8(line.clone()).unwrap())),
            }
        }
    }

    #[test]
    fn only_crlf_ends_a_command() {
        let expected = [
            (Line::Whole, "a"),
            (Line::BareEnd, "b"),
            (Line::BareEnd, "c\rd"),
            (Line::BareEnd, "e\r"),
            (Line::Whole, ""),
            (Line::BareEnd, ""),
        ];
        let expected = expected.map(|(kind, line)| (kind, line.to_owned()));
        assert_eq!(lines(b"a\r\nb\nc\rd\r\ne\r\r\n\r\n\nunfinished"), expected);
    }

    #[test]
    fn a_line_may_be_4096_octets_long() {
        let fits = "x".repeat(LONGEST_LINE - 2);
        for (length, expected) in [
            (LONGEST_LINE - 2, (Line::Whole, fits)),
            (LONGEST_LINE - 1, (Line::TooLong, String::new())),
            (10 * CAPACITY, (Line::TooLong, String::new())),
        ] {
            let text = "x".repeat(length) + "\r\nNOOP\r\n";
            assert_eq!(
                lines(text.as_bytes()),
                [expected, (Line::Whole, "NOOP".to_owned())],
                "{length}"
            );
        }
    }

    /// Feeds at most `step` octets at a time; gives the content and what is left behind it.
    fn content(text: &[u8], step: usize) -> Option<(Vec<u8>, Vec<u8>)> {
        let (mut input, mut source, mut found, mut line_start) =
            (Input::new(), text, Vec::new(), true);
        while !input.content(&mut line_start, |bytes| found.extend_from_slice(bytes)) {
            if input.fill(&mut (&mut source).take(step as u64)).unwrap() == 0 {
                return None;
            }
        }
        let mut rest = Vec::new();
        input.chunk(u64::MAX, |bytes| rest.extend_from_slice(bytes));
        rest.extend_from_slice(source);
        Some((found, rest))
    }

    #[test]
    fn only_crlf_dot_crlf_ends_content() {
        for (text, expected) in [
            (&b".\r\nQUIT"[..], Some(&b""[..])),
            (b"a\r\n.\r\n", Some(b"a\r\n")),
            (b"..\r\n..a\r\n.b\r\n.\r\n", Some(b".\r\n.a\r\nb\r\n")),
            (
                b".\na\n.\nb\n.\r\nc\r.\rd\r\n.\ne\r\n.\rf\r\n.\r\n",
                Some(b"\na\n.\nb\n.\r\nc\r.\rd\r\n\ne\r\n\rf\r\n"),
            ),
            (b"a\r\r\n.\r\n", Some(b"a\r\r\n")),
            (b".\r\r\n.\r\n", Some(b"\r\r\n")),
            (b"a\n.\n", None),
            (b"a\n.\r\n", None),
            (b"a\r.\r\n", None),
            (b"a\r\n.\r", None),
        ] {
            for step in 1..text.len() {
                let found = content(text, step);
                assert_eq!(
                    found.as_ref().map(|(content, _)| &content[..]),
                    expected,
                    "{step} {text:?}"
                );
            }
        }
        assert_eq!(content(b"x\r\n.\r\nQUIT\r\n", 4).unwrap().1, b"QUIT\r\n");
    }

    proptest! {
        #[test]
        fn what_is_stuffed_comes_out_the_same(
            lines in proptest::collection::vec("[.\r\n a]{0,5}", 0..30), step in 1..70usize, long in 0..3usize,
        ) {
            let mut plain = "x".repeat(long * CAPACITY * 2 / 3) + &lines.join("\r\n");
            plain.push_str("\r\n");
            let mut stuffed = plain.replace("\r\n.", "\r\n..");
            if plain.starts_with('.') {
                stuffed.insert(0, '.');
            }
            let (found, rest) = content((stuffed + ".\r\nrest").as_bytes(), step * 1000 / 7).unwrap();
            prop_assert_eq!(String::from_utf8(found).unwrap(), plain);
            prop_assert_eq!(rest, b"rest");
        }
    }
}
