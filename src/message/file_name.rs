//! Names of attachments in a header: never a path, in any language (RFC 2183, RFC 2231).
//!
//! By RFC 2231 alone. The habit of an encoded word within quotes helps no mail reader that is still in use, is forbidden
//! by RFC 2047 section 5, and parsers report it as a defect.

/// A parameter's value on one line, with its name and quotes well below 78.
const VALUE: usize = 56;

/// What may stand in a value as it is (RFC 2231 section 7: attribute-char), and nothing that a shell or a URL knows.
fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}

/// Writes `;`, a line break and the parameter, over several lines when it is long.
pub(super) fn parameter(out: &mut String, attribute: &str, value: &str) {
    let quoted = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    // `=?` within quotes is decoded by some, though it should not be.
    if value.len() <= VALUE && value.bytes().all(quoted) && !value.contains("=?") {
        for piece in [";\r\n ", attribute, "=\"", value, "\""] {
            out.push_str(piece);
        }
        return;
    }
    let mut pieces = vec![String::new()];
    let mut last = 0;
    for c in value.chars() {
        let mut encoded = String::new();
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            match is_literal(byte) {
                true => encoded.push(char::from(byte)),
                false => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        if pieces[last].len() + encoded.len() > VALUE {
            pieces.push(String::new());
            last += 1;
        }
        pieces[last].push_str(&encoded);
    }
    for (at, piece) in pieces.iter().enumerate() {
        let section = match pieces.len() {
            1 => String::new(),
            _ => format!("*{at}"),
        };
        let charset = if at == 0 { "utf-8''" } else { "" };
        for piece in [";\r\n ", attribute, &section, "*=", charset, piece] {
            out.push_str(piece);
        }
    }
}

/// `name` made fit to be one: what could be taken for a path, or shown as another name, is `_`. `None` when it holds a
/// control character, or nothing.
pub fn harmless(name: &str) -> Option<String> {
    let name = name.trim();
    if name.is_empty() || super::header::forbidden(name).is_some() {
        return None;
    }
    let turned = |c: char| matches!(c, '/' | '\\' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let name = name.replace(turned, "_");
    // Hidden files, and the folders . and ..
    Some(match name.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => name,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(value: &str) -> String {
        let mut out = String::new();
        parameter(&mut out, "filename", value);
        out
    }

    #[test]
    fn plain_names_stand_in_quotes() {
        assert_eq!(
            written("Terms 2026.pdf"),
            ";\r\n filename=\"Terms 2026.pdf\""
        );
        assert_eq!(written("a;b=c.pdf"), ";\r\n filename=\"a;b=c.pdf\"");
    }

    #[test]
    fn other_names_are_extended_and_long_ones_continued() {
        assert_eq!(
            written("Rechnung für Zoë.pdf"),
            ";\r\n filename*=utf-8''Rechnung%20f%C3%BCr%20Zo%C3%AB.pdf"
        );
        assert_eq!(written("a\"b"), ";\r\n filename*=utf-8''a%22b");
        assert_eq!(
            written("=?utf-8?q?x?="),
            ";\r\n filename*=utf-8''%3D%3Futf-8%3Fq%3Fx%3F%3D"
        );
        let wire = written(&"发票".repeat(30));
        assert!(
            wire.starts_with(";\r\n filename*0*=utf-8''%E5%8F%91%E7"),
            "{wire}"
        );
        assert!(wire.contains(";\r\n filename*1*=%E"), "{wire}");
        assert!(wire.split("\r\n").all(|line| line.len() <= 78), "{wire}");
        // No character is divided: some software decodes each section by itself.
        for line in wire.split("\r\n ").skip(1) {
            let (_, value) = line.trim_end_matches(';').split_once("*=").unwrap();
            assert_eq!(value.trim_start_matches("utf-8''").len() % 9, 0, "{line}");
        }
    }

    #[test]
    fn a_name_is_never_a_path() {
        for (name, harmless_name) in [
            ("a.pdf", "a.pdf"),
            (" a b ", "a b"),
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("C:\\x", "C:_x"),
            (".bashrc", "_bashrc"),
            ("invoice\u{202e}fdp.exe", "invoice_fdp.exe"),
        ] {
            assert_eq!(harmless(name).as_deref(), Some(harmless_name), "{name}");
        }
        for name in ["", " ", "a\r\nBcc: x", "a\0b", "a\u{85}b", "a\u{2028}b"] {
            assert_eq!(harmless(name), None, "{name:?}");
        }
    }
}
