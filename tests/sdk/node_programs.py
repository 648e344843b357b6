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


# The variables that name where packages are installed: all of them, and LangSmith's SDK with what it needs to send with OpenTelemetry.
ALL, OTEL = "CLEARSPAN_JS_MODULES", "CLEARSPAN_JS_OTEL_MODULES"


def installed(packages=ALL):
    modules = os.environ.get(packages)
    assert modules, f"{packages} names no node_modules; run tests/sdk/run.sh"
    return Path(modules)


def link_modules(folder, major, langsmith, packages):
    """Makes a `node_modules` in which `ai`, `@ai-sdk/openai` and `langsmith` are those of a version."""
    installed_modules, modules = installed(packages), folder / "node_modules"
    modules.mkdir()
    links = {"langsmith": LANGSMITH[langsmith], "@opentelemetry": "@opentelemetry"}
    if packages == ALL:
        (modules / "@ai-sdk").mkdir()
        links |= {name: f"{name}{SUFFIXES[major]}" for name in ("ai", "@ai-sdk/openai")}
        links |= {name: name for name in ("@ai-sdk/otel", "openai", "zod")}
    for name, target in links.items():
        (modules / name).symlink_to(installed_modules / target)


def run_node(program, folder, environment, *arguments, major="7", langsmith="new", packages=ALL):
    """Runs a copy of a program, and of what LangSmith's programs share, in a folder of its own."""
    link_modules(folder, major, langsmith, packages)
    program = Path(program)
    for file in (program, *program.parent.glob("*_shared.mjs")):
        shutil.copyfile(file, folder / file.name)
    return run_program(folder / program.name, environment, *arguments, python="node")
