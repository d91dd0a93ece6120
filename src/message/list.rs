//! What makes a message one of a mailing list: List-Id (RFC 2919), List-Unsubscribe (RFC 2369), and that one request to
//! its https URL is enough (RFC 8058).

use super::{BuilderError, Refusal, Text, header};
use crate::campaign::MailingList;

/// A URL beyond this does not fit on a line.
const LONGEST_URL: usize = 900;
const LINE: usize = 78;

/// The list's fields, as far as they are the same in all messages.
#[derive(Debug, Clone)]
pub(super) struct ListFields {
    /// The field List-Id, or nothing.
    id: String,
    one_click: bool,
}

impl ListFields {
    pub(super) fn new(list: &MailingList) -> Result<Self, BuilderError> {
        let mut id = String::new();
        if let Some(text) = &list.id {
            let (display, name) = super::address::split(text);
            if let Some(character) = header::forbidden(display) {
                let setting = "id in [list]";
                return Err(BuilderError::Display { setting, character });
            }
            super::address::listed(&mut id, "List-Id", display, name);
        }
        Ok(Self {
            id,
            one_click: list.one_click,
        })
    }

    /// Writes the fields; `urls` are the rendered ones of `unsubscribe`.
    pub(super) fn write(&self, out: &mut String, urls: &[Text]) -> Result<(), Refusal> {
        out.push_str(&self.id);
        if urls.is_empty() {
            return Ok(());
        }
        let name = "List-Unsubscribe:";
        out.push_str(name);
        let mut column = name.len();
        for (at, url) in urls.iter().enumerate() {
            check(url)?;
            if at > 0 {
                out.push(',');
            }
            if at > 0 || column + url.len() + 3 > LINE {
                out.push_str("\r\n");
                column = 0;
            }
            out.push_str(" <");
            out.push_str(url);
            out.push('>');
            column += url.len() + 3;
        }
        out.push_str("\r\n");
        if self.one_click {
            out.push_str("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
        }
        Ok(())
    }
}

fn check(url: &str) -> Result<(), Refusal> {
    // RFC 3986 section 2, and what would end the brackets.
    let in_url = |c: char| c.is_ascii_graphic() && !"<>\"\\^`{|}".contains(c);
    let reason = if let Some(c) = url.chars().find(|c| !in_url(*c)) {
        format!(
            "List-Unsubscribe holds {c:?}, which no URL may; write {{{{url_encode …}}}} in unsubscribe"
        )
    } else if url.len() > LONGEST_URL {
        format!(
            "List-Unsubscribe holds a URL of {} characters, and {LONGEST_URL} fit; shorten the cells in it",
            url.len()
        )
    } else {
        return Ok(());
    };
    Err(Refusal {
        column: None,
        reason,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(list: &MailingList, urls: &[&str]) -> Result<String, String> {
        let mut out = String::new();
        let urls: Vec<_> = urls.iter().map(|url| Text::from(*url)).collect();
        let fields = ListFields::new(list).unwrap();
        fields
            .write(&mut out, &urls)
            .map_err(|refusal| refusal.reason)?;
        Ok(out)
    }

    #[test]
    fn fields_byte_for_byte() {
        let list = MailingList {
            id: Some("Nächste News <news.acme.example>".to_owned()),
            one_click: true,
            ..MailingList::default()
        };
        let url = format!("https://a.example/{}", "x".repeat(60));
        assert_eq!(
            written(&list, &[&url, "mailto:leave@a.example?subject=a,b"]).unwrap(),
            format!(
                "List-Id: =?utf-8?q?N=C3=A4chste_News?= <news.acme.example>\r\n\
                 List-Unsubscribe:\r\n <{url}>,\r\n <mailto:leave@a.example?subject=a,b>\r\n\
                 List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
            )
        );
        let bare = MailingList {
            id: Some("a.example".to_owned()),
            ..MailingList::default()
        };
        assert_eq!(written(&bare, &[]).unwrap(), "List-Id: <a.example>\r\n");
        assert_eq!(
            written(&MailingList::default(), &["https://a.example/u"]).unwrap(),
            "List-Unsubscribe: <https://a.example/u>\r\n"
        );
    }

    #[test]
    fn no_cell_ends_the_brackets_or_the_line() {
        for cell in [
            "> <mailto:x@y",
            "a b",
            "a\r\nBcc: x@y",
            "é",
            "\"",
            "\u{2028}",
            "\0",
        ] {
            let error = written(
                &MailingList::default(),
                &[&format!("https://a.example/{cell}")],
            )
            .unwrap_err();
            assert!(
                error.contains("which no URL may") && !error.contains(['\n', '\0']),
                "{error}"
            );
        }
        assert!(
            written(
                &MailingList::default(),
                &[&format!("https://a/{}", "x".repeat(900))]
            )
            .is_err()
        );
    }
}
