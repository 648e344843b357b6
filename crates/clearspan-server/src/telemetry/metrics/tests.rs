use super::*;

#[test]
fn what_happened_is_counted_by_protocol_and_reason() {
    let metrics = Metrics::default();
    let accepted = Accepted { runs: 7, rejected: 2, bytes: 1000 };
    metrics.note_accepted(Protocol::OtlpHttp, accepted, Duration::from_millis(3));
    metrics.note_refused(Protocol::OtlpGrpc, StatusCode::PAYLOAD_TOO_LARGE);
    metrics.note_refused(Protocol::OtlpGrpc, StatusCode::BAD_GATEWAY);
    let text = metrics.render(Some(SearchProgress { missing: 3, index_bytes: 4096 }));
    for line in [
        "clearspan_accepted_runs_total{protocol=\"otlp_http\"} 7",
        "clearspan_rejected_items_total{protocol=\"otlp_http\"} 2",
        "clearspan_received_bytes_total{protocol=\"otlp_grpc\"} 0",
        "clearspan_refused_requests_total{protocol=\"otlp_grpc\",reason=\"too_large\"} 1",
        "clearspan_refused_requests_total{protocol=\"otlp_grpc\",reason=\"internal\"} 1",
        "clearspan_ack_seconds_bucket{le=\"0.002\"} 0",
        "clearspan_ack_seconds_bucket{le=\"0.005\"} 1",
        "clearspan_ack_seconds_bucket{le=\"+Inf\"} 1",
        "clearspan_ack_seconds_sum 0.003000",
        "clearspan_search_segments_unindexed 3",
        "clearspan_search_index_bytes 4096",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn deletion_is_counted() {
    let text = render_deletion(&DeletionState { dropped: 4, tombstones: 2, unpurged_since: None });
    for line in [
        "clearspan_deleted_rows_dropped_total 4",
        "clearspan_tombstones 2",
        "clearspan_unpurged_since_seconds 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_scrub_is_told_of() {
    assert!(render_scrub(None).contains("clearspan_scrub_ended_seconds 0\n"));
    let report = CheckReport { bytes: 77, ..CheckReport::default() };
    let text = render_scrub(Some((UnixNanos::from_nanos(5_000_000_000), Some(&report))));
    for line in ["clearspan_scrub_ended_seconds 5", "clearspan_scrub_bytes 77", "clearspan_scrub_problems 0"]
    {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}
