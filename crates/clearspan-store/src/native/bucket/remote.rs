//! The objects below a prefix of an object store, for threads that may wait.
//!
//! While the store cannot be reached, nobody waits for it twice: the first failure closes a [`Gate`], everything behind
//! it fails at once with [`Unreachable`], and a task tries with growing pauses whether it opens again. Reads and writes
//! have a gate each: a store whose disk is full still answers.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use bytes::Bytes;
use clearspan_model::ErrorKind;
use futures::TryStreamExt as _;
use object_store::path::Path as ObjectPath;
use object_store::{
    Error as ObjectError, GetOptions, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
    Result as ObjectResult,
};
use parking_lot::Mutex;
use tokio::runtime::Runtime;

use crate::Error;
use crate::native::disk::ReadFile;
use crate::native::health::chain;
use crate::pool::shut_down;

/// Larger files are sent and fetched in parts of this size: it is the memory that takes.
const PART_BYTES: u64 = 8 << 20;
/// The pause before the first try to reach the store again, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// So long somebody who reads waits until an answer begins, with all that is tried again: what arrives meanwhile waits as well.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// The object store does not answer, or answers that it cannot do what it is asked for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// It may answer later.
    Now(String),
    /// There is no such bucket.
    NoBucket,
    /// The credentials are wrong, or permit too little.
    Refused(String),
}

impl Unreachable {
    /// What a request that failed says. Lists of objects hide the kind of their failure in its words.
    fn of(err: &ObjectError) -> Self {
        let why = chain(err);
        let says = |words: &[&str]| words.iter().any(|word| why.contains(word));
        let is_refused =
            matches!(err, ObjectError::PermissionDenied { .. } | ObjectError::Unauthenticated { .. });
        if says(&["NoSuchBucket"]) {
            Self::NoBucket
        } else if is_refused || says(&["status code: 401", "status code: 403"]) {
            Self::Refused(why)
        } else {
            Self::Now(why)
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(why) => write!(f, "the object store cannot be reached now; try again later ({why})"),
            Self::NoBucket => f.write_str("the bucket does not exist; create it, or correct its name"),
            Self::Refused(why) => {
                write!(
                    f,
                    "the object store refuses access; check the credentials and what they permit ({why})"
                )
            }
        }
    }
}

impl std::error::Error for Unreachable {}

/// An error that may pass, of bytes that came from an object store.
pub(crate) fn not_now(err: &dyn std::error::Error) -> Error {
    Error::caused(
        ErrorKind::Unavailable,
        "what the object store gave does not check; trying again",
        unreachable(Unreachable::Now(chain(err))),
    )
}

/// Why what waits for the store still waits, although it answers.
pub(crate) fn still_busy() -> io::Error {
    unreachable(Unreachable::Now("what waited for it is still being read".to_owned()))
}

/// Whether an error comes from an object store that cannot be reached now.
pub fn is_unreachable(err: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(err);
    while let Some(err) = cause {
        let inner = err.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if err.is::<Unreachable>() || inner.is_some_and(|inner| inner.is::<Unreachable>()) {
            return true;
        }
        cause = err.source();
    }
    false
}

/// Whether something can be asked of the store now.
#[derive(Debug, Default)]
struct Gate {
    /// Why not.
    closed: Mutex<Option<Unreachable>>,
}

impl Gate {
    fn check(&self) -> io::Result<()> {
        match &*self.closed.lock() {
            None => Ok(()),
            Some(why) => Err(unreachable(why.clone())),
        }
    }

    /// True when it was open.
    fn close(&self, why: Unreachable) -> bool {
        self.closed.lock().replace(why).is_none()
    }

    fn open(&self) {
        *self.closed.lock() = None;
    }
}

fn unreachable(why: Unreachable) -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, why)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Remote {
    objects: Arc<dyn ObjectStore>,
    prefix: ObjectPath,
    /// How messages call it.
    name: String,
    reads: Arc<Gate>,
    writes: Arc<Gate>,
    /// Objects whose last answer was cut off, and what it was. Others can be read meanwhile.
    cut: Arc<Mutex<BTreeMap<String, String>>>,
    /// Always there until it is dropped.
    runtime: Option<Runtime>,
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            shut_down(runtime);
        }
    }
}

