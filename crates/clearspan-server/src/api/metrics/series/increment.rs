//! What one point of a series adds to what was counted before.

use clearspan_model::{MetricKind, MetricPoint, Temporality, UnixNanos};

use super::super::spread::{Extent, Spread, growth};

/// What is remembered of a series from point to point.
#[derive(Debug, Default)]
pub(super) struct Series {
    before: Option<MetricPoint>,
}

/// What was added since the point before.
#[derive(Debug, Default)]
pub(super) struct Increment {
    /// Since when.
    pub(super) start: UnixNanos,
    /// Of a sum.
    pub(super) value: Option<f64>,
    /// How many values a histogram or summary got.
    pub(super) count: Option<u64>,
    /// Their sum.
    pub(super) sum: Option<f64>,
    pub(super) extent: Extent,
    pub(super) spread: Spread,
    /// Quantiles as the sender tells them: of values that it does not say.
    pub(super) quantiles: Vec<(f64, f64)>,
}

impl Increment {
    /// What is counted when asked how fast it grows.
    pub(super) fn amount(&self) -> f64 {
        self.value.or(self.count.map(|count| count as f64)).unwrap_or(0.0)
    }
}

/// What a cumulative point has to be compared with.
enum Base<'a> {
    Point(&'a MetricPoint),
    /// The count began at zero.
    Zero,
    /// Nobody knows how much of it is new.
    Unknown,
}

impl Series {
    /// Takes the next point; `None` when nothing can be said about what it adds.
    pub(super) fn advance(
        &mut self,
        point: &MetricPoint,
        seen_since: Option<UnixNanos>,
    ) -> Option<Increment> {
        let increment = if point.temporality == Some(Temporality::Delta) {
            let start = point.start_time.or(self.before.as_ref().map(|before| before.time));
            Some(whole(point, start.unwrap_or(point.time)))
        } else {
            match base(self.before.as_ref(), point, seen_since) {
                Base::Point(before) => grown(before, point),
                Base::Zero => Some(whole(point, point.start_time.unwrap_or(point.time))),
                Base::Unknown => None,
            }
        };
        self.before = Some(point.clone());
        increment
    }
}

fn base<'a>(before: Option<&'a MetricPoint>, point: &MetricPoint, seen_since: Option<UnixNanos>) -> Base<'a> {
    if let Some(before) = before {
        return Base::Point(before);
    }
    match (point.start_time, seen_since) {
        // So senders say that they do not know since when they count.
        (Some(start), _) if start == point.time => Base::Unknown,
        // It began before the first point that was looked at, and may have been counted long ago.
        (Some(start), Some(seen)) if start < seen => Base::Unknown,
        (None, Some(_)) => Base::Unknown,
        _ => Base::Zero,
    }
}

/// A point that tells everything it holds.
fn whole(point: &MetricPoint, start: UnixNanos) -> Increment {
    let extent = Extent { min: finite(point.min), max: finite(point.max) };
    let spread = point.distribution.as_ref().map(|distribution| Spread::of(distribution, extent));
    Increment {
        start,
        value: finite(point.value.map(|value| value.as_f64())),
        count: point.count,
        sum: finite(point.sum),
        extent,
        spread: spread.unwrap_or_default(),
        quantiles: quantiles(point),
    }
}

/// What was added from one point to the next; everything when the count began anew.
fn grown(before: &MetricPoint, point: &MetricPoint) -> Option<Increment> {
    let anew = || Some(whole(point, before.time));
    if point.kind == MetricKind::Sum {
        let (old, new) = (before.value?.as_f64(), point.value?.as_f64());
        if new < old {
            return anew();
        }
        return Some(Increment {
            start: before.time,
            value: finite(Some(new - old)),
            ..Increment::default()
        });
    }
    let Some(count) = point.count?.checked_sub(before.count?) else { return anew() };
    let spread = match (&before.distribution, &point.distribution) {
        _ if point.kind == MetricKind::Summary => Spread::default(),
        (Some(old), Some(new)) => match growth(old, new) {
            // The extremes are those of all values, not of the new ones.
            Some(grown) => Spread::of(&grown, Extent::default()),
            None => return anew(),
        },
        _ => Spread::default(),
    };
    let sum = point.sum.zip(before.sum).map(|(new, old)| new - old);
    let quantiles = quantiles(point);
    Some(Increment {
        start: before.time,
        count: Some(count),
        sum: finite(sum),
        spread,
        quantiles,
        ..Increment::default()
    })
}

fn quantiles(point: &MetricPoint) -> Vec<(f64, f64)> {
    match &point.distribution {
        Some(clearspan_model::Distribution::Quantiles(quantiles)) => quantiles.clone(),
        _ => Vec::new(),
    }
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}
