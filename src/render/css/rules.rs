//! The rules of a page's style sheets: which of them can go into attributes, and what stays of the sheets.
//!
//! A `style` attribute wins over every rule that stays. So what stays because it holds now and then (`@media`, `:hover`)
//! gets `!important`, by which it goes on winning over what it was written to win over.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::error::TemplateError;
use super::super::source::Source;
use super::super::tags::{Kind, tags};
use super::page::{Page, Part};
use super::selector::{Asks, Known, known};
use super::sheet::{self, Declaration, Item};

/// A text to put in place of a part of a file.
type Edit<'a> = (Option<&'a str>, (Range<usize>, String));

/// A rule, outside of every group.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    pub(super) sheet: Part<'a>,
    at: sheet::Rule,
    pub(super) declarations: Vec<Declaration>,
    /// Every selector it has; by number those that can be moved.
    list: Vec<(Range<usize>, Option<usize>)>,
    /// Whether a selector of it holds now and then.
    later: bool,
}

/// A selector that can be moved.
#[derive(Debug)]
pub(super) struct Selector {
    pub(super) text: String,
    pub(super) asks: Asks,
    pub(super) rule: usize,
}

/// The rules of a page.
#[derive(Debug, Default)]
pub(super) struct Rules<'a> {
    pub(super) rules: Vec<Rule<'a>>,
    pub(super) selectors: Vec<Selector>,
    /// Properties that are important in rules that hold now and then.
    pub(super) important: BTreeSet<String>,
    /// Rules in groups.
    grouped: Vec<(Option<&'a str>, sheet::Rule)>,
}