impl Remote {
    pub(super) fn new(objects: Arc<dyn ObjectStore>, prefix: ObjectPath, name: String) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("clearspan-bucket")
            .enable_all()
            .build()?;
        let (reads, writes, cut) = (Arc::default(), Arc::default(), Arc::default());
        Ok(Self { objects, prefix, name, reads, writes, cut, runtime: Some(runtime) })
    }

    /// How messages call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Fails at once while nothing can be written.
    pub(super) fn check_writes(&self) -> io::Result<()> {
        self.writes.check()
    }

    /// Fails at once while nothing can be read.
    pub(super) fn check_reads(&self) -> io::Result<()> {
        self.reads.check()
    }

    /// The bytes of a range.
    pub(super) fn get(&self, key: &str, range: Range<u64>) -> io::Result<Bytes> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(key));
        let wanted = range.end - range.start;
        let options = GetOptions { range: Some(range.clone().into()), ..GetOptions::default() };
        let bytes = self.ask(Access::Read, async move {
            let answer = tokio::time::timeout(FIRST_ANSWER, objects.get_opts(&path, options));
            answer.await.map_err(|_elapsed| silent(FIRST_ANSWER))??.bytes().await
        })?;
        if bytes.len() as u64 != wanted {
            // So much is there: the object is as long as the list of the bucket said. The answer was cut off on its way.
            let what = format!("{key} gave {} bytes where {wanted} were asked for", bytes.len());
            self.note_cut(key, range, what.clone());
            return Err(unreachable(Unreachable::Now(what)));
        }
        Ok(bytes)
    }

    /// What somebody should know although the store answers.
    pub(super) fn warning(&self) -> Option<String> {
        let cut = self.cut.lock();
        let (_, what) = cut.first_key_value()?;
        let count = cut.len();
        Some(format!(
            "the object store cuts off its answers, of {count} objects at the moment ({what}); what needs them is refused until they come whole"
        ))
    }

    /// Remembers an answer that was cut off, until the same question has a whole one.
    fn note_cut(&self, key: &str, range: Range<u64>, what: String) {
        if self.cut.lock().insert(key.to_owned(), what).is_some() {
            return;
        }
        let runtime = self.runtime.as_ref().expect("it is there until the drop");
        let (objects, path) = (Arc::clone(&self.objects), self.path(key));
        let (cut, key) = (Arc::clone(&self.cut), key.to_owned());
        runtime.spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                let asked = tokio::time::timeout(FIRST_ANSWER, objects.get_range(&path, range.clone())).await;
                match asked {
                    Ok(Ok(bytes)) if bytes.len() as u64 == range.end - range.start => break,
                    // It was removed: nobody needs it any more.
                    Ok(Err(ObjectError::NotFound { .. })) => break,
                    _ => pause = (pause * 2).min(LONGEST_PAUSE),
                }
            }
            cut.lock().remove(&key);
        });
    }

    /// Writes an object of so many bytes, which does not change, to the end of a file.
    pub(super) fn fetch(&self, key: &str, bytes: u64, out: &mut impl io::Write) -> io::Result<()> {
        let mut start = 0;
        while start < bytes {
            let end = (start + PART_BYTES).min(bytes);
            out.write_all(&self.get(key, start..end)?)?;
            start = end;
        }
        Ok(())
    }

    /// A whole object, as it is now.
    pub(super) fn get_all(&self, key: &str) -> io::Result<Bytes> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(key));
        self.ask(
            Access::Read,
            async move { objects.get_opts(&path, GetOptions::default()).await?.bytes().await },
        )
    }

    /// Makes an object. False when there is one already, which then stays as it is.
    pub(super) fn put_new(&self, key: &str, bytes: &[u8]) -> io::Result<bool> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(key));
        let payload = PutPayload::from(bytes.to_vec());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        self.ask(Access::Write, async move {
            match objects.put_opts(&path, payload, options).await {
                Ok(_) => Ok(true),
                Err(ObjectError::AlreadyExists { .. } | ObjectError::Precondition { .. }) => Ok(false),
                Err(err) => Err(err),
            }
        })
    }

    /// Sends a whole file, in place of any other object of that key.
    pub(super) fn upload(&self, key: &str, file: Arc<dyn ReadFile>) -> io::Result<()> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(key));
        self.ask(Access::Write, async move { upload(&*objects, &path, &*file).await })
    }

    /// Removes an object; one that is not there is no error.
    pub(super) fn remove(&self, key: &str) -> io::Result<()> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(key));
        self.ask(Access::Write, async move {
            match objects.delete(&path).await {
                Err(ObjectError::NotFound { .. }) => Ok(()),
                done => done,
            }
        })
    }

    /// The objects of a folder with their sizes; their names are those within the folder.
    pub(super) fn list(&self, folder: &str) -> io::Result<Vec<(String, u64)>> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(folder));
        self.ask(Access::Read, async move {
            let metas: Vec<_> = objects.list(Some(&path)).try_collect().await?;
            let name = |location: &ObjectPath| {
                let parts = location.prefix_match(&path)?;
                Some(parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"))
            };
            Ok(metas.iter().filter_map(|meta| Some((name(&meta.location)?, meta.size))).collect())
        })
    }

    /// The names directly below the prefix; those of folders end in `/`.
    pub(super) fn list_top(&self) -> io::Result<Vec<String>> {
        let (objects, prefix) = (Arc::clone(&self.objects), self.prefix.clone());
        self.ask(Access::Read, async move {
            let listed = objects.list_with_delimiter(Some(&prefix)).await?;
            let name = |path: &ObjectPath| path.filename().map(str::to_owned);
            let folders = listed.common_prefixes.iter().filter_map(name).map(|name| name + "/");
            Ok(folders.chain(listed.objects.iter().filter_map(|meta| name(&meta.location))).collect())
        })
    }

    fn path(&self, key: &str) -> ObjectPath {
        ObjectPath::from_iter(self.prefix.parts().chain(key.split('/').map(Into::into)))
    }

    /// Runs a request and waits for it.
    fn ask<T: Send + 'static>(
        &self,
        access: Access,
        request: impl Future<Output = ObjectResult<T>> + Send + 'static,
    ) -> io::Result<T> {
        self.gate(access).check()?;
        let runtime = self.runtime.as_ref().expect("it is there until the drop");
        let (done, answer) = sync_channel(1);
        runtime.spawn(async move {
            // Whoever asked waits below.
            let _sent = done.send(request.await);
        });
        let answer = answer.recv().map_err(|_| io::Error::other("a request to the object store panicked"))?;
        answer.map_err(|err| match (Unreachable::of(&err), err) {
            // What is written need not be there before: then it is the answer of something in between, or of a store that has
            // lost its bucket for a moment. Whether it was written nobody knows; who writes again finds out.
            (Unreachable::Now(_), ObjectError::NotFound { path, .. }) if access == Access::Read => {
                io::Error::new(io::ErrorKind::NotFound, format!("{path} is not in {}", self.name))
            }
            (why, _) => {
                self.close(access, why.clone());
                unreachable(why)
            }
        })
    }

    fn gate(&self, access: Access) -> &Arc<Gate> {
        match access {
            Access::Read => &self.reads,
            Access::Write => &self.writes,
        }
    }

    /// From now on nobody waits, until a task has found out that it works again.
    fn close(&self, access: Access, why: Unreachable) {
        if !self.gate(access).close(why.clone()) {
            return;
        }
        tracing::error!(store = %self.name, ?access, reason = %why, "the object store cannot be used; trying again until it can");
        let runtime = self.runtime.as_ref().expect("it is there until the drop");
        let (objects, gate, name) =
            (Arc::clone(&self.objects), Arc::clone(self.gate(access)), self.name.clone());
        let path = self.path("probe");
        runtime.spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                tokio::time::sleep(pause).await;
                let try_again = async {
                    match access {
                        Access::Write => {
                            objects.put(&path, PutPayload::from_static(b"clearspan")).await.map(|_| ())
                        }
                        Access::Read => match objects.head(&path).await {
                            Err(ObjectError::NotFound { .. }) => Ok(()),
                            found => found.map(|_| ()),
                        },
                    }
                };
                let tried = tokio::time::timeout(FIRST_ANSWER, try_again).await;
                match tried.unwrap_or_else(|_elapsed| Err(silent(FIRST_ANSWER))) {
                    Ok(()) => break,
                    Err(err) => drop(gate.close(Unreachable::of(&err))),
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            gate.open();
            tracing::info!(store = %name, ?access, "the object store can be reached again");
        });
    }
}

