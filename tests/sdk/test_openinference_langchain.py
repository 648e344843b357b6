"""openinference-instrumentation-langchain: an agent, a retriever chain, a stream, a refused call and a failed tool make five traces."""

import pytest
from clearspan import role_texts
from expect import (
    CALLED,
    RESULT,
    WEATHER_QUESTION,
    WEATHER_RESULT,
    check_call,
    check_rate_limit,
    check_totals,
    user,
)


@pytest.fixture(scope="module")
def traces(server, run_otel, project):
    run_otel("openinference_langchain.py", project)
    traces = server.traces(project)
    assert [trace.row["name"] for trace in traces] == ["weather_agent", "library_chain", "ChatOpenAI", "ChatOpenAI", "broken"]
    return traces


def test_the_agent_is_a_tree_of_calls_and_a_tool(traces):
    agent = traces[0]
    assert agent.row["thread_id"] == "chat-3"
    first, second = agent.of_type("llm")
    check_call(first, user(WEATHER_QUESTION), called=True)
    check_call(second, user(WEATHER_QUESTION), CALLED, RESULT)
    (tool,) = agent.of_type("tool")
    assert tool["name"] == "get_weather"
    assert "Paris" in str(tool["inputs"])
    assert WEATHER_RESULT in str(tool["outputs"])
    assert all(call["invocation_params"]["temperature"] == 0.25 for call in agent.of_type("llm"))
    check_totals(agent)


def test_a_stream_is_whole(traces):
    (call,) = traces[2].of_type("llm")
    check_call(call, user("stream please"))


def test_a_refused_call_is_red(traces):
    check_rate_limit(traces[3].root, error_type="OpenAIRateLimitError")


def test_documents_are_documents(traces):
    (retriever,) = traces[1].of_type("retriever")
    (document,) = retriever["outputs"]["rest"]["documents"]
    assert document["page_content"] == "The library opens at nine."
    assert document["metadata"] == {"source": "hours.md"}
    assert "When does the library open?" in str(retriever["inputs"])
    (call,) = traces[1].of_type("llm")
    assert "The library opens at nine." in role_texts(call["inputs"]["messages"])[-1][1]


def test_the_failed_tool_is_red(traces):
    tool = traces[4].root
    assert (tool["run_type"], tool["status"]) == ("tool", "error")
    assert "the tool exploded" in tool["error"]
    assert tool["error_type"] == "ValueError"
    assert traces[4].row["status"] == "error"
