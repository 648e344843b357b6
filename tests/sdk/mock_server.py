"""Serves the mock of the model providers on one port; `mock_model` says how it behaves.

Run it alone with `python mock_server.py 8080`.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mock_anthropic
import mock_openai
from mock_model import CREATED, DATED, ERRORS, Refused, all_text, told

# Ends of paths, and what answers there.
ENDPOINTS = {
    "/chat/completions": mock_openai.Chat,
    "/responses": mock_openai.Responses,
    "/embeddings": mock_openai.Embeddings,
    "/messages": mock_anthropic.Messages,
}


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
        return self.send_refusal(Refused(404, f"the mock has no GET {self.path}"))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.partition("?")[0]
        endpoint = next((made for end, made in ENDPOINTS.items() if path.endswith(end)), None)
        try:
            if endpoint is None:
                raise Refused(404, f"the mock has no POST {self.path}")
            exchange = endpoint(json.loads(body))
            self.refuse_if_told(exchange, body)
        except json.JSONDecodeError as error:
            return self.send_refusal(Refused(400, f"not JSON: {error}"))
        except Refused as refused:
            return self.send_refusal(refused)
        if exchange.request.get("stream"):
            return self.send_events(exchange.events())
        return self.send_json(200, exchange.answer())

    def refuse_if_told(self, exchange, body):
        status = told(exchange.messages, "error")
        if "[fail once]" in all_text(exchange.messages):
            with self.lock:
                status = None if body in self.seen else 500
                self.seen.add(body)
        if status:
            raise Refused(status, ERRORS.get(status, "The mock was told to fail."), final=told(exchange.messages, "error"))

    def send_refusal(self, refused):
        api = mock_anthropic if "/messages" in self.path else mock_openai
        # Clients need not wait and try again what fails every time.
        headers = {"x-should-retry": "false"} if refused.final else {}
        self.send_json(refused.status, api.refusal(refused.status, str(refused)), headers)

    def send_json(self, status, value, headers=None):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def send_events(self, events):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for name, data in events:
            head = f"event: {name}\n" if name else ""
            text = data if isinstance(data, str) else json.dumps(data)
            self.write_chunk(f"{head}data: {text}\n\n".encode())
        self.write_chunk(b"")

    def write_chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))


def make(port):
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server


def start(port=0):
    """Serves in a thread of this process; returns the server, whose port is `server_address[1]`."""
    server = make(port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    server = make(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    server.serve_forever()
