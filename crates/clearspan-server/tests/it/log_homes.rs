//! Log records find the runs of their spans, whatever chose the project of those and whichever comes first.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use crate::otlp_http::{PROTOBUF, assert_taken, post};
use crate::server::Server;
use crate::spans::{self, OneSpan, text};
use crate::telemetry::{Line, logs_protobuf};

/// What chooses the place of the span; the records never have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChosenBy {
    Attribute,
    Header,
    /// The span names its run, and nobody a project.
    RunId,
}

const OWN_ID: &str = "3f2b1c7a-1111-4222-8333-944455566677";

impl ChosenBy {
    const ALL: [Self; 3] = [Self::Attribute, Self::Header, Self::RunId];

    fn project(self) -> &'static str {
        if self == Self::RunId { "default" } else { "theirs" }
    }

    async fn send_span(self, server: &Server, span: OneSpan) {
        self.send(server, span.otlp()).await;
    }

    async fn send(self, server: &Server, mut otlp: Span) {
        match self {
            Self::Attribute => otlp.attributes.push(text("langsmith.trace.session_name", "theirs")),
            Self::RunId => otlp.attributes.push(text("langsmith.span.id", OWN_ID)),
            Self::Header => {}
        }
        let mut request = post("/v1/traces", PROTOBUF, spans::protobuf(vec![otlp]));
        if self == Self::Header {
            request.headers_mut().insert("langsmith-project", "theirs".parse().expect("a value"));
        }
        assert_taken(&server.connect().await.send(request).await, PROTOBUF, "the span");
    }

    /// The span's run as its page shows it.
    async fn run(self, server: &Server, span: OneSpan) -> Value {
        let run_id = match self {
            Self::RunId => OWN_ID.to_owned(),
            _ => format!("{:032x}", u64::from_be_bytes(span.span_bytes())),
        };
        let path = format!("/traces/{}/runs/{run_id}?project={}", span.trace_id(), self.project());
        server.get_json(&path).await
    }
}

pub(crate) async fn send_record(server: &Server, span: OneSpan, body: &'static str) {
    let ids = Some((span.trace_bytes(), span.span_bytes()));
    let line = Line { span: ids, ..Line::new(5, 9, body) };
    let request = post("/v1/logs", PROTOBUF, logs_protobuf("agent", &[line]));
    assert_taken(&server.connect().await.send(request).await, PROTOBUF, "the record");
}

fn bodies(list: &[Value], body: impl Fn(&Value) -> &Value) -> Vec<String> {
    let mut bodies: Vec<String> =
        list.iter().map(|item| body(item).as_str().expect("text").to_owned()).collect();
    bodies.sort();
    bodies
}

