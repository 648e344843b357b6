"""LangSmith's client for JavaScript, its newest and an older release: judging and reading runs, datasets, experiments, prompts, queues.

Each program prints what it read; the tests say what that has to be. `test_langsmith_native` has its tracing.
"""

import json

import pytest
from clearspan import PROGRAMS
from langsmith import Client
from node_programs import VERSIONS, run_node
from test_langsmith_experiments import answers_of, comparisons_of, scores_of
from test_langsmith_reading import FILTERS

# The release, and what the endpoint ends with.
WAYS = {"new": ("new", "/api/v1"), "bare": ("new", ""), "old": ("old", "/api/v1")}
ANTHROPIC = "and(eq(name, 'ChatAnthropic'), eq(metadata_key, 'conversation_id'), eq(metadata_value, 'conv-42'))"
# What a trace's runs are found by, beside the filters that are for roots.
OF_RUNS = [
    ({"filter": ANTHROPIC}, ["ChatAnthropic"] * 2),
    ({"filter": 'and(eq(run_type, "llm"), gte(total_tokens, 20000), eq(is_root, false))'}, ["ChatAnthropic"] * 3),
    ({"filter": 'and(eq(output_key, "triage.decision"), eq(output_value, "escalate"))'}, ["Rerank"]),
    (
        {
            "filter": 'eq(name, "Rerank")',
            "traceFilter": 'and(eq(feedback_key, "thumb"), eq(feedback_score, 1))',
            "treeFilter": 'eq(name, "QueryRewrite")',
        },
        ["Rerank"],
    ),
]
ASKED = [({"filter": text, "isRoot": True}, expected) for text, expected in FILTERS] + OF_RUNS


@pytest.fixture(scope="module", params=WAYS)
def way(request):
    return request.param


@pytest.fixture(scope="module")
def read(server, way, tmp_path_factory):
    """Runs a program with a release, and gives what it read."""
    release, path = WAYS[way]
    environment = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": server.http_url + path,
        "LANGSMITH_API_KEY": "any-value",
    }

    def run(program, *arguments):
        name = f"js-{program}-{way}"
        folder = tmp_path_factory.mktemp(name)
        program = PROGRAMS / f"langsmith_{program}.mjs"
        done = run_node(program, folder, environment, name, release, *arguments, langsmith=release)
        found = json.loads(done.stdout.strip().splitlines()[-1])
        assert found["version"] == VERSIONS[release]
        return found

    return run


def needs_new(way, what):
    if WAYS[way][0] == "old":
        pytest.skip(f"{VERSIONS['old']} has no {what}")


@pytest.fixture(scope="module")
def reading(read):
    return read("reading", json.dumps([asked for asked, _ in ASKED]))


def test_feedback_is_read_back(reading):
    assert reading["feedback"] == {
        "scores": {"stars": 5, "ok": True, "class": None, "shape": None, "thumb": 1},
        "class": ["refund", "clear"],
        "shape": [{"a": [1]}, {"answer": "x"}, "model"],
        "bySource": ["shape"],
        "byKey": ["stars"],
    }
    assert reading["changed"] == {"score": 0.5, "comment": "less", "gone": 404}


def test_feedback_by_a_link(reading):
    assert reading["presigned"] == {
        "statuses": [True, True],
        "tokens": True,
        "given": [["clicked", 0.5, None], ["thumbs", 1, "by link"]],
    }


def test_feedback_before_its_run(reading):
    assert reading["early"]["run"] == 1


def test_feedback_before_its_run_counts_for_the_project(reading):
    assert reading["early"]["project"] == 1


def test_feedback_among_runs(reading, way):
    needs_new(way, "feedback in the body that brings runs")
    assert reading["batched"] == [0.25]


def test_feedback_configs(reading, way):
    needs_new(way, "calls for the configs of feedback")
    assert reading["configs"] == {"max": 1, "lower": True, "left": []}


def test_categories_of_feedback_are_changed(reading, way):
    needs_new(way, "calls for the categories of feedback")
    assert reading["categories"] == [{"value": 1, "label": "good"}, {"value": 2, "label": "great"}]


def test_runs_are_read_back(reading):
    found = reading["runs"]
    assert found["tree"] == {"support": [{"Rerank": [{"QueryRewrite": []}]}, {"ChatAnthropic": []}]}
    question, answer = {"input": "the refund policy"}, {"answer": "about the refund policy"}
    assert found["root"] == ["success", question, answer, ["build-7f3c"], "free"]
    assert (found["stars"], found["missing"]) == (5, 404)
    assert found["byId"] == ["support"] * 2
    assert found["byTrace"] == ["ChatAnthropic", "QueryRewrite", "Rerank", "support"]
    assert found["byParent"] == ["ChatAnthropic", "Rerank"]
    assert (found["failed"], found["searched"], found["recent"]) == (["support"], ["ChatAnthropic"], [])
    assert found["selected"] == [["support", ["build-7f3c"], False], ["support", ["canary"], False]]


