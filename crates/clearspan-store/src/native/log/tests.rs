use super::*;

fn written(payloads: &[&[u8]]) -> (tempfile::TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), 7, 100).unwrap();
    for payload in payloads {
        writer.append(RecordKind::Patches, payload).unwrap();
    }
    writer.sync().unwrap();
    let bytes = std::fs::read(paths::log_file(dir.path(), 7)).unwrap();
    (dir, bytes)
}

fn seqs(scan: &Scan) -> Vec<u64> {
    scan.records.iter().map(|record| record.seq.0).collect()
}

#[test]
fn what_was_appended_reads_back() {
    let (dir, _) = written(&[b"one", b"", b"three"]);
    let scan = scan_file(dir.path(), 7).unwrap();
    assert_eq!(seqs(&scan), [100, 101, 102]);
    assert_eq!(scan.records[2].payload, b"three");
    assert_eq!((scan.torn_bytes, scan.damage.len()), (0, 0));
}

#[test]
fn a_tail_cut_at_any_byte_keeps_the_complete_records() {
    let (_dir, bytes) = written(&[b"first record", b"second record"]);
    let second_at = FILE_HEADER_BYTES + RECORD_HEADER_BYTES + b"first record".len();
    for cut in 0..bytes.len() {
        let scan = scan(&bytes[..cut], 7).unwrap();
        let whole = usize::from(cut >= second_at);
        assert_eq!(scan.records.len(), whole, "cut at {cut}");
        assert!(scan.damage.is_empty(), "cut at {cut}");
    }
}

#[test]
fn garbage_behind_the_last_record_is_a_torn_tail() {
    let (_dir, bytes) = written(&[b"first"]);
    for garbage in [vec![0_u8; 4096], vec![0xff; 100], b"CSRC".to_vec(), bytes[20..].to_vec()] {
        let mut with_tail = bytes.clone();
        with_tail.extend_from_slice(&garbage);
        let scan = scan(&with_tail, 7).unwrap();
        assert_eq!(seqs(&scan), [100]);
        assert_eq!(scan.torn_bytes, garbage.len() as u64);
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
            let scan = scan(&damaged, 7).unwrap();
            assert_eq!(seqs(&scan), [100, 102], "byte {at} bit {bit}");
            assert_eq!(scan.damage, [(second_at as u64, (third_at - second_at) as u64)]);
        }
    }
}

#[test]
fn a_record_of_another_file_does_not_check() {
    let (_dir, bytes) = written(&[b"first"]);
    assert!(scan(&bytes, 8).unwrap().records.is_empty());
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let (_dir, mut bytes) = written(&[b"first"]);
    bytes[8] = 2;
    assert!(scan(&bytes, 7).unwrap_err().to_string().contains("format 2"));
}

#[test]
fn rotation_goes_on_counting() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(dir.path(), 1, 1).unwrap();
    writer.append(RecordKind::Patches, b"a").unwrap();
    assert_eq!(writer.rotate().unwrap(), 2);
    assert_eq!(writer.append(RecordKind::Patches, b"b").unwrap(), LogSeq(2));
    writer.sync().unwrap();
    assert_eq!(seqs(&scan_file(dir.path(), 2).unwrap()), [2]);
}
