//! What the disk damaged is never answered as truth.
//!
//! A folder is made that has everything: segments with dead rows, files of log records and points, a log. Then bits are
//! flipped, blocks are zeroed and exchanged, one at a time, and the store is opened and asked. Every answer is the true
//! one or an error, and `check` names what is wrong. `CLEARSPAN_BIT_FLIPS` sets how often (200 unless told otherwise).

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use futures::{FutureExt as _, TryStreamExt as _};

use super::*;
use crate::testing::build::{logs as all_log_records, point};
use crate::{Error, LogPage, PointList, TableFormat};

fn flips() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    let flips = std::env::var("CLEARSPAN_BIT_FLIPS").ok();
    flips.and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// Three segments, of which the later ones replace rows of the first; what came last is in the log.
pub(super) async fn fill_folder(dir: &Path) {
    let store = open(dir);
    for round in 0..4_u32 {
        let mut runs: Vec<Run> = (0..40)
            .map(|id| {
                run(round * 10 + id / 4, round * 1_000 + id, |run| {
                    // Hard to compress, so that the footer is in another block than the ids.
                    let word = |n: u64| {
                        format!(
                            "{:016x}",
                            (n * 1_000 + u64::from(id) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                        )
                    };
                    run.error = Some((0..u64::from(id) * 8).map(word).collect());
                    run.user_id = Some(format!("user {}", id % 5));
                })
            })
            .collect();
        if round > 0 {
            let late = run(0, 3, |run| {
                run.versions = Versions::all(Version::new(Rank::Span, at(i64::from(round) * 10_000)));
                run.name = Some(format!("round {round}"));
            });
            runs.push(late);
        }
        store.write(runs).await.unwrap();
        let seconds = i64::from(round) * 100;
        store.write_logs((0..50).map(|id| log(seconds + id, &format!("line {id}"))).collect()).await.unwrap();
        store.write_points((0..50).map(|id| point("load", seconds + id, id)).collect()).await.unwrap();
        if round < 3 {
            store.flush().await.unwrap();
        }
    }
}

/// What a folder answers. Answers that are errors are left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Answers {
    traces: Vec<Option<Vec<Run>>>,
    /// As text, because pages are not compared elsewhere.
    page: Option<String>,
    stats: Option<crate::Stats>,
    logs: Option<LogPage>,
    points: Option<PointList>,
}

pub(super) async fn ask(dir: &Path) -> Result<Answers> {
    Ok(ask_store(&NativeStore::open(quiet_config(dir))?).await)
}

pub(super) async fn ask_store(store: &NativeStore) -> Answers {
    let mut answers = Answers::default();
    for number in [0, 5, 12, 27, 33] {
        answers.traces.push(store.load_trace(&scope(), trace(number)).await.ok());
    }
    answers.page = store.query_runs(&newest(everything())).await.ok().map(|page| format!("{:?}", page.runs));
    answers.stats = store.stats(Unit::Runs, &everything()).await.ok();
    answers.logs = store.query_logs(&LogQuery { limit: 300, ..all_log_records() }).await.ok();
    let points =
        PointQuery { scope: scope(), range: TimeRange::default(), name: "load".to_owned(), limit: 300 };
    answers.points = store.query_points(&points).await.ok();
    answers
}

/// How many answers are missing; panics when one differs from the truth.
pub(super) fn missing(truth: &Answers, found: &Answers, context: &str) -> usize {
    fn one<T: PartialEq + std::fmt::Debug>(truth: &Option<T>, found: &Option<T>, context: &str) -> usize {
        assert!(found.is_none() || found == truth, "{context}: a wrong answer: {found:#?}");
        usize::from(found.is_none())
    }
    let traces = truth.traces.iter().zip(&found.traces).map(|(truth, found)| one(truth, found, context));
    traces.sum::<usize>()
        + one(&truth.page, &found.page, context)
        + one(&truth.stats, &found.stats, context)
        + one(&truth.logs, &found.logs, context)
        + one(&truth.points, &found.points, context)
}

