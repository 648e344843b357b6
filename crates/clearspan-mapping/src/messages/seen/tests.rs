use proptest::prelude::*;
use proptest::sample::select;

use super::super::unflatten;
use super::*;
use crate::json::parse;

/// Whatever is recognised is what the general readers make of it, also the second time.
fn check_flattened(side: Side, entries: &[(String, String)]) {
    let seen = Seen::for_body(0);
    let pairs: Vec<(&str, Json<'_>)> =
        entries.iter().map(|(path, value)| (path.as_str(), Json::text(value))).collect();
    let general = Reader::flattened(side).read_flattened(&unflatten(pairs.clone()));
    for _ in 0..2 {
        let read = seen.read_flattened(side, pairs.iter().map(|(path, value)| (*path, value)));
        if let Some(read) = read {
            assert_eq!(read, general, "{entries:?}");
        }
    }
}

#[test]
fn plain_messages_are_recognised() {
    let seen = Seen::for_body(0);
    let text = "say \"hi\"\n";
    let entries = [("0.role", "User"), ("0.content", text), ("1.role", "assistant"), ("1.content", "")];
    let entries = entries.map(|(path, value)| (path, Json::text(value)));
    let read = seen.read_flattened(Side::Input, entries.iter().map(|(path, value)| (*path, value))).unwrap();
    let texts: Vec<_> = read.iter().map(JsonText::as_str).collect();
    assert_eq!(texts, [r#"{"role":"user","content":"say \"hi\"\n"}"#, r#"{"role":"assistant"}"#]);
    let again = seen.read_flattened(Side::Input, entries.iter().map(|(path, value)| (*path, value))).unwrap();
    assert!(std::ptr::eq(read[0].as_str(), again[0].as_str()));

    let list =
        r#" [{"role":"user","parts":[{"type":"text","content":"hi"}]}, {"role":"user","content":"ho"}] "#;
    let read = seen.read_list(Side::Input, list).unwrap();
    assert_eq!(read[0].as_str(), r#"{"role":"user","content":"hi"}"#);
    assert!(std::ptr::eq(read[1].as_str(), seen.read_list(Side::Input, list).unwrap()[1].as_str()));
    for other in ["", "[]", "{}", "[1]", r#"[{"role":"user","content":"x"},7]"#, "[{]", "[] []"] {
        assert_eq!(seen.read_list(Side::Input, other), None, "{other}");
    }
}

/// Each call repeats the one before and adds to it; then another conversation comes, and a fork of the first.
#[test]
fn conversations_are_followed_and_left() {
    let seen = Seen::for_body(1 << 20);
    let said = |who: &str, turns: usize| -> Vec<String> {
        (0..turns).map(|turn| format!(r#"{{"role":"user","content":"{who} {turn}"}}"#)).collect()
    };
    let fork = [said("Ann", 2), said("Eve", 2)].concat();
    let lists =
        [said("Ann", 2), said("Ann", 4), said("Bob", 3), said("Ann", 5), fork.clone(), said("Ann", 5)];
    let texts = lists.map(|list| (format!("[{}]", list.join(", ")), list));
    let mut first: std::collections::HashMap<String, JsonText> = std::collections::HashMap::new();
    for (text, list) in &texts {
        let read = seen.read_list(Side::Input, text).unwrap();
        assert_eq!(read.iter().map(JsonText::as_str).collect::<Vec<_>>(), *list);
        for message in read {
            let known = first.entry(message.as_str().to_owned()).or_insert_with(|| message.clone());
            assert!(std::ptr::eq(known.as_str(), message.as_str()), "{message:?} is kept once");
        }
    }
    // A message that is expected and begins as the one that comes is not that one.
    let longer = r#"[{"role":"user","content":"Ann 0"},{"role":"user","content":"Ann 1"} x]"#;
    assert_eq!(seen.read_list(Side::Input, longer), None);
}

/// What is known as plain text must not be taken for JSON of the same bytes.
#[test]
fn plain_text_is_not_taken_for_json() {
    let seen = Seen::for_body(0);
    for content in ["\"hi\"", "", "7"] {
        let entries = [("0.role", "\0input"), ("0.content", content)];
        let entries = entries.map(|(path, value)| (path, Json::text(value)));
        let read = seen.read_flattened(Side::Input, entries.iter().map(|(path, value)| (*path, value)));
        assert_eq!(read, None);
        assert_eq!(seen.read_list(Side::Input, r#"["hi"]"#), None);
    }
}

proptest! {
    #[test]
    fn recognised_or_left_to_the_general_readers(
        entries in proptest::collection::vec((
            select(&["0", "1", "2", "10", "x", "01"][..]),
            select(&["role", "content", "message.role", "message.content", "tool_calls.0.id", "name"][..]),
            select(&["", "user", "assistant", "thinking", "Tool", "hi", "[{\"type\":\"text\",\"text\":\"x\"}]", "\"\"", "a\nb"][..]),
        ), 0..8),
        is_output in any::<bool>(), sorted in any::<bool>(),
    ) {
        let side = if is_output { Side::Output } else { Side::Input };
        let mut entries: Vec<_> =
            entries.into_iter().map(|(index, name, value)| (format!("{index}.{name}"), value.to_owned())).collect();
        entries.sort();
        entries.dedup_by(|left, right| left.0 == right.0);
        if !sorted {
            entries.reverse();
        }
        check_flattened(side, &entries);
    }

    #[test]
    fn lists_are_read_as_the_general_reader_reads_them(
        items in proptest::collection::vec(select(&[
            r#"{"role":"user","content":"hi"}"#,
            r#"{"role":"assistant","content":"ho","finish_reason":"stop"}"#,
            r#"{"role":"tool","content":[{"type":"tool_result","tool_use_id":"a","content":"x"},{"type":"tool_result","tool_use_id":"b","content":"y"}]}"#,
            r#"{"type":"function_call","name":"f","arguments":"{}"}"#,
            r#"{"type":"human","content":"hi"}"#,
            r#"{"content":"nobody"}"#,
            "[]", "7", "{}", "NaN",
        ][..]), 0..5),
        is_output in any::<bool>(),
    ) {
        let side = if is_output { Side::Output } else { Side::Input };
        let text = format!("[{}]", items.join(" , "));
        let seen = Seen::for_body(0);
        for _ in 0..2 {
            if let Some(read) = seen.read_list(side, &text) {
                let mut general = Vec::new();
                prop_assert!(Reader::new(side).read_list(&parse(&text).unwrap(), &mut general));
                prop_assert_eq!(read, general);
            }
        }
    }
}

#[test]
fn a_payload_is_not_escaped_again() {
    let seen = Seen::for_body(0);
    let (text, other) = ("12 \"rows\"\n", "13 \"rows\"\n");
    seen.keep_payload(text, &JsonText::from_string(text));
    let entries = [("0.role", "tool"), ("0.content", text), ("1.role", "user"), ("1.content", other)];
    let entries = entries.map(|(path, value)| (path, Json::text(value)));
    let read = seen.read_flattened(Side::Input, entries.iter().map(|(path, value)| (*path, value))).unwrap();
    let texts: Vec<_> = read.iter().map(JsonText::as_str).collect();
    let expected =
        [r#"{"role":"tool","content":"12 \"rows\"\n"}"#, r#"{"role":"user","content":"13 \"rows\"\n"}"#];
    assert_eq!(texts, expected);
}
