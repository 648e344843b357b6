pip install openinference-instrumentation-anthropic opentelemetry-sdk opentelemetry-exporter-otlp-proto-http anthropic

export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
export ANTHROPIC_API_KEY="${ANTHROPIC_API_KEY:-your-anthropic-key}"
