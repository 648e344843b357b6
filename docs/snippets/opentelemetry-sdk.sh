pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http

export OTEL_SERVICE_NAME=trip-planner
export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
