//! What becomes of pages: the text of each file, whole.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::super::source::{Source, compile};
use super::*;

pub(super) fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
        template: compile(name.to_owned(), text).unwrap(),
        written: true,
    }
}

/// A page's own text, and those of its partials.
type Texts = (String, BTreeMap<String, String>);

fn page(main: &str, partials: &[(&str, &str)]) -> Result<Option<Texts>, String> {
    let partials = partials
        .iter()
        .map(|(name, text)| ((*name).to_owned(), source(&format!("{name}.hbs"), text)));
    let inlined = inlined(&source("m.html.hbs", main), &partials.collect(), None)
        .map_err(|error| error.to_string())?;
    Ok(inlined.map(|Inlined { page, partials }| {
        let partials = partials
            .into_iter()
            .map(|(name, source)| (name, source.text));
        (page.text, partials.collect())
    }))
}

/// The page's own text.
fn alone(text: &str) -> String {
    page(text, &[])
        .unwrap()
        .map_or_else(|| "unchanged".to_owned(), |(main, _)| main)
}

fn wrong(text: &str) -> String {
    page(text, &[]).unwrap_err()
}

#[test]
fn rules_go_into_attributes_and_all_else_stays() {
    for (text, expected) in [
        (
            "<style>p{color:red}</style><P>a &copy; b<br/>c",
            "<P style=\"color:red\">a &copy; b<br/>c",
        ),
        (
            "<style>.a{color:red}</style><p class=\"b a\">x</p>",
            "<p style=\"color:red\" class=\"b a\">x</p>",
        ),
        (
            "<style>#i{a:b} p{a:c;d:e} .x{a:f}</style><p id=i class=x>",
            "<p style=\"d:e;a:b\" id=i class=x>",
        ),
        (
            "<style>p{margin:0}</style><p style=\"color:red\">",
            "<p style=\"margin:0;color:red\">",
        ),
        (
            "<style>p{margin:0}</style><p style=color:red>",
            "<p style=\"margin:0;color:red\">",
        ),
        (
            "<style>p{margin:0}</style><p style='a:\"b\"'>",
            "<p style='margin:0;a:\"b\"'>",
        ),
        (
            "<style>p{font:1px 'A B', \"C\"; background:url(a?b&c)}</style><p>",
            "<p style=\"font:1px 'A B', &quot;C&quot;;background:url(a?b&amp;c)\">",
        ),
        (
            "<style>p{margin:0 !important}</style><p><p style=a:b>",
            "<p style=\"margin:0 !important\"><p style=\"margin:0 !important;a:b\">",
        ),
        (
            "<style>p{background:red;background:url(x)}</style><p>",
            "<p style=\"background:red;background:url(x)\">",
        ),
        (
            "<style>p{a:b}</style><p><style>p{a:c}</style>",
            "<p style=\"a:c\">",
        ),
        (
            "<style>div u{a:b} div>u{c:d}</style><div><i><u></u></i></div><u>",
            "<style>div>u{c:d}</style><div><i><u style=\"a:b\"></u></i></div><u>",
        ),
        // The parser takes this apart: the p is no longer within the i.
        (
            "<style>div>p{a:b} i p{c:d}</style><div><i><p></i></div>",
            "<style>i p{c:d}</style><div><i><p style=\"a:b\"></i></div>",
        ),
        (
            "<style>td:first-child{a:b}</style><table><td><td></table>",
            "<table><td style=\"a:b\"><td></table>",
        ),
        (
            "<!DOCTYPE html>\n<html><head>\n<style>\np {\n  color: red;\n}\n</style>\n</head><body><!-- <p> --><p>\n</body></html>\n",
            "<!DOCTYPE html>\n<html><head>\n</head><body><!-- <p> --><p style=\"color:red\">\n</body></html>\n",
        ),
        (
            "<style>p{a:b}</style><!--[if mso]><p><![endif]--><p>",
            "<style>p{a:b}</style><!--[if mso]><p><![endif]--><p style=\"a:b\">",
        ),
        ("<p>no sheet", "unchanged"),
        ("<style>p::before{a:b}</style><p>", "unchanged"),
        (
            "<style data-css-inline=\"ignore\">p{a:b}</style><p>",
            "unchanged",
        ),
        ("<style>.absent{a:b}</style><p>", "unchanged"),
    ] {
        assert_eq!(alone(text), expected, "{text}");
    }
}

