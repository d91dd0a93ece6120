//! A recipient in, the rendered texts of one message out.
//!
//! Owns the templates, compiled once and checked against the list's columns. Pure after loading: no I/O, no clock.
//! Cells are data: what a cell holds is never a template, the name of a partial, or the name of a helper.
//!
//! `load` brings all of it together: `source` compiles (`mistake` says why not), `tags` finds tags in a text and `pieces` elements, `mjml` and `markdown` make HTML of what is written as such, `css` moves rules of style sheets into `style` attributes, `images` finds what HTML shows and `inline` gives it Content-IDs, `includes` knows which template includes which, `scope` and `names` check every name before
//! anything is sent, `context` is what a template sees of one row, `program` renders it: by `shape`s, what rows have in common cells apart (`varying`: what decides among them), and by the `engine`, Handlebars, `helpers` is what it can call, `depth` bounds what is nested, `looks` is what somebody should look at in rendered HTML.

mod context;
mod css;
mod depth;
mod engine;
mod error;
mod helpers;
mod images;
mod includes;
mod inline;
mod load;
mod looks;
mod markdown;
mod mistake;
mod mjml;
mod names;
mod parts;
mod pieces;
mod plain;
mod program;
mod scope;
mod shape;
mod source;
mod tags;
mod varying;

use handlebars::Context;

pub use error::{Place, RenderError, TemplateError};
pub use images::{is_file, unescaped};
pub use looks::{Looks, looks};
pub use names::Uses;
pub use parts::{AttachmentTexts, Rendered};

use crate::message::token::TokenKey;
use crate::message::{Identity, Text};
use crate::recipients::Recipient;
use engine::Engine;
use parts::Parts;
use program::Program;

/// What one thread renders on, message after message: the memory stays, and nothing else does.
#[derive(Debug)]
pub struct Sheet {
    context: Context,
    rendered: Rendered,
}

impl Default for Sheet {
    /// A sheet of no templates.
    fn default() -> Self {
        Sheet {
            context: Context::null(),
            rendered: Rendered::default(),
        }
    }
}

impl Sheet {
    /// The texts of the message that was last composed on it.
    pub fn rendered(&self) -> &Rendered {
        &self.rendered
    }
}

/// A campaign's templates, compiled and checked. One for all threads.
#[derive(Debug)]
pub struct Templates {
    /// For HTML: what is printed is escaped.
    escaping: Engine,
    /// What is printed stays as it is.
    plain: Engine,
    shape: context::Shape,
    parts: Parts<Program>,
    uses: Uses,
}

impl Templates {
    /// With the key that `unsubscribe_token` is signed with.
    #[must_use]
    pub fn with_token_key(mut self, key: Option<TokenKey>) -> Templates {
        self.shape.token_key = key;
        self
    }

    /// Makes every `unsubscribe_token` for this address, whoever's message it is in.
    pub fn make_tokens_for(&mut self, address: &str) {
        self.shape.token_for = Some(address.to_owned());
    }

    /// What they use of a row.
    pub fn uses(&self) -> &Uses {
        &self.uses
    }

    /// A sheet for [`Templates::render`].
    pub fn sheet(&self) -> Sheet {
        let empty = |_: &Program| Text::default();
        let mut rendered = self.parts.map(empty, empty);
        if rendered.text.is_none() && rendered.html.is_some() {
            rendered.text = Some(Text::default());
        }
        Sheet {
            context: self.shape.context(),
            rendered,
        }
    }

    /// Renders one recipient's message on a sheet of these templates.
    ///
    /// # Errors
    /// A value that a helper cannot use, or an entry that this row does not have: says which and where.
    /// Other rows are not concerned.
    pub fn render<'s>(
        &self,
        recipient: &Recipient,
        identity: &Identity,
        sheet: &'s mut Sheet,
    ) -> Result<&'s mut Rendered, RenderError> {
        let Sheet { context, rendered } = sheet;
        let (parts, plain) = (&self.parts, &self.plain);
        self.shape.fill(context, recipient, identity);
        for (program, out) in parts.unsubscribe.iter().zip(&mut rendered.unsubscribe) {
            program.render(plain, context, out)?;
            out.trim();
        }
        let mut links = rendered.unsubscribe.iter();
        if let Some(page) = links.find(|url| context::is_page(url)) {
            context::Shape::link(context, page);
        }
        let header = |(program, out): (&Program, &mut Text)| {
            program.render(plain, context, out)?;
            out.trim();
            Ok(())
        };
        let one = |program: &Option<Program>, out: &mut Option<Text>| {
            program.iter().zip(out).try_for_each(header)
        };
        let all =
            |programs: &[Program], out: &mut [Text]| programs.iter().zip(out).try_for_each(header);
        one(&parts.to, &mut rendered.to)?;
        all(&parts.cc, &mut rendered.cc)?;
        all(&parts.bcc, &mut rendered.bcc)?;
        header((&parts.subject, &mut rendered.subject))?;
        all(&parts.headers, &mut rendered.headers)?;
        one(&parts.envelope_from, &mut rendered.envelope_from)?;
        for (attachment, out) in parts.attachments.iter().zip(&mut rendered.attachments) {
            one(&attachment.path, &mut out.path)?;
            one(&attachment.name, &mut out.name)?;
            one(&attachment.media_type, &mut out.media_type)?;
        }
        if let (Some(program), Some(out)) = (&parts.html, &mut rendered.html) {
            program.render(&self.escaping, context, out)?;
        }
        match (&parts.text, &rendered.html, &mut rendered.text) {
            (Some(program), _, Some(out)) => program.render(plain, context, out)?,
            (None, Some(html), Some(out)) => {
                let mut text = String::new();
                plain::text_of(html, &mut text);
                out.set(text);
            }
            _ => {}
        }
        Ok(rendered)
    }
}

#[cfg(test)]
mod tests;
