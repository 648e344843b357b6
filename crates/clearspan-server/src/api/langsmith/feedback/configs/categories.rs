//! Adding and removing the categories of a config.

use clearspan_model::JsonText;
use serde_json::{Value, json};

use crate::ingest::feedback::Members;

/// Fewer are no choice.
const FEWEST: usize = 2;

/// Which categories come and go.
#[derive(Debug, Default, PartialEq)]
pub(super) struct CategoryChange {
    /// `{"value": 2, "label": "great"}`.
    add: Vec<Value>,
    /// Values of those that go.
    remove: Vec<f64>,
}

impl CategoryChange {
    pub(super) fn read(members: Members<'_>) -> Result<Self, String> {
        let list = |name: &str| match members.get(name) {
            None => Ok(Vec::new()),
            Some(value) => value.as_array().cloned().ok_or_else(|| format!("{name} must be a list")),
        };
        let add = list("add_categories")?;
        for category in &add {
            if value_of(category).is_none() {
                return Err(format!("add_categories has {category}; a category has a number as its value"));
            }
        }
        let number =
            |value: &Value| value.as_f64().ok_or_else(|| format!("remove_categories has {value}, no number"));
        let remove = list("remove_categories")?.iter().map(number).collect::<Result<_, _>>()?;
        Ok(Self { add, remove })
    }

    /// The config with its categories changed; everything else of it stays.
    pub(super) fn applied_to(&self, config: &JsonText) -> Result<JsonText, String> {
        if *self == Self::default() {
            return Ok(config.clone());
        }
        let mut config = config.to_value();
        if config["type"] != "categorical" {
            return Err("only a categorical config has categories".to_owned());
        }
        let mut categories = config["categories"].as_array().cloned().unwrap_or_default();
        let before = categories.len();
        categories.retain(|category| value_of(category).is_none_or(|value| !self.remove.contains(&value)));
        if categories.len() < before && categories.len() + self.add.len() < FEWEST {
            return Err(format!("fewer than {FEWEST} categories would remain"));
        }
        for new in &self.add {
            let label = |category: &Value| category["label"].as_str().map(str::to_owned);
            let clashes = |known: &Value| {
                value_of(known) == value_of(new) || (label(new).is_some() && label(known) == label(new))
            };
            if let Some(known) = categories.iter().find(|known| clashes(known)) {
                return Err(format!("the category {new} has the value or the label of {known}"));
            }
            categories.push(new.clone());
        }
        config["categories"] = json!(categories);
        Ok(JsonText::from_value(&config))
    }
}

fn value_of(category: &Value) -> Option<f64> {
    category.get("value")?.as_f64()
}
