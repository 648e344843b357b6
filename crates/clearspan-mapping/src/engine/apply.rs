//! What each target does with one attribute.

use std::borrow::Cow;

use clearspan_model::{IssueKind, JsonText, Name, RunId, RunType, Side, TraceId, UnixNanos};

use super::attributes::RuleHit;
use super::draft::{messages_name, side_name};
use super::params::parameter;
use super::python::literal_to_json;
use super::shape::RowHit;
use super::stored::is_system;
use super::usage::{
    UsageDraft, input_detail, output_detail, read_count, read_details, unusable_counts, usage_from_json,
};
use super::{Attribute, Attributes, Count, Draft, Key, Money, To, cost};
use crate::dialects::{normalise_provider, read_timestamp};
use crate::json::{Json, parse, push_string};
use crate::messages::{Reader, is_python_none, read_instructions, read_payload};
use crate::otlp::ProjectRef;
use crate::rules::{Target, fill_star};

impl Draft {
    /// The name of an attribute as a source.
    pub(super) fn attribute_source(&self, key: &'static str) -> Name {
        if self.origin.is_empty() {
            Name::Borrowed(key)
        } else {
            Name::Owned(format!("{}{key}", self.origin))
        }
    }

    /// Applies the targets of a row that are about the type, or the others.
    pub(super) fn apply_row(&mut self, attributes: &mut Attributes<'_>, hit: RowHit, about_type: bool) {
        let RowHit { row: idx, at } = hit;
        let row = attributes.row(idx);
        self.source = self.attribute_source(attributes.row_source(idx));
        for to in row.to.iter().copied().filter(|to| to.is_about_type() == about_type) {
            if self.stored.is_some() && self.restore_row(attributes.row_source(idx), to) {
                if let Key::Is(key) = row.key
                    && let Some(slot) = attributes.find(key)
                    && self.is_restored(key)
                {
                    attributes.mark_used(slot);
                }
                continue;
            }
            match row.key {
                Key::Under(prefix) => self.apply_family(attributes, at, prefix, to),
                Key::Is(_) => {
                    let used = match to {
                        To::Special(_, special) => special(self, attributes, at),
                        To::Messages(side) if self.takes_messages(side) => {
                            match attributes.seen_list(side, at) {
                                Some(messages) => self.put_messages(side, messages),
                                None => self.apply(to, &attributes.items[at]),
                            }
                        }
                        To::Payload(side) if self.lacks(side) => {
                            let used = self.apply(to, &attributes.items[at]);
                            attributes.keep_payload(at, self.payload(side));
                            used
                        }
                        _ => self.apply(to, &attributes.items[at]),
                    };
                    if used {
                        attributes.mark_used(at);
                    }
                }
            }
        }
    }

    /// Applies one user's rule to one attribute.
    pub(super) fn apply_rule(&mut self, attributes: &mut Attributes<'_>, hit: RuleHit, about_type: bool) {
        let rule = &attributes.rules().rules[hit.rule];
        let to = rule.target.to();
        if to.is_some_and(To::is_about_type) != about_type {
            return;
        }
        let item = &attributes.items[hit.item];
        let star = rule.matches(item.key).unwrap_or_default();
        self.source = Name::Owned(format!("rule:{}:{}{}", rule.name, self.origin, item.key));
        let used = if self.stored.is_some() && self.restore_ruled(to) {
            self.is_restored(&self.source)
        } else {
            match &rule.target {
                Target::Metadata(name) => {
                    self.put_metadata(fill_star(name, star), JsonText::from_trusted(item.json().to_text()))
                }
                Target::Param(name) => self.param(fill_star(name, star).into_owned(), &item.json()),
                Target::Field(_) => to.is_some_and(|to| self.apply_instead(to, item)),
            }
        };
        if used {
            attributes.mark_used(hit.item);
        }
    }

    /// Gives one value to one target, in place of what the resource said.
    fn apply_instead(&mut self, to: To, item: &Attribute<'_>) -> bool {
        let (field, slot) = match to {
            To::Environment => ("environment", &mut self.run.environment),
            To::Release => ("release", &mut self.run.release),
            _ => return self.apply(to, item),
        };
        let (before, source) = (slot.take(), self.notes.remove(field));
        let used = self.apply(to, item);
        if !used {
            match to {
                To::Environment => self.run.environment = before,
                _ => self.run.release = before,
            }
            if let Some(source) = source {
                self.notes.note(field.into(), source);
            }
        }
        used
    }

