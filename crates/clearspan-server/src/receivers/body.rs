//! Reading a request's body: bounded in bytes on the wire and in bytes after decompression. Time is bounded by the
//! connection, which ends bodies that arrive too slowly (`app::pace`).

use std::fmt;
use std::io::{self, Read};

use ::http::StatusCode;
use axum::body::Body;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;

use super::MAX_BODY_BYTES;
use crate::drain::drain;
use crate::ingest::{Exhausted, Reservation};

/// A buffer of the announced length is made up to this.
const ANNOUNCED_BYTES: usize = 4 << 20;
/// The largest window that a zstd frame may ask for: 8 MiB.
pub(super) const ZSTD_WINDOW_LOG: u32 = 23;

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
    /// Unpacking failed by a fault of ours.
    Failed,
}

impl From<Exhausted> for BodyError {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::ForNow => Self::NoMemory,
            Exhausted::ForEver => Self::TooLarge,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the request has more than 64 MiB after decompression (or more than the server may use); send smaller batches",
            Self::NoMemory => "too many bytes are being received; try again",
            Self::TimedOut => "the request's body did not arrive in time",
            Self::Broken => "the request's body broke off",
            Self::Damaged(why) => why,
            Self::Failed => "the server failed on this request; the log has the details",
        })
    }
}

/// The status that says so over HTTP.
pub(super) fn status_of(err: &BodyError) -> StatusCode {
    match err {
        BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::NoMemory => StatusCode::SERVICE_UNAVAILABLE,
        BodyError::TimedOut => StatusCode::REQUEST_TIMEOUT,
        BodyError::Broken | BodyError::Damaged(_) => StatusCode::BAD_REQUEST,
        BodyError::Failed => StatusCode::INTERNAL_SERVER_ERROR,
    }
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

/// Reads the body as it is on the wire. `check` may refuse it by what has arrived so far.
pub(super) async fn read(
    mut body: Body,
    limit_bytes: usize,
    check: impl Fn(&[u8]) -> Result<(), BodyError>,
    reservation: &mut Reservation,
) -> Result<Bytes, BodyError> {
    // The announced length is only a reason to refuse early. Memory is taken as bytes arrive: a liar must send what it costs.
    let outcome = if http_body::Body::size_hint(&body).lower() > limit_bytes as u64 {
        Err(BodyError::TooLarge)
    } else {
        read_all(&mut body, limit_bytes, check, reservation).await
    };
    if matches!(outcome, Err(BodyError::TooLarge | BodyError::NoMemory)) {
        drain(body).await;
    }
    outcome
}

async fn read_all(
    body: &mut Body,
    limit_bytes: usize,
    check: impl Fn(&[u8]) -> Result<(), BodyError>,
    reservation: &mut Reservation,
) -> Result<Bytes, BodyError> {
    let announced = usize::try_from(http_body::Body::size_hint(body).lower()).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|err| read_error(&err))?.into_data() else { continue };
        if bytes.len() + data.len() > limit_bytes {
            return Err(BodyError::TooLarge);
        }
        reservation.grow_to(bytes.len() + data.len())?;
        if bytes.capacity() == 0 {
            // What is not written to is address space only, and growing would copy everything several times.
            bytes.reserve_exact(announced.clamp(data.len(), ANNOUNCED_BYTES.max(data.len())));
        }
        bytes.extend_from_slice(&data);
        check(&bytes)?;
    }
    Ok(bytes.into())
}

pub(super) fn read_error(err: &axum::Error) -> BodyError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(err);
    while let Some(err) = cause {
        if err.downcast_ref::<io::Error>().is_some_and(|err| err.kind() == io::ErrorKind::TimedOut) {
            return BodyError::TimedOut;
        }
        cause = err.source();
    }
    BodyError::Broken
}

/// [`unpack`] on a thread that may take its time. The reservation comes back with the bytes that it stands for.
pub(super) async fn unpack_elsewhere(
    coding: Coding,
    packed: Bytes,
    mut reservation: Reservation,
) -> Result<(Bytes, Reservation), BodyError> {
    if coding == Coding::Identity {
        return Ok((packed, reservation));
    }
    let unpacking = tokio::task::spawn_blocking(move || {
        unpack(coding, packed, &mut reservation).map(|bytes| (bytes, reservation))
    });
    unpacking.await.unwrap_or(Err(BodyError::Failed))
}

/// Unpacks a body. Stops as soon as it is too large, so that a bomb costs no more than the limit.
fn unpack(coding: Coding, packed: Bytes, reservation: &mut Reservation) -> Result<Bytes, BodyError> {
    if packed.is_empty() {
        return Ok(packed);
    }
    match coding {
        Coding::Identity => Ok(packed),
        Coding::Gzip => read_bounded(MultiGzDecoder::new(packed.as_ref()), reservation),
        Coding::Zstd => {
            let damaged = |err: io::Error| BodyError::Damaged(format!("the zstd body is damaged: {err}"));
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
                reservation.grow_to(bytes.len() + read)?;
                bytes.extend_from_slice(chunk.get(..read).expect("no more than the buffer holds"));
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(BodyError::Damaged(format!("the compressed body is damaged: {err}"))),
        }
    }
}

#[cfg(test)]
mod tests;
