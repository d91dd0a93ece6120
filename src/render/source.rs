//! Templates as their author wrote them: where from, and compiled.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use handlebars::Template;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};

use super::depth;
use super::error::{Place, TemplateError};
use super::helpers;
use super::mistake;

/// A template file: its text, and what that compiles to.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The file, as errors name it.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) template: Template,
    /// Whether the text is its author's, so that places in it mean something to them.
    pub(super) written: bool,
}

impl Source {
    /// A mistake at a byte of the text.
    pub(super) fn wrong(&self, at: usize, problem: String) -> TemplateError {
        let position = self.written.then(|| position(&self.text, at));
        TemplateError::Wrong {
            place: Place {
                template: self.name.clone(),
                position,
            },
            problem,
        }
    }

    /// The same file with another text and the same tags in it, which keep the places that the author sees.
    pub(super) fn with_text(&self, text: String) -> Result<Source, TemplateError> {
        let new = compile(self.name.clone(), &text)?;
        let mut template = self.template.clone();
        if !graft(&mut template, &new) {
            // White space that stood alone between two tags counts as a text, or not: rather no place than a wrong one.
            template = new;
            forget_places(&mut template);
        }
        Ok(Source {
            name: self.name.clone(),
            text,
            template,
            written: false,
        })
    }
}

/// Takes the static texts of `from`; false when it is not made of the same tags and texts.
fn graft(into: &mut Template, from: &Template) -> bool {
    fn inner(into: &mut Option<Template>, from: &Option<Template>) -> bool {
        match (into, from) {
            (Some(into), Some(from)) => graft(into, from),
            (None, None) => true,
            _ => false,
        }
    }
    into.elements.len() == from.elements.len()
        && into
            .elements
            .iter_mut()
            .zip(&from.elements)
            .all(|pair| match pair {
                (TemplateElement::RawString(text), TemplateElement::RawString(from)) => {
                    text.clone_from(from);
                    true
                }
                (TemplateElement::HelperBlock(call), TemplateElement::HelperBlock(from)) => {
                    inner(&mut call.template, &from.template)
                        && inner(&mut call.inverse, &from.inverse)
                }
                (TemplateElement::DecoratorBlock(call), TemplateElement::DecoratorBlock(from))
                | (TemplateElement::PartialBlock(call), TemplateElement::PartialBlock(from)) => {
                    inner(&mut call.template, &from.template)
                }
                (into, from) => std::mem::discriminant(into) == std::mem::discriminant(from),
            })
}

/// Takes the places of a template's tags away: they are not those that its author sees.
pub(super) fn forget_places(template: &mut Template) {
    template.mapping.clear();
    for element in &mut template.elements {
        match element {
            TemplateElement::HelperBlock(call) => {
                let branches = call.template.iter_mut().chain(&mut call.inverse);
                branches.for_each(forget_places);
            }
            TemplateElement::DecoratorBlock(call) | TemplateElement::PartialBlock(call) => {
                call.template.iter_mut().for_each(forget_places);
            }
            _ => {}
        }
    }
}

/// Line and column of a byte, both counted from 1, the column in characters.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (1 + before.matches('\n').count(), 1 + line.chars().count())
}

