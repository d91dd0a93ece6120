//! What a template makes of the campaign alone is the same in every message: it is rendered once, when it is loaded.
//!
//! Much of a newsletter can be that: the stories of `[vars]`, gone through by `{{#each}}`, where none of them names the
//! recipient. Of the example's, whose stories do, it is a twentieth of what a message takes.

use std::collections::BTreeMap;
use std::slice;

use handlebars::template::TemplateElement;
use handlebars::{Context, Template};

use super::engine::Engine;
use super::includes::visit;
use super::names;

/// The entries of a row that are every row's.
const CAMPAIGNS: [&str; 2] = ["vars", "campaign"];

/// Puts texts in place of the elements that name nothing of a row; `sample` is what any row looks like, and `partials` are
/// those that `engine` has, or what they were made of.
pub(super) fn fold(
    template: &mut Template,
    engine: &Engine,
    partials: &BTreeMap<String, Template>,
    sample: &Context,
) {
    // An inline partial stands for what it is at its place: nothing is rendered alone then as it is among the others.
    if (partials.values().chain([&*template])).any(|template| has(template, is_decorator)) {
        return;
    }
    let mut alone = Template::default();
    alone.name.clone_from(&template.name);
    for element in &mut template.elements {
        let prints = matches!(
            element,
            TemplateElement::Expression(_)
                | TemplateElement::HtmlExpression(_)
                | TemplateElement::HelperBlock(_)
                | TemplateElement::PartialExpression(_)
        );
        if !prints {
            continue;
        }
        alone.elements = vec![element.clone()];
        if !is_constant(&alone, partials, sample) {
            continue;
        }
        // What cannot be rendered is the row's matter, as before; so is what differs with what stands before it.
        let text = |line_ended| {
            let mut text = String::new();
            let rendered = engine.render_after(line_ended, &alone, sample, &mut text);
            rendered.ok().map(|()| text)
        };
        if let (Some(one), Some(other)) = (text(false), text(true))
            && one == other
        {
            *element = TemplateElement::RawString(one);
        }
    }
}

fn has(template: &Template, wanted: fn(&TemplateElement) -> bool) -> bool {
    let mut found = false;
    visit(template, &mut |element| {
        found |= wanted(element);
        !found
    });
    found
}

fn is_decorator(element: &TemplateElement) -> bool {
    matches!(
        element,
        TemplateElement::DecoratorExpression(_)
            | TemplateElement::DecoratorBlock(_)
            | TemplateElement::PartialBlock(_)
    )
}

fn is_constant(
    template: &Template,
    partials: &BTreeMap<String, Template>,
    sample: &Context,
) -> bool {
    let uses = names::check(partials, slice::from_ref(template).iter(), sample.data());
    uses.is_ok_and(|uses| {
        let mut named = uses.named.iter();
        named.all(|name| CAMPAIGNS.contains(&name.as_str()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn folded(text: &str) -> Vec<String> {
        let sample = Context::from(json!({
            "name": "",
            "items": [],
            "row_number": 0,
            "campaign": { "name": "News" },
            "vars": { "a": "A & B", "list": [{ "n": 1 }, { "n": 2 }], "none": "", "name": "x" },
        }));
        let mut template = Template::compile(text).unwrap();
        let mut engine = Engine::escaping();
        let mut partials = BTreeMap::new();
        for (name, text) in [
            ("story", "story {{n}} of {{@root.vars.a}}\n"),
            ("letter", "Dear {{name}}"),
            ("both", "{{> story n=1}}{{> letter}}"),
        ] {
            let partial = Template::compile(text).unwrap();
            engine.register(name, partial.clone());
            partials.insert(name.to_owned(), partial);
        }
        fold(&mut template, &engine, &partials, &sample);
        let shown = |element: &TemplateElement| match element {
            TemplateElement::RawString(text) => text.clone(),
            _ => "?".to_owned(),
        };
        template.elements.iter().map(shown).collect()
    }

    #[test]
    fn what_names_the_campaign_alone_becomes_text() {
        for (text, expected) in [
            ("{{vars.a}}", "A &amp; B"),
            ("{{{vars.a}}}", "A & B"),
            ("{{upper vars.a}}", "A &amp; B"),
            ("{{campaign.name}}", "News"),
            (
                "{{#each vars.list}}{{n}}{{@index}}{{#if @last}}.{{/if}}{{/each}}",
                "1021.",
            ),
            (
                "{{#each vars.list as |it|}}{{it.n}}{{../vars.a}}{{/each}}",
                "1A &amp; B2A &amp; B",
            ),
            ("{{#if vars.none}}yes{{else}}no{{/if}}", "no"),
            ("{{#with vars}}{{name}}{{/with}}", "x"),
            ("{{{{raw}}}}{{name}}{{{{/raw}}}}", "{{name}}"),
            ("{{> story n=3}}", "story 3 of A &amp; B\n"),
            (
                "{{#each vars.list}}\n  {{> story}}\n{{/each}}",
                "  story 1 of A &amp; B\n  story 2 of A &amp; B\n",
            ),
        ] {
            assert_eq!(folded(text), [expected], "{text}");
        }
    }

    #[test]
    fn where_a_partial_is_written_inline_nothing_is() {
        let text = "{{vars.a}}{{#*inline \"story\"}}{{name}}{{/inline}}{{> story}}";
        assert_eq!(folded(text), ["?", "?", "?"]);
    }

    #[test]
    fn what_may_differ_from_row_to_row_stays() {
        for text in [
            "{{name}}",
            "{{row_number}}",
            "{{upper name}}",
            "{{default vars.none name}}",
            "{{#if name}}yes{{/if}}",
            "{{#if vars.a}}{{name}}{{/if}}",
            "{{#each vars.list}}{{../name}}{{/each}}",
            "{{#each vars.list}}{{@root.name}}{{/each}}",
            "{{#each items}}{{n}}{{/each}}",
            "{{#each vars.list}}{{#if (eq n ../row_number)}}x{{/if}}{{/each}}",
            "{{lookup vars name}}",
            "{{#with this}}{{name}}{{/with}}",
            "{{#each this}}{{this}}{{/each}}",
            "{{#each @root}}{{this}}{{/each}}",
            "{{lookup this \"name\"}}",
            "{{#each vars.list}}{{lookup ../this \"name\"}}{{/each}}",
            "{{#each vars.list}}{{lookup @root \"name\"}}{{/each}}",
            "{{> letter}}",
            "{{> both}}",
            "{{> story n=name}}",
            "{{> story this}}",
            "{{#each vars.list}}{{> letter name=@root.name}}{{/each}}",
            "{{#if vars.a}}{{> letter}}{{/if}}",
            "{{#> story n=1}}x{{/story}}",
            "{{#*inline \"page\"}}x{{/inline}}",
            // Its error is told with the row.
            "{{number vars.a}}",
        ] {
            assert_eq!(folded(text), ["?"], "{text}");
        }
    }
}
