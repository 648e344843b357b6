"""LangSmith's client for JavaScript, its newest and an older release, that sends its runs with OpenTelemetry."""

import json
from decimal import Decimal

import pytest
from clearspan import PROGRAMS
from langsmith import Client
from node_programs import OTEL, VERSIONS, run_node

# How each release is told to: newer ones have a variable for it.
WAYS = {"new": {"LANGSMITH_TRACING_MODE": "otel"}, "old": {"LANGSMITH_OTEL_ENABLED": "true"}}


@pytest.fixture(scope="module", params=WAYS)
def project(request):
    return f"js-otel-{request.param}"


@pytest.fixture(scope="module")
def judged(server, project, tmp_path_factory):
    """The run that was judged while it ran."""
    release = project.rpartition("-")[2]
    environment = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": f"{server.http_url}/api/v1",
        "LANGSMITH_API_KEY": "any-value",
        "LANGSMITH_PROJECT": project,
        **WAYS[release],
    }
    folder = tmp_path_factory.mktemp(project)
    done = run_node(PROGRAMS / "langsmith_otel.mjs", folder, environment, langsmith=release, packages=OTEL)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["version"] == VERSIONS[release]
    return found["judged"]


@pytest.fixture(scope="module")
def client(server):
    return Client(api_url=f"{server.http_url}/api/v1", api_key="any-value")


@pytest.fixture(scope="module")
def runs(client, project, judged):
    return {run.name: run for run in client.list_runs(project_name=project)}


def test_the_tree(runs):
    root = runs["assistant"]
    assert {run.name: run.run_type for run in runs.values()} == {
        "assistant": "chain",
        "find_documents": "retriever",
        "check_calendar": "tool",
        "call_model": "llm",
    }
    assert {run.parent_run_id for run in runs.values() if run.name != "assistant"} == {root.id}
    assert {run.trace_id for run in runs.values()} == {root.trace_id}
    assert (root.parent_run_id, root.tags, root.extra["metadata"]["plan"]) == (None, ["library"], "pro")


def test_what_was_said(runs):
    assert runs["assistant"].inputs == {"input": "When does the library open?"}
    assert runs["call_model"].inputs == {"messages": [{"role": "user", "content": "When does the library open?"}]}
    assert runs["call_model"].outputs["messages"] == [{"role": "assistant", "content": "At nine."}]
    assert "no calendar for Sunday" in runs["check_calendar"].error
    assert runs["assistant"].error is None


def test_tokens_and_cost(runs):
    call = runs["call_model"]
    assert (call.prompt_tokens, call.completion_tokens, call.total_tokens) == (20, 3, 23)
    assert call.total_cost > Decimal(0)


def test_the_thread(client, project, runs):
    session = client.read_project(project_name=project)
    (thread,) = client.list_threads(project_id=session.id)
    assert (thread["thread_id"], thread["count"]) == ("chat-5", 1)


def test_feedback_that_came_before_its_span(client, project, runs, judged):
    call = runs["call_model"]
    assert str(call.id) == judged
    (given,) = client.list_feedback(run_ids=[call.id])
    assert (given.key, given.score, given.trace_id) == ("early", 0.5, call.trace_id)
    stats = client.read_project(project_name=project, include_stats=True).feedback_stats
    assert stats["early"]["avg"] == 0.5
