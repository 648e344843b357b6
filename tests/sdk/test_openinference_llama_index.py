"""openinference-instrumentation-llama-index: an index, queries over it, an agent, and a refused call make five traces."""

import pytest
from clearspan import role_texts
from expect import (
    CALLED,
    RESULT,
    WEATHER_QUESTION,
    check_call,
    check_embedding,
    check_rate_limit,
    check_totals,
    system,
    user,
)

QUESTION = "When does the library open?"
DOCUMENT = "The library opens at nine."


@pytest.fixture(scope="module")
def traces(server, run_otel, project):
    run_otel("openinference_llama_index.py", project)
    traces = {trace.row["name"]: trace for trace in server.traces(project)}
    assert set(traces) == {"indexing", "asking", "streaming", "agent", "refused"}
    return traces


def test_traces_are_one_thread_without_errors(traces):
    assert {trace.row["thread_id"] for trace in traces.values()} == {"chat-l"}
    assert {trace.row["status"] for trace in traces.values()} == {"success"}
    assert [name for name, trace in traces.items() if trace.row["error_count"]] == ["refused"]


def test_an_index_is_made_of_embeddings(traces):
    # LlamaIndex tells nobody how many tokens an embedding took.
    check_embedding(*traces["indexing"].of_type("embedding"), text=DOCUMENT, tokens=False)


@pytest.mark.parametrize("name", ["asking", "streaming"])
def test_a_query_retrieves_and_then_answers(traces, name):
    query = traces[name].named("RetrieverQueryEngine.query")
    assert (query["run_type"], query["inputs"]["rest"]) == ("chain", QUESTION)
    retriever = traces[name].named("VectorIndexRetriever.retrieve")
    assert (retriever["run_type"], retriever["inputs"]["rest"]) == ("retriever", QUESTION)
    (document,) = retriever["outputs"]["rest"]["documents"]
    assert (document["page_content"], document["metadata"]) == (DOCUMENT, {"source": "hours.md"})
    assert isinstance(document["score"], float)
    assert {run["model"] for run in traces[name].of_type("embedding")} == {"text-embedding-3-small"}


def test_the_answer_of_a_query_is_a_call(traces):
    call = traces["asking"].named("OpenAI.chat")
    asked = role_texts(call["inputs"]["messages"])
    assert [role for role, _ in asked] == ["system", "user"]
    assert DOCUMENT in asked[1][1] and QUESTION in asked[1][1]
    check_call(call, *asked)
    assert call["provider"] == "openai"
    check_totals(traces["asking"])


def test_a_stream_is_whole(traces):
    call = traces["streaming"].named("OpenAI.stream_chat")
    asked = role_texts(call["inputs"]["messages"])
    assert DOCUMENT in asked[1][1] and QUESTION in asked[1][1]
    # LlamaIndex does not ask OpenAI for the usage of a stream.
    check_call(call, *asked, tokens=False)
    assert call["first_token_time"] is not None


def test_an_agent_calls_its_tool(traces):
    agent = traces["agent"]
    first, second = [run for run in agent.of_type("llm") if run["name"] == "OpenAI.astream_chat"]
    asked = (system("Be brief."), user(WEATHER_QUESTION))
    check_call(first, *asked, called=True, tokens=False)
    check_call(second, *asked, CALLED, RESULT, tokens=False)
    (tool,) = agent.of_type("tool")
    assert tool["name"] == "get_weather"
    assert "Paris" in str(tool["inputs"])
    assert "21 °C in Paris" in str(tool["outputs"])


def test_a_refused_call_is_red(traces):
    check_rate_limit(traces["refused"].named("OpenAI.complete"), error_type="RateLimitError")
