"""LangSmith's own client: feedback, filters, sharing, annotation queues, threads, and the client of the second version."""

import asyncio
import datetime
import time
import uuid

import pytest
from clearspan import PROGRAM_SECONDS
from langsmith import Client
from langsmith.run_helpers import traceable, tracing_context
from langsmith.utils import LangSmithConflictError, LangSmithError, LangSmithNotFoundError
from release import IS_OLD, needs, unless_old

PROJECT = "ls-reading"
LONG_AGO = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def client(server):
    return Client(api_url=f"{server.http_url}/api/v1", api_key="any-value")


@traceable(run_type="llm", name="ChatAnthropic", metadata={"ls_provider": "anthropic", "ls_model_name": "claude"})
def call(question):
    return {"role": "assistant", "content": f"about {question}", "usage_metadata": {"input_tokens": 20000, "output_tokens": 7, "total_tokens": 20007}}


@traceable(run_type="retriever", name="QueryRewrite")
def rewrite(question):
    return [{"page_content": question}]


@traceable(name="Rerank")
def rerank(question):
    rewrite(question)
    return {"triage": {"decision": "escalate" if "refund" in question else "wait"}}


@traceable(name="support")
def support(question, fail=False):
    rerank(question)
    answer = call(question)
    if fail:
        raise ValueError("no calendar for Sunday")
    return {"answer": answer["content"]}


@pytest.fixture(scope="module")
def runs(client):
    """Three turns of two conversations; the last one fails."""
    for question, thread, plan, tags in [
        ("the refund policy", "conv-42", "free", ["build-7f3c"]),
        ("opening hours", "conv-42", "pro", ["canary"]),
        ("Sundays", "conv-43", "pro", ["shadow"]),
    ]:
        metadata = {"conversation_id": thread, "plan": plan, "environment": "staging", "tenant": "t1"}
        extra = {"metadata": metadata, "tags": tags}
        with tracing_context(enabled=True, client=client, project_name=PROJECT):
            try:
                support(question, thread == "conv-43", langsmith_extra=extra)
            except ValueError:
                assert thread == "conv-43"
    client.flush()
    # Older releases do not wait there for what their timer is sending at this moment.
    deadline = time.monotonic() + PROGRAM_SECONDS
    while ended(client) < 12 and time.monotonic() < deadline:
        time.sleep(0.05)
    roots = list(client.list_runs(project_name=PROJECT, is_root=True, order="asc"))
    assert [root.name for root in roots] == ["support"] * 3
    return roots


def ended(client):
    """How many runs are there to the end."""
    return sum(run.end_time is not None for run in client.list_runs(project_name=PROJECT))


@pytest.fixture(scope="module")
def judged(client, runs):
    """Feedback of every kind on the first turn, some on the others."""
    first, second, third = runs
    config = {"type": "categorical", "categories": [{"value": 1, "label": "ok"}, {"value": 0, "label": "bad"}]}
    client.create_feedback(first.id, "stars", score=5, trace_id=first.trace_id)
    client.create_feedback(first.id, "ok", score=True, feedback_config=config)
    client.create_feedback(first.id, "class", value="refund", comment="clear", session_id=first.session_id)
    client.create_feedback(first.id, "shape", value={"a": [1]}, correction={"answer": "x"}, feedback_source_type="model",
                           source_run_id=uuid.uuid4(), extra={"x": 1})
    client.create_feedback(second.id, "stars", score=2)
    client.create_feedback(third.id, "Faithfulness", score=0.0, error=True, comment="broken")
    client.create_feedback(key="summary", score=0.9, project_id=first.session_id)
    children = client.list_runs(project_name=PROJECT, trace_id=first.trace_id, filter='eq(name, "Rerank")')
    (rerank_run,) = children
    client.create_feedback(first.id, "thumb", score=1)
    client.flush()
    return rerank_run


def names(client, **asked):
    return sorted(run.name for run in client.list_runs(project_name=PROJECT, **asked))


def test_feedback_is_read_back(client, runs, judged):
    listed = {one.key: one for one in client.list_feedback(run_ids=[runs[0].id])}
    assert set(listed) == {"stars", "ok", "class", "shape", "thumb"}
    assert (listed["stars"].score, listed["ok"].score) == (5, True)
    assert (listed["class"].value, listed["class"].comment) == ("refund", "clear")
    assert (listed["shape"].value, listed["shape"].correction) == ({"a": [1]}, {"answer": "x"})
    assert listed["shape"].feedback_source.type == "model"
    assert all(one.trace_id == runs[0].trace_id for one in listed.values())
    by_model = list(client.list_feedback(run_ids=[runs[0].id], feedback_source_type=["model"]))
    assert [one.key for one in by_model] == ["shape"]
    assert [one.key for one in client.list_feedback(run_ids=[runs[0].id], feedback_key=["stars"])] == ["stars"]


