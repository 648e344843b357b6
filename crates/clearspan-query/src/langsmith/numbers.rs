//! The same functions on figures that are no fields of runs: `gt(turn_count, 1)` of threads.

use clearspan_model::Decimal;

use super::lexer::Value;
use super::parse_calls;
use super::parser::{Call, Function, Test};
use crate::Diagnostic;
use crate::diagnostic::nearest;
use crate::value::{parse_decimal, parse_duration};

/// A condition on named figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Test { name: String, function: Function, values: Vec<Decimal> },
    Exists { name: String },
}

/// Reads a condition on figures with these names. Durations are in seconds.
pub fn parse_numbers(text: &str, known: &[&str]) -> Result<Numbers, Diagnostic> {
    map(&parse_calls(text)?, known).map(Numbers)
}

impl Numbers {
    /// Whether it holds; `figure` gives the figure with a name, which may be absent.
    pub fn holds(&self, figure: &dyn Fn(&str) -> Option<Decimal>) -> bool {
        self.0.holds(figure)
    }
}

impl Node {
    fn holds(&self, figure: &dyn Fn(&str) -> Option<Decimal>) -> bool {
        match self {
            Self::All(all) => all.iter().all(|node| node.holds(figure)),
            Self::Any(any) => any.iter().any(|node| node.holds(figure)),
            Self::Not(inner) => !inner.holds(figure),
            Self::Exists { name } => figure(name).is_some(),
            Self::Test { name, function, values } => figure(name)
                .is_some_and(|figure| values.iter().any(|value| compares(figure, *function, *value))),
        }
    }
}

fn compares(figure: Decimal, function: Function, value: Decimal) -> bool {
    match function {
        Function::Gt => figure > value,
        Function::Gte => figure >= value,
        Function::Lt => figure < value,
        Function::Lte => figure <= value,
        _ => figure == value,
    }
}

fn map(call: &Call, known: &[&str]) -> Result<Node, Diagnostic> {
    let maps = |calls: &[Call]| calls.iter().map(|call| map(call, known)).collect::<Result<Vec<_>, _>>();
    match call {
        Call::And(calls) => maps(calls).map(Node::All),
        Call::Or(calls) => maps(calls).map(Node::Any),
        Call::Not(inner) => map(inner, known).map(|inner| Node::Not(Box::new(inner))),
        Call::Test(test) => map_test(test, known),
    }
}

fn map_test(test: &Test, known: &[&str]) -> Result<Node, Diagnostic> {
    let name = test.field.clone().unwrap_or_default();
    if !known.contains(&name.as_str()) {
        let unknown = Diagnostic::new(test.field_span.clone(), format!("there is no figure {name:?} here"));
        return Err(match nearest(&name, known.iter().copied()) {
            Some(suggestion) => unknown.with_hint(format!("did you mean {suggestion:?}?")),
            None => unknown.with_hint(format!("there are {}", known.join(", "))),
        });
    }
    match (test.function, test.values.as_slice()) {
        (Function::Eq, [Value::Null]) => return Ok(Node::Not(Box::new(Node::Exists { name }))),
        (Function::Neq, [Value::Null]) => return Ok(Node::Exists { name }),
        _ => {}
    }
    let values = test.values.iter().map(|value| number(value, test)).collect::<Result<_, _>>()?;
    match test.function {
        Function::Neq => {
            let same = Node::Test { name, function: Function::Eq, values };
            Ok(Node::Not(Box::new(same)))
        }
        Function::Eq | Function::In | Function::Gt | Function::Gte | Function::Lt | Function::Lte => {
            Ok(Node::Test { name, function: test.function, values })
        }
        function => {
            let message = format!("{}(…) cannot look at a figure", function.name());
            Err(Diagnostic::new(test.span.clone(), message))
        }
    }
}

fn number(value: &Value, test: &Test) -> Result<Decimal, Diagnostic> {
    let number = match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => {
            parse_decimal(text).or_else(|| parse_duration(text).map(|nanos| Decimal::new(nanos, 9)))
        }
        Value::Bool(_) | Value::Null => None,
    };
    number
        .ok_or_else(|| Diagnostic::new(test.span.clone(), "a figure is compared with a number or a duration"))
}
