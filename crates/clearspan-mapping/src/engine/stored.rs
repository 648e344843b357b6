//! Mapping a stored run again: the values that rules consumed come back from the fields that they filled.
//!
//! A stored run no longer has the attributes that rules used; their values are its fields, and `Run::sources` tells which
//! attribute filled which. [`Stored`] groups the fields by attribute. When the engine comes to a row whose attribute is such
//! a group, the fields are copied instead of read ([`Draft::restore_row`]), at the row's own place in the order of trust: so
//! a stronger rule that is new wins, and without new rules the same run comes out. Rules that were not there before read the
//! group's value like that of any attribute. What no row takes is kept at the end: mapping again loses nothing.

use std::collections::{BTreeMap, BTreeSet};

use clearspan_model::{CostSource, JsonText, Name, Payload, Run, Side};
use rust_decimal::Decimal;

use super::draft::{messages_name, side_name};
use super::{Draft, Money, To, cost};
use crate::json::{Json, parse, push_string};

/// Sources that are not attributes of the span.
const OTHER_ORIGINS: &[&str] = &["span:", "event:", "log:", "resource:"];

/// True for what an attribute of the span did not fill.
fn is_from_elsewhere(source: &str) -> bool {
    OTHER_ORIGINS.iter().any(|origin| source.starts_with(origin))
}

/// `usage` of `usage.input_tokens`.
fn root_of(field: &str) -> &str {
    field.split_once('.').map_or(field, |(root, _)| root)
}

/// True when an event of the span or a log record filled the field.
fn is_of_event(stored: Option<&Stored>, field: &str) -> bool {
    let source = stored.and_then(|stored| stored.run.sources.get(field));
    source.is_some_and(|source| source.starts_with("event:") || source.starts_with("log:"))
}

/// A stored run, as the engine needs it.
#[derive(Debug)]
pub(crate) struct Stored {
    run: Run,
    params: BTreeMap<String, JsonText>,
    /// The fields that each attribute filled by a built-in rule.
    groups: BTreeMap<String, Vec<String>>,
    /// The fields that each attribute filled by a user's rule, by the whole source.
    ruled: BTreeMap<String, Vec<String>>,
    /// Fields that are in the draft again.
    restored: BTreeSet<String>,
}

impl Stored {
    pub(crate) fn new(run: &Run) -> Self {
        let (mut groups, mut ruled) =
            (BTreeMap::<String, Vec<String>>::new(), BTreeMap::<String, Vec<String>>::new());
        for (field, source) in run.sources.iter() {
            if source.starts_with("rule:") {
                ruled.entry(source.to_string()).or_default().push(field.to_string());
            } else if !is_from_elsewhere(source) {
                groups.entry(attribute_of(source).to_owned()).or_default().push(field.to_string());
            }
        }
        Self { run: run.clone(), params: read_params(run), groups, ruled, restored: BTreeSet::new() }
    }

    /// The attributes that were used, each with what its value must have been.
    pub(crate) fn attributes(&self) -> Vec<(String, JsonText)> {
        let mut fields_of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (source, fields) in self.groups.iter().chain(&self.ruled) {
            fields_of.entry(attribute_of(source)).or_default().extend(fields.iter().cloned());
        }
        fields_of.into_iter().map(|(key, fields)| (key.to_owned(), self.value_of_group(&fields))).collect()
    }

    fn value_of_group(&self, fields: &[String]) -> JsonText {
        let counts =
            fields.iter().filter(|field| field.starts_with("usage.") || field.starts_with("cost.")).count();
        if counts > 1 {
            return self.usage_object(fields);
        }
        // What was copied as it came is nearer to the attribute than what was normalised.
        let rank = |field: &&String| match field.split('.').next() {
            Some("metadata") => 0,
            Some("invocation_params") => 1,
            Some("inputs" | "outputs") => 3,
            _ => 2,
        };
        let mut sorted: Vec<&String> = fields.iter().collect();
        sorted.sort_by_key(rank);
        sorted
            .into_iter()
            .find_map(|field| self.value(field))
            .unwrap_or_else(|| JsonText::from_trusted("null".to_owned()))
    }

