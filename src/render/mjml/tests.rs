//! What becomes of MJML: what its author wrote is found again in the HTML, and errors are told whole.

#![allow(clippy::unwrap_used)]

use super::super::tags::{Kind, tags};
use super::*;

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
        template: source::compile(name.to_owned(), text).unwrap(),
        written: true,
    }
}

/// There is none, as there is none elsewhere in a folder that is not there.
fn no_image(path: &str) -> Result<(), String> {
    Err(format!("there is no file {path:?}"))
}

fn html(main: &str, partials: &[(&str, &str)]) -> Result<String, String> {
    let partials = partials
        .iter()
        .map(|(name, text)| ((*name).to_owned(), source(&format!("{name}.hbs"), text)));
    let html = to_html(
        &source("m.mjml.hbs", main),
        &partials.collect(),
        true,
        no_image,
    );
    html.map(|html| html.text)
        .map_err(|error| error.to_string())
}

/// The HTML of a page with this body.
fn body(body: &str) -> String {
    html(&format!("<mjml><mj-body>{body}</mj-body></mjml>"), &[]).unwrap()
}

fn tags_of(text: &str) -> Vec<&str> {
    let tags = tags(text)
        .into_iter()
        .filter(|tag| tag.kind != Kind::Comment);
    tags.map(|tag| &text[tag.at]).collect()
}

