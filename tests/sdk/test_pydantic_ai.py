"""logfire with pydantic-ai, sent to our OTLP endpoint, for the three APIs that it calls most."""

import os

import pytest
from clearspan import role_texts, tool_calls
from expect import (
    CALLED,
    RESULT,
    WEATHER_QUESTION,
    WEATHER_RESULT,
    check_call,
    check_embedding,
    check_totals,
    system,
    user,
)
from mock_model import answer_to

MODELS = ["openai-chat:gpt-4o-mini", "openai-responses:gpt-5-mini", "anthropic:claude-sonnet-5"]
# Anthropic has no embeddings.
EMBEDDERS = pytest.mark.parametrize("model", MODELS[:2], indirect=True)


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return request.param


@pytest.fixture(scope="module")
def trace(server, run_otel, model):
    project = "pydantic-ai-" + model.partition(":")[0]
    run_otel("pydantic_ai_logfire.py", project, model, python=os.environ["CLEARSPAN_OPENAI3_PYTHON"])
    return server.only_trace(project)


@pytest.fixture(scope="module")
def agents(trace):
    """The runs of agents, in order."""
    return [run for run in trace.root["children"] if run["run_type"] == "chain"]


@pytest.fixture(scope="module")
def check(model):
    """Checks a call of the model."""
    name = model.partition(":")[2]
    details = {"reasoning": 8} if name == "gpt-5-mini" else {}

    def check(run, *asked, **more):
        assert run["provider"] == model.partition(":")[0].removesuffix("-chat").removesuffix("-responses")
        # Pydantic AI reckons the cost itself.
        check_call(run, *asked, model=name, cost="reported", **details, **more)

    return check


def calls(agent):
    """What an agent asked the model. Below may be what the client of the provider tells of the same call."""
    return [run for run in agent["children"] if run["run_type"] == "llm"]


def test_the_tree_is_the_programs(trace, agents, model):
    assert trace.root["name"] == "bot"
    names = ["weather_agent", "plain_agent", "plain_agent", "extractor", "clumsy_agent", "plain_agent", "plain_agent"]
    assert [agent["name"].removeprefix("invoke_agent ") for agent in agents] == names
    assert [run["run_type"] for run in agents[0]["children"]] == ["llm", "tool", "llm"]
    assert [run["run_type"] for run in agents[4]["children"]] == ["llm", "tool"]
    assert len(trace.root["children"]) == len(names) + model.startswith("openai")


def test_an_agent_calls_its_tool(agents, check, model):
    agent = agents[0]
    first, tool, second = agent["children"]
    asked = (system("Be brief."), user(WEATHER_QUESTION))
    check(first, *asked, called=True)
    # Calls cost nothing in the mock's Responses API: they are items of their own there.
    round_trip = {"asked_tokens": 24} if "responses" in model else {}
    check(second, *asked, CALLED, RESULT, **round_trip)
    assert (tool["name"], tool["inputs"]["rest"], tool["outputs"]["rest"]) == (
        "get_weather",
        {"city": "Paris"},
        WEATHER_RESULT,
    )
    assert first["invocation_params"]["max_tokens"] == 500
    assert role_texts(agent["inputs"]["messages"]) == list(asked)
    assert role_texts(agent["outputs"]["messages"])[-1] == ("assistant", answer_to(WEATHER_QUESTION))


def test_a_call_counts_the_cache(agents, check):
    (call,) = calls(agents[1])
    check(call, system("Be kind."), user("Hello there [cached 5]"), cached=5)


def test_a_stream_is_whole(agents, check):
    (call,) = calls(agents[2])
    check(call, system("Be kind."), user("stream please"))


def test_a_structured_answer_is_shown(agents):
    (call,) = calls(agents[3])
    city = {"city": "Paris", "population": 3}
    (answer,) = call["outputs"]["messages"]
    assert tool_calls([answer]) == [("final_result", city)] or answer["content"] == '{"city": "Paris", "population": 3}'
    assert agents[3]["outputs"]["rest"]["final_result"] == city


def test_a_failed_tool_is_red(agents):
    agent = agents[4]
    _, tool = agent["children"]
    for run in (agent, tool):
        assert (run["status"], run["error_type"]) == ("error", "ValueError")
        assert "the tool exploded" in run["error"]
    assert tool["inputs"]["rest"] == {"city": "Paris"}


@pytest.mark.parametrize("at, text, error", [(5, "[error 429] hello", "Rate limit"), (6, "[error 500] hello", "had an error")])
def test_refused_calls_are_red(agents, model, at, text, error):
    agent = agents[at]
    (call,) = calls(agent)
    for run in (agent, call):
        assert run["status"] == "error"
        assert error in run["error"]
        assert run["outputs"]["messages"] == []
    assert call["model"] == model.partition(":")[2]
    # Pydantic AI gives the failed call no messages; those of its agent tell.
    assert role_texts(agent["inputs"]["messages"]) == [system("Be kind."), user(text)]


@EMBEDDERS
def test_embeddings_are_embeddings(trace):
    (embedding,) = trace.of_type("embedding")
    check_embedding(embedding)


def test_whose_it_is(trace):
    assert (trace.row["thread_id"], trace.row["user_id"]) == ("chat-p", "ada")
    assert trace.row["service"] == "pydantic-bot"


def test_totals_add_up(trace):
    check_totals(trace)
    assert trace.row["cached_tokens"] == 5
