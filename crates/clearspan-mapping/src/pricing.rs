//! What a run cost: what the client reported, else tokens times a price, else a reason why there is no figure.
//!
//! This module owns the price records ([`PriceEntry`]), the built-in list (`prices/*.json`, written by
//! `cargo xtask prices`), how a model name finds its price, and the arithmetic. It leaves sums over a tree to
//! `clearspan_model::rollup`.
//!
//! Invariants: money is decimal with at most twelve places, never a float; the parts sum to the total; no part is
//! negative; a missing price is [`CostSource::Unpriced`] with a reason and never zero. A price of zero is a price.

mod amount;
mod builtin;
mod entry;
mod files;
mod index;
mod name;
mod provider;

use std::sync::{Arc, LazyLock};

use clearspan_model::{
    Cost, CostSource, Decimal, JsonText, Run, RunType, Side, Status, UnixNanos, UnpricedReason, Usage,
};

use amount::Amounts;
pub use entry::{Hours, PriceEntry, Rates, Tier};
use index::{Index, Lookup};

use crate::json::{Json, parse};

static BUILTIN: LazyLock<PriceTable> =
    LazyLock::new(|| PriceTable { overrides: Index::default(), builtin: builtin::load() });

/// The prices that are in force. Immutable: share it between threads.
#[derive(Debug, Clone)]
pub struct PriceTable {
    overrides: Index,
    builtin: Arc<Index>,
}

impl PriceTable {
    /// The list that Clearspan ships. The first call reads it, which takes some milliseconds.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The built-in list with the user's entries before it: of two matches that are equally specific
    /// theirs wins, from its start date on.
    pub fn with_overrides(mut entries: Vec<PriceEntry>) -> Self {
        entries.sort_by_key(|entry| entry.from);
        Self { overrides: Index::new(entries), builtin: Arc::clone(&BUILTIN.builtin) }
    }

    /// The id of the entry that prices a model at a time.
    pub fn price_id(
        &self,
        provider: Option<&str>,
        model: &str,
        at: UnixNanos,
    ) -> Result<&str, UnpricedReason> {
        self.find(provider, model, at).map(|entry| entry.id.as_str())
    }

    /// Gives the run its cost. A cost that was computed before is computed anew; a reported one is kept and
    /// what it leaves open is filled in.
    ///
    /// Call it on a whole run: a patch that brings only the end of a run has no model and would count as unpriced.
    pub fn price(&self, run: &mut Run) {
        let reported = run.cost.take().filter(|cost| cost.source == CostSource::Reported).and_then(sane);
        run.cost = match reported {
            Some(cost) => Some(self.fill_in(cost, run)),
            None if !is_priced_by_tokens(run) => None,
            None => Some(match self.compute(run) {
                Ok((entry, amounts)) => amounts.into_cost(CostSource::Priced { price_id: entry.id.clone() }),
                Err(reason) => Cost { source: CostSource::Unpriced { reason }, ..Cost::default() },
            }),
        };
    }

    fn compute(&self, run: &Run) -> Result<(&PriceEntry, Amounts), UnpricedReason> {
        let usage = run.usage.as_ref().filter(|usage| has_counts(usage)).ok_or(UnpricedReason::NoUsage)?;
        let model =
            run.model.as_deref().filter(|model| !model.trim().is_empty()).ok_or(UnpricedReason::NoModel)?;
        let at = run.start_time.unwrap_or(run.received_at);
        let entry = self.find(run.provider.as_deref(), model, at)?;
        Ok((entry, Amounts::of(entry, usage, run.effective_type())?))
    }

