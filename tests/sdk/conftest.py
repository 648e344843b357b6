"""One server and one mock of the model providers for all tests; each test has a project of its own."""

import os
import re
import sys

import mock_server
import pytest
from clearspan import PROGRAMS, Server, run_program


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    binary = os.environ.get("CLEARSPAN_BIN")
    if not binary:
        pytest.exit("CLEARSPAN_BIN names no server; run tests/sdk/run.sh", returncode=2)
    server = Server(binary, tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def model_environment():
    """What a program needs so that the clients of the providers talk to the mock."""
    mock = mock_server.start()
    url = f"http://127.0.0.1:{mock.server_address[1]}"
    yield {
        "OPENAI_BASE_URL": f"{url}/v1",
        # What LlamaIndex calls it.
        "OPENAI_API_BASE": f"{url}/v1",
        "OPENAI_API_KEY": "sk-mock",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "sk-ant-mock",
    }
    mock.shutdown()


@pytest.fixture(scope="session")
def run_otel(server, model_environment):
    """Runs one of our programs with an OTLP exporter that sends to a project."""

    def run(program, project, *arguments, python=sys.executable, **more):
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": server.http_url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"Langsmith-Project={project}",
        }
        return run_program(PROGRAMS / program, model_environment | environment | more, *arguments, python=python)

    return run


@pytest.fixture(scope="module")
def project(request):
    """A project's name, different in each file of tests."""
    return re.sub(r"\W+", "-", request.module.__name__)


def pytest_unconfigure(config):
    """The line that a person or a script looks for, behind all others."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.collectonly:
        return
    count = {name: len(reporter.stats.get(name, [])) for name in ("passed", "failed", "error", "skipped")}
    print(
        f"sdk: {count['passed']} passed, {count['failed'] + count['error']} failed, {count['skipped']} skipped",
        flush=True,
    )
