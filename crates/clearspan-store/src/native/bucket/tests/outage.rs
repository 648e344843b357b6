//! The object store fails, is silent, or gives less than it has: for a while.

use super::*;

/// Two batches in a segment, of which nothing is in the cache or known.
async fn flushed() -> (Flaky, tempfile::TempDir, NativeStore) {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    {
        let store = open(dir.path(), &objects);
        store.write([batch(1), batch(2)].concat()).await.unwrap();
        store.flush().await.unwrap();
    }
    let store = try_open(dir.path(), &objects, &bucket_config(0)).unwrap();
    (objects, dir, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_delays_and_loses_nothing() {
    let (objects, _dir, store) = flushed().await;
    objects.set_down(true);
    let begin = std::time::Instant::now();
    store.write([batch(3), late(1)].concat()).await.unwrap();
    store.write(batch(4)).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    for err in [
        store.load_trace(&scope(), trace(1)).await.unwrap_err(),
        store.query_runs(&newest(everything())).await.unwrap_err(),
        store.flush().await.unwrap_err(),
    ] {
        assert_eq!(err.kind(), ErrorKind::Unavailable, "{err:?}");
    }
    store.check_writable().unwrap();
    objects.set_down(false);
    let deadline = std::time::Instant::now() + Duration::from_secs(120);
    while store.flush().await.is_err() {
        assert!(std::time::Instant::now() < deadline, "it did not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let check = async |store: &NativeStore| {
        let page = store.query_runs(&newest(everything())).await.unwrap();
        assert_eq!(page.runs.len(), 16);
        let patched = store.load_trace(&scope(), trace(1)).await.unwrap();
        assert_eq!((patched.len(), patched[0].user_id.as_deref()), (4, Some("ann")));
    };
    check(&store).await;
    drop(store);
    check(&open(tempfile::tempdir().unwrap().path(), &objects)).await;
}

/// A proxy answers so while it has no backend. Some of what was written may have arrived.
#[tokio::test(flavor = "multi_thread")]
async fn writes_that_are_answered_by_404_are_tried_again() {
    for done in [false, true] {
        let (objects, dir, store) = flushed().await;
        objects.hide_writes(true, done);
        store.write(batch(3)).await.unwrap();
        let err = store.flush().await.unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Unavailable, "{err:?}");
        store.check_writable().unwrap();
        objects.hide_writes(false, false);
        let deadline = std::time::Instant::now() + Duration::from_secs(120);
        while store.flush().await.is_err() {
            assert!(std::time::Instant::now() < deadline, "it did not recover");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        store.write(batch(4)).await.unwrap();
        store.flush().await.unwrap();
        assert_eq!(store.query_runs(&newest(everything())).await.unwrap().runs.len(), 16);
        drop((store, dir));
        let elsewhere = open(tempfile::tempdir().unwrap().path(), &objects);
        assert_eq!(elsewhere.query_runs(&newest(everything())).await.unwrap().runs.len(), 16);
    }
}

/// Waits until a late run that had to wait is where it belongs, and everything can be read.
async fn wait_until_whole(store: &NativeStore) {
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let trace = store.load_trace(&scope(), trace(1)).await;
        let page = store.query_runs(&newest(everything())).await;
        match (trace, page) {
            (Ok(trace), Ok(page)) if trace[0].user_id.as_deref() == Some("ann") => {
                assert_eq!((trace.len(), page.runs.len()), (4, 8));
                return;
            }
            (trace, page) => {
                let err = trace.err().or(page.err());
                assert!(err.is_none_or(|err| err.kind() == ErrorKind::Unavailable), "nothing is damaged");
                assert!(std::time::Instant::now() < deadline, "it did not recover");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What the store knows of a file is in memory when the rest of it cannot be had, whichever part of it that is.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_for_a_moment_is_not_damaged() {
    for (step, cuts) in (0..8).map(|step| (step, false)).chain([(0, true)]) {
        let (objects, _dir, store) = flushed().await;
        assert_eq!(store.load_trace(&scope(), trace(2)).await.unwrap().len(), 4);
        objects.cut_answers(cuts);
        if !cuts {
            objects.go_down_after(step);
        }
        store.write(late(1)).await.unwrap();
        if let Err(err) = store.query_runs(&newest(everything())).await {
            assert_eq!(err.kind(), ErrorKind::Unavailable, "after {step} requests: {err:?}");
        }
        objects.cut_answers(false);
        objects.go_down_after(u64::MAX);
        wait_until_whole(&store).await;
    }
}

/// A proxy that changes bytes, say. Passing over a segment is for good, so it is tried again first.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_changed_on_their_way_are_no_damage() {
    let (objects, _dir, store) = flushed().await;
    assert_eq!(store.load_trace(&scope(), trace(2)).await.unwrap().len(), 4);
    let named = names(&objects, "segments").await;
    let name = named.iter().find(|name| name.ends_with(".parquet")).unwrap();
    let key = ObjectPath::from(format!("{PREFIX}/segments/{name}"));
    let sound = objects.inner.get(&key).await.unwrap().bytes().await.unwrap();
    let changed: Vec<u8> = sound.iter().map(|byte| byte ^ 1).collect();
    objects.inner.put(&key, changed.into()).await.unwrap();
    store.write(late(1)).await.unwrap();
    objects.inner.put(&key, sound.into()).await.unwrap();
    wait_until_whole(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_never_answers_is_not_waited_for_long() {
    let (objects, _dir, store) = flushed().await;
    objects.be_silent(true);
    let begin = std::time::Instant::now();
    store.write(late(1)).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(9), "{:?}", begin.elapsed());
    // From then on nobody waits.
    let begin = std::time::Instant::now();
    let err = store.load_trace(&scope(), trace(2)).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Unavailable, "{err:?}");
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    objects.be_silent(false);
    wait_until_whole(&store).await;
}

/// A store that can be read and not written, because it is full, say.
#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_can_be_written_reads_go_on() {
    let (objects, dir) = (Flaky::new(), tempfile::tempdir().unwrap());
    let store = open(dir.path(), &objects);
    store.write(batch(1)).await.unwrap();
    store.flush().await.unwrap();
    objects.refuse_writes(true);
    store.write([batch(2), late(1)].concat()).await.unwrap();
    assert_eq!(store.flush().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let old = store.load_trace(&scope(), trace(1)).await.unwrap();
    assert_eq!((old.len(), old[0].user_id.as_deref()), (4, Some("ann")));
    assert!(
        store.warnings().iter().any(|warning| warning.contains("object store")),
        "{:?}",
        store.warnings()
    );
    objects.refuse_writes(false);
    let deadline = std::time::Instant::now() + Duration::from_secs(120);
    while store.flush().await.is_err() {
        assert!(std::time::Instant::now() < deadline, "it did not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(store);
    let store = open(tempfile::tempdir().unwrap().path(), &objects);
    assert_eq!(store.stats(Unit::Runs, &everything()).await.unwrap().count, 8);
}

/// The user whom the late run names, as a list shows it.
async fn listed_user(store: &NativeStore) -> crate::Result<Option<String>> {
    let page = store.query_runs(&newest(everything())).await?;
    Ok(page.runs.into_iter().find_map(|run| run.user_id))
}

/// An answer may be refused; one that is given holds everything that was acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_lacks_runs_that_wait() {
    let (objects, _dir, store) = flushed().await;
    objects.set_down(true);
    store.write(late(1)).await.unwrap();
    let warnings = store.warnings().join("\n");
    assert!(warnings.contains("1 runs that arrived wait"), "{warnings}");
    objects.set_down(false);
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        assert!(std::time::Instant::now() < deadline, "it did not recover");
        let (list, trace) = (listed_user(&store).await, store.load_trace(&scope(), trace(1)).await);
        if let Ok(user) = &list {
            assert_eq!(user.as_deref(), Some("ann"));
        }
        if let Ok(trace) = &trace {
            assert_eq!((trace.len(), trace[0].user_id.as_deref()), (4, Some("ann")));
        }
        if list.is_ok() && trace.is_ok() {
            break;
        }
    }
    assert_eq!(store.warnings(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_wait_take_what_they_hold() {
    let (objects, _dir, store) = flushed().await;
    objects.set_down(true);
    for _ in 0..50 {
        store.write(late(1)).await.unwrap();
    }
    let bytes = store.shared.late.bytes();
    assert!(bytes > 0 && bytes < 50 * (8 << 10), "{bytes}");
    assert_eq!(*store.shared.pressure.borrow(), bytes, "they are all that is in memory");
    objects.set_down(false);
    wait_until_whole(&store).await;
    assert_eq!(store.shared.late.bytes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_cut_off_are_told() {
    let (objects, _dir, store) = flushed().await;
    objects.cut_answers(true);
    let err = store.query_runs(&newest(everything())).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Unavailable, "{err:?}");
    let warnings = store.warnings().join("\n");
    assert!(warnings.contains("cuts off its answers"), "{warnings}");
    objects.cut_answers(false);
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !store.warnings().is_empty() {
        assert!(std::time::Instant::now() < deadline, "{:?}", store.warnings());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(store.query_runs(&newest(everything())).await.unwrap().runs.len(), 8);
}
