//! Rules of `<style>` into `style` attributes, once for each template: many mailboxes drop the one and keep the other.
//!
//! Nothing is written anew. The page is reduced to its elements (`page`), css-inline tells which selector holds for which
//! of them, and the declarations go into the start tags where they stand in the author's files; all else stays as it is,
//! byte for byte, the template's tags too. What can't be known before a row is (an element whose class has a tag in it,
//! HTML from a cell) keeps to its `<style>`, which then stays whole.
//!
//! `sheet` reads style sheets, `selector` selectors; `cascade` makes the attributes, `rules` what stays of the sheets.

mod cascade;
mod hidden;
mod page;
mod rules;
mod selector;
mod sheet;

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::ops::Range;

use css_inline::{CSSInliner, InlineOptions};

use super::depth;
use super::error::TemplateError;
use super::images::is_file;
use super::pieces::{self, Piece};
use super::source::Source;
use super::tags::{Kind, tags};
use cascade::Held;
use hidden::Hidden;
use page::{File, Page, Walk};
use rules::Rules;

/// Elements that nobody sees.
const UNSEEN: &[&str] = &[
    "head", "meta", "title", "style", "script", "link", "base", "template",
];

/// What to do where a page can't be inlined.
const WAY_OUT: &str =
    "write whole elements into each branch of a block, or set inline_css = false in [message]";

/// What is wrong with a block in a style sheet that is moved.
const BLOCK: &str = "a block in a style sheet whose rules go into style attributes; \
    put it into a <style data-css-inline=\"ignore\">, which stays as it is";

/// Texts to put in place of parts of a file; `None` is the page's own.
type Edits<'a> = BTreeMap<Option<&'a str>, Vec<(Range<usize>, String)>>;

/// A page whose styles are in attributes.
#[derive(Debug)]
pub(super) struct Inlined {
    /// The page's own template.
    pub(super) page: Source,
    /// All partials, those that nothing was moved into too.
    pub(super) partials: BTreeMap<String, Source>,
}

/// The page's own template and its partials with their styles in attributes; `None` when there is nothing to move.
/// Of style sheets, those that begin with `only`, or all.
///
/// # Errors
/// A style sheet that is not closed, or is elsewhere; a page of which it is not known which element stands in which.
pub(super) fn inlined(
    main: &Source,
    partials: &BTreeMap<String, Source>,
    only: Option<&str>,
) -> Result<Option<Inlined>, TemplateError> {
    let file = File::new(main);
    let files = partials
        .iter()
        .map(|(name, source)| (name.as_str(), File::new(source)));
    let files: BTreeMap<&str, File<'_>> = files.collect();
    let page = Walk::through(&file, &files);
    let source = |name: Option<&str>| name.and_then(|name| partials.get(name)).unwrap_or(main);
    for (name, element) in &page.elements {
        let text = |attribute| {
            let attribute = element.attribute(attribute)?;
            Some(source(*name).text[attribute.value.clone()].trim())
        };
        let is_sheet = element.name == "link"
            && text("rel").is_some_and(|rel| rel.eq_ignore_ascii_case("stylesheet"));
        if let Some(href) = text("href").filter(|href| is_sheet && is_file(href)) {
            let problem = format!(
                "nobody who gets the message has {href:?}; put the style sheet into partials/style.hbs, and write <style>{{{{> style}}}}</style>"
            );
            return Err(source(*name).wrong(element.at.start, problem));
        }
    }
    let rules = Rules::read(&page, only, source)?;
    // A sheet that only some rows have wins over some rules of the others and loses to some: no attribute can do that.
    let is_read = |(name, range): &page::Part<'_>| {
        let sheet = source(*name).text[range.clone()].trim_start();
        only.is_none_or(|only| sheet.starts_with(only))
    };
    if rules.is_empty() || page.chosen.iter().any(is_read) {
        return Ok(None);
    }
    if let Some((name, at)) = &page.css_block {
        return Err(source(*name).wrong(at.start, BLOCK.to_owned()));
    }
    let media = page
        .elements
        .iter()
        .find(|(name, element)| only.is_none() && element.has_media(&source(*name).text));
    if let Some((name, element)) = media {
        let problem = "the rules of other style sheets go into style attributes, which win over this one; \
            write @media … { … } into it in place of its media attribute";
        return Err(source(*name).wrong(element.at.start, problem.to_owned()));
    }
    if let Some((name, at, problem)) = &page.unknown {
        return Err(source(*name).wrong(*at, format!("{problem}; {WAY_OUT}")));
    }
    for file in iter::once(&file).chain(files.values()) {
        let deep = depth::elements(&file.pieces, depth::Ends::MayBeLeftOut);
        deep.map_err(|(at, problem)| file.source.wrong(at, problem))?;
    }
    let edits = edits(&page, &rules, source)?;
    if edits.is_empty() {
        return Ok(None);
    }
    let edited = |name: Option<&str>, source: &Source| match edits.get(&name) {
        Some(edits) => edit(source, edits.clone()),
        None => Ok(source.clone()),
    };
    let all = partials.iter().map(|(name, source)| {
        let source = edited(Some(name), source)?;
        Ok((name.clone(), source))
    });
    Ok(Some(Inlined {
        page: edited(None, main)?,
        partials: all.collect::<Result<_, _>>()?,
    }))
}

