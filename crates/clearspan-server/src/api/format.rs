//! Numbers and texts as people read them, in the words of the interface.

use clearspan_model::Decimal;

/// `830 ms`, `13.8 s`, `19m 45s`, `2h 5m`.
pub(crate) fn duration(nanos: i64) -> String {
    let millis = nanos / 1_000_000;
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{}.{} s", seconds, millis % 1_000 / 100),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// `$43.97`, `$0.028`, `<$0.0001`.
pub(crate) fn money(dollars: Decimal) -> String {
    let (dime, cent, least) = (Decimal::new(1, 1), Decimal::new(1, 2), Decimal::new(1, 4));
    if dollars.is_zero() {
        return "$0".to_owned();
    }
    if dollars < least {
        return "<$0.0001".to_owned();
    }
    let places = match dollars {
        dollars if dollars >= dime => 2,
        dollars if dollars >= cent => 3,
        _ => 4,
    };
    format!("${:.places$}", dollars.round_dp(places as u32))
}

/// `812`, `4.3k`, `70k`, `3.3M`.
pub(crate) fn count(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..10_000 => format!("{}.{}k", count / 1_000, count % 1_000 / 100),
        10_000..1_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}.{}M", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// The first line that says something, cut to so many characters.
pub(crate) fn first_line(text: &str, max_chars: usize) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    cut(line, max_chars)
}

/// At most so many characters; `…` stands for the rest.
pub(crate) fn cut(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max_chars - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_like_the_interface() {
        let durations = [(830_000_000, "830 ms"), (13_760_000_000, "13.7 s"), (1_185_000_000_000, "19m 45s")];
        for (nanos, text) in durations {
            assert_eq!(duration(nanos), text);
        }
        for (dollars, text) in
            [("43.968", "$43.97"), ("0.0281", "$0.028"), ("0.00012", "$0.0001"), ("0.00001", "<$0.0001")]
        {
            assert_eq!(money(dollars.parse().unwrap()), text);
        }
        for (tokens, text) in [(812, "812"), (4_321, "4.3k"), (70_123, "70k"), (3_310_000, "3.3M")] {
            assert_eq!(count(tokens), text);
        }
    }

    #[test]
    fn lines_are_cut_at_characters() {
        assert_eq!(first_line("\n  é: broken \n more", 20), "é: broken");
        assert_eq!(cut("ééééé", 3), "éé…");
    }
}