pub(super) fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// The files of the store in which something is, relative to its folder.
pub(super) fn stored_files(dir: &Path) -> Vec<PathBuf> {
    let has_bytes = |path: &PathBuf| std::fs::metadata(path).unwrap().len() > 0;
    let files = files_below(&dir.join("runs")).into_iter().filter(has_bytes);
    files.map(|path| path.strip_prefix(dir).unwrap().to_owned()).collect()
}

/// One kind of damage, somewhere in a file. Returns what was done.
pub(super) fn damage(bytes: &mut [u8], dice: &mut Dice) -> String {
    let len = bytes.len() as u64;
    let at = usize::try_from(dice.below(len)).unwrap();
    match dice.below(10) {
        0 => {
            let end = (at + 4096).min(bytes.len());
            bytes[at..end].fill(0);
            format!("zeros from {at} to {end}")
        }
        1 if len > 16_384 => {
            let other = usize::try_from(dice.below(len - 4096)).unwrap();
            let end = (at + 4096).min(bytes.len());
            let copy = bytes[other..other + (end - at)].to_vec();
            bytes[at..end].copy_from_slice(&copy);
            format!("bytes of {other} at {at}")
        }
        _ => {
            let bit = dice.below(8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at}")
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    refused_to_start: usize,
    some_answers_missing: usize,
    /// Every answer was the true one: nothing that was asked for lay there.
    harmless: usize,
    told_by_check: usize,
}

#[tokio::test]
async fn what_the_disk_damaged_is_never_answered_as_truth() {
    let original = tempfile::tempdir().unwrap();
    fill_folder(original.path()).await;
    let dir = tempfile::tempdir().unwrap();
    copy_folder(original.path(), dir.path());
    let truth = ask(dir.path()).await.unwrap();
    assert_eq!(missing(&truth, &truth, "undamaged"), 0);
    let files = stored_files(original.path());
    assert!(files.len() >= 3 * 6 + 2, "{files:?}");

    let (mut dice, mut counts) = (Dice(11), Counts::default());
    for round in 0..flips() {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(original.path(), copy.path());
        let file = &files[usize::try_from(dice.below(files.len() as u64)).unwrap()];
        let before = std::fs::read(copy.path().join(file)).unwrap();
        let mut bytes = before.clone();
        let what = damage(&mut bytes, &mut dice);
        if bytes == before {
            continue;
        }
        std::fs::write(copy.path().join(file), &bytes).unwrap();
        let context = format!("round {round}: {what} in {}", file.display());
        let report = check(copy.path()).expect(&context);
        let is_told = !report.problems.is_empty() || !report.notes.is_empty();
        assert!(is_told, "{context}: check did not see it");
        counts.told_by_check += usize::from(is_told);
        // A panic would be a crash of a server.
        let found = AssertUnwindSafe(ask(copy.path())).catch_unwind().await.expect(&context);
        match found {
            Err(err) => {
                // Damage of a segment must not keep the rest from being read.
                assert!(!file.starts_with("runs/segments"), "{context}: {err}");
                counts.refused_to_start += 1;
            }
            // What was in the log's last record and is damaged looks like a write that a crash cut short.
            Ok(found) if file.starts_with("runs/log") => {
                counts.some_answers_missing += usize::from(found != truth)
            }
            Ok(found) => match missing(&truth, &found, &context) {
                0 => counts.harmless += 1,
                _ => counts.some_answers_missing += 1,
            },
        }
    }
    eprintln!("{counts:?}");
    assert!(counts.some_answers_missing > 0 && counts.refused_to_start > 0, "{counts:?}");
}

/// The control: without checksums some damage is answered as truth, or passes unseen.
#[tokio::test]
async fn without_checksums_damage_passes_unseen() {
    let original = tempfile::tempdir().unwrap();
    fill_folder(original.path()).await;
    let mut manifest = manifest::Manifest::load(&disk::RealDisk, original.path()).unwrap().unwrap();
    manifest.segments.iter_mut().for_each(|entry| entry.sums = None);
    manifest.store(&disk::RealDisk, original.path()).unwrap();
    let segments: Vec<PathBuf> = files_below(&paths::segment_dir(original.path()))
        .into_iter()
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("seg-"))
        .filter(|path| path.extension().unwrap() == "parquet")
        .map(|path| path.strip_prefix(original.path()).unwrap().to_owned())
        .collect();
    let (mut dice, mut unseen) = (Dice(3), 0);
    for _ in 0..60 {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(original.path(), copy.path());
        let file = copy.path().join(&segments[usize::try_from(dice.below(segments.len() as u64)).unwrap()]);
        let mut bytes = std::fs::read(&file).unwrap();
        let at = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        // Parquet's reader may even panic on what it was not meant to see.
        let checked = std::panic::catch_unwind(|| check(copy.path()).unwrap());
        unseen += usize::from(checked.is_ok_and(|report| report.problems.is_empty()));
    }
    assert!(unseen > 0, "every flipped bit was seen without checksums");
}

async fn statement_fails(store: &NativeStore, text: &str) -> Error {
    let query = SqlQuery {
        scope: scope(),
        projects: Vec::new(),
        text: text.to_owned(),
        format: TableFormat::Json,
        max_rows: None,
        timeout: std::time::Duration::from_secs(120),
    };
    match store.sql(query).await {
        Ok(answer) => answer.body.try_collect::<Vec<_>>().await.unwrap_err(),
        Err(err) => err,
    }
}

/// A segment is damaged where a late run looks for what it belongs to: the run is taken, the damage is told, and what
/// lies elsewhere is answered.
#[tokio::test]
async fn a_damaged_segment_does_not_stop_what_arrives() {
    let dir = tempfile::tempdir().unwrap();
    fill_folder(dir.path()).await;
    let file = paths::segment_file(&paths::segment_dir(dir.path()), 1);
    let mut bytes = std::fs::read(&file).unwrap();
    // The ids come first; the footer, which says what else is where, is at the end, in another block.
    let end = 8 << 10;
    bytes[8..end].fill(0x55);
    std::fs::write(&file, &bytes).unwrap();
    for round in 0..2_u32 {
        let store = open(dir.path());
        store.write(vec![run(0, 7, |run| run.name = Some("late".to_owned()))]).await.unwrap();
        assert!(
            store.load_trace(&scope(), trace(33)).await.is_ok_and(|runs| runs.len() == 4),
            "round {round}"
        );
        let err = store.query_runs(&newest(everything())).await.unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Corrupt, "{err}");
        let err = statement_fails(&store, "select count(end_time) from runs").await;
        assert!(err.kind() == ErrorKind::Corrupt && err.to_string().contains("segment 1"), "{err}");
        // The first segment holds what began in the first minute; later times are not touched by it.
        let range = TimeRange { from: Some(at(3_000_000)), to: None };
        let later = Selection { range, ..everything() };
        assert_eq!(store.query_runs(&newest(later)).await.unwrap().runs.len(), 40, "round {round}");
        store.flush().await.unwrap();
    }
    let report = check(dir.path()).unwrap();
    assert!(report.problems.iter().any(|problem| problem.file.contains("seg-") && problem.times.is_some()));
}

/// A file that cannot be opened just now is no damage: what arrives waits for it.
#[tokio::test]
async fn running_out_of_files_is_no_damage() {
    use crate::native::disk::faulty::{EMFILE, Fault, FaultyDisk, Op};
    let dir = tempfile::tempdir().unwrap();
    fill_folder(dir.path()).await;
    let disk = FaultyDisk::new(disk::RealDisk::shared());
    let store = NativeStore::open_on(quiet_config(dir.path()), disk.shared()).unwrap();
    disk.fail_some(&[Op::Open], "seg-", Fault::Errno(EMFILE), 0, 3);
    store.write(vec![run(3, 900, |_| ())]).await.unwrap();
    assert_eq!(store.load_trace(&scope(), trace(3)).await.unwrap().len(), 5);
    assert!(store.query_runs(&newest(everything())).await.is_ok());
}
