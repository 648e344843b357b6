//! A run while rules fill it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use clearspan_model::{
    Cost, IssueKind, JsonText, MapIssue, Name, Payload, Run, RunType, Side, Status, UnixNanos, Usage,
};

use super::apply::is_silent;
use super::notes::Notes;
use super::params::{Params, parameter_name};
use super::stored::Stored;
use super::texts::Texts;
use super::usage::{UsageDraft, usage_from_json};
use super::{Attributes, Remembered};
use crate::json::{Json, push_string};
use crate::messages::{lead, read_payload, with_finish_reason};
use crate::otlp::ProjectRef;

/// What the rules have found so far.
#[derive(Debug)]
pub(crate) struct Draft {
    /// A run is large, so it is made where it stays until it is finished: a draft is handed around.
    pub(crate) run: Box<Run>,
    pub(crate) project: Option<ProjectRef>,
    pub(crate) failed: bool,
    /// Where the values that are being applied come from.
    pub(super) source: Name,
    /// What stands before the keys of attributes in sources: they may be those of a log record or event.
    pub(super) origin: &'static str,
    pub(super) project_name: Option<String>,
    pub(super) name: Option<(u8, String, Name)>,
    pub(super) run_type: Option<(u8, RunType, Name)>,
    pub(super) params: Params,
    pub(super) usage: UsageDraft,
    pub(super) cost: Cost,
    pub(super) instructions: Option<JsonText>,
    pub(super) finish_reasons: Option<JsonText>,
    /// The model that a raw response or request names, for runs whose attributes name none.
    pub(super) raw_model: Option<String>,
    pub(super) raw_model_source: Name,
    /// Sides that are said to be no JSON.
    pub(super) is_plain: BTreeMap<Side, bool>,
    /// Members of object payloads, by side.
    pub(super) members: BTreeMap<(Side, Name), JsonText>,
    /// The run as it was stored, when it is mapped again.
    pub(super) stored: Option<Box<Stored>>,
    /// Where the fields came from that are filled.
    pub(super) notes: Notes,
    /// JSON texts that other runs of the request have, too.
    pub(super) texts: Texts,
}

impl Draft {
    pub(crate) fn new(run: Box<Run>) -> Self {
        Self::beside(run, None)
    }

    /// A draft of one of many spans.
    pub(crate) fn beside(run: Box<Run>, remembered: Option<&Remembered<'_>>) -> Self {
        let spare = remembered.map(|remembered| remembered.sources.spare()).unwrap_or_default();
        let notes = Notes::of(&run.sources, spare);
        Self {
            run,
            project: None,
            failed: false,
            source: Name::default(),
            origin: "",
            project_name: None,
            name: None,
            run_type: None,
            params: Params::default(),
            usage: UsageDraft::default(),
            cost: Cost::default(),
            instructions: None,
            finish_reasons: None,
            raw_model: None,
            raw_model_source: Name::default(),
            is_plain: BTreeMap::new(),
            members: BTreeMap::new(),
            stored: None,
            notes,
            texts: remembered.map(|remembered| remembered.texts.clone()).unwrap_or_default(),
        }
    }

    /// Applies every row that has something to read: those about the type first.
    pub(crate) fn apply_rows(
        &mut self,
        attributes: &mut Attributes<'_>,
        settle_type: impl FnOnce(&mut Self),
    ) {
        let shape = Rc::clone(&attributes.shape);
        let hits = std::mem::take(&mut attributes.rule_hits);
        for hit in &hits {
            self.apply_rule(attributes, *hit, true);
        }
        for hit in &shape.about_type {
            self.apply_row(attributes, *hit, true);
        }
        settle_type(self);
        if let Some((_, run_type, source)) = &self.run_type {
            self.run.run_type = Some(*run_type);
            self.notes.note("run_type".into(), source.clone());
        }
        for hit in &hits {
            self.apply_rule(attributes, *hit, false);
        }
        for hit in &shape.others {
            self.apply_row(attributes, *hit, false);
        }
    }

    /// True for a call of a language model, where bare text is what someone said.
    pub(crate) fn is_model_call(&self) -> bool {
        self.run.run_type == Some(RunType::Llm)
    }

    /// Proposes a type; the lowest number wins, and the first of equals.
    pub(crate) fn offer_type(&mut self, strength: u8, run_type: RunType) -> bool {
        if self.run_type.as_ref().is_none_or(|(known, ..)| strength < *known) {
            self.run_type = Some((strength, run_type, self.source.clone()));
        }
        self.run_type.as_ref().is_some_and(|(_, known, _)| *known == run_type)
    }

