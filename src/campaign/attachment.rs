//! `attachments` of `[message]`: which files go along.

use std::path::{Component, Path};

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
    } else if !has_folder(&attachment.path) {
        let path = &attachment.path;
        return Err(at(format!(
            "the path {path:?} must begin with a folder of the campaign, such as invoices/, before its first {{{{}}}}: a row could name the list or a key otherwise"
        )));
    }
    Ok(attachment)
}

/// Whether a path that is a template begins with a folder: data then chooses among the files in there, and cannot name
/// the campaign's own (`..` is refused once the path is known).
fn has_folder(path: &str) -> bool {
    let known = path.split("{{").next().unwrap_or_default();
    let folder = known.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts = Path::new(folder).components();
    let mut named = false;
    parts.all(|part| {
        named |= matches!(part, Component::Normal(_));
        matches!(part, Component::Normal(_) | Component::CurDir)
    }) && named
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
    fn data_chooses_within_a_folder() {
        for path in ["i/{{n}}", "./i/{{n}}.pdf", "a/b/{{c}}/{{d}}", "a b/c{{n}}"] {
            let toml = format!("['{path}']");
            assert_eq!(attachments(&toml).unwrap()[0].path, path);
        }
        for path in [
            "{{n}}",
            "{{n}}/a.pdf",
            "i{{n}}/a.pdf",
            "./{{n}}",
            "../{{n}}",
            "i/../{{n}}",
            "/i/{{n}}",
            "{{#if n}}i/{{/if}}{{n}}",
        ] {
            let (at, text) = attachments(&format!("['{path}']")).unwrap_err();
            assert_eq!(at, 15, "{path}");
            let told = format!("the path {path:?} must begin with a folder of the campaign, ");
            assert!(text.starts_with(&told), "{text}");
        }
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
