//! Puts the parts together and runs them until the process is told to stop.

mod host;
mod pace;
mod serve;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::routing::get;
use axum::{Router, middleware};
use clearspan_catalog::{Catalog, SqliteCatalog};
use clearspan_mapping::pricing::PriceTable;
use clearspan_model::Run;
use clearspan_store::RunStore;
use clearspan_store::native::{CompactionConfig, NativeConfig, NativeStore, SpaceLimits};
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::attachments::Attachments;
use crate::auth::Authenticator;
use crate::clock::Clock;
use crate::config::{CatalogState, LowDisk, Settings};
use crate::context::{Bound, Context};
use crate::error::chain;
use crate::ingest::{Budget, Ingest, IngestArgs, LiveFeed, Projects, Remaps, Rulebook};
use crate::receivers;
use crate::redact::Redactor;
use crate::telemetry::{self, Diagnostics, Metrics};
use crate::upkeep::{Limits, Upkeep, UpkeepArgs};
use crate::{api, ui};

/// How long requests may take to finish after the process was told to stop.
const DRAIN: Duration = Duration::from_secs(6);
/// How long writing what is in memory may take after that. Supervisors kill after ten seconds at the earliest.
const FLUSH: Duration = Duration::from_secs(3);

/// What happens when the data folder holds runs and the catalog with their projects is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LostCatalog {
    /// Nothing starts: somebody may have it.
    Refuse,
    /// A new one takes its place.
    Replace,
}

/// Serves until SIGTERM or SIGINT, then drains and stops. A second signal stops at once; what was acknowledged is
/// safe all the same.
pub(crate) async fn run(settings: Settings, if_lost: LostCatalog) -> anyhow::Result<()> {
    Metrics::count_panics();
    let mut signals = StopSignals::listen()?;
    let http = listen(settings.http.addr(), "--http").await?;
    let grpc = listen(settings.grpc.addr(), "--grpc").await?;
    let bound = Bound { http: http.local_addr()?, grpc: grpc.local_addr()? };
    let context = build_context(settings, bound, if_lost).await?;
    let (store, live) = (Arc::clone(&context.store), context.live.clone());
    let (remaps, upkeep) = (Arc::clone(&context.remaps), Arc::clone(&context.upkeep));
    let stopping = CancellationToken::new();
    let mut servers = start_servers(&context, http, grpc, &stopping);
    crate::task::spawn("upkeep", Arc::clone(&upkeep).run());
    greet(&context);
    drop(context);

    tokio::select! {
        () = signals.next() => {}
        // A server ends by itself only after a panic; half a server helps nobody.
        _ = servers.join_next() => anyhow::bail!("a part of the server ended; the log has the details"),
    }
    tracing::info!("stopping: no new requests, finishing those that run");
    stopping.cancel();
    remaps.stop();
    upkeep.stop();
    // Whoever listens to what is written would wait for ever.
    live.close();
    tokio::select! {
        // Neither branch holds anything that a cancelled one could lose: what is not flushed is in the log.
        () = drain(servers, &*store) => {}
        () = signals.next() => {
            leave_running(store);
            anyhow::bail!("stopped by a second signal");
        }
    }
    leave_running(store);
    Ok(())
}

