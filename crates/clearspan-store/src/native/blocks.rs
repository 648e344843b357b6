//! Checksums of the Parquet files: what the disk gives back is compared with what was written before anything is made of
//! it. Parquet itself has none that its Rust writer fills in.
//!
//! Beside each file lies another, `<name>.sums`. Bytes, little-endian:
//!
//! ```text
//! "CSPANSUM"  version u32 (1)  block_bytes u32 (16384)  file_bytes u64  crc32 u32 of each block  crc32 u32
//! ```
//!
//! The last checksum covers all bytes before it and the file's name, and the manifest repeats it: checksums of
//! another file, or of an older one, do not pass. Blocks are compared on every read, not only on the first one, because a
//! block may rot after it was read; that costs a tenth of a nanosecond a byte.
//!
//! Files of versions that wrote no checksums are read as they are.

use std::fmt;
use std::io::{self, Read, Write};
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use clearspan_model::ErrorKind;
use parking_lot::Mutex;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use super::disk::{self, Disk, ReadFile, WriteFile};
use super::paths;
use crate::Result;
use crate::error::Context;

const MAGIC: &[u8; 8] = b"CSPANSUM";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 24;
/// Small, so that reading one page does not read much around it.
const BLOCK_BYTES: usize = 16 << 10;

/// The checksums of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    block_bytes: u64,
    file_bytes: u64,
    blocks: Vec<u32>,
}

impl Sums {
    /// Reads the checksums of a file. `expected` is what the manifest says of them.
    pub(crate) fn load(disk: &dyn Disk, file: &Path, expected: u32) -> io::Result<Self> {
        let path = paths::sums_file(file);
        let load = || Self::parse(&disk::read(disk, &path)?, &name_of(file), expected);
        load().or_else(|err| {
            // A copy may be damaged where the original is not.
            if err.kind() == io::ErrorKind::InvalidData && disk.refetch(&path) { load() } else { Err(err) }
        })
    }

    /// Writes the checksums of a file, durably but for their name. Returns what the manifest has to say of them.
    fn store(&self, disk: &dyn Disk, file: &Path) -> io::Result<u32> {
        let path = paths::sums_file(file);
        let temporary = path.with_extension("sums-tmp");
        let (bytes, crc) = self.to_bytes(&name_of(file));
        let mut out = disk.create(&temporary)?;
        out.write_all(&bytes)?;
        out.sync()?;
        drop(out);
        disk.rename(&temporary, &path)?;
        Ok(crc)
    }

    fn to_bytes(&self, name: &str) -> (Vec<u8>, u32) {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 4 * self.blocks.len() + 4);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(self.block_bytes).expect("blocks are small").to_le_bytes());
        bytes.extend_from_slice(&self.file_bytes.to_le_bytes());
        for block in &self.blocks {
            bytes.extend_from_slice(&block.to_le_bytes());
        }
        let crc = own_checksum(&bytes, name);
        bytes.extend_from_slice(&crc.to_le_bytes());
        (bytes, crc)
    }

    fn parse(bytes: &[u8], name: &str, expected: u32) -> io::Result<Self> {
        let bad = |what: &str| {
            io::Error::new(io::ErrorKind::InvalidData, format!("the checksums of {name} {what}"))
        };
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let end = bytes.len().checked_sub(4).filter(|end| *end >= HEADER_BYTES && end % 4 == 0);
        let end = end.ok_or_else(|| bad("are cut off"))?;
        if &bytes[..8] == MAGIC && u32_at(8) > VERSION {
            return Err(bad(&format!("have format {}; this version reads up to {VERSION}", u32_at(8))));
        }
        let crc = u32_at(end);
        if &bytes[..8] != MAGIC || crc != own_checksum(&bytes[..end], name) {
            return Err(bad("are damaged themselves"));
        }
        if crc != expected {
            return Err(bad("are not those that the manifest knows: they belong to another file"));
        }
        let block_bytes = u64::from(u32_at(12));
        let file_bytes = u64::from_le_bytes(bytes[16..24].try_into().expect("eight bytes"));
        let blocks: Vec<u32> = (HEADER_BYTES..end).step_by(4).map(u32_at).collect();
        if block_bytes == 0 || file_bytes.div_ceil(block_bytes) != blocks.len() as u64 {
            return Err(bad("do not fit its length"));
        }
        Ok(Self { block_bytes, file_bytes, blocks })
    }
}

