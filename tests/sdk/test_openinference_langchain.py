"""openinference-instrumentation-langchain: an agent, a retriever chain, and a failed tool make three traces."""

import pytest
from clearspan import PROGRAMS, role_texts, run_program, tool_calls
from mock_model import answer_to


@pytest.fixture(scope="module")
def traces(server, model_environment, project):
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": server.http_url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"Langsmith-Project={project}",
    }
    run_program(PROGRAMS / "openinference_langchain.py", model_environment | environment)
    traces = server.traces(project)
    assert [trace.row["name"] for trace in traces] == ["weather_agent", "library_chain", "broken"]
    return traces


def test_the_agent_is_a_tree_of_calls_and_a_tool(traces):
    agent = traces[0]
    assert agent.row["thread_id"] == "chat-3"
    first, second = agent.of_type("llm")
    assert role_texts(first["inputs"]["messages"]) == [("user", "What is the weather in Paris?")]
    assert tool_calls(first["outputs"]["messages"]) == [("get_weather", {"city": "Paris"})]
    assert [role for role, _ in role_texts(second["inputs"]["messages"])] == ["user", "assistant", "tool"]
    assert role_texts(second["outputs"]["messages"])[0][1] == answer_to("What is the weather in Paris?")
    (tool,) = agent.of_type("tool")
    assert tool["name"] == "get_weather"
    assert "Paris" in str(tool["inputs"])
    assert "21 °C in Paris" in str(tool["outputs"])


def test_tokens_count_once(traces):
    agent = traces[0]
    calls = agent.of_type("llm")
    assert all(call["model"].startswith("gpt-4o-mini") for call in calls)
    assert all(call["invocation_params"]["temperature"] == 0.25 for call in calls)
    assert agent.row["total_tokens"] == sum(call["usage"]["total_tokens"] for call in calls)
    assert float(agent.row["cost"]) == pytest.approx(sum(float(call["cost"]["total"]) for call in calls))


def test_documents_are_documents(traces):
    (retriever,) = traces[1].of_type("retriever")
    (document,) = retriever["outputs"]["rest"]["documents"]
    assert document["page_content"] == "The library opens at nine."
    assert document["metadata"] == {"source": "hours.md"}
    assert "When does the library open?" in str(retriever["inputs"])
    (call,) = traces[1].of_type("llm")
    assert "The library opens at nine." in role_texts(call["inputs"]["messages"])[-1][1]


def test_the_failed_tool_is_red(traces):
    tool = traces[2].root
    assert (tool["run_type"], tool["status"]) == ("tool", "error")
    assert "the tool exploded" in tool["error"]
    assert tool["error_type"] == "ValueError"
    assert traces[2].row["status"] == "error"
