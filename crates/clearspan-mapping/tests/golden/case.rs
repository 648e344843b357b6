//! Reading a golden case: its requests in order, and what they become.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clearspan_mapping::otlp::{
    DecodeError, Encoding, MapContext, Mapped, MappedLog, MappedPoint, ProjectRef, read_logs, read_metrics,
    read_traces,
};
use clearspan_model::{Run, RunKey, UnixNanos};

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

/// What the requests of a case become.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) runs: Vec<(Option<ProjectRef>, Run)>,
    pub(crate) logs: Vec<MappedLog>,
    pub(crate) metrics: Vec<MappedPoint>,
}

/// All cases, by name.
pub(crate) fn cases() -> Vec<Case> {
    let root = crate::golden_folder();
    let mut cases = Vec::new();
    for dialect in folders(&root) {
        for folder in folders(&dialect) {
            let name = folder.strip_prefix(&root).unwrap().display().to_string();
            cases.push(Case { name, folder });
        }
    }
    cases
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = std::fs::read_dir(parent)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

impl Case {
    /// The bodies, in the order of their arrival: `req-001.traces.pb`, `req-002.logs.json`, ….
    pub(crate) fn bodies(&self) -> Vec<PathBuf> {
        let mut bodies: Vec<_> =
            std::fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        bodies.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("req-"));
        bodies.sort();
        bodies
    }

    /// Decodes and maps every request and merges what belongs together. Each request arrives a second later.
    pub(crate) fn map(&self) -> Outcome {
        let mut order: Vec<RunKey> = Vec::new();
        let mut runs: BTreeMap<RunKey, (Option<ProjectRef>, Run)> = BTreeMap::new();
        let mut outcome = Outcome::default();
        for (idx, path) in self.bodies().iter().enumerate() {
            let seconds = 1_800_000_000 + i64::try_from(idx).unwrap();
            let ctx = MapContext::at(UnixNanos::from_nanos(seconds * 1_000_000_000));
            let mapped = map_body(path, &ctx);
            outcome.logs.extend(mapped.logs);
            outcome.metrics.extend(mapped.metrics);
            for mapped in mapped.runs {
                let key = mapped.run.key;
                match runs.get_mut(&key) {
                    Some((_, run)) => run.merge(mapped.run),
                    None => {
                        order.push(key);
                        runs.insert(key, (mapped.project, mapped.run));
                    }
                }
            }
        }
        outcome.runs = order.iter().map(|key| runs.remove(key).unwrap()).collect();
        outcome
    }

    /// The runs alone.
    pub(crate) fn runs(&self) -> Vec<(Option<ProjectRef>, Run)> {
        self.map().runs
    }
}

fn map_body(path: &Path, ctx: &MapContext<'_>) -> Mapped {
    let body = std::fs::read(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let encoding = if name.ends_with(".json") { Encoding::Json } else { Encoding::Protobuf };
    let failed = |err: DecodeError| -> ! { panic!("{}: {err}", path.display()) };
    let mapped = match name.split('.').nth(1).unwrap() {
        "traces" => read_traces(&body, encoding, ctx).unwrap_or_else(|err| failed(err)),
        "logs" => read_logs(&body, encoding, ctx).unwrap_or_else(|err| failed(err)),
        "metrics" => read_metrics(&body, encoding, ctx).unwrap_or_else(|err| failed(err)),
        other => panic!("{name}: no signal {other}"),
    };
    // Every capture is of a correct client.
    assert_eq!((&*mapped.rejections, &*mapped.repairs), (&[][..], &[][..]), "{}", path.display());
    mapped
}
