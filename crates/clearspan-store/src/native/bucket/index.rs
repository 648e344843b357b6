//! Copies of search indexes in the bucket, so that a new machine need not read all segments to build them again.
//!
//! ```text
//! <prefix>/search/<segment number>/index             see `search`; uploaded last, removed first
//! <prefix>/search/<segment number>/part-<n>/<file>
//! ```
//!
//! A copy counts as little as an index does: it is used when its checksums hold, and built again when not.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::remote::Remote;
use crate::native::disk::DiskRef;

const FOLDER: &str = "search";
const MARKER: &str = "index";

/// The folders of copies that are in the bucket, as far as this server can know: it asked when it claimed the bucket, and
/// nobody else changes them.
#[derive(Debug, Default)]
pub(super) struct Copies(Mutex<BTreeSet<String>>);

impl Copies {
    /// See [`keep`]. Only the copy of an index that is built anew has to be asked for what was left of the one before.
    pub(super) fn keep(&self, local: &DiskRef, remote: &Remote, dir: &Path) -> io::Result<()> {
        let is_new = self.0.lock().insert(folder_of(dir));
        if is_new { upload(local, remote, dir).map(drop) } else { keep(local, remote, dir) }
    }

    /// See [`fetch`].
    pub(super) fn fetch(&self, remote: &Remote, dir: &Path, to: &Path) -> io::Result<bool> {
        if self.0.lock().contains(&folder_of(dir)) { fetch(remote, dir, to) } else { Ok(false) }
    }

    /// Removes the copy of an index.
    pub(super) fn remove(&self, remote: &Remote, dir: &Path) -> io::Result<()> {
        let folder = folder_of(dir);
        if self.0.lock().contains(&folder) {
            drop_copy(remote, dir)?;
            self.0.lock().remove(&folder);
        }
        Ok(())
    }
}

fn folder_of(dir: &Path) -> String {
    format!("{FOLDER}/{}", dir.file_name().unwrap_or_default().to_string_lossy())
}

/// Uploads a finished index, in place of the copy of one that was built before.
pub(super) fn keep(local: &DiskRef, remote: &Remote, dir: &Path) -> io::Result<()> {
    let names = upload(local, remote, dir)?;
    let folder = folder_of(dir);
    for (name, _) in remote.list(&folder)? {
        if !names.contains(&name) {
            remote.remove(&format!("{folder}/{name}"))?;
        }
    }
    Ok(())
}

/// Returns the names of what was uploaded.
fn upload(local: &DiskRef, remote: &Remote, dir: &Path) -> io::Result<Vec<String>> {
    let folder = folder_of(dir);
    let mut names = files(dir)?;
    names.sort_by_key(|name| name == MARKER);
    for name in &names {
        remote.upload(&format!("{folder}/{name}"), local.open(&dir.join(name))?)?;
    }
    Ok(names)
}

/// Fetches the copy of an index to an empty folder. False when there is none.
fn fetch(remote: &Remote, dir: &Path, to: &Path) -> io::Result<bool> {
    let folder = folder_of(dir);
    let objects = remote.list(&folder)?;
    if !objects.iter().any(|(name, _)| name == MARKER) {
        return Ok(false);
    }
    for (name, bytes) in objects {
        let path = to.join(&name);
        fs::create_dir_all(path.parent().expect("it lies in the folder"))?;
        remote.fetch(&format!("{folder}/{name}"), bytes, &mut File::create(&path)?)?;
    }
    Ok(true)
}

fn drop_copy(remote: &Remote, dir: &Path) -> io::Result<()> {
    let folder = folder_of(dir);
    // Without it the rest means nothing.
    remote.remove(&format!("{folder}/{MARKER}"))?;
    for (name, _) in remote.list(&folder)? {
        remote.remove(&format!("{folder}/{name}"))?;
    }
    Ok(())
}

/// Removes the copies of indexes that belong to no segment, and returns the others.
pub(super) fn remove_orphans(remote: &Remote, is_segment: impl Fn(u64) -> bool) -> io::Result<Copies> {
    let mut copies = BTreeSet::new();
    for (name, _) in remote.list(FOLDER)? {
        let Some((folder, _)) = name.split_once('/') else { continue };
        if folder.parse().is_ok_and(|number| !is_segment(number)) {
            remote.remove(&format!("{FOLDER}/{name}"))?;
        } else {
            copies.insert(format!("{FOLDER}/{folder}"));
        }
    }
    Ok(Copies(Mutex::new(copies)))
}

/// The files below a folder, by their names in it.
fn files(dir: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(dir.join(&folder))? {
            let entry = entry?;
            let name = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(name);
            } else {
                files.push(name.to_string_lossy().into_owned());
            }
        }
    }
    Ok(files)
}
