//! Quoted-printable (RFC 2045 section 6.7) for text.
//!
//! Hand-laid: four fifths of the time a message takes to build were spent in a general encoder.

use super::header::push_escape;

/// A line's length without CRLF; the last octet is the `=` of a soft line break, if there is one.
const LINE: usize = 76;
/// Bytes looked at together: as many as a vector register holds.
const BLOCK: usize = 16;

/// Writes `text` with every line ended by CRLF, the last one too; LF, CRLF and CR end a line of the text.
/// A character's octets stay together on one line.
pub(super) fn encode(out: &mut String, text: &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut column = 0;
    while at < bytes.len() {
        // The longest run that can stand as it is and leaves room for a soft line break.
        let room = (LINE - 1).saturating_sub(column);
        let run = literal_run(&bytes[at..bytes.len().min(at + room)]);
        out.push_str(&text[at..at + run]);
        at += run;
        column += run;

        let Some(&byte) = bytes.get(at) else { break };
        if byte == b'\n' || byte == b'\r' {
            end_line(out, column);
            at += if bytes[at..].starts_with(b"\r\n") {
                2
            } else {
                1
            };
            column = 0;
            continue;
        }
        let (octets, size) = if is_literal(byte) {
            (1, 1)
        } else {
            let octets = char_len(byte);
            (octets, 3 * octets)
        };
        // The last octet of a line may stand where a soft line break would.
        let last = matches!(bytes.get(at + octets), None | Some(b'\n' | b'\r'));
        if column + size > LINE - usize::from(!last) {
            out.push_str("=\r\n");
            column = 0;
            continue;
        }
        if octets == size {
            out.push(char::from(byte));
        } else {
            for &octet in &bytes[at..at + octets] {
                push_escape(out, octet);
            }
        }
        at += octets;
        column += size;
    }
    if column > 0 {
        end_line(out, column);
    }
}

/// Ends a line at `column`: white space at its end, which might be lost on the way, is escaped.
fn end_line(out: &mut String, column: usize) {
    // At column 0 what was written last is a line end, or not this text's.
    let last = out.as_bytes().last().copied().filter(|_| column > 0);
    if let Some(space @ (b' ' | b'\t')) = last {
        out.pop();
        if column + 2 > LINE {
            out.push_str("=\r\n");
        }
        push_escape(out, space);
    }
    out.push_str("\r\n");
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
    let run = rest.iter().position(|byte| !is_literal(*byte));
    whole + run.unwrap_or(rest.len())
}

/// No early exit: that is what lets the compiler look at all of it at once.
fn is_all_literal(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(true, |all, byte| all & is_literal(*byte))
}

/// What may stand for itself, within a line.
fn is_literal(byte: u8) -> bool {
    ((b' '..=b'~').contains(&byte) & (byte != b'=')) | (byte == b'\t')
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

    fn encoded(text: &str) -> String {
        let mut out = String::new();
        encode(&mut out, text);
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