#[test]
fn tags_stay_where_they_are() {
    let text = "{{#each items}}<mj-section>{{#if a}}<mj-column width=\"{{#if b}}50%{{else}}40%{{/if}}\">\
        <mj-text>{{~name~}} <b {{#if c}}class=\"d\"{{/if}}>{{{raw}}}</b></mj-text>{{else if e}}<mj-column>\
        <mj-button href=\"https://a.example/{{url_encode f}}\">{{g}} {{h}}</mj-button>\
        <mj-image src=\"photos/{{id}}.jpg\" alt=\"{{i}}\" />{{/if}}</mj-column></mj-section>{{/each}}";
    // A column is one element to MJML, whatever a row chooses.
    let error = html(&format!("<mjml><mj-body>{text}</mj-body></mjml>"), &[]).unwrap_err();
    assert!(error.starts_with("m.mjml.hbs:1:"), "{error}");

    let text = "{{#each items}}<mj-section>{{#if a}}<mj-column>\
        <mj-text>{{~name~}} <b {{#if c}}class=\"d\"{{/if}}>{{{raw}}}</b></mj-text></mj-column>{{else if e}}<mj-column>\
        <mj-button href=\"https://a.example/{{url_encode f}}\">{{g}} {{h}}</mj-button>\
        <mj-image alt=\"{{i}}\" src=\"photos/{{id}}.jpg\" /></mj-column>{{/if}}</mj-section>{{/each}}";
    let html = body(text);
    assert_eq!(tags_of(&html), tags_of(text));
    for part in [
        "{{~name~}} <b {{#if c}} class=\"d\" {{/if}}>{{{raw}}}</b>",
        "<a href=\"https://a.example/{{url_encode f}}\"",
        ">{{g}} {{h}}</a>",
        "src=\"photos/{{id}}.jpg\"",
        // Outlook's own tables are whole within each branch.
        "<![endif]-->{{#if a}}<!--[if mso | IE]><td",
        "</td><![endif]-->{{/if}}<!--[if mso | IE]></tr>",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
}

#[test]
fn attributes_may_change_places_and_blocks_stay_whole() {
    let html = body(
        "<mj-section><mj-column><mj-image src=\"{{#if a}}b.png{{else}}c.png{{/if}}\" alt=\"{{#if d}}e{{/if}}\" /></mj-column></mj-section>",
    );
    for part in [
        "alt=\"{{#if d}}e{{/if}}\"",
        "src=\"{{#if a}}b.png{{else}}c.png{{/if}}\"",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    let head = "<mj-attributes><mj-text color=\"{{#if a}}red{{/if}}\" /></mj-attributes>";
    let section =
        "<mj-section><mj-column><mj-text>x</mj-text><mj-text>y</mj-text></mj-column></mj-section>";
    let error = self::html(
        &format!("<mjml><mj-head>{head}</mj-head><mj-body>{section}</mj-body></mjml>"),
        &[],
    );
    assert_eq!(
        error.unwrap_err(),
        "m.mjml.hbs:1:47: MJML says this block more than once, or not where it stands; write it into each element that needs it"
    );
}

#[test]
fn rows_of_a_table_and_raw_html_keep_their_blocks() {
    let text = "<mj-section><mj-column><mj-table>{{#each rows}}<tr {{!-- c --}}><td>{{a}}</td></tr>{{/each}}</mj-table>\
        <mj-raw>{{#if b}}<tr><td>x</td></tr>{{/if}}</mj-raw></mj-column></mj-section>";
    let html = body(text);
    assert!(
        html.contains(">{{#each rows}}<tr><td>{{a}}</td></tr>{{/each}}</table>"),
        "{html}"
    );
    assert!(
        html.contains("{{#if b}}<tr><td>x</td></tr>{{/if}}"),
        "{html}"
    );
}

#[test]
fn the_head_has_tags_too() {
    let head = "<mj-title>{{a}}</mj-title><mj-preview>{{b}}&#847;</mj-preview><mj-style>.x { color: {{c}}; }</mj-style>";
    let html = html(
        &format!("<mjml lang=\"{{{{d}}}}\"><mj-head>{head}</mj-head><mj-body></mj-body></mjml>"),
        &[],
    )
    .unwrap();
    for part in [
        "<title>{{a}}</title>",
        ">{{b}}&#847;</div>",
        ".x { color: {{c}}; }",
        "<html lang=\"{{d}}\"",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
}

#[test]
fn white_space_between_elements_is_any() {
    let text = "<mjml>\n  <mj-head>\n    <mj-title>a {{b}}</mj-title>\n    <mj-attributes>\n      <mj-text color=\"#123456\" />\n    \
        </mj-attributes>\n  </mj-head>\n  <mj-body>\n    {{#if c}}\n    <mj-section>\n      <mj-column>\n        <mj-text>x  y</mj-text>\n      \
        </mj-column>\n    </mj-section>\n    {{/if}}\n  </mj-body>\n</mjml>\n";
    let bare = |html: String| html.split_whitespace().collect::<String>();
    let expected = bare(html(text, &[]).unwrap());
    assert!(expected.contains("xy</div>"), "{expected}");
    for written in [
        text.replace('\n', "\r\n"),
        text.replace('\n', " "),
        text.replace('\n', "\t\n"),
        text.replace("\n", "").replace("  <", "<"),
    ] {
        assert_eq!(bare(html(&written, &[]).unwrap()), expected, "{written:?}");
        assert!(html(&written, &[]).unwrap().contains("x  y"), "{written:?}");
    }
    let error = html(
        &text
            .replace("y</mj-text", "y</mj-txt")
            .replace('\n', "\r\n"),
        &[],
    )
    .unwrap_err();
    assert!(
        error.starts_with("m.mjml.hbs:12:22: </mj-txt> stands where <mj-text> is open"),
        "{error}"
    );
    let error = html(
        &text.replace("#123456\"", "#123456").replace('\n', "\r\n"),
        &[],
    );
    let problem = "this is no MJML: an element, an attribute or a quote is not written to its end";
    assert_eq!(error.unwrap_err(), format!("m.mjml.hbs:5:15: {problem}"));
}

#[test]
fn partials_of_mjml_are_put_in_and_others_stay_tags() {
    let layout = (
        "layout",
        "<mjml><mj-head>{{> style}}</mj-head><mj-body>{{> top}}{{> @partial-block}}</mj-body></mjml>",
    );
    let style = (
        "style",
        "<mj-attributes><mj-text color=\"#123456\" /></mj-attributes>",
    );
    let section = (
        "section",
        "<mj-section><mj-column><mj-text>{{x}}{{> row a=b}}</mj-text></mj-column></mj-section>",
    );
    let row = ("row", "<i>{{a}}</i>");
    let main = "{{#> layout}}{{#*inline \"top\"}}<mj-section><mj-column><mj-text>top</mj-text></mj-column></mj-section>{{/inline}}\
        {{#each c}}{{> section}}{{/each}}{{/layout}}";
    let html = html(main, &[layout, style, section, row]).unwrap();
    assert_eq!(
        tags_of(&html),
        ["{{#each c}}", "{{x}}", "{{> row a=b}}", "{{/each}}"]
    );
    assert!(html.contains("color:#123456;\">top</div>"), "{html}");
}

#[test]
fn no_row_chooses_what_an_inline_partial_of_mjml_is() {
    let section = |text: &str| {
        format!("<mj-section><mj-column><mj-text>{text}</mj-text></mj-column></mj-section>")
    };
    let inline = |text: &str| format!("{{{{#*inline \"top\"}}}}{text}{{{{/inline}}}}");
    let page = |head: &str| {
        html(
            &format!("<mjml><mj-body>\n{head}{{{{> top}}}}</mj-body></mjml>"),
            &[],
        )
    };
    let (one, two) = (inline(&section("one")), inline(&section("two")));
    let error = page(&format!("{{{{#if a}}}}{one}{{{{else}}}}{two}{{{{/if}}}}")).unwrap_err();
    assert!(
        error.starts_with("m.mjml.hbs:2:10: \"top\" holds MJML, and is put in here before there is a row: no block decides"),
        "{error}"
    );
    let way_out = inline(&format!(
        "{{{{#if a}}}}{}{{{{else}}}}{}{{{{/if}}}}",
        section("one"),
        section("two")
    ));
    let html = page(&format!("{{{{#if b}}}}{{{{/if}}}}{way_out}")).unwrap();
    let (one, two) = html.split_once("{{else}}").unwrap();
    assert!(
        one.contains(">one</div>") && two.contains(">two</div>"),
        "{html}"
    );
}

#[test]
fn nothing_is_loaded_from_elsewhere_unasked() {
    let text =
        "<mj-section><mj-column><mj-text font-family=\"Lato\">a</mj-text></mj-column></mj-section>";
    assert!(!body(text).contains("https:"), "{}", body(text));
}

#[test]
fn a_block_holds_whole_elements_of_mjml() {
    let way_out = "write whole elements into each branch of a block";
    let not_closed = "is not closed in the block it is opened in";
    for (text, expected) in [
        (
            "{{#if c}}<mj-section><mj-column>{{/if}}<mj-text>x</mj-text></mj-column></mj-section>",
            format!("2:10: this <mj-section> {not_closed}"),
        ),
        (
            "{{#if c}}<mj-section>{{else}}<mj-section padding=\"0\">{{/if}}</mj-section>",
            format!("2:10: this <mj-section> {not_closed}"),
        ),
        (
            "<mj-section>{{#each c}}<mj-column><mj-text>x</mj-text>{{/each}}</mj-column></mj-section>",
            format!("2:24: this <mj-column> {not_closed}"),
        ),
        (
            "<mj-section><mj-column>{{#if c}}</mj-column><mj-column>{{/if}}</mj-column></mj-section>",
            "2:33: </mj-column> closes what was opened outside of this block".to_owned(),
        ),
        (
            "<mj-section><mj-column><mj-text>{{#if c}}x</mj-text><mj-text>{{/if}}y</mj-text></mj-column></mj-section>",
            "2:43: </mj-text> closes what was opened outside of this block".to_owned(),
        ),
    ] {
        let page = format!("<mjml><mj-body>\n{text}</mj-body></mjml>");
        assert_eq!(
            html(&page, &[]).unwrap_err(),
            format!("m.mjml.hbs:{expected}; {way_out}"),
            "{text}"
        );
    }
    // What stands in a text is HTML, and its author's.
    let text = "{{#if a}}<b>{{/if}}x{{#if a}}</b>{{/if}}";
    let page = format!("<mj-section><mj-column><mj-text>{text}</mj-text></mj-column></mj-section>");
    assert!(body(&page).contains(text));
}

#[test]
fn a_place_is_right_behind_what_is_left_out_or_put_in() {
    let quote = "this is no MJML: an element, an attribute or a quote is not written to its end";
    for (before, lines) in [
        ("<!-- a\n b -->", 2),
        ("{{!-- a\n b --}}", 2),
        ("{{! é }}", 1),
        ("<!-- {{a}} é -->{{#if é}}\n{{/if}}", 2),
        ("<!-- <mj-text> <mj-foo a='> <mj-include> -->", 1),
        ("<mj-raw><!-- <mj-foo> --></mj-raw>", 1),
    ] {
        let page = |wrong: &str| {
            let page = format!("<mjml><mj-body>\n{before}\n  {wrong}</mj-body></mjml>");
            html(&page, &[]).unwrap_err()
        };
        let line = 2 + lines;
        for (wrong, problem) in [
            ("<mj-section a=''></mj-section><mj-section b='></mj-section>", format!("44: {quote}")),
            ("<mj-include path='a' />", "3: mj-include is not read; write it as a partial: {{> name}} includes partials/name.hbs".to_owned()),
            ("<mj-section><mj-foo /></mj-section>", "15: MJML has no element <mj-foo> here".to_owned()),
            ("<mj-image src='a &amp; b.png' />", "18: there is no file \"a & b.png\"".to_owned()),
            ("<mj-text><img src=\"a.png\"></mj-text>", "22: there is no file \"a.png\"".to_owned()),
            ("<mj-hero background-url=\"b.png\" />", "28: there is no file \"b.png\"".to_owned()),
        ] {
            let error = page(wrong);
            let (place, problem) = problem.split_once(": ").unwrap();
            let told = error.strip_prefix(&format!("m.mjml.hbs:{line}:"));
            let told = told.and_then(|told| told.split_once(": "));
            assert_eq!(told, Some((place, problem)), "{before}{wrong}: {error}");
        }
    }
    let style = |css: &str| {
        let head = format!(
            "<mj-head>{{{{!-- c --}}}}<mj-style inline=\"inline\">p {{ }}</mj-style>\n<mj-style inline=\"inline\">\n{css}</mj-style>"
        );
        let page = format!("<mjml>{head}</mj-head><mj-body></mj-body></mjml>");
        html(&page, &[])
    };
    for (css, expected) in [
        (
            "/* c */\n.a { color: red",
            "4:4: a { of the style sheet is not closed",
        ),
        (
            ".a { b: c }\n{{#if d}}",
            "4:1: a block in a style sheet whose rules go into style attributes; put it into a <style data-css-inline=\"ignore\">, which stays as it is",
        ),
        (".a { b: url(d.png) }", "3:13: there is no file \"d.png\""),
    ] {
        let css = match css.contains("{{#") {
            true => format!("{css}.e {{ f: g }}{{{{/if}}}}"),
            false => css.to_owned(),
        };
        let error = style(&css).unwrap_err();
        assert_eq!(error, format!("m.mjml.hbs:{expected}"), "{css}");
    }
    style(".a { color: {{b}} } @media x { .a { color: red } }").unwrap();
}

#[test]
fn what_nests_too_deep_is_refused_before_it_uses_up_the_stack() {
    let page = |name: &str, times| {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let text = format!("{}x{}", open.repeat(times), close.repeat(times));
        format!(
            "<mjml><mj-body><mj-section><mj-column><mj-text>\n{text}</mj-text></mj-column></mj-section></mj-body></mjml>"
        )
    };
    for (page, place, name) in [
        (page("div", 20_000), "2:1226", "div"),
        (page("td", 800), "2:981", "td"),
        (
            "<mjml><mj-body>".to_owned() + &"<mj-section>".repeat(20_000),
            "1:2992",
            "mj-section",
        ),
    ] {
        let expected = format!(
            "m.mjml.hbs:{place}: more than 250 elements stand in each other here; see whether end tags are missing, such as </{name}>"
        );
        assert_eq!(html(&page, &[]).unwrap_err(), expected);
    }
}

#[test]
fn what_is_in_a_comment_is_no_mjml() {
    let section = "<mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>";
    let html = body(&format!("<!-- {section} <mj-include> -->{section}"));
    assert_eq!(html.matches(">x</div>").count(), 1, "{html}");
}

#[test]
fn mistakes_are_told_with_their_place() {
    let section = |text: &str| {
        format!(
            "<mjml>\n<mj-body>\n<mj-section><mj-column>{text}</mj-column></mj-section></mj-body></mjml>"
        )
    };
    let lost =
        "MJML has no place for a tag here, or has to know the value when the template is read";
    for (text, expected) in [
        ("<p>x".to_owned(), "1:1: MJML has no place for <p> here"),
        ("".to_owned(), "1:1: the template has no <mjml>…</mjml>"),
        (
            section("{{a}}<mj-texte>b</mj-texte>"),
            "3:29: MJML has no element <mj-texte> here",
        ),
        (
            section("<mj-text {{#if a}}color=\"red\"{{/if}}>b</mj-text>"),
            &format!("3:33: {lost}"),
        ),
        (
            section("{{a}}<mj-text>{{b}}</mj-column>"),
            "3:43: </mj-column> stands where <mj-text> is open; close that one before",
        ),
        (
            section("<mj-text>{{b}} <b c=\"d></b></mj-text>"),
            "3:41: this is no MJML: an element, an attribute or a quote is not written to its end",
        ),
        (
            section("<mj-include path=\"a.mjml\" />"),
            "3:24: mj-include is not read; write it as a partial: {{> name}} includes partials/name.hbs",
        ),
        (
            "<mjml><mj-body>{{a}}".to_owned(),
            "1:7: this <mj-body> is not closed",
        ),
    ] {
        assert_eq!(
            html(&text, &[]).unwrap_err(),
            format!("m.mjml.hbs:{expected}"),
            "{text}"
        );
    }
    // In the file that it stands in.
    let partial = [("a", "\n<mj-text>{{x}}</mj-txt>")];
    let error = html(&section("{{b}}{{> a}}"), &partial).unwrap_err();
    assert!(
        error.starts_with("a.hbs:2:15: </mj-txt> stands where <mj-text> is open"),
        "{error}"
    );
    let error = html(&section("{{> a b=c}}"), &partial).unwrap_err();
    assert_eq!(
        error,
        "m.mjml.hbs:3:24: \"a\" holds MJML, and is put in here before there is a row: it takes no values; write {{#with …}}{{> a}}{{/with}}"
    );
}
