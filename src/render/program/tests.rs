//! Programs against Handlebars, and what they know of a template.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// What templates are made of; some of it goes wrong.
const PIECES: &[&str] = &[
    "text, ",
    "a <b>line</b>\n",
    "\n  ",
    "é=\r\n",
    "{{name}}",
    "{{{name}}}",
    "{{&name}}",
    "{{~name~}} ",
    "{{markup}}",
    "{{{markup}}}",
    "{{empty}}",
    "{{[first name]}}",
    "{{vars.a}}",
    "{{vars.of.b}}",
    "{{vars}}",
    "{{vars.list}}",
    "{{vars.list.[0]}}",
    "{{count}}",
    "{{yes}}",
    "{{nothing}}",
    "{{this.name}}",
    "{{./name}}",
    "{{@root.name}}",
    "{{true}}",
    "{{upper name}}",
    "{{upper missing}}",
    "{{lookup vars \"a\"}}",
    "{{len}}",
    "{{len name}}",
    "{{date}}",
    "{{number name}}",
    "\\{{name}}",
    "{{! a comment }}",
    "{{#if name}}yes {{name}}{{else}}no{{/if}}",
    "{{#if empty}}yes{{else}}no {{markup}}{{/if}}\n",
    "{{#each vars.list}}{{@index}}{{this}},{{/each}}",
    "{{#with vars.of}}{{b}}{{../name}}{{/with}}",
    "{{#each vars.list}}{{missing}}{{/each}}",
    "{{#each vars.list}}{{../name}}{{@root.markup}}{{/each}}",
    "{{#each vars.list}}\n\t{{> story}}\n{{/each}}",
    "{{> story}}\n",
    "  {{> outer}}\n",
    "\t{{> outest}}\n",
    "{{> outer}}",
    "{{#if name}}\nyes\n{{/if}}\n",
    "{{#each vars.list}}\n  {{> outer}}\n{{/each}}\n",
    "  {{> story vars.a}}\n",
    "{{#each this}}{{@key}}{{/each}}",
    "{{#with this}}{{name}}{{/with}}",
    "{{#with vars as |v|}}{{v.a}}{{/with}}",
    "{{#if (eq vars.a name)}}x{{/if}}",
    "{{default vars.nothing name}}",
    "{{lookup this \"name\"}}",
    "{{upper vars.a}}",
    "{{number vars.a}}",
    "{{missing}}",
    "{{vars.missing}}",
    "{{name.missing}}",
    "{{> page}}\n",
    "  {{> page}}\n",
    "{{> page}}",
    "{{name}} {{> page}} ",
    "\t{{> nested}}\n",
    "{{> nested}}",
    "{{#*inline \"own\"}}own {{name}}{{/inline}}",
    "{{#if name}}  {{> own}}\n{{/if}}",
    "{{#each vars.list}}{{../name}}{{{../markup}}}{{../empty}};{{/each}}",
    "{{#if name}}Dear {{name}}{{else}}you{{/if}}{{#if empty}}{{empty}}{{/if}}",
    "{{#unless other}}{{name}}{{else}}{{other}}{{/unless}}",
    "{{#if (eq other \"a\")}}{{name}}{{else if other}}{{other}}{{/if}}",
    "{{#if name includeZero=true}}{{name}}{{/if}}",
    "{{#if row_number}}{{row_number}}{{/if}}",
    "{{#each vars.list}}{{#if @first}}{{@root.row_number}}{{/if}}{{/each}}",
    "{{#with vars}}{{a}}{{@root.name}}{{upper @root.name}}{{/with}}",
    "{{#each vars.list}}{{upper ../name}}{{lower ../other}}{{len ../name}}{{/each}}",
    "{{#each vars.list}}{{date}}{{@root.date}}{{/each}}",
    "{{#each vars.list as |it|}}{{it}}{{name}}{{/each}}",
    "{{#with other}}{{this}}{{/with}}",
    "{{#if no}}{{no}}{{else}}not{{/if}}{{#if yes}}{{yes}}{{/if}}{{no}}",
    "{{#each vars.list}}{{../yes}}{{../nothing}}{{../count}}{{/each}}",
    "{{#if (eq count 3)}}{{name}}{{/if}}{{#if nothing}}x{{/if}}",
    "{{#each items}}{{n}}{{../name}}{{/each}}{{#if items}}{{name}}{{/if}}{{items.[0].n}}",
    "{{> story name}}",
    "{{> inner name=other}}",
    "{{#each vars.list}}\u{10FFFC}aB 0&\u{10FFFC}{{../name}}{{/each}}",
];

