//! Parts of a request that could not be used: the first are kept with their reasons, the others are only counted.

/// So many are told in words.
const MAX_TOLD: usize = 100;
/// A reason may quote what was sent; this much of it is enough to find it.
const MAX_MESSAGE_BYTES: usize = 1_000;

/// A part of a request that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) part: String,
    pub(crate) message: String,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    told: Vec<Problem>,
    untold: u64,
}

impl Problems {
    /// Adds one; nothing is kept of it once there are many.
    pub(crate) fn note(&mut self, part: impl ToString, mut message: String) {
        if self.told.len() >= MAX_TOLD {
            self.untold += 1;
            return;
        }
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        message.shrink_to_fit();
        self.told.push(Problem { part: part.to_string(), message });
    }

    /// Adds those of a later part of the request.
    pub(crate) fn append(&mut self, later: Self) {
        self.untold += later.untold;
        for Problem { part, message } in later.told {
            self.note(part, message);
        }
    }

    /// The first of them.
    pub(crate) fn told(&self) -> &[Problem] {
        &self.told
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.told.len() as u64 + self.untold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_problems_are_counted_and_the_first_are_told() {
        let (mut problems, mut later) = (Problems::default(), Problems::default());
        (0..60).for_each(|n| problems.note(n, "ä".repeat(2_000)));
        (0..1_000).for_each(|n| later.note(n, String::new()));
        problems.append(later);
        assert_eq!((problems.count(), problems.told().len()), (1_060, MAX_TOLD));
        assert_eq!(problems.told()[59].message.len(), MAX_MESSAGE_BYTES);
        assert_eq!(problems.told()[60].part, "0");
    }
}
