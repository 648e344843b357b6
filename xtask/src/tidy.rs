//! Rules of `style.md` that neither rustfmt nor clippy knows: sizes, module order, module docs, no `mod.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

mod order;
mod sizes;

/// `path limit` a line: files that may be longer than the hard limit, until they are shorter.
const EXCEPTIONS: &str = "xtask/tidy-exceptions.txt";

pub(crate) fn check(root: &Path) -> Result<()> {
    let files = files(root)?;
    let mut findings = Findings::default();
    let exceptions = exceptions(root)?;
    for file in &files {
        sizes::check(file, &exceptions, &mut findings);
        check_layout(file, &mut findings);
        order::check(file, &mut findings);
    }
    sizes::check_exceptions(&files, &exceptions, &mut findings);
    if !findings.wrong.is_empty() {
        bail!("tidy:\n  {}", findings.wrong.join("\n  "));
    }
    eprintln!("tidy: {} files are fine, {} above a soft limit", files.len(), findings.n_soft);
    Ok(())
}

#[derive(Default)]
struct Findings {
    wrong: Vec<String>,
    /// Files and functions between the soft and the hard limit.
    n_soft: usize,
}

/// A source file with its path below the root, with forward slashes.
struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Tests, benches and what programs wrote are free of most rules.
    fn is_production(&self) -> bool {
        let is_test = self.path.split('/').any(|part| {
            let stem = part.split_once('.').map_or(part, |(stem, _)| stem);
            ["tests", "test", "benches", "e2e", "testing"].contains(&stem)
                || part.contains(".test.")
                || part.contains(".spec.")
        });
        !is_test && !self.path.contains("/generated") && !self.path.contains(".gen.")
    }
}

fn check_layout(file: &SourceFile, findings: &mut Findings) {
    const DOCUMENTED: [&str; 3] =
        ["crates/clearspan-mapping/src/", "crates/clearspan-query/src/", "crates/clearspan-store/src/"];
    let SourceFile { path, text } = file;
    if path.ends_with("/mod.rs") {
        findings.wrong.push(format!("{path}: write `foo.rs` beside `foo/`, not `foo/mod.rs`"));
    }
    let must_have_docs = DOCUMENTED.iter().any(|folder| path.starts_with(folder)) && file.is_production();
    if must_have_docs && file.is_rust() && !text.starts_with("//!") {
        findings.wrong.push(format!("{path}: begin with `//!`: what it owns, what it leaves to others"));
    }
}

/// All files that git knows or would add, so that build output does not count.
fn files(root: &Path) -> Result<Vec<SourceFile>> {
    let args = [
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
        "--",
        "crates",
        "xtask",
        "sdk",
        "ui/src",
    ];
    let output = std::process::Command::new("git")
        .args(args)
        .current_dir(root)
        .output()
        .context("cannot start git")?;
    if !output.status.success() {
        bail!("`git ls-files`: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("a file name that is not UTF-8")?;
    let mut files = Vec::new();
    for path in names.split('\0').filter(|path| is_source(path)) {
        // A file that was removed and not yet committed is still listed.
        if let Ok(text) = fs::read_to_string(root.join(path)) {
            files.push(SourceFile { path: path.to_owned(), text });
        }
    }
    if files.is_empty() {
        bail!("git lists no source files below {}", root.display());
    }
    Ok(files)
}

fn is_source(path: &str) -> bool {
    let extension = PathBuf::from(path).extension().map(|extension| extension.to_string_lossy().into_owned());
    extension.is_some_and(|extension| ["rs", "ts", "tsx", "css"].contains(&extension.as_str()))
}

fn exceptions(root: &Path) -> Result<BTreeMap<String, usize>> {
    let text =
        fs::read_to_string(root.join(EXCEPTIONS)).with_context(|| format!("cannot read {EXCEPTIONS}"))?;
    let mut exceptions = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let entry = line.split_once(' ').and_then(|(path, limit)| Some((path, limit.trim().parse().ok()?)));
        let (path, limit) = entry.with_context(|| format!("{EXCEPTIONS}: not \"path lines\": \"{line}\""))?;
        exceptions.insert(path.to_owned(), limit);
    }
    Ok(exceptions)
}

#[cfg(test)]
mod tests;
