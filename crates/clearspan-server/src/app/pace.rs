//! How long a connection may take for what it does.
//!
//! hyper's own timeout for headers also ends connections that rest between two requests, which exporters do for a
//! minute at a time. So the bytes of a connection are watched here: [`PacedIo`] sees them pass, [`Pace`] knows
//! whether a request is running, and [`Pace::judge`] says when a connection has lost its place. [`PacedBody`] ends a
//! request body that drips, [`RunningBody`] follows an answer until it is read, and [`Pace::take_turn`] bounds how much
//! of a connection's answers is in memory.

mod answer;
mod frames;
mod turns;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use self::answer::Progress;
pub(super) use self::answer::RunningBody;
use self::frames::{Frames, Heads};
use self::turns::{Turn, Turns};

/// From the first byte of a request to the end of its headers; from the connection to the first byte.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Between two requests. An HTTP/2 connection may be opened long before it is used.
const IDLE_TIME: Duration = Duration::from_secs(75);
/// A client that takes nothing of its answer for so long does not want it.
const UNREAD_TIME: Duration = Duration::from_secs(30);

/// A request body may begin slowly, then must keep this rate on the average.
const BODY_GRACE: Duration = Duration::from_secs(5);
const BODY_BYTES_PER_SECOND: u64 = 1_024;
/// Nothing at all of a body for so long ends it.
const BODY_STALL: Duration = Duration::from_secs(15);
/// A whole body, however large.
const BODY_TIME: Duration = Duration::from_secs(300);

/// What should become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    /// It rested long enough: no new requests, a polite end.
    End,
    /// It holds its place without using it.
    Drop,
}

/// What a connection is doing. Times are milliseconds since it was opened, plus one; zero means "not so".
#[derive(Debug)]
pub(super) struct Pace {
    opened: Instant,
    is_http2: AtomicBool,
    /// Whether a request has ever begun.
    was_used: AtomicBool,
    running: AtomicU32,
    head_since: AtomicU64,
    /// The same for HTTP/2, whose heads are seen as frames only.
    framed_head_since: AtomicU64,
    idle_since: AtomicU64,
    unread_since: AtomicU64,
    next_answer: AtomicU64,
    answers: Mutex<FxHashMap<u64, Arc<Mutex<Progress>>>>,
    turns: Turns,
    dismissed: Notify,
}

