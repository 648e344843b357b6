"""Segments in a real S3 server: SeaweedFS, from PyPI."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from clearspan import Server, Trace, free_port

WEED = Path(sys.executable).parent / "weed"
START_SECONDS = 60
PROJECT = "in-the-bucket"


class Weed:
    """An S3 server of one test."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = self.free_ports()
        self.url = f"http://127.0.0.1:{self.ports['s3']}"
        self.process = self.start()
        assert httpx.put(f"{self.url}/traces").status_code == 200

    @staticmethod
    def free_ports():
        """Ports that are free, and whose gRPC ports (10,000 above) are free, too."""
        ports = {}
        while len(ports) < 4:
            port = free_port(range(12_000, 22_000))
            with contextlib.suppress(OSError), socket.socket() as grpc:
                grpc.bind(("127.0.0.1", port + 10_000))
                ports[("master", "volume", "filer", "s3")[len(ports)]] = port
        return ports

    def start(self):
        data = self.folder / "weed"
        data.mkdir()
        ports = [f"-{name}.port={port}" for name, port in self.ports.items()]
        arguments = ["server", "-s3", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *ports]
        with (self.folder / "weed.log").open("w") as log:
            process = subprocess.Popen(
                [WEED, *arguments, "-master.volumeSizeLimitMB=64", "-volume.max=40"], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                # It answers before it can store anything.
                if httpx.put(f"{self.url}/probes/probe", content=b"x", timeout=5).status_code == 200:
                    return process
                httpx.put(f"{self.url}/probes", timeout=5)
            time.sleep(0.2)
        process.kill()
        process.wait()
        raise RuntimeError(f"weed was not ready:\n{(self.folder / 'weed.log').read_text()[-5000:]}")

    def keys(self):
        text = httpx.get(f"{self.url}/traces", params={"list-type": "2"}).text
        return [part.split("</Key>")[0] for part in text.split("<Key>")[1:]]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Cable:
    """A TCP connection to an S3 server that can be pulled out: SeaweedFS itself takes minutes to come back."""

    def __init__(self, port):
        self.target = port
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.listener = None
        self.open = set()
        self.plug_in()

    def plug_in(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def pull_out(self):
        listener, self.listener = self.listener, None
        for one in [listener, *self.open]:
            # Closing alone would not wake those who wait for it.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.open.clear()

    def accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self.open |= {near, far}
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self.copy, args=pair, daemon=True).start()

    @staticmethod
    def copy(source, sink):
        with contextlib.suppress(OSError):
            while part := source.recv(1 << 16):
                sink.sendall(part)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def weed(tmp_path):
    server = Weed(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def start(weed, tmp_path, monkeypatch):
    """Starts Clearspan with a folder of this name; all use the same bucket."""
    settings = {
        "CLEARSPAN_OBJECT_STORE": "s3://traces/clearspan/prod",
        "CLEARSPAN_S3_ENDPOINT": weed.url,
        "CLEARSPAN_S3_REGION": "us-east-1",
        "CLEARSPAN_CACHE_SIZE": "8MiB",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    servers = []

    def start(name):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        server = Server(os.environ["CLEARSPAN_BIN"], folder)
        servers.append(server)
        return server

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()


def send(server, trace, text="x", part=0):
    """Two spans of a trace; the first of part 0 is its root. Returns the answer."""
    begin = 1_760_000_000_000_000_000 + trace * 1_000_000_000
    spans = [
        {
            "traceId": f"{trace:032x}",
            "spanId": f"{trace * 1000 + part * 2 + idx:016x}",
            "parentSpanId": f"{trace * 1000:016x}" if part or idx else "",
            "name": f"span {trace}.{part * 2 + idx}",
            "startTimeUnixNano": str(begin + idx),
            "endTimeUnixNano": str(begin + 1_000_000),
            "attributes": [{"key": "note", "value": {"stringValue": text}}],
        }
        for idx in (0, 1)
    ]
    body = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    return httpx.post(
        f"{server.http_url}/v1/traces", json=body, headers={"langsmith-project": PROJECT}, timeout=30
    )


def names(server):
    return sorted(row["name"] for row in server.trace_rows(PROJECT))


def flush(server):
    """A purge brings everything into segments."""
    error = purge(server)
    assert error is None, error


def purge(server):
    """Waits for a purge that begins now. Returns why it failed, or nothing."""
    before = (server.get("/purge")["last"] or {}).get("started_at")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        response = server.api.post("/purge", json={}, timeout=60)
        assert response.status_code == 202, response.text
        while (state := server.get("/purge"))["running"]:
            time.sleep(0.05)
        if state["last"] and state["last"]["started_at"] != before:
            return state["last"]["error"]
    raise RuntimeError("the purge does not end")


def doctor(server):
    """What the doctor says of the server's folder and the bucket."""
    command = [os.environ["CLEARSPAN_BIN"], "doctor", "--json", "--data-dir", server.folder / "data"]
    return json.loads(subprocess.run(command, capture_output=True, text=True).stdout)


def kill(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.api.close()


def test_a_server_comes_back_from_its_bucket(weed, start):
    server = start("one")
    for trace in range(1, 6):
        # More than fits into one request of an upload, and into the cache.
        for part in range(20):
            assert send(server, trace, os.urandom(40_000).hex(), part).status_code == 200
    flush(server)
    assert any(key.startswith("clearspan/prod/segments/seg-") for key in weed.keys())
    # In the log only.
    assert send(server, 6).status_code == 200
    kill(server)

    # With its folder nothing is lost.
    server = start("one")
    assert names(server) == [f"span {trace}.0" for trace in range(1, 7)]
    flush(server)
    assert send(server, 7).status_code == 200
    kill(server)

    # Without it, everything that was flushed is there, projects included.
    shutil.rmtree(server.folder / "data")
    server = start("one")
    assert names(server) == [f"span {trace}.0" for trace in range(1, 7)]
    trace = Trace(server, PROJECT, server.trace_rows(PROJECT)[0])
    assert sorted(run["name"] for run in trace.runs) == sorted(f"span 1.{part}" for part in range(40))
    cache = server.folder / "data" / "cache"
    assert 0 < sum(file.stat().st_size for file in cache.iterdir()) <= 8 << 20
    server.stop()

    # The doctor reads the bucket itself.
    healthy = doctor(server)
    assert healthy["ok"], healthy
    assert any(finding["area"] == "runs" and "all sound" in finding["text"] for finding in healthy["findings"])
    segment = next(key for key in weed.keys() if "/seg-" in key and key.endswith(".parquet"))
    content = bytearray(httpx.get(f"{weed.url}/traces/{segment}").content)
    content[len(content) // 2] ^= 1
    assert httpx.put(f"{weed.url}/traces/{segment}", content=bytes(content), timeout=60).status_code == 200
    found = doctor(server)["findings"]
    assert any(segment.endswith(Path(finding["file"]).name) for finding in found if finding.get("file")), found
    backup = subprocess.run(
        [os.environ["CLEARSPAN_BIN"], "backup", "--to", server.folder / "backups", "--data-dir", server.folder / "data"],
        capture_output=True,
        text=True,
    )
    assert backup.returncode != 0 and "versioning or replication" in backup.stderr, backup


def test_of_two_servers_on_a_bucket_one_stops(start):
    first = start("one")
    assert send(first, 1).status_code == 200
    flush(first)
    second = start("two")
    assert send(second, 2).status_code == 200
    flush(second)
    assert send(first, 3).status_code == 200
    assert "another server has taken over" in purge(first)
    assert send(first, 4).status_code == 503
    ready = httpx.get(f"{first.http_url}/readyz")
    assert ready.status_code == 503 and "another server has taken over" in ready.text, ready.text
    assert names(second) == ["span 1.0", "span 2.0"]
    assert send(second, 5).status_code == 200
    flush(second)


def test_an_outage_delays_and_loses_nothing(weed, start, monkeypatch):
    cable = Cable(weed.ports["s3"])
    monkeypatch.setenv("CLEARSPAN_S3_ENDPOINT", cable.url)
    server = start("one")
    assert send(server, 1).status_code == 200
    flush(server)
    kill(server)
    shutil.rmtree(server.folder / "data" / "cache")
    server = start("one")
    cable.pull_out()
    for trace in range(2, 6):
        assert send(server, trace).status_code == 200
    refused = server.api.get(f"/traces/{1:032x}", params={"project": PROJECT}, timeout=30)
    assert refused.status_code == 503 and "the object store cannot be reached" in refused.text, refused.text
    assert "retry-after" in refused.headers
    assert "the object store cannot be reached" in httpx.get(f"{server.http_url}/readyz").text
    cable.plug_in()
    deadline = time.monotonic() + 60
    while purge(server):
        assert time.monotonic() < deadline, server.log.read_text()[-5000:]
        time.sleep(0.5)
    kill(server)
    shutil.rmtree(server.folder / "data")
    assert names(start("one")) == [f"span {trace}.0" for trace in range(1, 6)]


def move(server, *arguments):
    """Runs `clearspan move` on the folder of a stopped server."""
    command = [os.environ["CLEARSPAN_BIN"], "move", "--data-dir", server.folder / "data", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_folder_moves_into_a_bucket_and_back(weed, start, monkeypatch):
    url = os.environ["CLEARSPAN_OBJECT_STORE"]
    monkeypatch.delenv("CLEARSPAN_OBJECT_STORE")
    server = start("one")
    for trace in range(1, 6):
        # More than fits into one request of an upload.
        for part in range(20):
            assert send(server, trace, os.urandom(40_000).hex(), part).status_code == 200
    flush(server)
    # In the log only.
    assert send(server, 6).status_code == 200
    running = move(server, "--object-store", url)
    assert running.returncode != 0 and "in use by another clearspan process" in running.stderr, running
    kill(server)
    assert "--object-store" in move(server).stderr

    moved = move(server, "--object-store", url)
    assert moved.returncode == 0 and "Start the server with the same --object-store" in moved.stdout, moved
    assert not list((server.folder / "data" / "runs" / "segments").iterdir())
    assert any(key.startswith("clearspan/prod/segments/seg-") for key in weed.keys())
    monkeypatch.setenv("CLEARSPAN_OBJECT_STORE", url)
    server = start("one")
    assert names(server) == [f"span {trace}.0" for trace in range(1, 7)]
    assert send(server, 7).status_code == 200
    server.stop()
    assert doctor(server)["ok"]

    moved = move(server, "--back")
    assert moved.returncode == 0 and "Start the server without --object-store" in moved.stdout, moved
    weed.stop()
    monkeypatch.delenv("CLEARSPAN_OBJECT_STORE")
    server = start("one")
    assert names(server) == [f"span {trace}.0" for trace in range(1, 8)]
    trace = Trace(server, PROJECT, server.trace_rows(PROJECT)[0])
    assert len(trace.runs) == 40
    server.stop()
    assert doctor(server)["ok"]
