"""Which release of LangSmith's SDK runs the tests: the same tests run with the newest and with an older one."""

import langsmith
import pytest

IS_OLD = int(langsmith.__version__.split(".")[1]) < 4


def needs(client, name):
    """Skips a test of something that came after this release."""
    if not hasattr(client, name):
        assert IS_OLD, f"the client has no {name}"
        pytest.skip(f"langsmith {langsmith.__version__} has no {name}")


def unless_old(**arguments):
    """Arguments of calls that an older release does not know."""
    return {} if IS_OLD else arguments


def where_old(**arguments):
    """Arguments that only an older release has to be given."""
    return arguments if IS_OLD else {}
