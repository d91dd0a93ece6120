//! A recipient in, the rendered texts of one message out.
//!
//! Owns the templates, compiled once and checked against the list's columns. Pure after loading: no I/O, no clock.
//! Cells are data: what a cell holds is never a template, the name of a partial, or the name of a helper.
//!
//! `source` compiles (`mistake` says why not), `tags` finds tags in a text and `pieces` elements, `mjml` and `markdown` make HTML of what is written as such, `css` moves rules of style sheets into `style` attributes, `images` finds what HTML shows and `inline` gives it Content-IDs, `includes` knows which template includes which, `scope` and `names` check every name before
//! anything is sent, `context` is what a template sees of one row, `engine` renders it, `constant` what is the same in all rows, once, `helpers` is what it can call, `depth` bounds what is nested, `looks` is what somebody should look at in rendered HTML.

mod constant;
mod context;
mod css;
mod depth;
mod engine;
mod error;
mod helpers;
mod images;
mod includes;
mod inline;
mod looks;
mod markdown;
mod mistake;
mod mjml;
mod names;
mod pieces;
mod plain;
mod scope;
mod source;
mod tags;

use std::collections::BTreeMap;
use std::path::PathBuf;

use handlebars::{Context, Template};

pub use error::{Place, RenderError, TemplateError};
pub use images::{is_file, unescaped};
pub use looks::{Looks, looks};
pub use names::Uses;

use crate::campaign::Campaign;
use crate::enclose::Images;
use crate::message::Identity;
use crate::message::token::TokenKey;
use crate::recipients::Recipient;
use engine::Engine;
use source::Source;

/// The texts of one message, rendered, not yet encoded. Values for headers are trimmed at their ends
/// and may still hold characters that no header may have: `message` refuses those.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// The To header, when the campaign has a template for it.
    pub to: Option<String>,
    /// What each of the campaign's `cc` gives, in their order.
    pub cc: Vec<String>,
    /// The same of `bcc`.
    pub bcc: Vec<String>,
    /// The subject.
    pub subject: String,
    /// Values of the campaign's own headers, in the order of the settings.
    pub headers: Vec<String>,
    /// The envelope sender, when the campaign has a template for it.
    pub envelope_from: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// The text part.
    pub text: Option<String>,
    /// The URLs of `unsubscribe`.
    pub unsubscribe: Vec<String>,
    /// What the attachments' templates give, in the order of the settings.
    pub attachments: Vec<AttachmentTexts>,
}

/// One attachment's texts, trimmed as values for headers are; `None` where the campaign has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttachmentTexts {
    /// The path, where the campaign's is a template with tags.
    pub path: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The media type.
    pub media_type: Option<String>,
}

/// What one thread renders on, message after message: the memory stays, and nothing else does.
#[derive(Debug)]
pub struct Sheet {
    context: Context,
    rendered: Rendered,
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
    to: Option<Template>,
    cc: Vec<Template>,
    bcc: Vec<Template>,
    subject: Template,
    headers: Vec<Template>,
    envelope_from: Option<Template>,
    html: Option<Template>,
    /// Without one, the text is made from the HTML.
    text: Option<Template>,
    unsubscribe: Vec<Template>,
    /// Path, name and type of each attachment.
    attachments: Vec<[Option<Template>; 3]>,
    uses: Uses,
}

