"""DuckDB, Polars and PyArrow read the files as the docs show, and find in them what the server answers."""

import contextlib
import json
import os
import re
import subprocess
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from clearspan import PROGRAMS, Server, run_program

DOCS = Path(__file__).resolve().parents[2] / "docs"
PROJECTS = ("open-one", "open-two")
TEXTS = ("input_messages", "input_rest", "output_messages", "output_rest")


def blocks(page, language):
    """The examples of a page in a language, as the page has them."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with an export and, as `clearspan-data`, a data folder whose runs are all in segments."""
    folder = tmp_path_factory.mktemp("files")
    binary = os.environ["CLEARSPAN_BIN"]
    server = Server(binary, folder)
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        for project in PROJECTS:
            environment = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": server.http_url,
                "OTEL_EXPORTER_OTLP_HEADERS": f"langsmith-project={project}",
            }
            run_program(PROGRAMS / "otel_genai.py", environment, "http")
        export = [binary, "export", "--endpoint", server.http_url, "-o", folder / "runs.parquet"]
        subprocess.run(export, check=True, capture_output=True)
        statement = "select model, count(*) as calls, sum(total_cost) as dollars from runs where run_type = 'llm' group by model"
        answer = server.api.post("/sql", json={"query": statement})
        assert answer.status_code == 200, answer.text
        (folder / "answer.json").write_text(answer.text)
    (folder / "clearspan-data").symlink_to(folder / "data")
    assert list(folder.glob("clearspan-data/runs/segments/seg-*.parquet")), "the server was to write what it had"
    return folder


@pytest.mark.parametrize("page", ["sql.md", "storage.md"])
def test_the_programs_of_the_docs_run(files, page, monkeypatch):
    monkeypatch.chdir(files)
    programs = [block for block in blocks(page, "python") if "read" in block or "scan" in block or "from '" in block]
    assert programs, f"{page} lost its examples"
    for program in programs:
        exec(compile(program, page, "exec"), {})


def test_duckdb_counts_as_the_server_does(files, monkeypatch):
    monkeypatch.chdir(files)
    (statement,) = re.findall(r'duckdb\.sql\("""(.*?)"""\)', (DOCS / "sql.md").read_text(), re.DOTALL)
    found = duckdb.sql(statement)
    assert found.columns == ["model", "calls", "dollars", "p95_ms"]
    rows = found.fetchall()
    answer = json.loads((files / "answer.json").read_text())["rows"]
    assert {(model, calls, Decimal(dollars)) for model, calls, dollars in answer} == {row[:3] for row in rows}
    assert len(rows) == 2 and all(row[3] >= 0 for row in rows)


def test_polars_counts_the_same(files):
    runs = pl.read_parquet(files / "runs.parquet")
    assert runs.height == 8, "two traces of four"
    totals = dict(runs.group_by("status").agg(pl.col("total_tokens").sum()).iter_rows())
    exported = pq.read_table(files / "runs.parquet", columns=["status", "total_tokens"]).to_pylist()
    assert sum(totals.values()) == sum(row["total_tokens"] or 0 for row in exported) > 0


def test_the_texts_of_segments_are_those_of_the_export(files, monkeypatch):
    monkeypatch.chdir(files)
    (statement,) = [block for block in blocks("storage.md", "sql") if "texts[" in block]
    # The same with the keys of the runs beside them.
    keyed = statement.replace("\nselect\n", "\nselect hex(trace_id), hex(run_id),\n", 1)
    assert keyed != statement
    names = ", ".join(TEXTS)
    of_export = f"select hex(trace_id), hex(run_id), {names} from 'runs.parquet'"
    in_segments, exported = (sorted(duckdb.sql(query).fetchall()) for query in (keyed, of_export))
    assert len(exported) == 8
    assert any(row[2] for row in exported) and any(row[3] for row in exported), "messages, and something else"
    assert in_segments == exported
