//! One connection to the server, so that a test can see whether it survives an answer.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;

pub(crate) struct Connection {
    sender: Sender,
    address: String,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// gRPC says there how a call ended.
    pub(crate) trailers: HeaderMap,
}

impl Connection {
    pub(crate) async fn http1(address: &str) -> Self {
        let (sender, connection) =
            http1::handshake(TokioIo::new(dial(address).await)).await.expect("a connection");
        in_background(connection);
        Self { sender: Sender::Http1(sender), address: address.to_owned() }
    }

    /// Without the upgrade dance: gRPC clients begin with HTTP/2.
    pub(crate) async fn http2(address: &str) -> Self {
        let io = TokioIo::new(dial(address).await);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("a connection");
        in_background(connection);
        Self { sender: Sender::Http2(sender), address: address.to_owned() }
    }

    /// Sends a request with a path as its URI. Fails the test when the server has closed the connection.
    pub(crate) async fn send(&mut self, request: Request<impl Into<Bytes>>) -> Answer {
        let (mut parts, body) = request.into_parts();
        let body = Full::new(body.into());
        let what = format!("{} {}", parts.method, parts.uri);
        let answer = match &mut self.sender {
            Sender::Http1(sender) => {
                if !parts.headers.contains_key(header::HOST) {
                    parts.headers.insert(header::HOST, self.address.parse().expect("an address"));
                }
                sender.ready().await.unwrap_or_else(|err| panic!("{what}: no connection: {err}"));
                sender.send_request(Request::from_parts(parts, body)).await
            }
            Sender::Http2(sender) => {
                parts.uri = format!("http://{}{}", self.address, parts.uri).parse().expect("a URI");
                sender.ready().await.unwrap_or_else(|err| panic!("{what}: no connection: {err}"));
                sender.send_request(Request::from_parts(parts, body)).await
            }
        };
        let answer = answer.unwrap_or_else(|err| panic!("{what}: no answer: {err:?}"));
        Answer::read(answer).await
    }
}

impl Answer {
    async fn read(response: http::Response<Incoming>) -> Self {
        let (parts, mut incoming) = response.into_parts();
        let mut body = BytesMut::new();
        let mut trailers = HeaderMap::new();
        while let Some(frame) = incoming.frame().await {
            match frame.expect("a whole answer").into_data() {
                Ok(data) => body.extend_from_slice(&data),
                Err(frame) => trailers.extend(frame.into_trailers().expect("data or trailers")),
            }
        }
        Self { status: parts.status, headers: parts.headers, body: body.freeze(), trailers }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|err| panic!("{err}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of text"))
    }
}

async fn dial(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket of TCP");
    stream
}

#[expect(clippy::disallowed_methods, reason = "the client side has no tasks of the server")]
fn in_background<E>(connection: impl Future<Output = Result<(), E>> + Send + 'static) {
    // How a connection ends is seen by who sends on it.
    tokio::spawn(async { connection.await.is_ok() });
}
