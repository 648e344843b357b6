//! `clearspan doctor`: what would stop the server from working, each with what to do about it.

use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::path::Path;

use clearspan_catalog::{Catalog, SqliteCatalog};
use clearspan_model::UnixNanos;
use clearspan_store::{CheckReport, Problem, native};
use jiff::Timestamp;
use serde::Serialize;

use super::print;
use crate::attachments;
use crate::config::{CatalogState, Settings};
use crate::error::chain;

/// Below this the server cannot keep its promises for long.
const LOW_DISK_BYTES: u64 = 512 << 20;
const FOLDER: &str = "data folder";
const RUNS: &str = "runs";
const ATTACHMENTS: &str = "attachments";

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// It works, but somebody should know.
    Note,
    Problem,
}

/// What one check found.
#[derive(Debug, Serialize)]
struct Finding {
    area: &'static str,
    state: State,
    text: String,
    /// Where stored data is damaged, the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// What cannot be read because of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    affected: Option<String>,
    /// The times at which what is affected began.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<[String; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

impl Finding {
    fn new(area: &'static str, state: State, text: impl Into<String>) -> Self {
        Self { area, state, text: text.into(), file: None, affected: None, times: None, advice: None }
    }

    fn of_runs(problem: Problem) -> Self {
        let time = |time: UnixNanos| {
            Timestamp::from_nanosecond(time.as_nanos().into())
                .map_or_else(|_| time.as_nanos().to_string(), |time| time.to_string())
        };
        Self {
            file: Some(problem.file),
            affected: Some(problem.affected),
            times: problem.times.map(|(from, to)| [time(from), time(to)]),
            advice: Some(problem.advice),
            ..Self::new(RUNS, State::Problem, problem.what)
        }
    }

    /// For people.
    fn lines(&self) -> String {
        let mark = match self.state {
            State::Ok => "ok     ",
            State::Note => "note   ",
            State::Problem => "PROBLEM",
        };
        let mut lines = format!("{mark}  {:<12} ", self.area);
        let mut add = |label: &str, text: &str| {
            lines.push_str(&format!("\n{:23}{label}: {text}", ""));
        };
        if let Some(file) = &self.file {
            add("file", file);
        }
        if let Some(affected) = &self.affected {
            add("affected", affected);
        }
        if let Some([from, to]) = &self.times {
            add("began", &format!("{from} to {to}"));
        }
        if let Some(advice) = self.advice {
            add("what to do", advice);
        }
        lines.insert_str(mark.len() + 2 + 13, &self.text);
        lines
    }
}

/// Takes the catalog as it is, although it differs from its checksums, when it can be used.
pub(super) fn accept_catalog(settings: &Settings) -> anyhow::Result<()> {
    native::refuse_other_folder(&settings.data_dir)?;
    if !settings.has_catalog() {
        anyhow::bail!(
            "there is no catalog in {}; choose another with --data-dir",
            settings.data_dir.display()
        );
    }
    SqliteCatalog::accept(&settings.catalog_path())?;
    print::note(format_args!("The catalog is sound for SQLite and has new checksums."));
    Ok(())
}

/// Checks everything, prints what it found, and fails when something would not work. Changes nothing.
pub(super) fn run(settings: &Settings, json: bool) -> anyhow::Result<()> {
    let dir = &settings.data_dir;
    let exists = dir.exists();
    let mut findings = Vec::new();
    match check_is_data(dir) {
        // Neither is opened or written to: what is in it is no catalog and no runs of a server.
        Some(finding) => findings.extend([finding, check_space(dir)]),
        None => {
            findings.extend([check_folder(dir), check_space(dir)]);
            if exists {
                findings.push(check_catalog(settings));
                findings.extend(check_runs(settings));
                findings.extend(check_attachments(dir));
            }
            findings.push(check_keys(settings));
        }
    }
    findings.push(check_port("http port", settings.http.addr(), "--http"));
    findings.push(check_port("grpc port", settings.grpc.addr(), "--grpc"));

    let problems = findings.iter().filter(|finding| finding.state == State::Problem).count();
    if json {
        print::line(serde_json::json!({"ok": problems == 0, "findings": findings}))?;
    } else {
        for finding in &findings {
            print::line(finding.lines())?;
        }
    }
    match problems {
        0 => Ok(()),
        1 => anyhow::bail!("there is a problem"),
        _ => anyhow::bail!("there are {problems} problems"),
    }
}

fn check_folder(dir: &Path) -> Finding {
    if !dir.exists() {
        return Finding::new(
            FOLDER,
            State::Note,
            format!("{} does not exist yet; `clearspan serve` makes it", dir.display()),
        );
    }
    match tempfile_in(dir) {
        Ok(()) => Finding::new(FOLDER, State::Ok, format!("{} can be written", dir.display())),
        Err(err) => {
            Finding::new(FOLDER, State::Problem, format!("{} cannot be written: {err}", dir.display()))
        }
    }
}

/// Whether the folder is something else than the data of a server.
fn check_is_data(dir: &Path) -> Option<Finding> {
    let err = native::refuse_other_folder(dir).err()?;
    Some(Finding::new(FOLDER, State::Problem, format!("was not checked: {}", chain(&err))))
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
        Ok(bytes) if bytes < LOW_DISK_BYTES => Finding::new(
            "disk space",
            State::Problem,
            format!("only {} MiB are free; make room or choose another --data-dir", bytes >> 20),
        ),
        Ok(bytes) => Finding::new("disk space", State::Ok, format!("{} MiB are free", bytes >> 20)),
        Err(err) => Finding::new("disk space", State::Note, format!("cannot be found out: {err}")),
    }
}

