//! Short JSON texts that many runs of a request have: providers, models, parameters. They are made once and shared.

use std::cell::RefCell;
use std::rc::Rc;

use clearspan_model::JsonText;

use super::keys::quick_hash;

/// Makes JSON texts. A clone shares what was made before.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts(Option<Rc<Shared>>);

/// A table with one place for each hash: what collides is forgotten.
#[derive(Debug, Default)]
struct Shared {
    slots: [RefCell<Option<JsonText>>; SLOTS],
    scratch: RefCell<String>,
}

const SLOTS: usize = 32;
/// Longer texts seldom come again.
const MAX_LEN: usize = 200;

impl Texts {
    /// Texts that clones share.
    pub(super) fn shared() -> Self {
        Self(Some(Rc::default()))
    }

    /// The text that `write` appends.
    pub(super) fn make(&self, write: impl FnOnce(&mut String)) -> JsonText {
        let Some(shared) = &self.0 else {
            let mut text = String::new();
            write(&mut text);
            return JsonText::from_trusted(text);
        };
        let mut text = shared.scratch.take();
        write(&mut text);
        let made = shared.share(&text);
        // One long text must not stay for the request.
        if text.capacity() <= MAX_SCRATCH {
            text.clear();
            shared.scratch.replace(text);
        }
        made
    }
}

const MAX_SCRATCH: usize = 64 << 10;

impl Shared {
    fn share(&self, text: &str) -> JsonText {
        if text.len() > MAX_LEN {
            return JsonText::from_trusted(text);
        }
        let mut slot = self.slots[quick_hash(text.as_bytes()) % SLOTS].borrow_mut();
        match &*slot {
            Some(known) if known.as_str() == text => known.clone(),
            _ => slot.insert(JsonText::from_trusted(text)).clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_shared_and_right() {
        for (texts, shares) in [(Texts::shared(), true), (Texts::default(), false)] {
            let texts = texts.clone();
            let make = |text: &str| texts.make(|out| out.push_str(text));
            // More than there are places.
            for _ in 0..2 {
                for number in 0..1_000 {
                    assert_eq!(make(&number.to_string()).as_str(), number.to_string());
                }
            }
            let is_same = |left: JsonText, right: JsonText| std::ptr::eq(left.as_str(), right.as_str());
            assert_eq!(is_same(make("\"openai\""), make("\"openai\"")), shares);
            let long = "1".repeat(MAX_SCRATCH + 1);
            assert_eq!(make(&long).as_str(), long);
            assert!(!is_same(make(&long), make(&long)));
        }
    }
}
