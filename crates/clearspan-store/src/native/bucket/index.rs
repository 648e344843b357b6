//! Copies of search indexes in the bucket, so that a new machine need not read all segments to build them again.
//!
//! ```text
//! <prefix>/search/<segment number>/index             see `search`; uploaded last, removed first
//! <prefix>/search/<segment number>/part-<n>/<file>
//! ```
//!
//! A copy counts as little as an index does: it is used when its checksums hold, and built again when not.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::remote::Remote;
use crate::native::disk::DiskRef;

const FOLDER: &str = "search";
const MARKER: &str = "index";

fn folder_of(dir: &Path) -> String {
    format!("{FOLDER}/{}", dir.file_name().unwrap_or_default().to_string_lossy())
}

/// Uploads a finished index, in place of the copy of one that was built before.
pub(super) fn keep(local: &DiskRef, remote: &Remote, dir: &Path) -> io::Result<()> {
    let folder = folder_of(dir);
    let mut names = files(dir)?;
    names.sort_by_key(|name| name == MARKER);
    for name in &names {
        remote.upload(&format!("{folder}/{name}"), local.open(&dir.join(name))?)?;
    }
    for (name, _) in remote.list(&folder)? {
        if !names.contains(&name) {
            remote.remove(&format!("{folder}/{name}"))?;
        }
    }
    Ok(())
}

/// Fetches the copy of an index to an empty folder. False when there is none.
pub(super) fn fetch(remote: &Remote, dir: &Path, to: &Path) -> io::Result<bool> {
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

/// Removes the copy of an index.
pub(super) fn drop_copy(remote: &Remote, dir: &Path) -> io::Result<()> {
    let folder = folder_of(dir);
    // Without it the rest means nothing.
    remote.remove(&format!("{folder}/{MARKER}"))?;
    for (name, _) in remote.list(&folder)? {
        remote.remove(&format!("{folder}/{name}"))?;
    }
    Ok(())
}

/// Removes the copies of indexes that belong to no segment.
pub(super) fn remove_orphans(remote: &Remote, is_segment: impl Fn(u64) -> bool) -> io::Result<()> {
    for (name, _) in remote.list(FOLDER)? {
        let number = name.split_once('/').and_then(|(number, _)| number.parse().ok());
        if number.is_some_and(|number| !is_segment(number)) {
            remote.remove(&format!("{FOLDER}/{name}"))?;
        }
    }
    Ok(())
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
