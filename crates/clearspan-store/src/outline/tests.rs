use clearspan_model::{ProjectId, Run, RunId, RunKey, RunType, TraceId, UnixNanos, WorkspaceId};

use super::*;
use crate::summarize::{mark_billed, run_summary};

/// A run of one second; `parent` 0 is none.
fn run(project: u8, id: u8, parent: u8, start: i64) -> RunSummary {
    let key = RunKey {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::from_bytes([project; 16]),
        trace_id: TraceId::from_bytes([9; 16]),
        run_id: RunId::from_bytes([id; 16]),
    };
    let mut run = Run::new(key, UnixNanos::default());
    run.parent_run_id = (parent > 0).then(|| RunId::from_bytes([parent; 16]));
    run.start_time = Some(UnixNanos::from_nanos(start));
    run.end_time = Some(UnixNanos::from_nanos(start + 1_000_000_000));
    run_summary(&run)
}

fn ids(outline: &Outline) -> Vec<u8> {
    outline.runs().map(|run| run.run_id.as_bytes()[0]).collect()
}

#[test]
fn runs_are_in_order_and_know_who_is_above() {
    let outline = Outline::of(&[run(1, 3, 1, 20), run(1, 2, 7, 20), run(1, 1, 0, 10)]).unwrap();
    assert_eq!(ids(&outline), [1, 2, 3]);
    let parents: Vec<Option<u32>> = outline.runs().map(|run| run.parent).collect();
    assert_eq!(parents, [None, None, Some(0)]);
    assert!(Outline::of(&[]).is_none());
}

#[test]
fn the_project_with_most_runs_is_taken() {
    let outline = Outline::of(&[run(2, 1, 0, 0), run(1, 2, 0, 1), run(1, 3, 1, 2)]).unwrap();
    assert_eq!((ids(&outline), outline.project_id.as_bytes()[0]), (vec![2, 3], 1));
    assert_eq!(outline.run(1).parent, None, "a run of another project is not above");
    let even = Outline::of(&[run(2, 1, 0, 0), run(1, 2, 0, 1)]).unwrap();
    assert_eq!(ids(&even), [1]);
}

#[test]
fn equal_texts_are_one() {
    let mut runs = [run(1, 1, 0, 0), run(1, 2, 1, 1), run(1, 3, 1, 2)];
    for run in &mut runs[..2] {
        run.tags = vec!["a".to_owned(), "b".to_owned()];
    }
    runs[1].error = Some("a".to_owned());
    let outline = Outline::of(&runs).unwrap();
    let [one, other, third] = outline.runs().collect::<Vec<_>>()[..] else { panic!("three runs") };
    assert_eq!((one.name, one.tags), (other.name, other.tags));
    assert_eq!(outline.tags(&other).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(outline.tags(&third).count(), 0);
    assert_eq!((outline.text(one.name), outline.text_count()), ("unnamed", 3));
}

/// Two instrumentations of one call, whose texts are all that says so.
fn told_twice(output: &str) -> Vec<RunSummary> {
    let call = |id: u8, scope: &str, output: &str| {
        let mut call = run(1, id, 1, 10);
        call.run_type = RunType::Llm;
        call.model = Some("gpt-4o".to_owned());
        call.scope_name = Some(scope.to_owned());
        call.output_preview = Some(output.to_owned());
        call
    };
    vec![run(1, 1, 0, 0), call(2, "openai", "Paris"), call(3, "langchain", output), call(4, "openai", "Rome")]
}

#[test]
fn texts_are_loaded_where_they_decide() {
    for output in ["Paris", "Madrid"] {
        let mut runs = told_twice(output);
        runs.truncate(3);
        let mut outline = Outline::of(&runs).unwrap();
        let mut asked = Vec::new();
        let load = |unclear: &[usize]| {
            asked = unclear.to_vec();
            Ok(unclear.iter().map(|idx| [None, runs[*idx].output_preview.clone()]).collect())
        };
        outline.judge(load).unwrap();
        assert_eq!(asked, [1, 2]);
        mark_billed(&mut runs);
        let expected = Outline::of(&runs).unwrap();
        assert_eq!(outline.runs().skip(1).any(|run| run.double_of.is_some()), output == "Paris");
        assert_eq!(outline.spelled().collect::<Vec<_>>(), expected.spelled().collect::<Vec<_>>());
    }
}

#[test]
fn one_instrumentation_needs_no_texts() {
    let mut runs = told_twice("Paris");
    runs.remove(2);
    let mut outline = Outline::of(&runs).unwrap();
    outline.judge(|unclear| panic!("asks for {unclear:?}")).unwrap();
    assert!(outline.runs().all(|run| run.double_of.is_none()));
}
