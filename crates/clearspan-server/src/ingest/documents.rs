//! Runs that come as documents in LangSmith's protocol: mapped, brought to their trace and project, joined, written.
//!
//! A document does not always say which trace and project its run belongs to: a patch may have nothing but the id. Then
//! another document of the request says it, else what was posted lately, else the store; and when nobody knows the run,
//! it is the root of its own trace.

use std::collections::hash_map::Entry;
use std::fmt;

use clearspan_mapping::langsmith::{self, ATTACHMENT, BatchError, Document, Kind, MAX_BATCH, Told};
use clearspan_mapping::pricing::PriceTable;
use clearspan_model::{ErrorKind, JsonText, ProjectId, Run, RunId, RunKey, TraceId, UnixNanos, WorkspaceId};
use clearspan_store::{Result as StoreResult, RunStore, Scope};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::json;

use super::{
    Batch, Destination, Exhausted, Ingest, IngestError, Link, Problems, Reservation, hybrid, strays,
};
use crate::attachments::ContentHash;

/// A document with its texts.
#[derive(Debug)]
pub(crate) struct OwnDocument {
    pub(crate) kind: Kind,
    pub(crate) run_id: RunId,
    /// The object, once it is here.
    pub(crate) main: Option<String>,
    /// Members that come apart from it.
    pub(crate) parts: Vec<(&'static str, String)>,
}

impl OwnDocument {
    pub(crate) fn new(kind: Kind, run_id: RunId) -> Self {
        Self { kind, run_id, main: None, parts: Vec::new() }
    }
}

/// A file of a run. It is on the disk.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) run_id: RunId,
    pub(crate) name: String,
    pub(crate) mime_type: Option<String>,
    pub(crate) hash: ContentHash,
    pub(crate) bytes: u64,
}

/// How documents were sent.
#[derive(Debug)]
pub(crate) enum Sent {
    /// Each by itself.
    Apart(Vec<OwnDocument>),
    /// As lists in one text.
    Batch(String),
    /// One, about the run that the address says.
    One(Kind, Option<RunId>, String),
}

/// A request with documents.
#[derive(Debug)]
pub(crate) struct Documents {
    pub(crate) sent: Sent,
    pub(crate) attachments: Vec<Attachment>,
    /// Stands for the memory of the texts until all is written.
    pub(crate) reservation: Reservation,
}

/// What became of the documents.
#[derive(Debug, Default)]
pub(crate) struct DocumentReceipt {
    pub(crate) accepted: u64,
    pub(crate) problems: Problems,
}

/// Where a run is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home {
    pub(super) trace_id: TraceId,
    pub(super) project_id: ProjectId,
    /// Whether only strays are there.
    pub(super) is_guess: bool,
}

impl Home {
    pub(super) fn of(key: &RunKey) -> Self {
        Self { trace_id: key.trace_id, project_id: key.project_id, is_guess: false }
    }
}

/// Runs with their keys.
struct Placed {
    runs: Vec<Run>,
    /// Those of which nobody knew where they belong.
    strays: Vec<RunKey>,
    /// Those of which it was said.
    homes: Vec<RunKey>,
}

impl Ingest {
    /// Returns when everything that could be used is durable and readable.
    pub(crate) async fn deliver_documents(
        &self,
        documents: Documents,
        to: Destination,
    ) -> Result<DocumentReceipt, IngestError> {
        let this = self.clone();
        let work =
            crate::task::spawn("deliver documents", async move { this.deliver_told(documents, to).await });
        match work.await {
            Ok(Some(outcome)) => outcome,
            Ok(None) | Err(_) => Err(IngestError::of_ours(ErrorKind::Internal)),
        }
    }

