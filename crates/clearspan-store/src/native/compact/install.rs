//! Putting what was rewritten in the place of what it was made from. Only the applier does this.

use std::sync::Arc;

use clearspan_model::ErrorKind;

use super::Step;
use super::rewrite::{Moved, NewFile, NewSegment};
use crate::error::Context;
use crate::native::manifest::Manifest;
use crate::native::paths;
use crate::native::records::{FileEntry, RecordColumn, RecordFile};
use crate::native::segment::Segment;
use crate::native::state::{Shared, State};
use crate::schema::logs::LogCol;
use crate::schema::points::PointCol;
use crate::{Error, Result};

/// What the thread that compacts has made.
#[derive(Debug)]
pub(in crate::native) enum Rewritten {
    Runs(NewSegment),
    Logs(NewFile<LogCol>),
    Points(NewFile<PointCol>),
}

/// Makes it part of the store. When this fails, the store is as it was; the new file must stay until the next start,
/// because the manifest on disk may name it.
pub(in crate::native) fn install(shared: &Shared, rewritten: Rewritten) -> Result<()> {
    match rewritten {
        Rewritten::Runs(new) => replace_segments(shared, new),
        Rewritten::Logs(new) => replace_files(shared, new),
        Rewritten::Points(new) => replace_files(shared, new),
    }
}

fn replace_segments(shared: &Shared, new: NewSegment) -> Result<()> {
    let NewSegment { inputs, mut entry, .. } = new;
    let mut manifest = shared.manifest.lock().clone();
    for moved in &inputs {
        let old = manifest.segments.iter().find(|old| old.number == moved.number).ok_or_else(gone)?;
        if let Some(entry) = &mut entry {
            entry.dead |= moved.died(&old.dead);
        }
    }
    replace_entries(&mut manifest.segments, entry.clone(), |old| {
        inputs.iter().any(|moved| moved.number == old.number)
    });
    let manifest = store(shared, manifest)?;
    *shared.manifest.lock() = manifest;

    let segment_dir = paths::segment_dir(&shared.config.dir);
    let mut state = shared.state.write();
    let number = entry.as_ref().map(|entry| entry.number);
    let dead = inputs.iter().filter_map(|moved| Some(moved.died(state.dead.get(&moved.number)?)));
    let dead = dead
        .fold(entry.as_ref().map(|entry| entry.dead.clone()).unwrap_or_default(), |all, of_one| all | of_one);
    for moved in &inputs {
        state.dead.remove(&moved.number);
    }
    if let Some(number) = number {
        if !dead.is_empty() {
            state.dead.insert(number, Arc::new(dead));
        }
        let State { active, frozen, .. } = &mut *state;
        for tier in frozen.iter_mut().chain([active]) {
            follow(&mut tier.replaced, &inputs, number);
        }
    }
    let segments = Arc::make_mut(&mut state.segments);
    let (old, _): (Vec<Arc<Segment>>, Vec<Arc<Segment>>) = segments
        .iter()
        .cloned()
        .partition(|segment| inputs.iter().any(|moved| moved.number == segment.number));
    replace_entries(
        segments,
        entry.as_ref().map(|entry| Arc::new(Segment::new(&shared.disk, &shared.cache, &segment_dir, entry))),
        |old| inputs.iter().any(|moved| moved.number == old.number),
    );
    state.search.poke();
    drop(state);
    shared.at(Step::Installed);
    old.iter().for_each(|segment| segment.condemn());
    Ok(())
}

/// Rows that a tier replaces and that were rewritten meanwhile: where they are now.
fn follow(replaced: &mut Vec<(u64, u32)>, inputs: &[Moved], number: u64) {
    replaced.retain_mut(|(segment, row)| {
        let Some(moved) = inputs.iter().find(|moved| moved.number == *segment) else { return true };
        let Some(place) = moved.place(*row) else { return false };
        (*segment, *row) = (number, place);
        true
    });
}

/// A table that only grows: where its files are told of.
trait Kept: RecordColumn {
    fn entries(manifest: &mut Manifest) -> &mut Vec<FileEntry>;
    fn files(state: &mut State) -> &mut Arc<Vec<Arc<RecordFile<Self>>>>;
}

impl Kept for LogCol {
    fn entries(manifest: &mut Manifest) -> &mut Vec<FileEntry> {
        &mut manifest.logs
    }

    fn files(state: &mut State) -> &mut Arc<Vec<Arc<RecordFile<Self>>>> {
        &mut state.log_files
    }
}

impl Kept for PointCol {
    fn entries(manifest: &mut Manifest) -> &mut Vec<FileEntry> {
        &mut manifest.points
    }

    fn files(state: &mut State) -> &mut Arc<Vec<Arc<RecordFile<Self>>>> {
        &mut state.point_files
    }
}

fn replace_files<C: Kept>(shared: &Shared, new: NewFile<C>) -> Result<()> {
    let NewFile { inputs, file, .. } = new;
    let mut manifest = shared.manifest.lock().clone();
    let entries = C::entries(&mut manifest);
    if !inputs.iter().all(|number| entries.iter().any(|entry| entry.number == *number)) {
        return Err(gone());
    }
    replace_entries(entries, file.as_ref().map(|file| file.entry.clone()), |old| {
        inputs.contains(&old.number)
    });
    let manifest = store(shared, manifest)?;
    *shared.manifest.lock() = manifest;

    let mut state = shared.state.write();
    let files = Arc::make_mut(C::files(&mut state));
    let old: Vec<Arc<RecordFile<C>>> =
        files.iter().filter(|file| inputs.contains(&file.entry.number)).cloned().collect();
    replace_entries(files, file.map(Arc::new), |old| inputs.contains(&old.entry.number));
    drop(state);
    shared.at(Step::Installed);
    old.iter().for_each(|file| file.condemn());
    Ok(())
}

/// Puts one in the place of the last of those that go.
fn replace_entries<T>(all: &mut Vec<T>, new: Option<T>, goes: impl Fn(&T) -> bool) {
    if let Some(new) = new {
        let last = all.iter().rposition(&goes).map_or(all.len(), |last| last + 1);
        all.insert(last, new);
    }
    all.retain(|one| !goes(one));
}

fn store(shared: &Shared, mut manifest: Manifest) -> Result<Manifest> {
    shared.at(Step::Written);
    manifest.next_segment = shared.next_number();
    manifest
        .store(&*shared.disk, &shared.config.dir)
        .context(ErrorKind::Unavailable, || "writing the manifest".into())?;
    shared.at(Step::Named);
    Ok(manifest)
}

fn gone() -> Error {
    Error::new(ErrorKind::Conflict, "a file that was rewritten is not part of the store any more")
}
