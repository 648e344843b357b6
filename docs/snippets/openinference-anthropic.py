from anthropic import Anthropic
from openinference.instrumentation import using_attributes
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "support-bot"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
AnthropicInstrumentor().instrument(tracer_provider=provider)

client = Anthropic()  # ANTHROPIC_BASE_URL points it at any compatible server
with using_attributes(session_id="thread-1", user_id="ada"):
    response = client.messages.create(
        model="claude-sonnet-5",
        max_tokens=500,
        system="You are brief and kind.",
        messages=[{"role": "user", "content": "How do I reset my password?"}],
    )
print(response.content[0].text)
provider.shutdown()  # sends what is still waiting
