//! LangSmith's own protocol: runs as documents, in one piece, in batches, or as parts of a form with their files.
//!
//! Everything that can be used is kept and acknowledged with 202 once it is durable; what cannot is told in the answer.
//! Nothing that a client sends is answered with 500, because the SDKs send such requests a dozen times: 400, 413 and 422
//! are final for them, and 503 comes with the time after which to try again.

mod feedback;
mod parts;
mod unpack;

use std::sync::Arc;
use std::time::Instant;

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{patch, post};
use axum::{Json, Router};
use clearspan_mapping::langsmith::Kind;
use clearspan_model::RunId;
use serde_json::json;

use super::body::{self, BodyError, Coding};
use super::destination;
use crate::auth::Caller;
use crate::context::Context;
use crate::drain::drain;
use crate::error::http_status;
use crate::ingest::{DocumentReceipt, Documents, IngestError, Problem, Problems, Sent};
use crate::multipart;
use crate::telemetry::{Accepted, Protocol, Refused};

use parts::{Collected, Collector};
use unpack::{Stop, Text};

/// What stands before the paths, by the way in which the endpoint is configured.
const PREFIXES: [&str; 3] = ["", "/api", "/api/v1"];
/// After so many seconds a client may come back that was refused for now.
const RETRY_SECONDS: i64 = 1;

pub(crate) fn router(context: Arc<Context>) -> Router {
    let mut router = Router::new();
    for prefix in PREFIXES {
        for end in ["", "/"] {
            router = router
                .route(&format!("{prefix}/runs{end}"), post(create))
                .route(&format!("{prefix}/runs/batch{end}"), post(batch))
                .route(&format!("{prefix}/runs/multipart{end}"), post(form))
                .route(&format!("{prefix}/runs/{{run_id}}{end}"), patch(update));
        }
    }
    router.with_state(context)
}

async fn create(State(context): State<Arc<Context>>, request: Request) -> Response {
    answer(context, request, Route::One(Kind::Post, None), "Run created").await
}

async fn update(
    State(context): State<Arc<Context>>,
    run_id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let run_id = match run_id {
        Ok(Path(run_id)) => run_id,
        // Its bytes are no text: as good as an id that is none.
        Err(rejection) => rejection.body_text(),
    };
    answer(context, request, Route::One(Kind::Patch, Some(run_id)), "Run updated").await
}

async fn batch(State(context): State<Arc<Context>>, request: Request) -> Response {
    answer(context, request, Route::Batch, "Runs batch ingested").await
}

async fn form(State(context): State<Arc<Context>>, request: Request) -> Response {
    answer(context, request, Route::Form, "Runs batch ingested").await
}

/// How runs are sent.
#[derive(Debug, Clone)]
enum Route {
    One(Kind, Option<String>),
    Batch,
    Form,
}

/// A request that is refused as a whole.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    detail: String,
}

impl Refusal {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Body(BodyError::TooLarge) => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request has more bytes than the server may use; send smaller batches, or raise --inflight",
            ),
            Stop::Body(err) => Self::new(body::status_of(&err), err.to_string()),
            Stop::Malformed(why) => Self::new(StatusCode::BAD_REQUEST, why),
            Stop::TooMuch(why) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, why),
            Stop::Disk(err) => {
                tracing::error!(error = crate::error::chain(&err), "an attachment cannot be written");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server cannot write now; try again later")
            }
        }
    }
}

impl From<IngestError> for Refusal {
    fn from(err: IngestError) -> Self {
        Self::new(http_status(err.kind), err.message)
    }
}

async fn answer(context: Arc<Context>, request: Request, route: Route, message: &'static str) -> Response {
    let begin = Instant::now();
    let (parts, body) = request.into_parts();
    match receive(&context, &parts, body, route).await {
        Ok((receipt, bytes)) => {
            let rejected = receipt.problems.count();
            let accepted = Accepted { runs: receipt.accepted, rejected, bytes };
            context.metrics.note_accepted(Protocol::LangSmith, accepted, begin.elapsed());
            let response = accept(&receipt, message);
            if rejected > 0 {
                note(&context, &parts, response.status(), in_words(&receipt.problems));
            }
            response
        }
        Err(refusal) => {
            context.metrics.note_refused(Protocol::LangSmith, refusal.status);
            note(&context, &parts, refusal.status, refusal.detail.clone());
            let mut response = (refusal.status, Json(json!({ "detail": refusal.detail }))).into_response();
            if refusal.status == StatusCode::SERVICE_UNAVAILABLE {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            }
            response
        }
    }
}

/// Tells the person at the set-up page.
fn note(context: &Context, parts: &Parts, status: StatusCode, reason: String) {
    let hint = match status {
        StatusCode::UNAUTHORIZED => {
            Some("make a key with `clearspan keys create` and set LANGSMITH_API_KEY to it")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            Some("send smaller batches: lower LANGSMITH_BATCH_INGEST_SIZE_LIMIT")
        }
        StatusCode::FORBIDDEN => {
            Some("leave LANGSMITH_WORKSPACE_ID away, or set it to the workspace of the key")
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            Some("clients try again by themselves; /readyz says what is wrong")
        }
        _ => None,
    };
    context.diagnostics.note(Refused {
        time: context.clock.now(),
        protocol: Protocol::LangSmith.as_str(),
        path: parts.uri.path().to_owned(),
        status: status.as_u16(),
        reason,
        hint: hint.map(str::to_owned),
    });
}

