"""OpenInference on LangChain: an agent with a tool, a chain with a retriever, a stream, a refused call, a tool that fails."""

from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import RateLimitError
from openinference.instrumentation import using_session
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LangChainInstrumentor().instrument(tracer_provider=provider)
model = ChatOpenAI(model="gpt-4o-mini", temperature=0.25, max_retries=0, stream_usage=True)


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city"""
    return f"21 °C in {city}"


@tool
def broken(city: str) -> str:
    """Fails"""
    raise ValueError("the tool exploded")


class Library(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        return [Document(page_content="The library opens at nine.", metadata={"source": "hours.md"})]


with using_session("chat-3"):
    agent = create_agent(model, [get_weather], name="weather_agent")
    agent.invoke({"messages": [{"role": "user", "content": "What is the weather in Paris?"}]})

prompt = ChatPromptTemplate.from_template("Answer from {context}: {question}")
chain = {"context": Library(), "question": RunnablePassthrough()} | prompt | model
chain.invoke("When does the library open?", config={"run_name": "library_chain"})
for _ in model.stream("stream please"):
    pass
try:
    model.invoke("[error 429] hello")
except RateLimitError:
    pass
try:
    broken.invoke({"city": "Paris"})
except ValueError:
    pass
provider.shutdown()
