//! `clearspan move`: the segments of a stopped server go into an object store, or come back from it.

use anyhow::Context as _;
use clap::Args;
use clearspan_store::native;

use super::{SettingsArgs, print};
use crate::config::{CatalogState, Settings};

#[derive(Debug, Args)]
pub(super) struct MoveArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// From the object store into the data folder; what is in the object store stays
    #[arg(long)]
    back: bool,
}

/// Moves the segments and says how many there were.
pub(super) fn run(args: MoveArgs) -> anyhow::Result<()> {
    let settings = args.settings.resolve()?;
    let bucket = settings.bucket().context(
        "say with --object-store which object store, for example --object-store s3://bucket/prefix",
    )?;
    let (dir, url) = (&settings.data_dir, &bucket.address.url);
    let mut progress = Progress::default();
    let mut tell = |done, all| progress.tell(done, all);
    let (moved, from, to) = if args.back {
        (native::move_from_bucket(dir, &bucket, &mut tell)?, url.clone(), dir.display().to_string())
    } else {
        refuse_lost_catalog(&settings)?;
        (native::move_to_bucket(dir, &bucket, &mut tell)?, dir.display().to_string(), url.clone())
    };
    let start = if args.back { "without --object-store" } else { "with the same --object-store" };
    if let Some(example) = moved.strangers.first() {
        let count = moved.strangers.len();
        print::note(format_args!(
            "warning: below {url} there is something that is not Clearspan's: {count} objects or folders, such as {example}; they were \
             left alone"
        ));
    }
    if moved.files == 0 {
        print::line(format_args!(
            "There was nothing left to move: all segments of {from} are in {to}. Start the server {start}"
        ))?;
        return Ok(());
    }
    print::line(format_args!(
        "Moved {} files with {} KiB from {from} to {to}, and read all of them there. Start the server {start}",
        moved.files,
        moved.bytes.div_ceil(1024)
    ))?;
    Ok(())
}

/// The bucket keeps a copy of it, without which a new folder would show no project.
fn refuse_lost_catalog(settings: &Settings) -> anyhow::Result<()> {
    let own = Settings { object_store: None, ..settings.clone() };
    match own.catalog_state(None)? {
        CatalogState::Lost => anyhow::bail!(settings.lost_catalog()),
        CatalogState::Present | CatalogState::InBucket | CatalogState::New => Ok(()),
    }
}

/// Tells each tenth of the way.
#[derive(Debug, Default)]
struct Progress {
    tenths: u64,
}

impl Progress {
    fn tell(&mut self, done: u64, all: u64) {
        let tenths = (done * 10).checked_div(all).unwrap_or(10);
        if tenths > self.tenths {
            self.tenths = tenths;
            print::note(format_args!("{} of {} MiB", done >> 20, all.div_ceil(1 << 20)));
        }
    }
}