/// Reads and compiles a template file. A byte order mark is dropped.
pub(super) fn file(path: &Path) -> Result<Source, TemplateError> {
    let bytes = fs::read(path).map_err(|source| TemplateError::Read {
        path: path.into(),
        source,
    })?;
    let text = str::from_utf8(&bytes).map_err(|error| TemplateError::Encoding {
        path: path.into(),
        line: 1 + bytes[..error.valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count(),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let name = path.display().to_string();
    Ok(Source {
        template: compile(name.clone(), text)?,
        text: text.to_owned(),
        name,
        written: true,
    })
}

/// Compiles a setting that is a template; `key` is its name in `campaign.toml`.
pub(super) fn setting(key: &str, text: &str) -> Result<Template, TemplateError> {
    compile(format!("campaign.toml: {key}"), text)
}

/// Reads and compiles every `name.hbs` of the folder, by name. No folder: no partials.
pub(super) fn partials(folder: &Path) -> Result<BTreeMap<String, Source>, TemplateError> {
    let unreadable = |source| TemplateError::Read {
        path: folder.into(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut partials = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        // A name that is not Unicode cannot be written in a template; hidden files are editors'.
        let name = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".hbs"));
        if let Some(name) = name.filter(|name| !name.starts_with('.')) {
            partials.insert(name.to_owned(), file(&path)?);
        }
    }
    Ok(partials)
}

pub(super) fn compile(name: String, text: &str) -> Result<Template, TemplateError> {
    depth::blocks(text).map_err(|(at, problem)| TemplateError::Wrong {
        place: Place {
            template: name.clone(),
            position: Some(position(text, at)),
        },
        problem,
    })?;
    let mut template = Template::compile_with_name(text, name.clone()).map_err(|error| {
        let (position, problem) = mistake::explained(error.reason(), text, error.pos());
        TemplateError::Wrong {
            place: Place {
                template: name.clone(),
                position,
            },
            problem,
        }
    })?;
    prepare(&mut template, &name);
    Ok(template)
}

/// Mends what Handlebars makes of two things, in the template of that name and all that is inside.
fn prepare(template: &mut Template, name: &str) {
    for element in &mut template.elements {
        match element {
            TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
                prefer_column(call);
            }
            TemplateElement::HelperBlock(call) => {
                let branches = call.template.iter_mut().chain(&mut call.inverse);
                branches.for_each(|branch| prepare(branch, name));
            }
            TemplateElement::DecoratorBlock(call) => {
                if let Some(inline) = &mut call.template {
                    // It is rendered from elsewhere: its errors have to name the file it stands in.
                    inline.name = Some(name.to_owned());
                    prepare(inline, name);
                }
            }
            TemplateElement::PartialBlock(call) => {
                if let Some(content) = &mut call.template {
                    prepare(content, name);
                }
            }
            _ => {}
        }
    }
}

/// Handlebars takes `{{title}}` for a call of the helper of that name. None of them does anything
/// without a parameter, and `title` or `date` are good names for columns: the name alone is the column.
fn prefer_column(call: &mut HelperTemplate) {
    if let (true, Parameter::Path(handlebars::Path::Relative((_, raw)))) = (
        call.params.is_empty() && call.hash.is_empty(),
        &mut call.name,
    ) && helpers::signature(raw).is_some()
    {
        // Only the path's spelling is compared with helpers; its segments find the value.
        raw.insert_str(0, "this.");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn any_text_compiles_or_is_an_error() {
        for text in [
            "",
            " ",
            "\n",
            "\r\n \t",
            "{",
            "}}",
            "\\{{x}}",
            "{{!-- x --}}",
            "{{!}}",
        ] {
            assert!(setting("subject", text).is_ok(), "{text:?}");
        }
        for text in [
            "{{",
            "{{}}",
            "{{{x}}",
            "{{else}}",
            "{{/if}}",
            "{{#}}",
            "{{>}}",
            "{{upper \"}}",
            "{{#if}}{{else x}}",
        ] {
            assert!(setting("subject", text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn files_lose_their_byte_order_mark_and_must_be_utf8() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.hbs");
        fs::write(&path, "\u{feff}hello").unwrap();
        assert_eq!(
            file(&path).unwrap().template.elements,
            [TemplateElement::RawString("hello".into())]
        );

        fs::write(&path, b"fine\nfine\nna\xefve").unwrap();
        let error = file(&path).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{}:3: not UTF-8; save the template as UTF-8",
                path.display()
            )
        );

        let absent = folder.path().join("absent.hbs");
        let error = file(&absent).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot read {}", absent.display())
        );
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn partials_are_the_folders_hbs_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(partials(&folder.path().join("absent")).unwrap().is_empty());
        for name in ["header.hbs", "footer.txt.hbs", "notes.txt", ".hidden.hbs"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let names: Vec<_> = partials(folder.path()).unwrap().into_keys().collect();
        assert_eq!(names, ["footer.txt", "header"]);
    }
}
