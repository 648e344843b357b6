"""The `langsmith` SDKs in LangSmith's own protocol, unchanged: Python, newest and older, JavaScript, LangChain and LangGraph."""

import os
import sys
from decimal import Decimal

import pytest
from clearspan import PROGRAMS, dollars, run_program
from expect import WEATHER_QUESTION, check_call, check_rate_limit, check_totals, system, user
from langsmith import Client
from mock_model import REASONING_TOKENS
from node_programs import run_node


def environment(server, project, path="/api/v1", **more):
    return {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": server.http_url + path,
        "LANGSMITH_API_KEY": "any-value",
        "LANGSMITH_PROJECT": project,
    } | more


def old_python():
    """The interpreter that has an older SDK."""
    python = os.environ.get("CLEARSPAN_LANGSMITH_OLD_PYTHON")
    assert python, "CLEARSPAN_LANGSMITH_OLD_PYTHON names no interpreter; run tests/sdk/run.sh"
    return python


# Each way in which an SDK sends: packed with zstd, as plain multipart, to an address without a path, an older release; and
# the releases for JavaScript, which pack with gzip on the Node of these tests.
WAYS = {
    "zstd": ("/api/v1", {}),
    "plain": ("/api/v1", {"LANGSMITH_DISABLE_RUN_COMPRESSION": "true"}),
    "bare": ("", {}),
    "old": ("/api/v1", {}),
    "js": ("/api/v1", {}),
    "js-bare": ("", {}),
    "js-old": ("/api/v1", {}),
}


def is_js(way):
    return way.startswith("js")


def run(server, way, project, tmp_path_factory, what):
    path, more = WAYS[way]
    variables = environment(server, project, path, **more)
    if is_js(way):
        release = "old" if way == "js-old" else "new"
        run_node(PROGRAMS / "langsmith_native.mjs", tmp_path_factory.mktemp("js"), variables, langsmith=release)
    else:
        python = old_python() if way == "old" else sys.executable
        run_program(PROGRAMS / "langsmith_native.py", variables, what, python=python)


@pytest.fixture(scope="module", params=WAYS)
def way(request):
    return request.param


@pytest.fixture(scope="module")
def traces(server, way, tmp_path_factory):
    project = f"ls-native-{way}"
    run(server, way, project, tmp_path_factory, "tree")
    if not is_js(way):
        run(server, way, project, tmp_path_factory, "by-hand")
    return {trace.row["name"]: trace for trace in server.traces(project)}


@pytest.fixture(scope="module")
def client(server):
    return Client(api_url=f"{server.http_url}/api/v1", api_key="any-value", auto_batch_tracing=False)


def test_traceable_functions_are_a_tree(traces):
    trace = traces["assistant"]
    names = [(run["name"], run["run_type"]) for run in trace.root["children"]]
    assert names == [
        ("find_documents", "retriever"),
        ("check_calendar", "tool"),
        ("stream", "chain"),
        ("look_at", "chain"),
        ("call_model", "llm"),
    ]
    assert trace.root["tags"] == ["library"]
    assert trace.root["metadata"]["plan"] == "pro"
    assert trace.row["thread_id"] == "chat-5"
    assert trace.row["status"] == "success"


def test_payloads_and_tokens_arrive(traces):
    (call,) = traces["assistant"].of_type("llm")
    assert call["inputs"]["messages"] == [{"role": "user", "content": "When does the library open?"}]
    assert call["outputs"]["messages"][0]["content"] == "At nine."
    assert (call["usage"]["input_tokens"], call["usage"]["output_tokens"]) == (20, 3)
    assert (call["model"], call["provider"]) == ("gpt-4o-mini", "openai")
    assert Decimal(call["cost"]["total"]) == dollars(20, 3, cached=5)
    (retriever,) = traces["assistant"].of_type("retriever")
    assert "The library opens at nine." in str(retriever["outputs"]["rest"])


def test_errors_and_streams_arrive(traces, way):
    (tool,) = traces["assistant"].of_type("tool")
    assert tool["status"] == "error"
    assert "no calendar for Sunday" in tool["error"]
    assert tool["error_type"] == ("RangeError" if is_js(way) else "LookupError")
    stream = next(run for run in traces["assistant"].root["children"] if run["name"] == "stream")
    assert "nine." in str(stream["outputs"]["rest"])