/// Holds the style sheet in a part of a text, and up to the first partial in it, against what [`inlined`] needs of it: where
/// it is wrong, and what.
pub(super) fn check(text: &str, range: Range<usize>) -> Result<(), (usize, String)> {
    for piece in pieces::css(text, range) {
        match piece {
            Piece::Css(range) => {
                let items = sheet::items(text, range);
                items.map_err(|wrong| (wrong.at, wrong.problem.to_owned()))?;
            }
            Piece::Tag { tag, .. } if matches!(tag.kind, Kind::Partial(_)) => break,
            Piece::Tag { tag, .. } => {
                let chooses = tag.kind.opens() || matches!(tag.kind, Kind::Else | Kind::Close);
                if chooses {
                    return Err((tag.at.start, BLOCK.to_owned()));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What changes: styles go into start tags, and rules that are needed no more out of the sheets.
fn edits<'p>(
    page: &Page<'p>,
    rules: &Rules<'p>,
    source: impl Fn(Option<&str>) -> &'p Source,
) -> Result<Edits<'p>, TemplateError> {
    let held = matched(page, rules).map_err(|problem| source(None).wrong(0, problem))?;
    // An element of a partial stands in as many places as the partial.
    let mut places: BTreeMap<(Option<&str>, usize), Vec<usize>> = BTreeMap::new();
    for (number, (name, element)) in page.elements.iter().enumerate() {
        if !UNSEEN.contains(&element.name.as_str()) {
            places
                .entry((*name, element.at.start))
                .or_default()
                .push(number);
        }
    }
    let mut edits = Edits::new();
    let mut moved = BTreeSet::new();
    let mut whole = page.open;
    for ((name, _), numbers) in places {
        let first = numbers[0];
        let known = |number: &usize| !page.varies.contains(number) && held[*number].is_some();
        if !numbers
            .iter()
            .all(|number| known(number) && held[*number] == held[first])
        {
            whole = true;
            continue;
        }
        let Some(held) = held[first].as_ref().filter(|held| !held.is_empty()) else {
            continue;
        };
        moved.extend(held);
        let element = page.elements[first].1;
        let own = element.attribute("style");
        let holding = held.iter().map(|selector| {
            let selector = &rules.selectors[*selector];
            let rule = &rules.rules[selector.rule];
            Held {
                specificity: selector.asks.specificity,
                text: &source(rule.sheet.0).text,
                declarations: &rule.declarations,
            }
        });
        let style = cascade::style(holding.collect(), &rules.important);
        if !style.is_empty() {
            let text = &source(name).text;
            let edit = cascade::attribute(text, own, element.name_end, &style);
            edits.entry(name).or_default().push(edit);
        }
    }
    rules.check(&moved, &source)?;
    let mut hidden = Hidden::default();
    for (name, range) in &page.hidden {
        hidden.add(&source(*name).text[range.clone()]);
    }
    whole |= moved
        .iter()
        .any(|selector| hidden.may_need(&rules.selectors[*selector].text));
    for (name, edit) in rules.left(&moved, whole, &source) {
        edits.entry(name).or_default().push(edit);
    }
    Ok(edits)
}

/// For each element of the page the selectors that hold for it; `None` where the parser has put something else.
fn matched(page: &Page<'_>, rules: &Rules<'_>) -> Result<Vec<Option<Vec<usize>>>, String> {
    let sheet: String = rules
        .selectors
        .iter()
        .enumerate()
        .map(|(number, selector)| format!("{}{{--m{number}:1}}\n", selector.text))
        .collect();
    let options = InlineOptions {
        inline_style_tags: false,
        keep_style_tags: true,
        keep_link_tags: true,
        load_remote_stylesheets: false,
        extra_css: Some(sheet.into()),
        ..InlineOptions::default()
    };
    let html = CSSInliner::new(options)
        .inline(&page.skeleton)
        .map_err(|error| {
            format!("its styles cannot be inlined: {error}; set inline_css = false in [message]")
        })?;
    let mut held: Vec<Option<Vec<usize>>> = vec![None; page.elements.len()];
    let mut twice = Vec::new();
    for part in html.split(" data-mailrun=\"").skip(1) {
        let (number, behind) = part.split_once('"').unwrap_or_default();
        let style = behind.strip_prefix(" style=\"").unwrap_or_default();
        let style = style.split('"').next().unwrap_or_default();
        let mut numbers: Vec<usize> = style
            .split("--m")
            .filter_map(|declaration| declaration.split(':').next()?.parse().ok())
            .collect();
        numbers.sort_unstable();
        let Some(place) = number
            .parse()
            .ok()
            .and_then(|number: usize| held.get_mut(number))
        else {
            continue;
        };
        // What is not nested rightly is taken apart by the parser, and stands there twice.
        if place.as_ref().is_some_and(|before| *before != numbers) {
            twice.extend(number.parse::<usize>());
        }
        *place = Some(numbers);
    }
    for number in twice {
        held[number] = None;
    }
    Ok(held)
}

/// The source with the edits made, without style sheets that are empty then.
fn edit(source: &Source, mut edits: Vec<(Range<usize>, String)>) -> Result<Source, TemplateError> {
    edits.sort_by_key(|(at, _)| (at.start, at.end));
    let mut text = String::with_capacity(
        source.text.len() + edits.iter().map(|(_, new)| new.len()).sum::<usize>(),
    );
    let mut done = 0;
    for (at, new) in &edits {
        text.push_str(&source.text[done..at.start]);
        text.push_str(new);
        done = at.end;
    }
    text.push_str(&source.text[done..]);
    let text = without_empty_sheets(text);
    let written = |text: &str| -> Vec<String> {
        tags(text)
            .into_iter()
            .map(|tag| text[tag.at].to_owned())
            .collect()
    };
    if written(&text) != written(&source.text) {
        let problem = "its styles cannot be inlined without harm to its tags; set inline_css = false in [message]";
        return Err(source.wrong(0, problem.to_owned()));
    }
    source.with_text(text)
}

/// The page without style sheets that hold nothing.
pub(super) fn without_empty_sheets(mut text: String) -> String {
    let mut pieces = pieces::pieces(&text);
    while let Some(at) = pieces
        .windows(3)
        .find_map(|three| empty_sheet(&text, three))
    {
        text.replace_range(at, "");
        pieces = pieces::pieces(&text);
    }
    text
}

/// Where a `<style>` with nothing in it stands, with the line break behind it.
fn empty_sheet(text: &str, three: &[Piece]) -> Option<Range<usize>> {
    let [Piece::Start(element), Piece::Css(css), Piece::End { .. }] = three else {
        return None;
    };
    let end = css.end + text[css.end..].find('>')? + 1;
    let line_end = text[end..].len() - text[end..].trim_start_matches(['\r', '\n']).len();
    text[css.clone()]
        .trim()
        .is_empty()
        .then_some(element.at.start..end + line_end)
}

#[cfg(test)]
mod property;
#[cfg(test)]
mod tests;
