//! The routes with everything behind them but the disk: handlers, filters, layers and errors.

mod deletion;
mod experiments;
mod feedback;
mod langsmith;
mod langsmith_feedback;
mod langsmith_v2;
mod metrics;
mod rest;
mod rules;
mod threads;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use clearspan_catalog::{Catalog, ProjectName, SqliteCatalog};
use clearspan_model::{
    Cost, CostSource, Decimal, JsonText, ProjectId, Run, RunId, RunKey, RunType, TraceId, UnixNanos, Usage,
};
use clearspan_store::RunStore;
use clearspan_store::memory::MemoryStore;
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::attachments::Attachments;
use crate::auth::Authenticator;
use crate::clock::Clock;
use crate::config::{RawSettings, Redaction};
use crate::context::{Bound, Context};
use crate::ingest::{Budget, Ingest, IngestArgs, LiveFeed, Projects, Remaps, Rulebook};
use crate::redact::Redactor;
use crate::telemetry::{Diagnostics, Metrics};
use crate::upkeep::{Limits, Upkeep, UpkeepArgs};

/// 2026-11-20T00:00:00Z: when everything here happens.
const NOW: i64 = 1_795_132_800_000_000_000;

/// A server without sockets.
struct Server {
    router: Router,
    context: Arc<Context>,
    project_id: ProjectId,
    /// The catalog's folder.
    _dir: tempfile::TempDir,
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Server {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn RunStore> = Arc::new(MemoryStore::new(Arc::new(|_: &mut Run| {})));
        let catalog: Arc<dyn Catalog> =
            Arc::new(SqliteCatalog::open(&dir.path().join("catalog.sqlite")).unwrap());
        let workspace = catalog.default_workspace().unwrap();
        let clock = Clock::stopped(UnixNanos::from_nanos(NOW));
        let name = ProjectName::parse("demo").unwrap();
        let project = catalog.get_or_create_project(workspace.id, &name, clock.now()).unwrap();
        let projects = Arc::new(Projects::new(Arc::clone(&catalog)));
        let rules = Arc::new(Rulebook::new(Arc::clone(&catalog)));
        let live = LiveFeed::new();
        let budget = Budget::new(1 << 20);
        let settings = RawSettings::default().resolve(None).unwrap();
        let attachments = Arc::new(Attachments::open(dir.path()).unwrap());
        let upkeep = UpkeepArgs {
            store: Arc::clone(&store),
            catalog: Arc::clone(&catalog),
            attachments: Arc::clone(&attachments),
            projects: Arc::clone(&projects),
            clock,
            limits: Limits {
                remember_deleted: settings.remember_deleted,
                purge_within: settings.purge_within,
                scrub_every: None,
                every: settings.upkeep_every,
            },
            data_dir: dir.path().to_owned(),
        };
        let ingest = IngestArgs {
            store: Arc::clone(&store),
            catalog: Arc::clone(&catalog),
            projects,
            rules: Arc::clone(&rules),
            live: live.clone(),
            clock,
            budget,
            sheds_payloads: false,
            redactor: Redactor::new(Redaction::Off, &[]),
        };
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 4318));
        let context = Arc::new(Context {
            auth: Arc::new(Authenticator::new(Arc::clone(&catalog), workspace.id, false)),
            ingest: Ingest::new(ingest),
            remaps: Arc::new(Remaps::new(Arc::clone(&store), Arc::clone(&rules), live.clone(), clock)),
            upkeep: Arc::new(Upkeep::new(upkeep)),
            attachments,
            rules,
            diagnostics: Arc::new(Diagnostics::default()),
            metrics: Arc::new(Metrics::default()),
            store,
            catalog,
            live,
            settings,
            clock,
            workspace,
            bound: Bound { http: anywhere, grpc: anywhere },
        });
        Self { router: super::router(Arc::clone(&context)), context, project_id: project.id, _dir: dir }
    }

    /// With the agent trace and a few plain ones.
    async fn with_traces() -> Self {
        let server = Self::new();
        let mut runs = agent_trace(&server);
        for n in 0..5_u8 {
            let mut root = server.run(100 + n, 1, None);
            root.name = Some(format!("plain {n}"));
            root.run_type = Some(RunType::Chain);
            root.start_time = Some(at(-10_000 - i64::from(n) * 1_000));
            root.end_time = Some(at(-9_500 - i64::from(n) * 1_000));
            root.environment = Some(["production", "staging"][usize::from(n % 2)].to_owned());
            runs.push(root);
        }
        server.context.store.write(runs).await.unwrap();
        server
    }

    /// A run of which only its place is known.
    fn run(&self, trace: u8, id: u8, parent: Option<u8>) -> Run {
        let key = RunKey {
            workspace_id: self.context.workspace.id,
            project_id: self.project_id,
            trace_id: TraceId::from_bytes([trace; 16]),
            run_id: RunId::from_bytes([id; 16]),
        };
        let mut run = Run::new(key, at(0));
        run.parent_run_id = parent.map(|id| RunId::from_bytes([id; 16]));
        run
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 16 << 20).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// The answer of a request that must succeed.
    async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// A request with a body that says that it is JSON.
    async fn change(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Request::post(path).body(Body::from(body.to_string())).unwrap()).await
    }
}

