//! What must hold for every body, however it came to be.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use clearspan_mapping::otlp::{Encoding, MapContext, Mapped, Signal, Unshared, read_within};
use clearspan_model::{JsonText, LogRecord, MetricPoint, Run, UnixNanos};

/// Counts what the thread holds, so that a body that takes too much is a crash.
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

// SAFETY: every call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        unsafe { System.realloc(place, layout, size) }
    }
}

/// Four times the body, as the mapping promises, and never less than its floor.
const FLOOR: usize = 64 << 20;

/// Reads a body twice and checks what came out. `None` when it is no request.
pub fn check(signal: Signal, body: &[u8], encoding: Encoding) -> Option<Mapped> {
    let ctx = MapContext::at(UnixNanos::from_nanos(1_800_000_000_000_000_000));
    let before = HELD.get();
    PEAK.set(before);
    let first = read_within(signal, body, encoding, &ctx, &mut Unshared);
    let peak = usize::try_from(PEAK.get() - before).unwrap_or(0);
    assert!(peak <= FLOOR.max(body.len() * 4), "{} bytes took {peak}", body.len());

    let second = read_within(signal, body, encoding, &ctx, &mut Unshared);
    // No number equals itself if it is none.
    assert_eq!(format!("{first:?}"), format!("{second:?}"), "the same body became two things");
    let mapped = match first {
        Ok(mapped) => mapped,
        Err(err) => {
            assert!(err.to_string().len() < 2_048, "{err}");
            return None;
        }
    };
    assert_eq!(mapped.rejected() > 0 || !mapped.repairs.is_empty(), !mapped.message().is_empty());
    assert!(mapped.message().len() < 4_096);
    mapped.runs.iter().for_each(|mapped| check_run(&mapped.run));
    mapped.logs.iter().for_each(|mapped| check_log(&mapped.record));
    mapped.metrics.iter().for_each(|mapped| check_point(&mapped.point));
    Some(mapped)
}

fn check_run(run: &Run) {
    assert!(!run.key.trace_id.is_nil() && !run.key.run_id.is_nil());
    let maps = [&run.attributes, &run.metadata, &run.resource].into_iter().flat_map(|map| map.values());
    let payloads = [&run.inputs, &run.outputs];
    let messages = payloads.into_iter().flat_map(|payload| payload.messages.iter().chain(&payload.rest));
    for text in maps.chain(messages).chain(&run.invocation_params) {
        check_json(text);
    }
}

fn check_log(log: &LogRecord) {
    assert!(log.trace_id.is_none_or(|id| !id.is_nil()) && log.span_id.is_none_or(|id| !id.is_nil()));
    assert!(log.severity.is_none_or(|severity| (1..=24).contains(&severity)));
    log.attributes.values().chain(log.sender.resource.values()).chain(&log.body).for_each(check_json);
}

fn check_point(point: &MetricPoint) {
    assert!(!point.name.trim().is_empty());
    point
        .attributes
        .values()
        .chain(point.sender.resource.values())
        .chain(&point.exemplars)
        .for_each(check_json);
}

fn check_json(text: &JsonText) {
    let read = serde_json::from_str::<&serde_json::value::RawValue>(text.as_str());
    // serde_json stops at a depth that the mapping allows.
    if let Err(err) = read {
        assert!(err.to_string().contains("recursion limit"), "not JSON: {err}: {text:?}");
    }
}
