//! Metrics in protobuf.

use clearspan_model::{Buckets, MetricKind, Number};

use super::{ExemplarView, MetricView, PointView, Target, note_exemplar_ids, temporality};
use crate::otlp::protobuf::{int32, note_misfit, push, push_pair, set, set_text};
use crate::otlp::read::{Request, Stopped};
use crate::otlp::span::Origin;
use crate::otlp::view::{Bad, Kept, Reading};
use crate::otlp::wire::{Fields, Malformed, Wire};

/// The fields of a metric that hold its points.
const FORMS: [(u32, MetricKind); 5] = [
    (5, MetricKind::Gauge),
    (7, MetricKind::Sum),
    (9, MetricKind::Histogram),
    (10, MetricKind::ExponentialHistogram),
    (11, MetricKind::Summary),
];

/// The form of a metric: of several that the format allows, the last counts, together with those of its kind that stand
/// directly before it.
#[derive(Debug, Clone, Copy)]
struct Form {
    field: u32,
    kind: MetricKind,
    /// The place of the first of them among all forms.
    first: usize,
}

/// Why something is no metric.
const OTHER_SIGNAL: &str = "(is this a request for traces or logs?)";

/// Reads the points of a metric.
pub(in crate::otlp) fn read_metric<'k, 'm: 'k>(
    bytes: &'k [u8],
    origin: &Origin,
    request: &mut Request<'m>,
    kept: &'k Kept,
) -> Result<(), Stopped> {
    let form = match form_of(bytes)? {
        Ok(Some(form)) => form,
        // Nothing is lost with it.
        Ok(None) => return Ok(()),
        Err(why) => {
            request.refuse_points(count_points(bytes).max(1), &why);
            return Ok(());
        }
    };
    let head = request.target(form.kind, 0, (kept, origin), |reading| read_head(bytes, form, reading))?;
    match head {
        Ok(target) => read_points(bytes, form, request, (kept, &target)),
        Err(why) => {
            request.refuse_points(count_points(bytes), &why);
            Ok(())
        }
    }
}

/// How many points a metric holds; none when it is no metric.
pub(in crate::otlp) fn count_points(bytes: &[u8]) -> u64 {
    let Ok(Ok(Some(form))) = form_of(bytes) else { return 0 };
    let mut count = 0;
    let counted = each_form(bytes, form, |bytes| {
        let mut fields = Fields::of(bytes);
        while let Some((number, wire)) = fields.next()? {
            count += u64::from(number == 1 && wire.bytes().is_some());
        }
        Ok::<_, Malformed>(())
    });
    // What breaks the format is told where it is read.
    counted.map_or(0, |()| count)
}

/// Which form a metric has. The inner `Err` says why it is no metric.
fn form_of(bytes: &[u8]) -> Result<Result<Option<Form>, String>, Malformed> {
    let mut form: Option<Form> = None;
    let mut seen = 0;
    let mut fields = Fields::of(bytes);
    while let Some((field, wire)) = fields.next()? {
        let known = FORMS.iter().find(|(number, _)| *number == field);
        if wire.bytes().is_none() && (known.is_some() || matches!(field, 1..=3)) {
            let (name, kind) = (name_of(field), wire.kind());
            return Ok(Err(format!("a metric whose {name} is {kind} {OTHER_SIGNAL}")));
        }
        let Some((_, kind)) = known else { continue };
        if form.is_none_or(|form| form.field != field) {
            form = Some(Form { field, kind: *kind, first: seen });
        }
        seen += 1;
    }
    Ok(Ok(form))
}

fn name_of(field: u32) -> &'static str {
    match field {
        1 => "name",
        2 => "description",
        3 => "unit",
        5 => "gauge",
        7 => "sum",
        9 => "histogram",
        10 => "exponential_histogram",
        _ => "summary",
    }
}

