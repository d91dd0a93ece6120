//! MJML templates into HTML ones, when they are loaded; the template's tags stay what they are.
//!
//! `expand` puts the partials in, `marks` marks in place of tags, then mrml converts, the tags go where their marks are, and `lines` breaks what is too long.
//! What MJML loads from elsewhere by itself, fonts, is left out; `<mj-font>` is its author's wish.

mod expand;
mod lines;
mod marks;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use mrml::prelude::parser::{Error, ParserOptions};
use mrml::prelude::render::RenderOptions;

use super::css::{self, without_empty_sheets};
use super::depth;
use super::error::TemplateError;
use super::images::{is_file, references, unescaped};
use super::pieces::{self, Element, Piece, VOID};
use super::source::{self, Source};
use super::tags::Kind;
use marks::Marked;

/// What the style sheets that are to go into attributes begin with.
pub(super) const INLINE: &str = "/*to be inlined*/";

/// The HTML template of an MJML one. `image` reads one that is named by its path.
///
/// # Errors
/// MJML that is none, elements or tags where it has no place for them, a style sheet that can't be `inlined`, an image that
/// can't be read. Each says where, in the file that it stands in.
pub(super) fn to_html(
    main: &Source,
    partials: &BTreeMap<String, Source>,
    inlined: bool,
    mut image: impl FnMut(&str) -> Result<(), String>,
) -> Result<Source, TemplateError> {
    let text = expand::expanded(main, partials)?;
    depth::elements(&pieces::pieces(&text.text), depth::Ends::AreWritten)
        .map_err(|(at, problem)| text.wrong(at, problem))?;
    let elements = elements(&text.text);
    if let Some(at) = start(&elements, |name| name == "mj-include") {
        let problem =
            "mj-include is not read; write it as a partial: {{> name}} includes partials/name.hbs";
        return Err(text.wrong(at, problem.to_owned()));
    }
    let marked = Marked::new(&text.text, INLINE);
    let parsed = mrml::parse_with_options(&marked.text, &ParserOptions::default());
    if matches!(parsed, Ok(_) | Err(Error::EndOfStream { .. })) {
        nested(&text.text).map_err(|(at, problem)| text.wrong(at, problem))?;
    }
    let parsed = parsed.map_err(|error| {
        let (at, problem) = explained(&error, &marked.text);
        text.wrong(marked.origin(at), problem)
    })?;
    let options = RenderOptions {
        fonts: HashMap::new(),
        ..RenderOptions::default()
    };
    let html = parsed.element.render(&options);
    let html = html.map_err(|error| main.wrong(0, format!("cannot be made into HTML: {error}")))?;
    if let Some(left) = self::elements(&html)
        .iter()
        .find(|it| it.name.starts_with("mj-"))
    {
        let at = start(&elements, |name| name == left.name).unwrap_or_default();
        return Err(text.wrong(at, format!("MJML has no element <{}> here", left.name)));
    }
    let html = marked
        .restored(&html)
        .map_err(|(at, problem)| text.wrong(at, problem.to_owned()))?;
    // In the HTML they have no place that their author knows.
    let sheets = elements
        .iter()
        .filter(|it| inlined && is_inlined(it, &text.text));
    for sheet in sheets {
        let end = text.text[sheet.at.end..].find("</mj-style");
        let range = sheet.at.end..end.map_or(text.text.len(), |end| sheet.at.end + end);
        css::check(&text.text, range).map_err(|(at, problem)| text.wrong(at, problem))?;
    }
    for value in images(&text.text, &elements) {
        let found = image(&unescaped(&text.text[value.clone()]));
        found.map_err(|problem| text.wrong(value.start, problem))?;
    }
    let mut template = source::compile(main.name.clone(), &html)?;
    source::forget_places(&mut template);
    Ok(Source {
        name: main.name.clone(),
        text: html,
        template,
        written: false,
    })
}

/// Whether it is a style sheet whose rules go into attributes.
fn is_inlined(element: &Element, text: &str) -> bool {
    let inline = element.attribute("inline");
    element.name == "mj-style" && inline.is_some_and(|it| &text[it.value.clone()] == "inline")
}

/// Where files are named that are images, in MJML and in the HTML in it; those that a row decides about apart.
fn images(text: &str, elements: &[Element]) -> Vec<Range<usize>> {
    let of_mjml = elements.iter().filter(|it| it.name.starts_with("mj-"));
    let values = of_mjml.flat_map(|element| {
        let named = ["src", "background-url"].map(|name| element.attribute(name));
        named.into_iter().flatten().map(|named| named.value.clone())
    });
    let values = values.filter(|value| is_file(&text[value.clone()]));
    let all = references(text).into_iter().chain(values);
    all.filter(|value| !text[value.clone()].contains("{{"))
        .collect()
}

