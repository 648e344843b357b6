use super::*;
use crate::native::disk::RealDisk;

fn sample() -> Manifest {
    Manifest {
        applied_seq: 41,
        next_segment: 3,
        segments: vec![
            SegmentEntry {
                number: 1,
                rows: 10,
                bytes: 100,
                sums: Some(0xdead_beef),
                traces: Some(IndexPlace { offset: 90, entries: 3 }),
                passed_over: true,
                min_time: -5,
                max_time: 5,
                dead: [1, 7].into_iter().collect(),
            },
            SegmentEntry {
                number: 2,
                rows: 1,
                bytes: 9,
                sums: None,
                traces: None,
                passed_over: false,
                min_time: 0,
                max_time: 0,
                dead: RoaringBitmap::new(),
            },
        ],
        logs: vec![FileEntry { number: 2, rows: 5, bytes: 50, sums: Some(3), min_time: 1, max_time: 2 }],
        points: Vec::new(),
        tombstones: Some(2),
        purged_seq: 30,
        claim: None,
    }
}

#[test]
fn reads_back_what_it_wrote() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(paths::runs_dir(dir.path())).unwrap();
    assert_eq!(Manifest::load(&RealDisk, dir.path()).unwrap(), None);
    sample().store(&RealDisk, dir.path()).unwrap();
    assert_eq!(Manifest::load(&RealDisk, dir.path()).unwrap(), Some(sample()));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bytes = sample().to_bytes();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Manifest::parse(&damaged).ok().is_none_or(|read| read == sample()), "byte {at}");
        // The version's digit is the one place where a flip can give a valid, older version number.
    }
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let text = String::from_utf8(sample().to_bytes()).unwrap().replacen(" 3 ", " 9 ", 1);
    assert!(Manifest::parse(text.as_bytes()).unwrap_err().to_string().contains("format 9"));
}

/// The first version knew runs only.
#[test]
fn the_first_format_is_read() {
    let body = br#"{"applied_seq":4,"next_segment":2,"segments":[]}"#;
    let mut bytes = format!("{NAME} 1 {:08x}\n", crc32fast::hash(body)).into_bytes();
    bytes.extend_from_slice(body);
    let expected = Manifest { applied_seq: 4, next_segment: 2, ..Manifest::default() };
    assert_eq!(Manifest::parse(&bytes).unwrap(), expected);
}
