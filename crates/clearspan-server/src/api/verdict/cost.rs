//! Where the money went.

use clearspan_model::{Decimal, RunType};
use serde_json::json;

use super::{Axis, Finding, Rule};
use crate::api::format::{count, money};
use crate::api::tree::Tree;
use crate::api::types::decimal_text;

/// A child with this much of its parent's cost is followed.
const HOT_PERCENT: i64 = 45;
/// Cheaper traces need no explanation: one cent, in dollars.
fn least_cost() -> Decimal {
    Decimal::new(1, 2)
}

/// Follows the hot path from the root and names where it ends.
pub(super) fn why_it_cost(tree: &Tree) -> Option<Finding> {
    let total = tree.trace_totals().total_cost.filter(|total| *total >= least_cost())?;
    let cost = |row: usize| tree.totals[row].total_cost.unwrap_or_default();
    let is_hot =
        |part: Decimal, whole: Decimal| part * Decimal::ONE_HUNDRED >= whole * Decimal::from(HOT_PERCENT);

    let mut hot = tree.roots().max_by_key(|row| cost(*row))?;
    while let Some(child) =
        tree.children(hot).max_by_key(|row| cost(*row)).filter(|child| is_hot(cost(*child), cost(hot)))
    {
        hot = child;
    }
    let spent = cost(hot);
    // The trace itself is no answer, and neither is a part that is no larger than others.
    if tree.parents[hot].is_none() || !is_hot(spent, total) {
        return None;
    }
    let below = hot..hot + tree.sizes[hot];
    let calls = below.filter(|row| tree.runs[*row].run_type == RunType::Llm).count();
    let run = &tree.runs[hot];
    let share = (spent * Decimal::ONE_HUNDRED / total).round();
    let how = match (run.run_type, calls) {
        (RunType::Llm, _) => match (tree.runs[hot].input_tokens, &run.model) {
            (Some(tokens), Some(model)) => {
                format!(" in one call of {model} that read {} tokens", count(tokens))
            }
            (Some(tokens), None) => format!(" in one call that read {} tokens", count(tokens)),
            (None, _) => " in one call".to_owned(),
        },
        (_, 0) => String::new(),
        (_, 1) => " in one model call".to_owned(),
        (_, calls) => format!(" in {calls} model calls"),
    };
    let text = format!("{} spent {share}% of the money, {} of {}{how}", run.name, money(spent), money(total));
    let numbers = [
        ("cost", json!(decimal_text(spent))),
        ("total_cost", json!(decimal_text(total))),
        ("share_percent", json!(i64::try_from(share).unwrap_or_default())),
        ("llm_calls", json!(calls)),
    ];
    Some(Rule::WhyItCost.find(tree, hot, Axis::Cost, text, numbers))
}
