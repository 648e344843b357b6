use clearspan_model::{JsonText, ProjectId, Run, RunId, RunKey, TraceId, UnixNanos, WorkspaceId};
use serde_json::json;

use super::runs_with_text;

fn run(id: u8) -> Run {
    let key = RunKey {
        workspace_id: WorkspaceId::from_bytes([1; 16]),
        project_id: ProjectId::from_bytes([2; 16]),
        trace_id: TraceId::from_bytes([3; 16]),
        run_id: RunId::from_bytes([id; 16]),
    };
    Run::new(key, UnixNanos::from_nanos(0))
}

#[test]
fn every_place_is_searched() {
    let json = |value: serde_json::Value| JsonText::from_value(&value);
    let message = json(json!({"role": "user", "content": "Say \"Grüße\"\nto Ann"}));
    let mut runs: Vec<Run> = (1..=6).map(run).collect();
    runs[0].inputs.messages = vec![message.clone()];
    runs[1].outputs.rest = Some(json(json!({"documents": [{"page_content": "Refund policy"}]})));
    runs[2].error = Some("TimeoutError".to_owned());
    runs[3].metadata.insert("plan".to_owned(), json(json!("pro")));
    runs[4].attributes.insert("http.status".to_owned(), json(json!(429)));
    runs[5].inputs.messages = vec![message];

    let found =
        |text: &str| -> Vec<u8> { runs_with_text(&runs, text).iter().map(|id| id.as_bytes()[0]).collect() };
    assert_eq!(found("\"grÜßE\"\nto"), [1, 6], "as it reads, not as it is escaped");
    assert_eq!(found("refund POLICY"), [2]);
    assert_eq!(found("timeout"), [3]);
    assert_eq!(found("plan"), [4]);
    assert_eq!(found("429"), [5]);
    assert_eq!(found("role"), [0; 0], "keys of messages are no content");
    assert_eq!(found("nowhere"), [0; 0]);
}
