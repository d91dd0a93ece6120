//! Which template includes which, so that none includes itself without end, nor so many that each nests in the one before that
//! rendering uses up the stack.
//!
//! Handlebars notices only a template that includes itself directly.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::Template;
use handlebars::template::{DecoratorTemplate, Parameter, TemplateElement};
use serde_json::Value;

use super::depth::DEEPEST;

/// What `{{> name}}` can mean: the files, and every `{{#*inline "name"}}` of any template.
#[derive(Debug, Default)]
pub(super) struct Includes<'a> {
    by_name: BTreeMap<&'a str, Vec<&'a Template>>,
}

impl<'a> Includes<'a> {
    pub(super) fn new(
        partials: &'a BTreeMap<String, Template>,
        templates: impl Iterator<Item = &'a Template>,
    ) -> Includes<'a> {
        let mut includes = Includes::default();
        for (name, body) in partials {
            includes.add(name, body);
        }
        for template in partials.values().chain(templates) {
            visit(template, &mut |element| {
                if let TemplateElement::DecoratorBlock(inline) = element
                    && let (Some(name), Some(body)) = (inline_name(inline), &inline.template)
                {
                    includes.add(name, body);
                }
                true
            });
        }
        includes
    }

    fn add(&mut self, name: &'a str, body: &'a Template) {
        self.by_name.entry(name).or_default().push(body);
    }

    /// What the name stands for: one file or inline at most is rendered, and any may be the one.
    pub(super) fn get(&self, name: &str) -> &[&'a Template] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.by_name.keys().copied()
    }

    /// Whether rendering any of these, and of what they include, comes to an end, before it uses up the stack: blocks and
    /// includes count where they stand in each other, in whatever files.
    pub(super) fn measure(
        &self,
        templates: impl Iterator<Item = &'a Template>,
    ) -> Result<(), Endless<'a>> {
        let mut measure = Measure {
            includes: self,
            way: Vec::new(),
            known: BTreeMap::new(),
        };
        for name in self.by_name.keys() {
            measure.included(name)?;
        }
        for template in templates {
            let place = (template, None);
            measure.template(template, 0, place)?;
        }
        Ok(())
    }
}

/// What would be rendered without end, or too deep for the stack.
#[derive(Debug, PartialEq)]
pub(super) enum Endless<'a> {
    /// A way round that ends where it began: names, the first one again at the end.
    Cycle(Vec<&'a str>),
    /// More than [`DEEPEST`]: the template, and the line and column in it, of what goes beyond.
    Deep(Place<'a>),
}

/// A template, and the line and column of something in it.
type Place<'a> = (&'a Template, Option<(usize, usize)>);

struct Measure<'a, 'i> {
    includes: &'i Includes<'a>,
    /// The names at whose bodies it is, each in the one before.
    way: Vec<&'a str>,
    /// How deep what is rendered for a name nests.
    known: BTreeMap<&'a str, usize>,
}

impl<'a> Measure<'a, '_> {
    /// How deep what is rendered for the name nests.
    fn included(&mut self, name: &str) -> Result<usize, Endless<'a>> {
        let Some((&name, bodies)) = self.includes.by_name.get_key_value(name) else {
            return Ok(0);
        };
        if let Some(depth) = self.known.get(name) {
            return Ok(*depth);
        }
        if let Some(start) = self.way.iter().position(|earlier| *earlier == name) {
            let way = self.way[start..].iter().copied().chain([name]);
            return Err(Endless::Cycle(way.collect()));
        }
        self.way.push(name);
        let mut deepest = 0;
        for body in bodies {
            if self.way.len() > DEEPEST + 1 {
                return Err(Endless::Deep((body, None)));
            }
            deepest = deepest.max(self.template(body, 0, (body, None))?);
        }
        self.way.pop();
        self.known.insert(name, deepest);
        Ok(deepest)
    }

    /// How deep the template nests, which stands so deep itself.
    fn template(
        &mut self,
        template: &'a Template,
        depth: usize,
        place: Place<'a>,
    ) -> Result<usize, Endless<'a>> {
        let mut deepest = depth;
        for (index, element) in template.elements.iter().enumerate() {
            // The branches of `else if` have no position of their own: the block's is the nearest.
            let at = template.mapping.get(index).map(|at| (at.0, at.1));
            let place = (place.0, at.or(place.1));
            let mut inner = Vec::new();
            let mut within = depth + 1;
            match element {
                TemplateElement::HelperBlock(call) => {
                    inner.extend(call.template.iter().chain(&call.inverse));
                }
                TemplateElement::PartialExpression(call) | TemplateElement::PartialBlock(call) => {
                    // What it encloses is rendered at any depth of it.
                    within += match call.name.as_name() {
                        Some(name) => self.included(name)?,
                        None => 0,
                    };
                    inner.extend(&call.template);
                }
                // What is in an inline partial is rendered where it is included.
                _ => continue,
            }
            if within > DEEPEST {
                return Err(Endless::Deep(place));
            }
            deepest = deepest.max(within);
            for template in inner {
                deepest = deepest.max(self.template(template, within, place)?);
            }
        }
        Ok(deepest)
    }
}

