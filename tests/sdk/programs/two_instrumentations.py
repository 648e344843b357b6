"""OpenLLMetry and OpenInference on the same OpenAI client: each reports every call. The argument says which wraps the other."""

import sys

from openai import OpenAI, RateLimitError
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai import OpenAIInstrumentor as OpenLLMetry
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
first, second = {"openllmetry-inside": (OpenLLMetry, OpenInference), "openinference-inside": (OpenInference, OpenLLMetry)}[
    sys.argv[1]
]
first().instrument(tracer_provider=provider)
second().instrument(tracer_provider=provider)
client = OpenAI(max_retries=0)


def ask(text, **more):
    return client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": text}], **more)


with provider.get_tracer("app").start_as_current_span("bot"):
    ask("Hello there [cached 5]")
    for _ in ask("stream please", stream=True, stream_options={"include_usage": True}):
        pass
    client.embeddings.create(model="text-embedding-3-small", input="some words to embed")
    try:
        ask("[error 429] hello")
    except RateLimitError:
        pass
provider.shutdown()
