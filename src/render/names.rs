//! Every name in the templates, checked before anything is sent: columns, variables, helpers, partials.
//!
//! Walks the templates as rendering would, partials at each place that includes them, because what a partial may
//! say depends on who includes it. Handlebars' strict mode finds a missing name only when it is printed, in a
//! branch that is taken; `{{#if frist_name}}` is just false to it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use handlebars::Template;
use handlebars::template::{
    BlockParam, DecoratorTemplate, HelperTemplate, Parameter, TemplateElement,
};
use serde_json::Value;

use super::context::ROWS;
use super::depth::DEEPEST;
use super::error::{Place, TemplateError};
use super::helpers::{Form, SIGNATURES, signature};
use super::includes::{Endless, Includes, inline_name};
use super::scope::{Frame, Scope, did_you_mean, nearest, spelled};

/// Helpers whose result is their first value in another form: nothing where that is nothing.
const PASSING: &[&str] = &["upper", "lower", "title", "truncate", "url_encode"];

/// What the templates use of a row, by the names of its entries.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Uses {
    /// Named anywhere: printed, asked for, handed to a helper or a partial.
    pub named: BTreeSet<String>,
    /// Printed where nothing asked before whether there is something, and nothing stands in for it: where the cell is
    /// empty, there is a hole.
    pub printed: BTreeSet<String>,
    /// The same of each of `rows`.
    pub printed_of_rows: BTreeSet<String>,
    /// What is asked for alone, by `{{#if name}}` or `unless`: whether it is empty decides what is rendered.
    pub(super) asked: BTreeSet<String>,
    /// Handed to a helper or a partial, gone through, or named with an entry of it: what it is decides what is rendered.
    pub(super) weighed: BTreeSet<String>,
}

/// How a template uses a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Printed,
    Asked,
    Weighed,
}

/// Checks the templates and what they include against the sample of a row; tells what they use of it.
pub(super) fn check<'a>(
    partials: &'a BTreeMap<String, Template>,
    templates: impl Iterator<Item = &'a Template> + Clone,
    sample: &'a Value,
) -> Result<Uses, TemplateError> {
    let uses = RefCell::default();
    let includes = Includes::new(partials, templates.clone());
    includes.measure(templates.clone()).map_err(|endless| {
        let ((template, position), problem) = match endless {
            Endless::Cycle(way) => {
                let body = includes.get(way[0]).first().copied();
                let problem = format!("includes itself without end: {}", way.join(" > "));
                ((body, None), problem)
            }
            Endless::Deep((template, position)) => {
                let problem = format!(
                    "with what is included here, more than {DEEPEST} blocks and partials are in each other; see whether one is \
                     not closed, or include fewer in each other"
                );
                ((Some(template), position), problem)
            }
        };
        let template = template.and_then(|template| template.name.clone());
        TemplateError::Wrong {
            place: Place {
                template: template.unwrap_or_default(),
                position,
            },
            problem,
        }
    })?;
    for template in templates {
        Walk {
            includes: &includes,
            scope: Scope::new(sample),
            template,
            position: None,
            in_partial_block: false,
            asked: Vec::new(),
            uses: &uses,
        }
        .template(template)?;
    }
    Ok(uses.into_inner())
}

/// The state of one way through the templates.
struct Walk<'a, 'i> {
    includes: &'i Includes<'a>,
    scope: Scope<'a>,
    /// The file or setting that is being walked, and the element in it.
    template: &'a Template,
    position: Option<(usize, usize)>,
    /// Whether `{{> @partial-block}}` has something to stand for.
    in_partial_block: bool,
    /// Entries of the row that a block around this place asks for.
    asked: Vec<&'a str>,
    uses: &'i RefCell<Uses>,
}

type Checked<T = ()> = Result<T, TemplateError>;

