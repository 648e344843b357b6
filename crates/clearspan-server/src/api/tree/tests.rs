use clearspan_model::{CostSource, ProjectId, RunId, RunType, Status, TraceId, UnixNanos};
use clearspan_store::{Outline, RunSummary, roll_up};

use super::Tree;

pub(crate) mod oracle;

/// As a store tells it.
pub(crate) fn outline(mut runs: Vec<RunSummary>) -> Outline {
    runs.sort_by_key(|run| (run.start_time, run.run_id));
    let (billed, _) = roll_up(&runs);
    for (run, billed) in runs.iter_mut().zip(billed) {
        run.billed = billed;
    }
    let all = |outline: &Outline| (0..outline.run_count()).collect();
    Outline::of(&runs).unwrap().with_inputs_from(&runs, all)
}

/// The same numbers each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }
}

/// A run of 1 s that begins `start` ms into the trace; `id` and `parent` are small numbers, 0 for no parent.
pub(crate) fn run(id: u8, parent: u8, name: &str, start: i64) -> RunSummary {
    let run_id = |id: u8| RunId::from_bytes([id; 16]);
    RunSummary {
        project_id: ProjectId::from_bytes([1; 16]),
        trace_id: TraceId::from_bytes([2; 16]),
        run_id: run_id(id),
        parent_run_id: (parent != 0).then(|| run_id(parent)),
        span_id: None,
        dotted_order: None,
        name: name.to_owned(),
        run_type: RunType::Chain,
        status: Status::Success,
        error: None,
        error_type: None,
        start_time: UnixNanos::from_nanos(start * 1_000_000),
        end_time: Some(UnixNanos::from_nanos((start + 1_000) * 1_000_000)),
        first_token_time: None,
        received_at: UnixNanos::from_nanos(0),
        model: None,
        provider: None,
        input_tokens: None,
        output_tokens: None,
        total_tokens: None,
        cache_read_tokens: None,
        reasoning_tokens: None,
        input_cost: None,
        output_cost: None,
        total_cost: None,
        cost_source: CostSource::None,
        billed: clearspan_model::rollup::Billed::default(),
        double_of: None,
        is_transport: false,
        response_id: None,
        scope_name: None,
        dialect: None,
        thread_id: None,
        user_id: None,
        environment: None,
        service: None,
        release: None,
        tags: Vec::new(),
        metadata: std::collections::BTreeMap::new(),
        input_preview: None,
        output_preview: None,
    }
}

pub(crate) fn failed(mut run: RunSummary, error: &str) -> RunSummary {
    run.status = Status::Error;
    run.error = Some(error.to_owned());
    run
}

fn shape(runs: Vec<RunSummary>) -> Vec<(String, Option<usize>)> {
    let outline = outline(runs);
    let tree = Tree::new(&outline);
    (0..tree.len()).map(|row| (tree.name(row).to_owned(), tree.parent(row))).collect()
}

#[test]
fn parents_come_first_and_siblings_by_start() {
    let runs = vec![run(4, 2, "c", 30), run(3, 1, "b", 20), run(2, 1, "a", 10), run(1, 0, "root", 0)];
    let expected = [("root", None), ("a", Some(0)), ("c", Some(1)), ("b", Some(0))];
    assert_eq!(shape(runs), expected.map(|(name, parent)| (name.to_owned(), parent)));
}

#[test]
fn orphans_come_after_roots_and_are_marked() {
    let runs = vec![run(2, 9, "orphan", 0), run(3, 2, "below", 5), run(1, 0, "root", 10)];
    let outline = outline(runs);
    let tree = Tree::new(&outline);
    assert_eq!(tree.name(0), "root");
    assert_eq!(tree.forest.orphans, [1]);
    assert_eq!(tree.forest.parents, [None, None, Some(1)]);
}

