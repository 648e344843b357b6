//! What the parts of `POST /runs/multipart` are: runs, fields of runs, attachments, feedback. A part that cannot be used
//! is told about in the answer and costs only itself.

use std::io::Write as _;
use std::sync::Arc;

use clearspan_mapping::langsmith::Kind;
use clearspan_model::RunId;
use indexmap::IndexMap;

use super::unpack::{Sink, Stop};
use crate::attachments::{Attachments, Unfinished};
use crate::ingest::{Attachment, OwnDocument, Problems, Reservation};
use crate::multipart::{Headers, Parts, Reader};
use crate::receivers::body::BodyError;

/// A request has at most this many parts; the SDKs send some hundreds.
const MAX_PARTS: usize = 50_000;
/// Names of attachments are at most this long.
const MAX_NAME_BYTES: usize = 1_024;
/// The fields of a run that come apart from it.
const FIELDS: [&str; 6] = ["inputs", "outputs", "events", "extra", "error", "serialized"];
/// Feedback is a few hundred bytes; what it becomes while it is read may take many times its bytes.
const MAX_FEEDBACK_BYTES: usize = 1 << 20;
/// A part in memory takes this much beside its bytes.
const PART_BYTES: usize = 256;

/// What a part is by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Role {
    Main(Kind, RunId),
    Field(Kind, RunId, &'static str),
    Attachment(RunId, String),
    Feedback(String),
}

/// A part while it is read.
struct Open {
    label: String,
    role: Role,
    told_length: Option<u64>,
    bytes: u64,
    content: Content,
    mime_type: String,
}

enum Content {
    Memory(Vec<u8>),
    File(Unfinished),
}

/// Everything that a request brought.
pub(super) struct Collected {
    pub(super) documents: IndexMap<(Kind, RunId), OwnDocument>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) feedback: Vec<(String, Vec<u8>)>,
    pub(super) problems: Problems,
    pub(super) reservation: Reservation,
    pub(super) bytes: u64,
}

/// A request while it is read.
pub(super) struct Collector {
    reader: Option<Reader>,
    open: Option<Open>,
    parts: usize,
    held_bytes: usize,
    store: Arc<Attachments>,
    collected: Collected,
}

impl Collector {
    pub(super) fn new(boundary: &str, store: Arc<Attachments>, reservation: Reservation) -> Self {
        let collected = Collected {
            documents: IndexMap::new(),
            attachments: Vec::new(),
            feedback: Vec::new(),
            problems: Problems::default(),
            reservation,
            bytes: 0,
        };
        Self { reader: Some(Reader::new(boundary)), open: None, parts: 0, held_bytes: 0, store, collected }
    }

    /// What was collected, when the body is complete.
    pub(super) fn finish(self) -> Result<Collected, Stop> {
        self.reader.as_ref().map_or(Ok(()), Reader::finish)?;
        let mut collected = self.collected;
        let problems = &mut collected.problems;
        collected.documents.retain(|(kind, run_id), document| {
            if document.main.is_none() {
                let run = format!("{}.{run_id}", word(*kind));
                for (field, _) in &document.parts {
                    problems.note(format_args!("{run}.{field}"), format!("there is no part {run}"));
                }
            }
            document.main.is_some()
        });
        Ok(collected)
    }

    fn refuse(&mut self, part: &str, message: impl Into<String>) {
        let part = part.get(..part.floor_char_boundary(200)).unwrap_or_default();
        self.collected.problems.note(part, message.into());
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Stop> {
        self.held_bytes += bytes;
        Ok(self.collected.reservation.grow_to(self.held_bytes).map_err(BodyError::from)?)
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Post => "post",
        Kind::Patch => "patch",
    }
}

impl Sink for Collector {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.collected.bytes += bytes.len() as u64;
        // The reader lends itself while it gives us parts.
        let Some(mut reader) = self.reader.take() else { return Err(BodyError::Failed.into()) };
        let outcome = reader.push(bytes, self);
        self.reader = Some(reader);
        outcome
    }
}

