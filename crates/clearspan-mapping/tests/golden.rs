//! Golden cases: real requests of unmodified clients, and the runs that they must become.
//!
//! A case is a folder `tests/golden/otlp/<dialect>/<scenario>/` with the bodies in the order of their
//! arrival and `out.json`. `UPDATE_EXPECT=1` rewrites `out.json`; read the difference before you commit it.

#![expect(clippy::unwrap_used, reason = "a case that cannot be read must fail the test")]

mod golden {
    pub(crate) mod case;
    mod known_answers;
    pub(crate) mod render;
}

use std::path::PathBuf;

use golden::case::{Case, cases};
use golden::render::render;

fn check(case: &Case) -> Result<(), String> {
    let actual = render(&case.runs());
    let path = case.folder.join("out.json");
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not a setting")]
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, actual).map_err(|err| format!("{}: {err}", path.display()))?;
        return Ok(());
    }
    let expected = std::fs::read_to_string(&path).map_err(|err| format!("{}: {err}", path.display()))?;
    if expected == actual {
        return Ok(());
    }
    let differs = expected.lines().zip(actual.lines()).enumerate().find(|(_, (left, right))| left != right);
    let (line, (left, right)) = differs.unwrap_or((0, ("", "the lengths differ")));
    Err(format!("{}: line {}\n  expected {left}\n  actual   {right}", case.name, line + 1))
}

#[test]
fn every_capture_becomes_its_runs() {
    let cases = cases();
    assert!(cases.len() > 90, "the golden cases are missing: {}", cases.len());
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

/// The folder of all golden cases.
pub(crate) fn golden_folder() -> PathBuf {
    // Relative to the package, where Cargo runs its tests: a path kept from compiling would be that of
    // whichever clone built the shared target folder.
    PathBuf::from("../../tests/golden/otlp")
}