/// The elements of a text, those in comments apart.
fn elements(text: &str) -> Vec<Element> {
    let pieces = pieces::pieces(text).into_iter();
    let element = |piece| match piece {
        Piece::Start(element) => Some(element),
        _ => None,
    };
    pieces.filter_map(element).collect()
}

/// Where the first element begins that has a wanted name.
fn start(elements: &[Element], wanted: impl Fn(&str) -> bool) -> Option<usize> {
    let found = elements.iter().find(|element| wanted(&element.name));
    found.map(|element| element.at.start)
}

/// What to do where a block holds a part of an element.
const WAY_OUT: &str = "write whole elements into each branch of a block";

/// Whether each element is closed by its own end tag: mrml takes any other for it. And whether each of MJML's own is in
/// the branch that it begins in: to MJML, which knows no branches, it is one element that every row has.
fn nested(text: &str) -> Result<(), (usize, String)> {
    let mut open: Vec<(String, usize)> = Vec::new();
    // How many elements were open before each block.
    let mut blocks: Vec<usize> = Vec::new();
    for piece in pieces::pieces(text) {
        match piece {
            Piece::Start(element) if !element.closed && !VOID.contains(&element.name.as_str()) => {
                open.push((element.name, element.at.start));
            }
            Piece::Tag { tag, .. } => {
                if let (Kind::Else | Kind::Close, Some(before)) = (&tag.kind, blocks.last()) {
                    let mut within = open.iter().skip(*before);
                    if let Some((name, at)) = within.find(|(name, _)| name.starts_with("mj")) {
                        let problem = format!(
                            "this <{name}> is not closed in the block it is opened in; {WAY_OUT}"
                        );
                        return Err((*at, problem));
                    }
                }
                if tag.kind.opens() {
                    blocks.push(open.len());
                } else if tag.kind == Kind::Close {
                    blocks.pop();
                }
            }
            Piece::End { name, at }
                if name.starts_with("mj")
                    && open.last().is_some_and(|(other, _)| *other == name)
                    && blocks.last().is_some_and(|before| open.len() <= *before) =>
            {
                let problem =
                    format!("</{name}> closes what was opened outside of this block; {WAY_OUT}");
                return Err((at, problem));
            }
            Piece::End { name, at } => match open.pop() {
                Some((other, _)) if other == name => {}
                Some((other, _)) => {
                    let problem =
                        format!("</{name}> stands where <{other}> is open; close that one before");
                    return Err((at, problem));
                }
                None => return Err((at, format!("</{name}> closes what is not open"))),
            },
            _ => {}
        }
    }
    match open.pop() {
        Some((name, at)) => Err((at, format!("this <{name}> is not closed"))),
        None => Ok(()),
    }
}

/// The page as it is sent: without [`INLINE`], without style sheets that hold nothing else, its lines not too long.
pub(super) fn finished(page: &Source) -> Result<Source, TemplateError> {
    let html = without_empty_sheets(page.text.replace(INLINE, ""));
    page.with_text(lines::broken(&html))
}

/// Where in the text the error is, and what it is.
fn explained(error: &Error, text: &str) -> (usize, String) {
    let element = |at: usize| {
        let name = text[at..].trim_start_matches(['<', '/']);
        let name = name
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .next()
            .unwrap_or_default();
        (at - usize::from(text[..at].ends_with('<')), name.to_owned())
    };
    match error {
        Error::MissingAttribute { name, position, .. } => {
            let (at, element) = element(position.start);
            (at, format!("<{element}> needs the attribute {name:?}"))
        }
        Error::UnexpectedElement { position, .. } | Error::UnexpectedToken { position, .. } => {
            let (at, name) = element(position.start);
            let what = if name.is_empty() {
                "this".to_owned()
            } else {
                format!("<{name}>")
            };
            (at, format!("MJML has no place for {what} here"))
        }
        Error::InvalidAttribute { position, .. } | Error::InvalidFormat { position, .. } => {
            (position.start, "MJML can't read this value".to_owned())
        }
        Error::IncludeLoaderError { position, .. } => {
            (position.start, "mj-include is not read".to_owned())
        }
        Error::ParserError { source, .. } => {
            let place = source.pos();
            let line: usize = text
                .split_inclusive('\n')
                .take((place.row as usize).saturating_sub(1))
                .map(str::len)
                .sum();
            let column = text[line..]
                .char_indices()
                .nth((place.col as usize).saturating_sub(1));
            let at = line + column.map_or(0, |(at, _)| at);
            (
                at,
                "this is no MJML: an element, an attribute or a quote is not written to its end"
                    .to_owned(),
            )
        }
        Error::EndOfStream { .. } => (
            text.len(),
            "the end of an element is missing, such as </mjml>".to_owned(),
        ),
        Error::SizeLimit { .. } | Error::NoRootNode => {
            (0, "the template has no <mjml>…</mjml>".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
