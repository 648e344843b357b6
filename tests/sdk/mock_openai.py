"""The OpenAI API of the mock: chat completions, responses and embeddings. What it says is in `mock_model`.

A request for `responses` with `reasoning` gets a summary of the reasoning: `REASONING`.
"""

import base64
import hashlib
import json
import struct

from mock_model import CREATED, Message, count_tokens, dated, made_id, pieces, reply_to, text_of

REASONING = "The user wants an answer."
ERROR_KINDS = {404: "not_found", 400: "invalid_request_error", 429: "rate_limit_exceeded"}


def refusal(status, message):
    kind = ERROR_KINDS.get(status, "server_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": kind}}


class Chat:
    """`POST /v1/chat/completions`."""

    def __init__(self, request):
        self.request = request
        self.model = request.get("model", "")
        self.messages = [Message(role_of(message), text_of(message.get("content"))) for message in request["messages"]]
        functions = [tool["function"] for tool in request.get("tools") or []]
        tools = [(function["name"], function.get("parameters")) for function in functions]
        schema = ((request.get("response_format") or {}).get("json_schema") or {}).get("schema")
        self.reply = reply_to(self.model, self.messages, tools, request.get("tool_choice"), schema)

    def frame(self, kind):
        return {
            "id": made_id("chatcmpl-", self.request["messages"]),
            "object": kind,
            "created": CREATED,
            "model": dated(self.model),
            "system_fingerprint": "fp_mock",
        }

    def usage(self):
        reply = self.reply
        output = reply.output_tokens + reply.reasoning_tokens
        return {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": output,
            "total_tokens": reply.prompt_tokens + output,
            "prompt_tokens_details": {"cached_tokens": reply.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens, "audio_tokens": 0},
        }

    def finish_reason(self):
        return "tool_calls" if self.reply.call else "stop"

    def answer(self):
        message = {"role": "assistant", "content": self.reply.text}
        if call := self.reply.call:
            function = {"name": call.name, "arguments": call.arguments}
            message["tool_calls"] = [{"id": call.id, "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason()}
        return self.frame("chat.completion") | {"choices": [choice], "usage": self.usage()}

    def events(self):
        """Pairs of no event name and data."""
        deltas = [{"role": "assistant", "content": ""}]
        deltas += [{"content": part} for part in pieces(self.reply.text or "")]
        if call := self.reply.call:
            begin = {"index": 0, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
            parts = [begin, *({"index": 0, "function": {"arguments": half}} for half in halves(call.arguments))]
            deltas += [{"tool_calls": [part]} for part in parts]
        frame = self.frame("chat.completion.chunk")
        for delta in deltas:
            yield None, frame | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        yield None, frame | {"choices": [{"index": 0, "delta": {}, "finish_reason": self.finish_reason()}]}
        if (self.request.get("stream_options") or {}).get("include_usage"):
            yield None, frame | {"choices": [], "usage": self.usage()}
        yield None, "[DONE]"


class Responses:
    """`POST /v1/responses`."""

    def __init__(self, request):
        self.request = request
        self.model = request.get("model", "")
        self.messages = [Message("system", request["instructions"])] if request.get("instructions") else []
        items = request["input"]
        items = [{"role": "user", "content": items}] if isinstance(items, str) else items
        self.messages += [message for message in map(message_of_item, items) if message]
        tools = [(tool["name"], tool.get("parameters")) for tool in request.get("tools") or [] if "name" in tool]
        schema = ((request.get("text") or {}).get("format") or {}).get("schema")
        self.reply = reply_to(self.model, self.messages, tools, request.get("tool_choice"), schema)

    def usage(self):
        reply = self.reply
        output = reply.output_tokens + reply.reasoning_tokens
        return {
            "input_tokens": reply.prompt_tokens,
            "input_tokens_details": {"cached_tokens": reply.cached},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
            "total_tokens": reply.prompt_tokens + output,
        }

    def output(self):
        items = []
        if self.reply.reasoning_tokens:
            wanted = (self.request.get("reasoning") or {}).get("summary")
            summary = [{"type": "summary_text", "text": REASONING}] if wanted else []
            items.append({"type": "reasoning", "id": made_id("rs_", self.request), "summary": summary})
        if call := self.reply.call:
            item = {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
            items.append(item | {"id": made_id("fc_", self.request), "status": "completed"})
        else:
            part = {"type": "output_text", "text": self.reply.text, "annotations": [], "logprobs": []}
            item = {"type": "message", "role": "assistant", "content": [part]}
            items.append(item | {"id": made_id("msg_", self.request), "status": "completed"})
        return items

    def answer(self):
        return self.frame("completed", self.output(), self.usage())

    def frame(self, status, output, usage):
        asked = ("instructions", "temperature", "top_p", "max_output_tokens", "tools", "tool_choice", "reasoning", "text")
        return {
            "id": made_id("resp_", self.request),
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "metadata": {},
            "parallel_tool_calls": True,
            "tools": [],
            "tool_choice": "auto",
            **{name: self.request[name] for name in asked if self.request.get(name) is not None},
            "model": dated(self.model),
            "output": output,
            "usage": usage,
        }

    def events(self):
        """Pairs of event name and data."""
        for number, data in enumerate(self.plain_events()):
            yield data["type"], data | {"sequence_number": number}

    def plain_events(self):
        yield {"type": "response.created", "response": self.frame("in_progress", [], None)}
        for at, item in enumerate(self.output()):
            place = {"output_index": at, "item_id": item["id"]}
            empty = {"reasoning": "summary", "message": "content", "function_call": "arguments"}[item["type"]]
            begun = item | {empty: "" if empty == "arguments" else []}
            yield {"type": "response.output_item.added", "output_index": at, "item": begun}
            yield from {"reasoning": summary_events, "message": text_events, "function_call": call_events}[item["type"]](
                item, place
            )
            yield {"type": "response.output_item.done", "output_index": at, "item": item}
        yield {"type": "response.completed", "response": self.answer()}


def summary_events(item, place):
    for at, part in enumerate(item["summary"]):
        where = place | {"summary_index": at}
        yield {"type": "response.reasoning_summary_part.added", **where, "part": part | {"text": ""}}
        for piece in pieces(part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", **where, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **where, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **where, "part": part}


def text_events(item, place):
    for at, part in enumerate(item["content"]):
        where = place | {"content_index": at}
        yield {"type": "response.content_part.added", **where, "part": part | {"text": ""}}
        for piece in pieces(part["text"]):
            yield {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **where, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **where, "part": part}


def call_events(item, place):
    for piece in halves(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    yield {"type": "response.function_call_arguments.done", **place, "name": item["name"], "arguments": item["arguments"]}


def role_of(message):
    role = message.get("role", "user")
    return "system" if role == "developer" else role


def message_of_item(item):
    """The message that an item of a request for `responses` is; none for calls and reasoning, which cost nothing here."""
    kind = item.get("type", "message")
    if kind == "function_call_output":
        return Message("tool", text_of(item.get("output")))
    if kind == "message":
        return Message(role_of(item), text_of(item.get("content")))
    return None


def halves(text):
    middle = len(text) // 2
    return text[:middle], text[middle:]


class Embeddings:
    """`POST /v1/embeddings`."""

    def __init__(self, request):
        self.request = request
        inputs = request["input"] if isinstance(request["input"], list) else [request["input"]]
        texts = [text if isinstance(text, str) else json.dumps(text) for text in inputs]
        self.messages = [Message("user", text) for text in texts]

    def answer(self):
        tokens = sum(count_tokens(message.text) for message in self.messages)
        rows = [
            {"object": "embedding", "index": at, "embedding": encode(vector(message.text), self.request.get("encoding_format"))}
            for at, message in enumerate(self.messages)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": rows, "model": self.request["model"], "usage": usage}


def vector(text):
    """Eight numbers between -1 and 1 that depend on nothing but the text."""
    return [round(byte / 127.5 - 1, 4) for byte in hashlib.sha256(text.encode()).digest()[:8]]


def encode(numbers, encoding_format):
    """As floats, or as the base64 of little-endian floats, which the Python client asks for."""
    if encoding_format == "base64":
        return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    return numbers
