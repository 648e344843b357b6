pip install openinference-instrumentation-llama-index opentelemetry-sdk opentelemetry-exporter-otlp-proto-http llama-index-core llama-index-llms-openai llama-index-embeddings-openai

export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
export OPENAI_API_KEY="${OPENAI_API_KEY:-your-openai-key}"
