//! OTLP over gRPC. The frames are made by hand, so that broken ones can be sent as well.

use bytes::{BufMut, Bytes, BytesMut};
use http::Request;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use crate::connection::{Answer, Connection};
use crate::server::Server;
use crate::spans::{self, OneSpan, gzip, padding, zstd};

pub(crate) const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
pub(crate) const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
pub(crate) const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

const LIMIT: usize = 64 << 20;

// Codes of gRPC.
const OK: i32 = 0;
const INVALID_ARGUMENT: i32 = 3;
const DEADLINE_EXCEEDED: i32 = 4;
const RESOURCE_EXHAUSTED: i32 = 8;
const UNIMPLEMENTED: i32 = 12;
const INTERNAL: i32 = 13;

/// A call with one message. `flag` 1 says that it is packed.
pub(crate) fn call(path: &str, flag: u8, message: &[u8]) -> Request<Bytes> {
    raw_call(path, frame(flag, message))
}

fn frame(flag: u8, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(flag);
    frame.put_u32(u32::try_from(message.len()).expect("a short message"));
    frame.put_slice(message);
    frame.freeze()
}

fn raw_call(path: &str, body: Bytes) -> Request<Bytes> {
    let request = Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
    request.body(body).expect("a valid request")
}

fn packed_call(coding: &str, message: &[u8]) -> Request<Bytes> {
    let mut request = call(TRACES, 1, message);
    request.headers_mut().insert("grpc-encoding", coding.parse().expect("a header value"));
    request
}

/// How the call ended: in the trailers, or in the headers when there is nothing else.
pub(crate) fn code(answer: &Answer) -> i32 {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let value = answer.trailers.get("grpc-status").or_else(|| answer.headers.get("grpc-status"));
    value.and_then(|value| value.to_str().ok()?.parse().ok()).expect("a code")
}

fn message(answer: &Answer) -> Bytes {
    assert_eq!(code(answer), OK, "{:?} {:?}", answer.headers, answer.trailers);
    assert_eq!(answer.header("content-type"), Some("application/grpc"));
    let announced = answer.body.slice(1..5);
    let message = answer.body.slice(5..);
    assert_eq!(
        usize::try_from(u32::from_be_bytes(announced[..].try_into().expect("four"))),
        Ok(message.len())
    );
    message
}

#[tokio::test]
async fn every_service_takes_every_coding() {
    let server = Server::start();
    let mut connection = server.connect_grpc().await;
    let mut number = 0;
    for coding in ["identity", "gzip", "zstd"] {
        number += 1;
        let span = OneSpan(number);
        let request = match coding {
            "gzip" => packed_call(coding, &gzip(&span.protobuf())),
            "zstd" => packed_call(coding, &zstd(&span.protobuf())),
            _ => call(TRACES, 0, &span.protobuf()),
        };
        assert!(message(&connection.send(request).await).is_empty(), "{coding}");
        assert_eq!(server.run_ids(&span.trace_id()).await.len(), 1, "{coding}");
    }
    for path in [TRACES, LOGS, METRICS] {
        assert!(message(&connection.send(call(path, 0, b"")).await).is_empty(), "{path}");
    }
    // A message may stay plain when the call allows packed ones.
    let mut plain = packed_call("gzip", b"");
    *plain.body_mut() = frame(0, &OneSpan(100).protobuf());
    message(&connection.send(plain).await);
    assert_eq!(server.run_count("default").await, u64::from(number) + 1);
}

/// Nobody should have to know which of the two ports speaks what.
#[tokio::test]
async fn the_http_port_speaks_grpc_too() {
    let server = Server::start();
    let mut connection = Connection::http2(&server.http).await;
    let span = OneSpan(1);
    message(&connection.send(call(TRACES, 0, &span.protobuf())).await);
    assert_eq!(server.run_ids(&span.trace_id()).await.len(), 1);
}

#[tokio::test]
async fn metadata_names_the_project() {
    let server = Server::start();
    let mut request = call(TRACES, 0, &OneSpan(1).protobuf());
    request.headers_mut().insert("langsmith-project", "by grpc".parse().expect("a value"));
    message(&server.connect_grpc().await.send(request).await);
    assert_eq!(server.run_count("by%20grpc").await, 1);
}

