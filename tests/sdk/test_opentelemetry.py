"""opentelemetry-sdk with each of its OTLP exporters."""

from decimal import Decimal

import pytest
from clearspan import PROGRAMS, dollars, role_texts, run_program, text_of, tool_calls

TRANSPORTS = {
    "http": {},
    "http-gzip": {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
    "grpc": {},
    "grpc-gzip": {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
}


@pytest.fixture(scope="module", params=TRANSPORTS)
def trace(request, server):
    transport, project = request.param.split("-")[0], f"otel-{request.param}"
    endpoint = server.grpc_url if transport == "grpc" else server.http_url
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": f"langsmith-project={project}",
    }
    done = run_program(PROGRAMS / "otel_genai.py", environment | TRANSPORTS[request.param], transport)
    assert done.stderr == "", "the exporter has nothing to complain about"
    return server.only_trace(project)


def test_the_tree_is_the_programs(trace):
    assert trace.root["name"] == "invoke_agent weather"
    assert [(run["name"], run["run_type"]) for run in trace.root["children"]] == [
        ("chat gpt-4o-mini", "llm"),
        ("get_weather", "tool"),
        ("chat gpt-4o-mini", "llm"),
    ]
    assert trace.row["name"] == "invoke_agent weather"
    assert trace.row["run_count"] == 4
    assert trace.row["orphan"] is False


def test_calls_show_model_messages_and_parameters(trace):
    first, second = trace.of_type("llm")
    assert first["model"] == "gpt-4o-mini-2024-07-18", "the model that answered"
    assert second["model"] == "gpt-4o-mini", "the model that was asked"
    assert first["provider"] == "openai"
    assert first["invocation_params"]["temperature"] == 0.25
    assert role_texts(first["inputs"]["messages"]) == [
        ("system", "Be brief."),
        ("user", "What is the weather in Paris?"),
    ]
    assert tool_calls(first["outputs"]["messages"]) == [("get_weather", {"city": "Paris"})]
    assert role_texts(second["outputs"]["messages"]) == [("assistant", "Nobody knows. ☁️")]


def test_tokens_and_cost_add_up(trace):
    first, second = trace.of_type("llm")
    assert first["usage"]["input_tokens"] == 1000
    assert first["usage"]["output_tokens"] == 200
    assert first["usage"]["total_tokens"] == 1200
    assert Decimal(first["cost"]["total"]) == dollars(1000, 200)
    assert first["cost"]["source"]["kind"] == "priced"
    assert Decimal(trace.row["cost"]) == dollars(3000, 300)
    assert trace.row["total_tokens"] == 3300
    totals = trace.skeleton["totals"]
    assert (totals["input_tokens"], totals["output_tokens"], totals["llm_count"]) == (3000, 300, 2)
    assert trace.skeleton["runs"]["tree_cost"][0] == int(dollars(3000, 300) * 1_000_000_000)
    assert trace.row["unpriced_count"] == 0


def test_the_failed_tool_is_red(trace):
    (tool,) = trace.of_type("tool")
    assert tool["status"] == "error"
    assert "no answer from the weather station" in tool["error"]
    assert tool["error_type"] == "TimeoutError"
    assert [event["name"] for event in tool["events"]] == ["exception"]
    assert trace.root["status"] == "success", "an agent that recovers did not fail"
    assert trace.row["error_count"] == 1
    assert trace.row["status"] == "success"
    row = trace.skeleton["runs"]["id"].index(tool["run_id"])
    assert trace.skeleton["runs"]["status"][row] == 2


def test_whose_it_is_and_where_it_came_from(trace):
    root = trace.root
    assert (trace.row["thread_id"], trace.row["user_id"]) == ("conv-otel", "ada")
    assert (root["service"], root["release"], root["environment"]) == ("weather-bot", "1.2.3", "staging")
    assert root["scope"] == {"name": "weather-bot", "version": "0.9"}
    assert text_of(trace.row["output_preview"]) == "Nobody knows. ☁️"
    assert trace.row["input_preview"] == "What is the weather in Paris?"