/// A request that nobody answers.
fn silent(waited: Duration) -> ObjectError {
    let source = io::Error::new(io::ErrorKind::TimedOut, format!("no answer for {} s", waited.as_secs()));
    ObjectError::Generic { store: "object store", source: source.into() }
}

async fn upload(objects: &dyn ObjectStore, path: &ObjectPath, file: &dyn ReadFile) -> ObjectResult<()> {
    let bytes = file.len();
    if bytes <= PART_BYTES {
        objects.put(path, part(file, 0, bytes)?).await?;
        return Ok(());
    }
    let mut parts = objects.put_multipart(path).await?;
    let mut sent = Ok(());
    let mut start = 0;
    while start < bytes && sent.is_ok() {
        let end = (start + PART_BYTES).min(bytes);
        sent = match part(file, start, end) {
            Ok(payload) => parts.put_part(payload).await,
            Err(err) => Err(err),
        };
        start = end;
    }
    if sent.is_ok() {
        sent = parts.complete().await.map(|_| ());
    }
    if sent.is_err() {
        // What stays of it is removed by the store's own rule for unfinished uploads.
        let _aborted = parts.abort().await;
    }
    sent
}

fn part(file: &dyn ReadFile, start: u64, end: u64) -> ObjectResult<PutPayload> {
    let mut bytes = vec![0; usize::try_from(end - start).expect("a part is small")];
    file.read_at(&mut bytes, start)
        .map_err(|source| ObjectError::Generic { store: "the local disk", source: Box::new(source) })?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: &str, code: &str) -> ObjectError {
        // Its words are those of its cause.
        let words =
            format!("Server returned non-2xx status code: {status}: <Error><Code>{code}</Code></Error>");
        ObjectError::Generic { store: "S3", source: Box::new(io::Error::other(words)) }
    }

    #[test]
    fn what_does_not_pass_by_itself_is_named() {
        let missing = Unreachable::of(&answered("404 Not Found", "NoSuchBucket"));
        assert_eq!(missing, Unreachable::NoBucket);
        assert!(missing.to_string().contains("create it"));
        assert_eq!(chain(&answered("404 Not Found", "NoSuchBucket")).matches("NoSuchBucket").count(), 1);
        let path = || "x".to_owned();
        let source = || Box::new(io::Error::other("no"));
        for err in [
            answered("403 Forbidden", "SignatureDoesNotMatch"),
            answered("401 Unauthorized", "x"),
            ObjectError::PermissionDenied { path: path(), source: source() },
            ObjectError::Unauthenticated { path: path(), source: source() },
        ] {
            let why = Unreachable::of(&err);
            assert!(
                matches!(why, Unreachable::Refused(_)) && why.to_string().contains("credentials"),
                "{why}"
            );
        }
        let busy = Unreachable::of(&answered("503 Service Unavailable", "SlowDown"));
        assert!(matches!(busy, Unreachable::Now(_)) && busy.to_string().contains("later"), "{busy}");
        for why in [missing, busy] {
            assert!(is_unreachable(&unreachable(why)));
        }
    }
}
