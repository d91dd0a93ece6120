//! The `date` helper.

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::temporal::Pieces;

use super::{Arguments, Function, quoted};

pub(super) const HELPERS: &[(&str, Function)] = &[("date", date)];

fn date(arguments: &Arguments<'_>) -> Result<String, String> {
    let (value, format) = (arguments.text(0), arguments.text(1));
    let value = value.trim();
    if value.is_empty() {
        return Err(
            "date: the value is empty; give it a default, or put {{#if}} around it".to_owned(),
        );
    }
    let time = read(value).ok_or_else(|| {
        format!(
            "date: {} is no date; write it as 2026-11-20 or 2026-11-20 14:30:00",
            quoted(value)
        )
    })?;
    time.to_string(format.as_bytes())
        .map_err(|error| format!("date: {} as {}: {error}", quoted(value), quoted(&format)))
}

/// The time as it is written, moved to no other zone. A date alone has no hour to print.
fn read(value: &str) -> Option<BrokenDownTime> {
    let pieces = Pieces::parse(value).ok()?;
    let mut broken = match pieces.time() {
        Some(time) => BrokenDownTime::from(DateTime::from_parts(pieces.date(), time)),
        None => BrokenDownTime::from(pieces.date()),
    };
    broken.set_offset(pieces.to_numeric_offset());
    Some(broken)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::tests::plain;

    fn date(value: &str, format: &str) -> Result<String, String> {
        plain("{{date x f}}", json!({ "x": value, "f": format }))
    }

    #[test]
    fn the_usual_forms_are_read() {
        for value in [
            "2026-11-20",
            " 2026-11-20 ",
            "2026-11-20 14:30:00",
            "2026-11-20T14:30:00",
            "2026-11-20T14:30:00Z",
            "2026-11-20T23:30:00+02:00",
        ] {
            assert_eq!(
                date(value, "%A, %-d %B %Y").unwrap(),
                "Friday, 20 November 2026",
                "{value}"
            );
        }
        assert_eq!(date("2026-11-20 14:30:00", "%H:%M").unwrap(), "14:30");
        assert_eq!(
            date("2026-11-20T23:30:00+02:00", "%H:%M %z").unwrap(),
            "23:30 +0200"
        );
    }

    #[test]
    fn what_is_no_date_is_named() {
        for value in [
            "tomorrow",
            "20.11.2026",
            "2026-13-01",
            "2026-02-30",
            "11/20/2026",
            "14:30",
            "\u{1b}[2J",
        ] {
            let error = date(value, "%d").unwrap_err();
            assert!(
                error.starts_with("date: ") && error.contains(&format!("{value:?}")),
                "{error}"
            );
        }
        assert!(date("", "%d").unwrap_err().contains("is empty"));
    }

    #[test]
    fn a_format_that_cannot_be_filled_is_an_error() {
        assert!(date("2026-11-20", "%H").is_err());
        assert!(date("2026-11-20", "%!").is_err());
        assert!(date("2026-11-20 10:00", "%z").is_err());
    }
}
