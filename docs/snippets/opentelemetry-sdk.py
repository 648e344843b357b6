"""One agent with a tool call and two model calls, written with the OpenTelemetry SDK alone.

The model's answers are made up here, so that this runs without a model. The attributes are
those of the OpenTelemetry semantic conventions for generative AI.
"""

import json
import time

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("trip-planner")


def text(role, content):
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def call_model(messages, answer, usage):
    with tracer.start_as_current_span("chat gpt-5-mini", kind=trace.SpanKind.CLIENT) as span:
        time.sleep(0.2)
        span.set_attributes({
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5-mini",
            "gen_ai.request.temperature": 0.2,
            "gen_ai.input.messages": json.dumps(messages),
            "gen_ai.output.messages": json.dumps([answer]),
            "gen_ai.usage.input_tokens": usage[0],
            "gen_ai.usage.output_tokens": usage[1],
        })
    return answer


def get_weather(call_id, city):
    with tracer.start_as_current_span("execute_tool get_weather") as span:
        result = {"city": city, "celsius": 14, "sky": "clear"}
        span.set_attributes({
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "get_weather",
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.call.arguments": json.dumps({"city": city}),
            "gen_ai.tool.call.result": json.dumps(result),
        })
    return result


with tracer.start_as_current_span("invoke_agent trip-planner") as agent:
    agent.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "trip-planner"})
    messages = [text("system", "You plan short trips."), text("user", "Do I need an umbrella in Kyoto today?")]
    call = {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Kyoto"}}
    messages.append(call_model(messages, {"role": "assistant", "parts": [call], "finish_reason": "tool_calls"}, (52, 18)))
    weather = get_weather("call_1", "Kyoto")
    response = {"type": "tool_call_response", "id": "call_1", "response": weather}
    messages.append({"role": "tool", "parts": [response]})
    answer = text("assistant", "No: it is 14 °C and clear in Kyoto.") | {"finish_reason": "stop"}
    call_model(messages, answer, (91, 14))
    agent.set_attributes({
        "gen_ai.input.messages": json.dumps(messages[1:2]),
        "gen_ai.output.messages": json.dumps([answer]),
    })

provider.shutdown()  # sends what is still waiting
