use super::*;

const TARGET: Target = Target { bytes: 256 << 20, rows: 2_000_000 };
const HOUR: i64 = 3_600_000_000_000;

fn file(number: u64, bytes: u64, from: i64, to: i64) -> Candidate {
    Candidate { number, rows: bytes / 400, dead: 0, bytes, min_time: from, max_time: to }
}

/// Does what the policy says until it says nothing. Returns the files, and how many bytes were rewritten.
fn settle(mut files: Vec<Candidate>, next: &mut u64) -> (Vec<Candidate>, u64) {
    let mut written = 0;
    while let Some(numbers) = pick(&files, TARGET) {
        assert!(numbers.len() <= MAX_MERGE);
        let (inputs, mut rest): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| numbers.contains(&file.number));
        assert_eq!(inputs.len(), numbers.len());
        let merged = Candidate {
            number: *next,
            rows: inputs.iter().map(Candidate::living).sum(),
            dead: 0,
            bytes: inputs.iter().map(Candidate::living_bytes).sum(),
            min_time: inputs.iter().map(|file| file.min_time).min().unwrap(),
            max_time: inputs.iter().map(|file| file.max_time).max().unwrap(),
        };
        *next += 1;
        written += merged.bytes;
        assert!(merged.bytes <= TARGET.bytes && merged.rows <= TARGET.rows);
        if merged.rows > 0 {
            rest.push(merged);
        }
        files = rest;
    }
    (files, written)
}

#[test]
fn steady_flushes_leave_few_files_and_are_rewritten_few_times() {
    for flush_bytes in [50_000, 6_000_000, 40_000_000] {
        let (mut files, mut next, mut written, mut total) = (Vec::new(), 1, 0, 0);
        for flush in 0..600_i64 {
            next += 1;
            total += flush_bytes;
            files.push(file(next, flush_bytes, flush * HOUR / 60, (flush + 2) * HOUR / 60));
            let settled = settle(files, &mut next);
            files = settled.0;
            written += settled.1;
        }
        let full = files.iter().filter(|file| file.is_full(TARGET)).count();
        assert!(files.len() - full <= 12, "{flush_bytes}: {} files, {full} full", files.len());
        assert!(full as u64 <= 2 * (total / (TARGET.bytes / 2) + 1), "{flush_bytes}: {full} full");
        assert!(written <= 6 * total, "{flush_bytes}: wrote {written} of {total}");
    }
}

#[test]
fn old_and_new_stay_apart() {
    // A busy day, then a busy day a week later: no file holds rows of both.
    let day = |day: i64| {
        (0..40).map(move |part| {
            let from = day * 24 * HOUR + part * HOUR / 2;
            file((day * 100 + part) as u64, 8_000_000, from, from + HOUR)
        })
    };
    let (files, _) = settle(day(0).chain(day(7)).collect(), &mut 10_000);
    assert!(files.len() <= 12, "{files:?}");
    for file in files.iter().filter(|file| file.rows >= LARGE_ROWS) {
        assert!(file.max_time < 2 * 24 * HOUR || file.min_time >= 7 * 24 * HOUR, "{file:?}");
    }
}

#[test]
fn a_quiet_store_does_not_collect_a_file_for_each_day() {
    let files =
        (0..1_000).map(|day| file(day, 400_000, day as i64 * 24 * HOUR, day as i64 * 24 * HOUR + HOUR));
    let (files, _) = settle(files.collect(), &mut 10_000);
    assert!(files.len() <= 130, "{}", files.len());
}

#[test]
fn what_was_sent_a_month_at_once_is_merged_too() {
    let files = (0..64).map(|number| file(number, 3_000_000, 0, 30 * 24 * HOUR + number as i64));
    let (files, _) = settle(files.collect(), &mut 10_000);
    assert!(files.len() <= 6, "{files:?}");
}

#[test]
fn dead_rows_make_a_file_worth_a_rewrite() {
    let mut files = vec![file(1, 200 << 20, 0, HOUR), file(2, 200 << 20, HOUR, 2 * HOUR)];
    assert_eq!(pick(&files, TARGET), None);
    files[1].dead = files[1].rows / 5;
    assert_eq!(pick(&files, TARGET), None);
    files[1].dead += 1;
    assert_eq!(pick(&files, TARGET), Some(vec![2]));
    files[0].dead = files[0].rows;
    assert_eq!(pick(&files, TARGET), Some(vec![1]));
}

#[test]
fn sizes_that_dominate_each_other_do_not_pile_up() {
    // 1, 8, 1, 64, 1, 8, 1, …: no neighbours of like size.
    let files = (1..500_u64).map(|number| {
        let bytes = (400_000 * 8_u64.pow(number.trailing_zeros())).min(100 << 20);
        file(number, bytes, number as i64 * 1_000, number as i64 * 1_000 + 999)
    });
    let (files, _) = settle(files.collect(), &mut 10_000);
    let loose = files.iter().filter(|file| !file.is_full(TARGET)).count();
    assert!(loose <= MAX_LOOSE, "{loose} of {}", files.len());
}
