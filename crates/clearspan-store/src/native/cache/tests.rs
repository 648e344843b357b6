use super::*;

fn blooms() -> Kept {
    Kept::Blooms(Arc::default())
}

#[test]
fn what_was_not_used_for_the_longest_time_goes_first() {
    let cache = SegmentCache::with_limit(100);
    for number in 0..3 {
        cache.keep(number, Part::Blooms, blooms(), 30);
    }
    assert!(cache.get(0, Part::Blooms).is_some(), "used again");
    cache.keep(3, Part::Blooms, blooms(), 30);
    let kept: Vec<u64> = (0..4).filter(|number| cache.get(*number, Part::Blooms).is_some()).collect();
    assert_eq!(kept, [0, 2, 3]);
    assert_eq!(cache.bytes(), 90);
}

#[test]
fn what_is_larger_than_the_limit_is_not_kept() {
    let cache = SegmentCache::with_limit(100);
    cache.keep(1, Part::Blooms, blooms(), 60);
    cache.keep(2, Part::Blooms, blooms(), 101);
    assert!(cache.get(2, Part::Blooms).is_none());
    assert_eq!(cache.bytes(), 0);
}

#[test]
fn keeping_again_does_not_count_twice() {
    let cache = SegmentCache::with_limit(100);
    cache.keep(1, Part::Blooms, blooms(), 60);
    cache.keep(1, Part::Blooms, blooms(), 60);
    assert_eq!(cache.bytes(), 60);
    cache.forget(1, 0);
    assert_eq!(cache.bytes(), 0);
    assert!(cache.get(1, Part::Blooms).is_none());
}

#[test]
fn indexes_are_kept_while_there_is_room() {
    let cache = SegmentCache::with_limit(100);
    assert!(cache.reserve_index(60));
    assert!(!cache.reserve_index(60));
    assert!(cache.reserve_index(40));
    cache.forget(1, 60);
    assert!(cache.reserve_index(60));
}

#[test]
fn another_limit_holds_from_then_on() {
    let cache = SegmentCache::with_limit(3 * LEAST_BYTES);
    for number in 0..3 {
        cache.keep(number, Part::Blooms, blooms(), LEAST_BYTES);
    }
    cache.limit_to(4 * LEAST_BYTES as usize);
    let kept: Vec<u64> = (0..3).filter(|number| cache.get(*number, Part::Blooms).is_some()).collect();
    assert_eq!(kept, [1, 2]);
    assert!(cache.reserve_index(2 * LEAST_BYTES) && !cache.reserve_index(1));
    cache.limit_to(0);
    assert!(cache.get(1, Part::Blooms).is_none());
    assert!(cache.get(2, Part::Blooms).is_some());
}
