//! The checked tree of a filter. Engines evaluate it; they need no knowledge of the text it came from.

use clearspan_model::{Decimal, RunType, Status, UnixNanos};

use crate::fulltext::Search;

/// A condition on a run, or on a trace.
///
/// When runs are asked for, every [`Field`] is the run's own. When traces are asked for, the costs,
/// `Latency`, the token counts and `StartTime` are the trace's totals; `IsUnpriced` holds when one of the calls that they
/// sum up is; `Model`, `Provider`, `Service` and `Release` and every [`Op::Search`] hold when any run of the trace
/// satisfies them; everything else tests the root run.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// All of them hold. Empty: true.
    All(Vec<Expr>),
    /// At least one holds. Empty: false.
    Any(Vec<Expr>),
    /// It does not hold. Missing values count as "does not hold", so the negation holds for them.
    Not(Box<Expr>),
    /// One field, one test.
    Test(Field, Op),
    /// One single run of the trace satisfies all of it.
    AnyRun(Box<Expr>),
    /// The root run of the trace satisfies it.
    Root(Box<Expr>),
}

/// What can be tested.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// The run's id.
    RunId,
    /// The trace's id.
    TraceId,
    /// The parent's id; absent for roots.
    ParentRunId,
    /// The name.
    Name,
    /// The run type; [`Literal::RunType`].
    RunType,
    /// The effective status; [`Literal::Status`].
    Status,
    /// The error text; absent when there is none.
    Error,
    /// The class of the error.
    ErrorType,
    /// Every text of the run: name, error, tags, inputs, outputs, metadata. What a bare word searches.
    Text,
    /// The texts of the inputs.
    Input,
    /// The texts of the outputs.
    Output,
    /// The model.
    Model,
    /// The provider.
    Provider,
    /// The user.
    User,
    /// The thread: the run's own, else its root's.
    Thread,
    /// The deployment environment.
    Environment,
    /// The service.
    Service,
    /// The service's version.
    Release,
    /// Any of the tags.
    Tag,
    /// The metadata value of this key, as plain text (strings without quotes). The order of values is that of
    /// [`compare_entries`](crate::compare_entries).
    Metadata(String),
    /// Any metadata value but those of these keys, as plain text; in the same order.
    MetadataExcept(Vec<String>),
    /// What stands at a place in the inputs, as plain text: keys with dots between them. Of a list every element is
    /// meant, of an object nothing; it is there all the same.
    InputAt(String),
    /// The same in the outputs.
    OutputAt(String),
    /// The time it began; [`Literal::Time`].
    StartTime,
    /// The time it ended; [`Literal::Time`].
    EndTime,
    /// From start to end; [`Literal::Duration`]. Absent while pending.
    Latency,
    /// From start to the first token; [`Literal::Duration`].
    TimeToFirstToken,
    /// Tokens in; [`Literal::Number`].
    InputTokens,
    /// Tokens out; [`Literal::Number`].
    OutputTokens,
    /// All tokens; [`Literal::Number`].
    TotalTokens,
    /// Dollars; [`Literal::Number`].
    Cost,
    /// Dollars for the input; [`Literal::Number`]. Absent where only the sum is known.
    InputCost,
    /// Dollars for the output; [`Literal::Number`]. Absent where only the sum is known.
    OutputCost,
    /// Whether it is a root; [`Literal::Bool`].
    IsRoot,
    /// Whether it should have a cost and has none; [`Literal::Bool`].
    IsUnpriced,
}

/// How a field is tested.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// There is a value.
    Exists,
    /// Equal. Text compares exactly.
    Eq(Literal),
    /// Equal to one of these.
    In(Vec<Literal>),
    /// Less than.
    Lt(Literal),
    /// At most.
    Le(Literal),
    /// Greater than.
    Gt(Literal),
    /// At least.
    Ge(Literal),
    /// The text occurs in it, whatever the case of either.
    Contains(String),
    /// Full text: see [`crate::fulltext`].
    Search(Search),
    /// The whole of it matches a pattern in which `*` stands for any text, whatever the case.
    Glob(String),
}

/// A value to compare with. The parser guarantees that its kind suits the field.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text.
    Text(String),
    /// Sixteen bytes of an id.
    Id([u8; 16]),
    /// A number, exact.
    Number(Decimal),
    /// A length of time in nanoseconds.
    Duration(i64),
    /// A point in time.
    Time(UnixNanos),
    /// Yes or no.
    Bool(bool),
    /// A run type.
    RunType(RunType),
    /// A status.
    Status(Status),
}
