//! Helpers on numbers: figures for people, computed on the digits of the text.

use super::decimal::Decimal;
use super::{Arguments, Function, quoted};

pub(super) const HELPERS: &[(&str, Function)] = &[("number", number), ("currency", currency)];

/// More is surely a slip, and would be written out in full.
const MOST_DECIMALS: usize = 30;

fn number(arguments: &Arguments<'_>) -> Result<String, String> {
    let (sign, figure) = figure(arguments, "number", None)?;
    Ok(format!("{sign}{figure}"))
}

/// A code of three letters stands behind (`1,234.50 EUR`), a sign in front (`€1,234.50`).
fn currency(arguments: &Arguments<'_>) -> Result<String, String> {
    let unit = arguments.text(1);
    let (sign, figure) = figure(arguments, "currency", Some(2))?;
    let is_code = unit.len() == 3 && unit.bytes().all(|byte| byte.is_ascii_alphabetic());
    Ok(if is_code {
        format!("{sign}{figure} {unit}")
    } else {
        format!("{sign}{unit}{figure}")
    })
}

/// The sign, and the digits with their separators.
fn figure(
    arguments: &Arguments<'_>,
    helper: &str,
    decimals: Option<usize>,
) -> Result<(&'static str, String), String> {
    let value = arguments.text(0);
    let decimal = Decimal::parse(&value).ok_or_else(|| {
        let hint = if value.trim().is_empty() {
            "the value is empty; give it a default, or put {{#if}} around it".to_owned()
        } else {
            format!("{} is no number; write it as 1234.50", quoted(&value))
        };
        format!("{helper}: {hint}")
    })?;
    let decimals = match arguments.option("decimals") {
        None => decimals,
        Some(text) => match text.parse() {
            Ok(count) if count <= MOST_DECIMALS => Some(count),
            _ => {
                let text = quoted(&text);
                return Err(format!(
                    "{helper}: decimals={text} is not a number from 0 to {MOST_DECIMALS}"
                ));
            }
        },
    };
    let (integer, fraction) = decimal.digits(decimals);
    let is_zero = |digits: &str| digits.bytes().all(|digit| digit == b'0');
    // What is rounded to zero has no sign.
    let negative = decimal.is_negative() && !(is_zero(&integer) && is_zero(&fraction));
    let mut figure = grouped(
        &integer,
        &arguments.option("thousands").unwrap_or(",".into()),
    );
    if !fraction.is_empty() {
        figure.push_str(&arguments.option("point").unwrap_or(".".into()));
        figure.push_str(&fraction);
    }
    Ok((if negative { "-" } else { "" }, figure))
}

/// `separator` between each three digits, counted from the right.
fn grouped(digits: &str, separator: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push_str(separator);
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::tests::plain;

    fn call(helper: &str, value: &str) -> Result<String, String> {
        plain(&format!("{{{{{helper}}}}}"), json!({ "x": value }))
    }

    #[test]
    fn numbers_are_grouped_and_rounded_on_request() {
        for (helper, value, wanted) in [
            ("number x", "1234567.891", "1,234,567.891"),
            ("number x", "999", "999"),
            ("number x", "-1000", "-1,000"),
            ("number x decimals=2", "1234.5", "1,234.50"),
            ("number x decimals=0", "1234.5", "1,235"),
            ("number x decimals=2", "-0.001", "0.00"),
            (
                "number x decimals=2 thousands=\".\" point=\",\"",
                "1234.5",
                "1.234,50",
            ),
            ("number x thousands=\"\"", "1234567", "1234567"),
            (
                "number x thousands=\"\u{202f}\"",
                "0012345",
                "12\u{202f}345",
            ),
        ] {
            assert_eq!(call(helper, value).unwrap(), wanted, "{helper} of {value}");
        }
    }

    #[test]
    fn a_code_stands_behind_and_a_sign_in_front() {
        for (helper, value, wanted) in [
            ("currency x \"EUR\"", "1234.5", "1,234.50 EUR"),
            ("currency x \"€\"", "1234.5", "€1,234.50"),
            ("currency x \"EUR\"", "-0.285", "-0.29 EUR"),
            ("currency x \"$\"", "-5", "-$5.00"),
            ("currency x \"JPY\" decimals=0", "1234", "1,234 JPY"),
            (
                "currency x \"€\" thousands=\".\" point=\",\"",
                "1234567.8",
                "€1.234.567,80",
            ),
            ("currency x \"CHF \"", "5", "CHF 5.00"),
        ] {
            assert_eq!(call(helper, value).unwrap(), wanted, "{helper} of {value}");
        }
    }

    #[test]
    fn what_is_no_number_is_named() {
        let error = call("number x", "1,234").unwrap_err();
        assert_eq!(error, "number: \"1,234\" is no number; write it as 1234.50");
        assert!(
            call("currency x \"EUR\"", " ")
                .unwrap_err()
                .contains("the value is empty")
        );
        assert!(
            call("number x decimals=99", "1")
                .unwrap_err()
                .contains("from 0 to 30")
        );
        assert!(
            call("number x decimals=\"two\"", "1")
                .unwrap_err()
                .contains("\"two\"")
        );
    }

    #[test]
    fn unquoted_numbers_do_as_well() {
        assert_eq!(plain("{{number 1234.5}}", json!({})).unwrap(), "1,234.5");
    }
}
