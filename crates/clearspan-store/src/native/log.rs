//! The write-ahead log: what makes an acknowledgement durable.
//!
//! A log is a sequence of files `log-<number>.log`. Bytes, little-endian:
//!
//! ```text
//! file    "CSPANLOG"  version u32 (1)  reserved u32 (0)   record*
//! record  "CSRC"  payload_len u32  seq u64  kind u8  reserved [u8; 3]  crc32 u32  payload
//! ```
//!
//! The checksum covers everything from `payload_len` to the end of the payload, without itself, and the
//! file's number, so that a record of another file is never taken for one of this. `seq` grows by one from
//! record to record across files. A record's payload is a zstd frame that holds an Arrow IPC stream with one
//! batch of the table that its [`RecordKind`] belongs to.
//!
//! Recovery replays records in order. A torn tail (the bytes of a write that a crash cut short) is cut off.
//! A bad record with good ones behind it is damage of the disk: it is skipped up to the next record that
//! checks, the damaged file is kept beside the log, and the loss is reported.
//!
//! After a failed write or sync the file's state is unknown, so the writer is poisoned and refuses
//! everything; a restart recovers.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::paths;

const FILE_MAGIC: &[u8; 8] = b"CSPANLOG";
const FILE_VERSION: u32 = 1;
const FILE_HEADER_BYTES: usize = 16;
const RECORD_MAGIC: &[u8; 4] = b"CSRC";
const RECORD_HEADER_BYTES: usize = 24;
/// No record is larger: a request has at most 64 MiB and compresses.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 1 << 30;

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum RecordKind {
    /// A batch of patches.
    Patches = 1,
    /// Whole runs that take the place of those with the same keys and versions.
    Replacements = 2,
    /// Log records.
    Logs = 3,
    /// Metric points.
    Points = 4,
}

impl RecordKind {
    /// From its stored form; `None` for what a newer version wrote.
    pub(crate) fn from_raw(raw: u8) -> Option<Self> {
        [Self::Patches, Self::Replacements, Self::Logs, Self::Points]
            .into_iter()
            .find(|kind| *kind as u8 == raw)
    }
}

/// The place of a record in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogSeq(pub(crate) u64);

/// Appends to the newest file.
#[derive(Debug)]
pub(crate) struct Writer {
    dir: PathBuf,
    file: File,
    number: u64,
    next_seq: u64,
    file_bytes: u64,
}

impl Writer {
    /// Starts file `number`; its first record will be `next_seq`.
    pub(crate) fn create(dir: &Path, number: u64, next_seq: u64) -> io::Result<Self> {
        let path = paths::log_file(dir, number);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
        let mut header = Vec::with_capacity(FILE_HEADER_BYTES);
        header.extend_from_slice(FILE_MAGIC);
        header.extend_from_slice(&FILE_VERSION.to_le_bytes());
        header.extend_from_slice(&0_u32.to_le_bytes());
        file.write_all(&header)?;
        file.sync_all()?;
        paths::sync_dir(dir)?;
        Ok(Self { dir: dir.to_owned(), file, number, next_seq, file_bytes: FILE_HEADER_BYTES as u64 })
    }

    /// Writes one record. It is durable after the next [`Self::sync`].
    pub(crate) fn append(&mut self, kind: RecordKind, payload: &[u8]) -> io::Result<LogSeq> {
        let len =
            u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_PAYLOAD_BYTES).ok_or_else(
                || io::Error::new(io::ErrorKind::InvalidInput, "the batch is too large for the log"),
            )?;
        let seq = self.next_seq;
        let mut header = [0_u8; RECORD_HEADER_BYTES];
        header[..4].copy_from_slice(RECORD_MAGIC);
        header[4..8].copy_from_slice(&len.to_le_bytes());
        header[8..16].copy_from_slice(&seq.to_le_bytes());
        header[16] = kind as u8;
        let crc = checksum(self.number, &header[4..20], payload);
        header[20..24].copy_from_slice(&crc.to_le_bytes());
        self.file.write_all(&header)?;
        self.file.write_all(payload)?;
        self.next_seq += 1;
        self.file_bytes += (RECORD_HEADER_BYTES + payload.len()) as u64;
        Ok(LogSeq(seq))
    }

    /// Makes everything appended so far durable.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Goes on in a new file and returns its number.
    pub(crate) fn rotate(&mut self) -> io::Result<u64> {
        self.sync()?;
        *self = Self::create(&self.dir, self.number + 1, self.next_seq)?;
        Ok(self.number)
    }

    /// The number that the next record gets.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Bytes in the current file.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }
}

fn checksum(number: u64, header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

/// One record read back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) seq: LogSeq,
    /// The raw kind: a newer version may have written kinds that this one does not know.
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
}

/// What was found in one file.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) records: Vec<Record>,
    /// Bytes at the end that a crash left unfinished.
    pub(crate) torn_bytes: u64,
    /// Stretches of bytes (offset, length) with good records behind them that did not check.
    pub(crate) damage: Vec<(u64, u64)>,
}

/// Reads all records of file `number`.
pub(crate) fn scan_file(dir: &Path, number: u64) -> io::Result<Scan> {
    let mut bytes = Vec::new();
    File::open(paths::log_file(dir, number))?.read_to_end(&mut bytes)?;
    scan(&bytes, number)
}

fn scan(bytes: &[u8], number: u64) -> io::Result<Scan> {
    let mut found = Scan::default();
    if bytes.len() < FILE_HEADER_BYTES {
        // The crash came while the file was made: nothing in it was ever acknowledged.
        found.torn_bytes = bytes.len() as u64;
        return Ok(found);
    }
    let version = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes"));
    if &bytes[..8] == FILE_MAGIC && version > FILE_VERSION {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("log file {number} has format {version}; this version reads up to {FILE_VERSION}"),
        ));
    }
    let mut at = FILE_HEADER_BYTES;
    if &bytes[..8] != FILE_MAGIC {
        found.damage.push((0, FILE_HEADER_BYTES as u64));
    }
    while at < bytes.len() {
        if let Some((record, len)) = record_at(bytes, at, number) {
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
    Ok(found)
}

/// The record that begins at `at` and its length, if there is one that checks.
fn record_at(bytes: &[u8], at: usize, number: u64) -> Option<(Record, usize)> {
    let header = bytes.get(at..at + RECORD_HEADER_BYTES)?;
    if &header[..4] != RECORD_MAGIC {
        return None;
    }
    let len = u32::from_le_bytes(header[4..8].try_into().expect("four bytes")) as usize;
    if len > MAX_PAYLOAD_BYTES {
        return None;
    }
    let begin = at + RECORD_HEADER_BYTES;
    let payload = bytes.get(begin..begin.checked_add(len)?)?;
    let crc = u32::from_le_bytes(header[20..24].try_into().expect("four bytes"));
    if checksum(number, &header[4..20], payload) != crc {
        return None;
    }
    let seq = LogSeq(u64::from_le_bytes(header[8..16].try_into().expect("eight bytes")));
    Some((Record { seq, kind: header[16], payload: payload.to_vec() }, RECORD_HEADER_BYTES + len))
}

fn next_record(bytes: &[u8], from: usize, number: u64) -> Option<usize> {
    (from..bytes.len().saturating_sub(RECORD_HEADER_BYTES - 1))
        .filter(|at| bytes[*at..].starts_with(RECORD_MAGIC))
        .find(|at| record_at(bytes, *at, number).is_some())
}

#[cfg(test)]
mod tests;
