//! Every request that the SDKs were recorded to send when they trace is taken, and its runs can be read.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{errors, read_run, send, send_json};
use crate::server::Server;

/// Fewer would mean that the folder was not found or has been emptied.
const MIN_REQUESTS: usize = 98;

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).unwrap_or_else(|err| panic!("{}: {err}", folder.display()));
    let mut paths: Vec<_> = found.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The requests of a scenario (of all without one) that tell of runs, or are spans, in the order of their arrival.
pub(super) fn requests(scenario: Option<&str>) -> Vec<PathBuf> {
    let root = Path::new("../../tests/golden/langsmith");
    let folders = match scenario {
        Some(scenario) => vec![root.join(scenario)],
        None => entries(root),
    };
    let files = folders.iter().filter(|folder| folder.is_dir()).flat_map(|folder| entries(folder));
    files.filter(|file| file.extension().is_some_and(|end| end == "http") && is_ingest(file)).collect()
}

/// Whether the request asks what the server can.
pub(crate) fn is_info(file: &Path) -> bool {
    file.file_stem().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with("_info"))
}

pub(crate) fn is_ingest(file: &Path) -> bool {
    let name = file.file_stem().and_then(|name| name.to_str()).expect("ASCII");
    let name = name.split_once('_').map_or(name, |(_number, name)| name);
    let name = name.replace("_api_v1_", "_");
    matches!(name.as_str(), "POST_runs" | "POST_runs_batch" | "POST_runs_multipart" | "POST_otel_v1_traces")
        || name.strip_prefix("PATCH_runs_").is_some_and(|id| !id.contains("share"))
}

/// A request as it was recorded, without the headers that belong to its connection.
pub(super) fn parse(file: &Path) -> Request<Bytes> {
    let raw = std::fs::read(file).expect("a readable file");
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n").expect("headers end");
    let head = std::str::from_utf8(&raw[..end]).expect("ASCII");
    let mut lines = head.split("\r\n");
    let mut words = lines.next().expect("a request line").split(' ');
    let (method, path) = (words.next().expect("a method"), words.next().expect("a path"));
    let mut request = Request::builder().method(method).uri(path);
    for line in lines {
        let (name, value) = line.split_once(':').expect("a header");
        let name = name.to_ascii_lowercase();
        if !matches!(name.as_str(), "host" | "connection" | "content-length" | "transfer-encoding" | "expect")
        {
            request = request.header(name, value.trim());
        }
    }
    request.body(Bytes::from(raw[end + 4..].to_vec())).expect("a valid request")
}

pub(super) async fn replay(server: &Server, scenario: &str) {
    for file in requests(Some(scenario)) {
        let answer = send(server, parse(&file)).await;
        assert!(answer.status.is_success(), "{}: {} {}", file.display(), answer.status, answer.text());
    }
}

/// All runs of a project, the oldest first.
pub(super) async fn runs_of(server: &Server, project: &str) -> Vec<Value> {
    let request =
        Request::get(format!("/sessions?name={project}")).body(Bytes::new()).expect("a valid request");
    let sessions = send(server, request).await.json();
    let mut runs = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let body = json!({"session": [sessions[0]["id"]], "order": "asc", "cursor": cursor});
        let page = send_json(server, "POST", "/runs/query", &body).await.json();
        runs.extend(page["runs"].as_array().expect("a list").iter().cloned());
        cursor = page["cursors"]["next"].clone();
        if cursor.is_null() {
            return runs;
        }
    }
}

/// Name, type, parent's name, inputs, outputs, whether there is an error: what does not depend on how a run was sent.
fn shape(runs: &[Value]) -> Vec<Value> {
    let name_of = |id: &Value| runs.iter().find(|run| run["id"] == *id).map(|run| run["name"].clone());
    let mut shapes: Vec<Value> = runs
        .iter()
        .map(|run| {
            json!([
                run["name"],
                run["run_type"],
                name_of(&run["parent_run_id"]),
                run["inputs"],
                run["outputs"],
                run["error"].is_null(),
                run["tags"],
                run["extra"]["metadata"]["thread_id"],
            ])
        })
        .collect();
    shapes.sort_by_key(Value::to_string);
    shapes
}

#[tokio::test]
async fn every_recorded_request_is_taken() {
    let server = Server::start();
    let requests = requests(None);
    assert!(requests.len() >= MIN_REQUESTS, "only {} requests", requests.len());
    for file in requests {
        let request = parse(&file);
        let is_otlp = request.uri().path().contains("/otel/");
        let answer = send(&server, request).await;
        let what = file.display();
        if is_otlp {
            assert_eq!(answer.status, 200, "{what}: {}", answer.text());
            continue;
        }
        assert_eq!(answer.status, 202, "{what}: {}", answer.text());
        assert!(answer.json()["message"].is_string(), "{what}: {}", answer.text());
        let errors = errors(&answer);
        assert!(errors.is_empty(), "{what}: {errors:?}");
    }
}

