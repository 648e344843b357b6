use std::collections::BTreeMap;

use clearspan_model::{
    Cost, CostSource, Decimal, Fragment, JsonText, Payload, ProjectId, Run, RunId, RunKey, RunType, Side,
    Status, TraceId, UnixNanos, UnpricedReason, Usage, WorkspaceId,
};

use super::*;

fn run(id: u8, parent: Option<u8>) -> Run {
    let key = RunKey {
        workspace_id: WorkspaceId::from_bytes([1; 16]),
        project_id: ProjectId::from_bytes([2; 16]),
        trace_id: TraceId::from_bytes([3; 16]),
        run_id: RunId::from_bytes([id; 16]),
    };
    let mut run = Run::new(key, UnixNanos::from_nanos(1_000));
    run.parent_run_id = parent.map(|id| RunId::from_bytes([id; 16]));
    run.start_time = Some(UnixNanos::from_nanos(100 + i64::from(id)));
    run.end_time = Some(UnixNanos::from_nanos(200 + i64::from(id)));
    run
}

fn llm(id: u8, parent: Option<u8>, tokens: u64, cost: &str) -> Run {
    let mut run = run(id, parent);
    run.run_type = Some(RunType::Llm);
    run.usage = Some(Usage { input_tokens: Some(tokens), output_tokens: Some(1), ..Usage::default() });
    run.cost = Some(Cost {
        total: Some(cost.parse().unwrap()),
        source: CostSource::Priced { price_id: "p".to_owned() },
        ..Cost::default()
    });
    run
}

fn messages(messages: &[&str]) -> Payload {
    Payload { messages: messages.iter().map(|m| JsonText::parse(m).unwrap()).collect(), rest: None }
}

fn rest(text: &str) -> Payload {
    Payload { messages: Vec::new(), rest: Some(JsonText::parse(text).unwrap()) }
}

fn sum_up(runs: &[Run]) -> TraceSummary {
    trace_summary(runs.iter().map(run_summary).collect())
}

#[track_caller]
fn check_previews(payload: Payload, input: Option<&str>, output: Option<&str>) {
    let mut run = run(1, None);
    run.inputs = payload.clone();
    run.outputs = payload;
    let summary = run_summary(&run);
    assert_eq!(summary.input_preview.as_deref(), input, "input");
    assert_eq!(summary.output_preview.as_deref(), output, "output");
}

