"""Pydantic AI with Logfire's instrumentation: an agent with a tool, a stream, structured output, a failing tool, a refused call.

The argument names the model, such as `openai-chat:gpt-4o-mini`.
"""

import asyncio
import sys

import logfire
from pydantic import BaseModel
from pydantic_ai import Agent, Embedder
from pydantic_ai.exceptions import ModelHTTPError

MODEL = sys.argv[1]
# Scrubbing would blank `session.id`.
logfire.configure(send_to_logfire=False, service_name="pydantic-bot", console=False, scrubbing=False)
logfire.instrument_pydantic_ai()
Embedder.instrument_all()
agent = Agent(MODEL, name="weather_agent", instructions="Be brief.", model_settings={"max_tokens": 500})
plain = Agent(MODEL, name="plain_agent", system_prompt="Be kind.")
clumsy = Agent(MODEL, name="clumsy_agent")


class City(BaseModel):
    city: str
    population: int


@agent.tool_plain
def get_weather(city: str) -> str:
    """Get the weather of a city"""
    return f"21 °C in {city}"


@clumsy.tool_plain
def explode(city: str) -> str:
    """Fails"""
    raise ValueError("the tool exploded")


async def stream():
    async with plain.run_stream("stream please") as result:
        async for _ in result.stream_text():
            pass


with logfire.span("bot", **{"session.id": "chat-p", "user.id": "ada"}):
    agent.run_sync("What is the weather in Paris?")
    plain.run_sync("Hello there [cached 5]")
    asyncio.run(stream())
    Agent(MODEL, name="extractor", output_type=City).run_sync("Which city?")
    for failing, text, expected in (
        (clumsy, "Use the tool", ValueError),
        (plain, "[error 429] hello", ModelHTTPError),
        (plain, "[error 500] hello", ModelHTTPError),
    ):
        try:
            failing.run_sync(text)
        except expected:
            pass
    if MODEL.startswith("openai"):
        Embedder("openai:text-embedding-3-small").embed_query_sync("some words to embed")
logfire.force_flush()
