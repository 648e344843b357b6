# pip 23 and older do not find a set of versions that fits: pip install --upgrade pip
pip install traceloop-sdk openai httpx

export TRACELOOP_BASE_URL=http://127.0.0.1:4318
export TRACELOOP_TELEMETRY=false
export OPENAI_API_KEY="${OPENAI_API_KEY:-your-openai-key}"
