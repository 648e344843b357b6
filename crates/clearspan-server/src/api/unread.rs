//! Large answers that were made and are not read yet: how much memory they may hold together.
//!
//! An answer is in memory until its last byte is sent, and its reader decides how long that takes. So a large one takes its size of a share
//! of `--memory` first. Those that find none left wait for a while, and as many bytes of them as the share has; others are refused, which
//! frees them. Streams are made as they are read and do not count.
//!
//! How large an answer is shows when it is made. So a few of those that hold payloads are made at a time ([`Unread::few`]).

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{ApiError, ErrorCode};
use crate::context::Context;

/// Smaller answers do not count.
const LARGE: usize = 1 << 20;
/// Answers with payloads that are made at a time. Each has a run in memory, perhaps the one before it, and its JSON.
const AT_ONCE: usize = 8;
/// How long an answer waits until others were read.
const PATIENCE: Duration = Duration::from_secs(10);

/// The share of the memory.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    room: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    /// What both have, in KiB.
    most: u32,
    patience: Duration,
}

impl Unread {
    pub(super) fn new(bytes: usize) -> Self {
        let most = kibibytes(bytes);
        let semaphore = || Arc::new(Semaphore::new(most as usize));
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { room: semaphore(), waiting: semaphore(), turns, most, patience: PATIENCE }
    }

    /// A route whose answers hold payloads.
    pub(super) fn few(&self, route: MethodRouter<Arc<Context>>) -> MethodRouter<Arc<Context>> {
        route.layer(from_fn_with_state(Arc::clone(&self.turns), in_turn))
    }

    /// The answer, when there is room for it, and a refusal otherwise.
    pub(super) async fn hold(&self, response: Response) -> Response {
        let size = response.body().size_hint().exact().and_then(|size| usize::try_from(size).ok());
        let Some(size) = size.filter(|size| *size >= LARGE) else { return response };
        // One that is larger than the share has all of it.
        let share = kibibytes(size).min(self.most);
        let Ok(waiting) = Arc::clone(&self.waiting).try_acquire_many_owned(share) else { return refusal() };
        let room =
            tokio::time::timeout(self.patience, Arc::clone(&self.room).acquire_many_owned(share)).await;
        drop(waiting);
        let Ok(Ok(room)) = room else { return refusal() };
        let (parts, body) = response.into_parts();
        match to_bytes(body, size).await {
            Ok(bytes) => {
                Response::from_parts(parts, Body::from(Bytes::from_owner(Held { bytes, _room: room })))
            }
            Err(err) => {
                tracing::error!(error = %err, "an answer that was made cannot be read");
                ApiError::new(ErrorCode::Internal, "the answer was lost").into_response()
            }
        }
    }
}

async fn in_turn(State(turns): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let _turn = turns.acquire().await;
    next.run(request).await
}

/// The bytes of an answer, and their share until nothing of them is needed any more.
struct Held {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn kibibytes(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).min(Semaphore::MAX_PERMITS as u32)
}

fn refusal() -> Response {
    let message = "large answers that were not read yet hold the memory that the server has for them; try again, \
                   or start it with more --memory";
    ApiError::new(ErrorCode::Overloaded, message).into_response()
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn answer(bytes: usize) -> Response {
        Response::new(Body::from(vec![b'x'; bytes]))
    }

    async fn bytes_of(response: Response) -> usize {
        to_bytes(response.into_body(), usize::MAX).await.unwrap().len()
    }

    #[tokio::test]
    async fn large_answers_wait_for_those_that_are_not_read_and_are_refused_after_a_while() {
        let unread = Unread { patience: Duration::from_millis(400), ..Unread::new(4 << 20) };
        let first = unread.hold(answer(3 << 20)).await;
        let small = unread.hold(answer(LARGE - 1)).await;
        assert_eq!((first.status(), small.status()), (StatusCode::OK, StatusCode::OK));

        let (waiting, late) = (unread.clone(), unread.clone());
        let second = async { waiting.hold(answer(2 << 20)).await };
        let third = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            late.hold(answer(3 << 20)).await.status()
        };
        let reader = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            bytes_of(first).await
        };
        let (second, third, read) = tokio::join!(second, third, reader);
        assert_eq!(third, StatusCode::SERVICE_UNAVAILABLE, "too much waits already");
        assert_eq!((read, second.status()), (3 << 20, StatusCode::OK));

        let refused = unread.hold(answer(3 << 20)).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "nobody reads");
        drop(second);
        let larger = unread.hold(answer(9 << 20)).await;
        assert_eq!(larger.status(), StatusCode::OK, "one answer may be larger than the share");
        assert_eq!(bytes_of(larger).await, 9 << 20);
        assert_eq!(unread.hold(answer(4 << 20)).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn streams_do_not_count() {
        let unread = Unread::new(LARGE);
        let stream = || {
            let parts = (0..8).map(|_| Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; LARGE])));
            Response::new(Body::from_stream(futures::stream::iter(parts)))
        };
        let (one, other) = (unread.hold(stream()).await, unread.hold(stream()).await);
        assert_eq!((bytes_of(one).await, bytes_of(other).await), (8 * LARGE, 8 * LARGE));
    }
}