/// The run tells of these records, the trace's logs show each once and lead to the run.
async fn check(server: &Server, span: OneSpan, chosen_by: ChosenBy, expected: &[&str], when: &str) {
    let run = chosen_by.run(server, span).await;
    let what = format!("{chosen_by:?}, {when}: {run}");
    assert_eq!((&run["name"], &run["model"]), (&json!(span.name()), &json!("gpt-4o-mini")), "{what}");
    let events = run["events"].as_array().expect("events");
    assert_eq!(bodies(events, |event| &event["attributes"]["body"]), expected, "{what}");
    let path = format!("/traces/{}/logs?project={}", span.trace_id(), chosen_by.project());
    let logs = server.get_json(&path).await["logs"].take();
    let logs = logs.as_array().expect("records");
    assert_eq!(bodies(logs, |log| &log["body"]), expected, "{what}");
    assert!(logs.iter().all(|log| log["run_id"] == run["run_id"]), "{what}: {logs:?}");
    let path = format!("/traces/{}/events?project={}", span.trace_id(), chosen_by.project());
    let of_trace = server.get_json(&path).await;
    let of_run = of_trace["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter(|event| event["run_id"] == run["run_id"]);
    assert_eq!(of_run.count(), expected.len(), "{what}: {of_trace}");
}

#[tokio::test]
async fn a_record_that_comes_later_goes_to_the_run_and_its_project() {
    for chosen_by in ChosenBy::ALL {
        let (server, span) = (Server::start(), OneSpan(7));
        chosen_by.send_span(&server, span).await;
        send_record(&server, span, "asked").await;
        check(&server, span, chosen_by, &["asked"], "record after span").await;
        assert_eq!(server.run_count(chosen_by.project()).await, 1, "{chosen_by:?}");
        if chosen_by.project() != "default" {
            assert_eq!(server.run_count("default").await, 0, "{chosen_by:?}: nothing is left elsewhere");
        }
        let kept = server.get_json(&format!("/projects/{}/logs", chosen_by.project())).await;
        assert_eq!(kept["logs"].as_array().map(Vec::len), Some(1), "{chosen_by:?}: {kept}");
        // Where spans are is not forgotten by a restart.
        let server = Server::start_again(server.kill_9());
        send_record(&server, span, "answered").await;
        check(&server, span, chosen_by, &["answered", "asked"], "record after a restart").await;
    }
}

#[tokio::test]
async fn a_span_that_comes_later_takes_over_what_records_told() {
    for chosen_by in ChosenBy::ALL {
        let (server, span) = (Server::start(), OneSpan(7));
        send_record(&server, span, "asked").await;
        chosen_by.send_span(&server, span).await;
        check(&server, span, chosen_by, &["asked"], "span after record").await;
        // Both again, as clients do that had no answer.
        send_record(&server, span, "asked").await;
        chosen_by.send_span(&server, span).await;
        send_record(&server, span, "answered").await;
        check(&server, span, chosen_by, &["answered", "asked"], "all sent again").await;
    }
}

/// Which records came is remembered in memory only, so spans that began before a restart look anew.
#[tokio::test]
async fn a_span_that_ends_after_a_restart_takes_over_what_records_told() {
    for chosen_by in ChosenBy::ALL {
        let (server, span) = (Server::start(), OneSpan(7));
        #[expect(clippy::disallowed_methods, reason = "a span of now, for the clock of a real server")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
        let now = u64::try_from(now).expect("before 2554");
        send_record(&server, span, "asked").await;
        let server = Server::start_again(server.kill_9());
        let otlp = Span { start_time_unix_nano: now, end_time_unix_nano: now + 9_000_000_000, ..span.otlp() };
        chosen_by.send(&server, otlp).await;
        check(&server, span, chosen_by, &["asked"], "span after a restart").await;
    }
}

/// Spans and records that are sent at the same time miss each other neither way.
#[tokio::test]
async fn spans_and_records_sent_together_find_each_other() {
    let server = Server::start();
    let pairs = (1..=40).map(|number| {
        let (server, span) = (&server, OneSpan(number));
        async move {
            let chosen_by = ChosenBy::Attribute;
            tokio::join!(chosen_by.send_span(server, span), send_record(server, span, "asked"));
            let run = chosen_by.run(server, span).await;
            assert_eq!(run["events"].as_array().map(Vec::len), Some(1), "{number}: {run}");
        }
    });
    futures::future::join_all(pairs).await;
    assert_eq!(server.run_count("theirs").await, 40);
}

/// A record that names its project itself stays there, and completes the run all the same.
#[tokio::test]
async fn a_named_project_keeps_its_records() {
    let (server, span) = (Server::start(), OneSpan(7));
    ChosenBy::Attribute.send_span(&server, span).await;
    let line = Line { span: Some((span.trace_bytes(), span.span_bytes())), ..Line::new(5, 9, "asked") };
    let mut request = post("/v1/logs", PROTOBUF, logs_protobuf("agent", &[line]));
    request.headers_mut().insert("langsmith-project", "logs-only".parse().expect("a value"));
    assert_taken(&server.connect().await.send(request).await, PROTOBUF, "the record");
    check(&server, span, ChosenBy::Attribute, &["asked"], "record of a named project").await;
    let kept = server.get_json("/projects/logs-only/logs").await;
    assert_eq!(kept["logs"].as_array().map(Vec::len), Some(1), "{kept}");
}
