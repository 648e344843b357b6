//! Datasets from making them to reading their old versions, over the wire and over a crash.

use serde_json::{Value, json};

use super::{example_id, form_body, get, new_dataset, ok, send_form, send_json};
use crate::server::Server;

async fn ids(server: &Server, path: &str) -> Vec<String> {
    let listed = ok(get(server, path)).await;
    let id = |example: &Value| example["id"].as_str().expect("an id").to_owned();
    listed.as_array().expect("a list").iter().map(id).collect()
}

#[tokio::test]
async fn versions_files_and_splits_outlive_a_crash() {
    let server = Server::start();
    let dataset = new_dataset(&server, "d").await;
    let [one, two] = [example_id(1), example_id(2)];
    let path = format!("/v1/platform/datasets/{dataset}/examples");
    let body = form_body(&[
        (&one, "application/json", r#"{"split": "train", "metadata": {"n": 1}}"#),
        (&format!("{one}.inputs"), "application/json", r#"{"q": 12345678901234567890}"#),
        (&format!("{one}.outputs"), "application/json", r#"{"a": 1.10}"#),
        (&format!("{one}.attachment.pic"), "image/png; length=7", "PNGDATA"),
        (&two, "application/json", "{}"),
        (&format!("{two}.inputs"), "application/json", r#"{"q": 2}"#),
    ]);
    let answer = send_form(&server, "POST", &path, body.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let first = answer.json();
    assert_eq!((&first["count"], &first["example_ids"]), (&json!(2), &json!([one, two])));
    let again = ok(send_form(&server, "POST", &path, body)).await;
    assert_eq!(again["as_of"], first["as_of"], "a request that is sent again changes nothing");

    let change = form_body(&[
        (&one, "application/json", r#"{"split": ["test", "hard"]}"#),
        (&format!("{one}.attachments_operations"), "application/json", r#"{"rename": {"pic": "image"}}"#),
    ]);
    let second = ok(send_form(&server, "PATCH", &format!("/api{path}/"), change)).await;
    ok(send_json(
        &server,
        "PUT",
        &format!("/datasets/{dataset}/tags"),
        &json!({"as_of": first["as_of"], "tag": "prod"}),
    ))
    .await;
    ok(send_json(&server, "DELETE", &format!("/examples/{two}"), &Value::Null)).await;

    let server = Server::start_again(server.kill_9());
    let list = format!("/api/v1/examples?dataset={dataset}");
    assert_eq!(ids(&server, &list).await, std::slice::from_ref(&one));
    let mut old = ids(&server, &format!("{list}&as_of=prod")).await;
    old.sort();
    assert_eq!(old, [one.clone(), two.clone()]);
    assert_eq!(ids(&server, &format!("{list}&splits=hard")).await, std::slice::from_ref(&one));
    assert_eq!(ids(&server, &format!("{list}&splits=train")).await, [""; 0]);
    assert_eq!(ids(&server, &format!("{list}&splits=train&as_of=prod")).await, std::slice::from_ref(&one));
    let splits = ok(get(&server, &format!("/datasets/{dataset}/splits"))).await;
    assert_eq!(splits, json!(["hard", "test"]));
    let diff = format!("/datasets/{dataset}/versions/diff?from_version=prod&to_version=latest");
    let diff = ok(get(&server, &diff)).await;
    assert_eq!(diff, json!({"examples_modified": [one], "examples_added": [], "examples_removed": [two]}));
    let versions = ok(get(&server, &format!("/datasets/{dataset}/versions"))).await;
    assert_eq!(versions.as_array().map(Vec::len), Some(3), "{versions}");
    assert_eq!((&versions[0]["tags"], &versions[1]["as_of"]), (&json!(["latest"]), &second["as_of"]));
    assert_eq!(versions[2], json!({"as_of": first["as_of"], "tags": ["prod"]}));

    let example = get(&server, &format!("/examples/{one}")).await;
    assert!(example.text().contains("12345678901234567890"), "{}", example.text());
    let example = example.json();
    assert_eq!(example["metadata"], json!({"n": 1, "dataset_split": ["test", "hard"]}));
    let file = &example["attachment_urls"]["attachment.image"];
    assert_eq!(file["mime_type"], "image/png", "{example}");
    let content = get(&server, file["presigned_url"].as_str().expect("an address")).await;
    assert_eq!((content.status.as_u16(), content.text()), (200, "PNGDATA".into()));
    let dataset = ok(get(&server, &format!("/datasets/{dataset}"))).await;
    assert_eq!((&dataset["example_count"], &dataset["data_type"]), (&json!(1), &json!("kv")));
}

#[tokio::test]
async fn a_dataset_is_cloned_shared_and_uploaded() {
    let server = Server::start();
    let source = new_dataset(&server, "source").await;
    let target = new_dataset(&server, "target").await;
    let examples: Vec<Value> = (1..=3)
        .map(|number| json!({"dataset_id": source, "id": example_id(number), "inputs": {"q": number}, "split": "s"}))
        .collect();
    let made = ok(send_json(&server, "POST", "/examples/bulk", &json!(examples))).await;
    assert_eq!(made.as_array().map(Vec::len), Some(3));
    let clone = json!({"source_dataset_id": source, "target_dataset_id": target});
    let copied = ok(send_json(&server, "POST", "/datasets/clone", &clone)).await;
    assert_eq!(copied.as_array().map(Vec::len), Some(3));
    let listed = ok(get(&server, &format!("/examples?dataset={target}"))).await;
    let mut inputs: Vec<String> =
        listed.as_array().expect("a list").iter().map(|row| row["inputs"].to_string()).collect();
    inputs.sort();
    assert_eq!(inputs, [r#"{"q":1}"#, r#"{"q":2}"#, r#"{"q":3}"#]);
    assert_eq!(listed[0]["metadata"]["dataset_split"], json!(["s"]));
    assert_eq!(ok(get(&server, &format!("/examples/count?dataset={target}"))).await, json!(3));

    let share = ok(send_json(&server, "PUT", &format!("/datasets/{target}/share"), &json!({}))).await;
    let token = share["share_token"].as_str().expect("a token");
    let shared = ok(get(&server, &format!("/public/{token}/datasets"))).await;
    assert_eq!(shared["name"], "target");
    let shared = ok(get(&server, &format!("/public/{token}/examples?limit=2"))).await;
    assert_eq!(shared.as_array().map(Vec::len), Some(2));
    // Neither another dataset nor a closed one.
    let foreign = ok(get(&server, &format!("/public/{token}/examples?dataset={source}"))).await;
    assert!(
        foreign.as_array().expect("a list").iter().all(|row| row["dataset_id"] == target.as_str()),
        "{foreign}"
    );
    ok(send_json(&server, "DELETE", &format!("/datasets/{target}/share"), &Value::Null)).await;
    assert_eq!(get(&server, &format!("/public/{token}/examples")).await.status, 404);

    let upload = |kind: &'static str, file: &'static str| {
        let body = form_body(&[
            ("input_keys", "text/plain", "q"),
            ("output_keys", "text/plain", "a"),
            ("name", "text/plain", kind),
        ]);
        let name = if kind == "lines" { "x.jsonl" } else { "x.csv" };
        let file = format!(
            "--{b}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{file}\r\n--{b}",
            b = super::BOUNDARY
        );
        let first = format!("--{}", super::BOUNDARY);
        send_form(&server, "POST", "/datasets/upload", body.replacen(&first, &file, 1))
    };
    for (kind, file) in [
        ("table", "\u{feff}q,a,x\r\n\"=1+1, \"\"quoted\"\"\",2,3\r\nsecond,,\r\n"),
        ("lines", "{\"q\": \"=1+1, \\\"quoted\\\"\", \"a\": \"2\"}\n\n{\"q\": \"second\", \"a\": \"\"}\n"),
    ] {
        let made = ok(upload(kind, file)).await;
        assert_eq!((&made["name"], &made["example_count"]), (&json!(kind), &json!(2)));
        let id = made["id"].as_str().expect("an id");
        let listed = ok(get(&server, &format!("/examples?dataset={id}"))).await;
        let rows: Vec<Value> = listed
            .as_array()
            .expect("a list")
            .iter()
            .map(|row| json!([row["inputs"], row["outputs"]]))
            .collect();
        assert!(rows.contains(&json!([{"q": "=1+1, \"quoted\""}, {"a": "2"}])), "{kind}: {listed}");
        assert!(rows.contains(&json!([{"q": "second"}, {"a": ""}])), "{kind}: {listed}");
    }
    let id = ok(get(&server, "/datasets?name=lines")).await[0]["id"].as_str().expect("an id").to_owned();
    let table = get(&server, &format!("/datasets/{id}/csv")).await;
    let table: Vec<String> = table.text().lines().map(str::to_owned).collect();
    assert_eq!(table[0], "id,inputs.q,metadata.dataset_split,outputs.a");
    assert!(table.iter().any(|row| row.ends_with(r#","=1+1, ""quoted""","[""base""]",2"#)), "{table:?}");
    let lines = get(&server, &format!("/datasets/{id}/jsonl")).await;
    let rows: Vec<Value> =
        lines.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 2);
    assert!(
        rows.iter().any(|row| row["inputs"] == json!({"q": "second"}) && row["outputs"] == json!({"a": ""}))
    );
    let tuning = get(&server, &format!("/datasets/{id}/openai_ft?as_of=latest")).await;
    let first = tuning.text().lines().next().map(str::to_owned).expect("a line");
    let tuning: Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(tuning["messages"].as_array().map(Vec::len), Some(2), "{tuning}");
}