    fn usage_object(&self, fields: &[String]) -> JsonText {
        let mut out = String::from("{");
        let mut sides: BTreeMap<&str, String> = BTreeMap::new();
        for field in fields {
            let Some(value) = self.value(field) else { continue };
            let (into, name): (&mut String, String) = match field.split('.').collect::<Vec<_>>()[..] {
                ["usage", "input_details", name] => {
                    (sides.entry("input_token_details").or_default(), name.to_owned())
                }
                ["usage", "output_details", name] => {
                    (sides.entry("output_token_details").or_default(), name.to_owned())
                }
                ["usage", name] => (&mut out, name.to_owned()),
                ["cost", part] => (&mut out, format!("{part}_cost")),
                _ => continue,
            };
            push_member(&name, value.as_str(), into);
        }
        for (name, members) in sides {
            push_member(name, &format!("{{{members}}}"), &mut out);
        }
        out.push('}');
        JsonText::from_trusted(out)
    }

    /// One field as JSON.
    pub(crate) fn value(&self, field: &str) -> Option<JsonText> {
        let run = &self.run;
        if let Some(scalar) = scalar(field) {
            return (scalar.of)(run).as_deref().map(JsonText::from_string);
        }
        let number = |count: Option<u64>| count.map(|count| JsonText::from_trusted(count.to_string()));
        let money = |sum: Option<Decimal>| sum.map(|sum| JsonText::from_string(&sum.to_string()));
        let usage = run.usage.as_ref();
        match field {
            "run_type" => run.run_type.map(|run_type| JsonText::from_string(run_type.as_str())),
            "parent_run_id" => run.parent_run_id.map(|id| JsonText::from_string(&id.to_string())),
            "first_token_time" => {
                let waited = run.first_token_time?.nanos_since(run.start_time?);
                Some(JsonText::from_trusted(Json::Float(waited as f64 / 1e9).to_text()))
            }
            // Which project it was is the run's key; the attribute only has to be there.
            "project" => Some(JsonText::from_string("")),
            "tags" => {
                let tags = run.tags.iter().map(|tag| Json::text(tag)).collect();
                Some(JsonText::from_trusted(Json::Array(tags).to_text()))
            }
            "inputs" => payload_json(&run.inputs),
            "outputs" => payload_json(&run.outputs),
            "inputs.messages" | "inputs.system" => messages_json(&run.inputs),
            "outputs.messages" => messages_json(&run.outputs),
            "usage.input_tokens" => number(usage?.input_tokens),
            "usage.output_tokens" => number(usage?.output_tokens),
            "usage.total_tokens" => number(usage?.total_tokens),
            "cost.input" => money(run.cost.as_ref()?.input),
            "cost.output" => money(run.cost.as_ref()?.output),
            "cost.total" => money(run.cost.as_ref()?.total),
            _ => {
                let (group, name) = field.split_once('.')?;
                match group {
                    "metadata" => run.metadata.get(name).cloned(),
                    "invocation_params" => self.params.get(name).cloned(),
                    "inputs" => member(&run.inputs, name),
                    "outputs" => member(&run.outputs, name),
                    "usage" => {
                        let (side, name) = name.split_once('.')?;
                        let details = if side == "input_details" {
                            &usage?.input_details
                        } else {
                            &usage?.output_details
                        };
                        number(details.get(name).copied())
                    }
                    "cost" => money(run.cost.as_ref()?.details.get(name.strip_prefix("details.")?).copied()),
                    _ => None,
                }
            }
        }
    }
}

/// The attribute that a source names: without the rule that read it and the member inside it.
pub(crate) fn attribute_of(source: &str) -> &str {
    let key = match source.strip_prefix("rule:") {
        Some(rest) => rest.split_once(':').map_or(rest, |(_, key)| key),
        None => source,
    };
    key.split_once('#').map_or(key, |(key, _)| key)
}

