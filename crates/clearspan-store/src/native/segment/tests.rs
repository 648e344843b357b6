use super::*;
use crate::native::hot::Tier;
use crate::schema::decode::Rows;
use crate::schema::encode::encode_runs;
use crate::testing::build::{run, run_id, trace};
use clearspan_model::{Run, RunKey};

/// Two batches of runs in many traces, enough for several row groups.
fn sample() -> (tempfile::TempDir, Vec<Run>, Segment) {
    let runs: Vec<Run> = (0..10_000_u32)
        .map(|id| {
            run(id % 700, id, |run| {
                run.inputs.messages = vec![crate::testing::build::json(r#"{"role":"user"}"#)]
            })
        })
        .collect();
    let mut tier = Tier::default();
    for part in runs.chunks(6_000) {
        let keys: Vec<Option<RunKey>> = part.iter().map(|run| Some(run.key)).collect();
        tier.push(encode_runs(part.iter()), &keys).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let written = write(
        &crate::native::disk::RealDisk::shared(),
        &std::sync::Arc::default(),
        dir.path(),
        1,
        &tier.view(),
    )
    .unwrap()
    .unwrap();
    assert_eq!(written.entry.rows, 10_000);
    (dir, runs, written.segment)
}

fn read_runs(segment: &Segment, wanted: Wanted<'_>, dead: Option<&RoaringBitmap>) -> Vec<Run> {
    let batches = segment.read(wanted, dead, &[]).unwrap();
    let rows = batches.iter().flat_map(|batch| {
        let rows = Rows::new(batch);
        (0..batch.num_rows()).map(move |row| rows.run(row).unwrap())
    });
    rows.collect()
}

#[test]
fn every_run_is_found_and_reads_back() {
    let (_dir, runs, segment) = sample();
    assert_eq!(segment.check().unwrap(), 10_000);
    for run in runs.iter().step_by(97) {
        let row = segment.find(&run.key).unwrap().unwrap();
        let batch = segment.read_row(row).unwrap();
        assert_eq!(&Rows::new(&batch).run(0).unwrap(), run);
    }
    let mut absent = runs[0].key;
    absent.run_id = run_id(77_777);
    assert_eq!(segment.find(&absent).unwrap(), None);
}

#[test]
fn a_trace_is_read_without_its_dead_rows() {
    let (_dir, runs, segment) = sample();
    let of_trace: Vec<&Run> = runs.iter().filter(|run| run.key.trace_id == trace(3)).collect();
    assert_eq!(read_runs(&segment, Wanted::Traces(&[trace(3)]), None).len(), of_trace.len());
    let killed = of_trace[1];
    let dead = RoaringBitmap::from_iter(segment.find(&killed.key).unwrap());
    let living = read_runs(&segment, Wanted::Traces(&[trace(3)]), Some(&dead));
    assert_eq!(living.len(), of_trace.len() - 1);
    assert!(living.iter().all(|run| run.key != killed.key));
    let one = read_runs(&segment, Wanted::Runs(&[killed.key.run_id]), Some(&dead));
    assert!(one.is_empty());
}

#[test]
fn selections_leave_out_the_dead() {
    let dead = RoaringBitmap::from_iter([0_u32, 3, 4, 9, 12]);
    let selection = alive_selection(&dead, [0..5, 10..13].into_iter());
    let mut alive = Vec::new();
    let mut at = 0;
    for part in selection.iter() {
        if !part.skip {
            alive.extend(at..at + part.row_count);
        }
        at += part.row_count;
    }
    // Rows 1 and 2 of the first group, 10 and 11 of the second, which begins at place 5.
    assert_eq!(alive, [1, 2, 5, 6]);
    assert_eq!(at, 8);
}

#[test]
fn the_longer_a_file_stays_the_smaller_it_is_written() {
    let mut state = 1_u64;
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let phrases: Vec<String> =
        (0..5_000).map(|_| (0..6).map(|_| format!("word{} ", below(2_000))).collect()).collect();
    let runs: Vec<Run> = (0..2_000)
        .map(|id| {
            let said: String = (0..12).map(|_| phrases[below(5_000) as usize].as_str()).collect();
            let said = crate::testing::build::json(&format!("{said:?}"));
            run(1, id, |run| run.inputs.rest = Some(said))
        })
        .collect();
    let places: Vec<(usize, usize)> = (0..runs.len()).map(|row| (0, row)).collect();
    let group = crate::schema::stored::gather(&[&encode_runs(runs.iter())], &places).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let disk = crate::native::disk::RealDisk::shared();
    let efforts = [Effort::Flush, Effort::of_merge(2_000), Effort::of_merge(1_000_000)];
    let bytes = [1, 2, 3].map(|number| {
        let groups = std::iter::once(Ok(group.clone()));
        write_groups(&disk, dir.path(), number, efforts[number as usize - 1], groups).unwrap().bytes
    });
    assert!(bytes[0] > bytes[1] && bytes[1] > bytes[2], "{bytes:?}");
}
