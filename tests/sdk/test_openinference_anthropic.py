"""openinference-instrumentation-anthropic."""

import pytest
from expect import (
    CALLED,
    RESULT,
    WEATHER_QUESTION,
    check_call,
    check_rate_limit,
    check_server_error,
    check_totals,
    system,
    user,
)
from mock_anthropic import THINKING
from mock_model import answer_to, count_tokens

MODEL = "claude-sonnet-5"
QUESTION = "Hello there [cached 5] [written 3]"


@pytest.fixture(scope="module")
def trace(server, run_otel, project):
    run_otel("openinference_anthropic.py", project)
    return server.only_trace(project)


def test_the_tree_is_the_programs(trace):
    assert (trace.root["name"], trace.root["run_type"]) == ("claude", "chain")
    assert [run["run_type"] for run in trace.root["children"]] == ["llm"] * 8
    assert trace.row["run_count"] == 9
    assert all(run["provider"] == "anthropic" for run in trace.of_type("llm"))
    assert all(run["invocation_params"]["max_tokens"] == 1500 for run in trace.of_type("llm"))


def test_a_call_counts_what_the_cache_gave_and_took(trace):
    check_call(trace.of_type("llm")[0], system("Be kind."), user(QUESTION), model=MODEL, cached=5, written=3)


def test_a_tool_goes_round(trace):
    _, call, answer, *_ = trace.of_type("llm")
    check_call(call, user(WEATHER_QUESTION), model=MODEL, called=True)
    check_call(answer, user(WEATHER_QUESTION), CALLED, RESULT, model=MODEL)


def test_thinking_is_a_part_of_the_answer(trace):
    thinking = trace.of_type("llm")[3]
    answer = count_tokens(answer_to("think please"))
    check_call(thinking, user("think please"), model=MODEL, answered_tokens=count_tokens(THINKING) + answer)
    ((first, *_),) = [message["content"] for message in thinking["outputs"]["messages"]]
    assert (first["type"], first["text"]) == ("reasoning", THINKING)


def test_streams_are_whole(trace):
    text, call = trace.of_type("llm")[4:6]
    check_call(text, user("stream please"), model=MODEL)
    check_call(call, user("stream the weather"), model=MODEL, called=True)


def test_refused_calls_are_red(trace):
    limited, broken = trace.of_type("llm")[6:]
    check_rate_limit(limited, error_type="RateLimitError", model=MODEL)
    check_server_error(broken, error_type="InternalServerError", model=MODEL)
    assert trace.row["error_count"] == 2


def test_whose_it_is(trace):
    assert (trace.row["thread_id"], trace.row["user_id"]) == ("chat-a", "ada")
    assert trace.row["service"] == "claude-bot"
    call = trace.of_type("llm")[0]
    assert call["tags"] == ["blue"]
    assert call["metadata"]["plan"] == "pro"


def test_totals_add_up(trace):
    check_totals(trace)
    assert trace.row["cached_tokens"] == 5
