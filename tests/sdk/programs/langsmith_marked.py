"""Tests that the plugin of LangSmith's SDK turns into an experiment. Pytest is told to run this file."""

import pytest
from langsmith import testing


@pytest.mark.langsmith(test_suite_name="marked")
def test_sum():
    testing.log_inputs({"a": 1, "b": 2})
    testing.log_reference_outputs({"sum": 3})
    testing.log_outputs({"sum": 1 + 2})
    testing.log_feedback(key="exact", score=1)


@pytest.mark.langsmith(test_suite_name="marked", output_keys=["length"])
@pytest.mark.parametrize(("word", "length"), [("one", 3), ("three", 5)])
def test_length(word, length):
    testing.log_outputs({"length": len(word)})
    with testing.trace_feedback(name="judge"):
        testing.log_feedback(key="close", score=0.5)
    assert len(word) == length


@pytest.mark.xfail(strict=True)
@pytest.mark.langsmith(test_suite_name="marked")
def test_wrong():
    testing.log_inputs({"a": 1})
    testing.log_outputs({"sum": 2})
    raise AssertionError("one is not two")
