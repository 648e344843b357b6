//! The object store goes away for a while: what is acknowledged meanwhile is neither lost nor hidden.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use crate::log_homes::send_record;
use crate::otlp_http::{PROTOBUF, assert_taken, post};
use crate::server::{DataFolder, Server};
use crate::spans::{self, OneSpan, text};

/// A folder in the place of an object store.
struct Bucket(PathBuf);

impl Bucket {
    fn of(folder: &DataFolder) -> Self {
        let path = folder.path().join("bucket");
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn url(&self) -> String {
        format!("file://{}", self.0.display())
    }

    fn away(&self) -> PathBuf {
        self.0.with_extension("away")
    }

    /// Every request fails from now on: a link that leads to itself is no folder, and not missing either.
    fn take_down(&self) {
        std::fs::rename(&self.0, self.away()).expect("it is there");
        std::os::unix::fs::symlink(&self.0, &self.0).expect("a link");
    }

    fn bring_back(&self) {
        std::fs::remove_file(&self.0).expect("it is a link");
        std::fs::rename(self.away(), &self.0).expect("it was put there");
    }
}

fn start(folder: DataFolder, bucket: &Bucket) -> Server {
    let (url, loopback) = (bucket.url(), "127.0.0.1:0");
    let args = ["--http", loopback, "--grpc", loopback, "--object-store", &url, "--cache-size", "1B"];
    Server::start_in(folder, &args)
}

fn now_nanos() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a span of now, for the clock of a real server")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    u64::try_from(now).expect("before 2554")
}

async fn until<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(found) = found().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The server began with the record of a span in the bucket, and cannot ask there when the span comes.
#[tokio::test]
async fn a_span_that_is_kept_is_accepted_and_finds_its_records_later() {
    let (folder, span) = (DataFolder::new(), OneSpan(7));
    let bucket = Bucket::of(&folder);
    let began = now_nanos();
    let server = start(folder, &bucket);
    send_record(&server, span, "asked").await;
    let (status, folder) = server.terminate();
    assert!(status.success());
    let server = start(folder, &bucket);
    bucket.take_down();
    let mut otlp =
        Span { start_time_unix_nano: began, end_time_unix_nano: began + 9_000_000_000, ..span.otlp() };
    otlp.attributes.push(text("langsmith.trace.session_name", "theirs"));
    let export = spans::protobuf(vec![otlp]);
    for attempt in ["first", "sent again"] {
        let request = post("/v1/traces", PROTOBUF, export.clone());
        assert_taken(&server.connect().await.send(request).await, PROTOBUF, attempt);
    }
    let log = std::fs::read_to_string(server.folder().path().join("server.log")).expect("the log");
    assert!(log.contains("finds its other parts as soon as the store answers"), "{log}");
    let ready = server.ready().await;
    assert_eq!(ready.status, 200);
    assert!(ready.text().contains("1 runs that arrived wait"), "{}", ready.text());
    let list = server.get("/projects/theirs/runs?t=all").await;
    assert_eq!((list.status.as_u16(), list.header("retry-after").is_some()), (503, true), "{}", list.text());
    bucket.bring_back();
    let path = format!(
        "/traces/{}/runs/{:032x}?project=theirs",
        span.trace_id(),
        u64::from_be_bytes(span.span_bytes())
    );
    let run: Value = until("the span takes over what its record told", async || {
        let answer = server.get(&path).await;
        assert!(matches!(answer.status.as_u16(), 200 | 503), "{}", answer.text());
        let run = (answer.status == 200).then(|| answer.json())?;
        run["events"].as_array().is_some_and(|events| !events.is_empty()).then_some(run)
    })
    .await;
    assert_eq!(run["events"][0]["attributes"]["body"], json!("asked"), "{run}");
    assert_eq!(server.run_count("theirs").await, 1, "it was sent twice");
    let ready = server.ready().await.text();
    assert!(!ready.contains("arrived wait"), "{ready}");
}
