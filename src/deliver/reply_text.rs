//! Replies as bytes: lines into a code and a text (RFC 5321 section 4.2), whatever the bytes are.

use std::io;

use crate::outcome::{Enhanced, Reply};
use crate::wording::unprintable;

/// As much of a reply as is read into memory, in bytes over all its lines.
const READ_KEPT: usize = 16 << 10;
/// As much of a reply's text as is kept, in bytes of UTF-8.
const TEXT_KEPT: usize = 1000;
/// A reply longer than this, in bytes over all its lines, is no reply: the connection is given up.
const REPLY_LIMIT: usize = 1 << 20;

/// A reply as it arrives, piece by piece; pieces may split a line anywhere.
#[derive(Debug, Default)]
pub struct Lines {
    code: Option<[u8; 3]>,
    text: Vec<u8>,
    /// Bytes of the present line seen so far; its first four are the code and what separates it.
    column: usize,
    prefix: [u8; 4],
    total: usize,
}

impl Lines {
    /// Takes the next piece of the present line; `whole` when it ends the line. True after the last line.
    ///
    /// # Errors
    /// Bytes that are no reply.
    pub fn take(&mut self, piece: &[u8], whole: bool) -> io::Result<bool> {
        self.total += piece.len();
        if self.total > REPLY_LIMIT {
            return Err(no_reply("it is longer than 1 MiB"));
        }
        let mut piece = piece;
        if whole {
            piece = piece.strip_suffix(b"\n").unwrap_or(piece);
            piece = piece.strip_suffix(b"\r").unwrap_or(piece);
        }
        while self.column < 4
            && let Some((&byte, rest)) = piece.split_first()
        {
            self.prefix[self.column] = byte;
            self.column += 1;
            piece = rest;
        }
        let room = READ_KEPT.saturating_sub(self.text.len());
        self.text.extend_from_slice(&piece[..piece.len().min(room)]);
        self.column += piece.len();
        if whole { self.line() } else { Ok(false) }
    }

    fn line(&mut self) -> io::Result<bool> {
        // A carriage return cut from its line feed by the end of a piece counts as the fourth byte of "250\r\n".
        let column = std::mem::take(&mut self.column);
        let [a, b, c, separator] = self.prefix;
        let separator = if column < 4 || separator == b'\r' {
            b' '
        } else {
            separator
        };
        let code = [a, b, c];
        if column < 3 || !(b'2'..=b'5').contains(&a) || !b.is_ascii_digit() || !c.is_ascii_digit() {
            return Err(no_reply("it does not begin with a code"));
        }
        if self.code.is_some_and(|first| first != code) {
            return Err(no_reply("its lines have different codes"));
        }
        self.code = Some(code);
        match separator {
            b' ' => Ok(true),
            b'-' => {
                self.text.push(b'\n');
                Ok(false)
            }
            _ => Err(no_reply(
                "its code is followed by neither a space nor a hyphen",
            )),
        }
    }

    /// The code and the text, after [`Lines::take`] said that it was the last line; begins anew. The lines are kept
    /// apart by line feeds, bytes that are no UTF-8 are replaced.
    pub fn finish<R>(&mut self, make: impl FnOnce(u16, &str) -> R) -> R {
        let [a, b, c] = self.code.unwrap_or_default();
        let code = [a, b, c].iter().fold(0, |code, digit| {
            code * 10 + u16::from(digit.wrapping_sub(b'0'))
        });
        let result = make(code, &String::from_utf8_lossy(&self.text));
        self.text.clear();
        (self.code, self.total) = (None, 0);
        result
    }
}

fn no_reply(reason: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the server's answer is no SMTP reply: {reason}"),
    )
}

impl Reply {
    /// A reply from its code and its text, the lines' codes taken off, lines separated by line feeds.
    /// Each line's enhanced code (RFC 2034) goes; the first one is kept as such. Control characters become spaces.
    pub fn new(code: u16, text: &str) -> Self {
        // One line of ASCII, as nearly all are.
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            let (enhanced, rest) = split_enhanced(code, text.trim());
            let text = rest[..rest.len().min(TEXT_KEPT)].to_owned();
            return Reply {
                code,
                enhanced,
                text,
            };
        }
        let mut enhanced = None;
        let mut clean = String::with_capacity(text.len());
        for line in text.split('\n') {
            let line = line.trim().trim_start_matches(is_blank);
            let (of_line, rest) = split_enhanced(code, line);
            enhanced = enhanced.or(of_line);
            if !clean.is_empty() && !rest.is_empty() {
                clean.push(' ');
            }
            clean.extend(rest.chars().map(|c| if unprintable(c) { ' ' } else { c }));
        }
        clean.truncate(clean.floor_char_boundary(TEXT_KEPT));
        Reply {
            code,
            enhanced,
            text: clean,
        }
    }
}

/// What stands between words: spaces, and what becomes one.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || unprintable(c)
}

