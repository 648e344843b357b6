//! The fields' names in filter text, and what kind of value each holds.

use crate::Field;

/// What a field holds, which decides how it can be tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// Many texts, which are searched.
    FullText,
    RunId,
    TraceId,
    Dollars,
    Count,
    Duration,
    Time,
    Bool,
    RunType,
    Status,
}

impl Kind {
    /// True when values have an order that a person means when writing `>`.
    pub(crate) fn is_ordered(self) -> bool {
        matches!(self, Self::Dollars | Self::Count | Self::Duration | Self::Time)
    }

    /// What a value is called in a message.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Text | Self::FullText => "text",
            Self::RunId => "a run id",
            Self::TraceId => "a trace id",
            Self::Dollars => "an amount in dollars",
            Self::Count => "a number",
            Self::Duration => "a duration",
            Self::Time => "a time",
            Self::Bool => "yes or no",
            Self::RunType => "a run type",
            Self::Status => "a status",
        }
    }
}

/// Names and the fields they mean. The first name of a field is the one that is printed.
const NAMES: &[(&str, Field)] = &[
    ("status", Field::Status),
    ("type", Field::RunType),
    ("name", Field::Name),
    ("model", Field::Model),
    ("provider", Field::Provider),
    ("user", Field::User),
    ("thread", Field::Thread),
    ("env", Field::Environment),
    ("service", Field::Service),
    ("release", Field::Release),
    ("tag", Field::Tag),
    ("cost", Field::Cost),
    ("input_cost", Field::InputCost),
    ("output_cost", Field::OutputCost),
    ("latency", Field::Latency),
    ("ttft", Field::TimeToFirstToken),
    ("tokens", Field::TotalTokens),
    ("input_tokens", Field::InputTokens),
    ("output_tokens", Field::OutputTokens),
    ("error", Field::Error),
    ("error_type", Field::ErrorType),
    ("id", Field::RunId),
    ("trace", Field::TraceId),
    ("parent", Field::ParentRunId),
    ("start", Field::StartTime),
    ("end", Field::EndTime),
    ("text", Field::Text),
    ("input", Field::Input),
    ("output", Field::Output),
    // Second names, for people who come from the table's columns.
    ("run_type", Field::RunType),
    ("environment", Field::Environment),
    ("total_tokens", Field::TotalTokens),
    ("total_cost", Field::Cost),
    ("run_id", Field::RunId),
    ("trace_id", Field::TraceId),
    ("parent_run_id", Field::ParentRunId),
    ("thread_id", Field::Thread),
    ("user_id", Field::User),
    ("start_time", Field::StartTime),
    ("end_time", Field::EndTime),
    ("tags", Field::Tag),
    ("inputs", Field::Input),
    ("outputs", Field::Output),
];

/// The field with this name.
pub(crate) fn by_name(name: &str) -> Option<Field> {
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| field.clone())
}

/// Every name, for suggestions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// The name that is printed. Metadata and the fields of `is:` have none.
pub(crate) fn name_of(field: &Field) -> Option<&'static str> {
    NAMES.iter().find(|(_, known)| known == field).map(|(name, _)| *name)
}

pub(crate) fn kind_of(field: &Field) -> Kind {
    match field {
        Field::RunId | Field::ParentRunId => Kind::RunId,
        Field::TraceId => Kind::TraceId,
        Field::RunType => Kind::RunType,
        Field::Status => Kind::Status,
        Field::StartTime | Field::EndTime => Kind::Time,
        Field::Latency | Field::TimeToFirstToken => Kind::Duration,
        Field::InputTokens | Field::OutputTokens | Field::TotalTokens => Kind::Count,
        Field::Cost | Field::InputCost | Field::OutputCost => Kind::Dollars,
        Field::IsRoot | Field::IsUnpriced => Kind::Bool,
        Field::Text | Field::Input | Field::Output => Kind::FullText,
        Field::Name
        | Field::Error
        | Field::ErrorType
        | Field::Model
        | Field::Provider
        | Field::User
        | Field::Thread
        | Field::Environment
        | Field::Service
        | Field::Release
        | Field::Tag
        | Field::Metadata(_)
        | Field::MetadataExcept(_)
        | Field::InputAt(_)
        | Field::OutputAt(_) => Kind::Text,
    }
}
