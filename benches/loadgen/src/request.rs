//! What is sent: spans over OTLP, or runs over LangSmith's protocol.

use anyhow::Result;

use crate::body::{Body, Traces};
use crate::recorded::{BOUNDARY, Recorded};
use crate::rng::Rng;
use crate::words::Words;
use crate::{Args, Profile, TraceId, traces};

pub(crate) enum Request {
    Spans(Body),
    Runs(Recorded),
}

impl Request {
    pub(crate) fn build(args: &Args, seed: u64, words: &Words) -> Result<Self> {
        let spans = |make: Traces<'_>| Self::Spans(Body::build(seed, args.batch, make, words));
        Ok(match args.profile {
            Profile::Agent => spans(&|rng, words, trace| traces::agent(rng, words, trace, args.turns)),
            Profile::Small => spans(&traces::small),
            Profile::Tree => spans(&|rng, words, trace| traces::tree(rng, words, trace, args.batch)),
            Profile::Langsmith => Self::Runs(Recorded::build(args.batch)?),
        })
    }

    /// Before it is compressed.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Spans(body) => &body.bytes,
            Self::Runs(recorded) => &recorded.bytes,
        }
    }

    /// Spans or runs.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Spans(body) => body.spans,
            Self::Runs(recorded) => recorded.runs,
        }
    }

    /// Writes the request with new ids; returns that of its first trace.
    pub(crate) fn stamp(
        &self,
        out: &mut Vec<u8>,
        rng: &mut Rng,
        base_nanos: u64,
        trace: Option<TraceId>,
    ) -> Result<TraceId> {
        match self {
            Self::Spans(body) => Ok(body.stamp(out, rng, base_nanos, trace)),
            Self::Runs(recorded) => recorded.stamp(out, rng, base_nanos),
        }
    }

    pub(crate) fn headers(&self) -> String {
        match self {
            Self::Spans(_) => "Content-Type: application/x-protobuf\r\n".to_owned(),
            Self::Runs(_) => {
                format!(
                    "Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Encoding: zstd\r\n"
                )
            }
        }
    }
}
