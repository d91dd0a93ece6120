//! Files as parts of a message: their header fields, and their bytes as base64 (RFC 2045, 2183, 2392).

use std::sync::Arc;

use email_encoding::body::base64;

use super::identity::name_of;
use super::{Part, Shared, file_name, media_type};

/// An image that HTML shows by its Content-ID.
#[derive(Debug, Clone)]
pub struct Image {
    /// The Content-ID without angle brackets: `cid:` and this is its URL (RFC 2392).
    pub cid: String,
    /// The part, header fields and all.
    pub part: Part,
}

/// The image `bytes`, named `name`, as a part that messages share as `share` says. Equal bytes have equal Content-IDs, whose
/// right side is `domain`.
pub fn image(
    name: &str,
    media_type: &str,
    bytes: &[u8],
    domain: &str,
    share: fn(Vec<u8>) -> Arc<Shared>,
) -> Image {
    let cid = format!("{}@{domain}", name_of(bytes));
    let head = [("Content-ID", format!("<{cid}>"))];
    let part = encoded("inline", name, media_type, &head, bytes);
    Image {
        cid,
        part: Part::Shared(share(part)),
    }
}

/// An attachment: header fields, empty line, lines of base64.
pub fn attachment(name: &str, media_type: &str, bytes: &[u8]) -> Vec<u8> {
    encoded("attachment", name, media_type, &[], bytes)
}

fn encoded(
    disposition: &str,
    name: &str,
    kind: &str,
    head: &[(&str, String)],
    bytes: &[u8],
) -> Vec<u8> {
    // 57 octets a line of 78; and about what the fields take.
    let mut out = String::with_capacity(bytes.len() / 57 * 78 + 512);
    out.push_str("Content-Type: ");
    // Each parameter on a line of its own, so that no line is too long.
    for (at, piece) in media_type::pieces(kind).iter().enumerate() {
        out.push_str(if at == 0 { "" } else { ";\r\n " });
        out.push_str(piece);
    }
    out.push_str("\r\nContent-Transfer-Encoding: base64\r\n");
    for (field, value) in head {
        for piece in [field, ": ", value, "\r\n"] {
            out.push_str(piece);
        }
    }
    out.push_str("Content-Disposition: ");
    out.push_str(disposition);
    file_name::parameter(&mut out, "filename", name);
    out.push_str("\r\n\r\n");
    // Writing to a String cannot fail.
    let _ = base64::encode(bytes, &mut out);
    out.push_str("\r\n");
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_attachment_byte_for_byte() {
        let type_ = "text/calendar; charset=utf-8; method=\"RE;QUEST\"";
        let part = attachment("événement.ics", type_, b"BEGIN:VCALENDAR");
        assert_eq!(
            String::from_utf8(part).unwrap(),
            "Content-Type: text/calendar;\r\n charset=utf-8;\r\n method=\"RE;QUEST\"\r\n\
             Content-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment;\r\n filename*=utf-8''%C3%A9v%C3%A9nement.ics\r\n\r\n\
             QkVHSU46VkNBTEVOREFS\r\n"
        );
    }

    #[test]
    fn equal_images_have_equal_content_ids() {
        let one = image("a.png", "image/png", b"same", "acme.example", Shared::new);
        assert_eq!(
            one.cid,
            image("b.png", "image/png", b"same", "acme.example", Shared::new).cid
        );
        assert_ne!(
            one.cid,
            image("a.png", "image/png", b"other", "acme.example", Shared::new).cid
        );
        let text = String::from_utf8(one.part.bytes().to_vec()).unwrap();
        let head = format!(
            "Content-ID: <{}>\r\nContent-Disposition: inline;\r\n filename=\"a.png\"\r\n\r\n",
            one.cid
        );
        assert!(text.contains(&head), "{text}");
    }
}
