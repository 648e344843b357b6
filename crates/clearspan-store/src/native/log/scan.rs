//! Reading the log back: which records of a file count, and what the disk did to the others.

use std::io;
use std::path::Path;

use bytes::Bytes;

use super::{
    Disk, FILE_HEADER_BYTES, FILE_MAGIC, FILE_VERSION, LogSeq, MAX_PAYLOAD_BYTES, RECORD_HEADER_BYTES,
    RECORD_MAGIC, checksum, disk, header_checksum, paths,
};

/// The header of version 1, without a first record and a checksum.
const OLD_HEADER_BYTES: usize = 16;

/// One record read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) seq: LogSeq,
    /// The raw kind: a newer version may have written kinds that this one does not know.
    pub(crate) kind: u8,
    pub(crate) payload: Bytes,
}

/// What was found in one file.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// The records that count, in order.
    pub(crate) records: Vec<Record>,
    /// Bytes at the end that a crash left unfinished.
    pub(crate) torn_bytes: u64,
    /// Whole records that were never acknowledged: the writer met a failure and went on in the next file.
    pub(crate) abandoned: usize,
    /// Stretches of bytes (offset, length) that did not check, with good records behind them.
    pub(crate) damage: Vec<(u64, u64)>,
    /// Records that were acknowledged and are not there (first, last).
    pub(crate) lost: Vec<(u64, u64)>,
}

impl Scan {
    pub(crate) fn is_sound(&self) -> bool {
        self.damage.is_empty() && self.lost.is_empty()
    }
}

/// What the header of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    /// Shorter than a header: the crash came while the file was made, so nothing in it was ever acknowledged.
    Torn,
    /// Records begin at `bytes`; `first_seq` is missing in files of version 1.
    Sound {
        bytes: usize,
        first_seq: Option<u64>,
    },
    Damaged,
}

impl Header {
    fn parse(bytes: &[u8], number: u64) -> io::Result<Self> {
        if bytes.len() < OLD_HEADER_BYTES {
            return Ok(Self::Torn);
        }
        let version = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes"));
        let crc = u32::from_le_bytes(bytes[12..16].try_into().expect("four bytes"));
        if &bytes[..8] != FILE_MAGIC {
            return Ok(Self::Damaged);
        }
        if version == 1 && crc == 0 {
            return Ok(Self::Sound { bytes: OLD_HEADER_BYTES, first_seq: None });
        }
        let Some(header) = bytes.get(..FILE_HEADER_BYTES) else { return Ok(Self::Torn) };
        if header_checksum(number, header) != crc {
            return Ok(Self::Damaged);
        }
        if version > FILE_VERSION {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("log file {number} has format {version}; this version reads up to {FILE_VERSION}"),
            ));
        }
        let first_seq = u64::from_le_bytes(header[16..24].try_into().expect("eight bytes"));
        Ok(Self::Sound { bytes: FILE_HEADER_BYTES, first_seq: Some(first_seq) })
    }
}

/// The first record that file `number` is for, if its header says so.
pub(crate) fn first_seq(disk: &dyn Disk, dir: &Path, number: u64) -> io::Result<Option<u64>> {
    let file = disk.open(&paths::log_file(dir, number))?;
    let len = usize::try_from(file.len()).unwrap_or(usize::MAX).min(FILE_HEADER_BYTES);
    let mut bytes = vec![0; len];
    file.read_at(&mut bytes, 0)?;
    Ok(match Header::parse(&bytes, number)? {
        Header::Sound { first_seq, .. } => first_seq,
        Header::Torn | Header::Damaged => None,
    })
}

/// Whether there is anything in file `number` behind its header.
pub(crate) fn holds_records(disk: &dyn Disk, dir: &Path, number: u64) -> io::Result<bool> {
    Ok(disk.open(&paths::log_file(dir, number))?.len() > FILE_HEADER_BYTES as u64)
}

/// Reads the records of file `number` that count: those before `end`, the first record of the next file, if that is
/// known.
pub(crate) fn scan_file(disk: &dyn Disk, dir: &Path, number: u64, end: Option<u64>) -> io::Result<Scan> {
    scan(&disk::read(disk, &paths::log_file(dir, number))?.into(), number, end)
}

