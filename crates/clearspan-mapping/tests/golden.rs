//! Golden cases: real requests of unmodified clients, and what they must become.
//!
//! A case is a folder `tests/golden/otlp/<dialect>/<scenario>/` with the bodies in the order of their
//! arrival, `out.json` (the runs) and, where there are any, `logs.json` and `metrics.json`. `UPDATE_EXPECT=1`
//! rewrites them; read the difference before you commit it.

#![expect(clippy::unwrap_used, reason = "a case that cannot be read must fail the test")]

mod golden {
    pub(crate) mod case;
    mod coverage;
    mod hard_cases;
    mod known_answers;
    pub(crate) mod leaves;
    pub(crate) mod render;
    mod sent;
}

use std::path::PathBuf;

use clearspan_mapping::rules::Rules;
use golden::case::{Case, cases};
use golden::render::{render, render_logs, render_metrics};

/// Compares what the case becomes with its expectations, of which there are up to three.
fn check(case: &Case) -> Vec<String> {
    let outcome = case.map();
    let expectations = [
        ("out.json", Some(render(&outcome.runs))),
        ("logs.json", (!outcome.logs.is_empty()).then(|| render_logs(&outcome.logs))),
        ("metrics.json", (!outcome.metrics.is_empty()).then(|| render_metrics(&outcome.metrics))),
    ];
    expectations.iter().filter_map(|(file, actual)| compare(case, file, actual.as_deref()).err()).collect()
}

fn compare(case: &Case, file: &str, actual: Option<&str>) -> Result<(), String> {
    let path = case.folder.join(file);
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return match actual {
            Some(actual) => std::fs::write(&path, actual),
            None if path.exists() => std::fs::remove_file(&path),
            None => Ok(()),
        }
        .map_err(|err| format!("{}: {err}", path.display()));
    }
    let Some(actual) = actual else {
        return if path.exists() { Err(format!("{}: nothing of it came", path.display())) } else { Ok(()) };
    };
    let expected = std::fs::read_to_string(&path).map_err(|err| format!("{}: {err}", path.display()))?;
    if expected == actual {
        return Ok(());
    }
    let differs = expected.lines().zip(actual.lines()).enumerate().find(|(_, (left, right))| left != right);
    let (line, (left, right)) = differs.unwrap_or((0, ("", "the lengths differ")));
    Err(format!("{} {file}: line {}\n  expected {left}\n  actual   {right}", case.name, line + 1))
}

#[test]
fn every_capture_becomes_its_runs() {
    let cases = cases();
    assert!(cases.len() > 90, "the golden cases are missing: {}", cases.len());
    let failures: Vec<String> = cases.iter().flat_map(check).collect();
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

/// Mapping again without a change of rules changes nothing, and every field says where it came from.
#[test]
fn mapping_again_gives_the_same_runs() {
    let mut failures = Vec::new();
    for case in cases() {
        for (_, run) in case.runs() {
            let again = clearspan_mapping::remap(&run, Rules::none());
            if again != run {
                let difference = first_difference(&format!("{run:#?}"), &format!("{again:#?}"));
                failures.push(format!("{}: {}\n{difference}", case.name, run.name.unwrap_or_default()));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} runs differ:\n{}",
        failures.len(),
        failures[..failures.len().min(20)].join("\n")
    );
}

fn first_difference(expected: &str, actual: &str) -> String {
    let differs = expected.lines().zip(actual.lines()).find(|(left, right)| left != right);
    let (left, right) = differs.unwrap_or(("", "the lengths differ"));
    format!("  expected {left}\n  actual   {right}")
}

/// The folder of all golden cases.
pub(crate) fn golden_folder() -> PathBuf {
    // Relative to the package, where Cargo runs its tests: a path kept from compiling would be that of
    // whichever clone built the shared target folder.
    PathBuf::from("../../tests/golden/otlp")
}
