//! Short ways to say what a test needs.

use std::collections::BTreeMap;

use clearspan_model::{
    Cost, CostSource, JsonText, LogRecord, MetricKind, MetricPoint, Number, Payload, ProjectId, Rank, Run,
    RunId, RunKey, RunType, Sender, SpanId, TraceId, UnixNanos, Usage, Version, Versions, WorkspaceId,
};
use clearspan_query::Expr;

use crate::{
    Cursor, Deletion, DeletionTarget, LogQuery, Order, PointQuery, RecordId, RunQuery, RunStore, RunSummary,
    Scope, Selection, SortKey, TimeRange, TraceSummary,
};

/// The moment that tests count from: 2025-10-09T08:53:20Z.
pub const EPOCH_NANOS: i64 = 1_760_000_000_000_000_000;

/// A moment, in milliseconds after the moment that tests count from.
pub fn at(millis: i64) -> UnixNanos {
    UnixNanos::from_nanos(EPOCH_NANOS + millis * 1_000_000)
}

/// The workspace of this number.
pub fn workspace(number: u8) -> WorkspaceId {
    WorkspaceId::from_bytes([number; 16])
}

/// The project of this number.
pub fn project(number: u8) -> ProjectId {
    ProjectId::from_bytes([number; 16])
}

/// The trace of this number. Larger numbers have larger ids.
pub fn trace(number: u32) -> TraceId {
    TraceId::from_bytes(u128::from(number).to_be_bytes())
}

/// The run of this number. Larger numbers have larger ids.
pub fn run_id(number: u32) -> RunId {
    RunId::from_bytes(u128::from(number).to_be_bytes())
}

/// The number that [`run_id`] was made from.
pub fn number_of(run_id: RunId) -> u32 {
    u32::try_from(u128::from_be_bytes(*run_id.as_bytes())).unwrap_or(u32::MAX)
}

/// The number that [`trace`] was made from.
pub fn trace_number(trace_id: TraceId) -> u32 {
    u32::try_from(u128::from_be_bytes(*trace_id.as_bytes())).unwrap_or(u32::MAX)
}

/// A run of workspace 1 and project 1 as a protocol would tell it, with what `fill` adds.
/// It begins `id` seconds after the epoch of the tests and lasts for one.
pub fn run(trace_number: u32, id: u32, fill: impl FnOnce(&mut Run)) -> Run {
    let mut run = bare(trace_number, id);
    run.name = Some(format!("run {id}"));
    run.start_time = Some(at(i64::from(id) * 1_000));
    run.end_time = Some(at(i64::from(id) * 1_000 + 1_000));
    fill(&mut run);
    run
}

/// A run of which nothing is known but its key.
pub fn bare(trace_number: u32, id: u32) -> Run {
    let key = RunKey {
        workspace_id: workspace(1),
        project_id: project(1),
        trace_id: trace(trace_number),
        run_id: run_id(id),
    };
    let mut run = Run::new(key, at(3_600_000));
    run.versions = Versions::all(version(1));
    run
}

/// The version of a span that was told so many seconds after the epoch.
pub fn version(seconds: i64) -> Version {
    Version::new(Rank::Span, at(seconds * 1_000))
}

/// A call of a model with these tokens and this price.
pub fn set_llm(run: &mut Run, model: &str, tokens: (u64, u64), dollars: &str) {
    run.run_type = Some(RunType::Llm);
    run.model = Some(model.to_owned());
    run.usage = Some(Usage {
        input_tokens: Some(tokens.0),
        output_tokens: Some(tokens.1),
        total_tokens: Some(tokens.0 + tokens.1),
        ..Usage::default()
    });
    set_cost(run, dollars);
}

/// A cost that was computed from a price.
pub fn set_cost(run: &mut Run, dollars: &str) {
    run.cost = Some(Cost {
        total: Some(dollars.parse().expect("a decimal")),
        source: CostSource::Priced { price_id: "test".to_owned() },
        ..Cost::default()
    });
}

/// A log record of workspace 1, project 1 and trace 1 that happened so many seconds after the epoch of the tests.
pub fn log(seconds: i64, body: &str) -> LogRecord {
    LogRecord {
        workspace_id: workspace(1),
        project_id: project(1),
        time: at(seconds * 1_000),
        observed_time: None,
        received_at: at(3_600_000),
        trace_id: Some(trace(1)),
        span_id: Some(SpanId::from_bytes([1; 8])),
        severity: Some(9),
        severity_text: None,
        event_name: None,
        body: Some(JsonText::from_string(body)),
        attributes: BTreeMap::new(),
        sender: Sender { service: Some("api".to_owned()), ..Sender::default() },
    }
}

/// A gauge of workspace 1 and project 1 that was read so many seconds after the epoch of the tests.
pub fn point(name: &str, seconds: i64, value: i64) -> MetricPoint {
    MetricPoint {
        workspace_id: workspace(1),
        project_id: project(1),
        name: name.to_owned(),
        description: None,
        unit: None,
        kind: MetricKind::Gauge,
        temporality: None,
        monotonic: false,
        time: at(seconds * 1_000),
        start_time: None,
        received_at: at(3_600_000),
        attributes: BTreeMap::new(),
        sender: Sender { service: Some("api".to_owned()), ..Sender::default() },
        value: Some(Number::Int(value)),
        count: None,
        sum: None,
        min: None,
        max: None,
        distribution: None,
        exemplars: None,
    }
}

