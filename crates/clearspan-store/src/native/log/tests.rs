use bytes::Bytes;

use super::*;
use crate::native::disk::RealDisk;
use crate::native::disk::faulty::{EIO, Fault, FaultyDisk, Op};

fn written(payloads: &[&[u8]]) -> (tempfile::TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&RealDisk::shared(), dir.path(), 7, 100).unwrap();
    for payload in payloads {
        writer.append(RecordKind::Patches, payload).unwrap();
    }
    writer.sync().unwrap();
    let bytes = std::fs::read(paths::log_file(dir.path(), 7)).unwrap();
    (dir, bytes)
}

fn scan(bytes: &[u8], number: u64, end: Option<u64>) -> io::Result<Scan> {
    scan::scan(&Bytes::copy_from_slice(bytes), number, end)
}

fn seqs(scan: &Scan) -> Vec<u64> {
    scan.records.iter().map(|record| record.seq.0).collect()
}

#[test]
fn what_was_appended_reads_back() {
    let (dir, _) = written(&[b"one", b"", b"three"]);
    let scan = scan_file(&RealDisk, dir.path(), 7, Some(103)).unwrap();
    assert_eq!(seqs(&scan), [100, 101, 102]);
    assert_eq!(scan.records[2].payload, &b"three"[..]);
    assert_eq!((scan.torn_bytes, scan.is_sound()), (0, true));
    assert_eq!(first_seq(&RealDisk, dir.path(), 7).unwrap(), Some(100));
}

#[test]
fn a_tail_cut_at_any_byte_keeps_the_complete_records() {
    let (_dir, bytes) = written(&[b"first record", b"second record", b"third record"]);
    let lengths = [b"first record".len(), b"second record".len(), b"third record".len()];
    let mut ends = vec![FILE_HEADER_BYTES];
    for len in lengths {
        ends.push(ends.last().unwrap() + RECORD_HEADER_BYTES + len);
    }
    for cut in 0..bytes.len() {
        let scan = scan(&bytes[..cut], 7, None).unwrap();
        let whole = ends[1..].iter().filter(|end| **end <= cut).count();
        assert_eq!(scan.records.len(), whole, "cut at {cut}");
        assert!(scan.is_sound(), "cut at {cut}");
        let end = if cut < FILE_HEADER_BYTES { 0 } else { ends[whole] };
        assert_eq!(scan.torn_bytes, (cut - end) as u64, "cut at {cut}");
    }
}

#[test]
fn garbage_behind_the_last_record_is_a_torn_tail() {
    let (_dir, bytes) = written(&[b"first"]);
    let (_other, other) = written(&[b"an older file", b"with records"]);
    let noise: Vec<u8> = (0..4096_u32).map(|at| u8::try_from(at * at % 251).unwrap()).collect();
    let mut tails = vec![b"CSRC".to_vec(), bytes[28..].to_vec(), other[FILE_HEADER_BYTES + 3..].to_vec()];
    for len in [1, 2, 23, 24, 25, 511, 512, 4096] {
        tails.extend([vec![0; len], vec![0xff; len], noise[..len].to_vec()]);
    }
    for tail in tails {
        let mut with_tail = bytes.clone();
        with_tail.extend_from_slice(&tail);
        let found = scan(&with_tail, 7, None).unwrap();
        assert_eq!(found.records.iter().filter(|record| record.payload == b"first"[..]).count(), 1);
        if !tail.windows(4).any(|at| at == RECORD_MAGIC) {
            assert_eq!((seqs(&found), found.torn_bytes), (vec![100], tail.len() as u64));
        }
    }
}

#[test]
fn any_flipped_bit_in_a_record_loses_that_record_only() {
    let (_dir, bytes) = written(&[b"first", b"second", b"third"]);
    let second_at = FILE_HEADER_BYTES + RECORD_HEADER_BYTES + 5;
    let third_at = second_at + RECORD_HEADER_BYTES + 6;
    for at in second_at..third_at {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let scan = scan(&damaged, 7, None).unwrap();
            assert_eq!(seqs(&scan), [100, 102], "byte {at} bit {bit}");
            assert_eq!(scan.damage, [(second_at as u64, (third_at - second_at) as u64)]);
            assert_eq!(scan.lost, [(101, 101)]);
        }
    }
}

