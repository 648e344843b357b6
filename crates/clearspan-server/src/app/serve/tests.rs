use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const ENOUGH: Duration = Duration::from_secs(30);
/// A bit more than two of them are as much as may be unread.
const ANSWER_BYTES: usize = (4 << 20) + 1;

struct Server {
    address: std::net::SocketAddr,
    begun: Arc<AtomicUsize>,
    stopping: CancellationToken,
}

impl Server {
    async fn start(connections: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let begun = Arc::new(AtomicUsize::new(0));
        let begin = {
            let begun = Arc::clone(&begun);
            move || {
                begun.fetch_add(1, SeqCst);
                async { vec![b'x'; ANSWER_BYTES] }
            }
        };
        let packed = {
            let begin = begin.clone();
            move || {
                let whole = begin();
                async {
                    let parts: Vec<_> = whole.await.chunks(1 << 16).map(<[u8]>::to_vec).collect();
                    Body::from_stream(futures::stream::iter(parts.into_iter().map(Ok::<_, Infallible>)))
                }
            }
        };
        let routes = Router::new()
            .route("/", get(begin))
            .route("/index.html", get(packed))
            .route("/never", get(std::future::pending::<()>));
        let stopping = CancellationToken::new();
        let limits = Limits { connections, http2_only: false };
        crate::task::spawn("test", serve(listener, routes, limits, stopping.clone()));
        Self { address, begun, stopping }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The window of each stream at its begin.
fn window(bytes: u32) -> Vec<u8> {
    frame(4, 0, 0, &[&[0, 4], bytes.to_be_bytes().as_slice()].concat())
}

/// GET / with the static table of HPACK.
fn ask(number: u32) -> Vec<u8> {
    frame(1, 5, 2 * number + 1, b"\x82\x86\x84\x41\x01a")
}

/// GET /index.html, whose size is not known.
fn ask_for_parts(number: u32) -> Vec<u8> {
    frame(1, 5, 2 * number + 1, b"\x82\x86\x85\x41\x01a")
}

/// Counts answers that are there to their last byte.
async fn read_answers(stream: &mut TcpStream, count: usize) {
    let mut ended = 0;
    while ended < count {
        let mut header = [0; 9];
        stream.read_exact(&mut header).await.unwrap();
        let length = header[..3].iter().fold(0, |length, byte| length * 256 + usize::from(*byte));
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        ended += usize::from(header[3] <= 1 && (header[4] & 1) != 0);
    }
}

#[tokio::test]
async fn requests_wait_while_earlier_answers_are_unread() {
    let server = Server::start(8).await;
    // With a window of one byte an answer lies in another buffer than with none.
    for (size, ask) in [(0, ask as fn(u32) -> Vec<u8>), (1, ask), (0, ask_for_parts), (1, ask_for_parts)] {
        server.begun.store(0, SeqCst);
        let mut stream = server.connect().await;
        let asked: Vec<u8> = (0..30).flat_map(ask).collect();
        stream.write_all(&[PREFACE, &window(size), &asked].concat()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let begun = server.begun.load(SeqCst);
        assert!((1..=7).contains(&begun), "{begun} answers are in memory");

        let all = [window(1 << 30), frame(8, 0, 0, &(1_u32 << 30).to_be_bytes())].concat();
        stream.write_all(&all).await.unwrap();
        tokio::time::timeout(ENOUGH, read_answers(&mut stream, 30)).await.expect("all are answered");
        assert_eq!(server.begun.load(SeqCst), 30);
    }
}

#[tokio::test]
async fn long_work_does_not_hold_up_the_rest_of_a_connection() {
    let server = Server::start(8).await;
    let mut stream = server.connect().await;
    let never = |number: u32| frame(1, 5, 2 * number + 1, b"\x82\x86\x04\x06/never\x41\x01a");
    let asked: Vec<u8> = (0..8).flat_map(never).chain(ask(8)).collect();
    let open = [window(1 << 30), frame(8, 0, 0, &(1_u32 << 30).to_be_bytes())].concat();
    stream.write_all(&[PREFACE, &open, &asked].concat()).await.unwrap();
    tokio::time::timeout(ENOUGH, read_answers(&mut stream, 1)).await.expect("the last one is answered");
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let server = Server::start(4).await;
    let mut used = server.connect().await;
    used.write_all(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(server.connect().await);
    }
    let mut honest = server.connect().await;
    honest.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    let read = tokio::time::timeout(Duration::from_secs(4), honest.read_exact(&mut answer));
    read.await.expect("no silent connection is waited for").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");

    let mut byte = [0];
    assert_eq!(silent[0].read(&mut byte).await.unwrap(), 0, "the oldest must go");
    for stays in [&used, &silent[11]] {
        let err = stays.try_read(&mut byte).unwrap_err();
        assert_eq!(err.kind(), std::io::ErrorKind::WouldBlock, "these stay");
    }
}

#[test]
fn only_what_comes_by_the_hundred_goes_without_a_turn() {
    for (method, path, expected) in [
        ("POST", "/v1/traces", true),
        ("POST", "/langsmith/api/v1/runs/batch/", true),
        ("POST", "/opentelemetry.proto.collector.trace.v1.TraceService/Export", true),
        ("GET", "/v1/traces", false),
        ("POST", "/api/v1/runs/query", false),
        ("GET", "/", false),
    ] {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        assert_eq!(brings_runs(&request), expected, "{method} {path}");
    }
}
