"""traceloop-sdk (OpenLLMetry) with its decorators and its instrumentation of the OpenAI client."""

import pytest
from clearspan import PROGRAMS, dollars, role_texts, run_program, tool_calls
from mock_model import answer_to, count_tokens, prompt_tokens

QUESTION = "What is the weather in Paris?"


@pytest.fixture(scope="module")
def trace(server, model_environment, project):
    environment = {
        "TRACELOOP_BASE_URL": server.http_url,
        "TRACELOOP_HEADERS": f"Langsmith-Project={project}",
        "TRACELOOP_TELEMETRY": "false",
    }
    run_program(PROGRAMS / "traceloop_agent.py", model_environment | environment)
    return server.only_trace(project)


def test_the_tree_is_the_programs(trace):
    root = trace.root
    assert (root["name"], root["run_type"]) == ("trip_planner", "chain")
    planner, stream, refused = root["children"]
    assert planner["name"] == "planner"
    assert [run["run_type"] for run in planner["children"]] == ["llm", "tool", "llm"]
    assert (stream["run_type"], refused["run_type"]) == ("llm", "llm")
    assert trace.row["run_count"] == 7


def test_calls_show_model_messages_and_parameters(trace):
    first, second, stream, _ = trace.of_type("llm")
    assert first["model"] == "gpt-4o-mini-2024-07-18"
    assert first["provider"] == "openai"
    assert first["invocation_params"]["temperature"] == 0.25
    assert role_texts(first["inputs"]["messages"]) == [("system", "Be brief."), ("user", QUESTION)]
    assert tool_calls(first["outputs"]["messages"]) == [("get_weather", {"city": "Paris"})]
    assert [role for role, _ in role_texts(second["inputs"]["messages"])] == ["system", "user", "assistant", "tool"]
    assert role_texts(second["outputs"]["messages"]) == [("assistant", answer_to(QUESTION))]
    assert role_texts(stream["outputs"]["messages"]) == [("assistant", answer_to("stream please"))]


def test_tokens_and_cost_add_up(trace):
    first, _, stream, _ = trace.of_type("llm")
    asked = prompt_tokens("Be brief.", QUESTION)
    answered = count_tokens('{"city": "Paris"}')
    assert (first["usage"]["input_tokens"], first["usage"]["output_tokens"]) == (asked, answered)
    assert float(first["cost"]["total"]) == pytest.approx(float(dollars(asked, answered)), rel=1e-9)
    assert stream["usage"]["output_tokens"] == count_tokens(answer_to("stream please"))
    calls = [run for run in trace.of_type("llm") if run["usage"]]
    assert trace.row["total_tokens"] == sum(run["usage"]["total_tokens"] for run in calls)
    assert trace.skeleton["runs"]["tree_tokens"][0] == trace.row["total_tokens"]


def test_the_tool_has_what_went_in_and_out(trace):
    (tool,) = trace.of_type("tool")
    assert tool["name"] == "get_weather"
    assert "Paris" in str(tool["inputs"]["rest"])
    assert "21" in str(tool["outputs"]["rest"])


def test_the_refused_call_is_red(trace):
    *_, refused = trace.of_type("llm")
    assert refused["status"] == "error"
    assert "Rate limit reached" in refused["error"]
    assert trace.row["error_count"] == 1
    assert trace.root["status"] == "success"


def test_whose_it_is(trace):
    assert (trace.row["thread_id"], trace.row["user_id"]) == ("chat-9", "ada")
    assert trace.row["service"] == "trip-bot"