fn read_params(run: &Run) -> BTreeMap<String, JsonText> {
    let Some(params) = &run.invocation_params else { return BTreeMap::new() };
    let json = parse(params.as_str()).unwrap_or_default();
    let members = json.members().unwrap_or_default();
    members
        .iter()
        .map(|(name, value)| (name.decode().into_owned(), JsonText::from_trusted(value.to_text())))
        .collect()
}

fn push_member(name: &str, value: &str, out: &mut String) {
    if !out.is_empty() && !out.ends_with('{') {
        out.push(',');
    }
    push_string(name, out);
    out.push(':');
    out.push_str(value);
}

fn messages_json(payload: &Payload) -> Option<JsonText> {
    if payload.messages.is_empty() {
        return None;
    }
    let texts: Vec<&str> = payload.messages.iter().map(JsonText::as_str).collect();
    Some(JsonText::from_trusted(format!("[{}]", texts.join(","))))
}

fn payload_json(payload: &Payload) -> Option<JsonText> {
    match (messages_json(payload), &payload.rest) {
        (None, rest) => rest.clone(),
        (messages, None) => messages,
        (Some(messages), Some(rest)) => {
            let mut out = format!("{{\"messages\":{}", messages.as_str());
            match rest.as_str().strip_prefix('{').filter(|members| *members != "}") {
                Some(members) => {
                    out.push(',');
                    out.push_str(members);
                }
                None => {
                    push_member("value", rest.as_str(), &mut out);
                    out.push('}');
                }
            }
            Some(JsonText::from_trusted(out))
        }
    }
}

fn member(payload: &Payload, name: &str) -> Option<JsonText> {
    let json = parse(payload.rest.as_ref()?.as_str()).ok()?;
    json.get(name).map(|value| JsonText::from_trusted(value.to_text()))
}

impl To {
    /// Whether a target may fill a field.
    fn may_fill(self, field: &str) -> bool {
        let side_of = |side: Side| field.starts_with(side_name(side));
        match self {
            Self::RunType(..) | Self::Implies(..) => field == "run_type",
            Self::Name(_) | Self::ToolName(_) | Self::RootName(_) => field == "name",
            Self::Model | Self::RequestModel => field == "model",
            Self::Provider => matches!(field, "provider" | "metadata.ls_provider"),
            Self::Param(name) | Self::ParamTree(name) => {
                field.strip_prefix("invocation_params.") == Some(name)
            }
            Self::Params => field.starts_with("invocation_params."),
            Self::Metadata(name) | Self::MetadataGroup(name) => field.strip_prefix("metadata.") == Some(name),
            Self::MetadataObject | Self::MetadataKeys(_) => field.starts_with("metadata."),
            Self::Usage => field.starts_with("usage.") || field.starts_with("cost."),
            Self::UsageDetails(Side::Input) => field.starts_with("usage.input_details."),
            Self::UsageDetails(Side::Output) => field.starts_with("usage.output_details."),
            Self::Costs => field.starts_with("cost."),
            Self::FirstTokenSeconds | Self::FirstTokenMillis | Self::FirstTokenAt => {
                field == "first_token_time"
            }
            // A raw request or response tells more than its side.
            Self::Payload(side) | Self::PlainPayload(side) => {
                side_of(side)
                    || field == "model"
                    || field.starts_with("invocation_params.")
                    || field.starts_with("usage.")
            }
            Self::Messages(side) | Self::FlatMessages(side) | Self::FlatMessagesOr(side, _) => side_of(side),
            Self::Instructions => side_of(Side::Input),
            Self::Member(side, name) | Self::Tree(side, name) => {
                field.strip_prefix(side_name(side)).and_then(|rest| rest.strip_prefix('.')) == Some(name)
            }
            Self::FinishReasons => field == "metadata.finish_reasons",
            Self::Special(fields, _) => {
                let root = root_of(field);
                let mut own = fields.split(", ").map(root_of);
                // What fills a side may be a raw request or response, too.
                own.any(|own| {
                    let is_side = ["inputs", "outputs"].contains(&own);
                    own == root || is_side && ["model", "invocation_params", "usage"].contains(&root)
                })
            }
            _ => self.field().is_some_and(|own| own == field),
        }
    }
}

