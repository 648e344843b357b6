//! Making a bucket this server's: what has to be true before, and what is known then.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use clearspan_model::ErrorKind;
use uuid::Uuid;

use super::home::{self, Home, Log};
use super::manifests::{self, Manifests, Numbered, is_fenced};
use super::remote::{Remote, is_unreachable};
use super::{Object, SEGMENTS, index, list};
use crate::error::Context;
use crate::native::disk::Disk;
use crate::native::manifest::Claim;
use crate::native::paths;
use crate::{Error, Result};

/// A server that is running may make a manifest between two steps of a claim: so often it begins again.
const ATTEMPTS: u32 = 5;

/// A bucket that is this server's.
pub(super) struct Claimed {
    pub(super) manifests: Manifests,
    pub(super) claim: Claim,
    /// What is in it.
    pub(super) known: BTreeMap<Object, u64>,
    pub(super) copies: index::Copies,
    pub(super) home: Home,
    /// Whether this folder's server was the last to claim it, before now.
    pub(super) is_newest: bool,
    /// Whether this folder was used with the same bucket before.
    pub(super) had_bucket: bool,
}

/// Claims a bucket for a data folder, whose log must be its own.
pub(super) fn claim(data_dir: &Path, local: &dyn Disk, remote: &Remote) -> Result<Claimed> {
    refuse_local_runs(local, data_dir, remote)?;
    let preparing = || format!("preparing {}", data_dir.display());
    let staging = paths::segment_dir(data_dir);
    for dir in [&paths::log_dir(data_dir), &staging] {
        local.make_dir(dir).context(ErrorKind::Unavailable, preparing)?;
    }
    // Uploads that a crash broke off. Nothing else is in here.
    for name in local.list(&staging).context(ErrorKind::Unavailable, preparing)? {
        local.remove(&staging.join(name)).context(ErrorKind::Unavailable, preparing)?;
    }
    take(data_dir, local, remote)
}

/// The same whatever segments the folder has itself.
pub(super) fn take(data_dir: &Path, local: &dyn Disk, remote: &Remote) -> Result<Claimed> {
    let mut attempt = 1;
    loop {
        match try_claim(data_dir, local, remote) {
            Err(err) if is_fenced(&err) && attempt < ATTEMPTS => attempt += 1,
            claimed => return claimed,
        }
    }
}

fn try_claim(data_dir: &Path, local: &dyn Disk, remote: &Remote) -> Result<Claimed> {
    let opening = || format!("opening {}", remote.name());
    let before = manifests::newest(remote).map_err(|err| opening_failed(remote, err))?;
    let known = list(remote).map_err(|err| opening_failed(remote, err))?;
    if before.is_none() && known.keys().any(|(folder, _)| *folder == SEGMENTS) {
        let what = format!("{} has segments but no manifest; restore it", remote.name());
        return Err(Error::new(ErrorKind::Corrupt, what));
    }
    let old = before.as_ref().and_then(|before| before.manifest.claim.clone());
    let home = Home::load(local, data_dir).context(ErrorKind::Corrupt, opening)?;
    let log = home::compare(local, data_dir, home.as_ref(), old.as_ref());
    let log = log.context(ErrorKind::Corrupt, opening)?;
    refuse_foreign_log(data_dir, remote, &log)?;
    if log == Log::Empty && home.is_some() {
        // Everything in it is in the bucket.
        home::remove_log(local, data_dir).context(ErrorKind::Unavailable, opening)?;
    }

    let claim = Claim {
        bucket: old.as_ref().map_or_else(new_name, |old| old.bucket.clone()),
        epoch: old.as_ref().map_or(0, |old| old.epoch) + 1,
        server: new_name(),
    };
    let had_bucket = home.as_ref().is_some_and(|home| home.bucket == claim.bucket);
    let is_newest = log == Log::Ours;
    let mut home = home.filter(|_| is_newest).unwrap_or_else(|| Home {
        bucket: claim.bucket.clone(),
        servers: Vec::new(),
        applied_seq: 0,
    });
    home.servers.push(claim.server.clone());
    home.store(local, data_dir).context(ErrorKind::Unavailable, opening)?;
    let segments: Vec<u64> = before.iter().flat_map(Numbered::segments).collect();
    let manifests = Manifests::claim(remote, before, claim.clone());
    let manifests = manifests.map_err(|err| opening_failed(remote, err))?;
    let copies = index::remove_orphans(remote, |number| segments.contains(&number))
        .map_err(|err| opening_failed(remote, err))?;
    home.servers = vec![claim.server.clone()];
    home.store(local, data_dir).context(ErrorKind::Unavailable, opening)?;
    tracing::info!(store = remote.name(), claim = claim.epoch, "claimed the bucket");
    Ok(Claimed { manifests, claim, known, copies, home, is_newest, had_bucket })
}

