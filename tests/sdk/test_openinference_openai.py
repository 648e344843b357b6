"""openinference-instrumentation-openai."""

import pytest
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

QUESTION = "How do I reset my password? [cached 5]"


@pytest.fixture(scope="module")
def trace(server, run_otel, project):
    run_otel("openinference_openai.py", project)
    return server.only_trace(project)


@pytest.fixture(scope="module")
def calls(trace):
    return trace.of_type("llm")


def test_the_tree_is_the_programs(trace):
    assert (trace.root["name"], trace.root["run_type"]) == ("support", "chain")
    assert [run["run_type"] for run in trace.root["children"]] == ["llm"] * 7 + ["embedding"] + ["llm"] * 2
    assert {run["provider"] for run in trace.of_type("llm")} == {"openai"}
    assert trace.row["orphan"] is False, "children came first, each in a request of its own"


def test_a_chat_counts_the_cache(trace, calls):
    check_call(calls[0], system("Be kind."), user(QUESTION), cached=5)
    assert calls[0]["model"] == "gpt-4o-mini-2024-07-18", "the one that answered"
    assert calls[0]["invocation_params"]["temperature"] == 0.25
    assert trace.row["cached_tokens"] == 10


def test_a_tool_goes_round(calls):
    check_call(calls[1], user(WEATHER_QUESTION), called=True)
    check_call(calls[2], user(WEATHER_QUESTION), CALLED, RESULT)


def test_streams_are_whole(calls):
    check_call(calls[3], user("stream please"))
    check_call(calls[4], user("stream the weather"), called=True)


def test_responses_are_calls(calls):
    check_call(
        calls[5], system("Be kind."), user("reason please [cached 5]"), model="gpt-5-mini", cached=5, reasoning=8
    )
    check_call(calls[6], user("stream please"))


def test_embeddings_are_embeddings(trace):
    check_embedding(*trace.of_type("embedding"))


def test_refused_calls_are_red(trace, calls):
    limited, broken = calls[7:]
    check_rate_limit(limited, error_type="RateLimitError")
    check_server_error(broken, error_type="InternalServerError")
    assert trace.row["error_count"] == 2


def test_whose_it_is(trace, calls):
    assert (trace.row["thread_id"], trace.row["user_id"]) == ("chat-7", "ada")
    assert trace.row["service"] == "support-bot"
    assert calls[0]["tags"] == ["blue"]
    assert calls[0]["metadata"]["plan"] == "pro"


def test_totals_add_up(trace):
    check_totals(trace)
