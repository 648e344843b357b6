//! Metrics to points, as they came.
//!
//! Points are facts of their sender: token and duration metrics never touch runs, whose tokens and cost come
//! from spans. A point that cannot be charted (no name, buckets that do not fit their bounds) is refused with a
//! reason and costs only itself; the others of its metric are read one by one.

mod json;
mod protobuf;

use std::collections::BTreeMap;

use clearspan_model::{
    Buckets, Distribution, IssueKind, JsonText, MapIssue, MetricKind, MetricPoint, Number, ProjectId, Sender,
    Temporality, UnixNanos, WorkspaceId,
};

use super::ids::{parse_span_id, parse_trace_id, shorten};
use super::read::{MIN_LEFT, NO_MEMORY, Request, Stopped};
use super::room::{Stop, point_bytes, project_bytes};
use super::span::{Origin, project_of};
use super::value::attribute_texts;
use super::view::{Bad, Kept, Pairs, Reading};
use super::{MapContext, MappedPoint};
use crate::json::{Json, Text};

pub(super) use json::{count_points as count_json_points, read_metric as read_json_metric};
pub(super) use protobuf::{count_points, read_metric};

/// Each point repeats the words about its metric, so they are bounded: OpenTelemetry allows names of 255
/// characters and asks for room for 1023 in descriptions. Longer names are refused, the others are cut.
const MAX_NAME_CHARS: usize = 255;
const MAX_UNIT_CHARS: usize = 63;
const MAX_DESCRIPTION_CHARS: usize = 1023;

/// The flag of a point whose sender states that there is no value.
const NO_RECORDED_VALUE: u64 = 1;

/// The words about a metric, by reference.
#[derive(Debug, Default)]
struct MetricView<'a> {
    name: &'a str,
    description: &'a str,
    unit: &'a str,
    temporality: Option<Temporality>,
    monotonic: bool,
}

/// A point of any kind, by reference but for its numbers.
#[derive(Debug, Default)]
struct PointView<'a> {
    attributes: Pairs<'a>,
    start: u64,
    time: u64,
    flags: u64,
    exemplars: Vec<ExemplarView<'a>>,
    /// Of a gauge or a sum.
    value: Option<Number>,
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    bounds: Vec<f64>,
    counts: Vec<u64>,
    scale: i32,
    zero_count: u64,
    zero_threshold: f64,
    positive: Buckets,
    negative: Buckets,
    quantiles: Vec<(f64, f64)>,
}

/// An example of what a point counts.
#[derive(Debug, Default)]
struct ExemplarView<'a> {
    attributes: Pairs<'a>,
    time: u64,
    value: Option<Number>,
    trace_id: &'a [u8],
    span_id: &'a [u8],
}

/// What the points of one metric have in common.
struct Target<'o> {
    origin: &'o Origin,
    common: MetricPoint,
    /// What it takes in each point.
    bytes: usize,
    /// What is wrong with all of them.
    issues: Vec<MapIssue>,
}

fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("a metric has no name".to_owned());
    }
    match name.chars().nth(MAX_NAME_CHARS) {
        None => Ok(()),
        Some(_) => Err(format!("metric \"{}\": the name is longer than {MAX_NAME_CHARS}", shorten(name))),
    }
}

fn words(text: &str, max_chars: usize) -> Option<String> {
    (!text.is_empty()).then(|| text.chars().take(max_chars).collect())
}

fn temporality(number: i32, reading: &mut Reading<'_, '_, '_>) -> Option<Temporality> {
    match number {
        0 => None,
        1 => Some(Temporality::Delta),
        2 => Some(Temporality::Cumulative),
        _ => {
            let message = format!("{number} is no temporality; it counts as unspecified");
            reading.issue(IssueKind::Unusable, "aggregation_temporality", message);
            None
        }
    }
}

/// The points' common part, without those that their origin tells.
fn common(kind: MetricKind, metric: &MetricView<'_>, ctx: &MapContext<'_>) -> MetricPoint {
    MetricPoint {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        name: metric.name.to_owned(),
        description: words(metric.description, MAX_DESCRIPTION_CHARS),
        unit: words(metric.unit, MAX_UNIT_CHARS),
        kind,
        temporality: metric.temporality,
        monotonic: metric.monotonic,
        time: ctx.received_at,
        start_time: None,
        received_at: ctx.received_at,
        attributes: BTreeMap::new(),
        sender: Sender::default(),
        value: None,
        count: None,
        sum: None,
        min: None,
        max: None,
        distribution: None,
        exemplars: None,
    }
}

