//! Frameworks with attributes of their own: MLflow, Genkit, Mastra, Laminar, AgentOps, Braintrust, AG2,
//! Haystack, AutoGen, CrewAI, MCP. Their messages have shapes that other dialects have too.

use clearspan_model::Side::{Input, Output};
use clearspan_model::{RunType as Type, UnixNanos};

use super::values::{braintrust_type, framework_kind, mcp_method, spring_kind};
use crate::engine::To::{
    Failed, FirstTokenAt, Implies, Member, MetadataKeys, MetadataObject, Name, Param, Payload, Provider,
    RunType, Special, Tags, Thread, ToolName, Usage, User,
};
use crate::engine::{Attributes, Draft, Row, literal_to_json, read_count, row, under};
use crate::json::{Json, Text, parse};

pub(super) const ROWS: &[Row] = &[
    // MLflow.
    row("mlflow.spanType", &[RunType(7, framework_kind)]),
    row("mlflow.spanInputs", &[Payload(Input)]),
    row("mlflow.spanOutputs", &[Payload(Output)]),
    row("mlflow.chat.tokenUsage", &[Usage]),
    row("mlflow.llm.model", &[Special("model", quoted_model)]),
    row("mlflow.llm.provider", &[Provider]),
    row("mlflow.message.format", &[Provider]),
    row("mlflow.chat.tools", &[Param("tools")]),
    // Genkit.
    row("genkit:metadata:subtype", &[RunType(7, framework_kind)]),
    row("genkit:type", &[RunType(24, framework_kind)]),
    row("genkit:input", &[Payload(Input)]),
    row("genkit:output", &[Payload(Output)]),
    row("genkit:name", &[Name(8), Special("model", genkit_model)]),
    // Mastra.
    row("mastra.span.type", &[RunType(7, mastra_type)]),
    row("mastra.metadata.sessionId", &[Thread]),
    row("mastra.metadata.threadId", &[Thread]),
    row("mastra.metadata.userId", &[User]),
    under("mastra.metadata.", &[MetadataKeys(&[])]),
    row("mastra.tags", &[Tags]),
    row("mastra.completion_start_time", &[FirstTokenAt]),
    row("mastra.agent_run.input", &[Payload(Input)]),
    row("mastra.agent_run.output", &[Payload(Output)]),
    row("mastra.model_generation.input", &[Payload(Input)]),
    row("mastra.model_generation.output", &[Special("outputs.messages", mastra_answer)]),
    row("mastra.model_step.input", &[Payload(Input)]),
    row("mastra.model_step.output", &[Special("outputs.messages", mastra_answer)]),
    row("mastra.model_chunk.output", &[Payload(Output)]),
    row("mastra.workflow_run.input", &[Payload(Input)]),
    row("mastra.workflow_run.output", &[Payload(Output)]),
    row("mastra.workflow_step.input", &[Payload(Input)]),
    row("mastra.workflow_step.output", &[Payload(Output)]),
    row("mastra.tool_call.input", &[Payload(Input)]),
    row("mastra.tool_call.output", &[Payload(Output)]),
    // Laminar.
    row("lmnr.span.type", &[RunType(7, framework_kind)]),
    row("lmnr.span.input", &[Payload(Input)]),
    row("lmnr.span.output", &[Payload(Output)]),
    row("lmnr.association.properties.session_id", &[Thread]),
    row("lmnr.association.properties.user_id", &[User]),
    row("lmnr.association.properties.tags", &[Tags]),
    under("lmnr.association.properties.metadata.", &[MetadataKeys(&[])]),
    // AgentOps.
    row("agentops.span.kind", &[RunType(7, framework_kind)]),
    row("agentops.tool.input", &[Payload(Input)]),
    row("agentops.tool.output", &[Payload(Output)]),
    row("agentops.task.input", &[Payload(Input)]),
    row("agentops.task.output", &[Payload(Output)]),
    // Braintrust.
    row("braintrust.input_json", &[Payload(Input)]),
    row("braintrust.output_json", &[Payload(Output)]),
    row("braintrust.input", &[Payload(Input)]),
    row("braintrust.output", &[Payload(Output)]),
    row("braintrust.metadata", &[MetadataObject, Special("model", braintrust_model)]),
    row("braintrust.metrics", &[Special("usage", braintrust_metrics)]),
    row("braintrust.tags", &[Tags]),
    row("braintrust.span_attributes", &[RunType(7, braintrust_type), Special("name", braintrust_span)]),
    // AG2.
    row("ag2.span.type", &[RunType(7, framework_kind)]),
    // Haystack.
    row("haystack.component.type", &[RunType(24, haystack_type)]),
    row("haystack.component.name", &[Name(8)]),
    row("haystack.component.input", &[Payload(Input)]),
    row("haystack.component.output", &[Payload(Output)]),
    row("haystack.pipeline.input_data", &[Payload(Input)]),
    row("haystack.pipeline.output_data", &[Payload(Output)]),
    // AutoGen: every message between agents is a span.
    row("message", &[Special("inputs", autogen_message)]),
    // MCP.
    row("mcp.method.name", &[RunType(23, mcp_method)]),
    // Google ADK before it spoke the conventions.
    row("gcp.vertex.agent.session_id", &[Thread]),
    // Spans of tools have an empty request and response of a model.
    row("gcp.vertex.agent.tool_call_args", &[Payload(Input)]),
    row("gcp.vertex.agent.tool_response", &[Payload(Output)]),
    row("gcp.vertex.agent.llm_request", &[Payload(Input)]),
    row("gcp.vertex.agent.llm_response", &[Payload(Output)]),
    // Claude Code. The names are plain: they are read below its own scope only.
    row("input_tokens", &[Special("usage", claude_usage)]),
    row("output_tokens", &[Special("usage", claude_usage)]),
    row("cache_read_tokens", &[Special("usage", claude_usage)]),
    row("cache_creation_tokens", &[Special("usage", claude_usage)]),
    row("ttft_ms", &[Special("first_token_time", claude_first_token)]),
    row("user_prompt", &[Special("inputs", claude_prompt)]),
    row("new_context", &[Special("inputs", claude_prompt)]),
    row("user_system_prompt", &[Special("inputs.system", claude_system)]),
    row("response.model_output", &[Special("outputs", claude_answer)]),
    row("tool_input", &[Special("inputs", claude_tool)]),
    // CrewAI.
    row("crewai.tool.name", &[Implies(23, Type::Tool)]),
    row("crewai.crew.inputs", &[Payload(Input)]),
    row("crew_inputs", &[Payload(Input)]),
    row("crewai.crew.output", &[Payload(Output)]),
    row("crewai.crew.result", &[Payload(Output)]),
    row("crewai.task.output", &[Payload(Output)]),
    // Strands: a cycle has a model call and its tools below it, and repeats their messages.
    row("event_loop.cycle_id", &[Implies(15, Type::Chain)]),
    row("tool.status", &[Failed]),
    row("gen_ai.tool.status", &[Failed]),
    row("system_prompt", &[Special("inputs.system", strands_instructions)]),
    // Spring AI.
    row("spring.ai.kind", &[RunType(7, spring_kind)]),
    row("spring.ai.tool.definition.name", &[ToolName(8)]),
    row("spring.ai.tool.call.arguments", &[Payload(Input)]),
    row("spring.ai.tool.call.result", &[Payload(Output)]),
    row("spring.ai.chat.client.conversation.id", &[Thread]),
    // LiteLLM tells the sums elsewhere, and this as Python prints it.
    row("metadata.usage_object", &[Special("usage", litellm_usage)]),
    // OpenLIT's `@trace`.
    row("function.args", &[Member(Input, "args")]),
    row("function.kwargs", &[Member(Input, "kwargs")]),
    // MLflow in the mode of the conventions leaves these beside them.
    row("model", &[Special("model", model_of_call)]),
];

