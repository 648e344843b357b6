//! What the largest and the worst requests take: four times the body, at most, with an allocator that counts; and, where
//! the build is optimised, a second of processor time.

#![expect(unsafe_code, reason = "an allocator that counts has to be one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use clearspan_mapping::otlp::{
    Encoding, MapContext, Mapped, Memory, MemoryError, Signal, Unshared, read_within,
};
use clearspan_model::{ErrorKind, UnixNanos};

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

// SAFETY: every call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(signed(size) - signed(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(place, layout, size) }
    }
}

const MIB: usize = 1 << 20;

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).unwrap_or(0) | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or(0));
    out.extend_from_slice(content);
    out
}

fn span(more: &[u8]) -> Vec<u8> {
    [field(1, &[7; 16]), field(2, &[1; 8]), more.to_vec()].concat()
}

fn request(spans: &[u8]) -> Vec<u8> {
    field(1, &field(2, spans))
}

fn attribute(value: &[u8]) -> Vec<u8> {
    field(9, &[field(1, b"k"), field(2, value)].concat())
}

fn one(attributes: &[u8]) -> Vec<u8> {
    request(&field(2, &span(attributes)))
}

/// Reads a trace body.
fn check(what: &str, body: &[u8], encoding: Encoding) -> Result<usize, ErrorKind> {
    check_signal(what, Signal::Traces, body, encoding)
}

/// Reads a body; returns how many runs, records and points it became, and tells what it took if that is too much.
fn check_signal(what: &str, signal: Signal, body: &[u8], encoding: Encoding) -> Result<usize, ErrorKind> {
    let ctx = MapContext::at(UnixNanos::from_nanos(1_800_000_000_000_000_000));
    let before = HELD.get();
    PEAK.set(before);
    let start = processor_time();
    let mut memory = Unshared;
    let read = read_within(signal, body, encoding, &ctx, &mut memory);
    let seconds = (processor_time() - start).as_secs_f64();
    let peak = usize::try_from(PEAK.get() - before).unwrap_or(0);
    // Small bodies have a floor; none has more than the ceiling. The tables of rules, made by the first to ask for them,
    // do not depend on the body.
    let allowed = (4 * body.len()).clamp(64 * MIB, 256 * MIB) + MIB;
    let mib = |bytes: usize| bytes as f64 / MIB as f64;
    #[expect(clippy::print_stderr, reason = "figures for whoever runs this by hand")]
    {
        eprintln!("{what}: {:.1} MiB took {:.1} MiB and {seconds:.2} s", mib(body.len()), mib(peak));
    }
    assert!(peak <= allowed, "{what}: {:.1} MiB took {:.1} MiB", mib(body.len()), mib(peak));
    // The goal is one second. A busy machine takes up to three by itself; what grows with the square of the body takes minutes.
    assert!(
        cfg!(debug_assertions) || seconds <= 6.0,
        "{what}: {:.1} MiB took {seconds:.2} s",
        mib(body.len())
    );
    let count = |mapped: Mapped| mapped.runs.len() + mapped.logs.len() + mapped.metrics.len();
    read.map(count).map_err(|err| err.kind)
}

/// The time that this thread had on a processor; zero where the system does not tell.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

const LARGE: usize = if cfg!(debug_assertions) { 6 * MIB } else { 60 * MIB };

#[test]
fn one_large_value() {
    for (what, content) in [
        ("plain text", vec![b'x'; LARGE]),
        ("text of three bytes a character", "€".repeat(LARGE / 3).into_bytes()),
    ] {
        let value = field(1, &content);
        assert_eq!(check(what, &one(&attribute(&value)), Encoding::Protobuf), Ok(1), "{what}");
        let message = field(9, &[field(1, b"gen_ai.input.messages"), field(2, &value)].concat());
        check(&format!("{what} as messages"), &one(&message), Encoding::Protobuf).expect("it fits");
    }
    let value = attribute(&field(7, &vec![7; LARGE]));
    assert_eq!(check("bytes", &one(&value), Encoding::Protobuf), Ok(1));
    // Twice or six times as large once it is escaped, three times once it is repaired: stored or refused, never more memory.
    for (what, byte) in [("quotes", b'"'), ("control characters", 1), ("bytes that are not UTF-8", 0xff)] {
        let value = attribute(&field(1, &vec![byte; LARGE]));
        check(what, &one(&value), Encoding::Protobuf).ok();
    }
}

