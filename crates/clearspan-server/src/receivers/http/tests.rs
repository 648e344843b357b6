use ::http::HeaderValue;

use super::*;

#[test]
fn content_types_choose_the_encoding() {
    for (value, encoding) in [
        ("application/x-protobuf", Some(Encoding::Protobuf)),
        ("Application/X-Protobuf; charset=utf-8", Some(Encoding::Protobuf)),
        ("application/json", Some(Encoding::Json)),
        ("application/JSON; charset=UTF-8", Some(Encoding::Json)),
        ("application/json; charset=utf-16", None),
        ("text/json", None),
        ("application/grpc", None),
        ("", None),
    ] {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]);
        assert_eq!(request_encoding(&headers).ok(), encoding, "{value}");
    }
    assert_eq!(request_encoding(&HeaderMap::new()).unwrap_err().status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[test]
fn errors_speak_the_clients_encoding() {
    for (encoding, content_type) in
        [(Encoding::Protobuf, "application/x-protobuf"), (Encoding::Json, "application/json")]
    {
        let error =
            OtlpError { status: StatusCode::SERVICE_UNAVAILABLE, message: "full".to_owned(), encoding };
        let response = error.into_response();
        assert_eq!(response.headers()[header::CONTENT_TYPE], content_type);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}

/// Where its SDK for JavaScript sent before version 4.
#[test]
fn old_clients_of_langfuse_are_told_to_update() {
    let (message, hint) = nothing_at("/api/public/ingestion");
    assert!(message.contains("Langfuse") && hint.contains("4 or later in JavaScript"), "{message}; {hint}");
    let (message, hint) = nothing_at("/api/publications");
    assert!(
        message.contains("/v1/traces") && hint.contains("OTEL_EXPORTER_OTLP_ENDPOINT"),
        "{message}; {hint}"
    );
}
