//! Runs as JSON that a person can review: only what is there, times apart, a resource once.

use clearspan_mapping::otlp::{MappedLog, MappedPoint, ProjectRef};
use clearspan_model::{Payload, Run};
use serde_json::{Map, Value, json};

pub(crate) fn render(runs: &[(Option<ProjectRef>, Run)]) -> String {
    let mut last_resource = None;
    let rendered: Vec<Value> =
        runs.iter().map(|(project, run)| render_run(project, run, &mut last_resource)).collect();
    serde_json::to_string_pretty(&rendered).unwrap() + "\n"
}

fn render_run(project: &Option<ProjectRef>, run: &Run, last_resource: &mut Option<Value>) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        let blank = match &value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        if !blank {
            out.insert(name.to_owned(), value);
        }
    };
    put("run", json!(run.key.run_id));
    put("trace", json!(run.key.trace_id.to_hex()));
    put("parent", json!(run.parent_run_id));
    put("name", json!(run.name));
    put("type", json!(run.run_type));
    put("status", json!(run.effective_status()));
    put("dialect", json!(run.dialect));
    put(
        "project",
        match project {
            Some(ProjectRef::Id(id)) => json!({ "id": id }),
            Some(ProjectRef::Name(name)) => json!({ "name": name }),
            None => Value::Null,
        },
    );
    put("start", json!(run.start_time));
    put("end", json!(run.end_time));
    put("first_token", json!(run.first_token_time));
    put("dotted_order", json!(run.dotted_order));
    put("error", json!(run.error));
    put("error_type", json!(run.error_type));
    put("model", json!(run.model));
    put("provider", json!(run.provider));
    put("params", json!(run.invocation_params));
    put("usage", json!(run.usage));
    put("cost", json!(run.cost));
    put("inputs", payload(&run.inputs));
    put("outputs", payload(&run.outputs));
    put("fragments", json!(run.fragments));
    put("thread", json!(run.thread_id));
    put("user", json!(run.user_id));
    put("tags", json!(run.tags));
    put("metadata", json!(run.metadata));
    put("attributes", json!(run.attributes));
    put("events", json!(run.events));
    put("links", json!(run.links));
    put("service", json!(run.service));
    put("release", json!(run.release));
    put("environment", json!(run.environment));
    put("scope", json!([run.scope_name, run.scope_version]));
    put("issues", json!(run.issues));
    let resource = json!(run.resource);
    if last_resource.as_ref() != Some(&resource) {
        put("resource", resource.clone());
        *last_resource = Some(resource);
    }
    Value::Object(out)
}

fn payload(payload: &Payload) -> Value {
    serde_json::to_value(payload).unwrap()
}

/// Log records, one a line.
pub(crate) fn render_logs(logs: &[MappedLog]) -> String {
    lines(logs.iter().map(|log| (&log.project, json!(log.record))))
}

/// Metric points, one a line.
pub(crate) fn render_metrics(points: &[MappedPoint]) -> String {
    lines(points.iter().map(|mapped| (&mapped.project, json!(mapped.point))))
}

/// What every line would repeat is left out: the time of arrival, store ids, what is not there, and a sender that is
/// that of the line before.
fn lines<'p>(items: impl Iterator<Item = (&'p Option<ProjectRef>, Value)>) -> String {
    let mut last_sender = Value::Null;
    let mut out = String::from("[");
    for (idx, (project, mut item)) in items.enumerate() {
        let members = item.as_object_mut().unwrap();
        members.retain(|name, value| {
            let blank = value.is_null() || value.as_object().is_some_and(Map::is_empty);
            !blank && !["received_at", "workspace_id", "project_id"].contains(&name.as_str())
        });
        if let Some(project) = project {
            members.insert("project".to_owned(), json!(format!("{project:?}")));
        }
        match members.get("sender") {
            Some(sender) if *sender == last_sender => {
                members.remove("sender");
            }
            sender => last_sender = sender.cloned().unwrap_or_default(),
        }
        out.push_str(if idx == 0 { "\n" } else { ",\n" });
        out.push_str(&item.to_string());
    }
    out + "\n]\n"
}
