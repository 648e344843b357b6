use std::num::NonZeroUsize;

use clearspan_model::Run;

use super::*;
use crate::RunStore as _;
use crate::native::disk::RealDisk;
use crate::native::disk::faulty::FaultyDisk;
use crate::native::{CompactionConfig, NativeConfig, NativeStore};
use crate::testing::build::{bare, log, scope, trace};

const GIB: u64 = 1 << 30;

#[test]
fn the_larger_part_counts() {
    let room = Room { percent: 5, bytes: GIB / 2 };
    assert_eq!(room.of(GIB), GIB / 2);
    assert_eq!(room.of(100 * GIB), 5 * GIB);
    assert_eq!(Room::default().of(u64::MAX), 0);
    assert!(Room { percent: 100, bytes: 0 }.of(u64::MAX) > u64::MAX / 2);
}

#[tokio::test]
async fn new_data_is_refused_while_there_is_too_little_room_and_accepted_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new(RealDisk::shared());
    let memory_bytes = NonZeroUsize::new(64 << 20).unwrap();
    let finish = Arc::new(|_: &mut Run| ());
    let config = NativeConfig {
        dir: dir.path().to_owned(),
        memory_bytes,
        finish,
        compaction: CompactionConfig::default(),
    };
    let mut store = NativeStore::open_on(config, disk.shared()).unwrap();
    let limits = SpaceLimits {
        refuse_below: Room { percent: 5, bytes: GIB / 2 },
        warn_below: Room { percent: 10, bytes: GIB },
    };
    let with_free = |free: u64| disk.set_space(Space { free, total: 100 * GIB });
    with_free(20 * GIB);
    store.watch_space(limits).unwrap();
    store.write(vec![bare(1, 1)]).await.unwrap();
    assert_eq!(store.warnings(), Vec::<String>::new());

    with_free(7 * GIB);
    wait(|| store.warnings().iter().any(|warning| warning.contains("7168 MiB of 100 GiB"))).await;
    store.write(vec![bare(1, 2)]).await.unwrap();

    with_free(4 * GIB);
    wait(|| store.check_writable().is_err()).await;
    let err = store.write(vec![bare(1, 3)]).await.unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Unavailable);
    assert!(err.to_string().contains("4096 MiB of 100 GiB") && err.to_string().contains("5120 MiB"), "{err}");
    assert!(store.write_logs(vec![log(1, "line")]).await.is_err());
    // What makes room goes on, and so do reads.
    store.flush().await.unwrap();
    assert_eq!(store.load_trace(&scope(), trace(1)).await.unwrap().len(), 2);

    with_free(20 * GIB);
    wait(|| store.check_writable().is_ok()).await;
    store.write(vec![bare(1, 3)]).await.unwrap();
    assert_eq!(store.load_trace(&scope(), trace(1)).await.unwrap().len(), 3);
}

async fn wait(until: impl Fn() -> bool) {
    for _ in 0..100 {
        if until() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not happen within five seconds");
}