fn each_form<'a, E: From<Malformed>>(
    bytes: &'a [u8],
    form: Form,
    mut read: impl FnMut(&'a [u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut seen = 0;
    let mut fields = Fields::of(bytes);
    while let Some((field, wire)) = fields.next()? {
        if !FORMS.iter().any(|(number, _)| *number == field) {
            continue;
        }
        if let Wire::Bytes(bytes) = wire
            && field == form.field
            && seen >= form.first
        {
            read(bytes)?;
        }
        seen += 1;
    }
    Ok(())
}

fn read_head<'a>(
    bytes: &'a [u8],
    form: Form,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<MetricView<'a>, Bad> {
    let mut metric = MetricView::default();
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => set_text(&mut metric.name, wire, "name", reading)?,
            2 => set_text(&mut metric.description, wire, "description", reading)?,
            3 => set_text(&mut metric.unit, wire, "unit", reading)?,
            _ => true,
        };
    }
    let mut number = 0;
    each_form(bytes, form, |bytes| {
        let mut fields = Fields::of(bytes);
        while let Some((field, wire)) = fields.next()? {
            let fits = match (field, form.kind) {
                (1, _) if wire.bytes().is_none() => {
                    return Err(Bad::Span(format!("data_points is {}, not a message", wire.kind())));
                }
                (2, MetricKind::Sum | MetricKind::Histogram | MetricKind::ExponentialHistogram) => {
                    set(&mut number, wire.varint().map(int32))
                }
                (3, MetricKind::Sum) => set(&mut metric.monotonic, wire.varint().map(|flag| flag != 0)),
                _ => true,
            };
            if !fits {
                let name = if field == 2 { "aggregation_temporality" } else { "is_monotonic" };
                note_misfit(name, wire, reading);
            }
        }
        Ok(())
    })?;
    metric.temporality = temporality(number, reading);
    Ok(metric)
}

fn read_points<'k, 'm: 'k>(
    bytes: &'k [u8],
    form: Form,
    request: &mut Request<'m>,
    (kept, target): (&'k Kept, &Target<'_>),
) -> Result<(), Stopped> {
    each_form(bytes, form, |bytes| {
        let mut fields = Fields::of(bytes);
        while let Some((number, wire)) = fields.next()? {
            if let (1, Wire::Bytes(bytes)) = (number, wire) {
                request.item()?;
                request.point(0, kept, target, |reading| read_point(bytes, form.kind, reading))?;
            }
        }
        Ok(())
    })
}

/// What a field of a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Attributes,
    Start,
    Time,
    Flags,
    Exemplars,
    Double,
    Int,
    Count,
    Sum,
    Min,
    Max,
    Bounds,
    Counts,
    Scale,
    ZeroCount,
    ZeroThreshold,
    Positive,
    Negative,
    Quantiles,
}

/// The fields of points, by their numbers.
fn slots(kind: MetricKind) -> &'static [(u32, Slot, &'static str)] {
    match kind {
        MetricKind::Gauge | MetricKind::Sum => &[
            (2, Slot::Start, "start_time_unix_nano"),
            (3, Slot::Time, "time_unix_nano"),
            (4, Slot::Double, "as_double"),
            (5, Slot::Exemplars, "exemplars"),
            (6, Slot::Int, "as_int"),
            (7, Slot::Attributes, "attributes"),
            (8, Slot::Flags, "flags"),
        ],
        MetricKind::Histogram => &[
            (2, Slot::Start, "start_time_unix_nano"),
            (3, Slot::Time, "time_unix_nano"),
            (4, Slot::Count, "count"),
            (5, Slot::Sum, "sum"),
            (6, Slot::Counts, "bucket_counts"),
            (7, Slot::Bounds, "explicit_bounds"),
            (8, Slot::Exemplars, "exemplars"),
            (9, Slot::Attributes, "attributes"),
            (10, Slot::Flags, "flags"),
            (11, Slot::Min, "min"),
            (12, Slot::Max, "max"),
        ],
        MetricKind::ExponentialHistogram => &[
            (1, Slot::Attributes, "attributes"),
            (2, Slot::Start, "start_time_unix_nano"),
            (3, Slot::Time, "time_unix_nano"),
            (4, Slot::Count, "count"),
            (5, Slot::Sum, "sum"),
            (6, Slot::Scale, "scale"),
            (7, Slot::ZeroCount, "zero_count"),
            (8, Slot::Positive, "positive"),
            (9, Slot::Negative, "negative"),
            (10, Slot::Flags, "flags"),
            (11, Slot::Exemplars, "exemplars"),
            (12, Slot::Min, "min"),
            (13, Slot::Max, "max"),
            (14, Slot::ZeroThreshold, "zero_threshold"),
        ],
        MetricKind::Summary => &[
            (2, Slot::Start, "start_time_unix_nano"),
            (3, Slot::Time, "time_unix_nano"),
            (4, Slot::Count, "count"),
            (5, Slot::Sum, "sum"),
            (6, Slot::Quantiles, "quantile_values"),
            (7, Slot::Attributes, "attributes"),
            (8, Slot::Flags, "flags"),
        ],
    }
}

