"""A LangGraph agent in LangSmith's OpenTelemetry mode: two turns of one thread with a tool."""

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_core.tracers.langchain import wait_for_all_tracers
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import MemorySaver
from langsmith.run_trees import get_cached_client
from opentelemetry import trace


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city"""
    return f"21 °C in {city}"


agent = create_agent(ChatOpenAI(model="gpt-4o-mini"), [get_weather], checkpointer=MemorySaver(), name="weather_agent")
for question in ["What is the weather in Paris?", "And tomorrow?"]:
    agent.invoke(
        {"messages": [("user", question)]}, {"configurable": {"thread_id": "conv-77"}, "run_name": "weather_graph"}
    )
wait_for_all_tracers()
get_cached_client().flush()
trace.get_tracer_provider().force_flush()