#[tokio::test]
async fn bad_spans_are_rejected_one_by_one() {
    let server = Server::start();
    let mut zero = OneSpan(9).otlp();
    zero.span_id = vec![0; 8];
    let body = spans::protobuf(vec![OneSpan(1).otlp(), zero, OneSpan(2).otlp()]);
    let answer = server.connect_grpc().await.send(call(TRACES, 0, &body)).await;
    let response = ExportTraceServiceResponse::decode(message(&answer)).expect("a response");
    let partial = response.partial_success.expect("a span was rejected");
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("span id"), "{}", partial.error_message);
    for number in [1, 2] {
        assert_eq!(server.run_ids(&OneSpan(number).trace_id()).await.len(), 1);
    }
}

#[tokio::test]
async fn bad_calls_end_with_the_code_that_stops_clients_from_repeating_them() {
    let server = Server::start();
    let mut connection = server.connect_grpc().await;
    let body = OneSpan(900).protobuf();
    let gzipped = gzip(&body);
    let mut four_gigabytes = frame(0, &body).to_vec();
    four_gigabytes[1..5].fill(0xff);
    let mut short = frame(0, b"0123456789").to_vec();
    short.truncate(10);
    let two = [frame(0, &body), frame(0, &body)].concat();
    let upper = TRACES.to_uppercase();
    let rows = [
        ("a truncated message", INVALID_ARGUMENT, call(TRACES, 0, &body[..body.len() - 1])),
        ("JSON", INVALID_ARGUMENT, call(TRACES, 0, &OneSpan(900).json())),
        ("no message", INVALID_ARGUMENT, raw_call(TRACES, Bytes::new())),
        ("two messages", INVALID_ARGUMENT, raw_call(TRACES, two.into())),
        ("less than announced", INVALID_ARGUMENT, raw_call(TRACES, short.into())),
        ("an unknown flag", INTERNAL, call(TRACES, 2, &body)),
        ("packed without a coding", INTERNAL, call(TRACES, 1, &gzipped)),
        ("half of a gzip", INVALID_ARGUMENT, packed_call("gzip", &gzipped[..gzipped.len() / 2])),
        ("an unknown coding", UNIMPLEMENTED, packed_call("br", &gzipped)),
        ("four gigabytes announced", RESOURCE_EXHAUSTED, raw_call(TRACES, four_gigabytes.into())),
        ("too large", RESOURCE_EXHAUSTED, call(TRACES, 0, &padding(LIMIT + 1))),
        ("a gzip bomb", RESOURCE_EXHAUSTED, packed_call("gzip", &gzip(&vec![0; 1 << 30]))),
        ("an unknown method", UNIMPLEMENTED, call("/opentelemetry.proto.Nothing/Export", 0, &body)),
        ("upper case", UNIMPLEMENTED, call(&upper, 0, &body)),
    ];
    let mut good = 0;
    for (what, expected, request) in rows {
        let answer = connection.send(request).await;
        assert_eq!(code(&answer), expected, "{what}: {:?} {:?}", answer.headers, answer.trailers);
        // With details a client would try again what can never succeed.
        assert_eq!(answer.header("grpc-status-details-bin"), None, "{what}");
        good += 1;
        message(&connection.send(call(TRACES, 0, &OneSpan(good).protobuf())).await);
    }
    assert_eq!(server.run_count("default").await, u64::from(good));
}

#[tokio::test]
async fn deadlines_are_kept_and_nonsense_is_no_deadline() {
    let server = Server::start();
    let mut connection = server.connect_grpc().await;
    let mut timed = async |timeout: &str| {
        let mut request = call(TRACES, 0, &OneSpan(1).protobuf());
        request.headers_mut().insert("grpc-timeout", timeout.parse().expect("a header value"));
        code(&connection.send(request).await)
    };
    assert_eq!(timed("0n").await, DEADLINE_EXCEEDED);
    for timeout in ["10S", "99999999H", "-1S", "1X", "123456789S", ""] {
        assert_eq!(timed(timeout).await, OK, "{timeout:?}");
    }
    // The same span each time, and what was cut off may have reached the store.
    assert_eq!(server.run_count("default").await, 1);
}

#[tokio::test]
async fn what_is_not_grpc_is_told_where_to_go() {
    let server = Server::start();
    let mut connection = server.connect_grpc().await;
    for content_type in ["application/json", "application/grpc-web", "application/x-protobuf"] {
        let mut request = call(TRACES, 0, &OneSpan(1).protobuf());
        request.headers_mut().insert("content-type", content_type.parse().expect("a header value"));
        let answer = connection.send(request).await;
        assert_eq!(answer.status, 415, "{content_type}");
        assert!(answer.text().contains("4318"), "{}", answer.text());
    }
}
