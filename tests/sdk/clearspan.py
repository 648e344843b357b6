"""Starts the server, runs a program that traces to it, and reads back through the REST API what it sent."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import httpx

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
SNIPPETS = HERE.parent.parent / "docs" / "snippets"
START_SECONDS = 90
# Importing LangChain takes three seconds on a free core; a busy machine takes many times that.
PROGRAM_SECONDS = 240
# Below the ports that systems give to outgoing connections: one of those could take it before the server does.
PORTS = range(12_000, 32_000)

# Dollars for a million tokens: in, in from the cache, in and kept in the cache, out.
PRICES = {
    "gpt-4o-mini": ("0.15", "0.075", "0.15", "0.60"),
    "gpt-5-mini": ("0.25", "0.025", "0.25", "2"),
    "claude-sonnet-5": ("2", "0.2", "2.5", "10"),
    "text-embedding-3-small": ("0.02", "0.02", "0.02", "0"),
}


def dollars(input_tokens, output_tokens, cached=0, written=0, model="gpt-4o-mini"):
    """What a call costs whose prompt came in part from the cache, or went there."""
    plain, from_cache, into_cache, output = map(Decimal, PRICES[model])
    prompt = (input_tokens - cached - written) * plain + cached * from_cache + written * into_cache
    return (prompt + output_tokens * output) / 1_000_000


def free_port(ports=PORTS):
    while True:
        port = random.choice(ports)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """The real binary on free ports, with a data folder of its own."""

    def __init__(self, binary, folder):
        self.folder = folder
        self.log = folder / "server.log"
        self.http_url = f"http://127.0.0.1:{free_port()}"
        self.grpc_url = f"http://127.0.0.1:{free_port()}"
        environment = os.environ | {
            "CLEARSPAN_DATA_DIR": str(folder / "data"),
            "CLEARSPAN_HTTP": self.http_url.removeprefix("http://"),
            "CLEARSPAN_GRPC": self.grpc_url.removeprefix("http://"),
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen([binary, "serve"], env=environment, stdout=log, stderr=log, cwd=folder)
        self.api = httpx.Client(base_url=f"{self.http_url}/api/clearspan/v1", timeout=60)
        self.wait_until_ready()

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                if self.api.get("/info").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"the server was not ready after {START_SECONDS} s:\n{self.log.read_text()}")

    def stop(self):
        self.api.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def get(self, path, **params):
        response = self.api.get(path, params=params)
        assert response.status_code == 200, f"GET {path}: {response.status_code} {response.text}"
        return response.json()

    def trace_rows(self, project):
        """The traces of a project, oldest first; none when nothing was ever sent to it."""
        response = self.api.get(f"/projects/{project}/traces", params={"sort": "start", "limit": 1000})
        if response.status_code == 404:
            return []
        assert response.status_code == 200, response.text
        return response.json()["traces"]

    def traces(self, project):
        return [Trace(self, project, row) for row in self.trace_rows(project)]

    def only_trace(self, project):
        """The one trace of a project."""
        traces = self.traces(project)
        assert len(traces) == 1, f"{len(traces)} traces in {project}: {[trace.row['name'] for trace in traces]}"
        return traces[0]

    def stats(self, project, of):
        return self.get(f"/projects/{project}/stats", of=of)


class Trace:
    """A trace as the trace page reads it: the row of the list, the skeleton, and each run."""

    def __init__(self, server, project, row):
        self.row = row
        self.id = row["trace_id"]
        self.skeleton = server.get(f"/traces/{self.id}", project=project)
        columns = self.skeleton["runs"]
        self.runs = [server.get(f"/traces/{self.id}/runs/{run_id}", project=project) for run_id in columns["id"]]
        for run, parent in zip(self.runs, columns["parent"]):
            run["parent"] = self.runs[parent] if parent >= 0 else None
            run["children"] = []
        for run in self.runs:
            if run["parent"]:
                run["parent"]["children"].append(run)

    @property
    def root(self):
        roots = [run for run in self.runs if run["parent"] is None]
        assert len(roots) == 1, f"{len(roots)} roots: {[run['name'] for run in roots]}"
        return roots[0]

    def of_type(self, run_type):
        return [run for run in self.runs if run["run_type"] == run_type]

    def named(self, name):
        """The one run of this name."""
        found = [run for run in self.runs if run["name"] == name]
        assert len(found) == 1, f"{len(found)} runs are named {name}; there are {self.names()}"
        return found[0]

    def names(self):
        return [f"{run['name']} ({run['run_type']})" for run in self.runs]


def run_program(path, environment, *arguments, python=sys.executable):
    """Runs a program to its end. It sees nothing of our environment but PATH and HOME, as on a user's machine."""
    base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [python, str(path), *arguments],
        env=base | environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{path} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def role_texts(messages):
    """Pairs of role and text; parts of a message are joined."""
    return [(message["role"], text_of(message.get("content"))) for message in messages]


def text_of(content):
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if part.get("type") == "text")
    return content or ""


def tool_calls(messages):
    """Pairs of name and arguments of all tool calls."""
    return [(call["name"], call["arguments"]) for message in messages for call in message.get("tool_calls") or []]