def test_feedback_is_changed_and_removed(client, runs):
    made = client.create_feedback(runs[0].id, "temporary", score=1)
    client.flush()
    client.update_feedback(made.id, score=0.5, comment="less")
    read = client.read_feedback(made.id)
    assert (read.score, read.comment) == (0.5, "less")
    client.delete_feedback(made.id)
    with pytest.raises(LangSmithNotFoundError):
        client.read_feedback(made.id)


def test_feedback_before_its_run_counts_for_the_project(client):
    run_id, project = uuid.uuid4(), f"early-{uuid.uuid4().hex[:8]}"
    client.create_feedback(run_id, "early", score=1)
    client.flush()
    client.create_run("late", {"q": 1}, "chain", id=run_id, project_name=project)
    client.flush()
    assert [one.key for one in client.list_feedback(run_ids=[run_id])] == ["early"]
    assert client.read_project(project_name=project, include_stats=True).feedback_stats["early"]["n"] == 1


def test_a_presigned_token(client, runs):
    token = client.create_presigned_feedback_token(runs[1].id, "thumbs", expiration=datetime.timedelta(hours=1))
    client.create_feedback_from_token(token.url, score=1, comment="by link", metadata={"u": 1})
    tokens = client.create_presigned_feedback_tokens(runs[1].id, ["a", "b"])
    assert len(tokens) == 2
    assert len(list(client.list_presigned_feedback_tokens(runs[1].id))) == 3
    (given,) = client.list_feedback(run_ids=[runs[1].id], feedback_key=["thumbs"])
    assert (given.score, given.comment) == (1, "by link")


def test_feedback_configs(client):
    needs(client, "create_feedback_config")
    config = {"type": "continuous", "min": 0, "max": 1}
    made = client.create_feedback_config("accuracy", feedback_config=config)
    assert made.feedback_key == "accuracy"
    (listed,) = client.list_feedback_configs(feedback_key=["accuracy"])
    assert listed.feedback_config["max"] == 1
    assert client.update_feedback_config("accuracy", is_lower_score_better=True).is_lower_score_better is True
    client.delete_feedback_config("accuracy")
    assert list(client.list_feedback_configs(feedback_key=["accuracy"])) == []


def test_categories_of_feedback_are_changed(client):
    needs(client, "add_feedback_categories")
    good, bad, great = ({"value": value, "label": label} for value, label in [(1, "good"), (0, "bad"), (2, "great")])
    config = {"type": "categorical", "categories": [good, bad], "allows_multiple_categories": True}
    made = client.create_feedback_config("mood", feedback_config=config)
    added = client.add_feedback_categories("mood", [great], config_id=made.id)
    assert added.feedback_config == {**config, "categories": [good, bad, great]}
    assert client.remove_feedback_categories("mood", [0]).feedback_config["categories"] == [good, great]
    with pytest.raises(LangSmithError):
        client.remove_feedback_categories("mood", [2])
    (listed,) = client.list_feedback_configs(feedback_key=["mood"], include_all_configs=True)
    assert listed.id == made.id
    client.delete_feedback_config(config_id=made.id)
    assert list(client.list_feedback_configs(feedback_key=["mood"])) == []


def test_projects_and_datasets_in_the_second_version(client, runs, judged):
    needs(client, "sessions")
    dataset = client.create_dataset(f"second-{uuid.uuid4().hex[:8]}")

    async def ask():
        sessions = client.sessions
        (session,) = [one async for one in sessions.list_v2(name=PROJECT, include_stats=True)]
        assert (session.type, session.run_count, session.feedback_stats["stars"].n) == ("PROJECT", 3, 2)
        assert (await sessions.retrieve_v2(session.id)).name == PROJECT
        told = {"name": dataset.name, "reference_dataset_id": str(dataset.id)}
        made = await sessions.create_v2(type="EXPERIMENT", **told)
        assert (await sessions.update_v2(made.id, description="changed")).description == "changed"
        await sessions.create_v2(type="EXPERIMENT", **told, upsert=True)
        await sessions.create_v2(type="EXPERIMENT", **{**told, "name": f"{dataset.name} again"})
        listed = [one async for one in sessions.list_v2(reference_dataset_id=[str(dataset.id)], page_size=1)]
        assert [one.type for one in listed] == ["EXPERIMENT"] * 2
        (listed,) = [one async for one in client.datasets.list_v2(name=dataset.name)]
        assert (listed.id, listed.session_count) == (str(dataset.id), 2)

    asyncio.run(ask())