fn mastra_type(word: &str) -> Option<Type> {
    // A generation holds steps, which hold chunks; the model call itself is told by `gen_ai.*`.
    if word.starts_with("model_") { Some(Type::Chain) } else { framework_kind(word) }
}

/// `{"text", "toolCalls", …}`. Calls are told only here: `gen_ai.output.messages` leaves them out.
fn mastra_answer(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let Some(calls) = json.get("toolCalls").filter(|calls| !calls.is_blank()) else {
        return draft.offer_payload(Output, &json);
    };
    let members = [
        (Text::Clean("role"), Json::text("assistant")),
        (Text::Clean("content"), json.get("text").cloned().unwrap_or_default()),
        (Text::Clean("tool_calls"), calls.clone()),
    ];
    draft.offer_fuller_answer(&Json::Array(vec![Json::Object(members.to_vec())]))
}

/// `googleai/gemini-2.5-flash`: Genkit names a model run like its model.
fn genkit_model(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    if let Some(name) = attributes.items[idx].label().filter(|_| draft.is_model_call())
        && let Some((_, model)) = name.split_once('/')
    {
        draft.offer_raw_model(model);
    }
    false
}

/// A model call's metadata name its model.
fn braintrust_model(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    if let Some(model) = json.get("model").and_then(Json::as_text).filter(|_| draft.is_model_call()) {
        draft.offer_raw_model(&model.decode());
    }
    false
}

