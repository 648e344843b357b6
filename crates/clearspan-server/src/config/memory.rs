//! One budget of memory, and what each part of the server gets of it.

use std::path::Path;

use super::values::ByteSize;

/// Where the operating system tells nothing.
const FALLBACK_BYTES: u64 = 1 << 30;
/// The default is never less.
const LEAST_DEFAULT: u64 = 64 << 20;
/// Less cannot hold the smallest of what every part keeps.
const LEAST_BUDGET: ByteSize = ByteSize::mebibytes(8);
/// With less than this, one large request or one sort could not be served; so a smaller budget is exceeded.
const LEAST_SHARE: usize = 16 << 20;

/// More of recent runs would only delay writing them: segments of this size are merged well, and flushes keep pace.
const MOST_RECENT: usize = 96 << 20;

/// What each part may take. Together they are less than the budget: connections, catalog and caches of the allocator need the
/// rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryShares {
    /// Recent runs, before they are written to segments.
    pub(crate) recent: usize,
    /// Request bodies and what is decoded of them.
    pub(crate) inflight: usize,
    /// Queries: sorts, joins, groups, footers of files. The more there is, the less is spilled.
    pub(crate) queries: usize,
    /// Large answers until they are read.
    pub(crate) answers: usize,
}

impl MemoryShares {
    /// `inflight` where it was set apart.
    pub(crate) fn of(budget: ByteSize, inflight: Option<ByteSize>) -> Self {
        let share = budget.bytes() / 4;
        let most = |mebibytes: usize| share.clamp(LEAST_SHARE, mebibytes << 20);
        Self {
            recent: share.clamp(1 << 20, MOST_RECENT),
            inflight: inflight.map_or(most(256), ByteSize::bytes),
            queries: most(4_096),
            answers: (share / 2).clamp(LEAST_SHARE, 1 << 30),
        }
    }
}

/// Refuses a budget with which nothing works well, as `512` is where `512MiB` was meant.
pub(super) fn check(budget: ByteSize) -> anyhow::Result<()> {
    anyhow::ensure!(
        budget.bytes() >= LEAST_BUDGET.bytes(),
        "--memory {budget} is too little: give at least {LEAST_BUDGET}"
    );
    Ok(())
}

/// A quarter of the memory that this process can have.
pub(crate) fn default_budget() -> ByteSize {
    ByteSize::of_bytes((available(Path::new("/")) / 4).max(LEAST_DEFAULT))
}

/// The memory of the machine, or of the control group that we are in where that has less. `root` is `/` but in tests.
fn available(root: &Path) -> u64 {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let machine = read("proc/meminfo").lines().find_map(|line| {
        let kilobytes = line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?;
        Some(kilobytes.trim().parse::<u64>().ok()? << 10)
    });
    let limit = |file: String| read(&file).trim().parse::<u64>().ok();
    let mut least = machine.unwrap_or(FALLBACK_BYTES);
    for line in read("proc/self/cgroup").lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let (base, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            "memory" => ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        // A group has no more than those around it; inside of a container the outer ones cannot be seen.
        let mut group = group.trim_matches('/').to_owned();
        loop {
            let path =
                if group.is_empty() { format!("{base}/{file}") } else { format!("{base}/{group}/{file}") };
            least = least.min(limit(path).unwrap_or(u64::MAX));
            if group.is_empty() {
                break;
            }
            group.truncate(group.rfind('/').unwrap_or(0));
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> u64 {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        available(root.path())
    }

    #[test]
    fn the_smallest_limit_around_the_process_counts() {
        let meminfo = ("proc/meminfo", "MemFree:  1 kB\nMemTotal:       8388608 kB\n");
        assert_eq!(machine(&[]), FALLBACK_BYTES);
        assert_eq!(machine(&[meminfo]), 8 << 30);
        let two = ("proc/self/cgroup", "0::/a/b\n");
        assert_eq!(machine(&[meminfo, two, ("sys/fs/cgroup/a/b/memory.max", "max\n")]), 8 << 30);
        let outer = ("sys/fs/cgroup/a/memory.max", "536870912\n");
        assert_eq!(
            machine(&[meminfo, two, ("sys/fs/cgroup/a/b/memory.max", "1073741824\n"), outer]),
            512 << 20
        );
        let one = ("proc/self/cgroup", "5:memory:/docker/x\n4:cpu:/\n");
        // In a container the group of the outside is mounted as the root.
        let mounted = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n");
        assert_eq!(machine(&[meminfo, one, mounted]), 256 << 20);
        let none = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(machine(&[meminfo, one, none]), 8 << 30);
    }

    #[test]
    fn shares_fit_the_budget_and_do_not_grow_for_ever() {
        for mebibytes in [64, 256, 512, 4_096, 65_536] {
            let budget = ByteSize::mebibytes(mebibytes);
            let MemoryShares { recent, inflight, queries, answers } = MemoryShares::of(budget, None);
            assert!(recent + inflight + queries <= budget.bytes() / 4 * 3, "{mebibytes}");
            assert!(answers <= budget.bytes() / 4, "{mebibytes}");
            assert!((16 << 20..=MOST_RECENT).contains(&recent), "{mebibytes}");
        }
        let set = MemoryShares::of(ByteSize::mebibytes(512), Some(ByteSize::mebibytes(7)));
        assert_eq!(set.inflight, 7 << 20);
    }
}
