//! Writes `crates/clearspan-mapping/prices/*.json` from two public price lists that PyPI packages ship.
//!
//! `genai-prices` comes first: it knows start dates, thresholds and old models. `litellm` adds the models that the
//! first does not know. Both are pinned by version and checksum, so that the same input gives the same files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

mod genai;
mod litellm;
mod record;
mod source;

use record::{Model, Provider};

const PRICES: &str = "crates/clearspan-mapping/prices";
const FILE_LIST: &str = "crates/clearspan-mapping/src/pricing/files.rs";
/// The binary carries all of it.
const LIMIT_BYTES: usize = 1_500_000;

/// Writes the files and removes those of providers that are gone.
pub(crate) fn write(root: &Path) -> Result<()> {
    let files = generate()?;
    for path in stale(root, &files)? {
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    for (path, text) in &files {
        let path = root.join(path);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    eprintln!("wrote {} price files", files.len() - 1);
    Ok(())
}

/// Fails when the files are not what [`write`] would write.
pub(crate) fn check(root: &Path) -> Result<()> {
    let files = generate()?;
    let mut wrong: Vec<PathBuf> = stale(root, &files)?;
    for (path, text) in &files {
        if fs::read_to_string(root.join(path)).ok().as_deref() != Some(text) {
            wrong.push(path.clone());
        }
    }
    if !wrong.is_empty() {
        let names: Vec<String> = wrong.iter().map(|path| path.display().to_string()).collect();
        bail!("not what the pinned packages give, run `cargo xtask prices`: {}", names.join(", "));
    }
    Ok(())
}

fn stale(root: &Path, files: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>> {
    let mut stale = Vec::new();
    for entry in fs::read_dir(root.join(PRICES)).context("cannot list the price files")? {
        let path = entry?.path();
        let is_price_file = path.extension().is_some_and(|extension| extension == "json");
        let relative = path.strip_prefix(root).expect("listed below the root");
        if is_price_file && !files.contains_key(relative) {
            stale.push(path);
        }
    }
    Ok(stale)
}

fn generate() -> Result<BTreeMap<PathBuf, String>> {
    let lists = source::fetch()?;
    let mut providers = genai::providers(&lists.genai)?;
    litellm::add_missing(&mut providers, &lists.litellm)?;
    let mut files = BTreeMap::new();
    let mut names = String::new();
    let mut n_models = 0;
    for (id, mut provider) in providers {
        provider.models.retain(|model| !model.prices.is_empty());
        if provider.models.is_empty() {
            continue;
        }
        provider.models.sort_by(|one, other| one.id.cmp(&other.id));
        n_models += provider.models.len();
        files.insert(Path::new(PRICES).join(format!("{id}.json")), text(&id, &provider)?);
        writeln!(names, "    include_str!(\"../../prices/{id}.json\"),").expect("a string takes all text");
    }
    let n_bytes: usize = files.values().map(String::len).sum();
    if n_bytes > LIMIT_BYTES {
        bail!("the price files take {n_bytes} bytes, more than {LIMIT_BYTES}");
    }
    eprintln!("{n_models} models of {} providers in {n_bytes} bytes", files.len());
    let list =
        format!("//! Written by `cargo xtask prices`.\n\npub(super) const FILES: &[&str] = &[\n{names}];\n");
    files.insert(PathBuf::from(FILE_LIST), list);
    Ok(files)
}

/// One model a line, so that a change of price is a change of one line.
fn text(id: &str, provider: &Provider) -> Result<String> {
    let models: Result<Vec<String>, _> = provider.models.iter().map(serde_json::to_string::<Model>).collect();
    let sources: Vec<String> = provider.sources.iter().map(ToString::to_string).collect();
    Ok(format!(
        "{{\"provider\":{},\"sources\":{},\"models\":[\n{}\n]}}\n",
        serde_json::to_string(id)?,
        serde_json::to_string(&sources)?,
        models?.join(",\n")
    ))
}

#[cfg(test)]
mod tests;
