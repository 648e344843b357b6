"""The Anthropic Messages API of the mock. What it says is in `mock_model`.

`input_tokens` leaves out what came from the cache and what went into it, as Anthropic counts. A request with `thinking`
gets a block of it before the answer: `THINKING`, whose words count as output.
"""

import json

from mock_model import Message, count_tokens, dated, made_id, pieces, reply_to, text_of

THINKING = "The user wants an answer."
SIGNATURE = "c2lnbmF0dXJl"
ERROR_KINDS = {404: "not_found_error", 400: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}


def refusal(status, message):
    return {"type": "error", "error": {"type": ERROR_KINDS.get(status, "api_error"), "message": message}}


class Messages:
    """`POST /v1/messages`."""

    def __init__(self, request):
        self.request = request
        self.model = request.get("model", "")
        self.messages = [Message("system", text_of(request["system"]))] if request.get("system") else []
        self.messages += [Message(role_of(message), text_of_blocks(message["content"])) for message in request["messages"]]
        tools = [(tool["name"], tool.get("input_schema")) for tool in request.get("tools") or []]
        choice = (request.get("tool_choice") or {}).get("type")
        schema = ((request.get("output_config") or {}).get("format") or {}).get("schema")
        self.reply = reply_to(self.model, self.messages, tools, choice, schema)

    def thinks(self):
        return (self.request.get("thinking") or {}).get("type") in ("enabled", "adaptive")

    def content(self):
        blocks = [{"type": "thinking", "thinking": THINKING, "signature": SIGNATURE}] if self.thinks() else []
        if call := self.reply.call:
            name_id = call.id.replace("call_", "toolu_")
            return [*blocks, {"type": "tool_use", "id": name_id, "name": call.name, "input": json.loads(call.arguments)}]
        return [*blocks, {"type": "text", "text": self.reply.text, "citations": None}]

    def usage(self):
        reply = self.reply
        return {
            "input_tokens": reply.prompt_tokens - reply.cached - reply.written,
            "cache_creation_input_tokens": reply.written,
            "cache_read_input_tokens": reply.cached,
            "output_tokens": reply.output_tokens + (count_tokens(THINKING) if self.thinks() else 0),
            "service_tier": "standard",
        }

    def stop_reason(self):
        return "tool_use" if self.reply.call else "end_turn"

    def answer(self):
        return {
            "id": made_id("msg_", self.request),
            "type": "message",
            "role": "assistant",
            "model": dated(self.model),
            "content": self.content(),
            "stop_reason": self.stop_reason(),
            "stop_sequence": None,
            "usage": self.usage(),
        }

    def events(self):
        """Pairs of event name and data."""
        for data in self.plain_events():
            yield data["type"], data

    def plain_events(self):
        begun = {"content": [], "stop_reason": None, "usage": self.usage() | {"output_tokens": 1}}
        yield {"type": "message_start", "message": self.answer() | begun}
        for at, block in enumerate(self.content()):
            empty, deltas = block_deltas(block)
            yield {"type": "content_block_start", "index": at, "content_block": block | empty}
            for delta in deltas:
                yield {"type": "content_block_delta", "index": at, "delta": delta}
            yield {"type": "content_block_stop", "index": at}
        end = {"stop_reason": self.stop_reason(), "stop_sequence": None}
        yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": self.usage()["output_tokens"]}}
        yield {"type": "message_stop"}


def block_deltas(block):
    """What a block is before anything came, and the deltas that make it whole."""
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
        return {"thinking": "", "signature": ""}, [*deltas, {"type": "signature_delta", "signature": block["signature"]}]
    if block["type"] == "tool_use":
        arguments = json.dumps(block["input"])
        halves = arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]
        return {"input": {}}, [{"type": "input_json_delta", "partial_json": half} for half in halves]
    return {"text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]


def role_of(message):
    """Results of tools are blocks of user messages here."""
    blocks = message["content"] if isinstance(message["content"], list) else []
    return "tool" if any(block.get("type") == "tool_result" for block in blocks) else message["role"]


def text_of_blocks(content):
    if isinstance(content, str):
        return content
    texts = [text_of(block["content"]) if block.get("type") == "tool_result" else block.get("text") for block in content]
    return " ".join(text for text in texts if text)
