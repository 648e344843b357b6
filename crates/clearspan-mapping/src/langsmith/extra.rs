//! `extra`: metadata, the parameters of the call, and the process that made it.

use std::borrow::Cow;

use clearspan_model::{IssueKind, JsonText, RunType};

use super::document::Members;
use super::{EXTRA, RUNTIME, plain_text};
use crate::dialects::normalise_provider;
use crate::engine::Draft;
use crate::json::{Json, Text};

/// Which member of the metadata names the conversation, the strongest first.
const THREAD: &[&str] = &["session_id", "conversation_id", "thread_id"];
const USER: &[&str] = &["user_id", "ls_user_id"];
/// Variables of the environment, which the SDKs copy into the metadata of every run: they are about the process.
const VARIABLES: &[&str] = &["LANGSMITH_", "LANGCHAIN_"];

type Object<'j, 'a> = &'j [(Text<'a>, Json<'a>)];

pub(super) fn map(draft: &mut Draft, members: &Members<'_>) {
    let Some(raw) = members.raw("extra") else { return map_usage(draft, members, None) };
    let json = members.json("extra");
    let Some(extra) = json.as_ref().and_then(Json::members) else {
        draft.issue(IssueKind::Unusable, "extra", "it is no object that can be read");
        let kept = JsonText::parse(raw).unwrap_or_else(|_| JsonText::from_string(raw));
        draft.run.attributes.insert("langsmith.extra".to_owned(), kept);
        return map_usage(draft, members, None);
    };
    let mut metadata = None;
    for (name, value) in extra {
        match (name.simple(), value.members()) {
            ("metadata", Some(object)) => metadata = Some((value, object)),
            ("runtime", Some(object)) => map_runtime(draft, object),
            ("invocation_params", Some(object)) => {
                draft.set_source("run:extra.invocation_params");
                for (name, value) in object {
                    draft.param(name.decode().into_owned(), value);
                }
            }
            _ if value.is_null() => {}
            (name, _) => {
                draft
                    .run
                    .attributes
                    .insert(format!("{EXTRA}{name}"), JsonText::from_trusted(value.to_text()));
            }
        }
    }
    if let Some((_, object)) = metadata {
        map_metadata(draft, object);
    }
    map_usage(draft, members, metadata.map(|(json, _)| json));
}

/// Which SDK sent it, on what.
fn map_runtime(draft: &mut Draft, runtime: Object<'_, '_>) {
    for (name, value) in runtime.iter().filter(|(_, value)| !value.is_null()) {
        let name = name.decode();
        match name.as_ref() {
            "sdk" => draft.run.scope_name = Some(plain_text(value)),
            "sdk_version" => draft.run.scope_version = Some(plain_text(value)),
            _ => {}
        }
        put_resource(draft, format!("{RUNTIME}{name}"), value);
    }
}

fn put_resource(draft: &mut Draft, name: String, value: &Json<'_>) {
    draft.run.resource.make_mut().insert(name, JsonText::from_trusted(value.to_text()));
}

fn map_metadata(draft: &mut Draft, metadata: Object<'_, '_>) {
    for (name, value) in metadata {
        let name = name.decode();
        if VARIABLES.iter().any(|prefix| name.starts_with(prefix)) {
            put_resource(draft, name.into_owned(), value);
        } else {
            draft.run.metadata.insert(name.into_owned(), JsonText::from_trusted(value.to_text()));
        }
    }
    let find = |names: &[&'static str]| {
        names.iter().find_map(|wanted| {
            let (_, value) = metadata.iter().find(|(name, _)| name.simple() == *wanted)?;
            let text = plain_text(value);
            // Blanks are no id: nothing could be called by them.
            (!value.is_null() && !text.trim().is_empty()).then_some((*wanted, text))
        })
    };
    let source = |name: &str| format!("run:extra.metadata.{name}");
    if let Some((name, thread)) = find(THREAD) {
        draft.set_source(source(name));
        draft.run.thread_id = Some(thread);
        draft.note("thread_id");
    }
    if let Some((name, user)) = find(USER) {
        draft.set_source(source(name));
        draft.run.user_id = Some(user);
        draft.note("user_id");
    }
    if let Some((name, provider)) = find(&["ls_provider"]) {
        draft.set_source(source(name));
        draft.run.provider = normalise_provider(&provider).map(Cow::into_owned);
        if draft.run.provider.is_some() {
            draft.note("provider");
        }
    }
    if let Some((name, model)) = find(&["ls_model_name"]) {
        draft.set_source(source(name));
        draft.run.model = Some(model);
        draft.note("model");
    }
    map_params(draft, metadata);
}