    /// Takes what the client reported side by side with what can be computed. A lone total stays as it is:
    /// nobody knows how it splits.
    fn fill_in(&self, mut cost: Cost, run: &Run) -> Cost {
        let computed = || self.compute(run).ok().map(|(_, amounts)| amounts.into_cost(CostSource::Reported));
        match (cost.input, cost.output, cost.total) {
            (Some(input), None, Some(total)) => cost.output = Some(difference(total, input)),
            (None, Some(output), Some(total)) => cost.input = Some(difference(total, output)),
            (Some(_), None, None) => cost.output = computed().and_then(|computed| computed.output),
            (None, Some(_), None) => cost.input = computed().and_then(|computed| computed.input),
            (Some(_), Some(_), _) | (None, None, _) => {}
        }
        if cost.total.is_none() {
            let sides = [cost.input, cost.output];
            let sum = sides.into_iter().flatten().fold(Decimal::ZERO, Decimal::saturating_add);
            cost.total = Some(sum.normalize());
        }
        cost
    }

    fn find(
        &self,
        provider: Option<&str>,
        model: &str,
        at: UnixNanos,
    ) -> Result<&PriceEntry, UnpricedReason> {
        let mut known = false;
        let found = name::search(provider, model, |seller, key| {
            [self.overrides.get(seller, key, at), self.builtin.get(seller, key, at)].into_iter().find_map(
                |place| match place {
                    Lookup::Found(entry) => Some(entry),
                    Lookup::NotAtThatTime => {
                        known = true;
                        None
                    }
                    Lookup::Unknown => None,
                },
            )
        });
        found.ok_or(if known { UnpricedReason::NoPriceAtTime } else { UnpricedReason::UnknownModel })
    }
}

/// Model calls are priced by their tokens; so is reranking, which is a retriever that names a model.
/// Tools and chains cost what they say. A call that is still running may yet tell its tokens; one that failed without
/// an answer cost nothing that anybody knows of.
fn is_priced_by_tokens(run: &Run) -> bool {
    let has_usage = run.usage.as_ref().is_some_and(has_counts);
    match run.effective_type() {
        RunType::Llm | RunType::Embedding => has_usage || (run.end_time.is_some() && !failed_unanswered(run)),
        RunType::Retriever => has_usage && run.model.is_some(),
        RunType::Chain | RunType::Tool | RunType::Prompt | RunType::Parser => false,
    }
}

/// What else came out of a failed call is the story of the failure: LangChain puts the refusal into an empty generation.
fn failed_unanswered(run: &Run) -> bool {
    run.effective_status() == Status::Error && !run.messages(Side::Output).iter().any(says_something)
}

/// Whether a message has content, beside its role and an empty text.
fn says_something(message: &JsonText) -> bool {
    let Ok(Json::Object(members)) = parse(message.as_str()) else { return true };
    let is_empty = |value: &Json<'_>| match value {
        Json::Null => true,
        Json::String(text) => text.decode().trim().is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    };
    members
        .iter()
        .any(|(name, value)| ["content", "tool_calls"].contains(&&*name.decode()) && !is_empty(value))
}

fn has_counts(usage: &Usage) -> bool {
    usage.input_tokens.is_some()
        || usage.output_tokens.is_some()
        || usage.total_tokens.is_some()
        || !usage.input_details.is_empty()
        || !usage.output_details.is_empty()
}

fn difference(total: Decimal, side: Decimal) -> Decimal {
    total.saturating_sub(side).max(Decimal::ZERO).normalize()
}

/// The reported figures, rounded, without those that cannot be; `None` when nothing is left.
fn sane(mut cost: Cost) -> Option<Cost> {
    for figure in [&mut cost.input, &mut cost.output, &mut cost.total] {
        *figure = figure.filter(|money| !money.is_sign_negative() || money.is_zero()).map(amount::rounded);
    }
    cost.details.retain(|_, money| !money.is_sign_negative());
    cost.details.values_mut().for_each(|money| *money = amount::rounded(*money));
    for (side, prefix) in [(&mut cost.input, "input."), (&mut cost.output, "output.")] {
        let mut parts = cost
            .details
            .iter()
            .filter(|(key, _)| key.starts_with(prefix))
            .map(|(_, money)| *money)
            .peekable();
        if side.is_none() && cost.total.is_none() && parts.peek().is_some() {
            *side = Some(parts.fold(Decimal::ZERO, Decimal::saturating_add));
        }
    }
    (cost.input.is_some() || cost.output.is_some() || cost.total.is_some()).then_some(cost)
}

#[cfg(test)]
mod tests;
