hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
start=$(($(date +%s) - 1))

curl -sS http://127.0.0.1:4318/v1/traces \
  -H 'content-type: application/json' \
  --data-binary @- <<JSON
{"resourceSpans": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "curl"}}]},
  "scopeSpans": [{"scope": {"name": "curl"}, "spans": [{
    "traceId": "$(hex 16)", "spanId": "$(hex 8)", "name": "chat gpt-5-mini", "kind": 3,
    "startTimeUnixNano": "${start}000000000", "endTimeUnixNano": "${start}840000000",
    "attributes": [
      {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
      {"key": "gen_ai.provider.name", "value": {"stringValue": "openai"}},
      {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-5-mini"}},
      {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "14"}},
      {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "9"}},
      {"key": "gen_ai.input.messages", "value": {"stringValue": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Say hello from the command line.\"}]}]"}},
      {"key": "gen_ai.output.messages", "value": {"stringValue": "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"Hello from cURL.\"}]}]"}}
    ],
    "status": {"code": 1}
  }]}]
}]}
JSON
