pip install "pydantic-ai-slim[openai]" logfire

export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
export OPENAI_API_KEY="${OPENAI_API_KEY:-your-openai-key}"
