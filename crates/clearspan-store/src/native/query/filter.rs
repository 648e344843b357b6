//! From a checked filter to DataFusion expressions.

use clearspan_model::{Decimal, ErrorKind};
use clearspan_query::{Expr as Filter, Field, Literal, Op};
use datafusion::functions_aggregate::expr_fn::bool_or;
use datafusion::logical_expr::{Expr, cast, lit, when};
use futures::FutureExt;
use futures::future::BoxFuture;
use rust_decimal::RoundingStrategy;
use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_128;

use super::search;
use super::texts::any_text;
use super::{Answer, Engine, collect, column, exact, id, money, named, planning, span, time, udf};
use crate::error::Context;
use crate::native::state::Snapshot;
use crate::schema::encode::money_to_units;
use crate::schema::{Col, MONEY_PRECISION, MONEY_SCALE};
use crate::store::{Scope, TimeRange};
use crate::texts;
use crate::{Result, summarize};

/// Names of the aggregates that every query over traces has.
pub(super) const START: &str = "trace_start";
pub(super) const END: &str = "trace_end";
pub(super) const COST: &str = "trace_cost";
pub(super) const INPUT_COST: &str = "trace_input_cost";
pub(super) const OUTPUT_COST: &str = "trace_output_cost";
pub(super) const INPUT_TOKENS: &str = "trace_input_tokens";
pub(super) const OUTPUT_TOKENS: &str = "trace_output_tokens";
pub(super) const TOTAL_TOKENS: &str = "trace_total_tokens";
pub(super) const GAPS: &str = "trace_gaps";

/// Translates the filter of one query.
pub(super) struct Translator<'a> {
    pub(super) engine: &'a Engine,
    pub(super) snapshot: &'a Snapshot,
    pub(super) scope: &'a Scope,
    /// What the terms on traces ask of the runs of each: aggregates, named by their place.
    pub(super) aggregates: Vec<Expr>,
    /// A condition that every trace in question is known to satisfy.
    pub(super) known: Option<&'a Filter>,
    sets: usize,
}

impl<'a> Translator<'a> {
    pub(super) fn new(engine: &'a Engine, snapshot: &'a Snapshot, scope: &'a Scope) -> Self {
        Self { engine, snapshot, scope, aggregates: Vec::new(), known: None, sets: 0 }
    }

    /// A condition on a row of the table.
    pub(super) fn run<'b>(&'b mut self, filter: &'b Filter) -> BoxFuture<'b, Result<Expr>> {
        async move {
            Ok(match filter {
                Filter::All(all) => {
                    let mut holds = lit(true);
                    for part in all {
                        holds = holds.and(self.run(part).await?);
                    }
                    holds
                }
                Filter::Any(any) => {
                    let mut holds = lit(false);
                    for part in any {
                        holds = holds.or(self.run(part).await?);
                    }
                    holds
                }
                Filter::Not(inner) => self.run(inner).await?.is_not_true(),
                Filter::Test(Field::Thread, op) => {
                    // A run's thread is its own, else its root's.
                    let own = run_test(&Field::Thread, op)?;
                    let of_root =
                        self.traces_where(own.clone().and(column(Col::is_trace_root)), filter).await?;
                    when(column(Col::thread_id).is_not_null(), own)
                        .otherwise(of_root)
                        .context(ErrorKind::Internal, planning)?
                }
                Filter::Test(field, op) => run_test(field, op)?,
                Filter::AnyRun(inner) => {
                    let holds = self.run(inner).await?;
                    self.traces_where(holds, inner).await?
                }
                Filter::Root(inner) => {
                    let holds = self.run(inner).await?;
                    self.traces_where(holds.and(column(Col::is_trace_root)), inner).await?
                }
            })
        }
        .boxed()
    }

