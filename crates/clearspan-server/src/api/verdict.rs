//! Where did it break, and why did it get expensive: plain sentences by fixed rules, each with its proof.
//!
//! A rule is a pure function of the tree that finds at most one thing. Quiet when fine: a healthy, cheap trace
//! has no findings. The rules are those of the interface's design, section 6; the thresholds are named here.

mod context;
mod cost;
mod failure;

use std::collections::BTreeMap;

use clearspan_model::RunId;
use clearspan_store::Outline;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::tree::{Tree, inputs_of_tries};

/// The answer to both questions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verdict {
    /// What is usual for traces of this name; null when there are too few to say.
    pub(crate) baseline: Option<Baseline>,
    /// The most important first.
    pub(crate) findings: Vec<Finding>,
}

/// What successful traces of the same name did in the last seven days.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Baseline {
    /// How many there were.
    pub(crate) runs: u64,
    /// Their median latency.
    pub(crate) p50_us: Option<i64>,
    /// Their median cost in dollars.
    pub(crate) p50_cost: Option<String>,
}

/// One sentence and where to look.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) title: &'static str,
    pub(crate) text: String,
    #[schema(value_type = String)]
    pub(crate) run_id: RunId,
    pub(crate) axis: Axis,
    /// The figures behind the sentence.
    pub(crate) numbers: BTreeMap<&'static str, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rule {
    WhereItBroke,
    SlowRecovery,
    WhyItCost,
    ContextGrowth,
    Loop,
    CacheMiss,
    SlowFirstToken,
    MissingSpans,
}

/// What the sentence measures, so that the page can switch to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Axis {
    Time,
    Cost,
    Tokens,
}

/// Everything worth saying about a trace, the most important first.
pub(crate) fn findings(tree: &Tree<'_>) -> Vec<Finding> {
    let rules: [fn(&Tree<'_>) -> Option<Finding>; 8] = [
        failure::where_it_broke,
        failure::slow_recovery,
        cost::why_it_cost,
        context::context_growth,
        failure::repeated_tool_call,
        context::cache_miss,
        failure::slow_first_token,
        failure::missing_spans,
    ];
    rules.iter().filter_map(|rule| rule(tree)).collect()
}

/// The runs whose inputs a rule compares: they are dear to read, and no other rule looks at them.
pub(crate) fn inputs_of(outline: &Outline) -> Vec<usize> {
    let mut positions = failure::calls_that_may_repeat(outline);
    positions.extend(inputs_of_tries(outline));
    positions.sort_unstable();
    positions.dedup();
    positions
}

impl Rule {
    fn title(self) -> &'static str {
        match self {
            Self::WhereItBroke => "Where it broke",
            Self::SlowRecovery => "Slow recovery",
            Self::WhyItCost => "Why it cost",
            Self::ContextGrowth => "Context growth",
            Self::Loop => "Loop",
            Self::CacheMiss => "Cache miss",
            Self::SlowFirstToken => "Slow first token",
            Self::MissingSpans => "Missing spans",
        }
    }

    fn find<const N: usize>(
        self,
        tree: &Tree<'_>,
        row: usize,
        axis: Axis,
        text: String,
        numbers: [(&'static str, Value); N],
    ) -> Finding {
        let run_id = tree.run(row).run_id;
        Finding { rule: self, title: self.title(), text, run_id, axis, numbers: BTreeMap::from(numbers) }
    }
}

/// Whole per cent, rounded.
fn percent(part: u128, whole: u128) -> u128 {
    (part * 100 + whole / 2).checked_div(whole).unwrap_or(0)
}

#[cfg(test)]
mod tests;
