//! MJML templates into HTML ones, when they are loaded; the template's tags stay what they are.
//!
//! `expand` puts the partials in, `marks` marks in place of tags, then mrml converts, and the tags go where their marks are.
//! What MJML loads from elsewhere by itself, fonts, is left out; `<mj-font>` is its author's wish.

mod expand;
mod marks;

use std::collections::{BTreeMap, HashMap};

use mrml::prelude::parser::{Error, ParserOptions};
use mrml::prelude::render::RenderOptions;

use super::css::without_empty_sheets;
use super::error::TemplateError;
use super::pieces::{self, Piece, VOID};
use super::source::{self, Source};
use super::tags::Kind;
use marks::Marked;

/// What the style sheets that are to go into attributes begin with.
pub(super) const INLINE: &str = "/*to be inlined*/";

/// The HTML template of an MJML one.
///
/// # Errors
/// MJML that is none, elements or tags where it has no place for them. Each says where, in the file that it stands in.
pub(super) fn to_html(
    main: &Source,
    partials: &BTreeMap<String, Source>,
) -> Result<Source, TemplateError> {
    let text = expand::expanded(main, partials)?;
    if let Some(at) = text.text.find("<mj-include") {
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
    if let Some((_, behind)) = html.split_once("<mj-") {
        let name = behind
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .next();
        let element = format!("<mj-{}", name.unwrap_or_default());
        let at = text.text.find(&element).unwrap_or_default();
        return Err(text.wrong(at, format!("MJML has no element {element}> here")));
    }
    let html = marked
        .restored(&html)
        .map_err(|(at, problem)| text.wrong(at, problem.to_owned()))?;
    let mut template = source::compile(main.name.clone(), &html)?;
    source::forget_places(&mut template);
    Ok(Source {
        name: main.name.clone(),
        text: html,
        template,
        written: false,
    })
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

/// The page without [`INLINE`], and without style sheets that hold nothing else.
pub(super) fn without_marks(page: &Source) -> Result<Source, TemplateError> {
    page.with_text(without_empty_sheets(page.text.replace(INLINE, "")))
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
