//! What cannot be used is refused in words, never with 500.

use serde_json::{Value, json};

use super::{example_id, form_body, get, new_dataset, send_form, send_json};
use crate::connection::Answer;
use crate::server::Server;

const NOWHERE: &str = "0190b2a3-ffff-4000-8000-000000000000";

fn check(what: &str, answer: &Answer, expected: u16) {
    assert_eq!(answer.status.as_u16(), expected, "{what}: {}", answer.text());
    let body = answer.json();
    let detail = body["detail"].as_str().unwrap_or_else(|| panic!("{what}: no detail in {body}"));
    assert!(detail.len() > 5, "{what}: {body}");
}

#[tokio::test]
async fn bodies_that_cannot_be_used_are_refused() {
    let server = Server::start();
    let dataset = new_dataset(&server, "d").await;
    let example = json!({"dataset_id": dataset, "id": example_id(1), "inputs": {"q": 1}});
    assert_eq!(send_json(&server, "POST", "/examples", &example).await.status, 200);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let with = |key: &str, value: Value| {
        let mut example = json!({"dataset_id": dataset, "id": example_id(2), "inputs": {}});
        example[key] = value;
        example
    };
    let at = |rest: &str| format!("/datasets/{dataset}{rest}");
    let cases: Vec<(&str, String, Value, u16)> = vec![
        ("POST", "/datasets".into(), json!({}), 422),
        ("POST", "/datasets".into(), json!({"name": ""}), 422),
        ("POST", "/datasets".into(), json!({"name": "x".repeat(10_000)}), 422),
        ("POST", "/datasets".into(), json!({"name": "a\u{0}b"}), 422),
        ("POST", "/datasets".into(), json!({"name": 7}), 422),
        ("POST", "/datasets".into(), json!({"name": "d"}), 409),
        ("POST", "/datasets".into(), json!({"name": "x", "id": dataset}), 409),
        ("POST", "/datasets".into(), json!({"name": "x", "id": "x"}), 422),
        ("POST", "/datasets".into(), json!({"name": "x", "data_type": "csv"}), 422),
        ("POST", "/datasets".into(), json!({"name": "x", "extra": []}), 422),
        ("PATCH", format!("/datasets/{NOWHERE}"), json!({"name": "y"}), 404),
        ("PATCH", at(""), json!({"inputs_schema_definition": "x"}), 422),
        ("DELETE", format!("/datasets/{NOWHERE}"), Value::Null, 404),
        ("PUT", at("/tags"), json!({"tag": "t"}), 422),
        ("PUT", at("/tags"), json!({"tag": "", "as_of": "latest"}), 422),
        ("PUT", at("/tags"), json!({"tag": "t", "as_of": "0001-01-01T00:00:00Z"}), 404),
        ("PUT", at("/splits"), json!({"split_name": "s", "examples": [NOWHERE]}), 404),
        ("PUT", at("/splits"), json!({"split_name": "", "examples": []}), 422),
        ("PUT", format!("/datasets/{NOWHERE}/share"), json!({}), 404),
        ("POST", "/examples".into(), json!({"inputs": {}}), 422),
        ("POST", "/examples".into(), with("dataset_id", json!(NOWHERE)), 404),
        ("POST", "/examples".into(), with("inputs", json!([1])), 422),
        ("POST", "/examples".into(), with("metadata", json!("x")), 422),
        ("POST", "/examples".into(), with("split", json!({"a": 1})), 422),
        ("POST", "/examples".into(), with("created_at", json!("2026-02-30")), 422),
        ("POST", "/examples".into(), with("id", json!("00000000-0000-0000-0000-000000000000")), 422),
        ("POST", "/examples".into(), with("id", json!(example_id(1))), 409),
        ("POST", "/examples".into(), with("use_source_run_io", json!(true)), 422),
        ("POST", "/examples/bulk".into(), json!({"a": 1}), 422),
        ("POST", "/examples/bulk".into(), serde_json::from_str(r#"[[[[[]]]]]"#).expect("JSON"), 422),
        ("PATCH", "/examples/bulk".into(), json!([{"inputs": {}}]), 422),
        ("PATCH", format!("/examples/{NOWHERE}"), json!({"inputs": {}}), 404),
        ("DELETE", "/examples".into(), Value::Null, 422),
        ("DELETE", "/examples?example_ids=x".into(), Value::Null, 422),
        ("POST", "/v1/platform/datasets/examples/delete".into(), json!({"example_ids": ["x"]}), 422),
        ("POST", "/sessions".into(), json!({}), 422),
        ("POST", "/sessions".into(), json!({"name": "x", "reference_dataset_id": NOWHERE}), 404),
        ("POST", "/sessions".into(), json!({"name": "x", "extra": 5}), 422),
        ("POST", "/sessions".into(), json!({"name": "x", "start_time": "yesterday"}), 422),
        ("PATCH", format!("/sessions/{NOWHERE}"), json!({"name": "x"}), 404),
        ("PATCH", "/sessions/x".into(), json!({"name": "x"}), 422),
        ("POST", at("/runs"), json!({"session_ids": []}), 422),
        ("POST", at("/runs"), json!({"session_ids": [NOWHERE]}), 404),
        ("POST", "/datasets/comparative".into(), json!({"experiment_ids": [NOWHERE]}), 422),
        ("POST", "/datasets/comparative".into(), json!({"experiment_ids": [NOWHERE, NOWHERE]}), 404),
        ("POST", "/repos".into(), json!({"repo_handle": "../x"}), 422),
        ("POST", "/repos".into(), json!({"repo_handle": "x", "repo_type": "y"}), 422),
        ("POST", "/commits/-/nothing".into(), json!({"manifest": {}}), 404),
        ("POST", "/commits/-/nothing".into(), json!({"manifest": []}), 422),
        ("POST", "/likes/-/nothing".into(), json!({"like": true}), 404),
        ("POST", "/repos/-/nothing/tags".into(), json!({"tag_name": "latest", "commit_id": NOWHERE}), 422),
        ("POST", "/v1/platform/hub/repos/-/x/directories/commits".into(), json!({"files": {"": {}}}), 422),
    ];
    for (method, path, body, expected) in cases {
        let answer = send_json(&server, method, &path, &body).await;
        check(&format!("{method} {path} {body:.200}"), &answer, expected);
    }
    let request = http::Request::post("/examples").body(bytes::Bytes::from(deep)).expect("a valid request");
    check("a deep body", &super::send(&server, request).await, 422);
}

#[tokio::test]
async fn parameters_that_cannot_be_used_are_refused() {
    let server = Server::start();
    let dataset = new_dataset(&server, "d").await;
    let filter = |text: &str| format!("/examples?dataset={dataset}&filter={text}");
    let nested = filter(&"and(".repeat(1_000));
    for (path, expected) in [
        ("/datasets?metadata=[1]", 422),
        ("/datasets?limit=-1", 422),
        ("/datasets?id=x", 422),
        ("/datasets/x", 422),
        (&format!("/datasets/{NOWHERE}"), 404),
        (&format!("/datasets/{dataset}/version"), 422),
        (&format!("/datasets/{dataset}/version?tag=none"), 404),
        (&format!("/datasets/{dataset}/versions/diff?from_version=x&to_version=y"), 404),
        (&format!("/datasets/{dataset}/versions/diff"), 422),
        ("/examples", 422),
        ("/examples/x", 422),
        (&format!("/examples/{NOWHERE}"), 404),
        (&format!("/examples?dataset={dataset}&as_of=no-such-tag"), 404),
        (&format!("/examples?dataset={dataset}&metadata=%7B"), 422),
        (&filter("exists(inputs,%20%22a%22)"), 400),
        (&filter("drop%20table"), 400),
        (&nested, 400),
        ("/sessions?reference_dataset=x", 422),
        ("/sessions?metadata=7", 422),
        ("/repos?limit=x", 422),
        ("/repos/-/none", 404),
        ("/repos/somebody/none", 404),
        ("/commits/-/none", 404),
        ("/commits/-/none/latest", 404),
        (&format!("/public/{NOWHERE}/datasets"), 404),
        ("/public/x/examples", 404),
        ("/v1/platform/hub/repos/-/none/directories", 404),
    ] {
        check(path, &get(&server, path).await, expected);
    }
}

#[tokio::test]
async fn forms_that_cannot_be_used_are_refused() {
    let server = Server::start();
    let dataset = new_dataset(&server, "d").await;
    let path = format!("/v1/platform/datasets/{dataset}/examples");
    let [one, two] = [example_id(1), example_id(2)];
    let json = "application/json";
    let cases = [
        ("no form", "hello".to_owned(), 400),
        ("no end", form_body(&[(&one, json, "{}")]).replace("--\r\n", ""), 400),
        ("no id", form_body(&[("x", json, "{}")]), 422),
        ("no meaning", form_body(&[(&format!("{one}.x"), json, "{}")]), 422),
        ("no JSON", form_body(&[(&one, json, "{")]), 422),
        ("no object", form_body(&[(&one, json, "{}"), (&format!("{one}.inputs"), json, "[]")]), 422),
        ("twice", form_body(&[(&one, json, "{}"), (&one, json, "{}")]), 422),
        ("shorter", form_body(&[(&format!("{one}.attachment.a"), "text/plain; length=9", "abc")]), 422),
        ("no name", form_body(&[(&format!("{one}.attachment."), "text/plain", "abc")]), 422),
        ("binary", form_body(&[(&one, json, "\u{1f}\u{8b}")]), 422),
    ];
    for (what, body, expected) in cases {
        check(what, &send_form(&server, "POST", &path, body).await, expected);
    }
    let good = form_body(&[(&one, json, "{}"), (&format!("{one}.inputs"), json, "{}")]);
    check(
        "nowhere",
        &send_form(&server, "POST", &format!("/v1/platform/datasets/{NOWHERE}/examples"), good.clone()).await,
        404,
    );
    check(
        "no such example",
        &send_form(&server, "PATCH", &path, form_body(&[(&two, json, "{}")])).await,
        404,
    );
    check(
        "no dataset",
        &send_form(&server, "POST", "/v1/platform/examples/multipart", good.clone()).await,
        422,
    );
    check(
        "no file",
        &send_form(&server, "POST", "/datasets/upload", form_body(&[("name", "text/plain", "x")])).await,
        422,
    );
    check("a body that is no form", &send_json(&server, "POST", &path, &json!({})).await, 400);
    // Names of files are texts and nothing else.
    let names = ["../../x", "/etc/passwd", "a/b", "x.html", "\u{1f600}"];
    for name in names {
        let part = format!("{one}.attachment.{name}");
        let body = form_body(&[(&one, json, "{}"), (&part, "text/html", "<script>")]);
        let answer = send_form(
            &server,
            "POST",
            "/v1/platform/examples/multipart",
            body.replace("{}", &format!("{{\"dataset_id\": \"{dataset}\"}}")),
        )
        .await;
        assert_eq!(answer.status, 201, "{name}: {}", answer.text());
    }
    let example = get(&server, &format!("/examples/{one}")).await.json();
    for name in names {
        let url = example["attachment_urls"][format!("attachment.{name}")]["presigned_url"].clone();
        let file = get(&server, url.as_str().unwrap_or_else(|| panic!("{name}: {example}"))).await;
        assert_eq!(
            (file.status.as_u16(), file.header("content-disposition")),
            (200, Some("attachment")),
            "{name}"
        );
    }
}
