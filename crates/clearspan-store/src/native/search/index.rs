//! Reading the index of a segment: which rows may hold what a search requires.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use clearspan_model::{ErrorKind, ProjectId};
use clearspan_query::fulltext::Required;
use tantivy::columnar::Column;
use tantivy::postings::TermInfo;
use tantivy::schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{DocSet as _, Index, InvertedIndexReader, SegmentReader, TERMINATED};

use super::marker::{Marker, PartEntry, unmetered};
use crate::error::Context;
use crate::native::segment::Segment;
use crate::{Error, Result};

/// A prefix, or a part of a word, that more terms have tells too little to be worth reading all their documents.
const MAX_TERMS: usize = 1024;
/// So few documents are not narrowed down by looking at every term of the index.
const FEW_DOCS: usize = 32;
/// Times of documents are rounded up to this, which makes them small.
const TIME_STEP_NANOS: i64 = 1_000_000;

/// The fields of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// The terms.
    pub(super) text: Field,
    /// The first of its rows; the last is before the first of the next document.
    pub(super) row: Field,
    /// No row of it is newer, in steps of [`TIME_STEP_NANOS`].
    pub(super) newest: Field,
}

pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    // The builder gives terms with blanks between them, each once: there is nothing to count.
    let terms = TextFieldIndexing::default()
        .set_tokenizer("whitespace")
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let fields = Fields {
        text: schema.add_text_field("text", TextOptions::default().set_indexing_options(terms)),
        row: schema.add_u64_field("row", FAST),
        newest: schema.add_i64_field("newest", FAST),
    };
    (schema.build(), fields)
}

/// A time as documents keep it.
pub(super) fn round_up(nanos: i64) -> i64 {
    nanos.div_euclid(TIME_STEP_NANOS) + i64::from(nanos.rem_euclid(TIME_STEP_NANOS) > 0)
}

/// Rows that may match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doc {
    pub(crate) rows: Range<u32>,
    /// None of them is newer, nanoseconds.
    pub(crate) newest: i64,
}

/// The index of one segment.
pub(crate) struct SegmentIndex {
    parts: Vec<Part>,
    bytes: u64,
}

impl std::fmt::Debug for SegmentIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentIndex").field("parts", &self.parts.len()).field("bytes", &self.bytes).finish()
    }
}

struct Part {
    terms: Arc<InvertedIndexReader>,
    first_rows: Column<u64>,
    newest: Column<i64>,
    docs: u32,
    entry: PartEntry,
}

/// Documents of a part.
enum Docs {
    All,
    /// In order.
    Some(Vec<u32>),
}

impl SegmentIndex {
    /// Opens an index and checks all of it.
    pub(super) fn open(dir: &Path, segment: &Segment) -> Result<Self> {
        let mut marker = Marker::load(dir, segment, &mut unmetered())?;
        let bytes = marker.bytes();
        let parts = marker.parts.drain(..).map(|entry| Part::open(&dir.join(&entry.name), entry));
        Ok(Self { parts: parts.collect::<Result<_>>()?, bytes })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The rows of some projects that may hold what is required, in order.
    pub(crate) fn docs(&self, required: &Required, projects: Option<&[ProjectId]>) -> Result<Vec<Doc>> {
        let mut found = Vec::new();
        for part in &self.parts {
            for range in part.ranges(projects) {
                let numbers = match part.eval(required, &range)? {
                    Docs::All => range.collect(),
                    Docs::Some(numbers) => numbers,
                };
                found.extend(numbers.into_iter().map(|doc| part.doc(doc)));
            }
        }
        Ok(found)
    }

    /// About how many documents hold what is required; never too few.
    pub(crate) fn estimate(&self, required: &Required) -> Result<u64> {
        let mut sum = 0;
        for part in &self.parts {
            sum += part.estimate(required)?;
        }
        Ok(sum)
    }
}

impl Part {
    fn open(dir: &Path, entry: PartEntry) -> Result<Self> {
        let opening = || format!("opening the search index {}", dir.display());
        let open = || -> tantivy::Result<Self> {
            let index = Index::open_in_dir(dir)?;
            let (_, fields) = schema();
            let segment = index.searchable_segments()?.into_iter().next();
            let segment =
                segment.ok_or_else(|| tantivy::TantivyError::SystemError("it is empty".to_owned()))?;
            let reader = SegmentReader::open(&segment)?;
            let fast = reader.fast_fields();
            Ok(Self {
                terms: reader.inverted_index(fields.text)?,
                first_rows: fast.u64("row")?,
                newest: fast.i64("newest")?,
                docs: reader.max_doc(),
                entry,
            })
        };
        open().context(ErrorKind::Corrupt, opening)
    }

    fn doc(&self, doc: u32) -> Doc {
        let row = |doc: u32| self.first_rows.first(doc).and_then(|row| u32::try_from(row).ok());
        let start = row(doc).unwrap_or_default();
        let end = if doc + 1 < self.docs { row(doc + 1) } else { None };
        Doc {
            rows: start..end.unwrap_or(self.entry.end_row),
            newest: self.newest.first(doc).unwrap_or(i64::MAX).saturating_mul(TIME_STEP_NANOS),
        }
    }