/// Parameters that stand in the metadata.
fn map_params(draft: &mut Draft, metadata: Object<'_, '_>) {
    for (name, value) in metadata {
        match name.simple() {
            "ls_invocation_params" => {
                draft.set_source("run:extra.metadata.ls_invocation_params");
                draft.params(value);
            }
            "ls_temperature" => put_param(draft, "temperature", value),
            "ls_max_tokens" => put_param(draft, "max_tokens", value),
            "ls_stop" => put_param(draft, "stop", value),
            _ => {}
        }
    }
}

fn put_param(draft: &mut Draft, name: &'static str, value: &Json<'_>) {
    draft.set_source("run:extra.metadata");
    draft.param(name, value);
}

fn map_usage(draft: &mut Draft, members: &Members<'_>, metadata: Option<&Json<'_>>) {
    let outputs = members.json("outputs");
    let is_told = map_sums(draft, outputs.as_ref(), metadata);
    // LiteLLM tells the sums alone, and the provider's own usage beside them.
    if is_told
        && is_call(draft)
        && let Some(usage) = outputs.as_ref().and_then(|outputs| outputs.get("usage"))
    {
        draft.set_source("run:outputs.usage");
        draft.offer_usage_parts(usage);
    }
    map_provider(draft, members);
}

fn is_call(draft: &Draft) -> bool {
    matches!(draft.run.run_type, None | Some(RunType::Llm | RunType::Embedding))
}

/// LiteLLM's callback tells the provider among the inputs only.
fn map_provider(draft: &mut Draft, members: &Members<'_>) {
    const NAME: &str = "custom_llm_provider";
    let may_tell = draft.run.provider.is_none()
        && is_call(draft)
        && members.raw("inputs").is_some_and(|inputs| inputs.contains(NAME));
    let Some(inputs) = may_tell.then(|| members.json("inputs")).flatten() else { return };
    if inputs.get("litellm_call_id").is_none() {
        return;
    }
    let name = inputs.get(NAME).and_then(Json::as_text).map(|name| name.decode().into_owned());
    if let Some(provider) = name.as_deref().and_then(normalise_provider) {
        draft.set_source("run:inputs.custom_llm_provider");
        draft.run.provider = Some(provider.into_owned());
        draft.note("provider");
    }
}

/// The first that tells it: the metadata, the outputs, LangChain's messages, the raw response.
fn map_sums(draft: &mut Draft, outputs: Option<&Json<'_>>, metadata: Option<&Json<'_>>) -> bool {
    draft.set_source("run:extra.metadata.usage_metadata");
    if metadata
        .and_then(|metadata| metadata.get("usage_metadata"))
        .is_some_and(|usage| draft.offer_usage(usage))
    {
        return true;
    }
    let Some(outputs) = outputs else { return false };
    draft.set_source("run:outputs.usage_metadata");
    if outputs.get("usage_metadata").is_some_and(|usage| draft.offer_usage(usage)) {
        return true;
    }
    if !is_call(draft) {
        return false;
    }
    draft.set_source("run:outputs.generations");
    let generations = generations(outputs);
    // Of several answers to one prompt each tells the usage of all.
    let mut told = generations.iter().filter_map(|generation| {
        let message = generation.get("message")?;
        message.get("kwargs").unwrap_or(message).first(&["usage_metadata"])
    });
    if told.next().is_some_and(|usage| draft.offer_usage(usage)) {
        return true;
    }
    let raw = [
        ("run:outputs.usage", outputs.get("usage")),
        (
            "run:outputs.llm_output",
            outputs.get("llm_output").and_then(|o| o.first(&["token_usage", "usage"])),
        ),
    ];
    raw.into_iter().any(|(source, usage)| {
        draft.set_source(source);
        usage.is_some_and(|usage| draft.offer_usage(usage))
    })
}

/// LangChain's answers, those of all prompts in a row.
pub(super) fn generations<'j, 'a>(outputs: &'j Json<'a>) -> Vec<&'j Json<'a>> {
    let prompts = outputs.get("generations").and_then(Json::items).unwrap_or_default();
    prompts.iter().flat_map(|prompt| prompt.items().unwrap_or(std::slice::from_ref(prompt))).collect()
}
