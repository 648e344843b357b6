//! The order of the modules inside `clearspan-server`: a module imports only from a lower layer.

use super::{Findings, SourceFile};

const SERVER: &str = "crates/clearspan-server/src/";

/// Upper layers first: `style.md` section 1 with the modules that came later. A module of the server that is not here
/// fails the check: give it a place.
const LAYERS: [&[&str]; 10] = [
    &["main"],
    &["cli"],
    &["app"],
    &["receivers", "api", "ui"],
    &["context"],
    &["upkeep"],
    &["ingest", "export", "jobs", "demo"],
    &["attachments", "auth", "redact", "telemetry"],
    &["config"],
    &["clock", "drain", "error", "multipart", "task"],
];

pub(super) fn check(file: &SourceFile, findings: &mut Findings) {
    let Some(inside) = file.path.strip_prefix(SERVER).filter(|_| file.is_rust()) else { return };
    let module = inside.split(['/', '.']).next().unwrap_or_default();
    // `lib.rs` only declares the others.
    if module == "lib" || !file.is_production() {
        return;
    }
    let Some(layer) = layer(module) else {
        findings.wrong.push(format!(
            "{}: module `{module}` has no place in the order of {}",
            file.path,
            file!()
        ));
        return;
    };
    for (line, imported) in imports(&file.text) {
        if imported == module {
            continue;
        }
        // A module without a place is reported at its own file.
        if self::layer(imported).is_some_and(|below| below <= layer) {
            let place = format!("{}:{line}", file.path);
            let wrong = format!("{place}: `{module}` must not use `{imported}`, which is not below it");
            findings.wrong.push(wrong);
        }
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The modules named behind `crate::` (in `main.rs`: behind the name of the library), with their lines.
pub(super) fn imports(text: &str) -> Vec<(usize, &str)> {
    let mut imports = Vec::new();
    for (position, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for root in ["crate::", "clearspan_server::"] {
            for (at, _) in code.match_indices(root) {
                let rest = code.get(at + root.len()..).unwrap_or_default();
                for name in heads(rest) {
                    // Types and macros of the crate's root begin otherwise.
                    if name.starts_with(|c: char| c.is_ascii_lowercase()) {
                        imports.push((position + 1, name));
                    }
                }
            }
        }
    }
    imports
}

/// The first segments of `a::b` or `{a::b, c}`.
fn heads(path: &str) -> Vec<&str> {
    let word = |text: &str| text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let Some(group) = path.strip_prefix('{') else { return path.get(..word(path)).into_iter().collect() };
    let mut depth = 0usize;
    let mut heads = Vec::new();
    let mut start = Some(0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = Some(at + 1),
            _ => {}
        }
        if let Some(from) = start.filter(|from| at >= *from && !c.is_whitespace() && c != ',') {
            let rest = group.get(from..).unwrap_or_default().trim_start();
            heads.extend(rest.get(..word(rest)).filter(|name| !name.is_empty()));
            start = None;
        }
    }
    heads
}
