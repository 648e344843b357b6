//! Connections: accept, bound, watch, drain.

mod places;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures::FutureExt;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use self::places::{Place, Places};
use super::pace::{Pace, PacedBody, PacedIo, RunningBody, Verdict};

/// How often a connection is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// A connection that was asked to end and has no request running is dropped after this time.
const FAREWELL: Duration = Duration::from_secs(5);
/// A peer that does not answer a ping for so long is gone.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// A pause after accepting failed: mostly there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The request line and all headers.
const MAX_HEAD_BYTES: u32 = 64 << 10;
const MAX_HEADERS: usize = 128;
const MAX_STREAMS: u32 = 200;
/// Streams that a client reset before they were served; more ends the connection ("rapid reset").
const MAX_RESET_STREAMS: usize = 64;

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections served at once; more wait in the backlog.
    pub(super) connections: usize,
    /// Whether HTTP/1 is refused.
    pub(super) http2_only: bool,
}

/// Serves connections until told to stop, then waits for those that work.
pub(super) async fn serve(
    listener: TcpListener,
    routes: Router,
    limits: Limits,
    stopping: CancellationToken,
) {
    let builder = Arc::new(connection_builder(limits.http2_only));
    let mut places = Places::new(limits.connections);
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            // A connection that waits for its place when the server stops is given up like those in the backlog.
            accepted = accept(&listener, &mut places) => accepted,
            () = stopping.cancelled() => break,
        };
        let Some((stream, place)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let pace = Pace::new();
        places.note(&pace);
        let connection =
            serve_connection(stream, pace, Arc::clone(&builder), routes.clone(), stopping.clone());
        let connection = connections.track_future(async move {
            connection.await;
            drop(place);
        });
        crate::task::spawn("connection", connection);
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn accept(listener: &TcpListener, places: &mut Places) -> Option<(TcpStream, Place)> {
    match listener.accept().await {
        Ok((stream, _)) => {
            if let Err(err) = stream.set_nodelay(true) {
                tracing::debug!(error = %err, "cannot set TCP_NODELAY");
            }
            Some((stream, places.take().await))
        }
        Err(err) => {
            tracing::warn!(error = %err, "cannot accept a connection");
            None
        }
    }
}

async fn serve_connection(
    stream: TcpStream,
    pace: Arc<Pace>,
    builder: Arc<Builder<TokioExecutor>>,
    routes: Router,
    stopping: CancellationToken,
) {
    let service = {
        let pace = Arc::clone(&pace);
        service_fn(move |request| answer(request, routes.clone(), Arc::clone(&pace)))
    };
    let io = TokioIo::new(PacedIo::new(stream, Arc::clone(&pace)));
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ends_since = None;
    loop {
        tokio::select! {
            // Dropping the other arms loses nothing: the connection is only borrowed, a tick may be late.
            ended = connection.as_mut() => {
                if let Err(err) = ended {
                    tracing::debug!(error = %err, "a connection ended with an error");
                }
                return;
            }
            () = pace.is_dismissed() => return,
            () = stopping.cancelled(), if ends_since.is_none() => {
                connection.as_mut().graceful_shutdown();
                ends_since = Some(Instant::now());
            }
            _ = look.tick() => match pace.judge(Instant::now()) {
                Verdict::Drop => return,
                Verdict::End if ends_since.is_none() => {
                    connection.as_mut().graceful_shutdown();
                    ends_since = Some(Instant::now());
                }
                Verdict::End if ends_since.is_some_and(|since| since.elapsed() > FAREWELL) => return,
                Verdict::End | Verdict::GoOn => {}
            },
        }
    }
}

/// Runs a handler. Its panic costs one answer.
async fn answer(
    request: Request<Incoming>,
    routes: Router,
    pace: Arc<Pace>,
) -> Result<Response<RunningBody>, Infallible> {
    let running = pace.begin_request();
    let turn = if brings_runs(&request) { None } else { Some(pace.take_turn().await) };
    let request = request.map(|body| Body::new(PacedBody::new(body)));
    let response = match std::panic::AssertUnwindSafe(routes.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Err(_panic) => {
            let mut response = Response::new(Body::from("the server failed on this request\n"));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    };
    let response = response.map(|inner| RunningBody::new(inner, running));
    // Not before the answer is counted as unread.
    drop(turn);
    Ok(response)
}

/// Whether a request is one of those that come by the hundred, and whose answers are short.
fn brings_runs<B>(request: &Request<B>) -> bool {
    let path = request.uri().path().trim_end_matches('/');
    let ends = ["/v1/traces", "/v1/logs", "/v1/metrics", "/runs/batch", "/runs/multipart", "Service/Export"];
    request.method() == Method::POST && ends.iter().any(|end| path.ends_with(end))
}

fn connection_builder(http2_only: bool) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // See `pace`: this would end connections that rest between two requests.
        .header_read_timeout(None)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES as usize)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
        .max_local_error_reset_streams(MAX_RESET_STREAMS)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_send_buf_size(1 << 20)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    if http2_only { builder.http2_only() } else { builder }
}

#[cfg(test)]
mod tests;
