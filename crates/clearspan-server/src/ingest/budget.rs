//! Memory for request bodies: taken before bytes are read, given back when the request is answered.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The budget is counted in pages of this size, because permits are 32-bit.
const PAGE: usize = 4_096;

/// The bytes that all requests being read may hold together.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    pages: Arc<Semaphore>,
}

/// A part of the budget, held as long as this lives.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

/// There is no memory left for this request now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { pages: Arc::new(Semaphore::new((bytes / PAGE).clamp(1, Semaphore::MAX_PERMITS))) }
    }

    pub(crate) fn reservation(&self) -> Reservation {
        Reservation { budget: self.clone(), permit: None, bytes: 0 }
    }
}

impl Reservation {
    /// Makes sure that at least `bytes` are reserved.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Exhausted> {
        if bytes <= self.bytes {
            return Ok(());
        }
        // In steps, so that a body that arrives in many chunks asks rarely.
        let target = bytes.max(self.bytes * 2).div_ceil(PAGE);
        let missing = u32::try_from(target - self.bytes / PAGE).map_err(|_| Exhausted)?;
        let more = Arc::clone(&self.budget.pages).try_acquire_many_owned(missing).map_err(|_| Exhausted)?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        self.bytes = target * PAGE;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_can_be_taken_again() {
        let budget = Budget::new(10 * PAGE);
        let mut one = budget.reservation();
        one.grow_to(6 * PAGE).unwrap();
        let mut other = budget.reservation();
        assert_eq!(other.grow_to(6 * PAGE), Err(Exhausted));
        drop(one);
        other.grow_to(6 * PAGE).unwrap();
    }
}
