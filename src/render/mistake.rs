//! What is wrong with a template that does not compile, in its author's words, and where.
//!
//! The parser says which of its own rules it expected, at the place where it gave up: of a block that is not closed, at the
//! end of the text. Its author looks for the tag that opens it.

use handlebars::TemplateErrorReason;

use super::source::position;
use super::tags::{self, Kind};

/// A line and a column, both counted from 1.
type Place = (usize, usize);

/// What was most likely left out of `text`, and where to look; `at` is where the parser gave up.
pub(super) fn explained(
    reason: &TemplateErrorReason,
    text: &str,
    at: Option<Place>,
) -> (Option<Place>, String) {
    match reason {
        TemplateErrorReason::InvalidSyntax(expected) => syntax(expected, text, at),
        _ => None,
    }
    .unwrap_or_else(|| (at, reason.to_string()))
}

fn syntax(expected: &str, text: &str, at: Option<Place>) -> Option<(Option<Place>, String)> {
    let expects = |rule| expected.contains(rule);
    let line = at.and_then(|(line, _)| text.split('\n').nth(line.saturating_sub(1)));
    let next = at.zip(line);
    let next = next.map(|((_, column), line)| line.chars().nth(column.saturating_sub(1)));
    let is_last = at.is_some_and(|(line, _)| line == 1 + text.matches('\n').count());
    let before = at.zip(line).map_or("", |((_, column), line)| {
        let end = line.char_indices().nth(column.saturating_sub(1));
        &line[..end.map_or(line.len(), |(end, _)| end)]
    });
    if let (Some((number, _)), Some(line)) = (at, line)
        && let Some(open) = web_address(before, line)
    {
        let column = 1 + before[..open].chars().count();
        let problem = "a web address is no name: write it outside of {{ and }}, which are put around what changes in it, as in \
                       https://acme.example/{{id}}";
        return Some((Some((number, column)), problem.to_owned()));
    }
    let problem = match next {
        Some(Some('/')) if begins_tag(before) => "this closes a block that was not opened",
        Some(None) if is_last && expects("_block_end") => {
            let (open, problem) = unclosed(text)?;
            return Some((Some(position(text, open)), problem));
        }
        Some(None) if is_last => {
            let open = text.rfind("{{").map(|open| position(text, open));
            return Some((
                open.or(at),
                "this {{ is not closed: its }} is missing".to_owned(),
            ));
        }
        _ if expects("trailing_tilde") => "expected a value or }}",
        _ if expects("partial_identifier") => "expected the name of a partial",
        _ if expects("identifier") || expects("path") => "expected a name",
        _ => return None,
    };
    Some((at, problem.to_owned()))
}

/// Whether what follows is the first of a tag.
fn begins_tag(before: &str) -> bool {
    before.trim_end().trim_end_matches('~').ends_with("{{")
}

/// Where the tag begins that stands open at the end of `before`, the beginning of `line`, when it has a web address in it.
fn web_address(before: &str, line: &str) -> Option<usize> {
    let open = before.rfind("{{")?;
    let open = open - usize::from(before[..open].ends_with('{'));
    let (tag, _) = line[open..].split_once("://")?;
    let scheme = tag.ends_with(|c: char| c.is_ascii_alphanumeric());
    // In quotes it is a text like any other.
    (scheme && !tag.contains(['}', '"', '\''])).then_some(open)
}

/// The tag that opens what is not closed: by the names, which the parser does not look at before it has counted.
fn unclosed(text: &str) -> Option<(usize, String)> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    for tag in tags::tags(text) {
        let name = name(&text[tag.at.clone()]);
        if tag.kind.opens() {
            open.push((tag.at.start, name));
        } else if tag.kind == Kind::Close {
            if open.last().is_some_and(|(_, last)| *last != name)
                && open.iter().any(|(_, other)| *other == name)
            {
                break;
            }
            open.pop();
        }
    }
    let (at, name) = open.pop()?;
    let problem = format!("this block is not closed: its {{{{/{name}}}}} is missing");
    Some((at, problem))
}

