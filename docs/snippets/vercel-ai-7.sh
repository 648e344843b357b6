npm install ai@7 @ai-sdk/openai@4 @ai-sdk/otel@1 @opentelemetry/sdk-node @opentelemetry/exporter-trace-otlp-proto

export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
export OPENAI_API_KEY="${OPENAI_API_KEY:-your-openai-key}"
