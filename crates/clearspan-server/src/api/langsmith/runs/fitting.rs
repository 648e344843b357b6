//! Pages whose texts are bounded: a hundred runs may have a gigabyte of them.

use std::sync::Arc;

use clearspan_model::{Payload, Run, WorkspaceId};
use clearspan_store::Order;
use rustc_hash::FxHashMap;

use super::{Asked, Key, Page, Wants, load_whole, page};
use crate::api::error::Result;
use crate::context::Context;

/// Runs of a page whose texts are loaded before it is known how large they are.
const FIRST_RUNS: usize = 4;
/// Bytes of texts on a page; what is more is on the next one.
const MAX_TEXTS: usize = 32 << 20;

/// A page of runs, and where their texts are many, as many of them as fit into an answer: the rest is on the next one.
pub(in crate::api::langsmith) async fn page_that_fits(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    asked: Asked,
    order: Order,
    cursor: Option<&str>,
    limit: usize,
    wants: Wants,
) -> Result<Page> {
    let mut found = page(ctx, workspace_id, asked.clone(), order, cursor, limit, wants).await?;
    if !wants.whole {
        return Ok(found);
    }
    let whole = load_fitting(ctx, workspace_id, &found.keys).await?;
    let all_there = found.keys.iter().take_while(|key| whole.contains_key(key)).count();
    if all_there < found.keys.len() {
        // Where it goes on from there is for the store to say.
        found = page(ctx, workspace_id, asked, order, cursor, all_there.max(1), wants).await?;
    }
    found.whole = whole;
    Ok(found)
}

/// The first runs of a page with their payloads, as far as their texts fit into an answer; one at least.
async fn load_fitting(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    page: &[Key],
) -> Result<FxHashMap<Key, Run>> {
    let (mut whole, mut bytes, mut at) = (FxHashMap::default(), 0, 0);
    let mut count = FIRST_RUNS;
    while at < page.len() && (at == 0 || bytes < MAX_TEXTS) {
        let part = &page[at..page.len().min(at + count)];
        let loaded = load_whole(ctx, workspace_id, part).await?;
        bytes += loaded.values().map(text_bytes).sum::<usize>();
        at += part.len();
        // As many as should fit, going by those before.
        count = (MAX_TEXTS.saturating_sub(bytes) / (bytes / at).max(1)).max(1);
        whole.extend(loaded);
    }
    Ok(whole)
}

/// Bytes of what a run took and gave.
fn text_bytes(run: &Run) -> usize {
    let of_payload = |payload: &Payload| {
        let messages = payload.messages.iter().map(|message| message.as_str().len()).sum::<usize>();
        messages + payload.rest.as_ref().map_or(0, |rest| rest.as_str().len())
    };
    let attributes = run.attributes.values().map(|value| value.as_str().len()).sum::<usize>();
    of_payload(&run.inputs) + of_payload(&run.outputs) + attributes
}
