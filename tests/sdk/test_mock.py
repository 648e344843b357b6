"""The mock answers as the clients of OpenAI and Anthropic expect, and always the same."""

import anthropic
import pytest
from mock_anthropic import THINKING
from mock_model import answer_to, count_tokens, prompt_tokens
from mock_openai import REASONING
from openai import InternalServerError, OpenAI, RateLimitError

TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


@pytest.fixture
def client(model_environment):
    return OpenAI(base_url=model_environment["OPENAI_BASE_URL"], api_key="sk-mock", max_retries=0)


def ask(client, text, **more):
    return client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": text}], **more)


def test_a_question_gets_the_same_answer_twice(client):
    first, second = ask(client, "one two three"), ask(client, "one two three")
    assert first == second
    assert first.choices[0].message.content == answer_to("one two three")
    assert first.usage.prompt_tokens == prompt_tokens("one two three") == 7
    assert first.usage.completion_tokens == count_tokens(answer_to("one two three")) == 5


def test_a_stream_says_the_same_and_ends_with_the_usage(client):
    chunks = list(ask(client, "one two", stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == answer_to("one two")
    assert chunks[-1].usage == ask(client, "one two").usage
    assert all(chunk.usage is None for chunk in ask(client, "one two", stream=True))


def test_tools_are_called_once(client):
    reply = ask(client, "weather", tools=[TOOL]).choices[0]
    assert (reply.finish_reason, reply.message.tool_calls[0].function.arguments) == ("tool_calls", '{"city": "Paris"}')
    result = {"role": "tool", "tool_call_id": reply.message.tool_calls[0].id, "content": "sunny"}
    messages = [{"role": "user", "content": "weather"}, reply.message, result]
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=[TOOL])
    assert answer.choices[0].message.content == answer_to("weather")


def test_errors_are_those_of_the_api(client):
    with pytest.raises(RateLimitError):
        ask(client, "[error 429]")
    with pytest.raises(InternalServerError):
        ask(client, "[error 500]")
    with pytest.raises(InternalServerError):
        ask(client, "[fail once]")
    assert ask(client, "[fail once]").choices


def test_embeddings_depend_on_the_text(client):
    rows = client.embeddings.create(model="m", input=["a", "b", "a"]).data
    assert rows[0].embedding == rows[2].embedding != rows[1].embedding
    assert len(rows[0].embedding) == 8


@pytest.fixture
def claude(model_environment):
    return anthropic.Anthropic(base_url=model_environment["ANTHROPIC_BASE_URL"], api_key="sk-ant-mock", max_retries=0)


def ask_claude(claude, content, **more):
    return claude.messages.create(
        model="claude-sonnet-5", max_tokens=100, messages=[{"role": "user", "content": content}], **more
    )


def test_a_response_says_the_same_as_its_stream(client):
    request = {"model": "gpt-5-mini", "instructions": "Be kind.", "input": "one two [cached 3]", "reasoning": {"summary": "auto"}}
    response = client.responses.create(**request)
    assert response.output_text == answer_to("one two [cached 3]")
    assert response.output[0].summary[0].text == REASONING
    usage = response.usage
    assert (usage.input_tokens, usage.input_tokens_details.cached_tokens) == (prompt_tokens("Be kind.", "one two [cached 3]"), 3)
    assert usage.output_tokens == count_tokens(response.output_text) + usage.output_tokens_details.reasoning_tokens
    with client.responses.stream(**request) as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    assert (final.output_text, final.output[0].summary, final.usage) == (
        response.output_text,
        response.output[0].summary,
        response.usage,
    )


def test_a_response_calls_a_tool_once(client):
    tool = {"type": "function", "name": "f", "parameters": TOOL["function"]["parameters"], "strict": False}
    (call,) = client.responses.create(model="gpt-4o-mini", input="weather", tools=[tool]).output
    assert (call.name, call.arguments) == ("f", '{"city": "Paris"}')
    items = [{"role": "user", "content": "weather"}, call]
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    answer = client.responses.create(model="gpt-4o-mini", input=items, tools=[tool])
    assert answer.output_text == answer_to("weather")


def test_claude_counts_the_cache_apart(claude):
    text = "one two [cached 3] [written 2]"
    usage = ask_claude(claude, text).usage
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (3, 2)
    assert usage.input_tokens + 3 + 2 == prompt_tokens(text)
    assert usage.output_tokens == count_tokens(answer_to(text))


def test_claude_thinks_and_streams_the_same(claude):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    message = ask_claude(claude, "one two", thinking=thinking)
    thought, text = message.content
    assert (thought.thinking, text.text) == (THINKING, answer_to("one two"))
    question = [{"role": "user", "content": "one two"}]
    with claude.messages.stream(model="claude-sonnet-5", max_tokens=100, messages=question, thinking=thinking) as stream:
        final = stream.get_final_message()
    assert [block.model_dump() for block in final.content] == [block.model_dump() for block in message.content]
    assert final.usage.output_tokens == message.usage.output_tokens


def test_claude_calls_a_tool_once(claude):
    tool = {"name": "f", "input_schema": TOOL["function"]["parameters"]}
    message = ask_claude(claude, "weather", tools=[tool])
    (call,) = message.content
    assert (message.stop_reason, call.input) == ("tool_use", {"city": "Paris"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    messages = [
        {"role": "user", "content": "weather"},
        {"role": "assistant", "content": [call.model_dump()]},
        {"role": "user", "content": [result]},
    ]
    answer = claude.messages.create(model="claude-sonnet-5", max_tokens=100, messages=messages, tools=[tool])
    assert answer.content[0].text == answer_to("weather")


def test_claude_refuses_in_its_own_words(claude):
    for text, error in (
        ("[error 429]", anthropic.RateLimitError),
        ("[error 500]", anthropic.InternalServerError),
        ("[error 529]", anthropic.OverloadedError),
    ):
        with pytest.raises(error):
            ask_claude(claude, text)