    /// True for rows whose trace has a row for which the condition holds; it is made from `filter`.
    async fn traces_where(&mut self, condition: Expr, filter: &Filter) -> Result<Expr> {
        let candidates = search::candidates(self.snapshot, self.scope, filter).await?;
        let frame = self
            .engine
            .table(candidates.as_ref().unwrap_or(self.snapshot), self.scope, TimeRange::default())?
            .filter(condition)
            .and_then(|frame| frame.select(vec![column(Col::project_id), column(Col::trace_id)]))
            .and_then(|frame| frame.distinct())
            .context(ErrorKind::Internal, planning)?;
        let mut set = FxHashSet::default();
        for batch in collect(frame).await? {
            let answer = Answer::new(&batch);
            for row in 0..batch.num_rows() {
                let id = |col: Col| answer.id(col.name(), row);
                set.insert([id(Col::project_id)?, id(Col::trace_id)?]);
            }
        }
        self.sets += 1;
        Ok(udf::ids_in_set([Col::project_id, Col::trace_id].map(column), &self.sets.to_string(), set))
    }

    /// A condition on the aggregates of a trace.
    pub(super) fn trace<'b>(&'b mut self, filter: &'b Filter) -> BoxFuture<'b, Result<Expr>> {
        async move {
            Ok(match filter {
                known if self.known == Some(known) => lit(true),
                Filter::All(all) => {
                    let mut holds = lit(true);
                    for part in all {
                        holds = holds.and(self.trace(part).await?);
                    }
                    holds
                }
                Filter::Any(any) => {
                    let mut holds = lit(false);
                    for part in any {
                        holds = holds.or(self.trace(part).await?);
                    }
                    holds
                }
                Filter::Not(inner) => self.trace(inner).await?.is_not_true(),
                // Aggregates would read the texts of every run; a set of traces is found where the index points.
                Filter::AnyRun(_) | Filter::Root(_) if search::mentions_texts(filter) => {
                    self.run(filter).await?
                }
                Filter::Test(field, op) if texts::looks_at_texts(field, op) => {
                    self.run(&Filter::AnyRun(Box::new(filter.clone()))).await?
                }
                Filter::AnyRun(inner) => {
                    let holds = self.run(inner).await?;
                    self.any_run(holds)
                }
                Filter::Root(inner) => {
                    let holds = self.run(inner).await?;
                    self.root(holds)
                }
                Filter::Test(field, op) => self.trace_test(field, op).await?,
            })
        }
        .boxed()
    }

    async fn trace_test(&mut self, field: &Field, op: &Op) -> Result<Expr> {
        Ok(match field {
            Field::StartTime => compare_time(named(START), op),
            Field::Latency => compare_duration(span(named(START), named(END))?, op),
            Field::Cost => compare_number(named(COST), op),
            Field::InputCost => compare_number(named(INPUT_COST), op),
            Field::OutputCost => compare_number(named(OUTPUT_COST), op),
            Field::InputTokens => compare_number(number(named(INPUT_TOKENS)), op),
            Field::OutputTokens => compare_number(number(named(OUTPUT_TOKENS)), op),
            Field::TotalTokens => compare_number(number(named(TOTAL_TOKENS)), op),
            Field::IsUnpriced => compare(named(GAPS).gt(lit(0_i64)).is_true(), op, &literal_bool),
            Field::Model | Field::Provider | Field::Service | Field::Release => {
                let holds = run_test(field, op)?;
                self.any_run(holds)
            }
            _ => {
                let holds = self.run(&Filter::Test(field.clone(), op.clone())).await?;
                self.root(holds)
            }
        })
    }

    fn any_run(&mut self, holds: Expr) -> Expr {
        self.aggregate(bool_or(holds.is_true()))
    }

    fn aggregate(&mut self, aggregate: Expr) -> Expr {
        let name = format!("term_{}", self.aggregates.len());
        self.aggregates.push(aggregate.alias(&name));
        named(&name)
    }

    fn root(&mut self, holds: Expr) -> Expr {
        self.any_run(stands_for_trace().and(holds))
    }
}

/// The run that stands for its trace.
pub(super) fn stands_for_trace() -> Expr {
    column(Col::is_trace_root)
}

