//! Logfire and pydantic-ai.

use clearspan_model::Side::{Input, Output};

use crate::engine::To::{
    Cost, FirstTokenSeconds, Member, Metadata, MetadataGroup, Payload, Special, Tags, Thread, Usage,
};
use crate::engine::{Attributes, Draft, Money, Row, row, under};
use crate::json::Json;

pub(super) const ROWS: &[Row] = &[
    row("prompt", &[Payload(Input)]),
    row("events", &[Special("inputs.messages, outputs.messages", events)]),
    row("all_messages_events", &[Special("inputs.messages, outputs.messages", conversation)]),
    row("pydantic_ai.all_messages", &[Special("inputs.messages, outputs.messages", conversation)]),
    row("final_result", &[Member(Output, "final_result")]),
    row("tool_response", &[Payload(Output)]),
    row("request_data", &[Special("inputs, invocation_params", request_data)]),
    row("response_data", &[Special("outputs, usage", response_data)]),
    row("agent_name", &[Metadata("agent_name")]),
    row("model_name", &[Metadata("ls_model_name")]),
    row("model_request_parameters", &[Special("invocation_params", request_parameters)]),
    row("gen_ai.usage.raw", &[Usage]),
    row("operation.cost", &[Cost(Money::Total)]),
    row("group_id", &[Thread]),
    row("logfire.msg", &[Special("name", message)]),
    row("logfire.tags", &[Tags]),
    under("gen_ai.aggregated_usage.", &[MetadataGroup("aggregated_usage")]),
    row("gen_ai.response.time_to_first_token", &[FirstTokenSeconds]),
];

/// What pydantic-ai asks of the model: its function tools are the call's tools.
fn request_parameters(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let tools = json.get("function_tools").filter(|tools| !tools.is_blank());
    let took_tools = tools.is_none_or(|tools| draft.param("tools", tools));
    let members = json.members().unwrap_or_default().iter();
    let others = members.filter(|(name, value)| name.simple() != "function_tools" && !value.is_blank());
    draft.params(&Json::Object(others.cloned().collect())) && took_tools
}

/// Message events in a list: choices are outputs, the others inputs.
fn events(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let Some(items) = json.items() else { return false };
    let is_choice =
        |item: &&Json<'_>| item.get("event.name").and_then(Json::as_simple) == Some("gen_ai.choice");
    let (choices, history): (Vec<_>, Vec<_>) = items.iter().partition(is_choice);
    offer_split(draft, history, choices)
}

/// A whole conversation: up to the first new answer it is input.
fn conversation(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let Some(items) = json.items() else { return false };
    let new =
        attributes.find("pydantic_ai.new_message_index").and_then(|idx| attributes.items[idx].raw().as_i64());
    let new = new.and_then(|new| usize::try_from(new).ok()).unwrap_or(0).min(items.len());
    let is_answer = |item: &Json<'_>| item.get("role").and_then(Json::as_simple) == Some("assistant");
    let at = items.iter().skip(new).position(is_answer).map_or(items.len(), |at| at + new);
    let (history, answers) = items.split_at(at);
    offer_split(draft, history.iter().collect(), answers.iter().collect())
}

fn list<'a>(items: Vec<&Json<'a>>) -> Json<'a> {
    Json::Array(items.into_iter().cloned().collect())
}

fn offer_split(draft: &mut Draft, inputs: Vec<&Json<'_>>, outputs: Vec<&Json<'_>>) -> bool {
    let (has_inputs, has_outputs) = (!inputs.is_empty(), !outputs.is_empty());
    let took_inputs = has_inputs && draft.offer_messages(Input, &list(inputs));
    let took_outputs = has_outputs && draft.offer_messages(Output, &list(outputs));
    took_inputs == has_inputs && took_outputs == has_outputs
}

/// The request as it went to the provider: messages, and parameters when there are none.
fn request_data(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    if json.first(&["messages", "input", "prompt", "contents"]).is_none() {
        return draft.params(&json);
    }
    draft.offer_conversation(Input, &json)
}

/// `{"message": …, "usage": …}`, or the text of a streamed answer.
fn response_data(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    if let Some(usage) = json.get("usage") {
        draft.usage_object(usage);
    }
    draft.offer_conversation(Output, &json)
}

/// The filled-in name of a span whose own name is a template, such as `running {n} tools`.
fn message(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let is_template = draft.run.name.as_ref().is_some_and(|name| name.contains('{'));
    let Some(text) = attributes.items[idx].label() else { return false };
    if is_template { draft.offer_name(7, &text) } else { draft.run.name.as_ref() == Some(&text) }
}
