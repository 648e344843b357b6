//! OTLP over HTTP, as broken and hostile clients speak it. Rows of the catalogue of bad input.

use bytes::Bytes;
use http::{Method, Request};
use prost::Message;

use crate::connection::Answer;
use crate::otlp_http::{JSON, PROTOBUF, assert_taken, post};
use crate::server::Server;
use crate::spans::{OneSpan, gzip, padding, zstd};

const LIMIT: usize = 64 << 20;

/// `google.rpc.Status`, as far as clients read it.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

struct BadRequest {
    what: &'static str,
    request: Request<Bytes>,
    status: u16,
}

fn bad(what: &'static str, status: u16, content_type: &str, body: impl Into<Bytes>) -> BadRequest {
    BadRequest { what, request: post("/v1/traces", content_type, body), status }
}

fn packed(what: &'static str, status: u16, coding: &str, body: impl Into<Bytes>) -> BadRequest {
    bad(what, status, PROTOBUF, body).with("content-encoding", coding)
}

impl BadRequest {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().append(name, value.parse().expect("a header value"));
        self
    }

    fn without_content_type(mut self) -> Self {
        self.request.headers_mut().remove("content-type");
        self
    }

    fn method(mut self, method: Method) -> Self {
        *self.request.method_mut() = method;
        self
    }
}

/// Refused with the status of the row, in the encoding of the request, with words for a person; and the next request on
/// the same connection is taken as if nothing had been.
async fn check(rows: Vec<BadRequest>) {
    let server = Server::start();
    let mut connection = server.connect().await;
    let mut good = 0;
    for BadRequest { what, request, status } in rows {
        let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
        let is_protobuf = content_type == Some(PROTOBUF);
        let answer = connection.send(request).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        let said = read_status(&answer, is_protobuf, what);
        assert!(said.message.len() > 10, "{what}: {said:?}");
        assert_ne!(said.code, 0, "{what}");

        good += 1;
        let again = connection.send(post("/v1/traces", PROTOBUF, OneSpan(good).protobuf())).await;
        assert_taken(&again, PROTOBUF, &format!("after {what}"));
    }
    // The good ones and nothing else.
    assert_eq!(server.run_count("default").await, u64::from(good));
    let diagnostics = server.get_json("/ingest/diagnostics").await;
    assert!(diagnostics["events"].as_array().is_some_and(|events| !events.is_empty()), "{diagnostics}");
}

fn read_status(answer: &Answer, is_protobuf: bool, what: &str) -> RpcStatus {
    if is_protobuf {
        assert_eq!(answer.header("content-type"), Some(PROTOBUF), "{what}");
        return RpcStatus::decode(answer.body.clone()).expect("a google.rpc.Status");
    }
    assert_eq!(answer.header("content-type"), Some(JSON), "{what}");
    let body = answer.json();
    let code = body["code"].as_i64().and_then(|code| i32::try_from(code).ok());
    let message = body["message"].as_str().expect("a message").to_owned();
    RpcStatus { code: code.expect("a code"), message }
}

