#![no_main]

use clearspan_mapping::otlp::Encoding;
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

fuzz_target!(|body: &[u8]| {
    let mapped = clearspan_fuzz::check(body, Encoding::Protobuf);
    // What prost can read is a request, and each of its spans is either a run or refused.
    if let Ok(request) = ExportTraceServiceRequest::decode(body) {
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let spans: usize = scopes.map(|scope| scope.spans.len()).sum();
        let mapped = mapped.expect("prost reads it");
        assert_eq!(mapped.runs.len() as u64 + mapped.rejected(), spans as u64);
    }
});
