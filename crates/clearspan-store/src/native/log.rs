//! The write-ahead log: what makes an acknowledgement durable.
//!
//! A log is a sequence of files `log-<number>.log`. Bytes, little-endian:
//!
//! ```text
//! file    "CSPANLOG"  version u32 (2)  crc32 u32  first_seq u64   record*
//! record  "CSRC"  payload_len u32  seq u64  kind u8  reserved [u8; 3]  crc32 u32  payload
//! ```
//!
//! `seq` grows by one from record to record across files. A file's own checksum covers its version, `first_seq` and
//! number. A record's checksum covers everything from `payload_len` to the end of the payload, without itself, and
//! the file's number. So a record of another file is never taken for one of this, and one that lies in the wrong place of
//! its file is noticed by its `seq`. A record's payload is a zstd frame that holds an Arrow IPC stream with one batch
//! of the table that its [`RecordKind`] belongs to. Version 1 had no `first_seq`, and zeros in place of the checksum.
//!
//! After a failed write or sync nothing is known about the end of a file. The writer never touches it again: it goes on
//! in a new file whose `first_seq` is that of the first record that was not acknowledged. So records of a file from the next
//! file's `first_seq` on were never acknowledged, and are left out.
//!
//! Recovery replays records in order. A torn tail (the bytes of a write that a crash cut short) is left out.
//! A bad record with good ones behind it, or one that is missing before the next file, is damage of the disk: it is
//! skipped, the damaged file is kept beside the log, and the loss is reported.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{self, Disk, DiskRef, WriteFile};
use super::paths;

mod scan;

pub(crate) use scan::{Scan, first_seq, holds_records, scan_file};

const FILE_MAGIC: &[u8; 8] = b"CSPANLOG";
const FILE_VERSION: u32 = 2;
const FILE_HEADER_BYTES: usize = 24;
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
    /// Tombstones of what was deleted.
    Deletions = 5,
}

impl RecordKind {
    /// From its stored form; `None` for what a newer version wrote.
    pub(crate) fn from_raw(raw: u8) -> Option<Self> {
        [Self::Patches, Self::Replacements, Self::Logs, Self::Points, Self::Deletions]
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
    disk: DiskRef,
    dir: PathBuf,
    file: Box<dyn WriteFile>,
    number: u64,
    next_seq: u64,
    file_bytes: u64,
    /// Bytes and next record at the last good sync.
    synced: (u64, u64),
}

/// Where the log goes on after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Continuation {
    /// The number of the file to come.
    pub(crate) number: u64,
    /// Its first record.
    pub(crate) first_seq: u64,
}

impl Writer {
    /// Starts file `number`; its first record will be `next_seq`.
    pub(crate) fn create(disk: &DiskRef, dir: &Path, number: u64, next_seq: u64) -> io::Result<Self> {
        let path = paths::log_file(dir, number);
        let mut file = disk.create(&path)?;
        file.write_all(&file_header(number, next_seq))?;
        file.sync()?;
        disk.sync_dir(dir)?;
        let file_bytes = FILE_HEADER_BYTES as u64;
        let synced = (file_bytes, next_seq);
        Ok(Self { disk: Arc::clone(disk), dir: dir.to_owned(), file, number, next_seq, file_bytes, synced })
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
        self.file.sync()?;
        self.synced = (self.file_bytes, self.next_seq);
        Ok(())
    }

    /// Goes on in a new file and returns its number.
    pub(crate) fn rotate(&mut self) -> io::Result<u64> {
        self.sync()?;
        *self = Self::create(&self.disk, &self.dir, self.number + 1, self.next_seq)?;
        Ok(self.number)
    }

    /// Ends the writer after a failure. What the last good sync did not cover is cut off if the disk lets us, which
    /// makes room; where it does not, the next file's header tells readers to leave it out.
    pub(crate) fn abandon(self) -> Continuation {
        let Self { disk, dir, file, number, synced: (bytes, first_seq), .. } = self;
        drop(file);
        if let Err(err) = disk.truncate(&paths::log_file(&dir, number), bytes) {
            tracing::warn!(file = number, error = %err, "the end of a log file could not be cut off");
        }
        Continuation { number: number + 1, first_seq }
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

fn file_header(number: u64, first_seq: u64) -> [u8; FILE_HEADER_BYTES] {
    let mut header = [0_u8; FILE_HEADER_BYTES];
    header[..8].copy_from_slice(FILE_MAGIC);
    header[8..12].copy_from_slice(&FILE_VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&first_seq.to_le_bytes());
    let crc = header_checksum(number, &header);
    header[12..16].copy_from_slice(&crc.to_le_bytes());
    header
}

fn header_checksum(number: u64, header: &[u8]) -> u32 {
    checksum(number, &header[8..12], &header[16..24])
}

fn checksum(number: u64, header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests;
