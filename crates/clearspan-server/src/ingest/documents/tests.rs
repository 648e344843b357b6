use serde_json::json;

use super::*;
use crate::ingest::Budget;

fn now() -> UnixNanos {
    UnixNanos::from_nanos(1_700_000_000_000_000_000)
}

fn tell(text: String, budget: &Budget) -> Result<Telling, IngestError> {
    let mut telling = Telling::new(budget.reservation());
    telling.tell(&Sent::Batch(text), now())?;
    Ok(telling)
}

fn batch(count: usize) -> String {
    let runs: Vec<_> = (1..=count as u128).map(|n| json!({ "id": uuid::Uuid::from_u128(n) })).collect();
    json!({ "post": runs }).to_string()
}

#[test]
fn runs_are_charged_with_what_they_take() {
    let budget = Budget::new(64 << 20);
    let telling = tell(batch(1_000), &budget).unwrap();
    assert_eq!(telling.told.len(), 1_000);
    let taken = budget.reservation().bytes_of_all();
    assert!(taken >= 1_000 * (2 * size_of::<Told>() - 100), "{taken}");
    assert_eq!(
        tell(batch(1_000), &Budget::new(1 << 20)).err().map(|err| err.kind),
        Some(ErrorKind::TooLarge)
    );
    let mut others = budget.reservation();
    others.grow_to((64 << 20) - taken).unwrap();
    assert_eq!(tell(batch(1_000), &budget).err().map(|err| err.kind), Some(ErrorKind::Overloaded));
}

#[test]
fn a_run_that_is_mostly_text_is_charged_once() {
    let budget = Budget::new(4 << 20);
    let mut reservation = budget.reservation();
    let run = json!({ "id": uuid::Uuid::from_u128(1), "inputs": { "text": "x".repeat(3 << 20) } });
    let text = json!({ "post": [run] }).to_string();
    reservation.grow_to(text.len()).unwrap();
    let mut telling = Telling::new(reservation);
    telling.tell(&Sent::Batch(text), now()).unwrap();
    assert_eq!(telling.told.len(), 1);
}

#[test]
fn of_many_runs_that_cannot_be_used_little_is_kept() {
    let budget = Budget::new(1 << 20);
    let telling = tell(format!(r#"{{"post": [{}]}}"#, vec!["{}"; MAX_BATCH].join(",")), &budget).unwrap();
    assert_eq!((telling.problems.count(), telling.problems.told().len()), (MAX_BATCH as u64, 100));
    let err = tell(format!(r#"{{"patch": [{}]}}"#, vec!["1"; MAX_BATCH + 1].join(",")), &budget).err();
    assert!(
        err.is_some_and(|err| err.kind == ErrorKind::TooLarge && err.message.contains("smaller batches"))
    );
}
