//! OTLP over gRPC: the three collector services.
//!
//! The framing of a unary call is read here and not by tonic, for three reasons: the message stays bytes, so that both
//! protocols are decoded by the same lenient decoder; the shared budget is charged as bytes arrive, not as a client
//! announces them; and a message that is too large is `RESOURCE_EXHAUSTED`, where tonic says `OUT_OF_RANGE`,
//! which exporters retry. Errors are tonic's `Status`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::{BufMut, Bytes, BytesMut};
use clearspan_mapping::otlp::Encoding;
use clearspan_model::ErrorKind;
use http_body_util::StreamBody;
use hyper::body::Frame;
use prost::Message;
use tonic::{Code, Status};

use super::body::{self, BodyError, Coding};
use super::status::{self, RpcStatus};
use super::{MAX_BODY_BYTES, answer, destination};
use crate::context::Context;
use crate::ingest::{Export, Receipt, Signal};
use crate::telemetry::{Accepted, Protocol, Refused};

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// A message is preceded by one byte that says whether it is packed, and four of length.
const PREFIX_BYTES: usize = 5;

#[derive(Debug, Clone)]
struct Receiver {
    context: Arc<Context>,
}

/// The three services. They work on the HTTP port, too: nobody has to know which port speaks what.
pub(crate) fn routes(context: Arc<Context>) -> Router {
    let mut router = Router::new();
    for (path, signal) in [(TRACES, Signal::Traces), (LOGS, Signal::Logs), (METRICS, Signal::Metrics)] {
        let handler = move |State(receiver): State<Receiver>, request: Request| async move {
            receiver.answer(signal, request).await
        };
        router = router.route(path, any(handler));
    }
    router.with_state(Receiver { context })
}

/// The three services, and the answer of gRPC to everything else.
pub(crate) fn router(context: Arc<Context>) -> Router {
    routes(context).fallback(|headers: HeaderMap| async move {
        if speaks_grpc(&headers) {
            Status::unimplemented("there is no such method here").into_http()
        } else {
            not_grpc()
        }
    })
}

impl Receiver {
    async fn answer(self, signal: Signal, request: Request) -> Response {
        if !speaks_grpc(request.headers()) {
            return not_grpc();
        }
        let begin = Instant::now();
        let (parts, body) = request.into_parts();
        let timeout = parts.headers.get("grpc-timeout").and_then(|value| parse_timeout(value.to_str().ok()?));
        let receiving = self.receive(signal, &parts.headers, body, begin);
        let outcome = match timeout {
            // What reached the store goes on; the client may send it again without harm.
            Some(timeout) => tokio::time::timeout(timeout, receiving)
                .await
                .unwrap_or_else(|_| Err(Status::deadline_exceeded("the call's deadline has passed"))),
            None => receiving.await,
        };
        match outcome {
            Ok(receipt) => success(signal, receipt),
            Err(status) => {
                self.note_refused(parts.uri.path(), &status);
                let mut response = status.into_http::<Body>();
                let accepted = HeaderValue::from_static("identity,gzip,zstd");
                response.headers_mut().insert("grpc-accept-encoding", accepted);
                response
            }
        }
    }

    async fn receive(
        &self,
        signal: Signal,
        headers: &HeaderMap,
        body: Body,
        begin: Instant,
    ) -> Result<Receipt, Status> {
        let caller = self.context.auth.check(headers, self.context.clock.now()).await;
        let caller = caller.map_err(|refusal| match refusal.status {
            status if status.is_server_error() => status::retryable(Code::Unavailable, &refusal.message),
            StatusCode::UNAUTHORIZED => Status::unauthenticated(refusal.message),
            _ => Status::invalid_argument(refusal.message),
        })?;
        let coding = coding_of(headers)?;
        let mut reservation = self.context.ingest.reservation();
        let limit = MAX_BODY_BYTES + PREFIX_BYTES;
        let framed = body::read(body, limit, check_prefix, &mut reservation).await.map_err(body_status)?;
        let (message, is_packed) = take_message(framed)?;
        let coding = match (is_packed, coding) {
            (false, _) => Coding::Identity,
            (true, Coding::Identity) => {
                return Err(Status::internal(
                    "the message is marked as compressed, but grpc-encoding is missing",
                ));
            }
            (true, coding) => coding,
        };
        let unpacked = body::unpack_elsewhere(coding, message, reservation).await;
        let (message, reservation) = unpacked.map_err(body_status)?;

        let bytes = message.len() as u64;
        let export = Export { signal, encoding: Encoding::Protobuf, body: message, reservation };
        let receipt = self.context.ingest.deliver(export, destination(caller, headers)).await;
        let receipt = receipt.map_err(|err| ingest_status(err.kind, &err.message))?;
        let accepted = Accepted { runs: receipt.accepted, rejected: receipt.rejected, bytes };
        self.context.metrics.note_accepted(Protocol::OtlpGrpc, accepted, begin.elapsed());
        Ok(receipt)
    }

