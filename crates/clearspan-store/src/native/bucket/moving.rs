//! Moving what a data folder keeps itself into a bucket, and back.
//!
//! Nothing is removed before all of it was read back from where it went and compared with its checksums. The one step
//! that counts is making a manifest, in the bucket or in the folder: a move that breaks off before leaves everything
//! as it was, and after it only files that are superfluous. Between the two the folder has a manifest of its own *and* the name of a bucket
//! ([`home`]): no server takes it then, and the same command, or the way back, puts it right.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clearspan_model::ErrorKind;

use super::cache::Cache;
use super::home::{self, Home};
use super::manifests::{self, Manifests};
use super::remote::Remote;
use super::{BucketConfig, BucketDisk, OURS, Object, Place, catalog, claim, connect, index, key, list};
use crate::error::Context;
use crate::native::disk::{Disk, DiskRef, RealDisk};
use crate::native::manifest::{Claim, Manifest};
use crate::native::{backup, folder, paths, tombstone_file};
use crate::{Error, Result};

/// What a move of segments did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Files that are in their new place.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Objects and folders beside those that are ours, directly below the prefix.
    pub strangers: Vec<String>,
}

/// Called with the bytes that are in their new place and with those that shall be.
pub type MoveProgress<'a> = &'a mut dyn FnMut(u64, u64);

/// Moves the segments of a stopped server's data folder into a bucket, where nothing may be. The log and the attachments
/// stay in the folder.
pub fn move_to_bucket(dir: &Path, config: &BucketConfig, progress: MoveProgress<'_>) -> Result<Moved> {
    let Some(_lock) = folder::lock_to_look(dir)? else {
        return Err(nothing_to_move(dir));
    };
    to_remote(dir, RealDisk::shared(), connect::connect_for(dir, &config.address)?, config, progress)
}

/// Moves the segments in a bucket into the data folder of the stopped server that uses it. What is in the bucket stays, and
/// nothing uses it any more.
pub fn move_from_bucket(dir: &Path, config: &BucketConfig, progress: MoveProgress<'_>) -> Result<Moved> {
    let Some(_lock) = folder::lock_to_look(dir)? else {
        return Err(not_used(dir));
    };
    from_remote(dir, RealDisk::shared(), connect::connect_for(dir, &config.address)?, config, progress)
}

pub(super) fn to_remote(
    dir: &Path,
    local: DiskRef,
    remote: Remote,
    config: &BucketConfig,
    progress: MoveProgress<'_>,
) -> Result<Moved> {
    let failed = || format!("moving {} to {}", dir.display(), remote.name());
    let home = Home::load(&*local, dir).context(ErrorKind::Corrupt, failed)?;
    let before = manifests::newest(&remote).map_err(|err| claim::opening_failed(&remote, err))?;
    let strangers = strangers(&remote).map_err(|err| claim::opening_failed(&remote, err))?;
    if let Some(before) = before {
        let is_ours =
            before.manifest.claim.as_ref().zip(home.as_ref()).is_some_and(|(claim, home)| {
                claim.bucket == home.bucket && home.servers.contains(&claim.server)
            });
        if !is_ours {
            return Err(occupied(&remote, "has the runs of another data folder"));
        }
        // It broke off when only this was left, or there was nothing to do.
        let cleared = clear(dir, &local, &before.manifest, config);
        return Ok(Moved { strangers, ..cleared.context(ErrorKind::Unavailable, failed)? });
    }
    let manifest = Manifest::load(&*local, dir).context(ErrorKind::Corrupt, failed)?;
    if manifest.is_none() && home.is_some() {
        let what = format!("the segments of {} are in another object store", dir.display());
        return Err(Error::new(ErrorKind::Conflict, what));
    }
    if manifest.is_none() && !folder::holds_data_on(&*local, dir)? {
        return Err(nothing_to_move(dir));
    }
    let manifest = manifest.unwrap_or_default();
    verify(&local, dir, &manifest)?;

    let files = sizes(dir, &*local, &manifest).context(ErrorKind::Corrupt, failed)?;
    let disk = BucketDisk::for_moving(dir, &local, remote, &manifest);
    upload(&disk, &files, progress)?;
    *disk.known.write() = list(&disk.remote).map_err(|err| claim::opening_failed(&disk.remote, err))?;
    let disk = Arc::new(disk);
    let as_ref: DiskRef = Arc::clone(&disk) as DiskRef;
    verify(&as_ref, dir, &manifest).map_err(|err| came_back_wrong(&disk.remote, err))?;

    let failed = || format!("moving {} to {}", dir.display(), disk.remote.name());
    let epoch = manifests::first_epoch(manifest.next_segment);
    let claim = Claim { bucket: claim::new_name(), epoch, server: claim::new_name() };
    keep_beside(dir, &local, &disk.remote, &manifest, config, &claim)
        .context(ErrorKind::Unavailable, failed)?;
    let home = Home {
        bucket: claim.bucket.clone(),
        servers: vec![claim.server.clone()],
        applied_seq: manifest.applied_seq,
    };
    home.store(&*local, dir).context(ErrorKind::Unavailable, failed)?;
    let first = manifests::Numbered { number: 0, manifest };
    let held = Manifests::claim(&disk.remote, Some(first), claim);
    let held = held.map_err(|err| claim::opening_failed(&disk.remote, err))?;
    let manifest = Manifest::parse(&held.bytes()).context(ErrorKind::Internal, failed)?;
    let cleared = clear(dir, &local, &manifest, config).context(ErrorKind::Unavailable, failed)?;
    Ok(Moved { strangers, ..cleared })
}

