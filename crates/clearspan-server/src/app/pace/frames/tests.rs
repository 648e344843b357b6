use super::*;

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
}

#[test]
fn a_head_is_open_until_its_last_frame() {
    let parts = [PREFACE, &frame(4, 0, b""), &frame(HEADERS, 1, b"abc"), &frame(CONTINUATION, 0, b"")];
    let begun = parts.concat();
    let ended = [begun.as_slice(), &frame(CONTINUATION, END_HEADERS, b"abc")].concat();
    for step in [1, 2, 7, 100] {
        let mut frames = Frames::new();
        let heads = begun.chunks(step).map(|bytes| frames.note(bytes)).last().unwrap();
        assert_eq!(heads, Heads { has_ended: false, is_open: true }, "{step}");
        let heads = ended[begun.len()..].chunks(step).map(|bytes| frames.note(bytes)).last().unwrap();
        assert_eq!(heads, Heads { has_ended: true, is_open: false }, "{step}");
        let next = frames.note(&frame(HEADERS, END_HEADERS, b"abc")[..10]);
        assert_eq!(next, Heads { has_ended: false, is_open: true }, "a frame that stops in its middle");
    }
}

#[test]
fn other_frames_are_no_heads() {
    let mut frames = Frames::new();
    let data = frame(0, END_HEADERS, &[HEADERS; 30]);
    assert_eq!(frames.note(&[PREFACE, &data, &frame(6, 0, &[1; 8])].concat()), Heads::default());
}

#[test]
fn http1_has_no_frames() {
    let mut frames = Frames::new();
    assert_eq!(frames.note(b"PROPFIND / HTTP/1.1\r\n\r\n"), Heads::default());
    assert_eq!(frames.note(&frame(HEADERS, 0, b"")), Heads::default());
}
