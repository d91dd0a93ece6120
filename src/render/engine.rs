//! Handlebars, as templates have it here: with helpers and partials, and what it prints escaped or not.

use handlebars::{Context, Handlebars, Output, RenderContext, Renderable, Template};

use super::error::RenderError;
use super::helpers;
use crate::message::Text;

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

    /// Renders the element of a template behind what is in `out`.
    ///
    /// # Errors
    /// A value that a helper cannot use, or an entry that this row does not have, with its place.
    pub(super) fn render<'a>(
        &'a self,
        template: &'a Template,
        element: usize,
        context: &'a Context,
        state: &mut RenderContext<'a, 'a>,
        out: &mut Text,
    ) -> Result<(), RenderError> {
        // Asked where a partial is indented.
        state.set_trailing_newline(out.ends_with(['\n', '\r']));
        let Some(found) = template.elements.get(element) else {
            return Ok(());
        };
        found
            .render(&self.handlebars, context, state, &mut Buffer(out))
            .map_err(|error| placed(error, template, element))
    }

    /// The whole template, by Handlebars alone.
    #[cfg(test)]
    pub(super) fn render_whole(
        &self,
        template: &Template,
        context: &Context,
        out: &mut Text,
    ) -> Result<(), RenderError> {
        let mut state = RenderContext::new(None);
        template
            .render(&self.handlebars, context, &mut state, &mut Buffer(out))
            .map_err(|error| RenderError::new(template.name.as_deref().unwrap_or_default(), &error))
    }

    /// Prints a cell as `{{name}}` does, or as `{{{name}}}`.
    pub(super) fn print(&self, cell: &str, raw: bool, out: &mut Text) {
        match self.escapes && !raw && is_special(cell) {
            true => out.push_str(&handlebars::html_escape(cell)),
            false => out.push_str(cell),
        }
    }
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
struct Buffer<'a>(&'a mut Text);

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
