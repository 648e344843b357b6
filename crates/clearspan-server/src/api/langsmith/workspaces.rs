//! Who the caller is: the workspace, under LangSmith's names.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::run_json::iso;
use crate::auth::Caller;
use crate::context::Context;

/// `GET /settings`. The SDKs ask before they make a prompt public.
pub(super) async fn settings(State(ctx): State<Arc<Context>>, caller: Caller) -> Json<Value> {
    Json(json!({
        "id": caller.workspace_id,
        "display_name": ctx.workspace.name,
        "created_at": iso(clearspan_model::UnixNanos::from_nanos(0)),
        "tenant_handle": ctx.workspace.name,
    }))
}

/// `GET /workspaces/current`: the same as an entry of the list of workspaces.
pub(super) async fn current(ctx: State<Arc<Context>>, caller: Caller) -> Json<Value> {
    let organization_id = caller.workspace_id;
    let Json(mut workspace) = settings(ctx, caller).await;
    workspace["organization_id"] = json!(organization_id);
    workspace["is_personal"] = json!(false);
    workspace["is_deleted"] = json!(false);
    Json(workspace)
}

/// `GET /workspaces`: those that the caller's key opens, which is one.
pub(super) async fn list(ctx: State<Arc<Context>>, caller: Caller) -> Json<[Value; 1]> {
    let Json(workspace) = current(ctx, caller).await;
    Json([workspace])
}
