//! The relaxed canonical forms of a message (RFC 6376 sections 3.4.2 and 3.4.4): what a relay may change on its way does
//! not change them.

use aws_lc_rs::digest::{Context, SHA256};
use memchr::memchr2;

/// Hashed at once: many small updates cost more than copying.
const BUFFER: usize = 4096;

/// A header field as it stands in a message, its line end left off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    name: &'a str,
    value: &'a str,
}

impl<'a> Field<'a> {
    /// `Name: value`, folded or not.
    pub(super) fn of(text: &'a str) -> Self {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        Field { name, value }
    }

    /// Whether it has this name, which is in lower case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.trim_end().eq_ignore_ascii_case(name)
    }

    /// Writes its relaxed form, without a line end.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(
            self.name
                .trim_end()
                .bytes()
                .map(|byte| byte.to_ascii_lowercase()),
        );
        out.push(b':');
        let blank = [' ', '\t', '\r', '\n'];
        let words = self.value.split(blank).filter(|word| !word.is_empty());
        for (at, word) in words.enumerate() {
            if at > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word.as_bytes());
        }
    }
}

/// The fields of a header whose lines all end in CRLF.
pub(super) fn fields(head: &str) -> Vec<Field<'_>> {
    let mut fields = Vec::with_capacity(16);
    let mut start = 0;
    for end in memchr::memmem::find_iter(head.as_bytes(), b"\r\n") {
        let folded = matches!(head.as_bytes().get(end + 2), Some(b' ' | b'\t'));
        if !folded {
            fields.push(Field::of(&head[start..end]));
            start = end + 2;
        }
    }
    fields
}

/// The SHA-256 of a body in its relaxed form, as its pieces come. Lines end in CRLF, and no piece ends within one.
pub(super) struct Body {
    context: Context,
    buffer: Vec<u8>,
    /// White space that counts as one space, unless the line ends here.
    space: bool,
    /// Line ends that count, unless the body ends here.
    lines: usize,
    is_empty: bool,
}

impl Body {
    pub(super) fn new() -> Self {
        Body {
            context: Context::new(&SHA256),
            buffer: Vec::with_capacity(BUFFER),
            space: false,
            lines: 0,
            is_empty: true,
        }
    }

    pub(super) fn update(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let at = memchr2(b' ', b'\t', piece);
            let (run, rest) = piece.split_at(at.unwrap_or(piece.len()));
            self.run(run);
            let blanks = rest
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t'))
                .count();
            self.space |= blanks > 0;
            piece = &rest[blanks..];
        }
    }

    /// Without blanks.
    fn run(&mut self, run: &[u8]) {
        // The line ends at its end are held back.
        let mut text = run;
        while let Some(rest) = text.strip_suffix(b"\r\n") {
            text = rest;
        }
        if run.starts_with(b"\r\n") {
            self.space = false;
        }
        if !text.is_empty() {
            for _ in 0..std::mem::take(&mut self.lines) {
                self.hash(b"\r\n");
            }
            if std::mem::take(&mut self.space) {
                self.hash(b" ");
            }
            self.hash(text);
            self.is_empty = false;
        }
        self.lines += (run.len() - text.len()) / 2;
    }

    fn hash(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.context.update(&self.buffer);
            self.buffer.clear();
        }
        if bytes.len() > BUFFER / 4 {
            self.context.update(&self.buffer);
            self.buffer.clear();
            self.context.update(bytes);
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    pub(super) fn finish(mut self) -> impl AsRef<[u8]> {
        if !self.is_empty {
            self.hash(b"\r\n");
        }
        self.context.update(&self.buffer);
        self.context.finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use aws_lc_rs::digest::digest;
    use proptest::prelude::*;

    #[test]
    fn fields_of_rfc_6376_section_3_4_5() {
        let fields = fields("A: X\r\nB : Y\t\r\n\tZ  \r\n");
        let mut out = Vec::new();
        for field in &fields {
            field.write(&mut out);
            out.extend_from_slice(b"\r\n");
        }
        assert_eq!(out, b"a:X\r\nb:Y Z\r\n");
        assert!(fields[1].is("b"));
    }

    fn hashed(pieces: &[&[u8]]) -> Vec<u8> {
        let mut body = Body::new();
        pieces.iter().for_each(|piece| body.update(piece));
        body.finish().as_ref().to_vec()
    }

    /// Line by line, as the RFC says it.
    fn plainly(body: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(body.to_vec()).unwrap();
        let mut lines: Vec<String> = Vec::new();
        for line in text.split_terminator("\r\n") {
            let squeezed = line.split([' ', '\t']).filter(|word| !word.is_empty());
            let mut squeezed = squeezed.collect::<Vec<_>>().join(" ");
            if line.starts_with([' ', '\t']) && !squeezed.is_empty() {
                squeezed.insert(0, ' ');
            }
            lines.push(squeezed);
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        digest(&SHA256, text.as_bytes()).as_ref().to_vec()
    }

    #[test]
    fn bodies_of_rfc_6376_section_3_4_5() {
        let expected = digest(&SHA256, b" C\r\nD E\r\n");
        assert_eq!(hashed(&[b" C \r\nD \t E\r\n\r\n\r\n"]), expected.as_ref());
        assert_eq!(hashed(&[b"\r\n\r\n"]), digest(&SHA256, b"").as_ref());
        assert_eq!(hashed(&[]), digest(&SHA256, b"").as_ref());
    }

    proptest! {
        #[test]
        fn pieces_hash_as_the_whole(lines in proptest::collection::vec("[ \tab.]{0,12}", 0..40), cut in any::<prop::sample::Index>(), long in 0_usize..9000) {
            let mut lines: Vec<String> = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let cut = cut.index(lines.len() + 1);
            lines.insert(cut, format!("{}\r\n", "x".repeat(long)));
            let (one, two) = (lines[..cut].concat(), lines[cut..].concat());
            let whole = [one.as_bytes(), two.as_bytes()].concat();
            prop_assert_eq!(hashed(&[one.as_bytes(), two.as_bytes()]), plainly(&whole));
        }
    }
}
