use proptest::prelude::*;

use super::*;

/// Names of which some are the beginning of others, and some differ only after their first bytes.
fn name() -> impl Strategy<Value = String> {
    "(|metadata|metadata\\.|inputs|usage)[a-c\0é]{0,3}"
}

proptest! {
    #[test]
    fn the_first_source_of_a_field_stays(notes in proptest::collection::vec((name(), "[xyz]", any::<bool>()), 0..40)) {
        let mut sources = Sources::default();
        let mut map: BTreeMap<Name, Name> = BTreeMap::new();
        for (field, source, is_gone) in notes {
            if is_gone {
                prop_assert_eq!(sources.remove(&field), map.remove(field.as_str()));
            } else {
                sources.note(field.clone(), source.clone());
                map.entry(field.clone().into()).or_insert(source.into());
            }
            prop_assert_eq!(sources.get(&field), map.get(field.as_str()).map(AsRef::as_ref));
        }
        let expected: Vec<_> = map.iter().map(|(field, source)| (field.as_ref(), source.as_ref())).collect();
        prop_assert_eq!(sources.iter().collect::<Vec<_>>(), expected);
        prop_assert_eq!(&sources.begin(), &sources);
        prop_assert_eq!(map.into_iter().collect::<Sources>(), sources);
    }
}
