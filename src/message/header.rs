//! Field values as they go over the wire: checked, folded (RFC 5322 section 2.2.3), and what is not
//! plain ASCII as encoded words (RFC 2047).
//!
//! Hand-laid because lettre's encoder leaves a value that looks like an encoded word as it is, and makes
//! lines of more than 998 octets out of long words.

use email_encoding::body::base64;

/// A line's length without CRLF, where folding can keep it (RFC 5322 section 2.1.1).
const LINE: usize = 78;
/// A word of this length fits on a line of at most 998 octets after the longest field name.
const LONGEST_WORD: usize = 900;
/// A line with an encoded word in it (RFC 2047 section 2).
pub(super) const ENCODED_LINE: usize = 76;
/// An encoded word (RFC 2047 section 2).
const ENCODED_WORD: usize = 75;
/// `=?utf-8?q?` and `?=`.
const ENCODED_WORD_FRAME: usize = 12;

/// The first character in `value` that no header may hold: control characters (C0, DEL, C1) and the two
/// separators that some software takes for line ends.
pub(super) fn forbidden(value: &str) -> Option<char> {
    if is_printable_ascii(value) {
        return None;
    }
    value
        .chars()
        .find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Whether every character is ASCII from space to tilde.
pub(super) fn is_printable_ascii(value: &str) -> bool {
    value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Writes the field `name` with the unstructured `value`, which holds no forbidden character.
pub(super) fn unstructured(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push(':');
    let column = name.len() + 1;
    if value.is_empty() {
        // The colon alone: a line that ends in a space may lose it on its way.
    } else if can_stand(value, column) {
        out.push(' ');
        folded(out, column + 1, value);
    } else {
        encoded_words(out, column, value);
    }
    out.push_str("\r\n");
}

/// Whether `value` arrives as it is when it is written as it is, after `column` octets.
fn can_stand(value: &str, column: usize) -> bool {
    is_printable_ascii(value)
        // What looks like an encoded word would be decoded.
        && !value.contains("=?")
        && !value.starts_with(' ')
        && !value.ends_with(' ')
        && (column + 1 + value.len() <= LINE
            // Some software makes one space of the several at which a line was folded.
            || (!value.contains("  ") && value.split(' ').all(|word| word.len() <= LONGEST_WORD)))
}

/// Writes `value`, words with one space between them, with a line break before a word that does not fit.
fn folded(out: &mut String, mut column: usize, value: &str) {
    if column + value.len() <= LINE {
        out.push_str(value);
        return;
    }
    for (at, word) in value.split(' ').enumerate() {
        if at > 0 {
            if column + 1 + word.len() > LINE {
                out.push_str("\r\n");
                column = 0;
            }
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
}

/// Writes `text` as encoded words, each with a space before it, folded; gives the column reached.
///
/// The whole text is encoded, its spaces too: those between encoded words do not count as text.
pub(super) fn encoded_words(out: &mut String, mut column: usize, text: &str) -> usize {
    let encoding = WordEncoding::shorter(text);
    let mut rest = text;
    while !rest.is_empty() {
        let line = ENCODED_LINE.saturating_sub(column + 1).min(ENCODED_WORD);
        let taken = encoding.fitting(rest, line.saturating_sub(ENCODED_WORD_FRAME));
        if taken == 0 {
            out.push_str("\r\n");
            column = 0;
            continue;
        }
        let start = out.len();
        encoding.write(out, &rest[..taken]);
        column += out.len() - start;
        rest = &rest[taken..];
    }
    column
}

/// The two encodings of RFC 2047 section 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WordEncoding {
    B,
    Q,
}

impl WordEncoding {
    fn shorter(text: &str) -> Self {
        let q: usize = text.chars().map(q_len).sum();
        if q <= text.len().div_ceil(3) * 4 {
            Self::Q
        } else {
            Self::B
        }
    }

    /// How many bytes of `text`, whole characters, fit into `room` octets once encoded.
    fn fitting(self, text: &str, room: usize) -> usize {
        match self {
            Self::B => {
                let most = text.len().min(room / 4 * 3);
                // At most three steps; 0 is always a boundary.
                (0..=most)
                    .rev()
                    .find(|at| text.is_char_boundary(*at))
                    .unwrap_or(0)
            }
            Self::Q => {
                let mut left = room;
                text.char_indices()
                    .find(|(_, c)| match left.checked_sub(q_len(*c)) {
                        Some(less) => {
                            left = less;
                            false
                        }
                        None => true,
                    })
                    .map_or(text.len(), |(at, _)| at)
            }
        }
    }

    /// Writes a space and `text` as one encoded word.
    fn write(self, out: &mut String, text: &str) {
        match self {
            Self::B => {
                out.push_str(" =?utf-8?b?");
                // Writing to a String cannot fail, and a word is shorter than a line of base64.
                let _ = base64::encode(text.as_bytes(), out);
            }
            Self::Q => {
                out.push_str(" =?utf-8?q?");
                for byte in text.bytes() {
                    match byte {
                        b' ' => out.push('_'),
                        _ if is_q_literal(byte) => out.push(char::from(byte)),
                        _ => push_escape(out, byte),
                    }
                }
            }
        }
        out.push_str("?=");
    }
}

/// Octets that `c` takes in a Q word.
fn q_len(c: char) -> usize {
    if c == ' ' || (c.is_ascii() && is_q_literal(c as u8)) {
        1
    } else {
        3 * c.len_utf8()
    }
}

/// What stands for itself in a Q word anywhere, a display name too (RFC 2047 section 5, rule 3).
fn is_q_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'*' | b'+' | b'-' | b'/')
}

/// Writes `byte` as `=XX` (RFC 2045 section 6.7, RFC 2047 section 4.2).
pub(super) fn push_escape(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('=');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(value: &str) -> String {
        let mut out = String::new();
        unstructured(&mut out, "Subject", value);
        out
    }

    #[test]
    fn plain_values_stand_as_they_are() {
        assert_eq!(
            subject("Jane, your November digest"),
            "Subject: Jane, your November digest\r\n"
        );
        assert_eq!(subject("two.  spaces"), "Subject: two.  spaces\r\n");
        assert_eq!(subject(""), "Subject:\r\n");
    }

    #[test]
    fn long_plain_values_are_folded_at_spaces() {
        let value = "nine char ".repeat(20);
        let wire = subject(value.trim());
        assert!(wire.split("\r\n").all(|line| line.len() <= LINE), "{wire}");
        assert_eq!(
            wire.replace("\r\n", ""),
            format!("Subject: {}", value.trim())
        );
    }

    #[test]
    fn long_words_stand_while_a_line_can_hold_them() {
        let word = "x".repeat(300);
        assert_eq!(subject(&word), format!("Subject: {word}\r\n"));
        let wire = subject(&"x".repeat(2000));
        assert!(wire.starts_with("Subject: =?utf-8?q?xxx"), "{wire}");
        assert!(wire.split("\r\n").all(|line| line.len() <= ENCODED_LINE));
    }

    #[test]
    fn the_shorter_encoding_is_taken() {
        assert_eq!(
            subject("Herzliche Grüße vom Rhein"),
            "Subject: =?utf-8?q?Herzliche_Gr=C3=BC=C3=9Fe_vom_Rhein?=\r\n"
        );
        assert_eq!(subject("你好"), "Subject: =?utf-8?b?5L2g5aW9?=\r\n");
    }

    #[test]
    fn what_looks_like_an_encoded_word_is_encoded() {
        assert_eq!(
            subject("=?utf-8?q?x?="),
            "Subject: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?=\r\n"
        );
    }

    #[test]
    fn spaces_at_the_ends_are_encoded() {
        assert_eq!(subject(" a "), "Subject: =?utf-8?q?_a_?=\r\n");
    }

    #[test]
    fn encoded_words_keep_their_bounds() {
        for text in ["你好世界".repeat(60), "é ".repeat(200), "🎉".repeat(90)] {
            let wire = subject(&text);
            for line in wire.trim_end().split("\r\n") {
                assert!(line.len() <= ENCODED_LINE, "{line}");
                let word = line.trim_start_matches("Subject:").trim_start();
                assert!(word.len() <= ENCODED_WORD && word.ends_with("?="), "{word}");
            }
        }
    }

    #[test]
    fn encoded_words_start_on_their_own_line_after_a_long_name() {
        let mut out = String::new();
        unstructured(&mut out, &"X".repeat(76), "é");
        assert_eq!(out, format!("{}:\r\n =?utf-8?b?w6k=?=\r\n", "X".repeat(76)));
    }

    #[test]
    fn forbidden_characters_are_found() {
        for c in [
            '\n', '\r', '\t', '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{9f}', '\u{2028}', '\u{2029}',
        ] {
            assert_eq!(forbidden(&format!("aé{c}b")), Some(c));
            assert_eq!(forbidden(&format!("{c}")), Some(c));
        }
        assert_eq!(
            forbidden("plain ~ é 你好 \u{a0} \u{200f}\u{1f389}\u{fe0f}"),
            None
        );
    }
}
