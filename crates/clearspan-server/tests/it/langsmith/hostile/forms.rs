//! Rows 86 to 90, 96 and 103: bodies of parts.

use super::*;
use crate::langsmith::{AS_JSON, BOUNDARY, CHILD, Part, form_body, form_request};
use crate::server::DataFolder;
use crate::spans::{gzip, zstd};

fn with_type(content_type: &str, body: Vec<u8>) -> Request<Bytes> {
    let request = Request::post("/runs/multipart").header("content-type", content_type);
    request.body(Bytes::from(body)).expect("a valid request")
}

/// A body with a part as it stands, behind a sound one.
fn beside_sound(head: &[u8], content: &[u8]) -> Vec<u8> {
    let run = root("sound").to_string();
    let post = format!("post.{ID}");
    let mut body = form_body(&[(&post, AS_JSON, run.as_bytes())]);
    body.truncate(body.len() - "--\r\n".len());
    body.extend_from_slice(b"\r\n");
    body.extend_from_slice(head);
    body.extend_from_slice(b"\r\n\r\n");
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn named(name: &str, headers: &str) -> Vec<u8> {
    format!("Content-Disposition: form-data; name=\"{name}\"{headers}").into_bytes()
}

#[tokio::test]
async fn row_86_forms_that_are_none() {
    let server = Server::start();
    let run = root("good").to_string();
    let post = format!("post.{ID}");
    let good = form_body(&[(&post, AS_JSON, run.as_bytes())]);
    let many: Vec<Part<'_>> = vec![("post", "", b""); 100_000];
    let form = |boundary: &str| with_type(&format!("multipart/form-data; boundary={boundary}"), good.clone());
    let long = format!("X-Long: {}\r\n", "x".repeat(1 << 20));
    let nested = named(&post, "\r\nContent-Type: multipart/mixed; boundary=inner");
    check(
        &server,
        86,
        vec![
            case(
                "no boundary",
                with_type("multipart/form-data", good.clone()),
                Then::Refused(400, "boundary"),
            ),
            case("an empty boundary", form(""), Then::Refused(400, "1 to 200")),
            case("another boundary", form("other"), Then::Refused(400, "boundary")),
            case("1,000 characters", form(&"b".repeat(1_000)), Then::Refused(400, "1 to 200")),
            case("no end", form_request(good[..good.len() - 4].to_vec()), Then::Refused(400, "breaks off")),
            case("100,000 parts", form_request(form_body(&many)), Then::Refused(413, "50000 parts")),
            case(
                "1 MiB of headers",
                form_request(form_body(&[(&post, &long, b"{}")])),
                Then::Refused(400, "too long"),
            ),
            case(
                "a form in the form",
                form_request(beside_sound(&nested, b"--inner\r\n\r\n{}\r\n--inner--")),
                Then::TakenBut("multipart itself"),
            ),
            case(
                "no name",
                form_request(beside_sound(b"Content-Disposition: form-data", b"{}")),
                Then::TakenBut("no name"),
            ),
        ],
    )
    .await;
    assert_eq!(server.run_count("demo").await, 1, "the one beside those parts");
}

#[tokio::test]
async fn row_87_names_that_say_nothing() {
    let server = Server::start();
    let names = [
        ("post.no-uuid".to_owned(), "no UUID"),
        ("post.".to_owned(), "no UUID"),
        ("post".to_owned(), "a part is named"),
        (format!("patch.{CHILD}.inputs"), "there is no part patch."),
        (format!("post.{ID}.child_runs"), "no field"),
        (format!("post.{ID}.inputs.more"), "no field"),
        (format!("post.{ID}.inputs.more.dots"), "no field"),
        (format!("POST.{CHILD}"), "parts are named"),
        (format!("run.{CHILD}"), "parts are named"),
        (format!("feedback.{CHILD}.key"), "parts are named"),
    ];
    let cases = names.into_iter().map(|(name, why)| {
        let body = beside_sound(&named(&name, "\r\nContent-Type: application/json"), b"{}");
        case(name, form_request(body), Then::TakenBut(why))
    });
    check(&server, 87, cases.collect()).await;
    assert_eq!(read_run(&server, ID).await["name"], "sound");
    assert_eq!(server.run_count("demo").await, 1);
}

#[tokio::test]
async fn row_88_lengths_and_types_that_lie() {
    let server = Server::start();
    let packed = gzip(b"{\"a\": 1}");
    let outputs = format!("post.{ID}.outputs");
    let cases = [
        ("\r\nContent-Length: 3", b"{}".as_slice(), "has 2 bytes, but it says 3"),
        ("\r\nContent-Length: 1", b"{}", "has 2 bytes, but it says 1"),
        ("\r\nContent-Type: application/json; length=9", b"{}", "has 2 bytes, but it says 9"),
        ("\r\nContent-Length: -1", b"{}", "no number"),
        ("\r\nContent-Length: 99999999999999999999", b"{}", "no number"),
        ("\r\nContent-Type: application/json", &packed, "not UTF-8"),
        ("\r\nContent-Type: application/json", b"\x89PNG\r\n\x1a\n\0", "not UTF-8"),
        ("\r\nContent-Type: application/json", b"GIF89a", "no JSON"),
    ];
    let cases = cases.map(|(headers, content, why)| {
        let body = beside_sound(&named(&outputs, headers), content);
        case(headers.trim(), form_request(body), Then::TakenBut(why))
    });
    check(&server, 88, cases.into()).await;
    let run = read_run(&server, ID).await;
    assert_eq!((&run["name"], &run["outputs"]), (&"sound".into(), &Value::Null));
}

#[tokio::test]
async fn row_89_names_of_attachments() {
    let server = Server::start();
    let long = "n".repeat(4_096);
    let part =
        |name: &str| form_request(beside_sound(&named(&format!("attachment.{ID}.{name}"), ""), b"<script>"));
    let names = ["../../x", "/etc/passwd", "a/b", "a\0b", "page.html", "page.html", "..", "%2e%2e%2f"];
    let mut cases: Vec<Case> = names.iter().map(|name| case(*name, part(name), Then::Taken)).collect();
    cases.push(case("4 KiB", part(&long), Then::TakenBut("more than 1024 bytes")));
    cases.push(case("none", part(""), Then::TakenBut("no name")));
    check(&server, 89, cases).await;
    let files = read_run(&server, ID).await["s3_urls"].take();
    let files = files.as_object().expect("files");
    assert_eq!(files.len(), 7, "the same name twice is one: {files:?}");
    for (name, file) in files {
        let url = file["presigned_url"].as_str().expect("an address");
        let path = url.split('?').next().unwrap_or_default();
        assert!(path.starts_with("/attachments/") && !path.contains(['.', '%']), "{name}: {url}");
        let answer = send(&server, Request::get(url).body(Bytes::new()).expect("a valid request")).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "<script>"), "{name}");
        assert_eq!(answer.header("content-disposition"), Some("attachment"), "{name}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{name}");
    }
    let folder = server.folder().data().join("attachments");
    let kept = std::fs::read_dir(folder).expect("the folder").count();
    assert_eq!(kept, 3, "one content is one file, beside the secret and the unfinished");
}