fn split_enhanced(code: u16, line: &str) -> (Option<Enhanced>, &str) {
    if !line.starts_with(|c: char| c.is_ascii_digit()) {
        return (None, line);
    }
    let (word, rest) = line.split_once(is_blank).unwrap_or((line, ""));
    let mut numbers = word.split('.');
    let mut next = |digits: usize| {
        let text = numbers.next()?;
        let plain = !text.is_empty()
            && text.len() <= digits
            && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<u16>().ok())?
    };
    match (next(1), next(3), next(3), numbers.next()) {
        // RFC 2034 section 4: the class is that of the code.
        (Some(class), Some(subject), Some(detail), None) if class == code / 100 => (
            u8::try_from(class)
                .ok()
                .map(|class| Enhanced(class, subject, detail)),
            rest.trim_start_matches(is_blank),
        ),
        _ => (None, line),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Each way to cut the bytes in two pieces gives the same reply.
    #[track_caller]
    fn reply_of(bytes: &[u8]) -> io::Result<Reply> {
        let whole = feed(&[bytes]);
        for at in 1..bytes.len().min(2000) {
            let cut = feed(&[&bytes[..at], &bytes[at..]]);
            assert_eq!(cut.as_ref().ok(), whole.as_ref().ok(), "cut at {at}");
        }
        whole
    }

    fn feed(pieces: &[&[u8]]) -> io::Result<Reply> {
        let mut reply = Lines::default();
        for piece in pieces {
            for line in piece.split_inclusive(|&byte| byte == b'\n') {
                if reply.take(line, line.ends_with(b"\n"))? {
                    return Ok(reply.finish(Reply::new));
                }
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    #[test]
    fn replies_of_every_shape() {
        let ok = |bytes: &[u8]| reply_of(bytes).unwrap().to_string();
        assert_eq!(
            ok(b"250 2.0.0 Ok: queued as 4XyZ\r\n"),
            "250 2.0.0 Ok: queued as 4XyZ"
        );
        assert_eq!(ok(b"250\r\n"), "250");
        assert_eq!(ok(b"250 \n"), "250");
        assert_eq!(
            ok(b"550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three\r\n"),
            "550 5.7.1 one two three"
        );
        // A tab parts words too, as any sign does that becomes a space in the text.
        assert_eq!(
            reply_of(b"550 5.7.1\tno\r\n").unwrap(),
            reply_of(b"550 \x0e5.7.1\x07 no\r\n").unwrap()
        );
        let parted = reply_of(b"550 5.7.1\tno\r\n").unwrap();
        assert_eq!(
            (parted.enhanced, &*parted.text),
            (Some(Enhanced(5, 7, 1)), "no")
        );
        // The class of the enhanced code is not the code's: it is text.
        assert_eq!(reply_of(b"250 5.7.1 odd\r\n").unwrap().enhanced, None);
        assert_eq!(ok(b"550 5.1.1. no\r\n"), "550 5.1.1. no");
        assert_eq!(
            ok(b"550 \xff\xfe\x1b[31mred\x07\r\n"),
            "550 \u{fffd}\u{fffd} [31mred "
        );
        assert_eq!(ok("550 a\u{202e}bc\r\n".as_bytes()), "550 a bc");
    }

    #[test]
    fn a_plain_line_is_what_it_would_be_among_others() {
        for line in [
            "",
            " ",
            "Ok",
            "2.0.0",
            "2.0.0  Ok: queued ",
            " 2.1.5 Ok",
            "5.0.0 x",
            "2.0.0.0 x",
            "2.1000.1 x",
        ] {
            let (plain, among) = (Reply::new(250, line), Reply::new(250, &format!("{line}\n")));
            assert_eq!(plain, among, "{line:?}");
        }
    }

    #[test]
    fn what_is_no_reply() {
        let error = |bytes: &[u8]| reply_of(bytes).unwrap_err().to_string();
        assert!(error(b"hello\r\n").contains("does not begin with a code"));
        assert!(error(b"\r\n").contains("does not begin with a code"));
        assert!(error(b"25\r\n").contains("does not begin with a code"));
        assert!(error(b"150 early\r\n").contains("does not begin with a code"));
        assert!(error(b"250-a\r\n251 b\r\n").contains("different codes"));
        assert!(error(b"250x\r\n").contains("neither a space nor a hyphen"));
        assert!(
            feed(&[&vec![b'2'; REPLY_LIMIT + 2]])
                .unwrap_err()
                .to_string()
                .contains("1 MiB")
        );
    }

    #[test]
    fn a_long_reply_is_kept_in_part() {
        let mut bytes = b"250-".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', 100_000));
        bytes.extend_from_slice(b"\r\n250 end\r\n");
        let reply = feed(&[&bytes]).unwrap();
        assert_eq!((reply.code, reply.text.len()), (250, TEXT_KEPT));
    }
}
