"""Runs programs for Node with one of the versions of the AI SDK that are installed side by side."""

import os
import shutil
from pathlib import Path

from clearspan import run_program

# As which name a version is installed, by its major number.
SUFFIXES = {"7": "", "6": "-v6", "5": "-v5"}


def installed():
    modules = os.environ.get("CLEARSPAN_JS_MODULES")
    assert modules, "CLEARSPAN_JS_MODULES names no node_modules; run tests/sdk/run.sh"
    return Path(modules)


def link_modules(folder, major):
    """Makes a `node_modules` in which `ai` and `@ai-sdk/openai` are those of a version."""
    installed_modules, modules = installed(), folder / "node_modules"
    (modules / "@ai-sdk").mkdir(parents=True)
    for name in ("ai", "@ai-sdk/openai"):
        (modules / name).symlink_to(installed_modules / f"{name}{SUFFIXES[major]}")
    for name in ("@ai-sdk/otel", "@opentelemetry", "langsmith", "zod"):
        (modules / name).symlink_to(installed_modules / name)


def run_node(program, folder, major, environment, *arguments):
    """Runs a copy of a program in a folder of its own."""
    link_modules(folder, major)
    copy = folder / Path(program).name
    shutil.copyfile(program, copy)
    return run_program(copy, environment, *arguments, python="node")
