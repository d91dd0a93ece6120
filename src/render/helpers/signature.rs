//! How each helper is called, so that a wrong call is found before anything is sent.

use std::ops::RangeInclusive;

/// Where a helper can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::render) enum Form {
    /// `{{upper name}}`.
    Value,
    /// `{{#each list}}…{{/each}}`.
    Block,
    /// Both.
    Either,
}

/// How a helper is called.
#[derive(Debug)]
pub(in crate::render) struct Signature {
    /// What it is called by.
    pub name: &'static str,
    /// Where it can stand.
    pub form: Form,
    /// How many parameters it takes.
    pub params: RangeInclusive<usize>,
    /// The names before `=` that it knows.
    pub options: &'static [&'static str],
    /// A call that is right.
    pub example: &'static str,
}

const FIGURES: &[&str] = &["decimals", "thousands", "point"];

macro_rules! signatures {
    ($($name:literal $form:ident $params:expr, $options:expr, $example:literal;)*) => {
        &[$(Signature {
            name: $name, form: Form::$form, params: $params, options: $options, example: $example,
        }),*]
    };
}

/// Every helper there is.
pub(in crate::render) const SIGNATURES: &[Signature] = signatures! {
    "default" Value 2..=2, &[], "{{default nickname \"friend\"}}";
    "upper" Value 1..=1, &[], "{{upper name}}";
    "lower" Value 1..=1, &[], "{{lower name}}";
    "title" Value 1..=1, &[], "{{title name}}";
    "truncate" Value 2..=2, &[], "{{truncate name 40}}";
    "url_encode" Value 1..=1, &[], "{{url_encode name}}";
    "plural" Value 3..=3, &[], "{{plural count \"item\" \"items\"}}";
    "date" Value 2..=2, &[], "{{date due \"%Y-%m-%d\"}}";
    "number" Value 1..=1, FIGURES, "{{number amount decimals=2}}";
    "currency" Value 2..=2, FIGURES, "{{currency amount \"EUR\"}}";
    "eq" Either 2..=2, &[], "{{#if (eq plan \"pro\")}}";
    "ne" Either 2..=2, &[], "{{#if (ne plan \"pro\")}}";
    "gt" Either 2..=2, &[], "{{#if (gt amount 100)}}";
    "gte" Either 2..=2, &[], "{{#if (gte amount 100)}}";
    "lt" Either 2..=2, &[], "{{#if (lt amount 100)}}";
    "lte" Either 2..=2, &[], "{{#if (lte amount 100)}}";
    "and" Either 1..=usize::MAX, &[], "{{#if (and a b)}}";
    "or" Either 1..=usize::MAX, &[], "{{#if (or a b)}}";
    "not" Either 1..=1, &[], "{{#if (not a)}}";
    "len" Value 1..=1, &[], "{{len name}}";
    "lookup" Value 2..=2, &[], "{{lookup vars \"issue\"}}";
    "if" Block 1..=1, &["includeZero"], "{{#if name}}…{{/if}}";
    "unless" Block 1..=1, &["includeZero"], "{{#unless name}}…{{/unless}}";
    "each" Block 1..=1, &[], "{{#each vars.items}}…{{/each}}";
    "with" Block 1..=1, &[], "{{#with vars.event}}…{{/with}}";
    "raw" Block 0..=0, &[], "{{{{raw}}}}…{{{{/raw}}}}";
};

/// The helper of that name.
pub(in crate::render) fn signature(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|signature| signature.name == name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use handlebars::{Handlebars, Template};

    use super::*;

    /// The text a registry answers with when it knows no helper of that name.
    fn is_registered(registry: &Handlebars<'_>, name: &str) -> bool {
        match registry.render_template(&format!("{{{{#{name} 1 2 3}}}}{{{{/{name}}}}}"), &()) {
            Ok(_) => true,
            Err(error) => !error.reason().to_string().contains("Helper not found"),
        }
    }

    #[test]
    fn the_table_holds_what_is_registered() {
        let registry = super::super::registry();
        for signature in SIGNATURES {
            assert!(
                is_registered(&registry, signature.name),
                "{}",
                signature.name
            );
        }
        assert!(!is_registered(&registry, "log"));
    }

    #[test]
    fn every_example_has_the_parameters_it_is_an_example_for() {
        for signature in SIGNATURES {
            assert!(signature.example.contains(signature.name));
            let whole = if signature.example.contains("…") || !signature.example.contains('#') {
                signature.example.to_owned()
            } else {
                format!("{}{{{{/if}}}}", signature.example)
            };
            assert!(Template::compile(&whole).is_ok(), "{whole}");
        }
    }
}
