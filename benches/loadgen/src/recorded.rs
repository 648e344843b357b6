//! Requests recorded from the LangSmith SDK, repeated: every send writes fresh ids and times into a copy and compresses
//! it as the SDK does.

use std::ops::Range;

use anyhow::{Context, Result};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::rng::Rng;

/// `@traceable` functions with an attachment, a graph of LangGraph, and wrapped clients.
const RECORDINGS: [&[u8]; 3] = [
    include_bytes!("../../../tests/golden/langsmith/01_traceable_zstd/0003_POST_runs_multipart.http"),
    include_bytes!("../../../tests/golden/langsmith/11_langgraph/0031_POST_runs_multipart.http"),
    include_bytes!("../../../tests/golden/langsmith/12_wrap_openai_anthropic/0035_POST_runs_multipart.http"),
];
/// Of the length of the SDK's.
pub(crate) const BOUNDARY: &str = "5d1c9a0e7b3f4c2c8e6a1b9d0f7e4a35";
const ZSTD_LEVEL: i32 = 3;
/// No recording is larger when it is unpacked.
const RECORDING_BYTES: usize = 1 << 20;

/// What the digits and signs of ids and times look like: `x` is a hexadecimal digit, `d` a decimal one.
const ID: &[u8] = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
const TIME: &[u8] = b"dddd-dd-ddTdd:dd:dd.dddddd";
const ORDER_TIME: &[u8] = b"ddddddddTddddddddddddZ";

/// One request before it is compressed, with the places of its ids and times.
pub(crate) struct Recorded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) runs: usize,
    /// For each id where it stands.
    ids: Vec<Vec<usize>>,
    /// Where a time stands, in which form, and how many microseconds after the first it is.
    times: Vec<(usize, &'static [u8], i64)>,
}