    /// Proposes a name; the lowest number wins, and the first of equals. True when it is taken or repeats it.
    pub(crate) fn offer_name(&mut self, strength: u8, name: &str) -> bool {
        if name.is_empty() {
            return false;
        }
        if self.name.as_ref().is_none_or(|(known, ..)| strength < *known) {
            self.name = Some((strength, name.to_owned(), self.source.clone()));
        }
        self.name.as_ref().is_some_and(|(_, known, _)| known == name)
    }

    pub(crate) fn payload(&mut self, side: Side) -> &mut Payload {
        match side {
            Side::Input => &mut self.run.inputs,
            Side::Output => &mut self.run.outputs,
        }
    }

    /// True when nothing has told this side yet.
    pub(crate) fn lacks(&mut self, side: Side) -> bool {
        self.payload(side).is_empty() && !self.members.keys().any(|(known, _)| *known == side)
    }

    pub(crate) fn issue(&mut self, kind: IssueKind, field: &str, message: impl Into<String>) {
        self.run.issues.push(MapIssue { kind, field: field.to_owned(), message: message.into() });
    }

    /// Sets a member of the metadata unless it is there. True when it is taken or repeats it.
    pub(super) fn put_metadata(&mut self, name: Cow<'_, str>, value: JsonText) -> bool {
        match self.run.metadata.get(name.as_ref()) {
            Some(known) => *known == value,
            None => {
                self.note_member(metadata_field(&name));
                self.run.metadata.insert(name.into_owned(), value);
                true
            }
        }
    }

    pub(super) fn json_metadata(&mut self, name: &str, value: &Json<'_>) -> bool {
        let text = self.texts.make(|out| value.write(out));
        self.put_metadata(Cow::Borrowed(name), text)
    }

    /// Sets a member of the metadata unless it is there. True when it is taken or repeats it.
    pub(crate) fn metadata_member(&mut self, name: &str, value: &Json<'_>) -> bool {
        !value.is_null() && self.json_metadata(name, value)
    }

    /// Sets a parameter of the model call.
    pub(crate) fn param(&mut self, name: impl Into<Name>, value: &Json<'_>) -> bool {
        if value.is_null() {
            return false;
        }
        let name = name.into();
        if !self.params.has(&name) {
            self.note_member(parameter_field(&name));
        }
        self.params.put(name, value)
    }

    /// Sets parameters of the model call from an object.
    pub(crate) fn params(&mut self, object: &Json<'_>) -> bool {
        let Some(members) = object.members() else { return false };
        for (name, value) in members {
            self.param(parameter_name(&name.decode()).to_owned(), value);
        }
        true
    }

    /// Sets a member of an object payload.
    pub(crate) fn offer_member(&mut self, side: Side, name: impl Into<Name>, value: &Json<'_>) -> bool {
        self.take_member(side, name, value)
    }

    /// Sets the messages of a side unless it has some.
    pub(crate) fn offer_messages(&mut self, side: Side, list: &Json<'_>) -> bool {
        self.take_messages(side, list)
    }

    /// Names the model where nothing stronger does.
    pub(crate) fn offer_raw_model(&mut self, model: &str) {
        if self.raw_model.is_none() {
            self.raw_model = Some(model.to_owned());
            self.raw_model_source = self.source.clone();
        }
    }

    /// Sets the output messages unless there are some with content: those of a stronger source may be empty.
    pub(crate) fn offer_fuller_answer(&mut self, list: &Json<'_>) -> bool {
        if self.run.outputs.messages.iter().all(is_silent) {
            self.run.outputs.messages.clear();
            self.notes.remove(messages_name(Side::Output));
        }
        self.take_messages(Side::Output, list)
    }

    /// Fills a side that nothing has told yet with a payload in which bare text is what someone said.
    pub(crate) fn offer_conversation(&mut self, side: Side, json: &Json<'_>) -> bool {
        if json.is_null() || !self.lacks(side) {
            return false;
        }
        *self.payload(side) = read_payload(json, side, true);
        self.note(side_name(side));
        true
    }

    /// Takes what is missing of the usage from a provider's own object.
    pub(crate) fn usage_object(&mut self, json: &Json<'_>) {
        self.fill_usage(usage_from_json(json).unwrap_or_default());
    }

    /// Takes what is missing of the usage from a weaker source.
    pub(super) fn fill_usage(&mut self, usage: Usage) {
        for field in self.usage.fill_from(usage) {
            self.note(field);
        }
    }