impl Templates {
    /// Reads and compiles the templates of the campaign and its `partials/*.hbs`, and checks every name in
    /// them against the columns of the list and what mailrun itself gives. Images that the HTML names are read into
    /// `images`, and shown by Content-ID. What lies inside a column whose cells may be lists or objects (`nested`, by its
    /// place) is known only from row to row.
    ///
    /// # Errors
    /// A file that cannot be read or is not UTF-8, wrong syntax, a name of a column, variable, helper or
    /// partial that does not exist, partials that include each other without end, an image that cannot be read, a
    /// column with the name of a built-in value. Each says where.
    pub fn load(
        campaign: &Campaign,
        columns: &[String],
        nested: impl Fn(usize) -> bool,
        images: &mut Images,
    ) -> Result<Templates, TemplateError> {
        let message = &campaign.message;
        let setting = |key: &str, text: &Option<String>| {
            text.as_ref()
                .map(|text| source::setting(key, text))
                .transpose()
        };
        let all = |key: &str, texts: &[String]| {
            let templates = texts.iter().map(|text| source::setting(key, text));
            templates.collect::<Result<Vec<_>, _>>()
        };
        let headers = message
            .headers
            .iter()
            .map(|(name, value)| source::setting(&format!("headers.{name}"), value));
        let attachments = message.attachments.iter().map(|attachment| {
            // The path that everybody has is read before, and may hold anything.
            let path = (!attachment.is_fixed()).then(|| attachment.path.clone());
            Ok([
                setting("attachments.path", &path)?,
                setting("attachments.name", &attachment.name)?,
                setting("attachments.type", &attachment.media_type)?,
            ])
        });
        let unsubscribe = campaign.list.unsubscribe.iter();
        let unsubscribe = unsubscribe.map(|url| source::setting("list.unsubscribe", url));
        let file = |path: &Option<PathBuf>| path.as_deref().map(source::file).transpose();
        let (html, text) = (file(&message.html)?, file(&message.text)?);
        let mut templates = Templates {
            escaping: Engine::escaping(),
            plain: Engine::plain(),
            shape: context::Shape::new(campaign, columns, nested)?,
            to: setting("to", &message.to)?,
            cc: all("cc", &message.cc)?,
            bcc: all("bcc", &message.bcc)?,
            subject: source::setting("subject", &message.subject)?,
            headers: headers.collect::<Result<_, _>>()?,
            envelope_from: setting("envelope_from", &message.envelope_from)?,
            html: html.as_ref().map(|html| html.template.clone()),
            text: text.map(|text| text.template),
            unsubscribe: unsubscribe.collect::<Result<_, _>>()?,
            attachments: attachments.collect::<Result<_, _>>()?,
            uses: Uses::default(),
        };
        let sources = source::partials(&campaign.dir.join("partials"))?;
        let partials: BTreeMap<_, _> = sources
            .iter()
            .map(|(name, source)| (name.clone(), source.template.clone()))
            .collect();
        let mut uses = names::check(&partials, templates.all(), &templates.shape.sample())?;
        let sample = templates.shape.sample_without_link();
        let links = names::check(&partials, templates.unsubscribe.iter(), &sample)?;
        uses.named.extend(links.named);
        uses.printed.extend(links.printed);
        uses.printed_of_rows.extend(links.printed_of_rows);
        templates.uses = uses;

        for (name, partial) in &partials {
            templates.escaping.register(name, partial.clone());
            templates.plain.register(name, partial.clone());
        }
        if let Some(html) = html {
            templates.page(html, &sources, images, message.inline_css)?;
        }
        let sample = templates.shape.context();
        if let Some(html) = &mut templates.html {
            constant::fold(html, &templates.escaping, &partials, &sample);
        }
        if let Some(text) = &mut templates.text {
            constant::fold(text, &templates.plain, &partials, &sample);
        }
        Ok(templates)
    }

    /// Makes the HTML template what is rendered: HTML, with its styles in attributes, and its images by Content-ID.
    fn page(
        &mut self,
        written: Source,
        partials: &BTreeMap<String, Source>,
        images: &mut Images,
        inline_css: bool,
    ) -> Result<(), TemplateError> {
        let mut page = written;
        let is_mjml = page.name.ends_with(".mjml.hbs");
        if is_mjml {
            page = mjml::to_html(&page, partials, inline_css, |path| {
                images.fixed(path).map(drop)
            })?;
            // What stands for all of its elements there stands for each here, where a name may be another's.
            let all = partials
                .iter()
                .map(|(name, source)| (name.clone(), source.template.clone()));
            names::check(
                &all.collect(),
                [&page.template].into_iter(),
                &self.shape.sample(),
            )?;
        } else if page.name.ends_with(".md.hbs") {
            page.text = markdown::to_html(&page.text);
            page.template = source::compile(page.name.clone(), &page.text)?;
            page.written = false;
            source::forget_places(&mut page.template);
        }
        self.html = Some(page.template.clone());
        // Before the text changes: a mistake is told where its author sees it.
        self.inline(&page, partials, images)?;
        let inlined = match inline_css {
            true => css::inlined(&page, partials, is_mjml.then_some(mjml::INLINE))?,
            false => None,
        };
        let mut changed = None;
        if let Some(inlined) = inlined {
            for (name, source) in &inlined.partials {
                let template = source.template.clone();
                self.escaping.register(name, template);
            }
            page = inlined.page;
            changed = Some(inlined.partials);
        }
        if is_mjml {
            page = mjml::without_marks(&page)?;
        } else if changed.is_none() {
            return Ok(());
        }
        self.html = Some(page.template.clone());
        self.inline(&page, changed.as_ref().unwrap_or(partials), images)
    }

