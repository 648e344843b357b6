//! Scrubbing: everything on the disk is compared with its checksums from time to time, so that damage is found while there is a
//! backup to mend it from.

use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use clearspan_catalog::SqliteCatalog;
use clearspan_model::ErrorKind;
use clearspan_store::{CheckReport, Problem};

use super::job::JobState;
use super::{Result, Upkeep};
use crate::attachments;
use crate::config::{CATALOG_FILE, TimeSpan};
use crate::error::chain;

/// How fast files are read.
const BYTES_PER_SECOND: NonZeroU64 = NonZeroU64::new(256 << 20).expect("not zero");
/// The first one begins so long after the start, and the next after one that failed; earlier where they are to be more frequent.
const SOON: TimeSpan = TimeSpan::seconds(3_600);

/// What a scrub found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scrubbed {
    /// Everywhere; what is said of attachments is among it.
    pub(crate) report: CheckReport,
    /// The attachments that were compared.
    pub(crate) attachments: usize,
}

impl Upkeep {
    pub(crate) fn scrub_state(&self) -> JobState<Scrubbed> {
        self.scrubs.state()
    }

    /// Where the last scrub found the catalog damaged, what to do.
    pub(crate) fn catalog_warning(&self) -> Option<String> {
        let found = self.scrub_state().last?.outcome.ok()?;
        let problem = found.report.problems.into_iter().find(|problem| problem.file == CATALOG_FILE)?;
        Some(format!("{CATALOG_FILE} is damaged; {}", problem.advice))
    }

    /// Starts a scrub, unless one runs.
    pub(crate) fn start_scrub(self: &Arc<Self>) {
        let this = Arc::clone(self);
        self.start_job("scrub", |upkeep| &upkeep.scrubs, async move { this.scrub().await });
    }

    async fn scrub(self: &Arc<Self>) -> Result<Scrubbed> {
        let mut report = self.store.scrub(BYTES_PER_SECOND).await?;
        let this = Arc::clone(self);
        let checked = self.with_files(move || this.check_attachments()).await?;
        report.bytes += checked.bytes;
        report.problems.extend(checked.damaged.into_iter().map(|(file, what)| Problem {
            file: file.display().to_string(),
            what,
            affected: "an attachment of runs or examples".to_owned(),
            times: None,
            advice: attachments::ADVICE,
        }));
        let this = Arc::clone(self);
        report.problems.extend(self.with_files(move || Ok(this.check_catalog())).await?);
        for Problem { file, what, affected, advice, .. } in &report.problems {
            tracing::error!(file, what, affected, advice, "stored data is damaged");
        }
        for note in &report.notes {
            tracing::warn!("{note}");
        }
        tracing::info!(
            files = report.segments,
            indexes = report.indexes,
            attachments = checked.files,
            bytes = report.bytes,
            "compared stored data with its checksums"
        );
        Ok(Scrubbed { report, attachments: checked.files })
    }

    /// Compares it with its checksums, and asks SQLite for its order.
    fn check_catalog(&self) -> Option<Problem> {
        let path = self.attachments.data_dir().join(CATALOG_FILE);
        let found = SqliteCatalog::open_to_look(&path).and_then(|catalog| catalog.check_integrity());
        let err = found.err().filter(|err| err.kind() == ErrorKind::Corrupt)?;
        Some(Problem {
            file: CATALOG_FILE.to_owned(),
            what: chain(&err),
            affected: "projects, keys, feedback, datasets and prompts".to_owned(),
            times: None,
            advice: "stop the server, then restore catalog.sqlite and catalog.sqlite-sums from a backup",
        })
    }

    /// Blocks, and reads as fast as the rest is read.
    fn check_attachments(&self) -> std::io::Result<attachments::Checked> {
        let mut meter = |bytes: u64| {
            std::thread::sleep(Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND.get() as f64));
            match self.stopping.is_cancelled() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        attachments::check_all(self.attachments.data_dir(), &mut meter)
    }

    pub(super) fn is_scrub_due(&self) -> bool {
        let Some(every) = self.limits.scrub_every else { return false };
        let soon = every.nanos().min(SOON.nanos());
        let (since, wait) = match self.scrubs.state().last {
            Some(last) if last.outcome.is_ok() => (last.ended_at, every.nanos()),
            Some(failed) => (failed.ended_at, soon),
            None => (self.began, soon),
        };
        self.clock.now().nanos_since(since) >= wait
    }
}
