//! From rows of a record batch back to runs.
//!
//! Columns are looked up by name, so a batch may hold any part of the schema: what is missing reads as absent.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray, ListArray, MapArray,
    RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Int32Type};
use clearspan_model::rollup::Billed;
use clearspan_model::{
    Cost, CostSource, Decimal, ErrorKind, JsonText, Payload, ProjectId, Run, RunId, RunKey, RunType, SpanId,
    Status, TraceId, UnixNanos, UnpricedReason, Usage, Version, Versions, WorkspaceId,
};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

use super::{COLUMNS, Col, MONEY_SCALE, SCHEMA};
use crate::{Error, Result, RunSummary};

/// Reads rows of one batch.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    columns: Vec<Option<&'a ArrayRef>>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(batch: &'a RecordBatch) -> Self {
        if std::ptr::eq(Arc::as_ptr(batch.schema_ref()), Arc::as_ptr(&SCHEMA)) {
            return Self { columns: batch.columns().iter().map(Some).collect() };
        }
        let mut columns = vec![None; COLUMNS.len()];
        for (idx, field) in batch.schema_ref().fields().iter().enumerate() {
            if let Some(place) = COLUMNS.iter().position(|column| column.name == field.name()) {
                columns[place] = Some(batch.column(idx));
            }
        }
        Self { columns }
    }

    fn array(&self, col: Col, row: usize) -> Option<&'a ArrayRef> {
        self.columns[col as usize].filter(|array| array.is_valid(row))
    }

    fn bytes(&self, col: Col, row: usize) -> Option<&'a [u8]> {
        let array: &FixedSizeBinaryArray = self.array(col, row)?.as_fixed_size_binary_opt()?;
        Some(array.value(row))
    }

    fn id16(&self, col: Col, row: usize) -> Option<[u8; 16]> {
        self.bytes(col, row)?.try_into().ok()
    }

    pub(crate) fn text(&self, col: Col, row: usize) -> Option<&'a str> {
        text_at(self.array(col, row)?, row)
    }

    fn string(&self, col: Col, row: usize) -> Option<String> {
        self.text(col, row).map(str::to_owned)
    }

    fn json_text(&self, col: Col, row: usize) -> Option<JsonText> {
        self.text(col, row).map(JsonText::from_trusted)
    }

    fn json<T: DeserializeOwned + Default>(&self, col: Col, row: usize) -> Result<T> {
        match self.text(col, row) {
            None => Ok(T::default()),
            Some(text) => serde_json::from_str(text).map_err(|source| {
                Error::caused(ErrorKind::Corrupt, format!("column {} holds bad JSON", col.name()), source)
            }),
        }
    }

    pub(crate) fn time(&self, col: Col, row: usize) -> Option<UnixNanos> {
        let array: &TimestampNanosecondArray = self.array(col, row)?.as_primitive_opt()?;
        Some(UnixNanos::from_nanos(array.value(row)))
    }

    fn count(&self, col: Col, row: usize) -> Option<u64> {
        let array: &UInt64Array = self.array(col, row)?.as_primitive_opt()?;
        Some(array.value(row))
    }

    fn money(&self, col: Col, row: usize) -> Option<Decimal> {
        let array: &Decimal128Array = self.array(col, row)?.as_primitive_opt()?;
        Some(money_from_units(array.value(row)))
    }

    fn flag(&self, col: Col, row: usize) -> Option<bool> {
        let array: &BooleanArray = self.array(col, row)?.as_boolean_opt()?;
        Some(array.value(row))
    }

    fn messages(&self, col: Col, row: usize) -> Vec<JsonText> {
        self.list(col, row, |text| JsonText::from_trusted(text))
    }

    fn list<T>(&self, col: Col, row: usize, make: impl Fn(&str) -> T) -> Vec<T> {
        let Some(array) = self.array(col, row).and_then(|array| array.as_list_opt::<i32>()) else {
            return Vec::new();
        };
        let list: &ListArray = array;
        let values = list.value(row);
        (0..values.len()).filter_map(|idx| text_at(&values, idx).map(&make)).collect()
    }

    fn map(&self, col: Col, row: usize) -> BTreeMap<String, JsonText> {
        let Some(array) = self.array(col, row).and_then(|array| array.as_map_opt()) else {
            return BTreeMap::new();
        };
        let map: &MapArray = array;
        let entries = map.value(row);
        let (keys, values) = (entries.column(0), entries.column(1));
        (0..entries.len())
            .filter_map(|idx| {
                Some((text_at(keys, idx)?.to_owned(), JsonText::from_trusted(text_at(values, idx)?)))
            })
            .collect()
    }

    fn word<T: std::str::FromStr>(&self, col: Col, row: usize) -> Option<T> {
        self.text(col, row).and_then(|text| text.parse().ok())
    }

    fn cost_source(&self, row: usize) -> CostSource {
        self.text(Col::cost_source, row).map(cost_source_from_text).unwrap_or_default()
    }

    /// Whether an id column holds this id.
    pub(crate) fn is_id(&self, col: Col, row: usize, id: &[u8; 16]) -> bool {
        self.bytes(col, row).is_some_and(|bytes| bytes == id)
    }

    /// Whose row it is.
    pub(crate) fn tenant(&self, row: usize) -> Result<(WorkspaceId, ProjectId)> {
        let need = |col| self.need_id(col, row);
        Ok((WorkspaceId::from_bytes(need(Col::workspace_id)?), ProjectId::from_bytes(need(Col::project_id)?)))
    }

    fn need_id(&self, col: Col, row: usize) -> Result<[u8; 16]> {
        self.id16(col, row)
            .ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("a stored run has no {}", col.name())))
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

    /// The whole run of a row.
    pub(crate) fn run(&self, row: usize) -> Result<Run> {
        let received_at = self.time(Col::received_at, row).unwrap_or_default();
        let mut run = Run::new(self.key(row)?, received_at);
        run.versions = Versions {
            base: Version::from_raw(self.count(Col::version, row).unwrap_or_default()),
            older: self.json(Col::older_versions, row)?,
        };
        run.parent_run_id = self.id16(Col::parent_run_id, row).map(RunId::from_bytes);
        run.span_id = self.bytes(Col::span_id, row).and_then(|b| b.try_into().ok()).map(SpanId::from_bytes);
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
        run.events = self.json(Col::events, row)?;
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
        let need = |col| self.need_id(col, row);
        Ok(RunSummary {
            project_id: ProjectId::from_bytes(need(Col::project_id)?),
            trace_id: TraceId::from_bytes(need(Col::trace_id)?),
            run_id: RunId::from_bytes(need(Col::run_id)?),
            parent_run_id: self.id16(Col::parent_run_id, row).map(RunId::from_bytes),
            span_id: self.bytes(Col::span_id, row).and_then(|b| b.try_into().ok()).map(SpanId::from_bytes),
            dotted_order: self.string(Col::dotted_order, row),
            name: self.text(Col::name, row).unwrap_or(crate::summarize::UNNAMED).to_owned(),
            run_type: self.word(Col::run_type, row).unwrap_or(RunType::Chain),
            status: self.word(Col::status, row).unwrap_or(Status::Pending),
            error: self.string(Col::error, row),
            error_type: self.string(Col::error_type, row),
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
            total_cost: self.money(Col::total_cost, row),
            cost_source: self.cost_source(row),
            billed: Billed {
                tokens: self.flag(Col::tokens_billed, row).unwrap_or(true),
                cost: self.flag(Col::cost_billed, row).unwrap_or(true),
                gap: self.flag(Col::cost_gap, row).unwrap_or(false),
            },
            double_of: self.id16(Col::double_of, row).map(RunId::from_bytes),
            is_transport: self.flag(Col::is_transport, row).unwrap_or(false),
            response_id: self.string(Col::response_id, row),
            scope_name: self.string(Col::scope_name, row),
            dialect: self.string(Col::dialect, row),
            thread_id: self.string(Col::thread_id, row),
            user_id: self.string(Col::user_id, row),
            environment: self.string(Col::environment, row),
            service: self.string(Col::service, row),
            release: self.string(Col::release, row),
            tags: self.list(Col::tags, row, str::to_owned),
            metadata: self.map(Col::metadata, row),
            input_preview: self.string(Col::input_preview, row),
            output_preview: self.string(Col::output_preview, row),
        })
    }
}

/// The text at a place of a plain or dictionary-encoded text array.
pub(crate) fn text_at(array: &ArrayRef, idx: usize) -> Option<&str> {
    if array.is_null(idx) {
        return None;
    }
    match array.data_type() {
        DataType::Dictionary(..) => {
            let words = array.as_dictionary_opt::<Int32Type>()?;
            let values: &StringArray = words.values().as_string_opt::<i32>()?;
            Some(values.value(words.key(idx)?))
        }
        DataType::Utf8 => Some(array.as_string_opt::<i32>()?.value(idx)),
        DataType::Utf8View => Some(array.as_string_view_opt()?.value(idx)),
        DataType::LargeUtf8 => Some(array.as_string_opt::<i64>()?.value(idx)),
        _ => None,
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

fn cost_source_from_text(text: &str) -> CostSource {
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
