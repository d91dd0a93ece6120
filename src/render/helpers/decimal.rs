//! Decimal numbers as they are written: no binary fractions, no limit on digits.

use std::cmp::Ordering;

/// A decimal number, its digits kept as text. Never a negative zero.
#[derive(Debug, Clone)]
pub(super) struct Decimal<'a> {
    negative: bool,
    /// Without leading zeros; empty below one.
    integer: &'a str,
    /// As written.
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    pub(super) const ONE: Decimal<'static> = Decimal {
        negative: false,
        integer: "1",
        fraction: "",
    };

    /// Reads `-1234.50`: a sign, digits, a point with digits; white space around it is passed over.
    /// No separators of thousands, no exponent: whether `1,234` is large or small, only its author knows.
    pub(super) fn parse(text: &'a str) -> Option<Decimal<'a>> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (integer, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (integer.is_empty() && fraction.is_empty())
            || !are_digits(integer)
            || !are_digits(fraction)
        {
            return None;
        }
        let zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        Some(Decimal {
            negative: negative && !zero,
            integer: integer.trim_start_matches('0'),
            fraction,
        })
    }

    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    /// The digits before and after the point, the latter exactly `decimals` many, rounded half away
    /// from zero; `None`: as many as are written. The sign is not part of them.
    pub(super) fn digits(&self, decimals: Option<usize>) -> (String, String) {
        let decimals = decimals.unwrap_or(self.fraction.len());
        let kept = &self.fraction[..decimals.min(self.fraction.len())];
        let round_up = self
            .fraction
            .as_bytes()
            .get(decimals)
            .is_some_and(|digit| *digit >= b'5');
        let mut all: Vec<u8> = self.integer.bytes().chain(kept.bytes()).collect();
        all.resize(self.integer.len() + decimals, b'0');
        if round_up {
            carry(&mut all);
        }
        let mut all: String = all.into_iter().map(char::from).collect();
        let fraction = all.split_off(all.len() - decimals);
        (if all.is_empty() { "0".to_owned() } else { all }, fraction)
    }

    fn magnitude(&self, other: &Decimal<'_>) -> Ordering {
        let significant = |fraction: &'_ str| fraction.trim_end_matches('0').len();
        self.integer
            .len()
            .cmp(&other.integer.len())
            .then_with(|| self.integer.cmp(other.integer))
            .then_with(|| {
                self.fraction[..significant(self.fraction)]
                    .cmp(&other.fraction[..significant(other.fraction)])
            })
    }
}

/// Adds one to the last digit.
fn carry(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit == b'9' {
            *digit = b'0';
        } else {
            *digit += 1;
            return;
        }
    }
    digits.insert(0, b'1');
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
            (negative, _) => {
                if negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal<'_> {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn rounded(text: &str, decimals: usize) -> String {
        let (integer, fraction) = Decimal::parse(text).unwrap().digits(Some(decimals));
        format!("{integer}.{fraction}")
    }

    #[test]
    fn only_plain_numbers_are_read() {
        for text in [
            "0",
            "-1.5",
            "+2",
            " 3 ",
            ".5",
            "007",
            "123456789012345678901234567890",
        ] {
            assert!(Decimal::parse(text).is_some(), "{text}");
        }
        for text in [
            "", " ", "-", ".", "1.", "1,234.50", "1e3", "0x1", "1.2.3", "--1", "NaN", "１", "€5",
        ] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn rounding_is_half_away_from_zero_on_the_digits() {
        assert_eq!(rounded("0.285", 2), "0.29");
        assert_eq!(rounded("1.005", 2), "1.01");
        assert_eq!(rounded("2.5", 0), "3.");
        assert_eq!(rounded("0.2849999999999", 2), "0.28");
        assert_eq!(rounded("99.995", 2), "100.00");
        assert_eq!(rounded(".5", 0), "1.");
        assert_eq!(rounded("7", 2), "7.00");
        assert_eq!(rounded("000.001", 2), "0.00");
    }

    #[test]
    fn order_is_the_numbers() {
        let decimal = |text| Decimal::parse(text).unwrap();
        assert!(decimal("9") < decimal("100"));
        assert!(decimal("-9") > decimal("-100"));
        assert!(decimal("-1") < decimal("0"));
        assert!(decimal("1.25") > decimal("1.2"));
        assert!(decimal("9007199254740993") > decimal("9007199254740992"));
        assert_eq!(decimal("-0.0"), decimal("0"));
        assert_eq!(decimal("007.50"), decimal("7.5"));
    }

    proptest! {
        #[test]
        fn agrees_with_whole_numbers(a in any::<i32>(), b in any::<i32>(), places in 0u32..6) {
            let (x, y) = (a.to_string(), b.to_string());
            prop_assert_eq!(Decimal::parse(&x).unwrap().cmp(&Decimal::parse(&y).unwrap()), a.cmp(&b));

            let unit = 10i64.pow(places);
            let magnitude = i64::from(a).abs();
            let text = format!("{}.{:0width$}", magnitude / unit, magnitude % unit, width = places.max(1) as usize);
            let (integer, _) = Decimal::parse(&text).unwrap().digits(Some(0));
            let scale = 10i64.pow(places.max(1));
            let thousandths = (magnitude / unit) * scale + magnitude % unit;
            prop_assert_eq!(integer, ((thousandths + scale / 2) / scale).to_string());
        }
    }
}
