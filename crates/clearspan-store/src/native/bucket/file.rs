//! An object as a file to read from anywhere: from the cache, and where that has nothing, from the bucket.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use super::cache::{CHUNK_BYTES, Cache, Pinned};
use super::remote::Remote;
use crate::native::disk::ReadFile;

/// Chunks that are fetched at once at most: neighbours that are missing come in one request.
const CHUNKS_AT_ONCE: u64 = 16;

/// See the module.
#[derive(Debug)]
pub(super) struct ObjectFile {
    pub(super) remote: Arc<Remote>,
    pub(super) cache: Arc<Cache>,
    /// How the cache calls it.
    pub(super) name: String,
    pub(super) key: String,
    pub(super) bytes: u64,
    /// The whole object, when it was here as the file was opened.
    pub(super) whole: Mutex<Option<Pinned>>,
}

impl ObjectFile {
    fn chunk_range(&self, chunk: u64) -> Range<u64> {
        chunk * CHUNK_BYTES..((chunk + 1) * CHUNK_BYTES).min(self.bytes)
    }

    /// Fetches neighbouring chunks and keeps them.
    fn fetch(&self, chunks: Range<u64>) -> io::Result<Vec<u8>> {
        let range = self.chunk_range(chunks.start).start..self.chunk_range(chunks.end - 1).end;
        let bytes = self.remote.get(&self.key, range)?;
        for (number, chunk) in
            chunks.zip(bytes.chunks(usize::try_from(CHUNK_BYTES).expect("chunks are small")))
        {
            self.cache.put_chunk(&self.name, number, chunk);
        }
        Ok(bytes.into())
    }

    /// Reads some neighbouring chunks, from wherever they are.
    fn read_chunks(&self, chunks: Range<u64>, mut take: impl FnMut(u64, &[u8])) -> io::Result<()> {
        let mut missing: Option<Range<u64>> = None;
        for number in chunks {
            let expected = self.chunk_range(number);
            let found = self.cache.chunk(&self.name, number);
            if let Some(found) = found.filter(|found| found.len() as u64 == expected.end - expected.start) {
                if let Some(missing) = missing.take() {
                    take(self.chunk_range(missing.start).start, &self.fetch(missing)?);
                }
                take(expected.start, &found);
                continue;
            }
            let grown = missing.take().map_or(number..number + 1, |missing| missing.start..number + 1);
            if grown.end - grown.start == CHUNKS_AT_ONCE {
                take(self.chunk_range(grown.start).start, &self.fetch(grown)?);
            } else {
                missing = Some(grown);
            }
        }
        if let Some(missing) = missing {
            take(self.chunk_range(missing.start).start, &self.fetch(missing)?);
        }
        Ok(())
    }
}

impl ReadFile for ObjectFile {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if buf.is_empty() {
            return Ok(());
        }
        let whole = self.whole.lock().clone();
        if let Some(whole) = whole {
            return whole.file.read_at(buf, offset);
        }
        let end = offset + buf.len() as u64;
        if end > self.bytes {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        if !self.cache.is_on() {
            buf.copy_from_slice(&self.remote.get(&self.key, offset..end)?);
            return Ok(());
        }
        self.read_chunks(offset / CHUNK_BYTES..end.div_ceil(CHUNK_BYTES), |start, bytes| {
            // The part of these bytes that was asked for.
            let from = start.max(offset);
            let to = (start + bytes.len() as u64).min(end);
            if from < to {
                let place =
                    |at: u64, base: u64| usize::try_from(at - base).expect("it is inside of a buffer");
                buf[place(from, offset)..place(to, offset)]
                    .copy_from_slice(&bytes[place(from, start)..place(to, start)]);
            }
        })
    }

    fn refetch(&self) -> bool {
        *self.whole.lock() = None;
        self.cache.forget(&self.name);
        // Without a cache it was what came over the network.
        true
    }
}

/// Bytes in memory as a file.
#[derive(Debug)]
pub(super) struct MemoryFile(pub(super) Vec<u8>);

impl ReadFile for MemoryFile {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self.0.get(start..).and_then(|rest| rest.get(..buf.len()));
        buf.copy_from_slice(bytes.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?);
        Ok(())
    }
}
