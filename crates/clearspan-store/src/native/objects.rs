//! The files of one snapshot as DataFusion wants to read them: an object store that has nothing but them.
//!
//! DataFusion reads files by itself, so it is given this instead of the file system. What it reads takes the same way as
//! every other read of the store.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::object_store::path::Path as ObjectPath;
use datafusion::object_store::{
    CopyOptions, Error as ObjectError, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as ObjectResult,
};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use rustc_hash::FxHashMap;

use super::records::{RecordColumn, RecordFile};
use super::segment::Segment;

/// A file of the store.
pub(crate) trait StoredFile: fmt::Debug + Send + Sync {
    fn path(&self) -> &Path;
    fn bytes(&self) -> u64;
    /// Blocks.
    fn read(&self, ranges: &[Range<u64>]) -> crate::Result<Vec<Bytes>>;
}

impl StoredFile for Segment {
    fn path(&self) -> &Path {
        Self::path(self)
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&self, ranges: &[Range<u64>]) -> crate::Result<Vec<Bytes>> {
        let file = self.open()?;
        ranges.iter().map(|range| self.read_range(&file, range)).collect()
    }
}

impl<C: RecordColumn + Send + Sync> StoredFile for RecordFile<C> {
    fn path(&self) -> &Path {
        Self::path(self)
    }

    fn bytes(&self) -> u64 {
        self.entry.bytes
    }

    fn read(&self, ranges: &[Range<u64>]) -> crate::Result<Vec<Bytes>> {
        self.read_ranges(ranges)
    }
}

/// Files by the path under which a plan names them.
#[derive(Debug)]
pub(crate) struct Objects {
    files: FxHashMap<ObjectPath, Arc<dyn StoredFile>>,
}

impl Objects {
    pub(crate) fn new(files: impl IntoIterator<Item = Arc<dyn StoredFile>>) -> Self {
        Self { files: files.into_iter().map(|file| (path_of(&*file), file)).collect() }
    }

    fn file(&self, location: &ObjectPath) -> ObjectResult<Arc<dyn StoredFile>> {
        self.files.get(location).cloned().ok_or_else(|| ObjectError::NotFound {
            path: location.to_string(),
            source: "it is not part of this snapshot".into(),
        })
    }
}

/// What DataFusion calls a file. Footers are kept by this name for all queries of a process, and there may be several
/// stores in one, so it is made of the whole path.
fn path_of(file: &dyn StoredFile) -> ObjectPath {
    ObjectPath::from_iter(file.path().iter().filter_map(|part| part.to_str()).filter(|part| *part != "/"))
}

pub(crate) fn meta_of(file: &dyn StoredFile) -> ObjectMeta {
    ObjectMeta {
        location: path_of(file),
        last_modified: Default::default(),
        size: file.bytes(),
        e_tag: None,
        version: None,
    }
}

/// Reads on a thread that may wait.
async fn read(file: Arc<dyn StoredFile>, ranges: Vec<Range<u64>>) -> ObjectResult<Vec<Bytes>> {
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| ObjectError::Generic { store: "segments", source };
    tokio::task::spawn_blocking(move || file.read(&ranges))
        .await
        .map_err(|err| failed(err.into()))?
        .map_err(|err| failed(err.into()))
}

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("segments")
    }
}

fn read_only() -> ObjectError {
    ObjectError::NotImplemented { operation: "changing segments".into(), implementer: "clearspan".into() }
}

#[async_trait]
impl ObjectStore for Objects {
    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> ObjectResult<GetResult> {
        let file = self.file(location)?;
        let meta = meta_of(&*file);
        let range = match &options.range {
            Some(range) => range
                .as_range(meta.size)
                .map_err(|source| ObjectError::Generic { store: "segments", source: Box::new(source) })?,
            None => 0..meta.size,
        };
        let bytes = if options.head { Vec::new() } else { read(file, vec![range.clone()]).await? };
        let payload = GetResultPayload::Stream(stream::iter(bytes.into_iter().map(Ok)).boxed());
        Ok(GetResult { payload, meta, range, attributes: Default::default() })
    }

    async fn get_ranges(&self, location: &ObjectPath, ranges: &[Range<u64>]) -> ObjectResult<Vec<Bytes>> {
        read(self.file(location)?, ranges.to_vec()).await
    }

    fn list(&self, _prefix: Option<&ObjectPath>) -> BoxStream<'static, ObjectResult<ObjectMeta>> {
        let all: Vec<_> = self.files.values().map(|file| Ok(meta_of(&**file))).collect();
        stream::iter(all).boxed()
    }

    async fn list_with_delimiter(&self, _prefix: Option<&ObjectPath>) -> ObjectResult<ListResult> {
        let objects = self.files.values().map(|file| meta_of(&**file)).collect();
        Ok(ListResult { common_prefixes: Vec::new(), objects })
    }

    async fn put_opts(&self, _: &ObjectPath, _: PutPayload, _: PutOptions) -> ObjectResult<PutResult> {
        Err(read_only())
    }

    async fn put_multipart_opts(
        &self,
        _: &ObjectPath,
        _: PutMultipartOptions,
    ) -> ObjectResult<Box<dyn MultipartUpload>> {
        Err(read_only())
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, ObjectResult<ObjectPath>>,
    ) -> BoxStream<'static, ObjectResult<ObjectPath>> {
        locations.map(|_| Err(read_only())).boxed()
    }

    async fn copy_opts(&self, _: &ObjectPath, _: &ObjectPath, _: CopyOptions) -> ObjectResult<()> {
        Err(read_only())
    }
}