#[test]
fn the_end_of_a_character_reference_separates_nothing() {
    for (text, expected) in [
        (
            "<style>p{font-family:'A B', \"C D\"}</style><p style=\"color:blue\">",
            "<p style=\"font-family:'A B', &quot;C D&quot;;color:blue\">",
        ),
        (
            "<style>p{font-family:\"A B\", 'C D'}</style><p style='color:blue'>",
            "<p style='font-family:\"A B\", &#39;C D&#39;;color:blue'>",
        ),
        // What is important here stands behind the element's own.
        (
            "<style>p{a:b !important} @media x{p{a:c !important}}</style><p style=\"d:&quot;e&quot;\"><p style='d:&#39;e&#39;'><p style='d:e;'>",
            "<style>@media x{p{a:c !important}}</style><p style=\"d:&quot;e&quot;;a:b\"><p style='d:&#39;e&#39;;a:b'><p style='d:e;a:b'>",
        ),
    ] {
        assert_eq!(alone(text), expected, "{text}");
    }
}

#[test]
fn what_holds_now_and_then_stays_and_goes_on_winning() {
    for (text, expected) in [
        (
            "<style>a{c:d} a:hover{c:e} @media (x){a{c:f;g:h!important}}</style><a>",
            "<style>a:hover{c:e !important} @media (x){a{c:f !important;g:h!important}}</style><a style=\"c:d\">",
        ),
        (
            "<style>a,a:hover{c:d}</style><a>",
            "<style>a:hover{c:d !important}</style><a style=\"c:d\">",
        ),
        // What was important was stronger, and stays it.
        (
            "<style>a{c:d!important} @media x{a{c:e}}</style><a style=f:g>",
            "<style>@media x{a{c:e !important}}</style><a style=\"c:d !important;f:g\">",
        ),
        (
            "<style>a{c:d!important} @media x{a{c:e !important}}</style><a style=c:f><a style='c:f !important'>",
            "<style>@media x{a{c:e !important}}</style><a style=\"c:f;c:d\"><a style='c:f !important;c:d'>",
        ),
        (
            "<style>@import url(a); @font-face{a:b} .ExternalClass{a:b} p{a:c}</style><p>",
            "<style>@import url(a); @font-face{a:b} .ExternalClass{a:b} </style><p style=\"a:c\">",
        ),
        (
            "<style>td{a:b} td:first-child{a:c}</style><table>{{#each x}}<td></td>{{/each}}</table>",
            "<style>td:first-child{a:c !important}</style><table>{{#each x}}<td style=\"a:b\"></td>{{/each}}</table>",
        ),
    ] {
        assert_eq!(alone(text), expected, "{text}");
    }
}

#[test]
fn tags_stay_where_they_are() {
    for (text, expected) in [
        (
            "<style>td{a:b}</style><table>{{#each rows}}<tr>{{> @x}}<td {{!-- c --}}>{{{d}}}</td></tr>{{else}}<tr><td>{{~e~}}</td></tr>{{/each}}</table>",
            "<style>td{a:b}</style><table>{{#each rows}}<tr>{{> @x}}<td style=\"a:b\" {{!-- c --}}>{{{d}}}</td></tr>{{else}}<tr><td style=\"a:b\">{{~e~}}</td></tr>{{/each}}</table>",
        ),
        (
            "<style>a{b:c}</style><a href=\"{{#if x}}{{y}}{{else}}#{{/if}}\" style=\"{{#if z}}b:d{{/if}}\">",
            "<a href=\"{{#if x}}{{y}}{{else}}#{{/if}}\" style=\"b:c;{{#if z}}b:d{{/if}}\">",
        ),
        (
            "<style>{{!-- a --}}p{b:c}{{! d }}</style><p>",
            "<style>{{!-- a --}}{{! d }}</style><p style=\"b:c\">",
        ),
        (
            "<style>p{b:c{{! d }}}</style><p>",
            "<style>{{! d }}</style><p style=\"b:c\">",
        ),
        (
            "<style>p{a:b} q{c:{{d}}}</style><p>",
            "<style>q{c:{{d}}}</style><p style=\"a:b\">",
        ),
    ] {
        assert_eq!(alone(text), expected, "{text}");
    }
}

