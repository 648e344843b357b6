"""LangSmith's SDK in its own protocol, of any version: a tree with a stream, an error and a file, and runs made by hand.

Arguments: what to do, `tree` or `by-hand`.
"""

import sys
import uuid
from datetime import datetime, timezone

from langsmith import Client, traceable
from langsmith.run_trees import RunTree
from langsmith.schemas import Attachment

client = Client()


@traceable(run_type="retriever")
def find_documents(question):
    return [{"page_content": "The library opens at nine.", "type": "Document", "metadata": {"source": "hours.md"}}]


@traceable(run_type="tool")
def check_calendar(day):
    raise LookupError(f"no calendar for {day}")


@traceable(run_type="llm", metadata={"ls_provider": "openai", "ls_model_name": "gpt-4o-mini"})
def call_model(messages):
    return {
        "messages": [{"role": "assistant", "content": "At nine."}],
        "usage_metadata": {"input_tokens": 20, "output_tokens": 3, "total_tokens": 23, "input_token_details": {"cache_read": 5}},
    }


@traceable
def stream(words):
    yield from words


@traceable(dangerously_allow_filesystem=False)
def look_at(picture: Attachment, note: str):
    return {"bytes": len(picture.data)}


@traceable(name="assistant", tags=["library"], metadata={"thread_id": "chat-5", "plan": "pro"})
def answer(question):
    find_documents(question)
    try:
        check_calendar("Sunday")
    except LookupError:
        pass
    list(stream(["At ", "nine."]))
    look_at(Attachment(mime_type="image/png", data=b"\x89PNG" * 1000), note="a picture")
    return call_model([{"role": "user", "content": question}])


def by_hand():
    root = RunTree(name="by hand", run_type="chain", inputs={"a": 1}, client=client)
    root.post()
    child = root.create_child(name="step", run_type="tool", inputs={"b": [1, {"c": None}]})
    child.post()
    child.end(outputs={"d": "é"})
    child.patch()
    root.end(error="ValueError('not today')")
    root.patch()
    # Without a word of its trace it is sent at once, in two requests.
    run_id = uuid.uuid4()
    start = datetime.now(timezone.utc)
    client.create_run("direct", {"q": 1}, "chain", id=run_id, start_time=start)
    client.update_run(run_id, outputs={"r": 2}, end_time=datetime.now(timezone.utc))


{"tree": lambda: answer("When does the library open?"), "by-hand": by_hand}[sys.argv[1]]()
client.flush()
