//! Reported costs, exact: the decimal that the client wrote, never a float.

use clearspan_model::{Cost, CostSource, Decimal, Name};

use super::Money;
use super::usage::{input_detail, output_detail};
use crate::json::{Json, float_text};

/// A sum of money. Negative ones are discounts and no cost of a run.
pub(super) fn read_money(json: &Json<'_>) -> Option<Decimal> {
    let money = match json {
        Json::Int(number) => Decimal::from(*number),
        Json::Float(number) => parse_decimal(&float_text(*number))?,
        Json::Number(digits) => parse_decimal(digits)?,
        Json::String(text) => parse_decimal(text.simple().trim().trim_start_matches('$'))?,
        _ => return None,
    };
    (!money.is_sign_negative() || money.is_zero()).then(|| money.normalize())
}

fn parse_decimal(text: &str) -> Option<Decimal> {
    text.parse().or_else(|_| Decimal::from_scientific(text)).ok()
}

/// Takes a figure unless a stronger source told it. True when it is used or repeats what is known.
pub(super) fn fill(cost: &mut Cost, part: Money, money: Decimal) -> bool {
    let known = match part {
        Money::Input => cost.input.get_or_insert(money),
        Money::Output => cost.output.get_or_insert(money),
        Money::Total => cost.total.get_or_insert(money),
        Money::Detail(name) => cost.details.entry(name.to_owned()).or_insert(money),
    };
    *known == money
}

/// Reads an object of costs: Langfuse's `cost_details`, LangSmith's `usage_metadata`. Returns the parts that it held.
pub(super) fn fill_from_json(cost: &mut Cost, json: &Json<'_>, names: &[(&str, Money)]) -> Vec<Money> {
    let mut found = Vec::new();
    for (name, part) in names {
        if let Some(money) = json.get(name).and_then(read_money).filter(|money| !money.is_zero()) {
            fill(cost, *part, money);
            found.push(*part);
        }
    }
    found
}

/// Reads what parts of each side cost: `input_cost_details` and `output_cost_details` beside token counts. Returns the names
/// of the parts. Clients may have parts that nobody knows here; they keep their names.
pub(super) fn fill_details_from_json(cost: &mut Cost, json: &Json<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (member, side, known) in [
        ("input_cost_details", "input", input_detail as fn(&str) -> Option<&'static str>),
        ("output_cost_details", "output", output_detail),
    ] {
        for (name, value) in json.get(member).and_then(Json::members).unwrap_or_default() {
            let name = name.decode();
            let Some(money) = read_money(value).filter(|money| !money.is_zero()) else { continue };
            if name.len() > MAX_DETAIL_BYTES || found.len() >= MAX_DETAILS {
                continue;
            }
            let name = format!("{side}.{}", known(&name).unwrap_or(&name));
            cost.details.entry(name.clone()).or_insert(money);
            found.push(name);
        }
    }
    found
}

/// The longest name of a part of a cost, and how many of them a run has at most: nobody's costs have as many.
const MAX_DETAIL_BYTES: usize = 64;
const MAX_DETAILS: usize = 64;

impl Money {
    /// The field that it is.
    pub(super) fn field(self) -> Name {
        match self {
            Self::Input => Name::Borrowed("cost.input"),
            Self::Output => Name::Borrowed("cost.output"),
            Self::Total => Name::Borrowed("cost.total"),
            Self::Detail(name) => Name::Owned(format!("cost.details.{name}")),
        }
    }
}

/// Names of costs in an object that holds nothing else.
pub(super) const COST_NAMES: &[(&str, Money)] =
    &[("input", Money::Input), ("output", Money::Output), ("total", Money::Total)];

/// Names of costs beside token counts.
pub(super) const USAGE_COST_NAMES: &[(&str, Money)] =
    &[("input_cost", Money::Input), ("output_cost", Money::Output), ("total_cost", Money::Total)];

/// The cost, if a client reported one. The total is the sum where only both sides were told.
pub(super) fn finish(mut cost: Cost) -> Option<Cost> {
    if cost == Cost::default() {
        return None;
    }
    if let (None, Some(input), Some(output)) = (cost.total, cost.input, cost.output) {
        cost.total = input.checked_add(output);
    }
    cost.source = CostSource::Reported;
    Some(cost)
}

/// Whether it tells of no money at all: what a client says that has seen no tokens, because the stream broke.
pub(super) fn is_nothing(cost: &Cost) -> bool {
    let figures = [cost.input, cost.output, cost.total].into_iter().flatten();
    figures.chain(cost.details.values().copied()).all(|money| money.is_zero())
}
