use parquet::file::metadata::ParquetMetaDataReader;

use super::*;
use crate::native::disk::RealDisk;
use crate::native::hot::Tier;
use crate::native::segment::write;
use crate::schema::encode::encode_runs;
use crate::testing::build::{project, run};

/// Runs of three projects in several row groups: their footer as Parquet reads it, and ours.
fn sample() -> (ParquetMetaData, Footer) {
    let runs: Vec<_> =
        (0..9_000_u32).map(|id| run(id / 9, id, |run| run.key.project_id = project(id as u8 % 3))).collect();
    let mut tier = Tier::default();
    let keys: Vec<_> = runs.iter().map(|run| Some(run.key)).collect();
    tier.push(encode_runs(runs.iter()), &keys).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let written = write(&RealDisk::shared(), &Arc::default(), dir.path(), 1, &tier.view()).unwrap().unwrap();
    let file = std::fs::File::open(written.segment.path()).unwrap();
    let theirs = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
    let ours = Footer::new(&ArrowReaderMetadata::load(&file, Footer::options()).unwrap()).unwrap();
    assert!(theirs.num_row_groups() > 2);
    (theirs, ours)
}

fn same_places(ours: &ColumnChunkMetaData, theirs: &ColumnChunkMetaData) {
    assert_eq!(ours.column_path(), theirs.column_path());
    assert_eq!(ours.byte_range(), theirs.byte_range());
    assert_eq!(ours.data_page_offset(), theirs.data_page_offset());
    assert_eq!(ours.dictionary_page_offset(), theirs.dictionary_page_offset());
    assert_eq!(ours.compressed_size(), theirs.compressed_size());
    assert_eq!(ours.uncompressed_size(), theirs.uncompressed_size());
    assert_eq!(ours.num_values(), theirs.num_values());
    assert_eq!(ours.encodings_mask(), theirs.encodings_mask());
    assert_eq!(ours.compression_codec(), theirs.compression_codec());
    assert_eq!(ours.bloom_filter_offset(), theirs.bloom_filter_offset());
    assert_eq!(ours.bloom_filter_length(), theirs.bloom_filter_length());
}

#[test]
fn parquets_form_is_made_again() {
    let (theirs, ours) = sample();
    let chosen = [theirs.num_row_groups() - 1, 0];
    let made = ours.metadata(&chosen).unwrap();
    assert_eq!(made.num_row_groups(), 2);
    assert_eq!(made.file_metadata().schema_descr(), theirs.file_metadata().schema_descr());
    for (place, idx) in chosen.into_iter().enumerate() {
        let (ours, theirs) = (made.row_group(place), theirs.row_group(idx));
        assert_eq!(ours.num_rows(), theirs.num_rows());
        assert_eq!(ours.total_byte_size(), theirs.total_byte_size());
        for (ours, theirs) in ours.columns().iter().zip(theirs.columns()) {
            same_places(ours, theirs);
            let is_kept = WITH_BOUNDS.iter().any(|col| col.name() == ours.column_path().string());
            assert_eq!(ours.statistics().is_some(), is_kept, "{}", ours.column_path());
            if let (Some(ours), Some(theirs)) = (ours.statistics(), theirs.statistics()) {
                assert_eq!(ours.min_bytes_opt(), theirs.min_bytes_opt());
                assert_eq!(ours.max_bytes_opt(), theirs.max_bytes_opt());
            }
        }
    }
}

#[test]
fn a_byte_is_in_the_column_that_parquet_names() {
    let (theirs, ours) = sample();
    for (group, of_ours) in theirs.row_groups().iter().zip(ours.groups()) {
        for column in group.columns() {
            let (start, len) = column.byte_range();
            for offset in [start, start + len - 1] {
                let (found, name) = ours.column_at(offset).unwrap();
                assert_eq!(name, column.column_path().string());
                assert_eq!(found.rows, of_ours.rows);
            }
        }
    }
    assert!(ours.column_at(0).is_none());
}

/// What does not fit is kept as it was read.
#[test]
fn a_row_group_of_many_gigabytes_is_described_too() {
    let (theirs, mut ours) = sample();
    let mut builder = theirs.row_group(0).clone().into_builder();
    let mut columns = builder.take_columns();
    let last = columns.pop().unwrap();
    columns.push(last.into_builder().set_total_uncompressed_size(9 << 32).build().unwrap());
    let large = builder.set_column_metadata(columns).build().unwrap();
    let (idx, rows) = (ours.groups().len(), ours.groups()[0].rows.clone());
    ours.push(&large, rows).unwrap();
    ours.push(theirs.row_group(1), ours.groups()[1].rows.clone()).unwrap();
    let made = ours.metadata(&[idx, idx + 1]).unwrap();
    for (ours, theirs) in made.row_groups().iter().zip([&large, theirs.row_group(1)]) {
        for (ours, theirs) in ours.columns().iter().zip(theirs.columns()) {
            same_places(ours, theirs);
        }
    }
}

#[test]
fn it_takes_a_small_part_of_the_room() {
    let (theirs, ours) = sample();
    let groups = theirs.num_row_groups();
    let of_file = ours.metadata(&[]).unwrap().memory_size();
    let of_groups = ours.memory_size() - of_file;
    assert!(of_groups * 10 < theirs.memory_size() - of_file, "{of_groups} bytes for {groups} row groups");
}
