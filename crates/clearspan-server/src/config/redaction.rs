//! What is taken out of texts before they are kept.

use std::str::FromStr;

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Secrets that the server knows by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Redaction {
    /// Texts are kept as they are sent.
    #[default]
    Off,
    /// Keys and tokens of well-known providers, JSON web tokens and private keys are replaced.
    Secrets,
}

/// What an operator wants to be taken out.
#[derive(Debug, Clone)]
pub(crate) struct RedactPattern(Regex);

impl RedactPattern {
    pub(crate) fn regex(&self) -> &Regex {
        &self.0
    }
}

impl FromStr for RedactPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let regex = Regex::new(text).map_err(|err| format!("not a regular expression: {err}"))?;
        if regex.is_match("") {
            return Err("it fits an empty text, so it would be found everywhere".to_owned());
        }
        Ok(Self(regex))
    }
}

impl Serialize for RedactPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for RedactPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
