//! Rules that users add: an attribute, and the field of a run that it fills.
//!
//! A user's rule is stronger than every built-in one and looks at attributes by key, or by a pattern with one star.
//! [`Rules`] is the compiled form; it is made once and shared by all requests of a workspace.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use clearspan_model::{RunType, Side};

use crate::engine::{Count, Money, To};

/// Rules of one workspace at most: each star costs a look at every attribute.
pub const MAX_RULES: usize = 200;
const MAX_TEXT: usize = 200;
/// What stands in a field for the part that the star matched.
const STAR: &str = "{*}";

/// A rule as a person writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it is called; part of the sources that runs show.
    pub name: String,
    /// The key of an attribute, or a pattern with one `*` that stands for one character or more.
    pub attribute: String,
    /// One of [`FIELDS`].
    pub field: String,
}

/// A part of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleMember {
    /// Its name.
    Name,
    /// The attribute or pattern.
    Attribute,
    /// The field.
    Field,
}

/// A rule that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// Which rule, by its place.
    pub index: usize,
    /// Which part of it.
    pub member: RuleMember,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RuleError {}

/// A field that a rule can fill.
#[derive(Debug, Clone, Copy)]
pub struct RuleField {
    /// Its name.
    pub field: &'static str,
    /// What it is.
    pub description: &'static str,
    target: Option<To>,
}

const fn field(field: &'static str, target: To, description: &'static str) -> RuleField {
    RuleField { field, description, target: Some(target) }
}

/// The fields that a rule can fill.
pub const FIELDS: &[RuleField] = &[
    field("name", To::Name(0), "What a person sees."),
    field(
        "run_type",
        To::RunType(0, read_run_type),
        "llm, chain, tool, retriever, embedding, prompt or parser.",
    ),
    field("model", To::Model, "The model that answered; it decides the price."),
    field("provider", To::Provider, "Who served the model, for example openai."),
    field("inputs", To::Payload(Side::Input), "What went in: text or JSON; messages are recognised."),
    field("outputs", To::Payload(Side::Output), "What came out: text or JSON; messages are recognised."),
    field("inputs.messages", To::Messages(Side::Input), "The messages that went in: a JSON list."),
    field("outputs.messages", To::Messages(Side::Output), "The messages that came out: a JSON list."),
    field("inputs.system", To::Instructions, "The system prompt, which leads the input messages."),
    field("outputs.documents", To::Member(Side::Output, "documents"), "What a retriever found: a JSON list."),
    field("error", To::Error, "The error's text; makes the run failed."),
    field("error_type", To::ErrorType, "The error's class; makes the run failed."),
    field("thread_id", To::Thread, "The conversation."),
    field("user_id", To::User, "On whose behalf it ran."),
    field("tags", To::Tags, "Labels: a list, or text with commas."),
    field("environment", To::Environment, "For example production."),
    field("release", To::Release, "The version of the application."),
    field("usage", To::Usage, "A JSON object with token counts, as providers send it."),
    field("usage.input_tokens", To::Tokens(Count::Input), "Tokens in, cached ones included."),
    field("usage.output_tokens", To::Tokens(Count::Output), "Tokens out, reasoning included."),
    field("usage.total_tokens", To::Tokens(Count::Total), "All tokens."),
    field(
        "usage.input_details.cache_read",
        To::Tokens(Count::InputDetail("cache_read")),
        "Tokens read from a cache.",
    ),
    field(
        "usage.input_details.cache_write",
        To::Tokens(Count::InputDetail("cache_write")),
        "Tokens written to a cache.",
    ),
    field(
        "usage.output_details.reasoning",
        To::Tokens(Count::OutputDetail("reasoning")),
        "Tokens spent on reasoning.",
    ),
    field("cost.input", To::Cost(Money::Input), "Dollars for the input."),
    field("cost.output", To::Cost(Money::Output), "Dollars for the output."),
    field("cost.total", To::Cost(Money::Total), "Dollars in all; wins over the price list."),
    RuleField { field: "metadata.<key>", description: "A member of the metadata.", target: None },
    RuleField {
        field: "invocation_params.<key>",
        description: "A parameter of the model call.",
        target: None,
    },
];

fn read_run_type(word: &str) -> Option<RunType> {
    word.parse().ok()
}

/// Where the value of a rule goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Field(usize),
    Metadata(String),
    Param(String),
}

impl Target {
    /// What a built-in rule with this target does; `None` for members with a free name.
    pub(crate) fn to(&self) -> Option<To> {
        match self {
            Self::Field(idx) => FIELDS[*idx].target,
            Self::Metadata(_) | Self::Param(_) => None,
        }
    }
}

/// The name of a member, with what the star matched.
pub(crate) fn fill_star<'a>(template: &'a str, star: &str) -> Cow<'a, str> {
    if template.contains(STAR) { Cow::Owned(template.replace(STAR, star)) } else { Cow::Borrowed(template) }
}

