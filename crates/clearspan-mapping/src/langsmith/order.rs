//! Times and dotted orders.

use clearspan_model::{RunId, UnixNanos};

use crate::dialects::{days_from_civil, read_timestamp};
use crate::json::Json;

/// `20260102T030405000001Z<uuid>`, once for each level from the root down, with dots between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DottedOrder {
    /// The root, whose id is the trace's.
    pub(super) trace: RunId,
    /// The run above the last.
    pub(super) parent: Option<RunId>,
    /// The run itself.
    pub(super) run_id: RunId,
    /// When it began.
    pub(super) start: UnixNanos,
}

/// Deeper ones come from no program.
const MAX_LEVELS: usize = 10_000;
const STEP_BYTES: usize = 58;

impl DottedOrder {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut order: Option<Self> = None;
        for (level, step) in text.split('.').enumerate() {
            if level >= MAX_LEVELS {
                return Err("it has too many levels");
            }
            let (start, run_id) = read_step(step).ok_or("it is not made of times and UUIDs")?;
            order = Some(match order {
                None => Self { trace: run_id, parent: None, run_id, start },
                Some(above) => Self { trace: above.trace, parent: Some(above.run_id), run_id, start },
            });
        }
        order.ok_or("it is empty")
    }
}

fn read_step(step: &str) -> Option<(UnixNanos, RunId)> {
    if step.len() != STEP_BYTES || !step.is_ascii() {
        return None;
    }
    let (time, id) = step.split_at(22);
    let digits = |from: usize, to: usize| -> Option<i64> {
        let part = time.get(from..to)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    if time.as_bytes().get(8) != Some(&b'T') || time.as_bytes().last() != Some(&b'Z') {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(4, 6)?, digits(6, 8)?);
    let (hour, minute, second, micros) = (digits(9, 11)?, digits(11, 13)?, digits(13, 15)?, digits(15, 21)?);
    let is_time = (1970..2262).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let id: RunId = id.parse().ok()?;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    (is_time && !id.is_nil()).then(|| (UnixNanos::from_nanos(seconds * 1_000_000_000 + micros * 1_000), id))
}

/// ISO text; or a number since the epoch, whose size tells the unit (the JavaScript SDK sends milliseconds).
pub(super) fn read_time(json: &Json<'_>) -> Option<UnixNanos> {
    let number: f64 = match json {
        Json::String(text) => {
            let text = text.decode();
            return read_timestamp(&text).or_else(|| read_date(text.trim()));
        }
        Json::Number(digits) => digits.parse().ok()?,
        Json::Int(number) => *number as f64,
        _ => return None,
    };
    let to_nanos = match number {
        _ if !(1e8..9.2e18).contains(&number) => return None,
        ..1e11 => 1e9,
        ..1e14 => 1e6,
        ..1e17 => 1e3,
        _ => 1.0,
    };
    // Whole first, so that milliseconds lose nothing.
    let (whole, part) = (number.trunc(), number.fract());
    #[expect(clippy::cast_possible_truncation, reason = "in range, as checked")]
    let nanos = (whole as i64).checked_mul(to_nanos as i64)?.checked_add((part * to_nanos).round() as i64)?;
    Some(UnixNanos::from_nanos(nanos))
}

/// `2026-01-02`.
fn read_date(text: &str) -> Option<UnixNanos> {
    (text.len() == 10).then(|| read_timestamp(&format!("{text}T00:00:00Z"))).flatten()
}

/// When an id of version 7 was made.
pub(super) fn time_of_id(id: RunId) -> Option<UnixNanos> {
    let bytes = id.as_bytes();
    let is_v7 = bytes[6] >> 4 == 7 && bytes[8] >> 6 == 2;
    let millis = bytes[..6].iter().fold(0_i64, |millis, byte| millis << 8 | i64::from(*byte));
    // The years 2000 to 2262.
    (is_v7 && (946_684_800_000..9_214_646_400_000).contains(&millis))
        .then(|| UnixNanos::from_nanos(millis * 1_000_000))
}