#[test]
fn circles_are_cut() {
    let itself = outline(vec![run(1, 1, "itself", 0)]);
    let itself = Tree::new(&itself).forest;
    assert_eq!((itself.parents, itself.orphans), (vec![None], vec![0]));
    let three = vec![run(1, 3, "a", 0), run(2, 1, "b", 1), run(3, 2, "c", 2), run(4, 2, "d", 3)];
    let outline = outline(three);
    let tree = Tree::new(&outline);
    assert_eq!(tree.forest.parents, [None, Some(0), Some(1), Some(1)]);
    assert_eq!(tree.forest.orphans, [0]);
    assert_eq!(tree.forest.sizes, [4, 3, 1, 1]);
    assert_eq!(tree.children(1).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((tree.subtree(1), tree.path_up(3).collect::<Vec<_>>()), (1..4, vec![3, 1, 0]));
    assert_eq!(tree.row_of(RunId::from_bytes([3; 16])), Some(2));
    assert_eq!(tree.row_of(RunId::from_bytes([9; 16])), None);
}

#[test]
fn tries_are_numbered() {
    let ended = |mut run: RunSummary, end: i64| {
        run.end_time = Some(UnixNanos::from_nanos(end * 1_000_000));
        run
    };
    let runs = vec![
        ended(run(1, 0, "root", 0), 100),
        failed(ended(run(2, 1, "call", 10), 20), "x"),
        failed(ended(run(3, 1, "call", 30), 40), "x"),
        ended(run(4, 1, "call", 50), 60),
        // A success ends the tries; a failure next to another name is none.
        ended(run(5, 1, "call", 70), 80),
        failed(ended(run(6, 1, "other", 81), 90), "x"),
        // Parallel calls are no tries.
        failed(ended(run(7, 1, "parallel", 91), 99), "x"),
        ended(run(8, 1, "parallel", 92), 99),
    ];
    assert_eq!(Tree::new(&outline(runs)).attempts, [0, 1, 2, 3, 0, 0, 0, 0]);

    // Another instrumentation tells of the first try in between.
    let mut double = failed(ended(run(3, 1, "other name", 11), 19), "x");
    double.double_of = Some(run(2, 0, "", 0).run_id);
    let runs = vec![
        ended(run(1, 0, "root", 0), 100),
        failed(ended(run(2, 1, "call", 10), 20), "x"),
        double,
        ended(run(4, 1, "call", 30), 40),
    ];
    assert_eq!(Tree::new(&outline(runs)).attempts, [0, 1, 0, 2]);
}

/// A wrapper gives all calls one name: `asked` is the model and the input of one that failed, and of the one after it.
fn attempts_of(asked: [(Option<&str>, Option<&str>); 2]) -> Vec<u32> {
    let mut runs = vec![run(1, 0, "agent", 0)];
    for (id, (model, input)) in (2..).zip(asked) {
        let mut call = run(id, 1, "ChatOpenAI", i64::from(id) * 2_000);
        call.run_type = RunType::Llm;
        call.model = model.map(ToOwned::to_owned);
        call.input_preview = input.map(ToOwned::to_owned);
        runs.push(if id == 2 { failed(call, "429 rate limit") } else { call });
    }
    let outline = outline(runs);
    Tree::new(&outline).attempts
}

#[test]
fn the_inputs_of_possible_tries_are_asked_for() {
    let fine = outline(vec![run(1, 0, "root", 0), run(2, 1, "call", 0), run(3, 1, "call", 2_000)]);
    assert!(super::inputs_of_tries(&fine).is_empty());
    let first = failed(run(2, 1, "call", 0), "x");
    let runs = vec![run(1, 0, "root", 0), first, run(3, 1, "call", 2_000), run(4, 1, "call", 4_000)];
    assert_eq!(super::inputs_of_tries(&outline(runs)), [1, 2]);
}

#[test]
fn another_call_of_the_same_name_is_no_retry() {
    let (gpt, mini) = (Some("gpt-4o"), Some("gpt-5-mini"));
    let (summarise, translate) = (Some("summarise document A"), Some("translate document B to German"));
    assert_eq!(attempts_of([(gpt, summarise), (mini, translate)]), [0, 0, 0]);
    assert_eq!(attempts_of([(gpt, summarise), (gpt, translate)]), [0, 0, 0]);
    assert_eq!(attempts_of([(gpt, summarise), (gpt, summarise)]), [0, 1, 2]);
    // Another model is asked because the first one failed.
    assert_eq!(attempts_of([(gpt, summarise), (mini, summarise)]), [0, 1, 2]);
    // Without contents only the models can tell; a provider answers with a dated name.
    assert_eq!(attempts_of([(gpt, None), (mini, None)]), [0, 0, 0]);
    assert_eq!(attempts_of([(gpt, summarise), (mini, None)]), [0, 0, 0]);
    assert_eq!(attempts_of([(gpt, None), (Some("gpt-4o-2024-08-06"), None)]), [0, 1, 2]);
    assert_eq!(attempts_of([(None, None), (gpt, None)]), [0, 1, 2]);
}

#[test]
fn a_chain_of_many_runs_needs_no_stack() {
    let mut chain = Vec::new();
    for n in 0..100_000_u128 {
        let mut link = run(1, 0, "link", i64::try_from(n).unwrap());
        link.run_id = RunId::from_bytes((n + 1).to_be_bytes());
        link.parent_run_id = (n > 0).then(|| RunId::from_bytes(n.to_be_bytes()));
        chain.push(link);
    }
    let outline = outline(chain);
    let tree = Tree::new(&outline);
    assert_eq!(tree.path_up(99_999).count(), 100_000);
}