def test_feedback_stands_on_runs_and_projects(client, runs, judged):
    run = client.read_run(runs[0].id)
    assert run.feedback_stats["stars"]["avg"] == 5
    project = client.read_project(project_name=PROJECT, include_stats=True)
    assert project.feedback_stats["stars"]["n"] == 2
    assert IS_OLD or project.session_feedback_stats["summary"]["avg"] == 0.9


# The fifteen filters of the contract, and what each finds: the trace's roots unless it says otherwise.
FILTERS = [
    ('eq(status, "error")', ["support"]),
    ("neq(error, null)", ["support"]),
    ('gt(latency, "12s")', []),
    ('gt(start_time, "2026-10-01T08:00:00Z")', ["support"] * 3),
    ('has(tags, "build-7f3c")', ["support"]),
    ('search("refund policy")', ["support"]),
    ("eq(metadata_key, 'tenant')", ["support"] * 3),
    ("and(eq(metadata_key, 'environment'), eq(metadata_value, 'staging'))", ["support"] * 3),
    ('and(in(metadata_key, ["session_id","conversation_id","thread_id"]), eq(metadata_value, "conv-42"))', ["support"] * 2),
    ('and(eq(feedback_key, "stars"), gt(feedback_score, 3))', ["support"]),
    (
        'and(gt(start_time, "2026-09-30T00:00:00Z"), or(neq(error, null), '
        'and(eq(feedback_key, "Faithfulness"), eq(feedback_score, 0.0))))',
        ["support"],
    ),
    ('and(or(has(tags, "canary"), has(tags, "shadow")), lt(latency, 300))', ["support"] * 2),
    ("and(eq(metadata_key, 'plan'), neq(metadata_value, 'free'))", ["support"] * 2),
    ("and(neq(metadata_key, 'plan'))", []),
    ('eq(thread_id, "conv-43")', ["support"]),
]


@pytest.mark.parametrize("text, expected", FILTERS, ids=[str(number) for number in range(len(FILTERS))])
def test_filters_of_roots(client, judged, text, expected):
    assert names(client, is_root=True, filter=text) == expected


def test_filters_of_runs(client, judged):
    anthropic = "and(eq(name, 'ChatAnthropic'), eq(metadata_key, 'conversation_id'), eq(metadata_value, 'conv-42'))"
    assert names(client, filter=anthropic) == ["ChatAnthropic"] * 2
    assert names(client, filter='and(eq(run_type, "llm"), gte(total_tokens, 20000), eq(is_root, false))') == ["ChatAnthropic"] * 3
    decision = 'and(eq(output_key, "triage.decision"), eq(output_value, "escalate"))'
    assert names(client, filter=decision) == ["Rerank"]
    three = {
        "filter": 'eq(name, "Rerank")',
        "trace_filter": 'and(eq(feedback_key, "thumb"), eq(feedback_score, 1))',
        "tree_filter": 'eq(name, "QueryRewrite")',
    }
    (found,) = client.list_runs(project_name=PROJECT, **three)
    assert found.id == judged.id
    assert len(names(client, limit=1000)) == 12
    assert names(client, run_type="llm", query="refund") == ["ChatAnthropic"]


def test_a_run_with_its_children(client, runs):
    run = client.read_run(runs[0].id, load_child_runs=True)
    assert sorted(child.name for child in run.child_runs) == ["ChatAnthropic", "Rerank"]
    (rerank_run,) = [child for child in run.child_runs if child.name == "Rerank"]
    assert [child.name for child in rerank_run.child_runs] == ["QueryRewrite"]


def test_figures_of_runs(client, runs):
    stats = client.get_run_stats(project_names=[PROJECT], run_type="llm")
    assert (stats["run_count"], stats["completion_tokens"]) == (3, 21)
    assert client.get_run_stats(project_names=[PROJECT], is_root=True)["run_count"] == 3


def test_threads(client, runs):
    needs(client, "read_thread")
    turns = list(client.read_thread(thread_id="conv-42", project_name=PROJECT))
    assert [turn.id for turn in turns] == [runs[0].id, runs[1].id]
    threads = client.list_threads(project_name=PROJECT)
    assert {thread["thread_id"]: len(thread["runs"]) for thread in threads} == {"conv-42": 2, "conv-43": 1}


