//! Markdown templates into HTML ones, when they are loaded; the template's tags stay what they are.

use std::borrow::Cow;

use pulldown_cmark::{Options, Parser, html};

/// What stands around a page that names no layout of its own.
const HEAD: &str = "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
    <meta name=\"color-scheme\" content=\"light dark\">\n</head>\n\
    <body style=\"margin:0 auto; padding:24px 16px; max-width:600px; font:16px/1.6 -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif;\">\n";
const FOOT: &str = "</body>\n</html>\n";

/// The HTML template of a Markdown one. A line of nothing but a block's tag, such as `{{#each items}}`, divides paragraphs;
/// within `{{#> layout}}` the page is that layout's.
pub(super) fn to_html(source: &str) -> String {
    let (text, tags) = without_tags(source);
    let mut out = String::with_capacity(2 * source.len());
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    html::push_html(&mut out, Parser::new_ext(&text, options));
    let mut page = out;
    // The last one first: the name of the first is the beginning of the eleventh's.
    for (name, tag) in tags.iter().rev() {
        page = page
            .replace(&format!("<!--{name}-->"), tag)
            .replace(name, tag);
    }
    if tags.iter().any(|(_, tag)| tag.starts_with("{{#>")) {
        page
    } else {
        format!("{HEAD}{page}{FOOT}")
    }
}

/// The text with a word in place of each tag, and which word stands for which.
fn without_tags(source: &str) -> (String, Vec<(String, &str)>) {
    let mut word = Cow::Borrowed("tagged");
    while source.contains(word.as_ref()) {
        word.to_mut().push('x');
    }
    let mut text = String::with_capacity(source.len());
    let mut tags: Vec<(String, &str)> = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("{{") {
        let end = match &rest[at..] {
            tag if tag.starts_with("{{!--") => tag.find("--}}").map(|end| end + 4),
            tag if tag.starts_with("{{{") => tag.find("}}}").map(|end| end + 3),
            tag => tag.find("}}").map(|end| end + 2),
        };
        // Nothing that compiles has a tag without its end.
        let Some(end) = end else { break };
        let tag = &rest[at..at + end];
        let (before, behind) = (&rest[..at], &rest[at + end..]);
        text.push_str(before);
        let name = format!("{word}{}", tags.len());
        let divides = tag.starts_with(['{'])
            && ["{{#", "{{/", "{{>", "{{!", "{{else", "{{~#", "{{~/"]
                .iter()
                .any(|start| tag.starts_with(start));
        let line_before = text.rsplit('\n').next().unwrap_or_default();
        let line_behind = behind.split('\n').next().unwrap_or_default();
        if divides && line_before.trim().is_empty() && line_behind.trim().is_empty() {
            text.push_str(&format!("<!--{name}-->"));
        } else {
            text.push_str(&name);
        }
        tags.push((name, tag));
        rest = behind;
    }
    text.push_str(rest);
    (text, tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(source: &str) -> String {
        let page = to_html(source);
        let page = page
            .strip_prefix(HEAD)
            .and_then(|page| page.strip_suffix(FOOT));
        page.unwrap_or_default().to_owned()
    }

    #[test]
    fn tags_stay_what_they_are() {
        for (source, expected) in [
            (
                "# Hi {{name}}\n\n*a* & {{{b}}}",
                "<h1>Hi {{name}}</h1>\n<p><em>a</em> &amp; {{{b}}}</p>\n",
            ),
            (
                "[{{a}} x](https://a.example/{{date b \"%Y\"}})",
                "<p><a href=\"https://a.example/{{date b \"%Y\"}}\">{{a}} x</a></p>\n",
            ),
            (
                "a\n{{#each items}}\n- {{this}}\n{{/each}}\nb",
                "<p>a</p>\n{{#each items}}\n<ul>\n<li>{{this}}</li>\n</ul>\n{{/each}}\n<p>b</p>\n",
            ),
            (
                "a {{#if b}}c{{else}}d{{/if}} e",
                "<p>a {{#if b}}c{{else}}d{{/if}} e</p>\n",
            ),
            ("tagged0 {{a}}", "<p>tagged0 {{a}}</p>\n"),
            (
                "![logo](logo.png)",
                "<p><img src=\"logo.png\" alt=\"logo\" /></p>\n",
            ),
        ] {
            assert_eq!(body(source), expected, "{source}");
        }
        let many: String = (0..12).map(|n| format!("{{{{c{n}}}}} ")).collect();
        assert_eq!(body(&many), format!("<p>{}</p>\n", many.trim()));
    }

    #[test]
    fn a_layout_of_its_own_is_the_page() {
        let page = to_html("{{#> layout}}\n\nHi *you*\n\n{{/layout}}");
        assert_eq!(page, "{{#> layout}}\n<p>Hi <em>you</em></p>\n{{/layout}}");
    }
}