def test_filters_of_runs(reading):
    assert len(reading["runs"]["filters"]) == len(ASKED)
    for (asked, expected), found in zip(ASKED, reading["runs"]["filters"]):
        assert found == expected, asked


def test_figures_and_threads(reading):
    assert reading["runs"]["stats"] == [3, 60000, 21]
    assert reading["runs"]["groups"] == [["conv-42", 2, 40014], ["conv-43", 1, 20007]]


def test_threads_by_their_own_calls(reading, way):
    needs_new(way, "readThread and listThreads")
    turns = ["the refund policy", "opening hours"]
    assert reading["threads"] == {"turns": turns, "listed": [["conv-42", 2], ["conv-43", 1]], "first": True}


def test_more_runs_than_a_page_has(reading):
    assert reading["many"] == {"all": [1100, 1100], "limited": [1000, 1000]}


def test_projects(reading, way):
    project = f"js-reading-{way}"
    assert reading["projects"] == {
        "same": True,
        "stats": [3, 2, 0.9],
        "made": [409, True, "changed", "x"],
        "listed": [f"{project}-made"],
        "has": [True, False],
    }


def test_the_client_of_the_second_version(reading, way):
    needs_new(way, "client of the second version")
    assert reading["second"] == {
        "runs": [["support", "ERROR"], ["support", "SUCCESS"], ["support", "SUCCESS"]],
        "stars": 5,
        "one": [True, {"input": "the refund policy"}],
        "traces": [20007] * 3,
        "ofTrace": ["ChatAnthropic", "QueryRewrite", "Rerank", "support"],
        "threads": [["conv-43", 1], ["conv-42", 2]],
        "turns": [1, 2],
        "stats": [2, 40014],
        "url": True,
    }
    assert reading["lists"]["session"] == f"js-reading-{way}"


def test_lists_of_the_second_version(reading, way):
    needs_new(way, "client of the second version")
    assert (reading["lists"]["sessions"], reading["lists"]["datasets"]) == ([f"js-reading-{way}"], [])


@pytest.fixture(scope="module")
def datasets(read):
    return read("datasets")


def test_a_dataset_is_made_found_and_removed(datasets, way):
    name = f"js-datasets-{way}"
    assert datasets["made"] == {
        "read": [True, "d", "x", "kv"],
        "again": 409,
        "changed": [f"{name}-renamed", "changed"],
        "listed": [f"{name}-questions"],
        "has": [True, False],
        "gone": 404,
    }


def test_examples_are_written_and_found(datasets):
    assert datasets["examples"] == {
        "all": 150,
        "made": 150,
        "count": 150,
        "limited": 7,
        "odd": True,
        "five": [5],
        "filtered": 149,
        "byId": [3],
        "left": 50,
        "changed": [{"q": 1001}, {"a": 1}, True],
        "other": {"a": -1},
        "gone": 404,
    }
    message = {"type": "human", "data": {"content": "hi"}}
    answer = {"type": "ai", "data": {"content": "hello"}}
    assert datasets["kinds"] == {
        "chat": [{"input": [message]}, {"output": answer}],
        "text": [{"input": "ping"}, {"output": "pong"}],
    }


def test_attachments_come_back_byte_for_byte(datasets):
    note, picture = ["note", "text/plain", "hello"], ["picture", "image/png", "picture"]
    renamed = [["added", "text/plain", "n"], ["image", "image/png", "picture"]]
    assert datasets["attachments"] == {"before": [note, picture], "after": renamed}


def test_versions_are_read_again(datasets):
    assert datasets["versions"] == {
        "latest": [3, 11],
        "tagged": [1, 2],
        "dated": [1, 2],
        "tag": ["prod"],
        "diff": [1, 1, 1],
        "splits": ["base", "hard"],
        "hard": [11],
        "unsplit": [],
    }


def test_a_dataset_is_shared_and_uploaded(datasets):
    examples = [[{"q": 1}, {"a": 2}]]
    assert datasets["sharing"] == {"url": True, "same": [True, True], "examples": examples, "cloned": examples, "gone": 404}
    rows = [[{"q": "1"}, {"a": "x, y"}], [{"q": "2"}, {"a": "z"}]]
    assert datasets["uploads"] == {"rows": rows, "description": "a table"}