fn in_words(problems: &Problems) -> String {
    let first = problems.told().iter().take(3);
    let mut words: Vec<String> =
        first.map(|Problem { part, message }| format!("{part}: {message}")).collect();
    let more = problems.count() - words.len() as u64;
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join("; ")
}

/// 202, also when some parts were refused: clients send nothing again, and the rest is kept. 422 when nothing was kept.
fn accept(receipt: &DocumentReceipt, message: &str) -> Response {
    let problems = &receipt.problems;
    if problems.count() == 0 {
        return (StatusCode::ACCEPTED, Json(json!({ "message": message }))).into_response();
    }
    let errors: Vec<_> = problems
        .told()
        .iter()
        .map(|problem| json!({ "part": problem.part, "error": problem.message }))
        .collect();
    if receipt.accepted == 0 {
        let body = json!({ "detail": in_words(problems), "errors": errors });
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response();
    }
    let message = format!("{message}, except {} parts", problems.count());
    (StatusCode::ACCEPTED, Json(json!({ "message": message, "errors": errors }))).into_response()
}

/// What became of a request, and how many bytes it had.
async fn receive(
    context: &Arc<Context>,
    parts: &Parts,
    body: Body,
    route: Route,
) -> Result<(DocumentReceipt, u64), Refusal> {
    let (caller, coding, boundary) = match check(context, &parts.headers, &route).await {
        Ok(checked) => checked,
        Err(refusal) => {
            // Who waits for "100 Continue" has sent nothing yet; reading would invite it to.
            if !parts.headers.contains_key(header::EXPECT) {
                drain(body).await;
            }
            return Err(refusal);
        }
    };
    let reservation = context.ingest.reservation();
    let workspace_id = caller.workspace_id;
    let (documents, given, mut problems, bytes) = if let Some(boundary) = boundary {
        let collector = Collector::new(&boundary, Arc::clone(&context.attachments), reservation);
        let collected = unpack::read(body, coding, collector).await?.finish()?;
        collected_documents(collected)
    } else {
        let text = unpack::read(body, coding, Text { bytes: Vec::new(), reservation }).await?;
        let bytes = text.bytes.len() as u64;
        (text_documents(text, route)?, Vec::new(), Problems::default(), bytes)
    };
    let mut receipt =
        context.ingest.deliver_documents(documents, destination(caller, &parts.headers)).await?;
    problems.append(std::mem::take(&mut receipt.problems));
    receipt.problems = problems;
    // After the runs: they say where feedback belongs that does not say it.
    let (kept, problems) = feedback::keep(context, workspace_id, given).await?;
    receipt.accepted += kept;
    receipt.problems.append(problems);
    Ok((receipt, bytes))
}

/// Runs, feedback, what could not be used, and the size.
type Sorted = (Documents, Vec<(String, Vec<u8>)>, Problems, u64);

fn collected_documents(collected: Collected) -> Sorted {
    let Collected { documents, attachments, feedback, problems, reservation, bytes } = collected;
    let sent = Sent::Apart(documents.into_values().collect());
    (Documents { sent, attachments, reservation }, feedback, problems, bytes)
}

fn text_documents(text: Text, route: Route) -> Result<Documents, Refusal> {
    let unusable = |why: String| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why);
    let Text { bytes, reservation } = text;
    let text = String::from_utf8(bytes).map_err(|_| unusable("the body is not UTF-8".to_owned()))?;
    let sent = match route {
        Route::One(kind, run_id) => {
            let parse = |id: String| -> Result<RunId, Refusal> {
                id.parse().map_err(|why| unusable(format!("the run's id {id:?} is {why}")))
            };
            Sent::One(kind, run_id.map(parse).transpose()?, text)
        }
        Route::Batch | Route::Form => Sent::Batch(text),
    };
    Ok(Documents { sent, attachments: Vec::new(), reservation })
}

/// Everything that can be refused before the body is read: the caller, how the body is packed, the boundary of a form.
async fn check(
    context: &Context,
    headers: &HeaderMap,
    route: &Route,
) -> Result<(Caller, Coding, Option<String>), Refusal> {
    let caller = context.auth.check(headers, context.clock.now()).await;
    let caller = caller.map_err(|refusal| Refusal::new(refusal.status, refusal.message))?;
    let coding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("unreadable"));
    let coding =
        body::coding_of(coding).map_err(|why| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why))?;
    let Route::Form = route else { return Ok((caller, coding, None)) };
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multipart::boundary_of(content_type)
        .map_err(|multipart::Malformed(why)| Refusal::new(StatusCode::BAD_REQUEST, why))?;
    Ok((caller, coding, Some(boundary)))
}
