//! MJML that is written in several files, as one text: MJML says what an element becomes by what it stands in.
//!
//! Partials and layouts that hold MJML are put in where they are included. Others stay what they are, tags.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::error::TemplateError;
use super::super::source::Source;
use super::super::tags::{Kind, Tag, tags};

/// One text, and where its parts are from.
#[derive(Debug)]
pub(super) struct Expanded<'a> {
    main: &'a Source,
    pub(super) text: String,
    /// Where a part begins, its file, and where it begins there.
    parts: Vec<(usize, &'a Source, usize)>,
}

impl<'a> Expanded<'a> {
    fn new(main: &'a Source) -> Expanded<'a> {
        Expanded {
            main,
            text: String::new(),
            parts: Vec::new(),
        }
    }

    fn push(&mut self, source: &'a Source, range: Range<usize>) {
        self.parts.push((self.text.len(), source, range.start));
        self.text.push_str(&source.text[range]);
    }

    /// A mistake at a byte of the text, told with its place in the file that it is from.
    pub(super) fn wrong(&self, at: usize, problem: String) -> TemplateError {
        let part = self.parts.iter().rev().find(|(start, ..)| *start <= at);
        let (start, source, from) = part.copied().unwrap_or((0, self.main, 0));
        source.wrong((from + at - start).min(source.text.len()), problem)
    }
}

/// A part of a file.
#[derive(Debug, Clone)]
struct Run<'a> {
    source: &'a Source,
    range: Range<usize>,
}

impl Run<'_> {
    fn text(&self) -> &str {
        &self.source.text[self.range.clone()]
    }
}

/// What names stand for at a place.
#[derive(Debug, Clone, Default)]
struct Scope<'a> {
    inlines: BTreeMap<String, Run<'a>>,
    /// `@partial-block`, and the scope it was written in.
    block: Option<(Run<'a>, Box<Scope<'a>>)>,
}

struct Expand<'a> {
    partials: &'a BTreeMap<String, Source>,
    out: Expanded<'a>,
}

/// The main template with all partials in it that hold MJML.
pub(super) fn expanded<'a>(
    main: &'a Source,
    partials: &'a BTreeMap<String, Source>,
) -> Result<Expanded<'a>, TemplateError> {
    let mut expand = Expand {
        partials,
        out: Expanded::new(main),
    };
    let run = Run {
        source: main,
        range: 0..main.text.len(),
    };
    expand.run(&run, &mut Scope::default())?;
    Ok(expand.out)
}

impl<'a> Expand<'a> {
    fn run(&mut self, run: &Run<'a>, scope: &mut Scope<'a>) -> Result<(), TemplateError> {
        let source = run.source;
        let mut tags = tags(run.text());
        for tag in &mut tags {
            tag.at = tag.at.start + run.range.start..tag.at.end + run.range.start;
        }
        let mut done = run.range.start;
        let mut index = 0;
        let mut blocks = 0_usize;
        while let Some(tag) = tags.get(index) {
            index += 1;
            let close = index + closed(&tags[index..]);
            let end = tags.get(close).map_or(run.range.end, |close| close.at.end);
            let inner = Run {
                source,
                range: tag.at.end
                    ..tags
                        .get(close)
                        .map_or(run.range.end, |close| close.at.start),
            };
            match &tag.kind {
                Kind::Open => blocks += 1,
                Kind::Close => blocks = blocks.saturating_sub(1),
                Kind::Inline(name) if blocks > 0 && self.holds_mjml(inner.text(), scope) => {
                    let problem = format!(
                        "{name:?} holds MJML, and is put in here before there is a row: no block decides what it stands for; put \
                         the block into it: {{{{#*inline \"{name}\"}}}}{{{{#if …}}}}…{{{{/if}}}}{{{{/inline}}}}"
                    );
                    return Err(source.wrong(tag.at.start, problem));
                }
                Kind::Inline(name) if self.holds_mjml(inner.text(), scope) => {
                    self.out.push(source, done..tag.at.start);
                    scope.inlines.insert(name.clone(), inner);
                    (done, index) = (end, close + 1);
                }
                Kind::Inline(_) => blocks += 1,
                Kind::Partial(name) if name == "@partial-block" => {
                    if let Some((block, mut outer)) = scope.block.clone() {
                        self.out.push(source, done..tag.at.start);
                        self.run(&block, &mut outer)?;
                        done = tag.at.end;
                    }
                }
                Kind::Partial(name) => {
                    let Some(found) = self
                        .found(name, scope)
                        .filter(|run| self.holds_mjml(run.text(), scope))
                    else {
                        continue;
                    };
                    bare(source, tag, name)?;
                    self.out.push(source, done..tag.at.start);
                    let mut within = Scope {
                        block: None,
                        ..scope.clone()
                    };
                    self.run(&found, &mut within)?;
                    done = tag.at.end;
                }
                Kind::PartialBlock(name) => {
                    let found = self.found(name, scope);
                    let holds = |run: &Run<'a>| self.holds_mjml(run.text(), scope);
                    if !holds(&inner) && !found.as_ref().is_some_and(holds) {
                        blocks += 1;
                        continue;
                    }
                    bare(source, tag, name)?;
                    self.out.push(source, done..tag.at.start);
                    let mut within = scope.clone();
                    // Its inlines are known to the partial, its other text is what the partial encloses.
                    let mut aside = Expand {
                        partials: self.partials,
                        out: Expanded::new(source),
                    };
                    aside.run(&inner, &mut within)?;
                    within.block = Some((inner.clone(), Box::new(scope.clone())));
                    self.run(&found.unwrap_or(inner), &mut within)?;
                    (done, index) = (end, close + 1);
                }
                _ => {}
            }
        }
        self.out.push(source, done..run.range.end);
        Ok(())
    }

    fn found(&self, name: &str, scope: &Scope<'a>) -> Option<Run<'a>> {
        let inline = scope.inlines.get(name).cloned();
        inline.or_else(|| {
            let source = self.partials.get(name)?;
            Some(Run {
                source,
                range: 0..source.text.len(),
            })
        })
    }

    fn holds_mjml(&self, text: &str, scope: &Scope<'a>) -> bool {
        text.contains("<mj")
            || tags(text).iter().any(|tag| match &tag.kind {
                Kind::Partial(name) | Kind::PartialBlock(name) => self
                    .found(name, scope)
                    .is_some_and(|run| self.holds_mjml(run.text(), scope)),
                _ => false,
            })
    }
}

/// Which of the tags behind one that opens closes it.
fn closed(tags: &[Tag]) -> usize {
    let mut depth = 0;
    let end = tags.iter().position(|tag| {
        if tag.kind == Kind::Close && depth == 0 {
            return true;
        }
        depth += usize::from(tag.kind.opens());
        depth -= usize::from(tag.kind == Kind::Close);
        false
    });
    end.unwrap_or(tags.len())
}

/// A partial that is put in sees what its place sees: there is nothing to hand over.
fn bare(source: &Source, tag: &Tag, name: &str) -> Result<(), TemplateError> {
    let written = &source.text[tag.at.clone()];
    let behind = written.split_once(name).map_or("", |(_, behind)| behind);
    if behind
        .trim_matches(|c: char| c.is_whitespace() || "\"'~}".contains(c))
        .is_empty()
    {
        return Ok(());
    }
    let problem = format!(
        "{name:?} holds MJML, and is put in here before there is a row: it takes no values; write {{{{#with …}}}}{{{{> {name}}}}}{{{{/with}}}}"
    );
    Err(source.wrong(tag.at.start, problem))
}
