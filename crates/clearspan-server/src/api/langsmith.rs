//! What the LangSmith SDKs call: projects (which they call sessions), runs, datasets, experiments and prompts.
//!
//! The same routes answer under `/`, `/api` and `/api/v1`, because clients build their addresses in three ways.
//! Unknown keys are ignored, as newer SDKs send more; a filter that cannot be expressed is refused by name.

mod absent;
mod annotation;
mod asked;
mod attachments;
mod body;
mod datasets;
mod deletion;
mod examples;
mod experiments;
mod feedback;
mod find;
mod form;
mod groups;
mod info;
mod input;
mod json_object;
mod prompts;
mod run_json;
mod runs;
mod sessions;
mod sharing;
mod v2;
mod workspaces;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, patch, post, put};

use super::unread::Unread;
use crate::context::Context;

/// Routes relative to each prefix. `info` asks for no key: the SDKs call it before they have one.
pub(super) fn routes(unread: &Unread) -> Router<Arc<Context>> {
    Router::new()
        .route("/runs/query", unread.few(post(runs::query)))
        .route("/runs/stats", post(runs::stats))
        .route("/runs/group", post(groups::query))
        .route("/runs/delete", post(deletion::delete))
        .route("/runs/{run_id}", unread.few(get(runs::get)))
        .route("/workspaces/current/secrets", get(absent::secrets).post(absent::keep_secrets))
        .route("/bulk-exports", post(absent::bulk_exports).get(absent::bulk_exports))
        .route("/bulk-exports/{*rest}", post(absent::bulk_exports).get(absent::bulk_exports))
        .route("/sessions/{session_id}/insights", post(absent::insights).get(absent::insights))
        .route("/sessions/{session_id}/insights/{*rest}", get(absent::insights))
        .merge(feedback_routes())
        .merge(annotation_routes())
        .merge(sharing_routes())
        .merge(dataset_routes())
        .merge(prompt_routes())
        .nest("/platform", platform_routes())
}

fn feedback_routes() -> Router<Arc<Context>> {
    use feedback::{configs, tokens};
    let mut router = Router::new();
    for end in ["", "/"] {
        let at = |path: &str| format!("{path}{end}");
        router = router
            .route(&at("/feedback"), get(feedback::list).post(feedback::create))
            .route(&at("/feedback/eager"), post(feedback::create))
            .route(&at("/feedback/formulas"), get(feedback::formulas).post(feedback::formulas))
            .route(&at("/feedback/tokens"), get(tokens::list).post(tokens::create))
            .route(&at("/feedback/{id}"), get(feedback::get).patch(feedback::update).delete(feedback::delete))
            .route(
                &at("/feedback-configs"),
                get(configs::list).post(configs::create).patch(configs::update).delete(configs::delete),
            );
    }
    router
}

fn annotation_routes() -> Router<Arc<Context>> {
    use annotation::{items, queues};
    let mut router = Router::new();
    for end in ["", "/"] {
        let at = |path: &str| format!("/annotation-queues{path}{end}");
        router = router
            .route(&at(""), get(queues::list).post(queues::create))
            .route(&at("/populate"), post(items::populate))
            .route(&at("/status/{item_id}"), post(items::set_status))
            .route(&at("/{id}"), get(queues::get).patch(queues::update).delete(queues::delete))
            .route(&at("/{id}/queues"), get(queues::of_run))
            .route(&at("/{id}/runs"), get(items::list).post(items::add))
            .route(&at("/{id}/runs/by-key"), post(items::add))
            .route(&at("/{id}/runs/delete"), post(items::remove_many))
            .route(&at("/{id}/runs/{run_id}"), delete(items::remove).merge(patch(items::update)))
            .route(&at("/{id}/run/{index}"), get(items::at))
            .route(&at("/{id}/size"), get(queues::size))
            .route(&at("/{id}/total_size"), get(queues::total_size))
            .route(&at("/{id}/total_archived"), get(queues::total_archived));
    }
    router
}

