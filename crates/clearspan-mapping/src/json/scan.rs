//! Looking for the bytes that end plain text inside a JSON string.

/// Bytes that are looked at together: the compiler makes a few wide instructions of them.
const BLOCK: usize = 32;

fn has_control(bytes: &[u8]) -> bool {
    if let Some(has) = any_in_blocks(bytes, |byte| byte < 0x20) {
        return has;
    }
    if let Some(last) = bytes.last_chunk::<WORD>() {
        let (words, _) = bytes.as_chunks::<WORD>();
        return words.iter().chain([last]).any(|word| below(u64::from_le_bytes(*word), 0x20) & HIGH != 0);
    }
    bytes.iter().any(|byte| *byte < 0x20)
}

/// Whether there are no other special bytes than quotes, backslashes and line feeds. False for what is too short to ask.
pub(super) fn is_prose(bytes: &[u8]) -> bool {
    any_in_blocks(bytes, |byte| (byte < 0x20) & (byte != b'\n')) == Some(false)
}

/// No early exit, so that the compiler compares whole blocks. What is left at the end is looked at with what is before
/// it, which is quicker than byte by byte. `None` where there is no block.
#[inline]
fn any_in_blocks(bytes: &[u8], is: impl Fn(u8) -> bool) -> Option<bool> {
    let any = |block: &[u8; BLOCK]| block.iter().fold(0, |found, byte| found | u8::from(is(*byte)));
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let last = bytes.last_chunk::<BLOCK>()?;
    Some(blocks.iter().chain([last]).fold(0, |found, block| found | any(block)) != 0)
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

/// The three that are common in texts are looked for by the widest instructions that the machine has. Others are rare,
/// but may stand before each of them: windows bound how often the same bytes are looked at.
fn find_far(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for window in bytes.chunks(WINDOW) {
        let found = memchr::memchr3(b'"', b'\\', b'\n', window);
        let before = &window[..found.unwrap_or(window.len())];
        if has_control(before) {
            return before.iter().position(|byte| *byte < 0x20).map(|found| at + found);
        }
        if let Some(found) = found {
            return Some(at + found);
        }
        at += window.len();
    }
    None
}

const WINDOW: usize = 512;
const WORD: usize = size_of::<u64>();

const ONES: u64 = u64::MAX / 0xff;
const HIGH: u64 = ONES << 7;

/// Sets the high bit of each byte that is below the limit. Subtracting borrows from the next byte, which can only matter
/// after the first that was found.
#[inline]
fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(limit)) & !word
}

/// The same in eight bytes, without a branch for each.
#[inline]
fn first_in_word(bytes: [u8; WORD]) -> Option<usize> {
    let word = u64::from_le_bytes(bytes);
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let found = (is(b'"') | is(b'\\') | below(word, 0x20)) & HIGH;
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
