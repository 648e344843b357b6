//! Hostile and broken requests: what becomes of each row of the catalogue of bad input.
//!
//! Numbers in front of the rows are those of the catalogue (1 to 31 protobuf, 32 to 48 JSON). What a row is about on
//! the way to the mapping (content types, compression, status codes) is tested with the server. What all rows have in
//! common is checked for each: nothing panics, good neighbours stay, and what is refused is counted and named.

#![expect(clippy::unwrap_used, reason = "a row that cannot be built must fail the test")]

mod hostile {
    mod faults;
    mod json;
    mod logs;
    mod metrics;
    mod protobuf;
    pub(crate) mod request;
    mod values;
}

use clearspan_mapping::otlp::{DecodeError, Encoding, MapContext, Mapped, Signal, Unshared, read_within};
use clearspan_model::{ErrorKind, Run, UnixNanos};

pub(crate) const NOW: i64 = 1_800_000_000_000_000_000;

pub(crate) fn read(body: &[u8], encoding: Encoding) -> Result<Mapped, DecodeError> {
    read_signal(Signal::Traces, body, encoding)
}

pub(crate) fn read_signal(signal: Signal, body: &[u8], encoding: Encoding) -> Result<Mapped, DecodeError> {
    let ctx = MapContext::at(UnixNanos::from_nanos(NOW));
    read_within(signal, body, encoding, &ctx, &mut Unshared)
}

/// What must become of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    /// So many runs (or log records, or points), and nothing refused.
    Stored(usize),
    /// So many runs, so many refused, and a reason that says so.
    Partly(usize, u64, &'static str),
    /// Refused as a whole as no request, with these words.
    Refused(&'static str),
    /// Refused as a whole because of its size.
    TooLarge(&'static str),
}

pub(crate) struct Row {
    pub(crate) number: u8,
    pub(crate) what: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) expect: Expect,
}

/// Rows with a number from the catalogue.
pub(crate) fn row(number: u8, what: &'static str, body: impl Into<Vec<u8>>, expect: Expect) -> Row {
    Row { number, what, body: body.into(), expect }
}

pub(crate) fn check(rows: Vec<Row>, encoding: Encoding) {
    check_signal(Signal::Traces, rows, encoding);
}

fn stored(signal: Signal, mapped: &Mapped) -> usize {
    match signal {
        Signal::Traces => mapped.runs.len(),
        Signal::Logs => mapped.logs.len(),
        Signal::Metrics => mapped.metrics.len(),
    }
}

pub(crate) fn check_signal(signal: Signal, rows: Vec<Row>, encoding: Encoding) {
    for Row { number, what, body, expect } in rows {
        let at = format!("row {number}: {what}");
        let read = read_signal(signal, &body, encoding);
        match (expect, read) {
            (Expect::Stored(count), Ok(mapped)) => {
                let found = (stored(signal, &mapped), mapped.rejected());
                assert_eq!(found, (count, 0), "{at}: {}", mapped.message());
            }
            (Expect::Partly(count, rejected, says), Ok(mapped)) => {
                let found = (stored(signal, &mapped), mapped.rejected());
                assert_eq!(found, (count, rejected), "{at}: {}", mapped.message());
                assert!(mapped.message().contains(says), "{at}: {}", mapped.message());
                assert!(mapped.message().len() < 4_096, "{at}: {}", mapped.message());
            }
            (Expect::Refused(says), Err(err)) => {
                assert_eq!(err.kind, ErrorKind::InvalidInput, "{at}: {err}");
                assert!(err.to_string().contains(says), "{at}: {err}");
                assert!(err.to_string().len() < 1_024, "{at}: {err}");
            }
            (Expect::TooLarge(says), Err(err)) => {
                assert_eq!(err.kind, ErrorKind::TooLarge, "{at}: {err}");
                assert!(err.to_string().contains(says), "{at}: {err}");
            }
            (expect, Ok(mapped)) => panic!(
                "{at}: expected {expect:?}, found {} stored, {} rejected: {}",
                stored(signal, &mapped),
                mapped.rejected(),
                mapped.message()
            ),
            (expect, Err(err)) => panic!("{at}: expected {expect:?}, found {err}"),
        }
    }
}

/// The one run of a request.
pub(crate) fn only(mut mapped: Mapped) -> Run {
    assert_eq!((mapped.runs.len(), mapped.rejected()), (1, 0), "{}", mapped.message());
    mapped.runs.remove(0).run
}

/// The issues of a run, as `field: message`.
pub(crate) fn issues(run: &Run) -> Vec<String> {
    run.issues.iter().map(|issue| format!("{} {}: {}", issue.kind, issue.field, issue.message)).collect()
}
