//! Reading a request's body: bounded in time, in bytes on the wire, and in bytes after decompression.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::body::Bytes;

use super::MAX_BODY_BYTES;
use super::budget::Reservation;

/// A client that sends nothing for so long has gone.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(15);
/// A whole body takes this long at most.
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
/// The largest window that a zstd frame may ask for: 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Zstd,
}

/// Why a body cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    NoMemory,
    TimedOut,
    /// The connection broke; nobody reads the answer.
    Broken,
    /// The packed bytes are damaged.
    Damaged(String),
}

/// The content coding of a request; the text is what is wrong with it.
pub(super) fn coding_of(value: Option<&str>) -> Result<Coding, String> {
    let Some(value) = value else { return Ok(Coding::Identity) };
    match value.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Coding::Identity),
        "gzip" | "x-gzip" => Ok(Coding::Gzip),
        "zstd" => Ok(Coding::Zstd),
        other if other.contains(',') => Err("one content encoding at most is accepted".to_owned()),
        _ => Err("the content encoding is not one of gzip, zstd, identity".to_owned()),
    }
}

/// Reads the body as it is on the wire.
pub(super) async fn read(
    mut body: Body,
    announced: Option<u64>,
    reservation: &mut Reservation,
) -> Result<Bytes, BodyError> {
    if announced.is_some_and(|bytes| bytes > MAX_BODY_BYTES as u64) {
        return Err(BodyError::TooLarge);
    }
    let whole = async {
        let mut bytes = Vec::new();
        loop {
            let frame = match tokio::time::timeout(CHUNK_TIMEOUT, body.frame()).await {
                Err(_) => return Err(BodyError::TimedOut),
                Ok(None) => return Ok(Bytes::from(bytes)),
                Ok(Some(Err(_))) => return Err(BodyError::Broken),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > MAX_BODY_BYTES {
                return Err(BodyError::TooLarge);
            }
            reservation.grow_to(bytes.len() + data.len()).map_err(|_| BodyError::NoMemory)?;
            if bytes.is_empty() {
                // The announced length is believed for small bodies only: a liar must send what it costs.
                bytes.reserve(announced.map_or(0, |n| usize::try_from(n).unwrap_or(0)).min(4 << 20));
            }
            bytes.extend_from_slice(&data);
        }
    };
    tokio::time::timeout(BODY_TIMEOUT, whole).await.unwrap_or(Err(BodyError::TimedOut))
}

/// Unpacks a body. Stops as soon as it is too large, so that a bomb costs no more than the limit.
pub(super) fn unpack(coding: Coding, packed: Bytes, reservation: &mut Reservation) -> Result<Bytes, BodyError> {
    if packed.is_empty() {
        return Ok(packed);
    }
    match coding {
        Coding::Identity => Ok(packed),
        Coding::Gzip => read_bounded(MultiGzDecoder::new(packed.as_ref()), reservation),
        Coding::Zstd => {
            let damaged = |err: std::io::Error| BodyError::Damaged(format!("the zstd body is damaged: {err}"));
            let mut decoder = zstd::Decoder::with_buffer(packed.as_ref()).map_err(damaged)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(damaged)?;
            read_bounded(decoder, reservation)
        }
    }
}

fn read_bounded(mut decoder: impl Read, reservation: &mut Reservation) -> Result<Bytes, BodyError> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        match decoder.read(&mut chunk) {
            Ok(0) => return Ok(Bytes::from(bytes)),
            Ok(read) if bytes.len() + read > MAX_BODY_BYTES => return Err(BodyError::TooLarge),
            Ok(read) => {
                reservation.grow_to(bytes.len() + read).map_err(|_| BodyError::NoMemory)?;
                bytes.extend_from_slice(chunk.get(..read).expect("no more than the buffer holds"));
            }
            Err(err) if err.kind() == std::io::ErrorKind::Interrupted => {}
            Err(err) => return Err(BodyError::Damaged(format!("the compressed body is damaged: {err}"))),
        }
    }
}

#[cfg(test)]
mod tests;
