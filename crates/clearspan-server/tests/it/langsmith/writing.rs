//! What is written comes back, in whatever way and order it was sent.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{
    AS_JSON, CHILD, ID, Part, errors, form_body, form_request, read_run, root, send, send_form, send_json,
};
use crate::server::{DataFolder, Server, run_command};
use crate::spans::{gzip, zstd};

#[tokio::test]
async fn one_run_by_every_way_at_once_is_one_run() {
    let server = Server::start();
    let post = root("agent");
    let patch = json!({"id": ID, "trace_id": ID, "session_name": "demo", "end_time": "2026-11-21T01:32:31Z", "outputs": {"a": 2}});
    let text = post.to_string();
    let parts: [Part<'_>; 1] = [(&format!("post.{ID}"), AS_JSON, text.as_bytes())];
    let otlp = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": ID.replace('-', ""), "spanId": "00000000000000aa", "name": "as a span",
        "startTimeUnixNano": "1795224750982012000", "attributes": [
            {"key": "langsmith.span.id", "value": {"stringValue": ID}},
            {"key": "langsmith.trace.session_name", "value": {"stringValue": "demo"}}]}]}]}]});
    let (batch, wrapped) = (json!({"post": [post], "patch": [patch]}), json!({"patch": [patch]}));
    let patch_path = format!("/api/runs/{ID}/");
    let answers = tokio::join!(
        send_form(&server, &parts),
        send_json(&server, "POST", "/runs/batch", &batch),
        send_json(&server, "POST", "/api/v1/runs", &post),
        send_json(&server, "PATCH", &patch_path, &patch),
        send_json(&server, "POST", "/api/v1/runs/batch", &wrapped),
        send_json(&server, "POST", "/otel/v1/traces", &otlp),
    );
    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4] {
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    assert_eq!(answers.5.status, 200, "{}", answers.5.text());
    assert_eq!(server.run_count("demo").await, 1);
    let run = read_run(&server, ID).await;
    assert_eq!(
        (&run["name"], &run["inputs"], &run["outputs"]),
        (&json!("agent"), &json!({"q": 1}), &json!({"a": 2}))
    );
    assert_eq!(run["end_time"], "2026-11-21T01:32:31.000000+00:00");
}

#[tokio::test]
async fn the_patch_may_come_first_and_outlives_a_crash() {
    let server = Server::start();
    let patch = json!({"id": ID, "trace_id": ID, "name": "agent", "run_type": "chain", "session_name": "demo",
        "start_time": "2026-11-21T01:32:30.982012+00:00", "end_time": 1_795_224_751_500_i64, "outputs": {"a": 2}, "inputs": {}});
    assert_eq!(send_json(&server, "POST", "/runs/batch", &json!({"patch": [patch]})).await.status, 202);
    assert_eq!(
        send_json(&server, "POST", "/runs/batch", &json!({"post": [root("agent")]})).await.status,
        202
    );
    let server = Server::start_again(server.kill_9());
    let run = read_run(&server, ID).await;
    assert_eq!((&run["inputs"], &run["outputs"]), (&json!({"q": 1}), &json!({"a": 2})));
    assert_eq!(
        (&run["status"], &run["end_time"]),
        (&json!("success"), &json!("2026-11-21T01:32:31.500000+00:00"))
    );
}

#[tokio::test]
async fn packed_bodies_are_taken() {
    let server = Server::start();
    for (n, (coding, pack)) in [("gzip", gzip as fn(&[u8]) -> Bytes), ("zstd", zstd)].into_iter().enumerate()
    {
        let id = format!("00000000-0000-4000-8000-00000000000{n}");
        let run = json!({"id": id, "name": coding, "session_name": "packed"}).to_string();
        let body = form_body(&[(&format!("post.{id}"), AS_JSON, run.as_bytes())]);
        for lie in ["0", "-1", "1000000000000000000"] {
            let mut request = form_request(pack(&body).to_vec());
            request.headers_mut().insert("content-encoding", coding.parse().expect("ASCII"));
            request.headers_mut().insert("x-pre-compressed-size", lie.parse().expect("ASCII"));
            let answer = send(&server, request).await;
            assert_eq!(answer.status, 202, "{coding}: {}", answer.text());
        }
        let mut request = form_request(pack(&body)[..20].to_vec());
        request.headers_mut().insert("content-encoding", coding.parse().expect("ASCII"));
        let answer = send(&server, request).await;
        assert_eq!(answer.status, 400, "a {coding} body that breaks off: {}", answer.text());
    }
    assert_eq!(server.run_count("packed").await, 2);
}

