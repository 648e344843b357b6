//! The `logs` table: what OpenTelemetry sends as log records.

use arrow::array::RecordBatch;
use clearspan_model::{JsonText, LogRecord, ProjectId, Sender, SpanId, TraceId, WorkspaceId};

use super::columns;
use super::row_builder::RowBuilder;
use super::rows::TableRows;
use crate::{RecordId, Result};

columns! {
    "logs" LogCol LOG_SCHEMA;
    workspace_id Id16 required "The tenant.";
    project_id Id16 required "The project.";
    id Id16 required "The hash of everything but received_at. Rows of one id are one record: count them once.";
    time Time required "When it happened; when it was observed, or else received, where the sender does not say. Rows are sorted by (project_id, time, id).";
    observed_time Time optional "When the sender's collector saw it.";
    received_at Time required "When the server first heard of it.";
    trace_id Id16 optional "The trace that it belongs to.";
    span_id Id8 optional "The span that it belongs to.";
    severity Count optional "1 to 4 trace, 5 to 8 debug, 9 to 12 info, 13 to 16 warn, 17 to 20 error, 21 to 24 fatal.";
    severity_text Word optional "The sender's own word for that.";
    event_name Word optional "What kind of event it is.";
    body Text optional "What it says: JSON.";
    attributes Map required "Its attributes; values are JSON.";
    service Word optional "service.name.";
    scope_name Word optional "The instrumentation scope.";
    scope_version Word optional "Its version.";
    resource Word optional "Attributes of the sending process: a JSON object.";
}

/// Reads log records.
pub(crate) type LogRows<'a> = TableRows<'a, LogCol>;

/// One row a record, in the order given.
pub(crate) fn encode_logs<'a>(
    records: impl ExactSizeIterator<Item = (RecordId, &'a LogRecord)>,
) -> RecordBatch {
    let mut rows = RowBuilder::<LogCol>::new(records.len());
    for (id, record) in records {
        rows.id(LogCol::workspace_id, Some(record.workspace_id.as_bytes()));
        rows.id(LogCol::project_id, Some(record.project_id.as_bytes()));
        rows.id(LogCol::id, Some(&id.0.to_be_bytes()));
        rows.time(LogCol::time, Some(record.time));
        rows.time(LogCol::observed_time, record.observed_time);
        rows.time(LogCol::received_at, Some(record.received_at));
        rows.id(LogCol::trace_id, record.trace_id.as_ref().map(|id| id.as_bytes().as_slice()));
        rows.id(LogCol::span_id, record.span_id.as_ref().map(|id| id.as_bytes().as_slice()));
        rows.count(LogCol::severity, record.severity.map(u64::from));
        rows.text(LogCol::severity_text, record.severity_text.as_deref());
        rows.text(LogCol::event_name, record.event_name.as_deref());
        rows.text(LogCol::body, record.body.as_ref().map(JsonText::as_str));
        rows.map(LogCol::attributes, &record.attributes);
        let Sender { service, scope_name, scope_version, resource } = &record.sender;
        rows.text(LogCol::service, service.as_deref());
        rows.text(LogCol::scope_name, scope_name.as_deref());
        rows.text(LogCol::scope_version, scope_version.as_deref());
        rows.json(LogCol::resource, (!resource.is_empty()).then_some(resource));
    }
    rows.finish()
}

impl LogRows<'_> {
    pub(crate) fn severity(&self, row: usize) -> Option<u8> {
        self.count(LogCol::severity, row).and_then(|severity| u8::try_from(severity).ok())
    }

    pub(crate) fn body(&self, row: usize) -> Option<JsonText> {
        self.json_text(LogCol::body, row)
    }

    /// The whole record of a row.
    pub(crate) fn record(&self, row: usize) -> Result<LogRecord> {
        Ok(LogRecord {
            workspace_id: WorkspaceId::from_bytes(self.need_id(LogCol::workspace_id, row)?),
            project_id: ProjectId::from_bytes(self.need_id(LogCol::project_id, row)?),
            time: self.time(LogCol::time, row).unwrap_or_default(),
            observed_time: self.time(LogCol::observed_time, row),
            received_at: self.time(LogCol::received_at, row).unwrap_or_default(),
            trace_id: self.id16(LogCol::trace_id, row).map(TraceId::from_bytes),
            span_id: self
                .bytes(LogCol::span_id, row)
                .and_then(|id| id.try_into().ok())
                .map(SpanId::from_bytes),
            severity: self.severity(row),
            severity_text: self.string(LogCol::severity_text, row),
            event_name: self.string(LogCol::event_name, row),
            body: self.body(row),
            attributes: self.map(LogCol::attributes, row),
            sender: Sender {
                service: self.string(LogCol::service, row),
                scope_name: self.string(LogCol::scope_name, row),
                scope_version: self.string(LogCol::scope_version, row),
                resource: self.json(LogCol::resource, row)?,
            },
        })
    }
}
