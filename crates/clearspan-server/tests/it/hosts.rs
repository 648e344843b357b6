//! Browsers can be made to send requests here under the name of another site. Such names are not served.

use http::Request;

use crate::connection::Connection;
use crate::otlp_http::{JSON, assert_taken, post};
use crate::server::{DataFolder, Server};
use crate::spans::OneSpan;

const PATHS: [&str; 5] = ["/", "/app/", "/api/clearspan/v1/projects", "/api/v1/sessions", "/metrics"];

async fn status(connection: &mut Connection, path: &str, host: &str) -> u16 {
    let request = Request::get(path).header("host", host).body("").expect("a valid request");
    connection.send(request).await.status.as_u16()
}

#[tokio::test]
async fn only_names_of_this_machine_are_served() {
    let server = Server::start();
    let mut connection = server.connect().await;
    for host in
        ["evil.example", "evil.example:4318", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"]
    {
        for path in PATHS {
            assert_eq!(status(&mut connection, path, host).await, 403, "{host}{path}");
        }
        let mut request = post("/v1/traces", JSON, OneSpan(1).json());
        request.headers_mut().insert("host", host.parse().expect("a value"));
        let answer = connection.send(request).await;
        assert_eq!(answer.status, 403, "{host}");
        assert_eq!(answer.json()["error"]["code"], "host_not_allowed");
    }
    for host in ["localhost", "LOCALHOST:4318", "127.0.0.1:1", "[::1]:4318", "my.localhost"] {
        for path in PATHS {
            assert_ne!(status(&mut connection, path, host).await, 403, "{host}{path}");
        }
    }
    assert_eq!(server.run_count("default").await, 0);
}

#[tokio::test]
async fn further_names_are_allowed_by_the_operator() {
    let args = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--allow-host", "Traces.Example"];
    let server = Server::start_in(DataFolder::new(), &args);
    let mut connection = server.connect().await;
    assert_eq!(status(&mut connection, "/livez", "traces.example:443").await, 200);
    assert_eq!(status(&mut connection, "/livez", "other.example").await, 403);
    let mut request = post("/v1/traces", JSON, OneSpan(1).json());
    request.headers_mut().insert("host", "TRACES.example".parse().expect("a value"));
    assert_taken(&connection.send(request).await, JSON, "an allowed name");
}
