//! Media types of files: guessed from name and content, or as the author gave them (RFC 2045 section 5.1, RFC 2046).

/// What nothing better is known of.
const UNKNOWN: &str = "application/octet-stream";

/// A type with its parameters: each of them has to fit on a line.
const LONGEST: usize = 500;

/// The media type of a file by its name, and by its content where that says more; a text with its charset.
pub fn guess(name: &str, bytes: &[u8]) -> String {
    let content = infer::get(bytes).map(|kind| kind.mime_type());
    let by_name = mime_guess::from_path(name).first_raw();
    let kind = match (content, by_name) {
        // A photo.png that is a JPEG; but a workbook is not the archive that its content is.
        (Some(content), _) if content.starts_with("image/") => content,
        (_, Some(by_name)) => by_name,
        (Some(content), None) => content,
        (None, None) if str::from_utf8(bytes).is_ok() && !bytes.contains(&0) => "text/plain",
        (None, None) => UNKNOWN,
    };
    if is_composite(kind) {
        return UNKNOWN.to_owned();
    }
    with_charset(kind, bytes)
}

/// A type as given, with the charset of the text when it names none.
pub fn with_charset(media_type: &str, bytes: &[u8]) -> String {
    let lower = media_type.to_ascii_lowercase();
    if !lower.starts_with("text/") || lower.contains("charset") {
        return media_type.to_owned();
    }
    match charset(bytes) {
        Some(charset) => format!("{media_type}; charset={charset}"),
        None => media_type.to_owned(),
    }
}

/// Other charsets cannot be told apart for certain: the author has to name them.
fn charset(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Some("utf-16");
    }
    str::from_utf8(bytes).is_ok().then_some("utf-8")
}

/// Why `text` cannot be an attachment's type; `None` when it can.
pub fn refusal(text: &str) -> Option<&'static str> {
    if is_composite(text) {
        return Some("is made of parts, which an attachment cannot be");
    }
    let mut pieces = pieces(text).into_iter();
    let is_type = pieces.next().and_then(|kind| kind.split_once('/'));
    let is_type = is_type.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    let is_valid = text.len() <= LONGEST && is_type && pieces.all(is_parameter);
    (!is_valid)
        .then_some("is not a media type such as \"application/pdf\" or \"text/csv; charset=gbk\"")
}

/// Base64 is not for these (RFC 2046 sections 5.1 and 5.2.1).
fn is_composite(kind: &str) -> bool {
    let kind = kind.trim_start().to_ascii_lowercase();
    kind.starts_with("multipart/") || kind.starts_with("message/")
}

/// `type/subtype`, then each parameter; a semicolon in quotes is part of a value.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    })
    .map(str::trim)
    .collect()
}

fn is_parameter(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else {
        return false;
    };
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let is_value = match inner {
        Some(inner) => inner
            .bytes()
            .all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\'),
        None => is_token(value),
    };
    is_token(name) && is_value
}

/// RFC 2045 section 5.1; short enough for a line of its own.
fn is_token(text: &str) -> bool {
    (1..=120).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    #[test]
    fn by_name_and_by_content() {
        for (name, bytes, expected) in [
            ("a.pdf", b"%PDF-1.7".as_slice(), "application/pdf"),
            ("a.PNG", PNG, "image/png"),
            ("a.jpg", PNG, "image/png"),
            ("a", PNG, "image/png"),
            ("a", b"%PDF-1.7", "application/pdf"),
            (
                "a.xlsx",
                b"PK\x03\x04",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            ("a.mp3", b"ID3", "audio/mpeg"),
            ("a.csv", b"a,b", "text/csv; charset=utf-8"),
            ("a.csv", "名".as_bytes(), "text/csv; charset=utf-8"),
            ("a.csv", b"\xc3\xfb", "text/csv"),
            ("a.txt", b"\xff\xfea\0", "text/plain; charset=utf-16"),
            ("a.ics", b"BEGIN:VCALENDAR", "text/calendar; charset=utf-8"),
            ("README", b"hello", "text/plain; charset=utf-8"),
            ("a.unknown", b"\0\x01", "application/octet-stream"),
            ("a.eml", b"From: x", "application/octet-stream"),
        ] {
            assert_eq!(guess(name, bytes), expected, "{name}");
        }
    }

    #[test]
    fn an_authors_type_is_checked() {
        for good in [
            "application/pdf",
            "text/csv; charset=gbk",
            "a/b;c=\"d; e\"",
            "text/x",
        ] {
            assert_eq!(refusal(good), None, "{good}");
        }
        for bad in [
            "",
            "pdf",
            "a/",
            "a/b/c",
            "a/b;",
            "a/b; c",
            "a/b\r\nX: y",
            "a/b; c=é",
            "a/b; c=\"d\"e\"",
            "message/rfc822",
            "multipart/mixed",
        ] {
            assert!(refusal(bad).is_some(), "{bad}");
        }
        assert_eq!(with_charset("text/x", b"a"), "text/x; charset=utf-8");
        assert_eq!(
            with_charset("text/x; Charset=gbk", b"a"),
            "text/x; Charset=gbk"
        );
    }
}