    /// Gives one value to one target. True when it was used.
    pub(super) fn apply(&mut self, to: To, item: &Attribute<'_>) -> bool {
        let used = self.apply_to(to, item);
        if used && let Some(field) = to.field() {
            self.note(field);
        }
        used
    }

    fn apply_to(&mut self, to: To, item: &Attribute<'_>) -> bool {
        match to {
            To::TraceId => self.override_trace(item),
            To::RunId => self.override_run(item),
            To::ParentRunId => self.override_parent(item),
            To::DottedOrder => fill(&mut self.run.dotted_order, item.label()),
            To::ProjectId => self.take_project_id(item),
            To::ProjectName => fill(&mut self.project_name, item.label()),
            To::Name(_) | To::ToolName(_) | To::RootName(_) => self.take_name(to, item),
            To::RunType(..) | To::Implies(..) => self.take_type(to, item),
            To::Tags => self.take_tags(&item.json()),
            To::Thread => fill(&mut self.run.thread_id, item.label().filter(|label| !is_scrubbed(label))),
            To::User => fill(&mut self.run.user_id, item.label().filter(|label| !is_scrubbed(label))),
            To::Release => fill(&mut self.run.release, item.label()),
            To::Environment => fill(&mut self.run.environment, item.label()),
            To::Model => fill(&mut self.run.model, item.label().filter(|model| !is_python_none(model))),
            To::RequestModel => {
                let used = fill(&mut self.raw_model, item.label());
                if used && self.raw_model_source.is_empty() {
                    self.raw_model_source = self.source.clone();
                }
                used
            }
            To::Provider => self.take_provider(item),
            To::Param(name) => self.param(name, &parameter(name, item)),
            To::Params => self.params(&item.json()),
            To::Metadata(name) => self.json_metadata(name, &item.json()),
            To::MetadataObject => self.take_metadata_object(&item.json()),
            To::Tokens(count) => self.take_count(count, item),
            To::Usage => self.take_usage(&item.json()),
            To::UsageDetails(side) => self.take_usage_details(side, item),
            To::Cost(part) => self.take_cost(part, item, true),
            To::CostUnlessZero(part) => self.take_cost(part, item, false),
            To::Costs => self.take_costs(&item.json(), cost::COST_NAMES),
            To::FirstTokenSeconds | To::FirstTokenMillis | To::FirstTokenAt => {
                self.take_first_token(to, item)
            }
            To::Payload(side) => self.take_payload(side, item),
            To::PlainPayload(side) => self.offer_payload(side, &item.raw()),
            To::Messages(side) => self.take_messages(side, &item.json()),
            To::Instructions => self.take_instructions(&item.json()),
            To::Member(side, name) => self.take_member(side, name, &item.json()),
            To::MimeType(side) => self.take_mime_type(side, item),
            To::FinishReasons => self.take_finish_reasons(&item.json()),
            To::Error => fill(&mut self.run.error, item.label()),
            To::ErrorType => fill(&mut self.run.error_type, item.label()),
            To::Failed => self.take_failed(item),
            // These read families or do their own work; `apply_row` and `apply_family` call them.
            To::MetadataKeys(_)
            | To::MetadataGroup(_)
            | To::ParamTree(_)
            | To::FlatMessages(_)
            | To::FlatMessagesOr(..)
            | To::Tree(..)
            | To::Special(..) => false,
        }
    }

    fn override_trace(&mut self, item: &Attribute<'_>) -> bool {
        let id = item.text().and_then(|text| text.trim().parse::<TraceId>().ok()).filter(|id| !id.is_nil());
        id.inspect(|id| self.run.key.trace_id = *id).is_some()
    }

    fn override_run(&mut self, item: &Attribute<'_>) -> bool {
        read_run_id(item).inspect(|id| self.run.key.run_id = *id).is_some()
    }

    fn override_parent(&mut self, item: &Attribute<'_>) -> bool {
        read_run_id(item).inspect(|id| self.run.parent_run_id = Some(*id)).is_some()
    }

    fn take_project_id(&mut self, item: &Attribute<'_>) -> bool {
        let id = item.text().and_then(|text| text.trim().parse().ok());
        let taken = self.project.is_none() && id.is_some();
        self.project = self.project.take().or(id.map(ProjectRef::Id));
        taken
    }

