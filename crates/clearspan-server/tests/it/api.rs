//! What is read back of what a client sent: the REST API, the LangSmith reads, the event stream and the page.

use std::time::Duration;

use http::{HeaderMap, Request};
use serde_json::{Value, json};

use crate::connection::Answer;
use crate::server::{DataFolder, Server};
use crate::spans::{OneSpan, protobuf};

const API: &str = "/api/clearspan/v1";

async fn send(server: &Server, request: Request<String>) -> Answer {
    server.connect().await.send(request).await
}

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(server, request.body(String::new()).expect("a valid request")).await
}

async fn post(server: &Server, path: &str, body: Value) -> Answer {
    send(server, Request::post(path).body(body.to_string()).expect("a valid request")).await
}

/// A server that was sent the demo, and the trace to look at first.
async fn demo() -> (Server, String) {
    let server = Server::start();
    let answer = post(&server, &format!("{API}/demo"), json!({})).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let featured = answer.json()["featured_trace_id"].as_str().expect("an id").to_owned();
    (server, featured)
}

#[tokio::test]
async fn the_demo_is_read_back_and_judged() {
    let (server, featured) = demo().await;
    let project = server.get_json("/projects/demo").await;
    let traces = server.get_json("/projects/demo/traces?limit=1000").await;
    assert_eq!(
        traces["traces"].as_array().expect("rows").len() as u64,
        project["trace_count"].as_u64().unwrap_or(0)
    );

    let skeleton = server.get_json(&format!("/traces/{featured}")).await;
    let row =
        traces["traces"].as_array().expect("rows").iter().find(|row| row["trace_id"] == json!(featured));
    let row = row.expect("the featured trace is listed");
    for figure in ["cost", "input_tokens", "output_tokens", "total_tokens", "run_count", "error_count"] {
        assert_eq!(row[figure], skeleton["totals"][figure], "list and tree disagree about {figure}");
    }
    assert_eq!(skeleton["runs"]["orphan"], json!([]));

    let verdict = server.get_json(&format!("/traces/{featured}/verdict?project=demo")).await;
    let findings = verdict["findings"].as_array().expect("findings");
    let rules: Vec<&str> = findings.iter().filter_map(|finding| finding["rule"].as_str()).collect();
    assert_eq!(
        rules[..4],
        ["where_it_broke", "slow_recovery", "why_it_cost", "context_growth"],
        "{findings:?}"
    );
    assert!(
        findings[0]["text"].as_str().expect("text").starts_with("validate_itinerary failed"),
        "{findings:?}"
    );

    let stats = server.get_json("/projects/demo/stats").await;
    assert!(stats["p50_us"].is_i64() && stats["count"] == project["trace_count"], "{stats}");
}

