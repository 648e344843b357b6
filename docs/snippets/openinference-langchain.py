from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "joke-chain"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LangChainInstrumentor().instrument(tracer_provider=provider)

prompt = ChatPromptTemplate.from_template("Tell a one-line joke about {topic}.")
model = ChatOpenAI(model="gpt-5-mini")  # OPENAI_BASE_URL points it at any compatible server
chain = prompt | model | StrOutputParser()
print(chain.invoke({"topic": "tracing"}, config={"run_name": "joke_chain"}))
provider.shutdown()  # sends what is still waiting
