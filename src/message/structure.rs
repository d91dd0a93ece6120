//! How the parts of a message stand in each other, each level only where it is needed:
//! mixed > alternative > (text, related > (HTML, images)) (RFC 2046 section 5.1, RFC 2387).

use memchr::memmem;

use super::mime::{Body, TransferEncoding};
use super::{Part, Text};

/// The content as it grows: what is this message's own, and between it what is shared.
#[derive(Debug)]
pub(super) struct Content {
    done: Vec<Part>,
    /// Not in `done` yet.
    pub(super) own: String,
}

impl Content {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            done: Vec::new(),
            own: String::with_capacity(bytes),
        }
    }

    /// Adds a part as it is.
    fn push(&mut self, part: Part) {
        if !self.own.is_empty() {
            let own = std::mem::take(&mut self.own);
            self.done.push(Part::Own(own.into_bytes()));
        }
        self.done.push(part);
    }

    pub(super) fn finish(mut self) -> Vec<Part> {
        if !self.own.is_empty() {
            self.done.push(Part::Own(self.own.into_bytes()));
        }
        self.done
    }
}

/// The parts of one message.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) send_id: &'a str,
    pub(super) text: Option<Body<'a>>,
    pub(super) html: Option<Body<'a>>,
    /// What the HTML shows, each with its header fields.
    pub(super) inline: Vec<Part>,
    /// Each with its header fields.
    pub(super) attached: Vec<Part>,
}

impl Tree<'_> {
    /// Writes the message's MIME fields (MIME-Version apart), the empty line, and the body.
    pub(super) fn write(mut self, out: &mut Content) {
        let attached = std::mem::take(&mut self.attached);
        let is_empty = self.text.is_none() && self.html.is_none();
        if attached.is_empty() {
            return self.texts(out);
        }
        if is_empty && attached.len() == 1 {
            return attached.into_iter().for_each(|part| out.push(part));
        }
        let boundary = self.open(out, "mixed", "m", "");
        if !is_empty {
            delimit(out, &boundary);
            self.texts(out);
        }
        for part in attached {
            delimit(out, &boundary);
            out.push(part);
        }
        close(out, &boundary);
    }

    /// The text, the HTML, or both, the plainer first (RFC 2046 section 5.1.4).
    fn texts(self, out: &mut Content) {
        match (self.text, self.html) {
            (Some(text), Some(_)) => {
                let boundary = self.open(out, "alternative", "", "");
                delimit(out, &boundary);
                leaf(out, &text);
                delimit(out, &boundary);
                self.rich(out);
                close(out, &boundary);
            }
            (None, Some(_)) => self.rich(out),
            (Some(text), None) => text.write(&mut out.own),
            (None, None) => {
                Body::plain(&Text::default(), TransferEncoding::SevenBit).write(&mut out.own);
            }
        }
    }

    /// The HTML with what it shows.
    fn rich(mut self, out: &mut Content) {
        let Some(html) = self.html else { return };
        let inline = std::mem::take(&mut self.inline);
        if inline.is_empty() {
            return leaf(out, &html);
        }
        let boundary = self.open(out, "related", "r", " type=\"text/html\";\r\n");
        delimit(out, &boundary);
        leaf(out, &html);
        for part in inline {
            delimit(out, &boundary);
            out.push(part);
        }
        close(out, &boundary);
    }

    /// Writes the fields of a multipart, and gives its boundary. `parameters` are whole lines.
    fn open(&self, out: &mut Content, kind: &str, letter: &str, parameters: &str) -> String {
        let boundary = self.boundary(letter);
        for piece in [
            "Content-Type: multipart/",
            kind,
            ";\r\n",
            parameters,
            " boundary=\"",
            &boundary,
            "\"\r\n\r\n",
        ] {
            out.own.push_str(piece);
        }
        boundary
    }

    /// A boundary in none of the texts, the same for the same message; each level has a letter of its own.
    ///
    /// `=_` is in no quoted-printable and in no base64; only what goes as it is can hold it.
    fn boundary(&self, letter: &str) -> String {
        let texts = [self.text, self.html];
        let taken = |boundary: &str| {
            texts.iter().flatten().any(|body| {
                body.as_it_is()
                    .is_some_and(|text| memmem::find(text, boundary.as_bytes()).is_some())
            })
        };
        let send_id = self.send_id;
        let mut boundary = match letter {
            "" => format!("=_{send_id}"),
            letter => format!("=_{letter}_{send_id}"),
        };
        let mut tries = 0_usize;
        while taken(&boundary) {
            tries += 1;
            boundary = format!("=_{letter}{tries}_{send_id}");
        }
        boundary
    }
}

/// A text among others.
fn leaf(out: &mut Content, body: &Body<'_>) {
    body.write(&mut out.own);
    if body.is_empty() {
        // The line end before a boundary is the boundary's, the one after the header fields is not.
        out.own.push_str("\r\n");
    }
}

fn delimit(out: &mut Content, boundary: &str) {
    for piece in ["--", boundary, "\r\n"] {
        out.own.push_str(piece);
    }
}

