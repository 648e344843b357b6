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
    let text = |value: Value| JsonText::from_value(&value);
    let message = json!({"role": "user", "content": "hi"});
    let both = Payload {
        messages: vec![text(message.clone())],
        rest: Some(text(json!({"tools": [], "messages": 1}))),
    };
    assert_eq!(
        payload(&both, both.messages.clone(), "input"),
        json!({"messages": [message], "tools": []}),
        "messages are never overwritten"
    );
    let bare = Payload { messages: vec![], rest: Some(text(json!("hello"))) };
    assert_eq!(payload(&bare, vec![], "output"), json!({"output": "hello"}));
    assert_eq!(payload(&Payload::default(), vec![], "input"), json!({}));
}

#[test]
fn required_keys_survive_a_narrow_selection() {
    let select = Select::new(Some(vec!["inputs".to_owned()]));
    assert!(select.wants("start_time") && select.wants("inputs") && !select.wants("outputs"));
    assert!(select.wants_whole_runs());
    assert!(!Select::new(Some(vec!["total_cost".to_owned()])).wants_whole_runs());
    assert!(Select::new(None).wants_whole_runs());
}
