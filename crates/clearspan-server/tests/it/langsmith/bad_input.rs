//! What no client should send: refused or kept in part, told in words, never 500.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{
    AS_JSON, BOUNDARY, CHILD, ID, Part, errors, form_body, form_request, read_run, root, send, send_form,
    send_json,
};
use crate::server::{DataFolder, Server};

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let server = Server::start();
    let good = form_body(&[(&format!("post.{ID}"), AS_JSON, root("x").to_string().as_bytes())]);
    let long_header = format!("X-Long: {}\r\n", "x".repeat(1 << 20));
    let many: Vec<Part<'_>> = vec![("post", "", b""); 100_000];
    let with_type = |content_type: &str| {
        let request = Request::post("/runs/multipart").header("content-type", content_type);
        request.body(Bytes::from(good.clone())).expect("a valid request")
    };
    let plain = Request::post("/runs/multipart").body(Bytes::from(good.clone())).expect("a valid request");
    let form = format!("multipart/form-data; boundary={BOUNDARY}");
    for (what, request, statuses) in [
        ("no content type", plain, &[400][..]),
        ("no boundary", with_type("multipart/form-data"), &[400]),
        ("another boundary", with_type("multipart/form-data; boundary=other"), &[400]),
        (
            "a long boundary",
            with_type(&format!("multipart/form-data; boundary={}", "b".repeat(1_000))),
            &[400],
        ),
        ("JSON", with_type("application/json"), &[400]),
        ("no end", form_request(good[..good.len() - 6].to_vec()), &[400]),
        ("an empty body", form_request(Vec::new()), &[400]),
        ("a long header", form_request(form_body(&[("post", &long_header, b"")])), &[400]),
        ("too many parts", form_request(form_body(&many)), &[413]),
    ] {
        let answer = send(&server, request).await;
        assert!(statuses.contains(&answer.status.as_u16()), "{what}: {} {}", answer.status, answer.text());
        assert!(answer.json()["detail"].is_string(), "{what}");
    }
    let mut packed = with_type(&form);
    packed.headers_mut().insert("content-encoding", "br".parse().expect("ASCII"));
    assert_eq!(send(&server, packed).await.status, 415);
    assert_eq!(server.run_count("demo").await, 0);
}

#[tokio::test]
async fn a_bad_part_costs_itself() {
    let server = Server::start();
    let run = root("good").to_string();
    let good = format!("post.{ID}");
    let field = |name: &str| format!("post.{ID}.{name}");
    for (name, headers, content, complaint) in [
        ("post.7".to_owned(), AS_JSON, b"{}".as_slice(), "no UUID"),
        (format!("patch.{CHILD}.inputs"), AS_JSON, b"{}", "no part patch."),
        (field("nonsense"), AS_JSON, b"{}", "no field"),
        (format!("post.{ID}.inputs.x"), AS_JSON, b"{}", "no field"),
        (format!("Post.{CHILD}"), AS_JSON, b"{}", "are named post"),
        (format!("post.{CHILD}"), AS_JSON, b"\x89PNG\xff", "not UTF-8"),
        (format!("post.{CHILD}"), AS_JSON, b"[1]", "no JSON object"),
        (format!("post.{CHILD}"), AS_JSON, b"{\"id\":", "no JSON object"),
        (format!("post.{CHILD}"), AS_JSON, b"{\"id\":\"01a1fbbb-cb86-7125-8e15-d2abd3bca03f\"}", "sent as"),
        (format!("post.{CHILD}"), AS_JSON, b"{\"start_time\":\"soon\"}", "no time"),
        (field("outputs"), AS_JSON, b"\x1f\x8bgzip", "not UTF-8"),
        (field("outputs"), AS_JSON, b"<html>", "no JSON"),
        (field("outputs"), "Content-Length: 3\r\n", b"{}", "has 2 bytes, but it says 3"),
        (
            field("outputs"),
            "Content-Type: application/json; length=9\r\n",
            b"{}",
            "has 2 bytes, but it says 9",
        ),
        (field("outputs"), "Content-Length: many\r\n", b"{}", "no number"),
        (field("outputs"), "Content-Type: multipart/mixed\r\n", b"{}", "multipart itself"),
        (format!("attachment.{ID}"), "", b"x", "no name"),
        (String::new(), "", b"x", "a part is named post"),
    ] {
        let answer = send_form(&server, &[(&name, headers, content), (&good, AS_JSON, run.as_bytes())]).await;
        assert_eq!(answer.status, 202, "{name}: {}", answer.text());
        let errors = errors(&answer);
        assert!(errors.len() == 1 && errors[0].contains(complaint), "{name}: {errors:?}");
        let alone = send_form(&server, &[(&name, headers, content)]).await;
        assert_eq!(alone.status, 422, "{name}: {}", alone.text());
        assert!(alone.json()["detail"].is_string());
    }
    assert_eq!(server.run_count("demo").await, 1);
    assert_eq!(read_run(&server, ID).await["name"], "good");
}

