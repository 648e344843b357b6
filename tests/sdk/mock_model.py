"""What the mock of the model providers says: the same question always gets the same answer and the same token counts.

What it does is decided by the request, whatever the API:

- Tools and no tool result behind the last user message: one call of the first tool, its arguments made up from the schema.
- A JSON schema for the answer: an object made up from it.
- Otherwise an answer that quotes the last user message.
- `[error 429]`, `[error 500]` or `[error 529]` in any message: that status, every time.
- `[fail once]` in any message: 500 the first time that this body is sent, an answer afterwards.
- `[cached 5]` in any message: so many of the prompt's tokens came from the cache; `[written 3]`: so many went into it
  (Anthropic only: OpenAI does not tell).
- Models whose name begins with `gpt-5` or `o`: eight tokens of reasoning.

Tokens are words; each message costs four more. A mode of one API alone is described in its module.
"""

import hashlib
import json
import re
from dataclasses import dataclass

CREATED = 1_764_000_000
REASONING_TOKENS = 8
DATED = {
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
}
ERRORS = {
    429: "Rate limit reached for requests. Please try again in 20s.",
    500: "The server had an error while processing your request.",
    529: "Overloaded",
}


class Refused(Exception):
    """An answer that is not 200; `final`: the next try gets the same."""

    def __init__(self, status, message, final=False):
        super().__init__(message)
        self.status, self.final = status, final


@dataclass
class Message:
    """A message of a request in no API's own terms; `role` is `system`, `user`, `assistant` or `tool`."""

    role: str
    text: str


@dataclass
class Call:
    """A call of a tool; `arguments` is JSON."""

    id: str
    name: str
    arguments: str


@dataclass
class Reply:
    """What the model answers: a text, or a call and no text. `cached` and `written` are parts of `prompt_tokens`."""

    text: str | None
    call: Call | None
    prompt_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cached: int
    written: int


def count_tokens(text):
    """The number of tokens of a text: its words, at least one."""
    return max(1, len(text.split()))


def text_of(content):
    """The text of a message's content."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return ""


def answer_to(text):
    """What the mock says to a user message."""
    return f"You said: {text.strip()}"


def prompt_tokens(*texts):
    """What the messages of a request cost that have these texts."""
    return sum(count_tokens(text or "") + 4 for text in texts)


def made_up(schema, name="value"):
    """A value that fits a JSON schema; arguments of tools."""
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if kind == "object":
        return {key: made_up(part, key) for key, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [made_up(schema.get("items", {}), name)]
    if kind in ("integer", "number"):
        return 3
    if kind == "boolean":
        return True
    return "Paris" if name == "city" else f"some {name}"


def reply_to(model, messages, tools, tool_choice=None, schema=None):
    """The answer to a request; `tools` are pairs of name and JSON schema, `schema` is that of the answer."""
    call = call_for(messages, tools, tool_choice)
    users = [message.text for message in messages if message.role == "user"]
    answer = json.dumps(made_up(schema)) if schema else answer_to(users[-1] if users else "")
    text = None if call else answer
    return Reply(
        text=text,
        call=call,
        prompt_tokens=prompt_tokens(*(message.text for message in messages)),
        output_tokens=count_tokens(call.arguments if call else text),
        reasoning_tokens=REASONING_TOKENS if re.match(r"gpt-5|o\d", model) else 0,
        cached=told(messages, "cached") or 0,
        written=told(messages, "written") or 0,
    )


def call_for(messages, tools, tool_choice):
    """The tool call to answer with, if the request asks for one."""
    last_user = max((at for at, message in enumerate(messages) if message.role == "user"), default=-1)
    has_result = any(message.role == "tool" for message in messages[last_user + 1 :])
    if not tools or has_result or tool_choice == "none":
        return None
    name, schema = tools[0]
    arguments = json.dumps(made_up(schema or {}))
    digest = hashlib.sha256(f"{name}{arguments}{len(messages)}".encode()).hexdigest()
    return Call(f"call_{digest[:12]}", name, arguments)


def told(messages, word):
    """The number behind a word in brackets, as in `[cached 5]`."""
    found = re.search(rf"\[{word} (\d+)\]", all_text(messages))
    return int(found.group(1)) if found else None


def all_text(messages):
    return " ".join(message.text for message in messages)


def pieces(text):
    """The words of a text with the blanks behind them, as a stream sends them."""
    return re.findall(r"\S+\s*", text)


def made_id(prefix, request, length=24):
    """An id that depends on nothing but the request."""
    return prefix + hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()[:length]


def dated(model):
    """The name that the answer gives the model."""
    return DATED.get(model, model)