#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) name: String,
    pub(crate) target: Target,
    pattern: Pattern,
}

#[derive(Debug, Clone)]
enum Pattern {
    Key(String),
    Star { prefix: String, suffix: String },
}

impl Pattern {
    /// What the star stands for (empty without one); `None` when the key does not match.
    fn matches<'k>(&self, key: &'k str) -> Option<&'k str> {
        match self {
            Self::Key(wanted) => (wanted == key).then_some(""),
            Self::Star { prefix, suffix } => {
                let star = key.strip_prefix(prefix.as_str())?.strip_suffix(suffix.as_str())?;
                (!star.is_empty()).then_some(star)
            }
        }
    }
}

impl Compiled {
    pub(crate) fn matches<'k>(&self, key: &'k str) -> Option<&'k str> {
        self.pattern.matches(key)
    }
}

/// Compiled rules, strongest first.
#[derive(Debug, Default)]
pub struct Rules {
    pub(crate) rules: Vec<Compiled>,
    /// Rules without a star, by key.
    keys: HashMap<String, Vec<usize>>,
    /// Rules with a star.
    stars: Vec<usize>,
}

impl Rules {
    /// No rules.
    pub fn none() -> &'static Self {
        static NONE: LazyLock<Rules> = LazyLock::new(Rules::default);
        &NONE
    }

    /// Reads rules. The first that cannot be used is the error.
    pub fn compile(rules: &[Rule]) -> Result<Self, RuleError> {
        let mut compiled = Self::default();
        for (index, rule) in rules.iter().enumerate() {
            let refuse = |(member, message): (RuleMember, String)| RuleError { index, member, message };
            if index >= MAX_RULES {
                return Err(refuse((
                    RuleMember::Name,
                    format!("a workspace can have {MAX_RULES} rules; remove one first"),
                )));
            }
            check_text("name", &rule.name).map_err(|message| refuse((RuleMember::Name, message)))?;
            let pattern =
                read_pattern(&rule.attribute).map_err(|message| refuse((RuleMember::Attribute, message)))?;
            let has_star = matches!(pattern, Pattern::Star { .. });
            let target =
                read_target(&rule.field, has_star).map_err(|message| refuse((RuleMember::Field, message)))?;
            match &pattern {
                Pattern::Key(key) => compiled.keys.entry(key.clone()).or_default().push(index),
                Pattern::Star { .. } => compiled.stars.push(index),
            }
            compiled.rules.push(Compiled { name: rule.name.clone(), target, pattern });
        }
        Ok(compiled)
    }

    /// True without any rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// True when a rule is about this attribute.
    pub fn is_match(&self, key: &str) -> bool {
        self.matching(key).next().is_some()
    }

    /// The rules that match a key.
    pub(crate) fn matching(&self, key: &str) -> impl Iterator<Item = usize> {
        let stars = self.stars.iter().copied().filter(|idx| self.rules[*idx].matches(key).is_some());
        self.keys.get(key).into_iter().flatten().copied().chain(stars)
    }
}

fn check_text(what: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("the {what} is empty"));
    }
    if text.len() > MAX_TEXT {
        return Err(format!("the {what} is longer than {MAX_TEXT} bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("the {what} holds a control character"));
    }
    // Sources name rules as `rule:<name>:<attribute>`.
    if what == "name" && text.contains(':') {
        return Err("the name holds a colon; choose one without".to_owned());
    }
    Ok(())
}

fn read_pattern(attribute: &str) -> Result<Pattern, String> {
    check_text("attribute", attribute)?;
    match attribute.split_once('*') {
        None => Ok(Pattern::Key(attribute.to_owned())),
        Some((_, suffix)) if suffix.contains('*') => Err("a pattern has one star at most".to_owned()),
        Some(("", "")) => {
            Err("a star alone matches every attribute; write what comes before or after it".to_owned())
        }
        Some((prefix, suffix)) => Ok(Pattern::Star { prefix: prefix.to_owned(), suffix: suffix.to_owned() }),
    }
}

fn read_target(field: &str, has_star: bool) -> Result<Target, String> {
    check_text("field", field)?;
    if field.contains(STAR) && !has_star {
        return Err(format!("{STAR} stands for what the star of the attribute matched, but it has no star"));
    }
    for (prefix, make) in
        [("metadata.", Target::Metadata as fn(String) -> Target), ("invocation_params.", Target::Param)]
    {
        if let Some(name) = field.strip_prefix(prefix).filter(|name| !name.is_empty()) {
            return Ok(make(name.to_owned()));
        }
    }
    let known = FIELDS.iter().position(|known| known.field == field && known.target.is_some());
    known.map(Target::Field).ok_or_else(|| {
        let names: Vec<&str> = FIELDS.iter().map(|field| field.field).collect();
        format!("there is no field \"{field}\"; choose one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests;
