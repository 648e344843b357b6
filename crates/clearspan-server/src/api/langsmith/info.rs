//! `GET /info`: what the SDKs may use. Only what works is claimed.

use axum::Json;
use serde_json::{Value, json};

/// The LangSmith API whose reads we answer; older versions make the SDKs warn.
const API_VERSION: &str = "0.18.0";

pub(super) async fn get() -> Json<Value> {
    Json(json!({
        "version": API_VERSION,
        "license_expiration_time": null,
        // Absent keys inside of it would break the Python client; null means its defaults.
        "batch_ingest_config": null,
        "instance_flags": {
            "ch_query_enabled": true,
            "sdb_query_enabled": false,
            "zstd_compression_enabled": false,
            "gzip_body_enabled": false,
            "dataset_examples_multipart_enabled": false,
            "examples_multipart_enabled": false,
        },
    }))
}
