//! OTLP over HTTP: protobuf and JSON, on every path that clients are configured with.

use std::sync::Arc;
use std::time::Instant;

use ::http::request::Parts;
use ::http::{HeaderMap, Method, StatusCode, header};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use clearspan_mapping::otlp::Encoding;

use super::body::{self, BodyError, Coding};
use super::status::OtlpError;
use super::{MAX_BODY_BYTES, answer, destination};
use crate::auth::Caller;
use crate::context::Context;
use crate::drain::drain;
use crate::error::{Refusal, http_status};
use crate::ingest::{Export, Receipt, Signal};
use crate::telemetry::{Accepted, Protocol, Refused};

/// Where Langfuse's own API is.
const LANGFUSE_API: &str = "/api/public/";
/// What stands before `/v1/traces` in the endpoints that clients are configured with: nothing (the standard), what
/// LangSmith, Langfuse and Phoenix clients add by themselves, and what the documentation of other servers
/// made people write.
const PREFIXES: [&str; 16] = [
    "",
    "/otel",
    "/otlp",
    "/opentelemetry",
    "/v1/otel",
    "/v1/otlp",
    "/api",
    "/api/otel",
    "/api/otlp",
    "/api/v1/otel",
    "/api/v1/otlp",
    "/api/v2/otel",
    "/api/default",
    "/api/public",
    "/api/public/otel",
    "/api/public/otlp",
];

#[derive(Debug, Clone)]
struct Receiver {
    context: Arc<Context>,
}

pub(crate) fn router(context: Arc<Context>) -> Router {
    let receiver = Receiver { context };
    let mut router = Router::new();
    for prefix in PREFIXES {
        for (name, signal) in
            [("traces", Signal::Traces), ("logs", Signal::Logs), ("metrics", Signal::Metrics)]
        {
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
            for end in ["", "/"] {
                router = router.route(&format!("{prefix}/v1/{name}{end}"), post(handler).fallback(refuse));
            }
        }
    }
    router.with_state(receiver)
}

/// What remains when nothing is at a path. Who exports to the wrong one is told, there and on the set-up page.
pub(crate) async fn not_found(State(context): State<Arc<Context>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (message, hint) = nothing_at(parts.uri.path());
    let encoding = request_encoding(&parts.headers).ok().filter(|_| parts.method == Method::POST);
    if let Some(encoding) = encoding {
        context.diagnostics.note(Refused {
            time: context.clock.now(),
            protocol: Protocol::OtlpHttp.as_str(),
            path: parts.uri.path().to_owned(),
            status: StatusCode::NOT_FOUND.as_u16(),
            reason: message.to_owned(),
            hint: Some(hint.to_owned()),
        });
        drain(body).await;
        if encoding == Encoding::Protobuf {
            let status = StatusCode::NOT_FOUND;
            return OtlpError { status, message: message.to_owned(), encoding }.into_response();
        }
    }
    Refusal { status: StatusCode::NOT_FOUND, code: "not_found", message: message.to_owned() }.into_response()
}

/// What to say of a path that is not served, and what its client can do.
fn nothing_at(path: &str) -> (&'static str, &'static str) {
    match path.starts_with(LANGFUSE_API) {
        true => (
            "there is nothing at this path: Langfuse's own API is not served; OTLP from its SDKs is, from version 3 on in \
             Python and 4 on in JavaScript",
            "update the SDK: `langfuse` 3 or later in Python, `@langfuse/otel` with `@langfuse/tracing` 4 or later in \
             JavaScript; its base URL stays as it is",
        ),
        false => (
            "there is nothing at this path; OTLP over HTTP goes to /v1/traces, /v1/logs and /v1/metrics",
            "set OTEL_EXPORTER_OTLP_ENDPOINT to the address without a path",
        ),
    }
}

impl Receiver {
    async fn answer(self, signal: Signal, request: Request) -> Response {
        let begin = Instant::now();
        let (parts, body) = request.into_parts();
        match self.receive(signal, &parts, body, begin).await {
            Ok(response) => response,
            Err(refused) => {
                self.context.metrics.note_refused(Protocol::OtlpHttp, refused.status);
                self.context.diagnostics.note(Refused {
                    time: self.context.clock.now(),
                    protocol: Protocol::OtlpHttp.as_str(),
                    path: parts.uri.path().to_owned(),
                    status: refused.status.as_u16(),
                    hint: answer::hint(refused.status).map(str::to_owned),
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
        body: Body,
        begin: Instant,
    ) -> Result<Response, OtlpError> {
        let (encoding, caller, coding) = match self.check(&parts.headers).await {
            Ok(checked) => checked,
            Err(refused) => {
                // Who waits for "100 Continue" has sent nothing yet; reading would invite it to.
                if !parts.headers.contains_key(header::EXPECT) {
                    drain(body).await;
                }
                return Err(refused);
            }
        };
        let refuse = |status: StatusCode, message: String| OtlpError { status, message, encoding };
        let refuse_body = |err: BodyError| refuse(body::status_of(&err), err.to_string());

        let mut reservation = self.context.ingest.reservation();
        let packed =
            body::read(body, MAX_BODY_BYTES, |_| Ok(()), &mut reservation).await.map_err(refuse_body)?;
        let (body, reservation) =
            body::unpack_elsewhere(coding, packed, reservation).await.map_err(refuse_body)?;

        let bytes = body.len() as u64;
        let receipt = if body.is_empty() {
            // An empty protobuf message is a request without spans; nothing in JSON is taken for the same.
            Receipt::default()
        } else {
            let export = Export { signal, encoding, body, reservation };
            let delivered = self.context.ingest.deliver(export, destination(caller, &parts.headers)).await;
            delivered.map_err(|err| refuse(http_status(err.kind), err.message))?
        };
        let accepted = Accepted { runs: receipt.accepted, rejected: receipt.rejected, bytes };
        self.context.metrics.note_accepted(Protocol::OtlpHttp, accepted, begin.elapsed());
        Ok(match encoding {
            Encoding::Json => axum::Json(answer::json(signal, receipt)).into_response(),
            Encoding::Protobuf => {
                let body = answer::protobuf(signal, receipt);
                ([(header::CONTENT_TYPE, "application/x-protobuf")], body).into_response()
            }
        })
    }

    /// Everything that can be refused before the body is read.
    async fn check(&self, headers: &HeaderMap) -> Result<(Encoding, Caller, Coding), OtlpError> {
        let encoding = request_encoding(headers)?;
        let refuse = |status: StatusCode, message: String| OtlpError { status, message, encoding };
        let caller = self.context.auth.check(headers, self.context.clock.now()).await;
        let caller = caller.map_err(|refusal| refuse(refusal.status, refusal.message))?;
        let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
        let coding = codings.next().map(|value| value.to_str().unwrap_or("unreadable"));
        let coding = if codings.next().is_some() { Some("several,codings") } else { coding };
        let coding =
            body::coding_of(coding).map_err(|message| refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))?;
        Ok((encoding, caller, coding))
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
        "application/json" if !parameters.contains("charset") || parameters.contains("utf-8") => {
            Ok(Encoding::Json)
        }
        "application/json" => Err(refuse("JSON must be UTF-8")),
        "application/grpc" => {
            Err(refuse("this is the HTTP port: send gRPC to the gRPC port (4317 unless changed)"))
        }
        _ => Err(refuse("the content type must be application/x-protobuf or application/json")),
    }
}

/// In which encoding to refuse a request whose body does not matter.
fn answer_encoding(headers: &HeaderMap) -> Encoding {
    request_encoding(headers).unwrap_or(Encoding::Json)
}

#[cfg(test)]
mod tests;
