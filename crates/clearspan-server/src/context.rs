//! What every handler of a request may use. Made once in `app`, shared, never changed.

mod info;

use std::net::SocketAddr;
use std::sync::Arc;

use clearspan_catalog::{Catalog, Workspace};
use clearspan_store::RunStore;

use crate::attachments::Attachments;
use crate::auth::Authenticator;
use crate::clock::Clock;
use crate::config::Settings;
use crate::ingest::{Ingest, LiveFeed, Remaps, Rulebook};
use crate::telemetry::{Diagnostics, Metrics};
use crate::upkeep::Upkeep;

pub(crate) use info::Info;

#[derive(Debug)]
pub(crate) struct Context {
    /// Reads (and, for `ingest` only, writes).
    pub(crate) store: Arc<dyn RunStore>,
    /// Blocks: call it from `tokio::task::spawn_blocking`.
    pub(crate) catalog: Arc<dyn Catalog>,
    /// The only way to write runs.
    pub(crate) ingest: Ingest,
    /// Files of runs. Blocks.
    pub(crate) attachments: Arc<Attachments>,
    /// The mapping rules of workspaces. Blocks, like the catalog.
    pub(crate) rules: Arc<Rulebook>,
    /// Jobs that map stored runs again.
    pub(crate) remaps: Arc<Remaps>,
    /// Deletion, retention and purge.
    pub(crate) upkeep: Arc<Upkeep>,
    /// Which traces were just written.
    pub(crate) live: LiveFeed,
    /// Requests refused in the last minutes, for the set-up page.
    pub(crate) diagnostics: Arc<Diagnostics>,
    pub(crate) metrics: Arc<Metrics>,
    /// Who is calling. `auth::Caller` is the extractor.
    pub(crate) auth: Arc<Authenticator>,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    /// The workspace that everything belongs to until there are several.
    pub(crate) workspace: Workspace,
    /// Where the server really listens (the settings may say port 0).
    pub(crate) bound: Bound,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
}

impl Bound {
    /// The address that a browser on this machine can open.
    pub(crate) fn http_url(self) -> String {
        url_of(self.http)
    }

    /// The endpoint for OTLP over gRPC.
    pub(crate) fn grpc_url(self) -> String {
        url_of(self.grpc)
    }
}

fn url_of(mut addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() {
        addr.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{addr}")
}
