//! What a crate must not depend on. `style.md` section 1 has the table; the compiler cannot read it, this can.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A crate of ours, which of ours it may use, and which others must not be in its tree. A name also stands for all that
/// begin with it and a hyphen.
struct Rule {
    krate: &'static str,
    may_use: &'static [&'static str],
    absent: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        krate: "clearspan-model",
        may_use: &[],
        absent: &[
            "tokio",
            "tonic",
            "arrow",
            "parquet",
            "datafusion",
            "prost",
            "http",
            "hyper",
            "axum",
            "reqwest",
        ],
    },
    Rule {
        krate: "clearspan-mapping",
        may_use: &["clearspan-model"],
        absent: &[
            "prost",
            "opentelemetry-proto",
            "tokio",
            "tonic",
            "arrow",
            "parquet",
            "datafusion",
            "http",
            "hyper",
            "axum",
            "reqwest",
            "rusqlite",
        ],
    },
    Rule {
        krate: "clearspan-query",
        may_use: &["clearspan-model"],
        absent: &[
            "tokio",
            "tonic",
            "arrow",
            "parquet",
            "datafusion",
            "sqlparser",
            "prost",
            "http",
            "rusqlite",
        ],
    },
    Rule {
        krate: "clearspan-store",
        may_use: &["clearspan-model", "clearspan-query"],
        // Not hyper: object_store speaks to S3 with it.
        absent: &["tonic", "axum", "opentelemetry-proto", "rusqlite"],
    },
    Rule {
        krate: "clearspan-catalog",
        may_use: &["clearspan-model"],
        absent: &["arrow", "parquet", "datafusion", "tonic", "axum", "hyper"],
    },
    Rule { krate: "xtask", may_use: &[], absent: &["tokio", "datafusion"] },
];

/// What no crate of ours names itself, and what it takes instead; others may bring it along.
const NOT_DIRECTLY: &[(&str, &str)] = &[
    ("chrono", "UnixNanos, or jiff for calendars"),
    ("lazy_static", "std::sync::LazyLock"),
    ("once_cell", "std::sync::OnceLock"),
    ("log", "tracing"),
    ("num_cpus", "std::thread::available_parallelism"),
];

pub(crate) fn check(root: &Path) -> Result<()> {
    let members = members(root)?;
    let mut wrong = Vec::new();
    for rule in RULES {
        let Some(member) = members.iter().find(|member| member.name == rule.krate) else {
            wrong.push(format!("{} is not a member of the workspace", rule.krate));
            continue;
        };
        let ours = |name: &str| members.iter().any(|member| member.name == name);
        for dependency in member.dependencies.iter().filter(|dependency| ours(&dependency.name)) {
            if !rule.may_use.contains(&dependency.name.as_str()) {
                wrong.push(format!("{} must not use {}", rule.krate, dependency.name));
            }
        }
        for name in tree(root, rule.krate)? {
            if rule.absent.iter().any(|absent| is_of_family(&name, absent)) {
                wrong.push(format!(
                    "{} must not contain {name} (see `cargo tree -p {} -i {name}`)",
                    rule.krate, rule.krate
                ));
            }
        }
    }
    for member in &members {
        for (name, instead) in NOT_DIRECTLY {
            if member.dependencies.iter().any(|dependency| dependency.name == *name) {
                wrong.push(format!("{} must not use {name}: take {instead}", member.name));
            }
        }
    }
    if !wrong.is_empty() {
        bail!("absences:\n  {}", wrong.join("\n  "));
    }
    eprintln!("absences: {} crates are clean", RULES.len());
    Ok(())
}

fn is_of_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
}

fn members(root: &Path) -> Result<Vec<Member>> {
    let json = cargo(root, &["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: Metadata = serde_json::from_str(&json).context("cannot read what `cargo metadata` says")?;
    Ok(metadata.packages)
}

/// The names of all that a crate links, whatever the platform.
fn tree(root: &Path, krate: &str) -> Result<BTreeSet<String>> {
    let args =
        ["tree", "--locked", "--package", krate, "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let lines = cargo(root, &args)?;
    Ok(lines.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

fn cargo(root: &Path, args: &[&str]) -> Result<String> {
    let output =
        Command::new(env!("CARGO")).args(args).current_dir(root).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("`cargo {}`: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).context("cargo printed something that is not UTF-8")
}

#[cfg(test)]
mod tests;
