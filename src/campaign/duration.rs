//! Durations as people write them: `30s`, `15m`, `1h30m`.

use std::time::Duration;

/// Longer than any sane setting, and short enough that no arithmetic on clocks overflows.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Why a duration cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DurationError {
    #[error(
        "{0:?} is not a duration; write numbers with units (ms, s, m, h, d), such as \"30s\" or \"1h30m\""
    )]
    Malformed(String),
    #[error("{0:?} has no unit; write \"{0}s\" for seconds (ms, s, m, h, d)")]
    NoUnit(String),
    #[error("{0:?} is too long; 366 days are the most")]
    TooLong(String),
}

/// Reads whole numbers, each followed by its unit: ms, s, m, h or d.
pub(super) fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let malformed = || DurationError::Malformed(text.to_owned());
    let too_long = || DurationError::TooLong(text.to_owned());
    let digits = |rest: &str| {
        rest.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len())
    };
    if !text.is_empty() && digits(text) == text.len() {
        return Err(DurationError::NoUnit(text.to_owned()));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    loop {
        let (number, after) = rest.split_at(digits(rest));
        let unit_end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(malformed()),
        };
        if number.is_empty() {
            return Err(malformed());
        }
        // Only digits: what does not fit is too long.
        let part = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(milliseconds))
            .map(Duration::from_millis)
            .ok_or_else(too_long)?;
        total = total
            .checked_add(part)
            .filter(|total| *total <= LONGEST)
            .ok_or_else(too_long)?;
        if next.is_empty() {
            return Ok(total);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read() {
        for (text, milliseconds) in [
            ("30s", 30_000),
            ("0s", 0),
            ("250ms", 250),
            ("15m", 900_000),
            ("1h30m", 5_400_000),
            ("366d", 31_622_400_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn refused() {
        for text in [
            "", "s", "30 s", "30x", "-1s", "1.5s", "1h30", "30S", "٣s", " 30s",
        ] {
            assert_eq!(
                parse_duration(text),
                Err(DurationError::Malformed(text.to_owned()))
            );
        }
        for text in [
            "367d",
            "366d1ms",
            "99999999999999999999s",
            "9999999999999999d",
        ] {
            assert_eq!(
                parse_duration(text),
                Err(DurationError::TooLong(text.to_owned()))
            );
        }
        assert_eq!(
            parse_duration("30").map_err(|error| error.to_string()),
            Err(r#""30" has no unit; write "30s" for seconds (ms, s, m, h, d)"#.to_owned())
        );
    }
}
