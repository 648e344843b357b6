use std::path::Path;

use clearspan_model::{ErrorKind, Run};

use super::*;
use crate::Error;
use crate::native::disk::{DiskRef, RealDisk};
use crate::native::manifest::SegmentEntry;
use crate::native::segment::{Effort, write_groups};
use crate::schema::encode::encode_runs;
use crate::schema::stored;
use crate::testing::build::{project, run};

const GROUPS: u32 = 3 * LEAST_GROUPS_FOR_TWO as u32;
const ROWS: u32 = 40;
/// The row group with runs of two projects.
const MIXED: u32 = 5;
const COLUMNS: [Col; 6] =
    [Col::workspace_id, Col::project_id, Col::trace_id, Col::run_id, Col::name, Col::error];

/// Many small row groups.
fn sample(dir: &Path) -> (Segment, SegmentEntry) {
    let batch = |group: u32| {
        let runs: Vec<Run> = (group * ROWS..(group + 1) * ROWS)
            .map(|id| {
                run(id / 7, id, |run| {
                    run.name = Some(format!("run {}", id % 11));
                    run.error = id.is_multiple_of(5).then(|| format!("error {id}"));
                    if group == MIXED && id.is_multiple_of(2) {
                        run.key.project_id = project(2);
                    }
                })
            })
            .collect();
        let places: Vec<(usize, usize)> = (0..runs.len()).map(|row| (0, row)).collect();
        stored::gather(&[&encode_runs(runs.iter())], &places)
    };
    let disk: DiskRef = RealDisk::shared();
    let entry = write_groups(&disk, dir, 1, Effort::Flush, (0..GROUPS).map(batch)).unwrap();
    (Segment::new(&disk, &Arc::default(), dir, &entry), entry)
}

/// What both ways of reading say of some rows.
fn check(segment: &Segment, rows: &[Range<u32>]) {
    let ids = |batch: &RecordBatch, at: usize| {
        COLUMNS.map(|col| batch.column_by_name(col.name()).map(|array| array.slice(at, 1).to_data()))
    };
    let mut expected = Vec::new();
    let look = |batch: &RecordBatch, numbers: &[u32]| {
        expected.extend(numbers.iter().enumerate().map(|(at, number)| (*number, ids(batch, at))));
        Ok(())
    };
    segment.look_at(rows, &COLUMNS, look).unwrap();
    let mut found = Vec::new();
    let look = |GroupRows { batch, numbers, owner }: GroupRows| {
        let is_mixed = numbers[0] / ROWS == MIXED;
        assert_eq!(owner.is_none(), is_mixed, "rows {numbers:?}");
        assert_eq!(batch.column_by_name(Col::project_id.name()).is_some(), is_mixed);
        if let Some((_, project_id)) = owner {
            assert_eq!(project_id, project(1));
        }
        found.extend(numbers.iter().enumerate().map(|(at, number)| (*number, ids(&batch, at))));
        Ok(())
    };
    segment.look_at_groups(rows, &COLUMNS, look).unwrap();
    assert_eq!(found.len(), expected.len(), "{rows:?}");
    for ((number, found), (expected_number, mut expected)) in found.into_iter().zip(expected) {
        assert_eq!(number, expected_number);
        if number / ROWS != MIXED {
            (expected[0], expected[1]) = (None, None);
        }
        assert_eq!(found, expected, "row {number}");
    }
}

#[test]
fn rows_are_the_same_by_one_thread_and_by_two() {
    let dir = tempfile::tempdir().unwrap();
    let (segment, _) = sample(dir.path());
    let all = GROUPS * ROWS;
    check(&segment, &[]);
    check(&segment, std::slice::from_ref(&(0..all)));
    check(&segment, std::slice::from_ref(&(ROWS - 1..ROWS * 7 + 3)));
    check(&segment, &(0..all).filter(|row| row % 3 == 0).map(|row| row..row + 1).collect::<Vec<_>>());
    check(&segment, &(0..all).step_by(97).map(|row| row..row + 20).take(9).collect::<Vec<_>>());
}

#[test]
fn a_failure_ends_both_threads() {
    let dir = tempfile::tempdir().unwrap();
    let (segment, _) = sample(dir.path());
    let mut shown = 0;
    let failed = segment.look_at_groups(std::slice::from_ref(&(0..GROUPS * ROWS)), &COLUMNS, |_| {
        shown += 1;
        if shown == 3 { Err(Error::new(ErrorKind::Internal, "enough")) } else { Ok(()) }
    });
    assert_eq!((failed.unwrap_err().kind(), shown), (ErrorKind::Internal, 3));
}

#[test]
fn damage_is_found_by_whichever_thread_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let (segment, entry) = sample(dir.path());
    let whole = std::fs::read(segment.path()).unwrap();
    let footer = segment.footer().unwrap();
    for group in [0, GROUPS as usize / 2, GROUPS as usize - 1] {
        let column = footer.column(group, Col::run_id).unwrap().unwrap();
        let (start, len) = column.byte_range();
        let mut damaged = whole.clone();
        damaged[(start + len / 2) as usize] ^= 1;
        std::fs::write(segment.path(), &damaged).unwrap();
        let segment = Segment::new(&RealDisk::shared(), &Arc::default(), dir.path(), &entry);
        let failed = segment.look_at_groups(std::slice::from_ref(&(0..GROUPS * ROWS)), &COLUMNS, |_| Ok(()));
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Corrupt, "row group {group}");
        assert!(segment.damage().is_some());
    }
}
