//! `google.rpc.Status`, the body of every OTLP error, in both content types.

use ::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clearspan_mapping::otlp::Encoding;
use clearspan_model::ErrorKind;
use prost::Message;
use serde::Serialize;

/// Seconds after which a client that was refused for now may come back.
pub(super) const RETRY_SECONDS: i64 = 1;

#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<AnyDetail>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyDetail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<RetryDelay>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryDelay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Refuses a gRPC call for now and tells the client when to come back: without that, exporters do not retry some codes.
pub(super) fn retryable(code: tonic::Code, message: &str) -> tonic::Status {
    let info = RetryInfo { retry_delay: Some(RetryDelay { seconds: RETRY_SECONDS, nanos: 0 }) };
    let detail = AnyDetail {
        type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
        value: info.encode_to_vec(),
    };
    RpcStatus { code: code as i32, message: message.to_owned(), details: vec![detail] }.into_grpc()
}

/// The gRPC code for a kind of error.
pub(super) fn grpc_code(kind: ErrorKind) -> tonic::Code {
    match kind {
        ErrorKind::InvalidInput => tonic::Code::InvalidArgument,
        ErrorKind::NotFound => tonic::Code::NotFound,
        ErrorKind::Conflict => tonic::Code::Aborted,
        ErrorKind::Unauthorized => tonic::Code::Unauthenticated,
        ErrorKind::TooLarge => tonic::Code::ResourceExhausted,
        ErrorKind::Overloaded | ErrorKind::Unavailable => tonic::Code::Unavailable,
        ErrorKind::Timeout => tonic::Code::DeadlineExceeded,
        ErrorKind::Corrupt | ErrorKind::Internal => tonic::Code::Internal,
    }
}

/// An OTLP error over HTTP.
#[derive(Debug, Clone)]
pub(super) struct OtlpError {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// The content type that the client speaks.
    pub(super) encoding: Encoding,
}

impl OtlpError {
    fn code(&self) -> tonic::Code {
        match self.status {
            StatusCode::UNAUTHORIZED => tonic::Code::Unauthenticated,
            StatusCode::FORBIDDEN => tonic::Code::PermissionDenied,
            StatusCode::NOT_FOUND => tonic::Code::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => tonic::Code::Unimplemented,
            StatusCode::REQUEST_TIMEOUT => tonic::Code::DeadlineExceeded,
            StatusCode::PAYLOAD_TOO_LARGE => tonic::Code::ResourceExhausted,
            StatusCode::SERVICE_UNAVAILABLE => tonic::Code::Unavailable,
            status if status.is_client_error() => tonic::Code::InvalidArgument,
            _ => tonic::Code::Internal,
        }
    }
}

impl IntoResponse for OtlpError {
    fn into_response(self) -> Response {
        let code = self.code() as i32;
        let mut response = match self.encoding {
            Encoding::Protobuf => {
                let body = RpcStatus { code, message: self.message, details: Vec::new() };
                ([(header::CONTENT_TYPE, "application/x-protobuf")], body.encode_to_vec()).into_response()
            }
            Encoding::Json => {
                #[derive(Serialize)]
                struct Body<'a> {
                    code: i32,
                    message: &'a str,
                }
                axum::Json(Body { code, message: &self.message }).into_response()
            }
        };
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}
