use clearspan_model::UnixNanos;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::super::DemoArgs;
use super::send;

fn args(endpoint: &str) -> DemoArgs {
    DemoArgs {
        endpoint: endpoint.to_owned(),
        api_key: Some("secret".to_owned()),
        project: "demo".to_owned(),
        now: UnixNanos::from_nanos(1_795_225_963_000_000_000),
        seed: 7,
    }
}

/// Answers every request on one connection with `status` and gives back the heads of the requests.
async fn answer_all(listener: TcpListener, status: &str) -> Vec<String> {
    let (socket, _) = listener.accept().await.unwrap();
    let mut socket = BufReader::new(socket);
    let mut heads = Vec::new();
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if socket.read_line(&mut head).await.unwrap() == 0 {
                return heads;
            }
        }
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        socket.read_exact(&mut vec![0; length.parse().unwrap()]).await.unwrap();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        socket.write_all(answer.as_bytes()).await.unwrap();
        heads.push(head);
    }
}

#[tokio::test]
async fn every_request_names_the_project_and_the_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let (heads, report) = tokio::join!(answer_all(listener, "200 OK"), send(args(&endpoint)));
    let report = report.unwrap();
    assert_eq!(report.project, "demo");
    assert_eq!(report.trace_ids.last(), Some(&report.featured_trace_id));
    assert!(heads.len() > 3);
    for head in &heads {
        assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
        assert!(
            head.contains("langsmith-project: demo\r\n") && head.contains("x-api-key: secret\r\n"),
            "{head}"
        );
    }
    assert!(heads.iter().any(|head| head.contains("content-type: application/json\r\n")));
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let refused = |status: &'static str| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (_, report) = tokio::join!(answer_all(listener, status), send(args(&endpoint)));
        format!("{:#}", report.unwrap_err())
    };
    assert!(refused("401 Unauthorized").await.contains("--api-key"));
    assert!(refused("503 Service Unavailable").await.contains("503"));
}

#[tokio::test]
async fn an_endpoint_that_cannot_work_is_refused_at_once() {
    for (endpoint, expected) in [
        ("https://example.org", "plain HTTP only"),
        ("127.0.0.1:4318", "must begin with http://"),
        ("http://127.0.0.1:1", "is the server running?"),
    ] {
        let error = format!("{:#}", send(args(endpoint)).await.unwrap_err());
        assert!(error.contains(expected), "{endpoint}: {error}");
    }
}
