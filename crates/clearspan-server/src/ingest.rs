//! The only way to write runs, log records and metric points: map, find the project, price, store, tell who listens.
//!
//! An [`Ingest::deliver`] that returns `Ok` means that the store has acknowledged: durable and readable. It goes on
//! when its caller hangs up, because half a delivery must not depend on a client's patience.

mod budget;
mod documents;
pub(crate) mod feedback;
mod homes;
mod hybrid;
mod links;
mod live;
mod problems;
mod projects;
mod recent;
mod remap;
mod rulebook;
mod strays;

use std::sync::Arc;

use bytes::Bytes;
use clearspan_catalog::{Catalog, ProjectName};
use clearspan_mapping::otlp::{self, DecodeError, Encoding, MapContext, Mapped, Memory, MemoryError};
use clearspan_mapping::pricing::PriceTable;
use clearspan_model::{
    ErrorKind, IssueKind, LogRecord, MapIssue, MetricPoint, ProjectId, Run, RunId, RunKey, WorkspaceId,
};
use clearspan_store::RunStore;
use tokio::sync::Semaphore;

pub(crate) use clearspan_mapping::otlp::Signal;

pub(crate) use budget::{Budget, Exhausted, Reservation, tree_bytes};
pub(crate) use documents::{Attachment, DocumentReceipt, Documents, OwnDocument, Sent};
pub(crate) use live::{Committed, LiveFeed};
pub(crate) use problems::{Problem, Problems};
pub(crate) use projects::Projects;
pub(crate) use remap::{RemapJob, RemapState, Remaps};
pub(crate) use rulebook::{RuleRefusal, Rulebook};

use documents::Home;
use feedback::{FeedbackIntake, Given};
use homes::{Homes, SpanAt};
use hybrid::Hybrid;
use links::{Link, Links};
use recent::Recent;
use strays::Strays;

use crate::clock::Clock;
use crate::error::chain;
use crate::redact::Redactor;
use crate::telemetry::Seldom;

/// An export request.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) signal: Signal,
    pub(crate) encoding: Encoding,
    pub(crate) body: Bytes,
    /// Stands for the memory of the body until the export is done, also when its client has gone.
    pub(crate) reservation: Reservation,
}

/// Whose export it is, and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) workspace_id: WorkspaceId,
    /// The project that the request names, which wins over what spans name.
    pub(crate) project: Option<ProjectName>,
    /// Where runs go that nobody names a project for.
    pub(crate) default_project: Option<ProjectName>,
}

/// What became of an export.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    /// Why some were rejected; empty when none were.
    pub(crate) message: String,
}

/// Why an export was refused as a whole.
#[derive(Debug, Clone)]
pub(crate) struct IngestError {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
}

impl From<DecodeError> for IngestError {
    fn from(err: DecodeError) -> Self {
        Self { kind: err.kind, message: err.to_string() }
    }
}

impl From<clearspan_store::Error> for IngestError {
    fn from(err: clearspan_store::Error) -> Self {
        // Clients send again and again what cannot be taken now; health says when that began and ended.
        static REFUSED: Seldom = Seldom::new();
        let is_known = matches!(err.kind(), ErrorKind::Overloaded | ErrorKind::Unavailable);
        let unsaid = if is_known { REFUSED.turn() } else { Some(0) };
        if let Some(unsaid) = unsaid {
            tracing::error!(error = chain(&err), unsaid, "the store refused a batch");
        }
        Self::of_ours(err.kind())
    }
}

impl From<clearspan_catalog::Error> for IngestError {
    fn from(err: clearspan_catalog::Error) -> Self {
        tracing::error!(error = chain(&err), "projects or mapping rules cannot be looked up");
        Self::of_ours(err.kind())
    }
}

impl IngestError {
    /// A failure that the client cannot help. It is told what to do; what failed is in the log.
    fn of_ours(kind: ErrorKind) -> Self {
        let message = match kind {
            ErrorKind::Overloaded => "the server has too much to do; try again",
            ErrorKind::Unavailable => "the server cannot write now; try again later",
            ErrorKind::Timeout => "the server took too long; try again",
            _ => "the server failed on this request; the log has the details",
        };
        Self { kind, message: message.to_owned() }
    }
}