impl Parts<'_> for Collector {
    type Stop = Stop;

    fn begin(&mut self, headers: Headers) -> Result<(), Stop> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(Stop::TooMuch(format!(
                "the request has more than {MAX_PARTS} parts; send smaller batches"
            )));
        }
        self.hold(PART_BYTES)?;
        let Some(name) = headers.name else {
            self.refuse("", format!("part {} has no name", self.parts));
            return Ok(());
        };
        let mime_type = headers.content_type.unwrap_or_default();
        if mime_type.starts_with("multipart/") {
            self.refuse(&name, "a part cannot be multipart itself");
            return Ok(());
        }
        let role = match read_name(&name) {
            Ok(role) => role,
            Err(why) => {
                self.refuse(&name, why);
                return Ok(());
            }
        };
        let told_length = match headers.length.transpose() {
            Ok(length) => length,
            Err(text) => {
                self.refuse(&name, format!("the length {text:?} of the part is no number"));
                return Ok(());
            }
        };
        let content = match role {
            Role::Attachment(..) => Content::File(self.store.begin().map_err(Stop::Disk)?),
            _ => Content::Memory(Vec::new()),
        };
        self.open = Some(Open { label: name, role, told_length, bytes: 0, content, mime_type });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        // Nothing is open while a part passes by that was refused.
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.bytes += bytes.len() as u64;
        match &mut open.content {
            Content::File(file) => file.write_all(bytes).map_err(Stop::Disk)?,
            Content::Memory(content) => {
                self.hold(bytes.len())?;
                content.extend_from_slice(bytes);
            }
        }
        self.open = Some(open);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if let Some(told) = open.told_length.filter(|told| *told != open.bytes) {
            self.refuse(&open.label, format!("the part has {} bytes, but it says {told}", open.bytes));
            return Ok(());
        }
        match (open.role, open.content) {
            (Role::Attachment(run_id, name), Content::File(file)) => {
                let (hash, bytes) = self.store.keep(file).map_err(Stop::Disk)?;
                let mime_type = Some(open.mime_type).filter(|mime_type| !mime_type.is_empty());
                self.collected.attachments.push(Attachment { run_id, name, mime_type, hash, bytes });
            }
            (role, Content::Memory(content)) => self.keep_text(&open.label, role, content),
            (_, Content::File(_)) => {}
        }
        Ok(())
    }
}

impl Collector {
    fn keep_text(&mut self, label: &str, role: Role, content: Vec<u8>) {
        let text = match String::from_utf8(content) {
            Ok(text) => text,
            Err(_) => return self.refuse(label, "the part is not UTF-8"),
        };
        let documents = &mut self.collected.documents;
        match role {
            Role::Main(kind, run_id) => {
                let document =
                    documents.entry((kind, run_id)).or_insert_with(|| OwnDocument::new(kind, run_id));
                document.main = Some(text);
            }
            Role::Field(kind, run_id, field) => {
                // An error may be plain text; everything else begins like JSON.
                let is_json = text.trim_start().starts_with(|c: char| "{[\"-0123456789tfnNI".contains(c));
                if field != "error" && !is_json {
                    return self.refuse(label, "the part is no JSON");
                }
                let document =
                    documents.entry((kind, run_id)).or_insert_with(|| OwnDocument::new(kind, run_id));
                document.parts.retain(|(known, _)| *known != field);
                document.parts.push((field, text));
            }
            Role::Feedback(_) if text.len() > MAX_FEEDBACK_BYTES => {
                self.refuse(label, format!("feedback has at most {MAX_FEEDBACK_BYTES} bytes"));
            }
            Role::Feedback(id) => self.collected.feedback.push((id, text.into_bytes())),
            Role::Attachment(..) => {}
        }
    }
}

fn read_name(name: &str) -> Result<Role, String> {
    let mut words = name.splitn(3, '.');
    let (what, id, rest) = (words.next().unwrap_or_default(), words.next(), words.next());
    let id = id.ok_or("a part is named post.<id>, patch.<id>, attachment.<id>.<name> or feedback.<id>")?;
    let run_id = || {
        let run_id: Result<RunId, _> = id.parse();
        run_id.ok().filter(|run_id| !run_id.is_nil()).ok_or_else(|| format!("{id:?} is no UUID of a run"))
    };
    let kind = match what {
        "post" => Kind::Post,
        "patch" => Kind::Patch,
        "attachment" => {
            let name = rest.filter(|name| !name.is_empty()).ok_or("the attachment has no name")?;
            if name.len() > MAX_NAME_BYTES {
                return Err(format!("the name of the attachment has more than {MAX_NAME_BYTES} bytes"));
            }
            let readable = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
            return Ok(Role::Attachment(run_id()?, name.chars().map(readable).collect()));
        }
        "feedback" if rest.is_none() => return Ok(Role::Feedback(id.to_owned())),
        _ => return Err("parts are named post, patch, attachment or feedback, and the id".to_owned()),
    };
    match rest {
        None => Ok(Role::Main(kind, run_id()?)),
        Some(field) => match FIELDS.iter().find(|known| **known == field) {
            Some(field) => Ok(Role::Field(kind, run_id()?, field)),
            None => Err(format!("a run has no field {:?} that comes apart from it", shorten(field))),
        },
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests;
