"""Datasets, experiments and prompts with the `langsmith` SDK, unchanged."""

import asyncio
import uuid

import pytest
from langchain_core.prompts import ChatPromptTemplate
from langsmith import Client, aevaluate, evaluate
from langsmith.utils import LangSmithConflictError, LangSmithNotFoundError
from release import IS_OLD, unless_old, where_old


@pytest.fixture(scope="module", params=["/api/v1", ""])
def client(server, request):
    return Client(api_url=server.http_url + request.param, api_key="any-value")


def new_name(what):
    return f"{what}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def dataset(client):
    return client.create_dataset(new_name("questions"), description="d", metadata={"team": "x"})


def add(client, dataset, *numbers, **more):
    examples = [{"inputs": {"q": n}, "outputs": {"a": n}, "metadata": {"n": n}, "split": f"s{n % 2}"} | more for n in numbers]
    return client.create_examples(dataset_id=dataset.id, examples=examples)


def questions(examples):
    return sorted(example.inputs["q"] for example in examples)


def test_a_dataset_is_made_found_and_removed(client, dataset):
    assert client.has_dataset(dataset_name=dataset.name)
    found = client.read_dataset(dataset_name=dataset.name)
    assert (found.id, found.description) == (dataset.id, "d")
    assert IS_OLD or found.metadata["team"] == "x"
    with pytest.raises(LangSmithConflictError):
        client.create_dataset(dataset.name)
    assert dataset.id in [each.id for each in client.list_datasets(dataset_name_contains="QUESTIONS-", metadata={"team": "x"})]
    client.delete_dataset(dataset_id=dataset.id)
    assert not client.has_dataset(dataset_name=dataset.name)
    with pytest.raises(LangSmithNotFoundError):
        client.read_dataset(dataset_id=dataset.id)


def test_examples_are_written_and_found(client, dataset):
    made = add(client, dataset, *range(250))
    assert made["count"] == 250
    assert questions(client.list_examples(dataset_id=dataset.id)) == list(range(250))
    assert len(list(client.list_examples(dataset_id=dataset.id, limit=7))) == 7
    assert questions(client.list_examples(dataset_id=dataset.id, splits=["s1"], limit=3))[0] % 2 == 1
    assert questions(client.list_examples(dataset_id=dataset.id, metadata={"n": 5})) == [5]
    found = client.list_examples(dataset_id=dataset.id, filter='and(exists(metadata, "n"), not(has(metadata, \'{"n": 5}\')))')
    assert len(questions(found)) == 249
    assert client.read_dataset(dataset_id=dataset.id).example_count == 250
    client.delete_examples(made["example_ids"][:100])
    assert len(list(client.list_examples(dataset_id=dataset.id))) == 150
    one = client.create_example(inputs={"q": 1000}, outputs={"a": 1}, dataset_id=dataset.id)
    # The older release sends `{}` as outputs that it is not given.
    client.update_example(one.id, inputs={"q": 1001}, split="late", **where_old(outputs={"a": 1}))
    changed = client.read_example(one.id)
    assert (changed.inputs, changed.outputs, changed.metadata["dataset_split"]) == ({"q": 1001}, {"a": 1}, ["late"])
    client.delete_example(one.id)
    with pytest.raises(LangSmithNotFoundError):
        client.read_example(one.id)


def test_attachments_come_back_byte_for_byte(client, dataset):
    content = bytes(range(256)) * 1000
    example = client.create_example(
        inputs={"q": 1}, dataset_id=dataset.id, attachments={"picture": ("image/png", content), "note": ("text/plain", b"hello")}
    )
    read = client.read_example(example.id)
    assert read.attachments["picture"]["reader"].read() == content
    assert read.attachments["picture"]["mime_type"] == "image/png"
    client.update_example(
        example.id, attachments_operations={"rename": {"picture": "image"}, "retain": []}, attachments={"new": ("text/plain", b"n")}
    )
    (listed,) = client.list_examples(dataset_id=dataset.id, include_attachments=True)
    assert sorted(listed.attachments) == ["image", "new"]
    assert listed.attachments["image"]["reader"].read() == content


def test_versions_are_read_again(client, dataset):
    made = add(client, dataset, 1, 2)
    first = client.read_dataset_version(dataset_id=dataset.id, tag="latest").as_of
    client.update_dataset_tag(dataset_id=dataset.id, as_of=first, tag="prod")
    client.update_example(made["example_ids"][0], inputs={"q": 11})
    add(client, dataset, 3)
    client.delete_example(made["example_ids"][1])
    assert questions(client.list_examples(dataset_id=dataset.id)) == [3, 11]
    assert questions(client.list_examples(dataset_id=dataset.id, as_of="prod")) == [1, 2]
    assert questions(client.list_examples(dataset_id=dataset.id, as_of=first)) == [1, 2]
    diff = client.diff_dataset_versions(dataset_id=dataset.id, from_version="prod", to_version="latest")
    assert [len(each) for each in (diff.examples_modified, diff.examples_added, diff.examples_removed)] == [1, 1, 1]
    assert len(list(client.list_dataset_versions(dataset_id=dataset.id))) == 4
    client.update_dataset_splits(dataset_id=dataset.id, split_name="hard", example_ids=[made["example_ids"][0]])
    assert "hard" in client.list_dataset_splits(dataset_id=dataset.id)
    assert questions(client.list_examples(dataset_id=dataset.id, splits=["hard"])) == [11]
    assert questions(client.list_examples(dataset_id=dataset.id, as_of=first, splits=["hard"])) == []


