//! How deep a template nests, counted before anything reads it by calling itself: what is nested without end by mistake, such
//! as elements without their end tags, would use up the stack.

use super::pieces::{Piece, VOID};
use super::tags::{self, Kind};

/// How deep elements, blocks or brackets may stand in each other. Pages of tables in tables have not a fifth of it, and four times as
/// much still fits on the stack of a thread.
pub(super) const DEEPEST: usize = 250;

/// Elements whose end tag may be left out, so that the next one stands beside them and not in them.
const LOOSE: &[&str] = &[
    "html", "head", "body", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot",
    "colgroup", "option", "optgroup",
];

/// Whether the blocks of a template, and calls within a tag, are few enough; if not, where the first begins that is too deep.
pub(super) fn blocks(text: &str) -> Result<(), (usize, String)> {
    let problem = |what: &str| {
        format!("more than {DEEPEST} {what}; see whether one is not closed, or make a column of it")
    };
    // Of each open block: itself, and each of its {{else if …}}, which stands in the one before.
    let mut open: Vec<usize> = Vec::new();
    for tag in tags::tags(text) {
        match &tag.kind {
            Kind::Else => open
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|block| *block += 1),
            Kind::Close => drop(open.pop()),
            kind if kind.opens() => open.push(1),
            _ => {}
        }
        if open.iter().sum::<usize>() > DEEPEST {
            return Err((tag.at.start, problem("blocks, or branches, in each other")));
        }
        let mut calls = 0_usize;
        for byte in text[tag.at.clone()].bytes() {
            match byte {
                b'(' => calls += 1,
                b')' => calls = calls.saturating_sub(1),
                _ => {}
            }
            if calls > DEEPEST {
                return Err((tag.at.start, problem("parentheses in each other")));
            }
        }
    }
    Ok(())
}

/// What the end tag of an element is to whoever reads a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// Some elements end where the next one begins: HTML.
    MayBeLeftOut,
    /// An element goes on until it: MJML, and the HTML in it.
    AreWritten,
}

/// The same of the elements of a page.
pub(super) fn elements(pieces: &[Piece], ends: Ends) -> Result<(), (usize, String)> {
    let is_loose = |name: &str| ends == Ends::MayBeLeftOut && LOOSE.contains(&name);
    let mut open: Vec<&str> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Start(element) => {
                let name = element.name.as_str();
                if element.closed || VOID.contains(&name) || is_loose(name) {
                    continue;
                }
                open.push(name);
                if open.len() > DEEPEST {
                    let problem = format!(
                        "more than {DEEPEST} elements stand in each other here; see whether end tags are missing, such as </{name}>"
                    );
                    return Err((element.at.start, problem));
                }
            }
            Piece::End { name, .. } => {
                if let Some(last) = open.iter().rposition(|other| other == name) {
                    open.truncate(last);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::pieces::pieces;
    use super::*;

    fn is_deep(text: &str) -> bool {
        elements(&pieces(text), Ends::MayBeLeftOut).is_err()
    }

    #[test]
    fn elements_count_where_they_stand_in_each_other() {
        let (open, close) = ("<div>", "</div>");
        assert!(!is_deep(&(open.repeat(250) + &close.repeat(250))));
        assert!(is_deep(&(open.repeat(251) + &close.repeat(251))));
        assert!(!is_deep(&"<div><b>x</div>".repeat(1000)));
        assert!(!is_deep(&"<p>a<br><img src=x><li>b<i/>".repeat(1000)));
        assert!(!is_deep(&"<table><tr><td>a<tr><td>b</table>".repeat(1000)));
        assert!(is_deep(&"<table><tr><td>".repeat(251)));
        let deep = elements(&pieces(&open.repeat(300)), Ends::MayBeLeftOut);
        let at = deep.map_err(|(at, _)| at);
        assert_eq!(at, Err(250 * open.len()));
        // Where end tags are needed, cells without tables are in each other.
        for (times, deep) in [(250, false), (251, true)] {
            let cells = "<td>".repeat(times) + &"</td>".repeat(times);
            assert!(!is_deep(&cells));
            let written = elements(&pieces(&cells), Ends::AreWritten);
            assert_eq!(written.is_err(), deep);
        }
    }

    #[test]
    fn blocks_and_calls_count_where_they_stand_in_each_other() {
        let is_deep = |text: String| blocks(&text).is_err();
        assert!(!is_deep("{{#if a}}{{/if}}".repeat(1000)));
        assert!(!is_deep("{{#if a}}".repeat(250) + &"{{/if}}".repeat(250)));
        assert!(is_deep("{{#if a}}".repeat(251) + &"{{/if}}".repeat(251)));
        assert!(!is_deep(
            "{{#if a}}".to_owned() + &"{{else if b}}".repeat(249)
        ));
        assert!(is_deep(
            "{{#if a}}".to_owned() + &"{{else if b}}".repeat(250)
        ));
        assert!(!is_deep("{{upper (lower a)}}".repeat(1000)));
        assert!(is_deep(format!("{{{{upper {}", "(not ".repeat(251)) + "}}"));
    }
}