fn read_point<'a>(
    bytes: &'a [u8],
    kind: MetricKind,
    reading: &mut Reading<'a, '_, '_>,
) -> Result<PointView<'a>, Bad> {
    let slots = slots(kind);
    let mut point = PointView::default();
    let (mut attributes, mut exemplars, mut quantiles) = (0, 0, 0);
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        let Some((_, slot, name)) = slots.iter().find(|(known, ..)| *known == number) else { continue };
        let double = wire.fixed64().map(f64::from_bits);
        let fits = match slot {
            Slot::Attributes => push_pair(&mut point.attributes, wire, &mut attributes, reading)?,
            Slot::Start => set(&mut point.start, wire.fixed64()),
            Slot::Time => set(&mut point.time, wire.fixed64()),
            Slot::Flags => set(&mut point.flags, wire.varint()),
            Slot::Exemplars => push(&mut point.exemplars, wire, &mut exemplars, reading, read_exemplar)?,
            Slot::Double => set(&mut point.value, double.map(|number| Some(Number::Double(number)))),
            Slot::Int => set(&mut point.value, wire.fixed64().map(|bits| Some(Number::Int(signed(bits))))),
            Slot::Count => set(&mut point.count, wire.fixed64()),
            Slot::Sum => set(&mut point.sum, double.map(Some)),
            Slot::Min => set(&mut point.min, double.map(Some)),
            Slot::Max => set(&mut point.max, double.map(Some)),
            Slot::Bounds => push_fixed(&mut point.bounds, wire, reading, f64::from_bits)?,
            Slot::Counts => push_fixed(&mut point.counts, wire, reading, |bits| bits)?,
            Slot::Scale => set(&mut point.scale, wire.varint().map(zigzag)),
            Slot::ZeroCount => set(&mut point.zero_count, wire.fixed64()),
            Slot::ZeroThreshold => set(&mut point.zero_threshold, double),
            Slot::Positive => read_buckets(&mut point.positive, wire, reading)?,
            Slot::Negative => read_buckets(&mut point.negative, wire, reading)?,
            Slot::Quantiles => push(&mut point.quantiles, wire, &mut quantiles, reading, read_quantile)?,
        };
        match slot {
            _ if fits => {}
            Slot::Attributes | Slot::Exemplars => note_misfit(name, wire, reading),
            // Without one of its numbers a point would say something else.
            _ => return Err(Bad::Span(format!("{name} is {}, which it cannot be", wire.kind()))),
        }
    }
    if kind == MetricKind::Summary {
        point.sum.get_or_insert(0.0);
    }
    reading.note_cut("attributes", attributes);
    reading.note_cut("exemplars", exemplars);
    reading.note_cut("quantile_values", quantiles);
    Ok(point)
}

#[expect(clippy::cast_possible_wrap, reason = "negative numbers are written so")]
fn signed(bits: u64) -> i64 {
    bits as i64
}

