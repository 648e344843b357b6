//! Files and functions that a person can hold in the head.

use std::collections::BTreeMap;

use super::{EXCEPTIONS, Findings, SourceFile};

struct Limits {
    soft: usize,
    hard: usize,
}

const RUST_FILE: Limits = Limits { soft: 500, hard: 800 };
const UI_FILE: Limits = Limits { soft: 300, hard: 400 };
const FUNCTION: Limits = Limits { soft: 50, hard: 100 };

pub(super) fn check(file: &SourceFile, exceptions: &BTreeMap<String, usize>, findings: &mut Findings) {
    if !file.is_production() {
        return;
    }
    let limits = limits(file);
    let n_lines = file.text.lines().count();
    findings.n_soft += usize::from(n_lines > limits.soft);
    let allowed = exceptions.get(&file.path).copied().unwrap_or(limits.hard);
    if n_lines > allowed {
        findings
            .wrong
            .push(format!("{}: {n_lines} lines, the limit is {allowed}: split it by noun", file.path));
    }
    if !file.is_rust() {
        return;
    }
    for Function { name, line, n_lines } in functions(&file.text) {
        findings.n_soft += usize::from(n_lines > FUNCTION.soft);
        if n_lines > FUNCTION.hard {
            let place = format!("{}:{line}", file.path);
            findings
                .wrong
                .push(format!("{place}: `{name}` has {n_lines} lines, the limit is {}", FUNCTION.hard));
        }
    }
}

/// The list may only shrink: an entry must be needed and must say no more than the file has.
pub(super) fn check_exceptions(
    files: &[SourceFile],
    exceptions: &BTreeMap<String, usize>,
    findings: &mut Findings,
) {
    for (path, limit) in exceptions {
        let Some(file) = files.iter().find(|file| file.path == *path) else {
            findings.wrong.push(format!("{EXCEPTIONS}: {path} does not exist, remove its line"));
            continue;
        };
        let n_lines = file.text.lines().count();
        if n_lines <= limits(file).hard {
            findings.wrong.push(format!("{EXCEPTIONS}: {path} is short enough, remove its line"));
        } else if n_lines < *limit {
            findings
                .wrong
                .push(format!("{EXCEPTIONS}: {path} has {n_lines} lines, lower its limit from {limit}"));
        }
    }
}

fn limits(file: &SourceFile) -> Limits {
    if file.is_rust() { RUST_FILE } else { UI_FILE }
}

#[derive(Debug, PartialEq)]
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    pub(super) line: usize,
    pub(super) n_lines: usize,
}

/// The functions with a body, as rustfmt lays them out: the closing brace stands below the first word.
pub(super) fn functions(text: &str) -> Vec<Function<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    for (position, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        // The signature ends where the body begins, or with a semicolon when there is none.
        let signature = lines[position..].iter().position(|line| line.trim_end().ends_with(['{', '}', ';']));
        let last = signature.map_or("", |length| lines[position + length].trim_end());
        let closes = |line: &&str| line.trim_end() == format!("{}}}", " ".repeat(indent));
        let length = match last.chars().last() {
            Some('}') => signature,
            Some('{') => lines[position..].iter().position(closes),
            _ => None,
        };
        if let Some(length) = length {
            functions.push(Function { name, line: position + 1, n_lines: length + 1 });
        }
    }
    functions
}

fn function_name(line: &str) -> Option<&str> {
    const BEFORE: [&str; 9] =
        ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern", "\"C\"", "default"];
    let (before, after) = line.split_once("fn ")?;
    let is_item = before.split_whitespace().all(|word| BEFORE.contains(&word));
    let name = after.split(['(', '<']).next()?;
    (is_item && !name.is_empty()).then_some(name)
}
