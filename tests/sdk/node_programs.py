"""Runs programs for Node with one of the releases of the AI SDK and of LangSmith's SDK that are installed side by side."""

import json
import os
import shutil
from pathlib import Path

from clearspan import HERE, run_program

# As which name a version of the AI SDK is installed, by its major number.
SUFFIXES = {"7": "", "6": "-v6", "5": "-v5"}
# The same for LangSmith's SDK: the newest release, and one from before most of its calls took on today's forms.
LANGSMITH = {"new": "langsmith", "old": "langsmith-old"}
PACKAGES = json.loads((HERE / "js" / "package.json").read_text())["dependencies"]
# The releases of LangSmith's SDK that are installed: `0.3.87`, which is `npm:langsmith@0.3.87` in the list.
VERSIONS = {release: PACKAGES[name].rpartition("@")[2] for release, name in LANGSMITH.items()}


def installed():
    modules = os.environ.get("CLEARSPAN_JS_MODULES")
    assert modules, "CLEARSPAN_JS_MODULES names no node_modules; run tests/sdk/run.sh"
    return Path(modules)


def link_modules(folder, major, langsmith):
    """Makes a `node_modules` in which `ai`, `@ai-sdk/openai` and `langsmith` are those of a version."""
    installed_modules, modules = installed(), folder / "node_modules"
    (modules / "@ai-sdk").mkdir(parents=True)
    for name in ("ai", "@ai-sdk/openai"):
        (modules / name).symlink_to(installed_modules / f"{name}{SUFFIXES[major]}")
    (modules / "langsmith").symlink_to(installed_modules / LANGSMITH[langsmith])
    for name in ("@ai-sdk/otel", "@opentelemetry", "openai", "zod"):
        (modules / name).symlink_to(installed_modules / name)


def run_node(program, folder, environment, *arguments, major="7", langsmith="new"):
    """Runs a copy of a program, and of what LangSmith's programs share, in a folder of its own."""
    link_modules(folder, major, langsmith)
    program = Path(program)
    for file in (program, *program.parent.glob("*_shared.mjs")):
        shutil.copyfile(file, folder / file.name)
    return run_program(folder / program.name, environment, *arguments, python="node")
