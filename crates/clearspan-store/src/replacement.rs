//! Whether a run may take the place of the one that is stored; the same code for every engine.

use clearspan_model::Run;

/// True when nothing was told about the stored run since the new one was made from it.
///
/// Most of what a patch tells changes the versions. What is merged as a set does not, so it must be in the new run.
pub(crate) fn may_replace(stored: &Run, new: &Run) -> bool {
    fn is_part<T: PartialEq>(part: &[T], whole: &[T]) -> bool {
        part.iter().all(|item| whole.contains(item))
    }
    stored.versions == new.versions
        && is_part(&stored.fragments, &new.fragments)
        && is_part(&stored.events, &new.events)
        && is_part(&stored.links, &new.links)
}