pub(super) fn from_remote(
    dir: &Path,
    local: DiskRef,
    remote: Remote,
    config: &BucketConfig,
    progress: MoveProgress<'_>,
) -> Result<Moved> {
    let name = remote.name().to_owned();
    let failed = || format!("moving {name} to {}", dir.display());
    let is_home = local.exists(&home::file(dir)).context(ErrorKind::Unavailable, failed)?;
    if let Some(manifest) = Manifest::load(&*local, dir).context(ErrorKind::Corrupt, failed)? {
        if !is_home {
            let what = format!("the data folder {} keeps its segments itself", dir.display());
            return Err(Error::new(ErrorKind::Conflict, what));
        }
        // A move either way broke off here; the folder has everything.
        verify(&local, dir, &manifest)?;
        leave_bucket(dir, &local).context(ErrorKind::Unavailable, failed)?;
        let files = sizes(dir, &*local, &manifest).context(ErrorKind::Corrupt, failed)?;
        return Ok(moved(&files));
    }
    if !is_home {
        // To take the bucket over from the folder that uses it would strand what is only in that one's log.
        return Err(not_used(dir));
    }
    let strangers = strangers(&remote).map_err(|err| claim::opening_failed(&remote, err))?;
    // Nobody else writes to it from now on.
    let claimed = claim::take(dir, &*local, &remote)?;
    // Of a move that broke off before it counted: all of it is in the bucket.
    remove_segments(dir, &local).context(ErrorKind::Unavailable, failed)?;
    let disk = BucketDisk::claimed(claimed, dir, Arc::clone(&local), remote, config)?;
    let manifest = Manifest::load(&disk, dir).context(ErrorKind::Corrupt, failed)?.unwrap_or_default();
    let files = sizes(dir, &disk, &manifest).context(ErrorKind::Corrupt, failed)?;
    let mut meter = Meter::new(&files, progress);
    for (path, bytes) in &files {
        download(&disk, &dir.join(path), *bytes).context(ErrorKind::Unavailable, failed)?;
        meter.add(*bytes);
    }
    for folder in [paths::segment_dir(dir), paths::runs_dir(dir)] {
        local.sync_dir(&folder).context(ErrorKind::Unavailable, failed)?;
    }
    let manifest = Manifest { claim: None, ..manifest };
    verify(&local, dir, &manifest)?;
    manifest.store(&*local, dir).context(ErrorKind::Unavailable, failed)?;
    leave_bucket(dir, &local).context(ErrorKind::Unavailable, failed)?;
    Ok(Moved { strangers, ..moved(&files) })
}

