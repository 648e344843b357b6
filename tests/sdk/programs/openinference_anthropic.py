"""OpenInference on the Anthropic client: a chat with a cached prompt, a tool round trip, thinking, a stream and a refused call."""

from anthropic import Anthropic, InternalServerError, RateLimitError
from openinference.instrumentation import using_attributes
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "claude-bot"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
AnthropicInstrumentor().instrument(tracer_provider=provider)
client = Anthropic(max_retries=0)
COMMON = {"model": "claude-sonnet-5", "max_tokens": 1500}
TOOL = {
    "name": "get_weather",
    "description": "Get the weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def user(content):
    return {"role": "user", "content": content}


with using_attributes(session_id="chat-a", user_id="ada", metadata={"plan": "pro"}, tags=["blue"]):
    with provider.get_tracer("app").start_as_current_span("claude"):
        client.messages.create(
            system="Be kind.", messages=[user("Hello there [cached 5] [written 3]")], **COMMON
        )
        messages = [user("What is the weather in Paris?")]
        reply = client.messages.create(messages=messages, tools=[TOOL], **COMMON)
        messages.append({"role": "assistant", "content": [block.model_dump() for block in reply.content]})
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": f"21 °C in {block.input['city']}"}
            for block in reply.content
            if block.type == "tool_use"
        ]
        client.messages.create(messages=[*messages, user(results)], tools=[TOOL], **COMMON)
        client.messages.create(
            messages=[user("think please")], thinking={"type": "enabled", "budget_tokens": 1024}, **COMMON
        )
        with client.messages.stream(messages=[user("stream please")], **COMMON) as stream:
            for _ in stream.text_stream:
                pass
        for _ in client.messages.create(messages=[user("stream the weather")], tools=[TOOL], stream=True, **COMMON):
            pass
        for text, expected in (("[error 429] hello", RateLimitError), ("[error 500] hello", InternalServerError)):
            try:
                client.messages.create(messages=[user(text)], **COMMON)
            except expected:
                pass
provider.shutdown()
