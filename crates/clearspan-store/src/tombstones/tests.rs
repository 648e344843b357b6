use clearspan_model::UnixNanos;

use super::*;
use crate::testing::build::{project, run_id, trace, workspace};

fn nanos(hours: i64) -> UnixNanos {
    UnixNanos::from_nanos(hours * 3_600_000_000_000)
}

fn tombstone(covers: Covers, forget_hours: i64, seq: u64) -> Tombstone {
    let mark = Mark { deleted_at: nanos(0), forget_at: nanos(forget_hours), seq };
    Tombstone { workspace_id: workspace(1), project_id: project(1), covers, mark }
}

fn key(project_number: u8, trace_number: u32) -> RunKey {
    RunKey {
        workspace_id: workspace(1),
        project_id: project(project_number),
        trace_id: trace(trace_number),
        run_id: run_id(1),
    }
}

#[test]
fn a_row_is_dead_by_when_it_was_received() {
    let tombstones: Tombstones = [&tombstone(Covers::Trace(trace(1)), 10, 5)].into_iter().collect();
    assert!(tombstones.hides_run(&key(1, 1), nanos(9)));
    assert!(!tombstones.hides_run(&key(1, 1), nanos(10)), "forgotten");
    assert!(!tombstones.hides_run(&key(1, 2), nanos(9)), "another trace");
    assert!(!tombstones.hides_run(&key(2, 1), nanos(9)), "another project");
    assert!(tombstones.hides_record(workspace(1), project(1), Some(trace(1)), nanos(9)));
    assert!(!tombstones.hides_record(workspace(1), project(1), None, nanos(9)));
    assert!(!tombstones.hides_record(workspace(2), project(1), Some(trace(1)), nanos(9)));
}

#[test]
fn a_project_covers_all_and_old_records_only_records() {
    let whole: Tombstones = [&tombstone(Covers::Project, 10, 5)].into_iter().collect();
    assert!(whole.hides_run(&key(1, 7), nanos(1)));
    assert!(whole.hides_record(workspace(1), project(1), None, nanos(1)));
    let old: Tombstones = [&tombstone(Covers::RecordsBefore(nanos(4)), 10, 5)].into_iter().collect();
    assert!(!old.hides_run(&key(1, 7), nanos(1)));
    assert!(old.hides_record(workspace(1), project(1), Some(trace(1)), nanos(3)));
    assert!(!old.hides_record(workspace(1), project(1), Some(trace(1)), nanos(4)));
}

#[test]
fn only_what_was_purged_and_is_old_is_forgotten() {
    let of = |number, hours, seq| tombstone(Covers::Trace(trace(number)), hours, seq);
    let all = [of(1, 10, 5), of(2, 10, 7), of(3, 20, 5)];
    let mut tombstones: Tombstones = all.iter().collect();
    assert!(!tombstones.forget(nanos(10), 6), "a row may still be on its way");
    assert!(tombstones.forget(nanos(11), 6));
    assert_eq!(tombstones.to_list(), all[1..], "the one is not purged, the other too young");
    assert_eq!(tombstones.oldest_after(6), Some(nanos(0)));
    assert_eq!(tombstones.oldest_after(7), None);
}

#[test]
fn deleting_again_renews() {
    let twice = [tombstone(Covers::Project, 10, 5), tombstone(Covers::Project, 30, 9)];
    let tombstones: Tombstones = twice.iter().rev().collect();
    assert_eq!(tombstones.to_list(), twice[1..]);
}
