//! The tables: their columns, declared once.
//!
//! The Arrow schema, the Parquet files, the documentation and every reader of a table derive from the columns that
//! [`columns!`] declares. This module declares the `runs` table, [`logs`] and [`points`] the two others.
//! A row of `runs` is one run as far as it is known; columns marked "derived" are computed from the others when the
//! row is built, so that lists and filters need not decode payloads. Columns are found by name when old
//! files are read: append, never rename.

use std::ptr::NonNull;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayData, RecordBatch, new_null_array};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use clearspan_model::ErrorKind;
use rustc_hash::FxHashSet;

use crate::Result;
use crate::error::Context;

pub(crate) mod decode;
pub(crate) mod deletions;
pub(crate) mod encode;
pub(crate) mod logs;
pub(crate) mod messages;
pub(crate) mod points;
mod row_builder;
pub(crate) mod rows;
pub(crate) mod stored;

/// The form of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sixteen bytes.
    Id16,
    /// Eight bytes.
    Id8,
    /// Text, mostly different in each row.
    Text,
    /// Text that repeats: dictionary-encoded.
    Word,
    /// Nanoseconds since the epoch, UTC.
    Time,
    /// A count.
    Count,
    /// A whole number that may be negative.
    Int,
    /// A floating-point number.
    Double,
    /// Dollars with twelve places.
    Money,
    /// Yes or no.
    Flag,
    /// A list of texts that repeat from row to row: the messages. Each distinct one is stored once.
    Messages,
    /// A list of short texts.
    Words,
    /// A list of counts.
    Counts,
    /// A list of floating-point numbers.
    Doubles,
    /// Text keys to JSON texts.
    Map,
}

/// Digits and places of [`Kind::Money`].
pub(crate) const MONEY_PRECISION: u8 = 38;
pub(crate) const MONEY_SCALE: i8 = 12;

impl Kind {
    fn data_type(self) -> DataType {
        let word = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        match self {
            Self::Id16 => DataType::FixedSizeBinary(16),
            Self::Id8 => DataType::FixedSizeBinary(8),
            Self::Text => DataType::Utf8,
            Self::Word => word(),
            Self::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Self::Count => DataType::UInt64,
            Self::Int => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Money => DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE),
            Self::Flag => DataType::Boolean,
            Self::Messages => DataType::List(Arc::new(Field::new_list_field(word(), true))),
            Self::Words => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            Self::Counts => DataType::List(Arc::new(Field::new_list_field(DataType::UInt64, true))),
            Self::Doubles => DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true))),
            Self::Map => {
                let entries = DataType::Struct(
                    vec![
                        Field::new("keys", DataType::Utf8, false),
                        Field::new("values", DataType::Utf8, true),
                    ]
                    .into(),
                );
                DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
            }
        }
    }
}

/// One column: its name, form, and meaning.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) doc: &'static str,
}

impl Column {
    pub(crate) fn field(&self) -> Field {
        Field::new(self.name, self.kind.data_type(), !self.required)
    }
}

/// A column of one table. Each table has a type of its own, so that columns of two tables cannot be mixed up.
pub(crate) trait TableColumn: Copy + std::fmt::Debug + 'static {
    /// What the table is called.
    const TABLE: &'static str;
    /// The columns, in order.
    const COLUMNS: &'static [Column];

    /// The place of the column in [`Self::COLUMNS`] and in the schema.
    fn place(self) -> usize;

    /// The whole table.
    fn schema() -> &'static SchemaRef;

    fn name(self) -> &'static str {
        Self::COLUMNS[self.place()].name
    }
}