impl<'m> Request<'m> {
    /// Reads what stands above the points of a metric; `tree` is what its JSON took. `Err` says why all of them have to
    /// be refused.
    fn target<'k, 'o>(
        &mut self,
        kind: MetricKind,
        tree: usize,
        (kept, origin): (&'k Kept, &'o Origin),
        read: impl FnOnce(&mut Reading<'k, '_, 'm>) -> Result<MetricView<'k>, Bad>,
    ) -> Result<Result<Target<'o>, String>, Stopped> {
        let mut issues = Vec::new();
        let outcome = self.room.take(tree).map_err(Bad::from);
        let outcome = outcome.and_then(|()| read(&mut Reading::new(kept, &mut self.room, &mut issues)));
        let target = match outcome {
            Ok(metric) => check_name(metric.name).map(|()| common(kind, &metric, &self.ctx)),
            Err(Bad::Span(why)) => Err(why),
            Err(Bad::Body(why)) => return Err(Stopped::Body(why)),
            Err(Bad::Stop(Stop::Memory)) => Err(NO_MEMORY.to_owned()),
            Err(Bad::Stop(stop)) => return Err(stop.into()),
        };
        // What stays is no larger than its limits.
        self.room.end(0)?;
        Ok(target.map(|mut common| {
            common.sender = origin.sender();
            issues.extend_from_slice(origin.issues());
            Target { origin, bytes: point_bytes(&common), common, issues }
        }))
    }

    /// Refuses points without a look at them.
    fn refuse_points(&mut self, count: u64, why: &str) {
        self.spans += count;
        if count > 0 {
            self.mapped.reject(count, why);
        }
    }

    /// Reads and maps a point. `tree` is what its JSON tree took.
    fn point<'k>(
        &mut self,
        tree: usize,
        kept: &'k Kept,
        target: &Target<'_>,
        read: impl FnOnce(&mut Reading<'k, '_, 'm>) -> Result<PointView<'k>, Bad>,
    ) -> Result<(), Stopped> {
        // Each point gets a copy of what its metric and its origin tell.
        if self.room.left() < MIN_LEFT + target.bytes {
            return Err(Stop::Memory.into());
        }
        self.room.place(&mut self.mapped.metrics, self.expected)?;
        let index = self.spans;
        self.spans += 1;
        let mut issues = Vec::new();
        let outcome = self.room.take(tree + target.bytes).map_err(Bad::from);
        let outcome = outcome.and_then(|()| read(&mut Reading::new(kept, &mut self.room, &mut issues)));
        let outcome = outcome.and_then(|point| map_point(point, target, &mut issues).map_err(Bad::Span));
        let outcome = outcome.and_then(|mapped| {
            self.room.end(point_bytes(&mapped.point) + project_bytes(&mapped.project))?;
            self.mapped.metrics.push(mapped);
            Ok(())
        });
        let name = &target.common.name;
        match self.settle(index, outcome)? {
            Some(why) => self.mapped.reject(1, format_args!("metric \"{}\": {why}", shorten(name))),
            None => self.tell_repairs(name, &target.issues, &issues),
        }
        Ok(())
    }

    /// One remark for each point: as many as a point has issues would make a small body a long work.
    fn tell_repairs(&mut self, name: &str, common: &[MapIssue], issues: &[MapIssue]) {
        let Some(issue) = issues.first().or(common.first()) else { return };
        let MapIssue { field, message, .. } = issue;
        let more = match issues.len() + common.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let field = shorten(field);
        self.mapped.repair(format_args!("metric \"{}\": {field}: {message}{more}", shorten(name)));
    }
}

fn map_point(
    view: PointView<'_>,
    target: &Target<'_>,
    issues: &mut Vec<MapIssue>,
) -> Result<MappedPoint, String> {
    let mut point = target.common.clone();
    point.exemplars = exemplars(&view.exemplars);
    point.attributes = attribute_texts(view.attributes.iter().map(|(key, value)| (*key, value)));
    if point.attributes.len() < view.attributes.len() {
        issues.push(MapIssue {
            kind: IssueKind::Conflict,
            field: "attributes".to_owned(),
            message: "a key came more than once; the last value counts".to_owned(),
        });
    }
    point.start_time = (view.start > 0).then(|| UnixNanos::from_otlp(view.start));
    if view.time > 0 {
        point.time = UnixNanos::from_otlp(view.time);
    }
    let is_empty = view.flags & NO_RECORDED_VALUE != 0;
    check_values(&view, point.kind, is_empty)?;
    if !is_empty {
        fill(&mut point, view);
    }
    let project = project_of(|key| point.attributes.get(key).map(JsonText::to_plain));
    Ok(MappedPoint { project: project.or_else(|| target.origin.project.clone()), point })
}

