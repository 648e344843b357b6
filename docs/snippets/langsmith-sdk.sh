pip install langsmith openai

export LANGSMITH_TRACING=true
export LANGSMITH_ENDPOINT=http://127.0.0.1:4318/api/v1
export LANGSMITH_API_KEY=any-value
export LANGSMITH_PROJECT=default
export OPENAI_API_KEY="${OPENAI_API_KEY:-your-openai-key}"
