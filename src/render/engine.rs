//! One template and one row in, a text out.
//!
//! Most of a message is text that stands as it is, and cells that are printed: those are laid here, and Handlebars is asked
//! for the rest, element by element. Its general way to a name's value costs several times what all else of a text costs.

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{Context, Handlebars, Output, Path, PathSeg, RenderContext, Renderable, Template};
use serde_json::Value;

use super::error::RenderError;
use super::helpers::{self, signature};

/// Helpers and partials, and how values are printed.
#[derive(Debug)]
pub(super) struct Engine {
    handlebars: Handlebars<'static>,
    escapes: bool,
}

impl Engine {
    /// What `{{name}}` prints is escaped for HTML.
    pub(super) fn escaping() -> Self {
        let mut handlebars = helpers::registry();
        handlebars.register_escape_fn(escape);
        Engine {
            handlebars,
            escapes: true,
        }
    }

    /// What is printed stays as it is.
    pub(super) fn plain() -> Self {
        let mut handlebars = helpers::registry();
        handlebars.register_escape_fn(handlebars::no_escape);
        Engine {
            handlebars,
            escapes: false,
        }
    }

    /// Lets `{{> name}}` stand for the template.
    pub(super) fn register(&mut self, name: &str, partial: Template) {
        self.handlebars.register_template(name, partial);
    }

    /// Renders the template into `out`, in place of what is there.
    ///
    /// # Errors
    /// A value that a helper cannot use, or an entry that this row does not have.
    pub(super) fn render(
        &self,
        template: &Template,
        context: &Context,
        out: &mut String,
    ) -> Result<(), RenderError> {
        self.render_after(false, template, context, out)
    }

    /// As [`Engine::render`], of what stands behind a text: `line_ended` is whether that ends in a line break.
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub(super) fn render_after(
        &self,
        line_ended: bool,
        template: &Template,
        context: &Context,
        out: &mut String,
    ) -> Result<(), RenderError> {
        out.clear();
        let mut state = RenderContext::new(None);
        state.set_trailing_newline(line_ended);
        for (at, element) in template.elements.iter().enumerate() {
            let before = out.len();
            match Printed::by(element, context) {
                Some(Printed::AsItIs(text)) => out.push_str(text),
                Some(Printed::Cell(cell)) if self.escapes && is_special(cell) => {
                    out.push_str(&handlebars::html_escape(cell));
                }
                Some(Printed::Cell(cell)) => out.push_str(cell),
                None => {
                    element
                        .render(&self.handlebars, context, &mut state, &mut Buffer(out))
                        .map_err(|error| placed(error, template, at))?;
                    continue;
                }
            }
            // Handlebars asks it where a partial is indented.
            if out.len() > before {
                state.set_trailing_newline(out.ends_with(['\n', '\r']));
            }
        }
        Ok(())
    }
}

/// What an element prints, where that is plain.
enum Printed<'a> {
    AsItIs(&'a str),
    Cell(&'a str),
}

impl<'a> Printed<'a> {
    fn by(element: &'a TemplateElement, context: &'a Context) -> Option<Self> {
        match element {
            TemplateElement::RawString(text) => Some(Printed::AsItIs(text)),
            TemplateElement::HtmlExpression(call) => value(call, context).map(Printed::AsItIs),
            TemplateElement::Expression(call) => value(call, context).map(Printed::Cell),
            _ => None,
        }
    }
}

/// The text that `{{name}}` or `{{name.entry}}` stands for, where it is one.
fn value<'a>(call: &HelperTemplate, context: &'a Context) -> Option<&'a str> {
    let Parameter::Path(Path::Relative((segments, name))) = &call.name else {
        return None;
    };
    if call.block || !call.params.is_empty() || !call.hash.is_empty() || signature(name).is_some() {
        return None;
    }
    let mut value = context.data();
    for segment in segments {
        let (PathSeg::Named(name), Value::Object(object)) = (segment, value) else {
            return None;
        };
        value = object.get(name)?;
    }
    value.as_str()
}

/// The error with its place, unless it has one: that of an element within this one.
fn placed(mut error: handlebars::RenderError, template: &Template, element: usize) -> RenderError {
    if error.line_no.is_none()
        && let Some(place) = template.mapping.get(element)
    {
        (error.line_no, error.column_no) = (Some(place.0), Some(place.1));
    }
    if error.template_name.is_none() {
        error.template_name.clone_from(&template.name);
    }
    RenderError::new(template.name.as_deref().unwrap_or_default(), &error)
}

/// Handlebars' own is made anew for each text.
struct Buffer<'a>(&'a mut String);

impl Output for Buffer<'_> {
    fn write(&mut self, text: &str) -> Result<(), std::io::Error> {
        self.0.push_str(text);
        Ok(())
    }
}

/// Whether it holds what is escaped: most cells do not, which is found sooner than escaped character by character.
fn is_special(cell: &str) -> bool {
    let special = |byte: &u8| matches!(byte, b'&' | b'"' | b'<' | b'>' | b'\'' | b'`' | b'=');
    cell.as_bytes().iter().any(special)
}

