use clearspan_model::{JsonText, Rank, Run, RunType, Side, Status, UnixNanos, Version};
use serde_json::json;

use super::*;

fn ctx() -> MapContext<'static> {
    MapContext::at(UnixNanos::from_nanos(1_700_000_000_000_000_000))
}

fn check_json(body: &str) -> Mapped {
    read_traces(body.as_bytes(), Encoding::Json, &ctx()).expect("valid body")
}

#[test]
fn a_span_without_usable_ids_is_rejected_alone() {
    let span = |trace: &str, id: &str, name: &str| {
        format!(
            r#"{{"traceId":"{trace}","spanId":"{id}","name":"{name}","startTimeUnixNano":"1","endTimeUnixNano":2}}"#
        )
    };
    let good = "5058afe218bd8e3b1c99e76877739b8a";
    let spans = [
        span(good, "36F7fa548acabb47", "first"),
        span(good, "0000000000000000", "zero"),
        span("", "36f7fa548acabb47", "missing"),
        span("5058", "36f7fa548acabb47", "short"),
        span("zz58afe218bd8e3b1c99e76877739b8a", "36f7fa548acabb47", "no hex"),
        "7".to_owned(),
        span(good, "36f7fa548acabb48", "last"),
    ];
    let mapped =
        check_json(&format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(",")));
    let names: Vec<_> = mapped.runs.iter().map(|mapped| mapped.run.name.clone().unwrap()).collect();
    assert_eq!(names, ["first", "last"]);
    assert_eq!(mapped.rejected(), 5);
    let reasons: Vec<_> = mapped.rejections.iter().map(|rejection| rejection.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "span 1 \"zero\": the span id is all zero",
            "span 2 \"missing\": the trace id is missing",
            "span 3 \"short\": the trace id has 2 bytes, not 16",
            "span 4 \"no hex\": the trace id is not hexadecimal: \"zz58afe218bd8e3b1c99e76877739b8a\"",
            "span 5 \"\": the span is a number, not an object",
        ]
    );
}

/// Some clients send a span when it begins, and again when it has ended; both may be in one request.
#[test]
fn of_a_span_that_a_request_has_twice_the_later_one_counts() {
    let span = |name: &str, tokens: u32, more: &str| {
        format!(
            r#"{{"traceId":"5058afe218bd8e3b1c99e76877739b8a","spanId":"36f7fa548acabb47","name":"{name}",
            "startTimeUnixNano":"1000000000"{more},"attributes":[
            {{"key":"gen_ai.operation.name","value":{{"stringValue":"chat"}}}},
            {{"key":"gen_ai.usage.input_tokens","value":{{"intValue":"{tokens}"}}}}]}}"#
        )
    };
    let (begun, ended) = (span("z", 900, ""), span("a", 7, r#","endTimeUnixNano":"2000000000""#));
    for (first, second, name, tokens) in [(&begun, &ended, "a", 7), (&ended, &begun, "z", 900)] {
        let mapped = check_json(&format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{first}]}},{{"spans":[{second}]}}]}}]}}"#
        ));
        let [one, other] = [0, 1].map(|at: usize| mapped.runs[at].run.clone());
        for (mut run, patch) in [(one.clone(), other.clone()), (other, one)] {
            run.merge(patch);
            assert_eq!(run.name.as_deref(), Some(name));
            assert_eq!(run.usage.and_then(|usage| usage.input_tokens), Some(tokens));
            assert_eq!(run.end_time, Some(UnixNanos::from_nanos(2_000_000_000)), "it has ended");
        }
    }
}

fn span_json(more: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[
            {{"key":"service.name","value":{{"stringValue":"shop"}}}},
            {{"key":"service.version","value":{{"stringValue":"1.2"}}}},
            {{"key":"deployment.environment","value":{{"stringValue":"prod"}}}}]}},
        "scopeSpans":[{{"scope":{{"name":"my.scope","version":"3"}},"spans":[{{
            "traceId":"5058AFE218BD8E3B1C99E76877739B8A","spanId":"36f7fa548acabb47","name":"s",
            "startTimeUnixNano":"1000000000","endTimeUnixNano":2000000000{more}}}]}}]}}]}}"#
    )
}

fn one(more: &str) -> Run {
    let mut mapped = check_json(&span_json(more));
    assert!(mapped.rejections.is_empty(), "{:?}", mapped.rejections);
    mapped.runs.pop().expect("one span was sent").run
}

