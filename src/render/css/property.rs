//! Whatever page its author writes: the tags stay as they are, and readers read the same.

#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::collections::BTreeMap;

use handlebars::Handlebars;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::super::tags::tags;
use super::tests::source;
use super::*;

/// Sheets that touch everything, more or less.
const SHEETS: &[&str] = &[
    "p{a:b} .x{c:d} td,b{e:f}",
    "* {margin:0}\n.x .y > b { color: red !important }\n@media (a) { .x { c: e } }",
    "table td:first-child{a:b} a:hover,a{c:d} p+p{e:f} [title]{g:h}",
    "/* {{!-- c --}} */ #i{a:'}'} .y{b:url(data:x;y)}",
];

/// A whole element, text, a tag or a block, as authors write them, and worse.
fn node() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("text &amp; more".to_owned()),
        Just("{{name}}".to_owned()),
        Just("{{~name~}}".to_owned()),
        Just("{{{name}}}".to_owned()),
        Just("{{!-- <p> }} --}}".to_owned()),
        Just("<!-- <p class=x> {{name}} -->".to_owned()),
        Just("<!--[if mso]><p>{{name}}<![endif]-->".to_owned()),
        Just("<br/><IMG alt='{{name}}' src=\"https://a.example/{{name}}\">".to_owned()),
        Just("{{> part}}".to_owned()),
        Just("</b>".to_owned()),
        Just("<p>".to_owned()),
    ];
    let attributes = prop::sample::select(vec![
        "",
        " class=x",
        " class=\"x y\" style='a:b'",
        " {{!-- a --}}id=i",
        " class=\"{{name}}\"",
        " title=\"{{name}}\"",
        " {{#if name}}class=\"x\"{{/if}}",
        " style=\"c:{{name}}\"",
        " style=d:e",
    ]);
    leaf.prop_recursive(4, 40, 4, move |inner| {
        let names = prop::sample::select(vec!["p", "B", "div", "td", "table", "tr", "a"]);
        let block = prop::sample::select(vec!["if name", "each list", "unless name"]);
        let inside = prop::collection::vec(inner, 0..4).prop_map(|nodes| nodes.concat());
        prop_oneof![
            3 => (names, attributes.clone(), inside.clone())
                .prop_map(|(name, attributes, inside)| format!("<{name}{attributes}>{inside}</{name}>")),
            1 => (block, inside.clone(), inside).prop_map(|(block, one, other)| {
                let end = block.split(' ').next().unwrap();
                format!("{{{{#{block}}}}}{one}{{{{else}}}}{other}{{{{/{end}}}}}")
            }),
        ]
    })
}

/// What is left of a page when its style sheets, styles and white space are taken away.
fn bare(html: &str) -> String {
    let mut out = String::new();
    let mut done = 0;
    let pieces = pieces::pieces(html);
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Start(element) => {
                out.push_str(&html[done..element.at.start]);
                out.push_str(&element.name);
                for attribute in element
                    .attributes
                    .iter()
                    .filter(|attribute| attribute.name != "style")
                {
                    out.push_str(&html[attribute.at.clone()]);
                }
                done = element.at.end;
            }
            Piece::Css(css) => {
                done = css.end;
                // The tags of a sheet that goes away altogether.
                assert!(matches!(
                    pieces[index - 1],
                    Piece::Start(_) | Piece::Tag { .. }
                ));
            }
            _ => {}
        }
    }
    out.push_str(&html[done..]);
    out.replace("style</style>", "")
        .split_whitespace()
        .collect()
}

#[test]
fn tags_survive_and_readers_read_the_same() {
    let part = node().prop_filter("no cycle", |part| !part.contains("{{> part}}"));
    let pages = (
        prop::sample::select(SHEETS),
        prop::collection::vec(node(), 1..6),
        part,
    );
    let config = ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let changed = Cell::new(0);
    TestRunner::new(config)
        .run(&pages, |(sheet, nodes, part)| {
            let main = source("m", &format!("<style>{sheet}</style>\n{}", nodes.concat()));
            let partials = BTreeMap::from([("part".to_owned(), source("part", &part))]);
            match inlined(&main, &partials, None) {
                Ok(None) => Ok(()),
                Ok(Some(inlined)) => {
                    changed.set(changed.get() + 1);
                    same(&main, &partials["part"], &inlined)
                }
                Err(error) => {
                    let error = error.to_string();
                    prop_assert!(error.contains("inline_css = false"), "{error}");
                    Ok(())
                }
            }
        })
        .unwrap();
    // About half of the pages have something to move, so that the above says something.
    assert!(changed.get() > 120, "{}", changed.get());
}

/// Whether the page has the same tags, and gives the same to two rows.
fn same(main: &Source, part: &Source, inlined: &Inlined) -> Result<(), TestCaseError> {
    let written = |text: &str| -> Vec<String> {
        tags(text)
            .into_iter()
            .map(|tag| text[tag.at].to_owned())
            .collect()
    };
    let new_part = &inlined.partials["part"];
    prop_assert_eq!(written(&main.text), written(&inlined.page.text));
    prop_assert_eq!(written(&part.text), written(&new_part.text));
    for data in [
        json!({"name": "<i>N</i>", "list": [1, 2]}),
        json!({"name": "", "list": []}),
    ] {
        let render = |main: &Source, part: &Source| {
            let mut registry = Handlebars::new();
            registry.register_template("part", part.template.clone());
            registry.register_template("m", main.template.clone());
            registry.render("m", &data).unwrap()
        };
        prop_assert_eq!(
            bare(&render(main, part)),
            bare(&render(&inlined.page, new_part))
        );
    }
    Ok(())
}
