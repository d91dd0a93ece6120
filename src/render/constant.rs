//! What a template makes of the campaign alone is the same in every message: it is rendered once, when it is loaded.
//!
//! Most of a newsletter is that: the stories of `[vars]`, gone through by `{{#each}}`.

use std::collections::BTreeMap;
use std::slice;

use handlebars::template::TemplateElement;
use handlebars::{Context, Template};

use super::engine::Engine;
use super::includes::visit;
use super::names;

/// The entries of a row that are every row's.
const CAMPAIGNS: [&str; 2] = ["vars", "campaign"];

/// Puts texts in place of the elements that name nothing of a row; `sample` is what any row looks like.
pub(super) fn fold(template: &mut Template, engine: &Engine, sample: &Context) {
    let mut alone = Template::default();
    alone.name.clone_from(&template.name);
    for element in &mut template.elements {
        if !is_foldable(element) {
            continue;
        }
        alone.elements = vec![element.clone()];
        let mut text = String::new();
        // What cannot be rendered is the row's matter, as before.
        if is_constant(&alone, sample) && engine.render(&alone, sample, &mut text).is_ok() {
            *element = TemplateElement::RawString(text);
        }
    }
}

/// Whether it is rendered alone as it is among the others: what a partial stands for depends on those.
fn is_foldable(element: &TemplateElement) -> bool {
    if !matches!(
        element,
        TemplateElement::Expression(_)
            | TemplateElement::HtmlExpression(_)
            | TemplateElement::HelperBlock(_)
    ) {
        return false;
    }
    let mut alone = Template::default();
    alone.elements = vec![element.clone()];
    let mut foldable = true;
    visit(&alone, &mut |element| {
        foldable &= !matches!(
            element,
            TemplateElement::PartialExpression(_)
                | TemplateElement::PartialBlock(_)
                | TemplateElement::DecoratorExpression(_)
                | TemplateElement::DecoratorBlock(_)
        );
        foldable
    });
    foldable
}

fn is_constant(template: &Template, sample: &Context) -> bool {
    let uses = names::check(
        &BTreeMap::new(),
        slice::from_ref(template).iter(),
        sample.data(),
    );
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
        fold(&mut template, &Engine::escaping(), &sample);
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
        ] {
            assert_eq!(folded(text), [expected], "{text}");
        }
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
            "{{> vars.a}}",
            "{{#if vars.a}}{{> page}}{{/if}}",
            "{{#*inline \"page\"}}x{{/inline}}",
            // Its error is told with the row.
            "{{number vars.a}}",
        ] {
            assert_eq!(folded(text), ["?"], "{text}");
        }
    }
}
