"""OpenInference on the OpenAI client: a chat, a tool call, a stream, embeddings and a refused call."""

from openai import OpenAI, RateLimitError
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "support-bot"}))
# One request a span: each call has to be visible at once.
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
OpenAIInstrumentor().instrument(tracer_provider=provider)
client = OpenAI(max_retries=0)
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def ask(text, **more):
    return client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": text}], **more)


with using_attributes(session_id="chat-7", user_id="ada", metadata={"plan": "pro"}, tags=["blue"]):
    with provider.get_tracer("app").start_as_current_span("support"):
        client.chat.completions.create(
            model="gpt-4o-mini",
            temperature=0.25,
            messages=[
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "How do I reset my password? [cached 5]"},
            ],
        )
        ask("What is the weather in Paris?", tools=[TOOL])
        for _ in ask("stream please", stream=True, stream_options={"include_usage": True}):
            pass
        client.embeddings.create(model="text-embedding-3-small", input="some words to embed")
        try:
            ask("[error 429] hello")
        except RateLimitError:
            pass
provider.shutdown()
