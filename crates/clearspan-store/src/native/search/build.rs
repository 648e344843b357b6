//! Building the index of a segment, one row group after the other.
//!
//! A document stands for neighbouring rows of one trace, at most [`DOC_ROWS`] of one row group. Documents are in the order
//! of rows, so that the rows of one end where those of the next begin. Each distinct message of a row group is read
//! once, however many runs repeat it. A part is closed when its postings have grown to [`PART_BYTES`], which
//! bounds the memory.
//!
//! Tantivy writes the files, but does not collect the postings ([`postings`]): the terms of a row group are numbered
//! anyway, and finding them by their text for every document again took most of the time.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{ArrowNativeType as _, Int32Type, TimestampNanosecondType};
use clearspan_model::{ErrorKind, ProjectId};
use clearspan_query::Field;
use tantivy::directory::MmapDirectory;
use tantivy::indexer::SingleSegmentIndexWriter;
use tantivy::{Index, IndexSettings, TantivyDocument};

use super::index::{self, Fields};
use super::marker::{Marker, PartEntry};
use super::postings::{Postings, Vocabulary};
use crate::error::Context;
use crate::native::query::texts::{Form, columns_of, fragments};
use crate::native::segment::Segment;
use crate::schema::Col;
use crate::schema::rows::text_at;
use crate::{Error, Result};

/// The most rows that a document stands for.
const DOC_ROWS: usize = 256;
/// The memory that the postings of a part take at most, before they are sorted.
const PART_BYTES: usize = 24 << 20;
/// What Tantivy may take for what it collects itself, two numbers for each document.
const WRITER_BYTES: usize = 1 << 20;
/// Stands for a term that no document of the part has yet.
const UNNUMBERED: u32 = u32::MAX;

/// Builds the index of a segment in an empty folder. `pace` is called after each row group with the time that it took;
/// when it says no, the work is left unfinished and the answer is no.
pub(super) fn build(segment: &Segment, dir: &Path, pace: &mut dyn FnMut(Duration) -> bool) -> Result<bool> {
    let columns: Vec<(Col, Form)> = columns_of(&Field::Text);
    let mut wanted = vec![Col::project_id, Col::trace_id, Col::time];
    wanted.extend(columns.iter().map(|(col, _)| *col));
    wanted.sort_unstable_by_key(|col| *col as usize);
    wanted.dedup();

    let mut parts = Vec::new();
    let mut writer: Option<PartWriter> = None;
    let mut row = 0_u32;
    for group in 0..segment.group_count()? {
        let begin = Instant::now();
        for batch in segment.read_group(group, &wanted)? {
            let part = match &mut writer {
                Some(part) => part,
                None => writer.insert(PartWriter::create(dir, parts.len())?),
            };
            part.add_batch(&batch, &columns, row)?;
            row += u32::try_from(batch.num_rows()).expect("a row group is small");
        }
        if writer.as_ref().is_some_and(|part| part.postings.bytes() > PART_BYTES) {
            parts.extend(writer.take().map(|part| part.finish(row)).transpose()?);
        }
        if !pace(begin.elapsed()) {
            return Ok(false);
        }
    }
    parts.extend(writer.take().map(|part| part.finish(row)).transpose()?);
    Marker::write(dir, segment, parts)?;
    Ok(true)
}

struct PartWriter {
    name: String,
    fields: Fields,
    path: PathBuf,
    writer: SingleSegmentIndexWriter,
    postings: Postings,
    docs: u32,
    projects: Vec<(ProjectId, u32)>,
}

impl PartWriter {
    fn create(dir: &Path, number: usize) -> Result<Self> {
        let name = format!("part-{number:04}");
        let path = dir.join(&name);
        std::fs::create_dir_all(&path)
            .context(ErrorKind::Unavailable, || format!("making {}", path.display()))?;
        let (schema, fields) = index::schema();
        let settings =
            IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
        let writer = MmapDirectory::open(&path)
            .map_err(tantivy::TantivyError::from)
            .and_then(|directory| {
                Index::builder()
                    .schema(schema)
                    .settings(settings)
                    .single_segment_index_writer(directory, WRITER_BYTES)
            })
            .map_err(failed)?;
        let postings = Postings::default();
        Ok(Self { name, fields, path, writer, postings, docs: 0, projects: Vec::new() })
    }

    /// Adds the rows of a batch, of which the first is `first_row` of the segment.
    fn add_batch(&mut self, batch: &RecordBatch, columns: &[(Col, Form)], first_row: u32) -> Result<()> {
        let column = |col: Col| batch.column_by_name(col.name()).expect("the column was asked for");
        let projects = column(Col::project_id).as_fixed_size_binary();
        let traces = column(Col::trace_id).as_fixed_size_binary();
        let times = column(Col::time).as_primitive::<TimestampNanosecondType>().values();
        let mut texts = BatchTexts::new(batch, columns);
        let mut start = 0;
        while start < batch.num_rows() {
            let key = (projects.value(start), traces.value(start));
            let end = (start + 1..batch.num_rows().min(start + DOC_ROWS))
                .find(|row| (projects.value(*row), traces.value(*row)) != key)
                .unwrap_or(batch.num_rows().min(start + DOC_ROWS));
            let project = ProjectId::from_bytes(key.0.try_into().expect("ids have sixteen bytes"));
            if self.projects.last().is_none_or(|(last, _)| *last != project) {
                self.projects.push((project, self.docs));
            }
            let mut document = TantivyDocument::default();
            let first = first_row + u32::try_from(start).expect("a row group is small");
            document.add_u64(self.fields.row, u64::from(first));
            let newest = times[start..end].iter().copied().max().unwrap_or_default();
            document.add_i64(self.fields.newest, index::round_up(newest));
            self.writer.add_document(document).map_err(failed)?;
            texts.add_terms_of(start..end, &mut self.postings);
            self.docs += 1;
            start = end;
        }
        Ok(())
    }

