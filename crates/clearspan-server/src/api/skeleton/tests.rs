use std::time::{Duration, Instant};

use clearspan_catalog::FeedbackStats;
use clearspan_model::{CostSource, Decimal, RunId, RunType, UnpricedReason};
use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::super::feedback::ByKey;
use super::super::tree::Tree;
use super::super::tree::tests::{failed, run};
use super::super::types::ProjectRef;
use super::Skeleton;

fn project() -> ProjectRef {
    ProjectRef { id: "p".to_owned(), name: "demo".to_owned() }
}

fn skeleton(runs: Vec<clearspan_store::RunSummary>) -> Value {
    with_feedback(runs, &FxHashMap::default())
}

fn with_feedback(runs: Vec<clearspan_store::RunSummary>, feedback: &FxHashMap<RunId, ByKey>) -> Value {
    serde_json::to_value(Skeleton::new(&Tree::new(runs).unwrap(), project(), feedback)).unwrap()
}

#[test]
fn columns_tell_everything_a_row_shows() {
    let mut llm = run(2, 1, "chat", 10);
    llm.run_type = RunType::Llm;
    llm.model = Some("gpt-4o".to_owned());
    llm.input_tokens = Some(100);
    llm.output_tokens = Some(20);
    llm.total_tokens = Some(120);
    llm.cache_read_tokens = Some(60);
    llm.input_cost = Some(Decimal::new(1, 3));
    llm.output_cost = Some(Decimal::new(5, 4));
    llm.total_cost = Some(Decimal::new(15, 4));
    llm.cost_source = CostSource::Reported;
    let mut unpriced = run(3, 1, "chat", 20);
    unpriced.run_type = RunType::Llm;
    unpriced.input_tokens = Some(5);
    unpriced.cost_source = CostSource::Unpriced { reason: UnpricedReason::UnknownModel };
    let tool = failed(run(4, 9, "tool", 30), "ToolError: broken\nTraceback");
    let mut root = run(1, 0, "agent", 0);
    root.thread_id = Some("t1".to_owned());

    let told = skeleton(vec![root, llm, unpriced, tool]);
    let dict = told["dict"].as_array().unwrap().clone();
    let text = |column: &str, row: usize| {
        let position = told["runs"][column][row].as_i64().unwrap();
        usize::try_from(position).ok().map(|position| dict[position].as_str().unwrap().to_owned())
    };
    let runs = &told["runs"];
    assert_eq!(runs["parent"], json!([-1, 0, 0, -1]));
    assert_eq!(runs["orphan"], json!([3]));
    assert_eq!(runs["status"], json!([1, 1, 1, 2]));
    assert_eq!(runs["start_us"], json!([0, 10_000, 20_000, 30_000]));
    assert_eq!(runs["duration_us"], json!([1_000_000, 1_000_000, 1_000_000, 1_000_000]));
    assert_eq!(runs["cost"], json!([null, 1_500_000, null, null]));
    assert_eq!(runs["tree_cost"], json!([1_500_000, 1_500_000, null, null]));
    assert_eq!(runs["tree_tokens"], json!([125, 120, 5, 0]));
    assert_eq!(runs["billed"], json!([0, 1, 1, 0]));
    assert_eq!(text("model", 1).as_deref(), Some("gpt-4o"));
    assert_eq!(text("model", 0), None);
    assert_eq!(text("unpriced", 2).as_deref(), Some("unknown_model"));
    assert_eq!(text("error", 3).as_deref(), Some("ToolError: broken"));
    assert_eq!(text("type", 1).as_deref(), Some("llm"));
    assert_eq!(runs["name"][1], runs["name"][2], "equal names share one entry");
    assert_eq!(
        told["totals"],
        json!({
            "cost": "0.0015", "input_cost": "0.001", "output_cost": "0.0005", "input_tokens": 105, "output_tokens": 20, "total_tokens": 125, "cached_tokens": 60,
            "reasoning_tokens": null, "run_count": 4, "error_count": 1, "unpriced_count": 1, "llm_count": 2,
        })
    );
    assert_eq!(told["duration_us"], json!(1_030_000));
    assert_eq!(told["status"], "success");
    assert_eq!(told["thread_id"], "t1");
    assert_eq!(told["running"], json!(false));
}

