"""A small stand-in for the OpenAI API: the same question always gets the same answer and the same token counts.

What it does is decided by the request:

- Tools and no tool result behind the last user message: one call of the first tool, its arguments made up from the schema.
- Otherwise an answer that quotes the last user message.
- `[error 429]` or `[error 500]` in any message: that status, every time.
- `[fail once]` in any message: 500 the first time that this body is sent, an answer afterwards.
- `[cached 5]` in any message: so many of the prompt's tokens came from the cache.
- Models whose name begins with `gpt-5` or `o`: eight tokens of reasoning.

Tokens are words; each message costs four more. Run it alone with `python mock_openai.py 8080`.
"""

import base64
import hashlib
import json
import re
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CREATED = 1_764_000_000
REASONING_TOKENS = 8
DATED = {
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
}
ERRORS = {
    429: ("rate_limit_exceeded", "Rate limit reached for requests. Please try again in 20s."),
    500: ("server_error", "The server had an error while processing your request."),
}


class Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, status, kind, message):
        super().__init__(message)
        self.status, self.kind = status, kind


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


def prompt_tokens(messages):
    """What the messages of a request cost."""
    return sum(count_tokens(text_of(message.get("content"))) + 4 for message in messages)


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


def tool_call_for(request):
    """The tool call to answer with, if the request asks for one."""
    messages, tools = request["messages"], request.get("tools") or []
    last_user = max((at for at, message in enumerate(messages) if message.get("role") == "user"), default=-1)
    has_result = any(message.get("role") == "tool" for message in messages[last_user + 1 :])
    if not tools or has_result or request.get("tool_choice") == "none":
        return None
    function = tools[0]["function"]
    arguments = json.dumps(made_up(function.get("parameters") or {}))
    digest = hashlib.sha256(f"{function['name']}{arguments}{len(messages)}".encode()).hexdigest()
    return {"id": f"call_{digest[:12]}", "type": "function", "function": {"name": function["name"], "arguments": arguments}}


def complete(request):
    """The message, the finish reason and the usage that answer a chat request."""
    messages, model = request["messages"], request.get("model", "")
    call = tool_call_for(request)
    if call:
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        output = count_tokens(call["function"]["arguments"])
    else:
        users = [message for message in messages if message.get("role") == "user"]
        message = {"role": "assistant", "content": answer_to(text_of(users[-1].get("content")) if users else "")}
        output = count_tokens(message["content"])
    reasoning = REASONING_TOKENS if re.match(r"gpt-5|o\d", model) else 0
    cached = re.search(r"\[cached (\d+)\]", all_text(messages))
    usage = {
        "prompt_tokens": prompt_tokens(messages),
        "completion_tokens": output + reasoning,
        "total_tokens": prompt_tokens(messages) + output + reasoning,
        "prompt_tokens_details": {"cached_tokens": int(cached.group(1)) if cached else 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }
    return message, "tool_calls" if call else "stop", usage


def all_text(messages):
    return " ".join(text_of(message.get("content")) for message in messages)


def vector(text):
    """Eight numbers between -1 and 1 that depend on nothing but the text."""
    return [round(byte / 127.5 - 1, 4) for byte in hashlib.sha256(text.encode()).digest()[:8]]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = set()
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.endswith("/models"):
            models = [{"id": name, "object": "model", "created": CREATED, "owned_by": "mock"} for name in DATED]
            return self.send_json(200, {"object": "list", "data": models})
        return self.send_refusal(Refused(404, "not_found", f"the mock has no GET {self.path}"))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            request = json.loads(body)
            if self.path.endswith("/chat/completions"):
                self.refuse_if_told(request, body)
                return self.stream_chat(request) if request.get("stream") else self.chat(request)
            if self.path.endswith("/embeddings"):
                return self.embeddings(request)
            raise Refused(404, "not_found", f"the mock has no POST {self.path}")
        except json.JSONDecodeError as error:
            return self.send_refusal(Refused(400, "invalid_request_error", f"not JSON: {error}"))
        except Refused as refused:
            return self.send_refusal(refused)

    def refuse_if_told(self, request, body):
        text = all_text(request["messages"])
        told = re.search(r"\[error (\d+)\]", text)
        status = int(told.group(1)) if told else None
        if "[fail once]" in text:
            with self.lock:
                status = None if body in self.seen else 500
                self.seen.add(body)
        if status:
            kind, message = ERRORS.get(status, ("server_error", "The mock was told to fail."))
            raise Refused(status, kind, message)

    def chat(self, request):
        message, finish_reason, usage = complete(request)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
        self.send_json(200, self.frame(request, "chat.completion") | {"choices": [choice], "usage": usage})

    def stream_chat(self, request):
        message, finish_reason, usage = complete(request)
        frame = self.frame(request, "chat.completion.chunk")
        deltas = [{"role": "assistant", "content": ""}]
        deltas += [{"content": part} for part in re.findall(r"\S+\s*", message["content"] or "")]
        for at, call in enumerate(message.get("tool_calls") or []):
            function, arguments = call["function"], call["function"]["arguments"]
            begin = call | {"index": at, "function": {"name": function["name"], "arguments": ""}}
            middle = len(arguments) // 2
            parts = [{"index": at, "function": {"arguments": part}} for part in (arguments[:middle], arguments[middle:])]
            deltas += [{"tool_calls": [part]} for part in (begin, *parts)]
        chunks = [frame | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
        chunks.append(frame | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]})
        if (request.get("stream_options") or {}).get("include_usage"):
            chunks.append(frame | {"choices": [], "usage": usage})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for data in [*map(json.dumps, chunks), "[DONE]"]:
            self.write_chunk(f"data: {data}\n\n".encode())
        self.write_chunk(b"")

    def write_chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def embeddings(self, request):
        inputs = request["input"] if isinstance(request["input"], list) else [request["input"]]
        texts = [text if isinstance(text, str) else json.dumps(text) for text in inputs]
        tokens = sum(map(count_tokens, texts))
        rows = [
            {"object": "embedding", "index": at, "embedding": encode(vector(text), request.get("encoding_format"))}
            for at, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        self.send_json(200, {"object": "list", "data": rows, "model": request["model"], "usage": usage})

    def frame(self, request, kind):
        model = request.get("model", "")
        digest = hashlib.sha256(json.dumps(request["messages"]).encode()).hexdigest()
        return {
            "id": f"chatcmpl-{digest[:24]}",
            "object": kind,
            "created": CREATED,
            "model": DATED.get(model, model),
            "system_fingerprint": "fp_mock",
        }

    def send_refusal(self, refused):
        error = {"message": str(refused), "type": refused.kind, "param": None, "code": refused.kind}
        self.send_json(refused.status, {"error": error})

    def send_json(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def encode(numbers, encoding_format):
    """As floats, or as the base64 of little-endian floats, which the Python client asks for."""
    if encoding_format == "base64":
        return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    return numbers


def start(port=0):
    """Serves in a thread of this process; returns the server, whose port is `server_address[1]`."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    server.serve_forever()
