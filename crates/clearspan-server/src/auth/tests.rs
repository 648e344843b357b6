use http::HeaderValue;

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[test]
fn keys_are_found_in_every_place() {
    let basic = format!("Basic {}", STANDARD.encode("pk-1:secret"));
    for (pairs, key) in [
        (vec![("x-api-key", "k")], Some("k")),
        (vec![("authorization", "Bearer k")], Some("k")),
        (vec![("authorization", "bearer  k ")], Some("k")),
        (vec![("authorization", basic.as_str())], Some("secret")),
        (vec![("x-api-key", "k"), ("authorization", "Bearer k")], Some("k")),
        (vec![("x-api-key", " ")], None),
        (vec![("authorization", "Bearer")], None),
        (vec![("authorization", "Digest x")], None),
        (vec![], None),
    ] {
        let found = presented_key(&headers(&pairs)).unwrap();
        assert_eq!(found.as_deref(), key, "{pairs:?}");
    }
}

#[test]
fn contradictions_are_refused() {
    for pairs in [
        vec![("x-api-key", "a"), ("x-api-key", "b")],
        vec![("x-api-key", "a"), ("authorization", "Bearer b")],
        vec![("authorization", "Basic !!!")],
    ] {
        assert_eq!(presented_key(&headers(&pairs)).unwrap_err().status, StatusCode::BAD_REQUEST, "{pairs:?}");
    }
}
