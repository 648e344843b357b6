//! OTLP over HTTP: protobuf and JSON, on every path that clients are configured with.

use std::sync::Arc;
use std::time::Instant;

use ::http::request::Parts;
use ::http::{HeaderMap, StatusCode, header};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use clearspan_mapping::otlp::Encoding;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message;
use serde_json::json;

use super::body::{self, BodyError, Coding};
use super::status::OtlpError;
use super::{Budget, destination};
use crate::context::Context;
use crate::error::http_status;
use crate::ingest::{Export, Receipt, Signal};
use crate::telemetry::Refused;

/// Where clients may send to: the standard path, and those of LangSmith, Langfuse and gateways.
const PREFIXES: [&str; 6] =
    ["", "/otel", "/otlp", "/api/otel", "/api/v1/otel", "/api/public/otel"];

#[derive(Debug, Clone)]
struct Receiver {
    context: Arc<Context>,
    budget: Budget,
}

pub(crate) fn router(context: Arc<Context>, budget: Budget) -> Router {
    let receiver = Receiver { context, budget };
    let mut router = Router::new();
    for prefix in PREFIXES {
        for (name, signal) in [("traces", Signal::Traces), ("logs", Signal::Logs), ("metrics", Signal::Metrics)] {
            let handler = move |State(receiver): State<Receiver>, request: Request| async move {
                receiver.answer(signal, request).await
            };
            let refuse = |headers: HeaderMap| async move {
                OtlpError {
                    status: StatusCode::METHOD_NOT_ALLOWED,
                    message: "send OTLP with POST".to_owned(),
                    encoding: answer_encoding(&headers),
                }
            };
            router = router.route(&format!("{prefix}/v1/{name}"), post(handler).fallback(refuse));
        }
    }
    router.with_state(receiver)
}

impl Receiver {
    async fn answer(self, signal: Signal, request: Request) -> Response {
        let begin = Instant::now();
        let (parts, body) = request.into_parts();
        match self.receive(signal, &parts, body, begin).await {
            Ok(response) => response,
            Err(refused) => {
                self.context.metrics.note_refused();
                self.context.diagnostics.note(Refused {
                    time: self.context.clock.now(),
                    protocol: "otlp_http",
                    path: parts.uri.path().to_owned(),
                    status: refused.status.as_u16(),
                    hint: hint(&refused, &parts.headers),
                    reason: refused.message.clone(),
                });
                refused.into_response()
            }
        }
    }

    async fn receive(
        &self,
        signal: Signal,
        parts: &Parts,
        body: axum::body::Body,
        begin: Instant,
    ) -> Result<Response, OtlpError> {
        let encoding = request_encoding(&parts.headers)?;
        let refuse = |status: StatusCode, message: String| OtlpError { status, message, encoding };
        let caller = self.context.auth.check(&parts.headers, self.context.clock.now()).await;
        let caller = caller.map_err(|refusal| refuse(refusal.status, refusal.message))?;
        let coding = parts.headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("unreadable"));
        let coding =
            body::coding_of(coding).map_err(|message| refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))?;

        let mut reservation = self.budget.reservation();
        let announced = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        let packed = body::read(body, announced, &mut reservation).await;
        let packed = packed.map_err(|err| body_error(err, &refuse))?;
        let (unpacked, reservation) = match coding {
            Coding::Identity => (packed, reservation),
            Coding::Gzip | Coding::Zstd => {
                let unpacking = tokio::task::spawn_blocking(move || {
                    body::unpack(coding, packed, &mut reservation).map(|bytes| (bytes, reservation))
                });
                let unpacked = unpacking.await.unwrap_or_else(|err| Err(BodyError::Damaged(err.to_string())));
                unpacked.map_err(|err| body_error(err, &refuse))?
            }
        };

        let bytes = unpacked.len() as u64;
        let to = destination(caller, &parts.headers);
        let receipt = self.context.ingest.deliver(Export::Encoded(signal, encoding, unpacked), to).await;
        drop(reservation);
        let receipt = receipt.map_err(|err| refuse(http_status(err.kind), err.message))?;
        self.context.metrics.note_accepted(receipt.accepted, receipt.rejected, bytes, begin.elapsed());
        Ok(success(signal, encoding, receipt))
    }
}