impl<'a> Rules<'a> {
    pub(super) fn read(
        page: &Page<'a>,
        only: Option<&str>,
        source: impl Fn(Option<&str>) -> &'a Source,
    ) -> Result<Rules<'a>, TemplateError> {
        let mut rules = Rules::default();
        let mut seen = BTreeSet::new();
        let beside = page.blocks || page.open || page.attributes_vary;
        for (name, range) in &page.sheets {
            if !seen.insert((*name, range.start)) {
                continue;
            }
            let text = source(*name).text.as_str();
            let sheet = text[range.clone()].trim_start();
            if only.is_some_and(|only| !sheet.starts_with(only)) {
                continue;
            }
            let items = sheet::items(text, range.clone())
                .map_err(|wrong| source(*name).wrong(wrong.at, wrong.problem.to_owned()))?;
            for item in items {
                match item {
                    Item::Group(items) => rules.group(*name, text, items),
                    Item::Rule(rule) => rules.add((*name, range.clone()), rule, text, |asks| {
                        !(asks.siblings && beside || asks.attributes && page.attributes_vary)
                    }),
                }
            }
        }
        Ok(rules)
    }

    fn add(
        &mut self,
        sheet: Part<'a>,
        at: sheet::Rule,
        text: &str,
        movable: impl Fn(Asks) -> bool,
    ) {
        let declarations = sheet::declarations(text, at.body.clone());
        let (mut list, mut later) = (Vec::new(), false);
        for range in sheet::selectors(text, at.selectors.clone()) {
            let written = &text[range.clone()];
            let number = match known(written) {
                Known::Asks(asks) if movable(asks) && declarations.is_some() => {
                    self.selectors.push(Selector {
                        text: written.to_owned(),
                        asks,
                        rule: self.rules.len(),
                    });
                    Some(self.selectors.len() - 1)
                }
                Known::Asks(_) | Known::Later => {
                    later = true;
                    None
                }
                Known::Elsewhere => None,
            };
            list.push((range, number));
        }
        if later {
            self.note_important(text, declarations.as_deref().unwrap_or_default());
        }
        self.rules.push(Rule {
            sheet,
            at,
            declarations: declarations.unwrap_or_default(),
            list,
            later,
        });
    }

    fn group(&mut self, name: Option<&'a str>, text: &str, items: Vec<Item>) {
        for item in items {
            match item {
                Item::Group(items) => self.group(name, text, items),
                Item::Rule(rule) => {
                    let declarations = sheet::declarations(text, rule.body.clone());
                    self.note_important(text, &declarations.unwrap_or_default());
                    self.grouped.push((name, rule));
                }
            }
        }
    }

    fn note_important(&mut self, text: &str, declarations: &[Declaration]) {
        let important = declarations
            .iter()
            .filter(|declaration| declaration.important);
        self.important.extend(
            important.map(|declaration| text[declaration.property.clone()].to_ascii_lowercase()),
        );
    }

    /// Whether there is nothing to move.
    pub(super) fn is_empty(&self) -> bool {
        self.selectors.is_empty()
    }

    /// Whether all that is moved can be: a tag means something else in a block than in the style sheet.
    pub(super) fn check(
        &self,
        moved: &BTreeSet<usize>,
        source: impl Fn(Option<&str>) -> &'a Source,
    ) -> Result<(), TemplateError> {
        for rule in &self.rules {
            let is_moved = |(_, number): &(Range<usize>, Option<usize>)| {
                number.is_some_and(|number| moved.contains(&number))
            };
            let source = source(rule.sheet.0);
            let written = &source.text[rule.at.at.clone()];
            let tag = tags(written)
                .into_iter()
                .find(|tag| tag.kind != Kind::Comment);
            if let Some(tag) = tag.filter(|_| rule.list.iter().any(is_moved)) {
                let problem = format!(
                    "{} in a rule that goes into style attributes; write it into a style attribute, or put the rule into \
                     a <style data-css-inline=\"ignore\">, which stays as it is",
                    &written[tag.at.clone()]
                );
                return Err(source.wrong(rule.at.at.start + tag.at.start, problem));
            }
        }
        Ok(())
    }

    /// What changes in the sheets, where these selectors are in attributes; `whole`: they are needed here too.
    pub(super) fn left(
        &self,
        moved: &BTreeSet<usize>,
        whole: bool,
        source: impl Fn(Option<&str>) -> &'a Source,
    ) -> Vec<Edit<'a>> {
        let is_moved =
            |number: &Option<usize>| number.is_some_and(|number| moved.contains(&number));
        // What is important, and yields, has no flag in the attribute: what did not win over it is not to do so now.
        let mut strong = BTreeSet::new();
        for rule in self
            .rules
            .iter()
            .filter(|rule| rule.list.iter().any(|(_, number)| is_moved(number)))
        {
            let text = &source(rule.sheet.0).text;
            let important = rule
                .declarations
                .iter()
                .filter(|declaration| declaration.important);
            strong.extend(
                important
                    .map(|declaration| text[declaration.property.clone()].to_ascii_lowercase()),
            );
        }
        let mut edits = Vec::new();
        let strengthen = |name: Option<&'a str>, declarations: &[Declaration]| -> Vec<Edit<'a>> {
            let text = &source(name).text;
            let weak = declarations.iter().filter(|declaration| {
                let property = text[declaration.property.clone()].to_ascii_lowercase();
                let stays_weak = strong.contains(&property) && self.important.contains(&property);
                let is_set = !declaration.value.is_empty() && !property.starts_with("--");
                is_set && !declaration.important && !stays_weak
            });
            let end = |declaration: &Declaration| declaration.value.end..declaration.value.end;
            weak.map(|declaration| (name, (end(declaration), " !important".to_owned())))
                .collect()
        };
        for (name, rule) in &self.grouped {
            let declarations = sheet::declarations(&source(*name).text, rule.body.clone());
            edits.extend(strengthen(*name, &declarations.unwrap_or_default()));
        }
        for rule in &self.rules {
            let name = rule.sheet.0;
            let text = &source(name).text;
            let stays: Vec<&str> = rule
                .list
                .iter()
                .filter(|(_, number)| !is_moved(number))
                .map(|(at, _)| &text[at.clone()])
                .collect();
            if stays.len() == rule.list.len() {
                if rule.later && rule.list.iter().all(|(_, number)| number.is_none()) {
                    edits.extend(strengthen(name, &rule.declarations));
                }
                continue;
            }
            let left = stays.join(",");
            let body = &text[rule.at.body.clone()];
            match (whole, rule.later) {
                (true, false) => {}
                // Beside the rule as it was: its own place among the others has to stay.
                (true, true) => {
                    let later = rule.list.iter().filter(|(_, number)| number.is_none());
                    let later: Vec<_> = later.map(|(at, _)| &text[at.clone()]).collect();
                    let copy = format!(
                        "\n{}{{{}}}",
                        later.join(","),
                        important(text, &rule.declarations)
                    );
                    edits.push((name, (rule.at.at.end..rule.at.at.end, copy)));
                }
                (false, _) if left.is_empty() => {
                    let rest = &text[rule.at.at.end..rule.sheet.1.end];
                    let space = rest.len() - rest.trim_start().len();
                    let comments = tags(body).into_iter().map(|tag| &body[tag.at]);
                    edits.push((
                        name,
                        (rule.at.at.start..rule.at.at.end + space, comments.collect()),
                    ));
                }
                (false, later) => {
                    edits.push((name, (rule.at.selectors.clone(), left)));
                    if later {
                        edits.extend(strengthen(name, &rule.declarations));
                    }
                }
            }
        }
        edits
    }
}

fn important(text: &str, declarations: &[Declaration]) -> String {
    let all = declarations.iter().map(|declaration| {
        format!(
            "{}:{} !important;",
            &text[declaration.property.clone()],
            &text[declaration.value.clone()]
        )
    });
    all.collect()
}