#[test]
fn resource_and_scope_are_kept() {
    let run = one("");
    assert_eq!(run.service.as_deref(), Some("shop"));
    assert_eq!(run.release.as_deref(), Some("1.2"));
    assert_eq!(run.environment.as_deref(), Some("prod"));
    assert_eq!(run.resource.len(), 3);
    assert_eq!((run.scope_name.as_deref(), run.scope_version.as_deref()), (Some("my.scope"), Some("3")));
    assert_eq!(run.key.trace_id.to_hex(), "5058afe218bd8e3b1c99e76877739b8a");
    assert_eq!(run.key.run_id.to_string(), "00000000-0000-0000-36f7-fa548acabb47");
}

#[test]
fn json_is_read_as_senders_write_it() {
    let run = one(
        r#","kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR","message":"no"},"unknown":[{}],"events":null,
        "attributes":[
            {"key":"a","value":{"intValue":"9007199254740993"}},{"key":"b","value":{"intValue":7}},
            {"key":"c","value":{}},{"key":"d","value":{"bytesValue":"AAH/"}},{"key":"e","value":{"doubleValue":"NaN"}},
            {"key":"f","value":{"arrayValue":{"values":[{"boolValue":true},{}]}}},
            {"key":"g","value":{"kvlistValue":{"values":[{"key":"h","value":{"stringValue":"camel"}}]}}}]"#,
    );
    let attributes: Vec<_> = run.attributes.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
    assert_eq!(
        attributes,
        [
            "a=9007199254740993",
            "b=7",
            "c=null",
            r#"d={"bytesValue":"AAH/"}"#,
            "e=\"NaN\"",
            "f=[true,null]",
            r#"g={"h":"camel"}"#,
            "otel.span.kind=\"client\"",
        ]
    );
    assert_eq!((run.status, run.error.as_deref()), (Some(Status::Error), Some("no")));
}

#[test]
fn a_span_without_an_end_is_pending() {
    assert_eq!(one("").status, Some(Status::Success));
    let body = span_json("").replace("\"endTimeUnixNano\":2000000000", "\"endTimeUnixNano\":\"0\"");
    let run = check_json(&body).runs.pop().unwrap().run;
    assert_eq!((run.status, run.end_time), (Some(Status::Pending), None));
}

#[test]
fn bodies_that_are_no_requests_say_where() {
    let error = |body: &[u8], encoding| read_traces(body, encoding, &ctx()).unwrap_err().to_string();
    assert_eq!(
        error(b"{\"resourceSpans\": [", Encoding::Json),
        "the body is not an OTLP trace request: invalid JSON: unexpected end of the text at byte 19"
    );
    assert_eq!(
        error(b"[]", Encoding::Json),
        "the body is not an OTLP trace request: the JSON value is not an object"
    );
    assert!(
        error(b"\xff{}", Encoding::Json).contains("invalid utf-8"),
        "{}",
        error(b"\xff{}", Encoding::Json)
    );
    // A resource_spans field that promises more bytes than there are.
    assert_eq!(
        error(b"\x0a\x20\x0a", Encoding::Protobuf),
        "the body is not an OTLP trace request: in the message around resource_spans: a length goes beyond its message"
    );
    let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert!(error(deep.as_bytes(), Encoding::Json).contains("nested deeper than 300"));
}

