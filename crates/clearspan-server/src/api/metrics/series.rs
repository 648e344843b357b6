//! From the points of one metric to lines of a chart.
//!
//! Points that share attributes, sender and (for cumulative ones) their beginning make a series. What a cumulative series
//! adds from point to point is counted, with new beginnings told by a value that fell; a delta point is counted as it is.
//! Series of one group are added up in buckets of time, as states that can be joined, so that any two groups can be.

mod cell;
mod increment;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, BuildHasherDefault};

use clearspan_model::{JsonText, MetricKind, MetricPoint, Temporality, UnixNanos};
use rustc_hash::{FxHashMap, FxHasher};

use cell::Cell;
use increment::{Increment, Series};

/// Lines at most; the rest are added up in one more.
pub(super) const MAX_LINES: usize = 50;
/// Groups told apart while reading; further ones go to the others at once, whatever they hold.
const MAX_GROUPS: usize = 500;
/// The name of the line that holds the rest.
const OTHERS: &str = "(others)";

/// How the values of a bucket of time become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregation {
    Sum,
    Rate,
    Last,
    Avg,
    Min,
    Max,
    P50,
    P95,
    P99,
    Count,
}

impl Aggregation {
    const ALL: [Self; 10] = [
        Self::Sum,
        Self::Rate,
        Self::Last,
        Self::Avg,
        Self::Min,
        Self::Max,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::Count,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Rate => "rate",
            Self::Last => "last",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Count => "count",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// The share of values that lie below, for percentiles.
    fn share(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            _ => None,
        }
    }

    /// Those that make sense for a metric, the most useful first.
    pub(super) fn fitting(form: Form) -> &'static [Self] {
        match form.kind {
            MetricKind::Gauge => &[Self::Last, Self::Avg, Self::Min, Self::Max],
            MetricKind::Sum if form.is_level() => &[Self::Last, Self::Avg, Self::Min, Self::Max],
            MetricKind::Sum => &[Self::Sum, Self::Rate],
            MetricKind::Histogram | MetricKind::ExponentialHistogram => &[
                Self::Avg,
                Self::P50,
                Self::P95,
                Self::P99,
                Self::Count,
                Self::Rate,
                Self::Sum,
                Self::Min,
                Self::Max,
            ],
            MetricKind::Summary => {
                &[Self::Avg, Self::P50, Self::P95, Self::P99, Self::Count, Self::Rate, Self::Sum]
            }
        }
    }
}

/// The form of a metric. Points of another form under the same name are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) kind: MetricKind,
    pub(super) temporality: Option<Temporality>,
    pub(super) monotonic: bool,
}

impl Form {
    /// A sum that rises and falls and tells where it stands (requests that run): it is read like a gauge, but the levels of
    /// several senders add up.
    fn is_level(self) -> bool {
        self.kind == MetricKind::Sum && !self.monotonic && self.temporality != Some(Temporality::Delta)
    }
}

/// Buckets of time of equal width.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) from: UnixNanos,
    pub(super) bucket_nanos: i64,
    pub(super) buckets: usize,
}

impl Frame {
    fn bucket_at(&self, nanos: i64) -> Option<usize> {
        let since = usize::try_from(nanos.checked_sub(self.from.as_nanos())? / self.bucket_nanos).ok()?;
        (nanos >= self.from.as_nanos() && since < self.buckets).then_some(since)
    }

    /// How much of a stretch of time lies in which bucket, as shares of its length. A stretch without length lies at its end.
    fn shares(&self, start: i64, end: i64) -> Vec<(usize, f64)> {
        if start >= end {
            return self.bucket_at(end).map(|bucket| (bucket, 1.0)).into_iter().collect();
        }
        let from = self.from.as_nanos();
        let width = i128::from(self.bucket_nanos);
        let offset = |nanos: i64| i128::from(nanos) - i128::from(from);
        let length = (offset(end) - offset(start)) as f64;
        let last = self.buckets.saturating_sub(1) as i128;
        // The end belongs to the stretch, the start does not.
        let (first, last) =
            (offset(start).div_euclid(width).max(0), ((offset(end) - 1).div_euclid(width)).min(last));
        let mut shares = Vec::new();
        for bucket in first..=last {
            let inside = offset(end).min((bucket + 1) * width) - offset(start).max(bucket * width);
            if let Ok(bucket) = usize::try_from(bucket) {
                shares.push((bucket, inside as f64 / length));
            }
        }
        shares
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) form: Form,
    pub(super) aggregation: Aggregation,
    /// An attribute, or `service`.
    pub(super) group_by: Option<String>,
    pub(super) frame: Frame,
    /// The earliest time that points were asked for: what began before it and was not seen there began unseen. `None` when
    /// all points were asked for.
    pub(super) seen_since: Option<UnixNanos>,
}

