use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;

use super::*;

fn env() -> RuntimeEnv {
    RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(1_000))).build().unwrap()
}

fn kind_of(refused: DfResult<()>) -> ErrorKind {
    // As operators pass it on.
    let err = refused.unwrap_err().context("sorting");
    refusal(&DataFusionError::Shared(Arc::new(err))).unwrap().kind()
}

#[test]
fn what_others_hold_is_told_from_what_is_too_large() {
    let env = env();
    let (share, own_env) = Share::new(&env);
    let pool = &own_env.memory_pool;
    let others = MemoryConsumer::new("others").register(&env.memory_pool);
    let table = MemoryConsumer::new("table").register(pool);
    let sorter = MemoryConsumer::new("sorter").with_can_spill(true).register(pool);
    others.try_grow(500).unwrap();
    table.try_grow(100).unwrap();
    assert_eq!(kind_of(table.try_grow(600)), ErrorKind::Overloaded);
    assert_eq!(kind_of(table.try_grow(901)), ErrorKind::TooLarge);
    assert_eq!(kind_of(sorter.try_grow(401)), ErrorKind::Overloaded);
    assert_eq!(kind_of(sorter.try_grow(901)), ErrorKind::TooLarge);
    // Sorters of others halve what each may have.
    let theirs = MemoryConsumer::new("theirs").with_can_spill(true).register(&env.memory_pool);
    others.free();
    assert_eq!(kind_of(sorter.try_grow(451)), ErrorKind::Overloaded);
    drop(theirs);
    sorter.try_grow(900).unwrap();
    assert_eq!(kind_of(table.try_grow(1)), ErrorKind::TooLarge);
    assert_eq!(env.memory_pool.reserved(), 1_000);
    drop((table, sorter));
    let held = share.held.lock();
    assert_eq!((held.spillable, held.unspillable, held.spillers, env.memory_pool.reserved()), (0, 0, 0, 0));
}

#[test]
fn only_refused_memory_is_a_refusal() {
    assert!(refusal(&DataFusionError::Internal("no memory".to_owned())).is_none());
    let spilled = format!("The used {NO_ROOM_TO_SPILL} process has exceeded the allowable limit of 8.0 GB");
    let err = refusal(&DataFusionError::ResourcesExhausted(spilled)).unwrap();
    assert!(err.kind() == ErrorKind::TooLarge && !err.to_string().contains("--memory"), "{err}");
}

#[tokio::test]
async fn it_is_waited_for_what_ends_late() {
    let (share, env) = Share::new(&env());
    let table = MemoryConsumer::new("table").register(&env.memory_pool);
    table.try_grow(100).unwrap();
    let ending = async {
        tokio::task::yield_now().await;
        table.shrink(60);
        tokio::task::yield_now().await;
        drop(table);
    };
    let begun = Instant::now();
    tokio::join!(share.given_back(), ending);
    assert!(begun.elapsed() < ENDING && share.held.lock().bytes() == 0);
}
