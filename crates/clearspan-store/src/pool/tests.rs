use std::time::Instant;

use super::*;

fn pool() -> QueryPool {
    QueryPool::open(&PoolConfig { memory_bytes: 64 << 20, spill_dir: None }).unwrap()
}

#[tokio::test]
async fn queries_run_at_low_priority() {
    let niceness = || own_niceness().unwrap();
    let own = niceness();
    let pool = pool();
    let of_pages = pool.run(Lane::Pages, async move { Ok(niceness()) }).await.unwrap();
    let of_statements = pool.run(Lane::Statements, async move { Ok(niceness()) }).await.unwrap();
    assert_eq!((of_pages, of_statements), (own.max(5), own.max(10)));
}

#[tokio::test]
async fn what_nobody_waits_for_ends() {
    struct Ended(Option<oneshot::Sender<()>>);
    impl Drop for Ended {
        fn drop(&mut self) {
            let _heard = self.0.take().unwrap().send(());
        }
    }
    let pool = pool();
    let (tx, rx) = oneshot::channel();
    let ended = Ended(Some(tx));
    let work = pool.run(Lane::Statements, async move {
        let _ended = ended;
        std::future::pending::<Result<()>>().await
    });
    assert!(tokio::time::timeout(Duration::from_millis(50), work).await.is_err());
    tokio::time::timeout(Duration::from_secs(30), rx).await.expect("it ends").unwrap();
}

#[tokio::test]
async fn turns_are_given_back() {
    let pool = pool();
    let begun = Instant::now();
    for _ in 0..20 {
        pool.run(Lane::Statements, async { Ok(()) }).await.unwrap();
    }
    assert!(begun.elapsed() < TURN);
}

#[tokio::test]
async fn a_panic_is_an_error() {
    let pool = pool();
    let err = pool.run::<()>(Lane::Pages, async { panic!("on purpose") }).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Internal);
    pool.run(Lane::Pages, async { Ok(()) }).await.unwrap();
}

#[test]
fn old_spilled_files_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let spill_dir = dir.path().join("spill");
    std::fs::create_dir_all(spill_dir.join("left")).unwrap();
    std::fs::write(spill_dir.join("left/behind"), "x").unwrap();
    let config = PoolConfig { memory_bytes: 64 << 20, spill_dir: Some(spill_dir.clone()) };
    let _pool = QueryPool::open(&config).unwrap();
    assert!(!spill_dir.join("left").exists());
}
