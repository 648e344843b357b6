//! Pages whose texts are bounded: a hundred runs may have a gigabyte of them.

use std::sync::Arc;

use clearspan_model::{Run, WorkspaceId};
use clearspan_store::Cursor;
use rustc_hash::FxHashMap;

use super::{Key, PageQuery, Row, key, load_whole, page, rows_with};
use crate::api::error::Result;
use crate::context::Context;

/// Runs of a page whose texts are loaded before it is known how large they are.
const FIRST_RUNS: usize = 4;
/// Bytes of texts on a page; what is more is on the next one.
const MAX_TEXTS: usize = 32 << 20;

/// The runs of a page with what is wanted of each, and where to go on. Where their texts are many, as many of them as fit into an answer:
/// the rest is on the next page.
pub(in crate::api::langsmith) async fn rows_that_fit(
    ctx: &Arc<Context>,
    workspace_id: WorkspaceId,
    query: PageQuery<'_>,
) -> Result<(Vec<Row>, Option<Cursor>)> {
    let page = page(ctx, workspace_id, query.clone()).await?;
    let loaded = async {
        match query.wants.whole {
            true => load_fitting(ctx, workspace_id, &page.keys).await,
            false => Ok(FxHashMap::default()),
        }
    };
    let mut rows = rows_with(ctx, workspace_id, &page, query.wants, loaded).await?;
    let fitting = rows.iter().take_while(|row| row.whole.is_some()).count().max(1);
    if !query.wants.whole || fitting >= rows.len() {
        return Ok((rows, page.next));
    }
    rows.truncate(fitting);
    let last = key(&rows[fitting - 1].summary);
    let limit = page.keys.iter().position(|key| *key == last).map_or(fitting, |place| place + 1);
    // Where it goes on from there is for the store to say.
    let next = super::page(ctx, workspace_id, PageQuery { limit, ..query }).await?.next;
    Ok((rows, next))
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
        bytes += loaded.values().map(Run::text_bytes).sum::<usize>();
        at += part.len();
        // As many as should fit, going by those before.
        count = (MAX_TEXTS.saturating_sub(bytes) / (bytes / at).max(1)).max(1);
        whole.extend(loaded);
    }
    Ok(whole)
}
