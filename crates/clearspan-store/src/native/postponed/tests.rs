use clearspan_model::{ProjectId, Run, UnixNanos, WorkspaceId};

use super::*;
use crate::schema::encode::encode_runs;

fn key(project: u8, run: u8) -> RunKey {
    RunKey {
        workspace_id: WorkspaceId::from_bytes([1; 16]),
        project_id: ProjectId::from_bytes([project; 16]),
        trace_id: TraceId::from_bytes([run; 16]),
        run_id: RunId::from_bytes([run; 16]),
    }
}

fn scope(project: u8) -> Scope {
    let project_ids = Some(vec![ProjectId::from_bytes([project; 16])]);
    Scope { workspace_id: WorkspaceId::from_bytes([1; 16]), project_ids }
}

#[tokio::test]
async fn only_reads_wait_that_would_miss_a_run() {
    let late = Late::default();
    let whole = Scope { workspace_id: WorkspaceId::from_bytes([1; 16]), project_ids: None };
    let foreign = Scope { workspace_id: WorkspaceId::from_bytes([9; 16]), project_ids: None };
    late.exchange((&[], 0), (&[key(1, 1), key(1, 1)], 100));
    late.exchange((&[], 0), (&[key(1, 2)], 50));
    assert!(late.warning().unwrap().starts_with("2 runs"), "{:?}", late.warning());
    let here = scope(1);
    let (seen, unseen) = ([TraceId::from_bytes([1; 16])], [TraceId::from_bytes([3; 16])]);
    let run = [RunId::from_bytes([3; 16])];
    for (wanted, waits) in [
        (Wanted::of(&here), true),
        (Wanted::of(&whole), true),
        (Wanted::default(), true),
        (Wanted::of(&scope(2)), false),
        (Wanted::of(&foreign), false),
        (Wanted { traces: &seen, ..Wanted::of(&here) }, true),
        (Wanted { traces: &unseen, ..Wanted::of(&here) }, false),
        (Wanted { runs: &run, ..Wanted::of(&here) }, false),
    ] {
        let waited = late.wait(wanted, Duration::ZERO, || Ok(())).await;
        assert_eq!(waited.is_err(), waits, "{wanted:?}");
        if let Err(err) = waited {
            assert_eq!(err.kind(), ErrorKind::Unavailable);
            assert!(bucket::is_unreachable(&err), "{err:?}");
        }
    }
    // Nobody waits for a store that is known to be out of reach.
    late.wait(Wanted::of(&here), Duration::MAX, || Err(bucket::still_busy())).await.unwrap_err();
    late.exchange((&[key(1, 1), key(1, 1)], 100), (&[], 0));
    let coming = async {
        tokio::task::yield_now().await;
        late.exchange((&[key(1, 2)], 50), (&[], 0));
    };
    let (waited, ()) = tokio::join!(late.wait(Wanted::of(&here), Duration::MAX, || Ok(())), coming);
    waited.unwrap();
    assert_eq!((late.warning(), late.bytes()), (None, 0));
}

#[test]
fn a_run_that_waits_takes_little() {
    let batch = encode_runs([Run::new(key(1, 1), UnixNanos::from_nanos(1))].iter());
    let packed = pack(&batch).unwrap();
    assert!(packed.capacity() < 8 << 10, "{} bytes", packed.capacity());
    assert_eq!(unpack(&packed).unwrap().num_rows(), 1);
}
