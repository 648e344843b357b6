//! What belongs to an index: written last, so that half an index has none.
//!
//! A first line `clearspan-search <version> <crc32 of the rest, hex>`, then one JSON document.

use std::ops::ControlFlow;
use std::path::Path;

use clearspan_model::{ErrorKind, ProjectId};
use serde::{Deserialize, Serialize};

use crate::error::Context;
use crate::native::blocks::Meter;
use crate::native::segment::Segment;
use crate::{Error, Result};

const NAME: &str = "clearspan-search";
/// Rises when terms, documents or files change their meaning. Any other version is built again.
const VERSION: u32 = 2;
const FILE: &str = "index";

/// What an index consists of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Marker {
    /// Rows and bytes of the segment that it was made from.
    pub(super) rows: u32,
    pub(super) segment_bytes: u64,
    pub(super) parts: Vec<PartEntry>,
    files: Vec<FileEntry>,
}

/// One part: an index of Tantivy's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PartEntry {
    /// The folder.
    pub(super) name: String,
    /// The row behind its last one.
    pub(super) end_row: u32,
    /// The projects in it, each with its first document.
    pub(super) projects: Vec<(ProjectId, u32)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FileEntry {
    name: String,
    bytes: u64,
    crc32: u32,
}

impl Marker {
    /// Takes stock of the files in a folder and writes the marker.
    pub(super) fn write(dir: &Path, segment: &Segment, parts: Vec<PartEntry>) -> Result<()> {
        let mut files = Vec::new();
        for part in &parts {
            let folder = dir.join(&part.name);
            let unreadable = || format!("reading {}", folder.display());
            for entry in std::fs::read_dir(&folder).context(ErrorKind::Unavailable, unreadable)? {
                let entry = entry.context(ErrorKind::Unavailable, unreadable)?;
                let name = format!("{}/{}", part.name, entry.file_name().to_string_lossy());
                let (bytes, crc32) = sum(&entry.path(), &mut unmetered())?;
                files.push(FileEntry { name, bytes, crc32 });
            }
        }
        files.sort_by(|one, other| one.name.cmp(&other.name));
        let marker = Self { rows: segment.rows, segment_bytes: segment.bytes, parts, files };
        let body = serde_json::to_vec(&marker).expect("a marker has a JSON form");
        let mut bytes = format!("{NAME} {VERSION} {:08x}\n", crc32fast::hash(&body)).into_bytes();
        bytes.extend_from_slice(&body);
        let path = dir.join(FILE);
        std::fs::write(&path, bytes).context(ErrorKind::Unavailable, || format!("writing {}", path.display()))
    }

    /// Reads the marker and compares every file with its checksum. What was not read, because the meter says that it is enough,
    /// counts as sound.
    pub(super) fn load(dir: &Path, segment: &Segment, meter: Meter<'_>) -> Result<Self> {
        let path = dir.join(FILE);
        let bytes =
            std::fs::read(&path).context(ErrorKind::Corrupt, || format!("reading {}", path.display()))?;
        let marker = Self::parse(&bytes)
            .ok_or_else(|| bad(format!("{} is damaged or of another version", path.display())))?;
        if (marker.rows, marker.segment_bytes) != (segment.rows, segment.bytes) {
            return Err(bad(format!("{} belongs to another segment", dir.display())));
        }
        for file in &marker.files {
            let read = sum(&dir.join(&file.name), meter)?;
            if meter(0).is_break() {
                break;
            }
            if read != (file.bytes, file.crc32) {
                return Err(bad(format!("{} in {} is damaged", file.name, dir.display())));
            }
        }
        Ok(marker)
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let newline = bytes.iter().position(|byte| *byte == b'\n')?;
        let (header, body) = (std::str::from_utf8(&bytes[..newline]).ok()?, &bytes[newline + 1..]);
        if header != format!("{NAME} {VERSION} {:08x}", crc32fast::hash(body)) {
            return None;
        }
        serde_json::from_slice(body).ok()
    }
}

fn bad(what: String) -> Error {
    Error::new(ErrorKind::Corrupt, what)
}

/// One who reads as fast as it goes.
pub(super) fn unmetered() -> impl FnMut(u64) -> ControlFlow<()> {
    |_| ControlFlow::Continue(())
}

/// The length and checksum of a file, as far as the meter lets it be read.
fn sum(path: &Path, meter: Meter<'_>) -> Result<(u64, u32)> {
    use std::io::Read as _;
    let unreadable = || format!("reading {}", path.display());
    let mut file = std::fs::File::open(path).context(ErrorKind::Corrupt, unreadable)?;
    let (mut hasher, mut bytes, mut buf) = (crc32fast::Hasher::new(), 0, vec![0; 256 << 10]);
    loop {
        let len = file.read(&mut buf).context(ErrorKind::Corrupt, unreadable)?;
        if len == 0 || meter(len as u64).is_break() {
            return Ok((bytes, hasher.finalize()));
        }
        hasher.update(&buf[..len]);
        bytes += len as u64;
    }
}