/// Runs posted one by one that are remembered, twice: their patches name nothing but the run.
const MAX_POSTED: usize = 20_000;

/// What an export brought, ready to be written.
#[derive(Debug, Default)]
struct Batch {
    runs: Vec<Run>,
    logs: Vec<LogRecord>,
    /// For each log record, whether nobody named its project.
    is_unplaced: Vec<bool>,
    points: Vec<MetricPoint>,
}

/// Takes exports.
#[derive(Debug, Clone)]
pub(crate) struct Ingest {
    store: Arc<dyn RunStore>,
    projects: Arc<Projects>,
    rules: Arc<Rulebook>,
    homes: Arc<Homes>,
    hybrid: Arc<Hybrid>,
    links: Arc<Links>,
    posted: Arc<Recent<(WorkspaceId, RunId), Home>>,
    strays: Arc<Strays>,
    feedback: Arc<FeedbackIntake>,
    live: LiveFeed,
    clock: Clock,
    budget: Budget,
    sheds_payloads: bool,
    redactor: Arc<Redactor>,
    /// Exports that are decoded at the same time: more than processors would only take memory.
    processors: Arc<Semaphore>,
}

/// What an [`Ingest`] works with.
#[derive(Debug)]
pub(crate) struct IngestArgs {
    pub(crate) store: Arc<dyn RunStore>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) projects: Arc<Projects>,
    pub(crate) rules: Arc<Rulebook>,
    pub(crate) live: LiveFeed,
    pub(crate) clock: Clock,
    pub(crate) budget: Budget,
    /// Whether runs are kept without their payload while there is little room on the disk.
    pub(crate) sheds_payloads: bool,
    /// What is taken out before it is written.
    pub(crate) redactor: Redactor,
}

