//! One run with everything that was sent for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use clearspan_catalog::Project;
use clearspan_model::{
    Cost, IssueKind, JsonText, MapIssue, Run, RunId, RunType, Side, Sources, TraceId, UnixNanos, Usage,
};
use clearspan_store::{ExportedRun, Outline, OutlineRun, RunMark, Scope};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, Result};
use super::extract::{Params, PathParams, RunParam, TraceParam};
use super::feedback::{self, FeedbackAnswer};
use super::openapi::Errors;
use super::projects;
use super::readable::readable;
use super::traces::{ProjectParam, scope};
use super::types::{CostOrigin, ProjectRef, decimal_text};
use crate::auth::Caller;
use crate::context::Context;

/// A whole run. Values that were JSON come back as the same JSON.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunAnswer {
    run_id: String,
    trace_id: String,
    parent_run_id: Option<String>,
    project: ProjectRef,
    /// The OTLP span id, when it came as a span.
    span_id: Option<String>,
    name: String,
    run_type: &'static str,
    status: &'static str,
    error: Option<String>,
    error_type: Option<String>,
    start_time: i64,
    end_time: Option<i64>,
    first_token_time: Option<i64>,
    latency_us: Option<i64>,
    inputs: PayloadAnswer,
    outputs: PayloadAnswer,
    /// How many leading input messages the model call before it under the same parent had read as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = usize, required)]
    shared_prefix: Option<usize>,
    #[schema(value_type = Option<serde_json::Value>)]
    invocation_params: Option<JsonText>,
    model: Option<String>,
    provider: Option<String>,
    usage: Option<UsageAnswer>,
    cost: Option<CostAnswer>,
    thread_id: Option<String>,
    user_id: Option<String>,
    tags: Vec<String>,
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    metadata: BTreeMap<String, JsonText>,
    /// What arrived and is shown nowhere else.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    attributes: BTreeMap<String, JsonText>,
    /// Attributes of the process that sent it.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    resource: BTreeMap<String, JsonText>,
    events: Vec<EventAnswer>,
    links: Vec<LinkAnswer>,
    service: Option<String>,
    release: Option<String>,
    environment: Option<String>,
    /// The dialect of instrumentation that decided the mapping.
    dialect: Option<String>,
    scope: Option<ScopeAnswer>,
    /// What the mapping had to repair.
    issues: Vec<IssueAnswer>,
    /// Where the value of each field came from: `{"model": "gen_ai.request.model", …}`. A source is the key of an attribute, a
    /// family of keys (`gen_ai.prompt.*`), or has a word and a colon in front (`span:name`, `rule:<name>:<attribute>`).
    #[schema(value_type = BTreeMap<String, String>)]
    sources: Sources,
    /// The run that tells of the same model call and counts instead of this one.
    double_of: Option<String>,
    /// Runs that tell of the same model call as this one, and are not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required)]
    doubles: Option<Vec<String>>,
    /// The HTTP or gRPC request that a client library made.
    is_transport: bool,
    dotted_order: Option<String>,
    received_at: i64,
    /// What was said of it, the newest first; at most 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<FeedbackAnswer>, required)]
    feedback: Option<Vec<FeedbackAnswer>>,
}

/// One side of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PayloadAnswer {
    /// `{role, content, name?, tool_calls?, tool_call_id?, finish_reason?}`; content is text or a list of parts.
    #[schema(value_type = Vec<serde_json::Value>)]
    messages: Vec<JsonText>,
    /// What is not a message.
    #[schema(value_type = Option<serde_json::Value>)]
    rest: Option<JsonText>,
}

/// Tokens; null is unknown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageAnswer {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    total_tokens: Option<u64>,
    /// `cache_read`, `cache_write`, `audio`, …
    input_details: BTreeMap<String, u64>,
    /// `reasoning`, `audio`, …
    output_details: BTreeMap<String, u64>,
}

