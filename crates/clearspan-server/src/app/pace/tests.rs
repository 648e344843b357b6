use std::convert::Infallible;

use http_body_util::{BodyExt, StreamBody};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_connection_that_says_nothing_is_dropped() {
    let pace = Pace::new();
    assert_eq!(pace.judge(pace.opened + 9 * SECOND), Verdict::GoOn);
    assert_eq!(pace.judge(pace.opened + 11 * SECOND), Verdict::Drop);
}

#[test]
fn headers_that_drip_are_dropped() {
    let pace = Pace::new();
    for seconds in 0..6 {
        pace.note_read(b"x", pace.opened + seconds * 2 * SECOND);
    }
    assert_eq!(pace.judge(pace.opened + 12 * SECOND), Verdict::Drop);
}

#[test]
fn a_request_may_take_its_time_and_rest_afterwards() {
    let pace = Pace::new();
    let at = |seconds: u32| pace.opened + seconds * SECOND;
    pace.note_read(b"POST", at(1));
    let running = pace.begin_request();
    assert_eq!(pace.judge(at(600)), Verdict::GoOn);
    std::mem::forget(running);
    pace.note_ended(at(600));
    assert_eq!(pace.judge(at(661)), Verdict::GoOn, "exporters rest for a minute");
    assert_eq!(pace.judge(at(676)), Verdict::End);
    pace.note_read(b"P", at(661));
    assert_eq!(pace.judge(at(672)), Verdict::Drop, "the next request has begun and does not go on");
}

#[test]
fn http2_may_be_opened_before_it_is_used() {
    let pace = Pace::new();
    pace.note_read(b"PRI * HTTP/2.0\r\n", pace.opened);
    assert_eq!(pace.judge(pace.opened + 60 * SECOND), Verdict::GoOn);
    assert_eq!(pace.judge(pace.opened + 80 * SECOND), Verdict::End);
}

#[test]
fn a_client_that_does_not_read_is_dropped() {
    let pace = Pace::new();
    let at = |seconds: u32| pace.opened + seconds * SECOND;
    let _running = pace.begin_request();
    let pending = Poll::<io::Result<()>>::Pending;
    pace.note_written(&pending, at(0));
    pace.note_written(&Poll::Ready(Ok(())), at(20));
    pace.note_written(&pending, at(20));
    pace.note_written(&pending, at(40));
    assert_eq!(pace.judge(at(49)), Verdict::GoOn);
    assert_eq!(pace.judge(at(51)), Verdict::Drop);
}

#[test]
fn a_body_has_a_deadline() {
    let begin = Instant::now();
    for (seconds_since_data, bytes, expected) in [
        (0, 0, 5 * SECOND),
        (0, 4_096, 9 * SECOND),
        (0, 1 << 20, BODY_STALL),
        (100, 1 << 20, 100 * SECOND + BODY_STALL),
        (299, 1 << 30, BODY_TIME),
    ] {
        let last_data = begin + seconds_since_data * SECOND;
        assert_eq!(deadline(begin, last_data, bytes) - begin, expected, "{seconds_since_data} {bytes}");
    }
}

#[tokio::test]
async fn a_body_that_misses_its_deadline_is_ended() {
    let silence = StreamBody::new(futures::stream::pending::<Result<Frame<Bytes>, Infallible>>());
    let mut body = PacedBody::new(silence);
    let long_ago = Instant::now() - 6 * SECOND;
    body.times = Some((long_ago, long_ago));
    let err = body.frame().await.unwrap().unwrap_err();
    assert_eq!(err.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_body_in_time_passes_unchanged() {
    let frames = [Bytes::from_static(b"one"), Bytes::from_static(b"two")]
        .map(|data| Ok::<_, Infallible>(Frame::data(data)));
    let mut body = PacedBody::new(StreamBody::new(futures::stream::iter(frames)));
    let mut received = Vec::new();
    while let Some(frame) = body.frame().await {
        received.extend_from_slice(frame.unwrap().data_ref().unwrap());
    }
    assert_eq!((received.as_slice(), body.bytes), (b"onetwo".as_slice(), 6));
}

#[test]
fn an_http2_head_that_does_not_end_is_dropped() {
    let pace = Pace::new();
    let at = |seconds: u32| pace.opened + seconds * SECOND;
    pace.note_read(b"PRI * HTTP/2.0\r\n", at(0));
    pace.note_heads(Heads { has_ended: false, is_open: true }, at(5));
    pace.note_heads(Heads { has_ended: false, is_open: true }, at(10));
    assert_eq!(pace.judge(at(14)), Verdict::GoOn);
    assert_eq!(pace.judge(at(16)), Verdict::Drop);
    pace.note_heads(Heads { has_ended: true, is_open: true }, at(16));
    assert_eq!(pace.judge(at(25)), Verdict::GoOn, "this is another");
    pace.note_heads(Heads { has_ended: true, is_open: false }, at(25));
    assert_eq!(pace.judge(at(60)), Verdict::GoOn);
}

fn later(pace: &Pace, seconds: u32) -> Verdict {
    pace.judge(Instant::now() + seconds * SECOND)
}

#[test]
fn an_answer_that_is_not_asked_for_is_dropped() {
    let pace = Pace::new();
    let body = RunningBody::new("answer".into(), pace.begin_request());
    assert_eq!(later(&pace, 29), Verdict::GoOn);
    assert_eq!(later(&pace, 31), Verdict::Drop, "with HTTP/2 the peer says when the first byte may come");
    drop(body);
    assert_eq!(later(&pace, 60), Verdict::GoOn);
    assert_eq!(later(&pace, 80), Verdict::End);
}

#[tokio::test]
async fn an_answer_runs_until_its_last_byte_is_written() {
    let pace = Pace::new();
    let answer = vec![b'x'; 20 << 10];
    let mut body = RunningBody::new(answer.into(), pace.begin_request());
    let mut piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
    drop(body);
    let begun = Instant::now();
    assert_eq!(pace.judge(begun + 31 * SECOND), Verdict::Drop, "it lies in a buffer");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    piece.advance(1 << 10);
    assert_eq!(pace.judge(begun + 31 * SECOND), Verdict::Drop, "a peer that takes a little now and then");
    piece.advance(15 << 10);
    assert_eq!(pace.judge(begun + 31 * SECOND), Verdict::GoOn, "a slow reader");
    assert_eq!(later(&pace, 31), Verdict::Drop);
    assert_eq!(pace.running.load(Relaxed), 1);
    piece.advance(4 << 10);
    drop(piece);
    assert_eq!(pace.running.load(Relaxed), 0);
    assert_eq!(later(&pace, 60), Verdict::GoOn);
}

#[tokio::test]
async fn an_answer_that_waits_for_us_may_wait() {
    let pace = Pace::new();
    let (tx, rx) = tokio::sync::mpsc::channel::<Result<&str, Infallible>>(2);
    let events = tokio_stream::wrappers::ReceiverStream::new(rx);
    let mut body = RunningBody::new(axum::body::Body::from_stream(events), pace.begin_request());
    assert!(futures::poll!(body.frame()).is_pending());
    assert_eq!(later(&pace, 600), Verdict::GoOn);
    tx.send(Ok("event")).await.unwrap();
    let mut piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(futures::poll!(body.frame()).is_pending());
    assert_eq!(later(&pace, 31), Verdict::Drop, "the event is not taken");
    piece.advance(5);
    assert_eq!(later(&pace, 600), Verdict::GoOn);
}
