use http::HeaderValue;

use super::*;

fn headers(content_type: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap())])
}

#[test]
fn parts_of_both_sdks_are_read() {
    let body =
        b"--b\r\nContent-Disposition: form-data; name=\"id\"\r\nContent-Type: application/json\r\n\r\n{}\r\n\
        --b\r\nContent-Disposition: form-data; name=\"id.attachment.a;b%22\"; filename=\"blob\"\r\n\
        Content-Type: text/plain; length=3\r\n\r\nx\r\n\r\n--b--\r\nepilogue";
    let parts = parse(body, "b").unwrap();
    let json = Part {
        name: "id".to_owned(),
        file_name: None,
        content_type: Some("application/json".to_owned()),
        length: None,
        bytes: b"{}",
    };
    let file = Part {
        name: "id.attachment.a;b\"".to_owned(),
        file_name: Some("blob".to_owned()),
        content_type: Some("text/plain".to_owned()),
        length: Some(Ok(3)),
        bytes: b"x\r\n",
    };
    assert_eq!(parts, [json, file]);
    assert_eq!(parse(b"--b--", "b").unwrap(), []);
}

#[test]
fn boundaries_are_named_by_the_content_type() {
    assert_eq!(boundary(&headers("multipart/form-data; boundary=abc")).unwrap(), "abc");
    assert_eq!(boundary(&headers("Multipart/Form-Data; x=1; boundary=\"a b\"")).unwrap(), "a b");
    let long = format!("multipart/form-data; boundary={}", "x".repeat(1_000));
    for content_type in ["application/json", "multipart/form-data", "multipart/form-data; boundary=", &long] {
        assert!(boundary(&headers(content_type)).is_err(), "{content_type}");
    }
    assert!(boundary(&HeaderMap::new()).is_err());
}

#[test]
fn what_is_no_form_is_refused() {
    let long = format!("--b\r\nX: {}\r\n\r\nx\r\n--b--", "x".repeat(17 << 10));
    for body in [
        "",
        "hello",
        "--other\r\n\r\n--other--",
        "--b",
        "--b\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nno end",
        "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n--b--",
        "--b\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--b--",
        "--bc\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nanother boundary\r\n--bc--",
        "--b\r\nContent-Disposition: form-data; name=\"x\r\n\r\nno quote\r\n--b--",
        &long,
    ] {
        let refused = parse(body.as_bytes(), "b").unwrap_err();
        assert_eq!(refused.status, http::StatusCode::BAD_REQUEST, "{body:.80}");
    }
}