    /// The documents of some projects.
    fn ranges(&self, projects: Option<&[ProjectId]>) -> Vec<Range<u32>> {
        let Some(projects) = projects else { return std::iter::once(0..self.docs).collect() };
        let of_part = &self.entry.projects;
        let ends = of_part.iter().skip(1).map(|(_, first)| *first).chain([self.docs]);
        let ranges = of_part.iter().zip(ends);
        ranges
            .filter(|((project, _), _)| projects.contains(project))
            .map(|((_, first), end)| *first..end)
            .collect()
    }

    fn eval(&self, required: &Required, range: &Range<u32>) -> Result<Docs> {
        let mut docs = Vec::new();
        match required {
            Required::Nothing => return Ok(Docs::All),
            Required::Term(term) => {
                if let Some(info) = self.terms.terms().get(term).map_err(unreadable)? {
                    self.read(&info, range, &mut docs)?;
                }
            }
            Required::Prefix(prefix) => {
                let mut stream = self.terms.terms().range().ge(prefix).into_stream().map_err(unreadable)?;
                let mut terms = 0;
                while stream.advance() && stream.key().starts_with(prefix.as_bytes()) {
                    terms += 1;
                    if terms > MAX_TERMS {
                        return Ok(Docs::All);
                    }
                    self.read(stream.value(), range, &mut docs)?;
                }
            }
            Required::Part(part) => {
                let finder = Finder::new(part);
                let mut stream = self.terms.terms().stream().map_err(unreadable)?;
                let mut terms = 0;
                while stream.advance() {
                    if finder.is_in(stream.key()) {
                        terms += 1;
                        if terms > MAX_TERMS {
                            return Ok(Docs::All);
                        }
                        self.read(stream.value(), range, &mut docs)?;
                    }
                }
            }
            Required::Any(any) => {
                for required in any {
                    match self.eval(required, range)? {
                        Docs::All => return Ok(Docs::All),
                        Docs::Some(more) => docs.extend(more),
                    }
                }
            }
            Required::All(all) => return self.eval_all(all, range),
        }
        docs.sort_unstable();
        docs.dedup();
        Ok(Docs::Some(docs))
    }

    fn eval_all(&self, all: &[Required], range: &Range<u32>) -> Result<Docs> {
        let mut all: Vec<&Required> = all.iter().collect();
        all.sort_by_key(|required| effort(required));
        let mut docs = Docs::All;
        for required in all {
            if let Docs::Some(known) = &docs
                && (known.is_empty() || known.len() <= FEW_DOCS && effort(required) > 1)
            {
                break;
            }
            docs = match (docs, self.eval(required, range)?) {
                (Docs::All, docs) | (docs, Docs::All) => docs,
                (Docs::Some(mut docs), Docs::Some(others)) => {
                    docs.retain(|doc| others.binary_search(doc).is_ok());
                    Docs::Some(docs)
                }
            };
        }
        Ok(docs)
    }

    fn read(&self, info: &TermInfo, range: &Range<u32>, docs: &mut Vec<u32>) -> Result<()> {
        let mut postings =
            self.terms.read_postings_from_terminfo(info, IndexRecordOption::Basic).map_err(unreadable)?;
        let mut doc = if postings.doc() < range.start { postings.seek(range.start) } else { postings.doc() };
        while doc < range.end && doc != TERMINATED {
            docs.push(doc);
            doc = postings.advance();
        }
        Ok(())
    }

    fn estimate(&self, required: &Required) -> Result<u64> {
        let all = u64::from(self.docs);
        Ok(match required {
            Required::Term(term) => {
                self.terms.terms().get(term).map_err(unreadable)?.map_or(0, |info| u64::from(info.doc_freq))
            }
            Required::All(parts) => {
                let mut least = all;
                for part in parts {
                    least = least.min(self.estimate(part)?);
                }
                least
            }
            Required::Any(parts) => {
                let mut sum = 0;
                for part in parts {
                    sum += self.estimate(part)?;
                }
                sum.min(all)
            }
            Required::Nothing | Required::Prefix(_) | Required::Part(_) => all,
        })
    }
}

/// How much of an index has to be read: the least first.
fn effort(required: &Required) -> u8 {
    match required {
        Required::Term(_) => 0,
        Required::Prefix(_) | Required::Nothing => 1,
        Required::All(parts) | Required::Any(parts) => parts.iter().map(effort).max().unwrap_or(0),
        Required::Part(_) => 2,
    }
}

/// Finds a part in terms, of which there are millions.
struct Finder<'a> {
    part: &'a [u8],
}

impl<'a> Finder<'a> {
    fn new(part: &'a str) -> Self {
        Self { part: part.as_bytes() }
    }

    fn is_in(&self, term: &[u8]) -> bool {
        let Some((first, rest)) = self.part.split_first() else { return true };
        let mut at = 0;
        while term.len() >= at + self.part.len() {
            match term[at..term.len() - rest.len()].iter().position(|byte| byte == first) {
                Some(skip) => {
                    at += skip + 1;
                    if term[at..].starts_with(rest) {
                        return true;
                    }
                }
                None => return false,
            }
        }
        false
    }
}

fn unreadable(source: std::io::Error) -> Error {
    Error::caused(ErrorKind::Corrupt, "reading a search index", source)
}
