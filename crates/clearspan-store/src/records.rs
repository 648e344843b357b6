//! Log records and metric points: what identifies them, and how answers about them are put together; the same code
//! for every engine.
//!
//! A record's identity is its content, so that one which is sent again is recognised wherever the first one is. When the
//! server received it is not part of that.

use std::collections::{BTreeMap, BTreeSet};

use clearspan_model::{Distribution, JsonText, LogRecord, MetricPoint, Number, Sender, UnixNanos};
use xxhash_rust::xxh3::Xxh3;

use crate::{LogQuery, MetricSummary, RecordId, TimeRange};

/// Hashes values so that different contents have different bytes: each is preceded by what tells its length.
///
/// Stored ids come from here: what is written for a value must never change.
struct Identity {
    hasher: Xxh3,
}

impl Identity {
    fn new(table: &str) -> Self {
        let mut identity = Self { hasher: Xxh3::new() };
        identity.text(table);
        identity
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.hasher.update(&number.to_le_bytes());
    }

    fn time(&mut self, time: UnixNanos) {
        self.hasher.update(&time.as_nanos().to_le_bytes());
    }

    fn double(&mut self, double: f64) {
        self.number(double.to_bits());
    }

    /// A byte says whether there is a value.
    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.hasher.update(&[u8::from(value.is_some())]);
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn list<T>(&mut self, values: impl ExactSizeIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.number(values.len() as u64);
        for value in values {
            write(self, value);
        }
    }

    fn map(&mut self, map: &BTreeMap<String, JsonText>) {
        self.list(map.iter(), |identity, (key, value)| {
            identity.text(key);
            identity.text(value.as_str());
        });
    }

    fn sender(&mut self, sender: &Sender) {
        self.optional(sender.service.as_deref(), Self::text);
        self.optional(sender.scope_name.as_deref(), Self::text);
        self.optional(sender.scope_version.as_deref(), Self::text);
        self.map(&sender.resource);
    }

    fn distribution(&mut self, distribution: &Distribution) {
        match distribution {
            Distribution::Explicit { bounds, counts } => {
                self.text("explicit");
                self.list(bounds.iter(), |identity, bound| identity.double(*bound));
                self.list(counts.iter(), |identity, count| identity.number(*count));
            }
            Distribution::Exponential { scale, zero_count, zero_threshold, positive, negative } => {
                self.text("exponential");
                self.number(i64::from(*scale).cast_unsigned());
                self.number(*zero_count);
                self.double(*zero_threshold);
                for buckets in [positive, negative] {
                    self.number(i64::from(buckets.offset).cast_unsigned());
                    self.list(buckets.counts.iter(), |identity, count| identity.number(*count));
                }
            }
            Distribution::Quantiles(quantiles) => {
                self.text("quantiles");
                self.list(quantiles.iter(), |identity, (quantile, value)| {
                    identity.double(*quantile);
                    identity.double(*value);
                });
            }
        }
    }

    fn finish(self) -> RecordId {
        RecordId(self.hasher.digest128())
    }
}

/// What identifies a log record, in whatever project it is.
pub(crate) fn log_id(record: &LogRecord) -> RecordId {
    let mut identity = Identity::new("log");
    identity.bytes(record.workspace_id.as_bytes());
    identity.bytes(record.project_id.as_bytes());
    identity.time(record.time);
    identity.optional(record.observed_time, Identity::time);
    identity.optional(record.trace_id, |identity, id| identity.bytes(id.as_bytes()));
    identity.optional(record.span_id, |identity, id| identity.bytes(id.as_bytes()));
    identity.optional(record.severity, |identity, severity| identity.number(severity.into()));
    identity.optional(record.severity_text.as_deref(), Identity::text);
    identity.optional(record.event_name.as_deref(), Identity::text);
    identity.optional(record.body.as_ref(), |identity, body| identity.text(body.as_str()));
    identity.map(&record.attributes);
    identity.sender(&record.sender);
    identity.finish()
}

/// What identifies a metric point, in whatever project it is.
pub(crate) fn point_id(point: &MetricPoint) -> RecordId {
    let mut identity = Identity::new("point");
    identity.bytes(point.workspace_id.as_bytes());
    identity.bytes(point.project_id.as_bytes());
    identity.text(&point.name);
    identity.optional(point.description.as_deref(), Identity::text);
    identity.optional(point.unit.as_deref(), Identity::text);
    identity.text(point.kind.as_str());
    identity.optional(point.temporality, |identity, temporality| identity.text(temporality.as_str()));
    identity.number(point.monotonic.into());
    identity.time(point.time);
    identity.optional(point.start_time, Identity::time);
    identity.map(&point.attributes);
    identity.sender(&point.sender);
    identity.optional(point.value, |identity, value| match value {
        Number::Int(number) => {
            identity.text("int");
            identity.number(number.cast_unsigned());
        }
        Number::Double(number) => {
            identity.text("double");
            identity.double(number);
        }
    });
    identity.optional(point.count, Identity::number);
    for double in [point.sum, point.min, point.max] {
        identity.optional(double, Identity::double);
    }
    identity.optional(point.distribution.as_ref(), Identity::distribution);
    identity.optional(point.exemplars.as_ref(), |identity, exemplars| identity.text(exemplars.as_str()));
    identity.finish()
}