#[tokio::test]
async fn of_many_runs_one_is_bad() {
    let server = Server::start();
    let mut runs: Vec<Value> = (0..3_000)
        .map(|n| json!({"id": format!("00000000-0000-4000-8000-{n:012}"), "name": "n", "session_name": "many"}))
        .collect();
    runs[0]["id"] = json!("10000000-0000-4000-8000-000000000000");
    runs[1_234]["id"] = json!("nonsense");
    let answer = send_json(&server, "POST", "/runs/batch", &json!({ "post": runs })).await;
    assert_eq!(answer.status, 202);
    let errors = errors(&answer);
    assert!(errors.len() == 1 && errors[0].contains("post[1234]"), "{errors:?}");
    assert_eq!(server.run_count("many").await, 2_999);
}

#[tokio::test]
async fn bad_runs_are_refused_in_words() {
    let server = Server::start();
    let path = format!("/runs/{ID}");
    for (method, path, body) in [
        ("POST", "/runs", "".to_owned()),
        ("POST", "/runs", "nonsense".to_owned()),
        ("POST", "/runs", "[]".to_owned()),
        ("POST", "/runs", "{}".to_owned()),
        ("POST", "/runs", json!({"id": "00000000-0000-0000-0000-000000000000"}).to_string()),
        ("POST", "/runs", json!({"id": ID, "start_time": "2026-02-30"}).to_string()),
        ("POST", "/runs", json!({"id": ID, "start_time": "0000-01-01T00:00:00Z"}).to_string()),
        (
            "POST",
            "/runs",
            json!({"id": ID, "start_time": format!("Fri, 21 Nov {}", "(".repeat(100_000))}).to_string(),
        ),
        ("POST", "/runs", json!({"id": ID, "trace_id": 7}).to_string()),
        ("POST", "/runs", format!(r#"{{"id":"{ID}","id":"{CHILD}"}}"#)),
        ("POST", "/runs", format!(r#"{{"id":"{ID}","user\u0000_id":1}}"#)),
        ("PATCH", path.as_str(), json!({ "id": CHILD }).to_string()),
        ("PATCH", "/runs/nonsense", "{}".to_owned()),
        ("PATCH", "/runs/%FF", "{}".to_owned()),
        ("POST", "/runs/batch", "[]".to_owned()),
        ("POST", "/runs/batch", json!({"post": 1}).to_string()),
        ("POST", "/runs/batch", json!({"post": [1, null, "x"]}).to_string()),
    ] {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let answer = send(&server, request.body(Bytes::from(body.clone())).expect("a valid request")).await;
        let start: String = body.chars().take(100).collect();
        assert_eq!(answer.status, 422, "{method} {path} {start}: {}", answer.text());
        assert!(answer.json()["detail"].is_string());
    }
    let not_utf8 =
        Request::post("/runs").body(Bytes::from_static(b"{\"id\":\"\xff\"}")).expect("a valid request");
    assert_eq!(send(&server, not_utf8).await.status, 422);
    let many = Bytes::from(format!(r#"{{"post":[{}{{}}]}}"#, "{},".repeat(1_000_000)));
    let answer = send(&server, Request::post("/runs/batch").body(many).expect("a valid request")).await;
    assert_eq!(answer.status, 413);
    assert!(answer.text().contains("send smaller batches"), "{}", answer.text());
    assert_eq!(server.run_count("default").await, 0);
}

#[tokio::test]
async fn odd_runs_are_kept() {
    let server = Server::start();
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for (n, odd) in [
        json!({"parent_run_id": "00000000-0000-4000-8000-000000000000"}),
        json!({"dotted_order": "nonsense"}),
        json!({"dotted_order": format!("99991231T235959999999Z{ID}")}),
        json!({"dotted_order": vec![format!("20261121T013230982012Z{ID}"); 10_001].join(".")}),
        json!({"trace_id": CHILD, "dotted_order": format!("20261121T013230982012Z{ID}")}),
        json!({"start_time": 1_795_225_429_087_i64, "end_time": 1_795_225_429_000_i64}),
        json!({"start_time": 1_795_225_429_087.25_f64}),
        json!({"session_name": "x".repeat(10_240)}),
        json!({"session_name": "../\u{0}\u{202e}🦀"}),
        json!({"tags": "no list", "events": "no list", "extra": "no object", "serialized": 7}),
        json!({"tags": [1, null, {"a": 1}], "events": [1, {"name": "new_token", "time": "soon"}]}),
        json!({"name": 7, "run_type": "nonsense", "error": {"a": 1}}),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("00000000-0000-4000-8000-{n:012}");
        let id = if n == 0 { "20000000-0000-4000-8000-000000000000".to_owned() } else { id };
        let mut run = json!({"id": id, "session_name": "odd", "name": "n"});
        run.as_object_mut().expect("an object").extend(odd.as_object().expect("an object").clone());
        let answer = send_json(&server, "POST", "/runs", &run).await;
        assert_eq!(answer.status, 202, "{n}: {}", answer.text());
        assert_eq!(read_run(&server, &id).await["id"], id.as_str());
    }
    let run = format!(r#"{{"id":"{ID}","extra":{{"metadata":{deep}}},"inputs":{{"deep":{deep}}}}}"#);
    let request = Request::post("/runs").body(Bytes::from(run)).expect("a valid request");
    let answer = send(&server, request).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(read_run(&server, ID).await["id"], ID);
    // Parsers give up on more than 128 levels, and nobody reads the other lines of such a file.
    let lines = server.get("/export?format=jsonl&project=default").await.text();
    let [line] = lines.lines().collect::<Vec<_>>()[..] else { panic!("{lines}") };
    let exported: Value = serde_json::from_str(line).expect("a line that anybody can read");
    let text = exported["inputs"]["rest"].as_str().expect("a text that holds it");
    assert!(text.contains(&deep), "{text}");
    let of_trace = format!("/traces/{}/runs/{ID}", exported["trace_id"].as_str().expect("an id"));
    assert_eq!(server.get_json(&of_trace).await["inputs"], exported["inputs"]);
}

#[tokio::test]
async fn strangers_are_refused() {
    let folder = DataFolder::new();
    let key = folder.run_ok(&["keys", "create"]).trim().to_owned();
    let server =
        Server::start_in(folder, &["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--require-keys=true"]);
    let with = |headers: &[(&str, &str)]| {
        let mut request = Request::post("/runs").header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Bytes::from(root("x").to_string())).expect("a valid request")
    };
    let refused = send(&server, with(&[])).await;
    assert_eq!((refused.status.as_u16(), refused.json()["detail"].is_string()), (401, true));
    assert_eq!(send(&server, with(&[("x-api-key", "wrong")])).await.status, 401);
    let elsewhere = [("x-api-key", key.as_str()), ("x-tenant-id", ID)];
    assert_eq!(send(&server, with(&elsewhere)).await.status, 403);
    assert_eq!(send(&server, with(&[("x-api-key", key.as_str())])).await.status, 202);
    let bearer = format!("Bearer {key}");
    assert_eq!(send(&server, with(&[("authorization", bearer.as_str())])).await.status, 202);
}