/// Refuses what cannot be charted.
fn check_values(view: &PointView<'_>, kind: MetricKind, is_empty: bool) -> Result<(), String> {
    match kind {
        MetricKind::Gauge | MetricKind::Sum if view.value.is_none() && !is_empty => {
            Err("a point has no value".to_owned())
        }
        MetricKind::Histogram => {
            let (bounds, counts) = (&view.bounds, &view.counts);
            // Both may be left out: then there is only a count and a sum.
            let fits = counts.len() == bounds.len() + 1 || (counts.is_empty() && bounds.is_empty());
            let ascends = bounds.is_sorted_by(|left, right| left < right);
            if fits && ascends && !bounds.iter().any(|bound| bound.is_nan()) {
                Ok(())
            } else {
                Err("the bucket counts do not fit their bounds".to_owned())
            }
        }
        _ => Ok(()),
    }
}

fn fill(point: &mut MetricPoint, view: PointView<'_>) {
    if let MetricKind::Gauge | MetricKind::Sum = point.kind {
        point.value = view.value;
        return;
    }
    (point.count, point.sum, point.min, point.max) = (Some(view.count), view.sum, view.min, view.max);
    point.distribution = match point.kind {
        MetricKind::Histogram => (!view.counts.is_empty())
            .then_some(Distribution::Explicit { bounds: view.bounds, counts: view.counts }),
        MetricKind::ExponentialHistogram => Some(Distribution::Exponential {
            scale: view.scale,
            zero_count: view.zero_count,
            zero_threshold: view.zero_threshold,
            positive: view.positive,
            negative: view.negative,
        }),
        _ => (!view.quantiles.is_empty()).then_some(Distribution::Quantiles(view.quantiles)),
    };
}

/// Tells of ids that cannot be; those that are left out or zero are none.
fn note_exemplar_ids(exemplar: &ExemplarView<'_>, reading: &mut Reading<'_, '_, '_>) {
    let is_there = |id: &[u8]| id.iter().any(|byte| *byte != 0);
    let trace_id = is_there(exemplar.trace_id).then(|| parse_trace_id(exemplar.trace_id).err()).flatten();
    let span_id = is_there(exemplar.span_id).then(|| parse_span_id(exemplar.span_id).err()).flatten();
    for why in trace_id.into_iter().chain(span_id) {
        reading.issue(IssueKind::Unusable, "exemplars", why);
    }
}

/// `[{"time", "value", "trace_id", "span_id", "attributes"}]`: time in nanoseconds, what is unknown left out.
fn exemplars(exemplars: &[ExemplarView<'_>]) -> Option<JsonText> {
    let mut text = String::new();
    for exemplar in exemplars {
        text.push(if text.is_empty() { '[' } else { ',' });
        let trace_id = parse_trace_id(exemplar.trace_id).ok().map(|id| id.to_hex());
        let span_id = parse_span_id(exemplar.span_id).ok().map(|id| id.to_string());
        write_exemplar(exemplar, trace_id.as_deref(), span_id.as_deref(), &mut text);
    }
    (!text.is_empty()).then(|| JsonText::from_trusted(text + "]"))
}

fn write_exemplar(
    exemplar: &ExemplarView<'_>,
    trace_id: Option<&str>,
    span_id: Option<&str>,
    out: &mut String,
) {
    let time = UnixNanos::from_otlp(exemplar.time).as_nanos();
    let value = exemplar.value.map(|value| match value {
        Number::Int(number) => Json::Int(number),
        Number::Double(number) => Json::Float(number),
    });
    let attributes = exemplar.attributes.iter().map(|(key, value)| (Text::Plain(key), value.clone()));
    let attributes: Vec<_> = attributes.collect();
    let members = [
        ("time", (time > 0).then_some(Json::Int(time))),
        ("value", value),
        ("trace_id", trace_id.map(Json::text)),
        ("span_id", span_id.map(Json::text)),
        ("attributes", (!attributes.is_empty()).then_some(Json::Object(attributes))),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some((Text::Clean(name), value?)));
    Json::Object(members.collect()).write(out);
}

#[cfg(test)]
mod tests;
