//! HTML templates with their images by Content-ID: what is known when they are loaded is replaced there, and what only a
//! row knows is marked, to be found in what is rendered.

use std::collections::BTreeSet;

use handlebars::Template;
use handlebars::template::TemplateElement;

use super::error::{Place, TemplateError};
use super::images::{references, unescaped};
use super::source::{self, Source};
use crate::enclose::Images;

/// The template of an HTML source whose images have their Content-IDs; `None` when it names no image.
pub(super) fn inlined(
    source: &Source,
    images: &mut Images,
) -> Result<Option<Template>, TemplateError> {
    let text = source.text.as_str();
    let references = references(text);
    if references.is_empty() {
        return Ok(None);
    }
    let mut replaced = String::with_capacity(text.len() + 64 * references.len());
    let mut done = 0;
    for range in references {
        replaced.push_str(&text[done..range.start]);
        done = range.end;
        let value = &text[range.clone()];
        if value.contains("{{") {
            let (open, close) = images.marks();
            replaced.extend([open, value, close]);
            continue;
        }
        let cid = images.fixed(&unescaped(value));
        let cid = cid.map_err(|problem| TemplateError::Wrong {
            place: Place {
                template: source.name.clone(),
                position: Some(position(text, range.start)),
            },
            problem,
        })?;
        replaced.push_str("cid:");
        replaced.push_str(&cid);
    }
    replaced.push_str(&text[done..]);
    let replaced = source::compile(source.name.clone(), &replaced)?;
    // With the tags as they were, errors keep the places that the author sees.
    let mut template = source.template.clone();
    graft(&mut template, &replaced);
    Ok(Some(template))
}

/// Takes the static texts of `from`, which has the same tags.
fn graft(into: &mut Template, from: &Template) {
    for (element, from) in into.elements.iter_mut().zip(&from.elements) {
        match (element, from) {
            (TemplateElement::RawString(text), TemplateElement::RawString(from)) => {
                text.clone_from(from);
            }
            (TemplateElement::HelperBlock(call), TemplateElement::HelperBlock(from)) => {
                let branches = call.template.iter_mut().zip(&from.template);
                branches.for_each(|(into, from)| graft(into, from));
                let branches = call.inverse.iter_mut().zip(&from.inverse);
                branches.for_each(|(into, from)| graft(into, from));
            }
            (TemplateElement::DecoratorBlock(call), TemplateElement::DecoratorBlock(from))
            | (TemplateElement::PartialBlock(call), TemplateElement::PartialBlock(from)) => {
                let inner = call.template.iter_mut().zip(&from.template);
                inner.for_each(|(into, from)| graft(into, from));
            }
            _ => {}
        }
    }
}

/// Line and column of a byte, both counted from 1, the column in characters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (1 + before.matches('\n').count(), 1 + line.chars().count())
}

/// The names of the partials that rendering `from` may include, directly or not.
pub(super) fn reached<'a>(
    from: &'a Template,
    partial: impl Fn(&str) -> Option<&'a Template>,
) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    let mut open = vec![from];
    while let Some(template) = open.pop() {
        super::includes::visit(template, &mut |element| {
            if let TemplateElement::PartialExpression(call) | TemplateElement::PartialBlock(call) =
                element
                && let Some(name) = call.name.as_name()
                && names.insert(name)
            {
                open.extend(partial(name));
            }
            true
        });
    }
    names
}
