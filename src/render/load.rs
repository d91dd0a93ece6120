//! A campaign's templates, read, checked, and made into what is rendered.

use std::collections::BTreeMap;
use std::path::PathBuf;

use handlebars::{Context, Template};
use serde_json::Value;

use super::engine::Engine;
use super::error::TemplateError;
use super::includes::reached;
use super::parts::{AttachmentParts, Parts};
use super::program::Program;
use super::source::Source;
use super::{Templates, context, css, inline, markdown, mjml, names, source};
use crate::campaign::Campaign;
use crate::enclose::Images;

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
            Ok(AttachmentParts {
                path: setting("attachments.path", &path)?,
                name: setting("attachments.name", &attachment.name)?,
                media_type: setting("attachments.type", &attachment.media_type)?,
            })
        });
        let unsubscribe = campaign.list.unsubscribe.iter();
        let unsubscribe = unsubscribe.map(|url| source::setting("list.unsubscribe", url));
        let file = |path: &Option<PathBuf>| path.as_deref().map(source::file).transpose();
        let (html, text) = (file(&message.html)?, file(&message.text)?);
        let parts = Parts {
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
        };
        let shape = context::Shape::new(campaign, columns, nested)?;
        let sources = source::partials(&campaign.dir.join("partials"))?;
        let partials: BTreeMap<_, _> = sources
            .iter()
            .map(|(name, source)| (name.clone(), source.template.clone()))
            .collect();
        let sample = shape.sample();
        let mut uses = names::check(&partials, parts.but_unsubscribe(), &sample)?;
        let without = shape.sample_without_link();
        let links = names::check(&partials, parts.unsubscribe.iter(), &without)?;
        uses.named.extend(links.named);
        uses.printed.extend(links.printed);
        uses.printed_of_rows.extend(links.printed_of_rows);

        let mut plain = Engine::plain();
        let mut page = Page {
            engine: Engine::escaping(),
            sample: &sample,
            html: None,
        };
        for (name, partial) in &partials {
            plain.register(name, partial.clone());
            page.engine.register(name, partial.clone());
        }
        if let Some(html) = html {
            page.make(html, &sources, images, message.inline_css)?;
        }
        let (escaping, html) = (page.engine, page.html);
        let sample = Context::from(sample);
        let program = |engine: &Engine, template: &Template| {
            Program::new(template.clone(), engine, &partials, &sample)
        };
        let parts = Parts { html, ..parts }.map(
            |html| program(&escaping, html),
            |other| program(&plain, other),
        );
        Ok(Templates {
            escaping,
            plain,
            shape,
            parts,
            uses,
        })
    }
}

/// The HTML as it becomes what is rendered.
struct Page<'a> {
    /// What has its partials.
    engine: Engine,
    sample: &'a Value,
    html: Option<Template>,
}

impl Page<'_> {
    /// Makes the HTML template what is rendered: HTML, with its styles in attributes, and its images by Content-ID.
    fn make(
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
            names::check(&all.collect(), [&page.template].into_iter(), self.sample)?;
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
                self.engine.register(name, template);
            }
            page = inlined.page;
            changed = Some(inlined.partials);
        }
        if is_mjml {
            page = mjml::finished(&page)?;
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
        for name in reached(&html.template, partial) {
            let Some(source) = partials.get(name) else {
                continue;
            };
            if let Some(inlined) = inline::inlined(source, images)? {
                self.engine.register(name, inlined);
            }
        }
        Ok(())
    }
}