#[test]
fn many_small_things() {
    let count = LARGE / 4;
    for (what, body) in [
        ("empty spans", request(&[0x12, 0].repeat(count))),
        ("empty resources", [0x0a, 0].repeat(count)),
        ("empty attributes", one(&[0x4a, 0].repeat(count))),
        ("empty events", one(&[0x5a, 0].repeat(count))),
        ("empty links", one(&[0x6a, 0].repeat(count))),
        ("empty values in a list", one(&attribute(&field(5, &[0x0a, 0].repeat(count))))),
        ("empty members of a map", one(&attribute(&field(6, &[0x0a, 0].repeat(count))))),
        ("spans of nothing but ids", request(&field(2, &span(&[])).repeat(LARGE / 32))),
        (
            "lists in lists",
            one(&attribute(&field(5, &field(1, &field(5, &field(1, &[])).repeat(8)).repeat(LARGE / 64)))),
        ),
        ("resources with a span each", field(1, &field(2, &field(2, &span(&[])))).repeat(LARGE / 64)),
    ] {
        check(what, &body, Encoding::Protobuf).ok();
    }
}

/// Each member has a source of its own. Backwards, so that none may be put in front of those before it.
#[test]
fn objects_with_very_many_members() {
    let numbers = || (0..100_000).rev();
    let members: Vec<String> = numbers().map(|number| format!("\"k{number:06}\":1")).collect();
    let object = field(1, format!("{{{}}}", members.join(",")).as_bytes());
    for key in ["metadata", "llm.invocation_parameters"] {
        let attribute = field(9, &[field(1, key.as_bytes()), field(2, &object)].concat());
        assert_eq!(check(key, &one(&attribute), Encoding::Protobuf), Ok(1), "{key}");
    }
    for key in ["langsmith.metadata.", "gen_ai.request.", "traceloop.association.properties."] {
        let attribute = |number| {
            let key = format!("{key}k{number:06}");
            field(9, &[field(1, key.as_bytes()), field(2, &field(1, b"v"))].concat())
        };
        let attributes: Vec<u8> = numbers().flat_map(attribute).collect();
        check(key, &one(&attributes), Encoding::Protobuf).ok();
    }
}

#[test]
fn a_large_resource_above_many_spans() {
    let attribute = |idx: usize| {
        field(1, &[field(1, format!("key-{idx}").as_bytes()), field(2, &field(1, b"v"))].concat())
    };
    let resource = field(1, &(0..5_000).flat_map(attribute).collect::<Vec<_>>());
    let spans = field(2, &field(2, &span(&[])).repeat(20_000));
    let runs = check("a copy for each", &field(1, &[resource, spans].concat()), Encoding::Protobuf);
    assert!(runs.is_ok_and(|runs| runs > 0 && runs < 20_000), "{runs:?}");
}

