//! The payload of a log record: a zstd frame around an Arrow IPC stream with one batch.

use arrow::array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use clearspan_model::ErrorKind;
use parking_lot::Mutex;
use zstd::bulk::Compressor;

use super::log::RecordKind;
use crate::error::Context;
use crate::schema::deletions::DeletionCol;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::schema::{Col, memory_bytes, modernize};
use crate::{Error, Result};

/// The first level whose window is as large as a batch. Level 1 looks back half a megabyte only and finds less of what columns
/// repeat of each other (input and output of neighbouring runs, previews): its frames are half as large again, and take longer.
const ZSTD_LEVEL: i32 = 2;
/// As many are kept as batches are encoded at the same time on a few processors.
const MAX_SCRATCHES: usize = 4;
/// One for a larger batch is not kept.
const MAX_SCRATCH_BYTES: usize = 8 << 20;
/// What a stream holds beside the buffers of its batch: the schema and the dictionaries' headers.
const STREAM_OVERHEAD: usize = 32 << 10;

/// What encoding takes, kept for the next batch: these are megabytes, to be mapped and zeroed each time otherwise.
struct Scratch {
    compressor: Compressor<'static>,
    stream: Vec<u8>,
}

/// Any thread may encode the next batch.
static SCRATCHES: Mutex<Vec<Scratch>> = Mutex::new(Vec::new());

pub(crate) fn to_payload(batch: &RecordBatch) -> Result<Vec<u8>> {
    let failed = || "encoding a batch for the log".to_owned();
    let kept = SCRATCHES.lock().pop();
    let mut scratch = match kept {
        Some(scratch) => scratch,
        None => Scratch {
            compressor: Compressor::new(ZSTD_LEVEL).context(ErrorKind::Internal, failed)?,
            stream: Vec::new(),
        },
    };
    let Scratch { compressor, stream } = &mut scratch;
    stream.clear();
    stream.reserve(memory_bytes(batch) + STREAM_OVERHEAD);
    let mut writer =
        StreamWriter::try_new(&mut *stream, batch.schema_ref()).context(ErrorKind::Internal, failed)?;
    writer.write(batch).context(ErrorKind::Internal, failed)?;
    writer.finish().context(ErrorKind::Internal, failed)?;
    drop(writer);
    // In one piece: fed bit by bit, the compressor would copy everything into a window of its own.
    let payload = compressor.compress(stream).context(ErrorKind::Internal, failed)?;
    let mut scratches = SCRATCHES.lock();
    if scratches.len() < MAX_SCRATCHES && scratch.stream.capacity() <= MAX_SCRATCH_BYTES {
        scratches.push(scratch);
    }
    Ok(payload)
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
