"""Spans by hand with the OpenTelemetry SDK, as the conventions for generative AI spell them.

The argument is the transport: `http` or `grpc`. The exporter reads its endpoint and headers from the environment.
"""

import json
import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

if sys.argv[1] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

resource = Resource.create(
    {"service.name": "weather-bot", "service.version": "1.2.3", "deployment.environment.name": "staging"}
)
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("weather-bot", "0.9")


def text(role, content):
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def fill(span, operation, **attributes):
    span.set_attribute("gen_ai.operation.name", operation)
    for name, value in attributes.items():
        value = json.dumps(value) if isinstance(value, (list, dict)) else value
        span.set_attribute(name.replace("__", "."), value)


question = text("user", "What is the weather in Paris?")
call = {"role": "assistant", "parts": [{"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}}]}

with tracer.start_as_current_span("invoke_agent weather") as agent:
    fill(agent, "invoke_agent", gen_ai__agent__name="weather", gen_ai__conversation__id="conv-otel")
    agent.set_attribute("user.id", "ada")
    with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT) as llm:
        fill(
            llm,
            "chat",
            gen_ai__provider__name="openai",
            gen_ai__request__model="gpt-4o-mini",
            gen_ai__response__model="gpt-4o-mini-2024-07-18",
            gen_ai__request__temperature=0.25,
            gen_ai__input__messages=[text("system", "Be brief."), question],
            gen_ai__output__messages=[call | {"finish_reason": "tool_calls"}],
            gen_ai__usage__input_tokens=1000,
            gen_ai__usage__output_tokens=200,
        )
    with tracer.start_as_current_span("execute_tool get_weather") as tool:
        fill(
            tool,
            "execute_tool",
            gen_ai__tool__name="get_weather",
            gen_ai__tool__call__id="call_1",
            gen_ai__tool__call__arguments={"city": "Paris"},
        )
        tool.record_exception(TimeoutError("no answer from the weather station"))
        tool.set_status(Status(StatusCode.ERROR, "no answer from the weather station"))
    with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT) as llm:
        fill(
            llm,
            "chat",
            gen_ai__provider__name="openai",
            gen_ai__request__model="gpt-4o-mini",
            gen_ai__input__messages=[question],
            gen_ai__output__messages=[text("assistant", "Nobody knows. ☁️") | {"finish_reason": "stop"}],
            gen_ai__usage__input_tokens=2000,
            gen_ai__usage__output_tokens=100,
        )
provider.shutdown()
