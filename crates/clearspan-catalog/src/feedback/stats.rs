use std::collections::BTreeMap;

use crate::Feedback;

/// How many comments are kept as examples.
const MAX_COMMENTS: usize = 10;

/// Figures of the feedback with one key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeedbackStats {
    /// How many there are.
    pub count: u64,
    /// How many of them have a score.
    pub scored: u64,
    /// The sum of the scores.
    pub sum: f64,
    /// The sum of the squares of the scores.
    pub sum_of_squares: f64,
    /// The lowest score.
    pub min: Option<f64>,
    /// The highest score.
    pub max: Option<f64>,
    /// How often each value was given, as plain text.
    pub values: BTreeMap<String, u64>,
    /// Some of the comments.
    pub comments: Vec<String>,
    /// The kinds of sources, each once.
    pub sources: Vec<String>,
    /// How often an evaluator failed.
    pub errors: u64,
}

impl FeedbackStats {
    /// Takes one more into account.
    pub fn add(&mut self, feedback: &Feedback) {
        self.count += 1;
        if let Some(score) = feedback.score {
            let score = score.as_number();
            self.scored += 1;
            self.sum += score;
            self.sum_of_squares += score * score;
            self.min = Some(self.min.map_or(score, |min| min.min(score)));
            self.max = Some(self.max.map_or(score, |max| max.max(score)));
        }
        if let Some(value) = &feedback.value {
            *self.values.entry(value.to_plain()).or_default() += 1;
        }
        if let Some(comment) = &feedback.comment {
            self.add_comment(comment);
        }
        if let Some(source) = &feedback.source_type {
            self.add_source(source);
        }
        self.errors += u64::from(feedback.is_error == Some(true));
    }

    pub(crate) fn add_comment(&mut self, comment: &str) {
        if self.comments.len() < MAX_COMMENTS {
            self.comments.push(comment.to_owned());
        }
    }

    pub(crate) fn add_source(&mut self, source: &str) {
        if !self.sources.iter().any(|known| known == source) {
            self.sources.push(source.to_owned());
        }
    }

    /// The mean of the scores.
    pub fn average(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.sum / self.scored as f64)
    }

    /// How far the scores are spread around their mean; none for less than two.
    pub fn standard_deviation(&self) -> Option<f64> {
        let (mean, count) = (self.average()?, self.scored as f64);
        // Rounding may leave a little less than nothing.
        (self.scored > 1).then(|| ((self.sum_of_squares / count) - mean * mean).max(0.0).sqrt())
    }
}
