use clearspan_catalog::DatasetId;
use serde_json::json;

use super::*;

#[test]
fn ids_are_uuids_in_any_form_but_nil() {
    let id = "0190b2a3-1111-7000-8000-00000000000a";
    let parse = |text: &str| parse_id::<DatasetId>("dataset", text);
    for text in
        [id, &id.to_uppercase(), &id.replace('-', ""), &format!("{{{id}}}"), &format!("urn:uuid:{id}")]
    {
        assert_eq!(parse(text).unwrap().to_string(), id, "{text}");
    }
    for text in ["", "x", "0190b2a3", "../etc", "00000000-0000-0000-0000-000000000000", "\u{1f600}"] {
        assert_eq!(parse(text).unwrap_err().status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
    }
}

#[test]
fn pages_are_bounded() {
    let page = |pairs: &[(&str, &str)]| {
        Page::of(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    };
    assert_eq!(page(&[]).unwrap(), Page { offset: 0, limit: 100 });
    assert_eq!(page(&[("limit", "1000000000"), ("offset", "7")]).unwrap(), Page { offset: 7, limit: 1_000 });
    assert_eq!(page(&[("limit", "0")]).unwrap().limit, 1);
    for value in ["-1", "x", "1.5", "99999999999999999999999"] {
        assert!(page(&[("limit", value)]).is_err(), "{value}");
        assert!(page(&[("offset", value)]).is_err(), "{value}");
    }
}

#[test]
fn objects_are_objects() {
    assert_eq!(object("x", Some(json!({"a": 1}))).unwrap(), json!({"a": 1}).as_object().cloned());
    assert_eq!(object("x", Some(Value::Null)).unwrap(), None);
    assert!(object("x", Some(json!([1]))).is_err());
    assert_eq!(object_of_text("metadata", "{\"a\": 1}").unwrap(), json!({"a": 1}));
    for text in ["", "{", "[1]", "null", "\"x\""] {
        assert!(object_of_text("metadata", text).is_err(), "{text}");
    }
}
