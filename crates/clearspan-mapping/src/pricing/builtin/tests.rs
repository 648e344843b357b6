use super::*;

#[test]
fn dates_begin_at_midnight() {
    const DAY: i64 = 86_400_000_000_000;
    for (date, days) in [
        ("1970-01-01", 0),
        ("1970-01-02", 1),
        ("1972-03-01", 790),
        ("2000-02-29", 11_016),
        ("2000-03-01", 11_017),
        ("2025-06-10", 20_249),
        ("2026-12-31", 20_818),
    ] {
        assert_eq!(midnight(date), Some(UnixNanos::from_nanos(days * DAY)), "{date}");
    }
    assert_eq!(midnight("2025-06"), None);
    assert_eq!(midnight("soon"), None);
}

#[test]
fn hours_are_minutes_of_the_day() {
    assert_eq!(parse_hours("00:30-16:30"), Some(Hours { start: 30, end: 990 }));
    assert_eq!(parse_hours("16:30"), None);
}
