use super::*;

#[test]
fn times_have_six_digits() {
    let time = UnixNanos::from_nanos(1_795_132_800_000_456_789);
    assert_eq!(iso(time), "2026-11-20T00:00:00.000456+00:00");
    assert_eq!(
        dotted_step(time, RunId::from_bytes([1; 16])),
        "20261120T000000000456Z01010101-0101-0101-0101-010101010101"
    );
}

#[test]
fn payloads_become_objects() {
    let text = |value: &Value| JsonText::from_value(value);
    let payload = |messages: &[JsonText], rest: Option<Value>, bare_key: &str| {
        text_of(&Members::of(messages, &rest.as_ref().map(text), bare_key)).to_value()
    };
    let message = json!({"role": "user", "content": "hi"});
    assert_eq!(
        payload(&[text(&message)], Some(json!({"tools": [], "messages": 1})), "input"),
        json!({"messages": [message], "tools": []}),
        "messages are never overwritten"
    );
    assert_eq!(payload(&[], Some(json!("hello")), "output"), json!({"output": "hello"}));
    assert_eq!(payload(&[], None, "input"), json!({}));
}

#[test]
fn required_keys_survive_a_narrow_selection() {
    let select = Select::new(Some(vec!["inputs".to_owned()]));
    assert!(select.wants("start_time") && select.wants("inputs") && !select.wants("outputs"));
    assert!(select.wants_whole_runs());
    assert!(!Select::new(Some(vec!["total_cost".to_owned()])).wants_whole_runs());
    assert!(Select::new(None).wants_whole_runs());
}

fn run() -> Run {
    let key = clearspan_model::RunKey {
        workspace_id: clearspan_model::WorkspaceId::NIL,
        project_id: clearspan_model::ProjectId::NIL,
        trace_id: clearspan_model::TraceId::NIL,
        run_id: RunId::NIL,
    };
    Run::new(key, UnixNanos::from_nanos(0))
}

#[test]
fn what_was_sent_is_passed_on_byte_for_byte() {
    let sent = r#"{ "z":1.50E+2, "a":123456789012345678901234567890,"a2":-0.0, "s":"\u00e9\/" }"#;
    let mut run = run();
    for (rest, attribute) in [(Some(sent), None), (Some("[1]"), Some(sent)), (None, Some(sent))] {
        run.inputs.rest = rest.map(JsonText::from_trusted);
        run.attributes = attribute
            .map(|text| (langsmith::INPUTS.to_owned(), JsonText::from_trusted(text)))
            .into_iter()
            .collect();
        let mut json = JsonObject::default();
        json.set("first", json!(1));
        json.set_text("inputs", side(&run, Side::Input));
        json.set("last", json!(2));
        let text = serde_json::to_string(&json).unwrap();
        assert_eq!(text, format!(r#"{{"first":1,"inputs":{sent},"last":2}}"#));
    }
    run.attributes.insert(langsmith::INPUTS.to_owned(), JsonText::from_trusted("1e2"));
    assert_eq!(side(&run, Side::Input).as_str(), r#"{"input":1e2}"#);
}

#[test]
fn what_no_client_can_read_is_a_text() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let mut run = run();
    for (text, is_text) in [
        (nested(99), false),
        (nested(100), true),
        (format!("{{\"a\":\"\\\"{}\"}}", "[".repeat(500)), false),
        (format!("{{\"a\":[{}]}}", vec!["[]"; 500].join(",")), false),
    ] {
        run.outputs.rest = Some(JsonText::parse(&text).unwrap());
        let side = side(&run, Side::Output).to_value();
        assert_eq!(side["output"].as_str() == Some(&text), is_text, "{text}");
    }
}

#[test]
fn messages_stand_beside_the_rest_as_they_are() {
    let message = r#"{"role":"user","content":"\u00e9\/","n":123456789012345678901234567890}"#;
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let mut run = run();
    run.inputs.messages = vec![JsonText::from_trusted(message), JsonText::from_trusted(deep.as_str())];
    for (rest, beside) in [
        (None, ""),
        (Some("null"), ""),
        (Some(r#"{"b":1,"messages":[],"c":3,"a":[2]}"#), r#","b":1,"c":3,"a":[2]"#),
        (Some("[1, 2]"), r#","input":[1,2]"#),
        // A store that was damaged.
        (Some("{\"a"), r#","input":"{\"a""#),
    ] {
        run.inputs.rest = rest.map(JsonText::from_trusted);
        let expected = format!(r#"{{"messages":[{message},"{deep}"]{beside}}}"#);
        assert_eq!(side(&run, Side::Input).as_str(), expected, "{rest:?}");
    }
    run.inputs.messages = vec![JsonText::from_trusted("{broken")];
    run.inputs.rest = None;
    assert_eq!(side(&run, Side::Input).as_str(), r#"{"messages":["{broken"]}"#);
}

#[test]
fn extra_keeps_what_was_sent() {
    let sent = r#"{ "z":1.50E+2, "a":123456789012345678901234567890 }"#;
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let mut run = run();
    run.model = Some("m".to_owned());
    let text = |text: &str| JsonText::from_trusted(text);
    run.metadata = BTreeMap::from([
        ("k".to_owned(), text(sent)),
        ("deep".to_owned(), text(&deep)),
        ("ls_provider".to_owned(), text("\"own\"")),
    ]);
    run.attributes.insert(format!("{}options", langsmith::EXTRA), text("-0.0"));
    run.invocation_params = Some(text(r#"{"temperature":0.10}"#));
    run.provider = Some("openai".to_owned());
    let metadata = format!(r#"{{"deep":"{deep}","k":{sent},"ls_model_name":"m","ls_provider":"own"}}"#);
    assert_eq!(
        extra(&run).as_str(),
        format!(r#"{{"invocation_params":{{"temperature":0.10}},"metadata":{metadata},"options":-0.0}}"#)
    );
}
