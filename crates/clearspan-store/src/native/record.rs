//! The payload of a log record: a zstd frame around an Arrow IPC stream with one batch.

use arrow::array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use clearspan_model::ErrorKind;

use super::log::RecordKind;
use crate::error::Context;
use crate::schema::deletions::DeletionCol;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::schema::{Col, modernize};
use crate::{Error, Result};

/// The fastest level: the batch is free of repetition already.
const ZSTD_LEVEL: i32 = 1;
/// What a stream holds beside the buffers of its batch: the schema and the dictionaries' headers.
const STREAM_OVERHEAD: usize = 32 << 10;

pub(crate) fn to_payload(batch: &RecordBatch) -> Result<Vec<u8>> {
    let failed = || "encoding a batch for the log".to_owned();
    let mut stream = Vec::with_capacity(batch.get_array_memory_size() + STREAM_OVERHEAD);
    let mut writer =
        StreamWriter::try_new(&mut stream, batch.schema_ref()).context(ErrorKind::Internal, failed)?;
    writer.write(batch).context(ErrorKind::Internal, failed)?;
    writer.finish().context(ErrorKind::Internal, failed)?;
    drop(writer);
    // In one piece: fed bit by bit, the compressor would copy everything into a window of its own.
    zstd::bulk::compress(&stream, ZSTD_LEVEL).context(ErrorKind::Internal, failed)
}

/// The batch of a record, with the columns of today.
pub(crate) fn decode(kind: RecordKind, payload: &[u8]) -> Result<RecordBatch> {
    let batch = from_payload(payload)?;
    match kind {
        RecordKind::Patches | RecordKind::Replacements => modernize::<Col>(&batch),
        RecordKind::Logs => modernize::<LogCol>(&batch),
        RecordKind::Points => modernize::<PointCol>(&batch),
        RecordKind::Deletions => modernize::<DeletionCol>(&batch),
    }
}

fn from_payload(payload: &[u8]) -> Result<RecordBatch> {
    let failed = || "decoding a batch of the log".to_owned();
    #[expect(clippy::disallowed_methods, reason = "our own bytes: the record's checksum was compared before")]
    let bytes = zstd::decode_all(payload).context(ErrorKind::Corrupt, failed)?;
    let mut reader = StreamReader::try_new(bytes.as_slice(), None).context(ErrorKind::Corrupt, failed)?;
    reader
        .next()
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, "a record of the log holds no batch"))?
        .context(ErrorKind::Corrupt, failed)
}
