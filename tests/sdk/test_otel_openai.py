"""OpenTelemetry's own instrumentation of the OpenAI client: the package of two names, and each place that it puts content."""

import os
import sys

import pytest
from clearspan import role_texts
from expect import (
    CALLED,
    RESULT,
    WEATHER_QUESTION,
    check_call,
    check_embedding,
    check_rate_limit,
    check_server_error,
    check_totals,
    system,
    user,
)

LATEST = {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"}
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EVENT = {"OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": "true"}
# The successor of openai-v2 runs with OpenAI's newest client, which that one cannot.
PYTHONS = {"openai_v2": sys.executable, "genai.openai": os.environ.get("CLEARSPAN_OPENAI3_PYTHON")}
MODES = {
    # One log record for each message: the conventions before 1.37.
    "openai_v2-messages-in-records": {CONTENT: "true"},
    "openai_v2-span": LATEST | {CONTENT: "SPAN_ONLY"},
    "openai_v2-event": LATEST | {CONTENT: "EVENT_ONLY"},
    "openai_v2-event-late": LATEST | {CONTENT: "EVENT_ONLY"},
    "openai_v2-span-and-event": LATEST | {CONTENT: "SPAN_AND_EVENT"},
    "genai.openai-span": LATEST | {CONTENT: "SPAN_ONLY"},
    "genai.openai-event": LATEST | EVENT | {CONTENT: "EVENT_ONLY"},
    "genai.openai-span-and-event": LATEST | EVENT | {CONTENT: "SPAN_AND_EVENT"},
}


@pytest.fixture(scope="module", params=MODES)
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def package(mode):
    return mode.partition("-")[0]


@pytest.fixture(scope="module")
def details(package):
    """Only the newer package tells details of tokens."""
    return {"cached": 5} if package == "genai.openai" else {}


@pytest.fixture(scope="module")
def trace(server, run_otel, mode, package):
    project = f"otel-openai-{mode}"
    order = ["late"] if mode.endswith("late") else []
    run_otel("otel_openai.py", project, package, *order, python=PYTHONS[package], **MODES[mode])
    return server.only_trace(project)


def test_the_tree_is_the_programs(trace):
    assert trace.root["name"] == "bot"
    assert [run["run_type"] for run in trace.root["children"]] == ["llm"] * 6 + ["embedding"] + ["llm"] * 2
    assert trace.row["run_count"] == 10
    assert {run["provider"] for run in trace.root["children"]} == {"openai"}
    assert trace.row["service"] == "otel-bot"


def test_a_chat_is_whole(trace, details):
    chat = trace.of_type("llm")[0]
    assert chat["name"] == "chat gpt-4o-mini"
    assert chat["invocation_params"]["temperature"] == 0.25
    check_call(chat, system("Be kind."), user("Hello there [cached 5]"), **details)


def test_a_tool_goes_round(trace):
    _, call, answer, *_ = trace.of_type("llm")
    check_call(call, user(WEATHER_QUESTION), called=True)
    check_call(answer, user(WEATHER_QUESTION), CALLED, RESULT)


def test_streams_are_whole(trace):
    text, call = trace.of_type("llm")[3:5]
    check_call(text, user("stream please"))
    check_call(call, user("stream the weather"), called=True)


def test_reasoning_counts_as_output(trace, package):
    details = {"reasoning": 8} if package == "genai.openai" else {}
    check_call(trace.of_type("llm")[5], user("reason please"), model="gpt-5-mini", **details)


def test_embeddings_are_embeddings(trace):
    check_embedding(*trace.of_type("embedding"), content=False)


def test_refused_calls_are_red(trace):
    limited, broken = trace.of_type("llm")[6:]
    check_rate_limit(limited, error_type="RateLimitError")
    check_server_error(broken, error_type="InternalServerError")
    assert trace.row["error_count"] == 2


def test_content_came_once(trace):
    """Where spans and records both hold it, it is there once."""
    for run in trace.of_type("llm"):
        messages = role_texts(run["inputs"]["messages"])
        assert len(messages) == len(set(messages))


def test_totals_add_up(trace):
    check_totals(trace)
