//! From runs to an Arrow record batch.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use clearspan_model::rollup::{self, Node};
use clearspan_model::{CostSource, Decimal, JsonText, Resource, Run, Sources};
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::row_builder::{RowBuilder, json_text};
use super::{Col, MONEY_PRECISION, MONEY_SCALE};
use crate::summarize;

impl RowBuilder<Col> {
    /// Makes room for the largest texts at once: growing with them would copy them several times.
    fn expect_payloads<'a>(&mut self, runs: impl ExactSizeIterator<Item = &'a Run>) {
        let (rows, mut input_bytes, mut output_bytes) = (runs.len(), 0, 0);
        for run in runs {
            let bytes = |rest: &Option<JsonText>| rest.as_ref().map_or(0, |rest| rest.as_str().len());
            input_bytes += bytes(&run.inputs.rest);
            output_bytes += bytes(&run.outputs.rest);
        }
        self.expect_texts(Col::input_rest, rows, input_bytes);
        self.expect_texts(Col::output_rest, rows, output_bytes);
    }

    fn push_identity(&mut self, run: &Run) {
        self.id(Col::workspace_id, Some(run.key.workspace_id.as_bytes()));
        self.id(Col::project_id, Some(run.key.project_id.as_bytes()));
        self.id(Col::trace_id, Some(run.key.trace_id.as_bytes()));
        self.id(Col::run_id, Some(run.key.run_id.as_bytes()));
        self.id(Col::parent_run_id, run.parent_run_id.as_ref().map(|id| id.as_bytes().as_slice()));
        self.id(Col::span_id, run.span_id.as_ref().map(|id| id.as_bytes().as_slice()));
        self.text(Col::dotted_order, run.dotted_order.as_deref());
        self.text(Col::name, run.name.as_deref());
        self.text(Col::run_type, run.run_type.map(|t| t.as_str()));
        self.text(Col::status, Some(run.effective_status().as_str()));
        self.text(Col::said_status, run.status.map(|s| s.as_str()));
        self.text(Col::error, run.error.as_deref());
        self.text(Col::error_type, run.error_type.as_deref());
        self.time(Col::time, Some(run.start_time.unwrap_or(run.received_at)));
        self.time(Col::start_time, run.start_time);
        self.time(Col::end_time, run.end_time);
        self.time(Col::first_token_time, run.first_token_time);
        self.time(Col::received_at, Some(run.received_at));
        self.count(Col::version, Some(run.versions.base.as_raw()));
        let older = &run.versions.older;
        self.json(Col::older_versions, (!older.is_empty()).then_some(older));
    }

    fn push_payload(&mut self, run: &Run) {
        self.messages(Col::input_messages, &run.inputs.messages);
        self.text(Col::input_rest, run.inputs.rest.as_ref().map(JsonText::as_str));
        self.messages(Col::output_messages, &run.outputs.messages);
        self.text(Col::output_rest, run.outputs.rest.as_ref().map(JsonText::as_str));
        self.json(Col::fragments, (!run.fragments.is_empty()).then_some(&run.fragments));
        self.text(Col::invocation_params, run.invocation_params.as_ref().map(JsonText::as_str));
        self.text(Col::input_preview, summarize::input_preview(run).as_deref());
        self.text(Col::output_preview, summarize::output_preview(run).as_deref());
    }

    fn push_usage(&mut self, run: &Run) {
        self.text(Col::model, run.model.as_deref());
        self.text(Col::provider, run.provider.as_deref());
        let usage = run.usage.as_ref();
        self.count(Col::input_tokens, usage.and_then(|u| u.input_tokens));
        self.count(Col::output_tokens, usage.and_then(|u| u.output_tokens));
        self.count(Col::total_tokens, usage.and_then(summarize::total_tokens));
        self.count(Col::said_total_tokens, usage.and_then(|u| u.total_tokens));
        self.count(Col::cache_read_tokens, usage.and_then(|u| u.input_details.get("cache_read").copied()));
        self.count(Col::reasoning_tokens, usage.and_then(|u| u.output_details.get("reasoning").copied()));
        // Present whenever usage is, so that "usage without a count" survives the way to the disk and back.
        let details = usage
            .map(|u| TokenDetails { input_details: &u.input_details, output_details: &u.output_details });
        self.json(Col::token_details, details.as_ref());
        let cost = run.cost.as_ref();
        self.money(Col::input_cost, cost.and_then(|c| c.input));
        self.money(Col::output_cost, cost.and_then(|c| c.output));
        self.money(Col::total_cost, cost.and_then(|c| c.total));
        self.json(Col::cost_details, cost.map(|c| &c.details));
        self.text(Col::cost_source, Some(&cost_source_text(cost.map_or(&CostSource::None, |c| &c.source))));
        // One run alone counts as it is; the tree around it is looked at when it is known.
        let alone = [Node::of_run(run, None)];
        let billed = rollup::billed(&alone)[0];
        self.flag(Col::tokens_billed, billed.tokens);
        self.flag(Col::cost_billed, billed.cost);
        self.flag(Col::cost_gap, billed.gap);
        self.flag(Col::is_trace_root, run.parent_run_id.is_none());
        self.id(Col::double_of, None);
    }

    fn push_context(&mut self, run: &Run, repeated: &mut Repeated) {
        self.text(Col::thread_id, run.thread_id.as_deref());
        self.text(Col::user_id, run.user_id.as_deref());
        self.words(Col::tags, &run.tags);
        self.map(Col::metadata, &run.metadata);
        self.map(Col::attributes, &run.attributes);
        self.text(Col::resource, repeated.resource(&run.resource));
        self.json(Col::events, (!run.events.is_empty()).then_some(&run.events));
        self.json(Col::links, (!run.links.is_empty()).then_some(&run.links));
        self.text(Col::service, run.service.as_deref());
        self.text(Col::release, run.release.as_deref());
        self.text(Col::environment, run.environment.as_deref());
        self.text(Col::dialect, run.dialect.as_deref());
        self.text(Col::scope_name, run.scope_name.as_deref());
        self.text(Col::scope_version, run.scope_version.as_deref());
        self.json(Col::issues, (!run.issues.is_empty()).then_some(&run.issues));
        self.text(Col::sources, repeated.sources(&run.sources));
        self.text(Col::response_id, summarize::response_id(run).as_deref());
        self.flag(Col::is_transport, summarize::is_transport(run));
        self.flag(Col::payload_removed, false);
    }
}

