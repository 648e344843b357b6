use clearspan_catalog::Score;
use clearspan_model::{UnixNanos, WorkspaceId};
use serde_json::{Value, json};

use super::read;

const RUN: &str = "01a1fbc0-38e8-764d-adcc-49d3c3a221f5";

fn given(document: &Value) -> Result<super::Given, String> {
    read(document, WorkspaceId::from_bytes([1; 16]), UnixNanos::from_nanos(77))
}

#[test]
fn what_python_sends_is_understood() {
    let document = json!({
        "id": RUN, "created_at": "2026-11-21T01:37:21.128687+00:00", "modified_at": null, "run_id": RUN,
        "trace_id": RUN, "key": "correctness", "score": 0.1235, "value": "good", "comment": "nice",
        "correction": null, "feedback_source": {"type": "model", "metadata": {"m": 1}, "user_id": null},
        "session_id": RUN, "start_time": "2026-11-21T01:37:21.128595+00:00", "comparative_experiment_id": null,
        "feedback_group_id": null, "extra": null, "feedback_config": null, "error": null,
    });
    let feedback = given(&document).unwrap().feedback;
    assert_eq!(feedback.id.to_string(), RUN);
    assert_eq!(feedback.run_id.unwrap().to_string(), RUN);
    assert_eq!(feedback.score, Some(Score::Number(0.1235)));
    assert_eq!(feedback.value.unwrap().as_str(), "\"good\"");
    assert_eq!((feedback.correction, feedback.extra, feedback.is_error), (None, None, None));
    assert_eq!(feedback.source_type.as_deref(), Some("model"));
    assert_eq!(feedback.modified_at, feedback.created_at);
    assert_eq!(feedback.run_start.unwrap().as_nanos(), 1_795_225_041_128_595_000);
}

#[test]
fn what_javascript_sends_is_understood() {
    let document = json!({
        "key": " stars ", "score": true, "start_time": 1_795_225_041_128.5,
        "feedbackConfig": {"type": "freeform"}, "correction": {"a": 1},
    });
    let given = given(&document).unwrap();
    assert_eq!(given.config.unwrap().as_str(), r#"{"type":"freeform"}"#);
    assert_eq!(given.feedback.key, "stars");
    assert_eq!(given.feedback.score, Some(Score::Bool(true)));
    assert_eq!(given.feedback.run_start.unwrap().as_nanos(), 1_795_225_041_128_500_000);
    assert_eq!(given.feedback.created_at, UnixNanos::from_nanos(77));
    assert_eq!(given.feedback.source_type.as_deref(), Some("api"));
}

#[test]
fn what_cannot_be_used_is_named() {
    let with = |name: &str, value: Value| {
        let mut document = json!({ "key": "k" });
        document[name] = value;
        given(&document)
    };
    for (name, value, said) in [
        ("key", json!(null), "key is missing"),
        ("key", json!(" "), "key is missing"),
        ("key", json!(7), "key must be text"),
        ("key", json!("k".repeat(1_001)), "longer than"),
        ("score", json!("5"), "text belongs into value"),
        ("score", json!([1]), "must be a number"),
        ("run_id", json!("x"), "not a UUID"),
        ("run_id", json!("00000000-0000-0000-0000-000000000000"), "all zero"),
        ("id", json!(5), "id must be text"),
        ("start_time", json!("2026-02-30T00:00:00Z"), "neither"),
        ("created_at", json!(1e300), "neither"),
        ("created_at", json!("2026"), "neither"),
        ("comment", json!({"a": 1}), "comment must be text"),
        ("error", json!("no"), "true or false"),
    ] {
        let refusal = with(name, value.clone()).expect_err(name);
        assert!(refusal.contains(said), "{name} {value}: {refusal}");
    }
    assert!(given(&json!([])).is_err());
    with("run_id", json!(RUN.replace('-', ""))).expect("a UUID without hyphens");
    with("score", json!(1e308)).expect("a large number");
}
