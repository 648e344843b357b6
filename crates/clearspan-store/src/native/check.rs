//! Looking through a stopped store for everything that is not sound: what `clearspan doctor` tells of the runs.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use clearspan_model::{ErrorKind, UnixNanos};

use super::blocks::Meter;
use super::bucket::{self, BucketConfig, BucketDisk};
use super::cache::SegmentCache;
use super::disk::{DiskRef, RealDisk};
use super::health::chain;
use super::log::RecordKind;
use super::manifest::Manifest;
use super::records::{FileEntry, RecordColumn, RecordFile};
use super::segment::Segment;
use super::{folder, log, paths, record, recover, search, tombstone_file};
use crate::error::Context;
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::{CheckReport, Problem, Result};

const RESTORE: &str =
    "restore the file from a backup; until then questions about that time fail, and others are answered";
const RESTORE_ALL: &str = "restore the data folder from a backup";
const SEND_AGAIN: &str =
    "restore the data folder from a backup, or send the lost data again; the server starts without it";
const NEWER: &str = "start the newer version of Clearspan that wrote it";

/// Reads everything that a stopped store keeps in its folder. Fails only when it cannot look: the folder is in use or
/// cannot be opened, or a restore into it was not finished. Changes nothing.
pub fn check(dir: &Path) -> Result<CheckReport> {
    bucket::refuse_bucket_folder(dir)?;
    let _lock = folder::lock_to_look(dir)?;
    check_on(dir, RealDisk::shared())
}

/// The same for a folder whose segments are in a bucket, all of which is read. Nothing is claimed or written; a server that
/// uses the bucket with another folder meanwhile may remove files before they are read.
pub fn check_in_bucket(dir: &Path, bucket: &BucketConfig) -> Result<CheckReport> {
    let _lock = folder::lock_to_look(dir)?;
    check_on(dir, Arc::new(BucketDisk::look(dir, RealDisk::shared(), bucket)?))
}

/// Reads everything in a folder that nobody else uses.
pub(super) fn check_on(dir: &Path, disk: DiskRef) -> Result<CheckReport> {
    let mut at_once = |_| ControlFlow::Continue(());
    let mut check = Check { decodes: true, ..Check::online(dir, disk, &mut at_once) };
    let manifest = check.manifest();
    check.segments(&manifest);
    check.records::<LogCol>(&manifest.logs);
    check.records::<PointCol>(&manifest.points);
    check.tombstones(manifest.tombstones);
    check.log(manifest.applied_seq)?;
    Ok(check.report)
}

/// A check that is under way.
pub(super) struct Check<'a> {
    dir: &'a Path,
    disk: DiskRef,
    /// Whether rows are decoded, too, where the checksums are right.
    decodes: bool,
    meter: Meter<'a>,
    /// Whether a file of the log ends in bytes that do not check.
    pub(super) has_torn_end: bool,
    pub(super) report: CheckReport,
}

impl<'a> Check<'a> {
    /// One beside which the store may serve: it compares checksums.
    pub(super) fn online(dir: &'a Path, disk: DiskRef, meter: Meter<'a>) -> Self {
        Self { dir, disk, decodes: false, meter, has_torn_end: false, report: CheckReport::default() }
    }

    /// Whether nothing more is to be read.
    pub(super) fn is_over(&mut self) -> bool {
        (self.meter)(0).is_break()
    }

    /// The manifest; an empty one when it cannot be read.
    pub(super) fn manifest(&mut self) -> Manifest {
        match Manifest::load(&*self.disk, self.dir) {
            Ok(manifest) => manifest.unwrap_or_default(),
            Err(err) => {
                let advice =
                    if err.to_string().contains("this version reads up to") { NEWER } else { RESTORE_ALL };
                let file = paths::manifest_file(self.dir);
                self.problem(&file, chain(&err), "all runs that are in segments".to_owned(), None, advice);
                Manifest::default()
            }
        }
    }

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

