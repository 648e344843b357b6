"""traceloop-sdk (OpenLLMetry) with its decorators and its instrumentations of the clients of OpenAI and Anthropic."""

import pytest
from clearspan import PROGRAMS, run_program
from expect import (
    CALLED,
    RESULT,
    WEATHER_QUESTION,
    WEATHER_RESULT,
    check_call,
    check_embedding,
    check_rate_limit,
    check_server_error,
    check_totals,
    system,
    user,
)

CLAUDE = "claude-sonnet-5"


@pytest.fixture(scope="module")
def trace(server, model_environment, project):
    environment = {
        "TRACELOOP_BASE_URL": server.http_url,
        "TRACELOOP_HEADERS": f"Langsmith-Project={project}",
        "TRACELOOP_TELEMETRY": "false",
    }
    run_program(PROGRAMS / "traceloop_agent.py", model_environment | environment)
    return server.only_trace(project)


@pytest.fixture(scope="module")
def calls(trace):
    """The calls of OpenAI."""
    return [run for run in trace.of_type("llm") if run["name"] == "openai.chat"]


@pytest.fixture(scope="module")
def claude_calls(trace):
    """The calls of Anthropic. Its client reports them as well, below the same parent."""
    return [run for run in trace.of_type("llm") if run["name"] == "anthropic.chat"]


def test_the_tree_is_the_programs(trace):
    root = trace.root
    assert (root["name"], root["run_type"]) == ("trip_planner", "chain")
    assert [run["run_type"] for run in root["children"]] == ["chain", *["llm"] * 4, "chain", "embedding"]
    planner, *_, claude, _ = root["children"]
    assert (planner["name"], claude["name"]) == ("planner", "ask_claude")
    assert [run["run_type"] for run in planner["children"]] == ["llm", "tool", "llm"]


def test_a_tool_goes_round(calls):
    first, second, *_ = calls
    assert first["provider"] == "openai"
    assert first["invocation_params"]["temperature"] == 0.25
    asked = (system("Be brief."), user(WEATHER_QUESTION))
    check_call(first, *asked, called=True)
    check_call(second, *asked, CALLED, RESULT)


def test_the_tool_has_what_went_in_and_out(trace):
    (tool,) = trace.of_type("tool")
    assert tool["name"] == "get_weather"
    assert "Paris" in str(tool["inputs"]["rest"])
    assert tool["outputs"]["rest"] == WEATHER_RESULT


def test_a_stream_is_whole(calls):
    check_call(calls[2], user("stream please"))


def test_refused_calls_are_red(trace, calls):
    check_rate_limit(calls[3], error_type="RateLimitError")
    check_server_error(calls[4], error_type="InternalServerError")
    assert trace.row["error_count"] == 2
    assert trace.root["status"] == "success"


def test_reasoning_and_the_cache_are_details(calls):
    check_call(calls[5], user("reason please [cached 5]"), model="gpt-5-mini", cached=5, reasoning=8)


def test_calls_of_anthropic_are_whole(claude_calls):
    chat, tool, stream = claude_calls
    assert {call["provider"] for call in claude_calls} == {"anthropic"}
    check_call(chat, system("Be kind."), user("Hello there [cached 5] [written 3]"), model=CLAUDE, cached=5, written=3)
    check_call(tool, user(WEATHER_QUESTION), model=CLAUDE, called=True)
    # OpenLLMetry adds the token that the beginning of the stream tells to those that its end tells.
    check_call(stream, user("stream please"), model=CLAUDE, answered_tokens=5)


def test_embeddings_are_embeddings(trace):
    check_embedding(*trace.of_type("embedding"))


def test_whose_it_is(trace):
    assert (trace.row["thread_id"], trace.row["user_id"]) == ("chat-9", "ada")
    assert trace.row["service"] == "trip-bot"


def test_totals_add_up(trace):
    check_totals(trace)


def test_tokens_of_anthropic_count_once(trace):
    openai, claude, stream_in_either_count = 18 + 37 + 10 + 22 + 4, 24 + 12, {10, 11}
    assert trace.row["total_tokens"] - openai - claude in stream_in_either_count


def test_calls_of_anthropic_count_once(trace):
    assert trace.skeleton["totals"]["llm_count"] == 9