/// So many milliseconds before or after [`NOW`].
fn at(millis: i64) -> UnixNanos {
    UnixNanos::from_nanos(NOW + millis * 1_000_000)
}

fn uuid(byte: u8) -> String {
    TraceId::from_bytes([byte; 16]).to_string()
}

fn message(role: &str, content: &str) -> JsonText {
    JsonText::from_value(&json!({ "role": role, "content": content }))
}

/// Trace 1: an agent, two model calls whose history grows, and a tool that fails.
fn agent_trace(server: &Server) -> Vec<Run> {
    let mut root = server.run(1, 1, None);
    root.name = Some("agent".to_owned());
    root.run_type = Some(RunType::Chain);
    (root.start_time, root.end_time) = (Some(at(-5_000)), Some(at(-1_000)));
    root.thread_id = Some("thread-1".to_owned());
    root.user_id = Some("ann".to_owned());
    root.tags = vec!["canary".to_owned()];
    root.metadata.insert("plan".to_owned(), JsonText::from_string("pro"));
    root.inputs.rest = Some(JsonText::from_string("Refund my order"));

    let call = |id: u8, start: i64, messages: Vec<JsonText>, cents: i64| {
        let mut call = server.run(1, id, Some(1));
        call.name = Some("chat".to_owned());
        call.run_type = Some(RunType::Llm);
        (call.start_time, call.end_time) = (Some(at(start)), Some(at(start + 500)));
        call.model = Some("gpt-4o".to_owned());
        call.provider = Some("openai".to_owned());
        call.inputs.messages = messages;
        call.outputs.messages = vec![message("assistant", &format!("answer {id}"))];
        call.invocation_params = Some(JsonText::from_value(&json!({ "temperature": 0.5 })));
        call.usage = Some(Usage {
            input_tokens: Some(100 * u64::from(id)),
            output_tokens: Some(10),
            total_tokens: Some(100 * u64::from(id) + 10),
            ..Usage::default()
        });
        let total = Some(Decimal::new(cents, 2));
        call.cost = Some(Cost { total, source: CostSource::Reported, ..Cost::default() });
        call
    };
    let first = vec![message("system", "Be kind"), message("user", "Refund my order")];
    let mut second = first.clone();
    second.extend([message("assistant", "answer 2"), message("user", "Now!")]);

    let mut tool = server.run(1, 4, Some(1));
    tool.name = Some("refund".to_owned());
    tool.run_type = Some(RunType::Tool);
    (tool.start_time, tool.end_time) = (Some(at(-4_000)), Some(at(-3_500)));
    tool.error = Some("ToolError: no such order\nTraceback".to_owned());
    tool.attributes.insert("http.status".to_owned(), JsonText::from_value(&json!(404)));
    vec![root, call(2, -4_900, first, 1), tool, call(3, -3_000, second, 2)]
}
