//! The way through a JSON request: resources, their scopes, their spans (or log records, or points), each as a tree of
//! its own.
//!
//! The text is gone through once. A resource or a scope usually stands before what it describes; where it stands
//! after it, a look ahead finds it.

use super::json_views::{CASE_HINT, read_resource, read_scope, read_span};
use super::logs::read_json_record;
use super::metrics::{count_json_points, read_json_metric};
use super::read::{Halt, NO_MEMORY, Request, Stopped};
use super::signal::Signal;
use super::span::Origin;
use super::view::Kept;
use crate::json::{Cursor, Json, MAX_DEPTH, ParseError};

/// Reads all spans, log records or points of a request.
pub(super) fn read(body: &[u8], request: &mut Request<'_>) -> Result<(), Halt> {
    let text = std::str::from_utf8(body);
    let text = text.map_err(|err| Halt::Body(format!("JSON must be UTF-8: {err}")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut cursor = Cursor::of(text);
    match read_request(&mut cursor, request) {
        Ok(()) => Ok(()),
        Err(stopped @ Stopped::Full(_)) => {
            // What is left has to be JSON as well, and is counted on the way.
            let count = count(text, request.signal).map_err(|err| Stopped::from(err).with_left(0))?;
            Err(stopped.with_left(count.saturating_sub(request.spans())))
        }
        Err(stopped) => Err(stopped.with_left(0)),
    }
}

/// How many spans, log records or points a request has that was read up to a limit.
fn count(text: &str, signal: Signal) -> Result<u64, ParseError> {
    let mut cursor = Cursor::of(text);
    let mut count = 0;
    each(&mut cursor, &signal.names().json, &mut |cursor| {
        if signal == Signal::Metrics {
            return count_json_points(cursor, &mut count);
        }
        count += 1;
        cursor.skip().map(|_| ())
    })?;
    cursor.end()?;
    Ok(count)
}

/// Calls `read` at each item at the end of a path of lists of objects.
fn each(
    cursor: &mut Cursor<'_>,
    path: &[&str],
    read: &mut dyn FnMut(&mut Cursor<'_>) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let Some((list, path)) = path.split_first() else { return read(cursor) };
    if cursor.peek() != Some(b'{') {
        return cursor.skip().map(|_| ());
    }
    cursor.enter();
    while let Some(name) = cursor.next_member()? {
        if name.simple() == *list && cursor.peek() == Some(b'[') {
            cursor.enter();
            while cursor.next_item()? {
                each(cursor, path, read)?;
            }
        } else {
            cursor.skip()?;
        }
    }
    Ok(())
}

impl From<ParseError> for Stopped {
    fn from(err: ParseError) -> Self {
        Self::Body(match err.what {
            "nested too deep" => {
                format!("invalid JSON: nested deeper than {MAX_DEPTH} at byte {}", err.offset)
            }
            _ => format!("invalid JSON: {err}"),
        })
    }
}

fn read_request(cursor: &mut Cursor<'_>, request: &mut Request<'_>) -> Result<(), Stopped> {
    if cursor.peek() != Some(b'{') {
        // What is no JSON is told as that.
        cursor.skip()?;
        cursor.end()?;
        return Err(Stopped::Body("the JSON value is not an object".to_owned()));
    }
    cursor.enter();
    let wanted = request.signal.names();
    let [list, ..] = wanted.json;
    let mut other = None;
    let mut found = false;
    while let Some(name) = cursor.next_member()? {
        let name = name.simple();
        if name == list {
            once(&mut found, list)?;
            read_resources(cursor, request)?;
            continue;
        }
        if let Some(signal) = Signal::ALL.into_iter().find(|signal| signal.names().json[0] == name) {
            let (what, path) = (signal.names().request, signal.path());
            other = Some(format!("this is a {what} request, which goes to {path}"));
        } else if name == wanted.protobuf[0] {
            other = Some(CASE_HINT.to_owned());
        }
        cursor.skip()?;
    }
    cursor.end()?;
    match other {
        Some(hint) if !found => Err(Stopped::Body(format!("there is no {list} in it; {hint}"))),
        _ => Ok(()),
    }
}

/// A name that means something may come once: readers would disagree about two.
pub(super) fn once(seen: &mut bool, name: &str) -> Result<(), Stopped> {
    if std::mem::replace(seen, true) {
        return Err(Stopped::Body(format!("it has two members \"{name}\" in one object")));
    }
    Ok(())
}

/// Enters a list of envelopes. False for null, which is an empty list.
fn enter_list(cursor: &mut Cursor<'_>, at: impl Fn() -> String) -> Result<bool, Stopped> {
    match cursor.peek() {
        Some(b'[') => cursor.enter(),
        Some(b'n') => {
            cursor.skip()?;
            return Ok(false);
        }
        _ => return Err(unexpected(cursor, &at(), "a list")),
    }
    Ok(true)
}

fn enter_object(cursor: &mut Cursor<'_>, at: impl Fn() -> String) -> Result<(), Stopped> {
    match cursor.peek() {
        Some(b'{') => {
            cursor.enter();
            Ok(())
        }
        _ => Err(unexpected(cursor, &at(), "an object")),
    }
}

/// Something else than what must be here; if it is JSON at all.
fn unexpected(cursor: &mut Cursor<'_>, at: &str, expected: &str) -> Stopped {
    let kind = cursor.kind();
    match cursor.skip() {
        Ok(_) => Stopped::Body(format!("{at}: expected {expected}, found {kind}")),
        Err(err) => err.into(),
    }
}

fn read_resources(cursor: &mut Cursor<'_>, request: &mut Request<'_>) -> Result<(), Stopped> {
    let [list, ..] = request.signal.names().json;
    if !enter_list(cursor, || list.to_owned())? {
        return Ok(());
    }
    let mut idx = 0_u64;
    while cursor.next_item()? {
        request.item()?;
        read_resource_items(cursor, request, idx)?;
        idx += 1;
    }
    Ok(())
}

fn read_resource_items(cursor: &mut Cursor<'_>, request: &mut Request<'_>, idx: u64) -> Result<(), Stopped> {
    let [list, scopes, _] = request.signal.names().json;
    enter_object(cursor, || format!("{list}[{idx}]"))?;
    let (mut has_resource, mut has_scopes) = (false, false);
    let mut origin = None;
    while let Some(name) = cursor.next_member()? {
        match name.simple() {
            "resource" => {
                once(&mut has_resource, "resource")?;
                match origin {
                    None => origin = Some(resource_at(cursor, request)?),
                    // It was found by looking ahead.
                    Some(_) => drop(cursor.skip()?),
                }
            }
            name if name == scopes => {
                once(&mut has_scopes, scopes)?;
                if origin.is_none() {
                    let mut ahead = cursor.fork();
                    origin = Some(match find_ahead(&mut ahead, "resource")? {
                        true => resource_at(&mut ahead, request)?,
                        false => Origin::default(),
                    });
                }
                read_scopes(cursor, request, origin.as_ref().unwrap_or(&Origin::default()), idx)?;
            }
            _ => drop(cursor.skip()?),
        }
    }
    Ok(())
}

/// Goes to the value of a member that stands after the value that is next. False when there is none.
fn find_ahead(cursor: &mut Cursor<'_>, wanted: &str) -> Result<bool, Stopped> {
    cursor.skip()?;
    while let Some(name) = cursor.next_member()? {
        if name.simple() == wanted {
            return Ok(true);
        }
        cursor.skip()?;
    }
    Ok(false)
}

fn resource_at(cursor: &mut Cursor<'_>, request: &mut Request<'_>) -> Result<Origin, Stopped> {
    let mut issues = Vec::new();
    let (json, tree) = tree_at(cursor, request)?;
    let kept = Kept::default();
    let attributes = match &json {
        Json::Null => Vec::new(),
        json => request.origin(tree, &kept, &mut issues, |reading| read_resource(json, reading))?,
    };
    let origin = Origin::of_resource(attributes, issues);
    request.end_origin(origin.bytes())?;
    Ok(origin)
}

fn scope_at(
    cursor: &mut Cursor<'_>,
    request: &mut Request<'_>,
    resource: &Origin,
) -> Result<Origin, Stopped> {
    let mut issues = Vec::new();
    let (json, tree) = tree_at(cursor, request)?;
    let kept = Kept::default();
    let scope = match &json {
        Json::Null => Default::default(),
        json => request.origin(tree, &kept, &mut issues, |reading| read_scope(json, reading))?,
    };
    let origin = resource.with_scope(scope, issues);
    request.end_origin(0)?;
    Ok(origin)
}

/// The tree of a resource or a scope, and what it takes.
fn tree_at<'a>(cursor: &mut Cursor<'a>, request: &Request<'_>) -> Result<(Json<'a>, usize), Stopped> {
    let left = request.room_left();
    let mut room = left;
    let json = cursor.value(&mut room)?;
    let json = json.ok_or(Stopped::Full("a resource takes more memory than one request may".to_owned()))?;
    Ok((json, left - room))
}

fn read_scopes(
    cursor: &mut Cursor<'_>,
    request: &mut Request<'_>,
    resource: &Origin,
    resource_idx: u64,
) -> Result<(), Stopped> {
    let [list, scopes, _] = request.signal.names().json;
    if !enter_list(cursor, || format!("{list}[{resource_idx}].{scopes}"))? {
        return Ok(());
    }
    let mut idx = 0_u64;
    while cursor.next_item()? {
        request.item()?;
        read_scope_items(cursor, request, resource, (resource_idx, idx))?;
        idx += 1;
    }
    Ok(())
}

fn read_scope_items(
    cursor: &mut Cursor<'_>,
    request: &mut Request<'_>,
    resource: &Origin,
    at: (u64, u64),
) -> Result<(), Stopped> {
    let [list, scopes, items] = request.signal.names().json;
    let path = || format!("{list}[{}].{scopes}[{}]", at.0, at.1);
    enter_object(cursor, path)?;
    let (mut has_scope, mut has_items) = (false, false);
    let mut origin = None;
    while let Some(name) = cursor.next_member()? {
        match name.simple() {
            "scope" => {
                once(&mut has_scope, "scope")?;
                match origin {
                    None => origin = Some(scope_at(cursor, request, resource)?),
                    Some(_) => drop(cursor.skip()?),
                }
            }
            name if name == items => {
                once(&mut has_items, items)?;
                if origin.is_none() {
                    let mut ahead = cursor.fork();
                    origin = Some(match find_ahead(&mut ahead, "scope")? {
                        true => scope_at(&mut ahead, request, resource)?,
                        false => resource.with_scope(Default::default(), Vec::new()),
                    });
                }
                if enter_list(cursor, || format!("{}.{items}", path()))? {
                    read_items(cursor, request, origin.as_ref().unwrap_or(resource))?;
                }
            }
            _ => drop(cursor.skip()?),
        }
    }
    Ok(())
}

fn read_items(cursor: &mut Cursor<'_>, request: &mut Request<'_>, origin: &Origin) -> Result<(), Stopped> {
    while cursor.next_item()? {
        request.item()?;
        if request.signal == Signal::Metrics {
            read_json_metric(cursor, origin, request)?;
            continue;
        }
        let left = request.room_left();
        let mut room = left;
        let Some(json) = cursor.value(&mut room)? else {
            request.refuse_span(NO_MEMORY);
            continue;
        };
        let (tree, kept) = (left - room, Kept::default());
        if request.signal == Signal::Logs {
            request.record(tree, &kept, origin, |reading| read_json_record(&json, reading))?;
        } else {
            request.span(tree, &kept, None, origin, |reading| read_span(&json, reading))?;
        }
    }
    Ok(())
}
