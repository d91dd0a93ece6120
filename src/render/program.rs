//! One template, laid out for rendering: a row in, a text out.
//!
//! Most of a message is text that stands as it is, and cells that are printed. What an element makes of the campaign alone
//! is found out when the template is loaded, and what it makes of rows that decide alike, once for all of these; Handlebars
//! is asked for the rest. Its general way to a name's value costs several times what all else of a text costs.

use std::collections::BTreeMap;
use std::mem;

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{Context, Path, PathSeg, RenderContext, Template};

use super::engine::Engine;
use super::error::RenderError;
use super::helpers::signature;
use super::includes::has_inlines;
use super::shape::{Piece, Shape};
use super::varying::{Known, Varying, is_cell};
use crate::message::Text;

/// A template, and what is known of what it renders.
#[derive(Debug)]
pub(super) struct Program {
    template: Template,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    /// The same for every row, cells apart.
    Same(Shape),
    /// An element that renders the same, cells apart, for rows that decide alike.
    Varying(Varying),
    /// An element for Handlebars.
    Element(usize),
}

impl Program {
    /// Of this template: `sample` is what any row looks like, and `partials` are those that `engine` has, or what they
    /// were made of.
    pub(super) fn new(
        template: Template,
        engine: &Engine,
        partials: &BTreeMap<String, Template>,
        sample: &Context,
    ) -> Program {
        // An inline partial stands for what it is at its place: nothing is rendered alone then as it is among the others.
        let has_inlines = partials.values().chain([&template]).any(has_inlines);
        let (mut same, mut steps) = (Vec::new(), Vec::new());
        for (at, element) in template.elements.iter().enumerate() {
            let step = match plain(element, sample) {
                Some(piece) => {
                    same.push(piece);
                    continue;
                }
                None if has_inlines => Step::Element(at),
                None => match Known::of(&template, at, engine, partials, sample) {
                    Known::Same(pieces) => {
                        same.extend(pieces);
                        continue;
                    }
                    Known::Varying(varying) => Step::Varying(varying),
                    Known::Nothing => Step::Element(at),
                },
            };
            steps.push(Step::Same(Shape::new(mem::take(&mut same))));
            steps.push(step);
        }
        steps.push(Step::Same(Shape::new(same)));
        Program { template, steps }
    }

    /// Renders the template into `out`, in place of what is there.
    ///
    /// # Errors
    /// A value that a helper cannot use, or an entry that this row does not have.
    pub(super) fn render(
        &self,
        engine: &Engine,
        context: &Context,
        out: &mut Text,
    ) -> Result<(), RenderError> {
        out.clear();
        let mut state = None;
        for step in &self.steps {
            let element = match step {
                Step::Same(shape) => {
                    shape.lay(engine, context, out);
                    continue;
                }
                Step::Varying(varying) => {
                    if let Some(shape) = varying.shape(engine, &self.template, context) {
                        shape.lay(engine, context, out);
                        continue;
                    }
                    varying.element()
                }
                Step::Element(element) => *element,
            };
            let state = state.get_or_insert_with(|| RenderContext::new(None));
            engine.render(&self.template, element, context, state, out)?;
        }
        Ok(())
    }
}

/// What an element is that is no more than a text or a cell.
fn plain(element: &TemplateElement, sample: &Context) -> Option<Piece> {
    let raw = matches!(element, TemplateElement::HtmlExpression(_));
    match element {
        TemplateElement::RawString(text) => Some(Piece::Text(text.clone())),
        TemplateElement::Comment(_) => Some(Piece::Text(String::new())),
        TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
            let name = cell(call, sample)?.to_owned();
            Some(Piece::Cell { name, raw })
        }
        _ => None,
    }
}

/// The name in `{{name}}`, where it is a cell's.
fn cell<'a>(call: &'a HelperTemplate, sample: &Context) -> Option<&'a str> {
    let Parameter::Path(Path::Relative((segments, name))) = &call.name else {
        return None;
    };
    let is_call = !call.params.is_empty() || !call.hash.is_empty() || signature(name).is_some();
    match segments.as_slice() {
        [PathSeg::Named(name)] if !is_call && is_cell(name, sample) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
