//! Names as clients send them, and the entry that must price them.

use super::*;

/// Provider (`-` for none), model, price id or reason.
const NAMES: &str = "
- gpt-4o-mini openai/gpt-4o-mini
openai gpt-4o-mini-2024-07-18 openai/gpt-4o-mini
openai gpt-4o-2024-05-13 openai/gpt-4o-2024-05-13
OpenAI GPT-4o openai/gpt-4o
openai gpt-4o-2025-01-01 openai/gpt-4o
openai.chat gpt-5-mini-2025-08-07 openai/gpt-5-mini
openai o4-mini-2025-04-16 openai/o4-mini
openai o3 openai/o3
openai gpt-3.5-turbo-0125 openai/gpt-3.5-turbo
openai gpt-4-0613 openai/gpt-4
openai gpt-4-turbo-preview openai/gpt-4-turbo
openai gpt-4.1-nano openai/gpt-4.1-nano
openai chatgpt-4o-latest openai/chatgpt-4o-latest
openai gpt-4o-audio-preview-2024-12-17 openai/gpt-4o-audio-preview
openai text-embedding-3-small openai/text-embedding-3-small
openai ft:gpt-4o-mini-2024-07-18:acme::AbC123 openai/ft:gpt-4o-mini
openai ft:gpt-4o-2024-08-06:acme:my:AbC openai/ft:gpt-4o
openai ft:gpt-5-2025-08-07:acme::x unknown_model
openai ft:gpt-4.1-2025-04-14:acme::x openai/ft:gpt-4.1-2025-04-14
azure gpt-4o azure/gpt-4o
azure.ai.openai gpt-35-turbo azure/gpt-35-turbo
az.ai.openai gpt-4o-mini-2024-07-18 azure/gpt-4o-mini-2024-07-18
- azure/gpt-4o-mini azure/gpt-4o-mini
- azure/eu/gpt-4o-2024-08-06 azure/eu/gpt-4o-2024-08-06
azure my-deployment unknown_model
anthropic claude-sonnet-4-5 anthropic/claude-sonnet-4-5
anthropic claude-sonnet-4-5-20250929 anthropic/claude-sonnet-4-5
anthropic claude-sonnet-4-20250514 anthropic/claude-sonnet-4-0
anthropic claude-opus-4-1-20250805 anthropic/claude-opus-4-1
anthropic claude-3-5-sonnet-latest anthropic/claude-3-5-sonnet
anthropic claude-3-5-sonnet-20241022 anthropic/claude-3-5-sonnet
anthropic claude-3.5-haiku anthropic/claude-3-5-haiku-latest
anthropic claude-3-haiku-20240307 anthropic/claude-3-haiku
anthropic claude-3-opus-20240229 anthropic/claude-3-opus-latest
anthropic claude-opus-4-20250514 anthropic/claude-opus-4-0
- claude-3-7-sonnet-20250219 anthropic/claude-3-7-sonnet-latest
- anthropic/claude-sonnet-4.5 anthropic/claude-sonnet-4-5
aws_bedrock anthropic.claude-3-5-sonnet-20240620-v1:0 bedrock/regional.anthropic.claude-3-5-sonnet-20240620-v1:0
aws.bedrock us.anthropic.claude-sonnet-4-5-20250929-v1:0 bedrock/regional.anthropic.claude-sonnet-4-5-20250929-v1:0
bedrock eu.anthropic.claude-3-5-sonnet-20241022-v2:0 bedrock/regional.anthropic.claude-3-5-sonnet-20241022-v2:0
bedrock global.anthropic.claude-sonnet-4-5-20250929-v1:0 bedrock/global.anthropic.claude-sonnet-4-5-20250929-v1:0
aws.bedrock claude-3-5-sonnet-20240620-v1:0 bedrock/regional.anthropic.claude-3-5-sonnet-20240620-v1:0
bedrock arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-haiku-20240307-v1:0 bedrock/regional.anthropic.claude-3-haiku-20240307-v1:0
- bedrock/us.amazon.nova-pro-v1:0 bedrock/amazon.nova-pro-v1:0
bedrock amazon.nova-lite-v1:0 bedrock/amazon.nova-lite-v1:0
bedrock titan-embed-text-v2:0 bedrock/amazon.titan-embed-text-v2:0
bedrock amazon.titan-embed-text-v1 bedrock/amazon.titan-embed-text-v1
bedrock meta.llama3-3-70b-instruct-v1:0 bedrock/meta.llama3-3-70b-instruct-v1:0
bedrock us.meta.llama4-scout-17b-instruct-v1:0 bedrock/meta.llama4-scout-17b-instruct-v1:0
bedrock cohere.rerank-v3-5:0 bedrock/cohere.rerank-v3-5:0
bedrock cohere.embed-english-v3 bedrock/cohere.embed-english-v3
bedrock mistral.mistral-large-2402-v1:0 bedrock/mistral.mistral-large-2402-v1:0
- anthropic.claude-3-haiku-20240307-v1:0 bedrock/regional.anthropic.claude-3-haiku-20240307-v1:0
google gemini-2.5-flash google/gemini-2.5-flash
gcp.gemini models/gemini-2.5-pro-preview-05-06 google/gemini-2.5-pro
google gemini-2.5-flash-preview-09-2025 google/gemini-2.5-flash
vertex_ai gemini-1.5-pro-002 google/gemini-1.5-pro
- gemini/gemini-2.0-flash google/gemini-2.0-flash
gcp.vertex_ai projects/p/locations/us-central1/publishers/google/models/gemini-2.0-flash-001 google/gemini-2.0-flash
- vertex_ai/claude-sonnet-4-5@20250929 google/claude-sonnet-4-5
google gemini-flash-latest google/gemini-3.8-flash
google gemini-embedding-001 google/gemini-embedding-001
google text-embedding-004 google/text-embedding-004
mistral_ai mistral-large-latest mistral/mistral-large
mistral mistral-small-2506 mistral/mistral-small-3.2-24b-instruct
mistral mistral-embed mistral/mistral-embed
mistral open-mistral-nemo mistral/mistral-nemo
mistral codestral-latest mistral/codestral
cohere command-r-plus-08-2024 cohere/command-r-plus
cohere command-a-03-2025 cohere/command-a
cohere embed-english-v3.0 cohere/embed-english-v3.0
cohere rerank-v3.5 cohere/rerank-v3.5
deepseek deepseek-chat deepseek/deepseek-chat
deepseek deepseek-reasoner deepseek/deepseek-reasoner
openai deepseek-chat deepseek/deepseek-chat
xai grok-4 xai/grok-4-0709
xai grok-4-0709 xai/grok-4-0709
x_ai grok-3-mini-beta xai/grok-3-mini
groq llama-3.3-70b-versatile groq/llama-3.3-70b-versatile
- groq/llama-3.1-8b-instant groq/llama-3.1-8b-instant
groq meta-llama/llama-4-scout-17b-16e-instruct groq/meta-llama/llama-4-scout-17b-16e-instruct
groq openai/gpt-oss-120b groq/openai/gpt-oss-120b
groq gpt-4o unknown_model
together_ai meta-llama/Llama-3.3-70B-Instruct-Turbo together/meta-llama/Llama-3.3-70B-Instruct-Turbo
together deepseek-ai/DeepSeek-V3 together/deepseek-ai/deepseek-v3
fireworks accounts/fireworks/models/llama-v3p3-70b-instruct fireworks/llama-v3p3-70b-instruct
- fireworks_ai/accounts/fireworks/models/deepseek-v3p1 fireworks/deepseek-v3p1
vertex_ai meta/llama-3.3-70b-instruct-maas google/meta/llama-3.3-70b-instruct-maas
openrouter openai/gpt-4o openrouter/openai/gpt-4o
openrouter anthropic/claude-sonnet-4.5 openrouter/anthropic/claude-sonnet-4.5
- openrouter/meta-llama/llama-3.3-70b-instruct:free openrouter/meta-llama/llama-3.3-70b-instruct:free
openrouter meta-llama/llama-3.3-70b-instruct openrouter/meta-llama/llama-3.3-70b-instruct
- openrouter/google/gemini-2.5-flash openrouter/google/gemini-2.5-flash
voyage voyage-3.5 voyage/voyage-3.5
- voyage/rerank-2.5 voyage/rerank-2.5
ollama llama3.2 unknown_model
ollama gpt-oss:20b unknown_model
vllm meta-llama/Llama-3.1-8B-Instruct unknown_model
- meta-llama/Llama-3.1-8B-Instruct unknown_model
langchain gpt-4o openai/gpt-4o
cerebras llama-3.3-70b cerebras/llama-3.3-70b
perplexity sonar-pro perplexity/sonar-pro
deepinfra meta-llama/Meta-Llama-3.1-70B-Instruct deepinfra/meta-llama/meta-llama-3.1-70b-instruct
moonshotai kimi-k2-0905-preview moonshotai/kimi-k2-0905-preview
dashscope qwen-max dashscope/qwen-max
- qwen/qwen3-32b unknown_model
jina_ai jina-reranker-v2-base-multilingual jina/jina-reranker-v2-base-multilingual
- error-429 unknown_model
- my_model unknown_model
amazon_nova nova-pro-v1 bedrock/amazon.nova-pro-v1:0
";

