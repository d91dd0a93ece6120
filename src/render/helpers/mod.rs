//! What a template can call, and how.
//!
//! | helper | example | result |
//! | --- | --- | --- |
//! | `default value fallback` | `{{default nickname "friend"}}` | `friend` when the cell is empty or only white space |
//! | `upper value` | `{{upper "straße"}}` | `STRASSE` |
//! | `lower value` | `{{lower "ANNA"}}` | `anna` |
//! | `title value` | `{{title "ANNA McDONALD"}}` | `Anna McDONALD`: words of mixed case stay as they are |
//! | `truncate value n` | `{{truncate "abcdef" 3}}` | `abc…` (Unicode scalar values) |
//! | `url_encode value` | `?n={{url_encode "a b&c"}}` | `?n=a%20b%26c` (RFC 3986, section 2.3 kept) |
//! | `plural count one many` | `{{plural 2 "item" "items"}}` | `items` |
//! | `date value format` | `{{date "2026-11-20" "%-d %B %Y"}}` | `20 November 2026` (strftime, English names) |
//! | `number value [decimals=] [thousands=] [point=]` | `{{number "1234.5" decimals=2}}` | `1,234.50` |
//! | `currency value unit [decimals=] [thousands=] [point=]` | `{{currency "1234.5" "EUR"}}` | `1,234.50 EUR`; `"€"` gives `€1,234.50` |
//! | `eq ne gt gte lt lte` | `{{#if (gt amount 100)}}` | a cell against an unquoted number: as numbers |
//! | `and or not len lookup` | `{{#if (and paid (not overdue))}}` | `len` counts Unicode scalar values |
//! | `if unless each with raw` | `{{#if name}}Dear {{name}}{{/if}}` | an empty cell is false, every other one true |
//!
//! Rounding is half away from zero, on the decimal digits of the text: `0.285` to two places is `0.29`.
//! What a helper returns is escaped in HTML as a variable is, and may be the parameter of another helper.
//! A helper that cannot use its value refuses the row and names the value; it never guesses.

mod compare;
mod date;
mod decimal;
mod number;
mod signature;
mod text;

use std::borrow::Cow;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, JsonRender, PathAndJson, RenderContext, RenderError,
    RenderErrorReason, ScopedJson,
};
use serde_json::Value;

pub(super) use signature::{Form, SIGNATURES, signature};

/// A registry with every helper, strict, and without any template yet.
pub(super) fn registry() -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    // It would print from the middle of a run.
    registry.unregister_helper("log");
    for (name, function) in text::HELPERS
        .iter()
        .chain(number::HELPERS)
        .chain(date::HELPERS)
    {
        registry.register_helper(name, Box::new(ValueHelper(*function)));
    }
    registry.register_helper("len", Box::new(text::len));
    for comparison in compare::COMPARISONS {
        registry.register_helper(comparison.name, Box::new(*comparison));
    }
    registry
}

/// What makes a value of a helper's parameters, or says why it cannot.
type Function = fn(&Arguments<'_>) -> Result<String, String>;

/// A helper that returns a text. It returns rather than writes, because only what is returned is escaped.
struct ValueHelper(Function);

impl HelperDef for ValueHelper {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        // `default` is there for what may be missing.
        if helper.name() != "default" {
            present(helper.params())?;
        }
        (self.0)(&Arguments(helper))
            .map(|text| ScopedJson::Derived(Value::String(text)))
            .map_err(refused)
    }
}

/// Fails at the first parameter that has no value: strict mode alone leaves that to each helper.
fn present(params: &[PathAndJson<'_>]) -> Result<(), RenderError> {
    match params.iter().find(|param| param.is_value_missing()) {
        Some(param) => Err(RenderError::strict_error(param.relative_path())),
        None => Ok(()),
    }
}

fn refused(text: String) -> RenderError {
    RenderErrorReason::Other(text).into()
}

/// The parameters and options a helper was called with.
struct Arguments<'a>(&'a Helper<'a>);

impl Arguments<'_> {
    /// The parameter as the template would print it.
    fn text(&self, index: usize) -> Cow<'_, str> {
        self.0
            .param(index)
            .map_or(Cow::Borrowed(""), |param| printed(param.value()))
    }

    /// The option as the template would print it.
    fn option(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.hash_get(name).map(|option| printed(option.value()))
    }
}

fn printed(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.render()),
    }
}

/// A value from a cell as an error message shows it: quoted, control characters escaped, not too long.
fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use serde_json::{Value, json};

    use super::*;

    /// Renders a template in which nothing is escaped.
    pub(super) fn plain(template: &str, data: Value) -> Result<String, String> {
        let mut registry = registry();
        registry.register_escape_fn(handlebars::no_escape);
        registry
            .render_template(template, &data)
            .map_err(|error| error.reason().to_string())
    }

    #[test]
    fn every_text_helper_is_escaped_in_html() {
        let registry = registry();
        let cell = json!({ "x": "<b>", "n": "1234.5", "d": "2026-11-20" });
        for call in [
            "upper x",
            "lower x",
            "title x",
            "truncate x 9",
            "default x \"-\"",
            "default \"\" x",
            "plural n x x",
            "date d \"<b>\"",
            "number n point=\"<b>\"",
            "currency n \"<b>\"",
            "upper (lower x)",
            "lookup this \"x\"",
        ] {
            let html = registry
                .render_template(&format!("{{{{{call}}}}}"), &cell)
                .expect(call);
            assert!(html.to_lowercase().contains("&lt;b&gt;"), "{call}: {html}");
            assert!(!html.contains('<'), "{call}: {html}");
        }
    }

    #[test]
    fn triple_braces_leave_a_helper_unescaped() {
        let html = registry().render_template("{{{upper x}}}", &json!({ "x": "<b>" }));
        assert_eq!(html.unwrap(), "<B>");
    }

    #[test]
    fn helpers_nest() {
        let cell = json!({ "name": "anna maria von und zu" });
        assert_eq!(
            plain("{{truncate (upper name) 10}}", cell).unwrap(),
            "ANNA MARIA…"
        );
    }

    #[test]
    fn log_is_gone() {
        assert!(plain("{{log \"x\"}}", json!({})).is_err());
    }

    #[test]
    fn a_missing_parameter_is_an_error_that_names_it() {
        let error = plain("{{#each l}}{{upper nmae}}{{/each}}", json!({ "l": [{}] }));
        assert!(error.unwrap_err().contains("nmae"));
    }

    #[test]
    fn a_quoted_value_is_safe_to_print_and_short() {
        assert_eq!(quoted("\u{1b}[2J"), "\"\\u{1b}[2J\"");
        assert!(quoted(&"é".repeat(500)).len() < 140);
    }
}