    async fn deliver_told(
        self,
        documents: Documents,
        to: Destination,
    ) -> Result<DocumentReceipt, IngestError> {
        let Documents { sent, attachments, reservation } = documents;
        let now = self.clock.now();
        let processor = self.processors.acquire().await.expect("nobody closes it");
        let telling = tokio::task::spawn_blocking(move || {
            let mut telling = Telling::new(reservation);
            telling.tell(&sent, now)?;
            telling.attach(attachments, now)?;
            Ok::<_, IngestError>(telling)
        });
        let telling = telling.await.map_err(|_panic| IngestError::of_ours(ErrorKind::Internal))??;
        let Telling { told, problems, reservation, .. } = telling;
        drop(processor);
        let accepted = told.len() as u64;
        let workspace_id = to.workspace_id;
        let mut homes = self.find_homes(&told, workspace_id).await?;
        let unknown = strays::unknown(&told, &homes);
        let held = match unknown.is_empty() {
            true => None,
            false => {
                let held = self.strays.hold().await;
                homes.extend(self.strays.homes_of(workspace_id, &unknown, now).await?);
                Some(held)
            }
        };
        let this = self.clone();
        let placing = tokio::task::spawn_blocking(move || this.place(told, &homes, &to, now));
        let placed = placing.await.unwrap_or_else(|_panic| Err(IngestError::of_ours(ErrorKind::Internal)));
        let Placed { runs, strays, homes } = placed?;
        self.strays.note(&strays);
        self.write_told(workspace_id, runs, now).await?;
        drop(held);
        let taking_over = self.strays.elsewhere(&homes);
        if !strays.is_empty() || !taking_over.is_empty() {
            self.link(workspace_id, Link::Strays(strays, taking_over)).await?;
        }
        drop(reservation);
        Ok(DocumentReceipt { accepted, problems })
    }

    async fn write_told(
        &self,
        workspace_id: WorkspaceId,
        runs: Vec<Run>,
        now: UnixNanos,
    ) -> Result<(), IngestError> {
        let keys: Vec<RunKey> = runs.iter().map(|run| run.key).collect();
        let likenesses: Vec<u64> = runs.iter().filter_map(hybrid::likeness).collect();
        self.hybrid.note_runs(&runs);
        self.write_spans(workspace_id, Batch { runs, ..Batch::default() }).await?;
        self.link(workspace_id, Link::Documents(likenesses, keys, now)).await
    }

    /// Where the runs are that do not say it themselves, and the parents of those that only name their parent.
    async fn find_homes(
        &self,
        told: &[Told],
        workspace_id: WorkspaceId,
    ) -> Result<FxHashMap<RunId, Home>, IngestError> {
        let mut wanted: FxHashSet<RunId> = FxHashSet::default();
        for told in told {
            let key = told.run.key;
            match told.kind {
                _ if told.has_trace && (told.names_project() || told.kind == Kind::Post) => {}
                Kind::Patch => drop(wanted.insert(key.run_id)),
                Kind::Post => wanted.extend(told.run.parent_run_id),
            }
        }
        let mut homes = FxHashMap::default();
        wanted.retain(|run_id| match self.posted.get(&(workspace_id, *run_id)) {
            Some(home) => homes.insert(*run_id, home).is_some(),
            None => true,
        });
        if !wanted.is_empty() {
            let wanted: Vec<RunId> = wanted.into_iter().collect();
            let found = places_of(&*self.store, workspace_id, &wanted).await?;
            homes.extend(found.iter().map(|key| (key.run_id, Home::of(key))));
        }
        Ok(homes)
    }