#[tokio::test]
async fn row_90_sizes_that_lie() {
    let server = Server::start();
    let run = root("packed").to_string();
    let body = form_body(&[(&format!("post.{ID}"), AS_JSON, run.as_bytes())]);
    let packed = |body: &[u8], size: &str| {
        let mut request = form_request(body.to_vec());
        request.headers_mut().insert("content-encoding", "zstd".parse().expect("ASCII"));
        request.headers_mut().insert("x-pre-compressed-size", size.parse().expect("ASCII"));
        request.headers_mut().insert("x-post-compressed-size", size.parse().expect("ASCII"));
        request
    };
    let whole = zstd(&body);
    let sizes = ["0", "-1", "1000000000000000000", "many", ""];
    let mut cases: Vec<Case> =
        sizes.iter().map(|size| case(*size, packed(&whole, size), Then::Taken)).collect();
    cases.push(case("cut", packed(&whole[..whole.len() / 2], "1"), Then::Refused(400, "")));
    cases.push(case("not packed", packed(&body, "1"), Then::Refused(400, "damaged")));
    check(&server, 90, cases).await;
    assert_eq!(read_run(&server, ID).await["id"], ID);
    assert_eq!(server.run_count("demo").await, 1);
}

#[tokio::test]
async fn row_103_keys_that_smuggle() {
    let server = Server::start();
    let zero = format!(r#"{{"id":"{ID}","user\u0000_id":1}}"#);
    let twice = format!(r#"{{"id":"{ID}","id":"{CHILD}"}}"#);
    let escaped = format!(r#"{{"id":"{ID}","i\u0064":"{CHILD}"}}"#);
    let mut cases = Vec::new();
    for (document, why) in [(&zero, "zero byte"), (&twice, "two ids"), (&escaped, "two ids")] {
        let sound = root("sound");
        let batch = format!(r#"{{"post":[{sound},{document}]}}"#);
        let part = beside_sound(&named(&format!("patch.{ID}"), ""), document.as_bytes());
        cases.push(case("a run", request("POST", "/runs", document.clone()), Then::Refused(422, why)));
        let path = format!("/runs/{ID}");
        cases.push(case("a patch", request("PATCH", &path, document.clone()), Then::Refused(422, why)));
        cases.push(case("of a batch", request("POST", "/runs/batch", batch), Then::TakenBut(why)));
        cases.push(case("of a form", form_request(part), Then::TakenBut(why)));
    }
    check(&server, 103, cases).await;
    assert_eq!(server.run_count("demo").await, 1);
    assert_eq!(server.run_count("default").await, 0);
}

#[tokio::test]
async fn row_96_secrets_in_tokens() {
    let args = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--redact", "secrets"];
    let server =
        Server::start_in(DataFolder::new(), &[&args[..], &["--redact-pattern", "EMP-[0-9]{6}"]].concat());
    let secret = format!("sk-ant-api03-{}", "Abc0Def1".repeat(8));
    let tokens: Vec<Value> = secret
        .as_bytes()
        .chunks(5)
        .enumerate()
        .map(|(n, token)| {
            let token = std::str::from_utf8(token).expect("ASCII");
            let time = format!("2026-11-21T01:32:31.{n:03}Z");
            json!({"name": "new_token", "time": time, "kwargs": {"token": token}})
        })
        .collect();
    let whole = json!({"name": "new_token", "time": "2026-11-21T01:32:31Z", "kwargs": {"token": secret}});
    let run = root_with(
        ID,
        &json!({
            "events": tokens, "inputs": {"messages": [{"role": "user", "content": format!("use {secret}")}]},
            "outputs": {"nested": json!({"key": secret}).to_string(), "n": 1.5}, "error": format!("401 for {secret}"),
            "extra": {"metadata": {"header": format!("Bearer {secret}"), "who": "EMP-123456"}}, "tags": [secret],
        }),
    );
    let form = form_body(&[
        (
            &format!("post.{CHILD}"),
            AS_JSON,
            root_with(CHILD, &json!({"name": secret})).to_string().as_bytes(),
        ),
        (&format!("post.{CHILD}.events"), AS_JSON, json!([whole]).to_string().as_bytes()),
        (
            &format!("feedback.{}", nth(1)),
            AS_JSON,
            json!({"run_id": CHILD, "key": "k", "comment": secret}).to_string().as_bytes(),
        ),
    ]);
    let span = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": CHILD.replace('-', ""), "spanId": "00000000000000aa", "name": "span",
        "startTimeUnixNano": "1795224750982012000",
        "attributes": [{"key": "header", "value": {"stringValue": secret}}],
        "events": [{"name": "e", "timeUnixNano": "1795224750982012001",
            "attributes": [{"key": "token", "value": {"stringValue": secret}}]}]}]}]}]});
    let log = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "timeUnixNano": "1795224750982012000", "body": {"stringValue": format!("key {secret}")}}]}]}]});
    check(
        &server,
        96,
        vec![
            case("a run", json_request("POST", "/runs", &run), Then::Taken),
            case("a form", form_request(form), Then::Taken),
            case("a span", json_request("POST", "/v1/traces", &span), Then::Taken),
            case("a log record", json_request("POST", "/v1/logs", &log), Then::Taken),
            case(
                "feedback",
                json_request("POST", "/feedback", &json!({"run_id": ID, "key": "k", "value": secret})),
                Then::Taken,
            ),
        ],
    )
    .await;
    let read = read_run(&server, ID).await;
    assert_eq!(read["outputs"], json!({"nested": "{\"key\":\"[redacted:anthropic_key]\"}", "n": 1.5}));
    assert_eq!(read["extra"]["metadata"]["who"], "[redacted:custom]");
    let told: String = read["events"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["kwargs"]["token"].as_str())
        .collect();
    assert_eq!(told, "[redacted:anthropic_key]", "tokens that are a secret together");
    let feedback = Request::get("/feedback?limit=10").body(Bytes::new()).expect("a valid request");
    let feedback = send(&server, feedback).await.text();
    assert!(feedback.contains("[redacted:anthropic_key]"), "{feedback}");
    let trace = |id: &str| id.replace('-', "");
    for path in [
        format!("/traces/{}/runs/{ID}?project=demo", trace(ID)),
        format!("/traces/{}/runs/{CHILD}?project=demo", trace(CHILD)),
        format!("/traces/{}/runs/00000000000000aa?project=default", trace(CHILD)),
        format!("/traces/{}/events?project=default", trace(CHILD)),
        "/projects/default/logs".to_owned(),
        "/projects/demo/traces".to_owned(),
    ] {
        let text = server.get_json(&path).await.to_string();
        assert!(!text.contains(&secret) && text.contains("[redacted:anthropic_key]"), "{path}: {text}");
    }
    // The catalog packs nothing, so a leak would be seen in its file.
    let (_, folder) = server.terminate();
    for needle in [secret.as_bytes(), b"EMP-123456"] {
        let leaks = files_with(folder.path(), needle);
        assert!(leaks.is_empty(), "{leaks:?}");
    }
}

fn files_with(folder: &std::path::Path, needle: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else if std::fs::read(&path).expect("a file").windows(needle.len()).any(|window| window == needle) {
            found.push(path);
        }
    }
    found
}
