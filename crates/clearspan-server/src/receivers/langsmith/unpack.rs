//! Bodies of runs, unpacked and taken apart while they arrive: of a body nothing is in memory but its fields, which are
//! charged to the shared budget as they grow, and no attachment at all.

use std::io::{self, Write};

use axum::body::Body;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt;

use crate::drain::drain;
use crate::multipart::Malformed;
use crate::receivers::body::{self, BodyError, Coding};

/// Bytes that are unpacked at once: less would hand over to another thread too often.
const STEP_BYTES: usize = 64 << 10;
/// A request has at most this many bytes on the wire and unpacked, attachments included.
pub(super) const MAX_BYTES: u64 = 1 << 30;

/// Why a body cannot be used.
#[derive(Debug)]
pub(super) enum Stop {
    Body(BodyError),
    Malformed(String),
    /// More parts, or more bytes, than anyone needs.
    TooMuch(String),
    /// The disk does not take an attachment.
    Disk(io::Error),
}

impl From<BodyError> for Stop {
    fn from(err: BodyError) -> Self {
        Self::Body(err)
    }
}

impl From<Malformed> for Stop {
    fn from(Malformed(why): Malformed) -> Self {
        Self::Malformed(why.to_owned())
    }
}

/// What takes the unpacked bytes.
pub(super) trait Sink: Send + 'static {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Stop>;
}

/// Reads a body to its end into a sink. The work is done on threads that may take their time, and none waits for a client.
pub(super) async fn read<S: Sink>(mut body: Body, coding: Coding, sink: S) -> Result<S, Stop> {
    let outcome = read_all(&mut body, coding, sink).await;
    if outcome.is_err() {
        // A client that still sends does not read the answer.
        drain(body).await;
    }
    outcome
}

async fn read_all<S: Sink>(body: &mut Body, coding: Coding, sink: S) -> Result<S, Stop> {
    let mut decoder = Decoder::new(coding, sink)?;
    let (mut waiting, mut waiting_bytes, mut wire_bytes) = (Vec::new(), 0, 0_u64);
    loop {
        let frame = body.frame().await.transpose().map_err(|err| body::read_error(&err))?;
        let is_end = frame.is_none();
        if let Some(Ok(data)) = frame.map(hyper::body::Frame::into_data) {
            wire_bytes += data.len() as u64;
            waiting_bytes += data.len();
            waiting.push(data);
        }
        if wire_bytes > MAX_BYTES {
            return Err(BodyError::TooLarge.into());
        }
        if is_end || waiting_bytes >= STEP_BYTES {
            let chunks: Vec<Bytes> = std::mem::take(&mut waiting);
            waiting_bytes = 0;
            let unpacking = tokio::task::spawn_blocking(move || {
                chunks.iter().try_for_each(|chunk| decoder.push(chunk))?;
                Ok::<_, Stop>(decoder)
            });
            decoder = unpacking.await.unwrap_or(Err(BodyError::Failed.into()))?;
        }
        if is_end {
            return decoder.finish();
        }
    }
}

/// A decoder that is fed: unpacked bytes go into the sink in small pieces, so a bomb costs no more than its limit.
enum Decoder<S: Sink> {
    Identity(Guarded<S>),
    Gzip(Box<MultiGzDecoder<Guarded<S>>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Guarded<S>>>),
}

impl<S: Sink> Decoder<S> {
    fn new(coding: Coding, sink: S) -> Result<Self, Stop> {
        let guarded = Guarded { sink: Some(sink), bytes: 0, stop: None };
        Ok(match coding {
            Coding::Identity => Self::Identity(guarded),
            Coding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(guarded))),
            Coding::Zstd => {
                let failed = |_| Stop::Body(BodyError::Failed);
                let mut decoder = zstd::stream::write::Decoder::new(guarded).map_err(failed)?;
                decoder.window_log_max(body::ZSTD_WINDOW_LOG).map_err(failed)?;
                Self::Zstd(Box::new(decoder))
            }
        })
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let outcome = match self {
            Self::Identity(guarded) => guarded.write_all(bytes),
            Self::Gzip(decoder) => decoder.write_all(bytes),
            Self::Zstd(decoder) => decoder.write_all(bytes),
        };
        outcome.map_err(|err| self.stop(&err))
    }

    fn finish(mut self) -> Result<S, Stop> {
        let outcome = match &mut self {
            Self::Identity(_) => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zstd(decoder) => decoder.flush(),
        };
        outcome.map_err(|err| self.stop(&err))?;
        if self.guarded().stop.is_some() {
            return Err(self.stop(&io::Error::other("stopped")));
        }
        self.guarded().sink.take().ok_or(Stop::Body(BodyError::Failed))
    }

    fn guarded(&mut self) -> &mut Guarded<S> {
        match self {
            Self::Identity(guarded) => guarded,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
        }
    }

    /// What stopped the sink, else what is wrong with the packed bytes.
    fn stop(&mut self, err: &io::Error) -> Stop {
        self.guarded()
            .stop
            .take()
            .unwrap_or_else(|| BodyError::Damaged(format!("the compressed body is damaged: {err}")).into())
    }
}

/// A sink as decoders want it; it remembers what stopped it.
struct Guarded<S> {
    sink: Option<S>,
    bytes: u64,
    stop: Option<Stop>,
}

impl<S: Sink> Write for Guarded<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        let outcome = match &mut self.sink {
            _ if self.stop.is_some() => return Err(io::Error::other("stopped")),
            _ if self.bytes > MAX_BYTES => Err(BodyError::TooLarge.into()),
            Some(sink) => sink.push(bytes),
            None => Err(BodyError::Failed.into()),
        };
        match outcome {
            Ok(()) => Ok(bytes.len()),
            Err(stop) => {
                self.stop = Some(stop);
                Err(io::Error::other("stopped"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A body that is one JSON text.
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) reservation: crate::ingest::Reservation,
}

impl Sink for Text {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.reservation.grow_to(self.bytes.len() + bytes.len()).map_err(BodyError::from)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}
