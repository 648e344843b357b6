"""What a call of the mock has to look like in Clearspan, whatever reported it: one statement for all instrumentations."""

from decimal import Decimal

from clearspan import dollars, role_texts, tool_calls
from mock_model import REASONING_TOKENS, answer_to, count_tokens, dated, prompt_tokens

WEATHER_QUESTION = "What is the weather in Paris?"
WEATHER_CALL = ("get_weather", {"city": "Paris"})
WEATHER_ARGUMENTS = '{"city": "Paris"}'
WEATHER_RESULT = "21 °C in Paris"


def user(text):
    return ("user", text)


def system(text):
    return ("system", text)


# The messages of the second call of a round trip with a tool, after the question.
CALLED = ("assistant", "")
RESULT = ("tool", WEATHER_RESULT)


def check_call(
    run,
    *asked,
    called=False,
    model="gpt-4o-mini",
    cached=None,
    written=None,
    reasoning=None,
    tokens=True,
    asked_tokens=None,
    answered_tokens=None,
    cost="priced",
    answer=None,
):
    """A successful call of the mock with the messages `asked`, pairs of role and text.

    `called`: it answered with a call of the tool. `cached`, `written`, `reasoning`: details of its tokens, where the
    instrumentation tells them. `tokens=False`: the instrumentation never learns of any. `asked_tokens` and
    `answered_tokens`: where they are not those of the messages. `cost`: `reported` where the instrumentation tells one.
    `answer`: where it does not quote the question.
    """
    assert (run["run_type"], run["status"]) == ("llm", "success")
    assert run["model"] in (model, dated(model))
    answer = answer or answer_to([text for role, text in asked if role == "user"][-1])
    check_messages(run, asked, None if called else answer)
    check_sources(run, ["run_type", "model", "provider", "inputs.messages", "outputs.messages"])
    answer = WEATHER_ARGUMENTS if called else answer
    asked_tokens = asked_tokens or prompt_tokens(*(text for _, text in asked))
    answered_tokens = answered_tokens or count_tokens(answer) + (REASONING_TOKENS if model.startswith("gpt-5") else 0)
    if not tokens:
        assert run["usage"] is None
        return
    check_sources(run, ["usage.input_tokens", "usage.output_tokens"])
    usage = run["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (asked_tokens, answered_tokens)
    assert usage["total_tokens"] == asked_tokens + answered_tokens
    assert (usage["input_details"].get("cache_read") or None) == cached
    assert (usage["input_details"].get("cache_write") or None) == written
    assert (usage["output_details"].get("reasoning") or None) == reasoning
    assert run["cost"]["source"]["kind"] == cost
    expected = dollars(asked_tokens, answered_tokens, cached or 0, written or 0, model)
    assert Decimal(run["cost"]["total"]) == expected


def check_sources(run, fields):
    """It is known where each of these fields came from: by itself, or as a part of a whole payload."""
    sources = run["sources"]
    missing = [field for field in fields if not (sources.get(field) or sources.get(field.partition(".")[0]))]
    assert not missing, f"no source of {missing} in {run['sources']}"


def check_messages(run, asked, answer):
    """The messages that went in, and the answer, with their calls of tools and results; no answer is a call."""
    messages = run["inputs"]["messages"]
    assert role_texts(messages) == list(asked)
    call_ids = []
    for message in messages:
        if (message["role"], message.get("content") or "") == CALLED:
            assert tool_calls([message]) == [WEATHER_CALL]
            call_ids.append(message["tool_calls"][0]["id"])
        if message["role"] == "tool":
            assert message["tool_call_id"] == call_ids[-1], "a result names its call"
    # The Responses API has reasoning as an item of its own, and some instrumentations make a message of each item.
    answers = [message for message in run["outputs"]["messages"] if not is_reasoning(message)]
    assert role_texts(answers) == [("assistant", answer or "")]
    assert tool_calls(answers) == ([] if answer else [WEATHER_CALL])


def is_reasoning(message):
    parts = message.get("content")
    return isinstance(parts, list) and bool(parts) and all(part["type"] == "reasoning" for part in parts)


def check_refused(run, text, message, error_type=None, run_type="llm", model="gpt-4o-mini"):
    """A call that the mock refused: red, with its question and no answer."""
    assert (run["run_type"], run["status"]) == (run_type, "error")
    assert message in run["error"]
    assert error_type is None or run["error_type"].rpartition(".")[2] == error_type
    assert run["model"] in (model, dated(model))
    assert user(text) in role_texts(run["inputs"]["messages"])
    assert run["outputs"]["messages"] == []


def check_rate_limit(run, **more):
    check_refused(run, "[error 429] hello", "Rate limit reached", **more)


def check_server_error(run, **more):
    check_refused(run, "[error 500] hello", "The server had an error", **more)


def check_embedding(run, text="some words to embed", tokens=True, content=True):
    assert (run["run_type"], run["status"]) == ("embedding", "success")
    assert run["model"] == "text-embedding-3-small"
    assert not content or text in str(run["inputs"])
    if tokens:
        assert run["usage"]["input_tokens"] == count_tokens(text)
        assert Decimal(run["cost"]["total"]) == dollars(count_tokens(text), 0, model="text-embedding-3-small")


def check_totals(trace):
    """What the trace adds up is what its billed runs say, each once."""
    billed = trace.skeleton["runs"]["billed"]
    usages = [run["usage"] for run, counts in zip(trace.runs, billed) if counts and run["usage"]]
    total = sum((usage["input_tokens"] or 0) + (usage["output_tokens"] or 0) for usage in usages)
    assert trace.row["total_tokens"] == total > 0
    assert trace.skeleton["runs"]["tree_tokens"][0] == total
    costs = [run["cost"]["total"] for run, counts in zip(trace.runs, billed) if counts and run["cost"]]
    assert Decimal(trace.row["cost"]) == sum(Decimal(cost) for cost in costs if cost)
