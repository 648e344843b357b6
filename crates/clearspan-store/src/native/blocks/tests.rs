use super::*;
use crate::native::disk::RealDisk;

/// A file of some blocks and a bit, with its checksums.
fn written(len: usize) -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>, WrittenFile) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("seg-1.parquet");
    let bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect();
    let file = write_whole(&RealDisk, &path, |out| {
        bytes
            .chunks(777)
            .try_for_each(|part| out.write_all(part))
            .context(ErrorKind::Unavailable, String::new)
    });
    (dir, path, bytes, file.unwrap())
}

fn open(path: &Path, sums: u32) -> io::Result<BlockFile> {
    let sums = Sums::load(&RealDisk, path, sums)?;
    BlockFile::open(&RealDisk, path, Some(Arc::new(sums)))
}

#[test]
fn every_range_reads_back() {
    for len in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 100] {
        let (_dir, path, bytes, written) = written(len);
        assert_eq!(written.bytes, len as u64);
        let file = open(&path, written.sums).unwrap();
        assert_eq!(file.damaged_blocks(&mut |_| ControlFlow::Continue(())).unwrap(), []);
        for start in (0..len).step_by(997) {
            for part in [1, 100, BLOCK_BYTES, len] {
                let part = part.min(len - start);
                assert_eq!(file.range(start as u64, part).unwrap(), bytes[start..start + part]);
            }
            let mut rest = Vec::new();
            file.get_read(start as u64).unwrap().read_to_end(&mut rest).unwrap();
            assert_eq!(rest, bytes[start..]);
        }
        assert!(file.range(len as u64, 1).is_err());
        assert!(file.range(u64::MAX, 2).is_err());
    }
}

#[test]
fn several_ranges_read_back_whatever_their_order_and_distance() {
    const BLOCK: u64 = BLOCK_BYTES as u64;
    let (_dir, path, bytes, written) = written(8 * BLOCK_BYTES + 100);
    let file = open(&path, written.sums).unwrap();
    let asked: [&[Range<u64>]; 7] = [
        &[],
        &[5..5, 0..0],
        &[7 * BLOCK..8 * BLOCK + 100, 10..20, 15..BLOCK + 1],
        &[0..100, BLOCK..BLOCK + 5, 6 * BLOCK..6 * BLOCK + 9],
        &[0..3 * BLOCK, 100..200, 3 * BLOCK + 50..4 * BLOCK],
        &[8 * BLOCK + 99..8 * BLOCK + 100, 8 * BLOCK..8 * BLOCK + 1],
        &[300..400, 300..400, 0..8 * BLOCK + 100],
    ];
    for ranges in asked {
        let found = file.ranges(ranges).unwrap();
        assert_eq!(found.len(), ranges.len());
        for (range, found) in ranges.iter().zip(found) {
            assert_eq!(found, bytes[range.start as usize..range.end as usize], "{range:?} of {ranges:?}");
        }
    }
    assert!(file.ranges(&[0..1, 8 * BLOCK..8 * BLOCK + 101]).is_err());
    // What is damaged is refused with everything that is read along with it, and nothing else.
    let mut damaged = bytes.clone();
    damaged[2 * BLOCK_BYTES] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    let file = open(&path, written.sums).unwrap();
    assert!(file.ranges(&[0..9, 2 * BLOCK + 9..2 * BLOCK + 10]).is_err());
    assert_eq!(file.ranges(&[0..9, 5 * BLOCK..6 * BLOCK]).unwrap()[0], bytes[..9]);
}

#[test]
fn a_damaged_block_is_never_given_and_the_others_are() {
    let (_dir, path, bytes, written) = written(3 * BLOCK_BYTES + 100);
    for at in [0, BLOCK_BYTES, 2 * BLOCK_BYTES - 1, 3 * BLOCK_BYTES + 99] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        std::fs::write(&path, &damaged).unwrap();
        let file = open(&path, written.sums).unwrap();
        let block = at / BLOCK_BYTES;
        for idx in 0..4 {
            let start = idx * BLOCK_BYTES;
            let read = file.range(start as u64 + 5, 50);
            assert_eq!(read.is_err(), idx == block, "byte {at}, block {idx}");
        }
        let found = file.damaged_blocks(&mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(
            found.iter().map(|damage| damage.offset).collect::<Vec<_>>(),
            [(block * BLOCK_BYTES) as u64]
        );
        let err = file.range(0, bytes.len()).unwrap_err().to_string();
        assert!(err.contains("seg-1.parquet") && err.contains("checksum"), "{err}");
    }
}

#[test]
fn two_blocks_that_changed_places_are_noticed() {
    let (_dir, path, mut bytes, written) = written(3 * BLOCK_BYTES);
    let (first, second) = bytes.split_at_mut(BLOCK_BYTES);
    first.swap_with_slice(&mut second[..BLOCK_BYTES]);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(
        open(&path, written.sums).unwrap().damaged_blocks(&mut |_| ControlFlow::Continue(())).unwrap().len(),
        2
    );
}

#[test]
fn a_file_of_another_length_is_refused() {
    let (_dir, path, bytes, written) = written(BLOCK_BYTES + 10);
    std::fs::write(&path, &bytes[..BLOCK_BYTES]).unwrap();
    assert!(open(&path, written.sums).unwrap_err().to_string().contains("bytes where"));
}

#[test]
fn every_flipped_bit_of_the_checksums_is_noticed() {
    let (_dir, path, _, written) = written(BLOCK_BYTES + 10);
    let sums = paths::sums_file(&path);
    let bytes = std::fs::read(&sums).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            std::fs::write(&sums, &damaged).unwrap();
            assert!(open(&path, written.sums).is_err(), "byte {at}");
        }
        std::fs::write(&sums, &bytes[..at]).unwrap();
        assert!(open(&path, written.sums).is_err(), "cut at {at}");
    }
}

#[test]
fn checksums_of_another_file_do_not_pass() {
    let (_dir, path, _, mine) = written(BLOCK_BYTES);
    let (_other_dir, other_path, _, _) = written(BLOCK_BYTES + 1);
    std::fs::copy(paths::sums_file(&other_path), paths::sums_file(&path)).unwrap();
    assert!(open(&path, mine.sums).unwrap_err().to_string().contains("another file"));
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let (_dir, path, _, written) = written(10);
    let sums = paths::sums_file(&path);
    let mut bytes = std::fs::read(&sums).unwrap();
    bytes[8] = 2;
    std::fs::write(&sums, &bytes).unwrap();
    assert!(open(&path, written.sums).unwrap_err().to_string().contains("format 2"));
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("seg-1.parquet");
    let failed = write_whole(&RealDisk, &path, |out| {
        out.write_all(b"half").context(ErrorKind::Unavailable, String::new)?;
        Err(crate::Error::new(ErrorKind::Unavailable, "the disk is full"))
    });
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