/// Dollars as decimal text; null is unknown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CostAnswer {
    input: Option<String>,
    output: Option<String>,
    total: Option<String>,
    details: BTreeMap<String, String>,
    source: CostOrigin,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventAnswer {
    time: i64,
    name: String,
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    attributes: BTreeMap<String, JsonText>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkAnswer {
    trace_id: String,
    span_id: String,
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    attributes: BTreeMap<String, JsonText>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScopeAnswer {
    name: String,
    version: Option<String>,
}

impl ScopeAnswer {
    pub(crate) fn new(name: String, version: Option<String>) -> Self {
        Self { name, version }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IssueAnswer {
    #[schema(value_type = String)]
    kind: IssueKind,
    field: String,
    message: String,
}

impl From<MapIssue> for IssueAnswer {
    fn from(issue: MapIssue) -> Self {
        let MapIssue { kind, field, message } = issue;
        Self { kind, field, message }
    }
}

/// One run with everything that was sent for it
#[utoipa::path(get, operation_id = "get_run", path = "/traces/{trace_id}/runs/{run_id}", tag = "runs",
    params(("trace_id" = String, Path, description = "UUID or 32 hexadecimal digits"),
        ("run_id" = String, Path, description = "UUID, 32 hexadecimal digits, or a span id of 16"), ProjectParam),
    responses((status = 200, body = RunAnswer), Errors))]
pub(crate) async fn get(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    PathParams((TraceParam(trace_id), RunParam(run_id))): PathParams<(TraceParam, RunParam)>,
    Params(asked): Params<ProjectParam>,
) -> Result<Json<RunAnswer>> {
    let scope = scope(&ctx, &caller, asked.project.as_deref()).await?;
    let missing = || ApiError::not_found("run", run_id);
    let mark = ctx.store.load_mark(&scope, trace_id, run_id).await?.ok_or_else(missing)?;
    let scope = Scope { project_ids: Some(vec![mark.project_id]), ..scope };
    let (mut place, previous) = Place::of(&ctx, &scope, (trace_id, run_id), mark).await?;
    // Both at once: mostly they lie in one row group, whose texts are decompressed to read one of them.
    let run_ids: Vec<RunId> = std::iter::once(run_id).chain(previous).collect();
    let runs = ctx.store.load_runs(&scope, &[trace_id], &run_ids).await?;
    let (runs, before): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(|run| run.key.run_id == run_id);
    let run = runs.into_iter().next().ok_or_else(missing)?;
    let before = before.first().map(|run| run.messages(Side::Input)).unwrap_or_default();
    let pairs = run.messages(Side::Input).into_iter().zip(before);
    place.shared_prefix = pairs.take_while(|(one, other)| one == other).count();
    let project = projects::by_id(&ctx, caller.workspace_id, run.key.project_id).await?;
    let feedback = feedback::of_run(&ctx, caller.workspace_id, run.key.trace_id, run.key.run_id).await?;
    Ok(Json(RunAnswer { feedback: Some(feedback), ..RunAnswer::new(run, &project, place) }))
}

/// What a run is among the other runs of its trace.
#[derive(Debug, Default)]
struct Place {
    double_of: Option<RunId>,
    doubles: Vec<RunId>,
    is_transport: bool,
    /// How many leading messages are those of the agent's previous model call.
    shared_prefix: usize,
}

impl Place {
    /// The place of a run, but for `shared_prefix`, and the agent's previous model call, if it is one itself.
    async fn of(
        ctx: &Arc<Context>,
        scope: &Scope,
        (trace_id, run_id): (TraceId, RunId),
        mark: RunMark,
    ) -> Result<(Self, Option<RunId>)> {
        let alone = Self { is_transport: mark.is_transport, ..Self::default() };
        if !matches!(mark.run_type, RunType::Llm | RunType::Embedding) {
            // Only model calls have doubles: the others need not be compared with all runs of a large trace.
            return Ok((alone, None));
        }
        let Some(trace) = ctx.store.load_outline(scope, trace_id).await? else {
            return Ok((alone, None));
        };
        let Some(this) = trace.position(run_id) else {
            return Ok((alone, None));
        };
        let previous = previous_call(&trace, this).filter(|_| mark.run_type == RunType::Llm);
        let is_double = |other: &OutlineRun| other.double_of.is_some_and(|of| of as usize == this);
        let place = Self {
            double_of: trace.run(this).double_of.map(|of| trace.run(of as usize).run_id),
            doubles: trace.runs().filter(is_double).map(|double| double.run_id).collect(),
            ..alone
        };
        Ok((place, previous.map(|previous| trace.run(previous).run_id)))
    }
}

/// The model call before this one below the same parent; where each call has a step of its own, below the parent of
/// those steps. The runs are in order of their start.
fn previous_call(trace: &Outline, this: usize) -> Option<usize> {
    let parent = trace.run(this).parent_run_id?;
    let above = |position: usize| trace.run(trace.run(position).parent? as usize).parent_run_id;
    let calls = || (0..this).rev().filter(|before| trace.run(*before).run_type == RunType::Llm);
    let sibling = calls().find(|before| trace.run(*before).parent_run_id == Some(parent));
    sibling.or_else(|| {
        let agent = above(this)?;
        calls().find(|before| above(*before) == Some(agent))
    })
}

impl RunAnswer {
    fn new(run: Run, project: &Project, place: Place) -> Self {
        let start = run.start_time.unwrap_or(run.received_at);
        Self {
            run_id: run.key.run_id.to_string(),
            trace_id: run.key.trace_id.to_string(),
            parent_run_id: run.parent_run_id.map(|id| id.to_string()),
            project: project.into(),
            span_id: run.span_id.map(|id| id.to_string()),
            run_type: run.effective_type().as_str(),
            status: run.effective_status().as_str(),
            start_time: start.as_micros(),
            end_time: run.end_time.map(UnixNanos::as_micros),
            first_token_time: run.first_token_time.map(UnixNanos::as_micros),
            latency_us: run.end_time.map(|end| end.nanos_since(start) / 1_000),
            inputs: PayloadAnswer::new(&run.messages(Side::Input), run.inputs.rest.as_ref()),
            outputs: PayloadAnswer::new(&run.messages(Side::Output), run.outputs.rest.as_ref()),
            shared_prefix: Some(place.shared_prefix),
            name: run.name.unwrap_or_else(|| "unnamed".to_owned()),
            error: run.error,
            error_type: run.error_type,
            invocation_params: run.invocation_params.as_ref().map(readable),
            model: run.model,
            provider: run.provider,
            usage: run.usage.map(Into::into),
            cost: run.cost.map(Into::into),
            thread_id: run.thread_id,
            user_id: run.user_id,
            tags: run.tags,
            metadata: all_readable(run.metadata),
            attributes: all_readable(run.attributes),
            resource: all_readable(run.resource.into_map()),
            events: run
                .events
                .into_iter()
                .map(|event| EventAnswer {
                    time: event.time.as_micros(),
                    name: event.name,
                    attributes: all_readable(event.attributes),
                })
                .collect(),
            links: run
                .links
                .into_iter()
                .map(|link| LinkAnswer {
                    trace_id: link.trace_id.to_string(),
                    span_id: link.span_id.to_string(),
                    attributes: all_readable(link.attributes),
                })
                .collect(),
            service: run.service,
            release: run.release,
            environment: run.environment,
            dialect: run.dialect,
            scope: run.scope_name.map(|name| ScopeAnswer::new(name, run.scope_version)),
            issues: run.issues.into_iter().map(Into::into).collect(),
            sources: run.sources,
            double_of: place.double_of.map(|id| id.to_string()),
            doubles: Some(place.doubles.iter().map(ToString::to_string).collect()),
            is_transport: place.is_transport,
            dotted_order: run.dotted_order,
            received_at: run.received_at.as_micros(),
            feedback: None,
        }
    }
}

impl RunAnswer {
    /// A run of an export: without what only a look at its whole trace tells.
    pub(crate) fn exported(exported: ExportedRun, project: &Project) -> Self {
        let ExportedRun { run, double_of, is_transport } = exported;
        let place = Place { double_of, is_transport, ..Place::default() };
        Self { doubles: None, shared_prefix: None, ..Self::new(run, project, place) }
    }
}

impl PayloadAnswer {
    fn new(messages: &[JsonText], rest: Option<&JsonText>) -> Self {
        Self { messages: messages.iter().map(readable).collect(), rest: rest.map(readable) }
    }
}

fn all_readable(mut map: BTreeMap<String, JsonText>) -> BTreeMap<String, JsonText> {
    map.values_mut().for_each(|value| *value = readable(value));
    map
}

impl From<Usage> for UsageAnswer {
    fn from(usage: Usage) -> Self {
        let Usage { input_tokens, output_tokens, total_tokens, input_details, output_details } = usage;
        Self { input_tokens, output_tokens, total_tokens, input_details, output_details }
    }
}

impl From<Cost> for CostAnswer {
    fn from(cost: Cost) -> Self {
        Self {
            input: cost.input.map(decimal_text),
            output: cost.output.map(decimal_text),
            total: cost.total.map(decimal_text),
            details: cost.details.into_iter().map(|(name, dollars)| (name, decimal_text(dollars))).collect(),
            source: cost.source.into(),
        }
    }
}
