//! Metrics in JSON. The words about a metric and its temporality may stand after its points, so what is above the points
//! is gone through first; each point is a tree of its own.

use clearspan_model::{Buckets, IssueKind, MetricKind, Number, Temporality};

use super::{ExemplarView, MetricView, PointView, note_exemplar_ids, temporality};
use crate::json::{Cursor, Json, ParseError};
use crate::otlp::ids::shorten;
use crate::otlp::json_request::once;
use crate::otlp::json_views::{
    CASE_HINT, Members, count, enumeration, kind_of, list, nanos, pairs, read_double, read_id, read_integer,
    text,
};
use crate::otlp::read::{NO_MEMORY, Request, Stopped};
use crate::otlp::span::Origin;
use crate::otlp::view::{Bad, Kept, Reading};

/// The members of a metric that hold its points.
const FORMS: [(&str, MetricKind); 5] = [
    ("gauge", MetricKind::Gauge),
    ("sum", MetricKind::Sum),
    ("histogram", MetricKind::Histogram),
    ("exponentialHistogram", MetricKind::ExponentialHistogram),
    ("summary", MetricKind::Summary),
];
const TEMPORALITIES: &[&str] = &["UNSPECIFIED", "DELTA", "CUMULATIVE"];

/// What stands above the points of a metric.
#[derive(Debug, Default)]
struct Head<'a> {
    /// Name, description and unit; temporality and whether a sum is monotonic.
    words: [Option<Json<'a>>; 5],
    /// What these take.
    tree: usize,
    kind: Option<MetricKind>,
    /// Before the list of points.
    points: Option<Cursor<'a>>,
    /// Why there are none that can be read.
    bad: Option<String>,
}

/// Reads the points of a metric.
pub(in crate::otlp) fn read_metric(
    cursor: &mut Cursor<'_>,
    origin: &Origin,
    request: &mut Request<'_>,
) -> Result<(), Stopped> {
    if cursor.peek() != Some(b'{') {
        let why = format!("a metric is {}, not an object", cursor.kind());
        cursor.skip()?;
        request.refuse_points(1, &why);
        return Ok(());
    }
    let whole = cursor.fork();
    let Head { words, tree, kind, points, bad } = read_head(cursor, request)?;
    let count = || {
        let mut count = 0;
        count_points(&mut whole.fork(), &mut count).map(|()| count)
    };
    if let Some(why) = bad {
        request.refuse_points(count()?.max(1), &why);
        return Ok(());
    }
    // Without points nothing is lost.
    let (Some(kind), Some(mut points)) = (kind, points) else { return Ok(()) };
    let kept = Kept::default();
    let target = request.target(kind, tree, (&kept, origin), |reading| view(&words, kind, reading))?;
    let target = match target {
        Ok(target) => target,
        Err(why) => {
            request.refuse_points(count()?, &why);
            return Ok(());
        }
    };
    points.enter();
    while points.next_item()? {
        request.item()?;
        let left = request.room_left();
        let mut room = left;
        match points.value(&mut room)? {
            Some(json) => {
                let kept = Kept::default();
                request.point(left - room, &kept, &target, |reading| read_point(&json, kind, reading))?;
            }
            None => {
                let name = shorten(&target.common.name);
                request.refuse_points(1, &format!("metric \"{name}\": {NO_MEMORY}"));
            }
        }
    }
    Ok(())
}

/// The points of one metric, whatever its form.
pub(in crate::otlp) fn count_points(cursor: &mut Cursor<'_>, count: &mut u64) -> Result<(), ParseError> {
    if cursor.peek() != Some(b'{') {
        return cursor.skip().map(|_| ());
    }
    cursor.enter();
    while let Some(name) = cursor.next_member()? {
        if kind_named(name.simple()).is_none() || cursor.peek() != Some(b'{') {
            cursor.skip()?;
            continue;
        }
        cursor.enter();
        while let Some(name) = cursor.next_member()? {
            if name.simple() != "dataPoints" || cursor.peek() != Some(b'[') {
                cursor.skip()?;
                continue;
            }
            cursor.enter();
            while cursor.next_item()? {
                *count += 1;
                cursor.skip()?;
            }
        }
    }
    Ok(())
}

