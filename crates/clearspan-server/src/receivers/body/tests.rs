use std::io::Write;

use super::*;
use crate::ingest::Budget;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn unpacked(coding: Coding, packed: Vec<u8>) -> Result<Bytes, BodyError> {
    unpack(coding, packed.into(), &mut Budget::new(256 << 20).reservation())
}

#[test]
fn content_codings_are_named_in_any_case() {
    for (value, coding) in [
        (None, Some(Coding::Identity)),
        (Some("identity"), Some(Coding::Identity)),
        (Some("GZip"), Some(Coding::Gzip)),
        (Some("zstd"), Some(Coding::Zstd)),
        (Some("gzip, gzip"), None),
        (Some("br"), None),
        (Some("snappy"), None),
    ] {
        assert_eq!(coding_of(value).ok(), coding, "{value:?}");
    }
}

#[test]
fn packed_bodies_are_unpacked() {
    let text = b"some text, some text, some text".repeat(1000);
    assert_eq!(unpacked(Coding::Gzip, gzip(&text)).unwrap(), text);
    assert_eq!(
        unpacked(Coding::Gzip, [gzip(b"one "), gzip(b"two")].concat()).unwrap(),
        b"one two".as_slice()
    );
    assert_eq!(unpacked(Coding::Zstd, zstd::encode_all(text.as_slice(), 3).unwrap()).unwrap(), text);
    assert_eq!(unpacked(Coding::Gzip, Vec::new()).unwrap(), Bytes::new());
}

#[test]
fn damage_is_noticed() {
    let mut wrong_sum = gzip(b"some text");
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    let whole = gzip(&b"some text".repeat(1000));
    for packed in [wrong_sum, whole[..whole.len() / 2].to_vec(), b"plain text".to_vec()] {
        assert!(matches!(unpacked(Coding::Gzip, packed), Err(BodyError::Damaged(_))));
    }
    let whole = zstd::encode_all(&b"some text".repeat(1000)[..], 3).unwrap();
    assert!(matches!(unpacked(Coding::Zstd, whole[..whole.len() - 3].to_vec()), Err(BodyError::Damaged(_))));
}

#[test]
fn bombs_stop_at_the_limit() {
    let zeros = vec![0; MAX_BODY_BYTES + 1];
    assert_eq!(unpacked(Coding::Gzip, gzip(&zeros)), Err(BodyError::TooLarge));
    assert_eq!(
        unpacked(Coding::Zstd, zstd::encode_all(zeros.as_slice(), 1).unwrap()),
        Err(BodyError::TooLarge)
    );
    assert_eq!(unpacked(Coding::Gzip, gzip(&zeros[1..])).unwrap().len(), MAX_BODY_BYTES);
}
