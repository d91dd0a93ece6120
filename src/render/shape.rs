//! What an element of a template renders, but for the cells that it prints as they are.
//!
//! It is found by rendering once with marks in place of cells, and once more with other marks: where both say the same, a
//! mark stands for its cell, and all else is the same for every row that decides alike.

use handlebars::{Context, JsonRender, RenderContext, Template};
use serde_json::Value;

use super::engine::Engine;
use crate::message::{Fixed, Stock, Text};

/// Private to nobody in particular: a text that has one of them is found out by the other.
const MARKS: [char; 2] = ['\u{10FFFC}', '\u{10FFFD}'];
/// Within a mark: no helper that changes letters leaves it as it is.
const WITHIN: &str = "aB ";
/// The end of a mark: what is escaped shows it.
const END: char = '&';
const ESCAPED: &str = "&amp;";

/// What is rendered, cells apart.
#[derive(Debug)]
pub(super) struct Shape {
    stock: Stock,
    runs: Vec<Run>,
}

#[derive(Debug)]
enum Run {
    /// That of the stock.
    Fixed(usize),
    Cell {
        name: String,
        raw: bool,
    },
}

/// A run of what is rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// The same for every row.
    Text(String),
    /// The cell of that name, as `{{name}}` prints it, or `{{{name}}}`.
    Cell { name: String, raw: bool },
}

impl Piece {
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Piece::Text(_))
    }
}

impl Shape {
    pub(super) fn new(pieces: Vec<Piece>) -> Shape {
        let (mut texts, mut runs) = (Vec::<String>::new(), Vec::new());
        for piece in pieces {
            match (piece, runs.last()) {
                (Piece::Text(text), Some(Run::Fixed(last))) => texts[*last] += &text,
                (Piece::Text(text), _) if text.is_empty() => {}
                (Piece::Text(text), _) => {
                    runs.push(Run::Fixed(texts.len()));
                    texts.push(text);
                }
                (Piece::Cell { name, raw }, _) => runs.push(Run::Cell { name, raw }),
            }
        }
        let stock = texts.iter().map(|text| Fixed::new(text)).collect();
        Shape { stock, runs }
    }

    /// About how many octets it takes up, with what becomes of it on the wire.
    pub(super) fn octets(&self) -> usize {
        self.stock
            .iter()
            .map(|fixed| 2 * fixed.text().len() + 256)
            .sum()
    }

    /// Its runs: `=` and a text, the name of a cell in braces where it is not escaped.
    #[cfg(test)]
    pub(super) fn shown(&self) -> Vec<String> {
        let shown = |run: &Run| match run {
            Run::Fixed(index) => format!("={}", self.stock[*index].text()),
            Run::Cell { name, raw: true } => format!("{{{name}}}"),
            Run::Cell { name, raw: false } => name.clone(),
        };
        self.runs.iter().map(shown).collect()
    }

    /// Adds what is rendered for this row.
    pub(super) fn lay(&self, engine: &Engine, context: &Context, out: &mut Text) {
        if self.runs.is_empty() {
            return;
        }
        let stock = out.open(&self.stock);
        for run in &self.runs {
            match run {
                Run::Fixed(index) => out.push_fixed(stock, *index),
                Run::Cell { name, raw } => match context.data().get(name) {
                    Some(Value::String(cell)) => engine.print(cell, *raw, out),
                    Some(other) => out.push_str(&other.render()),
                    None => {}
                },
            }
        }
    }
}

/// The pieces of an element, for a row in which `marked` are printed as they are and all else decides; `None` where it
/// cannot be rendered, or they cannot be told apart. `line_ended` is whether it stands at the beginning of a line.
pub(super) fn pieces(
    engine: &Engine,
    template: &Template,
    element: usize,
    marked: &[&String],
    context: &Context,
    line_ended: bool,
) -> Option<Vec<Piece>> {
    let before = if line_ended { "\n" } else { "" };
    let by = |mark: char| {
        let mut context = context.clone();
        if let Value::Object(row) = context.data_mut() {
            for (number, name) in marked.iter().enumerate() {
                let text = format!("{mark}{WITHIN}{number}{END}{mark}");
                row.insert((*name).clone(), Value::from(text));
            }
        }
        let (mut out, mut state) = (Text::from(before), RenderContext::new(None));
        let rendered = engine.render(template, element, &context, &mut state, &mut out);
        rendered.ok()?;
        parse(&out[before.len()..], mark, marked)
    };
    let [one, other] = MARKS.map(by);
    one.filter(|one| other.is_some_and(|other| other == *one))
}

fn parse(mut text: &str, mark: char, marked: &[&String]) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    while let Some((before, behind)) = text.split_once(mark) {
        pieces.push(Piece::Text(before.to_owned()));
        let behind = behind.strip_prefix(WITHIN)?;
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        let (number, end) = behind.split_at(digits);
        let escaped = end.strip_prefix(ESCAPED);
        let rest = escaped.or(end.strip_prefix(END))?;
        pieces.push(Piece::Cell {
            name: (*marked.get(number.parse::<usize>().ok()?)?).clone(),
            raw: escaped.is_none(),
        });
        text = rest.strip_prefix(mark)?;
    }
    pieces.push(Piece::Text(text.to_owned()));
    Some(pieces)
}
