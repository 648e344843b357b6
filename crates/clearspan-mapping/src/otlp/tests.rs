use clearspan_model::UnixNanos;

use super::*;

fn ctx() -> MapContext {
    MapContext { received_at: UnixNanos::from_nanos(1_700_000_000_000_000_000) }
}

fn check_json(body: &str) -> Mapped {
    map_traces(decode_traces(body.as_bytes(), Encoding::Json).expect("valid body"), &ctx())
}

#[test]
fn a_span_without_usable_ids_is_rejected_alone() {
    let span = |trace: &str, id: &str, name: &str| {
        format!(r#"{{"traceId":"{trace}","spanId":"{id}","name":"{name}","startTimeUnixNano":"1","endTimeUnixNano":2}}"#)
    };
    let good = "5058afe218bd8e3b1c99e76877739b8a";
    let spans = [
        span(good, "36F7fa548acabb47", "first"),
        span(good, "0000000000000000", "zero"),
        span("", "36f7fa548acabb47", "missing"),
        span("5058", "36f7fa548acabb47", "short"),
        span("zz58afe218bd8e3b1c99e76877739b8a", "36f7fa548acabb47", "no hex"),
        "7".to_owned(),
        span(good, "36f7fa548acabb48", "last"),
    ];
    let mapped = check_json(&format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(",")));
    let names: Vec<_> = mapped.runs.iter().map(|mapped| mapped.run.name.clone().unwrap()).collect();
    assert_eq!(names, ["first", "last"]);
    assert_eq!(mapped.rejected(), 5);
    let reasons: Vec<_> = mapped.rejections.iter().map(|rejection| rejection.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "span \"zero\": the span id is all zero",
            "span \"missing\": the trace id is missing",
            "span \"short\": the trace id has 2 bytes, not 16",
            "span \"no hex\": the trace id has 49 bytes, not 16",
            "span \"\": the trace id is missing",
        ]
    );
}