#[tokio::test]
async fn bodies_that_are_no_request() {
    let protobuf = OneSpan(900).protobuf();
    let json = OneSpan(900).json();
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).expect("JSON is text");
    let deep = format!("{}{}", r#"{"resourceSpans":"#.repeat(10_000), "[".repeat(100_000));
    let mut rows = vec![
        bad("truncated protobuf", 400, PROTOBUF, protobuf.slice(..protobuf.len() - 1)),
        bad("JSON with the type of protobuf", 400, PROTOBUF, json.clone()),
        bad("HTML", 400, PROTOBUF, "<html><body>hello</body></html>"),
        bad("a varint of eleven bytes", 400, PROTOBUF, [vec![0x0a], vec![0xff; 10], vec![1]].concat()),
        bad("a length of 2^63", 400, PROTOBUF, [vec![0x0a], vec![0x80; 9], vec![1]].concat()),
        bad("field number 0", 400, PROTOBUF, vec![0x02, 0x00]),
        bad("100,000 nested groups", 400, PROTOBUF, vec![0x0b; 100_000]),
        bad("protobuf with the type of JSON", 400, JSON, protobuf.clone()),
        bad("JSON that ends early", 400, JSON, json.slice(..json.len() - 1)),
        bad("a JSON array", 400, JSON, "[]"),
        bad("words that are not JSON", 400, JSON, r#"{"resourceSpans": NaN}"#),
        bad("a list twice", 400, JSON, r#"{"resourceSpans": [], "resourceSpans": []}"#),
        bad("logs among traces", 400, JSON, r#"{"resourceLogs": []}"#),
        bad("names in snake case", 400, JSON, r#"{"resource_spans": []}"#),
        bad("spans that are no list", 400, JSON, r#"{"resourceSpans": [{"scopeSpans": [{"spans": {}}]}]}"#),
        bad("4 million empty resources", 413, PROTOBUF, [0x0a, 0].repeat(4_000_000)),
        bad(
            "20 million empty resources",
            413,
            JSON,
            format!("{{\"resourceSpans\":[{}{{}}]}}", "{},".repeat(20_000_000)),
        ),
        packed("the same, packed", 413, "gzip", gzip(&[0x0a, 0].repeat(20_000_000))),
        bad("a JSON string", 400, JSON, r#""resourceSpans""#),
        bad("two JSON documents", 400, JSON, text(&json).repeat(2)),
        bad("a trailing comma", 400, JSON, r#"{"resourceSpans": [],}"#),
        bad("a comment", 400, JSON, "{} // no spans"),
        bad("100,000 nested arrays", 400, JSON, deep),
        bad("a string without end", 400, JSON, format!("\"{}", "x".repeat(5_000_000))),
        bad("UTF-16", 400, JSON, text(&json).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
    ];
    for length in 1..protobuf.len() {
        rows.push(bad("protobuf that ends early", 400, PROTOBUF, protobuf.slice(..length)));
    }
    check(rows).await;
}

#[tokio::test]
async fn types_and_methods_that_are_not_served() {
    let json = OneSpan(900).json();
    let get = |method: Method, content_type: &str| bad("method", 405, content_type, "").method(method);
    check(vec![
        bad("text/plain", 415, "text/plain", json.clone()),
        bad("text/json", 415, "text/json", json.clone()),
        bad("a form, as curl sends it", 415, "application/x-www-form-urlencoded", json.clone()),
        bad("JSON in UTF-16", 415, "application/json; charset=utf-16", json.clone()),
        bad("gRPC on the HTTP path", 415, "application/grpc", json.clone()),
        bad("no content type", 415, JSON, json.clone()).without_content_type(),
        bad("two content types", 415, JSON, json.clone()).with("content-type", PROTOBUF),
        get(Method::GET, JSON),
        get(Method::PUT, PROTOBUF),
        get(Method::DELETE, PROTOBUF),
        get(Method::PATCH, JSON),
    ])
    .await;

    let server = Server::start();
    let mut connection = server.connect().await;
    let upper = connection.send(post("/v1/traces", "Application/JSON; charset=UTF-8", json.clone())).await;
    assert_taken(&upper, JSON, "upper case");
    let answer = connection.send(post("/v1/traces", "text/plain", json)).await;
    assert!(answer.json()["message"].as_str().is_some_and(|text| text.contains(JSON)), "{}", answer.text());
    let request = Request::get("/v1/traces").body(Bytes::new()).expect("a valid request");
    assert_eq!(connection.send(request).await.header("allow"), Some("POST"));
}

#[tokio::test]
async fn codings_that_are_damaged_or_unknown() {
    let body = OneSpan(900).protobuf();
    let (gzipped, zstded) = (gzip(&body), zstd(&body));
    let damaged = |bytes: &Bytes, idx: usize| {
        let mut bytes = bytes.to_vec();
        bytes[idx] ^= 0x55;
        bytes
    };
    let crc = gzipped.len() - 8;
    let mut rows = vec![
        packed("gzip without its end", 400, "gzip", gzipped.slice(..gzipped.len() - 1)),
        packed("half of a gzip", 400, "gzip", gzipped.slice(..gzipped.len() / 2)),
        packed("gzip with a wrong checksum", 400, "gzip", damaged(&gzipped, crc)),
        packed("gzip with a wrong length", 400, "gzip", damaged(&gzipped, crc + 4)),
        packed("bytes behind a gzip", 400, "gzip", [&gzipped[..], b"rubbish"].concat()),
        packed("half of a zstd", 400, "zstd", zstded.slice(..zstded.len() / 2)),
        packed("plain bytes called gzip", 400, "gzip", body.clone()),
        packed("plain bytes called zstd", 400, "zstd", body.clone()),
        packed("gzip called identity", 400, "identity", gzipped.clone()),
        packed("gzip in gzip", 400, "gzip", gzip(&gzipped)),
        // A frame header that asks for a window of two gigabytes.
        packed("a huge window", 400, "zstd", vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00]),
        packed("two codings", 415, "gzip, gzip", gzip(&gzipped)),
        packed("two headers", 415, "gzip", gzip(&gzipped)).with("content-encoding", "gzip"),
    ];
    for coding in ["br", "deflate", "snappy", "lz4", "x-unknown"] {
        rows.push(packed("an unknown coding", 415, coding, body.clone()));
    }
    check(rows).await;

    let server = Server::start();
    let answer = server.connect().await.send(packed("", 415, "br", body).request).await;
    assert_eq!(answer.header("accept-encoding"), Some("gzip, zstd"));
    let empty = server.connect().await.send(packed("", 200, "gzip", gzip(b"")).request).await;
    assert_taken(&empty, PROTOBUF, "nothing, packed");
}

#[tokio::test]
async fn bodies_above_64_mebibytes() {
    let too_large = padding(LIMIT + 1);
    check(vec![
        bad("too large", 413, PROTOBUF, too_large.clone()),
        packed("too large when unpacked from gzip", 413, "gzip", gzip(&too_large)),
        packed("too large when unpacked from zstd", 413, "zstd", zstd(&too_large)),
        packed("a gzip bomb", 413, "gzip", gzip(&vec![0; 1 << 30])),
        packed("a zstd bomb", 413, "zstd", zstd(&vec![0; 1 << 30])),
        bad("JSON that is too large", 413, JSON, " ".repeat(LIMIT + 1)),
    ])
    .await;

    let server = Server::start();
    let mut connection = server.connect().await;
    let largest = padding(LIMIT);
    let gzipped = packed("", 200, "gzip", gzip(&largest)).request;
    assert_taken(&connection.send(gzipped).await, PROTOBUF, "64 MiB, packed");
    assert_taken(&connection.send(post("/v1/traces", PROTOBUF, largest)).await, PROTOBUF, "64 MiB");
}