    fn take_name(&mut self, to: To, item: &Attribute<'_>) -> bool {
        let Some(name) = item.label_text() else { return false };
        match to {
            To::ToolName(strength) if self.run.run_type == Some(RunType::Tool) => {
                self.offer_name(strength, &name)
            }
            To::RootName(strength) if self.run.parent_run_id.is_none() => self.offer_name(strength, &name),
            To::Name(strength) => self.offer_name(strength, &name),
            _ => false,
        }
    }

    fn take_type(&mut self, to: To, item: &Attribute<'_>) -> bool {
        match to {
            To::RunType(strength, read) => {
                let word = item.text().unwrap_or_default().trim().trim_matches('"');
                let word = match word.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    true => Cow::Owned(word.to_ascii_lowercase()),
                    false => Cow::Borrowed(word),
                };
                read(&word).is_some_and(|run_type| {
                    self.offer_type(strength, run_type) && !says_more(&word, run_type)
                })
            }
            To::Implies(strength, run_type) => {
                self.offer_type(strength, run_type);
                false
            }
            _ => false,
        }
    }

    pub(super) fn take_tags(&mut self, tags: &Json<'_>) -> bool {
        let before = self.run.tags.len();
        match tags {
            Json::Array(items) => {
                let labels = items
                    .iter()
                    .filter_map(|item| item.as_text())
                    .map(|text| text.decode().trim().to_owned());
                self.run.tags.extend(labels.filter(|tag| !tag.is_empty()));
                self.run.tags.len() == before + items.len() || items.is_empty()
            }
            Json::String(text) => {
                let text = text.decode();
                self.run
                    .tags
                    .extend(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned));
                true
            }
            _ => false,
        }
    }

    fn take_provider(&mut self, item: &Attribute<'_>) -> bool {
        let Some(label) = item.label_text() else { return false };
        // MLflow quotes every value.
        let name = label.trim_matches('"');
        if let Some(provider) = normalise_provider(name)
            && self.run.provider.is_none()
        {
            self.run.provider = Some(provider.into_owned());
            self.note("provider");
        }
        let text = self.texts.make(|out| push_string(name, out));
        self.put_metadata(Cow::Borrowed("ls_provider"), text)
    }

    fn take_metadata_object(&mut self, json: &Json<'_>) -> bool {
        let Some(members) = json.members() else { return false };
        for (name, value) in members {
            self.put_metadata(name.decode(), JsonText::from_trusted(value.to_text()));
        }
        true
    }

    fn take_count(&mut self, count: Count, item: &Attribute<'_>) -> bool {
        match read_count(&item.raw()) {
            Ok(number) => {
                let used = self.usage.fill(count, number);
                // A user's rule overrules on purpose.
                if !used && !self.is_ruled(&count.field()) {
                    self.issue(IssueKind::Conflict, item.key, "a stronger source tells another token count");
                }
                used
            }
            Err(why) => {
                self.issue(IssueKind::Unusable, item.key, why);
                false
            }
        }
    }

    fn take_usage(&mut self, json: &Json<'_>) -> bool {
        let costs = self.take_costs(json, cost::USAGE_COST_NAMES);
        for name in cost::fill_details_from_json(&mut self.cost, json) {
            self.note(format!("cost.details.{name}"));
        }
        let usage = usage_from_json(json);
        for (name, why) in unusable_counts(json) {
            self.issue(IssueKind::Unusable, &format!("usage.{name}"), why);
        }
        let found = usage.is_some();
        self.fill_usage(usage.unwrap_or_default());
        found || costs
    }

    /// Takes token counts and costs as LangSmith tells them. False when there are none.
    pub(crate) fn offer_usage(&mut self, json: &Json<'_>) -> bool {
        self.take_usage(json)
    }

    /// Takes the parts of the counts from another telling of the same usage, or the whole where there is none.
    pub(crate) fn offer_usage_parts(&mut self, json: &Json<'_>) -> bool {
        if !self.usage.is_reported() {
            return self.take_usage(json);
        }
        let parts = usage_from_json(json).and_then(|usage| self.usage.parts_of(usage));
        let is_same = parts.is_some();
        self.fill_usage(parts.unwrap_or_default());
        is_same
    }

    fn take_costs(&mut self, json: &Json<'_>, names: &[(&str, Money)]) -> bool {
        let parts = cost::fill_from_json(&mut self.cost, json, names);
        for part in &parts {
            self.note(part.field());
        }
        !parts.is_empty()
    }

    fn take_usage_details(&mut self, side: Side, item: &Attribute<'_>) -> bool {
        // LangSmith's Python exporter prints a dict: `{'cache_read': 10}`.
        let python = item.text().and_then(literal_to_json);
        let json = python.as_ref().map_or_else(|| item.json(), |text| parse(text).unwrap_or_default());
        if json.members().is_none() {
            return false;
        }
        let mut usage = clearspan_model::Usage::default();
        match side {
            Side::Input => read_details(&json, &mut usage.input_details, input_detail),
            Side::Output => read_details(&json, &mut usage.output_details, output_detail),
        }
        self.fill_usage(usage);
        true
    }

    fn take_cost(&mut self, part: Money, item: &Attribute<'_>, zero_counts: bool) -> bool {
        let Some(money) = cost::read_money(&item.raw()) else {
            self.issue(IssueKind::Unusable, item.key, "not a sum of money");
            return false;
        };
        (zero_counts || !money.is_zero()) && cost::fill(&mut self.cost, part, money)
    }

    fn take_first_token(&mut self, to: To, item: &Attribute<'_>) -> bool {
        let number = match item.raw() {
            Json::Int(number) => Some(number as f64),
            Json::Float(number) => Some(number),
            Json::String(text) => text.simple().trim().parse().ok(),
            _ => None,
        };
        let time = match to {
            To::FirstTokenSeconds => number.and_then(|seconds| self.first_token_after(seconds)),
            To::FirstTokenMillis => number.and_then(|millis| self.start_plus(millis * 1e6)),
            _ => item.json().as_text().and_then(|text| read_timestamp(&text.decode())),
        };
        self.take_first_token_time(time)
    }

    /// Strands writes milliseconds where the conventions say seconds: no token comes after the end of its call.
    fn first_token_after(&self, seconds: f64) -> Option<UnixNanos> {
        let is_in_call = |time: &UnixNanos| self.run.end_time.is_none_or(|end| *time <= end);
        let time = self.start_plus(seconds * 1e9);
        time.filter(is_in_call).or_else(|| self.start_plus(seconds * 1e6).filter(is_in_call)).or(time)
    }

    /// Sets the time of the first token unless it is known.
    pub(crate) fn take_first_token_time(&mut self, time: Option<UnixNanos>) -> bool {
        let Some(time) = time else { return false };
        self.note("first_token_time");
        *self.run.first_token_time.get_or_insert(time) == time
    }

    fn take_payload(&mut self, side: Side, item: &Attribute<'_>) -> bool {
        if !self.lacks(side) {
            return self.fill_hollow(side, &item.payload());
        }
        let is_plain = self.is_plain.get(&side).copied().unwrap_or(false);
        self.offer_payload(side, &if is_plain { item.raw() } else { item.payload() })
    }

    /// Fills a side that nothing has told yet with a whole payload.
    pub(crate) fn offer_payload(&mut self, side: Side, json: &Json<'_>) -> bool {
        if json.is_null() || !self.lacks(side) {
            return false;
        }
        if matches!(self.run.run_type, Some(RunType::Llm | RunType::Embedding)) {
            self.take_raw(side, json);
        }
        if side == Side::Output
            && self.run.run_type == Some(RunType::Retriever)
            && let Some(documents) = document_list(json)
        {
            return self.take_member(side, "documents", documents);
        }
        *self.payload(side) = read_payload(json, side, self.is_model_call());
        self.note(side_name(side));
        true
    }

    /// What a raw request or response tells beside its messages, where no attribute tells it.
    fn take_raw(&mut self, side: Side, json: &Json<'_>) {
        let model = json.get("model").and_then(Json::as_text).map(|model| model.decode().into_owned());
        if let Some(model) = model.filter(|model| !model.is_empty())
            && (side == Side::Output || self.raw_model.is_none())
        {
            self.raw_model = Some(model);
            self.raw_model_source = Name::Owned(format!("{}#model", self.source));
        }
        if side == Side::Input {
            // Gemini and Genkit keep them in an object.
            if let Some(config) = json.first(&["config", "generation_config", "generationConfig"])
                && config.members().is_some()
            {
                self.within("config", |draft| draft.params(config));
            }
            for name in RAW_PARAMS {
                if let Some(value) = json.get(name) {
                    self.within(name, |draft| draft.param(*name, value));
                }
            }
            return;
        }
        // Haystack keeps these beside each reply.
        let json =
            json.get("replies").and_then(|replies| replies.items()?.first()?.get("meta")).unwrap_or(json);
        let usage = json.first(&["usage", "usageMetadata", "usage_metadata"]).and_then(usage_from_json);
        if let Some(mut usage) = usage {
            if !self.usage.is_reported() {
                self.usage = UsageDraft::default();
            } else if self.usage.agrees(&usage) {
                // Parts of nothing say nothing beside a stronger source.
                usage.input_details.retain(|_, count| *count > 0);
                usage.output_details.retain(|_, count| *count > 0);
            } else {
                return;
            }
            self.within("usage", |draft| draft.fill_usage(usage));
        }
    }

    /// True when messages of this side would be taken as they are.
    fn takes_messages(&mut self, side: Side) -> bool {
        let payload = self.payload(side);
        let (is_empty, has_rest) = (payload.messages.is_empty(), payload.rest.is_some());
        // A tool's one message may be its arguments or result.
        let is_tool = self.run.run_type == Some(RunType::Tool);
        is_empty && !is_tool && (!has_rest || self.is_model_call())
    }

    fn put_messages(&mut self, side: Side, messages: Vec<JsonText>) -> bool {
        self.payload(side).messages = messages;
        self.note(messages_name(side));
        true
    }

    pub(super) fn take_messages(&mut self, side: Side, json: &Json<'_>) -> bool {
        if json.is_blank() {
            return false;
        }
        if !self.payload(side).messages.is_empty() {
            // Two dialects may tell the same messages; one copy is enough.
            let mut messages = Vec::new();
            return self.fill_hollow(side, json)
                || Reader::new(side).read_list(json, &mut messages)
                    && messages == self.payload(side).messages;
        }
        // A stronger source told the whole; for a model call the messages are worth having beside it.
        if self.payload(side).rest.is_some() && !self.is_model_call() {
            return false;
        }
        if self.run.run_type == Some(RunType::Tool)
            && let Some(value) = tool_part(json)
        {
            return self.offer_payload(side, value);
        }
        let mut messages = Vec::new();
        if Reader::new(side).read_list(json, &mut messages) {
            return self.put_messages(side, messages);
        }
        // Some senders put any value here, for example openlit's `@trace`.
        self.offer_payload(side, json)
    }

    /// Takes the same messages from a weaker source when those of the stronger one have lost their media.
    fn fill_hollow(&mut self, side: Side, json: &Json<'_>) -> bool {
        if !self.payload(side).messages.iter().any(is_hollow) {
            return false;
        }
        let whole = read_payload(json, side, true).messages;
        if whole.len() != self.payload(side).messages.len() || whole.iter().any(is_hollow) {
            return false;
        }
        self.payload(side).messages = whole;
        self.note_overwritten(messages_name(side));
        true
    }

    /// A system prompt that stands apart from the messages; it leads them, unless they begin with one.
    pub(crate) fn offer_instructions(&mut self, json: &Json<'_>) -> bool {
        let leads = self.run.inputs.messages.first().is_some_and(|first| !is_system(first));
        leads && self.take_instructions(json)
    }

    /// The same whatever leads the messages, which may come later.
    pub(crate) fn take_instructions(&mut self, json: &Json<'_>) -> bool {
        if self.instructions.is_none() {
            self.instructions = read_instructions(json);
            if self.instructions.is_some() {
                self.note("inputs.system");
            }
            return self.instructions.is_some() || json.is_blank();
        }
        false
    }

    pub(super) fn take_member(&mut self, side: Side, name: impl Into<Name>, json: &Json<'_>) -> bool {
        let name = name.into();
        let known = self.members.contains_key(&(side, name.clone()));
        let other = self.payload(side).rest.is_some();
        if known || other || json.is_null() {
            return false;
        }
        self.note(format!("{}.{name}", side_name(side)));
        self.members.insert((side, name), JsonText::from_trusted(json.to_text()));
        true
    }

    fn take_mime_type(&mut self, side: Side, item: &Attribute<'_>) -> bool {
        let Some(mime_type) = item.text() else { return false };
        let is_plain = mime_type.starts_with("text/plain");
        self.is_plain.insert(side, is_plain);
        is_plain || mime_type.starts_with("application/json")
    }

    fn take_finish_reasons(&mut self, json: &Json<'_>) -> bool {
        if json.is_blank() {
            return false;
        }
        // One reason may come alone or as a list of one.
        let list =
            json.items().map_or_else(|| Json::Array(vec![json.clone()]), |items| Json::Array(items.to_vec()));
        // The AI SDK and Mastra leave the span's status unset.
        self.failed |=
            list.items().unwrap_or_default().iter().any(|reason| reason.as_simple() == Some("error"));
        let reasons = JsonText::from_trusted(list.to_text());
        let taken = self.put_metadata(Cow::Borrowed("finish_reasons"), reasons.clone());
        self.finish_reasons.get_or_insert(reasons);
        taken
    }

    fn take_failed(&mut self, item: &Attribute<'_>) -> bool {
        let failed = match item.raw() {
            Json::Bool(flag) => flag,
            Json::String(text) => text.simple().eq_ignore_ascii_case("error"),
            _ => false,
        };
        self.failed |= failed;
        false
    }
}

