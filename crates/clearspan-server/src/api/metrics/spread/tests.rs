use super::*;

fn explicit(bounds: &[f64], counts: &[u64]) -> Distribution {
    Distribution::Explicit { bounds: bounds.to_vec(), counts: counts.to_vec() }
}

fn exponential(scale: i32, offset: i32, counts: &[u64]) -> Distribution {
    Distribution::Exponential {
        scale,
        zero_count: 0,
        zero_threshold: 0.0,
        positive: Buckets { offset, counts: counts.to_vec() },
        negative: Buckets::default(),
    }
}

fn check(spread: &Spread, expected: &[(f64, f64)]) {
    for (share, value) in expected {
        let found = spread.percentile(*share).unwrap();
        assert!((found - value).abs() < 1e-9, "{share}: {found} instead of {value}");
    }
}

#[test]
fn percentiles_lie_between_the_bounds_of_their_bucket() {
    let even = Spread::of(&explicit(&[0.0, 10.0, 20.0], &[0, 5, 5, 0]), Extent::default());
    check(&even, &[(0.0, 0.0), (0.5, 10.0), (0.25, 5.0), (0.95, 19.0), (1.0, 20.0)]);
    let gap = Spread::of(&explicit(&[0.0, 10.0, 20.0, 30.0], &[0, 1, 0, 1, 0]), Extent::default());
    check(&gap, &[(0.5, 10.0), (0.75, 25.0)]);
}

#[test]
fn open_buckets_end_at_what_is_known() {
    let open = explicit(&[10.0, 20.0], &[4, 0, 4]);
    check(&Spread::of(&open, Extent::default()), &[(0.25, 5.0), (0.9, 20.0)]);
    let extent = Extent { min: Some(8.0), max: Some(40.0) };
    check(&Spread::of(&open, extent), &[(0.0, 8.0), (0.25, 9.0), (0.75, 30.0), (1.0, 40.0)]);
    // The extremes narrow closed buckets, too.
    let extent = Extent { min: Some(12.0), max: Some(14.0) };
    check(
        &Spread::of(&explicit(&[10.0, 20.0], &[0, 4, 0]), extent),
        &[(0.0, 12.0), (0.5, 13.0), (1.0, 14.0)],
    );
    let negative = Spread::of(&explicit(&[-5.0], &[2, 0]), Extent::default());
    check(&negative, &[(0.5, -5.0)]);
}

#[test]
fn one_bucket_for_everything_tells_only_the_extremes() {
    assert_eq!(Spread::of(&explicit(&[], &[7]), Extent::default()).percentile(0.5), None);
    let extent = Extent { min: Some(2.0), max: Some(4.0) };
    check(&Spread::of(&explicit(&[], &[7]), extent), &[(0.5, 3.0)]);
    assert_eq!(Spread::default().percentile(0.5), None);
}

#[test]
fn exponential_buckets_double_at_scale_zero() {
    // (2, 4] and (4, 8].
    check(
        &Spread::of(&exponential(0, 1, &[10, 10]), Extent::default()),
        &[(0.25, 3.0), (0.5, 4.0), (0.75, 6.0)],
    );
    // Scale 1: bounds are powers of the square root of two; index 2 is (2, 2√2].
    check(&Spread::of(&exponential(1, 2, &[1]), Extent::default()), &[(0.0, 2.0), (1.0, 8f64.sqrt())]);
    // Scale -1: powers of four; index -1 is (1/4, 1].
    check(&Spread::of(&exponential(-1, -1, &[1]), Extent::default()), &[(0.0, 0.25), (1.0, 1.0)]);
    let both = Distribution::Exponential {
        scale: 0,
        zero_count: 2,
        zero_threshold: 0.5,
        positive: Buckets { offset: 0, counts: vec![1] },
        negative: Buckets { offset: 0, counts: vec![1] },
    };
    check(
        &Spread::of(&both, Extent::default()),
        &[(0.0, -2.0), (0.25, -1.0), (0.5, 0.0), (0.75, 0.5), (1.0, 2.0)],
    );
}

#[test]
fn histograms_of_different_bounds_add_up() {
    let mut spread = Spread::of(&explicit(&[0.0, 10.0], &[0, 10, 0]), Extent::default());
    spread.merge(&Spread::of(&explicit(&[5.0, 15.0], &[0, 10, 0]), Extent::default()));
    check(&spread, &[(0.25, 5.0), (0.5, 7.5), (0.75, 10.0), (1.0, 15.0)]);
}

#[test]
fn absurd_bounds_do_no_harm() {
    let spread = Spread::of(&exponential(-10, i32::MAX - 2, &[1, 1]), Extent::default());
    assert!(spread.percentile(0.5).is_some_and(f64::is_finite));
    let spread = Spread::of(&explicit(&[f64::NAN, f64::INFINITY], &[1, 1, 1]), Extent::default());
    assert!(spread.percentile(0.5).is_none_or(f64::is_finite));
}

#[test]
fn what_grew_is_the_difference() {
    let bounds = [1.0, 2.0];
    assert_eq!(
        growth(&explicit(&bounds, &[1, 1, 0]), &explicit(&bounds, &[3, 1, 5])),
        Some(explicit(&bounds, &[2, 0, 5]))
    );
    for anew in [explicit(&bounds, &[0, 4, 4]), explicit(&[1.0, 3.0], &[3, 3, 3]), explicit(&[1.0], &[3, 3])]
    {
        assert_eq!(growth(&explicit(&bounds, &[1, 1, 0]), &anew), None, "{anew:?}");
    }
    assert_eq!(
        growth(&exponential(0, 1, &[1, 2]), &exponential(0, 0, &[4, 1, 2])),
        Some(exponential(0, 0, &[4, 0, 0]))
    );
}

#[test]
fn buckets_that_were_joined_are_compared_as_joined() {
    // Scale 1, indexes 2 and 3 are the bucket (2, 4] of scale 0: index 1. Index -1 >> 1 is -1.
    assert_eq!(growth(&exponential(1, 2, &[1, 2]), &exponential(0, 1, &[5])), Some(exponential(0, 1, &[2])));
    assert_eq!(growth(&exponential(1, -1, &[1]), &exponential(0, -1, &[1])), Some(exponential(0, -1, &[0])));
    assert_eq!(
        growth(&exponential(0, 1, &[1]), &exponential(1, 2, &[1, 1])),
        None,
        "a scale that rose is a new start"
    );
    assert_eq!(growth(&exponential(0, 1, &[1]), &exponential(0, 2, &[9])), None, "what was there is gone");
}
