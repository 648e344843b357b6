//! As much of an HTTP/1.1 client as a load generator needs, with nothing between it and the socket.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Connection(BufReader<TcpStream>);

/// A status, and whether the connection may be used again.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) keep_alive: bool,
}

impl Connection {
    pub(crate) fn open(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request and reads the whole answer.
    pub(crate) fn exchange(&mut self, head: &[u8], body: &[u8]) -> Result<Answer> {
        self.0.get_mut().write_all(head)?;
        self.0.get_mut().write_all(body)?;
        let line = self.line()?;
        let status = line
            .split_whitespace()
            .nth(1)
            .and_then(|word| word.parse().ok())
            .ok_or(ErrorKind::InvalidData)?;
        let (mut length, mut keep_alive, mut chunked) = (0usize, true, false);
        loop {
            let header = self.line()?.to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| ErrorKind::InvalidData)?;
            }
            keep_alive &= !(header.starts_with("connection:") && header.contains("close"));
            chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
        }
        if chunked {
            self.skip_chunks()?
        } else {
            self.skip(length)?
        }
        Ok(Answer { status, keep_alive })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        Ok(line.trim_end().to_owned())
    }

    fn skip(&mut self, length: usize) -> Result<()> {
        self.0.read_exact(&mut vec![0; length])
    }

    fn skip_chunks(&mut self) -> Result<()> {
        loop {
            let length = usize::from_str_radix(&self.line()?, 16).map_err(|_| ErrorKind::InvalidData)?;
            self.skip(length + 2)?;
            if length == 0 {
                return Ok(());
            }
        }
    }
}
