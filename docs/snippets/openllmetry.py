from openai import OpenAI
from opentelemetry import trace
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import tool, workflow

Traceloop.init(app_name="joke-writer")
client = OpenAI()  # OPENAI_BASE_URL points it at any compatible server


@tool(name="pick_topic")
def pick_topic():
    return "tracing"


@workflow(name="joke_writer")
def write_joke():
    topic = pick_topic()
    response = client.chat.completions.create(
        model="gpt-5-mini",
        messages=[{"role": "user", "content": f"Tell a one-line joke about {topic}."}],
    )
    return response.choices[0].message.content


print(write_joke())
trace.get_tracer_provider().force_flush()