#[test]
fn names_that_clients_send() {
    let mut wrong = Vec::new();
    for line in NAMES.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [provider, model, expected] = words[..] else { panic!("not three words: {line}") };
        let provider = (provider != "-").then_some(provider);
        let id = PriceTable::builtin().price_id(provider, model, NOVEMBER_2026);
        // The start date changes with every price list; which model it is does not.
        let id = id.map_or_else(UnpricedReason::as_str, |id| id.split('@').next().unwrap_or_default());
        if id != expected {
            wrong.push(format!("{line}: {id}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_flagships_have_a_price() {
    for model in [
        "openai/gpt-4o",
        "openai/gpt-5",
        "anthropic/claude-sonnet-4-5",
        "anthropic/claude-opus-4-5",
        "google/gemini-2.5-pro",
        "mistral/mistral-large-latest",
        "cohere/command-a-03-2025",
        "deepseek/deepseek-chat",
        "xai/grok-4",
        "groq/llama-3.3-70b-versatile",
        "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "fireworks_ai/accounts/fireworks/models/llama-v3p3-70b-instruct",
        "bedrock/meta.llama3-3-70b-instruct-v1:0",
        "vertex_ai/meta/llama-3.3-70b-instruct-maas",
        "bedrock/amazon.nova-pro-v1:0",
        "bedrock/amazon.titan-embed-text-v2:0",
        "openai/text-embedding-3-large",
        "voyage/voyage-3.5",
        "cohere/rerank-v3.5",
    ] {
        let id = PriceTable::builtin().price_id(None, model, NOVEMBER_2026);
        assert!(id.is_ok(), "{model}: {id:?}");
    }
}

#[test]
fn every_entry_is_found_by_its_own_id() {
    let builtin = builtin::load();
    let mut n_entries = 0;
    for entry in builtin.entries() {
        n_entries += 1;
        let model = entry.models.last().expect("the id is a name");
        let found = PriceTable::builtin().find(entry.provider.as_deref(), model, NOVEMBER_2026);
        let id_of = |entry: &PriceEntry| entry.id.split('@').next().unwrap_or_default().to_owned();
        // Two models of a provider may differ in nothing but dots: then the list's first has the name.
        let same_key =
            |found: &PriceEntry| found.models.iter().any(|name| name::key(name) == name::key(model));
        assert!(
            found.is_ok_and(|found| id_of(found) == id_of(entry) || same_key(found)),
            "{}: {:?}",
            entry.id,
            found.map(|entry| &entry.id)
        );
    }
    assert!(n_entries > 3_000, "{n_entries}");
}

#[test]
fn names_are_written_alike() {
    for (name, expected) in [
        ("Claude-3.5-Sonnet", "claude-3-5-sonnet"),
        (" gpt-4.1 ", "gpt-4-1"),
        ("anthropic.claude-v2.1", "anthropic.claude-v2-1"),
        ("ft:gpt-3.5-turbo-", "ft:gpt-3-5-turbo"),
        ("gemini-2.5.1-pro", "gemini-2-5-1-pro"),
        ("模型-1.5", "模型-1-5"),
        ("", ""),
        ("...", ""),
    ] {
        assert_eq!(name::key(name), expected, "{name}");
    }
}

proptest::proptest! {
    /// Clients send any text as a name.
    #[test]
    fn any_name_is_survived(provider in proptest::option::of("\\PC{0,12}"), model in "[a-zA-Z0-9:@./é-]{0,40}") {
        if let Ok(id) = PriceTable::builtin().price_id(provider.as_deref(), &model, NOVEMBER_2026) {
            proptest::prop_assert!(id.contains('/'), "{id}");
        }
    }
}