#[test]
fn previews_show_the_last_word_of_each_side() {
    check_previews(Payload::default(), None, None);
    let chat = messages(&[
        r#"{"role":"system","content":"be brief"}"#,
        r#"{"role":"user","content":"first"}"#,
        r#"{"role":"assistant","content":"one"}"#,
        r#"{"role":"user","content":"second\n\n  line"}"#,
        r#"{"role":"assistant","content":"two"}"#,
        r#"{"role":"tool","content":"42"}"#,
    ]);
    check_previews(chat, Some("second line"), Some("two"));
    let parts = messages(&[
        r#"{"role":"user","content":[{"type":"text","text":"What is"},{"type":"image","url":"u"},{"type":"text","text":"this?"}]}"#,
    ]);
    check_previews(parts, Some("What is this?"), Some("What is this?"));
    check_previews(
        messages(&[r#"{"role":"user","content":[{"type":"image","url":"u"}]}"#]),
        Some("[image]"),
        Some("[image]"),
    );
    let calls = messages(&[
        r#"{"role":"assistant","content":null,"tool_calls":[{"id":"1","name":"search","arguments":{}},{"id":"2","name":"fetch"}]}"#,
    ]);
    check_previews(calls, Some("search(), fetch()"), Some("search(), fetch()"));
}

#[test]
fn previews_take_the_most_telling_field_of_other_payloads() {
    for (json, preview) in [
        (r#""plain""#, Some("plain")),
        (r#"{"answer":"A","question":"Q"}"#, Some("Q")),
        (r#"{"input":{"deep":1},"text":"T"}"#, Some("T")),
        (r#"{"input":"","x":1}"#, Some(r#"{"input":"","x":1}"#)),
        (r#"[1, 2]"#, Some("[1, 2]")),
        ("17", Some("17")),
        ("null", None),
        (r#""   ""#, None),
    ] {
        check_previews(rest(json), preview, preview);
    }
}

#[test]
fn previews_are_cut_at_120_characters() {
    let exact = "é".repeat(120);
    let preview = |text: &str| {
        let mut run = run(1, None);
        run.inputs = Payload { rest: Some(JsonText::from_string(text)), ..Payload::default() };
        run_summary(&run).input_preview.unwrap()
    };
    assert_eq!(preview(&exact), exact);
    assert_eq!(preview(&format!("{exact}!")), format!("{}…", "é".repeat(119)));
    assert_eq!(preview(&"ab ".repeat(1_000_000)).chars().count(), 120);
}

#[test]
fn previews_read_messages_that_came_as_fragments() {
    let mut run = run(1, None);
    run.fragments = vec![Fragment {
        side: Side::Input,
        time: UnixNanos::from_nanos(1),
        index: 0,
        message: JsonText::parse(r#"{"role":"user","content":"hello"}"#).unwrap(),
    }];
    assert_eq!(run_summary(&run).input_preview.as_deref(), Some("hello"));
}

#[test]
fn a_bare_run_has_a_name_a_type_and_a_start() {
    let mut bare = run(1, None);
    (bare.start_time, bare.end_time) = (None, None);
    let summary = run_summary(&bare);
    assert_eq!(
        (summary.name.as_str(), summary.run_type, summary.status),
        ("unnamed", RunType::Chain, Status::Pending)
    );
    assert_eq!(summary.start_time, bare.received_at);
    assert_eq!(summary.latency_nanos(), None);
}

#[test]
fn token_details_are_read_and_a_missing_total_is_the_sum() {
    let mut run = llm(1, None, 10, "1");
    let usage = run.usage.as_mut().unwrap();
    usage.input_details = BTreeMap::from([("cache_read".to_owned(), 4)]);
    usage.output_details = BTreeMap::from([("reasoning".to_owned(), 3)]);
    let summary = run_summary(&run);
    assert_eq!(summary.total_tokens, Some(11));
    assert_eq!((summary.cache_read_tokens, summary.reasoning_tokens), (Some(4), Some(3)));
}

#[test]
fn a_wrapper_that_repeats_its_child_is_not_billed_twice() {
    let (mut wrapper, child) = (llm(1, None, 10, "0.5"), llm(2, Some(1), 10, "0.5"));
    wrapper.run_type = Some(RunType::Chain);
    let mut runs = vec![run_summary(&child), run_summary(&wrapper)];
    assert!(runs[1].billed.tokens, "alone it counts");
    mark_billed(&mut runs);
    assert!(runs[0].billed.tokens && runs[0].billed.cost);
    assert!(!runs[1].billed.tokens && !runs[1].billed.cost);
    let trace = trace_summary(runs);
    assert_eq!((trace.total_tokens, trace.total_cost), (Some(11), Some(Decimal::new(5, 1))));
}

#[test]
fn runs_of_equal_ids_in_two_traces_are_no_family() {
    let parent = llm(1, None, 10, "1");
    let mut child = llm(2, Some(1), 10, "1");
    child.key.trace_id = TraceId::from_bytes([9; 16]);
    let (billed, totals) = roll_up(&[run_summary(&parent), run_summary(&child)]);
    assert!(billed.iter().all(|verdict| verdict.tokens && verdict.cost));
    assert_eq!(totals[0].total_tokens, Some(11));
}

#[test]
fn a_trace_is_summed_up() {
    let mut root = run(1, None);
    root.name = Some("agent".to_owned());
    root.user_id = None;
    let mut first = llm(2, Some(1), 10, "0.25");
    first.model = Some("m2".to_owned());
    first.provider = Some("p".to_owned());
    first.user_id = Some("ann".to_owned());
    first.inputs = messages(&[r#"{"role":"user","content":"first question"}"#]);
    first.outputs = messages(&[r#"{"role":"assistant","content":"first answer"}"#]);
    let mut second = llm(3, Some(1), 20, "0.5");
    second.model = Some("m1".to_owned());
    second.provider = Some("p".to_owned());
    second.thread_id = Some("t".to_owned());
    second.inputs = messages(&[r#"{"role":"user","content":"second question"}"#]);
    second.outputs = messages(&[r#"{"role":"assistant","content":"second answer"}"#]);
    let mut unpriced = run(4, Some(1));
    unpriced.cost =
        Some(Cost { source: CostSource::Unpriced { reason: UnpricedReason::NoUsage }, ..Cost::default() });

    let trace = sum_up(&[unpriced, second, first, root]);
    assert_eq!((trace.root.name.as_str(), trace.is_orphan), ("agent", false));
    assert_eq!((trace.start_time.as_nanos(), trace.end_time.map(UnixNanos::as_nanos)), (101, Some(204)));
    assert_eq!((trace.run_count, trace.error_count, trace.unpriced_count), (4, 0, 1));
    assert_eq!(trace.total_cost, Some("0.75".parse().unwrap()));
    assert_eq!((trace.input_tokens, trace.output_tokens, trace.total_tokens), (Some(30), Some(2), Some(32)));
    assert_eq!(
        (trace.models, trace.providers),
        (vec!["m1".to_owned(), "m2".to_owned()], vec!["p".to_owned()])
    );
    assert_eq!((trace.thread_id.as_deref(), trace.user_id.as_deref()), (Some("t"), Some("ann")));
    assert_eq!(trace.input_preview.as_deref(), Some("first question"));
    assert_eq!(trace.output_preview.as_deref(), Some("second answer"));
}

#[test]
fn the_root_is_found_wherever_it_is() {
    let root_of = |runs: &[Run]| {
        let trace = sum_up(runs);
        (trace.root.run_id.as_bytes()[0], trace.is_orphan)
    };
    assert_eq!(root_of(&[run(1, Some(2)), run(2, None)]), (2, false), "a child may begin before its parent");
    assert_eq!(root_of(&[run(5, Some(9)), run(4, Some(8)), run(6, Some(4))]), (4, true));
    assert_eq!(root_of(&[run(1, Some(9)), run(2, None)]), (2, false), "no parent beats a missing one");
    assert_eq!(root_of(&[run(2, Some(3)), run(3, Some(2))]), (2, false), "a circle");
    assert_eq!(root_of(&[run(2, Some(2))]), (2, false), "its own parent");
    assert_eq!(root_of(&[run(2, Some(3)), run(3, Some(2)), run(4, Some(7))]), (4, true), "beside a circle");
}

#[test]
fn the_error_is_the_roots_else_that_of_the_deepest_which_ended_last() {
    let failed = |id: u8, parent: Option<u8>, error: Option<&str>| {
        let mut run = run(id, parent);
        run.status = Some(Status::Error);
        run.error = error.map(str::to_owned);
        run
    };
    let error_of = |runs: &[Run]| sum_up(runs).error;
    assert_eq!(error_of(&[run(1, None)]), None);
    let deep = [
        run(1, None),
        failed(2, Some(1), Some("shallow")),
        failed(3, Some(2), Some("deep early")),
        failed(4, Some(2), Some("deep late")),
        failed(5, Some(4), None),
        failed(6, Some(1), Some("shallow late")),
    ];
    assert_eq!(error_of(&deep).as_deref(), Some("deep late"));
    let mut with_root = deep.to_vec();
    with_root[0] = failed(1, None, Some("root"));
    assert_eq!(error_of(&with_root).as_deref(), Some("root"));
    assert_eq!(sum_up(&deep).error_count, 5);
}

#[test]
fn long_chains_and_circles_need_no_stack() {
    let count = 100_000_u32;
    let id = |n: u32| {
        let mut bytes = [0; 16];
        bytes[12..].copy_from_slice(&n.to_be_bytes());
        RunId::from_bytes(bytes)
    };
    let mut template = run_summary(&run(1, None));
    template.status = Status::Error;
    let mut chain: Vec<RunSummary> = (0..count)
        .map(|n| RunSummary {
            run_id: id(n),
            parent_run_id: Some(id((n + 1) % count)),
            error: Some(n.to_string()),
            ..template.clone()
        })
        .collect();
    assert!(trace_summary(chain.clone()).error.is_some(), "a circle");
    chain[count as usize - 1].parent_run_id = None;
    let trace = trace_summary(chain);
    assert_eq!(trace.root.run_id, id(count - 1));
    assert_eq!(trace.error.as_deref(), Some("99999"), "the root failed too");
}