fn sharing_routes() -> Router<Arc<Context>> {
    Router::new()
        .route("/runs/{run_id}/share", put(sharing::share).get(sharing::get).delete(sharing::unshare))
}

/// Routes of the generated clients, below `/api/v2`.
pub(super) fn v2_routes(unread: &Unread) -> Router<Arc<Context>> {
    Router::new()
        .route("/runs/query", unread.few(post(v2::runs::query)))
        .route("/runs/{run_id}", unread.few(get(v2::runs::get)))
        .route("/runs/{run_id}/url", get(v2::runs::url))
        .route("/runs/{run_id}/share", post(v2::sharing::share_run).delete(v2::sharing::unshare_run))
        .route("/traces/query", post(v2::traces::query))
        .route("/traces/{trace_id}/runs", unread.few(get(v2::traces::runs)))
        .route("/sessions", get(v2::sessions::list).post(v2::sessions::create))
        .route("/sessions/{id}", get(v2::sessions::get).patch(v2::sessions::update))
        .route("/datasets", get(v2::datasets::list))
        .route("/datasets/{id}/experiment-runs", post(v2::experiment_runs::query))
        .route("/threads/query", post(v2::threads::query))
        .route("/threads/stats", post(v2::threads::stats))
        .route("/threads/{thread_id}/traces", get(v2::threads::traces))
        .route("/threads/{thread_id}/stats", get(v2::threads::stats_of_one))
        .route(
            "/threads/{thread_id}/share",
            post(v2::sharing::share_thread)
                .get(v2::sharing::shared_thread)
                .delete(v2::sharing::unshare_thread),
        )
}

/// The same for those who know a token and have no key.
pub(super) fn open_v2_routes(unread: &Unread) -> Router<Arc<Context>> {
    Router::new()
        .route("/public/{token}/run/{run_id}", unread.few(get(v2::sharing::public_run)))
        .route("/public/{token}/runs/query", unread.few(post(v2::sharing::public_runs)))
}

/// Datasets, their examples and experiments. Clients end paths with a slash or not.
fn dataset_routes() -> Router<Arc<Context>> {
    use examples::download;
    let mut router = Router::new();
    for end in ["", "/"] {
        let at = |path: &str| format!("{path}{end}");
        router = router
            .route(&at("/datasets"), get(datasets::list).post(datasets::create))
            .route(&at("/datasets/upload"), post(examples::upload))
            .route(&at("/datasets/clone"), post(examples::clone_dataset))
            .route(&at("/datasets/{id}"), get(datasets::get).patch(datasets::update).delete(datasets::delete))
            .route(&at("/sessions"), get(sessions::list).post(experiments::create))
            .route(
                &at("/sessions/{session_id}"),
                get(sessions::get).patch(experiments::update).delete(experiments::delete),
            )
            .route(&at("/sessions/resolutions"), get(sessions::resolve))
            .route(&at("/datasets/{id}/jsonl"), get(download::jsonl))
            .route(&at("/datasets/{id}/csv"), get(download::csv))
            .route(&at("/datasets/{id}/openai"), get(download::openai))
            .route(&at("/datasets/{id}/openai_ft"), get(download::openai))
            .route(&at("/datasets/{id}/experiments"), get(experiments::list))
            .route(&at("/datasets/{id}/runs"), post(experiments::runs_of_examples))
            .route(&at("/datasets/comparative"), post(experiments::compare))
            .route(
                &at("/datasets/{id}/comparative"),
                get(experiments::comparisons).delete(experiments::delete_comparison),
            )
            .route(&at("/datasets/{id}/versions"), get(datasets::versions))
            .route(&at("/datasets/{id}/version"), get(datasets::version))
            .route(&at("/datasets/{id}/versions/diff"), get(datasets::diff))
            .route(&at("/datasets/{id}/tags"), put(datasets::tag))
            .route(&at("/datasets/{id}/splits"), get(examples::splits).put(examples::update_splits))
            .route(
                &at("/datasets/{id}/share"),
                get(datasets::read_share).put(datasets::share).delete(datasets::unshare),
            )
            .route(&at("/examples"), get(examples::list).post(examples::create).delete(examples::delete_many))
            .route(&at("/examples/count"), get(examples::count))
            .route(&at("/examples/bulk"), post(examples::create_many).patch(examples::update_many))
            .route(
                &at("/examples/{id}"),
                get(examples::get).patch(examples::update).delete(examples::delete),
            );
    }
    router
}