fn haystack_type(word: &str) -> Option<Type> {
    Some(match word {
        _ if word.ends_with("generator") => Type::Llm,
        _ if word.ends_with("retriever") || word.ends_with("ranker") => Type::Retriever,
        _ if word.ends_with("embedder") => Type::Embedding,
        _ if word.ends_with("promptbuilder") => Type::Prompt,
        _ if word.ends_with("toolinvoker") => Type::Tool,
        _ => Type::Chain,
    })
}

/// MLflow quotes every value.
fn quoted_model(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let Some(model) = json.as_text().map(|text| text.decode().into_owned()).filter(|model| !model.is_empty())
    else {
        return false;
    };
    draft.note("model");
    *draft.run.model.get_or_insert_with(|| model.clone()) == model
}

/// `model` says too little to be read where no model is called.
fn model_of_call(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    draft.is_model_call() && quoted_model(draft, attributes, idx)
}

fn braintrust_span(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    if let Some(name) = json.get("name").and_then(|name| name.as_text()) {
        draft.offer_name(8, &name.decode());
    }
    false
}

/// Tokens among times and other figures, which stay raw.
fn braintrust_metrics(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    draft.usage_object(&attributes.items[idx].json());
    false
}

/// The agent's system prompt. Its name says too little to be read for everybody.
fn strands_instructions(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let is_strands = draft.run.scope_name.as_ref().is_some_and(|scope| scope.starts_with("strands"));
    is_strands && draft.take_instructions(&attributes.items[idx].json())
}

/// What the provider told, which has the parts of the sums that LiteLLM tells. It has more, so it stays.
fn litellm_usage(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let item = &attributes.items[idx];
    let python = item.text().and_then(literal_to_json);
    let json = python.as_ref().map_or_else(|| item.json(), |text| parse(text).unwrap_or_default());
    draft.offer_usage_parts(&json);
    false
}

/// True below the scope of Claude Code's own traces.
fn is_claude_code(draft: &Draft) -> bool {
    draft.run.scope_name.as_deref() == Some("com.anthropic.claude_code.tracing")
}

/// Anthropic's counts: cached tokens are beside the input.
fn claude_usage(draft: &mut Draft, attributes: &mut Attributes<'_>, _: usize) -> bool {
    if !is_claude_code(draft) || !draft.is_model_call() {
        return false;
    }
    let mut count = |key: &str| {
        let idx = attributes.find(key)?;
        let count =
            read_count(&attributes.items[idx].raw()).ok().and_then(|count| i64::try_from(count).ok())?;
        attributes.mark_used(idx);
        Some(count)
    };
    let (read, written) = (count("cache_read_tokens"), count("cache_creation_tokens"));
    let cached = read.unwrap_or(0).saturating_add(written.unwrap_or(0));
    let input = count("input_tokens").map(|input| input.saturating_add(cached));
    let told = [
        ("input_tokens", input),
        ("output_tokens", count("output_tokens")),
        ("cache_read_input_tokens", read),
        ("cache_creation_input_tokens", written),
    ];
    let members = told.into_iter().filter_map(|(name, count)| Some((Text::Clean(name), Json::Int(count?))));
    draft.usage_object(&Json::Object(members.collect()));
    false
}

fn claude_first_token(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    if !is_claude_code(draft) || !draft.is_model_call() {
        return false;
    }
    let millis = read_count(&attributes.items[idx].raw()).ok().and_then(|millis| i64::try_from(millis).ok());
    let time = millis.zip(draft.run.start_time).map(|(millis, start)| {
        UnixNanos::from_nanos(start.as_nanos().saturating_add(millis.saturating_mul(1_000_000)))
    });
    draft.take_first_token_time(time)
}

/// What the user said has a heading of its own; the headings of tools' results tell whose they are.
fn claude_prompt(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let Some(text) = attributes.items[idx].text().filter(|_| is_claude_code(draft)) else { return false };
    let said = text.strip_prefix("[USER]\n").or_else(|| text.strip_prefix("[USER PROMPT]\n")).unwrap_or(text);
    draft.offer_conversation(Input, &Json::text(said))
}

fn claude_answer(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    is_claude_code(draft) && draft.offer_conversation(Output, &attributes.items[idx].raw())
}

fn claude_system(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    is_claude_code(draft) && draft.offer_instructions(&attributes.items[idx].raw())
}

/// `[TOOL INPUT: Read]`, and the input in the lines behind it.
fn claude_tool(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let text = attributes.items[idx].text().filter(|_| is_claude_code(draft));
    let input = text.and_then(|text| text.split_once('\n')).and_then(|(_, input)| parse(input).ok());
    input.is_some_and(|input| draft.offer_payload(Input, &input))
}

fn autogen_message(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let item = &attributes.items[idx];
    if item.text() == Some("No Message") {
        return true;
    }
    let is_autogen = draft.run.scope_name.as_ref().is_some_and(|scope| scope.starts_with("autogen"));
    is_autogen && draft.offer_payload(Input, &item.json())
}
