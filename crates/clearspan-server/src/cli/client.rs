//! Asking a running server, for the commands that do.

use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

const CONNECT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(40);
/// How often work that goes on is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Which server, and how to be let in.
#[derive(Debug, Args)]
pub(super) struct ServerArgs {
    /// The server
    #[arg(long, env = "CLEARSPAN_ENDPOINT", default_value = "http://127.0.0.1:4318")]
    endpoint: String,
    /// A key, where the server demands one
    #[arg(long, alias = "key", env = "CLEARSPAN_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

/// A running server.
pub(super) struct Server {
    client: reqwest::Client,
    endpoint: String,
    api_key: Option<String>,
}

impl Server {
    /// Answers come within a bounded time.
    pub(super) fn new(args: ServerArgs) -> anyhow::Result<Self> {
        Self::with(args, reqwest::Client::builder().timeout(TIMEOUT))
    }

    /// Answers may take all the time they need.
    pub(super) fn patient(args: ServerArgs) -> anyhow::Result<Self> {
        Self::with(args, reqwest::Client::builder())
    }

    fn with(args: ServerArgs, client: reqwest::ClientBuilder) -> anyhow::Result<Self> {
        let ServerArgs { endpoint, api_key } = args;
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        if !endpoint.starts_with("http://") {
            bail!(
                "cannot speak to {endpoint:?}: this client speaks plain HTTP only; give the http:// address of the server \
                 itself, for example http://127.0.0.1:4318"
            );
        }
        let client = client.connect_timeout(CONNECT).build().context("cannot build an HTTP client")?;
        Ok(Self { client, endpoint, api_key })
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(self.client.get(self.url(path))).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(self.client.post(self.url(path)).json(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(self.client.delete(self.url(path))).await
    }

    /// Starts work of which one runs at a time (`purge`, `scrub`), and waits for its end. Returns what came of it.
    pub(super) async fn run_job(&self, name: &str) -> anyhow::Result<Value> {
        let state = self.post(&format!("/{name}"), &json!({})).await?;
        let mut state = self.wait_for_job(name, state).await?;
        if let Some(error) = state["last"]["error"].as_str() {
            bail!("the {name} failed: {error}");
        }
        Ok(state["last"].take())
    }

    /// Waits until none runs any more. Returns how it stands then.
    pub(super) async fn wait_for_job(&self, name: &str, mut state: Value) -> anyhow::Result<Value> {
        while state["running"] == true {
            tokio::time::sleep(LOOK).await;
            state = self.get(&format!("/{name}")).await?;
        }
        Ok(state)
    }

    /// The answer to a `POST`, as it comes.
    pub(super) async fn post_for(&self, path: &str, body: &Value) -> anyhow::Result<reqwest::Response> {
        self.send(self.client.post(self.url(path)).json(body)).await
    }

    /// The answer to a `GET`, as it comes.
    pub(super) async fn get_for(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<reqwest::Response> {
        let mut url = reqwest::Url::parse(&self.url(path)).context("the endpoint is no address")?;
        url.query_pairs_mut().extend_pairs(query);
        self.send(self.client.get(url)).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/clearspan/v1{path}", self.endpoint)
    }

    /// What the server answers with.
    async fn ask(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let answer = self.send(request).await?;
        self.read(answer).await
    }

    /// The server's answer; what it complains about is the error.
    async fn send(&self, mut request: reqwest::RequestBuilder) -> anyhow::Result<reqwest::Response> {
        if let Some(key) = &self.api_key {
            request = request.header("x-api-key", key);
        }
        let answer = request.send().await;
        let answer =
            answer.with_context(|| format!("cannot reach {}; is the server running?", self.endpoint))?;
        let status = answer.status();
        if status == reqwest::StatusCode::UNAUTHORIZED {
            bail!("{} demands an API key; pass one with --api-key or CLEARSPAN_API_KEY", self.endpoint);
        }
        if status.is_success() {
            return Ok(answer);
        }
        let body = self.read(answer).await?;
        bail!("{}", complaint(&body["error"]));
    }

    async fn read(&self, answer: reqwest::Response) -> anyhow::Result<Value> {
        let status = answer.status();
        answer
            .json()
            .await
            .with_context(|| format!("{} answered {status} and no JSON; is it Clearspan?", self.endpoint))
    }
}

/// What the server complains about, with the id that it speaks of.
fn complaint(error: &Value) -> String {
    let message = error["message"].as_str().unwrap_or("the server refused, and does not say why");
    match error["request_id"].as_str() {
        Some(id) if message.contains("its log") => format!("{message} (request id {id})"),
        _ => message.to_owned(),
    }
}

/// A part of a path, with everything escaped that has a meaning in one.
pub(super) fn escape(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_told_where_the_log_is_spoken_of() {
        let error = |message: &str| json!({ "message": message, "request_id": "17" });
        assert_eq!(complaint(&error("its log tells more")), "its log tells more (request id 17)");
        assert_eq!(complaint(&error("no such project")), "no such project");
        assert_eq!(complaint(&json!({ "message": "its log tells more" })), "its log tells more");
    }

    #[test]
    fn names_of_projects_are_safe_in_paths() {
        assert_eq!(escape("a/b c?é"), "a%2Fb%20c%3F%C3%A9");
        assert_eq!(escape("plain-1.x_y~"), "plain-1.x_y~");
    }
}
