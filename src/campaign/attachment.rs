//! `attachments` of `[message]`: which files go along.

use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::Attachment;
use super::error::Mistake;
use super::section::{Section, kind};
use crate::message::media_type;

const KEYS: [&str; 3] = ["path", "name", "type"];

/// The attachments in their order. One whose path is no template must be there.
pub(super) fn read(message: &Section<'_>, dir: &Path) -> Result<Vec<Attachment>, Mistake> {
    let Some(value) = message.value("attachments") else {
        return Ok(Vec::new());
    };
    let Some(items) = value.get_ref().as_array() else {
        let (name, is) = (message.name("attachments"), kind(value.get_ref()));
        let text = format!(r#"{name} must be a list such as ["terms.pdf"], not {is}"#);
        return Err(Mistake::new(value.span(), text));
    };
    items.iter().map(|item| one(item, dir)).collect()
}

fn one(item: &Spanned<DeValue<'_>>, dir: &Path) -> Result<Attachment, Mistake> {
    let at = |text: String| Mistake::new(item.span(), text);
    let mut attachment = Attachment::default();
    if let Some(path) = item.get_ref().as_str() {
        attachment.path = path.trim().to_owned();
    } else {
        let title = "an attachment";
        let section = Section::table(item, title).ok_or_else(|| {
            let is = kind(item.get_ref());
            at(format!(r#"an attachment is a path, in quotes, or a table such as {{ path = "terms.pdf" }}, not {is}"#))
        })?;
        let table = item.get_ref().as_table();
        let mut names = table.into_iter().flat_map(|table| table.keys());
        if let Some(unknown) = names.find(|name| !KEYS.contains(&name.get_ref().as_ref())) {
            let name = unknown.get_ref();
            let text =
                format!("unknown key {name:?} in an attachment; there are: path, name, type");
            return Err(Mistake::new(unknown.span(), text));
        }
        let text = |key| {
            let value = section.filled(key)?;
            Ok(value.map(|value| value.get_ref().to_string()))
        };
        attachment.path = text("path")?.unwrap_or_default();
        attachment.name = text("name")?;
        attachment.media_type = text("type")?;
    }
    if attachment.path.is_empty() {
        return Err(at(
            "an attachment has no path; name a file, such as \"terms.pdf\"".to_owned(),
        ));
    }
    let kind = attachment.media_type.as_deref().unwrap_or_default();
    if !kind.is_empty()
        && !kind.contains("{{")
        && let Some(why) = media_type::refusal(kind)
    {
        return Err(at(format!("the type {kind:?} {why}")));
    }
    if attachment.is_fixed() {
        let file = dir.join(&attachment.path);
        if !file.is_file() {
            let shown = file.display();
            return Err(at(format!(
                "there is no attachment \"{shown}\"; put it there, or correct the path"
            )));
        }
    }
    Ok(attachment)
}

impl Attachment {
    /// Whether it is the same file for everybody.
    pub fn is_fixed(&self) -> bool {
        !self.path.contains("{{")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use toml::de::DeTable;

    fn attachments(toml: &str) -> Result<Vec<Attachment>, (usize, String)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("terms.pdf"), "").unwrap();
        let source = format!("attachments = {toml}");
        let document = DeTable::parse(&source).unwrap();
        let read = read(&Section::top(document.get_ref()), folder.path());
        read.map_err(|mistake| {
            (
                mistake.at,
                mistake
                    .text
                    .replace(&folder.path().display().to_string(), "DIR"),
            )
        })
    }

    #[test]
    fn paths_alone_and_tables() {
        let read =
            attachments("['terms.pdf', { path = 'i/{{n}}.pdf', name = 'I {{n}}', type = 'a/b' }]")
                .unwrap();
        assert_eq!(
            read[0],
            Attachment {
                path: "terms.pdf".into(),
                ..Attachment::default()
            }
        );
        let (name, media_type) = (Some("I {{n}}".into()), Some("a/b".into()));
        assert_eq!(
            read[1],
            Attachment {
                path: "i/{{n}}.pdf".into(),
                name,
                media_type
            }
        );
        assert!(read[0].is_fixed() && !read[1].is_fixed());
    }

    #[test]
    fn each_mistake_at_its_place() {
        for (toml, at, text) in [
            (
                "'a'",
                14,
                r#""attachments" must be a list such as ["terms.pdf"], not a string"#,
            ),
            (
                "[1]",
                15,
                r#"an attachment is a path, in quotes, or a table such as { path = "terms.pdf" }, not a number"#,
            ),
            (
                "['']",
                15,
                "an attachment has no path; name a file, such as \"terms.pdf\"",
            ),
            (
                "[{ name = 'x' }]",
                15,
                "an attachment has no path; name a file, such as \"terms.pdf\"",
            ),
            (
                "['terms.pdf', 'gone.pdf']",
                28,
                "there is no attachment \"DIR/gone.pdf\"; put it there, or correct the path",
            ),
            (
                "[{ path = 'terms.pdf', nam = 'x' }]",
                37,
                "unknown key \"nam\" in an attachment; there are: path, name, type",
            ),
            (
                "[{ path = 'terms.pdf', type = 'multipart/mixed' }]",
                15,
                "the type \"multipart/mixed\" is made of parts, which an attachment cannot be",
            ),
        ] {
            assert_eq!(attachments(toml), Err((at, text.to_owned())), "{toml}");
        }
    }
}