def test_a_dataset_is_shared_and_uploaded(client, dataset, tmp_path):
    add(client, dataset, 1)
    token = client.share_dataset(dataset_id=dataset.id)["share_token"]
    assert client.read_dataset_shared_schema(dataset_id=dataset.id)["share_token"] == token
    assert questions(client.list_shared_examples(token)) == [1]
    assert client.read_shared_dataset(token).id == dataset.id
    client.unshare_dataset(dataset_id=dataset.id)
    with pytest.raises(Exception, match="404"):
        client.read_shared_dataset(token)
    table = tmp_path / "table.csv"
    table.write_text('q,a\n1,"x, y"\n2,z\n')
    uploaded = client.upload_csv(str(table), input_keys=["q"], output_keys=["a"], name=new_name("table"))
    rows = [(each.inputs, each.outputs) for each in client.list_examples(dataset_id=uploaded.id)]
    assert ({"q": "1"}, {"a": "x, y"}) in rows
    assert len(rows) == 2


def target(inputs):
    return {"a": inputs["q"] + (inputs["q"] == 2)}


def exact(outputs, reference_outputs):
    return {"key": "exact", "score": outputs == reference_outputs}


def answers_of(client, experiment):
    """What the runs of each example answered, read as runs and, where the release can, as results of the experiment."""
    client.flush()
    answers = {}
    for run in client.list_runs(project_name=experiment, is_root=True):
        answers.setdefault(run.reference_example_id, []).append(run.outputs["a"])
    if not IS_OLD:
        results = client.get_experiment_results(name=experiment)
        assert results["run_stats"]["run_count"] == sum(len(of_example) for of_example in answers.values())
        assert {row.id: [run.outputs["a"] for run in row.runs] for row in results["examples_with_runs"]} == answers
    return answers


def test_evaluate_makes_an_experiment(client, dataset):
    add(client, dataset, 1, 2, 3)
    done = evaluate(target, data=dataset.name, evaluators=[exact], client=client, metadata={"model": "m1"}, experiment_prefix="exp")
    scores = sorted(row["evaluation_results"]["results"][0].score for row in done)
    assert scores == [False, True, True]
    asked = {example.id: example.inputs["q"] for example in client.list_examples(dataset_id=dataset.id)}
    answers = answers_of(client, done.experiment_name)
    assert {asked[example]: answer for example, answer in answers.items()} == {1: [1], 2: [3], 3: [3]}
    session = client.read_project(project_name=done.experiment_name)
    assert (session.reference_dataset_id, session.extra["metadata"]["model"]) == (dataset.id, "m1")
    assert sorted(session.extra["metadata"]["dataset_splits"]) == ["s0", "s1"]
    listed = client.list_projects(reference_dataset_id=dataset.id)
    assert [each.name for each in listed] == [done.experiment_name]
    assert session.id not in [each.id for each in client.list_projects(reference_free=True)]
    assert client.read_dataset(dataset_id=dataset.id).session_count == 1


def test_repetitions_and_old_versions(client, dataset):
    made = add(client, dataset, 1, 2)
    version = client.read_dataset_version(dataset_id=dataset.id, tag="latest").as_of

    async def answer(inputs):
        return target(inputs)

    async def run():
        return await aevaluate(answer, data=dataset.id, evaluators=[exact], client=client, num_repetitions=3)

    done = asyncio.run(run())
    client.delete_examples(made["example_ids"][:1])
    answers = answers_of(client, done.experiment_name)
    assert sorted(answers.values()) == [[1] * 3, [3] * 3], "the example that is gone still has its runs"
    old = client.list_examples(dataset_id=dataset.id, as_of=version)
    again = evaluate(target, data=old, evaluators=[exact], client=client)
    assert len(list(again)) == 2
    more = evaluate(done.experiment_name, evaluators=[exact], client=client)
    assert len(list(more)) == 6


def test_prompts_are_pushed_and_pulled(client):
    name = new_name("prompt")
    first = ChatPromptTemplate.from_messages([("system", "be kind"), ("user", "{q}")])
    client.push_prompt(name, object=first, description="d", tags=["t"], **unless_old(commit_tags=["prod"]))
    second = ChatPromptTemplate.from_messages([("system", "be brief"), ("user", "{q}")])
    client.push_prompt(name, object=second)
    with pytest.raises(LangSmithConflictError):
        client.push_prompt(name, object=second)
    assert client.pull_prompt(name).messages == second.messages
    assert IS_OLD or client.pull_prompt(f"{name}:prod").messages == first.messages
    commits = list(client.list_prompt_commits(name))
    assert [commit.commit_hash for commit in commits][::-1][0] == commits[0].parent_commit_hash
    assert client.pull_prompt(f"{name}:{commits[1].commit_hash[:8]}").messages == first.messages
    prompt = client.get_prompt(name)
    assert (prompt.num_commits, prompt.description, prompt.tags) == (2, "d", ["t"])
    client.like_prompt(name)
    assert client.get_prompt(name).num_likes == 1
    assert [each.repo_handle for each in client.list_prompts(query=name).repos] == [name]
    client.update_prompt(name, is_archived=True)
    assert client.list_prompts(query=name).repos == []
    client.delete_prompt(name)
    assert client.get_prompt(name) is None


def test_a_public_prompt_needs_the_handle_of_the_workspace(client):
    name = new_name("public")
    prompt = client.create_prompt(name, is_public=True)
    assert (prompt.is_public, prompt.owner) == (True, client._get_settings().tenant_handle)
    assert client.get_prompt(f"{prompt.owner}/{name}").id == prompt.id
    client.delete_prompt(name)
