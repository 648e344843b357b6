//! How values are spread over the number line, so that buckets of any kind can be added up and asked for percentiles.

use std::collections::BTreeMap;

use clearspan_model::{Buckets, Distribution};
use rustc_hash::FxHashMap;

/// Values that lie evenly in stretches of the number line, which may overlap.
#[derive(Debug, Clone, Default)]
pub(super) struct Spread {
    /// How many lie between two bounds, which are told by their bits.
    stretches: FxHashMap<(u64, u64), f64>,
}

/// The least and the greatest value, as far as the sender tells them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
}

impl Spread {
    /// The values of a histogram. Quantiles that the sender computed cannot be spread.
    pub(super) fn of(distribution: &Distribution, extent: Extent) -> Self {
        let mut spread = Self::default();
        match distribution {
            Distribution::Explicit { bounds, counts } => spread.add_explicit(bounds, counts, extent),
            Distribution::Exponential { scale, zero_count, zero_threshold, positive, negative } => {
                let has_negative = negative.counts.iter().any(|count| *count > 0);
                let lower = if has_negative { -zero_threshold } else { 0.0 };
                spread.add(lower, *zero_threshold, *zero_count, extent);
                for (index, count) in indexed(positive) {
                    spread.add(boundary(*scale, index), boundary(*scale, index + 1), count, extent);
                }
                for (index, count) in indexed(negative) {
                    spread.add(-boundary(*scale, index + 1), -boundary(*scale, index), count, extent);
                }
            }
            Distribution::Quantiles(_) => {}
        }
        spread
    }

    /// The first bucket has no lower bound and the last no upper one: the extremes stand in, else zero and the last bound.
    fn add_explicit(&mut self, bounds: &[f64], counts: &[u64], extent: Extent) {
        for (idx, count) in counts.iter().enumerate() {
            let lower = idx.checked_sub(1).and_then(|idx| bounds.get(idx)).copied().or(extent.min);
            let upper = bounds.get(idx).copied().or(extent.max);
            let (lower, upper) = match (lower, upper) {
                (Some(lower), Some(upper)) => (lower, upper),
                (Some(lower), None) => (lower, lower),
                (None, Some(upper)) => (upper.min(0.0), upper),
                // One bucket for everything tells nothing.
                (None, None) => continue,
            };
            self.add(lower, upper, *count, extent);
        }
    }

    fn add(&mut self, lower: f64, upper: f64, count: u64, extent: Extent) {
        if count == 0 || !lower.is_finite() || !upper.is_finite() {
            return;
        }
        // No value of a bucket lies beyond the extremes.
        let within = |bound: f64| {
            let bound = extent.min.map_or(bound, |min| bound.max(min.min(upper)));
            extent.max.map_or(bound, |max| bound.min(max.max(lower)))
        };
        let key = (within(lower).to_bits(), within(upper).to_bits());
        *self.stretches.entry(key).or_default() += count as f64;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (key, count) in &other.stretches {
            *self.stretches.entry(*key).or_default() += count;
        }
    }

    /// The value below which this share of all values lies; `None` without values.
    pub(super) fn percentile(&self, share: f64) -> Option<f64> {
        let total: f64 = self.stretches.values().sum();
        let mut edges: Vec<Edge> = Vec::with_capacity(self.stretches.len() * 2);
        for ((lower, upper), count) in &self.stretches {
            let (lower, upper) = (f64::from_bits(*lower), f64::from_bits(*upper));
            let density = count / (upper - lower);
            if density.is_finite() && upper > lower {
                edges.push(Edge { at: lower, density, mass: 0.0 });
                edges.push(Edge { at: upper, density: -density, mass: 0.0 });
            } else {
                edges.push(Edge { at: upper, density: 0.0, mass: *count });
            }
        }
        edges.sort_by(|a, b| a.at.total_cmp(&b.at));
        let wanted = share * total;
        let (mut below, mut density) = (0.0, 0.0);
        let mut from = edges.first()?.at;
        for edge in &edges {
            let gain = density * (edge.at - from);
            if gain > 0.0 && below + gain >= wanted {
                return Some(from + (wanted - below).max(0.0) / density);
            }
            below += gain + edge.mass;
            if edge.mass > 0.0 && below >= wanted {
                return Some(edge.at);
            }
            density += edge.density;
            from = edge.at;
        }
        Some(from)
    }
}

/// Where a stretch begins or ends, or where values lie at one point.
struct Edge {
    at: f64,
    /// How much denser the values are from here on.
    density: f64,
    mass: f64,
}

/// What was added between two points of a growing distribution; `None` when it began anew.
pub(super) fn growth(before: &Distribution, after: &Distribution) -> Option<Distribution> {
    match (before, after) {
        (
            Distribution::Explicit { bounds: old_bounds, counts: old },
            Distribution::Explicit { bounds, counts },
        ) => {
            let same = old_bounds == bounds && old.len() == counts.len();
            let counts = counts.iter().zip(old).map(|(new, old)| new.checked_sub(*old));
            let counts = counts.collect::<Option<Vec<u64>>>().filter(|_| same)?;
            Some(Distribution::Explicit { bounds: bounds.clone(), counts })
        }
        (
            Distribution::Exponential {
                scale: old_scale,
                zero_count: old_zero,
                positive: old_up,
                negative: old_down,
                ..
            },
            Distribution::Exponential { scale, zero_count, zero_threshold, positive, negative },
        ) => {
            // A sender that runs out of buckets joins them, which lowers the scale. It never rises.
            let coarser = u32::try_from(i64::from(*old_scale) - i64::from(*scale)).ok()?;
            Some(Distribution::Exponential {
                scale: *scale,
                zero_count: zero_count.checked_sub(*old_zero)?,
                zero_threshold: *zero_threshold,
                positive: buckets_growth(old_up, positive, coarser)?,
                negative: buckets_growth(old_down, negative, coarser)?,
            })
        }
        _ => None,
    }
}

fn buckets_growth(before: &Buckets, after: &Buckets, coarser: u32) -> Option<Buckets> {
    let mut old: BTreeMap<i64, u64> = BTreeMap::new();
    for (index, count) in indexed(before).filter(|(_, count)| *count > 0) {
        *old.entry(index >> coarser.min(63)).or_default() += count;
    }
    let counts = indexed(after).map(|(index, count)| count.checked_sub(old.remove(&index).unwrap_or(0)));
    let counts = counts.collect::<Option<Vec<u64>>>()?;
    // What is left was there before and is not any more.
    old.is_empty().then_some(Buckets { offset: after.offset, counts })
}

fn indexed(buckets: &Buckets) -> impl Iterator<Item = (i64, u64)> {
    (i64::from(buckets.offset)..).zip(buckets.counts.iter().copied())
}

/// The lower bound of an exponential bucket.
fn boundary(scale: i32, index: i64) -> f64 {
    (index as f64 * f64::from(-scale).exp2()).exp2().min(f64::MAX)
}

#[cfg(test)]
mod tests;
