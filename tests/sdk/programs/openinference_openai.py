"""OpenInference on the OpenAI client: chats, a tool round trip, streams, responses, embeddings and refused calls."""

import json

from openai import InternalServerError, OpenAI, RateLimitError
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


def ask(*messages, model="gpt-4o-mini", **more):
    return client.chat.completions.create(model=model, messages=list(messages), **more)


def user(text):
    return {"role": "user", "content": text}


with using_attributes(session_id="chat-7", user_id="ada", metadata={"plan": "pro"}, tags=["blue"]):
    with provider.get_tracer("app").start_as_current_span("support"):
        question = "How do I reset my password? [cached 5]"
        ask({"role": "system", "content": "Be kind."}, user(question), temperature=0.25)
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
        client.responses.create(
            model="gpt-5-mini", instructions="Be kind.", input="reason please [cached 5]", reasoning={"summary": "auto"}
        )
        for _ in client.responses.create(model="gpt-4o-mini", input="stream please", stream=True):
            pass
        client.embeddings.create(model="text-embedding-3-small", input="some words to embed")
        for text, expected in (("[error 429] hello", RateLimitError), ("[error 500] hello", InternalServerError)):
            try:
                ask(user(text))
            except expected:
                pass
provider.shutdown()