fn row() -> Value {
    json!({
        "name": "Anna",
        "other": "",
        "markup": "<i>\"Q\" & 'A'</i> `=`",
        "empty": "",
        "first name": "Anna-Lena",
        "count": 3,
        "yes": true,
        "no": false,
        "nothing": null,
        "items": [{ "n": 1 }, { "n": 2 }],
        "len": "a column",
        "date": "2026-11-20",
        "row_number": 7,
        "vars": { "a": "A & B", "of": { "b": "C" }, "list": ["x", 1] },
    })
}

/// What any row of the campaign looks like.
fn sample() -> Context {
    let mut sample = row();
    for (name, value) in sample.as_object_mut().unwrap() {
        *value = match name.as_str() {
            "vars" => continue,
            "row_number" => json!(0),
            // A column whose cells may be lists or objects.
            "items" => Value::Null,
            _ => json!(""),
        };
    }
    Context::from(sample)
}

fn engine(mut engine: Engine) -> (Engine, BTreeMap<String, Template>) {
    let mut partials = BTreeMap::new();
    for (name, text) in [
        ("story", "story {{this}} of {{@root.vars.a}}"),
        ("inner", "{{name}} first\nsecond\n"),
        ("outer", "{{> inner}}\n"),
        ("outest", "{{#if name}}\n{{> inner}}\n{{/if}}\n"),
        (
            "page",
            "page\n{{markup}}\n{{#if name}}\n  in {{name}}\n{{/if}}",
        ),
        ("nested", "nested\n  {{> page}}\n{{name}}"),
    ] {
        let partial = Template::compile(text).unwrap();
        engine.register(name, partial.clone());
        partials.insert(name.to_owned(), partial);
    }
    (engine, partials)
}

/// As JSON lines may have it.
fn cell(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(json!(text))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// One program, for row after row: what it found out by one must hold for the others.
    #[test]
    fn it_renders_what_handlebars_renders(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..8),
        cells in prop::collection::vec(
            prop::sample::select(["", "Bob", "b<&>", "a", "two\nlines", "\u{10FFFC}aB 0&\u{10FFFC}", "\u{10FFFD}", "null", "false", "0", "1.5"].as_slice()),
            12,
        ),
    ) {
        let text = pieces.concat();
        let template = Template::compile_with_name(&text, "t".to_owned()).unwrap();
        for of in [Engine::escaping, Engine::plain] {
            let (engine, partials) = engine(of());
            let program = Program::new(template.clone(), &engine, &partials, &sample());
            for cells in cells.chunks(3) {
                let mut row = row();
                (row["name"], row["other"], row["markup"]) = (cell(cells[0]), cell(cells[1]), cell(cells[2]));
                let context = Context::from(row);
                let (mut expected, mut found) = (Text::default(), Text::default());
                let right = whole(&engine, &template, &context, &mut expected);
                let rendered = program.render(&engine, &context, &mut found);
                let rendered = rendered.map_err(|error| error.to_string());
                prop_assert_eq!((&rendered, &found), (&right, &expected), "{} of {:?}", text, cells);
            }
        }
    }
}

/// As Handlebars renders it, element after element of its own.
fn whole(
    engine: &Engine,
    template: &Template,
    context: &Context,
    out: &mut Text,
) -> Result<(), String> {
    engine
        .render_whole(template, context, out)
        .map_err(|error| error.to_string())
}

