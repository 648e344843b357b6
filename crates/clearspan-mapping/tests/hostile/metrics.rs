//! The rows of the catalogue, for metric points: one bad point never costs a good one, and a bad word not even its own.

use clearspan_mapping::otlp::{Encoding, Mapped, Signal};
use clearspan_model::{Buckets, Distribution, MetricPoint, Number, Temporality};

use super::request::{deep_value, field, fixed64, json_request, json_span, number, raw_request, raw_span};
use crate::Expect::{Partly, Refused, Stored, TooLarge};
use crate::{check_signal, read_signal, row};

const POINTS: usize = 20;
const GAUGE: u8 = 5;
const SUM: u8 = 7;
const HISTOGRAM: u8 = 9;
const EXPONENTIAL: u8 = 10;
const SUMMARY: u8 = 11;

/// A metric `m` with points of one form.
fn metric(form: u8, points: &[Vec<u8>]) -> Vec<u8> {
    let points: Vec<u8> = points.iter().flat_map(|point| field(1, point)).collect();
    [field(1, b"m"), field(form, &points)].concat()
}

fn double(number: u8, value: f64) -> Vec<u8> {
    fixed64(number, value.to_bits())
}

/// A point of a gauge, with bytes after it.
fn gauge(more: &[u8]) -> Vec<u8> {
    [fixed64(3, 1_795_000_000_000_000_000), fixed64(6, 5), more.to_vec()].concat()
}

fn packed(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn histogram(counts: &[u64], bounds: &[f64]) -> Vec<u8> {
    let bounds: Vec<_> = bounds.iter().map(|bound| bound.to_bits()).collect();
    [fixed64(4, 3), field(6, &packed(counts)), field(7, &packed(&bounds))].concat()
}

fn json_body(form: &str, points: &[String]) -> Vec<u8> {
    let points = points.join(",");
    format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"{form}":{{"dataPoints":[{points}]}},"name":"m"}}]}}]}}]}}"#
    )
    .into_bytes()
}

fn read(body: &[u8], encoding: Encoding) -> Mapped {
    read_signal(Signal::Metrics, body, encoding).unwrap()
}

fn only(body: &[u8], encoding: Encoding) -> (MetricPoint, String) {
    let mut mapped = read(body, encoding);
    assert_eq!((mapped.metrics.len(), mapped.rejected()), (1, 0), "{}", mapped.message());
    (mapped.metrics.remove(0).point, mapped.message())
}

