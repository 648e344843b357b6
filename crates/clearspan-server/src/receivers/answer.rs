//! What OTLP answers to an export that was taken, the same for both protocols.

use ::http::StatusCode;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::{Value, json};

use crate::ingest::{Receipt, Signal};

/// The response message; it names what was rejected.
pub(super) fn protobuf(signal: Signal, receipt: Receipt) -> Vec<u8> {
    let Some(rejected) = rejected(&receipt) else {
        // A response without a partial success is an empty message, whatever the signal.
        return Vec::new();
    };
    let error_message = receipt.message;
    match signal {
        Signal::Traces => {
            let partial_success = Some(ExportTracePartialSuccess { rejected_spans: rejected, error_message });
            ExportTraceServiceResponse { partial_success }.encode_to_vec()
        }
        Signal::Logs => {
            let partial_success =
                Some(ExportLogsPartialSuccess { rejected_log_records: rejected, error_message });
            ExportLogsServiceResponse { partial_success }.encode_to_vec()
        }
        Signal::Metrics => {
            let partial_success =
                Some(ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message });
            ExportMetricsServiceResponse { partial_success }.encode_to_vec()
        }
    }
}

/// The same as OTLP/JSON, which writes 64-bit integers as strings.
pub(super) fn json(signal: Signal, receipt: Receipt) -> Value {
    let Some(rejected) = rejected(&receipt) else { return json!({}) };
    let field = match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
    };
    json!({"partialSuccess": {field: rejected.to_string(), "errorMessage": receipt.message}})
}

fn rejected(receipt: &Receipt) -> Option<i64> {
    let is_partial = receipt.rejected > 0 || !receipt.message.is_empty();
    is_partial.then(|| i64::try_from(receipt.rejected).unwrap_or(i64::MAX))
}

/// What a person can change when requests are refused with this status.
pub(super) fn hint(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED => Some(
            "make a key with `clearspan keys create` and send it: OTEL_EXPORTER_OTLP_HEADERS=x-api-key=<key>",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Some("use grpc, http/protobuf or http/json as protocol, with gzip, zstd or no compression")
        }
        StatusCode::PAYLOAD_TOO_LARGE => Some("send smaller batches: lower OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
        StatusCode::SERVICE_UNAVAILABLE => {
            Some("clients try again by themselves; /readyz says what is wrong")
        }
        _ => None,
    }
}
