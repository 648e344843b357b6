//! The `metric_points` table.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use clearspan_model::{
    Buckets, Distribution, ErrorKind, JsonText, MetricKind, MetricPoint, Number, ProjectId, Sender,
    Temporality, WorkspaceId,
};
use serde::de::IgnoredAny;

use super::columns;
use super::row_builder::RowBuilder;
use super::rows::TableRows;
use crate::records::Told;
use crate::{Error, RecordId, Result};

columns! {
    "metric_points" PointCol POINT_SCHEMA;
    workspace_id Id16 required "The tenant.";
    project_id Id16 required "The project.";
    id Id16 required "The hash of everything but received_at. Rows of one id are one point: count them once.";
    time Time required "When it was taken; when it was received where the sender does not say. Rows are sorted by (project_id, time, id).";
    start_time Time optional "Since when it counts.";
    received_at Time required "When the server first heard of it.";
    name Word required "The metric.";
    description Word optional "What the sender says about the metric.";
    unit Word optional "Its unit (UCUM).";
    kind Word required "gauge, sum, histogram, exponential_histogram or summary.";
    temporality Word optional "delta or cumulative; null for gauges and summaries.";
    monotonic Flag required "Whether it is a sum that never falls.";
    attributes Word optional "What it is about: a JSON object.";
    service Word optional "service.name.";
    scope_name Word optional "The instrumentation scope.";
    scope_version Word optional "Its version.";
    resource Word optional "Attributes of the sending process: a JSON object.";
    int_value Int optional "The value of a gauge or sum that was sent as a whole number.";
    double_value Double optional "The value of a gauge or sum that was sent as a floating-point number.";
    count Count optional "How many values a histogram or summary holds.";
    sum Double optional "Their sum.";
    min Double optional "The least of them.";
    max Double optional "The greatest of them.";
    bounds Doubles optional "Upper bounds of the buckets of a histogram.";
    bucket_counts Counts optional "How many values fell into each bucket; one more than bounds.";
    scale Int optional "The resolution of an exponential histogram.";
    zero_count Count optional "Values of an exponential histogram that count as zero.";
    zero_threshold Double optional "Up to which absolute value they do.";
    positive_offset Int optional "The index of the first bucket of positive values.";
    positive_counts Counts optional "How many positive values fell into each bucket.";
    negative_offset Int optional "The index of the first bucket of negative values.";
    negative_counts Counts optional "How many negative values fell into each bucket.";
    quantiles Doubles optional "The quantiles of a summary.";
    quantile_values Doubles optional "Their values.";
    exemplars Text optional "Examples with the traces that they came from: JSON.";
}

/// Reads metric points.
pub(crate) type PointRows<'a> = TableRows<'a, PointCol>;

/// One row a point, in the order given.
pub(crate) fn encode_points<'a>(
    points: impl ExactSizeIterator<Item = (RecordId, &'a MetricPoint)>,
) -> RecordBatch {
    let mut rows = RowBuilder::<PointCol>::new(points.len());
    for (id, point) in points {
        push_identity(&mut rows, id, point);
        push_values(&mut rows, point);
    }
    rows.finish()
}

fn push_identity(rows: &mut RowBuilder<PointCol>, id: RecordId, point: &MetricPoint) {
    rows.id(PointCol::workspace_id, Some(point.workspace_id.as_bytes()));
    rows.id(PointCol::project_id, Some(point.project_id.as_bytes()));
    rows.id(PointCol::id, Some(&id.0.to_be_bytes()));
    rows.time(PointCol::time, Some(point.time));
    rows.time(PointCol::start_time, point.start_time);
    rows.time(PointCol::received_at, Some(point.received_at));
    rows.text(PointCol::name, Some(&point.name));
    rows.text(PointCol::description, point.description.as_deref());
    rows.text(PointCol::unit, point.unit.as_deref());
    rows.text(PointCol::kind, Some(point.kind.as_str()));
    rows.text(PointCol::temporality, point.temporality.map(Temporality::as_str));
    rows.flag(PointCol::monotonic, point.monotonic);
    rows.json(PointCol::attributes, (!point.attributes.is_empty()).then_some(&point.attributes));
    let Sender { service, scope_name, scope_version, resource } = &point.sender;
    rows.text(PointCol::service, service.as_deref());
    rows.text(PointCol::scope_name, scope_name.as_deref());
    rows.text(PointCol::scope_version, scope_version.as_deref());
    rows.json(PointCol::resource, (!resource.is_empty()).then_some(resource));
}