/// A test of one field of a row; null where the value is missing.
fn run_test(field: &Field, op: &Op) -> Result<Expr> {
    if texts::looks_at_texts(field, op) {
        return any_text(field, op);
    }
    Ok(match field {
        Field::RunId => compare_id(column(Col::run_id), op),
        Field::TraceId => compare_id(column(Col::trace_id), op),
        Field::ParentRunId => compare_id(column(Col::parent_run_id), op),
        Field::Name => compare_text(name()?, op),
        Field::RunType => compare_text(or_else(column(Col::run_type), "chain")?, op),
        Field::Status => compare_text(column(Col::status), op),
        Field::Error => compare_text(column(Col::error), op),
        Field::ErrorType => compare_text(column(Col::error_type), op),
        Field::Model => compare_text(column(Col::model), op),
        Field::Provider => compare_text(column(Col::provider), op),
        Field::User => compare_text(column(Col::user_id), op),
        Field::Thread => compare_text(column(Col::thread_id), op),
        Field::Environment => compare_text(column(Col::environment), op),
        Field::Service => compare_text(column(Col::service), op),
        Field::Release => compare_text(column(Col::release), op),
        Field::Tag => any_tag(op),
        Field::Metadata(key) => compare_entry(udf::map_text(column(Col::metadata), key), op),
        Field::StartTime => compare_time(column(Col::time), op),
        Field::EndTime => compare_time(column(Col::end_time), op),
        Field::Latency => compare_duration(span(column(Col::time), column(Col::end_time))?, op),
        Field::TimeToFirstToken => {
            compare_duration(span(column(Col::time), column(Col::first_token_time))?, op)
        }
        Field::InputTokens => compare_number(number(column(Col::input_tokens)), op),
        Field::OutputTokens => compare_number(number(column(Col::output_tokens)), op),
        Field::TotalTokens => compare_number(number(column(Col::total_tokens)), op),
        Field::Cost => compare_number(column(Col::total_cost), op),
        Field::InputCost => compare_number(column(Col::input_cost), op),
        Field::OutputCost => compare_number(column(Col::output_cost), op),
        Field::MetadataExcept(keys) => any_metadata(keys, op),
        Field::Text | Field::Input | Field::Output | Field::InputAt(_) | Field::OutputAt(_) => lit(false),
        Field::IsRoot => compare(column(Col::parent_run_id).is_null(), op, &literal_bool),
        Field::IsUnpriced => {
            let unpriced = column(Col::cost_source).like(lit("unpriced:%"));
            let is_single = column(Col::double_of).is_null();
            let is_unpriced = unpriced.and(column(Col::total_cost).is_null()).and(is_single);
            compare(is_unpriced.is_true(), op, &literal_bool)
        }
    })
}

pub(super) fn name() -> Result<Expr> {
    or_else(column(Col::name), summarize::UNNAMED)
}

pub(super) fn or_else(text: Expr, default: &str) -> Result<Expr> {
    let plain = cast(text.clone(), arrow::datatypes::DataType::Utf8);
    when(text.is_null(), lit(default)).otherwise(plain).context(ErrorKind::Internal, planning)
}

fn number(count: Expr) -> Expr {
    cast(exact(count), arrow::datatypes::DataType::Decimal128(MONEY_PRECISION, MONEY_SCALE))
}

fn compare_text(text: Expr, op: &Op) -> Expr {
    match op {
        Op::Contains(part) => text.ilike(lit(format!("%{}%", escape_like(part)))),
        Op::Glob(pattern) => {
            let parts: Vec<String> = pattern.split('*').map(escape_like).collect();
            text.ilike(lit(parts.join("%")))
        }
        _ => compare(text, op, &|literal| match literal {
            Literal::Text(text) => Some(lit(text.as_str())),
            Literal::RunType(run_type) => Some(lit(run_type.as_str())),
            Literal::Status(status) => Some(lit(status.as_str())),
            _ => None,
        }),
    }
}

fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// More ids than these are looked up in a set: the planner looks at each part of a list.
const MANY_IDS: usize = 64;

fn compare_id(expr: Expr, op: &Op) -> Expr {
    if let Op::In(literals) = op
        && literals.len() > MANY_IDS
    {
        let set: FxHashSet<[u8; 16]> = literals
            .iter()
            .filter_map(|literal| match literal {
                Literal::Id(bytes) => Some(*bytes),
                _ => None,
            })
            .collect();
        // The name tells functions of one query apart; no two lists of a query have the same ids and differ.
        let label = format!("{expr}, {}, {:x}", set.len(), fingerprint(&set));
        return udf::id_in_set(expr, &label, set);
    }
    compare(expr, op, &|literal| match literal {
        Literal::Id(bytes) => Some(id(bytes)),
        _ => None,
    })
}

