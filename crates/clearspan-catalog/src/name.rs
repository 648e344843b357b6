//! Names that people give: parsed once, then known to be usable.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The longest name, in characters.
const MAX_CHARS: usize = 255;

/// The text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidName {
    what: &'static str,
    problem: &'static str,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} {}", self.what, self.problem)
    }
}

impl std::error::Error for InvalidName {}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks a name that a person typed. Blanks around it are dropped.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                check(text.trim()).map(|()| Self(text.trim().to_owned())).map_err(|problem| InvalidName { what: $what, problem })
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

names! {
    /// The name of a project.
    ProjectName, "project name";
    /// What a person calls a key.
    KeyName, "key name";
    /// What a person calls a mapping rule.
    RuleName, "rule name";
    /// The name of a dataset.
    DatasetName, "dataset name";
}

impl ProjectName {
    /// Where runs go that name no project.
    pub const DEFAULT: &str = "default";

    /// The project called `default`.
    pub fn default_project() -> Self {
        Self(Self::DEFAULT.to_owned())
    }

    /// Makes a name of whatever a client sent, because a run must never be lost for the name of its
    /// project: control characters become blanks, what is too long is cut. `None` when nothing is left.
    pub fn repair(text: &str) -> Option<Self> {
        let text: String = text.chars().map(|c| if is_allowed(c) { c } else { ' ' }).collect();
        let text: String = text.trim().chars().take(MAX_CHARS).collect();
        Self::parse(&text).ok()
    }
}

fn is_allowed(c: char) -> bool {
    // The bidirectional overrides can make one name look like another.
    !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("must not be empty");
    }
    if text.chars().count() > MAX_CHARS {
        return Err("must have at most 255 characters");
    }
    if !text.chars().all(is_allowed) {
        return Err("must not contain control characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