fn kind_named(name: &str) -> Option<MetricKind> {
    FORMS.iter().find(|(form, _)| *form == name).map(|(_, kind)| *kind)
}

/// Goes past a metric.
fn read_head<'a>(cursor: &mut Cursor<'a>, request: &Request<'_>) -> Result<Head<'a>, Stopped> {
    let mut head = Head::default();
    let mut left = request.room_left();
    let mut seen = [false; 3];
    cursor.enter();
    while let Some(name) = cursor.next_member()? {
        let name = name.simple();
        if let Some(idx) = ["name", "description", "unit"].iter().position(|word| *word == name) {
            once(&mut seen[idx], name)?;
            head.words[idx] = head_value(cursor, &mut left)?;
        } else if let Some(kind) = kind_named(name) {
            if cursor.peek() == Some(b'n') {
                cursor.skip()?;
                continue;
            }
            if head.kind.replace(kind).is_some() {
                head.bad = Some("a metric has points of two kinds".to_owned());
            }
            read_form(cursor, name, &mut head, &mut left)?;
        } else {
            if name == "exponential_histogram" {
                head.bad = Some(format!("there is no exponential_histogram; {CASE_HINT}"));
            }
            cursor.skip()?;
        }
    }
    head.tree = request.room_left() - left;
    Ok(head)
}

/// Goes past a gauge, a sum or a histogram.
fn read_form<'a>(
    cursor: &mut Cursor<'a>,
    form: &str,
    head: &mut Head<'a>,
    left: &mut usize,
) -> Result<(), Stopped> {
    if cursor.peek() != Some(b'{') {
        head.bad = Some(format!("{form}: expected an object, found {}", cursor.kind()));
        cursor.skip()?;
        return Ok(());
    }
    let mut seen = [false; 3];
    cursor.enter();
    while let Some(name) = cursor.next_member()? {
        match name.simple() {
            "dataPoints" => {
                once(&mut seen[0], "dataPoints")?;
                match cursor.peek() {
                    Some(b'[') => head.points = Some(cursor.fork()),
                    Some(b'n') => {}
                    _ => {
                        let kind = cursor.kind();
                        head.bad = Some(format!("{form}.dataPoints: expected a list, found {kind}"));
                    }
                }
                cursor.skip()?;
            }
            "aggregationTemporality" => {
                once(&mut seen[1], "aggregationTemporality")?;
                head.words[3] = head_value(cursor, left)?;
            }
            "isMonotonic" => {
                once(&mut seen[2], "isMonotonic")?;
                head.words[4] = head_value(cursor, left)?;
            }
            "data_points" => {
                head.bad = Some(format!("{form}: there is no data_points; {CASE_HINT}"));
                cursor.skip()?;
            }
            _ => drop(cursor.skip()?),
        }
    }
    Ok(())
}

/// A value above the points. Null is absent, and so is what takes more memory than a request may.
fn head_value<'a>(cursor: &mut Cursor<'a>, left: &mut usize) -> Result<Option<Json<'a>>, ParseError> {
    Ok(cursor.value(left)?.filter(|json| !json.is_null()))
}

fn view<'a>(
    words: &'a [Option<Json<'a>>; 5],
    kind: MetricKind,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<MetricView<'a>, Bad> {
    let [name, description, unit, temporality, monotonic] = words.each_ref().map(Option::as_ref);
    Ok(MetricView {
        name: text(name, "name", reading)?,
        description: text(description, "description", reading)?,
        unit: text(unit, "unit", reading)?,
        temporality: read_temporality(temporality, kind, reading),
        monotonic: kind == MetricKind::Sum && read_flag(monotonic, reading),
    })
}