#[test]
fn what_a_row_decides_keeps_to_its_style_sheet() {
    for (text, expected) in [
        // The element whose class is known only then, and what stands in it.
        (
            "<style>p{a:b} .x p{a:c}</style><div class=\"{{y}}\"><p></p></div><p>",
            "<style>p{a:b} .x p{a:c}</style><div class=\"{{y}}\"><p></p></div><p style=\"a:b\">",
        ),
        (
            "<style>p{a:b}</style><p {{#if x}}style=\"c:d\"{{/if}}></p><p>",
            "<style>p{a:b}</style><p {{#if x}}style=\"c:d\"{{/if}}></p><p style=\"a:b\">",
        ),
        // HTML from a cell.
        (
            "<style>p{a:b}</style><p>{{{x}}}",
            "<style>p{a:b}</style><p style=\"a:b\">{{{x}}}",
        ),
        (
            "<style>a,a:hover{b:c}</style><a>{{{x}}}</a>",
            "<style>a,a:hover{b:c}\na:hover{b:c !important;}</style><a style=\"b:c\">{{{x}}}</a>",
        ),
        (
            "<style>[lang=de]{a:b} i{c:d}</style><i lang=\"{{l}}\"></i><i lang=de>",
            "<style>[lang=de]{a:b !important} </style><i style=\"c:d\" lang=\"{{l}}\"></i><i style=\"c:d\" lang=de>",
        ),
    ] {
        assert_eq!(alone(text), expected, "{text}");
    }
}

#[test]
fn what_only_some_programs_see_keeps_its_rules() {
    for (text, expected) in [
        (
            "<style>.c{a:b} p{a:c}</style><!--[if mso]><td class=\"c\"><![endif]--><div class=c></div><p>",
            "<style>.c{a:b} p{a:c}</style><!--[if mso]><td class=\"c\"><![endif]--><div style=\"a:b\" class=c></div><p style=\"a:c\">",
        ),
        (
            "<style>p{a:c}</style><noscript><p>x</noscript><p>",
            "<style>p{a:c}</style><noscript><p>x</noscript><p style=\"a:c\">",
        ),
        // Which needs none of them.
        (
            "<style>p{a:c}</style><!--[if mso]><td class=\"c\"><![endif]--><p>",
            "<!--[if mso]><td class=\"c\"><![endif]--><p style=\"a:c\">",
        ),
    ] {
        assert_eq!(alone(text), expected, "{text}");
    }
}

#[test]
fn a_style_sheet_in_a_block_leaves_all_of_them_as_they_are() {
    let theme = ("theme", "<style>.k{display:none}</style>");
    let layout = (
        "layout",
        "{{#if c}}{{> @partial-block}}{{/if}}<p class=k>x</p>",
    );
    for text in [
        "{{#unless c}}<style>.k{display:none}</style>{{/unless}}<p class=\"k\">x</p>",
        "{{#if c}}<style>p{a:b}</style>{{else}}<style>p{a:c}</style>{{/if}}<p>x</p>",
        "{{#if c}}a{{else}}<style>p{a:c}</style>{{/if}}<p>x</p>",
        "{{#each c}}<style>p{a:b}</style>{{/each}}<p>x</p>",
        "{{#if c}}{{> theme}}{{/if}}<p class=k>x</p>",
        "{{> theme}}{{#if c}}{{> theme}}{{/if}}<p class=k>x</p>",
        "{{#if c}}<style>{{> css}}</style>{{/if}}<p class=k>x</p>",
        "{{#> layout}}<style>.k{a:b}</style>{{/layout}}",
        "{{#if c}}{{#*inline \"s\"}}<style>p{a:b}</style>{{/inline}}{{/if}}{{> s}}<p>x</p>",
        "<!-- {{#if c}} --><style>p{a:b}</style><!-- {{/if}} --><p>x</p>",
        // The rules of other sheets would win over it, or not, by where they stand.
        "<style>p{a:d}</style>{{#if c}}<style>p{a:b}</style>{{/if}}<style>.k{a:e}</style><p class=k>x</p>",
    ] {
        let partials = [theme, layout, ("css", ".k{a:b}")];
        assert_eq!(page(text, &partials).unwrap(), None, "{text}");
    }
    let markdown = "{{#unless c}}\n<style>h1{a:b}</style>\n{{/unless}}\n\n# x\n\n{{#if c}}<style>p{a:b}</style>{{/if}}\n";
    assert_eq!(
        alone(&super::super::markdown::to_html(markdown)),
        "unchanged"
    );
    // Its author says that it is one for itself.
    assert_eq!(
        alone(
            "<style>p{a:b}</style>{{#if c}}<style data-css-inline=ignore>p{c:d}</style>{{/if}}<p>"
        ),
        "{{#if c}}<style data-css-inline=ignore>p{c:d}</style>{{/if}}<p style=\"a:b\">"
    );
    assert_eq!(
        wrong("<b {{#if c}}x>a</b><style>p{a:b}</style><b {{/if}}></b><p>"),
        "m.html.hbs:1:1: a block begins within this start tag and ends outside of it; \
         write whole elements into each branch of a block, or set inline_css = false in [message]"
    );
}