/// The Python SDK takes these keys without asking whether they are there.
#[tokio::test]
async fn every_client_is_told_what_the_server_can() {
    let server = Server::start();
    let folders = entries(Path::new("../../tests/golden/langsmith"));
    let files: Vec<PathBuf> = folders.iter().flat_map(|folder| entries(folder)).collect();
    let asking: Vec<&PathBuf> = files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "http") && is_info(file))
        .collect();
    assert!(asking.len() >= 3, "{asking:?}");
    for file in asking {
        let mut request = parse(file);
        request.headers_mut().remove("accept-encoding");
        let answer = send(&server, request).await;
        assert_eq!(answer.status, 200, "{}", file.display());
        let info = answer.json();
        let batches = [
            "use_multipart_endpoint",
            "size_limit",
            "size_limit_bytes",
            "scale_up_qsize_trigger",
            "scale_up_nthreads_limit",
            "scale_down_nempty_trigger",
        ];
        assert!(batches.iter().all(|key| !info["batch_ingest_config"][*key].is_null()), "{info}");
        let flags =
            ["zstd_compression_enabled", "gzip_body_enabled", "ch_query_enabled", "sdb_query_enabled"];
        assert!(flags.iter().all(|key| info["instance_flags"][*key] == true), "{info}");
    }
}

/// Without LangSmith's own protocol: ids are made from those of the spans.
#[tokio::test]
async fn spans_of_clients_in_otel_mode_are_trees() {
    let server = Server::start();
    replay(&server, "08_otel_mode").await;
    let runs = runs_of(&server, "stub-project").await;
    let root = runs.iter().find(|run| run["name"] == "agent").expect("the root");
    assert!(runs.len() >= 8 && root["parent_run_id"].is_null(), "{runs:#?}");
    assert!(runs.iter().all(|run| run["trace_id"] == root["trace_id"]), "{runs:#?}");
    let below = runs.iter().filter(|run| run["parent_run_id"] == root["id"]).count();
    assert_eq!(below, runs.len() - 1);

    replay(&server, "09_otel_mixed_otel").await;
    let runs = runs_of(&server, "stub-project").await;
    let span = runs.iter().find(|run| run["name"] == "user-span-in-inner").expect("the program's own span");
    assert!(span["dotted_order"].is_string() && span["trace_id"].is_string(), "{span}");
}

#[tokio::test]
async fn feedback_finds_a_span_by_the_id_that_the_client_made_of_it() {
    let server = Server::start();
    replay(&server, "41_js_otel").await;
    let id = "00000000-0000-0000-f9a1-7ab699aa1ba5";
    let root = read_run(&server, id).await;
    assert_eq!((&root["name"], &root["id"]), (&json!("agent"), &json!(id)));
    let child = read_run(&server, "00000000-0000-0000-c849-ea192a5ea536").await;
    assert_eq!((&child["parent_run_id"], &child["prompt_tokens"]), (&json!(id), &json!(5)));
    let feedback = json!({"run_id": id, "key": "thumbs", "score": 1});
    let answer = send_json(&server, "POST", "/feedback", &feedback).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["trace_id"], root["trace_id"]);
    assert_eq!(read_run(&server, id).await["feedback_stats"]["thumbs"]["n"], 1);
}

#[tokio::test]
async fn a_tree_is_the_same_however_it_was_packed() {
    let mut shapes = Vec::new();
    for scenario in ["40_js_traceable_gzip", "40_js_traceable_plain"] {
        let server = Server::start();
        replay(&server, scenario).await;
        shapes.push(shape(&runs_of(&server, "js-project").await));
    }
    assert!(shapes[0].len() >= 3, "{:#?}", shapes[0]);
    assert_eq!(shapes[0], shapes[1]);
}