/// What happens to the point with the fault.
#[derive(Clone, Copy)]
enum Fate {
    /// It is stored, and a remark tells this.
    Kept(&'static str),
    /// It is refused, with a reason that holds these words.
    Out(&'static str),
}

use Fate::{Kept, Out};

/// The form, a good point of it, and what becomes of a bad one.
type Fault<Form, Point> = (Form, Point, Fate, Point);

fn check(what: &str, encoding: Encoding, fate: Fate, body: impl Fn(usize) -> Vec<u8>) {
    for place in [0, POINTS / 2, POINTS] {
        let mapped = read(&body(place), encoding);
        let message = mapped.message();
        let (stored, rejected, says, fate) = match fate {
            Kept(says) => (POINTS + 1, 0, says, "(1 kept)"),
            Out(why) => (POINTS, 1, why, "(1 rejected)"),
        };
        assert_eq!(
            (mapped.metrics.len(), mapped.rejected()),
            (stored, rejected),
            "{what} at {place}: {message}"
        );
        assert!(message.starts_with("metric \"m\": "), "{what}: {message}");
        assert!(message.contains(says) && message.ends_with(fate), "{what}: {message}");
    }
}

#[test]
fn one_bad_point_in_protobuf() {
    let value = |content: &[u8]| field(7, &[field(1, b"k"), field(2, content)].concat());
    let ids = |trace: &[u8], span: &[u8]| field(5, &[field(5, trace), field(4, span)].concat());
    let bad = |fate, more: Vec<u8>| (GAUGE, gauge(&[]), fate, gauge(&more));
    let histogram_of = |fate, bad: Vec<u8>| (HISTOGRAM, histogram(&[1, 2], &[0.5]), fate, bad);
    let no_fit = Out("the bucket counts do not fit their bounds");
    let exponential = |fate, more: Vec<u8>| (EXPONENTIAL, fixed64(4, 1), fate, more);
    let summary = |fate, more: Vec<u8>| (SUMMARY, fixed64(4, 1), fate, more);
    let faults: Vec<(&str, Fault<u8, Vec<u8>>)> = vec![
        ("no value", (GAUGE, gauge(&[]), Out("a point has no value"), fixed64(3, 1))),
        ("no value of a sum", (SUM, gauge(&[]), Out("a point has no value"), fixed64(3, 1))),
        ("a value that is a varint", bad(Out("as_int is a varint"), number(6, 1))),
        ("a double that is text", bad(Out("as_double is bytes"), field(4, b"1"))),
        ("a time that is text", bad(Out("time_unix_nano is bytes"), field(3, b"now"))),
        ("a start that is a varint", bad(Out("start_time_unix_nano is a varint"), number(2, 1))),
        ("flags that are text", bad(Out("flags is bytes"), field(8, b""))),
        ("an attribute that is a number", bad(Kept("attributes"), number(7, 1))),
        ("a key that is not UTF-8", bad(Kept("not valid UTF-8"), field(7, &field(1, b"\xff")))),
        ("a value that is not UTF-8", bad(Kept("k: not valid UTF-8"), value(&field(1, b"\xff")))),
        ("a value a thousand deep", bad(Kept("nests deeper than 64"), value(&deep_value()))),
        (
            "a key twice",
            bad(Kept("more than once"), [value(&field(1, b"1")), value(&field(1, b"2"))].concat()),
        ),
        ("an exemplar that is a number", bad(Kept("exemplars"), number(5, 1))),
        ("an exemplar of a short trace", bad(Kept("15 bytes"), ids(&[1; 15], &[1; 8]))),
        ("an exemplar of a long span", bad(Kept("9 bytes"), ids(&[1; 16], &[1; 9]))),
        ("one count too few", histogram_of(no_fit, histogram(&[1], &[0.5]))),
        ("bounds without counts", histogram_of(no_fit, histogram(&[], &[0.5]))),
        ("bounds that fall", histogram_of(no_fit, histogram(&[1, 1, 1], &[2.0, 1.0]))),
        ("bounds that are equal", histogram_of(no_fit, histogram(&[1, 1, 1], &[1.0, 1.0]))),
        ("a bound that is no number", histogram_of(no_fit, histogram(&[1, 1], &[f64::NAN]))),
        ("half a count", histogram_of(Out("bucket_counts is bytes"), field(6, &[0; 12]))),
        ("a count that is a varint", histogram_of(Out("count is a varint"), number(4, 1))),
        ("buckets that are a number", exponential(Out("positive is a varint"), number(8, 1))),
        ("an offset that is text", exponential(Out("negative is bytes"), field(9, &field(1, b"")))),
        ("a scale that is text", exponential(Out("scale is bytes"), field(6, b""))),
        ("a quantile that is a number", summary(Out("quantile_values is a varint"), number(6, 1))),
        ("a quantile of a varint", summary(Out("a quantile is a varint"), field(6, &number(1, 1)))),
    ];
    assert!(faults.len() >= 25);
    for (what, (form, good, fate, bad)) in faults {
        check(what, Encoding::Protobuf, fate, |place| {
            let mut points = vec![good.clone(); POINTS];
            points.insert(place, bad.clone());
            raw_request(&[metric(form, &points)])
        });
    }
}

#[test]
fn one_bad_point_in_json() {
    let gauge = |more: &str| format!(r#"{{"timeUnixNano":"1795000000000000000"{more}}}"#);
    let bad = |fate, more: &str| ("gauge", gauge(r#","asInt":"5""#), fate, gauge(more));
    let with = |fate, more: &str| bad(fate, &format!(r#","asDouble":0.5{more}"#));
    let whole = |fate, bad: &str| ("gauge", gauge(r#","asInt":5"#), fate, bad.to_owned());
    let good = r#"{"count":"3","bucketCounts":["1",2],"explicitBounds":[0.5]}"#;
    let histogram = |fate, from: &str, to: &str| ("histogram", good.to_owned(), fate, good.replace(from, to));
    let exponential =
        |fate, bad: &str| ("exponentialHistogram", r#"{"count":1}"#.to_owned(), fate, bad.to_owned());
    let faults: Vec<(&str, Fault<&str, String>)> = vec![
        ("null", whole(Out("a point is null"), "null")),
        ("a number", whole(Out("a point is a number"), "7")),
        ("nothing", whole(Out("a point has no value"), "{}")),
        ("snake case", whole(Out("camel case"), r#"{"as_int":1}"#)),
        ("a time in words", whole(Out("timeUnixNano"), r#"{"asInt":1,"timeUnixNano":"now"}"#)),
        ("an integer with a fraction", bad(Out("asInt is not a 64-bit integer: 1.5"), r#","asInt":1.5"#)),
        ("an integer of 65 bits", bad(Out("asInt"), r#","asInt":"18446744073709551616""#)),
        ("a double in words", bad(Out("asDouble is not a number"), r#","asDouble":"many""#)),
        ("two values", bad(Out("two values"), r#","asInt":1,"asDouble":1"#)),
        ("a double of 10^400", bad(Kept("counts as infinite"), r#","asDouble":1e400"#)),
        ("attributes that are an object", with(Out("expected a list"), r#","attributes":{}"#)),
        (
            "a lone surrogate",
            with(Kept("UTF-8"), r#","attributes":[{"key":"k","value":{"stringValue":"\ud83d"}}]"#),
        ),
        ("an unknown value", with(Kept("there is no x"), r#","attributes":[{"key":"k","value":{"x":1}}]"#)),
        ("a key twice", with(Kept("more than once"), r#","attributes":[{"key":"k"},{"key":"k"}]"#)),
        (
            "an exemplar of a bad trace",
            with(Kept("the trace id has 1 bytes"), r#","exemplars":[{"traceId":"x"}]"#),
        ),
        ("exemplars that are text", with(Out("exemplars: expected a list"), r#","exemplars":"x""#)),
        ("a count that is negative", histogram(Out("count is not a count: -3"), r#""3""#, "-3")),
        (
            "a count of 65 bits",
            histogram(Out("bucketCounts is not a count"), r#""1""#, "18446744073709551616"),
        ),
        ("a bound in words", histogram(Out("explicitBounds is not a number"), "0.5", r#""x""#)),
        ("a bound too few", histogram(Out("do not fit their bounds"), "0.5", "")),
        ("counts that are no list", histogram(Out("bucketCounts is not a list"), r#"["1",2]"#, "7")),
        ("a scale of 33 bits", exponential(Out("scale is not a 32-bit"), r#"{"scale":4294967296}"#)),
        ("buckets that are a list", exponential(Out("positive is a list"), r#"{"positive":[]}"#)),
    ];
    for (what, (form, good, fate, bad)) in faults {
        check(what, Encoding::Json, fate, |place| {
            let mut points = vec![good.clone(); POINTS];
            points.insert(place, bad.clone());
            json_body(form, &points)
        });
    }
}

/// What is wrong with a metric is wrong with all of its points, and with no others.
#[test]
fn a_bad_metric_costs_its_points() {
    let good = metric(GAUGE, &[gauge(&[])]);
    let two = [gauge(&[]), gauge(&[])].map(|point| field(1, &point)).concat();
    let refused = |bad: Vec<u8>, count: u64, says: &str| {
        let mapped = read(&raw_request(&[good.clone(), bad, good.clone()]), Encoding::Protobuf);
        assert_eq!((mapped.metrics.len(), mapped.rejected()), (2, count), "{}", mapped.message());
        assert!(mapped.message().contains(says), "{}", mapped.message());
    };
    refused(field(GAUGE, &two), 2, "a metric has no name");
    refused([field(1, &[b'n'; 256]), field(GAUGE, &two)].concat(), 2, "longer than 255");
    refused(
        [number(1, 7), field(GAUGE, &two)].concat(),
        1,
        "name is a varint (is this a request for traces or logs?)",
    );
    refused([field(1, b"m"), fixed64(SUM, 7)].concat(), 1, "sum is a fixed 64-bit number");
    refused([field(1, b"m"), field(GAUGE, &number(1, 7))].concat(), 0, "");
    refused([field(1, b"m")].concat(), 0, "");

    let kept = |bad: Vec<u8>, says: &str| {
        let (point, message) = only(&raw_request(&[bad]), Encoding::Protobuf);
        assert!(message.contains(says), "{message}");
        point
    };
    let one = field(1, &gauge(&[]));
    let point = kept([field(1, b"m\xff"), field(GAUGE, &one)].concat(), "name: not valid UTF-8");
    assert_eq!(point.name, "m\u{fffd}");
    let seven = [one.clone(), number(2, 7)].concat();
    let point = kept([field(1, b"m"), field(SUM, &seven)].concat(), "7 is no temporality");
    assert_eq!(point.temporality, None);
    let monotonic = [number(2, 2), one.clone(), number(3, 1)].concat();
    let point = kept([field(SUM, &monotonic), field(1, b"m")].concat(), "");
    assert_eq!((point.temporality, point.monotonic), (Some(Temporality::Cumulative), true));
    // Of several forms the last counts.
    let forms = [field(1, b"m"), field(SUM, &one), field(GAUGE, &one), field(SUM, &monotonic)].concat();
    assert_eq!(kept(forms, "").temporality, Some(Temporality::Cumulative));
}

#[test]
fn numbers_in_either_form() {
    let point =
        |form, point: &[u8]| only(&raw_request(&[metric(form, &[point.to_vec()])]), Encoding::Protobuf).0;
    assert_eq!(point(GAUGE, &gauge(&double(4, -0.0))).value, Some(Number::Double(-0.0)));
    assert_eq!(point(GAUGE, &gauge(&fixed64(6, u64::MAX))).value, Some(Number::Int(-1)));
    // Lists may come one by one.
    let single = [fixed64(6, 1), fixed64(6, 2), double(7, 0.5)].concat();
    let explicit = Distribution::Explicit { bounds: vec![0.5], counts: vec![1, 2] };
    assert_eq!(point(HISTOGRAM, &single).distribution, Some(explicit.clone()));
    assert_eq!(point(HISTOGRAM, &histogram(&[1, 2], &[0.5])).distribution, Some(explicit));
    // Signed numbers have their sign at the end: 5 is -3.
    let buckets =
        |content: &[u8]| [number(6, 5), field(8, &[number(1, 5), content.to_vec()].concat())].concat();
    for content in [field(2, &[1, 0xac, 0x02]), [number(2, 1), number(2, 300)].concat()] {
        let Some(Distribution::Exponential { scale, positive, .. }) =
            point(EXPONENTIAL, &buckets(&content)).distribution
        else {
            panic!("exponential");
        };
        assert_eq!((scale, positive), (-3, Buckets { offset: -3, counts: vec![1, 300] }));
    }
    let summary = point(SUMMARY, &field(6, &[double(1, 0.5), double(2, f64::INFINITY)].concat()));
    assert_eq!(summary.distribution, Some(Distribution::Quantiles(vec![(0.5, f64::INFINITY)])));
    assert_eq!((summary.count, summary.sum), (Some(0), Some(0.0)));
}

#[test]
fn requests_that_are_none() {
    let good = raw_request(&[metric(GAUGE, &[gauge(&[])])]);
    let cut = raw_request(&[metric(GAUGE, &[vec![0x3a, 0x7f]])]);
    let log = [fixed64(1, 1), number(2, 9), field(5, &field(1, b"x"))].concat();
    check_signal(
        Signal::Metrics,
        vec![
            row(1, "empty", [], Stored(0)),
            row(4, "a length beyond the point", cut, Refused("a length")),
            row(6, "an envelope that is a number", number(1, 1), Refused("resource_metrics is a varint")),
            row(7, "unknown fields", [field(9, &[0; 1 << 20]), good.clone()].concat(), Stored(1)),
            row(8, "JSON", br#"{"resourceMetrics":[]}"#, Refused("the body is not an OTLP metric request")),
            row(
                9,
                "spans",
                raw_request(&[raw_span(1, &[])]),
                Partly(0, 1, "is this a request for traces or logs?"),
            ),
            row(9, "log records", raw_request(&[log]), Partly(0, 1, "is this a request for traces or logs?")),
        ],
        Encoding::Protobuf,
    );
    let json = |text: &str| text.as_bytes().to_vec();
    let metrics = |metrics: &str| {
        format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{metrics}]}}]}}]}}"#).into_bytes()
    };
    let many = |form: &str| json_body(form, &vec!["{}".to_owned(); 1_100_000]);
    check_signal(
        Signal::Metrics,
        vec![
            row(39, "snake case above", json(r#"{"resource_metrics":[]}"#), Refused("camel case")),
            row(
                39,
                "snake case in a metric",
                metrics(r#"{"name":"m","gauge":{"data_points":[{}]}}"#),
                Partly(0, 1, "camel case"),
            ),
            row(41, "spans", json_request(&[json_span(1, "")]), Refused("/v1/traces")),
            row(41, "a metric that is text", metrics(r#""m""#), Partly(0, 1, "a metric is text")),
            row(
                41,
                "a gauge that is a list",
                metrics(r#"{"name":"m","gauge":[]}"#),
                Partly(0, 1, "gauge: expected"),
            ),
            row(
                41,
                "points that are an object",
                metrics(r#"{"name":"m","sum":{"dataPoints":{}}}"#),
                Partly(0, 1, "sum.dataPoints: expected a list, found an object"),
            ),
            row(
                41,
                "null for all",
                metrics(r#"{"name":null,"gauge":null,"sum":{"dataPoints":null}}"#),
                Stored(0),
            ),
            row(
                41,
                "points of two kinds",
                metrics(
                    r#"{"name":"m","gauge":{"dataPoints":[{"asInt":1}]},"sum":{"dataPoints":[{"asInt":1}]}}"#,
                ),
                Partly(0, 2, "two kinds"),
            ),
            row(42, "a name twice", metrics(r#"{"name":"m","name":"n"}"#), Refused("two members \"name\"")),
            row(44, "millions of points of nothing", many("gauge"), TooLarge("data points")),
        ],
        Encoding::Json,
    );
    // An empty point of a histogram is one; how many of them fit is a matter of memory, and all others are counted.
    let mapped = read(&many("histogram"), Encoding::Json);
    assert!(mapped.metrics.len() > 10_000, "{}", mapped.metrics.len());
    assert_eq!(mapped.metrics.len() as u64 + mapped.rejected(), 1_100_000, "{}", mapped.message());
}
