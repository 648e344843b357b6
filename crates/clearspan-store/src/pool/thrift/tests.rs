use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;

use super::*;
use crate::pool::memory::Memory;

fn env() -> RuntimeEnv {
    RuntimeEnvBuilder::new().with_memory_pool(Arc::new(Memory::new(1_000))).build().unwrap()
}

/// What holds so much memory for a while.
async fn holding(env: Arc<RuntimeEnv>, bytes: usize) -> DfResult<()> {
    let table = MemoryConsumer::new("table").register(&env.memory_pool);
    table.try_grow(bytes)?;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[tokio::test]
async fn queries_in_each_others_way_run_one_after_another() {
    let (env, thrifty) = (env(), AtomicUsize::new(0));
    let begun = Instant::now();
    let query = || {
        run(&env, Way::Fast, |way, env| {
            thrifty.fetch_add(usize::from(way == Way::Thrifty), Ordering::Relaxed);
            holding(env, 600)
        })
    };
    let answers = futures::future::join_all((0..8).map(|_| query())).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(thrifty.load(Ordering::Relaxed) >= 7);
    assert!(begun.elapsed() < PATIENCE, "they are told, and do not wait in vain");
}

#[tokio::test]
async fn what_is_too_large_alone_is_refused_at_once() {
    let (env, tries) = (env(), AtomicUsize::new(0));
    let others = MemoryConsumer::new("others").register(&env.memory_pool);
    others.try_grow(500).unwrap();
    let err = run(&env, Way::Fast, |_, env| {
        tries.fetch_add(1, Ordering::Relaxed);
        holding(env, 1_001)
    });
    assert!(is_refusal(&err.await.unwrap_err()));
    assert_eq!(tries.load(Ordering::Relaxed), 2);
    let err = run(&env, Way::Thrifty, |_, _| async { datafusion::common::exec_err!("no") as DfResult<()> });
    assert!(!is_refusal(&err.await.unwrap_err()));
}

/// That it is refused in the end is tested in `sql::attempt`.
#[tokio::test]
async fn it_waits_for_others() {
    let (env, tries) = (env(), AtomicUsize::new(0));
    let (share, own) = Share::new(&env);
    let others = MemoryConsumer::new("others").register(&own.memory_pool);
    others.try_grow(500).unwrap();
    let query = run(&env, Way::Fast, |_, env| {
        tries.fetch_add(1, Ordering::Relaxed);
        holding(env, 600)
    });
    let ends = async {
        while tries.load(Ordering::Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
        drop((others, own, share));
    };
    let begun = Instant::now();
    let (answer, ()) = tokio::join!(query, ends);
    answer.unwrap();
    assert!(tries.load(Ordering::Relaxed) == 3 && begun.elapsed() < PATIENCE);
}
