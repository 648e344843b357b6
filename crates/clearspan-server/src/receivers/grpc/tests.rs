use super::*;

fn framed(flag: u8, announced: u32, message: &[u8]) -> Bytes {
    let mut bytes = vec![flag];
    bytes.extend_from_slice(&announced.to_be_bytes());
    bytes.extend_from_slice(message);
    bytes.into()
}

#[test]
fn a_unary_call_carries_one_message() {
    for (bytes, expected) in [
        (framed(0, 3, b"abc"), Ok((Bytes::from_static(b"abc"), false))),
        (framed(1, 0, b""), Ok((Bytes::new(), true))),
        (Bytes::new(), Err(Code::InvalidArgument)),
        (Bytes::from_static(b"\0\0\0"), Err(Code::InvalidArgument)),
        (framed(0, 4, b"abc"), Err(Code::InvalidArgument)),
        (framed(0, 3, b"abc\0\0\0\0\0"), Err(Code::InvalidArgument)),
        (framed(2, 3, b"abc"), Err(Code::Internal)),
    ] {
        assert_eq!(take_message(bytes.clone()).map_err(|status| status.code()), expected, "{bytes:?}");
    }
}

#[test]
fn a_message_is_refused_by_its_announced_length() {
    let limit = u32::try_from(MAX_BODY_BYTES).unwrap();
    assert_eq!(check_prefix(&framed(0, limit, b"")), Ok(()));
    assert_eq!(check_prefix(&framed(0, limit + 1, b"")), Err(BodyError::TooLarge));
    assert_eq!(check_prefix(&framed(0, u32::MAX, b"")), Err(BodyError::TooLarge));
    assert_eq!(check_prefix(b"\0\xff"), Ok(()), "not yet known");
}

#[test]
fn timeouts_of_clients() {
    for (text, expected) in [
        ("10S", Some(Duration::from_secs(10))),
        ("0n", Some(Duration::ZERO)),
        ("99999999H", Some(Duration::from_secs(99_999_999 * 3600))),
        ("250m", Some(Duration::from_millis(250))),
        ("-1S", None),
        ("1X", None),
        ("123456789S", None),
        ("S", None),
        ("", None),
        ("1é", None),
    ] {
        assert_eq!(parse_timeout(text), expected, "{text}");
    }
}

#[test]
fn content_types() {
    for (value, accepted) in [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        ("application/grpc;charset=utf-8", true),
        ("application/grpc-web", false),
        ("application/json", false),
    ] {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]);
        assert_eq!(speaks_grpc(&headers), accepted, "{value}");
    }
    assert!(!speaks_grpc(&HeaderMap::new()));
}

#[test]
fn only_what_may_succeed_later_tells_when_to_come_back() {
    use tonic::Code::{DeadlineExceeded, Internal, InvalidArgument, ResourceExhausted, Unavailable};
    for (kind, code, retry) in [
        (ErrorKind::Overloaded, Unavailable, true),
        (ErrorKind::Unavailable, Unavailable, true),
        (ErrorKind::Timeout, DeadlineExceeded, true),
        (ErrorKind::TooLarge, ResourceExhausted, false),
        (ErrorKind::InvalidInput, InvalidArgument, false),
        (ErrorKind::Internal, Internal, false),
    ] {
        let status = ingest_status(kind, "why");
        assert_eq!(status.code(), code);
        let details = RpcStatus::decode(status.details()).unwrap();
        assert_eq!(!details.details.is_empty(), retry, "{kind}");
    }
    assert_eq!(body_status(BodyError::TooLarge).code(), ResourceExhausted);
    assert!(body_status(BodyError::TooLarge).details().is_empty());
    assert!(!body_status(BodyError::NoMemory).details().is_empty());
}
