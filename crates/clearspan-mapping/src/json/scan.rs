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
#[inline]
pub(super) fn find_special(bytes: &[u8]) -> Option<usize> {
    // Where one was, the next is often near: no block is looked at for it.
    if let Some((word, _)) = bytes.split_first_chunk::<WORD>()
        && let Some(at) = first_in_word(*word)
    {
        return Some(at);
    }
    find_far(bytes)
}

fn find_far(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    for block in blocks {
        if has_special(block) {
            break;
        }
        at += BLOCK;
    }
    let rest = bytes.get(at..)?;
    let (words, end) = rest.as_chunks::<WORD>();
    for word in words {
        if let Some(found) = first_in_word(*word) {
            return Some(at + found);
        }
        at += WORD;
    }
    end.iter().position(|byte| is_special(*byte)).map(|found| at + found)
}

const WORD: usize = size_of::<u64>();

/// The same in eight bytes, without a branch for each. Subtracting sets the high bit of a byte that is too small; what
/// it borrows from the next byte can only matter after the first that was found.
#[inline]
fn first_in_word(bytes: [u8; WORD]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    let word = u64::from_le_bytes(bytes);
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let found = (is(b'"') | is(b'\\') | below(word, 0x20)) & (ONES << 7);
    (found != 0).then_some(found.trailing_zeros() as usize / 8)
}

/// How many bytes the text has inside a JSON string.
pub(crate) fn escaped_len(text: &str) -> usize {
    let (blocks, rest) = text.as_bytes().as_chunks::<BLOCK>();
    // A block has at most 32 × 5 more bytes, so that narrow sums, which the compiler makes wide, do not overflow.
    let more =
        |bytes: &[u8]| usize::from(bytes.iter().fold(0_u8, |sum, byte| sum + more_when_escaped(*byte)));
    text.len() + blocks.iter().map(|block| more(block)).sum::<usize>() + more(rest)
}

/// Without branches, so that the compiler looks at many bytes together.
#[inline]
fn more_when_escaped(byte: u8) -> u8 {
    let is = |known: u8| u8::from(byte == known);
    let is_short = is(0x08) | is(0x0c) | is(b'\n') | is(b'\r') | is(b'\t');
    is(b'"') + is(b'\\') + 5 * u8::from(byte < 0x20) - 4 * is_short
}
