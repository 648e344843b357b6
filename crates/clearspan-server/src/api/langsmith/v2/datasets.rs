//! `GET /api/v2/datasets`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use clearspan_catalog::{Dataset, DatasetFilter};
use clearspan_model::UnixNanos;
use http::HeaderMap;
use serde_json::Value;

use super::super::datasets::{dataset_json, take_filter};
use super::super::find::Pairs;
use super::super::input::blocking;
use super::answer;
use super::runs::values_of;
use super::sorted::{Asked, Place, SortKey};
use crate::api::error::Result;
use crate::api::extract::Params;
use crate::auth::Caller;
use crate::context::Context;

const COLUMNS: &[&str] =
    &["name", "created_at", "last_session_start_time", "example_count", "session_count", "modified_at"];

pub(in crate::api::langsmith) async fn list(
    State(ctx): State<Arc<Context>>,
    caller: Caller,
    headers: HeaderMap,
    Params(pairs): Params<Pairs>,
) -> Result<Response> {
    let asked = Asked::parse(&pairs, COLUMNS, "created_at")?;
    let mut filter = DatasetFilter::default();
    for (key, value) in &pairs {
        take_filter(&mut filter, key, value)?;
    }
    // Nothing has tags here.
    let has_tags = values_of(&pairs, "tag_value_id").next().is_some();
    let listed = blocking(&ctx, move |ctx| match has_tags {
        true => Ok(Vec::new()),
        false => Ok(ctx.catalog.list_datasets(caller.workspace_id, &filter, 0, usize::MAX)?.0),
    });
    let by = asked.by().to_owned();
    let (page, next) = asked.page(listed.await?, |dataset| Place::new(key_of(dataset, &by), dataset.id));
    let without_count = values_of(&pairs, "exclude").any(|name| name == "example_count");
    let items = page.iter().map(|dataset| {
        let mut json = dataset_json(dataset);
        if without_count {
            json["example_count"] = Value::Null;
        }
        json
    });
    Ok(answer::page(&headers, items.collect(), next))
}

fn key_of(dataset: &Dataset, by: &str) -> Option<SortKey> {
    let time = |time: UnixNanos| SortKey::Integer(time.as_nanos());
    let count = |count: u64| SortKey::Integer(i64::try_from(count).unwrap_or(i64::MAX));
    match by {
        "name" => Some(SortKey::Text(dataset.content.name.as_str().to_owned())),
        "last_session_start_time" => dataset.last_experiment_at.map(time),
        "example_count" => Some(count(dataset.example_count)),
        "session_count" => Some(count(dataset.experiment_count)),
        "modified_at" => Some(time(dataset.modified_at)),
        _ => Some(time(dataset.created_at)),
    }
}
