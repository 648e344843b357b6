use super::*;

#[test]
fn only_what_two_sources_cover_can_repeat() {
    let none: [(i64, i64); 0] = [];
    assert_eq!(covered_twice(vec![]), none);
    assert_eq!(covered_twice(vec![(0, 9), (10, 19)]), none);
    assert_eq!(covered_twice(vec![(5, 15), (0, 9), (20, 30)]), [(5, 9)]);
    assert_eq!(covered_twice(vec![(0, 9), (9, 20)]), [(9, 9)]);
    assert_eq!(covered_twice(vec![(0, 100), (10, 20), (15, 30), (50, 60)]), [(10, 30), (50, 60)]);
    let shared = [(10, 30), (50, 60)];
    let inside: Vec<i64> =
        [9, 10, 30, 31, 49, 55, 61].into_iter().filter(|time| is_in(&shared, *time)).collect();
    assert_eq!(inside, [10, 30, 55]);
}

#[test]
fn a_page_keeps_the_first_rows_in_either_order() {
    for (oldest_first, expected) in [(true, [1, 2, 3]), (false, [9, 8, 7])] {
        let mut page = Page::new(3, oldest_first);
        for number in [5_u8, 1, 9, 1, 2, 8, 3, 7, 9] {
            let (time, id) = (UnixNanos::from_nanos(number.into()), RecordId(number.into()));
            if page.wants(time, id) {
                page.add(time, id, number);
            }
        }
        assert!(page.wants_any(0, 10));
        assert!(!page.wants_any(4, 6));
        assert_eq!(page.finish().into_iter().map(|(_, number)| number).collect::<Vec<_>>(), expected);
    }
}
