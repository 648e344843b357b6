use clearspan_model::{RunId, TraceId, UnixNanos};
use clearspan_query::{Field, text};
use clearspan_store::{Cursor, Order, SortKey, TimeRange, Unit};

use super::*;

const NOW: UnixNanos = UnixNanos::from_nanos(1_795_132_800_000_000_000);

fn range(from: Option<i64>, to: Option<i64>) -> TimeRange {
    let nanos = |micros: i64| UnixNanos::from_nanos(micros * 1_000);
    TimeRange { from: from.map(nanos), to: to.map(nanos) }
}

#[test]
fn time_ranges() {
    let micros = NOW.as_micros();
    let cases = [
        ("", range(None, None)),
        ("all", range(None, None)),
        ("15m", range(Some(micros - 900_000_000), None)),
        ("7d", range(Some(micros - 604_800_000_000), None)),
        ("2026-11-20T00:00:00Z..", range(Some(1_795_132_800_000_000), None)),
        ("..1795132800000000", range(None, Some(1_795_132_800_000_000))),
        ("2026-11-20..2026-11-21", range(Some(1_795_132_800_000_000), Some(1_795_219_200_000_000))),
        ("..", range(None, None)),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_range(Some(text), NOW).unwrap(), expected, "{text}");
    }
    for text in ["yesterday", "5", "h", "-5m", "5y", "a..b", "1h..x", "é"] {
        let error = parse_range(Some(text), NOW).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameter, "{text}");
    }
}

#[test]
fn orders() {
    let order = parse_order(Some("-cost")).unwrap();
    assert_eq!((order.by, order.descending), (SortKey::Cost, true));
    let order = parse_order(Some("start")).unwrap();
    assert_eq!((order.by, order.descending), (SortKey::Start, false));
    assert!(parse_order(Some("name")).unwrap_err().message.contains("latency"));
}

#[test]
fn limits_clamp() {
    assert_eq!([None, Some(0), Some(7), Some(9_999)].map(clamp_limit), [50, 1, 7, 1_000]);
}

#[test]
fn cursors_come_back_and_tampered_ones_do_not() {
    let order = Order { by: SortKey::Cost, descending: true };
    let cursor = Cursor {
        order,
        value: Some(-170_000_000_000_000_000_000_i128),
        trace_id: TraceId::from_bytes([7; 16]),
        run_id: Some(RunId::from_bytes([8; 16])),
    };
    let text = encode_cursor(&cursor);
    assert_eq!(decode_cursor(&text, order, Unit::Runs).unwrap(), cursor);

    let code = |text: &str, order, unit| decode_cursor(text, order, unit).unwrap_err().code;
    assert_eq!(code(&text, order, Unit::Traces), ErrorCode::InvalidCursor);
    let other = Order { by: SortKey::Start, ..order };
    assert_eq!(code(&text, other, Unit::Runs), ErrorCode::InvalidCursor);
    for damaged in ["", "x", "e30", "!!!", &text.replace('a', "b"), text.get(1..).unwrap()] {
        assert_eq!(code(damaged, order, Unit::Runs), ErrorCode::InvalidCursor, "{damaged}");
    }
}

#[test]
fn a_facet_ignores_the_terms_of_its_own_field() {
    let without = |filter: &str| {
        let rest = without_field(Some(&text::parse(filter).unwrap()), &Field::Model);
        rest.map(|expr| text::to_text(&expr)).unwrap_or_default()
    };
    let cases = [
        ("model:a status:error", "status:error"),
        ("model:a", ""),
        ("-model:a (model:b OR model:c) name:x env:y", "name:x env:y"),
        // A term that ties the field to another one stays.
        ("(model:a OR name:x) any(model:b)", "(model:a OR name:x) any(model:b)"),
    ];
    for (filter, expected) in cases {
        assert_eq!(without(filter), expected, "{filter}");
    }
}

#[test]
fn a_bad_filter_says_where() {
    let error = parse_filter(Some("a staus:error")).unwrap_err();
    assert_eq!((error.code, error.position), (ErrorCode::InvalidFilter, Some(2..7)));
    assert_eq!(parse_filter(Some("  ")).unwrap(), None);
}
