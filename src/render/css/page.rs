//! The page that a template and its partials make: which element stands in which, for every row.
//!
//! Branches of a block stand behind each other here, whatever a row would choose. That changes nothing for a selector as
//! long as no block leaves an element open or closes one from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::super::source::Source;
use super::super::tags::{Kind, Tag, tags};
use super::pieces::{self, Element, Piece, Place, VOID};

/// A template file and what it is made of.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) source: &'a Source,
    pub(super) pieces: Vec<Piece>,
}

impl<'a> File<'a> {
    pub(super) fn new(source: &'a Source) -> File<'a> {
        let pieces = pieces::pieces(&source.text);
        File { source, pieces }
    }
}

/// A part of a file: its name in [`Page`]'s terms, where `None` is the page's own, and which bytes.
pub(super) type Part<'a> = (Option<&'a str>, Range<usize>);

/// What was found on the way through.
#[derive(Debug, Default)]
pub(super) struct Page<'a> {
    /// The elements alone, numbered by `data-mailrun`, as HTML.
    pub(super) skeleton: String,
    /// By number: the file, and the start tag in it.
    pub(super) elements: Vec<(Option<&'a str>, &'a Element)>,
    /// Numbers of those that a row's data decides about, and of all that stands in them.
    pub(super) varies: BTreeSet<usize>,
    /// Style sheets, in their order.
    pub(super) sheets: Vec<Part<'a>>,
    /// Those of them that a block, and so a row, decides about.
    pub(super) chosen: Vec<Part<'a>>,
    /// What only some programs take for a part of the page.
    pub(super) hidden: Vec<Part<'a>>,
    /// The first tag that chooses what a style sheet holds.
    pub(super) css_block: Option<Part<'a>>,
    /// Whether rows differ in which elements stand beside each other.
    pub(super) blocks: bool,
    /// Whether attributes have tags in them.
    pub(super) attributes_vary: bool,
    /// Whether rows bring elements of their own.
    pub(super) open: bool,
    /// The first thing about it that leaves unknown which element stands in which: where, and what.
    pub(super) unknown: Option<(Option<&'a str>, usize, String)>,
}

/// What names stand for at a place of the page.
#[derive(Debug, Clone, Default)]
struct Scope<'a, 'f> {
    inlines: BTreeMap<&'a str, Run<'a, 'f>>,
    /// `@partial-block`, and the scope it was written in.
    block: Option<(Run<'a, 'f>, Box<Scope<'a, 'f>>)>,
}

/// Pieces of a file, behind each other.
#[derive(Debug, Clone, Copy)]
struct Run<'a, 'f> {
    file: Option<&'a str>,
    pieces: &'f [Piece],
}

struct Open<'a> {
    name: &'a str,
    file: Option<&'a str>,
    at: usize,
    varies: bool,
}

pub(super) struct Walk<'a, 'f> {
    main: &'f File<'a>,
    partials: &'f BTreeMap<&'a str, File<'a>>,
    page: Page<'f>,
    open: Vec<Open<'f>>,
    /// How few elements were open since the innermost block began, and how many when it did.
    blocks: Vec<(usize, usize)>,
}

