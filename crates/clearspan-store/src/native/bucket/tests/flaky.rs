//! An object store that fails on command, on top of one in memory.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;

/// See the module. Clones share everything.
#[derive(Debug, Clone)]
pub(super) struct Flaky {
    pub(super) inner: Arc<InMemory>,
    switches: Arc<Switches>,
}

#[derive(Debug)]
struct Switches {
    is_down: AtomicBool,
    refuses_writes: AtomicBool,
    /// Whether writes are answered by 404, as proxies without a backend do.
    hides_writes: AtomicBool,
    /// Whether they were done all the same.
    hides_done: AtomicBool,
    ignores_conditions: AtomicBool,
    /// Whether answers lack their last byte.
    cuts: AtomicBool,
    /// Whether nobody answers who wants to read.
    is_silent: AtomicBool,
    /// Requests that are answered before it goes down for good.
    left: AtomicU64,
    /// Bytes that were read.
    read: AtomicU64,
    /// What was written.
    written: Mutex<Vec<ObjectPath>>,
    /// What was listed.
    listed: Mutex<Vec<ObjectPath>>,
}

impl Flaky {
    pub(super) fn new() -> Self {
        let switches = Switches {
            is_down: AtomicBool::new(false),
            refuses_writes: AtomicBool::new(false),
            hides_writes: AtomicBool::new(false),
            hides_done: AtomicBool::new(false),
            ignores_conditions: AtomicBool::new(false),
            cuts: AtomicBool::new(false),
            is_silent: AtomicBool::new(false),
            left: AtomicU64::new(u64::MAX),
            read: AtomicU64::new(0),
            written: Mutex::default(),
            listed: Mutex::default(),
        };
        Self { inner: Arc::default(), switches: Arc::new(switches) }
    }

    /// The same objects behind switches of their own.
    pub(super) fn reborn(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), ..Self::new() }
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.switches.is_down.store(is_down, Ordering::SeqCst);
    }

    pub(super) fn refuse_writes(&self, refuses: bool) {
        self.switches.refuses_writes.store(refuses, Ordering::SeqCst);
    }

    /// Writes are answered by 404; `done` says whether they come to the store.
    pub(super) fn hide_writes(&self, hides: bool, done: bool) {
        self.switches.hides_done.store(done, Ordering::SeqCst);
        self.switches.hides_writes.store(hides, Ordering::SeqCst);
    }

    pub(super) fn cut_answers(&self, cuts: bool) {
        self.switches.cuts.store(cuts, Ordering::SeqCst);
    }

    pub(super) fn be_silent(&self, is_silent: bool) {
        self.switches.is_silent.store(is_silent, Ordering::SeqCst);
    }

    pub(super) fn ignore_conditions(&self) {
        self.switches.ignores_conditions.store(true, Ordering::SeqCst);
    }

    pub(super) fn go_down_after(&self, requests: u64) {
        self.switches.left.store(requests, Ordering::SeqCst);
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.switches.read.load(Ordering::SeqCst)
    }

    /// How many objects were written whose path has this folder in it.
    pub(super) fn uploads(&self, folder: &str) -> usize {
        let written = self.switches.written.lock();
        written.iter().filter(|path| path.parts().any(|part| part.as_ref() == folder)).count()
    }

    /// How many times a folder, or one in it, was listed.
    pub(super) fn lists(&self, folder: &str) -> usize {
        let listed = self.switches.listed.lock();
        listed.iter().filter(|path| path.parts().any(|part| part.as_ref() == folder)).count()
    }

    /// Requests that were answered since [`Self::go_down_after`] was told `from`.
    pub(super) fn answered(&self, from: u64) -> u64 {
        from - self.switches.left.load(Ordering::SeqCst)
    }

    fn check(&self, is_write: bool) -> Result<()> {
        let left =
            self.switches.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let is_down = left.is_err() || self.switches.is_down.load(Ordering::SeqCst);
        if is_down || is_write && self.switches.refuses_writes.load(Ordering::SeqCst) {
            return Err(Error::Generic { store: "test", source: "nobody answers".into() });
        }
        Ok(())
    }
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flaky")
    }
}

#[async_trait]
impl ObjectStore for Flaky {
    async fn get_opts(&self, location: &ObjectPath, mut options: GetOptions) -> Result<GetResult> {
        if self.switches.is_silent.load(Ordering::SeqCst) {
            futures::future::pending::<()>().await;
        }
        self.check(false)?;
        if let (Some(GetRange::Bounded(range)), true) =
            (&mut options.range, self.switches.cuts.load(Ordering::SeqCst))
        {
            range.end -= 1;
        }
        let found = self.inner.get_opts(location, options).await?;
        self.switches.read.fetch_add(found.range.end - found.range.start, Ordering::SeqCst);
        Ok(found)
    }

    async fn get_ranges(&self, location: &ObjectPath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.check(false)?;
        self.inner.get_ranges(location, ranges).await
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.switches.listed.lock().extend(prefix.cloned());
        match self.check(false) {
            Ok(()) => self.inner.list(prefix),
            Err(err) => futures::stream::iter([Err(err)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        self.check(false)?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn put_opts(
        &self,
        location: &ObjectPath,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        self.check(true)?;
        self.switches.written.lock().push(location.clone());
        if self.switches.ignores_conditions.load(Ordering::SeqCst) {
            options.mode = PutMode::Overwrite;
        }
        if self.switches.hides_writes.load(Ordering::SeqCst) {
            if self.switches.hides_done.load(Ordering::SeqCst) {
                self.inner.put_opts(location, payload, options).await?;
            }
            return Err(Error::NotFound { path: location.to_string(), source: "404 Not Found".into() });
        }
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.check(true)?;
        self.inner.put_multipart_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        match self.check(true) {
            Ok(()) => self.inner.delete_stream(locations),
            Err(err) => futures::stream::iter([Err(err)]).boxed(),
        }
    }

    async fn copy_opts(&self, from: &ObjectPath, to: &ObjectPath, options: CopyOptions) -> Result<()> {
        self.check(true)?;
        self.inner.copy_opts(from, to, options).await
    }
}
