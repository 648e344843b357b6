//! Files that belong to runs: kept once by their content, read by signed addresses.
//!
//! A file stands at `attachments/<two digits>/<SHA-256>` in the data folder. It is written under a temporary name, synced,
//! renamed, and its folder synced, before the run that lists it is acknowledged; so a run never lists what is not there.
//! Nothing that a client says becomes part of a path. Everything here blocks.
//!
//! A file that no run and no example lists any more is removed by `upkeep`, unless it came, or came again, a short while ago:
//! its run may be on its way.
//!
//! An address is valid for an hour, for whoever has it: the SDKs fetch it without a key. The secret that signs is made on
//! first use and never leaves the folder.

mod check;
mod link;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clearspan_model::UnixNanos;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::clock::Clock;

pub(crate) use check::{ADVICE, Checked, check_all, checked};
pub(crate) use link::Link;

/// Their folder in the data folder.
const FOLDER: &str = "attachments";

/// Where the files are.
#[derive(Debug)]
pub(crate) struct Attachments {
    dir: PathBuf,
    secret: [u8; 32],
    /// Held while a file is found to be there and while one is removed, so that no run lists one that goes.
    changing: Mutex<()>,
}

/// What a file is called by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ContentHash([u8; 32]);

impl ContentHash {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(pair).ok()?;
            // A sign would be taken as well.
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Attachments {
    /// Opens the folder; what an earlier process left half written goes.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let dir = data_dir.join(FOLDER);
        let unfinished = dir.join("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir_all(&unfinished)?;
        let secret = link::load_or_make_secret(&dir)?;
        Ok(Self { dir, secret, changing: Mutex::default() })
    }

    /// The folder of all data.
    pub(crate) fn data_dir(&self) -> &Path {
        self.dir.parent().unwrap_or(Path::new("."))
    }

    /// A file to be written.
    pub(crate) fn begin(&self) -> io::Result<Unfinished> {
        let path = self.dir.join("unfinished").join(uuid::Uuid::new_v4().to_string());
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Unfinished { file, path, hasher: Sha256::new(), bytes: 0, is_kept: false })
    }

    /// Keeps a file that was written completely.
    pub(crate) fn keep(&self, mut unfinished: Unfinished) -> io::Result<(ContentHash, u64)> {
        let hash = ContentHash(std::mem::take(&mut unfinished.hasher).finalize().into());
        let path = self.path(&hash);
        if self.renew(&path) && self.is_sound(&hash) {
            return Ok((hash, unfinished.bytes));
        }
        let folder = path.parent().expect("it is in a folder of its own");
        if !folder.exists() {
            fs::create_dir_all(folder)?;
            sync_folder(&self.dir)?;
        }
        unfinished.file.sync_all()?;
        {
            let _changing = self.changing.lock();
            fs::rename(&unfinished.path, &path)?;
        }
        unfinished.is_kept = true;
        sync_folder(folder)?;
        Ok((hash, unfinished.bytes))
    }

    /// Makes a file that is there count as new. False where there is none, or where it cannot be made to.
    fn renew(&self, path: &Path) -> bool {
        let _changing = self.changing.lock();
        let file = OpenOptions::new().append(true).open(path);
        file.and_then(|file| file.set_modified(system_time(Clock::default().now()))).is_ok()
    }

    /// Whether a file is there with the content that it should have. One that is not is written again by who sends it again.
    fn is_sound(&self, hash: &ContentHash) -> bool {
        let is_sound = check::compare(&self.path(hash), hash, &mut |_| ControlFlow::Continue(()));
        is_sound.unwrap_or(false)
    }

    /// The files that came before a time, and did not come again since.
    pub(crate) fn older_than(&self, time: UnixNanos) -> io::Result<Vec<ContentHash>> {
        let mut old = Vec::new();
        for folder in entries(&self.dir)?.into_iter().filter(|folder| folder.len() == 2) {
            for name in entries(&self.dir.join(folder))? {
                let Some(hash) = ContentHash::parse(&name) else { continue };
                if self.is_older(&hash, time)? {
                    old.push(hash);
                }
            }
        }
        Ok(old)
    }

    /// Removes a file, unless it came again since that time. Whether there was one to remove.
    pub(crate) fn remove(&self, hash: &ContentHash, older_than: UnixNanos) -> io::Result<bool> {
        let _changing = self.changing.lock();
        if !self.is_older(hash, older_than)? {
            return Ok(false);
        }
        fs::remove_file(self.path(hash))?;
        Ok(true)
    }

    fn is_older(&self, hash: &ContentHash, time: UnixNanos) -> io::Result<bool> {
        match fs::metadata(self.path(hash)) {
            Ok(metadata) => Ok(metadata.modified()? < system_time(time)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(err) => Err(err),
        }
    }

    /// The file with this content, unless the disk damaged it: see [`checked`].
    pub(crate) fn read(&self, hash: &ContentHash) -> io::Result<File> {
        File::open(self.path(hash))
    }

    /// The files of a data folder, by their places in it. What is being written is not among them, nor is the secret.
    pub(crate) fn paths_in(data_dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for folder in entries(&data_dir.join(FOLDER))? {
            if folder.len() == 2 {
                let names = entries(&data_dir.join(FOLDER).join(&folder))?;
                let of_files = names.into_iter().filter(|name| ContentHash::parse(name).is_some());
                paths.extend(of_files.map(|name| Path::new(FOLDER).join(&folder).join(name)));
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn path(&self, hash: &ContentHash) -> PathBuf {
        let name = hash.to_string();
        let (folder, _) = name.split_at(2);
        self.dir.join(folder).join(&name)
    }
}

fn system_time(time: UnixNanos) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(time.as_nanos()).unwrap_or_default())
}

/// The names in a folder; none when it does not exist.
fn entries(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(err),
    };
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string()));
    // Ours are all ASCII.
    Ok(names.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A file while it is written; it goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Unfinished {
    file: File,
    path: PathBuf,
    hasher: Sha256,
    bytes: u64,
    is_kept: bool,
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        let taken = bytes.get(..written).unwrap_or_default();
        self.hasher.update(taken);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_kept {
            // The next start removes what cannot be removed now.
            let _gone = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests;
