//! Which runs are only the way to a model: the HTTP or gRPC request that a client library made.

use clearspan_model::{Run, RunType};

/// Attributes that only requests have, in the conventions of today and of before.
const REQUEST_KEYS: [&str; 4] = ["http.request.method", "http.method", "rpc.system", "rpc.system.name"];

/// Instrumentations of HTTP and gRPC clients, by their scope's name. A `*` at the end stands for any text.
const SCOPES: [&str; 24] = [
    "opentelemetry.instrumentation.httpx",
    "opentelemetry.instrumentation.requests",
    "opentelemetry.instrumentation.urllib",
    "opentelemetry.instrumentation.urllib3",
    "opentelemetry.instrumentation.aiohttp_client",
    "opentelemetry.instrumentation.aiohttp-client",
    "opentelemetry.instrumentation.botocore*",
    "opentelemetry.instrumentation.grpc*",
    "@opentelemetry/instrumentation-http",
    "@opentelemetry/instrumentation-undici",
    "@opentelemetry/instrumentation-fetch",
    "@opentelemetry/instrumentation-xml-http-request",
    "@opentelemetry/instrumentation-grpc",
    "io.opentelemetry.okhttp*",
    "io.opentelemetry.apache-httpclient*",
    "io.opentelemetry.java-http-client",
    "io.opentelemetry.http-url-connection",
    "io.opentelemetry.netty*",
    "io.opentelemetry.grpc*",
    "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
    "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc",
    "System.Net.Http",
    "OpenTelemetry.Instrumentation.Http*",
    "OpenTelemetry.Instrumentation.GrpcNetClient",
];

/// Where the mapping keeps what kind of span it was.
const SPAN_KIND: &str = "otel.span.kind";

/// Whether a run is only a request that a client library made.
///
/// What tells of a model or holds messages is more than that; so is a request that was served rather than made.
pub(crate) fn is_transport(run: &Run) -> bool {
    let is_plain = run.effective_type() == RunType::Chain
        && run.model.is_none()
        && run.usage.is_none()
        && run.inputs.messages.is_empty()
        && run.outputs.messages.is_empty()
        && run.fragments.is_empty();
    if !is_plain {
        return false;
    }
    let kind = run.attributes.get(SPAN_KIND).map(|kind| kind.to_plain().to_ascii_lowercase());
    if matches!(kind.as_deref(), Some("server" | "consumer")) {
        return false;
    }
    let is_request = REQUEST_KEYS.iter().any(|key| run.attributes.contains_key(*key));
    // Without a kind, only the address of the other side tells a request that was made from one that was served.
    let is_outgoing = kind.as_deref() == Some("client")
        || run.attributes.contains_key("url.full")
        || run.attributes.contains_key("http.url")
        || run.attributes.contains_key("server.address");
    is_request && is_outgoing || run.scope_name.as_deref().is_some_and(is_client_scope)
}

fn is_client_scope(scope_name: &str) -> bool {
    SCOPES.iter().any(|known| match known.strip_suffix('*') {
        Some(prefix) => scope_name.starts_with(prefix),
        None => scope_name == *known,
    })
}

#[cfg(test)]
mod tests;
