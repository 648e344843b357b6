//! The members of a feedback document.

use clearspan_catalog::{Feedback, FeedbackId, Score};
use clearspan_model::{JsonText, UnixNanos, WorkspaceId};
use serde_json::{Map, Value};
use std::str::FromStr;

use super::Given;

/// Longer keys are a mistake: they are names of columns.
const MAX_KEY_CHARS: usize = 1_000;
const MICROS_PER_MILLI: f64 = 1e3;
const NANOS_PER_MICRO: i64 = 1_000;

/// The members of a JSON object; null is as good as absent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    pub(crate) fn of(document: &'a Value, what: &str) -> Result<Self, String> {
        document.as_object().map(Self).ok_or_else(|| format!("{what} must be a JSON object"))
    }

    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether it is there, if only as null.
    pub(crate) fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn text(self, name: &str) -> Result<Option<&'a str>, String> {
        self.get(name).map(|value| value.as_str().ok_or_else(|| format!("{name} must be text"))).transpose()
    }

    pub(crate) fn flag(self, name: &str) -> Result<Option<bool>, String> {
        self.get(name)
            .map(|value| value.as_bool().ok_or_else(|| format!("{name} must be true or false")))
            .transpose()
    }

    /// An id. The all-zero one names nothing.
    pub(crate) fn id<T: FromStr + AsRef16>(self, name: &str) -> Result<Option<T>, String> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let id = text.trim().parse::<T>().map_err(|_| format!("{name} is {text:?}, which is not a UUID"))?;
        if id.as_ref_16() == &[0; 16] {
            return Err(format!("{name} is the UUID of nothing (all zero)"));
        }
        Ok(Some(id))
    }

    pub(crate) fn json(self, name: &str) -> Option<JsonText> {
        self.get(name).map(JsonText::from_value)
    }

    pub(crate) fn time(self, name: &str) -> Result<Option<UnixNanos>, String> {
        self.get(name)
            .map(|value| {
                read_time(value).ok_or_else(|| {
                    format!("{name} is {value}, which is neither an ISO time nor milliseconds since 1970")
                })
            })
            .transpose()
    }
}

/// Ids that are sixteen bytes.
pub(crate) trait AsRef16 {
    fn as_ref_16(&self) -> &[u8; 16];
}

macro_rules! sixteen_bytes {
    ($($id:ty),*) => {$(
        impl AsRef16 for $id {
            fn as_ref_16(&self) -> &[u8; 16] {
                self.as_bytes()
            }
        }
    )*};
}

sixteen_bytes!(
    FeedbackId,
    clearspan_catalog::QueueId,
    uuid::Uuid,
    clearspan_model::ProjectId,
    clearspan_model::RunId,
    clearspan_model::TraceId
);

/// ISO text, in UTC where it names no zone, or milliseconds since 1970, as JavaScript has them.
pub(crate) fn read_time(value: &Value) -> Option<UnixNanos> {
    match value {
        Value::String(text) => text.contains('-').then(|| clearspan_query::text::parse_time(text)).flatten(),
        Value::Number(number) => {
            // Microseconds are what is left of the digits of such a number.
            let micros = (number.as_f64()? * MICROS_PER_MILLI).round();
            // Beyond are times that nanoseconds cannot tell.
            let fits = micros.is_finite() && micros.abs() < 9.2e15;
            fits.then(|| UnixNanos::from_nanos(micros as i64 * NANOS_PER_MICRO))
        }
        _ => None,
    }
}

/// A number or a boolean.
pub(crate) fn read_score(value: &Value) -> Result<Option<Score>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(yes) => Ok(Some(Score::Bool(*yes))),
        Value::Number(number) => match number.as_f64().filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(Score::Number(number))),
            None => Err("score is larger than numbers can be".to_owned()),
        },
        other => {
            Err(format!("score is {other}; it must be a number, true or false, and text belongs into value"))
        }
    }
}

pub(super) fn read(document: &Value, workspace_id: WorkspaceId, now: UnixNanos) -> Result<Given, String> {
    let members = Members::of(document, "feedback")?;
    let key = members.text("key")?.map(str::trim).unwrap_or_default();
    if key.is_empty() {
        return Err("key is missing: it names what the feedback is about".to_owned());
    }
    if key.chars().count() > MAX_KEY_CHARS {
        return Err(format!("key is longer than {MAX_KEY_CHARS} characters"));
    }
    let source = members.get("feedback_source");
    let source_type = source.and_then(|source| source.get("type")).and_then(Value::as_str).unwrap_or("api");
    let created_at = members.time("created_at")?.unwrap_or(now);
    let feedback = Feedback {
        id: members.id("id")?.unwrap_or_else(FeedbackId::generate),
        workspace_id,
        project_id: members.id("session_id")?,
        run_id: members.id("run_id")?,
        trace_id: members.id("trace_id")?,
        key: key.to_owned(),
        score: members.get("score").map_or(Ok(None), read_score)?,
        value: members.json("value"),
        comment: members.text("comment")?.map(str::to_owned),
        correction: members.json("correction"),
        source_type: Some(source_type.to_owned()),
        source: members.json("feedback_source"),
        is_error: members.flag("error")?,
        group_id: members.id("feedback_group_id")?,
        comparative_experiment_id: members.id("comparative_experiment_id")?,
        extra: members.json("extra"),
        run_start: members.time("start_time")?,
        created_at,
        modified_at: members.time("modified_at")?.unwrap_or(created_at),
    };
    // The JavaScript SDK forgets to change its spelling.
    let config = members.json("feedback_config").or_else(|| members.json("feedbackConfig"));
    Ok(Given { feedback, config })
}
