//! `[vars]`: whatever the author wants templates to see, as JSON values.

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Mistake;

pub(super) fn read(root: &DeTable<'_>) -> Result<Map<String, Value>, Mistake> {
    match root.get("vars").and_then(|vars| vars.get_ref().as_table()) {
        Some(table) => object(table),
        None => Ok(Map::new()),
    }
}

fn object(table: &DeTable<'_>) -> Result<Map<String, Value>, Mistake> {
    table
        .iter()
        .map(|(key, item)| Ok((key.get_ref().to_string(), value(item)?)))
        .collect()
}

fn value(item: &Spanned<DeValue<'_>>) -> Result<Value, Mistake> {
    Ok(match item.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        // As TOML writes it: templates print it, nothing computes with it.
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Integer(written) => match i64::from_str_radix(written.as_str(), written.radix()) {
            Ok(number) => Value::Number(number.into()),
            Err(_) => {
                let text = format!("{written} is too large a number; write it as a string");
                return Err(Mistake::new(item.span(), text));
            }
        },
        DeValue::Float(written) => {
            let number = written.as_str().parse().ok().and_then(Number::from_f64);
            match number {
                Some(number) => Value::Number(number),
                None => {
                    let text = format!("{written} cannot be printed; write it as a string");
                    return Err(Mistake::new(item.span(), text));
                }
            }
        }
        DeValue::Array(items) => Value::Array(items.iter().map(value).collect::<Result<_, _>>()?),
        DeValue::Table(table) => Value::Object(object(table)?),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn vars(source: &str) -> Result<Value, (usize, String)> {
        let document = DeTable::parse(source).unwrap();
        read(document.get_ref())
            .map(Value::Object)
            .map_err(|mistake| (mistake.at, mistake.text))
    }

    #[test]
    fn anything() {
        let source = "[vars]\nissue = 1_042\nhex = 0xff\nneg = -3\nprice = 1_0.5\ntext = 'a'\non = true\n\
            day = 2026-11-20\ntime = 2026-11-20T14:30:00Z\nlist = [1, ['b']]\n[vars.deep]\n\"a b\" = {}";
        let expected = serde_json::json!({
            "issue": 1042, "hex": 255, "neg": -3, "price": 10.5, "text": "a", "on": true,
            "day": "2026-11-20", "time": "2026-11-20T14:30:00Z",
            "list": [1, ["b"]], "deep": {"a b": {}},
        });
        assert_eq!(vars(source), Ok(expected));
        assert_eq!(vars(""), Ok(serde_json::json!({})));
    }

    #[test]
    fn what_json_has_not() {
        for (value, text) in [
            (
                "9223372036854775808",
                "9223372036854775808 is too large a number; write it as a string",
            ),
            ("nan", "nan cannot be printed; write it as a string"),
            ("-inf", "-inf cannot be printed; write it as a string"),
        ] {
            let source = format!("vars = {{ a = [{value}] }}");
            assert_eq!(vars(&source), Err((14, text.to_owned())));
        }
    }
}