    /// Gives each run its key and its price; what the request says of one run is joined.
    fn place(
        &self,
        told: Vec<Told>,
        homes: &FxHashMap<RunId, Home>,
        to: &Destination,
        now: UnixNanos,
    ) -> Result<Placed, IngestError> {
        // Documents of one request know more together.
        let mut known: FxHashMap<RunId, (Option<TraceId>, Option<ProjectId>)> = FxHashMap::default();
        for told in &told {
            let entry = known.entry(told.run.key.run_id).or_default();
            entry.0 = entry.0.or(told.has_trace.then_some(told.run.key.trace_id));
            if entry.1.is_none() && told.names_project() {
                entry.1 = Some(self.projects.resolve_either(
                    to,
                    told.project_id,
                    told.project_name.as_deref(),
                    now,
                )?);
            }
        }
        let posts = told.iter().filter(|told| told.kind == Kind::Post);
        let posts: FxHashSet<RunId> = posts.map(|told| told.run.key.run_id).collect();
        let mut runs: Vec<Run> = Vec::with_capacity(told.len());
        let mut at: FxHashMap<RunKey, usize> = FxHashMap::default();
        let (mut posted, mut strays, mut at_home) = (Vec::new(), Vec::new(), Vec::new());
        for told in told {
            let trace_or_own = told.trace_or_own();
            let mut run = told.run;
            let run_id = run.key.run_id;
            let (trace_here, project_here) = known.get(&run_id).copied().unwrap_or_default();
            let home = homes.get(&run_id).or_else(|| homes.get(&run.parent_run_id?));
            let of_parent = || run.parent_run_id.and_then(|parent| known.get(&parent)?.0);
            let trace_id = trace_here.or_else(of_parent).or(home.map(|home| home.trace_id));
            // A patch may have named the project before.
            let early = || self.posted.get(&(to.workspace_id, run_id)).map(|home| home.project_id);
            let known_project = project_here.or(home.map(|home| home.project_id)).or_else(early);
            let project_id = match known_project {
                Some(project_id) => project_id,
                None => self.projects.resolve_either(to, None, None, now)?,
            };
            run.key.workspace_id = to.workspace_id;
            run.key.project_id = project_id;
            let is_guess = project_here.is_none() && home.is_some_and(|home| home.is_guess);
            let is_known = trace_id.is_some() && known_project.is_some() && !is_guess;
            run.key.trace_id = trace_id.unwrap_or(trace_or_own);
            let said_here = told.has_trace && project_here.is_some();
            if told.kind == Kind::Post || said_here {
                at_home.push(run.key);
            } else if !is_known && !posts.contains(&run_id) {
                strays.push(run.key);
            }
            let is_first_word = told.kind == Kind::Patch && project_here.is_some() && home.is_none();
            if is_first_word || told.kind == Kind::Post && run.dotted_order.is_none() {
                posted.push(((to.workspace_id, run_id), Home::of(&run.key)));
            }
            match at.entry(run.key) {
                Entry::Occupied(known) => runs[*known.get()].merge(run),
                Entry::Vacant(free) => {
                    free.insert(runs.len());
                    runs.push(run);
                }
            }
        }
        self.posted.extend(posted);
        runs.iter_mut().for_each(|run| PriceTable::builtin().price(run));
        self.shed_payloads(&mut runs);
        self.redactor.runs(&mut runs);
        Ok(Placed { runs, strays, homes: at_home })
    }
}

/// Where in the workspace these runs are, in an order in which of several the same one is the last each time.
pub(super) async fn places_of(
    store: &dyn RunStore,
    workspace_id: WorkspaceId,
    run_ids: &[RunId],
) -> StoreResult<Vec<RunKey>> {
    let scope = Scope { workspace_id, project_ids: None };
    let runs = store.load_runs(&scope, &[], run_ids).await?;
    let mut places: Vec<RunKey> = runs.iter().map(|run| run.key).collect();
    places.sort_unstable_by_key(|key| std::cmp::Reverse(*key));
    Ok(places)
}

/// What the documents of a request say, while it is found out.
struct Telling {
    told: Vec<Told>,
    problems: Problems,
    reservation: Reservation,
    /// What is to be reserved: the texts, and what the runs take beside them.
    bytes: usize,
}

impl Telling {
    fn new(reservation: Reservation) -> Self {
        let bytes = reservation.bytes();
        Self { told: Vec::new(), problems: Problems::default(), reservation, bytes }
    }

