//! Whether a run or a trace satisfies an [`Expr`].

use std::cmp::Ordering;

use clearspan_query::{Expr, Field, Literal, Op, compare_entries};

use super::Trace;
use crate::texts::{self, TextTest};
use crate::{RunSummary, summarize};

/// Whether a run satisfies a condition; `trace` is the one that it belongs to.
pub(super) fn run_matches(expr: &Expr, run: &RunSummary, trace: &Trace) -> bool {
    matches(expr, Row { trace, run: Some(run) })
}

/// Whether a trace satisfies a condition.
pub(super) fn trace_matches(expr: &Expr, trace: &Trace) -> bool {
    matches(expr, Row { trace, run: None })
}

/// A run of a trace, or the trace itself.
#[derive(Clone, Copy)]
struct Row<'a> {
    trace: &'a Trace,
    run: Option<&'a RunSummary>,
}

fn matches(expr: &Expr, row: Row<'_>) -> bool {
    match expr {
        Expr::All(all) => all.iter().all(|expr| matches(expr, row)),
        Expr::Any(any) => any.iter().any(|expr| matches(expr, row)),
        Expr::Not(expr) => !matches(expr, row),
        Expr::Test(field, op) if texts::looks_at_texts(field, op) => any_text(field, op, row),
        Expr::Test(field, op) => values(field, row).iter().any(|value| match field {
            Field::Metadata(_) | Field::MetadataExcept(_) => test_entry(value, op),
            _ => test(value, op),
        }),
        Expr::AnyRun(expr) => row.trace.runs.iter().any(|run| run_matches(expr, run, row.trace)),
        Expr::Root(expr) => run_matches(expr, &row.trace.summary.root, row.trace),
    }
}

/// Whether a text of the run passes; of a trace, a text of any run.
fn any_text(field: &Field, op: &Op, row: Row<'_>) -> bool {
    let test = TextTest::new(op).expect("a filter holds valid searches");
    let mut runs =
        row.trace.whole.iter().filter(|whole| row.run.is_none_or(|run| run.run_id == whole.key.run_id));
    runs.any(|run| texts::any_of_run(run, field, &test))
}

/// The values of a field: none when it is missing, several for tags and for what any run of a trace may have.
fn values(field: &Field, row: Row<'_>) -> Vec<Literal> {
    if let Some(run) = row.run {
        return run_values(field, run, row.trace);
    }
    let (trace, summary) = (row.trace, &row.trace.summary);
    match field {
        Field::StartTime => vec![Literal::Time(summary.start_time)],
        Field::Latency => super::trace_latency(summary).map(Literal::Duration).into_iter().collect(),
        Field::InputTokens => number(summary.input_tokens),
        Field::OutputTokens => number(summary.output_tokens),
        Field::TotalTokens => number(summary.total_tokens),
        Field::Cost => summary.total_cost.map(Literal::Number).into_iter().collect(),
        Field::InputCost => summary.input_cost.map(Literal::Number).into_iter().collect(),
        Field::OutputCost => summary.output_cost.map(Literal::Number).into_iter().collect(),
        Field::IsUnpriced => vec![Literal::Bool(summary.unpriced_count > 0)],
        Field::Model | Field::Provider | Field::Service | Field::Release => {
            trace.runs.iter().flat_map(|run| run_values(field, run, trace)).collect()
        }
        _ => run_values(field, &summary.root, trace),
    }
}

