//! Files go when no run and no example lists them any more.

use std::sync::Arc;
use std::time::Duration;

use clearspan_mapping::langsmith::ATTACHMENT;
use clearspan_model::{UnixNanos, WorkspaceId};
use clearspan_store::{Scope, SqlQuery, TableFormat};
use futures::StreamExt as _;
use rustc_hash::FxHashSet;

use super::{Result, Upkeep, UpkeepError, blocking};
use crate::attachments::ContentHash;

/// A file that came so recently stays: what lists it may be on its way.
const GRACE_NANOS: i64 = 3_600_000_000_000;
/// Looking at the attributes of all runs may take long; it runs at low priority.
const TIME_LIMIT: Duration = Duration::from_secs(6 * 3_600);
const DIGEST_CHARS: usize = 64;

impl Upkeep {
    /// Removes the files that nothing lists. Where that cannot be told for certain, none is removed.
    pub(super) async fn remove_unused_files(self: &Arc<Self>) -> Result<()> {
        let before = UnixNanos::from_nanos(self.clock.now().as_nanos().saturating_sub(GRACE_NANOS));
        let this = Arc::clone(self);
        // In this order: a file that is listed anew after it was found here counts as new, and an example takes its files
        // from a run before that one is deleted.
        let old = self.with_files(move || this.attachments.older_than(before)).await?;
        if old.is_empty() {
            return Ok(());
        }
        let mut listed = FxHashSet::default();
        let this = Arc::clone(self);
        for workspace_id in blocking(move || this.catalog.list_workspaces()).await? {
            self.listed_by_runs(workspace_id, &mut listed).await?;
        }
        let this = Arc::clone(self);
        let of_examples = blocking(move || this.catalog.list_attachment_digests()).await?;
        listed.extend(of_examples.iter().filter_map(|digest| ContentHash::parse(digest)));

        let this = Arc::clone(self);
        let removed = self.with_files(move || {
            let mut removed = 0_u64;
            for hash in old.iter().filter(|hash| !listed.contains(hash)) {
                removed += u64::from(this.attachments.remove(hash, before)?);
            }
            Ok(removed)
        });
        let removed = removed.await?;
        if removed > 0 {
            tracing::info!(removed, "removed files that no run and no example lists");
        }
        Ok(())
    }

    /// The files of all runs of a workspace.
    async fn listed_by_runs(
        &self,
        workspace_id: WorkspaceId,
        listed: &mut FxHashSet<ContentHash>,
    ) -> Result<()> {
        let query = SqlQuery {
            scope: Scope { workspace_id, project_ids: None },
            projects: Vec::new(),
            text: format!(
                "SELECT attributes FROM runs WHERE array_to_string(map_keys(attributes), ' ') LIKE '%{ATTACHMENT}%'"
            ),
            format: TableFormat::JsonLines,
            max_rows: None,
            timeout: TIME_LIMIT,
        };
        let mut body = self.store.sql(query).await?.body;
        let mut rest = Vec::new();
        while let Some(bytes) = body.next().await {
            rest.extend_from_slice(&bytes?);
            // A line may come in pieces, a digest too.
            let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            listed.extend(digests(&rest[..whole]));
            rest.drain(..whole);
        }
        listed.extend(digests(&rest));
        Ok(())
    }

    pub(super) async fn with_files<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_panic| UpkeepError::Broken)?.map_err(UpkeepError::Files)
    }
}

/// Everything in a text that looks like a digest: rather too many than too few.
fn digests(text: &[u8]) -> impl Iterator<Item = ContentHash> {
    let words = text.split(|byte| !byte.is_ascii_hexdigit());
    let digests = words.filter(|word| word.len() == DIGEST_CHARS);
    digests.filter_map(|word| ContentHash::parse(std::str::from_utf8(word).ok()?))
}

#[cfg(test)]
mod tests {
    use super::digests;

    #[test]
    fn digests_are_found_in_lines() {
        let (one, other) = ("a1".repeat(32), "0F".repeat(32));
        let line = format!(
            r#"{{"attributes":{{"langsmith.attachment.x":{{"sha256":"{one}","y":"\"{other}\""}}}}}}"#
        );
        let found: Vec<_> = digests(line.as_bytes()).map(|hash| hash.to_string()).collect();
        assert_eq!(found, [one, other.to_lowercase()]);
        assert_eq!(digests("ab".repeat(33).as_bytes()).count(), 0);
    }
}
