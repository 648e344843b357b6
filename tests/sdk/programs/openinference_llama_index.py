"""OpenInference on LlamaIndex: an index, a query over it, the same as a stream, an agent with a tool, and a refused call."""

import asyncio

from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI
from openai import RateLimitError
from openinference.instrumentation import using_session
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LlamaIndexInstrumentor().instrument(tracer_provider=provider)
tracer = provider.get_tracer("app")
Settings.llm = OpenAI(model="gpt-4o-mini", temperature=0.25, max_retries=0)
Settings.embed_model = OpenAIEmbedding(model="text-embedding-3-small")
QUESTION = "When does the library open?"


def get_weather(city: str) -> str:
    """Get the weather of a city"""
    return f"21 °C in {city}"


async def ask_agent():
    agent = FunctionAgent(tools=[get_weather], llm=Settings.llm, system_prompt="Be brief.")
    await agent.run("What is the weather in Paris?")


with using_session("chat-l"):
    with tracer.start_as_current_span("indexing"):
        documents = [Document(text="The library opens at nine.", metadata={"source": "hours.md"})]
        index = VectorStoreIndex.from_documents(documents)
    with tracer.start_as_current_span("asking"):
        index.as_query_engine(similarity_top_k=1).query(QUESTION)
    with tracer.start_as_current_span("streaming"):
        for _ in index.as_query_engine(streaming=True, similarity_top_k=1).query(QUESTION).response_gen:
            pass
    with tracer.start_as_current_span("agent"):
        asyncio.run(ask_agent())
    with tracer.start_as_current_span("refused"):
        try:
            Settings.llm.complete("[error 429] hello")
        except RateLimitError:
            pass
provider.shutdown()
