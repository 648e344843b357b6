//! Hostile input of LangSmith's protocol, row by row: the numbers are those of the goals of reliability (table N.6). Each row
//! says what must become of it; a server that answers 500, that dies, or that loses what came beside it fails.

mod filters;
mod forms;
mod runs;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{ID, errors, read_run, root, send, send_form, send_json};
use crate::connection::Answer;
use crate::server::Server;

/// What must become of an input.
enum Then {
    /// It is refused as a whole, in words that have this in them.
    Refused(u16, &'static str),
    /// It is taken whole.
    Taken,
    /// What can be used of it is taken, and of one part it is said why it cannot.
    TakenBut(&'static str),
}

struct Case {
    what: String,
    request: Request<Bytes>,
    then: Then,
}

fn case(what: impl Into<String>, request: Request<Bytes>, then: Then) -> Case {
    Case { what: what.into(), request, then }
}

/// Sends all of a row and shows that the server is as well afterwards as before.
async fn check(server: &Server, row: u8, cases: Vec<Case>) {
    for Case { what, request, then } in cases {
        let answer = send(server, request).await;
        check_answer(&format!("row {row}, {what}"), &answer, &then);
    }
    let sound = json!({"id": nth(999_999), "name": "sound", "session_name": "sound"});
    let answer = send_json(server, "POST", "/runs", &sound).await;
    assert_eq!(answer.status, 202, "row {row}: a sound run afterwards: {}", answer.text());
}

fn check_answer(what: &str, answer: &Answer, then: &Then) {
    let status = answer.status.as_u16();
    let said: String = answer.text().chars().take(400).collect();
    match then {
        Then::Refused(expected, words) => {
            assert_eq!(status, *expected, "{what}: {said}");
            let body = answer.json();
            let detail = body["detail"].as_str().unwrap_or_else(|| panic!("{what}: no detail in {said}"));
            assert!(detail.contains(words), "{what}: {detail}");
        }
        Then::Taken => {
            assert!(answer.status.is_success(), "{what}: {status} {said}");
            assert!(errors(answer).is_empty(), "{what}: {said}");
        }
        Then::TakenBut(words) => {
            assert_eq!(status, 202, "{what}: {said}");
            let errors = errors(answer);
            assert!(errors.len() == 1 && errors[0].contains(words), "{what}: {errors:?}");
        }
    }
}

fn request(method: &str, path: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    request.body(body.into()).expect("a valid request")
}

fn json_request(method: &str, path: &str, body: &Value) -> Request<Bytes> {
    request(method, path, body.to_string())
}

/// An id for the nth run of a row.
fn nth(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

/// A run like the root with other members; null takes one away.
fn root_with(id: &str, members: &Value) -> Value {
    let mut run: Value = serde_json::from_str(&root("odd").to_string().replace(ID, id)).expect("JSON");
    for (key, value) in members.as_object().expect("an object") {
        match value {
            Value::Null => drop(run.as_object_mut().expect("an object").remove(key)),
            value => run[key] = value.clone(),
        }
    }
    run
}
