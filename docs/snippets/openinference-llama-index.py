from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "library"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
LlamaIndexInstrumentor().instrument(tracer_provider=provider)

Settings.llm = OpenAI(model="gpt-5-mini")  # OPENAI_API_BASE points both at any compatible server
Settings.embed_model = OpenAIEmbedding(model="text-embedding-3-small")
documents = [Document(text="The library opens at nine.", metadata={"source": "hours.md"})]
with provider.get_tracer("library").start_as_current_span("ask_library"):
    index = VectorStoreIndex.from_documents(documents)
    print(index.as_query_engine().query("When does the library open?"))
provider.shutdown()  # sends what is still waiting