fn check_catalog(settings: &Settings) -> Finding {
    let find = |state, text: String| Finding::new("catalog", state, text);
    match (settings.catalog_state(None), &settings.object_store) {
        (Ok(CatalogState::Present), _) => {
            match SqliteCatalog::open_to_look(&settings.catalog_path())
                .and_then(|catalog| catalog.check_integrity())
            {
                Ok(()) => find(State::Ok, "sound".to_owned()),
                Err(err) => find(State::Problem, chain(&err)),
            }
        }
        (Ok(CatalogState::Lost), _) => find(State::Problem, settings.lost_catalog()),
        (Ok(_), None) => find(State::Note, "does not exist yet; `clearspan serve` makes it".to_owned()),
        (Ok(_), Some(url)) => {
            let text =
                format!("is not in the folder; `clearspan serve` takes the copy in {url}, or makes it");
            find(State::Note, text)
        }
        (Err(err), _) => find(State::Problem, chain(&err)),
    }
}

fn check_runs(settings: &Settings) -> Vec<Finding> {
    let dir = &settings.data_dir;
    let checked = match settings.bucket() {
        Some(bucket) => native::check_in_bucket(dir, &bucket),
        None => native::check(dir),
    };
    let report = match checked {
        Ok(report) => report,
        // Its files change while they are read.
        Err(err) if native::is_in_use(&err) => {
            let text = "not checked, because a server is running on the data folder";
            return vec![Finding::new(RUNS, State::Note, text)];
        }
        Err(err) => return vec![Finding::new(RUNS, State::Problem, chain(&err))],
    };
    let mut findings = Vec::new();
    if report.problems.is_empty() {
        let CheckReport { segments, rows, indexes, log_files, .. } = report;
        let text = format!(
            "{segments} segments with {rows} rows, {indexes} search indexes and {log_files} log files, all sound"
        );
        findings.push(Finding::new(RUNS, State::Ok, text));
    }
    if report.without_checksums > 0 {
        let text = format!(
            "{} segments were written by an older version without checksums: damage that can still be decoded is not seen there",
            report.without_checksums
        );
        findings.push(Finding::new(RUNS, State::Note, text));
    }
    findings.extend(report.notes.into_iter().map(|note| Finding::new(RUNS, State::Note, note)));
    findings.extend(report.problems.into_iter().map(Finding::of_runs));
    findings
}

/// Files that belong to runs and examples. They never change, so a server may run meanwhile.
fn check_attachments(dir: &Path) -> Vec<Finding> {
    let checked = match attachments::check_all(dir, &mut |_| ControlFlow::Continue(())) {
        Ok(checked) => checked,
        Err(err) => return vec![Finding::new(ATTACHMENTS, State::Problem, err.to_string())],
    };
    if checked.files > 0 && checked.damaged.is_empty() {
        let text = format!("{} files, all sound", checked.files);
        return vec![Finding::new(ATTACHMENTS, State::Ok, text)];
    }
    let damaged = checked.damaged.into_iter().map(|(file, what)| Finding {
        file: Some(file.display().to_string()),
        affected: Some("an attachment of runs or examples".to_owned()),
        advice: Some(attachments::ADVICE),
        ..Finding::new(ATTACHMENTS, State::Problem, what)
    });
    damaged.collect()
}

fn check_keys(settings: &Settings) -> Finding {
    if !settings.requires_keys() {
        return Finding::new(
            "keys",
            State::Ok,
            "not needed: only this machine can reach the server".to_owned(),
        );
    }
    let open = || SqliteCatalog::open_to_look(&settings.catalog_path());
    let has_keys =
        settings.has_catalog() && open().and_then(|catalog| catalog.has_active_keys()).unwrap_or(false);
    if has_keys {
        return Finding::new("keys", State::Ok, "demanded, and there are some".to_owned());
    }
    Finding::new(
        "keys",
        State::Problem,
        "demanded, but there is none: run `clearspan keys create`".to_owned(),
    )
}

fn check_port(area: &'static str, addr: SocketAddr, flag: &str) -> Finding {
    match TcpListener::bind(addr) {
        Ok(_) => Finding::new(area, State::Ok, format!("{addr} is free")),
        Err(err) if err.kind() == std::io::ErrorKind::AddrInUse => Finding::new(
            area,
            State::Note,
            format!("{addr} is in use; if not by Clearspan, choose another with {flag}"),
        ),
        Err(err) => Finding::new(
            area,
            State::Problem,
            format!("cannot listen on {addr}: {err}; choose another with {flag}"),
        ),
    }
}
