//! Elements that only some programs see, in conditional comments (`<!--[if mso]>`) and `<noscript>`: nothing goes into their
//! attributes, so they need the rules where they stand.

use std::collections::BTreeSet;

use super::super::tags::Kind;
use super::UNSEEN;
use super::pieces::{Piece, pieces};

/// What the selectors of such elements may name.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Types, and classes and ids with their sign, in lower case: in quirks mode the case doesn't matter.
    names: BTreeSet<String>,
    /// Whether a row brings some of them.
    varies: bool,
}

impl Hidden {
    /// Notes the elements of a part of a page.
    pub(super) fn add(&mut self, text: &str) {
        for piece in pieces(text) {
            match piece {
                Piece::Start(element) => {
                    let name = element.name.as_str();
                    // Settings of Office, which are no elements of the page.
                    if UNSEEN.contains(&name)
                        || matches!(name, "xml" | "noscript")
                        || name.starts_with("o:")
                    {
                        continue;
                    }
                    self.varies |= element.varies;
                    self.names.insert(element.name.clone());
                    for (attribute, sign) in [("class", '.'), ("id", '#')] {
                        let value = element.attribute(attribute);
                        let value = value.map_or("", |found| &text[found.value.clone()]);
                        let names = value.split_whitespace();
                        self.names
                            .extend(names.map(|name| format!("{sign}{}", name.to_lowercase())));
                    }
                }
                Piece::Hidden(range) => self.add(&text[range]),
                Piece::Tag { tag, .. } => {
                    self.varies |= matches!(
                        tag.kind,
                        Kind::Raw | Kind::Partial(_) | Kind::PartialBlock(_)
                    );
                }
                _ => {}
            }
        }
    }

    /// Whether the selector may hold for one of them, or for what stands in one: rather once too often than not.
    pub(super) fn may_need(&self, selector: &str) -> bool {
        if self.varies {
            return true;
        }
        if self.names.is_empty() {
            return false;
        }
        let selector = selector.to_lowercase();
        let in_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '#');
        selector.contains(['*', '[', ':'])
            || selector
                .split(|c: char| !in_name(c))
                .any(|compound| self.names_one_of(compound))
    }

    /// Whether a name of `td.a#b` is one of theirs.
    fn names_one_of(&self, compound: &str) -> bool {
        let starts = compound.char_indices().skip(1);
        let starts = starts.filter(|(_, c)| matches!(c, '.' | '#'));
        let mut ends: Vec<usize> = starts.map(|(at, _)| at).collect();
        ends.push(compound.len());
        let mut start = 0;
        ends.into_iter().any(|end| {
            let name = &compound[start..end];
            start = end;
            self.names.contains(name)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_needed_where_one_of_its_names_is_there() {
        let mut hidden = Hidden::default();
        hidden.add(
            "[if mso]><table id=I><td class=\"col B\"><v:rect class='v'><o:x class=o><![endif]",
        );
        for selector in [
            "td",
            ".col",
            "td.x",
            "p.b",
            "#i",
            "div .col > p",
            ".v",
            "*",
            "[title]",
            "b:first-child",
        ] {
            assert!(hidden.may_need(selector), "{selector}");
        }
        for selector in ["p", ".co", ".cols", "col", "#col", ".i", "div.a > .o"] {
            assert!(!hidden.may_need(selector), "{selector}");
        }
    }

    #[test]
    fn nothing_is_needed_where_nothing_is_shown() {
        let mut hidden = Hidden::default();
        hidden.add("[if mso]><noscript><xml><o:PixelsPerInch>96</o:PixelsPerInch></xml></noscript><style>p{}</style>");
        assert!(!hidden.may_need("*"));
        for text in [
            "<p class={{x}}>",
            "{{{x}}}",
            "<!--[if mso]>{{> x}}<![endif]-->",
        ] {
            let mut hidden = Hidden::default();
            hidden.add(text);
            assert!(hidden.may_need(".a"), "{text}");
        }
    }
}
