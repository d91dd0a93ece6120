//! The texts of a message and their transfer encodings (RFC 2045).

use std::sync::OnceLock;

use email_encoding::body::base64;
use memchr::{memchr, memchr_iter, memchr2};

use super::pattern::Pattern;
use super::quoted_printable;

/// A line of more octets may not go over the wire (RFC 5322 section 2.1.1).
const LONGEST_LINE: usize = 998;

/// How a text is made fit for the wire; plain ASCII lines all of them, so that no server's 8BITMIME is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferEncoding {
    /// As it is, but for its line ends.
    SevenBit,
    /// For text that is ASCII for the most part.
    QuotedPrintable,
    /// For other scripts.
    Base64,
}

impl TransferEncoding {
    /// The shortest for `text`; `None` when it holds a NUL, which no text may (RFC 5322 section 4).
    pub(super) fn of(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if memchr(0, bytes).is_some() {
            return None;
        }
        let foreign = count(bytes, |byte| {
            !matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')
        });
        if foreign == 0 && longest_line(bytes) <= LONGEST_LINE {
            return Some(Self::SevenBit);
        }
        let escapes = foreign + memchr_iter(b'=', bytes).count();
        // Line ends and soft line breaks apart: base64 has them too.
        if bytes.len() + 2 * escapes <= bytes.len().div_ceil(3) * 4 {
            Some(Self::QuotedPrintable)
        } else {
            Some(Self::Base64)
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }
}

/// How many bytes `wanted` picks.
fn count(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    bytes
        // As many as an octet can count, so that a vector register counts sixteen at once.
        .chunks(255)
        .map(|chunk| usize::from(chunk.iter().map(|byte| u8::from(wanted(*byte))).sum::<u8>()))
        .sum()
}

fn longest_line(mut bytes: &[u8]) -> usize {
    let mut longest = 0;
    while let Some(at) = memchr2(b'\n', b'\r', bytes) {
        longest = longest.max(at);
        bytes = &bytes[at + 1..];
    }
    longest.max(bytes.len())
}

/// A text with its media type, ready to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'a> {
    media_type: &'static str,
    text: &'a str,
    encoding: TransferEncoding,
    pattern: Option<&'a OnceLock<Pattern>>,
}

impl<'a> Body<'a> {
    pub(super) fn plain(text: &'a str, encoding: TransferEncoding) -> Self {
        Self {
            media_type: "text/plain",
            text,
            encoding,
            pattern: None,
        }
    }

    pub(super) fn html(text: &'a str, encoding: TransferEncoding) -> Self {
        Self {
            media_type: "text/html",
            text,
            encoding,
            pattern: None,
        }
    }

    /// One of many alike, the first of which makes the pattern that the others are encoded by.
    pub(super) fn like(self, pattern: &'a OnceLock<Pattern>) -> Self {
        Self {
            pattern: Some(pattern),
            ..self
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text, when it goes over the wire as it is.
    pub(super) fn as_it_is(&self) -> Option<&'a [u8]> {
        (self.encoding == TransferEncoding::SevenBit).then_some(self.text.as_bytes())
    }

    /// Writes the part's header fields, the empty line, and its lines.
    pub(super) fn write(&self, out: &mut String) {
        for field in [
            "Content-Type: ",
            self.media_type,
            "; charset=utf-8\r\nContent-Transfer-Encoding: ",
            self.encoding.name(),
            "\r\n\r\n",
        ] {
            out.push_str(field);
        }
        match self.encoding {
            TransferEncoding::SevenBit => lines(out, self.text),
            TransferEncoding::QuotedPrintable => match self.pattern {
                Some(pattern) => pattern
                    .get_or_init(|| Pattern::of(self.text))
                    .encode(out, self.text),
                None => quoted_printable::encode(out, self.text),
            },
            TransferEncoding::Base64 => {
                let mut canonical = String::with_capacity(self.text.len() + self.text.len() / 32);
                lines(&mut canonical, self.text);
                // Writing to a String cannot fail.
                let _ = base64::encode(canonical.as_bytes(), out);
                out.push_str("\r\n");
            }
        }
    }
}

/// Writes `text` with every line ended by CRLF, the last one too; LF, CRLF and CR end a line of the text.
fn lines(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = memchr2(b'\n', b'\r', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        out.push_str("\r\n");
        let end = &rest[at..];
        rest = end.strip_prefix("\r\n").unwrap_or(&end[1..]);
    }
    if !rest.is_empty() {
        out.push_str(rest);
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_encoding_is_taken() {
        use TransferEncoding::{Base64, QuotedPrintable, SevenBit};
        let line = |n| "x".repeat(n);
        assert_eq!(TransferEncoding::of(""), Some(SevenBit));
        assert_eq!(TransferEncoding::of("a=b\tc\r\n\rd\n"), Some(SevenBit));
        assert_eq!(
            TransferEncoding::of(&format!("{}\r\n{}\n{}", line(998), line(998), line(998))),
            Some(SevenBit)
        );
        assert_eq!(TransferEncoding::of(&line(999)), Some(QuotedPrintable));
        assert_eq!(
            TransferEncoding::of("the bell \u{7}"),
            Some(QuotedPrintable)
        );
        assert_eq!(
            TransferEncoding::of("Herzliche Grüße aus Köln am Rhein"),
            Some(QuotedPrintable)
        );
        assert_eq!(TransferEncoding::of("你好, Jane: 十一月简报"), Some(Base64));
        assert_eq!(TransferEncoding::of(&"=".repeat(999)), Some(Base64));
        assert_eq!(TransferEncoding::of("a\0b"), None);
    }

    #[test]
    fn counts_past_an_octet() {
        assert_eq!(count(&[b'a'; 1000], |byte| byte == b'a'), 1000);
    }

    #[test]
    fn line_ends_become_crlf() {
        let mut out = String::new();
        lines(&mut out, "a\nb\r\nc\rd\n\re");
        assert_eq!(out, "a\r\nb\r\nc\r\nd\r\n\r\ne\r\n");
    }
}
