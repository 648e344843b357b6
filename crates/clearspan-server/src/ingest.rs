//! The only way to write runs: map, find the project, price, store, tell who listens.
//!
//! An [`Ingest::deliver`] that returns `Ok` means that the store has acknowledged: durable and readable. It goes on
//! when its caller hangs up, because half a delivery must not depend on a client's patience.

mod live;
mod projects;

use std::sync::Arc;

use clearspan_catalog::ProjectName;
use clearspan_mapping::otlp::{self, DecodeError, Encoding, MapContext, Mapped};
use clearspan_mapping::pricing::PriceTable;
use clearspan_model::{ErrorKind, Run, WorkspaceId};
use clearspan_store::RunStore;
use hyper::body::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

pub(crate) use live::{Committed, LiveFeed};
pub(crate) use projects::Projects;

use crate::clock::Clock;
use crate::error::chain;

/// What OTLP exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Logs,
    Metrics,
}

/// An export request, as bytes or decoded.
#[derive(Debug)]
pub(crate) enum Export {
    Encoded(Signal, Encoding, Bytes),
    Traces(ExportTraceServiceRequest),
    Logs(ExportLogsServiceRequest),
    Metrics(ExportMetricsServiceRequest),
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
        Self { kind: ErrorKind::InvalidInput, message: err.to_string() }
    }
}

impl From<clearspan_store::Error> for IngestError {
    fn from(err: clearspan_store::Error) -> Self {
        tracing::error!(error = chain(&err), "the store refused a batch");
        Self { kind: err.kind(), message: err.to_string() }
    }
}

impl From<clearspan_catalog::Error> for IngestError {
    fn from(err: clearspan_catalog::Error) -> Self {
        tracing::error!(error = chain(&err), "a project cannot be looked up");
        Self { kind: err.kind(), message: err.to_string() }
    }
}

/// Takes exports.
#[derive(Debug, Clone)]
pub(crate) struct Ingest {
    store: Arc<dyn RunStore>,
    projects: Arc<Projects>,
    live: LiveFeed,
    clock: Clock,
}

impl Ingest {
    pub(crate) fn new(store: Arc<dyn RunStore>, projects: Arc<Projects>, live: LiveFeed, clock: Clock) -> Self {
        Self { store, projects, live, clock }
    }

    /// Returns when everything that could be used is durable and readable.
    pub(crate) async fn deliver(&self, export: Export, to: Destination) -> Result<Receipt, IngestError> {
        let this = self.clone();
        let work = crate::task::spawn("deliver", async move { this.deliver_all(export, to).await });
        match work.await {
            Ok(Some(outcome)) => outcome,
            Ok(None) | Err(_) => Err(IngestError {
                kind: ErrorKind::Internal,
                message: "the server failed on this request; the log has the details".to_owned(),
            }),
        }
    }

    async fn deliver_all(self, export: Export, to: Destination) -> Result<Receipt, IngestError> {
        let (store, live, workspace_id) = (Arc::clone(&self.store), self.live.clone(), to.workspace_id);
        let prepared = tokio::task::spawn_blocking(move || self.prepare(export, &to)).await;
        let (runs, receipt) = prepared.map_err(|err| IngestError {
            kind: ErrorKind::Internal,
            message: format!("the request could not be mapped: {err}"),
        })??;
        if runs.is_empty() {
            return Ok(receipt);
        }
        let keys: Vec<_> = runs.iter().map(|run| (run.key.project_id, run.key.trace_id)).collect();
        store.write(runs).await?;
        live.publish(workspace_id, keys);
        Ok(receipt)
    }

    /// Everything that takes the processor: decode, map, find projects, price.
    fn prepare(&self, export: Export, to: &Destination) -> Result<(Vec<Run>, Receipt), IngestError> {
        let mapped = map(export, MapContext { received_at: self.clock.now() })?;
        let receipt = Receipt {
            accepted: mapped.runs.len() as u64,
            rejected: mapped.rejected(),
            message: mapped.message(),
        };
        let mut runs = Vec::with_capacity(mapped.runs.len());
        for found in mapped.runs {
            let mut run = found.run;
            run.key.workspace_id = to.workspace_id;
            run.key.project_id = self.projects.resolve(to, found.project.as_ref(), self.clock.now())?;
            PriceTable::builtin().price(&mut run);
            runs.push(run);
        }
        Ok((runs, receipt))
    }
}

fn map(export: Export, ctx: MapContext) -> Result<Mapped, DecodeError> {
    Ok(match export {
        Export::Encoded(Signal::Traces, encoding, body) => {
            otlp::map_traces(otlp::decode_traces(&body, encoding)?, &ctx)
        }
        Export::Encoded(Signal::Logs, encoding, body) => otlp::map_logs(otlp::decode_logs(&body, encoding)?, &ctx),
        Export::Encoded(Signal::Metrics, encoding, body) => {
            otlp::map_metrics(otlp::decode_metrics(&body, encoding)?)
        }
        Export::Traces(request) => otlp::map_traces(request, &ctx),
        Export::Logs(request) => otlp::map_logs(request, &ctx),
        Export::Metrics(request) => otlp::map_metrics(request),
    })
}
