//! `docs/dialects.md`: which attributes fill which field, in each dialect. Made from the rows themselves, so it is always
//! true. `UPDATE_EXPECT=1` rewrites it.

use std::fmt::Write as _;
use std::path::Path;

use clearspan_model::Side;
use indexmap::IndexMap;

use super::{DIALECTS, llama_index};
use crate::engine::{Count, Key, Money, Row, To};
use crate::otlp::{EXCEPTIONS, FIRST_TOKEN};

const INTRODUCTION: &str = "\
# Dialects

What each instrumentation calls things, and the field of a run that it fills. This page is made from the tables of the
program (`crates/clearspan-mapping/src/dialects`) by a test; do not edit it.

Dialects stand in their order of trust, and so do the attributes of one field: a weaker source fills what the stronger ones
left empty and never overwrites. What no rule uses, and what was outvoted, stays readable under the run's `attributes`.
Types and names have an order of their own: the number behind an attribute is its strength, and the lowest wins. `*` stands
for everything below a prefix.

The page of a run in the UI shows for each field which attribute filled it. Rules of your own come before all of these.
";

const EVENTS: &str = "
## Events and log records

Events of a span are weaker than its attributes, log records that carry its trace and span id weaker still, whenever they
arrive; the span's own name and status come last. Other log records are kept as such and shown with their trace.

| event or log record | fields |
|---|---|
| `gen_ai.client.inference.operation.details` | its attributes are read like those of a span |
| `gen_ai.system.message`, `gen_ai.user.message` | `inputs.messages` |
| `gen_ai.assistant.message`, `gen_ai.tool.message` | `inputs.messages` where there is a `gen_ai.choice`, else `outputs.messages` |
| `gen_ai.choice` | `outputs.messages` |
| `gen_ai.content.prompt`, `gen_ai.content.completion` (events) | `inputs`, `outputs` |
| `db.query.result` (events) | `outputs.documents`, one for each |
";

#[test]
fn the_document_is_current() {
    let path = Path::new("../../docs/dialects.md");
    let document = document();
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &document).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(
        kept == document,
        "docs/dialects.md is not current: run the test with UPDATE_EXPECT=1 and look at the change"
    );
}

fn document() -> String {
    let mut out = INTRODUCTION.to_owned();
    for (title, rows) in DIALECTS {
        push_dialect(&mut out, title, rows);
    }
    out.push_str(EVENTS);
    let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    writeln!(out, "| the first of {} (events) | `first_token_time` |", list(FIRST_TOKEN)).unwrap();
    writeln!(out, "| {} | `error`, `error_type`, `status`; the last one counts |", list(EXCEPTIONS)).unwrap();
    push_dialect(&mut out, "Events of LlamaIndex", llama_index::EVENT_ROWS);
    out
}

fn push_dialect(out: &mut String, title: &str, rows: &[Row]) {
    let mut fields: IndexMap<String, Vec<String>> = IndexMap::new();
    for row in rows {
        let key = match row.key {
            Key::Is(key) => key.to_owned(),
            Key::Under(prefix) => format!("{prefix}*"),
        };
        for to in row.to {
            let attribute = match strength_of(*to) {
                Some(strength) => format!("`{key}` ({strength})"),
                None => format!("`{key}`"),
            };
            for field in fields_of(*to) {
                let attributes = fields.entry(field).or_default();
                if !attributes.contains(&attribute) {
                    attributes.push(attribute.clone());
                }
            }
        }
    }
    write!(out, "\n## {title}\n\n| field | attributes |\n|---|---|\n").unwrap();
    for (field, attributes) in fields {
        writeln!(out, "| `{field}` | {} |", attributes.join(", ")).unwrap();
    }
}

fn strength_of(to: To) -> Option<String> {
    match to {
        To::Name(strength) | To::RunType(strength, _) => Some(strength.to_string()),
        To::ToolName(strength) => Some(format!("{strength}, of tools")),
        To::RootName(strength) => Some(format!("{strength}, of roots")),
        To::Implies(strength, run_type) => Some(format!("{strength}, {run_type}")),
        _ => None,
    }
}

/// The fields that a target fills, named as in the REST API.
fn fields_of(to: To) -> Vec<String> {
    let side = |side: Side| if side == Side::Input { "inputs" } else { "outputs" };
    let field = match to {
        To::TraceId => "trace_id".to_owned(),
        To::RunId => "run_id".to_owned(),
        To::ParentRunId => "parent_run_id".to_owned(),
        To::DottedOrder => "dotted_order".to_owned(),
        To::ProjectId | To::ProjectName => "project".to_owned(),
        To::Name(_) | To::ToolName(_) | To::RootName(_) => "name".to_owned(),
        To::RunType(..) | To::Implies(..) => "run_type".to_owned(),
        To::Tags => "tags".to_owned(),
        To::Thread => "thread_id".to_owned(),
        To::User => "user_id".to_owned(),
        To::Release => "release".to_owned(),
        To::Environment => "environment".to_owned(),
        To::Model | To::RequestModel => "model".to_owned(),
        To::Provider => return vec!["provider".to_owned(), "metadata.ls_provider".to_owned()],
        To::Param(name) | To::ParamTree(name) => format!("invocation_params.{name}"),
        To::Params => "invocation_params".to_owned(),
        To::Metadata(name) | To::MetadataGroup(name) => format!("metadata.{name}"),
        To::MetadataObject | To::MetadataKeys(_) => "metadata".to_owned(),
        To::Tokens(count) => match count {
            Count::Input => "usage.input_tokens".to_owned(),
            Count::Output => "usage.output_tokens".to_owned(),
            Count::Total => "usage.total_tokens".to_owned(),
            Count::InputDetail(name) => format!("usage.input_details.{name}"),
            Count::OutputDetail(name) => format!("usage.output_details.{name}"),
        },
        To::Usage => "usage".to_owned(),
        To::UsageDetails(Side::Input) => "usage.input_details".to_owned(),
        To::UsageDetails(Side::Output) => "usage.output_details".to_owned(),
        To::Cost(part) | To::CostUnlessZero(part) => match part {
            Money::Input => "cost.input".to_owned(),
            Money::Output => "cost.output".to_owned(),
            Money::Total => "cost.total".to_owned(),
            Money::Detail(name) => format!("cost.details.{name}"),
        },
        To::Costs => "cost".to_owned(),
        To::FirstTokenSeconds | To::FirstTokenMillis | To::FirstTokenAt => "first_token_time".to_owned(),
        To::Payload(which) | To::PlainPayload(which) => side(which).to_owned(),
        To::Messages(which) | To::FlatMessages(which) | To::FlatMessagesOr(which, _) => {
            format!("{}.messages", side(which))
        }
        To::Instructions => "inputs.messages (system)".to_owned(),
        To::Tree(which, name) | To::Member(which, name) => format!("{}.{name}", side(which)),
        To::MimeType(which) => format!("{} (how it is read)", side(which)),
        To::FinishReasons => {
            return vec!["metadata.finish_reasons".to_owned(), "outputs.messages (finish_reason)".to_owned()];
        }
        To::Error => "error".to_owned(),
        To::ErrorType => "error_type".to_owned(),
        To::Failed => "status".to_owned(),
        To::Special(fields, _) => return fields.split(", ").map(str::to_owned).collect(),
    };
    vec![field]
}