/// A signed number whose sign is its last bit.
#[expect(clippy::cast_possible_truncation, reason = "protobuf cuts numbers to their type")]
fn zigzag(number: u64) -> i32 {
    let number = number as u32;
    int32(u64::from(number >> 1)) ^ -int32(u64::from(number & 1))
}

/// Numbers of eight bytes, one by one or all in one field.
fn push_fixed<T>(
    list: &mut Vec<T>,
    wire: Wire<'_>,
    reading: &mut Reading<'_, '_, '_>,
    read: fn(u64) -> T,
) -> Result<bool, Bad> {
    match wire {
        Wire::Fixed64(bits) => {
            grow(list, 1, reading)?;
            list.push(read(bits));
        }
        Wire::Bytes(bytes) => {
            let (numbers, rest) = bytes.as_chunks::<8>();
            if !rest.is_empty() {
                return Ok(false);
            }
            grow(list, numbers.len(), reading)?;
            list.extend(numbers.iter().map(|bytes| read(u64::from_le_bytes(*bytes))));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Makes room for more numbers.
fn grow<T>(list: &mut Vec<T>, more: usize, reading: &mut Reading<'_, '_, '_>) -> Result<(), Bad> {
    if list.capacity() - list.len() < more {
        let more = if list.is_empty() { more } else { more.max(list.len()) };
        reading.room.take(more * size_of::<T>())?;
        list.reserve_exact(more);
    }
    Ok(())
}

fn read_buckets(
    buckets: &mut Buckets,
    wire: Wire<'_>,
    reading: &mut Reading<'_, '_, '_>,
) -> Result<bool, Bad> {
    let Some(bytes) = wire.bytes() else { return Ok(false) };
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        let fits = match (number, wire) {
            (1, wire) => set(&mut buckets.offset, wire.varint().map(zigzag)),
            (2, Wire::Varint(count)) => {
                grow(&mut buckets.counts, 1, reading)?;
                buckets.counts.push(count);
                true
            }
            (2, Wire::Bytes(bytes)) => {
                let more = bytes.iter().filter(|byte| **byte < 0x80).count();
                grow(&mut buckets.counts, more, reading)?;
                let mut counts = Fields::of(bytes);
                while let Some(count) = counts.next_varint()? {
                    buckets.counts.push(count);
                }
                true
            }
            (2, _) => false,
            _ => true,
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

fn read_quantile(bytes: &[u8], _reading: &mut Reading<'_, '_, '_>) -> Result<(f64, f64), Bad> {
    let (mut quantile, mut value) = (0.0, 0.0);
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        let double = wire.fixed64().map(f64::from_bits);
        let fits = match number {
            1 => set(&mut quantile, double),
            2 => set(&mut value, double),
            _ => true,
        };
        if !fits {
            return Err(Bad::Span(format!("a quantile is {}, which it cannot be", wire.kind())));
        }
    }
    Ok((quantile, value))
}

fn read_exemplar<'a>(bytes: &'a [u8], reading: &mut Reading<'a, '_, '_>) -> Result<ExemplarView<'a>, Bad> {
    let mut exemplar = ExemplarView::default();
    let mut attributes = 0;
    let mut fields = Fields::of(bytes);
    while let Some((number, wire)) = fields.next()? {
        let fits = match number {
            2 => set(&mut exemplar.time, wire.fixed64()),
            3 => set(
                &mut exemplar.value,
                wire.fixed64().map(|bits| Some(Number::Double(f64::from_bits(bits)))),
            ),
            4 => set(&mut exemplar.span_id, wire.bytes()),
            5 => set(&mut exemplar.trace_id, wire.bytes()),
            6 => set(&mut exemplar.value, wire.fixed64().map(|bits| Some(Number::Int(signed(bits))))),
            7 => push_pair(&mut exemplar.attributes, wire, &mut attributes, reading)?,
            _ => true,
        };
        if !fits {
            note_misfit("exemplars", wire, reading);
        }
    }
    reading.note_cut("attributes of an exemplar", attributes);
    note_exemplar_ids(&exemplar, reading);
    Ok(exemplar)
}

#[cfg(test)]
mod tests;