#[tokio::test]
async fn attachments_are_files_with_signed_addresses() {
    let server = Server::start();
    let run = root("with files").to_string();
    let picture: Vec<u8> = (0..=250).cycle().take(300_000).collect();
    let names = ["pic", "../../x", "/etc/passwd", "a/b", "page.html", "pic"];
    let part_names: Vec<String> = names.iter().map(|name| format!("attachment.{ID}.{name}")).collect();
    let post = format!("post.{ID}");
    let mut parts: Vec<Part<'_>> = vec![(&post, AS_JSON, run.as_bytes())];
    for name in &part_names {
        parts.push((name, "Content-Type: text/html; length=300000\r\n", &picture));
    }
    let answer = send_form(&server, &parts).await;
    assert_eq!((answer.status.as_u16(), errors(&answer).len()), (202, 0), "{}", answer.text());

    let files = read_run(&server, ID).await["s3_urls"].clone();
    assert_eq!(files.as_object().map(|files| files.len()), Some(5), "{files}");
    let url = files["attachment.pic"]["presigned_url"].as_str().expect("an address").to_owned();
    for prefix in ["", "/api/v1"] {
        let request = Request::get(format!("{prefix}{url}")).body(Bytes::new()).expect("a valid request");
        let answer = send(&server, request).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_ref() == picture), (200, true));
        assert_eq!(answer.header("content-disposition"), Some("attachment"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    for forged in [
        url.replace("text%2Fhtml", "text%2Fplain"),
        url.replace("expires=", "expires=9"),
        url.split('?').next().expect("a path").to_owned(),
    ] {
        let request = Request::get(&forged).body(Bytes::new()).expect("a valid request");
        let status = send(&server, request).await.status.as_u16();
        assert!(matches!(status, 400 | 404), "{forged}: {status}");
    }
    let folder = server.folder().data().join("attachments");
    let kept = std::fs::read_dir(&folder).expect("the folder").count();
    assert_eq!(kept, 3, "one file for one content, beside the secret and the unfinished");
    let server = Server::start_again(server.kill_9());
    let request = Request::get(&url).body(Bytes::new()).expect("a valid request");
    assert_eq!(send(&server, request).await.status, 200, "the secret stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_attachment_is_named_and_never_sent() {
    let server = Server::start();
    let run = root("with a file").to_string();
    let (post, file) = (format!("post.{ID}"), format!("attachment.{ID}.note"));
    let parts: [Part<'_>; 2] =
        [(&post, AS_JSON, run.as_bytes()), (&file, "Content-Type: text/plain\r\n", b"remember")];
    assert_eq!(send_form(&server, &parts).await.status, 202);
    let url = read_run(&server, ID).await["s3_urls"]["attachment.note"]["presigned_url"].take();
    let read =
        || Request::get(url.as_str().expect("an address")).body(Bytes::new()).expect("a valid request");
    assert_eq!(send(&server, read()).await.text(), "remember");

    let folder = server.folder().data();
    let entries = walk(&folder.join("attachments"));
    let path = entries.iter().find(|path| std::fs::read(path).is_ok_and(|bytes| bytes == b"remember"));
    let path = path.expect("the file");
    std::fs::write(path, b"remembar").expect("it is writable");
    let answer = send(&server, read()).await;
    assert_eq!((answer.status.as_u16(), answer.text().contains("damaged")), (500, true), "{}", answer.text());
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    let endpoint = format!("http://{}", server.http);
    let scrub = || tokio::task::block_in_place(|| run_command(&["scrub", "--endpoint", &endpoint]));
    let told = scrub();
    let words = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(!told.status.success() && words.contains(&name), "{words}");
    let doctor = ["doctor", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
    let told = server.folder().run(&doctor);
    let words = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(!told.status.success() && words.contains(&name), "{words}");

    let backups = server.folder().path().join("backups");
    let backup = ["backup", "--to", backups.to_str().expect("UTF-8")];
    let told = server.folder().run(&backup);
    let words = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(!told.status.success() && words.contains(&name), "{words}");

    assert_eq!(send_form(&server, &parts).await.status, 202, "the client sends it again");
    server.folder().run_ok(&backup);
    assert_eq!(send(&server, read()).await.text(), "remember");
    assert!(scrub().status.success());
    assert!(server.folder().run_ok(&doctor).contains("1 files, all sound"));
}

/// All files below a folder.
fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_backup_holds_the_attachments() {
    let server = Server::start();
    let run = root("with a file").to_string();
    let (post, file) = (format!("post.{ID}"), format!("attachment.{ID}.note"));
    let parts: [Part<'_>; 2] =
        [(&post, AS_JSON, run.as_bytes()), (&file, "Content-Type: text/plain\r\n", b"remember")];
    assert_eq!(send_form(&server, &parts).await.status, 202);
    let backups = server.folder().path().join("backups");
    let backups = backups.to_str().expect("UTF-8");
    server.folder().run_ok(&["backup", "--to", backups]);
    let restored = DataFolder::new();
    restored.run_ok(&["restore", "--from", backups]);
    let server = Server::start_again(restored);
    let url = read_run(&server, ID).await["s3_urls"]["attachment.note"]["presigned_url"].take();
    let request =
        Request::get(url.as_str().expect("an address")).body(Bytes::new()).expect("a valid request");
    let answer = send(&server, request).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "remember"));
}

#[tokio::test]
async fn a_patch_finds_its_run_without_a_word_of_trace_and_project() {
    let server = Server::start();
    let child = json!({"id": CHILD, "parent_run_id": ID, "name": "child", "run_type": "tool", "session_name": "demo"});
    assert_eq!(send_json(&server, "POST", "/runs", &root("parent")).await.status, 202);
    assert_eq!(send_json(&server, "POST", "/runs", &child).await.status, 202);
    // Only the store knows after a restart.
    let server = Server::start_again(server.kill_9());
    let patch = json!({"outputs": {"b": 1}, "end_time": 1_795_225_429_087_i64});
    let answer = send_json(&server, "PATCH", &format!("/runs/{CHILD}"), &patch).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let run = read_run(&server, CHILD).await;
    assert_eq!(
        (&run["trace_id"], &run["outputs"], &run["status"]),
        (&json!(ID), &json!({"b": 1}), &json!("success"))
    );
    assert_eq!(server.run_count("demo").await, 2);
}

#[tokio::test]
async fn inputs_come_back_as_they_were_sent() {
    let server = Server::start();
    let llm =
        json!({"messages": [{"role": "user", "content": "hi", "x": null}], "model": "gpt-4o", "tools": []});
    for (n, (run_type, inputs, read)) in [
        (
            "chain",
            json!({"a": {"b": [1, 2.5, null, "é", true]}}),
            json!({"a": {"b": [1, 2.5, null, "é", true]}}),
        ),
        ("llm", llm.clone(), llm),
        ("retriever", json!([1, 2]), json!({"input": [1, 2]})),
        ("tool", json!("text"), json!({"input": "text"})),
        ("chain", json!(7), json!({"input": 7})),
        ("chain", Value::Null, json!({})),
        ("chain", json!({"text": "x".repeat(3_000_000)}), json!({"text": "x".repeat(3_000_000)})),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("00000000-0000-4000-8000-00000000000{n}");
        let run =
            json!({"id": id, "name": "n", "run_type": run_type, "inputs": inputs, "session_name": "demo"});
        let answer = send_json(&server, "POST", "/runs", &run).await;
        assert_eq!(answer.status, 202, "{n}: {}", answer.text());
        assert!(read_run(&server, &id).await["inputs"] == read, "{n}");
    }
}

/// 200 MB were tried by hand; these are some, by both ways that large runs take.
#[tokio::test]
async fn a_large_input_comes_back_byte_for_byte() {
    let server = Server::start();
    let words = "wörd \u{1F980} \\\"q\\\" \\n\\u00e9 ";
    let one = words.repeat((10 << 20) / words.len());
    let many = vec![format!("\"{}\"", words.repeat(200)); 500].join(" ,");
    let inputs = format!(
        r#"{{ "zulu":"{one}", "alpha" : {{"big":123456789012345678901234567890,"exact":1.50E+2,"small":1e-400,"zero":-0.0}},"many":[{many}],"b":1,"a":2,"none":null}}"#
    );
    let run = |id: &str| json!({"id": id, "trace_id": id, "name": "large", "run_type": "llm", "session_name": "demo"});
    let (main, parts) = (run(ID).to_string(), [format!("post.{ID}"), format!("post.{ID}.inputs")]);
    let form = form_body(&[(&parts[0], AS_JSON, main.as_bytes()), (&parts[1], AS_JSON, inputs.as_bytes())]);
    let mut request = form_request(zstd(&form).to_vec());
    request.headers_mut().insert("content-encoding", "zstd".parse().expect("ASCII"));
    let answer = send(&server, request).await;
    assert_eq!((answer.status.as_u16(), errors(&answer).len()), (202, 0), "{}", answer.text());
    let main = run(CHILD).to_string();
    let batch = format!(r#"{{"post":[{},"inputs":{inputs}}}]}}"#, main.trim_end_matches('}'));
    let request = Request::post("/runs/batch").body(Bytes::from(batch)).expect("a valid request");
    let answer = send(&server, request).await;
    assert_eq!((answer.status.as_u16(), errors(&answer).len()), (202, 0), "{}", answer.text());

    let query = json!({"id": [ID, CHILD], "select": ["inputs"]});
    let page = send_json(&server, "POST", "/runs/query", &query).await.text();
    assert_eq!(page.matches(&inputs).count(), 2, "both in a page");
    // What was written by the log alone is the same.
    let server = Server::start_again(server.kill_9());
    for path in [format!("/api/v1/runs/{ID}"), format!("/api/v2/runs/{CHILD}?selects=INPUTS")] {
        let request = Request::get(&path).body(Bytes::new()).expect("a valid request");
        let answer = send(&server, request).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains(&format!("\"inputs\":{inputs}")), "{path}");
    }
}
