//! Full text: what a word is, what a search finds, and what an index needs to know to find it.
//!
//! This module is the one definition. Engines that look at every run and engines with an index use the same
//! [`Matcher`], so that an index can only make a search faster and never change its answer.
//!
//! **Texts.** A run has many texts: its name, its error, its tags, and every string and number inside the JSON of its
//! inputs, outputs and metadata ([`for_each_text`]). Keys of objects are not texts, and neither are files in base64
//! ([`is_blob`]). A search looks at one text at a time: a phrase does not go on in the next one.
//!
//! **Words.** A word is a run of letters and digits, whatever their case, with the marks that follow them. Accents
//! count; how they are spelled does not: `ö` is the same as an `o` and the mark on it, and `İ` is an `i` ([`spelling`]).
//! Letters that are only compatible, such as the ligature `ﬁ` and those of full width, are letters of their own. In
//! scripts that put no blanks between words (Chinese, Japanese, Korean, Thai, …) each character is a word, so that a
//! phrase of them is a part of the text; each emoji is a word. Everything else separates.
//!
//! **Searches.** A phrase is found where its words stand one after the other, whatever separates them; characters of a
//! script without blanks that touch each other must touch in the text as well. With `is_prefix` the last word
//! may go on. A regular expression is searched in the text as it is: it heeds how accents are spelled, and case when it
//! has an upper-case letter itself, `^` and `$` are ends of lines, and it takes linear time.

mod json;
mod matcher;
mod pattern;
mod spelling;
mod terms;
#[cfg(test)]
mod tests;
mod words;

pub use json::{for_each_text, is_blob};
pub use matcher::Matcher;
pub use terms::{Required, exact_term, for_each_term, required};
pub use words::fold;

/// What is looked for in a text. The parser guarantees that [`Matcher::new`] takes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Search {
    /// These words one after the other.
    Phrase {
        /// The words as they were written.
        text: String,
        /// The last word may go on.
        is_prefix: bool,
    },
    /// A regular expression.
    Regex(String),
}

impl Search {
    /// A search for whole words.
    pub fn phrase(text: impl Into<String>) -> Self {
        Self::Phrase { text: text.into(), is_prefix: false }
    }
}
