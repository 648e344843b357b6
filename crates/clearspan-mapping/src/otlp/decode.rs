//! Request bodies to OTLP structs.

use std::fmt;

use prost::Message;

use super::json_body;
use super::{ExportLogsServiceRequest, ExportMetricsServiceRequest, ExportTraceServiceRequest};

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// A body that is not an OTLP request: what was expected, and what is wrong where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    message: String,
}

impl DecodeError {
    pub(super) fn new(what: &str, why: impl fmt::Display) -> Self {
        Self { message: format!("the body is not an OTLP {what} request: {why}") }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

/// Reads a trace request.
pub fn decode_traces(body: &[u8], encoding: Encoding) -> Result<ExportTraceServiceRequest, DecodeError> {
    decode(body, encoding, "trace", json_body::read_traces)
}

/// Reads a log request.
pub fn decode_logs(body: &[u8], encoding: Encoding) -> Result<ExportLogsServiceRequest, DecodeError> {
    decode(body, encoding, "log", json_body::read_logs)
}

/// Reads a metric request.
pub fn decode_metrics(body: &[u8], encoding: Encoding) -> Result<ExportMetricsServiceRequest, DecodeError> {
    decode(body, encoding, "metric", json_body::read_metrics)
}

fn decode<M: Message + Default>(
    body: &[u8],
    encoding: Encoding,
    what: &str,
    read_json: fn(&crate::json::Json<'_>) -> M,
) -> Result<M, DecodeError> {
    match encoding {
        Encoding::Protobuf => M::decode(body).map_err(|err| DecodeError::new(what, err)),
        Encoding::Json => {
            let text = std::str::from_utf8(body).map_err(|err| DecodeError::new(what, err))?;
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            let json = crate::json::parse(text)
                .map_err(|err| DecodeError::new(what, format_args!("invalid JSON: {err}")))?;
            if json.members().is_none() {
                return Err(DecodeError::new(what, "the JSON value is not an object"));
            }
            Ok(read_json(&json))
        }
    }
}
