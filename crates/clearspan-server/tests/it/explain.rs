//! Why a run is as it is: the source of each field, runs that tell of one call twice, and requests of client libraries.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::{Value, json};

use crate::otlp_http::{PROTOBUF, assert_taken, post};
use crate::server::Server;
use crate::spans::text;
use crate::telemetry::{START, hex};

const TRACE: [u8; 16] = [0xab; 16];

/// A span of the trace, so many milliseconds long.
fn span(id: u8, parent: u8, name: &str, from_ms: u64, to_ms: u64, attributes: &[(&str, &str)]) -> Span {
    Span {
        trace_id: TRACE.to_vec(),
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 { Vec::new() } else { vec![parent; 8] },
        name: name.to_owned(),
        kind: 3,
        start_time_unix_nano: START + from_ms * 1_000_000,
        end_time_unix_nano: START + to_ms * 1_000_000,
        attributes: attributes.iter().map(|(key, value)| text(key, value)).collect(),
        ..Span::default()
    }
}

/// One agent; one call that two instrumentations tell of; the HTTP request below it.
fn request() -> Bytes {
    let by_openinference = span(
        2,
        1,
        "ChatCompletion",
        10,
        900,
        &[
            ("openinference.span.kind", "LLM"),
            ("llm.model_name", "gpt-4o-mini"),
            ("llm.token_count.prompt", "12"),
            ("llm.token_count.completion", "3"),
            ("output.value", "Hello"),
        ],
    );
    let by_traceloop = span(
        3,
        1,
        "openai.chat",
        11,
        899,
        &[
            ("llm.request.type", "chat"),
            ("gen_ai.request.model", "gpt-4o-mini"),
            ("gen_ai.usage.prompt_tokens", "12"),
            ("gen_ai.usage.completion_tokens", "3"),
        ],
    );
    let http = span(
        4,
        2,
        "POST",
        20,
        890,
        &[("http.request.method", "POST"), ("url.full", "https://api.openai.com/v1")],
    );
    let scopes = [
        ("app", vec![span(1, 0, "agent", 0, 1_000, &[])]),
        ("openinference.instrumentation.openai", vec![by_openinference]),
        ("opentelemetry.instrumentation.openai.v1", vec![by_traceloop]),
        ("opentelemetry.instrumentation.httpx", vec![http]),
    ];
    let scope_spans = scopes.map(|(name, spans)| ScopeSpans {
        scope: Some(InstrumentationScope { name: name.to_owned(), ..InstrumentationScope::default() }),
        spans,
        ..ScopeSpans::default()
    });
    let resource_spans =
        vec![ResourceSpans { scope_spans: scope_spans.to_vec(), ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec().into()
}

async fn run(server: &Server, id: u8) -> Value {
    server.get_json(&format!("/traces/{}/runs/{}", hex(&TRACE), hex(&[id; 8]))).await
}

#[tokio::test]
async fn a_run_says_where_its_fields_came_from_and_what_it_doubles() {
    let server = Server::start();
    let answer = server.connect().await.send(post("/v1/traces", PROTOBUF, request())).await;
    assert_taken(&answer, PROTOBUF, "the trace");
    check(&server, "sending").await;
    let (status, folder) = server.terminate();
    assert!(status.success(), "SIGTERM: {status}");
    check(&Server::start_again(folder), "SIGTERM").await;
}

async fn check(server: &Server, after: &str) {
    let call = run(server, 2).await;
    let source = |field: &str| call["sources"][field].as_str().unwrap_or_else(|| panic!("{field}: {call}"));
    assert_eq!(source("model"), "llm.model_name", "after {after}");
    assert_eq!(source("run_type"), "openinference.span.kind");
    assert_eq!(source("name"), "span:name");
    assert_eq!(source("usage.input_tokens"), "llm.token_count.prompt");

    let other = run(server, 3).await;
    let (counts, double) = match call["double_of"].is_null() {
        true => (&call, &other),
        false => (&other, &call),
    };
    assert_eq!(double["double_of"], counts["run_id"], "after {after}");
    assert_eq!((&counts["doubles"], &double["doubles"]), (&json!([double["run_id"]]), &json!([])));
    let transport = run(server, 4).await;
    assert_eq!((&transport["is_transport"], &call["is_transport"]), (&json!(true), &json!(false)));

    let trace = server.get_json(&format!("/traces/{}", hex(&TRACE))).await;
    let runs = &trace["runs"];
    let row =
        |id: &Value| runs["id"].as_array().expect("ids").iter().position(|other| other == id).expect("a row");
    let (counts_row, double_row) = (row(&counts["run_id"]), row(&double["run_id"]));
    assert_eq!(runs["double_of"][double_row], json!(counts_row), "after {after}: {runs}");
    assert_eq!(runs["double_of"][counts_row], json!(-1));
    assert_eq!(runs["transport"][row(&transport["run_id"])], json!(1));
    assert_eq!(trace["totals"]["total_tokens"], 15, "after {after}: the call counts once");
}