    /// Maps every document; those that cannot be used are told.
    fn tell(&mut self, sent: &Sent, now: UnixNanos) -> Result<(), IngestError> {
        match sent {
            Sent::Apart(documents) => {
                for document in documents {
                    let main = document.main.as_deref().unwrap_or("{}");
                    let parts = document.parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
                    let part = format_args!("{}.{}", word(document.kind), document.run_id);
                    let run_id = Some(document.run_id);
                    self.tell_one(part, &Document { kind: document.kind, run_id, main, parts }, now)?;
                }
            }
            Sent::Batch(text) => {
                let batch = match langsmith::read_batch(text) {
                    Ok(batch) => batch,
                    Err(BatchError::Malformed(message)) => {
                        self.problems.note("body", message);
                        return Ok(());
                    }
                    Err(BatchError::TooMany) => return Err(too_many()),
                };
                for (kind, list) in [(Kind::Post, batch.post), (Kind::Patch, batch.patch)] {
                    for (idx, main) in list.into_iter().enumerate() {
                        let part = format_args!("{}[{idx}]", word(kind));
                        self.tell_one(part, &Document::whole(kind, None, main), now)?;
                    }
                }
            }
            Sent::One(kind, run_id, text) => {
                self.tell_one(format_args!("body"), &Document::whole(*kind, *run_id, text), now)?;
            }
        }
        Ok(())
    }

    fn tell_one(
        &mut self,
        part: fmt::Arguments<'_>,
        document: &Document<'_>,
        now: UnixNanos,
    ) -> Result<(), IngestError> {
        match langsmith::map(document, now) {
            Ok(one) => {
                let parts = document.parts.iter().map(|(_, text)| text.len());
                let text_bytes = document.main.len() + parts.sum::<usize>();
                self.keep(one, text_bytes)?;
            }
            Err(message) => self.problems.note(part, message),
        }
        Ok(())
    }

    /// Keeps a run that was made from so many bytes of text. Its place is needed twice: here, and where the runs are joined.
    /// Its texts stand in the place of those that were sent, as far as they are no longer. Reading one document takes
    /// little beside its text, so a run is charged when it is there, before the next is made.
    fn keep(&mut self, one: Told, text_bytes: usize) -> Result<(), IngestError> {
        self.bytes += size_of::<Told>() + one.bytes().saturating_sub(text_bytes);
        self.reservation.grow_to(self.bytes).map_err(|exhausted| match exhausted {
            Exhausted::ForNow => IngestError {
                kind: ErrorKind::Overloaded,
                message: "too many bytes are being received; try again".to_owned(),
            },
            Exhausted::ForEver => IngestError {
                kind: ErrorKind::TooLarge,
                message: "the runs of this request take more memory than the server may use; send smaller batches, or raise --inflight"
                    .to_owned(),
            },
        })?;
        self.told.push(one);
        Ok(())
    }

    /// Lists the files with their runs.
    fn attach(&mut self, attachments: Vec<Attachment>, now: UnixNanos) -> Result<(), IngestError> {
        for Attachment { run_id, name, mime_type, hash, bytes } in attachments {
            let mut at = self.told.iter().position(|told| told.run.key.run_id == run_id);
            if at.is_none()
                && let Ok(alone) = langsmith::map(&Document::whole(Kind::Patch, Some(run_id), "{}"), now)
            {
                // Nothing but files came for this run.
                at = Some(self.told.len());
                self.keep(alone, 0)?;
            }
            let file = json!({ "sha256": hash.to_string(), "bytes": bytes, "mime_type": mime_type });
            if let Some(told) = at.and_then(|at| self.told.get_mut(at)) {
                told.run.attributes.insert(format!("{ATTACHMENT}{name}"), JsonText::from_value(&file));
            }
        }
        Ok(())
    }
}

fn too_many() -> IngestError {
    IngestError {
        kind: ErrorKind::TooLarge,
        message: format!("the batch has more than {MAX_BATCH} runs; send smaller batches"),
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Post => "post",
        Kind::Patch => "patch",
    }
}

#[cfg(test)]
mod tests;
