//! The manifest: the only truth about which segments exist, which of their rows are dead, and how far the
//! log has been taken over into them.
//!
//! One small file, replaced as a whole: a first line `clearspan-manifest <version> <crc32 of the rest, hex>`,
//! then one JSON document. Fields that a version does not know are kept out of its way by the version number;
//! old versions are read for ever, only the newest is written.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::disk::{self, Disk};
use super::paths;
use super::records::{FileEntry, RecordColumn as _};
use super::segment::IndexPlace;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;

const NAME: &str = "clearspan-manifest";
/// Version 2 added the lists of other tables' files, version 3 checksums and tombstones.
const VERSION: u32 = 3;

/// Everything that must survive a restart besides the log and the segments themselves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Records of the log up to this one are in the segments.
    pub(crate) applied_seq: u64,
    /// The number that the next segment gets.
    pub(crate) next_segment: u64,
    /// The segments, oldest first.
    pub(crate) segments: Vec<SegmentEntry>,
    /// The files of log records, oldest first.
    #[serde(default)]
    pub(crate) logs: Vec<FileEntry>,
    /// The files of metric points, oldest first.
    #[serde(default)]
    pub(crate) points: Vec<FileEntry>,
    /// The number of the file of tombstones; absent when nothing is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tombstones: Option<u64>,
    /// What was deleted up to this record of the log is gone from all files.
    #[serde(default)]
    pub(crate) purged_seq: u64,
    /// In a bucket, whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claim: Option<Claim>,
}

/// Which server a bucket belongs to; see [`super::bucket`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// A name for the bucket and its prefix that no other has.
    pub(crate) bucket: String,
    /// How often it was claimed.
    pub(crate) epoch: u64,
    /// A name for the start of a server that claimed it last.
    pub(crate) server: String,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SegmentEntry {
    /// Its number; the file is named after it.
    pub(crate) number: u64,
    /// Rows in the file, dead ones included.
    pub(crate) rows: u32,
    /// Bytes of the file.
    pub(crate) bytes: u64,
    /// The checksum of its checksums (see [`super::blocks`]); versions before 3 wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sums: Option<u32>,
    /// The earliest `time` of its rows, nanoseconds.
    pub(crate) min_time: i64,
    /// The latest `time` of its rows.
    pub(crate) max_time: i64,
    /// Where its index of traces lies; versions that wrote none are read without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) traces: Option<IndexPlace>,
    /// It was damaged, and runs that arrived were not compared with those in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) passed_over: bool,
    /// Rows that were replaced or deleted.
    #[serde(default, with = "bitmap", skip_serializing_if = "RoaringBitmap::is_empty")]
    pub(crate) dead: RoaringBitmap,
}

mod bitmap {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use roaring::RoaringBitmap;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _, ser::Error as _};

    pub(super) fn serialize<S: Serializer>(bitmap: &RoaringBitmap, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(bitmap.serialized_size());
        bitmap.serialize_into(&mut bytes).map_err(S::Error::custom)?;
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RoaringBitmap, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        RoaringBitmap::deserialize_from(bytes.as_slice()).map_err(D::Error::custom)
    }
}

impl Manifest {
    /// Reads the manifest of a data folder; `None` when there is none yet.
    pub(crate) fn load(disk: &dyn Disk, data_dir: &Path) -> io::Result<Option<Self>> {
        match disk::read(disk, &paths::manifest_file(data_dir)) {
            Ok(bytes) => Self::parse(&bytes).map(Some),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// The files of tables that it names, with those of their checksums, by their places in the data folder. They never change.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let folder = paths::segment_dir(Path::new(""));
        let mut files = BTreeSet::new();
        let mut add = |path: PathBuf, has_sums: bool| {
            if has_sums {
                files.insert(paths::sums_file(&path));
            }
            files.insert(path);
        };
        for entry in &self.segments {
            add(paths::segment_file(&folder, entry.number), entry.sums.is_some());
        }
        for (table, entries) in [(LogCol::FILES, &self.logs), (PointCol::FILES, &self.points)] {
            for entry in entries {
                add(paths::record_file(&folder, table, entry.number), entry.sums.is_some());
            }
        }
        files
    }

    /// Replaces the manifest. When this returns, the new state is durable.
    pub(crate) fn store(&self, disk: &dyn Disk, data_dir: &Path) -> io::Result<()> {
        disk::replace(disk, &paths::manifest_file(data_dir), &self.to_bytes())
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let body = serde_json::to_vec(self).expect("a manifest has a JSON form");
        let mut bytes = format!("{NAME} {VERSION} {:08x}\n", crc32fast::hash(&body)).into_bytes();
        bytes.extend_from_slice(&body);
        bytes
    }

    pub(crate) fn parse(bytes: &[u8]) -> io::Result<Self> {
        let bad = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        let newline =
            bytes.iter().position(|b| *b == b'\n').ok_or_else(|| bad("the manifest has no header".into()))?;
        let (header, body) = (String::from_utf8_lossy(&bytes[..newline]), &bytes[newline + 1..]);
        let words: Vec<&str> = header.split(' ').collect();
        let [NAME, version, crc] = words.as_slice() else {
            return Err(bad("the manifest has no header".into()));
        };
        let version: u32 = version.parse().map_err(|_| bad("the manifest's version is no number".into()))?;
        if version > VERSION {
            return Err(bad(format!(
                "the manifest has format {version}; this version reads up to {VERSION}"
            )));
        }
        if u32::from_str_radix(crc, 16).ok() != Some(crc32fast::hash(body)) {
            return Err(bad("the manifest's checksum does not match".into()));
        }
        serde_json::from_slice(body).map_err(|err| bad(format!("the manifest cannot be read: {err}")))
    }
}

#[cfg(test)]
mod tests;
