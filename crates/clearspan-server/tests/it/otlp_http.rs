//! OTLP over HTTP, as correct clients speak it.

use bytes::Bytes;
use http::Request;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::json;

use crate::connection::Answer;
use crate::server::Server;
use crate::spans::{self, OneSpan, gzip, zstd};

pub(crate) const PROTOBUF: &str = "application/x-protobuf";
pub(crate) const JSON: &str = "application/json";

/// What clients have before `/v1/traces`. A path that was served once is served for ever.
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

pub(crate) fn post(path: &str, content_type: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let request = Request::post(path).header("content-type", content_type);
    request.body(body.into()).expect("a valid request")
}

/// The answer to a request that was taken whole, in the encoding of the request.
pub(crate) fn assert_taken(answer: &Answer, content_type: &str, what: &str) {
    assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some(content_type), "{what}");
    let nothing_to_say = if content_type == JSON { "{}" } else { "" };
    assert_eq!(answer.text(), nothing_to_say, "{what}");
}

#[tokio::test]
async fn every_path_takes_every_signal_in_both_encodings() {
    let server = Server::start();
    let mut connection = server.connect().await;
    let mut sent = 0;
    for prefix in PREFIXES {
        for end in ["", "/"] {
            for content_type in [PROTOBUF, JSON] {
                let path = format!("{prefix}/v1/traces{end}");
                sent += 1;
                let span = OneSpan(sent);
                let body = if content_type == JSON { span.json() } else { span.protobuf() };
                assert_taken(&connection.send(post(&path, content_type, body)).await, content_type, &path);
                for signal in ["logs", "metrics"] {
                    let path = format!("{prefix}/v1/{signal}{end}");
                    let body = if content_type == JSON { "{}" } else { "" };
                    let answer = connection.send(post(&path, content_type, body)).await;
                    assert_taken(&answer, content_type, &path);
                }
            }
        }
    }
    assert_eq!(server.run_count("default").await, u64::from(sent));
}

#[tokio::test]
async fn bodies_may_be_packed() {
    let server = Server::start();
    let mut connection = server.connect().await;
    type Pack = fn(&[u8]) -> Bytes;
    let codings: [(Option<&str>, Pack); 6] = [
        (None, Bytes::copy_from_slice),
        (Some("identity"), Bytes::copy_from_slice),
        (Some("gzip"), gzip),
        (Some("GZIP"), gzip),
        (Some("zstd"), zstd),
        // Several gzip members after each other are one body.
        (Some("gzip"), |body| {
            let (first, second) = body.split_at(body.len() / 2);
            [gzip(first), gzip(second)].concat().into()
        }),
    ];
    let mut number = 0;
    for (coding, pack) in codings {
        for content_type in [PROTOBUF, JSON] {
            number += 1;
            let span = OneSpan(number);
            let body = if content_type == JSON { span.json() } else { span.protobuf() };
            let mut request = post("/v1/traces", content_type, pack(&body));
            if let Some(coding) = coding {
                request.headers_mut().insert("content-encoding", coding.parse().expect("a value"));
            }
            let answer = connection.send(request).await;
            assert_taken(&answer, content_type, &format!("{coding:?} {content_type}"));
            assert_eq!(server.run_ids(&span.trace_id()).await.len(), 1, "{coding:?} {content_type}");
        }
    }
}

