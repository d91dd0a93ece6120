//! Which template includes which, so that none includes itself without end.
//!
//! Handlebars notices only a template that includes itself directly; any longer way round would use up the stack.

use std::collections::{BTreeMap, BTreeSet};

use handlebars::Template;
use handlebars::template::{DecoratorTemplate, Parameter, TemplateElement};
use serde_json::Value;

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

    /// The first way round that ends where it began: names, the first one again at the end.
    pub(super) fn cycle(&self) -> Option<Vec<&'a str>> {
        let mut done = Vec::new();
        self.by_name
            .keys()
            .find_map(|name| self.follow(name, &mut Vec::new(), &mut done))
    }

    fn follow(
        &self,
        name: &'a str,
        way: &mut Vec<&'a str>,
        done: &mut Vec<&'a str>,
    ) -> Option<Vec<&'a str>> {
        if let Some(start) = way.iter().position(|earlier| *earlier == name) {
            return Some(way[start..].iter().copied().chain([name]).collect());
        }
        if done.contains(&name) {
            return None;
        }
        way.push(name);
        let found = self
            .get(name)
            .iter()
            .flat_map(|body| called(body))
            .find_map(|next| {
                let (next, _) = self.by_name.get_key_value(next)?;
                self.follow(next, way, done)
            });
        way.pop();
        done.push(name);
        found
    }
}

/// The name in `{{#*inline "name"}}`.
pub(super) fn inline_name(inline: &DecoratorTemplate) -> Option<&str> {
    match (inline.name.as_name(), inline.params.as_slice()) {
        (Some("inline"), [Parameter::Literal(Value::String(name))]) => Some(name),
        _ => None,
    }
}

/// The names that rendering the body may include; bodies of inlines apart, which have their own name.
fn called(body: &Template) -> Vec<&str> {
    let mut names = Vec::new();
    visit(body, &mut |element| {
        if let TemplateElement::PartialExpression(call) | TemplateElement::PartialBlock(call) =
            element
        {
            names.extend(call.name.as_name());
        }
        !matches!(element, TemplateElement::DecoratorBlock(_))
    });
    names
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

    use super::*;

    fn cycle(partials: &[(&str, &str)]) -> Option<String> {
        let partials = partials
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Template::compile(text).unwrap()))
            .collect();
        let includes = Includes::new(&partials, std::iter::empty());
        includes.cycle().map(|way| way.join(" > "))
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
