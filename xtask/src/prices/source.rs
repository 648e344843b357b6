//! Downloads the pinned packages and takes the lists out of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// As it stands in the price files.
pub(super) const GENAI: &str = "genai-prices 0.2.3 (MIT)";
/// As it stands in the price files.
pub(super) const LITELLM: &str = "litellm 1.109.1 (MIT)";

/// What pip checks. To move to a newer list: change both, run `cargo xtask prices`, read the diff.
const REQUIREMENTS: &str = "\
genai-prices==0.2.3 --hash=sha256:56976ce2b04ec206117f7d0e53f4849211a6724ab3a12119afec304eba63ee25
litellm==1.109.1 --hash=sha256:1c8b4dd671fa0cd0850aa751678704ff77e595fb1e6085b2dc3be39ee19bdaaf
";

/// Wheels for one platform, wherever this runs: the checksum is that of one file.
const PLATFORM: &[&str] = &[
    "--only-binary=:all:",
    "--platform=manylinux_2_28_x86_64",
    "--platform=any",
    "--python-version=3.11",
    "--implementation=cp",
    "--abi=abi3",
    "--abi=none",
];

const DUMP: &str = include_str!("dump.py");

#[derive(Deserialize)]
pub(super) struct Lists {
    pub(super) genai: Vec<Value>,
    /// Figures as text: they must not pass through a float.
    pub(super) litellm: BTreeMap<String, BTreeMap<String, Box<RawValue>>>,
}

pub(super) fn fetch() -> Result<Lists> {
    let folder = std::env::temp_dir().join(format!("clearspan-prices-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let lists = fetch_into(&folder);
    // The system cleans what stays behind here.
    fs::remove_dir_all(&folder).ok();
    lists
}

fn fetch_into(folder: &Path) -> Result<Lists> {
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).context("cannot write the list of packages")?;
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ]);
    pip.args(PLATFORM).arg("--dest").arg(folder).arg("--requirement").arg(&requirements);
    run(&mut pip).context("cannot download the price lists")?;
    let mut dump = Command::new("python3");
    dump.args(["-c", DUMP]).arg(wheel(folder, "genai_prices-")?).arg(wheel(folder, "litellm-")?);
    let json = run(&mut dump).context("cannot read the price lists")?;
    serde_json::from_slice(&json).context("cannot parse the price lists")
}

fn wheel(folder: &Path, prefix: &str) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)) {
            return Ok(path);
        }
    }
    bail!("pip downloaded no file \"{prefix}…\"")
}

fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}
