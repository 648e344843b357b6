//! Whole runs take the place of those that were read.

use clearspan_model::{Fragment, Run, Side};

use crate::RunStore;
use crate::testing::build::{
    at, bare, json, message, number_of, run, run_id, scope, set_llm, trace, version, workspace,
    write_scattered,
};

async fn load(store: &dyn RunStore) -> Vec<Run> {
    store.load_trace(&scope(), trace(1)).await.expect("loads")
}

/// As a better mapping would read it.
fn improved(mut run: Run) -> Run {
    run.name = Some(format!("improved {}", number_of(run.key.run_id)));
    run.model = None;
    run.tags.clear();
    run.metadata.clear();
    run.inputs = message("user", "improved");
    run
}

/// What is replaced is gone, wherever it was: fields that the new run lacks are not merged from the old one.
pub async fn a_replaced_run_is_read_everywhere(store: &dyn RunStore) {
    let told = (1..=6).map(|id| {
        run(1, id, |run| {
            set_llm(run, "gpt-4o", (10, 5), "0.5");
            run.tags = vec!["old".to_owned()];
        })
    });
    write_scattered(store, told.collect()).await;
    for state in ["scattered", "replaced", "flushed"] {
        let new: Vec<Run> = load(store).await.into_iter().map(improved).collect();
        assert_eq!(store.replace(new.clone()).await.expect(state), [], "{state}");
        assert_eq!(load(store).await, new, "{state}");
        let skeleton = store.load_skeleton(&scope(), trace(1)).await.expect(state);
        let names: Vec<&str> = skeleton.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names.len(), 6, "{state}");
        assert!(names.iter().all(|name| name.starts_with("improved")), "{state}: {names:?}");
        if state == "replaced" {
            store.flush().await.expect(state);
        }
    }
}

/// A run that has another version, or is not there, is left alone and named.
pub async fn a_run_that_changed_is_not_replaced(store: &dyn RunStore) {
    let early = run(1, 1, |run| run.name = Some("early".to_owned()));
    store.write(vec![early.clone(), run(1, 2, |_| ()), run(1, 3, |_| ())]).await.expect("writes");
    let read = load(store).await;
    // An older log record adds a message and no version.
    let mut fragment = bare(1, 3);
    fragment.versions = clearspan_model::Versions::all(version(0));
    fragment.fragments =
        vec![Fragment { side: Side::Output, time: at(5), index: 0, message: json(r#"{"role":"y"}"#) }];
    store.write(vec![fragment]).await.expect("writes");
    let mut later = early.clone();
    later.versions = clearspan_model::Versions::all(version(5));
    later.name = Some("later".to_owned());
    store.write(vec![later]).await.expect("writes");
    let mut new: Vec<Run> = read.into_iter().map(improved).collect();
    new.push(run(9, 9, |_| ()));
    let mut elsewhere = new[1].clone();
    elsewhere.key.workspace_id = workspace(2);
    new.push(elsewhere);
    let mut left_alone = store.replace(new.clone()).await.expect("replaces");
    left_alone.sort();
    let mut expected = vec![new[0].key, new[2].key, new[3].key, new[4].key];
    expected.sort();
    assert_eq!(left_alone, expected);
    let names: Vec<Option<String>> = load(store).await.into_iter().map(|run| run.name).collect();
    assert_eq!(names.iter().flatten().collect::<Vec<_>>(), ["later", "improved 2", "run 3"]);
    assert_eq!(store.load_trace(&scope(), trace(9)).await.expect("loads"), []);
    assert_eq!(store.replace(Vec::new()).await.expect("nothing to do"), []);
}

/// A replaced run keeps its versions, so later patches merge with it as with any other.
pub async fn patches_merge_with_a_replaced_run(store: &dyn RunStore) {
    store.write(vec![run(1, 1, |run| run.user_id = Some("ann".to_owned()))]).await.expect("writes");
    let new: Vec<Run> = load(store).await.into_iter().map(improved).collect();
    store.replace(new.clone()).await.expect("replaces");
    for state in ["in memory", "flushed"] {
        let mut patch = bare(1, 1);
        patch.versions = clearspan_model::Versions::all(version(if state == "flushed" { 9 } else { 5 }));
        patch.error = Some(state.to_owned());
        patch.end_time = Some(at(5_000));
        let mut expected = load(store).await.remove(0);
        expected.merge(patch.clone());
        store.write(vec![patch]).await.expect(state);
        assert_eq!(load(store).await, [expected], "{state}");
        store.flush().await.expect(state);
    }
    assert_eq!(load(store).await[0].name.as_deref(), Some("improved 1"));
}

/// What counts follows the new runs.
pub async fn what_counts_follows_replaced_runs(store: &dyn RunStore) {
    let wrapper = run(1, 1, |run| set_llm(run, "m", (10, 5), "0.5"));
    let call = run(1, 2, |run| {
        run.parent_run_id = Some(run_id(1));
        run.start_time = Some(at(1_100));
    });
    store.write(vec![wrapper, call]).await.expect("writes");
    store.flush().await.expect("flushes");
    let mut new = load(store).await;
    set_llm(&mut new[1], "m", (10, 5), "0.5");
    store.replace(new).await.expect("replaces");
    for state in ["in memory", "flushed"] {
        let skeleton = store.load_skeleton(&scope(), trace(1)).await.expect(state);
        let billed: Vec<bool> = skeleton.iter().map(|run| run.billed.tokens).collect();
        assert_eq!(billed, [false, true], "{state}: the call inside counts now");
        store.flush().await.expect(state);
    }
}
