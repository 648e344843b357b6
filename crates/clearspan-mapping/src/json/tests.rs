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
    fn agrees_with_serde_json(source in r#"[\[\]{}:,"\\u0-9a-f .eE+-]{0,24}"#) {
        let ours = parse(&source).is_ok();
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&source).is_ok();
        prop_assert_eq!(ours, theirs, "{}", source);
    }
}
