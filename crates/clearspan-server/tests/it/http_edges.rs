//! HTTP itself, broken: what is ambiguous is refused and ends the connection, so that nothing behind it is read as
//! a second request.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::Server;

/// Everything that the server says until it closes the connection.
async fn talk(server: &Server, text: &[u8]) -> String {
    let mut stream = TcpStream::connect(&server.http).await.expect("the server listens");
    // The server may answer and close before it has read everything.
    let _all_sent = stream.write_all(text).await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status codes of all answers in the text.
fn statuses(text: &str) -> Vec<&str> {
    text.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.split(' ').next()).collect()
}

#[tokio::test]
async fn ambiguous_or_broken_requests_get_one_refusal() {
    let server = Server::start();
    let post = |headers: &str, body: &str| {
        format!(
            "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\r\n{body}"
        )
    };
    // If the server saw a second request, there would be a second answer.
    let smuggled = "{}GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let rows = [
        ("two unequal lengths", post("Content-Length: 2\r\nContent-Length: 44\r\n", smuggled)),
        ("a length with a sign", post("Content-Length: +2\r\n", smuggled)),
        ("a negative length", post("Content-Length: -1\r\n", smuggled)),
        ("a hexadecimal length", post("Content-Length: 0x2\r\n", smuggled)),
        ("a length of 2^64", post("Content-Length: 18446744073709551616\r\n", smuggled)),
        ("chunked is not last", post("Transfer-Encoding: chunked, x\r\n", smuggled)),
        ("an unknown transfer coding", post("Transfer-Encoding: xchunked\r\n", smuggled)),
        ("a blank before the colon", post("Content-Length : 2\r\n", smuggled)),
        ("an empty header name", post(": 2\r\n", smuggled)),
        ("NUL in a header", post("X-Name: a\0b\r\n", smuggled)),
        ("a folded header", post("X-Name: a\r\n b\r\n", smuggled)),
        ("NUL in the method", "GE\0T /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
        ("HTTP/3.0 in text", "GET /livez HTTP/3.0\r\nHost: localhost\r\n\r\n".to_owned()),
        ("bytes of something else", "\u{1}\u{2}\u{3} hello\r\n\r\n".to_owned()),
        ("10,000 headers", post(&"X-Name: 1\r\n".repeat(10_000), "{}")),
        ("a header of a megabyte", post(&format!("X-Name: {}\r\n", "x".repeat(1 << 20)), "{}")),
        ("a path of a megabyte", format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(1 << 20))),
    ];
    for (what, text) in rows {
        let answer = talk(&server, text.as_bytes()).await;
        // A connection may be reset while a flood is still being sent.
        let statuses = statuses(&answer);
        assert!(matches!(statuses[..], ["400" | "414" | "431"] | []), "{what}: {answer}");
        if text.len() < 1_000 && !text.contains("HTTP/3.0") && !text.starts_with('\u{1}') {
            assert_eq!(statuses, ["400"], "{what}: {answer}");
        }
    }
    assert_eq!(server.run_count("default").await, 0);
}

/// With both a length and chunks, the chunks count, and nothing behind them is a request.
#[tokio::test]
async fn a_length_beside_chunks_smuggles_nothing() {
    let server = Server::start();
    let text = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\
                Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = talk(&server, text.as_bytes()).await;
    assert_eq!(statuses(&answer).len(), 1, "{answer}");
}

#[tokio::test]
async fn broken_chunks_are_no_request() {
    let server = Server::start();
    let head = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    for (what, chunks) in [
        ("a size that overflows", "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
        ("a size that is no number", "zz\r\n{}\r\n0\r\n\r\n"),
        ("a chunk longer than its size", "1\r\n{}\r\n0\r\n\r\n"),
    ] {
        let answer = talk(&server, format!("{head}{chunks}").as_bytes()).await;
        assert!(matches!(statuses(&answer)[..], ["400"] | []), "{what}: {answer}");
    }
    assert_eq!(server.run_count("default").await, 0);
}