#[test]
fn doubles_name_the_row_that_counts() {
    let mut double = run(2, 1, "chat", 10);
    let counts = run(3, 1, "ChatOpenAI", 11);
    double.double_of = Some(counts.run_id);
    let mut transport = run(4, 3, "POST", 12);
    transport.is_transport = true;
    let told = skeleton(vec![run(1, 0, "agent", 0), double, counts, transport]);
    assert_eq!(told["runs"]["double_of"], json!([-1, 2, -1, -1]));
    assert_eq!(told["runs"]["transport"], json!([0, 0, 0, 1]));
}

#[test]
fn doubles_are_runs_and_neither_calls_nor_errors() {
    let call = |id: u8, double_of: Option<u8>| {
        let mut call = failed(run(id, 1, "chat", i64::from(id)), "429");
        call.run_type = RunType::Llm;
        call.double_of = double_of.map(|id| RunId::from_bytes([id; 16]));
        call
    };
    let totals =
        skeleton(vec![run(1, 0, "agent", 0), call(2, None), call(3, Some(2)), call(4, None)])["totals"]
            .take();
    let counts = ["run_count", "llm_count", "error_count"].map(|count| totals[count].as_u64().unwrap());
    assert_eq!(counts, [4, 2, 2]);
}

#[test]
fn the_version_changes_with_the_content_only() {
    let version = |name: &str| skeleton(vec![run(1, 0, name, 0)])["version"].as_str().unwrap().to_owned();
    assert_eq!(version("a"), version("a"));
    assert_ne!(version("a"), version("b"));
}

#[test]
fn feedback_is_marked_on_its_rows() {
    let stats = |count, sum| FeedbackStats { count, scored: count, sum, ..FeedbackStats::default() };
    let said = |count, sum| {
        let by_key =
            ByKey::from([("helpful".to_owned(), stats(count, sum)), ("tone".to_owned(), stats(1, 0.0))]);
        FxHashMap::from_iter([(run(2, 1, "", 0).run_id, by_key)])
    };
    let runs = || vec![run(1, 0, "agent", 0), run(2, 1, "chat", 10)];
    let marked = with_feedback(runs(), &said(2, 1.0));
    let marks = marked["feedback"].as_array().unwrap();
    let told: Vec<_> = marks
        .iter()
        .map(|mark| (&mark["row"], &marked["dict"][mark["key"].as_u64().unwrap() as usize]))
        .collect();
    assert_eq!(told, [(&json!(1), &json!("helpful")), (&json!(1), &json!("tone"))]);
    assert_eq!((&marks[0]["count"], &marks[0]["average"]), (&json!(2), &json!(0.5)));
    assert_eq!(skeleton(runs())["feedback"], json!([]));
    assert_ne!(marked["version"], with_feedback(runs(), &said(2, 2.0))["version"]);
}

#[test]
fn a_hundred_thousand_runs_are_quick() {
    let runs: Vec<_> = (0..100_000_u128)
        .map(|n| {
            let mut run = run(1, 0, ["agent", "chat", "tool"][n as usize % 3], i64::try_from(n).unwrap());
            run.run_id = RunId::from_bytes((n + 1).to_be_bytes());
            run.parent_run_id = (n > 0).then(|| RunId::from_bytes((n / 4 + 1).to_be_bytes()));
            run.total_tokens = Some(10);
            run
        })
        .collect();
    let started = Instant::now();
    let skeleton = Skeleton::new(&Tree::new(runs).unwrap(), project(), &FxHashMap::default());
    let built = started.elapsed();
    let bytes = serde_json::to_vec(&skeleton).unwrap().len();
    // The budget is 50 ms for optimised code on an idle machine; the bounds leave room for a busy one and still fail
    // for anything that is not linear.
    let bound = if cfg!(debug_assertions) { Duration::from_secs(30) } else { Duration::from_millis(1_500) };
    assert!(built < bound, "{built:?} for {bytes} bytes");
    assert!(bytes < 14_000_000, "{bytes}");
}