impl Draft {
    /// A draft of a stored run: what does not come from attributes is there already.
    pub(crate) fn of_stored(run: &Run) -> Self {
        let mut fresh = Box::new(Run::new(run.key, run.received_at));
        fresh.versions.clone_from(&run.versions);
        fresh.parent_run_id = run.parent_run_id;
        fresh.span_id = run.span_id;
        fresh.status = run.status;
        (fresh.start_time, fresh.end_time) = (run.start_time, run.end_time);
        fresh.fragments.clone_from(&run.fragments);
        fresh.resource.clone_from(&run.resource);
        fresh.events.clone_from(&run.events);
        fresh.links.clone_from(&run.links);
        fresh.service.clone_from(&run.service);
        fresh.dialect.clone_from(&run.dialect);
        fresh.scope_name.clone_from(&run.scope_name);
        fresh.scope_version.clone_from(&run.scope_version);
        fresh.issues.clone_from(&run.issues);
        let mut draft = Self::new(fresh);
        draft.failed = run.error.is_some() || run.error_type.is_some();
        draft.stored = Some(Box::new(Stored::new(run)));
        draft
    }

    /// The attributes that the stored run's rules used.
    pub(crate) fn stored_attributes(&self) -> Vec<(String, JsonText)> {
        self.stored.as_ref().map(|stored| stored.attributes()).unwrap_or_default()
    }

    /// Gives a row's target the fields that its attribute filled before. True when the row's attribute is such a one.
    pub(super) fn restore_row(&mut self, source: &str, to: To) -> bool {
        let Some(fields) = self.stored.as_ref().and_then(|stored| stored.groups.get(source)) else {
            return false;
        };
        let fields: Vec<String> = fields.iter().filter(|field| to.may_fill(field)).cloned().collect();
        let is_known = !fields.is_empty();
        for field in fields {
            self.restore(&field, Some(to));
        }
        is_known
    }

    /// The same for a user's rule, which is told by its whole source.
    pub(super) fn restore_ruled(&mut self, to: Option<To>) -> bool {
        let Some(fields) = self.stored.as_ref().and_then(|stored| stored.ruled.get(self.source.as_ref()))
        else {
            return false;
        };
        for field in fields.clone() {
            self.restore(&field, to);
        }
        true
    }

    /// True when a field that an attribute filled is in the draft again.
    pub(super) fn is_restored(&self, source: &str) -> bool {
        let Some(stored) = &self.stored else { return false };
        let fields = stored.groups.get(source).or_else(|| stored.ruled.get(source));
        fields.is_some_and(|fields| fields.iter().any(|field| stored.restored.contains(field)))
    }

    /// The type that a stored run got from something else than an attribute of its span.
    pub(crate) fn restore_type(&mut self, strength_of: fn(&str) -> u8) {
        let Some(stored) = &self.stored else { return };
        let source = stored.run.sources.get("run_type").unwrap_or_default().to_owned();
        if let Some(run_type) = stored.run.run_type
            && is_from_elsewhere(&source)
        {
            let strength = strength_of(&source);
            self.set_source(source);
            self.offer_type(strength, run_type);
        }
    }

    /// Copies one field from the stored run, unless something stronger filled it.
    fn restore(&mut self, field: &str, to: Option<To>) {
        let Some(stored) = self.stored.take() else { return };
        let outer = std::mem::replace(&mut self.source, source_of(&stored.run, field));
        let taken = self.restore_from(&stored, field, to);
        self.source = outer;
        let stored = self.stored.insert(stored);
        if taken {
            stored.restored.insert(field.to_owned());
        }
    }

