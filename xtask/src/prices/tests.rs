use serde_json::json;

use super::*;

fn models(providers: &record::Providers, id: &str) -> Vec<String> {
    providers[id].models.iter().map(|model| serde_json::to_string(model).unwrap()).collect()
}

fn litellm_list(json: &str) -> BTreeMap<String, BTreeMap<String, Box<serde_json::value::RawValue>>> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn takes_over_dates_tiers_and_names() {
    let list = [json!({"id": "aws", "models": [
        {"id": "regional.anthropic.claude-x-v1:0", "match": {"or_": [{"equals": "Claude-X"}, {"regex": "^claude-x-\\d+$"}]}, "prices": [
            {"prices": {"_": "ModelPrice", "input_mtok": "3.00", "cache_write_1h_mtok": "6", "web_searches_kcount": "10"}},
            {"constraint": {"start_date": "2026-01-02"}, "prices": {"_": "ModelPrice",
                "input_mtok": {"base": "2", "tiers": [{"start": 200000, "price": "4"}]}, "requests_kcount": "5"}},
            {"constraint": {"start_time": "01:00", "end_time": "04:00"}, "prices": {"_": "ModelPrice", "output_mtok": "1"}},
        ]},
        {"id": "pages-only", "match": {"equals": "pages-only"}, "prices": {"_": "ModelPrice", "input_document_kpages": "1"}},
    ]})];
    let providers = genai::providers(&list).unwrap();
    let expected = "{\"id\":\"regional.anthropic.claude-x-v1:0\",\
        \"match\":[\"anthropic.claude-x-v1:0\",\"claude-x\",\"claude-x-v1:0\"],\"prices\":[\
        {\"rates\":{\"input\":\"3\",\"input_details\":{\"cache_write_1h\":\"6\"}}},\
        {\"from\":\"2026-01-02\",\"rates\":{\"input\":\"2\",\"per_request\":\"0.005\"},\
        \"tiers\":[{\"above\":200000,\"rates\":{\"input\":\"4\"}}]},\
        {\"hours\":\"01:00-04:00\",\"rates\":{\"output\":\"1\"}}]}";
    assert_eq!(models(&providers, "bedrock"), [expected, "{\"id\":\"pages-only\",\"prices\":[]}"]);
}

#[test]
fn only_some_empty_prices_are_free() {
    let model = |id: &str| json!({"id": id, "match": {"equals": id}, "prices": {"_": "ModelPrice"}});
    let list = [json!({"id": "openrouter", "models": [model("m:free"), model("secret")]})];
    let providers = genai::providers(&list).unwrap();
    let free = "{\"id\":\"m:free\",\"prices\":[{\"rates\":{\"input\":\"0\",\"output\":\"0\"}}]}";
    assert_eq!(models(&providers, "openrouter"), [free, "{\"id\":\"secret\",\"prices\":[]}"]);
}

#[test]
fn adds_what_the_first_list_does_not_know() {
    let list = [json!({"id": "groq", "models": [{"id": "known", "match": {"starts_with": "known"},
        "prices": {"_": "ModelPrice", "input_mtok": "1", "output_mtok": "2"}}]})];
    let mut providers = genai::providers(&list).unwrap();
    let added = litellm_list(
        r#"{
        "groq/known": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 9e-06},
        "groq/known-alias": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
        "groq/known-other": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 0.0000012, "output_cost_per_token": 2.0000000000000002e-07,
            "output_cost_per_reasoning_token": 2.0000000000000002e-07, "cache_creation_input_token_cost": 0.0, "input_cost_per_token_batches": 5e-07,
            "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 7e-06, "supports_vision": true, "source": "https://example.com"},
        "groq/unknown-price": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
        "groq/film": {"litellm_provider": "groq", "mode": "video_generation", "input_cost_per_token": 1e-06},
        "somebody/m": {"litellm_provider": "somebody", "mode": "chat", "input_cost_per_token": 1e-06},
        "rerank-v3.5": {"litellm_provider": "cohere", "mode": "rerank", "input_cost_per_query": 0.002, "input_cost_per_token": 0.0}
    }"#,
    );
    litellm::add_missing(&mut providers, &added).unwrap();
    let known = "{\"id\":\"known\",\"match\":[\"known-alias\"],\"prices\":[{\"rates\":{\"input\":\"1\",\"output\":\"2\"}}]}";
    let other = "{\"id\":\"known-other\",\"prices\":[{\"rates\":{\"input\":\"1.2\",\"output\":\"0.2\"},\
        \"tiers\":[{\"above\":200000,\"rates\":{\"input_details\":{\"cache_write_1h\":\"7\"}}}]}]}";
    assert_eq!(models(&providers, "groq"), [known, other]);
    let rerank =
        "{\"id\":\"rerank-v3.5\",\"prices\":[{\"rates\":{\"input\":\"0\",\"per_search\":\"0.002\"}}]}";
    assert_eq!(models(&providers, "cohere"), [rerank]);
    assert_eq!(providers.len(), 2);
}

#[test]
fn ranges_become_thresholds() {
    let mut providers = record::Providers::new();
    let list = litellm_list(
        r#"{"dashscope/q": {"litellm_provider": "dashscope", "mode": "chat", "tiered_pricing": [
            {"range": [0, 32000.0], "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06},
            {"range": [32000.0, 128000.0], "input_cost_per_token": 3e-06, "output_cost_per_token": 4e-06}]}}"#,
    );
    litellm::add_missing(&mut providers, &list).unwrap();
    let expected = "{\"id\":\"q\",\"prices\":[{\"rates\":{\"input\":\"1\",\"output\":\"2\"},\
        \"tiers\":[{\"above\":32000,\"rates\":{\"input\":\"3\",\"output\":\"4\"}}]}]}";
    assert_eq!(models(&providers, "dashscope"), [expected]);
}
