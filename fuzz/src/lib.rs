//! What must hold for every body, however it came to be.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use clearspan_mapping::otlp::{Encoding, MapContext, Mapped, read_traces};
use clearspan_model::{JsonText, Run, UnixNanos};

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
pub fn check(body: &[u8], encoding: Encoding) -> Option<Mapped> {
    let ctx = MapContext::at(UnixNanos::from_nanos(1_800_000_000_000_000_000));
    let before = HELD.get();
    PEAK.set(before);
    let first = read_traces(body, encoding, &ctx);
    let peak = usize::try_from(PEAK.get() - before).unwrap_or(0);
    assert!(peak <= FLOOR.max(body.len() * 4), "{} bytes took {peak}", body.len());

    let second = read_traces(body, encoding, &ctx);
    assert_eq!(first, second, "the same body became two things");
    let mapped = match first {
        Ok(mapped) => mapped,
        Err(err) => {
            assert!(err.to_string().len() < 2_048, "{err}");
            return None;
        }
    };
    assert_eq!(mapped.rejected() > 0, !mapped.message().is_empty());
    assert!(mapped.message().len() < 4_096);
    mapped.runs.iter().for_each(|mapped| check_run(&mapped.run));
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

fn check_json(text: &JsonText) {
    let read = serde_json::from_str::<&serde_json::value::RawValue>(text.as_str());
    // serde_json stops at a depth that the mapping allows.
    if let Err(err) = read {
        assert!(err.to_string().contains("recursion limit"), "not JSON: {err}: {text:?}");
    }
}
