//! `rate`: how many messages a server may be given in how long.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Messages in a period, whatever the number of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many, at least 1.
    pub messages: u32,
    /// In how long.
    pub period: Period,
}

/// The unit of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// `/s`
    Second,
    /// `/min`
    Minute,
    /// `/h`
    Hour,
    /// `/day`: any 24 hours, counted across restarts.
    Day,
}

impl Period {
    /// How long it is.
    pub fn length(self) -> Duration {
        Duration::from_secs(match self {
            Period::Second => 1,
            Period::Minute => 60,
            Period::Hour => 3_600,
            Period::Day => 86_400,
        })
    }
}

/// Why a rate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Not a number and a unit.
    #[error(
        "{0:?} is not a rate; write a whole number and its unit (/s, /min, /h, /day), such as \"14/s\" or \"50000/day\""
    )]
    Malformed(String),
    /// None, or more than fit.
    #[error("the rate {0:?} must be of 1 to 4294967295 messages")]
    Range(String),
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let malformed = || RateError::Malformed(text.to_owned());
        let (number, unit) = text.trim().split_once('/').ok_or_else(malformed)?;
        let period = match unit {
            "s" => Period::Second,
            "min" => Period::Minute,
            "h" => Period::Hour,
            "day" => Period::Day,
            _ => return Err(malformed()),
        };
        // `parse` alone would take "+1".
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(malformed());
        }
        match number.parse() {
            Ok(messages) if messages > 0 => Ok(Rate { messages, period }),
            _ => Err(RateError::Range(text.to_owned())),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.period {
            Period::Second => "s",
            Period::Minute => "min",
            Period::Hour => "h",
            Period::Day => "day",
        };
        write!(f, "{}/{unit}", self.messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_and_written() {
        for (text, messages, period) in [
            ("14/s", 14, Period::Second),
            ("30/min", 30, Period::Minute),
            ("1/h", 1, Period::Hour),
            ("4294967295/day", u32::MAX, Period::Day),
        ] {
            let rate = Rate { messages, period };
            assert_eq!(text.parse(), Ok(rate));
            assert_eq!(rate.to_string(), text);
        }
        assert_eq!(" 007/s ".parse::<Rate>().map(|it| it.messages), Ok(7));
        let seconds = |period: Period| period.length().as_secs();
        assert_eq!(
            [Period::Second, Period::Minute, Period::Hour, Period::Day].map(seconds),
            [1, 60, 3_600, 86_400]
        );
    }

    #[test]
    fn refused() {
        for text in [
            "", "14", "/s", "14/", "14/m", "14/sec", "14/S", "14/d", "1.5/s", "-1/s", "+1/s",
            "1 /s", "1/ s", "1/s/s", "1,000/s", "٣/s",
        ] {
            let error = RateError::Malformed(text.to_owned());
            assert_eq!(text.parse::<Rate>(), Err(error));
        }
        for text in ["0/s", "00/day", "4294967296/s", "99999999999999999999/s"] {
            let error = RateError::Range(text.to_owned());
            assert_eq!(text.parse::<Rate>(), Err(error));
        }
    }
}
