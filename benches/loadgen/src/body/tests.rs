use std::collections::HashSet;

use super::*;
use crate::traces;

#[test]
fn a_stamped_request_has_new_ids_and_the_same_tree() {
    let words = Words::new(500);
    let profiles: [(Traces<'_>, usize); 4] = [
        (&|rng, words, trace| traces::agent(rng, words, trace, None), 64),
        (&|rng, words, trace| traces::agent(rng, words, trace, Some(20)), 64),
        (&traces::small, 64),
        (&|rng, words, trace| traces::tree(rng, words, trace, 300), 300),
    ];
    for (make, batch) in profiles {
        let body = Body::build(3, batch, make, &words);
        let before = spans(&body.bytes);
        let mut stamped = Vec::new();
        let first = body.stamp(&mut stamped, &mut Rng::new(99), 1_795_000_000_000_000_000, None);
        let after = spans(&stamped);
        assert_eq!(before.len(), body.spans);
        assert_eq!(after.len(), body.spans);
        assert_eq!(after[0].trace_id, first);
        let ids: HashSet<_> = after.iter().map(|span| (&span.trace_id, &span.span_id)).collect();
        assert_eq!(ids.len(), after.len());
        for (old, new) in before.iter().zip(&after) {
            assert_ne!(old.span_id, new.span_id);
            assert_ne!(old.trace_id, new.trace_id);
            assert_eq!(old.attributes, new.attributes, "only ids and times change");
            assert_eq!(
                new.start_time_unix_nano,
                old.start_time_unix_nano - MARKER_NANOS + 1_795_000_000_000_000_000
            );
            let took = |span: &Span| span.end_time_unix_nano - span.start_time_unix_nano;
            assert_eq!(took(old), took(new));
            let parent =
                |spans: &[Span], span: &Span| spans.iter().position(|p| p.span_id == span.parent_span_id);
            assert_eq!(parent(&before, old), parent(&after, new), "children follow their parent");
        }
    }
}

#[test]
fn all_spans_can_be_parts_of_one_trace() {
    let body = Body::build(3, 64, &traces::small, &Words::new(500));
    let mut stamped = Vec::new();
    let trace = [7; 16];
    assert_eq!(body.stamp(&mut stamped, &mut Rng::new(99), MARKER_NANOS, Some(trace)), trace);
    assert!(spans(&stamped).iter().all(|span| span.trace_id == trace));
}

fn spans(bytes: &[u8]) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(bytes).unwrap();
    request.resource_spans.into_iter().flat_map(|r| r.scope_spans).flat_map(|s| s.spans).collect()
}