fn read_temporality(
    json: Option<&Json<'_>>,
    kind: MetricKind,
    reading: &mut Reading<'_, '_, '_>,
) -> Option<Temporality> {
    if let MetricKind::Gauge | MetricKind::Summary = kind {
        return None;
    }
    let (field, prefix) = ("aggregation_temporality", "AGGREGATION_TEMPORALITY_");
    let number = enumeration(json, field, prefix, TEMPORALITIES, reading);
    temporality(number, reading)
}

fn read_flag(json: Option<&Json<'_>>, reading: &mut Reading<'_, '_, '_>) -> bool {
    let flag = json.map(|json| json.as_bool().ok_or(json));
    if let Some(Err(other)) = flag {
        let message = format!("it is {}, not a truth value", kind_of(other));
        reading.issue(IssueKind::Unusable, "is_monotonic", message);
    }
    matches!(flag, Some(Ok(true)))
}

const NAMES: [&str; 19] = [
    "attributes",
    "startTimeUnixNano",
    "timeUnixNano",
    "flags",
    "exemplars",
    "asInt",
    "asDouble",
    "count",
    "sum",
    "min",
    "max",
    "explicitBounds",
    "bucketCounts",
    "scale",
    "zeroCount",
    "zeroThreshold",
    "positive",
    "negative",
    "quantileValues",
];

/// The names that points have in the protobuf definition where they differ in JSON.
const SNAKE_CASE: &[&str] = &[
    "start_time_unix_nano",
    "time_unix_nano",
    "as_int",
    "as_double",
    "explicit_bounds",
    "bucket_counts",
    "zero_count",
    "quantile_values",
];

fn read_point<'a>(
    json: &'a Json<'a>,
    kind: MetricKind,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<PointView<'a>, Bad> {
    let Members(found) = Members::of(json, &NAMES, "a point")?;
    if let Some(name) = SNAKE_CASE.iter().find(|name| json.get(name).is_some()) {
        return Err(Bad::Span(format!("there is no {name}; {CASE_HINT}")));
    }
    let mut point = PointView {
        attributes: pairs(found[0], "attributes", reading)?,
        start: nanos(found[1], "startTimeUnixNano")?,
        time: nanos(found[2], "timeUnixNano")?,
        flags: u64::from(count(found[3])),
        ..PointView::default()
    };
    if kind != MetricKind::Summary {
        point.exemplars = list(found[4], "exemplars", reading, read_exemplar)?;
    }
    if let MetricKind::Gauge | MetricKind::Sum = kind {
        point.value = number(found[5], found[6], reading)?;
        return Ok(point);
    }
    point.count = whole(found[7], "count")?;
    point.sum = double(found[8], "sum", reading)?;
    point.min = double(found[9], "min", reading)?;
    point.max = double(found[10], "max", reading)?;
    match kind {
        MetricKind::Histogram => {
            let bounds = items(found[11], "explicitBounds")?.iter();
            let bounds = bounds.map(|bound| required(bound, "explicitBounds", reading));
            point.bounds = bounds.collect::<Result<_, _>>()?;
            point.counts = counts(found[12], "bucketCounts")?;
        }
        MetricKind::ExponentialHistogram => {
            point.scale = signed(found[13], "scale")?;
            point.zero_count = whole(found[14], "zeroCount")?;
            point.zero_threshold = double(found[15], "zeroThreshold", reading)?.unwrap_or(0.0);
            point.positive = buckets(found[16], "positive")?;
            point.negative = buckets(found[17], "negative")?;
        }
        _ => {
            point.sum.get_or_insert(0.0);
            point.quantiles = list(found[18], "quantileValues", reading, read_quantile)?;
        }
    }
    Ok(point)
}

fn unusable(field: &str, expected: &str, json: &Json<'_>) -> Bad {
    Bad::Span(format!("{field} is not {expected}: {}", shorten(&json.to_text())))
}