/// The name in `{{#*inline "name"}}`.
pub(super) fn inline_name(inline: &DecoratorTemplate) -> Option<&str> {
    match (inline.name.as_name(), inline.params.as_slice()) {
        (Some("inline"), [Parameter::Literal(Value::String(name))]) => Some(name),
        _ => None,
    }
}

/// The names of the partials that rendering `from` may include, directly or not.
pub(super) fn reached<'a>(
    from: &'a Template,
    partial: impl Fn(&str) -> Option<&'a Template>,
) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    let mut open = vec![from];
    while let Some(template) = open.pop() {
        visit(template, &mut |element| {
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

/// Whether a template says what a partial is, or stands for what its caller encloses: that depends on who includes it.
pub(super) fn has_inlines(template: &Template) -> bool {
    has(template, &|element| {
        matches!(
            element,
            TemplateElement::DecoratorExpression(_)
                | TemplateElement::DecoratorBlock(_)
                | TemplateElement::PartialBlock(_)
        )
    })
}

/// Whether a partial is indented by the template, or by one of those that it may include.
pub(super) fn is_indented(template: &Template, partials: &BTreeMap<String, Template>) -> bool {
    let indents = |template| {
        has(
            template,
            &|element| matches!(element, TemplateElement::PartialExpression(call) if call.indent.is_some()),
        )
    };
    let mut reached = reached(template, |name| partials.get(name)).into_iter();
    indents(template) || reached.any(|name| partials.get(name).is_some_and(indents))
}

fn has(template: &Template, wanted: &impl Fn(&TemplateElement) -> bool) -> bool {
    let mut found = false;
    visit(template, &mut |element| {
        found |= wanted(element);
        !found
    });
    found
}

/// Hands every element to `see`, from outside in, below those for which it returns true.
pub(super) fn visit<'a>(template: &'a Template, see: &mut impl FnMut(&'a TemplateElement) -> bool) {
    for element in &template.elements {
        if !see(element) {
            continue;
        }
        match element {
            TemplateElement::HelperBlock(call) => {
                for inner in call.template.iter().chain(&call.inverse) {
                    visit(inner, see);
                }
            }
            TemplateElement::DecoratorBlock(call) | TemplateElement::PartialBlock(call) => {
                if let Some(inner) = &call.template {
                    visit(inner, see);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::source;
    use super::*;

    fn compiled(partials: &[(&str, &str)]) -> BTreeMap<String, Template> {
        let compiled = |(name, text): &(&str, &str)| {
            let template = source::compile((*name).to_owned(), text);
            ((*name).to_owned(), template.unwrap())
        };
        partials.iter().map(compiled).collect()
    }

    fn cycle(partials: &[(&str, &str)]) -> Option<String> {
        let partials = compiled(partials);
        let includes = Includes::new(&partials, std::iter::empty());
        match includes.measure(std::iter::empty()) {
            Ok(()) => None,
            Err(Endless::Cycle(way)) => Some(way.join(" > ")),
            Err(Endless::Deep(place)) => unreachable!("{place:?}"),
        }
    }

    /// What is too deep: the name of the template, and the place in it.
    fn deep(partials: &[(&str, &str)], main: &str) -> Option<(String, Option<(usize, usize)>)> {
        let (partials, main) = (compiled(partials), compiled(&[("main", main)]));
        let includes = Includes::new(&partials, main.values());
        match includes.measure(main.values()) {
            Ok(()) => None,
            Err(Endless::Deep((template, at))) => Some((template.name.clone().unwrap(), at)),
            Err(Endless::Cycle(way)) => unreachable!("{way:?}"),
        }
    }

    #[test]
    fn what_nests_counts_through_all_that_is_included() {
        // c250 is a text, and each other one includes the next: c000 nests 250 deep.
        let chain = (0..DEEPEST).map(|n| (format!("c{n:03}"), format!("{{{{> c{:03}}}}}", n + 1)));
        let chain: Vec<_> = chain.chain([("c250".to_owned(), "x".to_owned())]).collect();
        let layout = "{{> c100}}{{> @partial-block}}";
        let deep = |main: &str| {
            let chain = chain
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()));
            deep(&chain.chain([("layout", layout)]).collect::<Vec<_>>(), main)
        };
        let place = |line| Some(("main".to_owned(), Some((line, 1))));
        assert_eq!(deep("{{> c001}}"), None);
        assert_eq!(deep("{{> c000}}"), place(1));
        assert_eq!(deep("{{#if x}}\n{{> c002}}{{/if}}"), None);
        assert_eq!(deep("{{#if x}}\n{{> c001}}{{/if}}"), place(2));
        assert_eq!(deep("{{#if x}}{{else if y}}\n{{> c002}}{{/if}}"), place(2));
        // Beside each other they are no deeper.
        assert_eq!(deep(&"{{> c001}}".repeat(9)), None);
        // What a layout encloses is as deep as the layout, wherever in it that stands.
        assert_eq!(deep("{{#> layout}}\n{{> c153}}{{/layout}}"), None);
        assert_eq!(deep("{{#> layout}}\n{{> c152}}{{/layout}}"), place(2));
        // Inline partials count where they are included.
        let inline = "{{#*inline \"i\"}}{{> c050}}{{/inline}}";
        assert_eq!(deep(&format!("{inline}{{{{> i}}}}")), None);
        let within = format!("{inline}{{{{#> layout}}}}\n{{{{> i}}}}{{{{/layout}}}}");
        assert_eq!(deep(&within), place(2));
        assert!(deep("{{#*inline \"i\"}}{{> c000}}{{/inline}}").is_some());
        let chain: String = (0..5000)
            .map(|n| {
                format!(
                    "{{{{#*inline \"{n:04}\"}}}}{{{{> {:04}}}}}{{{{/inline}}}}",
                    n + 1
                )
            })
            .collect();
        assert!(deep(&(chain + "{{#*inline \"5000\"}}z{{/inline}}")).is_some());
    }

    #[test]
    fn ways_round_are_found() {
        assert_eq!(cycle(&[("a", "{{> a}}")]).unwrap(), "a > a");
        assert_eq!(
            cycle(&[
                ("a", "{{> b}}"),
                ("b", "{{#if x}}{{else}}{{> c}}{{/if}}"),
                ("c", "{{> b}}")
            ])
            .unwrap(),
            "b > c > b"
        );
        assert_eq!(
            cycle(&[("a", "{{#*inline \"i\"}}{{> i}}{{/inline}}{{> i}}")]).unwrap(),
            "i > i"
        );
        assert_eq!(
            cycle(&[("a", "{{#> b}}{{> a}}{{/b}}"), ("b", "")]).unwrap(),
            "a > a"
        );
    }

    #[test]
    fn including_twice_is_no_way_round() {
        assert_eq!(
            cycle(&[("a", "{{> b}}{{> c}}"), ("b", "{{> c}}"), ("c", "x")]),
            None
        );
        let layout = ("layout", "{{> nav}}{{> @partial-block}}");
        let page = (
            "page",
            "{{#> layout}}{{#*inline \"nav\"}}x{{/inline}}y{{/layout}}",
        );
        assert_eq!(cycle(&[layout, page]), None);
    }
}
