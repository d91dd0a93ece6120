//! The texts of a message and their transfer encodings (RFC 2045).

use email_encoding::body::base64;

use super::quoted_printable;
use super::text::{Facts, Piece, Text};

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
    pub(super) fn of(text: &Text) -> Option<Self> {
        let facts = text.pieces().map(Piece::facts);
        let facts = facts.fold(Facts::of(""), Facts::followed_by);
        if facts.has_nul {
            return None;
        }
        if facts.foreign == 0 && facts.longest_line() <= LONGEST_LINE {
            return Some(Self::SevenBit);
        }
        let escapes = facts.foreign + facts.equals;
        // Line ends and soft line breaks apart: base64 has them too.
        if text.len() + 2 * escapes <= text.len().div_ceil(3) * 4 {
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

/// A text with its media type, ready to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'a> {
    media_type: &'static str,
    text: &'a Text,
    encoding: TransferEncoding,
}

impl<'a> Body<'a> {
    pub(super) fn plain(text: &'a Text, encoding: TransferEncoding) -> Self {
        Self {
            media_type: "text/plain",
            text,
            encoding,
        }
    }

    pub(super) fn html(text: &'a Text, encoding: TransferEncoding) -> Self {
        Self {
            media_type: "text/html",
            text,
            encoding,
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
            TransferEncoding::SevenBit => write_lines(out, self.text),
            TransferEncoding::QuotedPrintable => quoted_printable::encode(out, self.text),
            TransferEncoding::Base64 => {
                let mut canonical = String::with_capacity(self.text.len() + self.text.len() / 32);
                write_lines(&mut canonical, self.text);
                // Writing to a String cannot fail.
                let _ = base64::encode(canonical.as_bytes(), out);
                out.push_str("\r\n");
            }
        }
    }
}

/// Writes `text` with every line ended by CRLF, the last one too; LF, CRLF and CR end a line of the text.
fn write_lines(out: &mut String, text: &Text) {
    text.pieces().for_each(|piece| piece.write_lines(out));
    if !text.is_empty() && !text.ends_with(['\n', '\r']) {
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::text::tests::{PIECE, mixed};

    #[test]
    fn the_shortest_encoding_is_taken() {
        use TransferEncoding::{Base64, QuotedPrintable, SevenBit};
        let line = |n| "x".repeat(n);
        let of = |text: &str| TransferEncoding::of(&Text::from(text));
        assert_eq!(of(""), Some(SevenBit));
        assert_eq!(of("a=b\tc\r\n\rd\n"), Some(SevenBit));
        assert_eq!(
            of(&format!("{}\r\n{}\n{}", line(998), line(998), line(998))),
            Some(SevenBit)
        );
        assert_eq!(of(&line(999)), Some(QuotedPrintable));
        assert_eq!(of("the bell \u{7}"), Some(QuotedPrintable));
        assert_eq!(
            of("Herzliche Grüße aus Köln am Rhein"),
            Some(QuotedPrintable)
        );
        assert_eq!(of("你好, Jane: 十一月简报"), Some(Base64));
        assert_eq!(of(&"=".repeat(999)), Some(Base64));
        assert_eq!(of("a\0b"), None);
    }

    proptest! {
        #[test]
        fn line_ends_become_crlf(pieces in prop::collection::vec(PIECE, 0..6)) {
            let text = mixed(&pieces);
            let mut found = String::new();
            write_lines(&mut found, &text);
            let mut expected = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
            if !expected.is_empty() && !expected.ends_with('\n') {
                expected.push_str("\r\n");
            }
            prop_assert_eq!(found, expected);
        }
    }
}
