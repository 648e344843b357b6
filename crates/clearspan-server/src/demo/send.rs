//! Sending: OTLP over HTTP, one request after the other, as an exporter does.

use std::time::Duration;

use anyhow::{Context, bail};

use super::{DemoArgs, DemoReport, build};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends the demo to a server and says what was sent.
pub(crate) async fn send(args: DemoArgs) -> anyhow::Result<DemoReport> {
    let DemoArgs { endpoint, api_key, project, now, seed } = args;
    let endpoint = endpoint.trim_end_matches('/');
    if endpoint.starts_with("https://") {
        bail!(
            "cannot send the demo to {endpoint:?}: this client speaks plain HTTP only; give the http:// address of the server itself, behind its TLS proxy"
        );
    }
    if !endpoint.starts_with("http://") {
        bail!(
            "cannot send the demo to {endpoint:?}: the endpoint must begin with http://, for example http://127.0.0.1:4318"
        );
    }
    let url = format!("{endpoint}/v1/traces");
    let client =
        reqwest::Client::builder().timeout(TIMEOUT).build().context("cannot build an HTTP client")?;
    // Writing two megabytes of stories takes too long for a thread that serves requests.
    let set = tokio::task::spawn_blocking(move || build(now, seed)).await.context("cannot write the demo")?;
    for demo_request in set.requests {
        let mut request = client
            .post(&url)
            .header("content-type", demo_request.content_type)
            .header("langsmith-project", &project)
            .body(demo_request.body);
        if let Some(key) = &api_key {
            request = request.header("x-api-key", key);
        }
        let response =
            request.send().await.with_context(|| format!("cannot reach {url}; is the server running?"))?;
        let status = response.status();
        if status == reqwest::StatusCode::UNAUTHORIZED {
            bail!("{url} demands an API key; pass one with --api-key or CLEARSPAN_API_KEY");
        }
        if !status.is_success() {
            let answer = response.text().await.unwrap_or_default();
            bail!("{url} answered {status} to the demo: {}", answer.chars().take(500).collect::<String>());
        }
    }
    Ok(DemoReport { project, trace_ids: set.trace_ids, featured_trace_id: set.featured_trace_id })
}

#[cfg(test)]
mod tests;
