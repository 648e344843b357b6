"""OpenLLMetry: decorators around the clients of OpenAI and Anthropic, with a tool round trip, streams and refused calls."""

import json

from anthropic import Anthropic
from openai import InternalServerError, OpenAI, RateLimitError
from opentelemetry import trace
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import agent, task, tool, workflow

Traceloop.init(app_name="trip-bot")
client = OpenAI(max_retries=0)
claude = Anthropic(max_retries=0)
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
FUNCTION = TOOLS[0]["function"]
CLAUDE_TOOL = {key: FUNCTION[key] for key in ("name", "description")} | {"input_schema": FUNCTION["parameters"]}


def user(text):
    return {"role": "user", "content": text}


@tool(name="get_weather")
def get_weather(city):
    return f"21 °C in {city}"


@agent(name="planner")
def plan(question):
    messages = [{"role": "system", "content": "Be brief."}, user(question)]
    reply = client.chat.completions.create(model="gpt-4o-mini", temperature=0.25, messages=messages, tools=TOOLS)
    message = reply.choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    for call in message.tool_calls:
        result = get_weather(json.loads(call.function.arguments)["city"])
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    reply = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=TOOLS)
    return reply.choices[0].message.content


@task(name="ask_claude")
def ask_claude():
    common = {"model": "claude-sonnet-5", "max_tokens": 500}
    claude.messages.create(system="Be kind.", messages=[user("Hello there [cached 5] [written 3]")], **common)
    claude.messages.create(messages=[user("What is the weather in Paris?")], tools=[CLAUDE_TOOL], **common)
    for _ in claude.messages.create(messages=[user("stream please")], stream=True, **common):
        pass


@workflow(name="trip_planner")
def run(question):
    Traceloop.set_association_properties({"user_id": "ada", "session_id": "chat-9"})
    answer = plan(question)
    stream = client.chat.completions.create(
        model="gpt-4o-mini", messages=[user("stream please")], stream=True, stream_options={"include_usage": True}
    )
    for _ in stream:
        pass
    for text, expected in (("[error 429] hello", RateLimitError), ("[error 500] hello", InternalServerError)):
        try:
            client.chat.completions.create(model="gpt-4o-mini", messages=[user(text)])
        except expected:
            pass
    client.chat.completions.create(model="gpt-5-mini", messages=[user("reason please [cached 5]")])
    ask_claude()
    client.embeddings.create(model="text-embedding-3-small", input="some words to embed")
    return answer


run("What is the weather in Paris?")
trace.get_tracer_provider().force_flush()
