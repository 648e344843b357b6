//! The file of tombstones: one at a time, named by the manifest, written anew when something was deleted or forgotten.
//!
//! A line `clearspan-tombstones 1 <crc32 of the rest, hex>`, then a payload like that of a log record: a zstd frame
//! around an Arrow IPC stream with one batch of the `deletions` table.

use std::io;
use std::path::Path;

use clearspan_model::ErrorKind;

use super::disk::{self, Disk};
use super::log::RecordKind;
use super::{paths, record};
use crate::Result;
use crate::error::Context;
use crate::schema::deletions::{decode_tombstones, encode_tombstones};
use crate::tombstones::Tombstones;

const NAME: &str = "clearspan-tombstones";
const VERSION: u32 = 1;

/// Writes the file of this number; it is durable when this returns.
pub(super) fn store(disk: &dyn Disk, data_dir: &Path, number: u64, tombstones: &Tombstones) -> Result<()> {
    let payload = record::to_payload(&encode_tombstones(&tombstones.to_list()))?;
    let mut bytes = format!("{NAME} {VERSION} {:08x}\n", crc32fast::hash(&payload)).into_bytes();
    bytes.extend_from_slice(&payload);
    disk::replace(disk, &paths::tombstones_file(data_dir, number), &bytes)
        .context(ErrorKind::Unavailable, || "writing the tombstones".into())
}

/// Reads the file of this number.
pub(super) fn load(disk: &dyn Disk, data_dir: &Path, number: u64) -> Result<Tombstones> {
    let path = paths::tombstones_file(data_dir, number);
    let reading = || format!("reading {}", path.display());
    let bytes = disk::read(disk, &path).context(ErrorKind::Corrupt, reading)?;
    let payload = check(&bytes).context(ErrorKind::Corrupt, reading)?;
    let batch = record::decode(RecordKind::Deletions, payload)?;
    Ok(decode_tombstones(&batch, 0)?.iter().collect())
}

/// Removes every file but the one of this number.
pub(super) fn remove_others(disk: &dyn Disk, data_dir: &Path, kept: Option<u64>) -> Result<()> {
    let failed = || "removing old tombstones".to_owned();
    let numbers = paths::tombstones_numbers(disk, data_dir).context(ErrorKind::Unavailable, failed)?;
    for number in numbers.into_iter().filter(|number| Some(*number) != kept) {
        disk.remove(&paths::tombstones_file(data_dir, number)).context(ErrorKind::Unavailable, failed)?;
    }
    Ok(())
}

/// The payload, when its checksum holds.
fn check(bytes: &[u8]) -> io::Result<&[u8]> {
    let bad = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let newline = bytes.iter().position(|b| *b == b'\n').ok_or_else(|| bad("there is no header".into()))?;
    let (header, payload) = (String::from_utf8_lossy(&bytes[..newline]), &bytes[newline + 1..]);
    let words: Vec<&str> = header.split(' ').collect();
    let [NAME, version, crc] = words.as_slice() else { return Err(bad("there is no header".into())) };
    let version: u32 = version.parse().map_err(|_| bad("its version is no number".into()))?;
    if version > VERSION {
        return Err(bad(format!("it has format {version}; this version reads up to {VERSION}")));
    }
    if u32::from_str_radix(crc, 16).ok() != Some(crc32fast::hash(payload)) {
        return Err(bad("its checksum does not match".into()));
    }
    Ok(payload)
}
