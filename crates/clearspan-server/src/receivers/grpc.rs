//! OTLP over gRPC: the three collector services.

use std::sync::Arc;
use std::time::Instant;

use ::http::HeaderValue;
use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use clearspan_model::ErrorKind;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::{Code, Request, Status};

use super::status::{RpcStatus, grpc_code, retry_detail};
use super::{MAX_BODY_BYTES, destination};
use crate::context::Context;
use crate::ingest::{Export, Receipt};
use crate::telemetry::Refused;

#[derive(Debug, Clone)]
struct Receiver {
    context: Arc<Context>,
}

/// The services as routes, for the same connection handling as HTTP.
pub(crate) fn router(context: Arc<Context>) -> Router {
    macro_rules! service {
        ($server:ident) => {
            $server::new(Receiver { context: Arc::clone(&context) })
                .max_decoding_message_size(MAX_BODY_BYTES)
                .accept_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Zstd)
        };
    }
    Routes::new(service!(TraceServiceServer))
        .add_service(service!(LogsServiceServer))
        .add_service(service!(MetricsServiceServer))
        .into_axum_router()
        .layer(map_response(name_limits_right))
}

/// Tonic calls a message that is too large "out of range", which clients retry; it is an exhausted resource.
async fn name_limits_right(mut response: Response) -> Response {
    const OUT_OF_RANGE: &str = "11";
    if response.headers().get("grpc-status").is_some_and(|code| code == OUT_OF_RANGE) {
        response.headers_mut().insert("grpc-status", HeaderValue::from(Code::ResourceExhausted as i32));
    }
    response
}

impl Receiver {
    async fn deliver<T: Message>(
        &self,
        path: &'static str,
        request: Request<T>,
        export: impl FnOnce(T) -> Export,
    ) -> Result<Receipt, Status> {
        let begin = Instant::now();
        let (metadata, _, message) = request.into_parts();
        let headers = metadata.into_headers();
        let bytes = message.encoded_len() as u64;
        let caller = self.context.auth.check(&headers, self.context.clock.now()).await;
        let outcome = match caller {
            Ok(caller) => self
                .context
                .ingest
                .deliver(export(message), destination(caller, &headers))
                .await
                .map_err(|err| status(err.kind, &err.message)),
            Err(refusal) if refusal.status.is_server_error() => Err(status(ErrorKind::Unavailable, &refusal.message)),
            Err(refusal) => Err(status(ErrorKind::Unauthorized, &refusal.message)),
        };
        match &outcome {
            Ok(receipt) => {
                self.context.metrics.note_accepted(receipt.accepted, receipt.rejected, bytes, begin.elapsed());
            }
            Err(status) => {
                self.context.metrics.note_refused();
                let needs_key = status.code() == Code::Unauthenticated;
                self.context.diagnostics.note(Refused {
                    time: self.context.clock.now(),
                    protocol: "otlp_grpc",
                    path: path.to_owned(),
                    status: if needs_key { 401 } else { 400 },
                    reason: status.message().to_owned(),
                    hint: needs_key.then(|| "set the header x-api-key in OTEL_EXPORTER_OTLP_HEADERS".to_owned()),
                });
            }
        }
        outcome
    }
}

/// The status for a refusal; retryable ones say when to come back.
fn status(kind: ErrorKind, message: &str) -> Status {
    let code = grpc_code(kind);
    if !kind.is_retryable() {
        return Status::new(code, message);
    }
    let details = RpcStatus { code: code as i32, message: message.to_owned(), details: vec![retry_detail()] };
    Status::with_details(code, message, details.encode_to_vec().into())
}

type Answer<T> = Result<tonic::Response<T>, Status>;

fn rejected(receipt: &Receipt) -> Option<i64> {
    let is_partial = receipt.rejected > 0 || !receipt.message.is_empty();
    is_partial.then(|| i64::try_from(receipt.rejected).unwrap_or(i64::MAX))
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Answer<ExportTraceServiceResponse> {
        let receipt = self.deliver("TraceService/Export", request, Export::Traces).await?;
        let partial_success = rejected(&receipt)
            .map(|rejected_spans| ExportTracePartialSuccess { rejected_spans, error_message: receipt.message });
        Ok(tonic::Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(&self, request: Request<ExportLogsServiceRequest>) -> Answer<ExportLogsServiceResponse> {
        let receipt = self.deliver("LogsService/Export", request, Export::Logs).await?;
        let partial_success = rejected(&receipt)
            .map(|rejected_log_records| ExportLogsPartialSuccess { rejected_log_records, error_message: receipt.message });
        Ok(tonic::Response::new(ExportLogsServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(&self, request: Request<ExportMetricsServiceRequest>) -> Answer<ExportMetricsServiceResponse> {
        let receipt = self.deliver("MetricsService/Export", request, Export::Metrics).await?;
        let partial_success = rejected(&receipt).map(|rejected_data_points| ExportMetricsPartialSuccess {
            rejected_data_points,
            error_message: receipt.message,
        });
        Ok(tonic::Response::new(ExportMetricsServiceResponse { partial_success }))
    }
}
