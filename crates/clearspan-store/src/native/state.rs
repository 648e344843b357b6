//! What the engine knows now, shared between the threads that change it and the readers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clearspan_model::{ErrorKind, TraceId};
use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;
use tokio::sync::watch;

use super::hot::{RowRef, Tier, View};
use super::manifest::Manifest;
use super::segment::Segment;
use super::{NativeConfig, paths};
use crate::error::Context;
use crate::schema::Col;
use crate::{Error, Result};

/// How long a write waits for room before it is refused.
const ROOM_TIMEOUT: Duration = Duration::from_secs(10);

/// The dead rows of each segment that has any.
pub(crate) type DeadRows = FxHashMap<u64, Arc<RoaringBitmap>>;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: NativeConfig,
    pub(crate) state: RwLock<State>,
    /// The manifest on disk. Only the applier thread changes it.
    pub(crate) manifest: Mutex<Manifest>,
    /// Why writes are refused for good; set once.
    poison: OnceLock<String>,
    /// Bytes in the hot tier.
    pub(crate) pressure: watch::Sender<usize>,
}

/// The state that readers see.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Takes writes.
    pub(crate) active: Tier,
    /// On its way to a segment.
    pub(crate) frozen: Option<Tier>,
    pub(crate) segments: Arc<Vec<Arc<Segment>>>,
    pub(crate) dead: DeadRows,
}

/// One moment of the store, for a reader.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The batches of the hot tier.
    pub(crate) hot: View,
    /// When only one trace is wanted: its rows in `hot`; `None` means that all rows count.
    pub(crate) hot_rows: Option<Vec<RowRef>>,
    pub(crate) segments: Arc<Vec<Arc<Segment>>>,
    pub(crate) dead: DeadRows,
}

impl Shared {
    /// Reads the manifest and lists the segments. The log is replayed later.
    pub(crate) fn load(config: NativeConfig) -> Result<Self> {
        let (log_dir, segment_dir) = (paths::log_dir(&config.dir), paths::segment_dir(&config.dir));
        for dir in [&log_dir, &segment_dir] {
            std::fs::create_dir_all(dir)
                .context(ErrorKind::Unavailable, || format!("making {}", dir.display()))?;
        }
        let manifest = match Manifest::load(&config.dir)
            .context(ErrorKind::Corrupt, || "reading the manifest".into())?
        {
            Some(manifest) => manifest,
            None => {
                refuse_orphans(&segment_dir)?;
                Manifest::default()
            }
        };
        let mut state = State::default();
        let mut segments = Vec::new();
        for entry in &manifest.segments {
            let segment = Segment::new(&segment_dir, entry);
            if !segment.path().exists() {
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    format!("segment {} is in the manifest but its file is missing", entry.number),
                ));
            }
            segments.push(Arc::new(segment));
            if !entry.dead.is_empty() {
                state.dead.insert(entry.number, Arc::new(entry.dead.clone()));
            }
        }
        state.segments = Arc::new(segments);
        Ok(Self {
            config,
            state: RwLock::new(state),
            manifest: Mutex::new(manifest),
            poison: OnceLock::new(),
            pressure: watch::Sender::new(0),
        })
    }

    /// Refuses writes from now on. Reads go on.
    pub(crate) fn poison(&self, why: &dyn std::error::Error) {
        let mut text = why.to_string();
        let mut cause = why.source();
        while let Some(deeper) = cause {
            text = format!("{text}: {deeper}");
            cause = deeper.source();
        }
        tracing::error!(reason = %text, "the store refuses writes until it is restarted");
        // The first reason is the one that matters.
        let _first = self.poison.set(text);
    }

    pub(crate) fn check_writable(&self) -> Result<()> {
        match self.poison.get() {
            None => Ok(()),
            Some(why) => Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "the store is read-only since a write failed ({why}); restart clearspan after mending it"
                ),
            )),
        }
    }

    /// Waits while the hot tier is full.
    pub(crate) async fn wait_for_room(&self) -> Result<()> {
        let limit = self.config.memory_bytes.get();
        let mut pressure = self.pressure.subscribe();
        let room = pressure.wait_for(|bytes| *bytes < limit);
        match tokio::time::timeout(ROOM_TIMEOUT, room).await {
            Ok(_) => self.check_writable(),
            Err(_) => {
                Err(Error::new(ErrorKind::Overloaded, "the disk cannot keep up with what arrives; try again"))
            }
        }
    }

    pub(crate) fn update_pressure(&self, state: &State) {
        let bytes = state.active.bytes() + state.frozen.as_ref().map_or(0, Tier::bytes);
        self.pressure.send_replace(bytes);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.state.read().snapshot()
    }

    /// A snapshot that knows where the rows of one trace are.
    pub(crate) fn trace_snapshot(&self, trace_id: TraceId) -> Snapshot {
        let state = self.state.read();
        let mut snapshot = state.snapshot();
        let frozen_batches = state.frozen.as_ref().map_or(0, |tier| tier.view().len());
        let offset = u32::try_from(frozen_batches).expect("far fewer batches than 2^32");
        let mut rows = state.frozen.as_ref().map_or_else(Vec::new, |tier| tier.trace_rows(trace_id));
        let active = state.active.trace_rows(trace_id).into_iter();
        rows.extend(active.map(|place| RowRef { batch: place.batch + offset, row: place.row }));
        snapshot.hot_rows = Some(rows);
        snapshot
    }

    /// A snapshot in which every run of the hot tier knows whether it is billed.
    pub(crate) fn settled_snapshot(&self) -> Result<Snapshot> {
        let mut state = self.state.write();
        state.active.settle()?;
        if let Some(frozen) = &mut state.frozen {
            frozen.settle()?;
        }
        Ok(state.snapshot())
    }
}

impl State {
    fn snapshot(&self) -> Snapshot {
        let mut hot = self.frozen.as_ref().map_or_else(Vec::new, Tier::view);
        hot.extend(self.active.view());
        Snapshot { hot, hot_rows: None, segments: Arc::clone(&self.segments), dead: self.dead.clone() }
    }

    /// Marks a row of a segment as dead.
    pub(crate) fn bury(&mut self, segment: u64, row: u32) {
        Arc::make_mut(self.dead.entry(segment).or_default()).insert(row);
    }
}

impl Snapshot {
    /// The rows of the hot tier that may matter, grouped by batch: all living ones, or those of one trace.
    pub(crate) fn hot_places(&self) -> Vec<RowRef> {
        if let Some(rows) = &self.hot_rows {
            return rows.clone();
        }
        let mut places = Vec::new();
        for (batch, hot) in (0_u32..).zip(&self.hot) {
            let rows = u32::try_from(hot.batch.column(Col::run_id as usize).len()).expect("a batch is small");
            places.extend(
                (0..rows)
                    .filter(|row| hot.dead.as_ref().is_none_or(|dead| !dead.contains(*row)))
                    .map(|row| RowRef { batch, row }),
            );
        }
        places
    }
}

/// Segments without a manifest mean that the manifest was lost: starting empty would hide the data.
fn refuse_orphans(segment_dir: &std::path::Path) -> Result<()> {
    let numbers =
        paths::segment_numbers(segment_dir).context(ErrorKind::Unavailable, || "listing segments".into())?;
    // A crash before the very first manifest leaves at most the segment that was being written.
    match numbers.as_slice() {
        [] | [1] => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Corrupt,
            format!("{} segments exist but the manifest is missing; restore it from a backup", numbers.len()),
        )),
    }
}