impl Recorded {
    /// Recordings in a row until there are `batch` runs.
    pub(crate) fn build(batch: usize) -> Result<Self> {
        let mut all = Self { bytes: Vec::new(), runs: 0, ids: Vec::new(), times: Vec::new() };
        let parts: Vec<Vec<u8>> = RECORDINGS.iter().map(|http| parts_of(http)).collect::<Result<_>>()?;
        for bytes in parts.iter().cycle() {
            all.append(bytes)?;
            if all.runs >= batch {
                break;
            }
        }
        all.bytes.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        Ok(all)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let base = self.bytes.len();
        let mut ids: FxHashMap<&[u8], Vec<usize>> = FxHashMap::default();
        let mut times = Vec::new();
        for at in 0..bytes.len() {
            let rest = &bytes[at..];
            if looks_like(rest, ID) {
                ids.entry(&rest[..ID.len()]).or_default().push(base + at);
            }
            for form in [TIME, ORDER_TIME] {
                if looks_like(rest, form) {
                    let text = std::str::from_utf8(&rest[..form.len()]).context("digits are UTF-8")?;
                    times.push((base + at, form, micros_of(text)?));
                }
            }
        }
        let first = times.iter().map(|(.., micros)| *micros).min().unwrap_or_default();
        self.times.extend(times.into_iter().map(|(at, form, micros)| (at, form, micros - first)));
        self.ids.extend(ids.into_values());
        self.runs += bytes.windows(POST.len()).filter(|text| looks_like(text, POST)).count();
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes the compressed request with new ids, and with `base_nanos` as its start; returns its first id.
    pub(crate) fn stamp(&self, out: &mut Vec<u8>, rng: &mut Rng, base_nanos: u64) -> Result<[u8; 16]> {
        let base_micros = i64::try_from(base_nanos / 1_000).context("the start is after 292,000 years")?;
        let mut bytes = self.bytes.clone();
        let mut first = None;
        for places in &self.ids {
            let id = new_id(rng, base_micros / 1_000);
            first.get_or_insert(id);
            let text = text_of(id);
            places.iter().for_each(|at| bytes[span_of(*at, ID.len())].copy_from_slice(text.as_bytes()));
        }
        for (at, form, micros) in &self.times {
            let time = Timestamp::from_microsecond(base_micros + micros).context("a time of this age")?;
            let text =
                time.strftime(if *form == TIME { "%Y-%m-%dT%H:%M:%S.%6f" } else { "%Y%m%dT%H%M%S%6fZ" });
            bytes[span_of(*at, form.len())].copy_from_slice(text.to_string().as_bytes());
        }
        *out = zstd::bulk::compress(&bytes, ZSTD_LEVEL).context("compressing to memory")?;
        Ok(first.unwrap_or_default())
    }
}

/// The first part of a run that begins.
const POST: &[u8] = b"name=\"post.xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\"";

fn span_of(at: usize, len: usize) -> Range<usize> {
    at..at + len
}

/// The parts of a recorded request, with our boundary and without the last line.
fn parts_of(http: &[u8]) -> Result<Vec<u8>> {
    let end = http.windows(4).position(|four| four == b"\r\n\r\n").context("a recording has a head")?;
    let head = std::str::from_utf8(&http[..end]).context("the head is text")?;
    let boundary =
        head.split("boundary=").nth(1).and_then(|rest| rest.lines().next()).context("a boundary")?;
    let body = &http[end + 4..];
    let body = if head.contains("Content-Encoding: zstd") {
        zstd::bulk::decompress(body, RECORDING_BYTES).context("unpacking a recording")?
    } else {
        body.to_vec()
    };
    let last = format!("--{boundary}--");
    let end = body.windows(last.len()).rposition(|text| text == last.as_bytes()).context("a last line")?;
    let mut parts = body[..end].to_vec();
    anyhow::ensure!(boundary.len() == BOUNDARY.len(), "the boundary {boundary} has another length");
    let mut at = 0;
    while let Some(next) = parts[at..].windows(boundary.len()).position(|text| text == boundary.as_bytes()) {
        at += next;
        parts[span_of(at, BOUNDARY.len())].copy_from_slice(BOUNDARY.as_bytes());
    }
    Ok(parts)
}

fn looks_like(text: &[u8], form: &[u8]) -> bool {
    let fits = |(byte, sign): (&u8, &u8)| match sign {
        b'x' => byte.is_ascii_hexdigit(),
        b'd' => byte.is_ascii_digit(),
        sign => byte == sign,
    };
    text.len() >= form.len() && text.iter().zip(form).all(fits)
}

fn micros_of(text: &str) -> Result<i64> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let time = DateTime::strptime("%Y%m%d%H%M%S%f", &digits).with_context(|| format!("{text} is no time"))?;
    Ok(time.to_zoned(TimeZone::UTC).context("a time of this age")?.timestamp().as_microsecond())
}

/// A UUID of version 7.
fn new_id(rng: &mut Rng, millis: i64) -> [u8; 16] {
    let mut id = rng.trace_id();
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id[6] = 0x70 | (id[6] & 0x0f);
    id[8] = 0x80 | (id[8] & 0x3f);
    id
}

fn text_of(id: [u8; 16]) -> String {
    Uuid::from_bytes(id).hyphenated().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_recording_has_new_ids_and_times_and_the_same_rest() {
        let recorded = Recorded::build(40).unwrap();
        assert!(recorded.runs >= 40 && recorded.ids.len() >= recorded.runs);
        let mut packed = Vec::new();
        let base = 1_795_000_000_123_456_000;
        let first = recorded.stamp(&mut packed, &mut Rng::new(7), base).unwrap();
        let bytes = zstd::bulk::decompress(&packed, recorded.bytes.len()).unwrap();
        assert_eq!(bytes.len(), recorded.bytes.len());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(text(&bytes).contains(&text_of(first)));
        assert!(text(&bytes).contains("2026-11-18T11:06:40.123456"), "the first time is the start");
        assert!(text(&bytes).contains("20261118T110640123456Z"));
        let mut blank = [recorded.bytes.clone(), bytes];
        for bytes in &mut blank {
            for places in &recorded.ids {
                places.iter().for_each(|at| bytes[span_of(*at, ID.len())].fill(b'i'));
            }
            for (at, form, _) in &recorded.times {
                bytes[span_of(*at, form.len())].fill(b't');
            }
        }
        assert_eq!(text(&blank[0]), text(&blank[1]));
        for time in ["2026-11-21T01:", "20261121T"] {
            assert!(!text(&blank[0]).contains(time), "a time was not found");
        }
    }
}