fn close(out: &mut Content, boundary: &str) {
    for piece in ["--", boundary, "--\r\n"] {
        out.own.push_str(piece);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::message::Shared;

    /// A text for as long as the tests run.
    fn kept(text: &str) -> &'static Text {
        Box::leak(Box::new(Text::from(text)))
    }

    const SEVEN: TransferEncoding = TransferEncoding::SevenBit;

    fn tree<'a>(text: Option<&'a str>, html: Option<&'a str>) -> Tree<'a> {
        Tree {
            send_id: "id",
            text: text.map(|text| Body::plain(kept(text), SEVEN)),
            html: html.map(|html| Body::html(kept(html), SEVEN)),
            inline: Vec::new(),
            attached: Vec::new(),
        }
    }

    fn part(text: &str) -> Part {
        Part::Shared(Shared::new(format!("X: {text}\r\n\r\n{text}\r\n").into()))
    }

    fn written(tree: Tree<'_>) -> String {
        let mut content = Content::with_capacity(0);
        tree.write(&mut content);
        let bytes = content
            .finish()
            .iter()
            .flat_map(|it| it.bytes().to_vec())
            .collect();
        String::from_utf8(bytes).unwrap()
    }

    /// The nesting, as indented media types.
    fn shape(tree: Tree<'_>) -> Vec<String> {
        let mut depth = 0;
        let mut shape = Vec::new();
        for line in written(tree).lines() {
            if let Some(kind) = line.strip_prefix("Content-Type: ") {
                shape.push(format!("{depth} {}", kind.split(';').next().unwrap()));
                depth += usize::from(kind.starts_with("multipart/"));
            } else if let Some(name) = line.strip_prefix("X: ") {
                shape.push(format!("{depth} {name}"));
            } else if line.starts_with("--") && line.ends_with("--") {
                depth -= 1;
            }
        }
        assert_eq!(depth, 0);
        shape
    }

    #[test]
    fn each_level_only_where_it_is_needed() {
        let with = |mut tree: Tree<'static>, inline: &[&str], attached: &[&str]| {
            tree.inline = inline.iter().map(|it| part(it)).collect();
            tree.attached = attached.iter().map(|it| part(it)).collect();
            shape(tree)
        };
        let both = || tree(Some("t\n"), Some("h\n"));
        assert_eq!(with(tree(Some("t\n"), None), &[], &[]), ["0 text/plain"]);
        assert_eq!(with(tree(None, Some("h\n")), &[], &[]), ["0 text/html"]);
        assert_eq!(with(tree(None, None), &[], &[]), ["0 text/plain"]);
        assert_eq!(with(tree(None, None), &[], &["a"]), ["0 a"]);
        assert_eq!(
            with(tree(None, None), &[], &["a", "b"]),
            ["0 multipart/mixed", "1 a", "1 b"]
        );
        assert_eq!(
            with(tree(Some(""), None), &[], &["a"]),
            ["0 multipart/mixed", "1 text/plain", "1 a"]
        );
        assert_eq!(
            with(tree(None, Some("h\n")), &["i"], &[]),
            ["0 multipart/related", "1 text/html", "1 i"]
        );
        assert_eq!(
            with(both(), &["i", "j"], &["a"]),
            [
                "0 multipart/mixed",
                "1 multipart/alternative",
                "2 text/plain",
                "2 multipart/related",
                "3 text/html",
                "3 i",
                "3 j",
                "1 a"
            ]
        );
    }

    #[test]
    fn a_boundary_that_a_text_holds_is_not_taken() {
        let text = "--=_id\n--=_1_id--\n--=_m_id\n";
        assert_eq!(tree(Some(text), None).boundary(""), "=_2_id");
        assert_eq!(tree(None, Some(text)).boundary("m"), "=_m1_id");
        assert_eq!(tree(None, Some(text)).boundary("r"), "=_r_id");
        let mut encoded = tree(None, None);
        encoded.text = Some(Body::plain(kept(text), TransferEncoding::Base64));
        assert_eq!(encoded.boundary(""), "=_id");
    }

    #[test]
    fn an_empty_part_keeps_its_boundary_on_a_line_of_its_own() {
        let wire = written(tree(Some(""), Some("")));
        assert!(wire.contains("7bit\r\n\r\n\r\n--=_id\r\n"), "{wire}");
        assert!(wire.ends_with("7bit\r\n\r\n\r\n--=_id--\r\n"), "{wire}");
    }

    #[test]
    fn what_is_shared_is_not_copied() {
        let shared = part("image");
        let mut tree = tree(None, Some("h\n"));
        tree.inline = vec![shared.clone()];
        let mut content = Content::with_capacity(0);
        tree.write(&mut content);
        let parts = content.finish();
        let [Part::Own(_), there, Part::Own(_)] = parts.as_slice() else {
            panic!("{parts:?}");
        };
        assert!(std::ptr::eq(there.bytes(), shared.bytes()));
    }
}
