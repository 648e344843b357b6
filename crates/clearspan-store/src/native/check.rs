//! Looking through a stopped store for everything that is not sound: what `clearspan doctor` tells of the runs.

use std::path::Path;
use std::sync::Arc;

use clearspan_model::{ErrorKind, UnixNanos};

use super::bucket::{self, BucketConfig, BucketDisk};
use super::cache::SegmentCache;
use super::disk::{DiskRef, RealDisk};
use super::health::chain;
use super::log::RecordKind;
use super::manifest::Manifest;
use super::records::{RecordColumn, RecordFile};
use super::segment::Segment;
use super::{lock_folder, log, paths, record, recover, tombstone_file};
use crate::Result;
use crate::error::Context;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;

/// What [`check`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Segments in the manifest, with the files of log records and metric points.
    pub segments: usize,
    /// Their rows, dead ones included, as far as they could be read.
    pub rows: u64,
    /// Files of the log.
    pub log_files: usize,
    /// Files that an older version wrote without checksums: damage that still decodes is not seen there.
    pub without_checksums: usize,
    /// What somebody should know and need not act on.
    pub notes: Vec<String>,
    /// What is not sound.
    pub problems: Vec<Problem>,
}

/// Something that is not sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, within the data folder.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
    /// Which data cannot be read because of it.
    pub affected: String,
    /// When the runs or records began that are affected, where that is known.
    pub times: Option<(UnixNanos, UnixNanos)>,
    /// What to do about it.
    pub advice: &'static str,
}

const RESTORE: &str =
    "restore the file from a backup; until then questions about that time fail, and others are answered";
const RESTORE_ALL: &str = "restore the data folder from a backup";
const SEND_AGAIN: &str =
    "restore the data folder from a backup, or send the lost data again; the server starts without it";
const NEWER: &str = "start the newer version of Clearspan that wrote it";

/// Reads everything that a stopped store keeps in its folder. Fails only when it cannot look: the folder is in use or
/// cannot be opened.
pub fn check(dir: &Path) -> Result<CheckReport> {
    bucket::refuse_bucket_folder(dir)?;
    let _lock = lock_folder(dir)?;
    check_on(dir, RealDisk::shared())
}

/// The same for a folder whose segments are in a bucket, all of which is read. Nothing is claimed or written; a server that
/// uses the bucket with another folder meanwhile may remove files before they are read.
pub fn check_in_bucket(dir: &Path, bucket: &BucketConfig) -> Result<CheckReport> {
    let _lock = lock_folder(dir)?;
    check_on(dir, Arc::new(BucketDisk::look(dir, RealDisk::shared(), bucket)?))
}

fn check_on(dir: &Path, disk: DiskRef) -> Result<CheckReport> {
    let mut check = Check { dir, disk, report: CheckReport::default() };
    let manifest = match Manifest::load(&*check.disk, dir) {
        Ok(manifest) => manifest.unwrap_or_default(),
        Err(err) => {
            let advice =
                if err.to_string().contains("this version reads up to") { NEWER } else { RESTORE_ALL };
            let file = paths::manifest_file(dir);
            check.problem(&file, chain(&err), "all runs that are in segments".to_owned(), None, advice);
            Manifest::default()
        }
    };
    check.segments(&manifest);
    check.records::<LogCol>(&manifest.logs);
    check.records::<PointCol>(&manifest.points);
    check.tombstones(manifest.tombstones);
    check.log(manifest.applied_seq)?;
    Ok(check.report)
}

struct Check<'a> {
    dir: &'a Path,
    disk: DiskRef,
    report: CheckReport,
}

