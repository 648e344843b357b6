//! SQLite's write-ahead log, read without SQLite: which pages its commits hold, and whether damage cuts commits off.
//!
//! SQLite takes the frames up to the first that is not sound and forgets the rest. With `synchronous=FULL` a commit is
//! on the disk before the next one begins, so a crash can tear the last one only. Sound commits behind a place that is
//! not sound are changes that were acknowledged. A file is a header of 32 bytes and frames of 24 and a page, each with a
//! checksum of all before it: <https://sqlite.org/fileformat2.html#walformat>.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::sums::is_page_size;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Its last bit says that the checksums are of big-endian words.
const MAGIC: u32 = 0x377f_0682;
const FORMAT: u32 = 3_007_000;
/// A file that is being written is read again where it looked damaged.
const ATTEMPTS: usize = 10;

type Checksum = (u32, u32);

/// What the file holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Wal {
    /// Frames up to the last commit that SQLite sees.
    pub(super) frames: u64,
    /// Pages of the catalog after that commit.
    pub(super) pages: u32,
    /// A CRC-32 of what each page is after that commit, of pages that the frames hold.
    pub(super) crcs: BTreeMap<u32, u32>,
    /// Sound commits behind the first place that is not sound.
    behind: u64,
    is_header_sound: bool,
}

impl Wal {
    /// Reads a file that may be written meanwhile. One that is missing holds nothing. `page_size` is for a header that cannot tell.
    pub(super) fn read(path: &Path, page_size: u32) -> io::Result<Self> {
        let mut suspect: Option<Self> = None;
        for _ in 0..ATTEMPTS {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
                Err(err) => return Err(err),
            };
            let header = read_header(&file)?;
            let Some(header) = header else { return Ok(Self::default()) };
            let wal = scan(&header, BufReader::with_capacity(1 << 18, &file), page_size)?;
            if read_header(&file)? != Some(header) {
                // It was begun anew.
                continue;
            }
            if !wal.is_cut() {
                return Ok(wal);
            }
            // A frame that was written after it was looked for is there the next time.
            if suspect.as_ref().is_some_and(|before| before.frames == wal.frames) {
                return Ok(wal);
            }
            suspect = Some(wal);
        }
        Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            "the write-ahead log changes faster than it can be read",
        ))
    }

    /// Whether commits that were acknowledged are lost to SQLite. The last commit may be torn, and sound in a part of it.
    pub(super) fn is_cut(&self) -> bool {
        self.behind > u64::from(self.is_header_sound)
    }

    /// Commits that SQLite does not see.
    pub(super) fn behind(&self) -> u64 {
        self.behind
    }
}

fn read_header(file: &File) -> io::Result<Option<[u8; HEADER]>> {
    let mut header = [0; HEADER];
    match file.read_exact_at(&mut header, 0) {
        Ok(()) => Ok(Some(header)),
        Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(err) => Err(err),
    }
}

fn scan(header: &[u8; HEADER], mut file: impl Read, page_size: u32) -> io::Result<Wal> {
    let magic = word(header, 0);
    let stored = (word(header, 24), word(header, 28));
    let mut is_big = magic & 1 == 1;
    let mut salts = (word(header, 16), word(header, 20));
    let mut frame_page = word(header, 8);
    let is_header_sound = magic & !1 == MAGIC
        && word(header, 4) == FORMAT
        && is_page_size(frame_page)
        && checksum((0, 0), &header[..24], is_big) == stored;
    if !is_header_sound {
        // SQLite takes nothing of it. Frames are looked for as this machine would have written them.
        (is_big, frame_page) = (cfg!(target_endian = "big"), page_size);
    }
    file.read_exact(&mut [0; HEADER])?;
    let mut frame = vec![0; FRAME_HEADER + frame_page as usize];
    let mut wal = Wal { is_header_sound, ..Wal::default() };
    let (mut before, mut is_whole) = (stored, is_header_sound);
    let (mut pending, mut number) = (Vec::new(), 0);
    while read_frame(&mut file, &mut frame)? {
        number += 1;
        let (page, pages) = (word(&frame, 0), word(&frame, 4));
        let found = (word(&frame, 8), word(&frame, 12));
        if number == 1 && !is_header_sound {
            let differing = (found.0 ^ salts.0).count_ones() + (found.1 ^ salts.1).count_ones();
            if differing > 1 {
                // Frames of an earlier time, which are in the main file: the header was torn.
                return Ok(wal);
            }
            salts = found;
        }
        let sum = (word(&frame, 16), word(&frame, 20));
        let is_sound = found == salts && page > 0 && {
            let start = checksum(before, &frame[..8], is_big);
            checksum(start, &frame[FRAME_HEADER..], is_big) == sum
        };
        before = sum;
        is_whole &= is_sound;
        if is_whole {
            pending.push((page, crc32fast::hash(&frame[FRAME_HEADER..])));
            if pages > 0 {
                wal.crcs.extend(pending.drain(..));
                (wal.frames, wal.pages) = (number, pages);
            }
        } else if is_sound && pages > 0 {
            wal.behind += 1;
        }
    }
    Ok(wal)
}

/// False at the end, where less than a frame may be left.
fn read_frame(file: &mut impl Read, frame: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(frame) {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(err) => Err(err),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn checksum(seed: Checksum, bytes: &[u8], is_big: bool) -> Checksum {
    let (mut one, mut two) = seed;
    for pair in bytes.as_chunks::<8>().0 {
        let [a, b, c, d, e, f, g, h] = *pair;
        let (first, second) = match is_big {
            true => (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])),
            false => (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])),
        };
        one = one.wrapping_add(first).wrapping_add(two);
        two = two.wrapping_add(second).wrapping_add(one);
    }
    (one, two)
}
