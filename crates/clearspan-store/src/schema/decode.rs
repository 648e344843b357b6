//! From rows of a record batch back to runs.

use std::collections::BTreeMap;

use clearspan_model::rollup::Billed;
use clearspan_model::{
    Cost, CostSource, Decimal, Payload, ProjectId, Run, RunEvent, RunId, RunKey, RunType, SpanId, Status,
    TraceId, UnpricedReason, Usage, Version, Versions, WorkspaceId,
};
use serde::Deserialize;

use super::rows::TableRows;
use super::{Col, MONEY_SCALE};
use crate::{Result, RunSummary};

/// Reads runs.
pub(crate) type Rows<'a> = TableRows<'a, Col>;

impl Rows<'_> {
    fn cost_source(&self, row: usize) -> CostSource {
        self.text(Col::cost_source, row).map(cost_source_from_text).unwrap_or_default()
    }

    /// Whose row it is.
    pub(crate) fn tenant(&self, row: usize) -> Result<(WorkspaceId, ProjectId)> {
        let need = |col| self.need_id(col, row);
        Ok((WorkspaceId::from_bytes(need(Col::workspace_id)?), ProjectId::from_bytes(need(Col::project_id)?)))
    }

    /// The key of a row.
    pub(crate) fn key(&self, row: usize) -> Result<RunKey> {
        let need = |col| self.need_id(col, row);
        Ok(RunKey {
            workspace_id: WorkspaceId::from_bytes(need(Col::workspace_id)?),
            project_id: ProjectId::from_bytes(need(Col::project_id)?),
            trace_id: TraceId::from_bytes(need(Col::trace_id)?),
            run_id: RunId::from_bytes(need(Col::run_id)?),
        })
    }

    pub(crate) fn span_id(&self, row: usize) -> Option<SpanId> {
        self.bytes(Col::span_id, row).and_then(|bytes| bytes.try_into().ok()).map(SpanId::from_bytes)
    }

    /// What happened inside of the run.
    pub(crate) fn events(&self, row: usize) -> Result<Vec<RunEvent>> {
        self.json(Col::events, row)
    }

    pub(crate) fn run_type(&self, row: usize) -> RunType {
        self.word(Col::run_type, row).unwrap_or(RunType::Chain)
    }

    pub(crate) fn is_transport(&self, row: usize) -> bool {
        self.flag(Col::is_transport, row).unwrap_or(false)
    }

    /// How new the row is.
    pub(crate) fn version(&self, row: usize) -> Version {
        Version::from_raw(self.count(Col::version, row).unwrap_or_default())
    }

    /// The whole run of a row.
    pub(crate) fn run(&self, row: usize) -> Result<Run> {
        let received_at = self.time(Col::received_at, row).unwrap_or_default();
        let mut run = Run::new(self.key(row)?, received_at);
        run.versions = Versions { base: self.version(row), older: self.json(Col::older_versions, row)? };
        run.parent_run_id = self.id16(Col::parent_run_id, row).map(RunId::from_bytes);
        run.span_id = self.span_id(row);
        run.dotted_order = self.string(Col::dotted_order, row);
        run.name = self.string(Col::name, row);
        run.run_type = self.word(Col::run_type, row);
        run.status = self.word(Col::said_status, row);
        run.error = self.string(Col::error, row);
        run.error_type = self.string(Col::error_type, row);
        run.start_time = self.time(Col::start_time, row);
        run.end_time = self.time(Col::end_time, row);
        run.first_token_time = self.time(Col::first_token_time, row);
        run.inputs = Payload {
            messages: self.messages(Col::input_messages, row),
            rest: self.json_text(Col::input_rest, row),
        };
        run.outputs = Payload {
            messages: self.messages(Col::output_messages, row),
            rest: self.json_text(Col::output_rest, row),
        };
        run.fragments = self.json(Col::fragments, row)?;
        run.invocation_params = self.json_text(Col::invocation_params, row);
        run.model = self.string(Col::model, row);
        run.provider = self.string(Col::provider, row);
        run.usage = self.usage(row)?;
        run.cost = self.cost(row)?;
        run.thread_id = self.string(Col::thread_id, row);
        run.user_id = self.string(Col::user_id, row);
        run.tags = self.list(Col::tags, row, str::to_owned);
        run.metadata = self.map(Col::metadata, row);
        run.attributes = self.map(Col::attributes, row);
        run.resource = self.json(Col::resource, row)?;
        run.events = self.events(row)?;
        run.links = self.json(Col::links, row)?;
        run.service = self.string(Col::service, row);
        run.release = self.string(Col::release, row);
        run.environment = self.string(Col::environment, row);
        run.dialect = self.string(Col::dialect, row);
        run.scope_name = self.string(Col::scope_name, row);
        run.scope_version = self.string(Col::scope_version, row);
        run.issues = self.json(Col::issues, row)?;
        run.sources = self.json(Col::sources, row)?;
        Ok(run)
    }

    fn usage(&self, row: usize) -> Result<Option<Usage>> {
        #[derive(Default, Deserialize)]
        struct Details {
            #[serde(default)]
            input_details: BTreeMap<String, u64>,
            #[serde(default)]
            output_details: BTreeMap<String, u64>,
        }
        if self.array(Col::token_details, row).is_none() {
            return Ok(None);
        }
        let Details { input_details, output_details } = self.json(Col::token_details, row)?;
        Ok(Some(Usage {
            input_tokens: self.count(Col::input_tokens, row),
            output_tokens: self.count(Col::output_tokens, row),
            total_tokens: self.count(Col::said_total_tokens, row),
            input_details,
            output_details,
        }))
    }

    fn cost(&self, row: usize) -> Result<Option<Cost>> {
        if self.array(Col::cost_details, row).is_none() {
            return Ok(None);
        }
        Ok(Some(Cost {
            input: self.money(Col::input_cost, row),
            output: self.money(Col::output_cost, row),
            total: self.money(Col::total_cost, row),
            details: self.json(Col::cost_details, row)?,
            source: self.cost_source(row),
        }))
    }

    /// What lists and trees show of a row.
    pub(crate) fn summary(&self, row: usize) -> Result<RunSummary> {
        Ok(RunSummary {
            dotted_order: self.string(Col::dotted_order, row),
            error: self.string(Col::error, row),
            error_type: self.string(Col::error_type, row),
            thread_id: self.string(Col::thread_id, row),
            user_id: self.string(Col::user_id, row),
            environment: self.string(Col::environment, row),
            service: self.string(Col::service, row),
            release: self.string(Col::release, row),
            tags: self.list(Col::tags, row, str::to_owned),
            metadata: self.map(Col::metadata, row),
            ..self.outline(row)?
        })
    }

    /// As much of a row as says what it counts for in its trace; the rest is empty.
    pub(crate) fn outline(&self, row: usize) -> Result<RunSummary> {
        let need = |col| self.need_id(col, row);
        Ok(RunSummary {
            project_id: ProjectId::from_bytes(need(Col::project_id)?),
            trace_id: TraceId::from_bytes(need(Col::trace_id)?),
            run_id: RunId::from_bytes(need(Col::run_id)?),
            parent_run_id: self.id16(Col::parent_run_id, row).map(RunId::from_bytes),
            span_id: self.span_id(row),
            dotted_order: None,
            name: self.text(Col::name, row).unwrap_or(crate::summarize::UNNAMED).to_owned(),
            run_type: self.run_type(row),
            status: self.word(Col::status, row).unwrap_or(Status::Pending),
            error: None,
            error_type: None,
            start_time: self.time(Col::time, row).unwrap_or_default(),
            end_time: self.time(Col::end_time, row),
            first_token_time: self.time(Col::first_token_time, row),
            received_at: self.time(Col::received_at, row).unwrap_or_default(),
            model: self.string(Col::model, row),
            provider: self.string(Col::provider, row),
            input_tokens: self.count(Col::input_tokens, row),
            output_tokens: self.count(Col::output_tokens, row),
            total_tokens: self.count(Col::total_tokens, row),
            cache_read_tokens: self.count(Col::cache_read_tokens, row),
            reasoning_tokens: self.count(Col::reasoning_tokens, row),
            input_cost: self.money(Col::input_cost, row),
            output_cost: self.money(Col::output_cost, row),
            total_cost: self.money(Col::total_cost, row),
            cost_source: self.cost_source(row),
            billed: Billed {
                tokens: self.flag(Col::tokens_billed, row).unwrap_or(true),
                cost: self.flag(Col::cost_billed, row).unwrap_or(true),
                gap: self.flag(Col::cost_gap, row).unwrap_or(false),
            },
            double_of: self.id16(Col::double_of, row).map(RunId::from_bytes),
            is_transport: self.is_transport(row),
            response_id: self.string(Col::response_id, row),
            scope_name: self.string(Col::scope_name, row),
            dialect: self.string(Col::dialect, row),
            thread_id: None,
            user_id: None,
            environment: None,
            service: None,
            release: None,
            tags: Vec::new(),
            metadata: BTreeMap::new(),
            input_preview: self.string(Col::input_preview, row),
            output_preview: self.string(Col::output_preview, row),
        })
    }
}

/// Money from units of 10⁻¹² dollars. Beyond 10¹⁶ dollars a `Decimal` has no room for twelve places: the last go.
pub(crate) fn money_from_units(units: i128) -> Decimal {
    let mut units = units;
    for places in (0..=u32::from(MONEY_SCALE.unsigned_abs())).rev() {
        if let Ok(value) = Decimal::try_from_i128_with_scale(units, places) {
            return value.normalize();
        }
        units /= 10;
    }
    if units < 0 { Decimal::MIN } else { Decimal::MAX }
}

pub(crate) fn cost_source_from_text(text: &str) -> CostSource {
    match text.split_once(':') {
        Some(("priced", id)) => CostSource::Priced { price_id: id.to_owned() },
        Some(("unpriced", reason)) => CostSource::Unpriced {
            reason: match reason {
                "no_model" => UnpricedReason::NoModel,
                "no_usage" => UnpricedReason::NoUsage,
                "no_price_at_time" => UnpricedReason::NoPriceAtTime,
                _ => UnpricedReason::UnknownModel,
            },
        },
        _ if text == "reported" => CostSource::Reported,
        _ => CostSource::None,
    }
}
