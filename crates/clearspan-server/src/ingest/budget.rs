//! Memory for requests: taken as bytes arrive and before they are decoded, given back when the request is done.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The budget is counted in pages of this size, because permits are 32-bit.
const PAGE: usize = 4_096;
/// A body that arrives in many chunks asks once for so many pages.
const STEP_PAGES: usize = 16;

/// The bytes that all requests may hold together.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    pages: Arc<Semaphore>,
    capacity_pages: usize,
}

/// A part of the budget, held as long as this lives.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
    pages: usize,
}

/// There is no memory for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exhausted {
    /// Others hold it now.
    ForNow,
    /// It is more than there is.
    ForEver,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let capacity_pages = (bytes / PAGE).clamp(1, Semaphore::MAX_PERMITS);
        Self { pages: Arc::new(Semaphore::new(capacity_pages)), capacity_pages }
    }

    pub(crate) fn reservation(&self) -> Reservation {
        Reservation { budget: self.clone(), permit: None, pages: 0 }
    }
}

impl Reservation {
    /// How many bytes all requests hold now.
    pub(crate) fn bytes_of_all(&self) -> usize {
        let free = self.budget.pages.available_permits();
        self.budget.capacity_pages.saturating_sub(free) * PAGE
    }

    /// How many bytes are reserved.
    pub(crate) fn bytes(&self) -> usize {
        self.pages * PAGE
    }

    /// Makes sure that at least `bytes` are reserved.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let pages = bytes.div_ceil(PAGE);
        if pages <= self.pages {
            return Ok(());
        }
        if pages > self.budget.capacity_pages {
            return Err(Exhausted::ForEver);
        }
        let missing = pages - self.pages;
        let more = self.budget.try_take(missing.max(STEP_PAGES)).or_else(|| self.budget.try_take(missing));
        let more = more.ok_or(Exhausted::ForNow)?;
        self.pages += more.num_permits();
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

impl Budget {
    fn try_take(&self, pages: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.pages).try_acquire_many_owned(u32::try_from(pages).ok()?).ok()
    }
}

/// About the most that JSON takes as a tree beside its bytes: by what is between its texts, which is counted without
/// making anything.
pub(crate) fn tree_bytes(json: &[u8]) -> usize {
    /// A value and its place in a list that grows, or a text of its own.
    const VALUE: usize = size_of::<serde_json::Value>() + 24;
    /// The name of a member, and its place in an object that grows.
    const MEMBER: usize = 160;
    /// What an object or a list that is not empty allocates at least.
    const FIRST: usize = 288;
    let (mut bytes, mut is_text, mut is_escaped) = (VALUE, false, false);
    for byte in json {
        match (is_text, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => is_text = !is_text,
            (false, b',') => bytes += VALUE,
            (false, b':') => bytes += MEMBER,
            (false, b'{' | b'[') => bytes += FIRST,
            _ => {}
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_can_be_taken_again() {
        let budget = Budget::new(100 * PAGE);
        let mut one = budget.reservation();
        one.grow_to(60 * PAGE).unwrap();
        one.grow_to(10 * PAGE).unwrap();
        let mut other = budget.reservation();
        assert_eq!(other.grow_to(60 * PAGE), Err(Exhausted::ForNow));
        assert_eq!(other.grow_to(101 * PAGE), Err(Exhausted::ForEver));
        other.grow_to(40 * PAGE).unwrap();
        assert_eq!(budget.reservation().bytes_of_all(), 100 * PAGE);
        drop(one);
        other.grow_to(100 * PAGE).unwrap();
        assert_eq!(budget.pages.available_permits(), 0);
        drop(other);
        assert_eq!((budget.pages.available_permits(), budget.reservation().bytes_of_all()), (100, 0));
    }

    #[test]
    fn what_a_tree_takes_is_counted_without_making_it() {
        let text = r#"{"a": "[[[,,,{{{\\\",:", "b": [1, 2, 3]}"#;
        let value = size_of::<serde_json::Value>() + 24;
        assert_eq!(tree_bytes(text.as_bytes()), 2 * 288 + 2 * 160 + 4 * value);
        let numbers = format!("[{}1]", "1,".repeat(1_000_000));
        assert!(tree_bytes(numbers.as_bytes()) >= 1_000_000 * size_of::<serde_json::Value>());
    }

    #[test]
    fn a_body_that_arrives_in_chunks_takes_little_more_than_it_has() {
        let budget = Budget::new(1_000 * PAGE);
        let mut reservation = budget.reservation();
        for bytes in (0..400 * PAGE).step_by(1_000) {
            reservation.grow_to(bytes).unwrap();
        }
        assert!(budget.pages.available_permits() >= 1_000 - 400 - STEP_PAGES);
    }
}