/// The workspace, and its prompts, which clients call repositories.
fn prompt_routes() -> Router<Arc<Context>> {
    let mut router = Router::new();
    for end in ["", "/"] {
        let at = |path: &str| format!("{path}{end}");
        router = router
            .route(&at("/settings"), get(workspaces::settings))
            .route(&at("/workspaces"), get(workspaces::list))
            .route(&at("/workspaces/current"), get(workspaces::current))
            .route(&at("/repos"), get(prompts::list).post(prompts::create))
            .route(&at("/repos/{owner}/{handle}"), patch(prompts::update).delete(prompts::delete))
            .route(&at("/repos/{owner}/{handle}/tags"), get(prompts::tags).post(prompts::tag))
            .route(
                &at("/repos/{owner}/{handle}/tags/{name}"),
                patch(prompts::update_tag).delete(prompts::delete_tag),
            )
            .route(&at("/commits/{owner}/{handle}"), post(prompts::commit))
            .route(&at("/likes/{owner}/{handle}"), post(prompts::like));
    }
    router
}

/// Prompts that are public are read without a key.
pub(super) fn public_routes() -> Router<Arc<Context>> {
    let mut router = Router::new();
    for end in ["", "/"] {
        let at = |path: &str| format!("{path}{end}");
        router = router
            .route(&at("/repos/{owner}/{handle}"), get(prompts::get))
            .route(&at("/commits/{owner}/{handle}"), get(prompts::commits))
            .route(&at("/commits/{owner}/{handle}/{reference}"), get(prompts::pull));
    }
    router
}

/// What clients ask for below `platform`, which they put behind `/v1` when their endpoint does not end with it.
pub(super) fn platform_routes() -> Router<Arc<Context>> {
    use prompts::directories;
    let mut router = Router::new();
    for end in ["", "/"] {
        let at = |path: &str| format!("{path}{end}");
        router = router
            .route(&at("/issues"), get(absent::issues))
            .route(&at("/datasets/{id}/examples"), post(examples::create_form).patch(examples::update_form))
            .route(&at("/datasets/{dataset_id}/examples/{id}"), delete(examples::delete_of))
            .route(&at("/datasets/examples/delete"), post(examples::delete_listed))
            .route(&at("/examples/multipart"), post(examples::upsert_form))
            .route(
                &at("/hub/repos/{owner}/{handle}/directories"),
                get(directories::get).delete(directories::delete),
            )
            .route(&at("/hub/repos/{owner}/{handle}/directories/commits"), post(directories::commit));
    }
    router
}

/// Routes that need no key. The address of a file proves itself.
pub(super) fn open_routes() -> Router<Arc<Context>> {
    Router::new()
        .route("/info", get(info::get))
        .route("/attachments/{sha256}", get(attachments::get))
        .route("/feedback/tokens/{token}", get(feedback::tokens::give_by_link).post(feedback::tokens::give))
        .route("/public/{token}/run", get(sharing::public_root))
        .route("/public/{token}/run/{run_id}", get(sharing::public_run))
        .route("/public/{token}/runs/query", post(sharing::public_runs))
        .route("/public/{token}/{rest}", get(sharing::public_list))
        .route("/public/{token}/datasets", get(datasets::get_shared))
        .route("/public/{token}/examples", get(examples::list_shared))
        .route("/public/{token}/datasets/sessions", get(experiments::list_shared))
}
