//! Row 100: filters, limits and cursors.

use super::*;

#[tokio::test]
async fn row_100_filters_limits_and_cursors() {
    let server = Server::start();
    let runs: Vec<Value> = (0..120)
        .map(|n| root_with(&nth(n + 1), &json!({"name": "n", "dotted_order": null, "trace_id": null})))
        .collect();
    assert_eq!(send_json(&server, "POST", "/runs/batch", &json!({"post": runs})).await.status, 202);
    let session = Request::get("/sessions?name=demo").body(Bytes::new()).expect("a valid request");
    let session = send(&server, session).await.json()[0]["id"].clone();

    let bad = [
        ("5,000 deep", "and(".repeat(5_000)),
        ("5,000 deep and closed", format!("{}eq(name, \"x\"){}", "not(".repeat(5_000), ")".repeat(5_000))),
        ("unbalanced", "and(eq(name, \"x\")".to_owned()),
        ("more than its end", "eq(name, \"x\"))".to_owned()),
        ("10 MiB", format!("eq(name, \"{}\")", "x".repeat(10 << 20))),
        ("quotes of another kind", "eq(name, “x”)".to_owned()),
        ("an open quote", "eq(name, \"x)".to_owned()),
        ("an unknown function", "drop(name, \"x\")".to_owned()),
        ("an unknown field", "eq(password, \"x\")".to_owned()),
        ("a number for a status", "eq(status, 5)".to_owned()),
        ("a text for a number", "gt(total_tokens, \"many\")".to_owned()),
        ("no list", "in(name, \"x\")".to_owned()),
        ("no value", "eq(name)".to_owned()),
        ("SQL", "1=1; DROP TABLE runs".to_owned()),
    ];
    for path in ["/runs/query", "/runs/stats"] {
        for key in ["filter", "trace_filter", "tree_filter"] {
            for (what, filter) in &bad {
                let body = json!({"session": [session], key: filter});
                let answer = send_json(&server, "POST", path, &body).await;
                let what = format!("row 100, {path} {key}: {what}");
                let expected = if answer.status == 413 {
                    Then::Refused(413, "")
                } else {
                    Then::Refused(400, "character")
                };
                check_answer(&what, &answer, &expected);
            }
        }
    }
    let count = async |body: Value| {
        let answer = send_json(&server, "POST", "/runs/query", &body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        answer.json()["runs"].as_array().expect("runs").len()
    };
    for text in ["' OR 1=1--", "%", "*", "\\\"", "$(id)", "';--"] {
        let filter = format!("eq(name, {})", json!(text));
        assert_eq!(count(json!({"session": [session], "filter": filter})).await, 0, "{text} is but a text");
    }
    for (limit, found) in
        [(json!(1_000_000_000_u64), 100), (json!(5), 5), (json!(0), 1), (json!(-1), 1), (json!(null), 100)]
    {
        let counted = count(json!({"session": [session], "limit": limit})).await;
        assert_eq!(counted, found, "limit {limit}");
    }
    for (what, body) in [
        ("a limit of text", json!({"session": [session], "limit": "many"})),
        ("no cursor", json!({"session": [session], "cursor": "nonsense"})),
        ("a session that is no id", json!({"session": ["x"]})),
        ("a filter that is no text", json!({"session": [session], "filter": {"eq": 1}})),
    ] {
        let answer = send_json(&server, "POST", "/runs/query", &body).await;
        let status = answer.status.as_u16();
        assert!(matches!(status, 400 | 422), "row 100, {what}: {status} {}", answer.text());
        assert!(answer.json()["detail"].is_string(), "row 100, {what}");
    }
    cursors(&server, &session).await;
}

/// A cursor that was changed, or that another question gave, is refused or shows nothing more than the question may.
async fn cursors(server: &Server, session: &Value) {
    let page =
        send_json(server, "POST", "/runs/query", &json!({"session": [session], "limit": 5})).await.json();
    let cursor = page["cursors"]["next"].as_str().expect("there are more").to_owned();
    for at in 0..cursor.len() {
        let mut edited = cursor.clone().into_bytes();
        edited[at] = if edited[at] == b'A' { b'B' } else { b'A' };
        let edited = String::from_utf8(edited).expect("ASCII");
        let body = json!({"session": [session], "limit": 5, "cursor": edited});
        let answer = send_json(server, "POST", "/runs/query", &body).await;
        assert!(matches!(answer.status.as_u16(), 200 | 400), "{edited}: {} {}", answer.status, answer.text());
    }
    let other = json!({"session": [session], "limit": 5, "cursor": cursor, "order": "asc"});
    assert_eq!(
        send_json(server, "POST", "/runs/query", &other).await.status,
        400,
        "a cursor of another order"
    );
    // Of a project that the cursor's question did not look at, it shows none of the first's.
    let elsewhere = json!({"id": nth(900), "name": "elsewhere", "session_name": "elsewhere"});
    assert_eq!(send_json(server, "POST", "/runs", &elsewhere).await.status, 202);
    let id = Request::get("/sessions?name=elsewhere").body(Bytes::new()).expect("a valid request");
    let id = send(server, id).await.json()[0]["id"].clone();
    let answer = send_json(server, "POST", "/runs/query", &json!({"session": [id], "cursor": cursor})).await;
    if answer.status == 200 {
        let runs = answer.json()["runs"].take();
        assert!(runs.as_array().expect("runs").iter().all(|run| run["session_id"] == id), "{runs}");
    }
}
