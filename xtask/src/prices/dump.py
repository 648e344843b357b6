"""Prints the price lists inside two wheels as one JSON document: {"genai": [...], "litellm": {...}}.

genai-prices ships its list as Python source that calls the constructors of its own types. It is evaluated with
constructors that keep the arguments, so that neither the package nor what it depends on has to be installed.
"""

import json
import sys
import zipfile


def member(wheel, path):
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(path).decode()


class Constructors(dict):
    """Makes `Name(key=value)` the object {"_": "Name", "key": value}."""

    def __missing__(self, name):
        return lambda **fields: {"_": name, **fields}


class Dates:
    UTC = "UTC"
    date = staticmethod(lambda year, month, day: f"{year:04}-{month:02}-{day:02}")

    @staticmethod
    def time(hour, minute=0, tzinfo="UTC"):
        if tzinfo != "UTC":
            raise ValueError(f"a time that is not UTC: {tzinfo}")
        return f"{hour:02}:{minute:02}"


def genai(wheel):
    source = member(wheel, "genai_prices/data.py")
    lines = [line for line in source.splitlines() if not line.startswith(("import ", "from "))]
    source = "\n".join(lines).replace("providers: list[Provider] =", "providers =", 1)
    names = Constructors(__builtins__={}, Decimal=str, datetime=Dates)
    exec(compile(source, "data.py", "exec"), names)
    return names["providers"]


litellm = member(sys.argv[2], "litellm/model_prices_and_context_window_backup.json")
# The second list is passed through as text: its figures must not become floats.
print('{"genai":', json.dumps(genai(sys.argv[1])), ',"litellm":', litellm, "}")
