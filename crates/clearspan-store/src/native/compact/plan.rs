//! Which files will soon be gone, so that nobody builds anything for them.

use rustc_hash::FxHashSet;

use super::policy::{Candidate, Target, pick};

/// What the thread that compacts is about to do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The segments that are being rewritten.
    pub(super) rewriting: Vec<u64>,
    /// Damaged files. They are left alone until the next start.
    pub(super) damaged: FxHashSet<u64>,
    /// The last merge in the background failed: nobody should count on the next one.
    pub(super) has_failed: bool,
}

impl Plan {
    /// The files to rewrite next.
    pub(super) fn pick(&self, files: impl Iterator<Item = Candidate>, target: Target) -> Option<Vec<u64>> {
        let files: Vec<Candidate> = files.filter(|file| !self.damaged.contains(&file.number)).collect();
        pick(&files, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_files_are_never_picked() {
        let file =
            |number| Candidate { number, rows: 100, dead: 0, bytes: 1 << 20, min_time: 0, max_time: 1 };
        let files: Vec<Candidate> = (1..=5).map(file).collect();
        let target = Target { bytes: 64 << 20, rows: 10_000 };
        let mut plan = Plan::default();
        assert_eq!(plan.pick(files.iter().copied(), target), Some(vec![1, 2, 3, 4, 5]));
        plan.damaged.insert(2);
        assert_eq!(plan.pick(files.iter().copied(), target), Some(vec![1, 3, 4, 5]));
        plan.damaged.insert(3);
        assert_eq!(plan.pick(files.iter().copied(), target), None, "three are too few");
    }
}
