from langsmith import Client, traceable
from langsmith.wrappers import wrap_openai
from openai import OpenAI

langsmith_client = Client()
client = wrap_openai(OpenAI())  # OPENAI_BASE_URL points it at any compatible server


@traceable(run_type="retriever")
def find_documents(question):
    return [{"page_content": "The library opens at nine.", "type": "Document", "metadata": {"source": "hours.md"}}]


@traceable(name="library_assistant", client=langsmith_client)
def answer(question):
    context = find_documents(question)[0]["page_content"]
    response = client.chat.completions.create(
        model="gpt-5-mini",
        messages=[
            {"role": "system", "content": f"Answer from this text only: {context}"},
            {"role": "user", "content": question},
        ],
    )
    return response.choices[0].message.content


print(answer("When does the library open?"))
langsmith_client.flush()
