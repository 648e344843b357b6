use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Server, at, uuid};

const RULES: &str = "/api/clearspan/v1/mapping-rules";

fn rule(name: &str) -> Value {
    json!({ "name": name, "attribute": "acme.model", "field": "model" })
}

async fn create(server: &Server, name: &str) -> String {
    let answer = server.change("POST", RULES, rule(name)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn names(server: &Server) -> Vec<String> {
    let list = server.read(RULES).await;
    list["rules"].as_array().unwrap().iter().map(|rule| rule["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn rules_are_made_changed_ordered_and_removed() {
    let server = Server::new();
    let list = server.read(RULES).await;
    assert_eq!(list["rules"], json!([]));
    assert!(list["fields"].as_array().unwrap().iter().any(|field| field["field"] == "model"));

    let (a, b) = (create(&server, "a").await, create(&server, "b").await);
    let first = server.read(RULES).await["rules"][0].take();
    let expected = json!({
        "id": a, "name": "a", "enabled": true, "attribute": "acme.model", "field": "model", "position": 0,
        "created_at": at(0).as_micros(), "updated_at": at(0).as_micros(),
    });
    assert_eq!(first, expected);

    let body = json!({ "name": "c", "attribute": "acme.*.name", "field": "metadata.{*}", "enabled": false });
    let changed = server.change("PUT", &format!("{RULES}/{a}"), body).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(
        (&changed.json()["field"], &changed.json()["enabled"]),
        (&json!("metadata.{*}"), &json!(false))
    );
    let ordered = server.change("PUT", &format!("{RULES}/order"), json!({ "ids": [b, a] })).await;
    assert_eq!(ordered.status, StatusCode::OK);
    assert_eq!(names(&server).await, ["b", "c"]);

    let delete = || Request::delete(format!("{RULES}/{a}")).body(Body::empty()).unwrap();
    assert_eq!(server.send(delete()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.send(delete()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(names(&server).await, ["b"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_rule_is_said_with_its_place() {
    let server = Server::new();
    let taken = create(&server, "taken").await;
    let other = create(&server, "other").await;
    let with = |member: &str, value: Value| {
        let mut body = rule("new");
        body[member] = value;
        body
    };
    for (body, status, code, pointer) in [
        (with("field", json!("modle")), 400, "invalid_body", json!("/field")),
        (with("field", json!("metadata.{*}")), 400, "invalid_body", json!("/field")),
        (with("attribute", json!("*.*")), 400, "invalid_body", json!("/attribute")),
        (with("attribute", json!("")), 400, "invalid_body", json!("/attribute")),
        (with("name", json!("a:b")), 400, "invalid_body", json!("/name")),
        (with("name", json!(" ")), 400, "invalid_body", json!("/name")),
        (with("nmae", json!("x")), 400, "invalid_body", Value::Null),
        (with("name", json!("taken")), 409, "conflict", json!("/name")),
    ] {
        for (method, path) in [("POST", RULES.to_owned()), ("PUT", format!("{RULES}/{other}"))] {
            let answer = server.change(method, &path, body.clone()).await;
            let error = answer.json()["error"].take();
            let told = (answer.status.as_u16(), &error["code"], &error["pointer"]);
            assert_eq!(told, (status, &json!(code), &pointer), "{method} {body}: {error}");
        }
    }
    let ordered =
        |ids: Value| server.change("PUT", "/api/clearspan/v1/mapping-rules/order", json!({ "ids": ids }));
    assert_eq!(ordered(json!([taken])).await.status, StatusCode::CONFLICT);
    assert_eq!(ordered(json!(["x"])).await.json()["error"]["pointer"], "/ids");
    for id in ["x", &uuid(9)] {
        let answer = server.change("PUT", &format!("{RULES}/{id}"), rule("new")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(names(&server).await, ["taken", "other"]);
}

/// A form of another site can send text without asking; JSON it cannot.
#[tokio::test]
async fn changes_must_be_sent_as_json() {
    let server = Server::new();
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        for path in [RULES.to_owned(), format!("{RULES}/test")] {
            let mut request = Request::post(&path);
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let answer = server.send(request.body(Body::from(rule("a").to_string())).unwrap()).await;
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {content_type:?}");
            assert_eq!(answer.json()["error"]["code"], "unsupported_media_type");
        }
    }
    let request = Request::post(RULES).header("content-type", "Application/JSON; charset=utf-8");
    let answer = server.send(request.body(Body::from(rule("a").to_string())).unwrap()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_rule_is_tried_on_a_stored_run() {
    let server = Server::with_traces().await;
    let test = |rule: Value, replaces: Value| {
        let body = json!({
            "rule": rule, "replaces": replaces, "project": "demo", "trace_id": uuid(1), "run_id": uuid(4),
        });
        server.change("POST", "/api/clearspan/v1/mapping-rules/test", body)
    };
    let to_metadata = json!({ "attribute": "http.status", "field": "metadata.status" });
    let trial = test(to_metadata.clone(), Value::Null).await.json();
    assert_eq!(trial["matched"], json!([{ "attribute": "http.status", "value": 404 }]), "{trial}");
    let expected = json!([
        { "field": "attributes.http.status", "before": 404, "after": null },
        { "field": "metadata.status", "before": null, "after": 404 },
    ]);
    assert_eq!(trial["changes"], expected, "{trial}");
    assert_eq!(trial["issues"], json!([]));
    assert_eq!(names(&server).await, Vec::<String>::new(), "nothing is saved");
    let run = server.read(&format!("/api/clearspan/v1/traces/{}/runs/{}", uuid(1), uuid(4))).await;
    assert_eq!(run["metadata"], json!({}));

    // A saved rule is stronger than a new one, unless the new one is to replace it.
    let saved = json!({ "name": "saved", "attribute": "http.*", "field": "metadata.saved" });
    let saved = server.change("POST", RULES, saved).await.json();
    let replacing = test(to_metadata, saved["id"].clone()).await.json();
    assert_eq!(replacing["changes"], expected, "{replacing}");

    let nothing = test(json!({ "attribute": "acme", "field": "model" }), saved["id"].clone()).await.json();
    assert_eq!((&nothing["matched"], &nothing["changes"]), (&json!([]), &json!([])));
    let wrong = test(json!({ "attribute": "acme", "field": "modle" }), Value::Null).await;
    assert_eq!(wrong.json()["error"]["pointer"], "/field");
    let body =
        json!({ "rule": { "attribute": "a", "field": "model" }, "trace_id": uuid(1), "run_id": uuid(99) });
    let missing = server.change("POST", "/api/clearspan/v1/mapping-rules/test", body).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
