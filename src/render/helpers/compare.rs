//! Comparisons in which a cell that reads as a number is one.
//!
//! Cells are text. Handlebars' own `eq` finds `"100"` and `100` different, and its `gt` orders two cells `"9"` and
//! `"100"` as text; both without a word. Here:
//!
//! - against an unquoted number, a cell is read as a number; one that is none refuses the row, an empty one
//!   is equal to nothing, neither less nor greater;
//! - against `true` or `false`, a cell is compared as that word, in any case;
//! - two texts are the same only letter by letter (`007` is not `7`), and ordered as numbers where both are some.

use std::cmp::Ordering;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    Renderable, ScopedJson,
};
use serde_json::Value;

use super::decimal::Decimal;
use super::{present, quoted, refused};

/// One of the six.
#[derive(Clone, Copy)]
pub(super) struct Comparison {
    pub(super) name: &'static str,
    holds: fn(Option<Ordering>) -> bool,
}

pub(super) const COMPARISONS: &[Comparison] = &[
    Comparison {
        name: "eq",
        holds: |order| order == Some(Ordering::Equal),
    },
    Comparison {
        name: "ne",
        holds: |order| order != Some(Ordering::Equal),
    },
    Comparison {
        name: "gt",
        holds: |order| order.is_some_and(Ordering::is_gt),
    },
    Comparison {
        name: "gte",
        holds: |order| order.is_some_and(Ordering::is_ge),
    },
    Comparison {
        name: "lt",
        holds: |order| order.is_some_and(Ordering::is_lt),
    },
    Comparison {
        name: "lte",
        holds: |order| order.is_some_and(Ordering::is_le),
    },
];

impl Comparison {
    fn compare(&self, helper: &Helper<'_>) -> Result<bool, RenderError> {
        present(helper.params())?;
        let [left, right] = helper.params().as_slice() else {
            return Err(refused(format!("{} compares two values", self.name)));
        };
        let (left, right) = (left.value(), right.value());
        let order = if matches!(self.name, "eq" | "ne") {
            same(left, right)
        } else {
            order(left, right)
        };
        order
            .map(self.holds)
            .map_err(|text| refused(format!("{}: {text}", self.name)))
    }
}

/// `Equal` or nothing.
fn same(left: &Value, right: &Value) -> Result<Option<Ordering>, String> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => {
            Ok((left == right).then_some(Ordering::Equal))
        }
        (Value::Bool(truth), Value::String(text)) | (Value::String(text), Value::Bool(truth)) => {
            let word = if *truth { "true" } else { "false" };
            Ok(text
                .trim()
                .eq_ignore_ascii_case(word)
                .then_some(Ordering::Equal))
        }
        (Value::Number(_), Value::Number(_) | Value::String(_))
        | (Value::String(_), Value::Number(_)) => order(left, right),
        _ => Ok((left == right).then_some(Ordering::Equal)),
    }
}

fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, String> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => {
            Ok(Some(match (Decimal::parse(left), Decimal::parse(right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => left.cmp(right),
            }))
        }
        (Value::Number(_) | Value::String(_), Value::Number(_) | Value::String(_)) => {
            let text = |value: &Value| match value {
                Value::String(text) => text.trim().to_owned(),
                other => other.to_string(),
            };
            let (left, right) = (text(left), text(right));
            if left.is_empty() || right.is_empty() {
                return Ok(None);
            }
            Ok(Some(number(&left)?.cmp(&number(&right)?)))
        }
        (Value::Bool(left), Value::Bool(right)) => Ok(Some(left.cmp(right))),
        _ => Ok(None),
    }
}

fn number(text: &str) -> Result<Decimal<'_>, String> {
    Decimal::parse(text).ok_or_else(|| {
        let text = quoted(text);
        format!("{text} is no number; write it as 1234.50, or quote what it is compared with")
    })
}

impl HelperDef for Comparison {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Ok(ScopedJson::Derived(Value::Bool(self.compare(helper)?)))
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let holds = self.compare(helper)?;
        if !helper.is_block() {
            return Ok(out.write(if holds { "true" } else { "false" })?);
        }
        let branch = if holds {
            helper.template()
        } else {
            helper.inverse()
        };
        branch.map_or(Ok(()), |template| {
            template.render(registry, context, render, out)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::tests::plain;

    fn holds(condition: &str) -> Result<bool, String> {
        let data = json!({
            "hundred": "100", "nine": "9", "padded": "007", "word": "abc", "empty": "", "money": "1,234.50",
            "yes": "TRUE", "exact": "100.00", "early": "2026-02-01", "late": "2026-11-20",
        });
        let template = format!("{{{{#if ({condition})}}}}yes{{{{else}}}}no{{{{/if}}}}");
        plain(&template, data).map(|text| text == "yes")
    }

    #[test]
    fn a_cell_is_a_number_against_a_number() {
        for condition in [
            "eq hundred 100",
            "eq exact 100",
            "eq 100 hundred",
            "ne hundred 99",
            "gt hundred 99",
            "gt hundred 9.5",
            "lt nine 10",
            "lte hundred 100",
            "gte hundred 100",
            "gt hundred -1",
            "eq padded 7",
            "lt 9 hundred",
        ] {
            assert!(holds(condition).unwrap(), "{condition}");
        }
        for condition in [
            "gt nine 10",
            "ne hundred 100",
            "lt hundred 100",
            "eq hundred 1000",
        ] {
            assert!(!holds(condition).unwrap(), "{condition}");
        }
    }

    #[test]
    fn two_cells_are_ordered_as_numbers_where_both_are() {
        assert!(holds("gt hundred nine").unwrap());
        assert!(holds("lt early late").unwrap());
        assert!(holds("gt word hundred").unwrap());
    }

    #[test]
    fn two_texts_are_the_same_letter_by_letter() {
        assert!(holds("eq word \"abc\"").unwrap());
        assert!(!holds("eq padded \"7\"").unwrap());
        assert!(holds("ne hundred exact").unwrap());
    }

    #[test]
    fn an_empty_cell_is_neither_less_nor_greater_nor_equal() {
        for condition in [
            "lt empty 1",
            "gt empty 1",
            "eq empty 0",
            "lte empty 0",
            "gte empty 0",
        ] {
            assert!(!holds(condition).unwrap(), "{condition}");
        }
        assert!(holds("ne empty 0").unwrap());
    }

    #[test]
    fn what_is_no_number_refuses_the_row() {
        for condition in ["gt money 1000", "eq word 1", "lte word 5"] {
            assert!(
                holds(condition).unwrap_err().contains("is no number"),
                "{condition}"
            );
        }
    }

    #[test]
    fn truth_is_a_word() {
        assert!(holds("eq yes true").unwrap());
        assert!(!holds("eq yes false").unwrap());
        assert!(!holds("eq word true").unwrap());
    }

    #[test]
    fn comparisons_stand_as_blocks_and_values_too() {
        let data = json!({ "n": "5" });
        assert_eq!(
            plain(
                "{{#gt n 4}}a{{else}}b{{/gt}}{{#gt n 5}}a{{else}}b{{/gt}}",
                data.clone()
            )
            .unwrap(),
            "ab"
        );
        assert_eq!(plain("{{eq n 5}}", data).unwrap(), "true");
    }
}