impl Check<'_> {
    fn problem(
        &mut self,
        file: &Path,
        what: String,
        affected: String,
        times: Option<(i64, i64)>,
        advice: &'static str,
    ) {
        let file = file.strip_prefix(self.dir).unwrap_or(file).display().to_string();
        let times = times.map(|(min, max)| (UnixNanos::from_nanos(min), UnixNanos::from_nanos(max)));
        self.report.problems.push(Problem { file, what, affected, times, advice });
    }

    fn tombstones(&mut self, number: Option<u64>) {
        let Some(number) = number else { return };
        if let Err(err) = tombstone_file::load(&*self.disk, self.dir, number) {
            let file = paths::tombstones_file(self.dir, number);
            let affected = "what was deleted: the server does not start without it".to_owned();
            self.problem(&file, chain(&err), affected, None, RESTORE_ALL);
        }
    }

    fn segments(&mut self, manifest: &Manifest) {
        let segment_dir = paths::segment_dir(self.dir);
        let cache = Arc::new(SegmentCache::default());
        for entry in &manifest.segments {
            self.report.segments += 1;
            self.report.without_checksums += usize::from(entry.sums.is_none());
            let segment = Segment::new(&self.disk, &cache, &segment_dir, entry);
            let times = Some((entry.min_time, entry.max_time));
            let all = format!("{} runs", entry.rows);
            match segment.damaged_blocks() {
                Err(err) => self.problem(segment.path(), chain(&err), all, times, RESTORE),
                Ok(damaged) if damaged.is_empty() => match segment.check() {
                    Ok(rows) => self.report.rows += rows,
                    Err(err) => self.problem(segment.path(), chain(&err), all, times, RESTORE),
                },
                Ok(damaged) => {
                    for damage in damaged {
                        let affected = segment.place_of(damage.offset).unwrap_or_else(|| all.clone());
                        self.problem(segment.path(), damage.to_string(), affected, times, RESTORE);
                    }
                }
            }
            if entry.passed_over {
                let what = "it was damaged when runs arrived that may be in it".to_owned();
                self.problem(segment.path(), what, all_or_old(entry.rows), times, RESTORE_ALL);
            }
        }
    }

    fn records<C: RecordColumn>(&mut self, entries: &[super::records::FileEntry]) {
        let segment_dir = paths::segment_dir(self.dir);
        for entry in entries {
            self.report.segments += 1;
            self.report.without_checksums += usize::from(entry.sums.is_none());
            let file = RecordFile::<C>::new(&self.disk, &segment_dir, entry.clone());
            let (times, all) = (Some((entry.min_time, entry.max_time)), format!("{} rows", entry.rows));
            match file.damaged_blocks() {
                Ok(damaged) if damaged.is_empty() => match file.check() {
                    Ok(rows) => self.report.rows += rows,
                    Err(err) => self.problem(file.path(), chain(&err), all, times, RESTORE),
                },
                Ok(damaged) => {
                    for damage in damaged {
                        self.problem(file.path(), damage.to_string(), all.clone(), times, RESTORE);
                    }
                }
                Err(err) => self.problem(file.path(), chain(&err), all, times, RESTORE),
            }
        }
    }

    fn log(&mut self, applied: u64) -> Result<()> {
        let dir = paths::log_dir(self.dir);
        let listing = || "listing the log".to_owned();
        if !self.disk.exists(&dir).context(ErrorKind::Unavailable, listing)? {
            return Ok(());
        }
        let numbers = paths::log_numbers(&*self.disk, &dir).context(ErrorKind::Unavailable, listing)?;
        self.report.log_files = numbers.len();
        let firsts: Vec<Option<u64>> =
            numbers.iter().map(|number| log::first_seq(&*self.disk, &dir, *number).unwrap_or(None)).collect();
        for (idx, number) in numbers.iter().enumerate() {
            let path = paths::log_file(&dir, *number);
            let end = recover::next_first(&firsts, idx);
            match log::scan_file(&*self.disk, &dir, *number, end) {
                Ok(scan) => self.log_file(&path, &scan, applied),
                Err(err) => {
                    let advice = if err.to_string().contains("this version reads up to") {
                        NEWER
                    } else {
                        RESTORE_ALL
                    };
                    self.problem(&path, chain(&err), "what it holds".to_owned(), None, advice);
                }
            }
        }
        for name in self.disk.list(&dir).context(ErrorKind::Unavailable, listing)? {
            if Path::new(&name).extension().is_some_and(|extension| extension == "damaged") {
                let name = name.display();
                self.report
                    .notes
                    .push(format!("{name} is a copy of a damaged log file that an earlier start kept"));
            }
        }
        Ok(())
    }

    fn log_file(&mut self, path: &Path, scan: &log::Scan, applied: u64) {
        if scan.torn_bytes > 0 {
            let name = path.file_name().unwrap_or_default().display();
            self.report.notes.push(format!(
                "{name} ends in {} bytes that do not check: a write that a crash cut short and nobody was told of, or damage",
                scan.torn_bytes
            ));
        }
        for (offset, len) in &scan.damage {
            let what = format!("its {len} bytes from {offset} on do not match their checksum");
            self.problem(
                path,
                what,
                "the records there, if they are not in a segment".to_owned(),
                None,
                SEND_AGAIN,
            );
        }
        for (first, last) in scan.lost.iter().filter(|(_, last)| *last > applied) {
            let what = format!("records {first} to {last} are missing");
            let affected = format!("{} requests that were acknowledged", last - first + 1);
            self.problem(path, what, affected, None, SEND_AGAIN);
        }
        for found in scan.records.iter().filter(|found| found.seq.0 > applied) {
            let what = match RecordKind::from_raw(found.kind) {
                None => Some((
                    format!("record {} has kind {}, which is not known", found.seq.0, found.kind),
                    NEWER,
                )),
                Some(kind) => record::decode(kind, &found.payload)
                    .err()
                    .map(|err| (format!("record {}: {}", found.seq.0, chain(&err)), SEND_AGAIN)),
            };
            if let Some((what, advice)) = what {
                self.problem(path, what, "a request that was acknowledged".to_owned(), None, advice);
            }
        }
    }
}

fn all_or_old(rows: u32) -> String {
    format!("up to {rows} runs, which may be older copies of runs elsewhere")
}