/// Declares a table: `columns! { "table" Col SCHEMA; name Kind required|optional "doc"; … }`.
macro_rules! columns {
    ($table:literal $col:ident $schema:ident; $($id:ident $kind:ident $need:ident $doc:literal;)*) => {
        /// The columns of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(non_camel_case_types, reason = "each is spelled as its column is")]
        pub(crate) enum $col { $($id,)* }

        impl $crate::schema::TableColumn for $col {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [$crate::schema::Column] = &[$(
                $crate::schema::Column {
                    name: stringify!($id),
                    kind: $crate::schema::Kind::$kind,
                    required: $crate::schema::columns!(@need $need),
                    doc: $doc,
                },
            )*];

            fn place(self) -> usize {
                self as usize
            }

            fn schema() -> &'static arrow::datatypes::SchemaRef {
                &$schema
            }
        }

        /// The whole table.
        pub(crate) static $schema: std::sync::LazyLock<arrow::datatypes::SchemaRef> =
            std::sync::LazyLock::new($crate::schema::arrow_schema::<$col>);
    };
    (@need required) => { true };
    (@need optional) => { false };
}
pub(crate) use columns;

fn arrow_schema<C: TableColumn>() -> SchemaRef {
    Arc::new(Schema::new(C::COLUMNS.iter().map(Column::field).collect::<Vec<_>>()))
}

columns! {
    "runs" Col SCHEMA;
    workspace_id Id16 required "The tenant.";
    project_id Id16 required "The project.";
    trace_id Id16 required "The trace.";
    run_id Id16 required "The run; unique within project and trace.";
    time Time required "Derived: start_time, else received_at. Rows are sorted by (project_id, first time of the trace in the file, trace_id, time, run_id).";
    parent_run_id Id16 optional "The run above; null for a root.";
    span_id Id8 optional "The OTLP span id.";
    dotted_order Text optional "LangSmith's sortable path, where a client sent it.";
    name Word optional "What a person sees.";
    run_type Word optional "llm, chain, tool, retriever, embedding, prompt or parser; null reads as chain.";
    status Word required "Derived: pending, success or error.";
    said_status Word optional "The status that a client stated, if any.";
    error Text optional "Why it failed: message, then stack trace.";
    error_type Word optional "The class of the failure.";
    start_time Time optional "When the work began.";
    end_time Time optional "When the work ended; null while it runs.";
    first_token_time Time optional "When the first token of the answer arrived.";
    received_at Time required "When the server first heard of it.";
    input_messages Messages required "The messages that went in, each a JSON object; equal ones are stored once.";
    input_rest Text optional "What went in and is not a message: JSON.";
    output_messages Messages required "The messages that came out.";
    output_rest Text optional "What came out and is not a message: JSON.";
    fragments Text optional "Messages that arrived one by one: JSON.";
    invocation_params Word optional "Parameters of the model call: a JSON object.";
    model Word optional "The model that answered, as the client named it.";
    provider Word optional "Who served the model.";
    input_tokens Count optional "Tokens in, cached ones included.";
    output_tokens Count optional "Tokens out, reasoning included.";
    total_tokens Count optional "Derived: all tokens; what the client stated, else the sum.";
    said_total_tokens Count optional "The total that the client stated.";
    cache_read_tokens Count optional "Derived: tokens in that were read from a cache.";
    reasoning_tokens Count optional "Derived: tokens out that were spent on reasoning.";
    token_details Word optional "Token counts by kind: JSON with `input_details` and `output_details`.";
    input_cost Money optional "Dollars for the input.";
    output_cost Money optional "Dollars for the output.";
    total_cost Money optional "Dollars in all, of this run alone; null means unknown.";
    cost_details Text optional "Dollars by kind of token: JSON.";
    cost_source Word required "none, reported, priced:<price id> or unpriced:<reason>.";
    tokens_billed Flag required "Derived: whether its tokens count in totals; false for wrappers that repeat a child.";
    cost_billed Flag required "Derived: whether its cost counts in totals.";
    cost_gap Flag required "Derived: whether it should have a cost, has none, and nothing below it speaks for it.";
    is_trace_root Flag required "Derived: whether it stands for its trace: the first run without a parent, else without a known one.";
    thread_id Text optional "The conversation that the run itself names.";
    user_id Text optional "On whose behalf it ran.";
    tags Words required "Labels, sorted.";
    metadata Map required "What the user attached; values are JSON.";
    attributes Map required "What arrived and no rule consumed; values are JSON.";
    resource Word optional "Attributes of the sending process: a JSON object.";
    events Text optional "Things that happened inside the run: JSON.";
    links Text optional "Other spans that it points at: JSON.";
    service Word optional "service.name.";
    release Word optional "service.version.";
    environment Word optional "deployment.environment.name.";
    dialect Word optional "The dialect of instrumentation that decided the mapping.";
    scope_name Word optional "The instrumentation scope.";
    scope_version Word optional "Its version.";
    issues Text optional "What the mapping had to repair: JSON.";
    version Count required "How new the row is; decides conflicts between patches.";
    older_versions Text optional "Fields that are older than `version`: JSON.";
    input_preview Text optional "Derived: the beginning of the input as plain text.";
    output_preview Text optional "Derived: the beginning of the output as plain text.";
    sources Word optional "Which attribute filled which field: a JSON object.";
    response_id Text optional "Derived: the provider's id of the answer.";
    double_of Id16 optional "Derived: the run that tells of the same model call and counts instead of this one.";
    is_transport Flag optional "Derived: whether it is the HTTP or gRPC request that a client library made; null reads as no.";
    payload_removed Flag optional "Whether its inputs, outputs, attributes and events were removed after a time; null reads as no.";
}