def test_runs_made_by_hand_arrive(traces):
    trace = traces["by hand"]
    assert trace.row["status"] == "error" and "not today" in trace.row["error"]
    (child,) = trace.root["children"]
    assert child["inputs"]["rest"] == {"b": [1, {"c": None}]}
    assert child["outputs"]["rest"] == {"d": "é"}
    direct = traces["direct"].root
    assert (direct["inputs"]["rest"], direct["outputs"]["rest"]) == ({"q": 1}, {"r": 2})


def test_the_client_reads_back_what_was_sent(client, traces, way):
    root = client.read_run(traces["assistant"].root["run_id"], load_child_runs=True)
    assert root.name == "assistant" and root.status == "success"
    assert len(root.child_runs) == 5
    assert root.inputs["input" if is_js(way) else "question"] == "When does the library open?"
    assert root.outputs["messages"][0]["content"] == "At nine."
    assert root.extra["runtime"]["sdk"].startswith("langsmith-js" if is_js(way) else "langsmith-py")
    call = next(run for run in root.child_runs if run.name == "call_model")
    assert (call.prompt_tokens, call.completion_tokens, call.total_tokens) == (20, 3, 23)
    assert call.dotted_order.startswith(root.dotted_order)


def test_attachments_are_read_back(client, traces):
    look = next(run for run in traces["assistant"].root["children"] if run["name"] == "look_at")
    read = client.read_run(look["run_id"])
    picture = read.attachments["picture"]
    assert picture["mime_type"] == "image/png"
    assert picture["reader"].read() == b"\x89PNG" * 1000


@pytest.fixture(scope="module")
def chains(server, model_environment):
    run_program(PROGRAMS / "langsmith_langchain.py", model_environment | environment(server, "ls-native-chains"))
    return server.traces("ls-native-chains")


def test_langchain_traces_natively(chains):
    assert [trace.row["name"] for trace in chains] == ["joke_chain", "joke_stream", "refused_chain"]
    chain = chains[0]
    assert [run["run_type"] for run in chain.root["children"]] == ["prompt", "llm", "parser"]
    assert chain.root["inputs"]["rest"] == {"topic": "tracing"}
    assert set(chain.root["tags"]) >= {"joke", "prod"}
    assert chain.row["thread_id"] == "chat-1"
    for trace, topic in zip(chains, ["tracing", "streams"]):
        (call,) = trace.of_type("llm")
        check_call(call, system("Be brief."), user(f"Tell a joke about {topic}"))
        check_totals(trace)
    (streamed,) = chains[1].of_type("llm")
    assert streamed["first_token_time"] is not None
    assert chains[2].row["status"] == "error" and "Rate limit reached" in chains[2].row["error"]


def test_langgraph_traces_natively(server, model_environment):
    run_program(PROGRAMS / "langsmith_langgraph.py", model_environment | environment(server, "ls-native-graph"))
    turns = server.traces("ls-native-graph")
    assert [turn.row["thread_id"] for turn in turns] == ["conv-77", "conv-77", "conv-78"]
    first = turns[0].of_type("llm")[0]
    check_call(first, user(WEATHER_QUESTION), called=True)
    check_totals(turns[0])


@pytest.fixture(scope="module", params=["new", "old"])
def wrapped(request, server, model_environment, tmp_path_factory):
    project = f"ls-wrapped-{request.param}"
    variables = model_environment | environment(server, project)
    folder = tmp_path_factory.mktemp(project)
    run_node(PROGRAMS / "langsmith_wrapped.mjs", folder, variables, langsmith=request.param)
    return server.only_trace(project)


def test_javascript_wraps_the_client_of_a_provider(wrapped):
    chat, streamed, called, reasoned, refused = wrapped.of_type("llm")
    check_call(chat, system("Be brief."), user("Hello there [cached 5]"), cached=5)
    assert chat["invocation_params"]["temperature"] == 0.25
    check_call(streamed, system("Be brief."), user("stream please"))
    assert streamed["first_token_time"] is not None
    check_call(called, system("Be brief."), user(WEATHER_QUESTION), called=True)
    check_call(reasoned, system("Be brief."), user("reason please"), model="gpt-5-mini", reasoning=REASONING_TOKENS)
    check_rate_limit(refused)
    check_totals(wrapped)
    assert wrapped.row["thread_id"] == "chat-w"
    assert [run["parent"] for run in wrapped.of_type("llm")] == [wrapped.root] * 5