/// The steps of a template: `=` and a text, the name of a cell, `?` for what varies, `!` for what Handlebars is asked.
fn steps(text: &str) -> Vec<String> {
    let (engine, partials) = engine(Engine::escaping());
    let template = Template::compile(text).unwrap();
    let program = Program::new(template, &engine, &partials, &sample());
    let shown = |step: &Step| match step {
        Step::Same(shape) => shape.shown(),
        Step::Varying(_) => vec!["?".to_owned()],
        Step::Element(_) => vec!["!".to_owned()],
    };
    program.steps.iter().flat_map(shown).collect()
}

#[test]
fn what_names_the_campaign_alone_is_text() {
    for (text, expected) in [
        ("{{vars.a}}", "=A &amp; B"),
        ("{{{vars.a}}}", "=A & B"),
        ("{{upper vars.a}}", "=A &amp; B"),
        ("a{{! comment }}b{{vars.a}}", "=abA &amp; B"),
        (
            "{{#each vars.list}}{{this}}{{@index}}{{#if @last}}.{{/if}}{{/each}}",
            "=x011.",
        ),
        ("{{#if vars.nothing}}yes{{else}}no{{/if}}", "!"),
        ("{{#with vars}}{{a}}{{/with}}", "=A &amp; B"),
        ("{{{{raw}}}}{{name}}{{{{/raw}}}}", "={{name}}"),
        ("{{> story vars.a}}", "=story A &amp; B of A &amp; B"),
        (
            "{{#each vars.list}}\n  {{> story}}\n{{/each}}",
            "=  story x of A &amp; B  story 1 of A &amp; B",
        ),
    ] {
        assert_eq!(steps(text), [expected], "{text}");
    }
}

#[test]
fn cells_that_are_printed_are_known_wherever_they_stand() {
    for (text, expected) in [
        ("Dear {{name}},", "=Dear |name|=,"),
        ("{{{name}}}", "{name}"),
        (
            "{{#each vars.list}}{{this}} {{../name}} {{/each}}",
            "=x |name|= 1 |name|= ",
        ),
        (
            "{{#each vars.list}}{{{@root.name}}}{{/each}}",
            "{name}|{name}",
        ),
        ("{{> inner}}", "name|= first\nsecond\n"),
        (
            "{{#if vars.a}}{{> inner}}{{/if}}!",
            "name|= first\nsecond\n!",
        ),
    ] {
        assert_eq!(steps(text).join("|"), expected, "{text}");
    }
}

#[test]
fn what_a_row_decides_is_asked_of_the_row() {
    for (text, expected) in [
        ("{{#if name}}yes{{/if}}", "?"),
        ("{{#if vars.a}}{{#if name}}yes{{/if}}{{/if}}", "?"),
        ("{{#each vars.list}}{{upper ../name}}{{/each}}", "?"),
        ("{{#with name}}{{this}}{{/with}}", "?"),
        ("{{> story name}}", "?"),
        ("  {{> outer}}\n", "!"),
        ("{{upper name}}", "!"),
        ("{{items}}", "!"),
        ("{{#if items}}x{{/if}}", "!"),
        ("{{#each this}}{{this}}{{/each}}", "!"),
        ("{{lookup this \"name\"}}", "!"),
        ("{{number vars.a}}", "!"),
        ("{{#*inline \"own\"}}{{name}}{{/inline}}{{> own}}", "!|!"),
    ] {
        assert_eq!(steps(text).join("|"), expected, "{text}");
    }
}

#[test]
fn shapes_are_kept_up_to_a_bound_and_right_beyond_it() {
    let (engine, partials) = engine(Engine::plain());
    let template =
        Template::compile("{{#if (eq name \"n3\")}}three{{else}}{{name}}{{/if}}").unwrap();
    let program = Program::new(template, &engine, &partials, &sample());
    for turn in 0..3 {
        for number in 0..100 {
            let mut row = row();
            row["name"] = json!(format!("n{number}"));
            let mut out = Text::default();
            program
                .render(&engine, &Context::from(row), &mut out)
                .unwrap();
            let expected = if number == 3 {
                "three".to_owned()
            } else {
                format!("n{number}")
            };
            assert_eq!(&*out, expected, "{turn}");
        }
    }
}