#[test]
fn any_flipped_bit_in_the_header_is_noticed_and_costs_no_record() {
    let (_dir, bytes) = written(&[b"first", b"second"]);
    for at in 0..FILE_HEADER_BYTES {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let scan = scan(&damaged, 7, None).unwrap();
            assert_eq!(seqs(&scan), [100, 101], "byte {at} bit {bit}");
            assert!(!scan.is_sound(), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn a_record_that_was_copied_over_another_is_noticed() {
    let (_dir, bytes) = written(&[b"one", b"two", b"six", b"ten"]);
    let len = RECORD_HEADER_BYTES + 3;
    let place = |idx: usize| FILE_HEADER_BYTES + idx * len..FILE_HEADER_BYTES + (idx + 1) * len;
    for from in 0..4 {
        for to in (0..4).filter(|to| *to != from) {
            let mut damaged = bytes.clone();
            damaged.copy_within(place(from), place(to).start);
            let found = scan(&damaged, 7, Some(104)).unwrap();
            let left: Vec<u64> = (0..4).filter(|idx| *idx != to as u64).map(|idx| 100 + idx).collect();
            assert_eq!(seqs(&found), left, "{from} over {to}");
            assert_eq!(found.lost, [(100 + to as u64, 100 + to as u64)], "{from} over {to}");
        }
    }
    let mut swapped = bytes.clone();
    swapped[place(1)].copy_from_slice(&bytes[place(2)]);
    swapped[place(2)].copy_from_slice(&bytes[place(1)]);
    let found = scan(&swapped, 7, Some(104)).unwrap();
    assert_eq!((seqs(&found), found.lost.len(), found.is_sound()), (vec![100, 101, 102, 103], 0, false));
}

#[test]
fn an_older_copy_of_a_file_is_noticed() {
    let (_dir, bytes) = written(&[b"one", b"two"]);
    let older = &bytes[..bytes.len() - RECORD_HEADER_BYTES - 3];
    assert_eq!(scan(older, 7, Some(102)).unwrap().lost, [(101, 101)]);
}

#[test]
fn a_record_of_another_file_does_not_check() {
    let (_dir, bytes) = written(&[b"first"]);
    assert!(scan(&bytes, 8, None).unwrap().records.is_empty());
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let (_dir, mut bytes) = written(&[b"first"]);
    bytes[8] = 3;
    let crc = header_checksum(7, &bytes[..FILE_HEADER_BYTES]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    assert!(scan(&bytes, 7, None).unwrap_err().to_string().contains("format 3"));
}

/// The first version had a shorter header, without a first record.
#[test]
fn the_first_format_is_read() {
    let (_dir, bytes) = written(&[b"first", b"second"]);
    let mut old = FILE_MAGIC.to_vec();
    old.extend_from_slice(&1_u32.to_le_bytes());
    old.extend_from_slice(&0_u32.to_le_bytes());
    old.extend_from_slice(&bytes[FILE_HEADER_BYTES..]);
    let found = scan(&old, 7, None).unwrap();
    assert_eq!((seqs(&found), found.is_sound()), (vec![100, 101], true));
}

#[test]
fn rotation_goes_on_counting() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&RealDisk::shared(), dir.path(), 1, 1).unwrap();
    writer.append(RecordKind::Patches, b"a").unwrap();
    assert_eq!(writer.rotate().unwrap(), 2);
    assert_eq!(writer.append(RecordKind::Patches, b"b").unwrap(), LogSeq(2));
    writer.sync().unwrap();
    assert_eq!(seqs(&scan_file(&RealDisk, dir.path(), 2, None).unwrap()), [2]);
}

#[test]
fn what_was_not_acknowledged_is_left_out_when_the_log_went_on() {
    for can_truncate in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::new(RealDisk::shared());
        let mut writer = Writer::create(&disk.shared(), dir.path(), 1, 1).unwrap();
        writer.append(RecordKind::Patches, b"kept").unwrap();
        writer.sync().unwrap();
        writer.append(RecordKind::Patches, b"lost").unwrap();
        disk.fail(&[Op::Sync], "log-", Fault::Errno(EIO));
        if !can_truncate {
            disk.fail(&[Op::Truncate], "log-", Fault::Errno(EIO));
        }
        writer.sync().unwrap_err();
        let next = writer.abandon();
        assert_eq!(next, Continuation { number: 2, first_seq: 2 });
        disk.heal();
        let mut writer = Writer::create(&disk.shared(), dir.path(), next.number, next.first_seq).unwrap();
        writer.append(RecordKind::Patches, b"new").unwrap();
        writer.sync().unwrap();
        let end = first_seq(&RealDisk, dir.path(), 2).unwrap();
        let old = scan_file(&RealDisk, dir.path(), 1, end).unwrap();
        assert_eq!((seqs(&old), old.is_sound()), (vec![1], true));
        assert_eq!(old.abandoned, usize::from(!can_truncate));
        let new = scan_file(&RealDisk, dir.path(), 2, None).unwrap();
        assert_eq!((seqs(&new), &*new.records[0].payload), (vec![2], b"new".as_slice()));
    }
}
