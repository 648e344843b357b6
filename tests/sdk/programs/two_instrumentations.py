"""Two instrumentations at once: each reports every call of the model. The argument says which."""

import sys

from langchain_openai import ChatOpenAI
from openai import OpenAI, RateLimitError
from openinference.instrumentation.langchain import LangChainInstrumentor as OpenInferenceLangChain
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.langchain import LangchainInstrumentor as OpenLLMetryLangChain
from opentelemetry.instrumentation.openai import OpenAIInstrumentor as OpenLLMetry
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

PAIRS = {
    # On the client of OpenAI, one within the other.
    "openai": (OpenLLMetry, OpenInference),
    # On LangChain, where both listen to callbacks: their spans are siblings.
    "langchain": (OpenInferenceLangChain, OpenLLMetryLangChain),
    # One on LangChain, the other on the client of OpenAI below it: siblings, too.
    "langchain-and-openai": (OpenInferenceLangChain, OpenLLMetry),
}
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
for instrumentor in PAIRS[sys.argv[1]]:
    instrumentor().instrument(tracer_provider=provider)


class PlainClient:
    """The client of OpenAI."""

    def __init__(self):
        self.client = OpenAI(max_retries=0)

    def ask(self, text):
        self.client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": text}])

    def stream(self, text):
        messages = [{"role": "user", "content": text}]
        for _ in self.client.chat.completions.create(
            model="gpt-4o-mini", messages=messages, stream=True, stream_options={"include_usage": True}
        ):
            pass


class LangChainClient:
    """LangChain's model of OpenAI."""

    def __init__(self):
        self.model = ChatOpenAI(model="gpt-4o-mini", max_retries=0, stream_usage=True)

    def ask(self, text):
        self.model.invoke(text)

    def stream(self, text):
        for _ in self.model.stream(text):
            pass


client = LangChainClient() if "langchain" in sys.argv[1] else PlainClient()
with provider.get_tracer("app").start_as_current_span("bot"):
    client.ask("Hello there [cached 5]")
    client.stream("stream please")
    try:
        client.ask("[error 429] hello")
    except RateLimitError:
        pass
provider.shutdown()
