use proptest::prelude::*;

use super::parse::ParseError;
use super::*;

fn check(source: &str, expected: &str) {
    assert_eq!(parse(source).map(|json| json.to_text()), Ok(expected.to_owned()), "{source}");
}

#[test]
fn writes_one_form_for_every_spelling() {
    check(r#" { "a" : [ 1 , 2.50e3 , -0 ] , "b":null } "#, r#"{"a":[1,2.50e3,-0],"b":null}"#);
    check(r#""caf\u00e9 \/ \ud83d\ude00""#, r#""café / 😀""#);
    check(r#""line\nbreak \"q\" \\ tab\t""#, r#""line\nbreak \"q\" \\ tab\t""#);
    check(r#""\u001b\u0008""#, r#""\u001b\b""#);
    check(r#""lone \ud83d.""#, "\"lone \u{fffd}.\"");
    check("[NaN,Infinity,-Infinity]", "[null,null,null]");
}

#[test]
fn refuses_what_is_not_json() {
    for (source, what, offset) in [
        ("", "unexpected end of the text", 0),
        ("{\"a\":1", "expected a comma or the end of an object", 6),
        ("[1,]", "expected a JSON value", 3),
        ("01", "a number with a leading zero", 2),
        ("1.", "expected a digit", 2),
        ("\"\\x\"", "invalid escape in a string", 1),
        ("\"a\nb\"", "control character in a string", 2),
        ("{} {}", "text after the end of the JSON value", 3),
        ("Paris", "expected a JSON value", 0),
    ] {
        assert_eq!(parse(source), Err(ParseError { what, offset }), "{source}");
    }
    let deep = "[".repeat(5_000);
    assert_eq!(parse(&deep).unwrap_err().what, "nested too deep");
}

#[test]
fn writes_values_that_json_does_not_have() {
    assert_eq!(Json::Float(f64::NAN).to_text(), "\"NaN\"");
    assert_eq!(Json::Float(0.1).to_text(), "0.1");
    assert_eq!(Json::Int(i64::MIN).to_text(), "-9223372036854775808");
    assert_eq!(Json::Bytes(b"\xff\x00").to_text(), r#"{"bytesValue":"/wA="}"#);
}

proptest! {
    #[test]
    fn any_text_survives(text in ".*") {
        let written = Json::text(&text).to_text();
        prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text.clone());
        let read = parse(&written).unwrap();
        prop_assert_eq!(read.as_text().unwrap().decode(), text);
        prop_assert_eq!(read.to_text(), written);
    }

    #[test]
    fn escapes_are_those_of_serde_json(lines in proptest::collection::vec("[a-zé\"\\\\ ]{0,90}", 0..6), end in "[\n\t\u{1}é]{0,2}") {
        let text = lines.join("\n") + &end;
        prop_assert_eq!(Json::text(&text).to_text(), serde_json::to_string(&text).unwrap());
    }

    #[test]
    fn agrees_with_serde_json(source in r#"[\[\]{}:,"\\u0-9a-f .eE+-]{0,24}"#) {
        let ours = parse(&source).is_ok();
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&source).is_ok();
        prop_assert_eq!(ours, theirs, "{}", source);
        let mut cursor = Cursor::of(&source);
        let skipped = cursor.skip().and_then(|_| cursor.end()).is_ok();
        prop_assert_eq!(skipped, theirs, "skipped: {}", source);
    }

    #[test]
    fn what_is_written_can_be_skipped(text in ".*", number in any::<i64>(), depth in 0_usize..400) {
        let (open, close) = (r#"[0,{"a":"#.repeat(depth), "},null]".repeat(depth));
        let source = format!("{open}{{\"b\":[{},-0.5e+3,{number}, {{ }} ,[ ]]}}{close}", Json::text(&text).to_text());
        let mut cursor = Cursor::of(&source);
        // The text and the numbers are two levels deeper than what is around them.
        let is_shallow = 2 * depth + 2 <= MAX_DEPTH;
        prop_assert_eq!(cursor.skip().map(str::len).ok(), is_shallow.then_some(source.len()));
        let mut room = usize::MAX;
        prop_assert_eq!(Cursor::of(&source).value(&mut room).is_ok(), is_shallow);
    }

    #[test]
    fn special_bytes_are_found_where_they_are(bytes in proptest::collection::vec(any::<u8>(), 0..100), at in 0_usize..100, byte in 0_usize..3) {
        let mut bytes: Vec<u8> = bytes.into_iter().map(|byte| if byte < 0x20 || b"\"\\".contains(&byte) { b'x' } else { byte }).collect();
        prop_assert_eq!(scan::find_special(&bytes), None);
        if let Some(place) = bytes.get_mut(at) {
            *place = b"\"\\\x1f"[byte];
            prop_assert_eq!(scan::find_special(&bytes), Some(at));
        }
    }
}
