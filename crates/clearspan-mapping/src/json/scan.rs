//! Looking for the bytes that end plain text inside a JSON string.

/// Bytes that are looked at together: the compiler makes a few wide instructions of them.
pub(super) const BLOCK: usize = 32;

/// Calls `found` with the place of each quote, backslash and control character.
pub(super) fn each_special(bytes: &[u8], mut found: impl FnMut(usize)) {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    // What is left at the end is looked at with spaces behind it: quicker than byte by byte.
    let mut last = [b' '; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    let last = (!rest.is_empty()).then_some(&last);
    for (idx, block) in blocks.iter().chain(last).enumerate() {
        for (word, mut bits) in specials(block).into_iter().enumerate() {
            while bits != 0 {
                found(idx * BLOCK + word * WORD + first_bit(bits));
                bits &= bits - 1;
            }
        }
    }
}

/// Whether one of them is in a short text.
#[inline]
pub(super) fn has_special(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks();
    words.iter().any(|word| first_in_word(*word).is_some()) || rest.iter().any(|byte| is_special(*byte))
}

/// Where the first of them is in a block.
#[inline]
pub(super) fn first_in_block(block: &[u8; BLOCK]) -> Option<usize> {
    let words = specials(block);
    let (word, bits) = words.into_iter().enumerate().find(|(_, bits)| *bits != 0)?;
    Some(word * WORD + first_bit(bits))
}

#[inline]
fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// For each word of a block a bit in each byte that is special. Neither branches nor early exits, so that the compiler
/// compares sixteen bytes at once.
#[inline]
fn specials(block: &[u8; BLOCK]) -> [u64; BLOCK / WORD] {
    let mut flags = [0_u8; BLOCK];
    for (flag, byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(is_special(*byte));
    }
    let (words, _) = flags.as_chunks::<WORD>();
    std::array::from_fn(|idx| u64::from_le_bytes(words[idx]))
}

/// In which byte the lowest bit is.
#[inline]
fn first_bit(bits: u64) -> usize {
    bits.trailing_zeros() as usize / 8
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
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (idx, block) in blocks.iter().enumerate() {
        if let Some(at) = first_in_block(block) {
            return Some(idx * BLOCK + at);
        }
    }
    let from = bytes.len() - rest.len();
    rest.iter().position(|byte| is_special(*byte)).map(|at| from + at)
}

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
    (found != 0).then(|| first_bit(found))
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