/// What lies below the prefix and is not ours.
fn strangers(remote: &Remote) -> io::Result<Vec<String>> {
    let mut names = remote.list_top()?;
    names.retain(|name| !OURS.contains(&name.trim_end_matches('/')));
    Ok(names)
}

impl BucketDisk {
    /// One that reads what a manifest names before the bucket has it.
    fn for_moving(dir: &Path, local: &DiskRef, remote: Remote, manifest: &Manifest) -> Self {
        let cache = Cache::off(Arc::clone(local), paths::cache_dir(dir));
        let home = Home { bucket: String::new(), servers: Vec::new(), applied_seq: 0 };
        Self {
            seen: Some(manifest.to_bytes()),
            ..Self::new(dir, Arc::clone(local), remote, cache, BTreeMap::new(), home)
        }
    }

    fn object(&self, path: &Path) -> Object {
        match self.place(path) {
            Place::Object(object) => object,
            Place::Local | Place::Manifest => unreachable!("files of tables and tombstones are objects"),
        }
    }
}

/// Files by their places in the data folder, with their sizes.
type Files = BTreeMap<PathBuf, u64>;

/// All that a manifest names.
fn named(manifest: &Manifest) -> impl Iterator<Item = PathBuf> {
    let tombstones = manifest.tombstones.map(|number| paths::tombstones_file(Path::new(""), number));
    manifest.files().into_iter().chain(tombstones)
}

/// How large all of that is on a disk.
fn sizes(dir: &Path, disk: &dyn Disk, manifest: &Manifest) -> io::Result<Files> {
    named(manifest).map(|path| Ok((path.clone(), disk.open(&dir.join(path))?.len()))).collect()
}

fn moved(files: &Files) -> Moved {
    Moved { files: files.len(), bytes: files.values().sum(), strangers: Vec::new() }
}

/// Tells how far it is.
struct Meter<'a> {
    done: u64,
    all: u64,
    progress: MoveProgress<'a>,
}

impl<'a> Meter<'a> {
    fn new(files: &Files, progress: MoveProgress<'a>) -> Self {
        Self { done: 0, all: moved(files).bytes, progress }
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        (self.progress)(self.done, self.all);
    }
}

/// Sends what is not there. What a move that broke off has sent has its size, and is read back like all the rest.
fn upload(disk: &BucketDisk, files: &Files, progress: MoveProgress<'_>) -> Result<()> {
    let remote = &disk.remote;
    let there = list(remote).map_err(|err| claim::opening_failed(remote, err))?;
    let wanted: BTreeSet<Object> = files.keys().map(|path| disk.object(&disk.data_dir.join(path))).collect();
    if let Some(other) = there.keys().find(|object| !wanted.contains(object)) {
        return Err(occupied(remote, &format!("has {} of something else, and no manifest", key(other))));
    }
    let mut meter = Meter::new(files, progress);
    for (path, bytes) in files {
        let path = disk.data_dir.join(path);
        let object = disk.object(&path);
        if there.get(&object) != Some(bytes) {
            let sent = disk.local.open(&path).and_then(|file| remote.upload(&key(&object), file));
            sent.context(ErrorKind::Unavailable, || format!("sending {}", path.display()))?;
        }
        meter.add(*bytes);
    }
    Ok(())
}

/// Brings an object to the local disk, durably but for its name.
fn download(disk: &BucketDisk, path: &Path, bytes: u64) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut out = disk.local.create(&temporary)?;
    disk.remote.fetch(&key(&disk.object(path)), bytes, &mut out)?;
    out.sync()?;
    disk.local.rename(&temporary, path)
}

