//! How values of metadata compare, which may be anything.

use std::cmp::Ordering;

/// The order of two values in plain text, as `<` and `>` mean it: two numbers by what they are worth, to the last digit,
/// two other texts by their characters. A number has no order with another text, and so satisfies no comparison with it.
///
/// A number is what JSON writes as one, also when it was sent as text; zeros and a plus in front do no harm.
pub fn compare_entries(one: &str, other: &str) -> Option<Ordering> {
    match (Number::parse(one), Number::parse(other)) {
        (Some(one), Some(other)) => Some(one.order(&other)),
        (None, None) => Some(one.cmp(other)),
        _ => None,
    }
}

/// Whether a value is compared as a number.
pub(crate) fn is_number(text: &str) -> bool {
    Number::parse(text).is_some()
}

/// `0.digits` times ten to the power of `point`: the numbers of JSON have no limits that a type of ours has.
struct Number {
    is_negative: bool,
    /// Without zeros at either end. None: zero.
    digits: Vec<u8>,
    point: i64,
}

/// Exponents beyond it are as good as it.
const MAX_EXPONENT: i64 = 1_000_000_000_000_000;

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let is_negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (only_digits(whole)?, only_digits(fraction)?),
            None => (only_digits(mantissa)?, ""),
        };
        let whole = whole.trim_start_matches('0');
        let mut point = i64::try_from(whole.len()).ok()? + exponent;
        let mut digits = fraction.trim_end_matches('0');
        if whole.is_empty() {
            let behind_zeros = digits.trim_start_matches('0');
            point -= i64::try_from(digits.len() - behind_zeros.len()).ok()?;
            digits = behind_zeros;
        }
        let mut digits = [whole, digits].concat().into_bytes();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self { is_negative: false, digits, point: 0 });
        }
        Some(Self { is_negative, digits, point })
    }

    fn order(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let size = (self.point, &self.digits).cmp(&(other.point, &other.digits));
        match (sign(self).cmp(&sign(other)), self.is_negative) {
            (Ordering::Equal, false) => size,
            (Ordering::Equal, true) => size.reverse(),
            (order, _) => order,
        }
    }
}

fn only_digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

fn parse_exponent(text: &str) -> Option<i64> {
    let is_negative = text.starts_with('-');
    let digits = only_digits(text.strip_prefix(['-', '+']).unwrap_or(text))?;
    let size = digits.parse().unwrap_or(MAX_EXPONENT).min(MAX_EXPONENT);
    Some(if is_negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_what_they_are_worth() {
        let ascending = [
            "-1e99999999999999999999",
            "-1E400",
            "-10",
            "-9.5e0",
            "-0.001",
            "-1e-400",
            "0",
            "1e-400",
            "0.00099",
            "1e-3",
            "0.5",
            "9",
            "9.000000000000000000000000000000000001",
            "9.5e0",
            "10",
            "0100.5",
            "123456789012345678901234567890",
            "123456789012345678901234567891",
            "1e400",
            "2e400",
        ];
        for (low, one) in ascending.iter().enumerate() {
            for (high, other) in ascending.iter().enumerate() {
                assert_eq!(compare_entries(one, other), Some(low.cmp(&high)), "{one} and {other}");
            }
        }
        for (one, other) in [("-0", "0.0"), ("+7", "7.00"), ("70e-1", "007"), ("0.7E1", "7"), ("0e9", "0")] {
            assert_eq!(compare_entries(one, other), Some(Ordering::Equal), "{one} and {other}");
        }
    }

    #[test]
    fn other_texts_compare_by_their_characters_and_not_with_numbers() {
        let texts = [
            "",
            " 7",
            "+",
            "-",
            ".5",
            "0x10",
            "1.",
            "1.e3",
            "1_000",
            "1e",
            "2026-11-20",
            "7 ",
            "NaN",
            "true",
        ];
        for text in texts {
            assert!(!is_number(text), "{text:?}");
            assert_eq!(compare_entries(text, "7"), None, "{text:?}");
            assert_eq!(compare_entries("7", text), None, "{text:?}");
            assert_eq!(compare_entries(text, "b"), Some(text.cmp("b")), "{text:?}");
        }
    }
}
