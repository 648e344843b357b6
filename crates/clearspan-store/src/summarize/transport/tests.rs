use clearspan_model::{JsonText, Usage};

use super::*;
use crate::testing::build::{message, run};

/// A span with these attributes, all text.
fn span(attributes: &[(&str, &str)]) -> Run {
    run(1, 1, |run| {
        let texts = attributes.iter().map(|(key, value)| ((*key).to_owned(), JsonText::from_string(value)));
        run.attributes = texts.collect();
    })
}

#[test]
fn requests_that_were_made_are_transport() {
    for (attributes, expected) in [
        (&[("http.request.method", "POST"), ("url.full", "https://api.openai.com/v1")][..], true),
        (&[("http.method", "POST"), ("http.url", "https://api.openai.com/v1")], true),
        (&[("rpc.system", "grpc"), ("server.address", "generativelanguage.googleapis.com")], true),
        (&[("rpc.system.name", "grpc"), ("otel.span.kind", "client")], true),
        (&[("http.request.method", "POST"), ("otel.span.kind", "client")], true),
        (&[("http.request.method", "POST"), ("otel.span.kind", "server"), ("server.address", "h")], false),
        (&[("http.request.method", "POST")], false),
        (&[("otel.span.kind", "client")], false),
        (&[("url.full", "https://example.com")], false),
        (&[], false),
    ] {
        assert_eq!(is_transport(&span(attributes)), expected, "{attributes:?}");
    }
}

#[test]
fn instrumentations_of_clients_are_known_by_their_scope() {
    for (scope_name, expected) in [
        ("opentelemetry.instrumentation.httpx", true),
        ("opentelemetry.instrumentation.grpc.aio", true),
        ("@opentelemetry/instrumentation-undici", true),
        ("opentelemetry.instrumentation.httpx2", false),
        ("opentelemetry.instrumentation.openai.v1", false),
        ("my.http", false),
    ] {
        let mut span = span(&[]);
        span.scope_name = Some(scope_name.to_owned());
        assert_eq!(is_transport(&span), expected, "{scope_name}");
    }
}

/// An instrumentation of a model's client may put everything on the HTTP span.
#[test]
fn what_tells_of_a_model_is_more_than_transport() {
    let changes: [fn(&mut Run); 4] = [
        |run| run.run_type = Some(RunType::Llm),
        |run| run.model = Some("gpt-4o".to_owned()),
        |run| run.usage = Some(Usage::default()),
        |run| run.outputs = message("assistant", "hi"),
    ];
    for change in changes {
        let mut span = span(&[("http.request.method", "POST"), ("url.full", "https://api.openai.com/v1")]);
        assert!(is_transport(&span));
        change(&mut span);
        assert!(!is_transport(&span));
    }
}
