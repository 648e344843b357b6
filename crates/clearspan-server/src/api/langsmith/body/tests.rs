use clearspan_catalog::SqliteCatalog;
use clearspan_model::WorkspaceId;
use clearspan_query::text::to_text;
use clearspan_store::Selection;
use serde_json::json;

use super::*;

const WORKSPACE: WorkspaceId = WorkspaceId::from_bytes([1; 16]);

fn selection(body: Value) -> Result<Selection> {
    let dir = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(&dir.path().join("catalog.sqlite")).unwrap();
    serde_json::from_value::<RunsBody>(body).unwrap().asked()?.select(&catalog, WORKSPACE)
}

fn filter(body: Value) -> String {
    selection(body).unwrap().filter.map(|filter| to_text(&filter)).unwrap_or_default()
}

#[test]
fn bodies_of_the_sdks_become_filters() {
    let id = "01020304-0506-0708-090a-0b0c0d0e0f10";
    let cases = [
        (json!({}), ""),
        (json!({"session": null, "start_time": null, "filter": null, "is_root": null}), ""),
        (json!({"is_root": true}), "root(is:root)"),
        (
            json!({"is_root": true, "filter": "and(gt(total_cost, 0.5), not(eq(name, 'x')))"}),
            "root(is:root) (cost:>0.5 -root(name:x))",
        ),
        (json!({"is_root": 0, "run_type": "llm"}), "type:llm -is:root"),
        (json!({"error": false}), "-has:error"),
        (json!({"trace": id, "is_root": false}), &format!("trace:[{id}] -is:root")),
        (json!({"parent_run": id}), &format!("parent:{id}")),
        (json!({"id": [id], "is_root": true}), &format!("id:[{id}]")),
        (json!({"execution_order": 1}), "is:root"),
        (
            json!({"filter": "eq(name, 'Rerank')", "trace_filter": "eq(status, 'error')", "tree_filter": "eq(name, 'Q')"}),
            "name:Rerank root(status:error) any(name:Q)",
        ),
        (json!({"unknown_key_of_a_newer_sdk": 1}), ""),
        (json!({"query": "refund policy"}), "refund policy"),
        (json!({"search_filter": "eq(name, 'x')"}), "name:x"),
        (json!({"reference_example": [id]}), &format!("meta.reference_example_id:[{id}]")),
    ];
    for (body, expected) in cases {
        assert_eq!(filter(body.clone()), expected, "{body}");
    }
}

#[test]
fn times_without_zone_are_utc_and_the_end_is_inside() {
    let body = json!({"start_time": "2026-11-20T00:00:00", "end_time": "2026-11-20T00:00:01+00:00"});
    let range = selection(body).unwrap().range;
    let second = 1_795_132_800_000_000_000;
    assert_eq!(range.from, Some(UnixNanos::from_nanos(second)));
    assert_eq!(range.to, Some(UnixNanos::from_nanos(second + 1_000_000_001)));
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let cases = [
        (
            json!({"filter": "and(eq(name, 'x'), gt(prompt_cost, 'much'))"}),
            "filter: \"much\" is not an amount",
        ),
        (json!({"filter": "eq(nam, 'x')"}), "(at character 4)"),
        (json!({"tree_filter": "oops"}), "tree_filter: "),
        (json!({"query": "=>"}), "query: "),
        (json!({"execution_order": 2}), "execution_order"),
        (json!({"run_type": "agent"}), "run_type"),
        (json!({"start_time": "yesterday"}), "start_time"),
    ];
    for (body, message) in cases {
        let error = selection(body.clone()).unwrap_err();
        assert!(error.message.contains(message), "{body}: {}", error.message);
        assert_eq!(error.status, http::StatusCode::BAD_REQUEST);
    }
}

#[test]
fn limits_clamp() {
    let limit = |body: Value| serde_json::from_value::<RunsBody>(body).unwrap().limit();
    assert_eq!(limit(json!({"limit": 10_000})), 100);
    assert_eq!(limit(json!({"limit": 0})), 1);
    assert_eq!(limit(json!({"limit": -1})), 1);
    assert_eq!(limit(json!({})), 100);
}