impl To {
    /// The one field that a target is, for those of which that is plain. Others note what they fill themselves.
    pub(super) fn field(self) -> Option<Name> {
        Some(Name::Borrowed(match self {
            Self::DottedOrder => "dotted_order",
            Self::ParentRunId => "parent_run_id",
            Self::ProjectId | Self::ProjectName => "project",
            Self::Tags => "tags",
            Self::Thread => "thread_id",
            Self::User => "user_id",
            Self::Release => "release",
            Self::Environment => "environment",
            Self::Model => "model",
            Self::Tokens(count) => return Some(count.field()),
            Self::Cost(part) | Self::CostUnlessZero(part) => return Some(part.field()),
            Self::Error => "error",
            Self::ErrorType => "error_type",
            _ => return None,
        }))
    }
}

/// Parameters inside a raw request.
const RAW_PARAMS: &[&str] = &[
    "model",
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "stop",
    "seed",
    "n",
    "stream",
    "tools",
    "tool_choice",
    "response_format",
    "reasoning",
    "reasoning_effort",
    "presence_penalty",
    "frequency_penalty",
    "thinking",
];

/// Logfire's and OpenInference's marks for values that were taken out.
fn is_scrubbed(label: &str) -> bool {
    label.starts_with("[Scrubbed due to") || label == "__REDACTED__"
}