/// Lets requests finish, then spares the next start some work. Ends in time in any case.
async fn drain(mut servers: JoinSet<Option<()>>, store: &dyn RunStore) {
    if tokio::time::timeout(DRAIN, async { while servers.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    match tokio::time::timeout(FLUSH, store.flush()).await {
        Ok(Ok(())) => tracing::info!("stopped"),
        Ok(Err(err)) => tracing::warn!(error = chain(&err), "memory was not flushed; the log keeps it"),
        Err(_) => tracing::info!("stopped before memory was flushed; the log keeps it"),
    }
}

/// Dropping a store waits for its threads, however long the disk makes them work. They end with the process: everything
/// that was acknowledged is in the log.
fn leave_running(store: Arc<dyn RunStore>) {
    std::mem::forget(store);
}

fn start_servers(
    context: &Arc<Context>,
    http: TcpListener,
    grpc: TcpListener,
    stopping: &CancellationToken,
) -> JoinSet<Option<()>> {
    let connections = context.settings.max_connections.get() as usize;
    let mut servers = JoinSet::new();
    let limits = serve::Limits { connections, http2_only: false };
    let http = serve::serve(http, build_http(context), limits, stopping.clone());
    servers.spawn(crate::task::guard("http", http));
    let limits = serve::Limits { connections, http2_only: true };
    let routes = receivers::grpc_router(Arc::clone(context));
    let grpc = serve::serve(grpc, routes, limits, stopping.clone());
    servers.spawn(crate::task::guard("grpc", grpc));
    servers
}

async fn listen(addr: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| {
        format!("cannot listen on {addr}; choose another address with {flag} or stop what uses it")
    })
}

async fn build_context(
    settings: Settings,
    bound: Bound,
    if_lost: LostCatalog,
) -> anyhow::Result<Arc<Context>> {
    let Opened { store, catalog, attachments } = {
        let settings = settings.clone();
        tokio::task::spawn_blocking(move || open(&settings, if_lost))
            .await
            .context("opening the data folder panicked")??
    };
    let workspace = catalog.default_workspace()?;
    let clock = Clock::default();
    let projects = Arc::new(Projects::new(Arc::clone(&catalog)));
    let rules = Arc::new(Rulebook::new(Arc::clone(&catalog)));
    let live = LiveFeed::new();
    let required = settings.requires_keys();
    let budget = Budget::new(settings.memory_shares().inflight);
    let upkeep = UpkeepArgs {
        store: Arc::clone(&store),
        catalog: Arc::clone(&catalog),
        attachments: Arc::clone(&attachments),
        projects: Arc::clone(&projects),
        clock,
        limits: Limits {
            remember_deleted: settings.remember_deleted,
            purge_within: settings.purge_within,
            // A bucket looks after its own bytes, and reading them all may cost money.
            scrub_every: settings.object_store.is_none().then_some(settings.scrub_every),
            every: settings.upkeep_every,
        },
        data_dir: settings.data_dir.clone(),
    };
    let ingest = IngestArgs {
        store: Arc::clone(&store),
        catalog: Arc::clone(&catalog),
        projects,
        rules: Arc::clone(&rules),
        live: live.clone(),
        clock,
        budget,
        sheds_payloads: settings.disk_low == LowDisk::ShedPayloads,
        redactor: Redactor::new(settings.redact, &settings.redact_patterns),
    };
    // The price table takes some milliseconds to read: have it ready before the first span, not before the start.
    std::mem::drop(tokio::task::spawn_blocking(PriceTable::builtin));
    Ok(Arc::new(Context {
        auth: Arc::new(Authenticator::new(Arc::clone(&catalog), workspace.id, required)),
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
        bound,
    }))
}

/// What the data folder holds.
struct Opened {
    store: Arc<dyn RunStore>,
    catalog: Arc<dyn Catalog>,
    attachments: Arc<Attachments>,
}

/// Opens the data folder. Blocks.
fn open(settings: &Settings, if_lost: LostCatalog) -> anyhow::Result<Opened> {
    let finish = Arc::new(|run: &mut Run| PriceTable::builtin().price(run));
    let shares = settings.memory_shares();
    let memory_bytes = NonZeroUsize::new(shares.recent).context("the memory setting is zero")?;
    // The store locks the folder, so it comes first.
    let config = NativeConfig {
        dir: settings.data_dir.clone(),
        memory_bytes,
        finish,
        compaction: CompactionConfig::default(),
    };
    let mut store = match settings.bucket() {
        Some(bucket) => NativeStore::open_in_bucket(config, &bucket)?,
        None => NativeStore::open(config)?,
    };
    store.limit_query_memory(shares.queries)?;
    store.watch_space(SpaceLimits {
        refuse_below: settings.disk_min_free.room(),
        warn_below: settings.disk_warn_free.room(),
    })?;
    match (settings.catalog_state(Some(&store))?, if_lost) {
        (CatalogState::Lost, LostCatalog::Refuse) => anyhow::bail!(settings.lost_catalog()),
        (CatalogState::Lost, LostCatalog::Replace) => {
            tracing::warn!("the catalog was lost; a new one hides the runs that are there");
        }
        _ => {}
    }
    let catalog: Arc<dyn Catalog> = Arc::new(SqliteCatalog::open(&settings.catalog_path())?);
    if settings.requires_keys() && !catalog.has_active_keys()? {
        anyhow::bail!(
            "{}, so callers must show a key, but there is none: run `clearspan keys create --data-dir {}` first",
            settings.why_keys(),
            settings.data_dir.display()
        );
    }
    let attachments = Attachments::open(&settings.data_dir)
        .with_context(|| format!("cannot use {}/attachments", settings.data_dir.display()))?;
    Ok(Opened { store: Arc::new(store), catalog, attachments: Arc::new(attachments) })
}

fn build_http(context: &Arc<Context>) -> Router {
    let operators = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(receivers::not_found)
        .with_state(Arc::clone(context));
    let all = Router::new()
        .merge(operators)
        .merge(receivers::http_router(Arc::clone(context)))
        .merge(receivers::grpc_routes(Arc::clone(context)))
        .merge(receivers::langsmith_router(Arc::clone(context)))
        .merge(api::router(Arc::clone(context)))
        .merge(ui::router(Arc::clone(context)));
    ui::browsers_first(all)
        .layer(middleware::from_fn_with_state(host::Allowed::of(&context.settings), host::check))
}

async fn ready(State(context): State<Arc<Context>>) -> (StatusCode, String) {
    match context.store.check_writable() {
        Ok(()) => {
            let mut warnings = context.store.warnings();
            warnings.extend(context.upkeep.catalog_warning());
            warnings.extend(context.upkeep.clock_warning());
            let lines = warnings.iter().map(|warning| format!("warning: {warning}\n"));
            (StatusCode::OK, std::iter::once("ready\n".to_owned()).chain(lines).collect())
        }
        Err(err) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", chain(&err))),
    }
}

async fn metrics(State(context): State<Arc<Context>>) -> impl axum::response::IntoResponse {
    let mut text = context.metrics.render(context.store.search_progress());
    text.push_str(&telemetry::render_deletion(&context.store.deletion_state()));
    text.push_str(&telemetry::render_compaction(&context.store.compaction_status()));
    let scrub = context.upkeep.scrub_state().last;
    let scrub =
        scrub.as_ref().map(|last| (last.ended_at, last.outcome.as_ref().ok().map(|found| &found.report)));
    text.push_str(&telemetry::render_scrub(scrub));
    text.push_str(&telemetry::render_inflight(context.ingest.reservation().bytes_of_all()));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

/// Says where the page is, and in one JSON line what scripts want to know.
#[expect(clippy::print_stdout, reason = "this is what the person who started it waits for")]
fn greet(context: &Context) {
    let (http, grpc) = (context.bound.http_url(), context.bound.grpc_url());
    println!(
        "\n  Clearspan {} is ready.\n\n  Open     {http}/\n  OTLP     {http} (HTTP), {grpc} (gRPC)\n  Data     {}{}\n",
        env!("CARGO_PKG_VERSION"),
        context.settings.data_dir.display(),
        context.settings.object_store.as_ref().map_or_else(String::new, |url| format!(" and {url}"))
    );
    println!("{}", serde_json::json!({"event": "ready", "http_url": http, "grpc_url": grpc}));
}

/// What tells the process to stop. Listens from the beginning, so that a signal that comes early is not deadly.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            // Both are cancel-safe: a signal that is not taken is taken by the next call.
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
