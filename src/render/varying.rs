//! An element of a template that renders the same, cells apart, for all rows that decide alike.
//!
//! A loop over the stories of `[vars]` that greets the recipient decides nothing by the row: it has one shape. An `{{#if}}`
//! has one for each answer, and a comparison one for each value, of which there may be many: some are kept.

use std::collections::{BTreeMap, HashMap};
use std::slice;
use std::sync::{Arc, PoisonError, RwLock};

use handlebars::template::TemplateElement;
use handlebars::{Context, Template};
use serde_json::Value;

use super::engine::Engine;
use super::includes::is_indented;
use super::names;
use super::shape::{self, Piece, Shape};

/// The entries of a row that are every row's.
const CAMPAIGNS: [&str; 2] = ["vars", "campaign"];
/// Shapes of an element that are kept at most, and octets of them.
const SHAPES: usize = 64;
const OCTETS: usize = 1 << 20;

/// What is known of an element before there is a row.
pub(super) enum Known {
    /// What it renders for every row.
    Same(Vec<Piece>),
    /// What decides.
    Varying(Varying),
    Nothing,
}

/// An element, and what it renders for whom.
#[derive(Debug)]
pub(super) struct Varying {
    element: usize,
    /// Entries of the row of which it matters whether they are empty.
    asked: Vec<String>,
    /// Those of which it matters what they are.
    weighed: Vec<String>,
    /// Those that are printed as they are.
    printed: Vec<String>,
    /// Whether a partial is indented in it: so are the lines of a cell there, and what stands behind an empty one.
    indented: bool,
    shapes: RwLock<Shapes>,
}

#[derive(Debug, Default)]
struct Shapes {
    /// By what decides; `None` where that is for Handlebars.
    known: HashMap<Vec<u8>, Option<Arc<Shape>>>,
    octets: usize,
}

/// Whether a name is that of a cell that is no list and no object, whatever the row.
pub(super) fn is_cell(name: &str, sample: &Context) -> bool {
    matches!(
        sample.data().get(name),
        Some(Value::String(_) | Value::Number(_))
    )
}

impl Known {
    /// Looks at an element of the template: `sample` is what any row looks like.
    pub(super) fn of(
        template: &Template,
        element: usize,
        engine: &Engine,
        partials: &BTreeMap<String, Template>,
        sample: &Context,
    ) -> Known {
        let mut alone = Template::default();
        alone.name.clone_from(&template.name);
        alone
            .elements
            .extend(template.elements.get(element).cloned());
        let uses = names::check(partials, slice::from_ref(&alone).iter(), sample.data());
        let Ok(mut uses) = uses else {
            return Known::Nothing;
        };
        for name in CAMPAIGNS {
            uses.named.remove(name);
            uses.weighed.remove(name);
            uses.asked.remove(name);
        }
        let mut all = uses.named.iter().chain(&uses.weighed);
        if !all.all(|name| is_cell(name, sample)) {
            return Known::Nothing;
        }
        let varying = Varying {
            element,
            printed: (uses.named.difference(&uses.weighed).cloned()).collect(),
            asked: (uses.asked.difference(&uses.weighed).cloned()).collect(),
            weighed: uses.weighed.into_iter().collect(),
            indented: is_indented(&alone, partials),
            shapes: RwLock::default(),
        };
        let decides = !varying.weighed.is_empty() || !varying.asked.is_empty();
        if decides {
            // What a helper makes of a cell hardly anybody else has.
            return match &alone.elements[..] {
                [TemplateElement::Expression(_) | TemplateElement::HtmlExpression(_)] => {
                    Known::Nothing
                }
                _ => Known::Varying(varying),
            };
        }
        match varying.pieces(engine, template, sample) {
            Some(pieces) if !varying.indented || pieces.iter().all(Piece::is_text) => {
                Known::Same(pieces)
            }
            Some(_) => Known::Varying(varying),
            None => Known::Nothing,
        }
    }
}

impl Varying {
    /// Its place in the template.
    pub(super) fn element(&self) -> usize {
        self.element
    }

    /// What it renders for this row; `None`: that is for Handlebars.
    pub(super) fn shape(
        &self,
        engine: &Engine,
        template: &Template,
        context: &Context,
    ) -> Option<Arc<Shape>> {
        let row = context.data();
        // JSON lines have other cells too, which decide otherwise.
        let text = |name: &String| row.get(name).and_then(Value::as_str);
        let is_bent =
            |name| text(name).is_none_or(|cell| cell.is_empty() || cell.contains(['\n', '\r']));
        if self.indented && self.printed.iter().any(is_bent) {
            return None;
        }
        let mut key = Vec::new();
        for name in &self.asked {
            key.push(u8::from(!text(name)?.is_empty()));
        }
        for name in &self.weighed {
            let value = text(name)?;
            key.extend_from_slice(&value.len().to_ne_bytes());
            key.extend_from_slice(value.as_bytes());
        }
        let shapes = self.shapes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shapes.known.get(&key) {
            return known.clone();
        }
        if shapes.known.len() >= SHAPES || shapes.octets >= OCTETS {
            return None;
        }
        drop(shapes);
        let shape = self.pieces(engine, template, context).map(Shape::new);
        let shape = shape.map(Arc::new);
        let mut shapes = self.shapes.write().unwrap_or_else(PoisonError::into_inner);
        shapes.octets += shape.as_ref().map_or(0, |shape| shape.octets());
        shapes.known.insert(key, shape.clone());
        shape
    }

    fn pieces(
        &self,
        engine: &Engine,
        template: &Template,
        context: &Context,
    ) -> Option<Vec<Piece>> {
        // An empty cell that is asked for is to be found empty.
        let row = context.data();
        let decided = |name: &&String| {
            self.asked.contains(name) && row.get(name.as_str()).and_then(Value::as_str) == Some("")
        };
        let marked: Vec<&String> = self.printed.iter().filter(|name| !decided(name)).collect();
        let of = |line_ended| {
            shape::pieces(engine, template, self.element, &marked, context, line_ended)
        };
        let pieces = of(false)?;
        // Where a partial is indented it matters what stands before.
        (!self.indented || of(true)? == pieces).then_some(pieces)
    }
}
