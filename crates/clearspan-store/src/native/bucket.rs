//! Segments in an object store: a [`Disk`] that keeps the log on the local disk and what never changes in a bucket.
//!
//! ```text
//! <prefix>/manifests/<number>      see `manifests`
//! <prefix>/segments/<file>         as in `runs/segments` of a data folder
//! <prefix>/tombstones/<file>       as in `runs`
//! <prefix>/catalog/<claim>         a copy of the catalog, one for each claim
//! <prefix>/search/<segment>/…      copies of search indexes
//! <prefix>/probe                   written to find out whether that works
//! ```
//!
//! The rest of the engine knows nothing of it. What it writes goes to a local file under a temporary name; when it gives
//! the file its own name, the file is uploaded. The manifest is written after the files that it names, as on a disk. Reads
//! go through a cache ([`cache`]), and every byte is compared with the checksums of its file, wherever it comes from.
//!
//! Which server writes: see [`manifests`]. Which log belongs to it: see [`home`]. What happens while the store cannot be
//! reached: see [`remote`], and [`super::postponed`] for what arrives meanwhile.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clearspan_model::ErrorKind;
use parking_lot::{Mutex, RwLock};

use self::cache::Cache;
use self::claim::Claimed;
use self::file::{MemoryFile, ObjectFile};
use self::home::Home;
use self::manifests::Manifests;
use self::remote::Remote;
use super::disk::{Disk, DiskRef, ReadFile, RealDisk, Space, WriteFile};
use super::manifest::Manifest;
use super::paths;
use crate::error::Context;
use crate::{Error, Result};

mod cache;
mod catalog;
mod claim;
mod connect;
mod file;
mod home;
mod index;
mod manifests;
mod moving;
mod remote;
#[cfg(test)]
mod tests;

pub use self::catalog::{CatalogFile, CopyCatalog};
pub use self::connect::BucketAddress;
pub(crate) use self::manifests::is_fenced;
pub use self::moving::{MoveProgress, Moved, move_from_bucket, move_to_bucket};
pub use self::remote::is_unreachable;
pub(crate) use self::remote::{not_now, still_busy};

const SEGMENTS: &str = "segments";
const TOMBSTONES: &str = "tombstones";
/// Everything that may be directly below the prefix.
const OURS: [&str; 6] = ["manifests", SEGMENTS, TOMBSTONES, "catalog", "search", "probe"];

