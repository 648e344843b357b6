//! Brings what log records tell to the runs of their spans, wherever those are.
//!
//! A record has the ids of its span, but not always what chose the span's place: the project may be named by an attribute
//! of the span alone or by a header of the exporter of spans, and a span may say which run it is. So
//!
//! - a record whose span is here completes that run, and when nobody names a project for the record, it is kept there too;
//! - a span that comes later takes over what records told of it before. That also stays where it was.
//!
//! Whichever is written last finds the other: both look again after they were written. What they do then may be done
//! twice, because merging is idempotent. Looking costs little, and is left out where it cannot find anything: spans look
//! only when a record of their trace went elsewhere ([`Waiting`]), records only while spans go elsewhere ([`Recent`]), and
//! nobody for what is older than a day. Both are kept in memory. Of what was before the start, the store tells once which
//! traces have records without their span ([`FromBefore`]); only spans of those look that began before it. It is asked at
//! the start, in the background; until it has answered, all spans look that began before that.

use std::sync::Arc;
use std::time::Duration;

use clearspan_model::{ProjectId, Run, RunId, RunKey, SpanId, TraceId, UnixNanos, WorkspaceId};
use clearspan_store::{Result, RunOfSpan, RunStore, Scope};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::OnceCell;

use crate::error::chain;

/// A span and its records come within a day.
const LOOK_BACK_NANOS: i64 = 86_400 * 1_000_000_000;
/// Places of spans that are remembered.
const MAX_PLACES: usize = 10_000;
/// Traces of records that are remembered, twice.
const MAX_TRACES: usize = 50_000;
/// Traces of records from before the start that are remembered; when there are more, all spans look that began before it.
const MAX_FROM_BEFORE: usize = 100_000;
/// How long spans wait for the store to tell of the time before the start: an export should not wait for all that it has.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// Finds the runs of spans.
#[derive(Debug)]
pub(super) struct Homes {
    store: Arc<dyn RunStore>,
    spans: Recent,
    records: Waiting,
    from_before: OnceCell<FromBefore>,
}

impl Homes {
    pub(super) fn new(store: Arc<dyn RunStore>, started_at: UnixNanos) -> Self {
        let spans = Recent { started_at, last: Mutex::default() };
        Self { store, spans, records: Waiting::default(), from_before: OnceCell::new() }
    }

    /// To be called before spans are written.
    pub(super) fn note_spans(&self, spans: &[Run], now: UnixNanos) {
        let places: FxHashSet<Place> = spans.iter().filter_map(SpanAt::of).map(|span| span.place).collect();
        places.into_iter().for_each(|place| self.spans.note(place, now));
    }

    /// To be called before the patches that records make are written: the runs that they complete, where those are not the ones
    /// that the patches name.
    pub(super) async fn of_records(
        &self,
        patches: &[Run],
        now: UnixNanos,
    ) -> Result<FxHashMap<RunKey, RunKey>> {
        let spans = || patches.iter().filter_map(SpanAt::of);
        let asked = spans().filter(|span| self.spans.elsewhere(span.place, now)).collect();
        let found = self.look(asked).await?;
        let mut homes = FxHashMap::default();
        for span in spans() {
            let runs = found.iter().filter(|run| run.has_span && span.is_of(run));
            // Its own project first; of several others always the same.
            match runs.min_by_key(|run| (run.key.project_id != span.key.project_id, run.key)) {
                Some(home) if home.key == span.key => {}
                Some(home) => drop(homes.insert(span.key, home.key)),
                None => self.records.note(span),
            }
        }
        Ok(homes)
    }

    /// To be called after spans were written: what records told of them elsewhere, for them to take over.
    pub(super) async fn told_before(&self, spans: Vec<SpanAt>, now: UnixNanos) -> Result<Vec<Run>> {
        let began_before = |span: &SpanAt| self.spans.may_have_records_from_before(span, now);
        let from_before = match spans.iter().any(began_before) {
            true => self.known_from_before().await?,
            false => None,
        };
        let may_hold = |span: &SpanAt| from_before.is_none_or(|before| before.may_hold(span));
        let (mut asked, others): (Vec<SpanAt>, Vec<SpanAt>) =
            spans.into_iter().partition(|span| began_before(span) && may_hold(span));
        asked.extend(self.records.with_some_elsewhere(others));
        self.told_elsewhere(asked).await
    }