    fn restore_from(&mut self, stored: &Stored, field: &str, to: Option<To>) -> bool {
        match field {
            "name" => {
                let strength = match to {
                    Some(To::Name(strength) | To::ToolName(strength) | To::RootName(strength)) => strength,
                    _ => u8::MAX,
                };
                stored.run.name.as_ref().is_some_and(|name| self.offer_name(strength, name))
            }
            "run_type" => {
                let strength = match to {
                    Some(To::RunType(strength, _) | To::Implies(strength, _)) => strength,
                    _ => u8::MAX,
                };
                stored.run.run_type.is_some_and(|run_type| self.offer_type(strength, run_type))
            }
            "tags" => {
                self.run.tags.extend(stored.run.tags.iter().cloned());
                self.note("tags");
                true
            }
            "first_token_time" => self.take_first_token_time(stored.run.first_token_time),
            "inputs" | "inputs.messages" | "inputs.system" => self.restore_side(stored, Side::Input, field),
            "outputs" | "outputs.messages" => self.restore_side(stored, Side::Output, field),
            "project" | "parent_run_id" | "service" => {
                self.note(field.to_owned());
                true
            }
            _ => self.restore_member(stored, field),
        }
    }

    fn restore_member(&mut self, stored: &Stored, field: &str) -> bool {
        if let Some(scalar) = scalar(field) {
            let text = (scalar.slot)(&mut self.run);
            let taken = text.is_none();
            if taken {
                text.clone_from((scalar.of)(&stored.run));
                self.note(field.to_owned());
            }
            return taken;
        }
        let Some(value) = stored.value(field) else { return false };
        let json = parse(value.as_str()).unwrap_or_default();
        let (group, name) = field.split_once('.').unwrap_or((field, ""));
        match group {
            "metadata" => self.put_metadata(name.into(), value),
            "invocation_params" => self.param(name.to_owned(), &json),
            "inputs" => self.take_member(Side::Input, name.to_owned(), &json),
            "outputs" => self.take_member(Side::Output, name.to_owned(), &json),
            "usage" => {
                let known = self.usage.knows(name);
                if !known && let Some(number) = json.as_i64().and_then(|number| u64::try_from(number).ok()) {
                    self.usage.put(name, number);
                    self.note(field.to_owned());
                }
                !known
            }
            "cost" => self.restore_cost(stored, name),
            _ => false,
        }
    }

    fn restore_cost(&mut self, stored: &Stored, name: &str) -> bool {
        let Some(known) = stored.run.cost.as_ref().filter(|cost| cost.source == CostSource::Reported) else {
            return false;
        };
        let part = match name {
            "input" => self.cost.input.is_none().then_some((Money::Input, known.input)),
            "output" => self.cost.output.is_none().then_some((Money::Output, known.output)),
            "total" => self.cost.total.is_none().then_some((Money::Total, known.total)),
            _ => {
                let name = name.strip_prefix("details.").unwrap_or(name);
                let Some(sum) = known.details.get(name) else { return false };
                self.cost.details.entry(name.to_owned()).or_insert(*sum);
                self.note(format!("cost.details.{name}"));
                return true;
            }
        };
        let Some((part, Some(sum))) = part else { return false };
        self.note(part.field());
        cost::fill(&mut self.cost, part, sum)
    }

    fn restore_side(&mut self, stored: &Stored, side: Side, field: &str) -> bool {
        let old = match side {
            Side::Input => &stored.run.inputs,
            Side::Output => &stored.run.outputs,
        };
        if field == "inputs.system"
            && ["inputs", "inputs.messages"].iter().any(|field| stored.run.sources.get(field).is_some())
        {
            // The stored messages begin with it; where a rule gives others, it leads those.
            self.note("inputs.system");
            if !self.lacks_messages(side) {
                self.instructions = old.messages.first().filter(|first| is_system(first)).cloned();
            }
            return true;
        }
        let is_whole = !field.contains('.');
        let type_changed = stored.run.run_type != self.run.run_type;
        if !self.lacks_messages(side) || (is_whole && !self.lacks(side)) {
            return false;
        }
        if is_whole && type_changed && old.messages.is_empty() {
            // Another type may read it as messages.
            let text = old.rest.as_ref().map_or("null", JsonText::as_str);
            return self.offer_payload(side, &parse(text).unwrap_or_default());
        }
        // The whole may have held no messages, and those of another attribute stand beside it.
        let has_messages = !is_whole || stored.run.sources.get(messages_name(side)).is_none();
        let payload = self.payload(side);
        if has_messages {
            payload.messages.clone_from(&old.messages);
        }
        if is_whole {
            payload.rest.clone_from(&old.rest);
        }
        self.note(field.to_owned());
        true
    }

