//! Where the money went.

use std::cmp::Reverse;

use clearspan_model::{Decimal, RunType};
use clearspan_store::Text;
use rustc_hash::FxHashMap;
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

/// Where the hot path ends, else the model that took most.
pub(super) fn why_it_cost(tree: &Tree<'_>) -> Option<Finding> {
    let total = tree.trace_totals().total_cost.filter(|total| *total >= least_cost())?;
    hot_path(tree, total).or_else(|| hot_model(tree, total))
}

fn is_hot(part: Decimal, whole: Decimal) -> bool {
    part * Decimal::ONE_HUNDRED >= whole * Decimal::from(HOT_PERCENT)
}

/// Follows the hot path from the root and names where it ends.
fn hot_path(tree: &Tree<'_>, total: Decimal) -> Option<Finding> {
    let cost = |row: usize| tree.totals(row).total_cost.unwrap_or_default();

    let mut hot = tree.roots().max_by_key(|row| cost(*row))?;
    while let Some(child) =
        tree.children(hot).max_by_key(|row| cost(*row)).filter(|child| is_hot(cost(*child), cost(hot)))
    {
        hot = child;
    }
    let spent = cost(hot);
    // The trace itself is no answer, and neither is a part that is no larger than others.
    if tree.parent(hot).is_none() || !is_hot(spent, total) {
        return None;
    }
    let calls = tree.subtree(hot).filter(|row| tree.run(*row).counts_as_llm_call()).count();
    let run = tree.run(hot);
    let share = (spent * Decimal::ONE_HUNDRED / total).round();
    let how = match (run.run_type, calls) {
        (RunType::Llm, 1) => match (run.input_tokens, run.model.map(|model| tree.text(model))) {
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
    let name = tree.name(hot);
    let text = format!("{name} spent {share}% of the money, {} of {}{how}", money(spent), money(total));
    let numbers = [
        ("cost", json!(decimal_text(spent))),
        ("total_cost", json!(decimal_text(total))),
        ("share_percent", json!(i64::try_from(share).unwrap_or_default())),
        ("llm_calls", json!(calls)),
    ];
    Some(Rule::WhyItCost.find(tree, hot, Axis::Cost, text, numbers))
}

/// The money is spread over the tree: names the model that took most of it, if one did.
fn hot_model(tree: &Tree<'_>, total: Decimal) -> Option<Finding> {
    let mut by_model: FxHashMap<Text, (Decimal, u64, Vec<usize>)> = FxHashMap::default();
    for (row, run) in tree.runs().enumerate() {
        if let (Some(model), Some(cost), true) = (run.model, run.total_cost, tree.billed[row].cost) {
            let (spent, tokens, rows) = by_model.entry(model).or_default();
            *spent += cost;
            *tokens += run.input_tokens.unwrap_or(0);
            rows.push(row);
        }
    }
    let most = by_model.into_iter().max_by_key(|(model, (spent, ..))| (*spent, tree.text(*model)));
    let (model, (spent, tokens, rows)) = most.filter(|(_, (spent, ..))| is_hot(*spent, total))?;
    let dearest = rows.iter().copied().max_by_key(|row| (tree.run(*row).total_cost, Reverse(*row)))?;
    let share = (spent * Decimal::ONE_HUNDRED / total).round();
    let text = format!(
        "{} calls of {} spent {share}% of the money, {} of {}; together they read {} tokens",
        rows.len(),
        tree.text(model),
        money(spent),
        money(total),
        count(tokens)
    );
    let numbers = [
        ("cost", json!(decimal_text(spent))),
        ("total_cost", json!(decimal_text(total))),
        ("share_percent", json!(i64::try_from(share).unwrap_or_default())),
        ("llm_calls", json!(rows.len())),
        ("input_tokens", json!(tokens)),
    ];
    Some(Rule::WhyItCost.find(tree, dearest, Axis::Cost, text, numbers))
}