#[tokio::test]
async fn a_tree_of_posts_and_patches_is_whole() {
    let server = Server::start();
    replay(&server, "01_traceable_zstd").await;
    let runs = runs_of(&server, "stub-project").await;
    let names: Vec<&str> = runs.iter().map(|run| run["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["agent", "retr", "get_weather", "llm"]);
    assert!(runs.iter().all(|run| run["status"] == "success" && run["thread_id"] == "th-1"), "{runs:#?}");
    let agent = &runs[0];
    assert!(runs[1..].iter().all(|run| run["parent_run_id"] == agent["id"]));
    assert_eq!(agent["inputs"], json!({"q": "hello"}));
    assert_eq!(agent["outputs"]["usage_metadata"]["total_tokens"], 40);
    assert_eq!(agent["tags"], json!(["prod", "v1"]));
    assert!(agent["s3_urls"]["attachment.pic"]["presigned_url"].is_string());
    assert_eq!(agent["extra"]["runtime"]["sdk"], "langsmith-py");
    assert_eq!(agent["extra"]["metadata"]["LANGSMITH_PROJECT"], "stub-project");
}

#[tokio::test]
async fn sending_everything_again_changes_nothing() {
    let server = Server::start();
    replay(&server, "01_traceable_zstd").await;
    let before = lasting(runs_of(&server, "stub-project").await);
    replay(&server, "01_traceable_zstd").await;
    assert_eq!(lasting(runs_of(&server, "stub-project").await), before);
}

/// The runs without the addresses of their attachments, which are signed anew for each answer.
fn lasting(mut runs: Vec<Value>) -> Vec<Value> {
    for run in &mut runs {
        run.as_object_mut().expect("an object").remove("s3_urls");
    }
    runs
}

#[tokio::test]
async fn a_patch_alone_is_a_run() {
    let server = Server::start();
    replay(&server, "48_distributed_trace_patch_only").await;
    let run = read_run(&server, "01a1fbc7-23bf-75dd-9587-ef2c99c7d43a").await;
    assert_eq!(
        (&run["name"], &run["status"], &run["outputs"]),
        (&json!("svc-a"), &json!("success"), &json!({"root": 1}))
    );
    let child = read_run(&server, "01a1fbc7-23c1-7de7-9258-1cb4716b5e56").await;
    assert_eq!(child["parent_run_id"], run["id"]);
}

#[tokio::test]
async fn a_run_without_ids_of_its_place_is_completed() {
    let server = Server::start();
    for scenario in ["04_direct_post_patch", "05_create_run_without_dotted_order", "30_async_client"] {
        replay(&server, scenario).await;
    }
    let direct = read_run(&server, "01a1fbbc-6dbc-713e-b953-da07b7d59770").await;
    assert_eq!((&direct["inputs"], &direct["outputs"]), (&json!({"a": 1}), &json!({"b": 2})));
    assert_eq!(direct["trace_id"], direct["id"]);
    let failed = read_run(&server, "01a1fbbc-6e18-72e4-9738-9fc1fc9bad52").await;
    assert_eq!(
        (&failed["status"], &failed["error"], &failed["run_type"]),
        (&json!("error"), &json!("bad"), &json!("llm"))
    );
    assert_eq!(failed["serialized"], json!({"name": "x", "kwargs": {}}));
    let bare = read_run(&server, "f05c2633-7961-4aca-a4c7-b219a03c8597").await;
    assert_eq!((&bare["name"], &bare["outputs"]), (&json!("r"), &json!({"b": 1})));
    assert!(bare["start_time"].is_string());
    assert_eq!(runs_of(&server, "stub-project").await.len(), 3);
}

#[tokio::test]
async fn calls_of_langchain_and_of_wrapped_clients_tell_their_tokens() {
    let server = Server::start();
    for scenario in ["10_langchain_tracer", "11_langgraph", "12_wrap_openai_anthropic"] {
        replay(&server, scenario).await;
    }
    let runs = runs_of(&server, "stub-project").await;
    let calls: Vec<&Value> = runs.iter().filter(|run| run["run_type"] == "llm").collect();
    let tokens: Vec<_> = calls.iter().filter_map(|run| run["prompt_tokens"].as_u64()).collect();
    assert!(tokens.contains(&11) && tokens.contains(&510), "{tokens:?}");
    let of_anthropic = calls.iter().find(|run| run["prompt_tokens"] == 510).expect("it is there");
    assert_eq!(
        of_anthropic["prompt_token_details"],
        json!({"cache_read": 300, "cache_creation": 200, "ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50})
    );
    assert!(of_anthropic["inputs"]["messages"].is_array());
    assert_eq!(of_anthropic["extra"]["metadata"]["ls_provider"], "anthropic");
    let of_langchain = calls.iter().find(|run| run["prompt_tokens"] == 11).expect("it is there");
    assert!(of_langchain["outputs"]["generations"][0][0]["message"]["kwargs"].is_object(), "as it was sent");
    assert_eq!(of_langchain["thread_id"], "thread-9");
}

#[tokio::test]
async fn feedback_that_comes_as_a_part_is_kept() {
    let server = Server::start();
    replay(&server, "13_feedback").await;
    let request = Request::get("/api/v1/feedback/?limit=10").body(Bytes::new()).expect("a valid request");
    let all = send(&server, request).await.json();
    let all = all.as_array().expect("a list");
    assert!(!all.is_empty());
    assert!(all.iter().all(|one| one["run_id"].is_string() && one["key"].is_string()), "{all:#?}");
}

#[tokio::test]
async fn an_agent_is_a_project() {
    let server = Server::start();
    replay(&server, "07_agent_address").await;
    let runs = runs_of(&server, "support-agent").await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0]["name"], "addressed");
}
