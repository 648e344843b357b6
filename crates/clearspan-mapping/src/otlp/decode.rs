//! Bodies of log and metric requests to OTLP structs.

use std::fmt;

use clearspan_model::ErrorKind;
use prost::Message;

use super::json_body;
use super::{ExportLogsServiceRequest, ExportMetricsServiceRequest};

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// A body that cannot be taken: what was expected, and what is wrong where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Whose fault it is, and whether it passes.
    pub kind: ErrorKind,
    message: String,
}

impl DecodeError {
    pub(super) fn new(what: &str, why: impl fmt::Display) -> Self {
        Self {
            kind: ErrorKind::InvalidInput,
            message: format!("the body is not an OTLP {what} request: {why}"),
        }
    }

    pub(super) fn too_large(why: &str) -> Self {
        Self { kind: ErrorKind::TooLarge, message: why.to_owned() }
    }

    pub(super) fn busy() -> Self {
        let message = "the server has too much to do; try again".to_owned();
        Self { kind: ErrorKind::Overloaded, message }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

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
