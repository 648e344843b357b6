"""A LangGraph agent in LangSmith's OpenTelemetry mode: two turns of one thread with a tool, the second as a stream; a refused turn."""

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_core.tracers.langchain import wait_for_all_tracers
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import MemorySaver
from langsmith.run_trees import get_cached_client
from openai import RateLimitError
from opentelemetry import trace


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city"""
    return f"21 °C in {city}"


agent = create_agent(ChatOpenAI(model="gpt-4o-mini", max_retries=0, stream_usage=True), [get_weather], checkpointer=MemorySaver(), name="weather_agent")
config = {"configurable": {"thread_id": "conv-77"}, "run_name": "weather_graph"}
agent.invoke({"messages": [("user", "What is the weather in Paris?")]}, config)
for _ in agent.stream({"messages": [("user", "And tomorrow?")]}, config, stream_mode="messages"):
    pass
try:
    agent.invoke({"messages": [("user", "[error 429] hello")]}, {"configurable": {"thread_id": "conv-78"}})
except RateLimitError:
    pass
wait_for_all_tracers()
get_cached_client().flush()
# In LangSmith's own protocol there is none.
if hasattr(trace.get_tracer_provider(), "force_flush"):
    trace.get_tracer_provider().force_flush()
