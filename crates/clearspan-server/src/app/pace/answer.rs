//! Answers on their way to the peer: whether each still moves, and how much of them is unread.
//!
//! With HTTP/2 the peer decides how much of each answer may be sent, and the socket never fills. So an answer is followed
//! to its last byte: until then its request counts as running, and [`Progress`] knows since when it waits for the peer.
//! An answer that waits for us, as live updates do, may wait for ever.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::Running;

/// What is supposed to lie behind an answer of unknown size until it waits for us: one that is compressed on its way is
/// in memory as a whole.
const UNKNOWN_BYTES: usize = 4 << 20;

/// Less than this at a time is not reading: a byte now and then would hold an answer for ever.
const LEAST_TAKEN: usize = 16 << 10;

/// How far an answer has come.
#[derive(Debug)]
pub(super) struct Progress {
    /// Bytes that were handed to hyper and have not reached the socket.
    unwritten: usize,
    /// Whether the body has nothing to hand over now: it waits for us, or is over.
    is_body_quiet: bool,
    /// Since when the peer has taken next to nothing of what it could have.
    unread_since: Option<Instant>,
    /// Bytes that it has taken since then.
    taken: usize,
}

impl Progress {
    pub(super) fn unread_since(&self) -> Option<Instant> {
        self.unread_since
    }

    /// Something moved, or there is nothing left that could.
    fn note(&mut self) {
        let waits_for_us = self.unwritten == 0 && self.is_body_quiet;
        self.unread_since = (!waits_for_us).then(Instant::now);
        self.taken = 0;
    }

    fn note_taken(&mut self, bytes: usize) {
        self.unwritten = self.unwritten.saturating_sub(bytes);
        self.taken += bytes;
        if self.unwritten == 0 || self.taken >= LEAST_TAKEN {
            self.note();
        }
    }
}

/// An answer from the end of the handler to the last byte that is sent.
#[derive(Debug)]
struct Answer {
    id: u64,
    progress: Arc<Mutex<Progress>>,
    running: Running,
}

impl Answer {
    fn note_handed_over(&self, bytes: usize) {
        let mut progress = self.progress.lock();
        progress.unwritten += bytes;
        progress.is_body_quiet = false;
        progress.note();
    }

    fn note_quiet(&self) {
        let mut progress = self.progress.lock();
        progress.is_body_quiet = true;
        // No progress of the peer: what it has not taken is as old as before.
        if progress.unwritten == 0 {
            progress.note();
        }
    }

    fn note_written(&self, bytes: usize) {
        self.progress.lock().note_taken(bytes);
        self.running.pace.turns.note_read(bytes);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.running.pace.answers.lock().remove(&self.id);
    }
}

/// A response body that is followed until it is sent.
#[derive(Debug)]
pub(in crate::app) struct RunningBody {
    inner: Body,
    /// Bytes that are in memory and were not handed over.
    ahead: usize,
    is_size_known: bool,
    answer: Arc<Answer>,
}

impl RunningBody {
    pub(in crate::app) fn new(inner: Body, running: Running) -> Self {
        let progress =
            Progress { unwritten: 0, is_body_quiet: false, unread_since: Some(Instant::now()), taken: 0 };
        let progress = Arc::new(Mutex::new(progress));
        let size = inner.size_hint().exact();
        let ahead = size.map_or(UNKNOWN_BYTES, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        running.pace.turns.note_unread(ahead);
        let id = running.pace.note_answer(Arc::clone(&progress));
        Self {
            inner,
            ahead,
            is_size_known: size.is_some(),
            answer: Arc::new(Answer { id, progress, running }),
        }
    }

    /// There is nothing behind what was handed over.
    fn note_quiet(&mut self) {
        self.answer.note_quiet();
        self.answer.running.pace.turns.note_read(std::mem::take(&mut self.ahead));
    }

    fn hand_over(&mut self, bytes: Bytes) -> Piece {
        let known = if self.is_size_known { bytes.len().min(self.ahead) } else { 0 };
        self.ahead -= known;
        self.answer.running.pace.turns.note_unread(bytes.len() - known);
        self.answer.note_handed_over(bytes.len());
        Piece { bytes, answer: Arc::clone(&self.answer) }
    }
}

impl Drop for RunningBody {
    fn drop(&mut self) {
        self.note_quiet();
    }
}

impl http_body::Body for RunningBody {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                Poll::Ready(Some(Ok(frame.map_data(|bytes| self.hand_over(bytes)))))
            }
            Poll::Ready(Some(Err(err))) => Poll::Ready(Some(Err(err))),
            Poll::Ready(None) => {
                self.note_quiet();
                Poll::Ready(None)
            }
            Poll::Pending => {
                self.note_quiet();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A part of an answer that notes how it is sent.
#[derive(Debug)]
pub(in crate::app) struct Piece {
    bytes: Bytes,
    answer: Arc<Answer>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.answer.note_written(count);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.answer.note_written(self.bytes.len());
        }
    }
}