    pub(super) fn tombstones(&mut self, number: Option<u64>) {
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
            let segment = Segment::new(&self.disk, &cache, &segment_dir, entry);
            self.segment(&segment);
            self.index(&segment);
        }
    }

    /// The search index of a segment. One that is damaged is no loss: it is made of the segment.
    pub(super) fn index(&mut self, segment: &Segment) -> bool {
        let checked = search::check(&paths::search_dir(self.dir), segment, self.meter);
        self.report.indexes += usize::from(matches!(checked, Ok(true)));
        let Err(err) = checked else { return true };
        let (number, reason) = (segment.number, chain(&err));
        self.report.notes.push(format!(
            "the search index of segment {number} is damaged and will be built again: {reason}"
        ));
        false
    }

    pub(super) fn segment(&mut self, segment: &Segment) {
        let times = Some((segment.min_time, segment.max_time));
        let all = format!("{} runs", segment.rows);
        self.count(segment.has_sums(), segment.bytes);
        match segment.damaged_blocks(self.meter) {
            Err(err) => self.problem(segment.path(), chain(&err), all, times, RESTORE),
            Ok(damaged) if damaged.is_empty() => {
                if segment.has_sums() && !self.is_over() {
                    segment.set_mended();
                }
                self.rows(segment.path(), all, times, || segment.check());
            }
            Ok(damaged) => {
                for damage in damaged {
                    let affected = segment.place_of(damage.offset).unwrap_or_else(|| all.clone());
                    self.problem(segment.path(), damage.to_string(), affected, times, RESTORE);
                }
            }
        }
        if segment.is_passed_over() {
            let what = "it was damaged when runs arrived that may be in it".to_owned();
            self.problem(segment.path(), what, all_or_old(segment.rows), times, RESTORE_ALL);
        }
    }

    fn records<C: RecordColumn>(&mut self, entries: &[FileEntry]) {
        let segment_dir = paths::segment_dir(self.dir);
        for entry in entries {
            self.record_file(&RecordFile::<C>::new(&self.disk, &segment_dir, entry.clone()));
        }
    }

    pub(super) fn record_file<C: RecordColumn>(&mut self, file: &RecordFile<C>) {
        let FileEntry { rows, min_time, max_time, bytes, sums, .. } = file.entry;
        let (times, all) = (Some((min_time, max_time)), format!("{rows} rows"));
        self.count(sums.is_some(), bytes);
        match file.damaged_blocks(self.meter) {
            Err(err) => self.problem(file.path(), chain(&err), all, times, RESTORE),
            Ok(damaged) if damaged.is_empty() => {
                if sums.is_some() && !self.is_over() {
                    file.set_mended();
                }
                self.rows(file.path(), all, times, || file.check());
            }
            Ok(damaged) => {
                for damage in damaged {
                    self.problem(file.path(), damage.to_string(), all.clone(), times, RESTORE);
                }
            }
        }
    }

    fn count(&mut self, has_sums: bool, bytes: u64) {
        self.report.segments += 1;
        match has_sums {
            true => self.report.bytes += bytes,
            false => self.report.without_checksums += 1,
        }
    }

    /// Decodes the rows of a file, if that was asked for.
    fn rows(
        &mut self,
        file: &Path,
        all: String,
        times: Option<(i64, i64)>,
        decode: impl FnOnce() -> Result<u64>,
    ) {
        match self.decodes.then(decode).transpose() {
            Ok(rows) => self.report.rows += rows.unwrap_or(0),
            Err(err) => self.problem(file, chain(&err), all, times, RESTORE),
        }
    }

    pub(super) fn log(&mut self, applied: u64) -> Result<()> {
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
        self.has_torn_end |= scan.torn_bytes > 0;
        // While the store serves, that may be a record on its way.
        if scan.torn_bytes > 0 && self.decodes {
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
