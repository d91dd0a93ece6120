//! HTML templates with their images by Content-ID: what is known when they are loaded is replaced there, and what only a
//! row knows is marked, to be found in what is rendered.

use handlebars::Template;

use super::error::TemplateError;
use super::images::{references, unescaped};
use super::source::Source;
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
        let cid = cid.map_err(|problem| source.wrong(range.start, problem))?;
        replaced.push_str("cid:");
        replaced.push_str(&cid);
    }
    replaced.push_str(&text[done..]);
    Ok(Some(source.with_text(replaced)?.template))
}
