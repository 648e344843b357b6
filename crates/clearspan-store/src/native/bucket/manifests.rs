//! The manifests of a bucket: numbered objects that are only ever made, never replaced. The one with the greatest number
//! counts.
//!
//! ```text
//! <prefix>/manifests/<number>
//! ```
//!
//! To replace manifest `n` is to make `n + 1`, on the condition that nobody has made it: of two servers one wins. The
//! other one may be so far behind that `n + 1` was removed again, so whoever made a manifest looks whether there is a
//! greater one, and has lost if so.
//!
//! A server that starts *claims* the bucket: it makes a manifest that says nothing new but whose it is. From then on the
//! server before cannot make one, so nothing that it uploads counts; and because each claim has numbers of files of its
//! own ([`first_number`]), it cannot overwrite anything that counts either. Whoever finds out that the bucket was claimed is *fenced*: it
//! never writes again.

use std::fmt;
use std::io;
use std::sync::OnceLock;

use parking_lot::Mutex;

use super::remote::Remote;
use crate::native::manifest::{Claim, Manifest};

const FOLDER: &str = "manifests";
/// Old manifests that stay, for people.
const KEPT: u64 = 3;
/// Files that a server can number before it has to be started again.
const NUMBERS_PER_CLAIM: u64 = 100_000_000;
/// How often finding the newest manifest begins again when it was removed meanwhile.
const ATTEMPTS: u32 = 5;

/// Another server has claimed the bucket.
#[derive(Debug, Clone)]
pub(crate) struct Fenced(String);

impl fmt::Display for Fenced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fenced {}

/// Whether an error says that another server has claimed the bucket.
pub(crate) fn is_fenced(err: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(err);
    while let Some(err) = cause {
        if err
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .is_some_and(|inner| inner.is::<Fenced>())
        {
            return true;
        }
        cause = err.source();
    }
    false
}

/// The first number of a file that a server may use.
pub(super) fn first_number(claim: &Claim) -> u64 {
    claim.epoch * NUMBERS_PER_CLAIM + 1
}

/// The first claim of a bucket by whom this number is the next one: its files get greater ones.
pub(super) fn first_epoch(next: u64) -> u64 {
    next / NUMBERS_PER_CLAIM + 1
}

fn key(number: u64) -> String {
    format!("{FOLDER}/{number:016}")
}

fn numbers(remote: &Remote) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> =
        remote.list(FOLDER)?.iter().filter_map(|(name, _)| name.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// A manifest in the bucket.
#[derive(Debug, Clone)]
pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) manifest: Manifest,
}

impl Numbered {
    /// The numbers of its segments.
    pub(super) fn segments(&self) -> impl Iterator<Item = u64> + '_ {
        self.manifest.segments.iter().map(|entry| entry.number)
    }
}

/// The manifest that counts; `None` in an empty bucket.
pub(super) fn newest(remote: &Remote) -> io::Result<Option<Numbered>> {
    for _ in 0..ATTEMPTS {
        let Some(number) = numbers(remote)?.pop() else { return Ok(None) };
        match remote.get_all(&key(number)) {
            Ok(bytes) => return Ok(Some(Numbered { number, manifest: Manifest::parse(&bytes)? })),
            // A server that is running has just removed it.
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            Err(err) => return Err(err),
        }
    }
    Err(io::Error::other(
        "the manifest in the bucket changes too fast to be read; is a server writing to it?",
    ))
}

/// The manifests, for the server that has claimed the bucket.
#[derive(Debug)]
pub(super) struct Manifests {
    claim: Claim,
    held: Mutex<Held>,
    fenced: OnceLock<Fenced>,
}

#[derive(Debug)]
struct Held {
    number: u64,
    bytes: Vec<u8>,
}

impl Manifests {
    /// Makes the bucket this server's. `claim` must be new.
    pub(super) fn claim(remote: &Remote, before: Option<Numbered>, claim: Claim) -> io::Result<Self> {
        let (number, mut manifest) =
            before.map_or_else(Default::default, |before| (before.number, before.manifest));
        manifest.next_segment = manifest.next_segment.max(first_number(&claim));
        manifest.claim = Some(claim.clone());
        let held = Mutex::new(Held { number, bytes: Vec::new() });
        let manifests = Self { claim, held, fenced: OnceLock::new() };
        manifests.store(remote, manifest.to_bytes())?;
        manifests.prove_condition(remote)?;
        let number = manifests.held.lock().number;
        for old in numbers(remote)?.into_iter().filter(|old| old + KEPT < number) {
            remote.remove(&key(old))?;
        }
        Ok(manifests)
    }

    /// The manifest that counts.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.held.lock().bytes.clone()
    }

    /// Puts a manifest in the place of the one that counts. When this returns, it is durable.
    pub(super) fn store(&self, remote: &Remote, bytes: Vec<u8>) -> io::Result<()> {
        let mut held = self.held.lock();
        loop {
            if let Some(fenced) = self.fenced.get() {
                return Err(io::Error::other(fenced.clone()));
            }
            let number = held.number + 1;
            if remote.put_new(&key(number), &bytes)? {
                if let Some(newer) = numbers(remote)?.pop().filter(|newer| *newer > number) {
                    return Err(self.fence(remote, newer));
                }
                *held = Held { number, bytes };
                if number > KEPT {
                    // It only takes room; the next start removes it.
                    let _removed = remote.remove(&key(number - KEPT - 1));
                }
                return Ok(());
            }
            // Somebody has made it: this server, when an answer was lost, or another.
            let found = match remote.get_all(&key(number)) {
                Ok(found) => found.to_vec(),
                Err(err) if err.kind() == io::ErrorKind::NotFound => return Err(self.fence(remote, number)),
                Err(err) => return Err(err),
            };
            if Manifest::parse(&found)?.claim.as_ref() != Some(&self.claim) {
                return Err(self.fence(remote, number));
            }
            *held = Held { number, bytes: found };
            if held.bytes == bytes {
                return Ok(());
            }
        }
    }

    fn fence(&self, remote: &Remote, number: u64) -> io::Error {
        let what = format!(
            "another server has taken over {} (its manifest {number}): this one stops writing. Stop it, and start it \
             again only when the other one is stopped",
            remote.name()
        );
        tracing::error!("{what}");
        io::Error::other(self.fenced.get_or_init(|| Fenced(what)).clone())
    }

    /// A store that ignores the condition would let two servers overwrite each other's manifests.
    fn prove_condition(&self, remote: &Remote) -> io::Result<()> {
        let held = self.held.lock();
        if remote.put_new(&key(held.number), &held.bytes)? {
            let what = format!(
                "{} ignores conditional writes (If-None-Match), so it cannot be used: two servers could overwrite each other's data",
                remote.name()
            );
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        Ok(())
    }
}