pub(super) fn new_name() -> String {
    Uuid::new_v4().simple().to_string()
}

pub(super) fn opening_failed(remote: &Remote, err: io::Error) -> Error {
    if err.kind() == io::ErrorKind::NotFound {
        let what = format!("opening {}: is there such a bucket?", remote.name());
        return Error::caused(ErrorKind::InvalidInput, what, err);
    }
    let kind = if is_unreachable(&err) { ErrorKind::Unavailable } else { ErrorKind::Corrupt };
    Error::caused(kind, format!("opening {}", remote.name()), err)
}

/// A folder that has segments of its own holds data that the bucket does not have.
fn refuse_local_runs(local: &dyn Disk, data_dir: &Path, remote: &Remote) -> Result<()> {
    let looking = || format!("looking into {}", data_dir.display());
    let (manifest, segments) = (paths::manifest_file(data_dir), paths::segment_dir(data_dir));
    let has_manifest = local.exists(&manifest).context(ErrorKind::Unavailable, looking)?;
    let has_segments = local.exists(&segments).context(ErrorKind::Unavailable, looking)?
        && !paths::segment_numbers(local, &segments).context(ErrorKind::Unavailable, looking)?.is_empty();
    if !has_manifest && !has_segments {
        return Ok(());
    }
    if local.exists(&home::file(data_dir)).context(ErrorKind::Unavailable, looking)? {
        return Err(unfinished_move(data_dir));
    }
    // Without an answer the rest is true all the same.
    let sent = remote.list(SEGMENTS).map_or(0, |sent| sent.len());
    let is_unfinished = sent > 0 && matches!(manifests::newest(remote), Ok(None));
    let (dir, name) = (data_dir.display(), remote.name());
    let what = if is_unfinished {
        format!(
            "a move of the segments of {dir} to {name} was not finished: {sent} files are there, and nothing is missing here; \
             run `clearspan move` once more with the same settings, or start without an object store"
        )
    } else {
        format!(
            "the data folder {dir} keeps its segments itself; `clearspan move` brings them to {name}. Or choose an empty folder, \
             or start without an object store"
        )
    };
    Err(Error::new(ErrorKind::Conflict, what))
}

/// A folder with segments of its own that belongs to a bucket as well.
pub(super) fn unfinished_move(data_dir: &Path) -> Error {
    let what = format!(
        "a move of the segments of {} to or from an object store was not finished, and nothing is lost; run `clearspan move` with the \
         --object-store of that move and the same settings once more to end with everything there, or `clearspan move --back` to \
         end with everything here",
        data_dir.display()
    );
    Error::new(ErrorKind::Conflict, what)
}

fn refuse_foreign_log(data_dir: &Path, remote: &Remote, log: &Log) -> Result<()> {
    let (dir, name) = (data_dir.display(), remote.name());
    let what = match log {
        Log::Ours | Log::Empty => return Ok(()),
        Log::Foreign => format!(
            "the log in {dir} does not belong to {name}; start with the object store that it was written with, or \
             with an empty data folder"
        ),
        Log::LeftBehind { records } => format!(
            "another server has taken over {name} since {dir} was used, and {records} records of the log there \
             never reached it; start with an empty data folder, and keep this one"
        ),
    };
    Err(Error::new(ErrorKind::Conflict, what))
}