impl Ingest {
    pub(crate) fn new(args: IngestArgs) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).max(2);
        let IngestArgs { store, catalog, projects, rules, live, clock, budget, sheds_payloads, redactor } =
            args;
        let homes = Arc::new(Homes::new(Arc::clone(&store), clock.now()));
        let early = Arc::clone(&homes);
        crate::task::spawn("look back", async move { early.prepare().await });
        let feedback = Arc::new(FeedbackIntake::new(Arc::clone(&store), catalog));
        let waiting = Arc::clone(&feedback);
        crate::task::spawn("place feedback", async move { waiting.look_back().await });
        let processors = Arc::new(Semaphore::new(processors));
        let hybrid = Arc::new(Hybrid::new(Arc::clone(&store)));
        let posted = Arc::new(Recent::new(MAX_POSTED));
        let strays = Arc::new(Strays::new(Arc::clone(&store)));
        Self {
            store,
            projects,
            rules,
            homes,
            hybrid,
            links: Arc::default(),
            posted,
            strays,
            feedback,
            live,
            clock,
            budget,
            sheds_payloads,
            redactor: Arc::new(redactor),
            processors,
        }
    }

    /// An empty share of the memory for bodies that are being received.
    pub(crate) fn reservation(&self) -> Reservation {
        self.budget.reservation()
    }

    /// Takes out of a document what is not to be kept.
    pub(crate) fn redact(&self, document: &mut serde_json::Value) {
        self.redactor.document(document);
    }

    /// Forgets what a project is called: it has another name from now on.
    pub(crate) fn forget_project(&self, workspace_id: WorkspaceId, id: ProjectId) {
        self.projects.forget(workspace_id, id);
    }

    /// Returns when everything that could be used is durable and readable.
    pub(crate) async fn deliver(&self, export: Export, to: Destination) -> Result<Receipt, IngestError> {
        let this = self.clone();
        let work = crate::task::spawn("deliver", async move { this.deliver_all(export, to).await });
        match work.await {
            Ok(Some(outcome)) => outcome,
            Ok(None) | Err(_) => Err(IngestError::of_ours(ErrorKind::Internal)),
        }
    }

    /// Keeps all of this feedback, or none. Whether its runs are here already makes no difference.
    pub(crate) async fn take_feedback(
        &self,
        workspace_id: WorkspaceId,
        given: Vec<Given>,
    ) -> Result<(), IngestError> {
        self.feedback.take(workspace_id, given).await
    }

    /// Writes what an export brought; readers see it when this returns.
    async fn write(&self, workspace_id: WorkspaceId, batch: Batch) -> Result<(), IngestError> {
        let Batch { runs, logs, points, .. } = batch;
        let traces: Vec<_> = runs.iter().map(|run| (run.key.project_id, run.key.trace_id)).collect();
        let run_ids: Vec<RunId> = runs.iter().map(|run| run.key.run_id).collect();
        let of_logs = logs.iter().filter_map(|record| Some((record.project_id, record.trace_id?)));
        let traces = traces.into_iter().chain(of_logs).collect::<Vec<_>>();
        // Together, so that they share one sync of the disk.
        let write_runs = async { if runs.is_empty() { Ok(()) } else { self.store.write(runs).await } };
        let write_logs = async { if logs.is_empty() { Ok(()) } else { self.store.write_logs(logs).await } };
        let write_points =
            async { if points.is_empty() { Ok(()) } else { self.store.write_points(points).await } };
        tokio::try_join!(write_runs, write_logs, write_points)?;
        self.feedback.runs_came(workspace_id, &run_ids).await;
        if !traces.is_empty() {
            self.live.publish(workspace_id, traces);
        }
        Ok(())
    }

    async fn deliver_all(self, export: Export, to: Destination) -> Result<Receipt, IngestError> {
        let processor = self.processors.acquire().await.expect("nobody closes it");
        let (this, workspace_id, signal) = (self.clone(), to.workspace_id, export.signal);
        let prepared = tokio::task::spawn_blocking(move || {
            let mut export = export;
            this.prepare(&mut export, &to).map(|(batch, receipt)| (batch, receipt, export.reservation))
        });
        let prepared = prepared.await.unwrap_or_else(|_panic| Err(IngestError::of_ours(ErrorKind::Internal)));
        drop(processor);
        let (batch, receipt, reservation) = prepared?;
        match signal {
            Signal::Traces => self.write_export(workspace_id, batch).await?,
            Signal::Logs => self.write_records(workspace_id, batch).await?,
            Signal::Metrics => self.write(workspace_id, batch).await?,
        }
        drop(reservation);
        Ok(receipt)
    }

    /// Writes the spans of an export: those that LangSmith's own protocol did not tell already, below the runs that it told.
    async fn write_export(&self, workspace_id: WorkspaceId, mut batch: Batch) -> Result<(), IngestError> {
        let copies = self.hybrid.drop_copies(&mut batch.runs);
        let orphans = self.hybrid.attach(&mut batch.runs).await?;
        self.write_spans(workspace_id, batch).await?;
        self.link(workspace_id, Link::Export(copies, orphans, self.clock.now())).await
    }

    /// Writes spans, and to each what log records told of it elsewhere before.
    async fn write_spans(&self, workspace_id: WorkspaceId, batch: Batch) -> Result<(), IngestError> {
        let now = self.clock.now();
        self.homes.note_spans(&batch.runs, now);
        let spans: Vec<SpanAt> = batch.runs.iter().filter_map(SpanAt::of).collect();
        self.write(workspace_id, batch).await?;
        self.link(workspace_id, Link::Spans(spans, now)).await
    }

    /// Writes log records, and what they tell of spans to the runs of those.
    async fn write_records(&self, workspace_id: WorkspaceId, mut batch: Batch) -> Result<(), IngestError> {
        let now = self.clock.now();
        let homes = self.homes.of_records(&batch.runs, now).await?;
        for (record, is_unplaced) in batch.logs.iter_mut().zip(&batch.is_unplaced) {
            let (Some(trace_id), Some(span_id), true) = (record.trace_id, record.span_id, *is_unplaced)
            else {
                continue;
            };
            let run_id = RunId::from_span_id(span_id);
            let key = RunKey { workspace_id, project_id: record.project_id, trace_id, run_id };
            if let Some(home) = homes.get(&key) {
                record.project_id = home.project_id;
            }
        }
        let mut homeless = Vec::new();
        for run in &mut batch.runs {
            match homes.get(&run.key) {
                Some(home) => run.key = *home,
                None => homeless.extend(SpanAt::of(run)),
            }
        }
        self.write(workspace_id, batch).await?;
        self.link(workspace_id, Link::Records(homeless, now)).await
    }

    /// Leaves out what was said while there is little room on the disk, where the operator says so.
    fn shed_payloads(&self, runs: &mut [Run]) {
        if self.sheds_payloads && self.store.is_short_of_room() {
            runs.iter_mut().for_each(shed_payload);
        }
    }

    /// Everything that takes the processor: decode, map, find projects, price.
    fn prepare(&self, export: &mut Export, to: &Destination) -> Result<(Batch, Receipt), IngestError> {
        let now = self.clock.now();
        let rules = self.rules.in_use(to.workspace_id)?;
        let mapped = map(export, MapContext { received_at: now, rules: &rules })?;
        let receipt = Receipt {
            accepted: (mapped.runs.len() + mapped.logs.len() + mapped.metrics.len()) as u64,
            rejected: mapped.rejected(),
            message: mapped.message(),
        };
        let mut runs = Vec::with_capacity(mapped.runs.len());
        for found in mapped.runs {
            let mut run = found.run;
            run.key.workspace_id = to.workspace_id;
            run.key.project_id = self.projects.resolve(to, found.project.as_ref(), now)?;
            PriceTable::builtin().price(&mut run);
            runs.push(run);
        }
        self.shed_payloads(&mut runs);
        let mut logs = Vec::with_capacity(mapped.logs.len());
        let mut is_unplaced = Vec::with_capacity(mapped.logs.len());
        for found in mapped.logs {
            is_unplaced.push(to.project.is_none() && found.project.is_none());
            let mut record = found.record;
            record.workspace_id = to.workspace_id;
            record.project_id = self.projects.resolve(to, found.project.as_ref(), now)?;
            logs.push(record);
        }
        let mut points = Vec::with_capacity(mapped.metrics.len());
        for found in mapped.metrics {
            let mut point = found.point;
            point.workspace_id = to.workspace_id;
            point.project_id = self.projects.resolve(to, found.project.as_ref(), now)?;
            points.push(point);
        }
        self.redactor.runs(&mut runs);
        self.redactor.logs(&mut logs);
        self.redactor.points(&mut points);
        Ok((Batch { runs, logs, is_unplaced, points }, receipt))
    }
}

