//! What the server tells about itself to everybody: the answer of `GET /info`, which the page carries as well.

use serde::Serialize;
use utoipa::ToSchema;

use super::Context;

/// What this server is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Info {
    version: &'static str,
    /// `open`: no key is needed; `keys`: every request needs one.
    auth: &'static str,
    /// Where OTLP over HTTP, the API and the page are.
    http_url: String,
    /// Where OTLP over gRPC is.
    grpc_url: String,
    workspace: WorkspaceRef,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkspaceRef {
    id: String,
    name: String,
}

impl Context {
    pub(crate) fn info(&self) -> Info {
        Info {
            version: env!("CARGO_PKG_VERSION"),
            auth: if self.settings.requires_keys() { "keys" } else { "open" },
            http_url: self.bound.http_url(),
            grpc_url: self.bound.grpc_url(),
            workspace: WorkspaceRef { id: self.workspace.id.to_string(), name: self.workspace.name.clone() },
        }
    }
}
