"""The programs that the README quotes are what the files say."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUOTED = re.compile(r"<!-- (docs/snippets/\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)


def test_the_readme_quotes_the_snippets_word_for_word():
    quoted = QUOTED.findall((ROOT / "README.md").read_text())
    assert len(quoted) >= 8, "the README lost its quotations or their marks"
    for path, text in quoted:
        whole = (ROOT / path).read_text()
        assert text in whole, f"README.md quotes {path}, which does not say this any more:\n{text}"
        if path.endswith(".sh"):
            assert text == whole, f"README.md shows only a part of {path}"
