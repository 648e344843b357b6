use std::io::{Read as _, Write as _};
use std::ops::ControlFlow;

use clearspan_model::UnixNanos;
use futures::StreamExt as _;

use super::{Attachments, ContentHash};

fn at(seconds: i64) -> UnixNanos {
    UnixNanos::from_nanos(seconds * 1_000_000_000)
}

fn keep(attachments: &Attachments, content: &[u8]) -> ContentHash {
    let mut file = attachments.begin().unwrap();
    file.write_all(content).unwrap();
    let (hash, bytes) = attachments.keep(file).unwrap();
    assert_eq!(bytes, content.len() as u64);
    hash
}

#[test]
fn equal_content_is_one_file_and_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let attachments = Attachments::open(folder.path()).unwrap();
    let hash = keep(&attachments, b"picture");
    assert_eq!(keep(&attachments, b"picture"), hash);
    assert_ne!(keep(&attachments, b"other"), hash);
    drop(attachments.begin().unwrap());
    let unfinished = || std::fs::read_dir(folder.path().join("attachments/unfinished")).unwrap().count();
    assert_eq!(unfinished(), 0, "what is not kept goes");
    std::fs::write(folder.path().join("attachments/unfinished/x"), "left").unwrap();
    let again = Attachments::open(folder.path()).unwrap();
    assert_eq!(unfinished(), 0);
    let mut content = String::new();
    again
        .read(&ContentHash::parse(&hash.to_string()).unwrap())
        .unwrap()
        .read_to_string(&mut content)
        .unwrap();
    assert_eq!(content, "picture");
}

#[test]
fn what_came_long_ago_is_removed_and_what_came_again_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let attachments = Attachments::open(folder.path()).unwrap();
    let [old, again, new] = [b"old".as_slice(), b"again", b"new"].map(|content| keep(&attachments, content));
    for hash in [&old, &again] {
        let file = std::fs::OpenOptions::new().append(true).open(attachments.path(hash)).unwrap();
        file.set_modified(super::system_time(at(1_000))).unwrap();
    }
    let mut found = attachments.older_than(at(1_001)).unwrap();
    found.sort_by_key(ToString::to_string);
    let mut expected = vec![old, again];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(found, expected);
    assert_eq!(attachments.older_than(at(1_000)).unwrap(), []);
    assert_eq!(keep(&attachments, b"again"), again);
    let removed = [&old, &again, &new, &old].map(|hash| attachments.remove(hash, at(1_001)).unwrap());
    assert_eq!(removed, [true, false, false, false]);
    assert!(attachments.read(&old).is_err() && attachments.read(&again).is_ok());
    assert_eq!(keep(&attachments, b"old"), old, "it may come again");
    assert!(attachments.read(&old).is_ok());
}

/// The pieces that somebody gets who reads a file.
async fn pieces(attachments: &Attachments, hash: &ContentHash) -> std::io::Result<Vec<u8>> {
    let file = attachments.read(hash)?;
    let bytes = file.metadata()?.len();
    let mut pieces = Box::pin(super::checked(file, bytes, *hash));
    let mut content = Vec::new();
    while let Some(piece) = pieces.next().await {
        content.extend_from_slice(&piece?);
    }
    Ok(content)
}

#[tokio::test]
async fn what_the_disk_damaged_is_never_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let attachments = Attachments::open(folder.path()).unwrap();
    for len in [0, 1, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 700_000] {
        let content: Vec<u8> = (0..=250).cycle().take(len).collect();
        let hash = keep(&attachments, &content);
        assert_eq!(pieces(&attachments, &hash).await.unwrap(), content, "{len} bytes");
        let path = attachments.path(&hash);
        let (mut flipped, mut longer, mut shorter) = (content.clone(), content.clone(), content.clone());
        longer.push(0);
        shorter.pop();
        if let Some(byte) = flipped.get_mut(len / 2) {
            *byte ^= 1;
        }
        for damaged in [flipped, longer, shorter].into_iter().filter(|damaged| *damaged != content) {
            std::fs::write(&path, &damaged).unwrap();
            let err = pieces(&attachments, &hash).await.unwrap_err();
            assert_eq!(err.kind(), std::io::ErrorKind::InvalidData, "{len} bytes");
            let found = super::check_all(folder.path(), &mut |_| ControlFlow::Continue(())).unwrap();
            let place = path.strip_prefix(folder.path()).unwrap();
            assert_eq!(found.damaged.iter().map(|(path, _)| path.as_path()).collect::<Vec<_>>(), [place]);
            assert_eq!(keep(&attachments, &content), hash, "what is sent again replaces it");
            assert_eq!(pieces(&attachments, &hash).await.unwrap(), content, "{len} bytes");
        }
    }
    let found = super::check_all(folder.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((found.files, found.damaged), (6, Vec::new()));
    let found = super::check_all(folder.path(), &mut |_| ControlFlow::Break(())).unwrap();
    assert_eq!(found.files, 0, "a check that is broken off says no more than it did");
}

#[test]
fn addresses_are_signed_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let attachments = Attachments::open(folder.path()).unwrap();
    let hash = keep(&attachments, b"picture");
    let link = attachments.sign(&hash, "pic", "image/png", at(100));
    assert!(attachments.is_valid(&hash, &link, at(3_000)));
    assert!(!attachments.is_valid(&hash, &link, at(100 + 3_601)));
    let other = keep(&attachments, b"other");
    assert!(!attachments.is_valid(&other, &link, at(200)));
    let mut forged = link.clone();
    forged.mime_type = "text/html".to_owned();
    assert!(!attachments.is_valid(&hash, &forged, at(200)));
    forged = link;
    forged.expires += 1;
    assert!(!attachments.is_valid(&hash, &forged, at(200)));
    let again = Attachments::open(folder.path()).unwrap();
    assert!(again.is_valid(&hash, &attachments.sign(&hash, "p", "x", at(1)), at(2)), "the secret stays");
}

#[test]
fn only_hashes_name_files() {
    for text in ["", "../../etc/passwd", &"g".repeat(64), &"+a".repeat(32)] {
        assert_eq!(ContentHash::parse(text), None, "{text:?}");
    }
}