fn compare_time(expr: Expr, op: &Op) -> Expr {
    compare(expr, op, &|literal| match literal {
        Literal::Time(at) => Some(time(*at)),
        _ => None,
    })
}

fn compare_duration(expr: Expr, op: &Op) -> Expr {
    compare(expr, op, &|literal| match literal {
        Literal::Duration(nanos) => Some(lit(*nanos)),
        _ => None,
    })
}

fn compare_number(expr: Expr, op: &Op) -> Expr {
    // Stored figures have twelve places. A literal with more lies between two of them, so that comparing with the
    // lower one answers for it.
    let lower = |literal: &Literal| match literal {
        Literal::Number(value) => money_to_units(value.floor_dp()),
        _ => None,
    };
    let is_between =
        |literal: &Literal| matches!(literal, Literal::Number(value) if value.floor_dp() != *value);
    let floor = |literal: &Literal| lower(literal).map(money);
    match op {
        Op::Ge(value) if is_between(value) => compare(expr, &Op::Gt(value.clone()), &floor),
        Op::Lt(value) if is_between(value) => compare(expr, &Op::Le(value.clone()), &floor),
        _ => compare(expr, op, &|literal| match (op, is_between(literal)) {
            (Op::Eq(_) | Op::In(_), true) => None,
            _ => floor(literal),
        }),
    }
}

/// Rounds down to the places that money is stored with.
trait FloorPlaces {
    fn floor_dp(&self) -> Self;
}

impl FloorPlaces for Decimal {
    fn floor_dp(&self) -> Self {
        self.round_dp_with_strategy(
            u32::from(MONEY_SCALE.unsigned_abs()),
            RoundingStrategy::ToNegativeInfinity,
        )
    }
}

fn literal_bool(literal: &Literal) -> Option<Expr> {
    match literal {
        Literal::Bool(value) => Some(lit(*value)),
        _ => None,
    }
}

/// Compares with literals; one whose kind does not suit the field equals nothing.
fn compare(expr: Expr, op: &Op, literal: &dyn Fn(&Literal) -> Option<Expr>) -> Expr {
    let with = |value: &Literal, make: fn(Expr, Expr) -> Expr| {
        literal(value).map_or_else(|| lit(false), |value| make(expr.clone(), value))
    };
    match op {
        Op::Exists => expr.is_not_null(),
        Op::Eq(value) => with(value, Expr::eq),
        Op::In(values) => expr.in_list(values.iter().filter_map(literal).collect(), false),
        Op::Lt(value) => with(value, Expr::lt),
        Op::Le(value) => with(value, Expr::lt_eq),
        Op::Gt(value) => with(value, Expr::gt),
        Op::Ge(value) => with(value, Expr::gt_eq),
        Op::Contains(_) | Op::Glob(_) | Op::Search(_) => lit(false),
    }
}

/// A number that two different sets do not share.
fn fingerprint(set: &FxHashSet<[u8; 16]>) -> u128 {
    let mut ids: Vec<&[u8; 16]> = set.iter().collect();
    ids.sort_unstable();
    xxh3_128(&ids.into_iter().flatten().copied().collect::<Vec<u8>>())
}

fn compare_entry(value: Expr, op: &Op) -> Expr {
    if !matches!(op, Op::Lt(_) | Op::Le(_) | Op::Gt(_) | Op::Ge(_)) {
        return compare_text(value, op);
    }
    let (label, op) = (format!("{op:?}"), op.clone());
    udf::text_holds(value, &label, move |value| crate::text::entry_matches(value, &op))
}

fn any_metadata(keys: &[String], op: &Op) -> Expr {
    let label = format!("{keys:?}, {op:?}");
    let (keys, op) = (keys.to_vec(), op.clone());
    udf::any_entry(column(Col::metadata), &label, move |key, value| {
        !keys.iter().any(|except| except == key) && crate::text::entry_matches(value, &op)
    })
}

fn any_tag(op: &Op) -> Expr {
    let label = format!("{op:?}");
    let op = op.clone();
    udf::any_word(column(Col::tags), &label, move |tag| crate::text::matches(tag, &op))
}