impl Col {
    pub(crate) fn name(self) -> &'static str {
        TableColumn::name(self)
    }
}

/// A batch that an older version wrote, with the columns of today: those that it lacks are null.
pub(crate) fn modernize<C: TableColumn>(batch: &RecordBatch) -> Result<RecordBatch> {
    let schema = C::schema();
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), batch.num_rows()),
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).context(ErrorKind::Corrupt, || {
        format!("a stored batch has other columns than the table {}", C::TABLE)
    })
}

/// The memory that a batch takes. Buffers that columns share count once: those of a batch that was read from the log are all parts
/// of one.
pub(crate) fn memory_bytes(batch: &RecordBatch) -> usize {
    fn add(data: &ArrayData, seen: &mut FxHashSet<NonNull<u8>>) -> usize {
        let nulls = data.nulls().map(NullBuffer::buffer);
        let own: usize = data
            .buffers()
            .iter()
            .chain(nulls)
            .filter(|buffer| seen.insert(buffer.data_ptr()))
            .map(Buffer::capacity)
            .sum();
        own + data.child_data().iter().map(|child| add(child, seen)).sum::<usize>()
    }
    let mut seen = FxHashSet::default();
    batch.columns().iter().map(|column| size_of::<ArrayData>() + add(&column.to_data(), &mut seen)).sum()
}

/// The columns that make an [`crate::Outline`], and say whose rows they are.
pub(crate) const OUTLINE: &[Col] = &[
    Col::workspace_id,
    Col::project_id,
    Col::trace_id,
    Col::run_id,
    Col::time,
    Col::parent_run_id,
    Col::name,
    Col::run_type,
    Col::status,
    Col::error,
    Col::error_type,
    Col::end_time,
    Col::first_token_time,
    Col::model,
    Col::input_tokens,
    Col::output_tokens,
    Col::total_tokens,
    Col::cache_read_tokens,
    Col::reasoning_tokens,
    Col::input_cost,
    Col::output_cost,
    Col::total_cost,
    Col::cost_source,
    Col::thread_id,
    Col::user_id,
    Col::environment,
    Col::tags,
    Col::response_id,
    Col::is_transport,
    Col::scope_name,
    Col::dialect,
];

/// The columns that make a [`crate::RunSummary`] without metadata.
pub(crate) fn skeleton_columns() -> Vec<Col> {
    let others = [
        Col::span_id,
        Col::dotted_order,
        Col::received_at,
        Col::provider,
        Col::tokens_billed,
        Col::cost_billed,
        Col::cost_gap,
        Col::double_of,
        Col::service,
        Col::release,
        Col::input_preview,
        Col::output_preview,
    ];
    OUTLINE.iter().copied().chain(others).collect()
}

/// The columns that make a whole [`crate::RunSummary`].
pub(crate) fn list_columns() -> Vec<Col> {
    skeleton_columns().into_iter().chain([Col::metadata]).collect()
}

#[cfg(test)]
mod tests;