fn run_values(field: &Field, run: &RunSummary, trace: &Trace) -> Vec<Literal> {
    match field {
        Field::RunId => vec![Literal::Id(*run.run_id.as_bytes())],
        Field::TraceId => vec![Literal::Id(*run.trace_id.as_bytes())],
        Field::ParentRunId => run.parent_run_id.iter().map(|id| Literal::Id(*id.as_bytes())).collect(),
        Field::Name => vec![Literal::Text(run.name.clone())],
        Field::RunType => vec![Literal::RunType(run.run_type)],
        Field::Status => vec![Literal::Status(run.status)],
        Field::Error => text(run.error.as_ref()),
        Field::ErrorType => text(run.error_type.as_ref()),
        Field::Text | Field::Input | Field::Output | Field::InputAt(_) | Field::OutputAt(_) => {
            unreachable!("these are looked at by `any_text`")
        }
        Field::MetadataExcept(keys) => {
            let others = run.metadata.iter().filter(|(key, _)| !keys.contains(key));
            others.map(|(_, value)| Literal::Text(value.to_plain())).collect()
        }
        Field::Model => text(run.model.as_ref()),
        Field::Provider => text(run.provider.as_ref()),
        Field::User => text(run.user_id.as_ref()),
        Field::Thread => text(run.thread_id.as_ref().or(trace.summary.root.thread_id.as_ref())),
        Field::Environment => text(run.environment.as_ref()),
        Field::Service => text(run.service.as_ref()),
        Field::Release => text(run.release.as_ref()),
        Field::Tag => text(&run.tags),
        Field::Metadata(key) => {
            run.metadata.get(key).map(|v| Literal::Text(v.to_plain())).into_iter().collect()
        }
        Field::StartTime => vec![Literal::Time(run.start_time)],
        Field::EndTime => run.end_time.map(Literal::Time).into_iter().collect(),
        Field::Latency => run.latency_nanos().map(Literal::Duration).into_iter().collect(),
        Field::TimeToFirstToken => {
            let first_token = run.first_token_time.map(|time| time.nanos_since(run.start_time));
            first_token.map(Literal::Duration).into_iter().collect()
        }
        Field::InputTokens => number(run.input_tokens),
        Field::OutputTokens => number(run.output_tokens),
        Field::TotalTokens => number(run.total_tokens),
        Field::Cost => run.total_cost.map(Literal::Number).into_iter().collect(),
        Field::InputCost => run.input_cost.map(Literal::Number).into_iter().collect(),
        Field::OutputCost => run.output_cost.map(Literal::Number).into_iter().collect(),
        Field::IsRoot => vec![Literal::Bool(run.parent_run_id.is_none())],
        Field::IsUnpriced => vec![Literal::Bool(summarize::is_unpriced(run))],
    }
}

fn text<'a>(values: impl IntoIterator<Item = &'a String>) -> Vec<Literal> {
    values.into_iter().cloned().map(Literal::Text).collect()
}

fn number(count: Option<u64>) -> Vec<Literal> {
    count.map(|count| Literal::Number(count.into())).into_iter().collect()
}

fn test(value: &Literal, op: &Op) -> bool {
    match op {
        Op::Exists => true,
        Op::Eq(other) => value == other,
        Op::In(others) => others.contains(value),
        Op::Lt(other) => order(value, other).is_some_and(Ordering::is_lt),
        Op::Le(other) => order(value, other).is_some_and(Ordering::is_le),
        Op::Gt(other) => order(value, other).is_some_and(Ordering::is_gt),
        Op::Ge(other) => order(value, other).is_some_and(Ordering::is_ge),
        Op::Search(_) => false,
        Op::Contains(part) => plain(value).is_some_and(|text| text.contains(&part.to_lowercase())),
        Op::Glob(pattern) => plain(value).is_some_and(|text| glob(&pattern.to_lowercase(), &text)),
    }
}

/// Values of metadata have an order of their own.
fn test_entry(value: &Literal, op: &Op) -> bool {
    let order = |other: &Literal| match (value, other) {
        (Literal::Text(value), Literal::Text(other)) => compare_entries(value, other),
        _ => None,
    };
    match op {
        Op::Lt(other) => order(other).is_some_and(Ordering::is_lt),
        Op::Le(other) => order(other).is_some_and(Ordering::is_le),
        Op::Gt(other) => order(other).is_some_and(Ordering::is_gt),
        Op::Ge(other) => order(other).is_some_and(Ordering::is_ge),
        op => test(value, op),
    }
}

/// `None` for values of two kinds, which cannot be compared.
fn order(one: &Literal, other: &Literal) -> Option<Ordering> {
    match (one, other) {
        (Literal::Text(one), Literal::Text(other)) => Some(one.cmp(other)),
        (Literal::Id(one), Literal::Id(other)) => Some(one.cmp(other)),
        (Literal::Number(one), Literal::Number(other)) => Some(one.cmp(other)),
        (Literal::Duration(one), Literal::Duration(other)) => Some(one.cmp(other)),
        (Literal::Time(one), Literal::Time(other)) => Some(one.cmp(other)),
        (Literal::Bool(one), Literal::Bool(other)) => Some(one.cmp(other)),
        (Literal::RunType(one), Literal::RunType(other)) => Some(one.cmp(other)),
        (Literal::Status(one), Literal::Status(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// The text of what is text, in lower case.
fn plain(value: &Literal) -> Option<String> {
    match value {
        Literal::Text(text) => Some(text.to_lowercase()),
        Literal::RunType(run_type) => Some(run_type.to_string()),
        Literal::Status(status) => Some(status.to_string()),
        Literal::Id(_) | Literal::Number(_) | Literal::Duration(_) | Literal::Time(_) | Literal::Bool(_) => {
            None
        }
    }
}

/// Whether the whole text matches a pattern in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}
