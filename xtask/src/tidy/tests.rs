use super::*;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

fn findings_of(file: &SourceFile, exceptions: &[(&str, usize)]) -> Vec<String> {
    let exceptions = exceptions.iter().map(|(path, limit)| ((*path).to_owned(), *limit)).collect();
    let mut findings = Findings::default();
    sizes::check(file, &exceptions, &mut findings);
    check_layout(file, &mut findings);
    order::check(file, &mut findings);
    sizes::check_exceptions(std::slice::from_ref(file), &exceptions, &mut findings);
    findings.wrong
}

/// `expected` stands in the only finding; empty for none.
fn check_one(path: &str, text: &str, exceptions: &[(&str, usize)], expected: &str) {
    let wrong = findings_of(&file(path, text), exceptions);
    assert_eq!(wrong.len(), usize::from(!expected.is_empty()), "{path}: {wrong:?}");
    assert!(wrong.iter().all(|finding| finding.contains(expected)), "{path}: {wrong:?}");
}

#[test]
fn long_files() {
    let long = "//!\n".repeat(801);
    check_one("crates/clearspan-model/src/a.rs", &long, &[], "801 lines, the limit is 800");
    check_one("crates/clearspan-model/src/a/tests.rs", &long, &[], "");
    check_one("crates/clearspan-model/src/a.rs", &long, &[("crates/clearspan-model/src/a.rs", 801)], "");
    check_one(
        "crates/clearspan-model/src/a.rs",
        &long,
        &[("crates/clearspan-model/src/a.rs", 900)],
        "lower its limit",
    );
    check_one(
        "crates/clearspan-model/src/a.rs",
        "",
        &[("crates/clearspan-model/src/a.rs", 900)],
        "short enough",
    );
    check_one("crates/clearspan-model/src/a.rs", "", &[("gone.rs", 900)], "does not exist");
    check_one("ui/src/a.tsx", &"x\n".repeat(401), &[], "401 lines, the limit is 400");
    check_one("ui/src/a.test.tsx", &"x\n".repeat(401), &[], "");
}

#[test]
fn long_functions() {
    let function = |n_lines: usize| {
        format!(
            "impl A {{\n    pub(crate) async fn run(&self) {{\n{}    }}\n}}\n",
            "        x();\n".repeat(n_lines - 2)
        )
    };
    check_one("crates/clearspan-model/src/a.rs", &function(100), &[], "");
    check_one("crates/clearspan-model/src/a.rs", &function(101), &[], ":2: `run` has 101 lines");
}

#[test]
fn finds_functions_as_rustfmt_lays_them_out() {
    let text = "fn one() {}\n\ntrait T {\n    fn two(&self);\n    fn two_lines(\n        &self,\n    ) -> u8;\n}\n\nfn three(\n    a: u8,\n) -> u8 {\n    // fn four() {\n    a\n}\n";
    let found: Vec<(&str, usize)> = sizes::functions(text).iter().map(|f| (f.name, f.n_lines)).collect();
    assert_eq!(found, [("one", 1), ("three", 6)]);
}

#[test]
fn layout() {
    check_one("crates/clearspan-model/src/a/mod.rs", "", &[], "not `foo/mod.rs`");
    check_one("crates/clearspan-query/src/a.rs", "fn a() {}\n", &[], "begin with `//!`");
    check_one("crates/clearspan-query/src/a.rs", "//! Owns a.\n", &[], "");
    check_one("crates/clearspan-query/src/a/tests.rs", "fn a() {}\n", &[], "");
}

#[test]
fn order_of_the_server() {
    let server = |module: &str| format!("crates/clearspan-server/src/{module}");
    check_one(&server("api/runs.rs"), "use crate::ingest::Handle;\nuse crate::api::page;\n", &[], "");
    check_one(&server("api.rs"), "use crate::{auth, error::{self, ApiError}};\n", &[], "");
    check_one(&server("ingest.rs"), "use crate::api::runs;\n", &[], ":1: `ingest` must not use `api`");
    check_one(&server("ui.rs"), "fn a() { crate::api::run() }\n", &[], "`ui` must not use `api`");
    check_one(&server("config.rs"), "use crate::{error, app::App};\n", &[], "must not use `app`");
    check_one(&server("misc.rs"), "", &[], "`misc` has no place");
    check_one(&server("main.rs"), "use clearspan_server::app;\n", &[], "");
    check_one(&server("lib.rs"), "pub mod misc;\n", &[], "");
    check_one(&server("ingest/tests.rs"), "use crate::api::runs;\n", &[], "");
}