@pytest.fixture(scope="module")
def experiments(read):
    return read("evaluate")


def test_experiments_are_read_back(server, experiments):
    assert experiments["results"] == [3, 6, 1]
    assert experiments["summary"] == [["share", pytest.approx(2 / 3)]]
    assert (experiments["experiments"], experiments["sessions"]) == (3, 3)
    wrong, right, failing = (experiments[name] for name in ("wrong", "right", "failing"))
    assert all(experiment["ofDataset"] for experiment in (wrong, right, failing))
    assert (wrong["model"], wrong["repetitions"], wrong["count"]) == ("m1", 1, 3)
    assert wrong["answers"] == [[1, 1, "success"], [2, 3, "success"], [3, 3, "success"]]
    assert wrong["whole"] == {"share": 0.6667}
    assert wrong["scores"] == {
        "broken": [1, 1],
        "closer": [0, 1, 1],
        "exact": [0, 1, 1],
        "kind": ["odd"] * 3,
        "near": [0.5, 1, 1],
    }
    assert wrong["comments"] == ["asked 1", "asked 2", "asked 3"]
    assert (right["repetitions"], right["count"], right["whole"]) == (2, 6, {})
    assert right["answers"] == [[q, q, "success"] for q in (1, 1, 2, 2, 3, 3)]
    assert right["scores"] == {"closer": [1] * 6, "exact": [1] * 6}
    assert (failing["answers"], failing["scores"]) == ([[2, None, "error"]], {})
    # What Python's client reads of the same experiments.
    client = Client(api_url=f"{server.http_url}/api/v1", api_key="any-value")
    assert answers_of(client, wrong["name"]) == {1: [1], 2: [3], 3: [3]}
    assert scores_of(client, right["name"], "exact") == [1] * 6


def test_experiments_are_compared(server, experiments):
    assert experiments["compared"] == 3
    (comparison,) = comparisons_of(server, experiments["dataset"])
    averages = {info["name"]: info["feedback_stats"]["closer"]["avg"] for info in comparison["experiments_info"]}
    assert averages == {experiments["right"]["name"]: 1, experiments["wrong"]["name"]: pytest.approx(2 / 3)}


def test_averages_of_experiments(experiments):
    # The older release sends feedback before the runs that it is about.
    averages = {"broken": 1, "exact": pytest.approx(2 / 3), "kind": None, "near": pytest.approx(2.5 / 3)}
    assert experiments["wrong"]["averages"] == averages
    assert experiments["right"]["averages"] == {"exact": 1}


@pytest.fixture(scope="module")
def hub(read):
    return read("hub")


def test_prompts_are_pushed_and_pulled(hub, way):
    assert hub["prompts"] == {
        # Older releases tag no commit while they push.
        "tagged": None if way == "old" else "be kind",
        "url": True,
        "refused": [409, 409],
        "commits": 2,
        "parents": [True, None],
        "latest": ["be brief", "be brief"],
        "hashes": ["be kind", "be kind"],
        "prompt": [2, "d", "read me", ["t"], False],
        "changed": ["changed", ["t", "u"]],
        "likes": [1, 1, 0],
        "listed": [[f"js-hub-{way}-prompt"], 0],
        "missing": [False, 404],
        "exists": False,
    }
    assert hub["publicPrompt"] == {"is_public": True, "pulled": "be open", "listed": [f"js-hub-{way}-public"]}


def test_skills_are_pushed_and_pulled(hub, way):
    needs_new(way, "calls for skills")
    name = f"js-hub-{way}-skill"
    assert hub["skills"] == {"files": [["SKILL.md", "# Be kind"]], "listed": [name], "exists": [True, False]}


def test_annotation_queues(hub, way):
    is_new = WAYS[way][0] == "new"
    assert hub["queues"] == {
        # Older releases neither list the runs of a queue nor say what is asked of the reviewers.
        "runs": ["first", "second"] if is_new else None,
        "rubric": [["stars", "how good", True]] if is_new else [],
        "again": 409,
        "listed": [True],
        "read": [f"js-hub-{way}-renamed", "look at these", "be strict"],
        "waiting": [["first", True], ["second", True]],
        "sizes": [2, 1],
        "left": "second",
        "gone": 404,
    }


def test_sharing(hub):
    runs = ["first", "first step"]
    assert hub["sharing"] == {"before": None, "same": True, "runs": runs, "some": True, "after": [None, 404]}


def test_sharing_in_the_second_version(hub, way):
    needs_new(way, "client of the second version")
    assert hub["sharingAgain"] == {"runs": ["second", "second step"], "gone": 404}
