use super::*;
use crate::native::cache::SegmentCache;
use crate::native::disk::{DiskRef, RealDisk};
use crate::native::hot::Tier;
use crate::native::manifest::SegmentEntry;
use crate::native::segment::write;
use crate::schema::encode::encode_runs;
use crate::testing::build::{project, run, trace};
use clearspan_model::{Run, RunKey};
use parquet::file::metadata::ParquetMetaDataReader;
use std::path::Path;
use std::sync::Arc;

/// More than are read at once.
const TRACES: u32 = 3_000;

/// Two runs of each trace, those of every tenth in two projects.
fn runs() -> Vec<Run> {
    let run = |id: u32| {
        run(id % TRACES, id, |run| {
            if id >= TRACES && id.is_multiple_of(10) {
                run.key.project_id = project(2);
            }
        })
    };
    (0..2 * TRACES).map(run).collect()
}

fn write_runs(dir: &Path) -> SegmentEntry {
    let runs = runs();
    let mut tier = Tier::default();
    let keys: Vec<Option<RunKey>> = runs.iter().map(|run| Some(run.key)).collect();
    tier.push(encode_runs(runs.iter()), &keys).unwrap();
    write(&RealDisk::shared(), &Arc::default(), dir, 1, &tier.view()).unwrap().unwrap().entry
}

fn open(dir: &Path, entry: &SegmentEntry, cache_bytes: u64) -> Segment {
    let disk: DiskRef = RealDisk::shared();
    Segment::new(&disk, &Arc::new(SegmentCache::with_limit(cache_bytes)), dir, entry)
}

/// Which rows each trace has, found in an index that is in memory, in one that is not, and in one made from columns.
#[test]
fn every_trace_is_found_wherever_the_index_is() {
    let dir = tempfile::tempdir().unwrap();
    let entry = write_runs(dir.path());
    assert_eq!(entry.traces.unwrap().entries, u64::from(TRACES + TRACES / 10));
    let in_memory = open(dir.path(), &entry, 1 << 20);
    let in_file = open(dir.path(), &entry, 0);
    let older = SegmentEntry { traces: None, ..entry.clone() };
    let from_columns = open(dir.path(), &older, 1 << 20);
    for number in 0..TRACES {
        let found = in_memory.stretches_of(&[trace(number)]).unwrap();
        assert_eq!(in_file.stretches_of(&[trace(number)]).unwrap(), found, "trace {number}");
        assert_eq!(from_columns.stretches_of(&[trace(number)]).unwrap(), found, "trace {number}");
        let rows: Vec<u32> = found.into_iter().flatten().collect();
        assert_eq!(rows.len(), 2, "trace {number}");
        assert_eq!(in_memory.trace_rows(trace(number)).unwrap(), rows, "trace {number}");
    }
    for absent in TRACES..2 * TRACES {
        for segment in [&in_memory, &in_file, &from_columns] {
            assert!(!segment.may_hold_trace(trace(absent)).unwrap(), "trace {absent}");
        }
    }
    assert!(in_file.index.get().is_none(), "there was no room for it");
}

#[test]
fn stretches_of_several_traces_are_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let entry = write_runs(dir.path());
    let segment = open(dir.path(), &entry, 1 << 20);
    let traces: Vec<TraceId> = [70, 5, 2_999, 5, 10].map(trace).to_vec();
    let found = segment.stretches_of(&traces).unwrap();
    assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start), "{found:?}");
    assert_eq!(found.iter().map(|rows| rows.len()).sum::<usize>(), 8);
}

/// An index that the disk damaged is made again from the columns.
#[test]
fn a_damaged_index_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let entry = write_runs(dir.path());
    let truth = open(dir.path(), &entry, 1 << 20);
    let path = truth.path().to_owned();
    let place = entry.traces.unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    // In the middle of the index, a block away from the columns.
    let at = usize::try_from(place.offset + place.bytes() / 2).unwrap();
    bytes[at] ^= 1;
    let expected = truth.stretches_of(&[trace(1_234)]).unwrap();
    std::fs::write(&path, bytes).unwrap();
    for cache_bytes in [1 << 20, 0] {
        let segment = open(dir.path(), &entry, cache_bytes);
        for number in (0..TRACES).step_by(7) {
            assert_eq!(segment.trace_rows(trace(number)).unwrap().len(), 2, "trace {number}");
        }
        assert_eq!(segment.stretches_of(&[trace(1_234)]).unwrap(), expected);
        assert!(segment.damage().is_some(), "it is told");
    }
}

/// Room in the cache is given back when a segment goes.
#[test]
fn room_for_an_index_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let entry = write_runs(dir.path());
    let bytes = entry.traces.unwrap().bytes();
    let cache = Arc::new(SegmentCache::with_limit(bytes));
    for _ in 0..3 {
        let segment = Segment::new(&RealDisk::shared(), &cache, dir.path(), &entry);
        segment.may_hold_trace(trace(1)).unwrap();
        assert!(segment.index.get().is_some());
        assert!(!cache.reserve_index(1));
    }
    assert!(cache.reserve_index(bytes));
}

/// Other readers of Parquet see rows only.
#[test]
fn the_file_says_where_its_index_is() {
    let dir = tempfile::tempdir().unwrap();
    let entry = write_runs(dir.path());
    let segment = open(dir.path(), &entry, 1 << 20);
    let file = std::fs::File::open(segment.path()).unwrap();
    let footer = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
    let metadata = footer.file_metadata().key_value_metadata().unwrap();
    let said = metadata.iter().find(|pair| pair.key == METADATA_KEY).unwrap();
    let place = entry.traces.unwrap();
    assert_eq!(said.value, Some(format!("{},{}", place.offset, place.entries)));
    assert_eq!(segment.place_of(place.offset + 1).unwrap(), "the index of traces");
    assert_eq!(segment.check().unwrap(), u64::from(2 * TRACES));
}
