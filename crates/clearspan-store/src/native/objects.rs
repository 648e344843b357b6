//! The files of one snapshot as DataFusion wants to read them.
//!
//! DataFusion reads Parquet files by itself, so it is given readers instead of the file system. What it reads takes the
//! same way as every other read of the store, and footers come from the store's own cache.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use clearspan_model::ErrorKind;
use datafusion::common::{DataFusionError, Result as DfResult};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::object_store::ObjectMeta;
use datafusion::object_store::path::Path as ObjectPath;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;
use rustc_hash::FxHashMap;

use super::blocks::BlockFile;
use super::records::{RecordColumn, RecordFile};
use super::segment::{Footer, Segment};
use crate::Error;

/// A file of the store.
pub(crate) trait StoredFile: fmt::Debug + Send + Sync {
    fn path(&self) -> &Path;
    fn bytes(&self) -> u64;
    /// Some ranges of its bytes; `opened` is where it is kept open from the first read on. Blocks.
    fn read(&self, opened: &OnceLock<BlockFile>, ranges: &[Range<u64>]) -> crate::Result<Vec<Bytes>>;
    /// As [`Disk::is_at_hand`](super::disk::Disk::is_at_hand).
    fn is_at_hand(&self) -> bool;
    /// What its footer says, of all row groups. Blocks when it is not in memory.
    fn metadata(&self) -> crate::Result<Arc<ParquetMetaData>>;
}

impl StoredFile for Segment {
    fn path(&self) -> &Path {
        Self::path(self)
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read(&self, opened: &OnceLock<BlockFile>, ranges: &[Range<u64>]) -> crate::Result<Vec<Bytes>> {
        self.read_bytes(opened, ranges)
    }

    fn is_at_hand(&self) -> bool {
        Self::is_at_hand(self)
    }

    fn metadata(&self) -> crate::Result<Arc<ParquetMetaData>> {
        let footer = self.footer()?;
        let all: Vec<usize> = (0..footer.groups().len()).collect();
        Chosen { footer, groups: all.into() }
            .metadata()
            .map_err(|err| Error::caused(ErrorKind::Corrupt, format!("reading segment {}", self.number), err))
    }
}

impl<C: RecordColumn + Send + Sync> StoredFile for RecordFile<C> {
    fn path(&self) -> &Path {
        Self::path(self)
    }

    fn bytes(&self) -> u64 {
        self.entry.bytes
    }

    fn read(&self, opened: &OnceLock<BlockFile>, ranges: &[Range<u64>]) -> crate::Result<Vec<Bytes>> {
        self.read_bytes(opened, ranges)
    }

    fn is_at_hand(&self) -> bool {
        Self::is_at_hand(self)
    }

    fn metadata(&self) -> crate::Result<Arc<ParquetMetaData>> {
        Self::metadata(self)
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
}

/// What DataFusion calls a file.
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

impl ParquetFileReaderFactory for Objects {
    fn create_reader(
        &self,
        _partition: usize,
        file: PartitionedFile,
        _footer_bytes: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> DfResult<Box<dyn AsyncFileReader + Send>> {
        let location = &file.object_meta.location;
        let found = self.files.get(location).cloned();
        let missing = || DataFusionError::Internal(format!("{location} is not part of this snapshot"));
        let (file, chosen) = (found.ok_or_else(missing)?, file.extension().cloned());
        Ok(Box::new(FileReader { file, opened: Arc::default(), chosen }))
    }
}

/// The row groups of a segment that a plan reads. It goes with the file of the plan, which then has no others: nothing is
/// made of a footer, or asked of it, for what is not read.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    pub(super) footer: Arc<Footer>,
    pub(super) groups: Arc<[usize]>,
}

impl Chosen {
    fn metadata(&self) -> ParquetResult<Arc<ParquetMetaData>> {
        self.footer.metadata(&self.groups).map(Arc::new)
    }
}

struct FileReader {
    file: Arc<dyn StoredFile>,
    opened: Arc<OnceLock<BlockFile>>,
    chosen: Option<Chosen>,
}

impl FileReader {
    /// Does work that may wait. Where the file is far away it does so on another thread; to go there and back takes longer than to read
    /// some kilobytes of a disk.
    async fn wait_for<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn StoredFile) -> crate::Result<T> + Send + 'static,
    ) -> ParquetResult<T> {
        if self.file.is_at_hand() {
            return work(&*self.file).map_err(|err| ParquetError::External(err.into()));
        }
        let file = Arc::clone(&self.file);
        tokio::task::spawn_blocking(move || work(&*file))
            .await
            .map_err(|err| ParquetError::External(err.into()))?
            .map_err(|err| ParquetError::External(err.into()))
    }
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        let opened = Arc::clone(&self.opened);
        self.wait_for(move |file| Ok(file.read(&opened, &[range])?.pop().unwrap_or_default())).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        let opened = Arc::clone(&self.opened);
        self.wait_for(move |file| file.read(&opened, &ranges)).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        match &self.chosen {
            Some(chosen) => std::future::ready(chosen.metadata()).boxed(),
            None => self.wait_for(|file| file.metadata()).boxed(),
        }
    }
}