/// A span without ids must not take the others with it, in front or behind.
#[tokio::test]
async fn bad_spans_are_rejected_one_by_one() {
    let server = Server::start();
    let mut connection = server.connect().await;
    let (before, after) = (OneSpan(1), OneSpan(2));
    let bad_ids: [(&[u8], &[u8]); 6] = [
        (&[7; 16], &[0; 8]),
        (&[7; 16], &[]),
        (&[7; 16], &[1; 9]),
        (&[0; 16], &[1; 8]),
        (&[7; 15], &[1; 8]),
        (&[], &[1; 8]),
    ];
    let mut spans = vec![before.otlp()];
    spans.extend(bad_ids.map(|(trace_id, span_id)| {
        let mut bad = OneSpan(9).otlp();
        (bad.trace_id, bad.span_id) = (trace_id.to_vec(), span_id.to_vec());
        bad
    }));
    spans.push(after.otlp());
    let answer = connection.send(post("/v1/traces", PROTOBUF, spans::protobuf(spans))).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some(PROTOBUF)));
    let response = ExportTraceServiceResponse::decode(answer.body).expect("a response");
    let partial = response.partial_success.expect("spans were rejected");
    assert_eq!(partial.rejected_spans, 6);
    assert!(partial.error_message.contains("span id"), "{}", partial.error_message);

    let (before_json, after_json) = (OneSpan(3), OneSpan(4));
    let mut zero = OneSpan(9).otlp_json();
    zero["spanId"] = json!("0000000000000000");
    let body = spans::json_body(vec![before_json.otlp_json(), zero, after_json.otlp_json()]);
    let answer = connection.send(post("/v1/traces", JSON, body)).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some(JSON)));
    let partial = &answer.json()["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "1", "{partial}");
    assert!(partial["errorMessage"].as_str().is_some_and(|text| text.contains("span id")), "{partial}");

    for span in [before, after, before_json, after_json] {
        assert_eq!(server.run_ids(&span.trace_id()).await.len(), 1, "{span:?}");
    }
    assert_eq!(server.run_count("default").await, 4);
}

/// What cannot be kept is counted, never silently dropped; the rest of the request is kept.
#[tokio::test]
async fn an_answer_to_logs_and_metrics_says_what_was_not_kept() {
    let server = Server::start();
    let mut connection = server.connect().await;
    let metrics = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "", "sum": {"dataPoints": [{"asInt": "1"}, {"asInt": "2"}]}},
        {"name": "tokens", "sum": {"dataPoints": [{"asInt": "1"}, {"asInt": "2"}]}}
    ]}]}]});
    let answer = connection.send(post("/v1/metrics", JSON, metrics.to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["partialSuccess"]["rejectedDataPoints"], "2", "{}", answer.text());
    let kept = server.get_json("/projects/default/metrics").await;
    assert_eq!((&kept["metrics"][0]["name"], &kept["metrics"][0]["points"]), (&json!("tokens"), &json!(2)));

    // A record needs neither a trace nor a span.
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"timeUnixNano": "1795000000000000000", "body": {"stringValue": "no span"}}
    ]}]}]});
    assert_taken(&connection.send(post("/v1/logs", JSON, logs.to_string())).await, JSON, "a log record");
    let kept = server.get_json("/projects/default/logs").await;
    assert_eq!(kept["logs"][0]["body"], "no span", "{kept}");

    // The same messages are also what clients of protobuf read.
    let none = connection.send(post("/v1/metrics", PROTOBUF, "")).await;
    assert!(ExportMetricsServiceResponse::decode(none.body).expect("a response").partial_success.is_none());
    let none = connection.send(post("/v1/logs", PROTOBUF, "")).await;
    assert!(ExportLogsServiceResponse::decode(none.body).expect("a response").partial_success.is_none());
}

/// Requests choose their project by header; else the span says it, else it is `default`.
#[tokio::test]
async fn the_header_names_the_project() {
    let server = Server::start();
    let mut connection = server.connect().await;
    let mut request = post("/v1/traces", PROTOBUF, OneSpan(1).protobuf());
    request.headers_mut().insert("langsmith-project", "from header".parse().expect("a value"));
    assert_taken(&connection.send(request).await, PROTOBUF, "with header");
    assert_taken(
        &connection.send(post("/v1/traces", PROTOBUF, OneSpan(2).protobuf())).await,
        PROTOBUF,
        "without",
    );
    assert_eq!(server.run_count("from%20header").await, 1);
    assert_eq!(server.run_count("default").await, 1);
}
