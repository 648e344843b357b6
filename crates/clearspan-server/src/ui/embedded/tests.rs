use super::accepts;

#[test]
fn encodings_are_taken_from_the_header() {
    let header = "gzip, deflate, br;q=0.9, zstd";
    assert!(accepts(header, "br") && accepts(header, "gzip"));
    assert!(!accepts("gzip, br;q=0", "br"));
    assert!(!accepts("", "gzip"));
    assert!(!accepts("brotli", "br"));
}