/// Leaves out what was said, where something was, and notes so.
fn shed_payload(run: &mut Run) {
    let payload = [&run.inputs, &run.outputs];
    if payload.iter().all(|side| side.is_empty()) && run.attributes.is_empty() && run.events.is_empty() {
        return;
    }
    run.remove_payload();
    run.issues.push(MapIssue {
        kind: IssueKind::Shed,
        field: "payload".to_owned(),
        message: "there was little room on the disk, and the server's setting --disk-low is shed-payloads"
            .to_owned(),
    });
}

/// The memory of a request beside its body is taken while it is mapped.
struct Mapping<'r> {
    body_bytes: usize,
    reservation: &'r mut Reservation,
}

impl Memory for Mapping<'_> {
    fn grow_to(&mut self, bytes: usize) -> Result<(), MemoryError> {
        self.reservation.grow_to(self.body_bytes + bytes).map_err(|exhausted| match exhausted {
            Exhausted::ForNow => MemoryError::ForNow,
            Exhausted::ForEver => MemoryError::ForEver,
        })
    }
}

fn map(export: &mut Export, ctx: MapContext<'_>) -> Result<Mapped, IngestError> {
    let Export { signal, encoding, body, reservation } = export;
    let mut memory = Mapping { body_bytes: body.len(), reservation };
    Ok(otlp::read_within(*signal, body, *encoding, &ctx, &mut memory)?)
}