fn escape(cell: &str) -> String {
    match is_special(cell) {
        true => handlebars::html_escape(cell),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::render::constant;

    /// What templates are made of; some of it goes wrong.
    const PIECES: &[&str] = &[
        "text, ",
        "a <b>line</b>\n",
        "\n  ",
        "é=\r\n",
        "{{name}}",
        "{{{name}}}",
        "{{&name}}",
        "{{~name~}} ",
        "{{markup}}",
        "{{{markup}}}",
        "{{empty}}",
        "{{[first name]}}",
        "{{vars.a}}",
        "{{vars.of.b}}",
        "{{vars}}",
        "{{vars.list}}",
        "{{vars.list.[0]}}",
        "{{count}}",
        "{{yes}}",
        "{{nothing}}",
        "{{this.name}}",
        "{{./name}}",
        "{{@root.name}}",
        "{{true}}",
        "{{upper name}}",
        "{{upper missing}}",
        "{{lookup vars \"a\"}}",
        "{{len}}",
        "{{len name}}",
        "{{date}}",
        "{{number name}}",
        "\\{{name}}",
        "{{! a comment }}",
        "{{#if name}}yes {{name}}{{else}}no{{/if}}",
        "{{#if empty}}yes{{else}}no {{markup}}{{/if}}\n",
        "{{#each vars.list}}{{@index}}{{this}},{{/each}}",
        "{{#with vars.of}}{{b}}{{../name}}{{/with}}",
        "{{#each vars.list}}{{missing}}{{/each}}",
        "{{#each vars.list}}{{../name}}{{@root.markup}}{{/each}}",
        "{{#each vars.list}}\n\t{{> story}}\n{{/each}}",
        "{{> story}}\n",
        "  {{> outer}}\n",
        "\t{{> outest}}\n",
        "{{> outer}}",
        "{{#if name}}\nyes\n{{/if}}\n",
        "{{#each vars.list}}\n  {{> outer}}\n{{/each}}\n",
        "  {{> story vars.a}}\n",
        "{{#each this}}{{@key}}{{/each}}",
        "{{#with this}}{{name}}{{/with}}",
        "{{#with vars as |v|}}{{v.a}}{{/with}}",
        "{{#if (eq vars.a name)}}x{{/if}}",
        "{{default vars.nothing name}}",
        "{{lookup this \"name\"}}",
        "{{upper vars.a}}",
        "{{number vars.a}}",
        "{{missing}}",
        "{{vars.missing}}",
        "{{name.missing}}",
        "{{> page}}\n",
        "  {{> page}}\n",
        "{{> page}}",
        "{{name}} {{> page}} ",
        "\t{{> nested}}\n",
        "{{> nested}}",
        "{{#*inline \"own\"}}own {{name}}{{/inline}}",
        "{{#if name}}  {{> own}}\n{{/if}}",
    ];

    fn row() -> Value {
        json!({
            "name": "Anna",
            "markup": "<i>\"Q\" & 'A'</i> `=`",
            "empty": "",
            "first name": "Anna-Lena",
            "count": 3,
            "yes": true,
            "nothing": null,
            "len": "a column",
            "date": "2026-11-20",
            "vars": { "a": "A & B", "of": { "b": "C" }, "list": ["x", 1] },
        })
    }

    /// Another row of the same campaign.
    fn sample() -> Context {
        let mut sample = row();
        for (name, value) in sample.as_object_mut().unwrap() {
            if name != "vars" {
                *value = json!("");
            }
        }
        Context::from(sample)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn it_renders_what_handlebars_renders(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..8)) {
            let text = pieces.concat();
            let template = Template::compile_with_name(&text, "t".to_owned()).unwrap();
            let context = Context::from(row());
            for mut engine in [Engine::escaping(), Engine::plain()] {
                let mut partials = BTreeMap::new();
                for (name, text) in [
                    ("story", "story {{this}} of {{@root.vars.a}}"),
                    ("inner", "{{name}} first\nsecond\n"),
                    ("outer", "{{> inner}}\n"),
                    ("outest", "{{#if name}}\n{{> inner}}\n{{/if}}\n"),
                    ("page", "page\n{{markup}}\n{{#if name}}\n  in {{name}}\n{{/if}}"),
                    ("nested", "nested\n  {{> page}}\n{{name}}"),
                ] {
                    let partial = Template::compile(text).unwrap();
                    engine.register(name, partial.clone());
                    partials.insert(name.to_owned(), partial);
                }
                let (mut expected, mut found) = (String::new(), String::new());
                let mut state = RenderContext::new(None);
                let right = template
                    .render(&engine.handlebars, &context, &mut state, &mut Buffer(&mut expected))
                    .map_err(|error| RenderError::new("t", &error).to_string());
                let rendered = engine.render(&template, &context, &mut found);
                let rendered = rendered.map_err(|error| error.to_string());
                prop_assert_eq!((&rendered, &found), (&right, &expected), "{}", text);
                let mut folded = template.clone();
                constant::fold(&mut folded, &engine, &partials, &sample());
                let rendered = engine.render(&folded, &context, &mut found);
                let rendered = rendered.map_err(|error| error.to_string());
                prop_assert_eq!((&rendered, &found), (&right, &expected), "{} folded", text);
            }
        }
    }
}
