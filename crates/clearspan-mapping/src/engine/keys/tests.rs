use super::*;
use crate::dialects::{LLAMA_INDEX_EVENTS, TABLE};

#[test]
fn every_prefix_of_a_key_has_a_place() {
    for table in [&TABLE, &LLAMA_INDEX_EVENTS] {
        for key in table.all_keys() {
            let begin = |prefix: &&&str| key.starts_with(**prefix);
            let nested = table.prefixes.keys().filter(begin).count();
            assert!(nested <= MAX_FAMILIES, "{key} has {nested} prefixes");
            assert_eq!(Facts::of(key, table).families().count(), nested, "{key}");
        }
    }
}
