"""langsmith[otel]: LangChain, LangGraph and @traceable over OpenTelemetry, written and read with LangSmith's own client."""

from decimal import Decimal

import pytest
from clearspan import PROGRAMS, run_program
from expect import (
    CALLED,
    RESULT,
    WEATHER_QUESTION,
    WEATHER_RESULT,
    check_call,
    check_rate_limit,
    check_totals,
    system,
    user,
)
from langsmith import Client
from langsmith.utils import LangSmithNotFoundError
from mock_model import answer_to

# The new name of the mode, and the old ones: `hybrid` sends to LangSmith's own routes as well.
MODES = {
    "otel": {"LANGSMITH_TRACING_MODE": "otel"},
    "otel-only": {"LANGSMITH_OTEL_ENABLED": "true", "LANGSMITH_OTEL_ONLY": "true"},
    "hybrid": {"LANGSMITH_OTEL_ENABLED": "true"},
}


def run(server, model_environment, program, project, mode="otel"):
    environment = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": server.http_url,
        "LANGSMITH_API_KEY": "any-value",
        "LANGSMITH_PROJECT": project,
    }
    run_program(PROGRAMS / program, model_environment | environment | MODES[mode])


@pytest.fixture(scope="module")
def client(server):
    return Client(api_url=server.http_url, api_key="any-value", auto_batch_tracing=False)


@pytest.fixture(scope="module")
def chains(server, model_environment):
    run(server, model_environment, "langsmith_langchain.py", "ls-chains")
    traces = server.traces("ls-chains")
    assert [trace.row["name"] for trace in traces] == ["joke_chain", "joke_stream", "refused_chain"]
    return traces


@pytest.fixture(scope="module")
def turns(server, model_environment):
    run(server, model_environment, "langsmith_langgraph.py", "ls-graph")
    traces = server.traces("ls-graph")
    assert [trace.row["name"] for trace in traces] == ["weather_graph", "weather_graph", "weather_agent"]
    return traces


@pytest.fixture(scope="module", params=MODES)
def assistant(request, server, model_environment):
    project = f"ls-traceable-{request.param}"
    run(server, model_environment, "langsmith_traceable.py", project, request.param)
    return server.only_trace(project)


def test_a_chain_is_a_tree(chains):
    chain = chains[0]
    assert chain.root["run_type"] == "chain"
    assert [run["run_type"] for run in chain.root["children"]] == ["prompt", "llm", "parser"]
    assert [run["name"] for run in chain.root["children"]] == ["ChatPromptTemplate", "ChatOpenAI", "StrOutputParser"]
    assert chain.root["inputs"]["rest"] == {"topic": "tracing"}
    assert set(chain.root["tags"]) >= {"joke", "prod"}
    assert chain.root["metadata"]["plan"] == "pro"
    assert chain.row["thread_id"] == "chat-1"


@pytest.mark.parametrize("at, topic", [(0, "tracing"), (1, "streams")])
def test_calls_show_model_messages_and_tokens(chains, at, topic):
    (call,) = chains[at].of_type("llm")
    assert call["provider"] == "openai"
    assert call["invocation_params"]["temperature"] == 0.25
    check_call(call, system("Be brief."), user(f"Tell a joke about {topic}"))
    check_totals(chains[at])


def test_the_refused_call_is_red(chains):
    refused = chains[2]
    (call,) = refused.of_type("llm")
    assert (call["status"], refused.root["status"], refused.row["status"]) == ("error", "error", "error")
    assert "Rate limit reached" in call["error"]
    assert "Rate limit reached" in refused.row["error"]


def test_turns_of_a_graph_are_one_thread(turns):
    assert [turn.row["thread_id"] for turn in turns] == ["conv-77", "conv-77", "conv-78"]


def test_a_graph_calls_its_tool(turns):
    first, second = turns[0].of_type("llm")
    check_call(first, user(WEATHER_QUESTION), called=True)
    check_call(second, user(WEATHER_QUESTION), CALLED, RESULT)
    (tool,) = turns[0].of_type("tool")
    assert tool["name"] == "get_weather"
    assert "Paris" in str(tool["inputs"]) and WEATHER_RESULT in str(tool["outputs"])
    check_totals(turns[0])


def test_a_streamed_turn_remembers_the_one_before(turns):
    first, second = turns[1].of_type("llm")
    before = [user(WEATHER_QUESTION), CALLED, RESULT, ("assistant", answer_to(WEATHER_QUESTION))]
    check_call(first, *before, user("And tomorrow?"), called=True)
    check_call(second, *before, user("And tomorrow?"), CALLED, RESULT)
    check_totals(turns[1])


def test_a_refused_turn_is_red(turns):
    (call,) = turns[2].of_type("llm")
    check_rate_limit(call)
    assert turns[2].row["status"] == "error"