    fn finish(self, end_row: u32) -> Result<PartEntry> {
        let index = self.writer.finalize().map_err(failed)?;
        self.postings.write(&index, &self.path, self.fields.text)?;
        Ok(PartEntry { name: self.name, end_row, projects: self.projects })
    }
}

fn failed(source: tantivy::TantivyError) -> Error {
    Error::caused(ErrorKind::Unavailable, "writing a search index", source)
}

/// The terms of the rows of a batch.
struct BatchTexts<'a> {
    /// With the place in `messages`.
    columns: Vec<(&'a ArrayRef, Form, usize)>,
    /// For each dictionary of messages those that were seen. What went in and what came out have one together.
    messages: Vec<Vec<Option<Message>>>,
    vocabulary: Vocabulary,
    /// What each term has for a number in the part; [`UNNUMBERED`] until a document has it.
    numbers: Vec<u32>,
    docs: u32,
}

/// A message that was read.
#[derive(Clone)]
struct Message {
    terms: Box<[u32]>,
    /// The last document that has it: the next runs of a trace repeat what was said before.
    last_doc: u32,
}

impl<'a> BatchTexts<'a> {
    fn new(batch: &'a RecordBatch, columns: &[(Col, Form)]) -> Self {
        let mut dictionaries: Vec<Option<*const u8>> = Vec::new();
        let present = |(col, form): &(Col, Form)| {
            let array = batch.column_by_name(col.name())?;
            let dictionary = distinct_messages(array).map(|texts| texts.value_data().as_ptr());
            let known = dictionaries.iter().position(|known| dictionary.is_some() && *known == dictionary);
            let place = known.unwrap_or_else(|| {
                dictionaries.push(dictionary);
                dictionaries.len() - 1
            });
            Some((array, *form, place))
        };
        let columns: Vec<_> = columns.iter().filter_map(present).collect();
        Self {
            messages: dictionaries.iter().map(|_| Vec::new()).collect(),
            columns,
            vocabulary: Vocabulary::default(),
            numbers: Vec::new(),
            docs: 0,
        }
    }

    /// Gives the terms of some rows to the next document.
    fn add_terms_of(&mut self, rows: Range<usize>, postings: &mut Postings) {
        self.docs += 1;
        let mut ids = Vec::new();
        for (array, form, messages) in &self.columns {
            let messages = &mut self.messages[*messages];
            for row in rows.clone().filter(|row| array.is_valid(*row)) {
                add_row(
                    array,
                    row,
                    *form,
                    &mut self.vocabulary,
                    &mut Seen { messages, doc: self.docs },
                    &mut ids,
                );
            }
        }
        self.numbers.resize(self.vocabulary.len(), UNNUMBERED);
        for id in ids {
            let number = &mut self.numbers[id as usize];
            if *number == UNNUMBERED {
                *number = postings.number_of(self.vocabulary.term(id));
            }
            postings.add(*number);
        }
        postings.end_document();
    }
}

/// The dictionary of a column of messages, if it has one.
fn distinct_messages(array: &ArrayRef) -> Option<&StringArray> {
    array.as_list_opt::<i32>()?.values().as_dictionary_opt::<Int32Type>()?.values().as_string_opt::<i32>()
}

/// The messages of a dictionary that were seen, for a document.
struct Seen<'m> {
    messages: &'m mut Vec<Option<Message>>,
    doc: u32,
}

/// Adds the terms of a row, without those that the document has by the same message already.
fn add_row(
    array: &ArrayRef,
    row: usize,
    form: Form,
    vocabulary: &mut Vocabulary,
    seen: &mut Seen<'_>,
    ids: &mut Vec<u32>,
) {
    let mut all_of = |texts: &ArrayRef, is_json: bool, ids: &mut Vec<u32>| {
        for text in (0..texts.len()).filter_map(|idx| text_at(texts, idx)) {
            if is_json { vocabulary.add_json(text, ids) } else { vocabulary.add_plain(text, ids) }
        }
    };
    match form {
        Form::Plain => {
            if let Some(text) = text_at(array, row) {
                vocabulary.add_plain(text, ids);
            }
        }
        Form::Json => {
            if let Some(json) = text_at(array, row) {
                vocabulary.add_json(json, ids);
            }
        }
        Form::List { is_json } => {
            let Some(lists) = array.as_list_opt::<i32>() else { return };
            let Some(words) = lists.values().as_dictionary_opt::<Int32Type>() else {
                return all_of(&lists.value(row), is_json, ids);
            };
            let Some(texts) = words.values().as_string_opt::<i32>() else { return };
            seen.messages.resize(texts.len(), None);
            let offsets = lists.value_offsets();
            for key in &words.keys().values()[offsets[row].as_usize()..offsets[row + 1].as_usize()] {
                let key = key.as_usize();
                let message = seen.messages[key].get_or_insert_with(|| {
                    let mut terms = Vec::new();
                    vocabulary.add_json(texts.value(key), &mut terms);
                    terms.sort_unstable();
                    terms.dedup();
                    Message { terms: terms.into(), last_doc: 0 }
                });
                if message.last_doc != seen.doc {
                    message.last_doc = seen.doc;
                    ids.extend_from_slice(&message.terms);
                }
            }
        }
        Form::Map => {
            if let Some(maps) = array.as_map_opt() {
                all_of(maps.value(row).column(1), true, ids);
            }
        }
        Form::Fragments(side) => {
            for fragment in fragments(text_at(array, row), side) {
                vocabulary.add_json(fragment.message.as_str(), ids);
            }
        }
    }
}