/// A JSON text.
pub fn json(text: &str) -> JsonText {
    JsonText::parse(text).expect("valid JSON")
}

/// A payload of one message.
pub fn message(role: &str, content: &str) -> Payload {
    let content = JsonText::from_string(content);
    let message = format!(r#"{{"role":"{role}","content":{}}}"#, content.as_str());
    Payload { messages: vec![json(&message)], rest: None }
}

/// All projects of workspace 1.
pub fn scope() -> Scope {
    Scope { workspace_id: workspace(1), project_ids: None }
}

/// Everything in workspace 1.
pub fn everything() -> Selection {
    Selection { scope: scope(), range: TimeRange::default(), filter: None }
}

/// What satisfies a filter in workspace 1.
pub fn filtered(filter: Expr) -> Selection {
    Selection { filter: Some(filter), ..everything() }
}

/// The first hundred of a selection, newest first.
pub fn newest(selection: Selection) -> RunQuery {
    RunQuery { selection, order: Order { by: SortKey::Start, descending: true }, after: None, limit: 100 }
}

/// A deletion in workspace 1 that is remembered for a day.
pub fn deletion(target: DeletionTarget) -> Deletion {
    Deletion { scope: scope(), target, deleted_at: at(3_600_000), forget_at: at(90_000_000) }
}

/// Workspace 1, one project.
pub fn in_project(number: u8) -> Scope {
    Scope { project_ids: Some(vec![project(number)]), ..scope() }
}

/// Every sort key in both directions.
pub fn orders() -> Vec<Order> {
    let keys = [SortKey::Start, SortKey::Latency, SortKey::Cost, SortKey::Tokens];
    keys.into_iter().flat_map(|by| [false, true].map(|descending| Order { by, descending })).collect()
}

/// All log records of workspace 1, newest first.
pub fn logs() -> LogQuery {
    LogQuery {
        scope: scope(),
        range: TimeRange::default(),
        trace_id: None,
        span_id: None,
        id: None,
        min_severity: None,
        text: None,
        service: None,
        oldest_first: false,
        after: None,
        limit: 100,
    }
}

/// All points of a metric of workspace 1.
pub fn points(name: &str) -> PointQuery {
    PointQuery { scope: scope(), range: TimeRange::default(), name: name.to_owned(), limit: 100 }
}

/// All log records that a query finds, page by page.
pub async fn all_logs(store: &dyn RunStore, query: &LogQuery) -> Vec<(RecordId, LogRecord)> {
    let mut query = query.clone();
    let mut records = Vec::new();
    loop {
        let page = store.query_logs(&query).await.expect("a page of log records");
        assert!(page.records.len() <= query.limit, "a page exceeds its limit");
        assert!(
            page.next.is_none() || page.records.len() == query.limit,
            "a page that is not the last is full"
        );
        records.extend(page.records);
        query.after = page.next;
        if query.after.is_none() {
            return records;
        }
    }
}

/// All runs that a query finds, page by page.
pub async fn all_runs(store: &dyn RunStore, query: &RunQuery) -> Vec<RunSummary> {
    let mut query = query.clone();
    let mut runs = Vec::new();
    loop {
        let page = store.query_runs(&query).await.expect("a page of runs");
        let full = check_page(page.runs.len(), &page.next, query.limit);
        runs.extend(page.runs);
        if !full {
            return runs;
        }
        query.after = page.next;
    }
}

/// All traces that a query finds, page by page.
pub async fn all_traces(store: &dyn RunStore, query: &RunQuery) -> Vec<TraceSummary> {
    let mut query = query.clone();
    let mut traces = Vec::new();
    loop {
        let page = store.query_traces(&query).await.expect("a page of traces");
        let full = check_page(page.traces.len(), &page.next, query.limit);
        traces.extend(page.traces);
        if !full {
            return traces;
        }
        query.after = page.next;
    }
}

/// True when there is another page. A page that is not the last is full, or a walk might never end.
fn check_page(rows: usize, next: &Option<Cursor>, limit: usize) -> bool {
    assert!(rows <= limit, "a page of {rows} rows exceeds its limit of {limit}");
    if next.is_some() {
        assert_eq!(rows, limit, "a page that is not the last is full");
    }
    next.is_some()
}

/// Writes the runs so that some are flushed, some are not, and some were told in two patches before and after.
pub async fn write_scattered(store: &dyn RunStore, runs: Vec<Run>) {
    let mut late = Vec::new();
    let mut early = Vec::new();
    for (idx, run) in runs.into_iter().enumerate() {
        if idx % 3 == 1 {
            // Only that it exists; everything else is told after the flush.
            let mut hint = Run::new(run.key, run.received_at);
            hint.versions = run.versions.clone();
            early.push(hint);
        }
        if idx % 3 == 0 { &mut early } else { &mut late }.push(run);
    }
    store.write(early).await.expect("the early patches are written");
    store.flush().await.expect("the early patches are flushed");
    store.write(late).await.expect("the late patches are written");
}