#[test]
fn deep_values_do_not_overflow_the_stack() {
    let mut value = String::from(r#"{"stringValue":"x"}"#);
    for _ in 0..60 {
        value = format!(r#"{{"arrayValue":{{"values":[{value}]}}}}"#);
    }
    let run = one(&format!(r#","attributes":[{{"key":"gen_ai.input.messages","value":{value}}}]"#));
    assert_eq!(
        run.inputs.rest.or(run.attributes.get("gen_ai.input.messages").cloned()).unwrap().as_str().len(),
        123
    );
}

fn event(name: &str, nanos: u64, attributes: &[(&str, &str)]) -> String {
    let attributes: Vec<_> = attributes
        .iter()
        .map(|(key, value)| {
            format!(r#"{{"key":"{key}","value":{{"stringValue":{}}}}}"#, serde_json::json!(value))
        })
        .collect();
    format!(r#"{{"timeUnixNano":"{nanos}","name":"{name}","attributes":[{}]}}"#, attributes.join(","))
}

fn with_events(events: &[String]) -> Run {
    one(&format!(r#","events":[{}]"#, events.join(",")))
}

fn texts(messages: &[JsonText]) -> Vec<&str> {
    messages.iter().map(JsonText::as_str).collect()
}

#[test]
fn message_events_with_a_choice_are_history() {
    let run = with_events(&[
        event("gen_ai.system.message", 1, &[("content", "Be brief"), ("role", "system")]),
        event("gen_ai.user.message", 2, &[("gen_ai.event.content", r#"{"role":"user","content":"hi"}"#)]),
        event(
            "gen_ai.assistant.message",
            3,
            &[("tool_calls", r#"[{"id":"c","function":{"name":"f","arguments":"{}"}}]"#)],
        ),
        event("gen_ai.tool.message", 4, &[("content", "21 C"), ("id", "c")]),
        event(
            "gen_ai.choice",
            5,
            &[
                ("finish_reason", "tool_calls"),
                ("message.content", ""),
                ("message.role", "assistant"),
                ("tool_calls.0.id", "d"),
                ("tool_calls.0.type", "function"),
                ("tool_calls.0.function.name", "g"),
                ("tool_calls.0.function.arguments", r#"{"x":1}"#),
            ],
        ),
    ]);
    assert_eq!(run.run_type, Some(RunType::Llm));
    assert_eq!(
        texts(&run.inputs.messages),
        [
            r#"{"role":"system","content":"Be brief"}"#,
            r#"{"role":"user","content":"hi"}"#,
            r#"{"role":"assistant","tool_calls":[{"id":"c","name":"f","arguments":{}}]}"#,
            r#"{"role":"tool","content":"21 C","tool_call_id":"c"}"#,
        ]
    );
    assert_eq!(
        texts(&run.outputs.messages),
        [
            r#"{"role":"assistant","tool_calls":[{"id":"d","name":"g","arguments":{"x":1}}],"finish_reason":"tool_calls"}"#
        ]
    );
    assert!(run.events.is_empty());
}

#[test]
fn assistant_and_tool_events_without_a_choice_are_outputs() {
    let run = with_events(&[
        event("gen_ai.user.message", 1, &[("content", "hi")]),
        event("gen_ai.assistant.message", 2, &[("content", "ho")]),
    ]);
    assert_eq!(texts(&run.inputs.messages), [r#"{"role":"user","content":"hi"}"#]);
    assert_eq!(texts(&run.outputs.messages), [r#"{"role":"assistant","content":"ho"}"#]);
}

#[test]
fn content_events_are_inputs_and_outputs() {
    let run = with_events(&[
        event("gen_ai.content.prompt", 1, &[("gen_ai.prompt", "Say hi")]),
        event("gen_ai.content.completion", 2, &[("gen_ai.completion", "hi")]),
    ]);
    assert_eq!(texts(&run.inputs.messages), [r#"{"role":"user","content":"Say hi"}"#]);
    assert_eq!(texts(&run.outputs.messages), [r#"{"role":"assistant","content":"hi"}"#]);
    let run = with_events(&[event(
        "gen_ai.client.inference.operation.details",
        1,
        &[
            ("gen_ai.input.messages", r#"[{"role":"user","parts":[{"type":"text","content":"hi"}]}]"#),
            ("gen_ai.output.messages", r#"[{"role":"assistant","parts":[{"type":"text","content":"ho"}]}]"#),
            ("my.key", "kept"),
        ],
    )]);
    assert_eq!(texts(&run.inputs.messages), [r#"{"role":"user","content":"hi"}"#]);
    assert_eq!(texts(&run.outputs.messages), [r#"{"role":"assistant","content":"ho"}"#]);
    assert_eq!(run.events[0].attributes.len(), 1);
}

/// OpenLIT's old span events, and two results in one event of Strands.
#[test]
fn content_events_of_old() {
    let run = with_events(&[
        event("gen_ai.content.prompt", 1, &[("gen_ai.prompt", "system: Be brief\nuser: Two\nlines")]),
        event("gen_ai.content.completion", 2, &[("gen_ai.completion", "None")]),
    ]);
    assert_eq!(
        texts(&run.inputs.messages),
        [r#"{"role":"system","content":"Be brief"}"#, r#"{"role":"user","content":"Two\nlines"}"#]
    );
    assert!(run.outputs.is_empty());
    let run = with_events(&[event("gen_ai.content.prompt", 1, &[("gen_ai.prompt", "Note: user: x")])]);
    assert_eq!(texts(&run.inputs.messages), [r#"{"role":"user","content":"Note: user: x"}"#]);
    let results = r#"[{"toolResult":{"toolUseId":"a","content":[{"text":"1"}]}},{"toolResult":{"toolUseId":"b","content":[{"text":"2"}]}}]"#;
    let run = with_events(&[
        event("gen_ai.tool.message", 1, &[("content", results)]),
        event("gen_ai.choice", 2, &[("message", "ok")]),
    ]);
    assert_eq!(
        texts(&run.inputs.messages),
        [
            r#"{"role":"tool","content":"1","tool_call_id":"a"}"#,
            r#"{"role":"tool","content":"2","tool_call_id":"b"}"#
        ]
    );
}

#[test]
fn exceptions_chunks_documents_and_other_events() {
    let run = with_events(&[
        event("new_token", 1_500_000_000, &[]),
        event("gen_ai.content.completion.chunk", 1_600_000_000, &[]),
        event(
            "exception",
            3,
            &[("exception.message", "boom"), ("exception.type", "E"), ("exception.stacktrace", "at x")],
        ),
        event("db.query.result", 4, &[("db.query.result.id", "d"), ("db.query.result.document", "text")]),
        event("custom", 2, &[("k", "v")]),
    ]);
    assert_eq!(run.first_token_time, Some(UnixNanos::from_nanos(1_500_000_000)));
    assert_eq!((run.error.as_deref(), run.error_type.as_deref()), (Some("boom\n\nat x"), Some("E")));
    assert_eq!(run.status, Some(Status::Error));
    assert_eq!(run.outputs.rest.unwrap().as_str(), r#"{"documents":[{"id":"d","page_content":"text"}]}"#);
    let names: Vec<_> = run.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["custom", "exception", "new_token", "gen_ai.content.completion.chunk"]);
}

#[test]
fn log_records_become_patches_of_their_run() {
    let record = |name: &str, ids: &str, rest: &str| {
        format!(r#"{{"timeUnixNano":"5","eventName":"{name}",{ids}"attributes":[]{rest}}}"#)
    };
    let ids = r#""traceId":"5058afe218bd8e3b1c99e76877739b8a","spanId":"36f7fa548acabb47","#;
    let body = |json: &str| format!(r#","body":{{"kvlistValue":{{"values":[{json}]}}}}"#);
    let content = |text: &str| format!(r#"{{"key":"content","value":{{"stringValue":"{text}"}}}}"#);
    let choice = r#"{"key":"index","value":{"intValue":0}},{"key":"finish_reason","value":{"stringValue":"stop"}},
        {"key":"message","value":{"kvlistValue":{"values":[{"key":"content","value":{"stringValue":"ho"}}]}}}"#;
    let records = [
        record("gen_ai.user.message", ids, &body(&content("hi"))),
        record("gen_ai.choice", ids, &body(choice)),
        record("checkpoint", ids, r#","body":{"stringValue":"saved"},"severityText":"INFO""#),
        record("gen_ai.user.message", "", &body(&content("lost"))),
    ];
    let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, records.join(","));
    let mapped = read_logs(body.as_bytes(), Encoding::Json, &ctx()).unwrap();
    assert_eq!(mapped.rejected(), 0);
    // What became a message of the run is no record; what names no span is one, whatever it says.
    let kept: Vec<_> = mapped.logs.iter().map(|log| log.record.event_name.as_deref()).collect();
    assert_eq!(kept, [Some("checkpoint"), Some("gen_ai.user.message")]);
    let [saved, lost] = [0, 1].map(|idx| &mapped.logs[idx].record);
    assert_eq!(saved.trace_id, Some(mapped.runs[0].run.key.trace_id));
    assert_eq!(saved.span_id, mapped.runs[0].run.span_id);
    assert_eq!((lost.trace_id, lost.span_id), (None, None));
    assert_eq!(lost.body.as_ref().unwrap().as_str(), r#"{"content":"lost"}"#);
    let [patch] = mapped.runs.as_slice() else { panic!("one run: {:?}", mapped.runs) };
    let patch = &patch.run;
    assert_eq!(patch.versions.base, Version::new(Rank::Log, ctx().received_at));
    assert_eq!(texts(&patch.messages(Side::Input)), [r#"{"role":"user","content":"hi"}"#]);
    assert_eq!(
        texts(&patch.messages(Side::Output)),
        [r#"{"role":"assistant","content":"ho","finish_reason":"stop"}"#]
    );
    assert_eq!(patch.events[0].attributes["body"].as_str(), "\"saved\"");
    // The span may come later; both ways round it is one run with the span's own words winning.
    let mut run = one("");
    run.merge(patch.clone());
    assert_eq!(run.name.as_deref(), Some("s"));
    assert_eq!(run.fragments.len(), 2);
}

/// As spans do: the record's own word wins over that of its process.
#[test]
fn a_record_names_the_project_of_the_run_that_it_completes() {
    let record = |span: &str, project: Option<&str>| {
        let attributes: Vec<_> = project
            .map(|name| json!({"key": "langsmith.trace.session_name", "value": {"stringValue": name}}))
            .into_iter()
            .collect();
        json!({"traceId": "5058afe218bd8e3b1c99e76877739b8a", "spanId": span, "attributes": attributes,
            "body": {"stringValue": "said"}})
    };
    let resource =
        json!({"attributes": [{"key": "openinference.project.name", "value": {"stringValue": "theirs"}}]});
    let body = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [
        record("0000000000000001", None), record("0000000000000001", Some("mine")), record("0000000000000002", None),
    ]}]}]});
    let mapped = read_logs(body.to_string().as_bytes(), Encoding::Json, &ctx()).unwrap();
    let name = |name: &str| Some(ProjectRef::Name(name.to_owned()));
    let projects: Vec<_> = mapped.runs.iter().map(|run| run.project.clone()).collect();
    assert_eq!(projects, [name("mine"), name("theirs")]);
}

#[test]
fn log_records_are_kept_with_all_they_say() {
    let body = r#"{"resourceLogs":[{
        "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},
            {"key":"openinference.project.name","value":{"stringValue":"theirs"}}]},
        "scopeLogs":[{"scope":{"name":"app.orders","version":"2"},"logRecords":[
            {"timeUnixNano":"7","observedTimeUnixNano":"9","severityNumber":17,"severityText":"ERROR",
             "body":{"stringValue":"no stock"},"attributes":[{"key":"order","value":{"intValue":"5"}},
             {"key":"langsmith.trace.session_name","value":{"stringValue":"mine"}}]},
            {"observedTimeUnixNano":"9","severityNumber":99,"traceId":"5058afe218bd8e3b1c99e76877739b8a",
             "body":{"kvlistValue":{"values":[]}}},
            {"attributes":[{"key":"event.name","value":{"stringValue":"tick"}}]}
        ]}]}]}"#;
    let mapped = read_logs(body.as_bytes(), Encoding::Json, &ctx()).unwrap();
    assert!(mapped.runs.is_empty(), "no record names a span");
    let [first, second, third] = mapped.logs.as_slice() else { panic!("three records: {:?}", mapped.logs) };
    let name = |name: &str| Some(ProjectRef::Name(name.to_owned()));
    assert_eq!((&first.project, &second.project), (&name("mine"), &name("theirs")));
    let record = &first.record;
    assert_eq!(record.time, UnixNanos::from_nanos(7));
    assert_eq!(record.observed_time, Some(UnixNanos::from_nanos(9)));
    assert_eq!((record.severity, record.severity_text.as_deref()), (Some(17), Some("ERROR")));
    assert_eq!(record.body.as_ref().unwrap().as_str(), "\"no stock\"");
    assert_eq!(record.attributes["order"].as_str(), "5");
    let sender = &record.sender;
    assert_eq!((sender.service.as_deref(), sender.scope_name.as_deref()), (Some("shop"), Some("app.orders")));
    assert_eq!((sender.scope_version.as_deref(), sender.resource.len()), (Some("2"), 2));
    // A trace without a span is still that trace's; a severity that nobody defined is none.
    let record = &second.record;
    assert_eq!((record.time, record.severity), (UnixNanos::from_nanos(9), None));
    assert!(record.trace_id.is_some() && record.span_id.is_none());
    assert_eq!(record.body.as_ref().unwrap().as_str(), "{}");
    let record = &third.record;
    assert_eq!((record.time, record.observed_time), (ctx().received_at, None));
    assert_eq!((record.event_name.as_deref(), &record.body), (Some("tick"), &None));
}

fn log_run(records: &[String]) -> (Run, Vec<MappedLog>) {
    let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, records.join(","));
    let mut mapped = read_logs(body.as_bytes(), Encoding::Json, &ctx()).unwrap();
    assert_eq!(mapped.runs.len(), 1);
    (mapped.runs.remove(0).run, mapped.logs)
}

fn log_of_span(name: &str, attributes: &[(&str, serde_json::Value)]) -> String {
    let attributes: Vec<_> =
        attributes.iter().map(|(key, value)| serde_json::json!({ "key": key, "value": value })).collect();
    serde_json::json!({
        "traceId": "5058afe218bd8e3b1c99e76877739b8a", "spanId": "36f7fa548acabb47", "timeUnixNano": "5",
        "eventName": name, "attributes": attributes,
    })
    .to_string()
}

#[test]
fn content_that_comes_in_several_records_is_joined() {
    let text = |text: &str| serde_json::json!({ "stringValue": text });
    let details = "gen_ai.client.inference.operation.details";
    let (run, logs) = log_run(&[
        log_of_span(
            details,
            &[
                (
                    "gen_ai.input.messages",
                    text(r#"[{"role":"user","parts":[{"type":"text","content":"hi"}]}]"#),
                ),
                ("gen_ai.usage.input_tokens", serde_json::json!({ "intValue": "3" })),
                ("gen_ai.request.temperature", serde_json::json!({ "doubleValue": 0.5 })),
            ],
        ),
        log_of_span(
            details,
            &[
                (
                    "gen_ai.output.messages",
                    text(r#"[{"role":"assistant","parts":[{"type":"text","content":"ho"}]}]"#),
                ),
                ("gen_ai.usage.output_tokens", serde_json::json!({ "intValue": "1" })),
            ],
        ),
    ]);
    assert!(logs.is_empty());
    assert_eq!(texts(&run.inputs.messages), [r#"{"role":"user","content":"hi"}"#]);
    assert_eq!(texts(&run.outputs.messages), [r#"{"role":"assistant","content":"ho"}"#]);
    assert_eq!(run.invocation_params.unwrap().as_str(), r#"{"temperature":0.5}"#);
    let usage = run.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (Some(3), Some(1)));
}

#[test]
fn an_exception_that_is_a_log_record_is_the_error_of_its_run() {
    let text = |text: &str| serde_json::json!({ "stringValue": text });
    let attributes = [("exception.type", text("RateLimitError")), ("exception.message", text("slow down"))];
    let (run, logs) = log_run(&[log_of_span("gen_ai.client.operation.exception", &attributes)]);
    assert_eq!(run.status, Some(Status::Error));
    assert_eq!(
        (run.error.as_deref(), run.error_type.as_deref()),
        (Some("slow down"), Some("RateLimitError"))
    );
    assert_eq!((logs.len(), run.events.len()), (1, 1));
    // A caught exception that someone logged does not make the run failed.
    let (run, logs) = log_run(&[log_of_span("", &attributes)]);
    assert_eq!((run.status, run.error, logs.len()), (None, None, 1));
}

#[test]
fn hostile_bodies_take_no_longer_than_honest_ones() {
    // Rejected spans with names of their own: reasons are not compared with each other without end.
    let spans: Vec<_> = (0..20_000).map(|idx| format!(r#"{{"name":"{idx}"}}"#)).collect();
    let mapped =
        check_json(&format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(",")));
    assert_eq!((mapped.rejected(), mapped.rejections.len()), (20_000, 101));
    assert!(mapped.message().ends_with("and 96 more reasons"), "{}", mapped.message());
    // One message with very many calls, and lists of lists of messages.
    let calls: Vec<_> = (0..20_000).map(|idx| format!(r#"{{"id":"{idx}","name":"f"}}"#)).collect();
    let many = format!(r#"[{{"role":"assistant","tool_calls":[{}]}}]"#, calls.join(","));
    let nested =
        format!("{}{}{}", "[".repeat(150), vec![r#"{"role":"user"}"#; 20_000].join(","), "]".repeat(150));
    for list in [many, nested] {
        let value = serde_json::json!({ "stringValue": list });
        let run = one(&format!(r#","attributes":[{{"key":"gen_ai.input.messages","value":{value}}}]"#));
        assert!(!run.inputs.is_empty());
    }
}