#[test]
fn partials_and_layouts_are_one_page() {
    let layout = (
        "layout",
        "<html><head><style>{{> css}} .nav a{c:d}</style></head><body><div class=nav>{{> nav}}</div>{{> @partial-block}}</body></html>",
    );
    let css = ("css", "a{a:b} main p{e:f}");
    let item = ("item", "<p>{{this}}</p>");
    let main = "{{#> layout}}{{#*inline \"nav\"}}<a>{{name}}</a>{{/inline}}<main>{{#each items}}{{> item}}{{/each}}</main><a>{{/layout}}";
    let (main, partials) = page(main, &[layout, css, item]).unwrap().unwrap();
    assert_eq!(
        main,
        "{{#> layout}}{{#*inline \"nav\"}}<a style=\"a:b;c:d\">{{name}}</a>{{/inline}}<main>{{#each items}}{{> item}}{{/each}}</main><a style=\"a:b\">{{/layout}}"
    );
    assert_eq!(partials["css"], "");
    assert_eq!(partials["item"], "<p style=\"e:f\">{{this}}</p>");
    assert_eq!(
        partials["layout"],
        "<html><head><style>{{> css}} </style></head><body><div class=nav>{{> nav}}</div>{{> @partial-block}}</body></html>"
    );
    // A header opens what a footer closes.
    let header = ("header", "<style>.a p{b:c}</style><div class=a>");
    let (main, _) = page(
        "{{> header}}<p>x{{> footer}}",
        &[header, ("footer", "</div><p>y")],
    )
    .unwrap()
    .unwrap();
    assert_eq!(main, "{{> header}}<p style=\"b:c\">x{{> footer}}");
}

#[test]
fn an_inline_partial_that_a_row_chooses_keeps_to_the_style_sheet() {
    let sheet = "<style>.a{b:c} p{d:e}</style>";
    let inline =
        |class: &str| format!("{{{{#*inline \"x\"}}}}<i class={class}></i>{{{{/inline}}}}");
    let (a, b) = (inline("a"), inline("b"));
    for (text, expected) in [
        // Both branches say what the name stands for, or one, and a file else.
        (
            format!("{{{{#if v}}}}{b}{{{{else}}}}{a}{{{{/if}}}}<p>{{{{> x}}}}</p>"),
            None,
        ),
        (
            format!("{{{{#if v}}}}{a}{{{{else}}}}{b}{{{{/if}}}}<p>{{{{> x}}}}</p>"),
            None,
        ),
        (
            format!("{{{{#if v}}}}{b}{{{{/if}}}}<p>{{{{> x}}}}</p>"),
            None,
        ),
        (
            format!("{b}<p class=a>{{{{> x}}}}</p>"),
            Some(format!("{b}<p style=\"d:e;b:c\" class=a>{{{{> x}}}}</p>")),
        ),
    ] {
        let (main, partials) = page(&format!("{sheet}{text}"), &[("x", "<b class=a></b>")])
            .unwrap()
            .unwrap();
        match expected {
            Some(expected) => assert_eq!(main, expected),
            None => {
                assert!(main.starts_with(sheet), "{main}");
                assert!(main.contains("<p style=\"d:e\">"), "{main}");
            }
        }
        assert_eq!(partials["x"], "<b class=a></b>");
    }
}

