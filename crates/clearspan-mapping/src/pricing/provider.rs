//! Who serves a model: one id for the many names that clients send.

use std::borrow::Cow;

/// Those who sell their own models: their price holds for a name that comes without a provider. In order: an
/// earlier one wins where several sell the same name.
pub(super) const MAKERS: [&str; 15] = [
    "openai",
    "anthropic",
    "google",
    "mistral",
    "cohere",
    "deepseek",
    "xai",
    "amazon",
    "meta",
    "voyage",
    "jina",
    "moonshotai",
    "minimax",
    "zai",
    "ai21",
];

/// Hosts whose price differs from the maker's, but where the maker's is close enough when the host's is unknown.
const OPEN_HOSTS: [&str; 4] = ["azure", "bedrock", "google", "openrouter"];

/// Those who sell the models of others. A name that they do not list has no price, although it may have one elsewhere.
const CLOSED_HOSTS: [&str; 27] = [
    "anyscale",
    "baseten",
    "cerebras",
    "cloudflare",
    "databricks",
    "deepinfra",
    "fireworks",
    "friendliai",
    "groq",
    "huggingface",
    "hyperbolic",
    "lambda",
    "nebius",
    "novita",
    "nscale",
    "nvidia",
    "oci",
    "ovhcloud",
    "replicate",
    "sagemaker",
    "sambanova",
    "scaleway",
    "snowflake",
    "together",
    "wandb",
    "watsonx",
    "self-hosted",
];

/// True for those in [`MAKERS`].
pub(super) fn is_maker(provider: &str) -> bool {
    MAKERS.contains(&provider)
}

/// True for those whose catalogue holds the models of others.
pub(super) fn is_host(provider: &str) -> bool {
    OPEN_HOSTS.contains(&provider) || is_closed(provider)
}

/// True when a model that this provider does not list must stay without a price.
pub(super) fn is_closed(provider: &str) -> bool {
    CLOSED_HOSTS.contains(&provider)
}

/// True for libraries that stand in the provider's place and say nothing about who serves the model.
pub(super) fn is_framework(provider: &str) -> bool {
    const FRAMEWORKS: [&str; 14] = [
        "agent_framework",
        "autogen",
        "crewai",
        "custom",
        "dspy",
        "haystack",
        "langchain",
        "litellm",
        "litellm_proxy",
        "llamaindex",
        "llama_index",
        "semantic_kernel",
        "strands-agents",
        "unknown",
    ];
    FRAMEWORKS.contains(&provider)
}

/// The one id of a provider; a name that nobody knows stays as it is, in lower case.
pub(super) fn canonical(name: &str) -> Cow<'_, str> {
    let name = name.trim();
    let lower = if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    };
    match known(&lower) {
        Some(provider) => Cow::Borrowed(provider),
        None => lower,
    }
}

/// The provider that a segment of a path names, for example in `vertex_ai/gemini-2.5-pro`.
pub(super) fn of_segment(segment: &str) -> Option<&'static str> {
    if segment.starts_with("arn:aws") {
        return Some("bedrock");
    }
    // A dot belongs to a model here, not to a provider: `anthropic.claude-…`.
    known(segment).filter(|_| !segment.contains('.'))
}

fn known(name: &str) -> Option<&'static str> {
    let family = name.split_once('.').map_or(name, |(family, _)| family);
    exact(name).or_else(|| exact(family))
}

fn exact(name: &str) -> Option<&'static str> {
    Some(match name {
        "openai" | "openai_chat" | "openai-responses" | "text-completion-openai" | "chatgpt" => "openai",
        "anthropic" | "claude" => "anthropic",
        "google"
        | "gcp"
        | "gemini"
        | "vertex"
        | "vertex_ai"
        | "vertexai"
        | "vertex-ai"
        | "google_genai"
        | "google_vertexai"
        | "google-vertex"
        | "google-vertex-ai"
        | "google_vertex_ai"
        | "google-gla"
        | "google_ai_studio"
        | "google_anthropic_vertex"
        | "google-cloud"
        | "googleai" => "google",
        "azure" | "az" | "azure_ai" | "azure_openai" | "azure-openai" | "azureopenai" | "azure_text" => {
            "azure"
        }
        "bedrock"
        | "aws"
        | "aws_bedrock"
        | "aws-bedrock"
        | "amazon_bedrock"
        | "amazon-bedrock"
        | "bedrock_converse"
        | "bedrock_mantle"
        | "bedrock-runtime"
        | "amazon-bedrock-converse" => "bedrock",
        "amazon" | "amazon_nova" | "amazon-nova" => "amazon",
        "mistral" | "mistralai" | "mistral_ai" | "mistral-ai" | "codestral" => "mistral",
        "cohere" | "cohere_chat" | "cohereai" => "cohere",
        "deepseek" | "deepseek-ai" | "deepseek_ai" => "deepseek",
        "xai" | "x-ai" | "x_ai" | "grok" => "xai",
        "meta" | "meta_llama" | "meta-llama-api" => "meta",
        "voyage" | "voyageai" | "voyage_ai" | "voyage-ai" => "voyage",
        "jina" | "jina_ai" | "jinaai" => "jina",
        "moonshotai" | "moonshot" | "moonshot_ai" | "moonshot-ai" => "moonshotai",
        "minimax" | "minimaxai" => "minimax",
        "zai" | "z-ai" | "z_ai" => "zai",
        "perplexity" | "perplexity-ai" | "perplexityai" => "perplexity",
        "ai21" | "ai21_chat" => "ai21",
        "groq" => "groq",
        "together" | "together_ai" | "together-ai" | "togetherai" => "together",
        "fireworks" | "fireworks_ai" | "fireworks-ai" | "fireworksai" => "fireworks",
        "deepinfra" => "deepinfra",
        "openrouter" => "openrouter",
        "cerebras" | "cerebras_cloud" => "cerebras",
        "sambanova" => "sambanova",
        "novita" | "novita_ai" => "novita",
        "nebius" | "nebius_ai_studio" => "nebius",
        "hyperbolic" => "hyperbolic",
        "lambda" | "lambda_ai" => "lambda",
        "databricks" => "databricks",
        "watsonx" | "ibm_watsonx_ai" | "ibm" => "watsonx",
        "oci" | "oracle" => "oci",
        "cloudflare" | "cloudflare-workers-ai" | "workers-ai" | "workersai" | "@cf" => "cloudflare",
        "replicate" => "replicate",
        "sagemaker" | "aws_sagemaker" => "sagemaker",
        "nvidia" | "nvidia_nim" | "nim" => "nvidia",
        "huggingface" | "hugging_face" | "hf" | "hugging-face" => "huggingface",
        "ollama" | "ollama_chat" | "vllm" | "hosted_vllm" | "llama_cpp" | "llamacpp" | "llama.cpp"
        | "lmstudio" | "lm_studio" | "lm-studio" | "tgi" | "sglang" | "xinference" | "localai" | "local"
        | "llamafile" | "gpt4all" | "self-hosted" | "self_hosted" => "self-hosted",
        _ => return None,
    })
}