/// How a store uses a bucket.
#[derive(Debug, Clone)]
pub struct BucketConfig {
    /// Where it is.
    pub address: BucketAddress,
    /// Bytes of the local read cache at most. Zero keeps nothing.
    pub cache_bytes: u64,
    /// The catalog, of which a copy is kept in the bucket.
    pub catalog: Option<CatalogFile>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct BucketDisk {
    local: DiskRef,
    data_dir: PathBuf,
    segment_dir: PathBuf,
    runs_dir: PathBuf,
    remote: Arc<Remote>,
    cache: Arc<Cache>,
    manifests: Option<Manifests>,
    /// The manifest, when it is only looked at.
    seen: Option<Vec<u8>>,
    /// Every object that a file stands for, with its size. Only this server changes them.
    known: RwLock<BTreeMap<Object, u64>>,
    home: Mutex<Home>,
    /// The copies of search indexes.
    copies: index::Copies,
    catalog: Option<catalog::Keeper>,
}

/// An object: its folder and its name.
type Object = (&'static str, String);

/// Where a file is.
enum Place {
    Local,
    Manifest,
    Object(Object),
}

impl BucketDisk {
    /// Claims a bucket for a data folder, whose log must be its own.
    pub(crate) fn claim(data_dir: &Path, local: DiskRef, config: &BucketConfig) -> Result<Self> {
        let remote = connect::connect_for(data_dir, &config.address)?;
        Self::claim_remote(data_dir, local, remote, config)
    }

    fn claim_remote(data_dir: &Path, local: DiskRef, remote: Remote, config: &BucketConfig) -> Result<Self> {
        let claimed = claim::claim(data_dir, &*local, &remote)?;
        Self::claimed(claimed, data_dir, local, remote, config)
    }

    /// With a bucket that is this folder's.
    fn claimed(
        claimed: Claimed,
        data_dir: &Path,
        local: DiskRef,
        remote: Remote,
        config: &BucketConfig,
    ) -> Result<Self> {
        let Claimed { manifests, claim, known, copies, home, is_newest, had_bucket } = claimed;
        let catalog = config.catalog.clone();
        let catalog = catalog.map(|file| catalog::Keeper::open(&*local, &remote, file, &claim, is_newest));
        let catalog = catalog.transpose().map_err(|err| claim::opening_failed(&remote, err))?;
        // What another bucket left has the same names.
        let is_known = |name: &str| had_bucket && known.keys().any(|(_, known)| known == name);
        let dir = paths::cache_dir(data_dir);
        let cache = Cache::open(Arc::clone(&local), dir, config.cache_bytes, is_known);
        let cache = cache.context(ErrorKind::Unavailable, || "opening the cache".into())?;
        Ok(Self {
            manifests: Some(manifests),
            catalog,
            copies,
            ..Self::new(data_dir, local, remote, cache, known, home)
        })
    }

    /// Looks at a bucket without claiming it. Nothing is written and nothing kept.
    pub(crate) fn look(data_dir: &Path, local: DiskRef, config: &BucketConfig) -> Result<Self> {
        let remote = connect::connect_for(data_dir, &config.address)?;
        let newest = manifests::newest(&remote).map_err(|err| claim::opening_failed(&remote, err))?;
        let known = list(&remote).map_err(|err| claim::opening_failed(&remote, err))?;
        let cache = Cache::off(Arc::clone(&local), paths::cache_dir(data_dir));
        let home = Home { bucket: String::new(), servers: Vec::new(), applied_seq: 0 };
        Ok(Self {
            seen: newest.map(|newest| newest.manifest.to_bytes()),
            ..Self::new(data_dir, local, remote, cache, known, home)
        })
    }

    fn new(
        data_dir: &Path,
        local: DiskRef,
        remote: Remote,
        cache: Cache,
        known: BTreeMap<Object, u64>,
        home: Home,
    ) -> Self {
        Self {
            local,
            data_dir: data_dir.to_owned(),
            segment_dir: paths::segment_dir(data_dir),
            runs_dir: paths::runs_dir(data_dir),
            remote: Arc::new(remote),
            cache: Arc::new(cache),
            manifests: None,
            seen: None,
            known: RwLock::new(known),
            home: Mutex::new(home),
            copies: index::Copies::default(),
            catalog: None,
        }
    }

    fn place(&self, path: &Path) -> Place {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let folder = path.parent();
        let is_temporary = name.ends_with("tmp");
        if is_temporary {
            return Place::Local;
        }
        if folder == Some(&self.segment_dir) {
            return Place::Object((SEGMENTS, name.into_owned()));
        }
        if folder == Some(&self.runs_dir) && name == "manifest" {
            return Place::Manifest;
        }
        if folder == Some(&self.runs_dir) && name.starts_with("tombstones-") {
            return Place::Object((TOMBSTONES, name.into_owned()));
        }
        Place::Local
    }

    fn manifest(&self) -> Option<Vec<u8>> {
        self.manifests.as_ref().map(Manifests::bytes).or_else(|| self.seen.clone())
    }

    /// Makes the manifest that lies in a local file the one that counts.
    fn store_manifest(&self, from: &Path) -> io::Result<()> {
        let manifests = self.manifests.as_ref().ok_or_else(read_only)?;
        let bytes = super::disk::read(&*self.local, from)?;
        let applied_seq = Manifest::parse(&bytes)?.applied_seq;
        manifests.store(&self.remote, bytes)?;
        // What it says of the log must be known when the bucket is somebody else's one day.
        let mut home = self.home.lock();
        home.applied_seq = applied_seq;
        if let Err(err) = home.store(&*self.local, &self.data_dir) {
            tracing::warn!(error = %err, "the log does not say how much of it is in the bucket");
        }
        // It was read to the end; what stays of it is emptied by the next one.
        let _removed = self.local.remove(from);
        Ok(())
    }

    fn upload(&self, from: &Path, object: Object) -> io::Result<()> {
        if self.manifests.is_none() {
            return Err(read_only());
        }
        let file = self.local.open(from)?;
        let bytes = file.len();
        self.remote.upload(&key(&object), file)?;
        self.cache.take_whole(&object.1, from, bytes);
        self.known.write().insert(object, bytes);
        Ok(())
    }
}

impl Disk for BucketDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        self.local.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        let object = match self.place(path) {
            Place::Local => return self.local.open(path),
            Place::Manifest => {
                return Ok(Arc::new(MemoryFile(self.manifest().ok_or_else(|| missing("manifest"))?)));
            }
            Place::Object(object) => object,
        };
        let bytes = self.known.read().get(&object).copied().ok_or_else(|| missing(&key(&object)))?;
        let whole = Mutex::new(self.cache.whole(&object.1).filter(|whole| whole.file.len() == bytes));
        let (remote, cache) = (Arc::clone(&self.remote), Arc::clone(&self.cache));
        Ok(Arc::new(ObjectFile { remote, cache, key: key(&object), name: object.1, bytes, whole }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.place(to) {
            Place::Local => self.local.rename(from, to),
            Place::Manifest => self.store_manifest(from),
            Place::Object(object) => self.upload(from, object),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let Place::Object(object) = self.place(path) else { return self.local.remove(path) };
        self.cache.forget(&object.1);
        if self.manifests.is_none() {
            return Err(read_only());
        }
        if !self.known.read().contains_key(&object) {
            return Err(missing(&key(&object)));
        }
        self.remote.remove(&key(&object))?;
        self.known.write().remove(&object);
        Ok(())
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.local.truncate(path, len)
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.local.make_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // An object is durable when its upload has ended.
        if dir == self.segment_dir { Ok(()) } else { self.local.sync_dir(dir) }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let folder = if dir == self.segment_dir {
            SEGMENTS
        } else if dir == self.runs_dir {
            TOMBSTONES
        } else {
            return self.local.list(dir);
        };
        let known = self.known.read();
        Ok(known.keys().filter(|object| object.0 == folder).map(|object| object.1.clone().into()).collect())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        match self.place(path) {
            Place::Local => self.local.exists(path),
            Place::Manifest => Ok(self.manifest().is_some()),
            Place::Object(object) => Ok(self.known.read().contains_key(&object)),
        }
    }

    fn space(&self, dir: &Path) -> io::Result<Space> {
        self.local.space(dir)
    }

    fn is_at_hand(&self) -> bool {
        false
    }

    fn refetch(&self, path: &Path) -> bool {
        matches!(self.place(path), Place::Object((_, name)) if self.cache.forget(&name))
    }

    fn check_readable(&self) -> io::Result<()> {
        self.remote.check_reads()
    }

    fn warning(&self) -> Option<String> {
        self.remote.warning()
    }

    fn keep_index(&self, dir: &Path) -> io::Result<()> {
        self.copies.keep(&self.local, &self.remote, dir)
    }

    fn fetch_index(&self, dir: &Path, to: &Path) -> io::Result<bool> {
        self.copies.fetch(&self.remote, dir, to)
    }

    fn drop_index(&self, dir: &Path) -> io::Result<()> {
        self.copies.remove(&self.remote, dir)
    }

    fn prepare_flush(&self) -> io::Result<()> {
        self.remote.check_writes()?;
        self.catalog.as_ref().map_or(Ok(()), |catalog| catalog.store(&*self.local, &self.remote))
    }
}

fn key((folder, name): &Object) -> String {
    format!("{folder}/{name}")
}

fn list(remote: &Remote) -> io::Result<BTreeMap<Object, u64>> {
    let mut known = BTreeMap::new();
    for folder in [SEGMENTS, TOMBSTONES] {
        known.extend(remote.list(folder)?.into_iter().map(|(name, bytes)| ((folder, name), bytes)));
    }
    Ok(known)
}

fn missing(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no {what} in the bucket"))
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "the bucket is only looked at")
}

/// A folder whose segments are in a bucket is useless without it.
pub(crate) fn refuse_bucket_folder(data_dir: &Path) -> Result<()> {
    if !home::file(data_dir).exists() {
        return Ok(());
    }
    let segments = paths::segment_numbers(&RealDisk, &paths::segment_dir(data_dir));
    if paths::manifest_file(data_dir).exists() || segments.is_ok_and(|segments| !segments.is_empty()) {
        return Err(claim::unfinished_move(data_dir));
    }
    let what = format!(
        "the segments of {} are in an object store; say which one with --object-store, or bring them back with `clearspan move --back`",
        data_dir.display()
    );
    Err(Error::new(ErrorKind::Conflict, what))
}
