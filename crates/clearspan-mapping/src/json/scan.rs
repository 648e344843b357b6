//! Looking for the bytes that end plain text inside a JSON string.

/// Bytes that are looked at together: the compiler makes a few wide instructions of them.
const BLOCK: usize = 32;

fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

/// No early exit inside a block, so that the compiler compares it as a whole.
#[inline]
fn has_special(block: &[u8; BLOCK]) -> bool {
    let mut found = 0_u8;
    for byte in block {
        found |= u8::from(*byte == b'"') | u8::from(*byte == b'\\') | u8::from(*byte < 0x20);
    }
    found != 0
}

/// Where the first quote, backslash or control character is.
pub(super) fn find_special(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    for block in blocks {
        if has_special(block) {
            break;
        }
        at += BLOCK;
    }
    bytes.get(at..)?.iter().position(|byte| is_special(*byte)).map(|rest| at + rest)
}

/// How many bytes the text has inside a JSON string.
pub(crate) fn escaped_len(text: &str) -> usize {
    let mut len = text.len();
    let (blocks, rest) = text.as_bytes().as_chunks::<BLOCK>();
    let more = |bytes: &[u8]| bytes.iter().map(|byte| more_when_escaped(*byte)).sum::<usize>();
    for block in blocks.iter().filter(|block| has_special(block)) {
        len += more(block);
    }
    len + more(rest)
}

fn more_when_escaped(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' | 0x08 | 0x0c | b'\n' | b'\r' | b'\t' => 1,
        0..0x20 => 5,
        _ => 0,
    }
}
