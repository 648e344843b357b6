"""Two instrumentations that report the same calls: one counts, the other is folded under it."""

import pytest
from clearspan import dollars, role_texts
from expect import user
from mock_model import answer_to, count_tokens, prompt_tokens

# On `openai` one is nested in the other; on the others they are siblings.
PAIRS = ["openai", "langchain", "langchain-and-openai"]
QUESTIONS = ["Hello there [cached 5]", "stream please"]
REFUSED = "[error 429] hello"


@pytest.fixture(scope="module", params=PAIRS)
def pair(request):
    return request.param


@pytest.fixture(scope="module")
def trace(server, run_otel, pair):
    project = f"two-{pair}"
    run_otel("two_instrumentations.py", project, pair)
    return server.only_trace(project)


def reports_of(trace, question):
    """The two runs that tell of the same call."""
    found = [run for run in trace.of_type("llm") if user(question) in role_texts(run["inputs"]["messages"])]
    assert len(found) == 2
    return found


def test_both_reports_are_kept(trace):
    assert trace.row["run_count"] == 7
    for question in QUESTIONS:
        for run in reports_of(trace, question):
            assert run["usage"]["input_tokens"] == prompt_tokens(question)
            assert run["usage"]["output_tokens"] == count_tokens(answer_to(question))
    assert {run["status"] for run in reports_of(trace, REFUSED)} == {"error"}


def test_the_answers_are_the_assistants(trace):
    for question in QUESTIONS:
        for run in reports_of(trace, question):
            assert role_texts(run["outputs"]["messages"]) == [("assistant", answer_to(question))]


def test_tokens_and_cost_count_once(trace):
    asked = sum(prompt_tokens(question) for question in QUESTIONS)
    answered = sum(count_tokens(answer_to(question)) for question in QUESTIONS)
    totals = trace.skeleton["totals"]
    assert (totals["input_tokens"], totals["output_tokens"]) == (asked, answered)
    assert trace.row["total_tokens"] == trace.skeleton["runs"]["tree_tokens"][0] == asked + answered
    # The one on LangChain does not always learn of the cache; then the figures of the other count.
    assert float(trace.row["cost"]) == float(dollars(asked, answered, cached=5))


def test_nothing_is_unpriced(trace):
    assert trace.row["unpriced_count"] == 0


def test_calls_count_once(trace):
    assert trace.skeleton["totals"]["llm_count"] == 3


def test_the_failure_counts_once(trace):
    assert trace.row["error_count"] == 1


@pytest.mark.parametrize("question", [*QUESTIONS, REFUSED])
def test_one_is_folded_under_the_other(trace, question):
    columns = trace.skeleton["runs"]
    first, second = (columns["id"].index(run["run_id"]) for run in reports_of(trace, question))
    folds = {(first, columns["double_of"][first]), (second, columns["double_of"][second])}
    assert folds in ({(first, -1), (second, first)}, {(first, second), (second, -1)})
    counts = first if columns["double_of"][first] == -1 else second
    folded = second if counts == first else first
    detail = {run["run_id"]: run for run in trace.runs}
    assert detail[columns["id"][folded]]["double_of"] == columns["id"][counts]
    assert detail[columns["id"][counts]]["doubles"] == [columns["id"][folded]]
    # Of an answer one report is billed: mostly the one that counts, or the one that knows more of the same tokens.
    assert columns["billed"][counts] + columns["billed"][folded] == (0 if question == REFUSED else 1)