/// One line of the chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// `None` for points without the attribute, and where nothing is grouped.
    pub(super) group: Option<String>,
    /// One a bucket; `None` where there is nothing.
    pub(super) values: Vec<Option<f64>>,
}

/// Takes points in order of time and adds them up.
#[derive(Debug)]
pub(super) struct Fold {
    question: Question,
    series: FxHashMap<u64, Series>,
    groups: BTreeMap<Option<String>, Group>,
    others: Group,
}

/// Cells by bucket; those that nothing fell into are not there.
type Group = BTreeMap<usize, Cell>;

impl Fold {
    pub(super) fn new(question: Question) -> Self {
        Self { question, series: FxHashMap::default(), groups: BTreeMap::new(), others: Group::new() }
    }

    pub(super) fn push(&mut self, point: &MetricPoint) {
        let form = Form { kind: point.kind, temporality: point.temporality, monotonic: point.monotonic };
        if form != self.question.form {
            return;
        }
        let key = series_key(point);
        let series = self.series.entry(key).or_default();
        let increment = series.advance(point, self.question.seen_since);
        let frame = self.question.frame;
        if form.kind == MetricKind::Gauge || form.is_level() {
            let level = point.value.map(|value| value.as_f64()).filter(|value| value.is_finite());
            if let (Some(bucket), Some(level)) = (frame.bucket_at(point.time.as_nanos()), level) {
                self.cell(point, bucket).add_level(key, point.time, level);
            }
        } else if let Some(increment) = increment {
            self.add(point, &increment);
        }
    }

    fn add(&mut self, point: &MetricPoint, increment: &Increment) {
        let frame = self.question.frame;
        if self.question.aggregation == Aggregation::Rate {
            // A bucket may be shorter than the time between two points: what was added is spread over that time.
            for (bucket, share) in frame.shares(increment.start.as_nanos(), point.time.as_nanos()) {
                self.cell(point, bucket).add_amount(increment.amount() * share);
            }
        } else if let Some(bucket) = frame.bucket_at(point.time.as_nanos()) {
            self.cell(point, bucket).add_increment(increment);
        }
    }

    fn cell(&mut self, point: &MetricPoint, bucket: usize) -> &mut Cell {
        let name = self.question.group_by.as_deref().and_then(|key| group_of(point, key));
        let is_known = self.groups.contains_key(&name);
        let group = match is_known || self.groups.len() < MAX_GROUPS {
            true => self.groups.entry(name).or_default(),
            false => &mut self.others,
        };
        group.entry(bucket).or_default()
    }

    /// The lines, the largest first; the others last.
    pub(super) fn finish(self) -> Vec<Line> {
        let Self { question, groups, mut others, .. } = self;
        let mut sized: Vec<(f64, Option<String>, Group)> = groups
            .into_iter()
            .map(|(name, group)| (values(&group, &question).flatten().map(f64::abs).sum(), name, group))
            .collect();
        // A stable sort: equal ones stay in the order of their names.
        sized.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
        let kept = if sized.len() > MAX_LINES || !others.is_empty() { MAX_LINES - 1 } else { MAX_LINES };
        for (_, _, group) in sized.drain(kept.min(sized.len())..) {
            for (bucket, cell) in group {
                others.entry(bucket).or_default().merge(cell);
            }
        }
        let line =
            |group: Option<String>, cells: &Group| Line { group, values: values(cells, &question).collect() };
        let mut lines: Vec<Line> = sized.into_iter().map(|(_, name, group)| line(name, &group)).collect();
        if !others.is_empty() {
            lines.push(line(Some(OTHERS.to_owned()), &others));
        }
        lines
    }
}

fn values<'g>(group: &'g Group, question: &'g Question) -> impl Iterator<Item = Option<f64>> + 'g {
    let value = |bucket| group.get(&bucket)?.value(question.aggregation, question.form, question.frame);
    (0..question.frame.buckets).map(value)
}

fn group_of(point: &MetricPoint, key: &str) -> Option<String> {
    match key {
        "service" if !point.attributes.contains_key(key) => point.sender.service.clone(),
        _ => point.attributes.get(key).map(JsonText::to_plain),
    }
}

/// Tells series apart. Two processes that send the same attributes differ by when they began.
fn series_key(point: &MetricPoint) -> u64 {
    let began = point.start_time.filter(|_| point.temporality != Some(Temporality::Delta));
    let sender = &point.sender;
    let identity = (
        &point.attributes,
        &sender.service,
        &sender.scope_name,
        &sender.scope_version,
        &sender.resource,
        began,
    );
    BuildHasherDefault::<FxHasher>::default().hash_one(identity)
}

#[cfg(test)]
mod tests;
