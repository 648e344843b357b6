"""The Vercel AI SDK: version 7 with both of its telemetries, 6, and 5."""

from decimal import Decimal

import pytest
from clearspan import PROGRAMS, dollars, role_texts
from expect import (
    CALLED,
    RESULT,
    WEATHER_QUESTION,
    WEATHER_RESULT,
    check_call,
    check_messages,
    check_rate_limit,
    check_server_error,
    check_totals,
    system,
    user,
)
from mock_model import answer_to, count_tokens
from mock_openai import REASONING
from node_programs import run_node

VERSIONS = ["7", "7-legacy", "6", "5"]
EMBEDDED = ["some words to embed", "one two"]


@pytest.fixture(scope="module", params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture(scope="module")
def trace(server, model_environment, version, tmp_path_factory):
    project = f"vercel-ai-{version}"
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": server.http_url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"Langsmith-Project={project}",
    }
    folder = tmp_path_factory.mktemp(project)
    run_node(PROGRAMS / "vercel_ai.mjs", folder, model_environment | environment, version, major=version[0])
    return server.only_trace(project)


@pytest.fixture(scope="module")
def calls(trace):
    calls = trace.of_type("llm")
    assert len(calls) == 12
    return calls


def test_the_tree_is_the_programs(trace, version):
    root = trace.root
    assert root["name"] == "bot"
    # Version 7 calls the outermost run of an embedding what it is.
    assert len(root["children"]) == 11
    tool_loop = root["children"][2]
    assert tool_loop["run_type"] == "chain"
    if version == "7":
        steps = tool_loop["children"]
        assert [run["name"] for run in steps] == ["step 1", "step 2"]
        assert [[run["run_type"] for run in step["children"]] for step in steps] == [["llm", "tool"], ["llm"]]
    else:
        assert [run["name"] for run in tool_loop["children"] if run["run_type"] == "llm"] == [
            "ai.generateText.doGenerate"
        ] * 2
    assert trace.row["service"] == "ai-bot"


def test_a_chat_is_whole(calls, version):
    # Version 5 does not tell of the cache.
    cached = {} if version == "5" else {"cached": 5}
    check_call(calls[0], system("Be kind."), user("Hello there [cached 5]"), **cached)
    assert calls[0]["provider"] == "openai"
    assert calls[0]["invocation_params"]["temperature"] == 0.25


def test_a_stream_is_whole(calls):
    check_call(calls[1], user("stream please"))
    assert calls[1]["first_token_time"] is not None


def test_a_tool_goes_round(calls, trace):
    check_call(calls[2], user(WEATHER_QUESTION), called=True)
    check_call(calls[3], user(WEATHER_QUESTION), CALLED, RESULT)
    tool = trace.of_type("tool")[0]
    assert (tool["name"], tool["inputs"]["rest"], tool["outputs"]["rest"]) == (
        "get_weather",
        {"city": "Paris"},
        WEATHER_RESULT,
    )


def test_a_tool_goes_round_in_a_stream(calls):
    check_call(calls[4], user(WEATHER_QUESTION), called=True)
    # Calls cost nothing in the mock's Responses API: they are items of their own there.
    check_call(calls[5], user(WEATHER_QUESTION), CALLED, RESULT, asked_tokens=18)


def test_a_failed_tool_is_red(trace, calls):
    tool = trace.of_type("tool")[2]
    assert (tool["name"], tool["status"], tool["error_type"]) == ("explode", "error", "Error")
    assert "the tool exploded" in tool["error"]
    result = calls[7]["inputs"]["messages"][-1]
    assert result["role"] == "tool" and "the tool exploded" in str(result["content"])


def test_reasoning_is_a_part_of_the_answer(calls, version):
    # Version 5 does not tell the tokens of reasoning.
    details = {} if version == "5" else {"reasoning": 8}
    check_call(calls[8], user("reason please"), model="gpt-5-mini", **details)
    if version != "5":
        (answer,) = calls[8]["outputs"]["messages"]
        assert [part["text"] for part in answer["content"] if part["type"] == "reasoning"] == [REASONING]


def test_an_object_is_the_answer(calls):
    check_messages(calls[9], [user("Which city?")], '{"city": "Paris", "population": 3}')


def test_embeddings_are_embeddings(trace):
    embeddings = [run for run in trace.of_type("embedding") if run["usage"]]
    assert [run["usage"]["input_tokens"] for run in embeddings] == [4, 3]
    assert {run["model"] for run in embeddings} == {"text-embedding-3-small"}
    for run in embeddings:
        cost = dollars(run["usage"]["input_tokens"], 0, model="text-embedding-3-small")
        assert Decimal(run["cost"]["total"]) == cost


def test_embeddings_show_their_text(trace):
    embeddings = [run for run in trace.of_type("embedding") if run["usage"]]
    for run, text in zip(embeddings, EMBEDDED, strict=True):
        assert text in str(run["inputs"]["rest"])


def test_refused_calls_are_red(trace, calls):
    check_rate_limit(calls[10], error_type="AI_APICallError")
    check_server_error(calls[11], error_type="AI_APICallError")
    assert [run["status"] for run in trace.root["children"]] == ["success"] * 9 + ["error"] * 2


def test_whose_it_is(trace):
    assert (trace.row["thread_id"], trace.row["user_id"]) == ("chat-v", "ada")
    first = trace.root["children"][0]
    assert first["metadata"]["plan"] == "pro"
    assert role_texts(first["outputs"]["messages"]) == [("assistant", answer_to("Hello there [cached 5]"))]


def test_totals_add_up(trace):
    check_totals(trace)
    assert trace.skeleton["totals"]["input_tokens"] > count_tokens(WEATHER_QUESTION)