    /// What is known of the time before the start. `None` when the store takes long to tell.
    async fn known_from_before(&self) -> Result<Option<&FromBefore>> {
        let told = self.from_before.get_or_try_init(|| self.look_back());
        tokio::time::timeout(LONGEST_WAIT, told).await.ok().transpose()
    }

    /// Asks the store of the time before the start, so that spans need not wait for it. If it fails, spans ask again.
    pub(super) async fn prepare(&self) {
        if let Err(err) = self.from_before.get_or_try_init(|| self.look_back()).await {
            tracing::warn!(error = chain(&err), "cannot tell which log records wait for their spans");
        }
    }

    /// Asks which traces have records from before the start and no span yet.
    async fn look_back(&self) -> Result<FromBefore> {
        // Records are a day older than their spans at most, and those no older than a day.
        let since = day_before(day_before(self.spans.started_at));
        let traces = self.store.traces_without_span(since, MAX_FROM_BEFORE).await?;
        Ok(if traces.len() < MAX_FROM_BEFORE {
            FromBefore::Of(traces.into_iter().collect())
        } else {
            FromBefore::TooMany
        })
    }

    /// To be called after patches of records were written that found no run: a span may have come at the same time.
    pub(super) async fn told_meanwhile(&self, mut spans: Vec<SpanAt>, now: UnixNanos) -> Result<Vec<Run>> {
        spans.retain(|span| self.spans.elsewhere(span.place, now));
        self.told_elsewhere(spans).await
    }

    async fn told_elsewhere(&self, spans: Vec<SpanAt>) -> Result<Vec<Run>> {
        let found = self.look(spans).await?;
        let mut patches = Vec::new();
        for told in found.iter().filter(|run| !run.has_span) {
            let is_home = |run: &&RunOfSpan| {
                run.has_span && run.span_id == told.span_id && run.key.trace_id == told.key.trace_id
            };
            let homes: Vec<RunKey> = found.iter().filter(is_home).map(|run| run.key).collect();
            if homes.is_empty() {
                continue;
            }
            let RunKey { workspace_id, project_id, trace_id, run_id } = told.key;
            let scope = Scope { workspace_id, project_ids: Some(vec![project_id]) };
            let runs = self.store.load_runs(&scope, &[trace_id], &[run_id]).await?;
            patches
                .extend(runs.iter().flat_map(|run| homes.iter().map(|key| Run { key: *key, ..run.clone() })));
        }
        Ok(patches)
    }

    /// The runs of spans in all projects of their workspaces.
    async fn look(&self, mut spans: Vec<SpanAt>) -> Result<Vec<RunOfSpan>> {
        let trace = |span: &SpanAt| (span.key.workspace_id, span.key.trace_id);
        spans.sort_by_key(trace);
        let mut found = Vec::new();
        for spans in spans.chunk_by(|one, other| trace(one) == trace(other)) {
            let (workspace_id, trace_id) = trace(&spans[0]);
            let scope = Scope { workspace_id, project_ids: None };
            let since = spans.iter().map(|span| day_before(span.time)).min().unwrap_or_default();
            let ids: FxHashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
            let ids: Vec<SpanId> = ids.into_iter().collect();
            found.extend(self.store.runs_of_spans(&scope, trace_id, &ids, since).await?);
        }
        Ok(found)
    }
}

/// A span and the run that it, or a record of it, is written to.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpanAt {
    key: RunKey,
    span_id: SpanId,
    /// When it began, as far as this tells.
    time: UnixNanos,
    place: Place,
}

