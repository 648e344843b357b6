//! What fell into one bucket of time of one group.

use clearspan_model::UnixNanos;
use rustc_hash::FxHashMap;

use super::super::spread::Spread;
use super::increment::Increment;
use super::{Aggregation, Form, Frame};

const NANOS_PER_SECOND: f64 = 1e9;

/// Two cells can be joined, whatever is asked of them.
#[derive(Debug, Default)]
pub(super) struct Cell {
    /// What sums added, or the values of histograms added up.
    sum: Option<f64>,
    /// How many values there were.
    count: f64,
    min: Option<f64>,
    max: Option<f64>,
    /// Where each series stood last.
    last: FxHashMap<u64, (UnixNanos, f64)>,
    spread: Spread,
    /// Quantiles that senders computed, with how many values they speak for.
    quantiles: Vec<(f64, f64, f64)>,
}

impl Cell {
    /// A value that a series stood at.
    pub(super) fn add_level(&mut self, series: u64, time: UnixNanos, value: f64) {
        self.sum = Some(self.sum.unwrap_or(0.0) + value);
        self.count += 1.0;
        self.min = least(self.min, Some(value));
        self.max = greatest(self.max, Some(value));
        let last = self.last.entry(series).or_insert((time, value));
        if time >= last.0 {
            *last = (time, value);
        }
    }

    /// A part of what was added.
    pub(super) fn add_amount(&mut self, amount: f64) {
        self.sum = Some(self.sum.unwrap_or(0.0) + amount);
    }

    pub(super) fn add_increment(&mut self, increment: &Increment) {
        if let Some(sum) = increment.value.or(increment.sum) {
            self.add_amount(sum);
        }
        let count = increment.count.unwrap_or(0) as f64;
        self.count += count;
        self.min = least(self.min, increment.extent.min);
        self.max = greatest(self.max, increment.extent.max);
        self.spread.merge(&increment.spread);
        self.quantiles.extend(increment.quantiles.iter().map(|(share, value)| (*share, *value, count)));
    }

    pub(super) fn merge(&mut self, other: Self) {
        if let Some(sum) = other.sum {
            self.add_amount(sum);
        }
        self.count += other.count;
        self.min = least(self.min, other.min);
        self.max = greatest(self.max, other.max);
        // A series is in one group, so no two cells of a bucket know the same one.
        self.last.extend(other.last);
        self.spread.merge(&other.spread);
        self.quantiles.extend(other.quantiles);
    }

    pub(super) fn value(&self, aggregation: Aggregation, form: Form, frame: Frame) -> Option<f64> {
        let value = match aggregation {
            Aggregation::Sum => self.sum,
            Aggregation::Rate => self.sum.map(|sum| sum / (frame.bucket_nanos as f64 / NANOS_PER_SECOND)),
            Aggregation::Last if form.is_level() => {
                (!self.last.is_empty()).then(|| self.last.values().map(|(_, value)| value).sum())
            }
            Aggregation::Last => self.last.values().max_by_key(|(time, _)| *time).map(|(_, value)| *value),
            Aggregation::Avg => self.sum.filter(|_| self.count > 0.0).map(|sum| sum / self.count),
            Aggregation::Min => self.min.or_else(|| self.spread.percentile(0.0)),
            Aggregation::Max => self.max.or_else(|| self.spread.percentile(1.0)),
            Aggregation::P50 | Aggregation::P95 | Aggregation::P99 => {
                let share = aggregation.share()?;
                self.spread.percentile(share).or_else(|| self.quantile(share))
            }
            Aggregation::Count => Some(self.count),
        };
        value.filter(|value| value.is_finite())
    }

    /// The mean of what senders say, each with the weight of its values: the best there is without the values.
    fn quantile(&self, share: f64) -> Option<f64> {
        let told = self.quantiles.iter().filter(|(told, ..)| (told - share).abs() < 1e-9);
        let (sum, weight) =
            told.fold((0.0, 0.0), |(sum, weight), (_, value, count)| (sum + value * count, weight + count));
        (weight > 0.0).then(|| sum / weight)
    }
}

fn least(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::min)
}

fn greatest(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    one.into_iter().chain(other).reduce(f64::max)
}
