//! The files of one snapshot as DataFusion wants to read them: an object store that has nothing but them.
//!
//! DataFusion reads files by itself, so it is given this instead of the file system. What it reads takes the same way as
//! every other read of the store.

use std::fmt;
use std::ops::Range;
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

use super::segment::Segment;

/// Segments by the path under which a plan names them.
#[derive(Debug)]
pub(crate) struct Objects {
    segments: FxHashMap<ObjectPath, Arc<Segment>>,
}

impl Objects {
    pub(crate) fn new(segments: impl IntoIterator<Item = Arc<Segment>>) -> Self {
        Self { segments: segments.into_iter().map(|segment| (path_of(&segment), segment)).collect() }
    }

    fn segment(&self, location: &ObjectPath) -> ObjectResult<Arc<Segment>> {
        self.segments.get(location).cloned().ok_or_else(|| ObjectError::NotFound {
            path: location.to_string(),
            source: "it is not part of this snapshot".into(),
        })
    }
}

/// What DataFusion calls a segment. Footers are kept by this name for all queries of a process, and there may be several
/// stores in one, so it is made of the whole path.
pub(crate) fn path_of(segment: &Segment) -> ObjectPath {
    ObjectPath::from_iter(segment.path().iter().filter_map(|part| part.to_str()).filter(|part| *part != "/"))
}

pub(crate) fn meta_of(segment: &Segment) -> ObjectMeta {
    ObjectMeta {
        location: path_of(segment),
        last_modified: Default::default(),
        size: segment.bytes,
        e_tag: None,
        version: None,
    }
}

/// Reads on a thread that may wait.
async fn read(segment: Arc<Segment>, ranges: Vec<Range<u64>>) -> ObjectResult<Vec<Bytes>> {
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| ObjectError::Generic { store: "segments", source };
    let work = move || {
        let file = segment.open()?;
        let read = |range: &Range<u64>| segment.read_range(&file, range);
        ranges.iter().map(read).collect::<crate::Result<Vec<_>>>()
    };
    tokio::task::spawn_blocking(work)
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
        let segment = self.segment(location)?;
        let meta = meta_of(&segment);
        let range = match &options.range {
            Some(range) => range
                .as_range(meta.size)
                .map_err(|source| ObjectError::Generic { store: "segments", source: Box::new(source) })?,
            None => 0..meta.size,
        };
        let bytes = if options.head { Vec::new() } else { read(segment, vec![range.clone()]).await? };
        let payload = GetResultPayload::Stream(stream::iter(bytes.into_iter().map(Ok)).boxed());
        Ok(GetResult { payload, meta, range, attributes: Default::default() })
    }

    async fn get_ranges(&self, location: &ObjectPath, ranges: &[Range<u64>]) -> ObjectResult<Vec<Bytes>> {
        read(self.segment(location)?, ranges.to_vec()).await
    }

    fn list(&self, _prefix: Option<&ObjectPath>) -> BoxStream<'static, ObjectResult<ObjectMeta>> {
        let all: Vec<_> = self.segments.values().map(|segment| Ok(meta_of(segment))).collect();
        stream::iter(all).boxed()
    }

    async fn list_with_delimiter(&self, _prefix: Option<&ObjectPath>) -> ObjectResult<ListResult> {
        let objects = self.segments.values().map(|segment| meta_of(segment)).collect();
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