impl<'a: 'f, 'f> Walk<'a, 'f> {
    /// Goes through the page that the main template makes with the partials.
    pub(super) fn through(
        main: &'f File<'a>,
        partials: &'f BTreeMap<&'a str, File<'a>>,
    ) -> Page<'f> {
        let mut walk = Walk {
            main,
            partials,
            page: Page::default(),
            open: Vec::new(),
            blocks: Vec::new(),
        };
        let run = Run {
            file: None,
            pieces: &main.pieces,
        };
        walk.run(run, &mut Scope::default());
        walk.page
    }

    fn source(&self, file: Option<&str>) -> &'a Source {
        let partial = file.and_then(|name| self.partials.get(name));
        partial.map_or(self.main.source, |file| file.source)
    }

    fn run(&mut self, run: Run<'f, 'f>, scope: &mut Scope<'f, 'f>) {
        let mut at = 0;
        while let Some(piece) = run.pieces.get(at) {
            at += 1;
            match piece {
                Piece::Doctype(range) => {
                    let text = &self.source(run.file).text[range.clone()];
                    self.page.skeleton.push_str(text);
                }
                Piece::Start(element) => self.start(run.file, element),
                Piece::End { name, .. } => self.end(name),
                Piece::Css(range) => self.sheet(run.file, range.clone()),
                Piece::Hidden(range) => self.page.hidden.push((run.file, range.clone())),
                Piece::Tag { tag, place } => {
                    let inner = if matches!(tag.kind, Kind::PartialBlock(_) | Kind::Inline(_)) {
                        let end = closed(run.pieces, at);
                        let inner = &run.pieces[at..end];
                        at = end + 1;
                        inner
                    } else {
                        &[]
                    };
                    let inner = Run {
                        pieces: inner,
                        ..run
                    };
                    self.tag(run.file, tag, *place, inner, scope);
                }
            }
        }
    }

    fn sheet(&mut self, file: Option<&'f str>, range: Range<usize>) {
        if !self.blocks.is_empty() {
            self.page.chosen.push((file, range.clone()));
        }
        self.page.sheets.push((file, range));
    }

    fn start(&mut self, file: Option<&'f str>, element: &'f Element) {
        let text = &self.source(file).text;
        self.whole_blocks(file, element, text);
        let number = self.page.elements.len();
        self.page.elements.push((file, element));
        let varies = element.varies || self.open.last().is_some_and(|parent| parent.varies);
        if varies {
            self.page.varies.insert(number);
        }
        let out = &mut self.page.skeleton;
        out.push('<');
        out.push_str(&element.name);
        for attribute in &element.attributes {
            let value = &text[attribute.value.clone()];
            let tagged = value.contains("{{");
            self.page.attributes_vary |=
                tagged && !matches!(attribute.name.as_str(), "style" | "class" | "id");
            if !tagged && !matches!(attribute.name.as_str(), "style" | "class") {
                // With what a value without quotes can't have, quotes do no harm.
                let quote = if attribute.quote == b'\'' { '\'' } else { '"' };
                let value = if attribute.quote == 0 {
                    value.replace('"', "&quot;")
                } else {
                    value.to_owned()
                };
                out.push_str(&format!(" {}={quote}{value}{quote}", attribute.name));
            }
        }
        // The class comes last: css-inline puts it first, and the last one in its place.
        out.push_str(&format!(" data-mailrun=\"{number}\""));
        if let Some(class) = element.attribute("class").filter(|_| !element.varies) {
            out.push_str(&format!(
                " class=\"{}\"",
                text[class.value.clone()].replace('"', "&quot;")
            ));
        }
        out.push_str(if element.closed { "/>" } else { ">" });
        self.page.attributes_vary |= element.varies;
        if !element.closed && !VOID.contains(&element.name.as_str()) {
            self.open.push(Open {
                name: &element.name,
                file,
                at: element.at.start,
                varies,
            });
        }
    }

    fn end(&mut self, name: &str) {
        self.page.skeleton.push_str(&format!("</{name}>"));
        if let Some(found) = self.open.iter().rposition(|open| open.name == name) {
            self.open.truncate(found);
            for (lowest, _) in &mut self.blocks {
                *lowest = found.min(*lowest);
            }
        }
    }

    fn tag(
        &mut self,
        file: Option<&'f str>,
        tag: &'f Tag,
        place: Place,
        inner: Run<'f, 'f>,
        scope: &mut Scope<'f, 'f>,
    ) {
        match &tag.kind {
            Kind::Open | Kind::Else | Kind::Close | Kind::PartialBlock(_) | Kind::Inline(_)
                if place == Place::Css =>
            {
                self.page.css_block.get_or_insert((file, tag.at.clone()));
            }
            Kind::Open => {
                self.page.blocks = true;
                self.blocks.push((self.open.len(), self.open.len()));
            }
            Kind::Else => {
                self.balanced(file, tag);
                if let Some((lowest, before)) = self.blocks.last_mut() {
                    *lowest = *before;
                }
            }
            Kind::Close => {
                self.balanced(file, tag);
                self.blocks.pop();
            }
            Kind::Raw => self.page.open |= place == Place::Page,
            Kind::Partial(name) if place == Place::Css => self.css(name, scope),
            // What a partial would show in a comment is no element.
            Kind::Partial(_) | Kind::PartialBlock(_) if place == Place::Text => {
                self.page.open = true
            }
            Kind::Partial(name) | Kind::PartialBlock(name) => self.partial(name, inner, scope),
            Kind::Inline(name) => {
                if !self.blocks.is_empty() {
                    // Which text the name stands for, a row decides.
                    let sheets = inner.pieces.iter().filter_map(|piece| match piece {
                        Piece::Css(range) => Some((inner.file, range.clone())),
                        _ => None,
                    });
                    self.page.chosen.extend(sheets);
                    self.page.open = true;
                }
                scope.inlines.insert(name, inner);
            }
            Kind::Comment | Kind::Print => {}
        }
    }

    fn partial(&mut self, name: &'f str, inner: Run<'f, 'f>, scope: &mut Scope<'f, 'f>) {
        if name == "@partial-block" {
            match scope.block.clone() {
                Some((block, mut outer)) => self.run(block, &mut outer),
                None => self.run(inner, scope),
            }
            return;
        }
        let found = scope.inlines.get(name).copied().or_else(|| self.file(name));
        let mut within = scope.clone();
        for (at, piece) in inner.pieces.iter().enumerate() {
            if let Piece::Tag { tag, .. } = piece
                && let Kind::Inline(name) = &tag.kind
            {
                let body = &inner.pieces[at + 1..closed(inner.pieces, at + 1)];
                within.inlines.insert(
                    name,
                    Run {
                        pieces: body,
                        ..inner
                    },
                );
            }
        }
        match found {
            Some(run) => {
                within.block = Some((inner, Box::new(scope.clone())));
                self.run(run, &mut within)
            }
            None => {
                // Its own content stands in for it; without that, nothing is known of it.
                self.page.open |= inner.pieces.is_empty();
                self.run(inner, &mut within)
            }
        }
    }

    fn file(&self, name: &'f str) -> Option<Run<'f, 'f>> {
        let (name, file) = self.partials.get_key_value(name)?;
        Some(Run {
            file: Some(name),
            pieces: &file.pieces,
        })
    }

    /// A partial that stands in a style sheet: its text is one, and so are those of the partials in it.
    fn css(&mut self, name: &'f str, scope: &Scope<'f, 'f>) {
        let Some((name, file)) = self
            .partials
            .get_key_value(name)
            .filter(|_| !scope.inlines.contains_key(name))
        else {
            self.page.open = true;
            return;
        };
        let text = &file.source.text;
        let mut start = 0;
        for tag in tags(text) {
            match &tag.kind {
                Kind::Open | Kind::Else | Kind::Close => {
                    self.page.css_block.get_or_insert((Some(name), tag.at));
                }
                Kind::Partial(inner) => {
                    self.sheet(Some(name), start..tag.at.start);
                    start = tag.at.end;
                    if let Some((inner, _)) = self.partials.get_key_value(inner.as_str()) {
                        self.css(inner, scope);
                    }
                }
                _ => {}
            }
        }
        self.sheet(Some(name), start..text.len());
    }

    /// Notes a block that begins in this start tag and ends outside of it: what follows is in it.
    fn whole_blocks(&mut self, file: Option<&'f str>, element: &Element, text: &str) {
        if !element.varies {
            return;
        }
        let tags = tags(&text[element.at.clone()]);
        let opened = tags.iter().filter(|tag| tag.kind.opens()).count();
        let closed = tags.iter().filter(|tag| tag.kind == Kind::Close).count();
        if opened > closed {
            let problem = "a block begins within this start tag and ends outside of it".to_owned();
            let unknown = (file, element.at.start, problem);
            self.page.unknown.get_or_insert(unknown);
        }
    }

    /// Notes when the branch that ends here leaves another number of elements open than it found.
    fn balanced(&mut self, file: Option<&'f str>, tag: &Tag) {
        let unknown = match self.blocks.last() {
            None => {
                let problem =
                    "this block begins within a start tag and ends outside of it".to_owned();
                Some((file, tag.at.start, problem))
            }
            Some((lowest, before)) => {
                match self.open.get(*before) {
                    Some(open) => {
                        let problem = format!(
                            "this <{}> is not closed in the block it is opened in",
                            open.name
                        );
                        Some((open.file, open.at, problem))
                    }
                    None if lowest < before => {
                        let problem = "the block that ends here closes an element that was opened outside of it".to_owned();
                        Some((file, tag.at.start, problem))
                    }
                    None => None,
                }
            }
        };
        self.page.unknown = self.page.unknown.take().or(unknown);
    }
}

/// Where the `{{/…}}` stands for a block whose content begins at `start`.
fn closed(pieces: &[Piece], start: usize) -> usize {
    let mut depth = 0;
    let end = pieces[start..].iter().position(|piece| {
        let Piece::Tag { tag, .. } = piece else {
            return false;
        };
        if tag.kind == Kind::Close && depth == 0 {
            return true;
        }
        depth += usize::from(tag.kind.opens());
        depth -= usize::from(tag.kind == Kind::Close);
        false
    });
    end.map_or(pieces.len(), |end| start + end)
}
