import logfire
from pydantic_ai import Agent

# send_to_logfire=False keeps everything on your machine: spans go to OTEL_EXPORTER_OTLP_ENDPOINT only.
logfire.configure(send_to_logfire=False, service_name="weather-agent", console=False)
logfire.instrument_pydantic_ai()

# OPENAI_BASE_URL points it at any compatible server.
agent = Agent("openai-chat:gpt-5-mini", name="weather_agent", instructions="Be brief. Use the tool.")


@agent.tool_plain
def get_weather(city: str) -> str:
    """Say what the weather is like in a city."""
    return f"14 °C and clear in {city}"


print(agent.run_sync("What is the weather in Paris?").output)
logfire.force_flush()
