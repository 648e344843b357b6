use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn sources_are_a_map(pairs in proptest::collection::vec(("[a-cé]{0,2}", "[xyz]"), 0..20), asked in "[a-cé]{0,2}") {
        let pairs = pairs.into_iter().map(|(field, source)| (Name::Owned(field), Name::Owned(source)));
        let map: BTreeMap<Name, Name> = pairs.clone().collect();
        let sources: Sources = pairs.collect();
        prop_assert_eq!(sources.get(&asked), map.get(asked.as_str()).map(AsRef::as_ref));
        let expected: Vec<_> = map.iter().map(|(field, source)| (field.as_ref(), source.as_ref())).collect();
        prop_assert_eq!(sources.iter().collect::<Vec<_>>(), expected);
        prop_assert_eq!((sources.len(), sources.is_empty()), (map.len(), map.is_empty()));
        prop_assert_eq!(&sources.clone().into_map(), &map);
        prop_assert_eq!(&map.clone().into_iter().collect::<Sources>(), &sources);
        let mut noted = Sources::default();
        for (field, source) in &map {
            noted.note(field.clone(), source.clone());
            noted.note(field.clone(), "another");
        }
        prop_assert_eq!(noted, sources);
    }
}