fn body_error(err: BodyError, refuse: &dyn Fn(StatusCode, String) -> OtlpError) -> OtlpError {
    match err {
        BodyError::TooLarge => refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the request has more than 64 MiB after decompression; send smaller batches".to_owned(),
        ),
        BodyError::NoMemory => {
            refuse(StatusCode::SERVICE_UNAVAILABLE, "too many bytes are being received; try again".to_owned())
        }
        BodyError::TimedOut => {
            refuse(StatusCode::REQUEST_TIMEOUT, "the request's body did not arrive in time".to_owned())
        }
        BodyError::Broken => refuse(StatusCode::BAD_REQUEST, "the request's body broke off".to_owned()),
        BodyError::Damaged(message) => refuse(StatusCode::BAD_REQUEST, message),
    }
}

/// The encoding by the request's content type.
fn request_encoding(headers: &HeaderMap) -> Result<Encoding, OtlpError> {
    let refuse = |message: &str| OtlpError {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        message: message.to_owned(),
        encoding: Encoding::Json,
    };
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(value) = values.next() else {
        return Err(refuse("the content type is missing: send application/x-protobuf or application/json"));
    };
    if values.next().is_some() {
        return Err(refuse("the request has two content types"));
    }
    let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let (kind, parameters) = text.split_once(';').unwrap_or((&text, ""));
    match kind.trim() {
        "application/x-protobuf" | "application/protobuf" => Ok(Encoding::Protobuf),
        "application/json" if !parameters.contains("charset") || parameters.contains("utf-8") => Ok(Encoding::Json),
        "application/json" => Err(refuse("JSON must be UTF-8")),
        "application/grpc" => Err(refuse("this is the HTTP port: send gRPC to the gRPC port (4317 unless changed)")),
        _ => Err(refuse("the content type must be application/x-protobuf or application/json")),
    }
}

/// In which encoding to refuse a request whose body does not matter.
fn answer_encoding(headers: &HeaderMap) -> Encoding {
    request_encoding(headers).unwrap_or(Encoding::Json)
}

fn hint(refused: &OtlpError, headers: &HeaderMap) -> Option<String> {
    let is_grpc = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    Some(match refused.status {
        _ if is_grpc => "use the gRPC port, or switch the exporter to http/protobuf".to_owned(),
        StatusCode::UNAUTHORIZED => "set the header x-api-key in OTEL_EXPORTER_OTLP_HEADERS".to_owned(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "use http/protobuf or http/json, with gzip, zstd or no compression".to_owned(),
        StatusCode::PAYLOAD_TOO_LARGE => "lower OTEL_BSP_MAX_EXPORT_BATCH_SIZE".to_owned(),
        _ => return None,
    })
}

/// The answer that OTLP defines; it names what was rejected.
fn success(signal: Signal, encoding: Encoding, receipt: Receipt) -> Response {
    let rejected = i64::try_from(receipt.rejected).unwrap_or(i64::MAX);
    let is_partial = rejected > 0 || !receipt.message.is_empty();
    if encoding == Encoding::Json {
        let field = match signal {
            Signal::Traces => "rejectedSpans",
            Signal::Logs => "rejectedLogRecords",
            Signal::Metrics => "rejectedDataPoints",
        };
        // OTLP's JSON writes 64-bit integers as strings.
        let partial = json!({"partialSuccess": {field: rejected.to_string(), "errorMessage": receipt.message}});
        return axum::Json(if is_partial { partial } else { json!({}) }).into_response();
    }
    let error_message = receipt.message;
    let body = match signal {
        Signal::Traces => {
            let partial = ExportTracePartialSuccess { rejected_spans: rejected, error_message };
            ExportTraceServiceResponse { partial_success: is_partial.then_some(partial) }.encode_to_vec()
        }
        Signal::Logs => {
            let partial = ExportLogsPartialSuccess { rejected_log_records: rejected, error_message };
            ExportLogsServiceResponse { partial_success: is_partial.then_some(partial) }.encode_to_vec()
        }
        Signal::Metrics => {
            let partial = ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message };
            ExportMetricsServiceResponse { partial_success: is_partial.then_some(partial) }.encode_to_vec()
        }
    };
    ([(header::CONTENT_TYPE, "application/x-protobuf")], body).into_response()
}

#[cfg(test)]
mod tests;
