//! OTLP values as texts: exact (64-bit integers stay integers), bytes told apart.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use clearspan_model::JsonText;

use crate::json::Json;

/// Attributes by key, as JSON texts. Of two with one key the last one counts.
pub(crate) fn attribute_texts<'k, 'a: 'k>(
    attributes: impl IntoIterator<Item = (&'k str, impl Borrow<Json<'a>>)>,
) -> BTreeMap<String, JsonText> {
    let mut text = String::new();
    let texts = attributes.into_iter().map(|(key, value)| {
        text.clear();
        value.borrow().write(&mut text);
        (key.to_owned(), JsonText::from_trusted(text.as_str()))
    });
    texts.collect()
}
