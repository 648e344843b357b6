//! The time of day, as far as it is believed when data is deleted for its age.
//!
//! A clock that is wrong by years would make everything too old at once, and what is deleted does not come back when the clock is set
//! right. So two sources have to agree: the clock, and the time that has passed since it was last believed, by a counter that nobody
//! sets. A clock that is ahead of that by more than [`LEAP`] is followed slowly, so that somebody can set it right first; a server that
//! was off for weeks catches up in hours. The believed time outlives the server in a file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clearspan_model::UnixNanos;
use jiff::Timestamp;
use parking_lot::Mutex;

/// How far the clock may be ahead of what is expected.
const LEAP: Duration = Duration::from_secs(86_400);
/// A clock that is further ahead is followed so many times faster than time passes: a day in an hour.
const SPEED: u32 = 24;
const FILE: &str = "believed-time";

/// What is believed, and since when.
#[derive(Debug)]
pub(super) struct TrustedTime {
    path: PathBuf,
    believed: Mutex<Believed>,
}

#[derive(Debug, Clone, Copy)]
struct Believed {
    /// `None` until the clock was looked at for the first time in the life of the data folder.
    time: Option<UnixNanos>,
    at: Instant,
    is_behind: bool,
}

impl TrustedTime {
    pub(super) fn open(data_dir: &Path) -> Self {
        let path = data_dir.join(FILE);
        let stored = std::fs::read_to_string(&path).ok();
        let time = stored.and_then(|text| text.trim().parse().ok()).map(UnixNanos::from_nanos);
        let believed = Believed { time, at: Instant::now(), is_behind: false };
        Self { path, believed: Mutex::new(believed) }
    }

    /// The time that counts when the clock says this.
    pub(super) fn of(&self, clock: UnixNanos) -> UnixNanos {
        let mut believed = self.believed.lock();
        let (was_behind, before) = (believed.is_behind, believed.at);
        believed.at = Instant::now();
        let passed = believed.at.saturating_duration_since(before);
        let time = believed.follow(clock, passed);
        if believed.is_behind && !was_behind {
            tracing::warn!(
                clock = iso(clock),
                believed = iso(time),
                "the clock leapt ahead; retention follows it by a day each hour, so that it can be set right"
            );
        }
        time
    }

    /// Keeps what is believed for the next start. Blocks.
    pub(super) fn store(&self) {
        let Some(time) = self.believed.lock().time else { return };
        let written = self.path.with_extension("tmp");
        let stored = std::fs::write(&written, format!("{}\n", time.as_nanos()))
            .and_then(|()| std::fs::rename(&written, &self.path));
        if let Err(err) = stored {
            tracing::warn!(error = %err, path = %self.path.display(), "cannot store the believed time");
        }
    }

    /// What operators should know.
    pub(super) fn warning(&self, clock: UnixNanos) -> Option<String> {
        let Believed { time, is_behind, .. } = *self.believed.lock();
        // Set right since, it is noticed when data is looked at the next time.
        let time = time.filter(|time| is_behind && clock > later(*time, LEAP))?;
        Some(format!(
            "the clock says {}, which is more than a day ahead of what is believed, {}: retention follows by a day each \
             hour. Set the clock right if it is wrong",
            iso(clock),
            iso(time)
        ))
    }
}

impl Believed {
    fn follow(&mut self, clock: UnixNanos, passed: Duration) -> UnixNanos {
        let Some(before) = self.time else {
            self.time = Some(clock);
            return clock;
        };
        self.is_behind = clock > later(later(before, passed), LEAP);
        if self.is_behind {
            let time = later(before, passed.saturating_mul(SPEED));
            self.time = Some(time);
            return time;
        }
        // A clock that was set back makes everything younger, and says nothing about what was believed.
        self.time = Some(before.max(clock));
        clock
    }
}

fn later(time: UnixNanos, by: Duration) -> UnixNanos {
    let nanos = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
    UnixNanos::from_nanos(time.as_nanos().saturating_add(nanos))
}

/// To the second, which is as exact as a clock that is off by days needs it.
fn iso(time: UnixNanos) -> String {
    let seconds = time.as_nanos().div_euclid(1_000_000_000);
    Timestamp::from_second(seconds).map_or_else(|_| format!("{seconds} s"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn day(number: u32) -> UnixNanos {
        later(UnixNanos::default(), DAY * number)
    }

    #[test]
    fn a_leap_is_followed_slowly_and_forgotten_when_the_clock_is_set_right() {
        let mut believed = Believed { time: None, at: Instant::now(), is_behind: false };
        assert_eq!(
            believed.follow(day(100), HOUR),
            day(100),
            "the first time there is nothing to compare with"
        );
        assert_eq!(believed.follow(later(day(100), HOUR), HOUR), later(day(100), HOUR));
        assert_eq!(believed.follow(day(102), DAY), day(102), "a day off is no leap");
        for hours in 1..=5 {
            assert_eq!(believed.follow(day(3_650), HOUR), day(102 + hours));
            assert!(believed.is_behind);
        }
        assert_eq!(believed.follow(day(103), HOUR), day(103));
        assert!(!believed.is_behind);
        // Set back, and right again.
        assert_eq!(believed.follow(day(3), HOUR), day(3));
        assert_eq!(believed.follow(day(104), HOUR), day(104));
        assert!(!believed.is_behind);
    }

    #[test]
    fn a_server_that_was_off_catches_up() {
        let dir = tempfile::tempdir().unwrap();
        let first = TrustedTime::open(dir.path());
        assert_eq!(first.of(day(100)), day(100));
        first.store();
        let second = TrustedTime::open(dir.path());
        let now = second.of(day(200));
        assert!(now >= day(100) && now < day(101), "{now:?}");
        assert!(second.warning(day(200)).unwrap().contains("retention follows"));
        second.believed.lock().follow(day(200), HOUR * 99);
        assert_eq!(second.of(day(200)), day(200));
        assert_eq!(second.warning(day(200)), None);
        std::fs::write(dir.path().join(FILE), "no time").unwrap();
        assert_eq!(TrustedTime::open(dir.path()).of(day(300)), day(300), "a damaged file says nothing");
    }
}