impl<'a> Walk<'a, '_> {
    fn wrong(&self, problem: String) -> TemplateError {
        let template = self.template.name.clone().unwrap_or_default();
        TemplateError::Wrong {
            place: Place {
                template,
                position: self.position,
            },
            problem,
        }
    }

    fn template(&mut self, template: &'a Template) -> Checked {
        let outer = self.position;
        for (index, element) in template.elements.iter().enumerate() {
            // The branches of `else if` have no position of their own: the block's is the nearest.
            if let Some(at) = template.mapping.get(index) {
                self.position = Some((at.0, at.1));
            }
            self.element(element)?;
            self.position = outer;
        }
        Ok(())
    }

    fn element(&mut self, element: &'a TemplateElement) -> Checked {
        match element {
            TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
                if call.params.is_empty() && call.hash.is_empty() {
                    self.print(&call.name);
                    self.printed(call)
                } else {
                    self.print_result(call);
                    self.call(call).map(|_| ())
                }
            }
            TemplateElement::HelperBlock(call) => self.block(call),
            TemplateElement::PartialExpression(call) => self.partial(call, false),
            TemplateElement::PartialBlock(call) => self.partial(call, true),
            // What is inside an inline partial is checked where it is included.
            TemplateElement::DecoratorBlock(call) if inline_name(call).is_some() => Ok(()),
            TemplateElement::DecoratorBlock(_) | TemplateElement::DecoratorExpression(_) => {
                Err(self
                    .wrong("{{*…}} has one use here: {{#*inline \"name\"}}…{{/inline}}".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// `{{name}}`.
    fn printed(&self, call: &'a HelperTemplate) -> Checked {
        let name = &call.name;
        if let Parameter::Subexpression(inner) = name {
            // Handlebars would take the result, made from cells, for the name of a helper.
            let inner = inner.as_element();
            let inner = if let TemplateElement::Expression(call) = inner {
                call.name.as_name()
            } else {
                None
            };
            let inner = inner.unwrap_or("…");
            return Err(self.wrong(format!("write {{{{{inner} …}}}} without the parentheses")));
        }
        // A helper of that name would be called.
        let is_helper = name.as_name().is_some_and(|name| signature(name).is_some());
        let using = if is_helper {
            Use::Weighed
        } else {
            Use::Printed
        };
        match self.value(name, using)? {
            Some(value) if self.scope.is_rows(value) => Err(self.wrong(
                "the rows of a group are no text; go through them: {{#each rows}}…{{/each}}"
                    .to_owned(),
            )),
            Some(Value::Object(_)) => {
                let raw = name.as_name().unwrap_or("this");
                Err(self.wrong(format!(
                    "{raw:?} is a table, not a text; name one of its entries"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Notes what a parameter would print.
    fn print(&self, parameter: &'a Parameter) {
        match parameter {
            Parameter::Path(path) => {
                let name = self.scope.of_row(path);
                if let Some((name, of_rows)) = name.filter(|(name, _)| !self.asked.contains(name)) {
                    let mut uses = self.uses.borrow_mut();
                    let printed = match of_rows {
                        true => &mut uses.printed_of_rows,
                        false => &mut uses.printed,
                    };
                    printed.insert(name.to_owned());
                }
            }
            Parameter::Subexpression(inner) => {
                if let TemplateElement::Expression(call) = inner.as_element() {
                    self.print_result(call);
                }
            }
            _ => {}
        }
    }

    /// Notes what the result of a helper would print: of one that makes a text of another, what that one would.
    fn print_result(&self, call: &'a HelperTemplate) {
        let name = call.name.as_name().unwrap_or_default();
        if PASSING.contains(&name)
            && let Some(first) = call.params.first()
        {
            self.print(first);
        }
    }

    /// The entries of the row that a condition has in it.
    fn conditions(&self, call: &'a HelperTemplate, found: &mut Vec<&'a str>) {
        for parameter in &call.params {
            match parameter {
                Parameter::Path(path) => {
                    found.extend(self.scope.of_row(path).map(|(name, _)| name))
                }
                Parameter::Subexpression(inner) => {
                    if let TemplateElement::Expression(call) = inner.as_element() {
                        self.conditions(call, found);
                    }
                }
                _ => {}
            }
        }
    }

    /// The sample of a parameter's value, where there is one.
    fn value(&self, parameter: &'a Parameter, using: Use) -> Checked<Option<&'a Value>> {
        match parameter {
            Parameter::Path(path) => {
                let resolved = self.scope.resolve(path);
                let value = resolved.map_err(|problem| self.wrong(problem))?;
                let mut uses = self.uses.borrow_mut();
                if let Some((name, of_rows)) = self.scope.of_row(path) {
                    uses.named.insert(name.to_owned());
                    match using {
                        _ if of_rows => uses.weighed.insert(ROWS.to_owned()),
                        _ if self.scope.goes_further(path) => uses.weighed.insert(name.to_owned()),
                        Use::Weighed => uses.weighed.insert(name.to_owned()),
                        Use::Asked => uses.asked.insert(name.to_owned()),
                        Use::Printed => false,
                    };
                }
                // A row as a whole: each of its entries.
                for name in self.scope.names_of_row(value) {
                    uses.named.insert(name.to_owned());
                    uses.weighed.insert(name.to_owned());
                }
                Ok(value)
            }
            Parameter::Literal(value) => Ok(Some(value)),
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(call) => self.call(call).map(|_| None),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// A helper's name, parameters and options; the sample of the first parameter.
    fn call(&self, call: &'a HelperTemplate) -> Checked<Option<&'a Value>> {
        let name = call.name.as_name().unwrap_or_default();
        let Some(helper) = signature(name) else {
            return Err(self.wrong(self.no_helper(call, name)));
        };
        match (helper.form, call.block) {
            (Form::Value, true) => {
                return Err(self.wrong(format!("{name:?} has no block; write {}", helper.example)));
            }
            (Form::Block, false) => {
                return Err(self.wrong(format!("{name:?} needs a block; write {}", helper.example)));
            }
            _ => {}
        }
        if !helper.params.contains(&call.params.len()) {
            let (given, wanted) = (call.params.len(), helper.params.start());
            let at_least = if helper.params.end() > wanted {
                "at least "
            } else {
                ""
            };
            return Err(self.wrong(format!(
                "{name:?} takes {at_least}{wanted} value{}, not {given}; write {}",
                if *wanted == 1 { "" } else { "s" },
                helper.example
            )));
        }
        if let Some(option) = call
            .hash
            .keys()
            .find(|option| !helper.options.contains(&option.as_str()))
        {
            let hint = did_you_mean(option, helper.options.iter().copied());
            return Err(self.wrong(format!("{name:?} has no option {option:?}{hint}")));
        }
        let mut first = None;
        let asks = matches!(name, "if" | "unless") && call.hash.is_empty();
        let using = if asks { Use::Asked } else { Use::Weighed };
        for (index, parameter) in call.params.iter().enumerate() {
            let value = self.value(parameter, using)?;
            if index == 0 {
                first = value;
            }
        }
        for option in call.hash.values() {
            self.value(option, Use::Weighed)?;
        }
        Ok(first)
    }

    fn no_helper(&self, call: &HelperTemplate, name: &str) -> String {
        if name == "log" {
            return "there is no helper \"log\": a message has nowhere to log to".to_owned();
        }
        // {{first name}} is the call of a helper to Handlebars, and a column to its author.
        let words: Vec<_> = std::iter::once(name)
            .chain(call.params.iter().filter_map(Parameter::as_name))
            .collect();
        let words = words.join(" ");
        if let Some(column) = self
            .scope
            .names()
            .find(|column| column.eq_ignore_ascii_case(&words))
        {
            return if column.contains(' ') {
                format!(
                    "a name with a space goes in brackets: {{{{{}}}}}",
                    spelled(column)
                )
            } else {
                format!(
                    "{name:?} is no helper; write {{{{{column}}}}}, or {{{{#if {column}}}}}…{{{{/if}}}}"
                )
            };
        }
        let known = SIGNATURES.iter().map(|helper| helper.name);
        format!("there is no helper {name:?}{}", did_you_mean(name, known))
    }

    fn block(&mut self, call: &'a HelperTemplate) -> Checked {
        let first = self.call(call)?;
        let name = call.name.as_name().unwrap_or_default();
        let frame = match (name, first) {
            ("each", Some(value))
                if !value.is_array() && !value.is_object() && !value.is_null() =>
            {
                return Err(
                    self.wrong("\"each\" goes through a list, and this is not one".to_owned())
                );
            }
            ("each", list) => {
                let value = list.and_then(|list| self.scope.each_of(list));
                Some(Frame {
                    value,
                    names: block_params(call, value),
                    each: true,
                })
            }
            ("with", value) => Some(Frame {
                value,
                names: block_params(call, self.scope.known(value)),
                each: false,
            }),
            _ => None,
        };
        let pushed = frame.is_some();
        let outer = self.asked.len();
        let mut asked = Vec::new();
        self.conditions(call, &mut asked);
        self.asked.extend(asked);
        self.scope.frames.extend(frame);
        call.template
            .iter()
            .try_for_each(|inner| self.template(inner))?;
        if pushed {
            self.scope.frames.pop();
        }
        call.inverse
            .iter()
            .try_for_each(|inner| self.template(inner))?;
        self.asked.truncate(outer);
        Ok(())
    }

    fn partial(&mut self, call: &'a DecoratorTemplate, is_block: bool) -> Checked {
        let Some(name) = call.name.as_name() else {
            return Err(self.wrong("the name of a partial is written out, not computed".to_owned()));
        };
        let mut value = self.scope.current();
        for parameter in &call.params {
            value = self.value(parameter, Use::Weighed)?;
        }
        let mut names = Vec::new();
        for (name, given) in &call.hash {
            let value = self.value(given, Use::Weighed)?;
            names.push((name.as_str(), self.scope.known(value)));
        }
        if name == "@partial-block" {
            return match &call.template {
                _ if self.in_partial_block => Ok(()),
                Some(fallback) => self.template(fallback),
                None => Err(self.wrong(
                    "@partial-block needs a caller that encloses something: {{#> name}}…{{/name}}"
                        .to_owned(),
                )),
            };
        }
        let included = self.includes.get(name);
        if included.is_empty() {
            // A block's own content may stand in for a partial; a misspelt name is no such wish.
            let near = nearest(name, self.includes.names());
            if !is_block || near.is_some() {
                let hint = did_you_mean(name, near.into_iter());
                return Err(self.wrong(format!("there is no partials/{name}.hbs{hint}")));
            }
        }
        self.scope.frames.push(Frame {
            value,
            names,
            each: false,
        });
        call.template
            .iter()
            .try_for_each(|inner| self.template(inner))?;
        for body in included {
            self.include(body, call.template.is_some())?;
        }
        self.scope.frames.pop();
        Ok(())
    }

    fn include(&mut self, body: &'a Template, has_block: bool) -> Checked {
        let outer = (self.template, self.position, self.in_partial_block);
        (self.template, self.position, self.in_partial_block) = (body, None, has_block);
        self.template(body)?;
        (self.template, self.position, self.in_partial_block) = outer;
        Ok(())
    }
}

/// The names that a block gives; the first is that of `value`, where it is known.
fn block_params<'a>(
    call: &'a HelperTemplate,
    value: Option<&'a Value>,
) -> Vec<(&'a str, Option<&'a Value>)> {
    let (one, two) = match &call.block_param {
        Some(BlockParam::Single(one)) => (one.as_name(), None),
        Some(BlockParam::Pair((one, two))) => (one.as_name(), two.as_name()),
        _ => (None, None),
    };
    let one = one.map(|name| (name, value));
    one.into_iter()
        .chain(two.map(|name| (name, None)))
        .collect()
}

#[cfg(test)]
mod tests;