#[test]
fn json_of_every_kind() {
    let request = |spans: &str| format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#);
    let span = |more: &str| {
        format!(r#"{{"traceId":"07070707070707070707070707070707","spanId":"0101010101010101"{more}}}"#)
    };
    let value = |json: &str| request(&span(&format!(r#","attributes":[{{"key":"k","value":{json}}}]"#)));
    let text = |inside: &str| value(&format!(r#"{{"stringValue":"{inside}"}}"#));
    let count = LARGE / 4;
    for (what, body) in [
        ("plain text", text(&"x".repeat(LARGE))),
        ("escaped text", text(&"\\n".repeat(LARGE / 2))),
        ("control characters", text(&r"\u0001".repeat(LARGE / 6))),
        ("empty spans", request(&"{},".repeat(count)).replace(",]", "]")),
        ("empty values", value(&format!(r#"{{"arrayValue":{{"values":[{}{{}}]}}}}"#, "{},".repeat(count)))),
        ("numbers nobody knows", request(&span(&format!(r#","x":[{}1]"#, "1,".repeat(count))))),
        ("spans of nothing but ids", request(&vec![span(""); LARGE / 80].join(","))),
    ] {
        check(what, body.as_bytes(), Encoding::Json).ok();
    }
    assert_eq!(check("plain text", text(&"x".repeat(LARGE)).as_bytes(), Encoding::Json), Ok(1));
}

/// As much as a build without optimisation reads in a second or two.
const MUCH: usize = if cfg!(debug_assertions) { 2 * MIB } else { 60 * MIB };

fn log_record(more: &[u8]) -> Vec<u8> {
    [field(9, &[7; 16]), field(10, &[1; 8]), more.to_vec()].concat()
}

#[test]
fn log_records() {
    let count = MUCH / 4;
    // Each with a span of its own.
    let records = |more: &[u8]| -> Vec<u8> {
        let mut body = Vec::with_capacity(MUCH + 1024);
        for number in 1_u64.. {
            let record = [field(9, &[7; 16]), field(10, &number.to_le_bytes()), more.to_vec()].concat();
            body.extend(field(2, &record));
            if body.len() > MUCH {
                break;
            }
        }
        request(&body)
    };
    let body = |text: &[u8]| field(5, &field(1, text));
    let one = |more: &[u8]| request(&field(2, &log_record(more)));
    let named = |name: &[u8], more: &[u8]| [field(12, name), more.to_vec()].concat();
    let details = b"gen_ai.client.inference.operation.details";
    let attribute = |key: &[u8], value: &[u8]| field(6, &[field(1, key), field(2, value)].concat());
    let large = vec![b'x'; MUCH];
    for (what, body) in [
        ("empty log records", request(&[0x12, 0].repeat(count))),
        ("empty resources", [0x0a, 0].repeat(count)),
        ("empty attributes", one(&[0x32, 0].repeat(count))),
        ("severities that are none", request(&[0x12, 3, 0x10, 0xff, 0x01].repeat(MUCH / 5))),
        ("records of many spans", records(&[])),
        ("messages of many spans", records(&named(b"gen_ai.choice", &body(br#"{"content":"hi"}"#)))),
        (
            "messages of one span",
            request(
                &field(2, &log_record(&named(b"gen_ai.choice", &body(br#"{"content":"hi"}"#))))
                    .repeat(MUCH / 70),
            ),
        ),
        (
            "details of many spans",
            records(&named(details, &attribute(b"gen_ai.request.model", &field(1, b"m")))),
        ),
        (
            "details of one span",
            request(
                &field(2, &log_record(&named(details, &attribute(b"k", &field(1, b"v"))))).repeat(MUCH / 80),
            ),
        ),
        (
            "exceptions of one span",
            request(
                &field(
                    2,
                    &log_record(&named(b"exception", &attribute(b"exception.message", &field(1, b"v")))),
                )
                .repeat(MUCH / 80),
            ),
        ),
        (
            "details of one large text",
            one(&named(details, &attribute(b"gen_ai.input.messages", &field(1, &large)))),
        ),
        (
            "an exception of one large text",
            one(&named(b"exception", &attribute(b"exception.message", &field(1, &large)))),
        ),
        ("a body that is not UTF-8", one(&body(&vec![0xff; MUCH]))),
        ("empty values in a body", one(&field(5, &field(5, &[0x0a, 0].repeat(count))))),
    ] {
        check_signal(what, Signal::Logs, &body, Encoding::Protobuf).ok();
    }
    assert_eq!(check_signal("a large text", Signal::Logs, &one(&body(&large)), Encoding::Protobuf), Ok(2));
    let json =
        |records: &str| format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#);
    for (what, records) in [
        ("empty log records", "{},".repeat(MUCH / 3)),
        ("empty attributes", format!(r#"{{"attributes":[{}{{}}]}} "#, "{},".repeat(count))),
        ("escaped text", format!(r#"{{"body":{{"stringValue":"{}"}}}} "#, "\\n".repeat(MUCH / 2))),
    ] {
        let records = records.get(..records.len() - 1).expect("it ends in one byte");
        check_signal(what, Signal::Logs, json(records).as_bytes(), Encoding::Json).ok();
    }
}

#[test]
fn metric_points() {
    // A metric of a name, and one field with points.
    let metric =
        |number: u8, points: &[u8]| request(&field(2, &[field(1, b"m"), field(number, points)].concat()));
    let count = MUCH / 4;
    let one = |number: u8, content: &[u8]| metric(number, &field(1, content));
    let packed = |byte: u8| vec![byte; MUCH / 8 * 8];
    for (what, body) in [
        ("empty metrics", request(&[0x12, 0].repeat(count))),
        ("empty resources", [0x0a, 0].repeat(count)),
        ("empty points of a gauge", metric(5, &[0x0a, 0].repeat(count))),
        ("empty points of a histogram", metric(9, &[0x0a, 0].repeat(count))),
        ("empty points of an exponential histogram", metric(10, &[0x0a, 0].repeat(count))),
        ("empty points of a summary", metric(11, &[0x0a, 0].repeat(count))),
        ("points of another type", metric(5, &[0x0a, 2, 0x20, 0].repeat(count))),
        ("points with a warning", metric(9, &[0x0a, 2, 0x48, 0].repeat(count))),
        (
            "gauges of a point each",
            request(&field(2, &[field(1, b"m"), field(9, &field(1, &[]))].concat()).repeat(MUCH / 9)),
        ),
        ("empty attributes", one(5, &[0x3a, 0].repeat(count))),
        ("empty exemplars", one(5, &[0x2a, 0].repeat(count))),
        ("empty quantiles", one(11, &[0x32, 0].repeat(count))),
        ("bucket counts", one(9, &field(6, &packed(0)))),
        ("bounds", one(9, &field(7, &packed(0)))),
        ("bucket counts one by one", one(9, &[0x31, 0, 0, 0, 0, 0, 0, 0, 0].repeat(MUCH / 9))),
        ("exponential buckets", one(10, &field(8, &field(2, &packed(0))))),
        (
            "a large description",
            request(&field(
                2,
                &[field(1, b"m"), field(2, &packed(b'x')), field(9, &[0x0a, 0].repeat(1_000))].concat(),
            )),
        ),
    ] {
        check_signal(what, Signal::Metrics, &body, Encoding::Protobuf).ok();
    }
    let json = |data: &str| {
        format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{{data},"name":"m"}}]}}]}}]}}"#)
    };
    let points = |form: &str, points: &str| {
        json(&format!(r#""{form}":{{"dataPoints":[{points}{{}}],"isMonotonic":true}}"#))
    };
    for (what, body) in [
        ("empty points of a gauge", points("gauge", &"{},".repeat(MUCH / 3))),
        ("empty points of a histogram", points("histogram", &"{},".repeat(MUCH / 3))),
        (
            "bucket counts",
            points("histogram", &format!(r#"{{"bucketCounts":[{}0]}},"#, "0,".repeat(MUCH / 2))),
        ),
        ("members that nobody knows", json(&format!(r#""x":[{}1]"#, "1,".repeat(MUCH / 2)))),
    ] {
        check_signal(what, Signal::Metrics, body.as_bytes(), Encoding::Json).ok();
    }
}

/// Shared memory is asked before it is taken.
#[test]
fn memory_is_asked_for() {
    struct Limited(usize, MemoryError, usize);
    impl Memory for Limited {
        fn grow_to(&mut self, bytes: usize) -> Result<(), MemoryError> {
            self.2 = self.2.max(bytes);
            if bytes > self.0 { Err(self.1) } else { Ok(()) }
        }
    }
    let ctx = MapContext::at(UnixNanos::from_nanos(1));
    let body = request(&field(2, &span(&[])).repeat(10_000));
    let mut busy = Limited(4 * MIB, MemoryError::ForNow, 0);
    let err =
        read_within(Signal::Traces, &body, Encoding::Protobuf, &ctx, &mut busy).expect_err("others have it");
    assert_eq!(err.kind, ErrorKind::Overloaded);
    let mut small = Limited(4 * MIB, MemoryError::ForEver, 0);
    let mapped =
        read_within(Signal::Traces, &body, Encoding::Protobuf, &ctx, &mut small).expect("a part fits");
    assert!(mapped.runs.len() > 1_000 && mapped.rejected() > 1_000, "{}", mapped.message());
    let mut large = Limited(64 * MIB, MemoryError::ForEver, 0);
    let before = HELD.get();
    let mapped = read_within(Signal::Traces, &body, Encoding::Protobuf, &ctx, &mut large).expect("all fits");
    assert_eq!(mapped.runs.len(), 10_000);
    // What was asked for is what is held, with some room.
    let held = usize::try_from(HELD.get() - before).unwrap_or(0);
    assert!(large.2 >= held && large.2 < held * 3, "asked for {} and holds {held}", large.2);
}