def test_traceable_functions_are_a_tree(assistant):
    root = assistant.root
    assert (root["name"], root["run_type"]) == ("assistant", "chain")
    assert [(run["name"], run["run_type"]) for run in root["children"]] == [
        ("find_documents", "retriever"),
        ("check_calendar", "tool"),
        ("ChatOpenAI", "llm"),
    ]
    assert root["inputs"]["rest"] == {"question": "When does the library open?"}
    assert root["tags"] == ["library"]
    assert assistant.row["thread_id"] == "chat-5"
    assert assistant.row["run_count"] == 4, "both ways of sending tell of the same runs"


def test_traceable_calls_show_model_messages_and_tokens(assistant):
    (call,) = assistant.of_type("llm")
    check_call(call, system("Be brief."), user("When does the library open?"))
    check_totals(assistant)
    (retriever,) = assistant.of_type("retriever")
    assert "The library opens at nine." in str(retriever["outputs"]["rest"])


def test_a_failed_traceable_tool_is_red(assistant):
    (tool,) = assistant.of_type("tool")
    assert tool["status"] == "error"
    assert "no calendar for Sunday" in tool["error"]
    assert assistant.root["status"] == "success"


def test_the_client_finds_the_projects(client, chains, turns):
    names = {project.name for project in client.list_projects()}
    assert {"ls-chains", "ls-graph"} <= names
    assert client.read_project(project_name="ls-chains").name == "ls-chains"
    assert client.has_project("ls-chains")
    assert not client.has_project("never-seen")


def test_the_client_reads_runs_back(client, chains):
    roots = list(client.list_runs(project_name="ls-chains", is_root=True))
    assert sorted(run.name for run in roots) == ["joke_chain", "joke_stream", "refused_chain"]
    everything = list(client.list_runs(project_name="ls-chains"))
    assert len(everything) == sum(trace.row["run_count"] for trace in chains)
    (ours,) = chains[0].of_type("llm")
    (theirs,) = [run for run in everything if str(run.id) == ours["run_id"]]
    assert (theirs.name, theirs.run_type, str(theirs.trace_id)) == ("ChatOpenAI", "llm", ours["trace_id"])
    assert str(theirs.parent_run_id) == ours["parent_run_id"]
    assert theirs.total_tokens == ours["usage"]["total_tokens"]
    assert theirs.prompt_tokens == ours["usage"]["input_tokens"]
    assert Decimal(theirs.total_cost) == Decimal(ours["cost"]["total"])
    assert theirs.start_time is not None and theirs.end_time >= theirs.start_time
    assert "Tell a joke about tracing" in str(theirs.inputs)
    assert answer_to("Tell a joke about tracing") in str(theirs.outputs)


def test_the_client_filters_runs(client, chains):
    failed = list(client.list_runs(project_name="ls-chains", error=True, is_root=True))
    assert [run.name for run in failed] == ["refused_chain"]
    assert "Rate limit reached" in failed[0].error
    calls = list(client.list_runs(project_name="ls-chains", run_type="llm"))
    assert {run.run_type for run in calls} == {"llm"} and len(calls) == 3
    named = list(client.list_runs(project_name="ls-chains", filter='eq(name, "joke_chain")'))
    assert [run.name for run in named] == ["joke_chain"]
    trace = list(client.list_runs(project_name="ls-chains", trace_id=chains[0].id))
    assert len(trace) == chains[0].row["run_count"]
    assert len(list(client.list_runs(project_name="ls-chains", limit=2))) == 2


def test_the_client_reads_one_run_with_its_children(client, chains):
    root = client.read_run(chains[0].root["run_id"], load_child_runs=True)
    assert root.name == "joke_chain"
    assert sorted(child.name for child in root.child_runs) == ["ChatOpenAI", "ChatPromptTemplate", "StrOutputParser"]
    assert set(root.tags) >= {"joke", "prod"}
    assert root.metadata["plan"] == "pro"


def test_a_run_that_is_not_there_is_not_found(client, chains):
    with pytest.raises(LangSmithNotFoundError):
        client.read_run("00000000-0000-4000-8000-000000000000")


def test_the_client_reads_what_other_sdks_sent(client, server):
    """Runs of plain OpenTelemetry have run ids made from span ids; the client reads them all the same."""
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": server.http_url,
        "OTEL_EXPORTER_OTLP_HEADERS": "Langsmith-Project=ls-plain-otel",
    }
    run_program(PROGRAMS / "otel_genai.py", environment, "http")
    runs = list(client.list_runs(project_name="ls-plain-otel"))
    assert sorted(run.run_type for run in runs) == ["chain", "llm", "llm", "tool"]
    (root,) = [run for run in runs if run.parent_run_id is None]
    read = client.read_run(root.id)
    assert (read.name, read.id) == ("invoke_agent weather", root.id)