#[derive(Serialize)]
struct TokenDetails<'a> {
    input_details: &'a BTreeMap<String, u64>,
    output_details: &'a BTreeMap<String, u64>,
}

/// JSON texts that most runs of a batch have in common, made once.
#[derive(Default)]
struct Repeated {
    resource: Option<(Resource, String)>,
    /// Spans of one kind are filled from the same attributes.
    sources: FxHashMap<Sources, String>,
}

/// Kinds of spans that are remembered: more than a program has.
const MAX_KINDS: usize = 64;

impl Repeated {
    fn resource(&mut self, resource: &Resource) -> Option<&str> {
        if resource.is_empty() {
            return None;
        }
        if self.resource.as_ref().is_none_or(|(known, _)| !known.is_same(resource)) {
            self.resource = Some((resource.clone(), json_text(resource)));
        }
        self.resource.as_ref().map(|(_, text)| text.as_str())
    }

    fn sources(&mut self, sources: &Sources) -> Option<&str> {
        if sources.is_empty() {
            return None;
        }
        if !self.sources.contains_key(sources) {
            if self.sources.len() >= MAX_KINDS {
                self.sources.clear();
            }
            self.sources.insert(sources.clone(), json_text(sources));
        }
        self.sources.get(sources).map(String::as_str)
    }
}

/// One row a run, in the order given.
pub(crate) fn encode_runs<'a>(runs: impl ExactSizeIterator<Item = &'a Run> + Clone) -> RecordBatch {
    let mut encoder = RowBuilder::new(runs.len());
    encoder.expect_payloads(runs.clone());
    let mut repeated = Repeated::default();
    for run in runs {
        encoder.push_identity(run);
        encoder.push_payload(run);
        encoder.push_usage(run);
        encoder.push_context(run, &mut repeated);
    }
    encoder.finish()
}

/// Money as units of 10⁻¹² dollars, rounded half to even; `None` beyond 10²⁶ dollars, which no call costs.
pub(crate) fn money_to_units(value: Decimal) -> Option<i128> {
    let mut value = value.round_dp(MONEY_SCALE as u32);
    value.rescale(MONEY_SCALE as u32);
    let missing_places = MONEY_SCALE as u32 - value.scale();
    let units = value.mantissa().checked_mul(10_i128.checked_pow(missing_places)?)?;
    (units.unsigned_abs() < 10_u128.pow(u32::from(MONEY_PRECISION))).then_some(units)
}

/// The stored form of a cost's source.
pub(crate) fn cost_source_text(source: &CostSource) -> std::borrow::Cow<'static, str> {
    match source {
        CostSource::None => "none".into(),
        CostSource::Reported => "reported".into(),
        CostSource::Priced { price_id } => format!("priced:{price_id}").into(),
        CostSource::Unpriced { reason } => format!("unpriced:{}", reason.as_str()).into(),
    }
}
