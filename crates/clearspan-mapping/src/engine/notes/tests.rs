use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// So many that the short lists and the long ones are both met.
fn changes() -> impl Strategy<Value = Vec<(String, String, u8)>> {
    proptest::collection::vec(("[a-j]{1,2}", "[xyz]", 0..8_u8), 0..150)
}

proptest! {
    #[test]
    fn the_first_source_of_a_field_stays(changes in changes()) {
        let mut notes = Notes::default();
        let mut map: BTreeMap<Name, Name> = BTreeMap::new();
        for (field, source, change) in changes {
            let (field, source) = (Name::Owned(field), Name::Owned(source));
            match change {
                0 => prop_assert_eq!(notes.remove(&field), map.remove(&field)),
                1 => {
                    notes.replace(field.clone(), source.clone());
                    map.insert(field.clone(), source);
                }
                _ => {
                    notes.note(field.clone(), source.clone());
                    map.entry(field.clone()).or_insert(source);
                }
            }
            prop_assert_eq!(notes.get(&field), map.get(&field).map(AsRef::as_ref));
        }
        prop_assert_eq!(notes.finish(), map.into_iter().collect::<Sources>());
    }

    /// Whatever stands in the table, a run gets what its own notes say.
    #[test]
    fn sharing_changes_nothing(runs in proptest::collection::vec(changes(), 1..20)) {
        let shared = SharedSources::default();
        for run in runs.iter().chain(&runs) {
            let mut notes = Notes::of(&Sources::default(), shared.spare());
            let mut alone = Notes::default();
            for (field, source, _) in run {
                notes.note(field.clone().into(), source.clone().into());
                alone.note(field.clone().into(), source.clone().into());
            }
            prop_assert_eq!(shared.finish(notes), alone.finish());
        }
    }
}

#[test]
fn the_same_notes_share_one_list() {
    let shared = SharedSources::default();
    let finish = |field: &'static str| {
        let mut notes = Notes::of(&Sources::default(), shared.spare());
        notes.note("model".into(), "gen_ai.request.model".into());
        notes.note(field.into(), "x".into());
        let sources = shared.finish(notes);
        let first = sources.names().next().map(|(field, _)| std::ptr::from_ref(field));
        (sources, first)
    };
    let ((one, first), (same, second), (other, third)) = (finish("name"), finish("name"), finish("tags"));
    assert_eq!((one.len(), &one, first), (2, &same, second));
    assert!(other != one && third != first);
}

#[test]
fn long_notes_are_not_kept() {
    let shared = SharedSources::default();
    let finish = || {
        let mut notes = Notes::of(&Sources::default(), shared.spare());
        notes.note("x".repeat(MAX_BYTES).into(), "y".into());
        shared.finish(notes)
    };
    let (first, second) = (finish(), finish());
    let place = |sources: &Sources| sources.names().next().map(std::ptr::from_ref);
    assert!(first == second && place(&first) != place(&second));
    assert!(shared.slots.iter().all(|slot| slot.borrow().0.is_empty()));
}
