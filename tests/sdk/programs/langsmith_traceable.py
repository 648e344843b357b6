"""`@traceable` and `wrap_openai` in LangSmith's OpenTelemetry mode: a tree of four types and one that fails."""

from langsmith import Client, traceable
from langsmith.wrappers import wrap_openai
from openai import OpenAI
from opentelemetry import trace

langsmith_client = Client()
client = wrap_openai(OpenAI(max_retries=0))


@traceable(run_type="retriever")
def find_documents(question):
    return [{"page_content": "The library opens at nine.", "type": "Document", "metadata": {"source": "hours.md"}}]


@traceable(run_type="tool")
def check_calendar(day):
    raise LookupError(f"no calendar for {day}")


@traceable(name="assistant", client=langsmith_client, tags=["library"], metadata={"thread_id": "chat-5", "plan": "pro"})
def answer(question):
    find_documents(question)
    try:
        check_calendar("Sunday")
    except LookupError:
        pass
    reply = client.chat.completions.create(
        model="gpt-4o-mini",
        temperature=0.25,
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}],
    )
    return reply.choices[0].message.content


answer("When does the library open?")
langsmith_client.flush()
# In LangSmith's own protocol there is none.
if hasattr(trace.get_tracer_provider(), "force_flush"):
    trace.get_tracer_provider().force_flush()
