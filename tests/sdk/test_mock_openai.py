"""The mock answers as the OpenAI client expects, and always the same."""

import pytest
from mock_model import answer_to, count_tokens, prompt_tokens
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