fn number<'a>(
    int: Option<&'a Json<'a>>,
    float: Option<&'a Json<'a>>,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<Option<Number>, Bad> {
    match (int, float) {
        (Some(_), Some(_)) => Err(Bad::Span("a point has two values, asInt and asDouble".to_owned())),
        (Some(int), None) => match read_integer(int) {
            Some(number) => Ok(Some(Number::Int(number))),
            None => Err(unusable("asInt", "a 64-bit integer", int)),
        },
        (None, float) => Ok(double(float, "asDouble", reading)?.map(Number::Double)),
    }
}

fn double<'a>(
    json: Option<&'a Json<'a>>,
    field: &str,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<Option<f64>, Bad> {
    json.map(|json| required(json, field, reading)).transpose()
}

fn required<'a>(json: &'a Json<'a>, field: &str, reading: &mut Reading<'a, '_, '_>) -> Result<f64, Bad> {
    match read_double(json, field, reading)? {
        Json::Float(number) => Ok(number),
        _ => Err(unusable(field, "a number", json)),
    }
}

/// A count: a 64-bit number, as a string or not.
fn whole(json: Option<&Json<'_>>, field: &str) -> Result<u64, Bad> {
    let Some(json) = json else { return Ok(0) };
    let digits = match json {
        Json::Number(digits) => *digits,
        Json::String(text) => text.simple(),
        _ => "",
    };
    let read = digits.parse().ok().or_else(|| read_integer(json)?.try_into().ok());
    read.ok_or_else(|| unusable(field, "a count", json))
}

fn signed(json: Option<&Json<'_>>, field: &str) -> Result<i32, Bad> {
    let Some(json) = json else { return Ok(0) };
    let number = read_integer(json).and_then(|number| number.try_into().ok());
    number.ok_or_else(|| unusable(field, "a 32-bit integer", json))
}

fn items<'a>(json: Option<&'a Json<'a>>, field: &str) -> Result<&'a [Json<'a>], Bad> {
    let Some(json) = json else { return Ok(&[]) };
    json.items().ok_or_else(|| unusable(field, "a list", json))
}

fn counts(json: Option<&Json<'_>>, field: &str) -> Result<Vec<u64>, Bad> {
    items(json, field)?.iter().map(|count| whole(Some(count), field)).collect()
}

fn buckets<'a>(json: Option<&'a Json<'a>>, field: &str) -> Result<Buckets, Bad> {
    let Some(json) = json else { return Ok(Buckets::default()) };
    let Members([offset, found]) = Members::of(json, &["offset", "bucketCounts"], field)?;
    Ok(Buckets { offset: signed(offset, "offset")?, counts: counts(found, "bucketCounts")? })
}

fn read_quantile<'a>(json: &'a Json<'a>, reading: &mut Reading<'a, '_, '_>) -> Result<(f64, f64), Bad> {
    let Members([quantile, value]) = Members::of(json, &["quantile", "value"], "a quantile")?;
    let quantile = double(quantile, "quantile", reading)?.unwrap_or(0.0);
    Ok((quantile, double(value, "value of a quantile", reading)?.unwrap_or(0.0)))
}

fn read_exemplar<'a>(json: &'a Json<'a>, reading: &mut Reading<'a, '_, '_>) -> Result<ExemplarView<'a>, Bad> {
    const NAMES: [&str; 6] = ["filteredAttributes", "timeUnixNano", "asInt", "asDouble", "traceId", "spanId"];
    let Members(found) = Members::of(json, &NAMES, "an exemplar")?;
    // Ids that cannot be read have a length that no id has.
    let mut id = |json: Option<&Json<'a>>| match json {
        Some(json) => read_id(json, reading).unwrap_or(b"?"),
        None => &[],
    };
    let exemplar = ExemplarView {
        trace_id: id(found[4]),
        span_id: id(found[5]),
        attributes: pairs(found[0], "filteredAttributes", reading)?,
        time: nanos(found[1], "timeUnixNano of an exemplar")?,
        value: number(found[2], found[3], reading)?,
    };
    note_exemplar_ids(&exemplar, reading);
    Ok(exemplar)
}
