//! Text that compresses and indexes like prose: pronounceable words, picked with a Zipf-like weight.

use crate::rng::Rng;

const CONSONANTS: &[u8] = b"bcdfghjklmnprstvwz";
const VOWELS: &[u8] = b"aeiou";
const WORDS_IN_A_SENTENCE: usize = 14;

pub(crate) struct Words {
    words: Vec<String>,
    /// For each word the share of picks that fall on it or on one before it.
    cumulative: Vec<f64>,
}

impl Words {
    pub(crate) fn new(count: usize) -> Self {
        let mut rng = Rng::new(7);
        let words = (0..count).map(|_| word(&mut rng)).collect();
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = (0..count)
            .map(|rank| {
                sum += 1.0 / (rank as f64 + 2.7);
                sum
            })
            .collect();
        cumulative.iter_mut().for_each(|share| *share /= sum);
        Self { words, cumulative }
    }

    /// At least `bytes` bytes of text.
    pub(crate) fn text(&self, rng: &mut Rng, bytes: usize) -> String {
        let mut out = String::with_capacity(bytes + 16);
        let mut count = 0;
        while out.len() < bytes {
            let pick = rng.unit();
            let idx = self.cumulative.partition_point(|share| *share < pick).min(self.words.len() - 1);
            out.push_str(&self.words[idx]);
            count += 1;
            out.push(if count % WORDS_IN_A_SENTENCE == 0 { '.' } else { ' ' });
        }
        out
    }
}

fn word(rng: &mut Rng) -> String {
    let syllables = 1 + rng.below(4);
    (0..syllables)
        .flat_map(|_| {
            let consonant = CONSONANTS[rng.index(CONSONANTS.len())];
            let vowel = VOWELS[rng.index(VOWELS.len())];
            [char::from(consonant), char::from(vowel)]
        })
        .collect()
}