pub(super) fn scan(bytes: &Bytes, number: u64, end: Option<u64>) -> io::Result<Scan> {
    let mut found = Scan::default();
    let header = Header::parse(bytes, number)?;
    let (mut at, first_seq) = match header {
        Header::Torn => (bytes.len(), None),
        Header::Sound { bytes, first_seq } => (bytes, first_seq),
        Header::Damaged => (OLD_HEADER_BYTES, None),
    };
    match header {
        Header::Torn => found.torn_bytes = bytes.len() as u64,
        Header::Damaged => found.damage.push((0, OLD_HEADER_BYTES as u64)),
        Header::Sound { .. } => {}
    }
    // The place of each record, to tell which one is not where it was written.
    let mut places = Vec::new();
    while at < bytes.len() {
        if let Some((record, len)) = record_at(bytes, at, number) {
            places.push((at as u64, len as u64));
            found.records.push(record);
            at += len;
            continue;
        }
        match next_record(bytes, at + 1, number) {
            Some(next) => {
                found.damage.push((at as u64, (next - at) as u64));
                at = next;
            }
            None => {
                found.torn_bytes = (bytes.len() - at) as u64;
                break;
            }
        }
    }
    if header == Header::Damaged && found.records.is_empty() {
        // The crash came while the file was made: there is nothing in it that could be missed.
        return Ok(Scan { torn_bytes: bytes.len() as u64, ..Scan::default() });
    }
    put_in_order(&mut found, &places);
    leave_out_abandoned(&mut found, end);
    find_lost(&mut found, first_seq, end);
    Ok(found)
}

/// A record that lies behind a later one was put there by the disk: it counts, once, and the place is damage.
fn put_in_order(found: &mut Scan, places: &[(u64, u64)]) {
    let mut newest = None;
    for (record, place) in found.records.iter().zip(places) {
        if newest.is_some_and(|newest| record.seq <= newest) {
            found.damage.push(*place);
        }
        newest = newest.max(Some(record.seq));
    }
    found.damage.sort_unstable();
    found.records.sort_by_key(|record| record.seq);
    found.records.dedup_by_key(|record| record.seq);
}

fn leave_out_abandoned(found: &mut Scan, end: Option<u64>) {
    let Some(end) = end else { return };
    let keep = found.records.partition_point(|record| record.seq.0 < end);
    found.abandoned = found.records.len() - keep;
    found.records.truncate(keep);
}

fn find_lost(found: &mut Scan, first_seq: Option<u64>, end: Option<u64>) {
    let mut expected = first_seq;
    for record in &found.records {
        if let Some(expected) = expected.filter(|expected| *expected < record.seq.0) {
            found.lost.push((expected, record.seq.0 - 1));
        }
        expected = Some(record.seq.0 + 1);
    }
    if let (Some(expected), Some(end)) = (expected, end)
        && expected < end
    {
        found.lost.push((expected, end - 1));
    }
}

/// The record that begins at `at` and its length, if there is one that checks.
fn record_at(bytes: &Bytes, at: usize, number: u64) -> Option<(Record, usize)> {
    let header = bytes.get(at..at + RECORD_HEADER_BYTES)?;
    if &header[..4] != RECORD_MAGIC {
        return None;
    }
    let len = u32::from_le_bytes(header[4..8].try_into().expect("four bytes")) as usize;
    if len > MAX_PAYLOAD_BYTES {
        return None;
    }
    let begin = at + RECORD_HEADER_BYTES;
    let place = begin..begin.checked_add(len)?;
    let payload = bytes.get(place.clone())?;
    let crc = u32::from_le_bytes(header[20..24].try_into().expect("four bytes"));
    if checksum(number, &header[4..20], payload) != crc {
        return None;
    }
    let seq = LogSeq(u64::from_le_bytes(header[8..16].try_into().expect("eight bytes")));
    Some((Record { seq, kind: header[16], payload: bytes.slice(place) }, RECORD_HEADER_BYTES + len))
}

fn next_record(bytes: &Bytes, from: usize, number: u64) -> Option<usize> {
    (from..bytes.len().saturating_sub(RECORD_HEADER_BYTES - 1))
        .filter(|at| bytes[*at..].starts_with(RECORD_MAGIC))
        .find(|at| record_at(bytes, *at, number).is_some())
}