    /// Puts HTML whose images have Content-IDs in place of what names files: the template, and the partials it includes.
    fn inline(
        &mut self,
        html: &Source,
        partials: &BTreeMap<String, Source>,
        images: &mut Images,
    ) -> Result<(), TemplateError> {
        if let Some(inlined) = inline::inlined(html, images)? {
            self.html = Some(inlined);
        }
        let partial = |name: &str| partials.get(name).map(|source| &source.template);
        for name in inline::reached(&html.template, partial) {
            let Some(source) = partials.get(name) else {
                continue;
            };
            if let Some(inlined) = inline::inlined(source, images)? {
                self.escaping.register(name, inlined);
            }
        }
        Ok(())
    }

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

    fn all(&self) -> impl Iterator<Item = &Template> + Clone {
        let settings = self.to.iter().chain([&self.subject]).chain(&self.headers);
        settings
            .chain(self.cc.iter().chain(&self.bcc))
            .chain(&self.envelope_from)
            .chain(&self.html)
            .chain(&self.text)
            .chain(self.attachments.iter().flatten().flatten())
    }

    /// A sheet for [`Templates::render`].
    pub fn sheet(&self) -> Sheet {
        let empty = |template: &Option<Template>| template.as_ref().map(|_| String::new());
        Sheet {
            context: self.shape.context(),
            rendered: Rendered {
                to: empty(&self.to),
                cc: vec![String::new(); self.cc.len()],
                bcc: vec![String::new(); self.bcc.len()],
                subject: String::new(),
                headers: vec![String::new(); self.headers.len()],
                envelope_from: empty(&self.envelope_from),
                html: empty(&self.html),
                text: empty(&self.text).or(empty(&self.html)),
                unsubscribe: vec![String::new(); self.unsubscribe.len()],
                attachments: self
                    .attachments
                    .iter()
                    .map(|[path, name, media_type]| AttachmentTexts {
                        path: empty(path),
                        name: empty(name),
                        media_type: empty(media_type),
                    })
                    .collect(),
            },
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
        self.shape.fill(context, recipient, identity);
        for (template, out) in self.unsubscribe.iter().zip(&mut rendered.unsubscribe) {
            self.plain.render(template, context, out)?;
            trim(out);
        }
        let page = rendered
            .unsubscribe
            .iter()
            .find(|url| context::is_page(url));
        if let Some(page) = page {
            context::Shape::link(context, page);
        }
        let header = |template: &Template, out: &mut String| {
            self.plain.render(template, context, out)?;
            trim(out);
            Ok(())
        };
        let one = |template: &Option<Template>, out: &mut Option<String>| match (template, out) {
            (Some(template), Some(out)) => header(template, out),
            (_, _) => Ok(()),
        };
        one(&self.to, &mut rendered.to)?;
        for (template, out) in self.cc.iter().zip(&mut rendered.cc) {
            header(template, out)?;
        }
        for (template, out) in self.bcc.iter().zip(&mut rendered.bcc) {
            header(template, out)?;
        }
        header(&self.subject, &mut rendered.subject)?;
        for (template, out) in self.headers.iter().zip(&mut rendered.headers) {
            header(template, out)?;
        }
        one(&self.envelope_from, &mut rendered.envelope_from)?;
        for ([path, name, media_type], out) in
            self.attachments.iter().zip(&mut rendered.attachments)
        {
            one(path, &mut out.path)?;
            one(name, &mut out.name)?;
            one(media_type, &mut out.media_type)?;
        }
        if let (Some(template), Some(out)) = (&self.html, &mut rendered.html) {
            self.escaping.render(template, context, out)?;
        }
        match (&self.text, &rendered.html, &mut rendered.text) {
            (Some(template), _, Some(out)) => self.plain.render(template, context, out)?,
            (None, Some(html), Some(out)) => plain::text_of(html, out),
            _ => {}
        }
        Ok(rendered)
    }
}

/// Takes white space and line breaks off the ends.
fn trim(value: &mut String) {
    value.truncate(value.trim_end().len());
    let before = value.len() - value.trim_start().len();
    value.drain(..before);
}

#[cfg(test)]
mod tests;