#[test]
fn a_partial_that_stands_in_different_places_keeps_to_the_style_sheet() {
    let button = ("button", "<a>{{x}}</a>");
    let text = "<style>.d a{b:c} p{d:e}</style><p class=d>{{> button}}</p><p>{{> button}}</p>";
    let (main, partials) = page(text, &[button]).unwrap().unwrap();
    assert_eq!(
        main,
        "<style>.d a{b:c} p{d:e}</style><p style=\"d:e\" class=d>{{> button}}</p><p style=\"d:e\">{{> button}}</p>"
    );
    assert_eq!(partials["button"], button.1);
}

#[test]
fn what_cannot_be_known_is_an_error_that_says_what_to_do() {
    let way_out =
        "write whole elements into each branch of a block, or set inline_css = false in [message]";
    let keep = "which stays as it is";
    for (text, expected) in [
        (
            "<style>p{a:b}</style>\n{{#if x}}<p class=a>{{else}}<p>{{/if}}",
            format!("2:10: this <p> is not closed in the block it is opened in; {way_out}"),
        ),
        (
            "<style>p{a:b}</style><div>\n{{#if x}}</div>{{/if}}<p>",
            format!("2:16: the block that ends here closes an element that was opened outside of it; {way_out}"),
        ),
        (
            "<style>p{a:b}</style><p {{#if x}}class=\"a\">{{else}}>{{/if}}",
            format!("1:22: a block begins within this start tag and ends outside of it; {way_out}"),
        ),
        (
            "<style>\np { a: {{x}} }</style><p>",
            format!("2:8: {{{{x}}}} in a rule that goes into style attributes; write it into a style attribute, or put the rule into a <style data-css-inline=\"ignore\">, {keep}"),
        ),
        (
            "<style>{{#if x}}p{a:b}{{/if}}</style><p>",
            format!("1:8: a block in a style sheet whose rules go into style attributes; put it into a <style data-css-inline=\"ignore\">, {keep}"),
        ),
        (
            "<p><link rel=\"stylesheet\" href=\"css/a.css\">",
            "1:4: nobody who gets the message has \"css/a.css\"; put the style sheet into partials/style.hbs, and write <style>{{> style}}</style>".to_owned(),
        ),
        ("<style>\n p{a:b</style><p>", "2:3: a { of the style sheet is not closed".to_owned()),
    ] {
        assert_eq!(wrong(text), format!("m.html.hbs:{expected}"), "{text}");
    }
    assert_eq!(
        wrong("<style>p{a:b}</style>\n<style media='(max-width: 9px)'>p{a:c}</style><p>"),
        "m.html.hbs:2:1: the rules of other style sheets go into style attributes, which win over this one; write @media … { … } into it in place of its media attribute"
    );
    assert_eq!(alone("<style media=print>p{a:b}</style><p>"), "unchanged");
    assert_eq!(
        alone("<style media=screen>p{a:b}</style><p>"),
        "<p style=\"a:b\">"
    );
    // The parser of HTML calls itself for each.
    let deep = wrong(&format!(
        "<style>p{{a:b}}</style><p>\n{}",
        "<div>".repeat(20_000)
    ));
    assert!(
        deep.starts_with("m.html.hbs:2:1251: more than 250 elements"),
        "{deep}"
    );
    // Where there is nothing to move, nothing has to be known.
    assert_eq!(
        alone("{{#if x}}<p>{{/if}}<link rel=stylesheet href=https://a.example/b.css>"),
        "unchanged"
    );
    let error = page("{{> a}}<p>", &[("a", "\n <style>p{a:{{b}}}</style>")]).unwrap_err();
    assert!(error.starts_with("a.hbs:2:13: {{b}} in a rule"), "{error}");
}