/// The checksums of a file, read when they are needed first. `expected` is what the manifest says of them, if it does.
pub(crate) fn load_once(
    cell: &OnceLock<Arc<Sums>>,
    disk: &dyn Disk,
    file: &Path,
    expected: Option<u32>,
) -> io::Result<Option<Arc<Sums>>> {
    let Some(expected) = expected else { return Ok(None) };
    if let Some(sums) = cell.get() {
        return Ok(Some(Arc::clone(sums)));
    }
    let sums = Arc::new(Sums::load(disk, file, expected)?);
    Ok(Some(Arc::clone(cell.get_or_init(|| sums))))
}

/// A file that is opened when it is read first.
pub(crate) fn open_once(
    opened: &OnceLock<BlockFile>,
    open: impl FnOnce() -> Result<BlockFile>,
) -> Result<&BlockFile> {
    if let Some(file) = opened.get() {
        return Ok(file);
    }
    let file = open()?;
    Ok(opened.get_or_init(|| file))
}

/// The blocks of a file that the disk damaged. `expected` is what the manifest says of its checksums, if it does.
pub(crate) fn damaged_blocks(
    disk: &dyn Disk,
    file: &Path,
    expected: Option<u32>,
    meter: Meter<'_>,
) -> io::Result<Vec<Damage>> {
    let sums = expected.map(|expected| Sums::load(disk, file, expected)).transpose()?;
    BlockFile::open(disk, file, sums.map(Arc::new))?.damaged_blocks(meter)
}

fn own_checksum(bytes: &[u8], name: &str) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(bytes);
    hasher.update(name.as_bytes());
    hasher.finalize()
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A file that is being written together with its checksums.
#[derive(Debug)]
pub(crate) struct BlockWriter<W> {
    out: W,
    bytes: u64,
    /// Of the block that is not full yet.
    hasher: crc32fast::Hasher,
    in_block: usize,
    blocks: Vec<u32>,
}

impl<W: Write> BlockWriter<W> {
    fn new(out: W) -> Self {
        Self { out, bytes: 0, hasher: crc32fast::Hasher::new(), in_block: 0, blocks: Vec::new() }
    }

    fn count(&mut self, mut written: &[u8]) {
        self.bytes += written.len() as u64;
        while !written.is_empty() {
            let (now, later) = written.split_at(written.len().min(BLOCK_BYTES - self.in_block));
            self.hasher.update(now);
            self.in_block += now.len();
            if self.in_block == BLOCK_BYTES {
                self.close_block();
            }
            written = later;
        }
    }

    fn close_block(&mut self) {
        let hasher = std::mem::replace(&mut self.hasher, crc32fast::Hasher::new());
        self.blocks.push(hasher.finalize());
        self.in_block = 0;
    }

    fn finish(mut self) -> (W, Sums) {
        if self.in_block > 0 {
            self.close_block();
        }
        let sums = Sums { block_bytes: BLOCK_BYTES as u64, file_bytes: self.bytes, blocks: self.blocks };
        (self.out, sums)
    }
}

impl<W: Write> Write for BlockWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let len = self.out.write(buf)?;
        self.count(&buf[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A file that was written whole and is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrittenFile {
    pub(crate) bytes: u64,
    /// What the manifest says of its checksums.
    pub(crate) sums: u32,
}

/// A file that [`write_whole`] has begun.
pub(crate) type NewFile = BlockWriter<io::BufWriter<Box<dyn WriteFile>>>;

/// Writes a file and its checksums under temporary names, and gives them their own when everything is durable. What a
/// failure leaves behind is removed as far as possible: on a full disk the room is needed.
pub(crate) fn write_whole(
    disk: &dyn Disk,
    path: &Path,
    fill: impl FnOnce(&mut NewFile) -> Result<()>,
) -> Result<WrittenFile> {
    let temporary = path.with_extension("tmp");
    let failed = || format!("writing {}", path.display());
    let write = || {
        let file = disk.create(&temporary).context(ErrorKind::Unavailable, failed)?;
        let mut out = BlockWriter::new(io::BufWriter::new(file));
        fill(&mut out)?;
        finish(disk, path, &temporary, out).context(ErrorKind::Unavailable, failed)
    };
    let written = write();
    if written.is_err() {
        let sums = paths::sums_file(path);
        for left in [&temporary, &sums.with_extension("sums-tmp"), &sums, path] {
            // Most of them are not there; the failure itself is what counts.
            let _removed = disk.remove(left);
        }
    }
    written
}

fn finish(disk: &dyn Disk, path: &Path, temporary: &Path, out: NewFile) -> io::Result<WrittenFile> {
    let (buffered, sums) = out.finish();
    let mut file = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync()?;
    drop(file);
    let written = WrittenFile { bytes: sums.file_bytes, sums: sums.store(disk, path)? };
    disk.rename(temporary, path)?;
    disk.sync_dir(path.parent().expect("a file lies in a folder"))?;
    Ok(written)
}

/// Told of the bytes that were read since the last time; it may wait, or end the reading.
pub(crate) type Meter<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;

/// A block that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) file: String,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, offset, len } = self;
        write!(f, "the disk damaged {file}: its {len} bytes from {offset} on do not match their checksum")
    }
}

