//! `clearspan remap`: asks a running server to map stored runs again, and shows how far it is.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct RemapArgs {
    /// The project whose runs are mapped again: its name or id
    #[arg(long)]
    project: String,
    /// Only traces that began since: 7d, 24h, 15m, or RFC 3339 [default: all]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only traces that began before, likewise
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The server
    #[arg(long, env = "CLEARSPAN_ENDPOINT", default_value = "http://127.0.0.1:4318")]
    endpoint: String,
    /// A key, where the server demands one
    #[arg(long, alias = "key", env = "CLEARSPAN_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

/// Starts the job and waits for its end.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub(super) async fn run(args: RemapArgs) -> anyhow::Result<()> {
    let server = Server::new(&args.endpoint, args.api_key)?;
    let body = json!({ "project": args.project, "since": args.since, "until": args.until });
    let mut job = server.ask(server.client.post(server.url("")).json(&body)).await?;
    let id = job["id"].as_str().context("the server answered without a job")?.to_owned();
    let shows_progress = std::io::stdout().is_terminal();
    while job["state"] == "running" {
        if shows_progress {
            print!("\r{}  ", progress(&job));
            std::io::stdout().flush()?;
        }
        tokio::time::sleep(LOOK).await;
        job = server.ask(server.client.get(server.url(&format!("/{id}")))).await?;
    }
    if shows_progress {
        print!("\r");
    }
    println!("{}", progress(&job));
    if job["state"] != "done" {
        bail!(
            "runs were not all mapped again: {}",
            job["error"].as_str().unwrap_or("the server does not say why")
        );
    }
    Ok(())
}

fn progress(job: &Value) -> String {
    let count = |name: &str| job[name].as_u64().unwrap_or(0);
    let total = job["traces_total"].as_u64().map_or_else(|| "?".to_owned(), |total| total.to_string());
    let skipped = match count("runs_skipped") {
        0 => String::new(),
        skipped => format!(", {skipped} left alone because they kept changing"),
    };
    format!(
        "{} of {total} traces, {} runs looked at, {} changed{skipped}",
        count("traces_done"),
        count("runs_seen"),
        count("runs_changed")
    )
}

struct Server {
    client: reqwest::Client,
    endpoint: String,
    api_key: Option<String>,
}

impl Server {
    fn new(endpoint: &str, api_key: Option<String>) -> anyhow::Result<Self> {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        if !endpoint.starts_with("http://") {
            bail!(
                "cannot speak to {endpoint:?}: this client speaks plain HTTP only; give the http:// address of the server \
                 itself, for example http://127.0.0.1:4318"
            );
        }
        let client =
            reqwest::Client::builder().timeout(TIMEOUT).build().context("cannot build an HTTP client")?;
        Ok(Self { client, endpoint, api_key })
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/clearspan/v1/remap{path}", self.endpoint)
    }

    /// The job that the server answers with.
    async fn ask(&self, mut request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
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
        let mut body: Value = answer
            .json()
            .await
            .with_context(|| format!("{} answered {status} and no JSON; is it Clearspan?", self.endpoint))?;
        if !status.is_success() {
            bail!(
                "{}",
                body["error"]["message"].as_str().unwrap_or("the server refused, and does not say why")
            );
        }
        Ok(body["job"].take())
    }
}
