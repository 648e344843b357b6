"""LangChain with LangSmith's own tracing over OpenTelemetry: a chain, its stream, and a model that refuses."""

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tracers.langchain import wait_for_all_tracers
from langchain_openai import ChatOpenAI
from langsmith.run_trees import get_cached_client
from openai import RateLimitError
from opentelemetry import trace

model = ChatOpenAI(model="gpt-4o-mini", temperature=0.25, max_retries=0, stream_usage=True)
prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("user", "Tell a joke about {topic}")])
chain = prompt | model | StrOutputParser()
config = {"tags": ["joke", "prod"], "metadata": {"session_id": "chat-1", "plan": "pro"}}
chain.invoke({"topic": "tracing"}, config | {"run_name": "joke_chain"})
for _ in chain.stream({"topic": "streams"}, config | {"run_name": "joke_stream"}):
    pass
try:
    chain.invoke({"topic": "[error 429]"}, config | {"run_name": "refused_chain"})
except RateLimitError:
    pass
wait_for_all_tracers()
get_cached_client().flush()
# In LangSmith's own protocol there is none.
if hasattr(trace.get_tracer_provider(), "force_flush"):
    trace.get_tracer_provider().force_flush()
