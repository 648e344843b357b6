"""OpenTelemetry's own instrumentation of the OpenAI client; content goes where the environment says: spans, log records, both.

The first argument names the package: `openai_v2`, or `genai.openai`, which follows it. With a second one, `late`, log
records are sent after all spans, else before them.
"""

import importlib
import json
import sys

from openai import InternalServerError, OpenAI, RateLimitError
from opentelemetry import _logs, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

resource = Resource.create({"service.name": "otel-bot"})
spans = TracerProvider(resource=resource)
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(spans)
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
_logs.set_logger_provider(logs)
importlib.import_module(f"opentelemetry.instrumentation.{sys.argv[1]}").OpenAIInstrumentor().instrument()
client = OpenAI(max_retries=0)
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def ask(*messages, model="gpt-4o-mini", **more):
    return client.chat.completions.create(model=model, messages=list(messages), **more)


def user(text):
    return {"role": "user", "content": text}


with trace.get_tracer("app").start_as_current_span("bot"):
    ask({"role": "system", "content": "Be kind."}, user("Hello there [cached 5]"), temperature=0.25)
    question = user("What is the weather in Paris?")
    message = ask(question, tools=[TOOL]).choices[0].message
    (call,) = message.tool_calls
    result = f"21 °C in {json.loads(call.function.arguments)['city']}"
    answer = {"role": "tool", "tool_call_id": call.id, "content": result}
    ask(question, message.model_dump(exclude_none=True), answer, tools=[TOOL])
    for _ in ask(user("stream please"), stream=True, stream_options={"include_usage": True}):
        pass
    for _ in ask(user("stream the weather"), tools=[TOOL], stream=True, stream_options={"include_usage": True}):
        pass
    ask(user("reason please"), model="gpt-5-mini")
    client.embeddings.create(model="text-embedding-3-small", input="some words to embed")
    for text, expected in (("[error 429] hello", RateLimitError), ("[error 500] hello", InternalServerError)):
        try:
            ask(user(text))
        except expected:
            pass
for provider in (spans, logs) if "late" in sys.argv else (logs, spans):
    provider.shutdown()