/// Copies of the catalog and of the search indexes: without the first nobody would find the runs if the folder were lost.
fn keep_beside(
    dir: &Path,
    local: &DiskRef,
    remote: &Remote,
    manifest: &Manifest,
    config: &BucketConfig,
    claim: &Claim,
) -> io::Result<()> {
    if let Some(file) = config.catalog.clone() {
        catalog::Keeper::open(&**local, remote, file, claim, true)?.store(&**local, remote)?;
    }
    for entry in &manifest.segments {
        let built = paths::segment_index(&paths::search_dir(dir), entry.number);
        if built.exists() {
            index::keep(local, remote, &built)?;
        }
    }
    Ok(())
}

/// Removes from a folder what its bucket has. The newest files become the cache.
fn clear(dir: &Path, local: &DiskRef, manifest: &Manifest, config: &BucketConfig) -> io::Result<Moved> {
    let own = paths::manifest_file(dir);
    if local.exists(&own)? {
        local.remove(&own)?;
        local.sync_dir(&paths::runs_dir(dir))?;
    }
    let names: BTreeSet<String> = named(manifest).map(|path| name_of(&path)).collect();
    let cache = Cache::open(Arc::clone(local), paths::cache_dir(dir), config.cache_bytes, |name| {
        names.contains(name)
    })?;
    let mut done = Moved { files: 0, bytes: 0, strangers: Vec::new() };
    for path in named(manifest) {
        let name = name_of(&path);
        let path = dir.join(path);
        if local.exists(&path)? {
            let bytes = local.open(&path)?.len();
            cache.take_whole(&name, &path, bytes);
            done.files += 1;
            done.bytes += bytes;
        }
    }
    remove_segments(dir, local)?;
    Ok(done)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Removes all files of tables and tombstones of a folder.
fn remove_segments(dir: &Path, local: &DiskRef) -> io::Result<()> {
    for number in paths::tombstones_numbers(&**local, dir)? {
        local.remove(&paths::tombstones_file(dir, number))?;
    }
    let segments = paths::segment_dir(dir);
    if local.exists(&segments)? {
        for name in local.list(&segments)? {
            local.remove(&segments.join(name))?;
        }
        local.sync_dir(&segments)?;
    }
    local.sync_dir(&paths::runs_dir(dir))
}

/// Makes a folder one that keeps everything itself.
fn leave_bucket(dir: &Path, local: &DiskRef) -> io::Result<()> {
    local.remove(&home::file(dir))?;
    local.sync_dir(&paths::log_dir(dir))?;
    // Its cache only takes room.
    let cache = paths::cache_dir(dir);
    for name in local.list(&cache).unwrap_or_default() {
        let _removed = local.remove(&cache.join(name));
    }
    Ok(())
}

fn verify(disk: &DiskRef, dir: &Path, manifest: &Manifest) -> Result<()> {
    backup::verify(disk, dir, manifest)?;
    manifest.tombstones.map_or(Ok(()), |number| tombstone_file::load(&**disk, dir, number).map(drop))
}

/// The data folder is sound; its copy is not.
fn came_back_wrong(remote: &Remote, err: Error) -> Error {
    if err.kind() != ErrorKind::Corrupt {
        return err;
    }
    let what = format!(
        "what came back from {} is not what was sent; nothing was moved: remove what is there, and try again",
        remote.name()
    );
    Error::caused(ErrorKind::Corrupt, what, err)
}

fn not_used(dir: &Path) -> Error {
    let what = format!(
        "the data folder {} was not used with this object store; choose the --data-dir of the server that uses it. Where that is \
         lost, start a server with the object store and an empty folder, stop it, and move back then",
        dir.display()
    );
    Error::new(ErrorKind::InvalidInput, what)
}

fn nothing_to_move(dir: &Path) -> Error {
    let what = format!(
        "there is nothing in {} to move; choose a --data-dir, or start a new server with the object store at once",
        dir.display()
    );
    Error::new(ErrorKind::InvalidInput, what)
}

fn occupied(remote: &Remote, why: &str) -> Error {
    let what = format!("{} {why}; choose an empty prefix", remote.name());
    Error::new(ErrorKind::Conflict, what)
}
