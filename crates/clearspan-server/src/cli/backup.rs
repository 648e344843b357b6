//! `clearspan backup` and `clearspan restore`: copies of the data folder, made while a server may be running.
//!
//! Backups lie side by side in one folder, each in one that is named after its time. Files that do not change are shared
//! between them, so each is whole and the next one costs what is new. The runs are copied before the catalog: a project that
//! a run belongs to is in the copy, too. So is every attachment that a run of the copy lists.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use clearspan_catalog::SqliteCatalog;
use clearspan_store::native;
use clearspan_store::native::backup::{self, CopiedFile, Index};
use jiff::Timestamp;

use super::{SettingsArgs, print};
use crate::attachments::{self, Attachments};
use crate::clock::Clock;
use crate::config::{CATALOG_FILE, Settings};

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The folder that holds the backups; it is made when it is missing
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// A backup, or the folder that holds backups, for the newest of them
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
}

/// Makes a backup and says what it cost.
pub(super) fn backup(args: BackupArgs) -> anyhow::Result<()> {
    let settings = args.settings.resolve()?;
    refuse_object_store(&settings)?;
    let dir = &settings.data_dir;
    native::refuse_other_folder(dir)?;
    if !dir.join("runs").is_dir() {
        anyhow::bail!("there is nothing in {} to back up; choose a --data-dir", dir.display());
    }
    refuse_inside(dir, &args.to)?;
    std::fs::create_dir_all(&args.to).with_context(|| format!("cannot make {}", args.to.display()))?;
    let older = newest_readable(&args.to)?;
    let now = Timestamp::from_nanosecond(Clock::default().now().as_nanos().into())?;
    // With all digits, so that names sort by time.
    let made_at = format!("{now:.9}");
    let folder = new_folder(&args.to, &made_at)?;
    let copied = copy(&settings, &folder, older.as_ref().map(|(folder, index)| (folder.as_path(), index)));
    let files = copied.inspect_err(|_| {
        // Half a backup only takes room; what went wrong is what counts.
        let _removed = std::fs::remove_dir_all(&folder);
    })?;
    Index::new(made_at, &files).store(&folder)?;
    let bytes =
        |linked: bool| files.iter().filter(|file| file.linked == linked).map(|file| file.bytes).sum::<u64>();
    print::line(format_args!(
        "Backed up {} files to {}: {} KiB copied, {} KiB shared with the data folder or an older backup",
        files.len(),
        folder.display(),
        bytes(false).div_ceil(1024),
        bytes(true).div_ceil(1024)
    ))?;
    Ok(())
}

/// What is in a bucket cannot be copied by links, and the bucket keeps it better.
fn refuse_object_store(settings: &Settings) -> anyhow::Result<()> {
    let Some(url) = &settings.object_store else { return Ok(()) };
    anyhow::bail!(
        "backups are for data folders that keep everything themselves; what is in {url}, with a copy of the catalog, is \
         kept by the object store: turn on its versioning or replication there"
    )
}

/// A backup that lies in the data folder goes with it.
fn refuse_inside(dir: &Path, to: &Path) -> anyhow::Result<()> {
    let failed = |folder: &Path| format!("cannot look for {}", folder.display());
    let real_dir = dir.canonicalize().with_context(|| failed(dir))?;
    let absolute = std::path::absolute(to).with_context(|| failed(to))?;
    // It need not be there yet.
    let existing = absolute.ancestors().find_map(|folder| folder.canonicalize().ok());
    if existing.is_some_and(|existing| existing.starts_with(&real_dir)) {
        anyhow::bail!(
            "{} is inside of the data folder {}, and would be lost with it; choose another folder with --to, best on \
             another disk",
            to.display(),
            dir.display()
        );
    }
    Ok(())
}

fn copy(
    settings: &Settings,
    folder: &Path,
    older: Option<(&Path, &Index)>,
) -> anyhow::Result<Vec<CopiedFile>> {
    let mut files = backup::copy_runs(&settings.data_dir, folder, older)?;
    let (source, target) = (settings.catalog_path(), folder.join(CATALOG_FILE));
    if settings.has_catalog() {
        let sums = SqliteCatalog::copy_with_sums(&source, &target)?;
        for copied in [target, sums] {
            let (bytes, crc32) = backup::checksum(&copied)?;
            let path = copied.strip_prefix(folder)?.to_owned();
            files.push(CopiedFile { path, bytes, crc32, linked: false });
        }
    }
    // After the runs: a file is there before the run that lists it.
    for path in Attachments::paths_in(&settings.data_dir)? {
        let (source, target) = (settings.data_dir.join(&path), folder.join(&path));
        let parent = target.parent().context("a file has a folder")?;
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let linked = std::fs::hard_link(&source, &target).is_ok();
        if !linked && !source.exists() {
            // Nothing listed it any more.
            continue;
        }
        if !linked {
            std::fs::copy(&source, &target).with_context(|| format!("cannot copy {}", source.display()))?;
        }
        let (bytes, crc32) = backup::checksum(&target)?;
        files.push(CopiedFile { path, bytes, crc32, linked });
    }
    let checked = attachments::check_all(folder, &mut |_| ControlFlow::Continue(()))?;
    if let Some((path, what)) = checked.damaged.first() {
        anyhow::bail!("{} is damaged: {what}; {}, then back up again", path.display(), attachments::ADVICE);
    }
    Ok(files)
}

/// Puts a backup back and checks it.
pub(super) fn restore(args: RestoreArgs) -> anyhow::Result<()> {
    let settings = args.settings.resolve()?;
    refuse_object_store(&settings)?;
    let from = if Index::exists(&args.from) {
        args.from
    } else {
        let newest = Index::all_in(&args.from)?.pop();
        newest.with_context(|| format!("there is no finished backup in {}", args.from.display()))?
    };
    let report = backup::restore(&from, &settings.data_dir)?;
    let catalog = settings.catalog_path();
    if catalog.exists() {
        SqliteCatalog::open(&catalog)?.check_integrity()?;
    }
    print::line(format_args!(
        "Restored {} to {}: {} segments with {} rows and {} log files, all sound",
        from.display(),
        settings.data_dir.display(),
        report.segments,
        report.rows,
        report.log_files
    ))?;
    Ok(())
}

/// The newest backup of a folder whose index is sound. A new backup does not need the others.
fn newest_readable(folder: &Path) -> anyhow::Result<Option<(PathBuf, Index)>> {
    for backup in Index::all_in(folder)?.into_iter().rev() {
        match Index::load(&backup) {
            Ok(index) => return Ok(Some((backup, index))),
            Err(err) => {
                eprintln!("warning: nothing is shared with {}, which is damaged: {err}", backup.display())
            }
        }
    }
    Ok(None)
}

/// A folder that nobody else has.
fn new_folder(parent: &Path, made_at: &str) -> anyhow::Result<PathBuf> {
    let folder = parent.join(made_at.replace(':', "-"));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