impl std::error::Error for Damage {}

/// How often bytes that do not check are fetched again, where they come from elsewhere.
const REFETCHES: usize = 2;

/// How many bytes lie between two places.
fn length(start: u64, end: u64) -> io::Result<usize> {
    usize::try_from(end - start).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))
}

/// Why bytes of a file could not be had. Several may tell it.
#[derive(Debug, Clone)]
struct FailedRead(Arc<io::Error>);

impl fmt::Display for FailedRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for FailedRead {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// An open Parquet file. Every byte that it gives was compared with its checksum, if there is one.
#[derive(Debug, Clone)]
pub(crate) struct BlockFile {
    file: Arc<dyn ReadFile>,
    name: Arc<str>,
    sums: Option<Arc<Sums>>,
    /// The last read that failed for those who decode. Clones share it.
    failed: Arc<Mutex<Option<FailedRead>>>,
}

impl BlockFile {
    pub(crate) fn open(disk: &dyn Disk, path: &Path, sums: Option<Arc<Sums>>) -> io::Result<Self> {
        let file = disk.open(path)?;
        let name: Arc<str> = name_of(path).into();
        if let Some(sums) = &sums
            && sums.file_bytes != file.len()
        {
            let what = format!("{name} has {} bytes where {} were written", file.len(), sums.file_bytes);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(Self { file, name, sums, failed: Arc::default() })
    }

    /// What caused an error of who decodes this file. Arrow keeps the words of a failed read and forgets what it was: that nobody
    /// answered would be taken for damage.
    pub(crate) fn cause_of(
        &self,
        err: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Box<dyn std::error::Error + Send + Sync> {
        let err = err.into();
        let words = err.to_string();
        match self.failed.lock().take().filter(|failed| words.contains(&failed.to_string())) {
            Some(failed) => failed.into(),
            None => err,
        }
    }

    fn note_failure(&self, err: io::Error) -> FailedRead {
        let failed = FailedRead(Arc::new(err));
        *self.failed.lock() = Some(failed.clone());
        failed
    }

    /// The bytes of a range.
    pub(crate) fn range(&self, start: u64, len: usize) -> io::Result<Bytes> {
        let file_bytes = self.file.len();
        let end = start.checked_add(len as u64).filter(|end| *end <= file_bytes).ok_or_else(|| {
            let what = format!("{} ends before byte {start} + {len}", self.name);
            io::Error::new(io::ErrorKind::UnexpectedEof, what)
        })?;
        let Some(sums) = &self.sums else { return self.read(start, end) };
        let whole_start = start - start % sums.block_bytes;
        let whole_end = end.next_multiple_of(sums.block_bytes).min(file_bytes);
        let mut bytes = self.read(whole_start, whole_end)?;
        let mut verified = self.verify(sums, whole_start, &bytes);
        for _ in 0..REFETCHES {
            // A copy may be damaged where the original is not, or it was on the way.
            if verified.is_ok() || !self.file.refetch() {
                break;
            }
            bytes = self.read(whole_start, whole_end)?;
            verified = self.verify(sums, whole_start, &bytes);
        }
        verified?;
        let skip = usize::try_from(start - whole_start).expect("less than a block");
        Ok(bytes.slice(skip..skip + len))
    }

    /// The bytes of some ranges. Blocks that several of them lie in are read and compared once.
    pub(crate) fn ranges(&self, ranges: &[Range<u64>]) -> io::Result<Vec<Bytes>> {
        let block_bytes = self.sums.as_ref().map_or(1, |sums| sums.block_bytes);
        let mut in_order: Vec<usize> = (0..ranges.len()).collect();
        in_order.sort_unstable_by_key(|idx| ranges[*idx].start);
        let mut found = vec![Bytes::new(); ranges.len()];
        for near in
            in_order.chunk_by(|one, next| ranges[*next].start / block_bytes <= ranges[*one].end / block_bytes)
        {
            let start = near.iter().map(|idx| ranges[*idx].start).min().unwrap_or_default();
            let end = near.iter().map(|idx| ranges[*idx].end).max().unwrap_or_default().max(start);
            let all = self.range(start, length(start, end)?)?;
            for idx in near {
                let Range { start: from, end: to } = ranges[*idx];
                let skip = length(start, from)?;
                found[*idx] = all.slice(skip..skip + length(from, to.max(from))?);
            }
        }
        Ok(found)
    }

    fn read(&self, start: u64, end: u64) -> io::Result<Bytes> {
        let mut bytes = vec![0; length(start, end)?];
        self.file.read_at(&mut bytes, start)?;
        Ok(bytes.into())
    }

    /// Compares whole blocks, of which the first begins at `start`.
    fn verify(&self, sums: &Sums, start: u64, bytes: &[u8]) -> io::Result<()> {
        let first = usize::try_from(start / sums.block_bytes).expect("there are fewer blocks");
        let block_bytes = usize::try_from(sums.block_bytes).expect("blocks are small");
        for (idx, block) in (first..).zip(bytes.chunks(block_bytes)) {
            if sums.blocks.get(idx) != Some(&crc32fast::hash(block)) {
                let offset = idx as u64 * sums.block_bytes;
                let damage = Damage { file: self.name.to_string(), offset, len: block.len() as u64 };
                return Err(io::Error::new(io::ErrorKind::InvalidData, damage));
            }
        }
        Ok(())
    }

    /// Compares every block and returns those that do not match. Without checksums there is nothing to compare.
    fn damaged_blocks(&self, meter: Meter<'_>) -> io::Result<Vec<Damage>> {
        const AT_ONCE: u64 = 64;
        let Some(sums) = &self.sums else { return Ok(Vec::new()) };
        let mut damaged = Vec::new();
        let file_bytes = self.file.len();
        let mut start = 0;
        while start < file_bytes {
            let end = (start + AT_ONCE * sums.block_bytes).min(file_bytes);
            let mut bytes = self.read(start, end)?;
            // A copy may be damaged where the original is not.
            if self.verify(sums, start, &bytes).is_err() && self.file.refetch() {
                bytes = self.read(start, end)?;
            }
            let block_bytes = usize::try_from(sums.block_bytes).expect("blocks are small");
            for (idx, block) in (0_u64..).zip(bytes.chunks(block_bytes)) {
                let offset = start + idx * sums.block_bytes;
                if let Err(err) = self.verify(sums, offset, block) {
                    damaged.extend(err.get_ref().and_then(|err| err.downcast_ref::<Damage>()).cloned());
                }
            }
            if meter(end - start).is_break() {
                break;
            }
            start = end;
        }
        Ok(damaged)
    }
}

impl Length for BlockFile {
    fn len(&self) -> u64 {
        self.file.len()
    }
}

impl ChunkReader for BlockFile {
    type T = FrontToBack;

    fn get_read(&self, start: u64) -> ParquetResult<FrontToBack> {
        Ok(FrontToBack { file: self.clone(), at: start, buffer: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.range(start, length).map_err(|err| ParquetError::External(self.note_failure(err).into()))
    }
}

/// Reads on from some place, a block at a time.
#[derive(Debug)]
pub(crate) struct FrontToBack {
    file: BlockFile,
    at: u64,
    buffer: Bytes,
}

impl Read for FrontToBack {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() {
            let next = (self.at + 1).next_multiple_of(BLOCK_BYTES as u64).min(Length::len(&self.file));
            let len = usize::try_from(next.saturating_sub(self.at)).expect("at most a block");
            let next = self.file.range(self.at, len);
            self.buffer = next.map_err(|err| io::Error::new(err.kind(), self.file.note_failure(err)))?;
            self.at += len as u64;
        }
        let taken = self.buffer.split_to(out.len().min(self.buffer.len()));
        out[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

#[cfg(test)]
mod tests;
