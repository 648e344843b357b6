//! What the REST API says when it cannot answer: a stable code, what to do, where in the filter, which request.

use std::ops::Range;

use axum::Json;
use axum::response::{IntoResponse, Response};
use clearspan_model::ErrorKind;
use clearspan_query::Diagnostic;
use clearspan_store::native::is_object_store_down;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::error::{Refusal, chain, http_status};
use crate::ingest::IngestError;

pub(crate) type Result<T> = std::result::Result<T, ApiError>;

/// What went wrong, in a word that never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorCode {
    /// The filter text cannot be read; `position` says where.
    InvalidFilter,
    /// The statement cannot be run; `position` says where, if it is one place.
    InvalidQuery,
    /// A parameter of the path or the query cannot be used.
    InvalidParameter,
    /// The cursor was changed, or belongs to another list.
    InvalidCursor,
    /// The body is not what this endpoint takes; `pointer` says where, if it is one member.
    InvalidBody,
    /// The body must be sent as `application/json`.
    UnsupportedMediaType,
    /// No such project, trace, run or path.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Something exists already or changed meanwhile.
    Conflict,
    /// A key is missing or not valid.
    Unauthorized,
    /// The credentials contradict each other or cannot be read.
    InvalidCredentials,
    /// More was sent or asked for than is allowed.
    TooLarge,
    /// Too busy now; ask again later.
    Overloaded,
    /// A part of the server does not work now.
    Unavailable,
    /// The answer took too long to make.
    Timeout,
    /// A failure of the server. The log tells more under the request's id.
    Internal,
}

/// An answer that could not be given.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) position: Option<Range<usize>>,
    /// The member of the body that is wrong, as a JSON pointer.
    pub(crate) pointer: Option<&'static str>,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    code: ErrorCode,
    /// What is wrong and what to do.
    message: String,
    /// Where in the filter text or the statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    /// Which member of the body, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'static str>,
    /// The same as in the `x-request-id` header and in the server's log.
    request_id: String,
}

/// Bytes of the filter text or the statement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Position {
    start: usize,
    end: usize,
}

/// In which shape a client reads errors.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ErrorShape {
    /// [`ErrorBody`].
    Clearspan,
    /// `{"detail": "…"}`, which the LangSmith SDKs print.
    LangSmith,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let status = match code {
            ErrorCode::InvalidFilter
            | ErrorCode::InvalidQuery
            | ErrorCode::InvalidParameter
            | ErrorCode::InvalidCursor
            | ErrorCode::InvalidCredentials
            | ErrorCode::InvalidBody => StatusCode::BAD_REQUEST,
            ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::Conflict => StatusCode::CONFLICT,
            ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
            ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::Overloaded | ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, code, message: message.into(), position: None, pointer: None }
    }

    /// A body of which one member cannot be used.
    pub(crate) fn member(pointer: &'static str, problem: impl Into<String>) -> Self {
        Self { pointer: Some(pointer), ..Self::new(ErrorCode::InvalidBody, problem) }
    }

    pub(crate) fn parameter(name: &str, problem: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidParameter, format!("the parameter {name} {problem}"))
    }

    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no {what} {id}"))
    }

    /// The complaint about a filter, with its place.
    pub(crate) fn filter(diagnostic: &Diagnostic) -> Self {
        let mut error = Self::new(ErrorCode::InvalidFilter, diagnostic.to_string());
        error.position = Some(diagnostic.span.clone());
        error
    }

    /// The answer in the shape that this client reads.
    pub(crate) fn render(&self, shape: ErrorShape, request_id: &str) -> Response {
        let mut response = match shape {
            ErrorShape::Clearspan => {
                let position =
                    self.position.clone().map(|span| Position { start: span.start, end: span.end });
                let (message, request_id) = (self.message.clone(), request_id.to_owned());
                let (code, pointer) = (self.code, self.pointer);
                let error = ErrorDetail { code, message, position, pointer, request_id };
                (self.status, Json(ErrorBody { error })).into_response()
            }
            ErrorShape::LangSmith => (self.status, Json(json!({ "detail": self.message }))).into_response(),
        };
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// An empty answer that carries the error; the `respond` layer gives it its body.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<clearspan_store::Error> for ApiError {
    fn from(error: clearspan_store::Error) -> Self {
        let mut answer = of_kind(error.kind(), &error);
        if error.kind() == ErrorKind::TooLarge {
            // The body was not too large: what was asked for is.
            answer.status = StatusCode::UNPROCESSABLE_ENTITY;
        }
        answer
    }
}

impl From<clearspan_catalog::Error> for ApiError {
    fn from(error: clearspan_catalog::Error) -> Self {
        of_kind(error.kind(), &error)
    }
}

/// The words of `auth`, in our shape.
impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.status {
            StatusCode::UNAUTHORIZED => ErrorCode::Unauthorized,
            StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Unavailable,
            _ => ErrorCode::InvalidCredentials,
        };
        Self { status: refusal.status, ..Self::new(code, refusal.message) }
    }
}

/// The words of `ingest`, which has logged what callers cannot act on.
impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        Self { status: http_status(error.kind), ..Self::new(code_of(error.kind), error.message) }
    }
}

fn code_of(kind: ErrorKind) -> ErrorCode {
    match kind {
        ErrorKind::InvalidInput => ErrorCode::InvalidParameter,
        ErrorKind::NotFound => ErrorCode::NotFound,
        ErrorKind::Conflict => ErrorCode::Conflict,
        ErrorKind::Unauthorized => ErrorCode::Unauthorized,
        ErrorKind::TooLarge => ErrorCode::TooLarge,
        ErrorKind::Overloaded => ErrorCode::Overloaded,
        ErrorKind::Unavailable => ErrorCode::Unavailable,
        ErrorKind::Timeout => ErrorCode::Timeout,
        ErrorKind::Corrupt | ErrorKind::Internal => ErrorCode::Internal,
    }
}

/// Tells callers what they can act on; what they cannot goes to the log only.
fn of_kind(kind: ErrorKind, error: &(dyn std::error::Error + 'static)) -> ApiError {
    let code = code_of(kind);
    let message = match code {
        ErrorCode::Internal if kind == ErrorKind::Corrupt => {
            tracing::error!(error = chain(error), "stored data is damaged");
            format!(
                "stored data that this needs is damaged ({error}); other traces and times can be read, and `clearspan doctor` says what to do"
            )
        }
        ErrorCode::Internal => {
            tracing::error!(error = chain(error), "a request failed");
            "the server failed to answer; its log tells more under this request's id".to_owned()
        }
        ErrorCode::Unavailable if is_object_store_down(error) => {
            tracing::warn!(error = chain(error), "a request needs the object store");
            "the object store cannot be reached now, and this needs what is only there; try again later"
                .to_owned()
        }
        ErrorCode::Unavailable => {
            tracing::warn!(error = chain(error), "a request could not be served");
            "the server cannot answer this now; its log tells why".to_owned()
        }
        _ => error.to_string(),
    };
    let mut error = ApiError::new(code, message);
    error.status = http_status(kind);
    error
}

/// A task that was to compute something panicked.
impl From<tokio::task::JoinError> for ApiError {
    fn from(error: tokio::task::JoinError) -> Self {
        of_kind(ErrorKind::Internal, &error)
    }
}