/// True when the word for a type tells more than the type: `agent` and `guardrail` are chains, a reranker is a
/// retriever. Then it stays readable.
fn says_more(word: &str, run_type: RunType) -> bool {
    word.starts_with('{')
        || matches!(run_type, RunType::Chain | RunType::Retriever) && word != run_type.as_str()
}

/// True for a message of which nothing but its role and the reason of its end is known.
pub(super) fn is_silent(message: &JsonText) -> bool {
    !["\"content\":", "\"tool_calls\":"].iter().any(|member| message.as_str().contains(member))
}

/// True for a message with a picture or file of which nothing but its type is left. @arizeai/openinference-vercel
/// leaves the data out; the same message in another dialect has it.
fn is_hollow(message: &JsonText) -> bool {
    ["{\"type\":\"file\"}", "{\"type\":\"image\"}", "{\"type\":\"audio\"}"]
        .iter()
        .any(|part| message.as_str().contains(part))
}

/// The arguments or the result of a tool that were sent as the one part of the one message of its run (Strands).
fn tool_part<'j, 'a>(json: &'j Json<'a>) -> Option<&'j Json<'a>> {
    let [message] = json.items()? else { return None };
    let [part] = message.get("parts")?.items()? else { return None };
    match part.get("type").and_then(Json::as_simple)? {
        "tool_call" => part.get("arguments"),
        "tool_call_response" => part.first(&["response", "result"]),
        _ => None,
    }
}

