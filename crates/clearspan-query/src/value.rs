//! Values: from the words of a filter to checked literals, and back.

use clearspan_model::{Decimal, RunId, RunType, SpanId, Status, TraceId, UnixNanos};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::Literal;
use crate::field::Kind;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Units of time by name, longest name first where one ends with the other.
const UNITS: &[(&str, i64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("d", 86_400 * NANOS_PER_SECOND),
];

/// Reads a value of this kind; the error says what was expected.
pub(crate) fn parse_literal(kind: Kind, text: &str) -> Result<Literal, String> {
    let expected = |what: &str| format!("{text:?} is not {}: expected {what}", kind.noun());
    match kind {
        Kind::Text | Kind::FullText => Ok(Literal::Text(text.to_owned())),
        Kind::RunId => parse_run_id(text)
            .map(|id| Literal::Id(*id.as_bytes()))
            .ok_or_else(|| expected("a UUID, or 32 or 16 hexadecimal digits")),
        Kind::TraceId => text
            .parse::<TraceId>()
            .map(|id| Literal::Id(*id.as_bytes()))
            .map_err(|_| expected("a UUID or 32 hexadecimal digits")),
        Kind::Dollars => parse_decimal(text.strip_prefix('$').unwrap_or(text))
            .map(Literal::Number)
            .ok_or_else(|| expected("a decimal such as 0.05")),
        Kind::Count => {
            parse_count(text).map(Literal::Number).ok_or_else(|| expected("digits, with k or M behind them"))
        }
        Kind::Duration => parse_duration(text)
            .map(Literal::Duration)
            .ok_or_else(|| expected("a number with ms, s, m or h behind it, such as 1.5s")),
        Kind::Time => parse_time(text)
            .map(Literal::Time)
            .ok_or_else(|| expected("a date or a time such as 2026-11-20 or 2026-11-20T14:00:00Z")),
        Kind::Bool => match text {
            "true" => Ok(Literal::Bool(true)),
            "false" => Ok(Literal::Bool(false)),
            _ => Err(expected("true or false")),
        },
        Kind::RunType => {
            text.parse().map(Literal::RunType).map_err(|_| expected(&one_of(RunType::ALL, |t| t.as_str())))
        }
        Kind::Status => parse_status(text)
            .map(Literal::Status)
            .ok_or_else(|| expected(&one_of(Status::ALL, |s| s.as_str()))),
    }
}

/// The word that reads back as this literal. Durations are seconds, times are UTC.
pub(crate) fn print_literal(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => text.clone(),
        Literal::Id(bytes) => RunId::from_bytes(*bytes).to_string(),
        Literal::Number(number) => number.to_string(),
        Literal::Duration(nanos) => {
            let seconds = Decimal::new(*nanos, 9).normalize();
            format!("{seconds}s")
        }
        // The range of `Timestamp` is wider than that of `UnixNanos`, so this cannot fail.
        Literal::Time(time) => {
            Timestamp::from_nanosecond(time.as_nanos().into()).map(|t| t.to_string()).unwrap_or_default()
        }
        Literal::Bool(yes) => yes.to_string(),
        Literal::RunType(run_type) => run_type.to_string(),
        Literal::Status(status) => status.to_string(),
    }
}

/// A run id: a UUID, or the span id that it was made from.
pub(crate) fn parse_run_id(text: &str) -> Option<RunId> {
    if let Ok(span) = text.parse::<SpanId>() {
        return Some(RunId::from_span_id(span));
    }
    text.parse().ok()
}

pub(crate) fn parse_decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

fn parse_count(text: &str) -> Option<Decimal> {
    let (digits, factor) = match text.char_indices().next_back()? {
        (at, 'k' | 'K') => (text.get(..at)?, 1_000),
        (at, 'M') => (text.get(..at)?, 1_000_000),
        _ => (text, 1),
    };
    parse_decimal(digits)?.checked_mul(Decimal::from(factor))
}

/// Nanoseconds: a number with a unit, seconds without one.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    // The longest unit first: `ms` ends in `s`.
    let (digits, unit) = UNITS
        .iter()
        .filter_map(|(name, nanos)| text.strip_suffix(name).map(|digits| (digits, *nanos)))
        .min_by_key(|(digits, _)| digits.len())
        .unwrap_or((text, NANOS_PER_SECOND));
    let number = parse_decimal(digits).filter(|number| !number.is_sign_negative())?;
    number.checked_mul(Decimal::from(unit))?.round().try_into().ok()
}

/// A date, a date with a time (UTC where no zone is said), or microseconds since the epoch.
pub(crate) fn parse_time(text: &str) -> Option<UnixNanos> {
    i64::try_from(parse_nanos(text)?).ok().map(UnixNanos::from_nanos)
}

/// The same; of moments that are too far away to be told in nanoseconds the nearest that is not.
pub(crate) fn parse_nearest_time(text: &str) -> Option<UnixNanos> {
    let nanos = parse_nanos(text)?.clamp(i64::MIN.into(), i64::MAX.into());
    i64::try_from(nanos).ok().map(UnixNanos::from_nanos)
}

fn parse_nanos(text: &str) -> Option<i128> {
    let text = text.trim();
    if let Ok(micros) = text.parse::<i64>() {
        // Four digits are a year that someone forgot to finish, not a moment in January 1970.
        return (text.len() > 4).then(|| i128::from(micros) * 1_000);
    }
    let timestamp = match text.parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    Some(timestamp.as_nanosecond())
}

fn parse_status(text: &str) -> Option<Status> {
    match text.to_ascii_lowercase().as_str() {
        "ok" => Some(Status::Success),
        "failed" => Some(Status::Error),
        "running" => Some(Status::Pending),
        other => other.parse().ok(),
    }
}

fn one_of<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> String {
    let names: Vec<&str> = all.iter().map(|value| name(*value)).collect();
    format!("one of {}", names.join(", "))
}