    /// Says where the values that are applied from now on come from.
    pub(crate) fn set_source(&mut self, source: impl Into<Name>) {
        self.source = source.into();
    }

    /// Says that the attributes applied from now on are not the span's own: `log:`, `event:`.
    pub(crate) fn set_origin(&mut self, origin: &'static str) {
        self.origin = origin;
    }

    /// True when a user's rule filled a field.
    pub(crate) fn is_ruled(&self, field: &str) -> bool {
        self.notes.get(field).is_some_and(|source| source.starts_with("rule:"))
    }

    /// Notes that the present source overwrote a field.
    pub(crate) fn note_overwritten(&mut self, field: &'static str) {
        self.notes.replace(field.into(), self.source.clone());
    }

    /// Notes that a field was filled by the present source.
    pub(crate) fn note(&mut self, field: impl Into<Name>) {
        if !self.source.is_empty() {
            self.notes.note(field.into(), self.source.clone());
        }
    }

    /// The same for a member of an object that was not there before.
    fn note_member(&mut self, field: Name) {
        if !self.source.is_empty() {
            self.notes.note_new(field, self.source.clone());
        }
    }

    /// Runs something whose values come from a member of the present source.
    pub(super) fn within<T>(&mut self, member: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let inner = Name::Owned(format!("{}#{member}", self.source));
        let outer = std::mem::replace(&mut self.source, inner);
        let done = work(self);
        self.source = outer;
        done
    }

    /// Sets the error's text unless it is known.
    pub(crate) fn offer_error(&mut self, text: Option<String>) -> bool {
        let Some(text) = text else { return false };
        if self.run.error.is_none() {
            self.note("error");
        }
        *self.run.error.get_or_insert_with(|| text.clone()) == text
    }

    /// Appends a stack trace to the error, or makes it the error.
    pub(crate) fn offer_stack_trace(&mut self, trace: Option<String>) -> bool {
        let Some(trace) = trace else { return false };
        match &mut self.run.error {
            Some(error) if error.contains(&trace) => {}
            Some(error) => {
                error.push_str("\n\n");
                error.push_str(&trace);
            }
            None => {
                self.note("error");
                self.run.error = Some(trace);
            }
        }
        true
    }

    pub(super) fn start_plus(&self, nanos: f64) -> Option<UnixNanos> {
        let start = self.run.start_time?.as_nanos();
        // A wait of more than a year is a mistake of units.
        let in_range = nanos.is_finite() && (0.0..3.2e16).contains(&nanos);
        #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
        in_range.then(|| UnixNanos::from_nanos(start.saturating_add(nanos.round() as i64)))
    }

    /// Joins what was collected apart into the run. The attributes that no rule used stay raw.
    pub(crate) fn finish(self) -> (Option<ProjectRef>, Box<Run>) {
        self.finish_beside(None)
    }

    /// The same for one of many spans.
    pub(crate) fn finish_beside(
        mut self,
        remembered: Option<&Remembered<'_>>,
    ) -> (Option<ProjectRef>, Box<Run>) {
        if let Some((_, name, source)) = self.name.take() {
            self.run.name = Some(name);
            self.notes.note("name".into(), source);
        } else if self.run.name.is_some() {
            self.notes.note("name".into(), "span:name".into());
        }
        self.finish_payloads();
        self.finish_model();
        let (params, usage, cost) = (
            std::mem::take(&mut self.params),
            std::mem::take(&mut self.usage),
            std::mem::take(&mut self.cost),
        );
        self.run.invocation_params = params.finish(&self.texts);
        self.run.usage = usage.finish(self.thinks_apart(), &mut self.run.issues);
        let has_usage = self.run.usage.is_some();
        self.run.cost = super::cost::finish(cost).filter(|cost| has_usage || !super::cost::is_nothing(cost));
        if self.failed || self.run.error.is_some() || self.run.error_type.is_some() {
            self.run.status = Some(Status::Error);
        }
        let run = &mut *self.run;
        run.sources = match remembered {
            Some(remembered) => remembered.sources.finish(self.notes),
            None => self.notes.finish(),
        };
        run.tags.sort();
        run.tags.dedup();
        run.events.sort();
        run.links.sort();
        run.fragments.sort();
        run.issues.sort();
        run.issues.dedup();
        let project = self.project.or(self.project_name.map(ProjectRef::Name));
        (project, self.run)
    }

