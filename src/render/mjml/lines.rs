//! Lines of HTML that no person wrote: mrml writes some of thousands of octets.
//!
//! A message has them broken anywhere by quoted-printable, and a word that is one recipient's moves all breaks behind it.
//! Between two attributes a line break says what a space does.

use super::super::pieces::{self, Piece};

/// What a line of a message holds without being broken (RFC 2045 section 6.7).
const WIDTH: usize = 76;

/// The same HTML with line breaks before attributes, where lines are long.
pub(super) fn broken(html: &str) -> String {
    let mut broken = String::with_capacity(html.len());
    let mut begun = 0;
    for piece in pieces::pieces(html) {
        let Piece::Start(element) = piece else {
            continue;
        };
        for attribute in &element.attributes {
            let at = attribute.at.start;
            // A space alone, and no tag of the template beside it: that could be left alone on a line.
            let Some(before) = html[..at].strip_suffix(' ') else {
                continue;
            };
            if before.len() < broken.len() || before.ends_with([' ', '\n', '\r', '\t', '}']) {
                continue;
            }
            begun = before.rfind('\n').map_or(begun, |line| begun.max(line + 1));
            if attribute.at.end - begun > WIDTH {
                broken.push_str(&before[broken.len()..]);
                broken.push('\n');
                begun = at;
            }
        }
    }
    broken.push_str(&html[broken.len()..]);
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_attributes_alone() {
        let long = "x".repeat(40);
        for (html, expected) in [
            (
                format!("<p a=\"1\" b=\"{long}\">"),
                format!("<p a=\"1\" b=\"{long}\">"),
            ),
            (
                format!("<p a=\"{long}\" b=\"{long}\" c=\"1\">{long} {long}"),
                format!("<p a=\"{long}\"\nb=\"{long}\" c=\"1\">{long} {long}"),
            ),
            (
                format!("{long}\n<i>{long}<p a=\"{long}\"  b=\"{long}\">"),
                format!("{long}\n<i>{long}<p\na=\"{long}\"  b=\"{long}\">"),
            ),
            // Of the template.
            (
                format!("<p {{{{#if {long}}}}} class=\"{long}\"{{{{/if}}}}>"),
                format!("<p {{{{#if {long}}}}} class=\"{long}\"{{{{/if}}}}>"),
            ),
            // A page of its own to some programs, and text.
            (
                format!("<!--[if mso]><p a=\"{long}\" b=\"{long}\"><![endif]--> a=\"{long}\""),
                format!("<!--[if mso]><p a=\"{long}\" b=\"{long}\"><![endif]--> a=\"{long}\""),
            ),
        ] {
            assert_eq!(broken(&html), expected);
        }
    }
}