def test_projects(client, runs):
    (project,) = [one for one in client.list_projects() if one.name == PROJECT]
    assert client.read_project(project_id=project.id).name == PROJECT
    assert client.has_project(PROJECT) and not client.has_project("never-seen")


def test_sharing(client, runs):
    assert not client.run_is_shared(runs[0].id)
    url = client.share_run(runs[0].id)
    assert client.run_is_shared(runs[0].id)
    assert client.read_run_shared_link(runs[0].id) == url
    token = url.rstrip("/").split("/")[-2]
    assert client.read_shared_run(token).id == runs[0].id
    shared = list(client.list_shared_runs(token))
    assert sorted(run.name for run in shared) == ["ChatAnthropic", "QueryRewrite", "Rerank", "support"]
    client.unshare_run(runs[0].id)
    assert not client.run_is_shared(runs[0].id)
    with pytest.raises(LangSmithNotFoundError):
        client.read_shared_run(token)


def test_annotation_queues(client, runs):
    queue = client.create_annotation_queue(
        name="triage",
        description="look at these",
        rubric_instructions="be kind",
        **unless_old(rubric_items=[{"feedback_key": "stars", "description": "how good", "is_required": True}]),
    )
    assert queue.rubric_instructions == "be kind"
    with pytest.raises(LangSmithConflictError):
        client.create_annotation_queue(name="again", queue_id=queue.id)
    assert [one.id for one in client.list_annotation_queues(name="triage")] == [queue.id]
    client.update_annotation_queue(queue.id, name="renamed")
    assert client.read_annotation_queue(queue.id).name == "renamed"

    first, second, _ = runs
    key = {"run_id": first.id, "session_id": first.session_id, "start_time": first.start_time}
    client.add_runs_to_annotation_queue(queue.id, **({"run_ids": [first.id]} if IS_OLD else {"runs": [key]}))
    client.add_runs_to_annotation_queue(queue.id, run_ids=[second.id])
    waiting = [client.get_run_from_annotation_queue(queue.id, index=index) for index in (0, 1)]
    assert [run.id for run in waiting] == [first.id, second.id]
    assert waiting[0].added_at is not None
    assert IS_OLD or [run.id for run in client.list_runs_from_annotation_queue(queue.id)] == [first.id, second.id]
    client.delete_run_from_annotation_queue(queue.id, run_id=first.id)
    assert client.get_run_from_annotation_queue(queue.id, index=0).id == second.id
    client.delete_annotation_queue(queue.id)
    with pytest.raises(LangSmithNotFoundError):
        client.read_annotation_queue(queue.id)


def test_the_client_of_the_second_version(client, runs, judged):
    """Its methods are asynchronous, and follow cursors by themselves."""
    needs(client, "runs")
    project = str(runs[0].session_id)
    since = {"min_start_time": LONG_AGO}

    async def ask():
        selects = ["ID", "NAME", "STATUS", "FEEDBACK_STATS"]
        pages = client.runs.query_v2(project_ids=[project], is_root=True, page_size=1, selects=selects, **since)
        found = [run async for run in pages]
        assert [run.status for run in found] == ["ERROR", "SUCCESS", "SUCCESS"]
        assert found[-1].feedback_stats["stars"].avg == 5
        streamed = client.runs.streaming.query_v2_items(
            project_ids=[project], is_root=True, page_size=2, selects=["NAME"], **since
        )
        assert [run.name async for run in streamed] == ["support"] * 3
        first = str(runs[0].id)
        run = await client.runs.retrieve_v2(first, project_id=project, start_time=LONG_AGO, selects=["ID", "INPUTS"])
        assert run.inputs == {"question": "the refund policy", "fail": False}
        traces = [trace async for trace in client.traces.query(project_id=project, page_size=2, selects=["ID"], **since)]
        assert len(traces) == 3 and traces[0].trace_aggregates.total_tokens == 20007
        of_trace = await client.traces.list_runs(str(runs[0].trace_id), project_id=project, selects=["NAME"])
        assert len(of_trace.items) == 4
        threads = [thread async for thread in client.threads.query(project_id=project, page_size=1, **since)]
        assert [(thread.thread_id, thread.count) for thread in threads] == [("conv-43", 1), ("conv-42", 2)]
        turns = [turn async for turn in client.threads.list_traces("conv-42", project_id=project, selects=["TURN_NUMBER"])]
        assert [turn.turn_number for turn in turns] == [1, 2]
        stats = await client.threads.stats("conv-42", session_id=project, selects=["TURNS", "TOTAL_TOKENS"])
        assert (stats.turns, stats.total_tokens) == (2, 40014)

    asyncio.run(ask())
