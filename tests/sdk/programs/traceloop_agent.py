"""OpenLLMetry: decorators around the OpenAI client, with a tool round trip, a stream and a refused call."""

import json

from openai import OpenAI, RateLimitError
from opentelemetry import trace
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import agent, tool, workflow

Traceloop.init(app_name="trip-bot")
client = OpenAI(max_retries=0)
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


def user(text):
    return {"role": "user", "content": text}


@tool(name="get_weather")
def get_weather(city):
    return {"city": city, "celsius": 21}


@agent(name="planner")
def plan(question):
    messages = [{"role": "system", "content": "Be brief."}, user(question)]
    reply = client.chat.completions.create(model="gpt-4o-mini", temperature=0.25, messages=messages, tools=TOOLS)
    message = reply.choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    for call in message.tool_calls:
        result = get_weather(json.loads(call.function.arguments)["city"])
        messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    reply = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=TOOLS)
    return reply.choices[0].message.content


@workflow(name="trip_planner")
def run(question):
    Traceloop.set_association_properties({"user_id": "ada", "session_id": "chat-9"})
    answer = plan(question)
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=[user("stream please")], stream=True, stream_options={"include_usage": True}
    )
    for _ in stream:
        pass
    try:
        client.chat.completions.create(model="gpt-4o-mini", messages=[user("[error 429] hello")])
    except RateLimitError:
        pass
    return answer


run("What is the weather in Paris?")
trace.get_tracer_provider().force_flush()