#[tokio::test]
async fn pages_and_facets_agree_with_the_whole_list() {
    let (server, _) = demo().await;
    let whole = server.get_json("/projects/demo/runs?limit=1000").await;
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get_json(&format!("/projects/demo/runs?limit=97{cursor}")).await;
        paged.extend(page["runs"].as_array().expect("rows").clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(&paged, whole["runs"].as_array().expect("rows"));

    let facets = server.get_json("/projects/demo/traces/facets?q=status:error").await;
    for facet in facets["facets"].as_array().expect("facets") {
        // Its own term does not count, so the status facet counts all.
        let status = if facet["field"] == "status" { "" } else { "%20status:error" };
        for value in facet["values"].as_array().expect("values").iter().take(3) {
            let text = value["value"].as_str().expect("text").replace(' ', "%20");
            let field = match facet["field"].as_str().expect("a name") {
                "environment" => "env",
                field => field,
            };
            let path = format!("/projects/demo/stats?q={field}:%22{text}%22{status}");
            assert_eq!(server.get_json(&path).await["count"], value["count"], "{path}");
        }
    }
}

#[tokio::test]
async fn full_text_is_searched_by_every_way_in() {
    let (server, featured) = demo().await;
    let ids = |page: &Value, rows: &str, id: &str| -> Vec<String> {
        let rows = page[rows].as_array().expect("rows").iter();
        rows.map(|row| row[id].as_str().expect("an id").to_owned()).collect()
    };
    // What the featured trace says somewhere deep inside.
    let runs = server.get_json(&format!("/projects/demo/runs?limit=1000&q=trace:{featured}")).await;
    let run = runs["runs"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|run| !run["error"].is_null())
        .expect("a failed run");
    let error = run["error"].as_str().expect("text");
    let word = error.split(|c: char| !c.is_ascii_alphabetic()).max_by_key(|word| word.len()).expect("a word");
    for q in [
        word.to_owned(),
        format!("{}*", word.strip_suffix(char::is_alphabetic).expect("a word ends in a letter")),
        format!("/{word}/"),
        format!("error:{word}"),
    ] {
        let traces = server.get_json(&format!("/projects/demo/traces?limit=1000&q={q}")).await;
        assert!(ids(&traces, "traces", "trace_id").contains(&featured), "{q}: {traces}");
        let found = server.get_json(&format!("/projects/demo/runs?limit=1000&q={q}")).await;
        assert!(
            ids(&found, "runs", "run_id").contains(&run["run_id"].as_str().expect("an id").to_owned()),
            "{q}"
        );
        let stats = server.get_json(&format!("/projects/demo/stats?q={q}")).await;
        assert_eq!(stats["count"].as_u64(), Some(ids(&traces, "traces", "trace_id").len() as u64), "{q}");
    }
    let none = server.get_json("/projects/demo/traces?q=zzznobodysaidthis").await;
    assert_eq!((&none["traces"], &none["next_cursor"]), (&json!([]), &Value::Null));
    let bad = server.get("/projects/demo/traces?q=a%20/b(/").await;
    assert_eq!((bad.status.as_u16(), &bad.json()["error"]["code"]), (400, &json!("invalid_filter")));
    assert_eq!(bad.json()["error"]["position"], json!({"start": 4, "end": 5}));

    let sessions = get(&server, "/api/v1/sessions?name=demo", &[]).await.json();
    let body = json!({"session": [sessions[0]["id"]], "filter": format!("search(\"{word}\")"), "limit": 100});
    let answer = post(&server, "/api/v1/runs/query", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.json()["runs"].as_array().expect("runs").iter().any(|found| found["id"] == run["run_id"]));
    let metrics = get(&server, "/metrics", &[]).await;
    assert!(metrics.text().contains("clearspan_search_segments_unindexed "), "{}", metrics.text());
}

#[tokio::test]
async fn langsmith_clients_read_what_otlp_clients_sent() {
    let (server, featured) = demo().await;
    for prefix in ["", "/api", "/api/v1"] {
        let sessions = get(&server, &format!("{prefix}/sessions?name=demo"), &[]).await.json();
        let body = json!({"session": [sessions[0]["id"]], "trace": featured, "is_root": true});
        let answer = post(&server, &format!("{prefix}/runs/query"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let root = answer.json()["runs"][0].take();
        assert_eq!((&root["name"], &root["status"]), (&json!("trip-planner"), &json!("error")));

        let id = root["id"].as_str().expect("an id");
        let run = get(&server, &format!("{prefix}/runs/{id}"), &[]).await.json();
        assert_eq!((&run["total_cost"], &run["total_tokens"]), (&root["total_cost"], &root["total_tokens"]));
        let children = run["child_run_ids"].as_array().expect("ids").len();
        let body =
            json!({"session": [sessions[0]["id"]], "trace": featured, "is_root": false, "select": ["id"]});
        let page = post(&server, &format!("{prefix}/runs/query"), body).await.json();
        assert_eq!(page["runs"].as_array().expect("runs").len(), children.min(100));
    }
}

#[tokio::test]
async fn a_skeleton_that_did_not_change_is_not_sent_again() {
    let (server, featured) = demo().await;
    let path = format!("{API}/traces/{featured}");
    let plain = get(&server, &path, &[]).await;
    let etag = text(&plain.headers, "etag");
    let again = get(&server, &path, &[("if-none-match", etag)]).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    for known in [&plain, &again] {
        assert_eq!(text(&known.headers, "cache-control"), "private, no-cache");
    }
    let packed = get(&server, &path, &[("accept-encoding", "gzip")]).await;
    assert_eq!(text(&packed.headers, "content-encoding"), "gzip");
    assert!(packed.body.len() * 2 < plain.body.len());
}

#[tokio::test]
async fn answers_are_neither_kept_nor_taken_for_pages() {
    let server = Server::start();
    for path in
        ["/api/clearspan/v1/projects", "/api/clearspan/v1/none", "/api/v1/sessions", "/api/v1/runs/none"]
    {
        let answer = get(&server, path, &[]).await;
        assert_eq!(text(&answer.headers, "cache-control"), "no-store", "{path}");
        assert_eq!(text(&answer.headers, "x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn the_page_is_safe_and_its_assets_are_immutable() {
    let server = Server::start();
    let home = get(&server, "/", &[]).await;
    assert_eq!((home.status.as_u16(), text(&home.headers, "location")), (307, "/app/"));
    let page = get(&server, "/app/p/demo/traces", &[]).await;
    let policy = text(&page.headers, "content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
    assert!(page.text().contains(&format!("content=\"{nonce}\"")), "the page knows its nonce");
    assert!(page.text().contains(&format!("\"http_url\":\"http://{}\"", server.http)), "boot data is there");
    let other = get(&server, "/app/p/demo/traces", &[]).await;
    assert_ne!(text(&other.headers, "content-security-policy"), policy, "each answer has its own nonce");

    let script =
        page.text().split("src=\"./").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
    let path = format!("/{}", script.expect("a script"));
    let asset = get(&server, &path, &[("accept-encoding", "br")]).await;
    assert_eq!(asset.status, 200, "{path}");
    assert_eq!(text(&asset.headers, "content-encoding"), "br");
    assert!(text(&asset.headers, "cache-control").contains("immutable"));
    // The packed copy has a tag of its own.
    let headers = [("accept-encoding", "br"), ("if-none-match", text(&asset.headers, "etag"))];
    let known = get(&server, &path, &headers).await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    assert_eq!(get(&server, "/assets/none.js", &[]).await.status, 404);
}

#[tokio::test]
async fn the_served_description_is_the_one_in_docs() {
    let server = Server::start();
    let kept = include_str!("../../../../docs/openapi.json");
    let kept: Value = serde_json::from_str(kept).expect("docs/openapi.json is JSON");
    assert_eq!(server.get_json("/openapi.json").await, kept);
}

#[tokio::test]
async fn a_listener_hears_of_a_trace_once_it_can_be_read() {
    let (server, _) = demo().await;
    let url = format!("http://{}{API}/events?project=demo", server.http);
    let mut stream = reqwest::get(url).await.expect("an answer");
    let sent = post(&server, &format!("{API}/demo"), json!({})).await.json();
    let wanted: Vec<&str> =
        sent["trace_ids"].as_array().expect("ids").iter().filter_map(Value::as_str).collect();
    let mut heard = String::new();
    let all_heard = async {
        while !wanted.iter().all(|id| heard.contains(id)) {
            let chunk = stream.chunk().await.expect("the stream goes on").expect("the stream goes on");
            heard.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    tokio::time::timeout(Duration::from_secs(120), all_heard).await.expect("every trace is announced");
    assert!(heard.starts_with("event: traces\ndata: {\"trace_ids\":["), "{heard}");
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_else(|| panic!("no {name} in {headers:?}"))
}

#[tokio::test]
async fn facets_are_counted_with_little_memory() {
    let args = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--memory", "24MiB"];
    let server = Server::start_in(DataFolder::new(), &args);
    for part in 0..15 {
        let spans = (part * 1_000 + 1..=part * 1_000 + 1_000).map(|number| OneSpan(number).otlp()).collect();
        let request = Request::post("/v1/traces")
            .header("content-type", "application/x-protobuf")
            .body(protobuf(spans));
        let answer = server.connect().await.send(request.expect("a valid request")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let facets = server.get_json("/projects/default/traces/facets?t=all").await;
    let model = facets["facets"].as_array().expect("facets").iter().find(|facet| facet["field"] == "model");
    assert_eq!(model.expect("of models")["values"][0], json!({"value": "gpt-4o-mini", "count": 15_000}));
}
