"""The snippets that the first-start page shows, exactly as they are there."""

import os
import re
import subprocess

import pytest
from clearspan import SNIPPETS, run_program
from node_programs import run_node

SHOWN_URL = "http://127.0.0.1:4318"
# The packages of these cannot live with those of the others.
INTERPRETERS = {"pydantic-ai": os.environ.get("CLEARSPAN_OPENAI3_PYTHON")}
# What each has to show: the name of its root, and the types of its runs.
EXPECTED = {
    "curl": ("chat gpt-5-mini", {"llm"}),
    "langsmith-sdk": ("library_assistant", {"chain", "retriever", "llm"}),
    # OpenInference calls output parsers chains.
    "openinference-langchain": ("joke_chain", {"chain", "prompt", "llm"}),
    "openinference-openai": ("ChatCompletion", {"llm"}),
    "openllmetry": ("joke_writer", {"chain", "tool", "llm"}),
    "openinference-anthropic": ("messages.create", {"llm"}),
    "openinference-llama-index": ("ask_library", {"chain", "retriever", "embedding", "llm"}),
    "opentelemetry-sdk": ("invoke_agent trip-planner", {"chain", "llm", "tool"}),
    "pydantic-ai": ("invoke_agent weather_agent", {"chain", "llm", "tool"}),
    "vercel-ai-6": ("ai.generateText", {"chain", "llm"}),
    "vercel-ai-7": ("invoke_agent gpt-5-mini", {"chain", "llm"}),
}
MODEL = re.compile(r"gpt-5-mini(-2025-08-07)?|claude-sonnet-5")
# OpenInference calls this of LlamaIndex a call of the model, and the real one below it, too.
WRAPPERS = {"OpenAI.predict"}


def environment_of(snippet, server, model_environment):
    """The variables that the snippet's shell part exports, with the real address, as the page shows them."""
    script = (SNIPPETS / f"{snippet}.sh").read_text().replace(SHOWN_URL, server.http_url)
    exports = [line for line in script.splitlines() if line.startswith("export ")]
    shell = "\n".join(["set -eu", *exports, "env -0"])
    base = {"PATH": os.environ["PATH"]} | model_environment
    done = subprocess.run(["bash", "-c", shell], env=base, capture_output=True, check=True)
    pairs = [entry.split("=", 1) for entry in done.stdout.decode().split("\0") if "=" in entry]
    return {name: value for name, value in pairs if name not in ("PATH", "PWD", "SHLVL", "_")}


def test_every_snippet_is_run():
    programs = {path.stem for pattern in ("*.py", "*.mjs") for path in SNIPPETS.glob(pattern)} | {"curl"}
    assert programs == set(EXPECTED)


@pytest.mark.parametrize("snippet", EXPECTED)
def test_a_snippet_makes_a_visible_trace(server, model_environment, tmp_path, snippet):
    known = {row["trace_id"] for row in server.trace_rows("default")}
    if snippet == "curl":
        script = (SNIPPETS / "curl.sh").read_text().replace(SHOWN_URL, server.http_url)
        subprocess.run(["bash", "-euc", script], check=True, capture_output=True, timeout=120)
    elif (program := SNIPPETS / f"{snippet}.mjs").exists():
        run_node(program, tmp_path, environment_of(snippet, server, model_environment), major=snippet[-1])
    else:
        # A copy, with the address that the page would show, in an empty folder.
        program = tmp_path / f"{snippet}.py"
        program.write_text((SNIPPETS / f"{snippet}.py").read_text().replace(SHOWN_URL, server.http_url))
        python = {"python": INTERPRETERS[snippet]} if INTERPRETERS.get(snippet) else {}
        run_program(program, environment_of(snippet, server, model_environment), **python)
    traces = [trace for trace in server.traces("default") if trace.id not in known]
    assert len(traces) == 1, f"one program, one trace: {[trace.row['name'] for trace in traces]}"
    check(traces[0], *EXPECTED[snippet])


def check(trace, name, run_types):
    assert trace.root["name"] == name
    assert {run["run_type"] for run in trace.runs} >= run_types, trace.names()
    assert trace.row["status"] == "success"
    assert trace.row["error_count"] == 0
    calls = [run for run in trace.of_type("llm") if run["name"] not in WRAPPERS]
    assert calls
    for call in calls:
        assert MODEL.fullmatch(call["model"]), "every call shows its model"
        assert call["inputs"]["messages"] and call["outputs"]["messages"], "every call shows its messages"
        assert call["usage"]["input_tokens"] > 0 and call["usage"]["output_tokens"] > 0
        assert call["cost"]["source"]["kind"] in ("priced", "reported")
    assert trace.row["total_tokens"] == sum(call["usage"]["total_tokens"] for call in calls)
    assert float(trace.row["cost"]) > 0
    assert trace.row["input_preview"] and trace.row["output_preview"]
