//! What the applier makes durable besides segments: the manifest, the tombstones, and which files of the log can go.

use std::sync::Arc;

use clearspan_model::ErrorKind;

use super::Applier;
use crate::Result;
use crate::error::Context;
use crate::native::hot::RowRef;
use crate::native::log::LogSeq;
use crate::native::manifest::Manifest;
use crate::native::{flush, paths, tombstone_file};

impl Applier {
    /// Makes it durable that a segment is part of the store. Returns its rows that died since its tier was closed.
    pub(super) fn store_manifest(&self, flushed: &flush::Flushed) -> Result<Vec<RowRef>> {
        let (killed, replaced) = {
            let state = self.shared.state.read();
            let frozen = state.frozen.as_ref().expect("a flush has a frozen tier");
            (frozen.killed_since(&flushed.view), frozen.replaced.clone())
        };
        let mut manifest = self.shared.manifest.lock().clone();
        manifest.applied_seq = flushed.applied.0;
        for (number, row) in replaced {
            if let Some(entry) = manifest.segments.iter_mut().find(|entry| entry.number == number) {
                entry.dead.insert(row);
            }
        }
        for segment in self.shared.state.read().segments.iter().filter(|segment| segment.is_passed_over()) {
            if let Some(entry) = manifest.segments.iter_mut().find(|entry| entry.number == segment.number) {
                entry.passed_over = true;
            }
        }
        manifest.segments.extend(flushed.written.as_ref().map(|written| written.entry.clone()));
        manifest.logs.extend(flushed.logs.as_ref().map(|file| file.entry.clone()));
        manifest.points.extend(flushed.points.as_ref().map(|file| file.entry.clone()));
        self.store_tombstones(&mut manifest)?;
        manifest.next_segment = self.shared.next_number();
        self.keep_manifest(manifest)?;
        // Only this thread adds tombstones, so none came since.
        self.shared.state.write().tombstones_changed = false;
        Ok(killed)
    }

    /// Writes the manifest as it is. `purged` says that nothing of what was deleted up to this record is in any file; without it,
    /// the tombstones are written anew as well: what the disk has of them may be damaged.
    pub(super) fn write_manifest(&self, purged: Option<LogSeq>) -> Result<()> {
        let mut manifest = self.shared.manifest.lock().clone();
        match purged {
            Some(seq) => manifest.purged_seq = manifest.purged_seq.max(seq.0),
            None => {
                self.shared.state.write().tombstones_changed = true;
                self.store_tombstones(&mut manifest)?;
            }
        }
        manifest.next_segment = self.shared.next_number();
        self.keep_manifest(manifest)?;
        if purged.is_none() {
            self.shared.state.write().tombstones_changed = false;
            self.remove_old_tombstones();
        }
        let applied = LogSeq(self.shared.manifest.lock().applied_seq);
        self.remove_covered_logs(applied);
        Ok(())
    }

    fn keep_manifest(&self, manifest: Manifest) -> Result<()> {
        manifest
            .store(&*self.shared.disk, &self.shared.config.dir)
            .context(ErrorKind::Unavailable, || "writing the manifest".into())?;
        *self.shared.manifest.lock() = manifest;
        Ok(())
    }

    /// Writes the tombstones to a new file, when they are not what the manifest's file has.
    fn store_tombstones(&self, manifest: &mut Manifest) -> Result<()> {
        let mut state = self.shared.state.write();
        if !state.tombstones.is_empty() {
            let forgot = Arc::make_mut(&mut state.tombstones).forget(self.newest, manifest.purged_seq);
            state.tombstones_changed |= forgot;
        }
        if !state.tombstones_changed {
            return Ok(());
        }
        let tombstones = Arc::clone(&state.tombstones);
        drop(state);
        manifest.tombstones = (!tombstones.is_empty()).then(|| self.shared.take_number());
        if let Some(number) = manifest.tombstones {
            tombstone_file::store(&*self.shared.disk, &self.shared.config.dir, number, &tombstones)?;
        }
        Ok(())
    }

    /// Removes the files of tombstones that the manifest no longer names. One that stays costs room only.
    pub(super) fn remove_old_tombstones(&self) {
        let named = self.shared.manifest.lock().tombstones;
        let removed = tombstone_file::remove_others(&*self.shared.disk, &self.shared.config.dir, named);
        if let Err(err) = removed {
            tracing::warn!(error = %err, "old tombstones cannot be removed");
        }
    }

    /// Removes the log files of which every record is in a segment. One that stays costs room only, and the next flush
    /// tries again.
    pub(super) fn remove_covered_logs(&self, applied: LogSeq) {
        let dir = paths::log_dir(&self.shared.config.dir);
        let mut files = self.log_files.lock();
        while let [(number, _), (_, next_first), ..] = files.as_slice()
            && *next_first <= applied.0 + 1
        {
            if let Err(err) = self.shared.disk.remove(&paths::log_file(&dir, *number)) {
                tracing::warn!(file = number, error = %err, "a log file that is not needed cannot be removed");
                return;
            }
            files.remove(0);
        }
    }
}