impl SpanAt {
    /// `None` for runs that are no spans.
    pub(super) fn of(run: &Run) -> Option<Self> {
        let (key, span_id) = (run.key, run.span_id?);
        let has_own_id = RunId::from_span_id(span_id) != key.run_id;
        let place = Place { workspace_id: key.workspace_id, project_id: key.project_id, has_own_id };
        let of_content = || {
            let fragments = run.fragments.iter().map(|fragment| fragment.time);
            fragments.chain(run.events.iter().map(|event| event.time)).min()
        };
        let time = run.start_time.or_else(of_content).unwrap_or(run.received_at).min(run.received_at);
        Some(Self { key, span_id, time, place })
    }

    fn is_of(&self, run: &RunOfSpan) -> bool {
        run.span_id == self.span_id && run.key.trace_id == self.key.trace_id
    }
}

/// Where runs of spans go: to a project, under the ids of their spans or under ids of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    workspace_id: WorkspaceId,
    project_id: ProjectId,
    has_own_id: bool,
}

fn day_before(now: UnixNanos) -> UnixNanos {
    UnixNanos::from_nanos(now.as_nanos().saturating_sub(LOOK_BACK_NANOS))
}

/// Where spans went within the last day. What was before the start is not known, so they could have gone anywhere.
#[derive(Debug)]
struct Recent {
    started_at: UnixNanos,
    last: Mutex<FxHashMap<Place, UnixNanos>>,
}

impl Recent {
    fn note(&self, place: Place, now: UnixNanos) {
        let mut last = self.last.lock();
        if last.len() >= MAX_PLACES && !last.contains_key(&place) {
            last.retain(|_, time| *time >= day_before(now));
        }
        last.insert(place, now);
    }

    /// Whether records of a span may have come before the start. What is older than a day is imported, not late.
    fn may_have_records_from_before(&self, span: &SpanAt, now: UnixNanos) -> bool {
        span.time < self.started_at && span.time >= day_before(now)
    }

    /// Whether spans went to another place than this one.
    fn elsewhere(&self, here: Place, now: UnixNanos) -> bool {
        let is_recent = |time: UnixNanos| time >= day_before(now);
        let is_other = |place: &Place| place.workspace_id == here.workspace_id && *place != here;
        is_recent(self.started_at)
            || self.last.lock().iter().any(|(place, time)| is_other(place) && is_recent(*time))
    }
}

type Trace = (WorkspaceId, TraceId);

/// The traces that had records without their span when the process began.
#[derive(Debug)]
enum FromBefore {
    Of(FxHashSet<Trace>),
    TooMany,
}

impl FromBefore {
    fn may_hold(&self, span: &SpanAt) -> bool {
        match self {
            Self::Of(traces) => traces.contains(&(span.key.workspace_id, span.key.trace_id)),
            Self::TooMany => true,
        }
    }
}

/// Where records went whose spans were not there yet: the latest, by trace.
#[derive(Debug, Default)]
struct Waiting {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    /// `None` when those of one trace went to several places.
    young: FxHashMap<Trace, Option<Place>>,
    /// Goes when the young ones are many.
    old: FxHashMap<Trace, Option<Place>>,
}

impl Waiting {
    fn note(&self, record: SpanAt) {
        let Generations { young, old } = &mut *self.generations.lock();
        if young.len() >= MAX_TRACES {
            *old = std::mem::take(young);
        }
        let trace = (record.key.workspace_id, record.key.trace_id);
        let before = young.get(&trace).or_else(|| old.get(&trace));
        let place = before.is_none_or(|before| *before == Some(record.place)).then_some(record.place);
        young.insert(trace, place);
    }

    /// The spans of whose traces some records went to another place than the span.
    fn with_some_elsewhere(&self, mut spans: Vec<SpanAt>) -> Vec<SpanAt> {
        let Generations { young, old } = &*self.generations.lock();
        spans.retain(|span| {
            let trace = (span.key.workspace_id, span.key.trace_id);
            let place = young.get(&trace).or_else(|| old.get(&trace));
            place.is_some_and(|place| *place != Some(span.place))
        });
        spans
    }
}

#[cfg(test)]
mod tests;