fn push_values(rows: &mut RowBuilder<PointCol>, point: &MetricPoint) {
    let (int, double) = match point.value {
        Some(Number::Int(number)) => (Some(number), None),
        Some(Number::Double(number)) => (None, Some(number)),
        None => (None, None),
    };
    rows.int(PointCol::int_value, int);
    rows.double(PointCol::double_value, double);
    rows.count(PointCol::count, point.count);
    rows.double(PointCol::sum, point.sum);
    rows.double(PointCol::min, point.min);
    rows.double(PointCol::max, point.max);
    rows.text(PointCol::exemplars, point.exemplars.as_ref().map(JsonText::as_str));

    let explicit = match &point.distribution {
        Some(Distribution::Explicit { bounds, counts }) => Some((bounds, counts)),
        _ => None,
    };
    rows.doubles(PointCol::bounds, explicit.map(|(bounds, _)| bounds.as_slice()));
    rows.counts(PointCol::bucket_counts, explicit.map(|(_, counts)| counts.as_slice()));

    let exponential = match &point.distribution {
        Some(Distribution::Exponential { scale, zero_count, zero_threshold, positive, negative }) => {
            Some((*scale, *zero_count, *zero_threshold, positive, negative))
        }
        _ => None,
    };
    rows.int(PointCol::scale, exponential.map(|(scale, ..)| scale.into()));
    rows.count(PointCol::zero_count, exponential.map(|(_, count, ..)| count));
    rows.double(PointCol::zero_threshold, exponential.map(|(_, _, threshold, ..)| threshold));
    rows.int(PointCol::positive_offset, exponential.map(|(_, _, _, positive, _)| positive.offset.into()));
    rows.counts(
        PointCol::positive_counts,
        exponential.map(|(_, _, _, positive, _)| positive.counts.as_slice()),
    );
    rows.int(PointCol::negative_offset, exponential.map(|(.., negative)| negative.offset.into()));
    rows.counts(PointCol::negative_counts, exponential.map(|(.., negative)| negative.counts.as_slice()));

    let quantiles: Option<(Vec<f64>, Vec<f64>)> = match &point.distribution {
        Some(Distribution::Quantiles(pairs)) => Some(pairs.iter().copied().unzip()),
        _ => None,
    };
    rows.doubles(PointCol::quantiles, quantiles.as_ref().map(|(quantiles, _)| quantiles.as_slice()));
    rows.doubles(PointCol::quantile_values, quantiles.as_ref().map(|(_, values)| values.as_slice()));
}

impl<'a> PointRows<'a> {
    /// What a row tells about its metric, and the metric's name.
    pub(crate) fn told(&self, id: RecordId, row: usize) -> Result<(&'a str, Told<'a>)> {
        let missing = |col: &str| {
            Error::new(ErrorKind::Corrupt, format!("a row of metric_points has no {col} that is known"))
        };
        let kind: MetricKind = self.word(PointCol::kind, row).ok_or_else(|| missing("kind"))?;
        let told = Told {
            time: self.time(PointCol::time, row).unwrap_or_default(),
            id,
            description: self.text(PointCol::description, row),
            unit: self.text(PointCol::unit, row),
            kind,
            temporality: self.word(PointCol::temporality, row),
            monotonic: self.flag(PointCol::monotonic, row).unwrap_or_default(),
            service: self.text(PointCol::service, row),
        };
        Ok((self.text(PointCol::name, row).ok_or_else(|| missing("name"))?, told))
    }

    /// The whole point of a row.
    pub(crate) fn point(&self, row: usize) -> Result<MetricPoint> {
        let (name, told) = self.told(RecordId(0), row)?;
        let int = self.int(PointCol::int_value, row).map(Number::Int);
        Ok(MetricPoint {
            workspace_id: WorkspaceId::from_bytes(self.need_id(PointCol::workspace_id, row)?),
            project_id: ProjectId::from_bytes(self.need_id(PointCol::project_id, row)?),
            name: name.to_owned(),
            description: told.description.map(str::to_owned),
            unit: told.unit.map(str::to_owned),
            kind: told.kind,
            temporality: told.temporality,
            monotonic: told.monotonic,
            time: told.time,
            start_time: self.time(PointCol::start_time, row),
            received_at: self.time(PointCol::received_at, row).unwrap_or_default(),
            attributes: self.json(PointCol::attributes, row)?,
            sender: Sender {
                service: told.service.map(str::to_owned),
                scope_name: self.string(PointCol::scope_name, row),
                scope_version: self.string(PointCol::scope_version, row),
                resource: self.json(PointCol::resource, row)?,
            },
            value: int.or_else(|| self.double(PointCol::double_value, row).map(Number::Double)),
            count: self.count(PointCol::count, row),
            sum: self.double(PointCol::sum, row),
            min: self.double(PointCol::min, row),
            max: self.double(PointCol::max, row),
            distribution: self.distribution(row),
            exemplars: self.json_text(PointCol::exemplars, row),
        })
    }

    /// The keys of the attributes of a row.
    pub(crate) fn attribute_keys(&self, row: usize) -> Result<Vec<String>> {
        let attributes: BTreeMap<String, IgnoredAny> = self.json(PointCol::attributes, row)?;
        Ok(attributes.into_keys().collect())
    }

    fn distribution(&self, row: usize) -> Option<Distribution> {
        if let Some(bounds) = self.doubles(PointCol::bounds, row) {
            let counts = self.counts(PointCol::bucket_counts, row).unwrap_or_default();
            return Some(Distribution::Explicit { bounds, counts });
        }
        if let Some(quantiles) = self.doubles(PointCol::quantiles, row) {
            let values = self.doubles(PointCol::quantile_values, row).unwrap_or_default();
            return Some(Distribution::Quantiles(quantiles.into_iter().zip(values).collect()));
        }
        let small = |col| self.int(col, row).and_then(|number| i32::try_from(number).ok());
        let buckets = |offset, counts| Buckets {
            offset: small(offset).unwrap_or_default(),
            counts: self.counts(counts, row).unwrap_or_default(),
        };
        Some(Distribution::Exponential {
            scale: small(PointCol::scale)?,
            zero_count: self.count(PointCol::zero_count, row).unwrap_or_default(),
            zero_threshold: self.double(PointCol::zero_threshold, row).unwrap_or_default(),
            positive: buckets(PointCol::positive_offset, PointCol::positive_counts),
            negative: buckets(PointCol::negative_offset, PointCol::negative_counts),
        })
    }
}