/// What a tag that opens a block, or closes it, is called in the other one.
fn name(tag: &str) -> &str {
    let inside = tag.trim_start_matches(|c: char| "{~#^/>*".contains(c) || c.is_whitespace());
    let ends = |c: char| c.is_whitespace() || "}~".contains(c);
    inside.split(ends).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::source::setting;

    fn wrong(text: &str) -> String {
        setting("subject", text).unwrap_err().to_string()
    }

    #[test]
    fn syntax_errors_have_a_place() {
        for (text, wanted) in [
            (
                "Hello\nDear {{name",
                "2:6: this {{ is not closed: its }} is missing",
            ),
            ("{{name}", "1:7: expected a value or }}"),
            ("{{upper \"a}} x", "1:9: expected a value or }}"),
            ("a {{> }}", "1:7: expected the name of a partial"),
            ("é {{#}}", "1:6: expected a name"),
            (
                "a\né {{/if}}",
                "2:5: this closes a block that was not opened",
            ),
            (
                "é {{#if a}}{{~ /if}}{{~ / if}}",
                "1:25: this closes a block that was not opened",
            ),
            ("{{upper a / b}}", "1:11: expected a value or }}"),
            (
                "{{#if a}}x{{/each}}",
                "1:11: helper \"if\" was opened, but \"each\" is closing",
            ),
        ] {
            let wanted = format!("campaign.toml: subject:{wanted}");
            assert_eq!(wrong(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_web_address_in_a_tag_is_told() {
        for (text, place) in [
            ("{{http://acme.example}}", "1:1"),
            ("é <a href=\"{{https://acme.example/{{id}}\">", "1:12"),
            ("x\n{{~ https://acme.example/?a=b }}", "2:1"),
            ("{{{http://acme.example/{{id}}}}}", "1:1"),
            ("{{#if http://acme.example}}{{/if}}", "1:1"),
        ] {
            let told = wrong(text);
            let told = told.strip_prefix("campaign.toml: subject:").unwrap();
            let wanted = format!("{place}: a web address is no name: ");
            assert!(told.starts_with(&wanted), "{text}: {told}");
        }
        assert!(setting("subject", "{{a}} http://{{b}}/{{c}}").is_ok());
        for text in [
            "{{default a \"http://b\" }",
            "{{a} http://b",
            "http://b {{#}}",
        ] {
            assert!(!wrong(text).contains("web address"), "{text}");
        }
    }

    #[test]
    fn an_unclosed_block_is_told_where_it_is_opened() {
        for (text, place, name) in [
            ("{{#if a}}x", "1:1", "if"),
            ("{{#if a}}\nx\n", "1:1", "if"),
            ("é\né {{~#if a}}x{{else}}y\n ", "2:3", "if"),
            ("{{#if a}}{{else if b}}x", "1:1", "if"),
            ("{{#if a}}{{#if b}}x{{/if}}", "1:1", "if"),
            ("{{#if a}}x{{/if}}{{#unless b}}", "1:18", "unless"),
            // The names say which it is.
            ("{{#if a}}\n{{#each b}}x{{/if}}", "2:1", "each"),
            ("{{#each b}}{{#if a}}x{{/each}}", "1:12", "if"),
            (
                "{{#each b}}{{#if a}}{{#if c}}x{{/if}}{{/each}}",
                "1:12",
                "if",
            ),
            ("{{!-- {{#if}} --}}\\{{#if}} {{#each b}}", "1:28", "each"),
            ("{{#> layout}}x", "1:1", "layout"),
            ("{{#*inline \"x\"}}x", "1:1", "inline"),
            ("{{#if a}}{{#*inline \"x\"}}{{/if}}", "1:10", "inline"),
        ] {
            let wanted = format!(
                "campaign.toml: subject:{place}: this block is not closed: its {{{{/{name}}}}} is missing"
            );
            assert_eq!(wrong(text), wanted, "{text}");
        }
    }
}