    fn note_refused(&self, path: &str, status: &Status) {
        let http = http_twin(status.code());
        self.context.metrics.note_refused(Protocol::OtlpGrpc, http);
        self.context.diagnostics.note(Refused {
            time: self.context.clock.now(),
            protocol: Protocol::OtlpGrpc.as_str(),
            path: path.to_owned(),
            status: http.as_u16(),
            reason: status.message().to_owned(),
            hint: answer::hint(http).map(str::to_owned),
        });
    }
}

fn speaks_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let rest = value.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b";") || rest == b"+proto")
}

fn not_grpc() -> Response {
    let text = "this is for gRPC (application/grpc); send OTLP over HTTP to /v1/traces on the HTTP port, 4318 unless changed\n";
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response()
}

fn coding_of(headers: &HeaderMap) -> Result<Coding, Status> {
    let value = headers.get("grpc-encoding").map(|value| value.to_str().unwrap_or("unreadable"));
    body::coding_of(value).map_err(Status::unimplemented)
}

/// Refuses a message by its announced length, before it is read.
fn check_prefix(received: &[u8]) -> Result<(), BodyError> {
    let Some(prefix) = received.first_chunk::<PREFIX_BYTES>() else { return Ok(()) };
    if announced_bytes(*prefix) > MAX_BODY_BYTES {
        return Err(BodyError::TooLarge);
    }
    Ok(())
}

fn announced_bytes([_, length @ ..]: [u8; PREFIX_BYTES]) -> usize {
    usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX)
}

/// The one message of a unary call, and whether it is packed.
fn take_message(mut framed: Bytes) -> Result<(Bytes, bool), Status> {
    let Some(prefix) = framed.first_chunk::<PREFIX_BYTES>().copied() else {
        return Err(Status::invalid_argument("the call carries no message"));
    };
    let message = framed.split_off(PREFIX_BYTES);
    if message.len() < announced_bytes(prefix) {
        return Err(Status::invalid_argument("the message is shorter than announced"));
    }
    if message.len() > announced_bytes(prefix) {
        return Err(Status::invalid_argument("the call carries more than one message"));
    }
    match prefix[0] {
        0 => Ok((message, false)),
        1 => Ok((message, true)),
        _ => Err(Status::internal("the message has an unknown compression flag")),
    }
}

/// How long the client waits. What is not of the form that gRPC defines is ignored.
fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

fn body_status(err: BodyError) -> Status {
    let message = err.to_string();
    match err {
        BodyError::TooLarge => Status::resource_exhausted(message),
        BodyError::NoMemory => status::retryable(Code::Unavailable, &message),
        BodyError::TimedOut => status::retryable(Code::DeadlineExceeded, &message),
        BodyError::Broken => Status::cancelled(message),
        BodyError::Damaged(_) => Status::invalid_argument(message),
        BodyError::Failed => Status::internal(message),
    }
}

fn ingest_status(kind: ErrorKind, message: &str) -> Status {
    let code = status::grpc_code(kind);
    if kind.is_retryable() { status::retryable(code, message) } else { Status::new(code, message) }
}

/// The HTTP status that stands for a code in metrics and diagnostics.
fn http_twin(code: Code) -> StatusCode {
    match code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded | Code::Cancelled => StatusCode::REQUEST_TIMEOUT,
        Code::Unimplemented => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn success(signal: Signal, receipt: Receipt) -> Response {
    let message = answer::protobuf(signal, receipt);
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("an answer is small"));
    framed.put_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames =
        [Frame::data(framed.freeze()), Frame::trailers(trailers)].map(Ok::<_, std::convert::Infallible>);
    let body = Body::new(StreamBody::new(futures::stream::iter(frames)));
    ([(header::CONTENT_TYPE, "application/grpc")], body).into_response()
}

impl RpcStatus {
    /// As the trailer `grpc-status-details-bin` carries it.
    pub(super) fn into_grpc(self) -> Status {
        let code = Code::from_i32(self.code);
        Status::with_details(code, self.message.clone(), self.encode_to_vec().into())
    }
}

#[cfg(test)]
mod tests;