/// What a retriever found: a bare list, or one that `@traceable` wrapped as `{"output": […]}`.
fn document_list<'j, 'a>(json: &'j Json<'a>) -> Option<&'j Json<'a>> {
    let is_document = |item: &Json<'_>| {
        item.first(&["page_content", "content", "text"]).is_some() && item.get("role").is_none()
    };
    let list = match json.members() {
        Some([(name, inner)]) if matches!(name.simple(), "output" | "documents" | "results") => inner,
        _ => json,
    };
    list.items().is_some_and(|items| !items.is_empty() && items.iter().all(is_document)).then_some(list)
}

/// Takes a value for an empty field. True when it is taken or repeats what is there.
fn fill(field: &mut Option<String>, value: Option<String>) -> bool {
    match (&*field, value) {
        (_, None) => false,
        (Some(known), Some(value)) => *known == value,
        (None, value) => {
            *field = value;
            true
        }
    }
}

/// A UUID, or the sixteen digits of a span id, which the LangSmith SDKs pad.
fn read_run_id(item: &Attribute<'_>) -> Option<RunId> {
    let text = item.text()?.trim();
    let id = text.parse().ok().or_else(|| text.parse().ok().map(RunId::from_span_id))?;
    (!RunId::is_nil(&id)).then_some(id)
}