impl TimeRange {
    pub(crate) fn holds(self, time: UnixNanos) -> bool {
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time < to)
    }
}

impl LogQuery {
    /// Whether a place in the order lies behind the one at which the page before ended.
    pub(crate) fn is_after(&self, time: UnixNanos, id: RecordId) -> bool {
        self.after.is_none_or(|cursor| {
            let (here, there) = ((time, id), (cursor.time, cursor.id));
            if self.oldest_first { here > there } else { here < there }
        })
    }
}

/// Looks for a text in any case.
pub(crate) struct Needle(String);

impl Needle {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_lowercase())
    }

    /// Whether the body of a log record or the name of its event contains it.
    pub(crate) fn is_in(&self, body: Option<&JsonText>, event_name: Option<&str>) -> bool {
        event_name.is_some_and(|name| name.to_lowercase().contains(&self.0))
            || body.is_some_and(|body| body.to_plain().to_lowercase().contains(&self.0))
    }
}

/// What a point tells about its metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) time: UnixNanos,
    pub(crate) id: RecordId,
    pub(crate) description: Option<&'a str>,
    pub(crate) unit: Option<&'a str>,
    pub(crate) kind: clearspan_model::MetricKind,
    pub(crate) temporality: Option<clearspan_model::Temporality>,
    pub(crate) monotonic: bool,
    pub(crate) service: Option<&'a str>,
}

/// Sums up metrics point by point, in any order. The caller sees to it that each point comes once.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    by_name: BTreeMap<String, Metric>,
}

#[derive(Debug, Default)]
struct Metric {
    points: u64,
    latest: Option<((UnixNanos, RecordId), Form)>,
    description: Option<((UnixNanos, RecordId), String)>,
    unit: Option<((UnixNanos, RecordId), String)>,
    attribute_keys: BTreeSet<String>,
    services: BTreeSet<String>,
}

type Form = (clearspan_model::MetricKind, Option<clearspan_model::Temporality>, bool);

/// Keeps a value of the latest point that has one.
fn keep_latest(
    latest: &mut Option<((UnixNanos, RecordId), String)>,
    place: (UnixNanos, RecordId),
    text: Option<&str>,
) {
    if let Some(text) = text
        && latest.as_ref().is_none_or(|(then, _)| *then < place)
    {
        *latest = Some((place, text.to_owned()));
    }
}

impl Metrics {
    pub(crate) fn add<'a>(
        &mut self,
        name: &str,
        told: Told<'_>,
        attribute_keys: impl Iterator<Item = &'a str>,
    ) {
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), Metric::default());
        }
        let metric = self.by_name.get_mut(name).expect("it was put there");
        let place = (told.time, told.id);
        metric.points += 1;
        if metric.latest.is_none_or(|(then, _)| then < place) {
            metric.latest = Some((place, (told.kind, told.temporality, told.monotonic)));
        }
        keep_latest(&mut metric.description, place, told.description);
        keep_latest(&mut metric.unit, place, told.unit);
        for key in attribute_keys {
            if !metric.attribute_keys.contains(key) {
                metric.attribute_keys.insert(key.to_owned());
            }
        }
        if let Some(service) = told.service
            && !metric.services.contains(service)
        {
            metric.services.insert(service.to_owned());
        }
    }

    /// The metrics, sorted by name.
    pub(crate) fn finish(self) -> Vec<MetricSummary> {
        let metrics = self.by_name.into_iter().filter_map(|(name, metric)| {
            let ((last_time, _), (kind, temporality, monotonic)) = metric.latest?;
            Some(MetricSummary {
                name,
                description: metric.description.map(|(_, text)| text),
                unit: metric.unit.map(|(_, text)| text),
                kind,
                temporality,
                monotonic,
                points: metric.points,
                last_time,
                attribute_keys: metric.attribute_keys.into_iter().collect(),
                services: metric.services.into_iter().collect(),
            })
        });
        metrics.collect()
    }
}

#[cfg(test)]
mod tests;
