//! The machine that applies rules; it knows no attribute by name.
//!
//! A rule ([`Row`]) says which attribute (or family of attributes with one prefix) tells which field of a
//! run ([`To`]). Rows are tables in `dialects`, strongest source first. For each span the engine indexes
//! the attributes once ([`Attributes`]), applies the rows whose key is there, in order, and keeps under
//! `Run::attributes` whatever no row used. A weaker row fills what a stronger one left empty and never
//! overwrites, so its attribute then stays where a person can read it.
//!
//! To add a dialect, add a file of rows. A new shape of message is a new reader in `messages`.

mod apply;
mod attributes;
mod cost;
mod draft;
mod keys;
mod notes;
mod params;
mod prefix;
mod python;
mod shape;
mod stored;
mod table;
mod texts;
mod usage;

use clearspan_model::{RunType, Side};

pub(crate) use attributes::{Attribute, Attributes};
pub(crate) use draft::{Draft, messages_name};
pub(crate) use keys::Remembered;
pub(crate) use python::literal_to_json;
pub(crate) use stored::attribute_of;
pub(crate) use table::Table;
pub(crate) use usage::read_count;

/// One rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) key: Key,
    pub(crate) to: &'static [To],
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    /// The attribute with exactly this key.
    Is(&'static str),
    /// All attributes whose key begins so. The prefix ends in a full stop.
    Under(&'static str),
}

/// A rule for one attribute.
pub(crate) const fn row(key: &'static str, to: &'static [To]) -> Row {
    Row { key: Key::Is(key), to }
}

/// A rule for all attributes below a prefix.
pub(crate) const fn under(prefix: &'static str, to: &'static [To]) -> Row {
    Row { key: Key::Under(prefix), to }
}

/// Which part of the usage a count is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    Input,
    Output,
    Total,
    /// A part of the input, for example `cache_read`.
    InputDetail(&'static str),
    /// A part of the output, for example `reasoning`.
    OutputDetail(&'static str),
}

/// Which part of the cost a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Money {
    Input,
    Output,
    Total,
    Detail(&'static str),
}

/// Reads a word of some dialect as a run type.
pub(crate) type ReadRunType = fn(&str) -> Option<RunType>;

/// Does what no other target does. True when the value was used.
pub(crate) type Special = fn(&mut Draft, &mut Attributes<'_>, usize) -> bool;

/// Where a value goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum To {
    /// Ids that override those of OTLP (UUIDs).
    TraceId,
    RunId,
    ParentRunId,
    DottedOrder,
    ProjectId,
    ProjectName,
    /// The name; the lowest number wins.
    Name(u8),
    /// The name, if the run is a tool.
    ToolName(u8),
    /// The name, if the run is a root.
    RootName(u8),
    /// The type; the lowest number wins.
    RunType(u8, ReadRunType),
    /// The type that follows from the attribute being there; the lowest number wins.
    Implies(u8, RunType),
    /// Labels: a list, JSON, or separated by commas.
    Tags,
    Thread,
    User,
    Release,
    Environment,
    Model,
    /// The model that was asked for, where nothing names the one that answered.
    RequestModel,
    Provider,
    /// A parameter of the model call; JSON in text is read.
    Param(&'static str),
    /// A JSON object of parameters.
    Params,
    /// A member of the metadata; JSON objects and lists in text are read.
    Metadata(&'static str),
    /// A JSON object that is merged into the metadata.
    MetadataObject,
    /// Below a prefix: each key is a member of the metadata, except these.
    MetadataKeys(&'static [&'static str]),
    /// Below a prefix: each key is a member of the metadata member of this name.
    MetadataGroup(&'static str),
    /// Below a prefix: a parameter that is the list of these.
    ParamTree(&'static str),
    Tokens(Count),
    /// A JSON object with counts (and costs), cached tokens included.
    Usage,
    /// The input or output details as a JSON object or a Python dict.
    UsageDetails(Side),
    Cost(Money),
    /// A cost of a sender that writes zero when it knows no price: zero is not used.
    CostUnlessZero(Money),
    /// A JSON object with costs, with zero for those that are not known.
    Costs,
    /// Seconds from the start to the first token.
    FirstTokenSeconds,
    /// Milliseconds from the start to the first token.
    FirstTokenMillis,
    /// The time of the first token, ISO 8601, possibly in JSON quotes.
    FirstTokenAt,
    /// One side as a whole: text or JSON, in which messages are looked for.
    Payload(Side),
    /// One side as plain text, whatever it looks like.
    PlainPayload(Side),
    /// A list of messages.
    Messages(Side),
    /// Below a prefix: flattened messages.
    FlatMessages(Side),
    /// Below a prefix: flattened messages, unless this is no model call and the named attribute holds the
    /// whole: there the messages are an excerpt.
    FlatMessagesOr(Side, &'static str),
    /// The system prompt, which leads the input messages.
    Instructions,
    /// Below a prefix: one side is an object with one member, the flattened tree.
    Tree(Side, &'static str),
    /// One side is an object with this member.
    Member(Side, &'static str),
    /// The MIME type of one side.
    MimeType(Side),
    /// Why the model stopped: for the output messages that do not say it, and the metadata.
    FinishReasons,
    /// The error's text. Makes the run failed.
    Error,
    /// The error's class. Makes the run failed.
    ErrorType,
    /// True, or a level of `ERROR`, makes the run failed.
    Failed,
    /// Does its own work on these fields.
    Special(&'static str, Special),
}

#[cfg(test)]
mod tests;
