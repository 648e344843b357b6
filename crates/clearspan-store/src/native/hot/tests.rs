use clearspan_model::Run;

use super::*;
use crate::schema::encode::encode_runs;
use crate::testing::build::{run, set_llm, trace};

fn push(tier: &mut Tier, runs: &[Run]) {
    let keys: Vec<Option<RunKey>> = runs.iter().map(|run| Some(run.key)).collect();
    tier.push(encode_runs(runs.iter()), &keys).unwrap();
}

fn numbered(ids: std::ops::Range<u32>) -> Vec<Run> {
    ids.map(|id| run(1, id, |run| run.name = Some(format!("run {id}")))).collect()
}

#[test]
fn small_batches_are_joined_and_every_run_is_still_found() {
    let mut tier = Tier::default();
    let runs = numbered(1..301);
    for run in &runs {
        push(&mut tier, std::slice::from_ref(run));
    }
    assert!(tier.view().len() < 12, "{} batches", tier.view().len());
    assert_eq!(tier.len(), 300);
    for run in &runs {
        assert_eq!(&tier.run(tier.find(&run.key).unwrap()).unwrap(), run);
    }
    assert_eq!(tier.trace_rows(trace(1)).len(), 300);
}

#[test]
fn what_is_killed_is_gone_for_new_readers_only() {
    let mut tier = Tier::default();
    let runs = numbered(1..4);
    push(&mut tier, &runs);
    let before = tier.view();
    tier.kill(&runs[1].key);
    assert_eq!(tier.find(&runs[1].key), None);
    assert_eq!(tier.trace_rows(trace(1)).len(), 2);
    assert_eq!(tier.view()[0].living(None).unwrap().num_rows(), 2);
    assert_eq!(before[0].living(None).unwrap().num_rows(), 3);
    assert_eq!(tier.killed_since(&before), [RowRef { batch: 0, row: 1 }]);
}

#[test]
fn a_wrapper_stops_counting_when_its_call_arrives() {
    let mut tier = Tier::default();
    let wrapper = run(1, 1, |run| set_llm(run, "gpt-4o", (10, 5), "0.5"));
    let call = run(1, 2, |run| {
        set_llm(run, "gpt-4o", (10, 5), "0.5");
        run.parent_run_id = Some(wrapper.key.run_id);
    });
    push(&mut tier, std::slice::from_ref(&call));
    tier.settle().unwrap();
    let summary = |tier: &Tier, key: &RunKey| {
        let place = tier.find(key).unwrap();
        Rows::new(&tier.batch(place.batch).batch).summary(place.row as usize).unwrap()
    };
    assert!(summary(&tier, &call.key).billed.tokens);
    push(&mut tier, std::slice::from_ref(&wrapper));
    tier.settle().unwrap();
    assert!(summary(&tier, &call.key).billed.tokens);
    assert!(!summary(&tier, &wrapper.key).billed.tokens);
}
