//! Saying seldom what happens often.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The least time between two lines of the log that say the same.
const PAUSE: Duration = Duration::from_secs(10);

/// Whose turn it is to be written to the log, of lines that would say the same.
#[derive(Debug)]
pub(crate) struct Seldom(Mutex<State>);

#[derive(Debug)]
struct State {
    said_at: Option<Instant>,
    unsaid: u64,
}

impl Seldom {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(State { said_at: None, unsaid: 0 }))
    }

    /// How many lines were left out since the last one; `None` when this one is to be left out, too.
    pub(crate) fn turn(&self) -> Option<u64> {
        self.turn_at(Instant::now())
    }

    fn turn_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock();
        if state.said_at.is_some_and(|said_at| now.duration_since(said_at) < PAUSE) {
            state.unsaid += 1;
            return None;
        }
        state.said_at = Some(now);
        Some(std::mem::take(&mut state.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_ten_seconds_says_how_many_were_left_out() {
        let (seldom, begin) = (Seldom::new(), Instant::now());
        let turns = [0, 1, 9, 10, 11, 25].map(|seconds| seldom.turn_at(begin + Duration::from_secs(seconds)));
        assert_eq!(turns, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
