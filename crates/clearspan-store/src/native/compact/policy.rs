//! Which files to rewrite next: a pure function of what the manifest says about them.
//!
//! Files are looked at in the order of their latest row, and only neighbours in that order are merged, so that what
//! is new stays apart from what is old and a question about a stretch of time opens few files. A merge must at least
//! double the size of the largest file in it: then each row is rewritten O(log n) times. Files grow up to a target and
//! are then left alone until a fifth of their rows is dead.

/// What the policy knows about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) number: u64,
    pub(crate) rows: u64,
    /// Rows that are dead in the manifest: those that a rewrite leaves out.
    pub(crate) dead: u64,
    pub(crate) bytes: u64,
    pub(crate) min_time: i64,
    pub(crate) max_time: i64,
}

/// How large files may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
}

/// Files that are merged at least, so that many small flushes are not rewritten one by one. Two will do for the last
/// merge of all.
const MIN_MERGE: usize = 4;
/// Files that are merged at most: each of them holds a decoded row group in memory.
const MAX_MERGE: usize = 8;
/// Files below this count as if they were this large: opening one costs more than its bytes.
const SMALL_BYTES: u64 = 64 << 10;
/// Beyond so many files that could still grow, merges that do not pay by themselves are done too.
const MAX_LOOSE: usize = 32;
/// A merge of this many rows or more stays within a day, because it is worth a look at its times before it is opened.
const LARGE_ROWS: u64 = 256 << 10;
const DAY_NANOS: i128 = 86_400_000_000_000;
/// How far a smaller merge may reach.
const SMALL_REACH_NANOS: i128 = 64 * DAY_NANOS;

impl Candidate {
    fn living(&self) -> u64 {
        self.rows - self.dead.min(self.rows)
    }

    /// About how large it would be without its dead rows.
    fn living_bytes(&self) -> u64 {
        let share = u128::from(self.bytes) * u128::from(self.living()) / u128::from(self.rows.max(1));
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// What a rewrite of it is reckoned to cost.
    fn weight(&self) -> u64 {
        self.living_bytes().max(SMALL_BYTES)
    }

    fn is_full(&self, target: Target) -> bool {
        self.living_bytes() > target.bytes / 2 || self.living() > target.rows / 2
    }

    /// More than a fifth of its rows is dead.
    fn is_rotten(&self) -> bool {
        self.dead > self.rows / 5
    }

    fn span(&self) -> i128 {
        i128::from(self.max_time) - i128::from(self.min_time)
    }
}

/// The numbers of the files to rewrite into one, in order of time; `None` when there is nothing to gain.
pub(crate) fn pick(files: &[Candidate], target: Target) -> Option<Vec<u64>> {
    let mut files = files.to_vec();
    files.sort_unstable_by_key(|file| (file.max_time, file.number));
    if let Some(dead) = files.iter().find(|file| file.living() == 0) {
        return Some(vec![dead.number]);
    }
    let loose = files.iter().filter(|file| !file.is_full(target)).count();
    let merge = best_window(&files, target, false)
        .or_else(|| if loose > MAX_LOOSE { best_window(&files, target, true) } else { None });
    let numbers = |window: &[Candidate]| window.iter().map(|file| file.number).collect();
    merge.map(numbers).or_else(|| files.iter().find(|file| file.is_rotten()).map(|file| vec![file.number]))
}

/// The window that rewrites least for each file that goes.
fn best_window(files: &[Candidate], target: Target, at_any_price: bool) -> Option<&[Candidate]> {
    let mut best: Option<(u64, &[Candidate])> = None;
    for from in 0..files.len() {
        for len in 2..=MAX_MERGE.min(files.len() - from) {
            let window = &files[from..from + len];
            if window[len - 1].is_full(target) || window[0].is_full(target) {
                break;
            }
            if !fits(window, target) || (len < MIN_MERGE && !at_any_price && !fills(window, target)) {
                continue;
            }
            let weight: u64 = window.iter().map(Candidate::weight).sum();
            let largest = window.iter().map(Candidate::weight).max().unwrap_or_default();
            if !at_any_price && weight < 2 * largest {
                continue;
            }
            let price = weight / (len as u64 - 1);
            if best.is_none_or(|(least, _)| price < least) {
                best = Some((price, window));
            }
        }
    }
    best.map(|(_, window)| window)
}

/// Whether the merged file would be large enough to be left alone from then on.
fn fills(window: &[Candidate], target: Target) -> bool {
    let bytes: u64 = window.iter().map(Candidate::living_bytes).sum();
    let rows: u64 = window.iter().map(Candidate::living).sum();
    bytes > target.bytes / 2 || rows > target.rows / 2
}

/// Whether the merged file would be neither too large nor too wide.
fn fits(window: &[Candidate], target: Target) -> bool {
    let bytes: u64 = window.iter().map(Candidate::living_bytes).sum();
    let rows: u64 = window.iter().map(Candidate::living).sum();
    let from = window.iter().map(|file| i128::from(file.min_time)).min().unwrap_or_default();
    let to = window.iter().map(|file| i128::from(file.max_time)).max().unwrap_or_default();
    // Files that are wide already (someone sent a month at once) lose nothing by growing.
    let widest = window.iter().map(Candidate::span).max().unwrap_or_default();
    let reach = if rows < LARGE_ROWS { SMALL_REACH_NANOS } else { DAY_NANOS };
    bytes <= target.bytes && rows <= target.rows && to - from <= reach.max(widest + widest / 4)
}

#[cfg(test)]
mod tests;
