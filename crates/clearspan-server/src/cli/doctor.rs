//! `clearspan doctor`: what would stop the server from working, each with what to do about it.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use clearspan_catalog::{Catalog, SqliteCatalog};
use clearspan_model::ErrorKind;

use crate::config::Settings;
use crate::error::chain;

/// Below this the server cannot keep its promises for long.
const LOW_DISK_BYTES: u64 = 512 << 20;

/// What one check found.
enum Finding {
    Fine(String),
    /// It works, but somebody should know.
    Note(String),
    Problem(String),
}

/// Checks everything, prints what it found, and fails when something would not work. Changes nothing.
#[expect(clippy::print_stdout, reason = "this is what the command is for")]
pub(super) fn run(settings: &Settings) -> anyhow::Result<()> {
    let dir = &settings.data_dir;
    let exists = dir.exists();
    let mut findings = vec![("data folder", check_folder(dir)), ("disk space", check_space(dir))];
    if exists {
        findings.push(("catalog", check_catalog(settings)));
        findings.push(("runs", check_runs(dir)));
    }
    findings.push(("keys", check_keys(settings)));
    findings.push(("http port", check_port(settings.http.addr(), "--http")));
    findings.push(("grpc port", check_port(settings.grpc.addr(), "--grpc")));

    let mut problems = 0;
    for (what, finding) in findings {
        let (mark, text) = match finding {
            Finding::Fine(text) => ("ok     ", text),
            Finding::Note(text) => ("note   ", text),
            Finding::Problem(text) => {
                problems += 1;
                ("PROBLEM", text)
            }
        };
        println!("{mark}  {what:<12} {text}");
    }
    match problems {
        0 => Ok(()),
        1 => anyhow::bail!("there is a problem"),
        _ => anyhow::bail!("there are {problems} problems"),
    }
}

fn check_folder(dir: &Path) -> Finding {
    if !dir.exists() {
        return Finding::Note(format!("{} does not exist yet; `clearspan serve` makes it", dir.display()));
    }
    match tempfile_in(dir) {
        Ok(()) => Finding::Fine(format!("{} can be written", dir.display())),
        Err(err) => Finding::Problem(format!("{} cannot be written: {err}", dir.display())),
    }
}

fn tempfile_in(dir: &Path) -> std::io::Result<()> {
    let path = dir.join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::write(&path, b"clearspan doctor");
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}

fn check_space(dir: &Path) -> Finding {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let existing = absolute.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    match fs4::available_space(existing) {
        Ok(bytes) if bytes < LOW_DISK_BYTES => Finding::Problem(format!(
            "only {} MiB are free; make room or choose another --data-dir",
            bytes >> 20
        )),
        Ok(bytes) => Finding::Fine(format!("{} MiB are free", bytes >> 20)),
        Err(err) => Finding::Note(format!("cannot be found out: {err}")),
    }
}

fn check_catalog(settings: &Settings) -> Finding {
    let path = settings.catalog_path();
    if !path.exists() {
        return Finding::Note("does not exist yet; `clearspan serve` makes it".to_owned());
    }
    match SqliteCatalog::open(&path).and_then(|catalog| catalog.check_integrity()) {
        Ok(()) => Finding::Fine("sound".to_owned()),
        Err(err) => Finding::Problem(chain(&err)),
    }
}

fn check_runs(dir: &Path) -> Finding {
    match clearspan_store::native::check(dir) {
        Ok(report) => Finding::Fine(format!(
            "{} segments with {} rows and {} log files, all sound",
            report.segments, report.rows, report.log_files
        )),
        // Its files change while they are read.
        Err(err) if err.kind() == ErrorKind::Conflict => {
            Finding::Note("not checked, because a server is running on the data folder".to_owned())
        }
        Err(err) => Finding::Problem(chain(&err)),
    }
}

fn check_keys(settings: &Settings) -> Finding {
    if !settings.requires_keys() {
        return Finding::Fine("not needed: only this machine can reach the server".to_owned());
    }
    let path = settings.catalog_path();
    let has_keys = path.exists()
        && SqliteCatalog::open(&path).and_then(|catalog| catalog.has_active_keys()).unwrap_or(false);
    if has_keys {
        return Finding::Fine("demanded, and there are some".to_owned());
    }
    Finding::Problem("demanded, but there is none: run `clearspan keys create`".to_owned())
}

fn check_port(addr: SocketAddr, flag: &str) -> Finding {
    match TcpListener::bind(addr) {
        Ok(_) => Finding::Fine(format!("{addr} is free")),
        Err(err) if err.kind() == std::io::ErrorKind::AddrInUse => {
            Finding::Note(format!("{addr} is in use; if not by Clearspan, choose another with {flag}"))
        }
        Err(err) => Finding::Problem(format!("cannot listen on {addr}: {err}; choose another with {flag}")),
    }
}
