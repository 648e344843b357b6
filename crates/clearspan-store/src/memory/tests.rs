use std::sync::Arc;

use clearspan_model::{Cost, CostSource, Decimal, Run};

use super::*;
use crate::testing::build::{everything, run, scope, trace};
use crate::testing::compare::{compare, fill};
use crate::testing::random::{Dice, random_questions, random_runs};

fn empty() -> MemoryStore {
    MemoryStore::new(Arc::new(|_: &mut Run| ()))
}

async fn make() -> (Arc<MemoryStore>, ()) {
    (Arc::new(empty()), ())
}

mod conformance {
    crate::conformance_suite!(super::make);
}

#[tokio::test]
async fn random_runs_give_the_same_answers_in_any_order_of_arrival() {
    for seed in 0..4 {
        let (one, other) = (empty(), empty());
        let mut patches = random_runs(seed);
        fill(&one, &patches, None).await;
        Dice(seed + 100).shuffle(&mut patches);
        fill(&other, &patches, Some(seed)).await;
        compare(&one, &other, &random_questions(seed, 100)).await;
    }
}

/// A comparison that cannot fail would prove nothing.
#[tokio::test]
#[should_panic(expected = "question")]
async fn a_missing_run_is_noticed() {
    let (one, other) = (empty(), empty());
    let patches = random_runs(1);
    let lost = patches[0].key;
    let kept: Vec<Run> = patches.iter().filter(|patch| patch.key != lost).cloned().collect();
    fill(&one, &patches, None).await;
    fill(&other, &kept, None).await;
    compare(&one, &other, &random_questions(1, 100)).await;
}

/// Questions that nothing answers to compare nothing.
#[tokio::test]
async fn most_random_questions_find_something() {
    let store = empty();
    fill(&store, &random_runs(2), None).await;
    let mut hits = 0;
    for question in random_questions(2, 200) {
        if let crate::testing::compare::Question::Runs(query) = question {
            hits += usize::from(!store.query_runs(&query).await.unwrap().runs.is_empty());
        }
    }
    assert!(hits > 20, "{hits}");
}

#[tokio::test]
async fn what_finish_sets_is_read_and_never_merged() {
    let price = |run: &mut Run| {
        let dollars = Decimal::from(run.tags.len());
        run.cost = Some(Cost { total: Some(dollars), source: CostSource::Reported, ..Cost::default() });
    };
    let store = MemoryStore::new(Arc::new(price));
    let told = run(1, 1, |run| run.tags = vec!["a".to_owned(), "b".to_owned()]);
    let mut early = told.clone();
    early.tags.truncate(1);
    for (patch, dollars) in [(told.clone(), 2), (early, 2)] {
        store.write(vec![patch]).await.unwrap();
        let runs = store.load_trace(&scope(), trace(1)).await.unwrap();
        assert_eq!(runs[0].cost.as_ref().unwrap().total, Some(Decimal::from(dollars)));
        let stats = store.stats(Unit::Runs, &everything()).await.unwrap();
        assert_eq!(stats.total_cost, Decimal::from(dollars));
    }
}
