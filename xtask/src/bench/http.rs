//! One HTTP exchange on a connection of its own: enough to time an answer without a client library's help.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

pub(super) fn get(port: u16, path: &str) -> Result<Answer> {
    exchange(port, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"))
}

pub(super) fn post_json(port: u16, path: &str, body: &str) -> Result<Answer> {
    let length = body.len();
    exchange(
        port,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ),
    )
}

fn exchange(port: u16, request: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes)
}

/// The whole answer is there: the server closed the connection after it.
fn parse(bytes: &[u8]) -> Result<Answer> {
    let end =
        bytes.windows(4).position(|window| window == b"\r\n\r\n").context("the answer has no header")?;
    let head = std::str::from_utf8(&bytes[..end]).context("the header is not text")?.to_ascii_lowercase();
    let status = head.split_whitespace().nth(1).and_then(|word| word.parse().ok()).context("no status")?;
    let rest = &bytes[end + 4..];
    let body = if head.contains("transfer-encoding: chunked") { join_chunks(rest)? } else { rest.to_vec() };
    Ok(Answer { status, body })
}

fn join_chunks(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n").context("a chunk has no length")?;
        let length = std::str::from_utf8(&rest[..end]).context("a chunk's length is not text")?;
        let length = usize::from_str_radix(length, 16).context("a chunk's length is no number")?;
        if length == 0 {
            return Ok(body);
        }
        ensure!(rest.len() >= end + 2 + length + 2, "a chunk is cut off");
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 2 + length + 2..];
    }
}

/// A port that nobody uses at this moment.
pub(super) fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no free port")?;
    let port = listener.local_addr()?.port();
    if port == 0 {
        bail!("the system gave no port");
    }
    Ok(port)
}

#[cfg(test)]
mod tests;
