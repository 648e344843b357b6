use std::time::{Duration, Instant};

use clearspan_catalog::FeedbackStats;
use clearspan_model::{CostSource, Decimal, RunId, RunType, Status, UnpricedReason};
use clearspan_store::RunSummary;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::super::feedback::ByKey;
use super::super::tree::Tree;
use super::super::tree::tests::{Dice, failed, oracle, outline, run};
use super::super::types::ProjectRef;
use super::{NO_VERSION, Skeleton, nano_dollars};

fn project() -> ProjectRef {
    ProjectRef { id: "p".to_owned(), name: "demo".to_owned() }
}

fn skeleton(runs: Vec<RunSummary>) -> Value {
    with_feedback(runs, &FxHashMap::default())
}

fn with_feedback(runs: Vec<RunSummary>, feedback: &FxHashMap<RunId, ByKey>) -> Value {
    let outline = outline(runs);
    let skeleton = Skeleton::new(&Tree::new(&outline), project(), feedback);
    let (json, version) = skeleton.to_json();
    let told: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(told["version"], json!(version));
    told
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
fn rows_come_parent_first_whatever_was_sent() {
    // A circle of two, an orphan, a run that is its own parent, and a root that began last.
    let mut wrapper = failed(run(2, 3, "round", 20), "ValueError");
    wrapper.run_type = RunType::Llm;
    wrapper.total_tokens = Some(10);
    let mut again = run(3, 2, "round", 2_000);
    again.run_type = RunType::Llm;
    again.total_tokens = Some(10);
    let mut root = run(1, 0, "agent", 5_000);
    root.tags = vec!["a".to_owned(), "b".to_owned()];
    root.user_id = Some("of the root".to_owned());
    let mut orphan = run(4, 9, "lost", 10);
    orphan.user_id = Some("of another".to_owned());
    let told = skeleton(vec![wrapper, again, orphan, run(5, 5, "itself", 0), run(6, 1, "step", 0), root]);
    let runs = &told["runs"];
    let ids: Vec<&str> =
        runs["id"].as_array().unwrap().iter().filter_map(|id| id.as_str()?.get(..2)).collect();
    assert_eq!(ids, ["01", "06", "05", "04", "02", "03"]);
    assert_eq!(runs["parent"], json!([-1, 0, -1, -1, -1, 4]));
    assert_eq!(runs["orphan"], json!([2, 3, 4]));
    assert_eq!(runs["start_us"], json!([5_000_000, 0, 0, 10_000, 20_000, 2_000_000]));
    assert_eq!((&told["tags"], &told["user_id"]), (&json!(["a", "b"]), &json!("of the root")));
    // The circle is entered at its earlier run, which wraps the other one: their tokens count once.
    assert_eq!(told["totals"]["total_tokens"], json!(10));
    assert_eq!(runs["billed"], json!([0, 0, 0, 0, 1, 0]));
    assert_eq!(runs["tree_tokens"], json!([0, 0, 0, 0, 10, 10]));
}

/// Trees are made from whole summaries, skeletons from outlines: what both say must be the same.
#[test]
fn any_forest_has_the_rows_of_its_tree() {
    let mut dice = Dice(7);
    for _ in 0..300 {
        let count = 1 + dice.below(12) as u8;
        let runs: Vec<RunSummary> = (1..=count).map(|id| any_run(&mut dice, id, count)).collect();
        let tree = oracle::Tree::new(runs.clone()).unwrap();
        let told = &skeleton(runs.clone())["runs"];
        let ids: Vec<RunId> = tree.runs.iter().map(|run| run.run_id).collect();
        assert_eq!(told["id"], json!(ids), "{runs:?}");
        let parents: Vec<i64> =
            tree.parents.iter().map(|parent| parent.map_or(-1, |parent| parent as i64)).collect();
        assert_eq!(told["parent"], json!(parents), "{runs:?}");
        assert_eq!(told["orphan"], json!(tree.orphans), "{runs:?}");
        assert_eq!(told["attempt"], json!(tree.attempts), "{runs:?}");
        let billed: Vec<u8> = tree.billed.iter().map(|own| u8::from(own.tokens || own.cost)).collect();
        assert_eq!(told["billed"], json!(billed), "{runs:?}");
        let tokens: Vec<u64> = tree.totals.iter().map(|all| all.total_tokens.unwrap_or(0)).collect();
        assert_eq!(told["tree_tokens"], json!(tokens), "{runs:?}");
        let costs: Vec<_> = tree.totals.iter().map(|all| all.total_cost.and_then(nano_dollars)).collect();
        assert_eq!(told["tree_cost"], json!(costs), "{runs:?}");
    }
}

/// A run whose parent is any run, none, or one that is not here.
fn any_run(dice: &mut Dice, id: u8, count: u8) -> RunSummary {
    let parent = dice.below(u64::from(count) + 2) as u8;
    let mut run = run(id, parent, ["chat", "tool"][dice.below(2) as usize], dice.below(4) as i64 * 1_000);
    run.run_type = [RunType::Llm, RunType::Chain, RunType::Tool][dice.below(3) as usize];
    run.status = [Status::Success, Status::Error][dice.below(2) as usize];
    run.total_tokens = (dice.below(2) == 0).then(|| 1 + dice.below(2));
    run.total_cost = (dice.below(2) == 0).then(|| Decimal::new(1 + dice.below(2) as i64, 2));
    if dice.below(2) == 0 {
        run.cost_source = CostSource::Reported;
    }
    run.response_id = (dice.below(4) == 0).then(|| "resp".to_owned());
    run
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
fn a_name_that_looks_like_the_version_is_a_name() {
    let name = format!("\"version\":\"{NO_VERSION}\"");
    let of_project = ProjectRef { id: "p".to_owned(), name: name.clone() };
    let outline = outline(vec![run(1, 0, &name, 0)]);
    let (json, version) = Skeleton::new(&Tree::new(&outline), of_project, &FxHashMap::default()).to_json();
    let told: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!([&told["project"]["name"], &told["name"]], [&json!(name); 2]);
    assert_eq!(told["version"], json!(version));
    assert_ne!(version, NO_VERSION);
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
    let outline = outline(runs);
    let started = Instant::now();
    let skeleton = Skeleton::new(&Tree::new(&outline), project(), &FxHashMap::default());
    let built = started.elapsed();
    let bytes = skeleton.to_json().0.len();
    // The budget is 50 ms for optimised code on an idle machine; the bounds leave room for a busy one and still fail
    // for anything that is not linear.
    let bound = if cfg!(debug_assertions) { Duration::from_secs(120) } else { Duration::from_secs(15) };
    assert!(built < bound, "{built:?} for {bytes} bytes");
    assert!(bytes < 14_000_000, "{bytes}");
}