    fn lacks_messages(&mut self, side: Side) -> bool {
        self.payload(side).messages.is_empty()
    }

    /// Copies what no row gave back: what came from elsewhere, or from attributes that no row reads any more.
    pub(crate) fn restore_rest(&mut self) {
        let Some(stored) = &self.stored else { return };
        let open: Vec<String> = stored
            .run
            .sources
            .iter()
            .filter(|(field, source)| {
                // A family has no attribute that could hold its value.
                (is_from_elsewhere(source) || source.ends_with('*')) && !stored.restored.contains(*field)
            })
            .map(|(field, _)| field.to_string())
            .collect();
        for field in open {
            // An exception says more about the failure than any attribute does, as when it came.
            let slot = match field.as_str() {
                "error" => Some(&mut self.run.error),
                "error_type" => Some(&mut self.run.error_type),
                _ => None,
            };
            if let Some(slot) = slot.filter(|_| is_of_event(self.stored.as_deref(), &field)) {
                *slot = None;
                self.notes.remove(&field);
            }
            self.restore(&field, None);
        }
    }

    /// Copies what has no source: runs that were stored before sources were kept, and runs of other protocols.
    pub(crate) fn restore_unsourced(run: &mut Run, stored: &Run) {
        let has = |field: &str| stored.sources.get(field).is_some();
        for scalar in SCALARS {
            let slot = (scalar.slot)(run);
            if !has(scalar.name) && slot.is_none() {
                slot.clone_from((scalar.of)(stored));
            }
        }
        run.run_type = run.run_type.or(stored.run_type.filter(|_| !has("run_type")));
        run.first_token_time = run.first_token_time.or(stored.first_token_time);
        for (key, value) in &stored.metadata {
            if !has(&format!("metadata.{key}")) {
                run.metadata.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        if !has("tags") && run.tags.is_empty() {
            run.tags.clone_from(&stored.tags);
        }
        let any = |prefix: &str| stored.sources.iter().any(|(field, _)| field.starts_with(prefix));
        for (side, new, old) in
            [("inputs", &mut run.inputs, &stored.inputs), ("outputs", &mut run.outputs, &stored.outputs)]
        {
            if !any(side) && new.is_empty() {
                new.clone_from(old);
            }
        }
        if !any("invocation_params") && run.invocation_params.is_none() {
            run.invocation_params.clone_from(&stored.invocation_params);
        }
        if !any("usage") && run.usage.is_none() {
            run.usage.clone_from(&stored.usage);
        }
        if !any("cost") && run.cost.is_none() {
            run.cost = stored.cost.clone().filter(|cost| cost.source == CostSource::Reported);
        }
    }
}

/// A field that is one text.
struct Scalar {
    name: &'static str,
    of: fn(&Run) -> &Option<String>,
    slot: fn(&mut Run) -> &mut Option<String>,
}

macro_rules! scalars {
    ($($field:ident)*) => {
        &[$(Scalar { name: stringify!($field), of: |run| &run.$field, slot: |run| &mut run.$field },)*]
    };
}

const SCALARS: &[Scalar] =
    scalars!(name model provider thread_id user_id error error_type release environment dotted_order);

fn scalar(field: &str) -> Option<&'static Scalar> {
    SCALARS.iter().find(|scalar| scalar.name == field)
}

pub(super) fn is_system(message: &JsonText) -> bool {
    parse(message.as_str()).is_ok_and(|json| json.get("role").and_then(Json::as_simple) == Some("system"))
}

fn source_of(run: &Run, field: &str) -> Name {
    Name::Owned(run.sources.get(field).unwrap_or_default().to_owned())
}
