//! Collecting the postings of a part: terms are numbered, documents are lists of numbers, and at the end they are turned
//! around.
//!
//! A list that grows for each term would be somewhere else in memory for every word of a document. Here documents are
//! written down one after the other, and turned around once.

use std::ops::ControlFlow;
use std::path::Path;

use clearspan_model::ErrorKind;
use clearspan_query::fulltext::{for_each_term, for_each_text};
use rustc_hash::FxHashMap;
use tantivy::Index;
use tantivy::index::SegmentComponent;
use tantivy::postings::InvertedIndexSerializer;
use tantivy::schema::Field;
use xxhash_rust::xxh3::xxh3_128;

use crate::error::Context;
use crate::{Error, Result};

/// Terms, numbered.
#[derive(Default)]
pub(super) struct Vocabulary {
    /// By their hash: 128 bits do not collide.
    ids: FxHashMap<u128, u32>,
    text: String,
    ends: Vec<usize>,
}

impl Vocabulary {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn id(&mut self, term: &str) -> u32 {
        let next = u32::try_from(self.ends.len()).expect("far fewer terms than 2^32");
        *self.ids.entry(xxh3_128(term.as_bytes())).or_insert_with(|| {
            self.text.push_str(term);
            self.ends.push(self.text.len());
            next
        })
    }

    pub(super) fn term(&self, id: u32) -> &str {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        self.text.get(start..self.ends[id]).unwrap_or_default()
    }

    pub(super) fn add_plain(&mut self, text: &str, ids: &mut Vec<u32>) {
        for_each_term(text, |term| ids.push(self.id(term)));
    }

    pub(super) fn add_json(&mut self, json: &str, ids: &mut Vec<u32>) {
        let all = for_each_text(json, |text| {
            self.add_plain(text, ids);
            ControlFlow::Continue(())
        });
        debug_assert!(all.is_continue(), "nothing breaks");
    }

    fn bytes(&self) -> usize {
        self.ids.capacity() * size_of::<(u128, u32)>()
            + self.text.capacity()
            + self.ends.capacity() * size_of::<usize>()
    }
}

/// Which documents of a part have which terms.
#[derive(Default)]
pub(super) struct Postings {
    vocabulary: Vocabulary,
    /// For each term the last document that had it, counted from one.
    last_docs: Vec<u32>,
    /// The numbers of terms, document by document.
    terms: Vec<u32>,
    /// Where those of each document end.
    ends: Vec<usize>,
}

impl Postings {
    /// The number of a term.
    pub(super) fn number_of(&mut self, term: &str) -> u32 {
        let number = self.vocabulary.id(term);
        self.last_docs.resize(self.vocabulary.len(), 0);
        number
    }

    /// Adds a term to the current document, once.
    pub(super) fn add(&mut self, number: u32) {
        let doc = u32::try_from(self.ends.len() + 1).expect("far fewer documents than 2^32");
        let last_doc = &mut self.last_docs[number as usize];
        if *last_doc != doc {
            *last_doc = doc;
            self.terms.push(number);
        }
    }

    pub(super) fn end_document(&mut self) {
        self.ends.push(self.terms.len());
    }

    /// The memory that this takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.vocabulary.bytes() + (self.last_docs.len() + self.terms.len()) * size_of::<u32>()
    }

    /// Puts them in the place of the empty ones of an index that has the same documents without terms.
    pub(super) fn write(self, index: &Index, dir: &Path, field: Field) -> Result<()> {
        let writing = || format!("writing a search index to {}", dir.display());
        let segment = index
            .searchable_segments()
            .ok()
            .and_then(|segments| segments.into_iter().next())
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a search index has no segment"))?;
        for component in [SegmentComponent::Terms, SegmentComponent::Postings, SegmentComponent::Positions] {
            std::fs::remove_file(dir.join(segment.relative_path(component)))
                .context(ErrorKind::Unavailable, writing)?;
        }
        let mut files = InvertedIndexSerializer::open(&segment).context(ErrorKind::Unavailable, writing)?;
        self.write_field(&mut files, field).context(ErrorKind::Unavailable, writing)?;
        files.close().context(ErrorKind::Unavailable, writing)
    }

    fn write_field(self, files: &mut InvertedIndexSerializer, field: Field) -> std::io::Result<()> {
        let (docs, ends) = self.by_term();
        let Self { vocabulary, .. } = self;
        let mut numbers: Vec<u32> = (0..).take(vocabulary.len()).collect();
        numbers.sort_unstable_by(|one, other| vocabulary.term(*one).cmp(vocabulary.term(*other)));
        let mut out = files.new_field(field, docs.len() as u64, None)?;
        for number in numbers {
            let start = if number == 0 { 0 } else { ends[number as usize - 1] };
            out.new_term_without_freq(vocabulary.term(number).as_bytes())?;
            for doc in &docs[start..ends[number as usize]] {
                out.write_doc(*doc, 0, &[]);
            }
            out.close_term()?;
        }
        out.close()
    }

    /// The documents of each term, one term after the other, and where those of each end.
    fn by_term(&self) -> (Vec<u32>, Vec<usize>) {
        let mut ends = vec![0; self.vocabulary.len()];
        for term in &self.terms {
            ends[*term as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            // First where they begin; each that is put down moves it on.
            sum += std::mem::replace(end, sum);
        }
        let mut docs = vec![0; self.terms.len()];
        let mut from = 0;
        for (doc, end) in (0..).zip(&self.ends) {
            for term in &self.terms[from..*end] {
                let place = &mut ends[*term as usize];
                docs[*place] = doc;
                *place += 1;
            }
            from = *end;
        }
        (docs, ends)
    }
}
