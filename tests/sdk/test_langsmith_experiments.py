"""Experiments that LangSmith's SDKs make in other ways than `evaluate`: pairwise, and as marked tests."""

import sys
import uuid

import pytest
from clearspan import PROGRAMS, run_program
from langsmith import Client, evaluate
from langsmith.evaluation import evaluate_comparative


@pytest.fixture(scope="module")
def client(server):
    return Client(api_url=f"{server.http_url}/api/v1", api_key="any-value")


def environment(server):
    return {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": f"{server.http_url}/api/v1",
        "LANGSMITH_API_KEY": "any-value",
    }


def answers_of(client, experiment):
    results = client.get_experiment_results(name=experiment)
    return {row.inputs["q"]: sorted(run.outputs["a"] for run in row.runs) for row in results["examples_with_runs"]}


def scores_of(client, experiment, key):
    """The scores of the runs of an experiment."""
    ids = [run.id for run in client.list_runs(project_name=experiment, is_root=True)]
    return sorted(one.score for one in client.list_feedback(run_ids=ids, feedback_key=[key]))


def failed_runs(client, experiment):
    """The runs of an experiment whose test did not pass."""
    runs = list(client.list_runs(project_name=experiment, is_root=True))
    scores = client.list_feedback(run_ids=[run.id for run in runs], feedback_key=["pass"])
    failed = {one.run_id for one in scores if one.score == 0}
    return [run for run in runs if run.id in failed]


def comparisons_of(server, dataset_id):
    response = server.api.get(f"{server.http_url}/api/v1/datasets/{dataset_id}/comparative")
    assert response.status_code == 200, response.text
    return response.json()


def exact(outputs, reference_outputs):
    return {"key": "exact", "score": outputs == reference_outputs}


def test_two_experiments_are_compared(server, client):
    dataset = client.create_dataset(f"pairs-{uuid.uuid4().hex[:8]}")
    examples = [{"inputs": {"q": n}, "outputs": {"a": n}} for n in (1, 2, 3)]
    client.create_examples(dataset_id=dataset.id, examples=examples)
    options = {"data": dataset.name, "evaluators": [exact], "client": client}
    worse = evaluate(lambda inputs: {"a": inputs["q"] + (inputs["q"] == 2)}, **options)
    better = evaluate(lambda inputs: {"a": inputs["q"]}, **options)
    client.flush()

    def closer(runs, example):
        return {"key": "closer", "scores": {run.id: int(run.outputs == example.outputs) for run in runs}}

    compared = evaluate_comparative([worse.experiment_name, better.experiment_name], evaluators=[closer], client=client)
    assert len(list(compared)) == 3
    client.flush()
    (comparison,) = comparisons_of(server, dataset.id)
    averages = {info["name"]: info["feedback_stats"]["closer"]["avg"] for info in comparison["experiments_info"]}
    assert averages == {worse.experiment_name: pytest.approx(2 / 3), better.experiment_name: 1}
    assert comparison["feedback_stats"]["closer"]["n"] == 6

    # As the generated client of the second version asks: sorted by a score, page by page, with what this comparison said.
    experiments = {name: str(client.read_project(project_name=name).id) for name in averages}
    asked = {"experiment_ids": [experiments[worse.experiment_name]], "sort": {"by": "feedback.exact", "order": "ASC"},
             "selects": ["ID", "OUTPUTS", "FEEDBACK_STATS"], "page_size": 2, "comparative_experiment_id": comparison["id"]}
    rows = []
    while True:
        page = server.api.post(f"{server.http_url}/api/v2/datasets/{dataset.id}/experiment-runs", json=asked)
        assert page.status_code == 200, page.text
        rows += page.json()["items"]
        asked["cursor"] = page.json()["next_cursor"]
        if not asked["cursor"]:
            break
    assert rows[0]["inputs"] == {"q": 2} and len(rows) == 3
    (run,) = rows[0]["runs"]
    assert run["outputs"] == {"a": 3} and list(run["feedback_stats"]) == ["closer"]


def test_marked_tests_are_an_experiment(server, client, tmp_path):
    copy = tmp_path / "test_marked.py"
    copy.write_text((PROGRAMS / "langsmith_marked.py").read_text())
    for _ in range(2):
        run_program("-m", environment(server), "pytest", "-q", "-p", "no:cacheprovider", str(copy), python=sys.executable)
    dataset = client.read_dataset(dataset_name="marked")
    examples = list(client.list_examples(dataset_id=dataset.id))
    assert len(examples) == 4, "the second run found the examples of the first"
    experiments = list(client.list_projects(reference_dataset_id=dataset.id))
    assert len(experiments) == 2
    for experiment in experiments:
        assert scores_of(client, experiment.name, "pass") == [0, 1, 1, 1]
        assert scores_of(client, experiment.name, "exact") == [1]
        assert scores_of(client, experiment.name, "close") == [0.5, 0.5]
    (failed,) = failed_runs(client, experiments[0].name)
    # The plugin ends the run on another thread, at times before the error is there: then it never sends the error.
    assert failed.error is None or "one is not two" in failed.error
    # The plugin keeps what a test logs as its inputs in the example.
    assert client.read_example(failed.reference_example_id).inputs == {"a": 1}