    /// True for a call of a model of Google's that thinks, whose thoughts its clients may leave out of the output.
    /// Older ones do not think: with them, what a total has more is something else.
    fn thinks_apart(&self) -> bool {
        let model = self.run.model.as_deref().unwrap_or_default();
        let is_gemini = model.contains("gemini-") && !OLD_GEMINI.iter().any(|old| model.contains(old));
        is_gemini && self.is_model_call() && self.run.provider.as_deref() == Some("google")
    }

    fn finish_model(&mut self) {
        if self.run.model.is_none()
            && let Some(model) = self.raw_model.take()
        {
            self.run.model = Some(model);
            self.source = std::mem::take(&mut self.raw_model_source);
            self.note("model");
        }
        if self.run.model.is_none()
            && matches!(self.run.run_type, Some(RunType::Llm | RunType::Embedding))
            && let Some(name) =
                ["model", "model_name", "model_id"].into_iter().find(|name| self.params.has(name))
        {
            // A call that failed early: nothing but its parameters names the model.
            self.run.model = self.params.text(name);
            let source = self.notes.get(&format!("invocation_params.{name}")).map(str::to_owned);
            self.set_source(source.unwrap_or_default());
            if self.run.model.is_some() {
                self.note("model");
            }
        }
        if let Some(model) = &self.run.model {
            let model = self.texts.make(|out| push_string(model, out));
            self.run.metadata.entry("ls_model_name".to_owned()).or_insert(model);
        }
    }

    fn finish_payloads(&mut self) {
        lead(self.instructions.take(), &mut self.run.inputs.messages);
        let members = std::mem::take(&mut self.members);
        for side in [Side::Input, Side::Output] {
            self.finish_members(side, members.iter().filter(|((of, _), _)| *of == side));
        }
        self.finish_reasons();
    }

    /// Adds members to the object that a side has beside its messages.
    fn finish_members<'m>(
        &mut self,
        side: Side,
        members: impl Iterator<Item = (&'m (Side, Name), &'m JsonText)>,
    ) {
        let mut members = members.peekable();
        if members.peek().is_none() {
            return;
        }
        let rest = &mut self.payload(side).rest;
        let mut text = match rest.as_ref().map(|rest| rest.as_str().strip_suffix('}')) {
            None => String::from("{"),
            Some(Some(object)) => object.to_owned(),
            // The side has a value that is no object; members find no place beside it.
            Some(None) => return,
        };
        for ((_, name), value) in members {
            if text.len() > 1 {
                text.push(',');
            }
            push_string(name, &mut text);
            text.push(':');
            text.push_str(value.as_str());
        }
        text.push('}');
        *rest = Some(JsonText::from_trusted(text));
    }

    /// Output messages that do not say why the model stopped get it from the call.
    fn finish_reasons(&mut self) {
        let Some(reasons) = self.finish_reasons.take() else { return };
        let Ok(reasons) = crate::json::parse(reasons.as_str()) else { return };
        let reasons = reasons.items().map_or_else(|| vec![reasons.clone()], <[_]>::to_vec);
        let messages = &mut self.run.outputs.messages;
        if reasons.len() == messages.len() {
            for (message, reason) in messages.iter_mut().zip(reasons) {
                if !reason.is_blank()
                    && let Some(text) = with_finish_reason(message, reason)
                {
                    *message = text;
                }
            }
        }
    }
}

/// Models of Google's that do not think.
const OLD_GEMINI: &[&str] = &["gemini-1", "gemini-2.0"];

/// What a parameter is called as a field. The commonest are there already: each span has some.
fn parameter_field(name: &str) -> Name {
    Name::Borrowed(match name {
        "model" => "invocation_params.model",
        "temperature" => "invocation_params.temperature",
        "max_tokens" => "invocation_params.max_tokens",
        "top_p" => "invocation_params.top_p",
        "stream" => "invocation_params.stream",
        "tools" => "invocation_params.tools",
        _ => return Name::Owned(["invocation_params.", name].concat()),
    })
}

/// The same for a member of the metadata.
fn metadata_field(name: &str) -> Name {
    Name::Borrowed(match name {
        "ls_provider" => "metadata.ls_provider",
        "finish_reasons" => "metadata.finish_reasons",
        _ => return Name::Owned(["metadata.", name].concat()),
    })
}

/// The field of one side as a whole.
pub(super) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Input => "inputs",
        Side::Output => "outputs",
    }
}

/// The field of the messages of one side.
pub(crate) fn messages_name(side: Side) -> &'static str {
    match side {
        Side::Input => "inputs.messages",
        Side::Output => "outputs.messages",
    }
}
