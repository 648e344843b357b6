//! Log records to patches of runs.

use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::{ExportLogsServiceRequest, MapContext, Mapped};

/// Maps every log record that names a span; the others are rejected.
pub fn map_logs(request: ExportLogsServiceRequest, _ctx: &MapContext) -> Mapped {
    let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
    let records: Vec<LogRecord> = scopes.flat_map(|scope| scope.log_records).collect();
    let mut mapped = Mapped::default();
    if !records.is_empty() {
        mapped.reject(records.len() as u64, "log records are not mapped yet");
    }
    mapped
}
