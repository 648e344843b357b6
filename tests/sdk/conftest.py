"""One server and one mock of the OpenAI API for all tests; each test has a project of its own."""

import os
import re

import mock_openai
import pytest
from clearspan import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    binary = os.environ.get("CLEARSPAN_BIN")
    if not binary:
        pytest.exit("CLEARSPAN_BIN names no server; run tests/sdk/run.sh", returncode=2)
    server = Server(binary, tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def openai_environment():
    """What a program needs so that the OpenAI client talks to the mock."""
    mock = mock_openai.start()
    yield {"OPENAI_BASE_URL": f"http://127.0.0.1:{mock.server_address[1]}/v1", "OPENAI_API_KEY": "sk-mock"}
    mock.shutdown()


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
