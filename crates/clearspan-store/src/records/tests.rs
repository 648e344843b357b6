use super::*;
use crate::testing::build::{at, json, log, point, project};

/// Each change makes another record, and none of two makes the same.
#[test]
fn every_part_of_a_log_record_is_part_of_its_identity() {
    let changes: [fn(&mut LogRecord); 14] = [
        |_| (),
        |record| record.project_id = project(9),
        |record| record.time = at(77),
        |record| record.observed_time = Some(at(1)),
        |record| record.trace_id = None,
        |record| record.span_id = None,
        |record| record.severity = Some(1),
        |record| record.severity_text = Some("x".to_owned()),
        |record| record.event_name = Some("x".to_owned()),
        |record| record.body = None,
        |record| record.attributes = BTreeMap::from([("x".to_owned(), json("1"))]),
        |record| record.sender.service = Some("x".to_owned()),
        |record| record.sender.scope_name = Some("x".to_owned()),
        |record| record.sender.resource = BTreeMap::from([("x".to_owned(), json("1"))]),
    ];
    let ids: BTreeSet<RecordId> = changes
        .iter()
        .map(|change| {
            let mut record = log(1, "body");
            change(&mut record);
            log_id(&record)
        })
        .collect();
    assert_eq!(ids.len(), changes.len());
    let mut again = log(1, "body");
    again.received_at = at(99_999);
    assert_eq!(log_id(&again), log_id(&log(1, "body")));
}

#[test]
fn every_part_of_a_point_is_part_of_its_identity() {
    let changes: [fn(&mut MetricPoint); 12] = [
        |_| (),
        |point| point.name = "y".to_owned(),
        |point| point.unit = Some("x".to_owned()),
        |point| point.kind = clearspan_model::MetricKind::Sum,
        |point| point.monotonic = true,
        |point| point.start_time = Some(at(1)),
        |point| point.value = Some(Number::Double(1.0)),
        |point| point.value = Some(Number::Int(2)),
        |point| point.count = Some(1),
        |point| point.sum = Some(1.0),
        |point| point.min = Some(1.0),
        |point| point.distribution = Some(Distribution::Quantiles(vec![(0.5, 1.0)])),
    ];
    let ids: BTreeSet<RecordId> = changes
        .iter()
        .map(|change| {
            let mut point = point("x", 1, 1);
            change(&mut point);
            point_id(&point)
        })
        .collect();
    assert_eq!(ids.len(), changes.len());
}

/// Ids are stored: a change of the hash would make every record that is sent again a new one.
#[test]
fn ids_never_change() {
    let ids = [log_id(&log(1, "body")).0, point_id(&point("x", 1, 1)).0].map(|id| format!("{id:032x}"));
    assert_eq!(ids, ["5392dfbd919787a5dd9d1fb798f792c3", "5cd344151755aba4701267c22a98ace0"]);
}

#[test]
fn a_text_is_found_in_any_case_and_inside_of_json() {
    let needle = Needle::new("ÜBER");
    assert!(needle.is_in(Some(&json(r#""ganz über""#)), None));
    assert!(needle.is_in(Some(&json(r#"{"a":["Über"]}"#)), None));
    assert!(needle.is_in(None, Some("überlauf")));
    assert!(!needle.is_in(Some(&json("1")), Some("uber")));
    assert!(!needle.is_in(None, None));
}