impl Pace {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            is_http2: AtomicBool::new(false),
            was_used: AtomicBool::new(false),
            running: AtomicU32::new(0),
            head_since: AtomicU64::new(0),
            framed_head_since: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            unread_since: AtomicU64::new(0),
            next_answer: AtomicU64::new(0),
            answers: Mutex::default(),
            turns: Turns::new(),
            dismissed: Notify::new(),
        })
    }

    /// Notes that a request runs until the guard is dropped.
    pub(super) fn begin_request(self: &Arc<Self>) -> Running {
        self.was_used.store(true, Relaxed);
        self.running.fetch_add(1, Relaxed);
        self.head_since.store(0, Relaxed);
        Running { pace: Arc::clone(self) }
    }

    /// Waits until the answers that the peer has not read leave room for one more. Cancel-safe.
    pub(super) async fn take_turn(&self) -> Turn<'_> {
        self.turns.take().await
    }

    /// Asks a connection on which no request has begun to leave its place. Says whether there was one to ask.
    pub(super) fn dismiss(&self) -> bool {
        let is_new = !self.was_used();
        if is_new {
            self.dismissed.notify_one();
        }
        is_new
    }

    pub(super) fn was_used(&self) -> bool {
        self.was_used.load(Relaxed)
    }

    /// Waits until the connection must leave its place to another. Cancel-safe.
    pub(super) async fn is_dismissed(&self) {
        loop {
            self.dismissed.notified().await;
            // A request may have begun meanwhile.
            if !self.was_used() {
                return;
            }
        }
    }

    pub(super) fn judge(&self, now: Instant) -> Verdict {
        let lasts_longer = |since: &AtomicU64, limit: Duration| {
            let since = since.load(Relaxed);
            since > 0 && u128::from(self.mark(now).saturating_sub(since)) > limit.as_millis()
        };
        let age = now.saturating_duration_since(self.opened);
        if lasts_longer(&self.unread_since, UNREAD_TIME) || self.has_unread_answer(now) {
            return Verdict::Drop;
        }
        if self.running.load(Relaxed) > 0 {
            return Verdict::GoOn;
        }
        if lasts_longer(&self.head_since, HEAD_TIME) || lasts_longer(&self.framed_head_since, HEAD_TIME) {
            return Verdict::Drop;
        }
        let was_used = self.idle_since.load(Relaxed) > 0 || self.head_since.load(Relaxed) > 0;
        match was_used {
            true if lasts_longer(&self.idle_since, IDLE_TIME) => Verdict::End,
            false if self.is_http2.load(Relaxed) && age > IDLE_TIME => Verdict::End,
            false if !self.is_http2.load(Relaxed) && age > HEAD_TIME => Verdict::Drop,
            _ => Verdict::GoOn,
        }
    }

    /// Whether the peer has taken nothing of an answer for too long, while it could.
    fn has_unread_answer(&self, now: Instant) -> bool {
        let answers = self.answers.lock();
        let mut since = answers.values().filter_map(|answer| answer.lock().unread_since());
        since.any(|since| now.saturating_duration_since(since) > UNREAD_TIME)
    }

    /// Takes an answer under watch until its number is removed.
    fn note_answer(&self, progress: Arc<Mutex<Progress>>) -> u64 {
        let id = self.next_answer.fetch_add(1, Relaxed);
        self.answers.lock().insert(id, progress);
        id
    }

    fn note_heads(&self, heads: Heads, now: Instant) {
        if heads.has_ended || !heads.is_open {
            self.framed_head_since.store(0, Relaxed);
        }
        if heads.is_open {
            self.start(&self.framed_head_since, now);
        }
    }

    fn note_read(&self, bytes: &[u8], now: Instant) {
        if self.idle_since.load(Relaxed) == 0 && bytes.starts_with(b"PRI ") {
            self.is_http2.store(true, Relaxed);
        }
        // HTTP/2 has frames that belong to no request, so bytes alone do not say that one has begun.
        if self.running.load(Relaxed) == 0 && !self.is_http2.load(Relaxed) {
            self.start(&self.head_since, now);
        }
    }

    fn note_written<T>(&self, written: &Poll<io::Result<T>>, now: Instant) {
        match written {
            Poll::Pending => self.start(&self.unread_since, now),
            Poll::Ready(_) => self.unread_since.store(0, Relaxed),
        }
    }

    fn note_ended(&self, now: Instant) {
        if self.running.fetch_sub(1, Relaxed) == 1 {
            self.idle_since.store(self.mark(now), Relaxed);
        }
    }

    fn start(&self, since: &AtomicU64, now: Instant) {
        // Only the connection's own tasks write, so that a lost race costs milliseconds of patience.
        if since.load(Relaxed) == 0 {
            since.store(self.mark(now), Relaxed);
        }
    }

    fn mark(&self, now: Instant) -> u64 {
        let millis = now.saturating_duration_since(self.opened).as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX - 1) + 1
    }
}

/// A request that runs.
#[derive(Debug)]
pub(super) struct Running {
    pace: Arc<Pace>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pace.note_ended(Instant::now());
    }
}

/// A socket whose bytes are seen by a [`Pace`].
#[derive(Debug)]
pub(super) struct PacedIo<T> {
    inner: T,
    pace: Arc<Pace>,
    frames: Frames,
}

impl<T> PacedIo<T> {
    pub(super) fn new(inner: T, pace: Arc<Pace>) -> Self {
        Self { inner, pace, frames: Frames::new() }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for PacedIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if let Some(bytes @ [_, ..]) = buf.filled().get(before..) {
            let now = Instant::now();
            let heads = self.frames.note(bytes);
            self.pace.note_read(bytes, now);
            self.pace.note_heads(heads, now);
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for PacedIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.pace.note_written(&written, Instant::now());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.pace.note_written(&written, Instant::now());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A request body that must arrive at a decent rate.
#[derive(Debug)]
pub(super) struct PacedBody<B> {
    inner: B,
    bytes: u64,
    /// When it was first asked for, and when data last came.
    times: Option<(Instant, Instant)>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B> PacedBody<B> {
    pub(super) fn new(inner: B) -> Self {
        Self { inner, bytes: 0, times: None, timer: None }
    }
}

/// When a body that has brought so many bytes has lost its place.
fn deadline(begin: Instant, last_data: Instant, bytes: u64) -> Instant {
    let by_rate = begin + BODY_GRACE + Duration::from_secs(bytes / BODY_BYTES_PER_SECOND);
    by_rate.min(last_data + BODY_STALL).min(begin + BODY_TIME)
}

impl<B> http_body::Body for PacedBody<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let (begin, last_data) = *self.times.get_or_insert_with(|| (Instant::now(), Instant::now()));
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
                self.bytes += data.remaining() as u64;
                // An empty frame is no progress.
                if data.has_remaining() {
                    self.times = Some((begin, Instant::now()));
                }
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = deadline(begin, last_data, self.bytes);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        std::task::ready!(timer.as_mut().poll(cx));
        let err = io::Error::new(io::ErrorKind::TimedOut, "the request's body arrives too slowly");
        Poll::Ready(Some(Err(err.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests;
