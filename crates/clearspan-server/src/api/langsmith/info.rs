//! `GET /info`: what the SDKs may use. Only what works is claimed.

use axum::Json;
use serde_json::{Value, json};

/// The LangSmith API whose reads we answer; older versions make the SDKs warn.
const API_VERSION: &str = "0.18.0";

pub(super) async fn get() -> Json<Value> {
    Json(json!({
        "version": API_VERSION,
        "license_expiration_time": null,
        // An absent key would break the Python client.
        "batch_ingest_config": {
            "use_multipart_endpoint": true,
            "size_limit": 100,
            "size_limit_bytes": 20 << 20,
            "scale_up_qsize_trigger": 200,
            "scale_up_nthreads_limit": 16,
            "scale_down_nempty_trigger": 4,
        },
        "instance_flags": {
            "ch_query_enabled": true,
            "sdb_query_enabled": true,
            "zstd_compression_enabled": true,
            "gzip_body_enabled": true,
            "dataset_examples_multipart_enabled": true,
            "examples_multipart_enabled": true,
        },
    }))
}
